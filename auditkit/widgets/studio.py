"""Studio: the guided audit, step by step, in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as w
from markupsafe import Markup

from auditkit.errors import InputError
from auditkit.render.tables import table_html
from auditkit.render.text import one_line, words
from auditkit.subject import Subject
from auditkit.widgets.component import Component
from auditkit.widgets.findings import Findings, signature
from auditkit.widgets.parts import button, problem, said
from auditkit.widgets.report import Report
from auditkit.widgets.runner import Runner
from auditkit.widgets.session import Session
from auditkit.widgets.step import Step
from auditkit.widgets.tabs import Tabs

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from auditkit.targets import Target

__all__ = ["Bias", "Explainability", "Membership", "Robustness", "Studio"]


class Studio(Component):
    """The guided audit: subject, each dimension, findings, report.

    It shows and asks; it computes nothing. All it knows stands in ``session``, which can be used without it.

    Parameters
    ----------
    subject : Subject or another Target
        What to audit.
    checks : names, codes, dimensions or check functions, optional
        As for `Audit`; every installed check of its kind when left out.
    criteria : Policy or iterable of Criterion, optional
        What is required; the default policy when left out.
    seed : int, default 0
        Root of all random numbers.
    executor : concurrent.futures.Executor, optional
        Where checks run; in a thread of this kernel when left out.

    Raises
    ------
    InputError
        If the subject is none, or a check or criterion does not exist.
    """

    only: ClassVar[Any] = None

    def __init__(
        self,
        subject: Target | None = None,
        checks: Any = None,
        criteria: Any = None,
        seed: int = 0,
        executor: Executor | None = None,
    ) -> None:
        chosen = self.only if checks is None else checks
        if subject is None:
            raise InputError(
                f"expected a subject: {type(self).__name__}(Subject(name, model, test=Dataset(X, y)))"
            )
        session = Session(subject, chosen, criteria=criteria, seed=seed, executor=executor)
        self.steps = {name: Step(session, name) for name in session.dimensions}
        self.pages: list[tuple[str, Any]] = [
            *([] if self.only else [("Subject", Start(session, self._take))]),
            *((words(name).capitalize(), step) for name, step in self.steps.items()),
            ("Findings", Findings(session, alone=False)),
            ("Report", Report(session, alone=False, ready=self._take)),
        ]
        self.stage = w.VBox([shown for _, shown in self.pages])
        self.back = button(
            "Back",
            "Go to the step before",
            lambda: self.go(self.tabs.at - 1),
            self._failed,
            icon="arrow-left",
        )
        self.next = button(
            "Next", "Go to the next step", lambda: self.go(self.tabs.at + 1), self._failed, icon="arrow-right"
        )
        self._trouble = w.HTML()
        names = {f"{at} {name}": name for at, (name, _) in enumerate(self.pages, 1)}
        self.tabs = Tabs(names, self._gone, self._failed)
        super().__init__(session, [self.tabs, self.stage, self._trouble, w.HBox([self.back, self.next])])
        self.go(0)
        session.observe(self._tick, ["report", "settings", "left_out"])
        self._tick()

    def _tick(self, _: Any = None) -> None:
        """Mark the steps whose chosen checks all came to an end without an error, under the settings as they are, and those of which some did."""
        current = self.session.current()
        now, broke = {e.check for e in current}, {e.check for e in current if e.outcome == "error"}
        missing = set(self.session.missing()) | (broke - self.session.left_out)
        for at, (_, shown) in enumerate(self.pages):
            if isinstance(shown, Step):
                codes = {check.code for check in shown.checks}
                self.tabs.mark(at, "" if not codes & now else "◐" if codes & missing else "✓")

    def go(self, at: int) -> None:
        """Show the step at this place, the first or last beyond the ends."""
        self.tabs.go(at)

    def _gone(self, at: int) -> None:
        shown = self.pages[at][1]
        for _, one in self.pages:
            one.layout.display = "" if one is shown else "none"
        self.back.disabled, self.next.disabled = at == 0, at == len(self.pages) - 1
        if isinstance(shown, Step):
            self.session.dimension = shown.dimension
            shown.resume()

    def _take(self) -> None:
        """Take every form as it stands."""
        for step in self.steps.values():
            step.take()

    def _failed(self, why: str) -> None:
        self._trouble.value = problem(why)


class Explainability(Studio):
    """What the model rests its decisions on: a studio of one step."""

    only = ("explainability",)


class Bias(Studio):
    """Whom the model treats differently: a studio of one step."""

    only = ("bias",)


class Membership(Studio):
    """Whether the model gives away whose records it was trained on: a studio of one step."""

    only = ("membership",)


class Robustness(Studio):
    """How little must change before the answer changes: a studio of one step."""

    only = ("robustness",)


class Start(w.VBox):  # type: ignore[misc]
    """The first step: what is under audit, and all checks at once for who wants no walk."""

    def __init__(self, session: Session, ready: Callable[[], None]) -> None:
        self.runner = Runner(
            session,
            "",
            label="Run all",
            tooltip="Run every ticked check that was not run yet, with the settings of the next steps",
            ready=ready,
        )
        told = "Next leads through the checks one by one; Run all runs them as they are set."
        super().__init__(
            [
                w.HTML(said("What is under audit?", tag="h3")),
                w.HTML(_about(session)),
                signature(session),
                w.HTML(said(told)),
                self.runner,
            ]
        )


def _about(session: Session) -> str:
    """Return what is under audit, and by which checks and criteria."""
    facts = [
        ("Name", session.subject.name),
        *_looked_at(session.subject),
        ("Checks", f"{_count(len(session.checks), 'check')} in {_count(len(session.dimensions), 'step')}"),
        ("Criteria", f"{len(session.criteria)}, {session.criteria.name}"),
        ("Seed", str(session.seed)),
    ]
    columns = {"About": [name for name, _ in facts], "This audit": [one_line(value) for _, value in facts]}
    table = table_html({"title": "", "columns": columns})
    lines = Markup("").join(
        Markup("<p><b>{}:</b> {}</p>").format(
            one_line(words(name).capitalize()),
            one_line(", ".join(f"{check.title} ({check.code})" for check in session.of(name))),
        )
        for name in session.dimensions
    )
    named = Markup("<details><summary>Which checks these are</summary>{}</details>").format(lines)
    return f'<div class="ak">{table}{named}</div>'


def _looked_at(subject: Target) -> list[tuple[str, Any]]:
    """Return what the target is, as pairs of a word and its value."""
    if not isinstance(subject, Subject):
        return list(subject.describe()["facts"].items())
    return [
        ("Model", subject.model.kind),
        ("Task", subject.task),
        *([("Counts as selected", subject.positive)] if subject.positive is not None else []),
        ("Test rows", f"{len(subject.test):,}"),
        (
            "Training rows",
            f"{len(subject.train):,}" if subject.train else "not given: membership inference needs them",
        ),
        ("Sensitive features", ", ".join(subject.test.sensitive_names) or "none: groups cannot be compared"),
    ]


def _count(many: int, what: str) -> str:
    return f"{many} {what}" if many == 1 else f"{many} {what}s"
