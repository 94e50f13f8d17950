"""Record: what a person adds to the report of a session: notes, what was seen, and waivers."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from traitlets import HasTraits, Instance, Tuple, Unicode, default, observe

from auditkit.errors import InputError
from auditkit.evidence import jsonable
from auditkit.judging import waive
from auditkit.noting import Note, logged_in
from auditkit.report import Report

if TYPE_CHECKING:
    from datetime import date

    from auditkit.explore import Answer
    from auditkit.finding import Finding, Policy

__all__ = ["NOTHING", "Record"]

NOTHING = "nothing was measured yet: run a check first"


class Record(HasTraits):
    """A report in the making, and what a person adds to it; whenever notes or waivers change, the report follows.

    A person adds from the kernel's thread while checks end in another: each change is made, and told, before the next begins.

    Attributes
    ----------
    report : Report or None
        All that was measured so far, judged together, with the notes and waivers.
    notes : tuple of Note
        What was added, in order.
    waivers : tuple of Waiver
        What was accepted here, besides the policy's own waivers.
    author : str
        Who signs; whoever is logged in at first. A name given later also signs what was signed by the login name alone.
    """

    report = Instance(Report, allow_none=True)
    notes = Tuple()
    waivers = Tuple()
    author = Unicode()
    criteria: Policy

    def __init__(self, **traits: Any) -> None:
        self._one = (
            threading.RLock()
        )  # outermost of all: whoever holds another lock does not ask for this one
        super().__init__(**traits)

    @default("author")
    def _logged_in(self) -> str:
        return logged_in()

    def keep(self, seen: Answer, text: str = "") -> Note:
        """Add what an explorer shows to the record, with the analyst's note; return what was added.

        Parameters
        ----------
        seen : Answer
            What is shown.
        text : str
            What the analyst concludes, and why.

        Raises
        ------
        InputError
            If it is not what an explorer shows.
        """
        from auditkit.explore import Answer

        if not isinstance(seen, Answer):
            raise InputError(
                f"expected what an explorer shows, such as Records.prepare(subject).at(0); got {type(seen).__name__}. Words alone go beside a "
                "finding: session.note(finding, text)"
            )
        return self._add(Note.now(text, author=self.author, seen=seen.to_dict()))

    def has(self, seen: Answer, text: str = "") -> bool:
        """Return whether what an explorer shows is in the record already, with this note of the analyst or, where there is no text, with any."""
        shown, words = jsonable(seen.to_dict()), text.strip()
        return any(note.seen == shown and words in ("", note.text.strip()) for note in self.notes)

    def note(self, finding: Finding | str, text: str) -> Note:
        """Add a note on a finding, given as such or by its fingerprint; return it.

        Raises
        ------
        InputError
            If nothing was measured yet, there is no such finding, or no text.
        """
        about = self.measured().finding(finding).fingerprint
        return self._add(Note.now(text, author=self.author, about=about))

    def waive(self, finding: Finding | str, reason: str, until: date | str) -> None:
        """Accept a finding although it is not met or undecided; see `Report.waive`.

        Raises
        ------
        InputError
            As there, or if nothing was measured yet.
        """
        with self._one:
            given = self.measured().waive(finding, reason, until, by=self.author).waivers[-1]
            self.waivers = (*(w for w in self.waivers if w.finding != given.finding), given)

    def withdraw(self, finding: Finding | str) -> None:
        """Take a waiver back that was given here.

        Raises
        ------
        InputError
            If none was given here; one of the policy stays until the policy is changed.
        """
        with self._one:
            about = self.measured().finding(finding).fingerprint
            left = tuple(w for w in self.waivers if w.finding != about)
            if left == self.waivers:
                raise InputError(
                    "no waiver of this finding was given here; one of the policy is changed in the policy"
                )
            self.waivers = left

    def take_back(self) -> None:
        """Remove what was noted or kept last; nothing where there is none."""
        with self._one:
            self.notes = self.notes[:-1]

    def measured(self) -> Report:
        """Return the report so far.

        Raises
        ------
        InputError
            If nothing was measured yet.
        """
        if self.report is None:
            raise InputError(NOTHING)
        return self.report

    def adopt(self, report: Report) -> None:
        """Take a report as the one so far, with what was added in the meantime."""
        with self._one:
            every = (*self.criteria.waivers, *self.waivers)
            findings = waive(report.findings, every, subject=report.subject.get("name"))
            self.report = replace(report, findings=findings, notes=self.notes, waivers=every)

    @observe("author")
    def _named(self, change: Any) -> None:
        """Sign what only the login name signed by the name that is given now."""
        login, name = logged_in(), change["new"].strip()
        if not name or change["old"] != login:
            return
        with self._one:
            signed = [n.author for n in self.notes] + [waiver.by for waiver in self.waivers]
            if login in signed:
                self.notes = tuple(replace(n, author=name) if n.author == login else n for n in self.notes)
                self.waivers = tuple(replace(v, by=name) if v.by == login else v for v in self.waivers)

    def unnamed(self) -> str:
        """Return a sentence that asks for a name, where only the login name signs; else nothing."""
        login = logged_in()
        if self.author not in ("", login):
            return ""
        return f"It is signed {login!r}, your login name: write your name under Your name, and that signs it."

    def _add(self, note: Note) -> Note:
        with self._one:
            self.notes = (*self.notes, note)
        return note

    @observe("notes", "waivers")
    def _added(self, _: object) -> None:
        with self._one:
            if self.report is not None:
                self.adopt(self.report)
