"""Mirror: explorers that look at what a check measures, and so under the settings of that check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as w

from auditkit.runner.front_end import front_end
from auditkit.widgets.explorers.live import Explorer
from auditkit.widgets.parts import said
from auditkit.widgets.timing import Likely, begin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.subject import Subject
    from auditkit.widgets.session import Session

__all__ = ["Mirror", "Since", "apart", "settings_of"]


def settings_of(session: Session, mirrored: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return the settings of checks that an explorer goes by, as they stand in the session.

    Parameters
    ----------
    session : Session
        Whose settings; those of a step's form are the session's.
    mirrored : mapping of str to tuple of str
        By the code of a check, the parameters that are taken from it. A parameter of several checks is taken from the first that the
        session has; one of none is left out, and stays what it is without a session.
    """
    found: dict[str, Any] = {}
    for code, names in mirrored.items():
        known = session.settings.get(code, {})
        for name in names:
            if name in known:
                found.setdefault(name, known[name])
    return found


def apart(under: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return in words how the settings that something was prepared under differ from those of now; empty where they do not."""
    changed = [
        f"{name} was {under.get(name)!r} and is {now.get(name)!r}"
        for name in dict.fromkeys((*under, *now))
        if under.get(name) != now.get(name)
    ]
    return (
        f"This was prepared under other settings: {'; '.join(changed)}. Prepare it again for those of now."
        if changed
        else ""
    )


class Since(w.HTML):  # type: ignore[misc]
    """Where is said that what is shown was prepared under other settings than those of now."""

    def compare(self, under: Mapping[str, Any] | None, now: Mapping[str, Any]) -> None:
        """Say what differs; nothing where nothing does, or nothing was prepared yet and `under` is None."""
        told = "" if under is None else apart(under, now)
        self.value = said(told, kind="ak-problem") if told else ""


class Mirror(Explorer):
    """An explorer under the settings of the checks it mirrors, that says so when these are others than what is shown was prepared under.

    One rule for all: what its own controls say comes first, then the session's settings of the checks in `mirrored`, then what the
    explorer does without a session. `asked` gives them together, and `prepare` is given what it gave when the work began.

    Parameters
    ----------
    session : Session or Subject
        Whose subject is explored, and whose settings are gone by.

    Attributes
    ----------
    under : dict
        What was asked for when that was prepared which is shown; empty before.
    """

    mirrors: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """By the code of a check, the parameters that are taken from its settings."""
    works_as: ClassVar[tuple[str, ...]] = ()
    """Codes of the checks whose work it is to prepare; none where that takes no time to speak of."""

    def __init__(self, session: Session | Subject) -> None:
        self.under: dict[str, Any] = {}
        self._begun: dict[str, Any] = {}
        self.since = Since()
        super().__init__(session)
        self.stage.children = (self.since, *self.stage.children)
        if self.works_as:
            self.timing = Likely(self.session, self.works_as)
            self.children = (*self.children[:-1], self.timing, self.children[-1])
        self.session.observe(self.compare, "settings")

    def first(self, *controls: Any) -> None:
        """Put controls above "Prepare"; one that is changed is compared with what was prepared under."""
        at = self.children.index(self.going)
        self.children = (*self.children[:at], *controls, *self.children[at:])
        for one in controls:
            one.observe(self.compare, "value")

    def _ipython_display_(self) -> None:
        super()._ipython_display_()
        if self.works_as and front_end().mode != "static":
            begin(self.session)

    def mirrored(self) -> Mapping[str, tuple[str, ...]]:
        """Return which parameters of which checks are gone by: `mirrors`, where it does not depend on a control."""
        return self.mirrors

    def asked(self) -> dict[str, Any]:
        """Return the parameters that would be prepared with now; a subclass adds what its own controls say."""
        return settings_of(self.session, self.mirrored())

    def start(self) -> None:
        """Prepare, in a thread, with what is asked for now, whatever is set meanwhile."""
        if not self.work.busy:
            self._begun = self.asked()
        super().start()

    def compare(self, _: Any = None) -> None:
        """Say whether what is shown was prepared under other settings than those of now."""
        self.since.compare(None if self.found is None else self.under, self.asked())

    def _follow(self, change: Any = None) -> None:
        before = self.found
        super()._follow(change)
        if self.found is not before:
            self.under = self._begun
            self.compare()
