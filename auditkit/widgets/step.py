"""Step: one dimension of the audit, the question, its checks' controls, a run, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import ipywidgets as w

from auditkit.check import DIMENSIONS
from auditkit.errors import InputError
from auditkit.render.text import one_line, words
from auditkit.widgets.explorers import BY_DIMENSION
from auditkit.widgets.forms import MAIN, Form
from auditkit.widgets.parts import note, problem, row, said
from auditkit.widgets.results import Results
from auditkit.widgets.runner import Runner
from auditkit.widgets.shared import Shared
from auditkit.widgets.tabs import Tabs

if TYPE_CHECKING:
    from auditkit.check import Check
    from auditkit.widgets.session import Session

__all__ = ["Step"]

MANY = 3  # checks of a step, beyond which what they share is asked for once and the rest is folded


class Folded(w.VBox):  # type: ignore[misc]
    """What can be folded away, under a button; a header of ipywidgets' Accordion cannot be reached from the keyboard.

    Parameters
    ----------
    name : str
        On the button.
    inner : widget
        What is shown or hidden; shown at first.
    """

    def __init__(self, name: str, inner: Any) -> None:
        self.switch = w.ToggleButton(
            value=True,
            description=name,
            icon="caret-down",
            tooltip=f"Show or hide: {name}",
            layout=w.Layout(width="auto"),
        )
        self.inner = inner
        self.switch.observe(self._turned, "value")
        super().__init__([self.switch, inner])

    def turn(self, *, on: bool) -> None:
        """Show what is within, or hide it."""
        self.switch.value = on

    def _turned(self, change: Any) -> None:
        self.inner.layout.display = "" if change["new"] else "none"
        self.switch.icon = "caret-down" if change["new"] else "caret-right"


class Step(w.VBox):  # type: ignore[misc]
    """One dimension, from the question to the findings.

    Parameters
    ----------
    session : Session
        The model of the view.
    dimension : str
        One of ``session.dimensions``.
    """

    def __init__(self, session: Session, dimension: str) -> None:
        self.session, self.dimension = session, dimension
        self.checks = session.of(dimension)
        self.many = len(self.checks) > MANY
        self.forms = {check.code: self._form(check) for check in self.checks}
        self.chosen = {check.code: self._choice(check) for check in self.checks}
        name = words(dimension)
        tooltip = f"Run the ticked {name} checks"
        self.runner = Runner(session, dimension, label=f"Run {name}", tooltip=tooltip, ready=self.take)
        self.changed, self.results = w.HTML(), Results(session)
        self.shared = Shared(self.checks if self.many else (), self.forms, session, self._mended)
        question = DIMENSIONS.get(dimension) or f"What is there to say on {name}?"
        kinds, target = BY_DIMENSION.get(dimension, ()), cast("Any", session.subject)
        self.explorers = [kind(session) for kind in kinds if not kind.lacks(target)]
        cards = [self._card(check) for check in self.checks]
        self.asked = Folded("Checks and settings", w.VBox([self.shared, *cards]))
        parts = [self.runner, self.changed, self.asked, self.results]
        self.pages = (w.VBox(parts), w.VBox(self._live()))
        places = {
            "Measure": "the checks, by which the report is judged",
            "Explore": "what can be tried out live",
        }
        self.tabs = Tabs(places, self._gone, self._failed)
        self.trouble = w.HTML()
        tabs = [self.tabs] if self.pages[1].children else []
        super().__init__([w.HTML(said(question, tag="h3")), *tabs, self.trouble, *self.pages])
        self.tabs.go(0)
        session.observe(self._measured, "report")
        session.observe(self._follow, ["state", "settings", "left_out"])

    def _form(self, check: Check) -> Form:
        session = self.session

        def taken(values: dict[str, Any]) -> None:
            session.set(check.code, **values)
            self._mended()

        return Form(
            check,
            session.settings[check.code],
            taken,
            session.options(check),
            main=0 if self.many else MAIN,
        )

    def _mended(self) -> None:
        """Take the word away that kept a run from starting: a value was changed, and fits."""
        if not self.session.busy:
            self.runner.trouble.value = ""

    def _choice(self, check: Check) -> Any:
        box = w.Checkbox(
            value=check.code not in self.session.left_out,
            description=one_line(f"{check.title} ({check.code})"),
            description_allow_html=False,
            tooltip=one_line(f"Run this check: {check.question}"),
            indent=False,
            layout=w.Layout(width="auto"),
        )

        def chosen(change: Any) -> None:
            self.session.include(check.code, run=change["new"])
            self.forms[check.code].layout.display = "" if change["new"] else "none"

        box.observe(chosen, "value")
        box.add_class("ak-title")
        return box

    def _card(self, check: Check) -> Any:
        asked = note(check.question) if self.many else w.HTML(said(check.question))
        head: list[Any] = [self.chosen[check.code], asked]
        if self.many:
            head = [row(head)]
        card = w.VBox([*head, self.forms[check.code]])
        card.add_class("ak-check")
        return card

    def _live(self) -> list[Any]:
        """Return the explorers, and of those that are not here what they lack."""
        kinds, target = BY_DIMENSION.get(self.dimension, ()), cast("Any", self.session.subject)
        lacking = [(kind.title, why) for kind in kinds if (why := kind.lacks(target))]
        return [*self.explorers, *(note(f"Not here: {title}. It lacks {why}.") for title, why in lacking)]

    def _gone(self, at: int) -> None:
        self.trouble.value = ""
        for place, one in enumerate(self.pages):
            one.layout.display = "" if place == at else "none"
        self.resume()

    def _failed(self, why: str) -> None:
        self.trouble.value = problem(why)

    def resume(self) -> None:
        """Take up the pictures that come into sight with this step."""
        if self.tabs.at == 0:
            self.results.fit()
            return
        for explorer in self.explorers:
            explorer.resume()

    def take(self) -> None:
        """Take every form as it stands, so that nothing but what is seen is run."""
        self.shared.take()
        for check in self.checks:
            if check.code not in self.session.left_out:
                try:
                    self.session.set(check.code, **self.forms[check.code].values())
                except InputError as error:
                    raise InputError(f"{check.title}: {error}") from None

    def _measured(self, _: Any) -> None:
        if self.session.report is not None:
            self.results.show(self.session.report, self.checks)

    def _follow(self, change: Any = None) -> None:
        session = self.session
        ended = change is not None and change["name"] == "state" and change["new"] in ("done", "cancelled")
        if ended and session.active in ("", self.dimension) and self.results.layout.display == "":
            self.asked.turn(on=False)  # so that what was found is in sight
        self.shared.enable(on=not self.session.busy)
        for code, form in self.forms.items():
            form.enable(on=not self.session.busy)
            self.chosen[code].disabled = self.session.busy
            self.chosen[code].value = code not in self.session.left_out
        stale = ", ".join(self.session.stale(self.dimension))
        text = f"The settings of {stale} changed since this was measured; run it again, or what is shown will be left out of the next report."
        self.changed.value = said(text, kind="ak-problem") if stale else ""
