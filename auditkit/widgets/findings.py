"""Findings: all findings of a session, and what a person says to each: a note, or a waiver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w

from auditkit.controls.shown import by_check
from auditkit.errors import InputError
from auditkit.judging import WAIVABLE
from auditkit.render import page
from auditkit.render.status import STATUSES, shown_status, standing
from auditkit.render.text import one_line, words
from auditkit.widgets.component import Component, session_of
from auditkit.widgets.parts import button, explained, note, paged, problem, said, status
from auditkit.widgets.record import NOTHING
from auditkit.widgets.runner import Runner

if TYPE_CHECKING:
    from auditkit.finding import Finding
    from auditkit.widgets.session import Session

__all__ = ["Findings", "signature"]

_WIDE = {"width": "min(44rem, 100%)"}


class Findings(Component):
    """All findings so far, judged together, what was not examined, and a form to note or waive each.

    Parameters
    ----------
    of : Session, Subject, or a view with a session
        Whose findings. For a subject a session of its own is made, with every installed check.
    alone : bool, default True
        Whether it stands in no other view.

    Raises
    ------
    InputError
        If `of` is none of these.
    """

    def __init__(self, of: object, *, alone: bool = True) -> None:
        session = session_of(of)
        self.verdict, self.text = w.HTML(), w.HTML(said(f"{NOTHING[:1].upper()}{NOTHING[1:]}."))
        self.say = Say(session)
        self.runner = Runner(
            session, "", label="Run what is missing", tooltip="Run every chosen check that was not run yet"
        )
        question = w.HTML(said("What was found, and what do you say to it?", tag="h3"))
        parts = [question, *([self.runner] if alone else []), self.verdict, self.say, self.text]
        super().__init__(session, parts, alone=alone)
        self._alone = alone
        session.observe(self._show, "report")
        self._show()

    def _show(self, _: Any = None) -> None:
        report = self.session.report
        if report is not None:
            data = paged(report.to_dict())
            # in a studio each step says how its checks work
            ran = {e["check"] for e in data["evidence"]} if self._alone else set()
            pages = explained(check for check in self.session.checks if check.code in ran) if ran else ""
            self.verdict.value = page.verdict({**data, "part": "head"})
            self.text.value = (
                page.verdict({**data, "part": "facts"})
                + page.findings({**data, "controls": by_check(data)})
                + pages
            )


class Say(w.VBox):  # type: ignore[misc]
    """Choose a finding, then note it or waive it.

    Parameters
    ----------
    session : Session
        Whose findings; it keeps what is said.
    """

    children: Any

    def __init__(self, session: Session) -> None:
        self.session = session
        self.pick = w.Dropdown(
            description="Finding", description_allow_html=False, layout=w.Layout(**_WIDE),
            tooltip="Which finding you speak of; those that ask for an answer come first",
        )  # fmt: skip
        self.author = signature(session)
        self.remark = w.Textarea(
            description="Note", description_allow_html=False, rows=2, layout=w.Layout(**_WIDE),
            tooltip="Stands beside the finding in the report", placeholder="what you conclude, and why",
        )  # fmt: skip
        self.reason = _text("Reason", "Why it is accepted although it is not met", "why it is accepted")
        self.until = w.DatePicker(
            description="Until", description_allow_html=False, tooltip="The last day on which the waiver holds",
        )  # fmt: skip
        self.noted, self.told, self.about = w.HTML(), w.HTML(), w.HTML()
        self._picked = False  # whether a person chose it or spoke of it, so that it stays
        self._of: str | None = None  # the finding that the fields speak of
        self._drafts: dict[str, tuple[Any, ...]] = {}  # of others: what was typed and not filed yet
        self.add = button(
            "Add note",
            "Put the note beside this finding in the report",
            self._note,
            self._not_noted,
            icon="pencil",
        )
        self.accept = button(
            "Waive", "Accept this finding for the reason given, until that day", self._waive, self._failed, icon="flag"
        )  # fmt: skip
        self.withdraw = button(
            "Withdraw", "Take your waiver of this finding back", self._withdraw, self._failed, icon="undo"
        )
        help_ = note("A waived finding stays in the report, with the reason, your name and the day. After that day it counts again.")  # fmt: skip
        super().__init__(
            [
                w.HTML(said("Note or waive a finding", tag="h3")),
                self.pick, self.about, self.author,
                w.HTML(said("Note", tag="h4")), self.remark, self.add, self.noted,
                w.HTML(said("Waive", tag="h4")), self.reason, self.until, help_, w.HBox([self.accept, self.withdraw]),
                self.told,
            ],
            layout=w.Layout(display="none"),
        )  # fmt: skip
        self.add_class("ak-check")
        session.observe(self._fill, "report")
        self.pick.observe(self._chosen, "value")
        for field in self._fields:
            field.observe(self._typed, "value")
        self._fill()

    @property
    def _fields(self) -> tuple[Any, ...]:
        return self.remark, self.reason, self.until

    def _typed(self, change: Any) -> None:
        """Stay with the finding of which something is being written."""
        self._picked = self._picked or bool(change["new"])

    def _turn_to(self, finding: str) -> None:
        """Put away what was typed of the finding before, and bring back what was typed of this one."""
        if finding == self._of:
            return
        if self._of is not None:
            self._drafts[self._of] = tuple(field.value for field in self._fields)
        self._of = finding
        for field, typed in zip(self._fields, self._drafts.pop(finding, ("", "", None)), strict=True):
            field.value = typed
        self.noted.value = self.told.value = ""  # these spoke of the finding before

    def _fill(self, _: Any = None) -> None:
        """Offer the findings, the pressing first; the one that is chosen stays."""
        report = self.session.report
        found = () if report is None else [f for f in report.findings if f.shown is not None]
        titles = {check.code: check.title for check in self.session.checks}
        ranked = sorted(found, key=lambda f: standing(shown_status(f.to_dict()), f.severity))
        options = {f.fingerprint: _label(f, titles.get(f.check, "")) for f in ranked}
        kept = self.pick.value if self._picked else None
        self.pick.unobserve(self._chosen, "value")
        self.pick.options = [(label, fingerprint) for fingerprint, label in options.items()]
        self.pick.value = kept if kept in options else next(iter(options), None)
        self.pick.observe(self._chosen, "value")
        self.layout.display = "" if options else "none"
        self._chosen()

    def _chosen(self, change: Any = None) -> None:
        if self.pick.value is None:
            return
        self._picked = self._picked or change is not None
        self._turn_to(self.pick.value)
        finding = self.session.measured().finding(self.pick.value)
        can = finding.criterion is not None and (finding.was or finding.status) in WAIVABLE
        mine = any(one.finding == finding.fingerprint for one in self.session.waivers)
        self.withdraw.layout.display = "" if mine else "none"
        self.accept.disabled = self.reason.disabled = self.until.disabled = not can
        lines = [
            *([] if can else ["It cannot be waived: only what is not met, or undecided, can."]),
            *(f"Note of {n.author}: {n.text}" for n in self.session.notes if n.about == finding.fingerprint),
        ]
        self.about.value = "".join(said(line, kind="ak-help") for line in lines)

    def _note(self) -> None:
        self.session.note(self._finding(), self.remark.value)
        self.remark.value = ""
        self.noted.value = status(f"The note stands beside the finding. {self.session.unnamed()}".strip())

    def _waive(self) -> None:
        if self.until.value is None:
            raise InputError("a waiver needs the day it ends: choose it under Until")
        if not self.reason.value.strip():
            raise InputError("a waiver needs a reason: say why it is accepted")
        self.session.waive(self._finding(), self.reason.value, self.until.value)
        self.told.value = status(f"Waived until {self.until.value}. {self.session.unnamed()}".strip())
        self.reason.value, self.until.value = "", None

    def _withdraw(self) -> None:
        self.session.withdraw(self._finding())
        self.told.value = status("The waiver is withdrawn: the finding counts again.")

    def _finding(self) -> str:
        if self.pick.value is None:
            raise InputError("choose a finding first")
        self._picked = True
        return str(self.pick.value)

    def _failed(self, why: str) -> None:
        self.told.value = problem(why)

    def _not_noted(self, why: str) -> None:
        self.noted.value = problem(why)


def signature(session: Session) -> Any:
    """Return the field of who signs; the same name wherever it stands."""
    field = _text(
        "Your name", "Stands beside each note and waiver in the report", "who you are", session.author
    )
    field.continuous_update = False  # a name is one when it is written out
    w.link((session, "author"), (field, "value"))
    return field


def _text(name: str, tooltip: str, placeholder: str, value: str = "") -> Any:
    return w.Text(
        value=value, description=name, description_allow_html=False, tooltip=tooltip, placeholder=placeholder,
        layout=w.Layout(**_WIDE),
    )  # fmt: skip


def _label(finding: Finding, title: str) -> str:
    """Return a finding in one line: its status in a sign and a word, the metric (else the check's title), whom it is about, the check."""
    icon, word, _ = STATUSES[str(shown_status(finding.to_dict()))]
    about = finding.measurement or finding.criterion
    what = [words(about.metric), about.group or ""] if about else [title or finding.reason]
    return one_line(f"{icon} {word}: {' · '.join(filter(None, [*what, finding.check]))}")[:160]
