"""Shared: settings that several checks of a step declare alike, asked for once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w

from auditkit.errors import InputError
from auditkit.widgets.forms import Control, Field, control
from auditkit.widgets.parts import said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from auditkit.check import Check
    from auditkit.widgets.forms import Form
    from auditkit.widgets.session import Session

__all__ = ["Shared", "alike"]


def alike(checks: Sequence[Check], session: Session) -> dict[str, list[str]]:
    """Return the parameters that at least two checks declare alike and offer the same choice for, with their codes."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(p.name for check in checks for p in check.parameters):
        having = [(c, p) for c in checks for p in c.parameters if p.name == name]
        first, parameter = having[0]
        offered = session.options(first).get(name, ())
        same = [c.code for c, p in having if p == parameter and session.options(c).get(name, ()) == offered]
        if len(same) > 1:
            found[name] = same
    return found


class Shared(w.VBox):  # type: ignore[misc]
    """Controls that set a parameter of several checks at once; a check's own settings can still differ afterwards.

    Parameters
    ----------
    checks : sequence of Check
        Of one step.
    forms : mapping of str to Form
        Theirs, by code; what is set here is set there.
    session : Session
        What the checks are set to, and what the subject offers.
    changed : callable, optional
        Called after a change that fits.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        forms: Mapping[str, Form],
        session: Session,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.of = alike(checks, session)
        self.controls: dict[str, Control] = {}
        self._forms, self._changed = forms, changed
        self._rows: dict[str, Field] = {}
        for name, codes in self.of.items():
            check = next(c for c in checks if c.code == codes[0])
            parameter = next(p for p in check.parameters if p.name == name)
            one = control(parameter, session.settings[check.code][name], session.options(check).get(name, ()))
            self.controls[name] = one
            one.widget.observe(lambda change, at=name: self._spread(at, change["new"]), "value")
            self._rows[name] = Field(one, f"For {len(codes)} of {len(checks)} checks.")
        rows = list(self._rows.values())
        super().__init__([w.HTML(said("Shared settings", tag="h4")), *rows] if rows else [])

    def enable(self, *, on: bool) -> None:
        """Let the controls be changed, or not while checks run."""
        for one in self.controls.values():
            one.widget.disabled = not on

    def take(self) -> None:
        """See that nothing stands here that no check took.

        Raises
        ------
        InputError
            If a value does not fit; it is said beside it too.
        """
        for name, one in self._rows.items():
            if not one.fits():
                raise InputError(f"a shared setting does not fit: {self.controls[name].widget.description}")

    def _spread(self, name: str, value: Any) -> None:
        if not self._rows[name].fits():
            return
        self._changed()
        for code in self.of[name]:
            self._forms[code].controls[name].widget.value = value
