"""Report: run what is missing, write the report, keep the audit as a template or as code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w
from markupsafe import Markup

from auditkit.render import views
from auditkit.render.text import clean, one_line
from auditkit.widgets.component import Component, session_of
from auditkit.widgets.parts import button, note, problem, said
from auditkit.widgets.runner import Runner
from auditkit.widgets.working import Going, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from auditkit.widgets.session import Session

__all__ = ["Report", "Saving"]

_WIDE = {"width": "min(44rem, 100%)"}


class Report(Component):
    """The report of a session: what is missing, the export, the audit as a template, and as lines of Python.

    Parameters
    ----------
    of : Session, Subject, or a view with a session
        Whose report. For a subject a session of its own is made, with every installed check.
    alone : bool, default True
        Whether it stands in no other view.
    ready : callable, optional
        Called before anything is written, so that forms are taken as they stand.

    Raises
    ------
    InputError
        If `of` is none of these.
    """

    def __init__(self, of: object, *, alone: bool = True, ready: Callable[[], None] | None = None) -> None:
        session = session_of(of)
        self.runner = Runner(
            session, "", label="Run what is missing", tooltip="Run every chosen check that was not run yet", ready=ready
        )  # fmt: skip
        self.drop = button(
            "Leave out what was not run", "Take the checks that were not run out of this audit; the report names them",
            self._leave_out, self._failed, icon="minus",
        )  # fmt: skip
        self.again = button(
            "Include again what was left out", "Put every check that was left out back into this audit",
            self._include, self._failed, icon="plus",
        )  # fmt: skip
        self.back = button(
            "Take back the last note", "Remove what was noted or added last", self._take_back, self._failed, icon="undo"
        )  # fmt: skip
        self.missing, self.told = w.HTML(), w.HTML()
        self.added = w.HTML(layout=w.Layout(max_width="100%", overflow="auto"))  # its tables can be wide
        slug = _slug(session.subject.name)
        self.saving = Saving(session, f"reports/{slug}", f"templates/{slug}.ipynb", ready)
        intro = "A report holds what was measured so far, and names what was not. It opens offline."
        super().__init__(
            session,
            [
                w.HTML(said("What is written down, and where?", tag="h3")),
                w.HTML(said(intro)),
                self.missing,
                self.runner,
                w.HBox([self.drop, self.again]),
                self.told,
                self.saving,
                self.added,
                self.back,
            ],
            alone=alone,
        )
        session.observe(self._follow, ["report", "settings", "left_out", "state"])
        session.observe(self._show, ["report", "notes"])
        self._follow()
        self._show()

    def _follow(self, _: Any = None) -> None:
        session = self.session
        names = {check.code: check.title for check in session.checks}
        left = [one_line(f"{names[code]} ({code})") for code in session.missing()]
        shown = "; ".join(left[:8]) + (f"; and {len(left) - 8} more" if len(left) > 8 else "")
        told = f"To be run, and not run yet: {shown}. The verdict stays open until they are run or left out."
        self.missing.value = said(told, kind="ak-help") if left else ""
        self.drop.layout.display = "" if left and session.current() else "none"
        self.again.layout.display = "" if session.left_out else "none"
        self.drop.disabled = self.again.disabled = session.busy
        self.told.value = ""  # it spoke of how things stood before

    def _show(self, _: Any = None) -> None:
        """Show what was added by hand, as the report will, without its figures."""
        session = self.session
        self.back.layout.display = "" if session.notes else "none"
        if not session.notes:
            self.added.value = ""
        elif session.report is None:
            told = "It goes into the report as soon as something was measured."
            self.added.value = said(f"Added by hand: {len(session.notes)}. {told}")
        else:
            self.added.value = views.draw(
                "notes", views.view_data("notes", session.report.to_dict()), figures=False
            )

    def _take_back(self) -> None:
        self.session.take_back()
        self.told.value = said("The last note is removed.")

    def _leave_out(self) -> None:
        session = self.session
        session.left_out = session.left_out | set(session.missing())
        self.told.value = said(
            "They are no part of this audit now. The report names them under what was not examined."
        )

    def _include(self) -> None:
        session = self.session
        session.left_out = set()
        self.told.value = said("Every check is part of this audit again.")

    def _failed(self, why: str) -> None:
        self.told.value = problem(why)


class Saving(w.VBox):  # type: ignore[misc]
    """Where to write the report and the template, and the code that does the same.

    The report is written in a thread: its page takes seconds, in which the notebook must not stand still.

    Parameters
    ----------
    session : Session
        What is written.
    folder, template : str
        Where to, at first.
    ready : callable, optional
        Called before anything is written.
    """

    def __init__(
        self, session: Session, folder: str, template: str, ready: Callable[[], None] | None = None
    ) -> None:
        self.session, self._ready = session, ready or (lambda: None)
        self.folder = _place("Folder", folder, "Where to write the report; made if it is not there")
        self.path = _place("Template", template, "Where to write the template; a notebook, .ipynb")
        self.told, self.said_template, self.said_code = w.HTML(), w.HTML(), w.HTML()
        self.work, self._taken, self._there = Work(), None, False
        about = "Write report.json, report.html and a template that runs it again"
        self.exporting = Going("Export report", about, start=self._export, cancel=self.work.cancel)
        self.export = self.exporting.run
        self.export.icon, self.export.button_style = "download", ""
        self.save = button(
            "Save as template", "Write a notebook that runs this audit as it is set", self._save, _into(self.said_template), icon="save"
        )  # fmt: skip
        self.show = button(
            "Show the code", "Show the lines of Python that run this audit as it is set, to be copied", self._code, _into(self.said_code), icon="code",
        )  # fmt: skip
        self.code = w.Textarea(
            description="Code", description_allow_html=False, rows=12, disabled=False,
            tooltip="Select all and copy; changing it here changes nothing",
            layout=w.Layout(width="min(60rem, 100%)", display="none"),
        )  # fmt: skip
        self.code.add_class("ak-code")
        template_help = "Runs with papermill or auditkit run, on any subject; every setting stands in its first cell of code."
        super().__init__(
            [
                self.folder, self.exporting, self.told,
                self.path, note(template_help), self.save, self.said_template,
                self.show, self.said_code, self.code,
            ]
        )  # fmt: skip
        self.work.observe(self._follow, ["state", "fraction", "message"])

    def _export(self) -> None:
        self.told.value = self.exporting.trouble.value = ""
        self._ready()
        folder = self.folder.value
        place = Path(folder).expanduser()
        self._there = (place / "report.json").exists()
        kept = f"; what stood in {one_line(folder)} before is as it was" if place.exists() else ""
        self.work.start(
            lambda: self.session.export(folder), seed=self.session.seed, instead=f"Nothing was written{kept}."
        )

    def _follow(self, _: Any = None) -> None:
        work = self.work
        self.exporting.follow(work.state, work.fraction, work.message)
        if work.state == "done" and work.result is not self._taken:
            self._taken = work.result
            self.told.value = _written(work.result, replaced=self._there)

    def _save(self) -> None:
        self._ready()
        there = Path(self.path.value).expanduser().exists()
        self.said_template.value = _written([self.session.save_template(self.path.value)], replaced=there)

    def _code(self) -> None:
        self._ready()
        self.said_code.value, self.code.value = "", self.session.code()
        self.code.rows = min(30, self.code.value.count("\n") + 2)
        self.code.layout.display = ""


def _into(place: Any) -> Callable[[str], None]:
    """Return what tells there what went wrong."""

    def failed(why: str) -> None:
        place.value = problem(why)

    return failed


def _place(name: str, value: str, tooltip: str) -> Any:
    return w.Text(
        value=value, description=name, description_allow_html=False, tooltip=tooltip, layout=w.Layout(**_WIDE)
    )


def _written(paths: Iterable[object], *, replaced: bool) -> str:
    word = "Written; what stood there before is replaced" if replaced else "Written"
    lines = Markup("").join(Markup("<li><code>{}</code></li>").format(clean(path)) for path in paths)
    return str(Markup('<div class="ak" role="status"><p>{}:</p><ul>{}</ul></div>').format(word, lines))


def _slug(name: object) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", one_line(name)).strip("-")[:60] or "subject"
