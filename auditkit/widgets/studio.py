"""Studio: the guided audit, step by step, in a notebook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as w
from markupsafe import Markup

from auditkit.render import page, views
from auditkit.render.tables import table_html
from auditkit.render.text import clean, one_line, words
from auditkit.widgets.parts import button, explained, paged, problem, said, sheet
from auditkit.widgets.session import Session
from auditkit.widgets.static import Static
from auditkit.widgets.step import Runner, Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from auditkit.subject import Subject

__all__ = ["Bias", "Explainability", "Membership", "Robustness", "Studio"]

NOTHING = "Nothing was measured yet: run a check first."


class Studio(Static, w.VBox):  # type: ignore[misc]
    """The guided audit: subject, each dimension, findings, report.

    It shows and asks; it computes nothing. All it knows stands in ``session``, which can be used without it.

    Parameters
    ----------
    subject : Subject
        What to audit.
    checks : names, codes, dimensions or check functions, optional
        As for `Audit`; every installed check when left out.
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
        subject: Subject,
        checks: Any = None,
        criteria: Any = None,
        seed: int = 0,
        executor: Executor | None = None,
    ) -> None:
        chosen = self.only if checks is None else checks
        self.session = Session(subject, chosen, criteria=criteria, seed=seed, executor=executor)
        self.steps = {name: Step(self.session, name) for name in self.session.dimensions}
        self.pages: list[tuple[str, Any]] = [
            *([] if self.only else [("Subject", Start(self.session, list(self.steps.values())))]),
            *((words(name).capitalize(), step) for name, step in self.steps.items()),
            ("Findings", Findings(self.session)),
            ("Report", Export(self.session)),
        ]
        self._tabs = [self._tab(at, name) for at, (name, _) in enumerate(self.pages)]
        self.stage = w.VBox([shown for _, shown in self.pages])
        self.back = button(
            "Back", "Go to the step before", lambda: self.go(self._at - 1), self._failed, icon="arrow-left"
        )
        self.next = button(
            "Next", "Go to the next step", lambda: self.go(self._at + 1), self._failed, icon="arrow-right"
        )
        self._trouble = w.HTML()
        tabs = w.HBox(self._tabs, layout=w.Layout(flex_flow="row wrap"))
        tabs.add_class("ak-steps")
        super().__init__([sheet(), tabs, self.stage, self._trouble, w.HBox([self.back, self.next])])
        self.add_class("ak-studio")
        self.go(0)

    def __repr__(self) -> str:
        measured = len(self.session.current())
        return (
            f"{type(self).__name__}({self.session.subject.name}: {measured} of {len(self.session.checks)} checks run; "
            "needs a front end that shows widgets. Without one: auditkit.Audit([...]).run(subject), or `auditkit run`)"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if self.session.report is not None:
            bundle["text/html"] = self.session.report._repr_html_()
        if self._view_name is not None:
            bundle["application/vnd.jupyter.widget-view+json"] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.model_id,
            }
        return bundle

    def still(self) -> Iterator[dict[str, Any]]:
        """Run what is missing, and yield the verdict, each check's evidence with its figures, and the findings."""
        session = self.session
        if session.missing():
            session.start()
            session.wait()
        if session.report is None:
            yield {"text/plain": session.message, "text/html": problem(session.message)}
            return
        data = session.report.to_dict()
        yield views.bundle("verdict", views.view_data("verdict", data))
        for one in data["evidence"]:
            yield views.bundle("evidence", views.view_data("evidence", data, one["check"]))
            for table in one["tables"].values():
                if table["kind"] != "plain":
                    yield views.bundle("figure", table)
        yield views.bundle("findings", views.view_data("findings", data))

    def go(self, at: int) -> None:
        """Show the step at this place, the first or last beyond the ends."""
        self._at = max(0, min(at, len(self.pages) - 1))
        shown = self.pages[self._at][1]
        for _, one in self.pages:
            one.layout.display = "" if one is shown else "none"
        for place, tab in enumerate(self._tabs):
            (tab.add_class if place == self._at else tab.remove_class)("ak-here")
            tab.icon = "chevron-right" if place == self._at else ""
            tab.tooltip = (
                f"{self.pages[place][0]}, the step you are at"
                if place == self._at
                else f"Go to {self.pages[place][0]}"
            )
        self.back.disabled, self.next.disabled = self._at == 0, self._at == len(self.pages) - 1
        if isinstance(shown, Step):
            self.session.dimension = shown.dimension
            shown.resume()

    def _tab(self, at: int, name: str) -> Any:
        return button(f"{at + 1} {name}", f"Go to {name}", lambda: self.go(at), self._failed)

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

    def __init__(self, session: Session, steps: list[Step]) -> None:
        self.steps = steps
        self.runner = Runner(
            session,
            "",
            label="Run all",
            tooltip="Run every ticked check that was not run yet, with the settings of the next steps",
            ready=self._take,
        )
        told = "Next leads through the checks one by one; Run all runs them as they are set."
        super().__init__(
            [
                w.HTML(said("What is under audit?", tag="h3")),
                w.HTML(_about(session)),
                w.HTML(said(told)),
                self.runner,
            ]
        )

    def _take(self) -> None:
        for step in self.steps:
            step.take()


class Findings(w.VBox):  # type: ignore[misc]
    """All findings so far, judged together, and what was not examined."""

    def __init__(self, session: Session) -> None:
        self.session, self.text = session, w.HTML(said(NOTHING))
        super().__init__([self.text])
        session.observe(self._show, "report")

    def _show(self, _: Any) -> None:
        if self.session.report is not None:
            data = paged(self.session.report.to_dict())
            ran = {e["check"] for e in data["evidence"]}
            pages = explained(check for check in self.session.checks if check.code in ran)
            self.text.value = page.verdict(data) + page.findings(data) + pages


class Export(w.VBox):  # type: ignore[misc]
    """Run what is missing, and write the report."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.runner = Runner(
            session, "", label="Run what is missing", tooltip="Run every chosen check that was not run yet"
        )
        self.folder = w.Text(
            value=f"reports/{_slug(session.subject.name)}",
            description="Folder",
            description_allow_html=False,
            tooltip="Where to write the report; made if it is not there",
            layout=w.Layout(width="min(32rem, 100%)"),
        )
        self.export = button(
            "Export report",
            "Write report.json, report.html and a notebook that runs it again",
            self._write,
            self._failed,
            icon="download",
        )
        self.told = w.HTML()
        intro = "A report holds what was measured so far, and names what was not. It opens offline."
        super().__init__([w.HTML(said(intro)), self.runner, self.folder, self.export, self.told])

    def _write(self) -> None:
        self.told.value = said("Writing the report …")
        paths = self.session.export(self.folder.value)
        lines = Markup("").join(Markup("<li><code>{}</code></li>").format(clean(path)) for path in paths)
        self.told.value = str(
            Markup('<div class="ak" role="status"><p>Written:</p><ul>{}</ul></div>').format(lines)
        )

    def _failed(self, why: str) -> None:
        self.told.value = problem(why)


def _about(session: Session) -> str:
    """Return what is under audit, and by which checks and criteria."""
    subject = session.subject
    facts = [
        ("Name", subject.name),
        ("Model", subject.model.kind),
        ("Task", subject.task),
        *([("Counts as selected", subject.positive)] if subject.positive is not None else []),
        ("Test rows", f"{len(subject.test):,}"),
        (
            "Training rows",
            f"{len(subject.train):,}" if subject.train else "not given: membership inference needs them",
        ),
        ("Sensitive features", ", ".join(subject.test.sensitive_names) or "none: groups cannot be compared"),
        ("Checks", ", ".join(f"{check.title} ({check.code})" for check in session.checks)),
        ("Criteria", f"{len(session.criteria)}, {session.criteria.name}"),
        ("Seed", str(session.seed)),
    ]
    columns = {"About": [name for name, _ in facts], "This audit": [one_line(value) for _, value in facts]}
    table = table_html({"title": "", "columns": columns})
    return f'<div class="ak">{table}</div>'


def _slug(name: object) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", one_line(name)).strip("-")[:60] or "subject"
