"""Report: the record of an audit."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from auditkit.check import registry
from auditkit.errors import InputError, did_you_mean
from auditkit.evidence import Evidence, jsonable, writable
from auditkit.files import write_whole
from auditkit.finding import Criterion, Finding, Policy, reason_in_full
from auditkit.forms.form import Form
from auditkit.forms.placing import placed
from auditkit.judging import WAIVABLE, Verdict, count, judge, verdict, waive, with_adjusted
from auditkit.noting import Note, logged_in
from auditkit.row_answers import beside, digest_of
from auditkit.saved import SCHEMA, each, hold, read, schema
from auditkit.waiver import Waiver, day, today, waivers_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from datetime import date

    import pandas as pd
    from plotly.graph_objects import Figure

    from auditkit.row_answers import RowAnswers

__all__ = ["SCHEMA", "VOLATILE", "Report", "load_report", "schema"]

VOLATILE = ("engine", "started", "seconds", "timings", "host", "template")
"""Keys of the provenance that differ between two runs of one audit; all else is the same in every engine."""

_COLUMNS = (
    "check", "name", "status", "severity", "metric", "group", "value", "low", "high", "n", "p_value", "p_adjusted", "criterion",
    "reason", "fingerprint",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Report:
    """The record of an audit: what was audited, observed and judged, and how.

    Attributes
    ----------
    subject : dict
        What was audited: name, task, model, rows, digests.
    findings : tuple of Finding
        Evidence judged.
    evidence : tuple of Evidence
        What each check observed; every check that was asked for is here once. Each measurement with a test has its p-value raw and
        adjusted over the whole audit.
    provenance : dict
        Seed, versions, plan, policy, what was not examined; and times, engine, host and the digest of the template (`VOLATILE`).
    notes : tuple of Note
        What people added, in order: remarks on findings, and what was looked at by hand. Nothing is judged by them.
    waivers : tuple of Waiver
        What was accepted although it is not met; each finding says which waiver speaks of it.
    answers : RowAnswers or None
        What the model said of each test row, where `Audit.run` was to keep it. Not in `to_dict`; a report that was read has none.
    forms : tuple of Form
        What people filled in and signed about the subject. Nothing is judged by them.
    """

    subject: dict[str, Any]
    findings: tuple[Finding, ...]
    evidence: tuple[Evidence, ...]
    provenance: dict[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    answers: RowAnswers | None = field(default=None, repr=False)
    forms: tuple[Form, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence", with_adjusted(self.evidence))

    def __repr__(self) -> str:
        counted = ", ".join(f"{n} {status}" for status, n in self.counts.items() if n) or "nothing judged"
        return f"Report({self.subject.get('name')}: {counted}; .frame() for what was judged, .of(CHECK) for what was measured)"

    @property
    def verdict(self) -> Verdict:
        """``fail``, ``undecided``, ``pass`` or ``not_judged``: the gate. No ``pass`` while a planned check has not run."""
        decided = verdict(self.findings)
        seen = {one.check for one in self.evidence}
        missing = [c for c in self.provenance.get("plan", ()) if c["code"] not in seen]
        return "undecided" if decided in ("pass", "not_judged") and missing else decided

    @property
    def counts(self) -> dict[str, int]:
        """Findings by status as shown: what was not judged, or passes as a bound alone, is counted apart."""
        return count(self.findings)

    def frame(self) -> pd.DataFrame:
        """Return the findings as a pandas DataFrame, one row each, with the status as shown (`Finding.shown`).

        A check that no criterion speaks of has one row without a value; ``.of(check).frame()`` holds what it measured. P-values
        stand raw, and adjusted over the whole audit.
        """
        import pandas as pd

        names, nan = {c["code"]: c["name"] for c in self.provenance.get("plan", ())}, float("nan")
        rows = []
        for f in (one for one in self.findings if one.shown is not None):
            m, interval = f.measurement, f.measurement.interval if f.measurement else None
            rows.append(
                {
                    "check": f.check,
                    "name": names.get(f.check, ""),
                    "status": f.shown,
                    "severity": f.severity,
                    "metric": m.metric if m else (f.criterion.metric if f.criterion else None),
                    "group": m.group if m else None,
                    "value": m.value if m else nan,
                    "low": interval.low if interval else nan,
                    "high": interval.high if interval else nan,
                    "n": m.n if m else None,
                    "p_value": nan if m is None or m.p_value is None else m.p_value,
                    "p_adjusted": nan if f.p_adjusted is None else f.p_adjusted,
                    "criterion": f.criterion.words() if f.criterion else None,
                    "reason": reason_in_full(f),
                    "fingerprint": f.fingerprint,
                }
            )
        return pd.DataFrame(writable(rows), columns=list(_COLUMNS))

    def of(self, check: str) -> Evidence:
        """Return the evidence of a check, by code or name.

        Raises
        ------
        InputError
            If the check was not part of this audit.
        """
        codes = {c["name"]: c["code"] for c in self.provenance.get("plan", ())}
        code = codes.get(check, check)
        for one in self.evidence:
            if one.check == code:
                return one
        known = {word for one in registry().checks for word in (one.name, one.code)}
        if check in known:
            has = ", ".join(one.check for one in self.evidence) or "none"
            raise InputError(f"{check} was not part of this audit; it has {has}")
        raise InputError(
            f"no check {check!r} in this report.{did_you_mean(check, [*codes, *codes.values()])}"
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a saved report; see `load_report`."""
        return cls.from_dict(load_report(path).to_dict())

    def plot(self, check: str = "", table: str | None = None) -> Figure:
        """Return a plotly figure of a table of a check's evidence.

        Parameters
        ----------
        check : str
            Code or name of the check.
        table : str, optional
            Which table; the first that can be drawn when left out.
        """
        from plotly.graph_objects import Figure

        from auditkit.render.figures import figure

        if not check:
            able = [e.check for e in self.evidence if any(t.kind != "plain" for t in e.tables.values())]
            first = able[0] if able else "CHECK"
            raise InputError(
                f"plot(check) draws a table of one check: .plot({first!r}); there are {', '.join(able) or 'none'}"
            )
        tables = self.of(check).tables
        if table is not None and table not in tables:
            raise InputError(f"{check} has no table {table!r}.{did_you_mean(table, tables)}")
        for name in [table] if table else list(tables):
            drawn = figure(tables[name].to_dict())
            if drawn is not None:
                return Figure(drawn)
        if table:
            drawable = ", ".join(name for name, one in tables.items() if one.kind != "plain")
            raise InputError(
                f"the table {table!r} of {check} is rows to read: .of({check!r}).tables[{table!r}].frame(); to draw there are: {drawable or 'none'}"
            )
        raise InputError(
            f"nothing to draw for {check}: {self.of(check).reason or 'its tables are rows to read, or hold no value; see .of(...).tables'}"
        )

    def judge(
        self,
        criteria: Policy | Iterable[Criterion],
        *,
        waivers: Iterable[Waiver] = (),
        on: date | None = None,
    ) -> Report:
        """Return the same evidence judged under another policy. Needs no model.

        Notes and forms stay. Waivers do not: those of the policy and those given here hold, on the day `on`, today when left out.
        """
        policy = criteria if isinstance(criteria, Policy) else Policy(criteria)  # type: ignore[arg-type]
        given = waivers_of(waivers)
        task = self.subject.get("task")
        return replace(
            self,
            findings=judge(
                self.evidence, policy, task=task, waivers=given, on=on, subject=self.subject.get("name")
            ),
            provenance={**self.provenance, "policy": policy.to_dict()},
            waivers=(*policy.waivers, *given),
        )

    def finding(self, which: Finding | str) -> Finding:
        """Return a finding of this report by its fingerprint.

        Raises
        ------
        InputError
            If there is none.
        """
        wanted = which.fingerprint if isinstance(which, Finding) else which
        for one in self.findings:
            if one.fingerprint == wanted:
                return one
        known = [one.fingerprint for one in self.findings]
        raise InputError(
            f"no finding {wanted!r} in this report: report.frame() lists the fingerprints.{did_you_mean(str(wanted), known)}"
        )

    def waive(
        self, finding: Finding | str, reason: str, until: date | str, *, by: str = "", on: date | None = None
    ) -> Report:
        """Return this report with one more finding accepted, although it is not met or undecided; of this subject alone.

        Parameters
        ----------
        finding : Finding or str
            Which, or its fingerprint.
        reason : str
            Why it is accepted.
        until : datetime.date or str
            The last day on which that holds: "2027-01-31".
        by : str
            Who accepts it; whoever is logged in when left out.
        on : datetime.date, optional
            The day it is, today in UTC when left out.

        Raises
        ------
        InputError
            If the finding is not in this report or cannot be waived (it is met, or its check is not applicable or ended in an error), there is no
            reason, or the day is none or has passed.
        """
        one = self.finding(finding)
        if one.criterion is None or (one.was or one.status) not in WAIVABLE:
            why = "it is met" if one.criterion else one.reason or "no criterion was asked"
            raise InputError(
                f"only what breaks a limit or leaves it undecided can be waived; {one.check} {one.fingerprint} is {one.shown}: {why}"
            )
        name = self.subject.get("name")
        given = Waiver(
            finding=one.fingerprint, reason=reason, by=by or logged_in(), until=day(until), subject=name
        )
        if not given.holds(on):
            raise InputError(
                f"until={given.until.isoformat()} has passed: give the last day on which the waiver holds, {on or today()} or later"
            )
        every = (*(w for w in self.waivers if w.finding != one.fingerprint), given)
        return replace(self, findings=waive(self.findings, every, on=on, subject=name), waivers=every)

    def note(self, finding: Finding | str, text: str, *, author: str = "") -> Report:
        """Return this report with a note on a finding; the author is whoever is logged in when left out.

        Raises
        ------
        InputError
            If there is no such finding, or no text.
        """
        note = Note.now(text, author=author, about=self.finding(finding).fingerprint)
        return replace(self, notes=(*self.notes, note))

    def with_forms(self, *forms: Form, replacing: bool = False) -> Report:
        """Return this report with forms besides, each content once.

        Parameters
        ----------
        *forms : Form
            About this subject, from `auditkit.forms.load_form`.
        replacing : bool, default False
            Whether they take the place of those of their kinds.

        Raises
        ------
        InputError
            If a form is about another subject.
        """
        name = self.subject.get("name")
        return replace(self, forms=placed(self.forms, forms, name, replacing=replacing))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, after the published schema."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "counts": self.counts,
            "subject": self.subject,
            "findings": [f.to_dict() for f in self.findings],
            "evidence": [e.to_dict() for e in self.evidence],
            "provenance": self.provenance,
            **({"waivers": [w.to_dict() for w in self.waivers]} if self.waivers else {}),
            **({"notes": [n.to_dict() for n in self.notes]} if self.notes else {}),
            **({"forms": [one.to_dict() for one in self.forms]} if self.forms else {}),
        }

    def stable_dict(self) -> dict[str, Any]:
        """Return `to_dict` without times, engine, host, notes and forms: the same for every run of one audit."""
        data = {k: v for k, v in self.to_dict().items() if k not in ("notes", "forms")}
        return data | {"provenance": {k: v for k, v in self.provenance.items() if k not in VOLATILE}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, hold_forms: bool = True) -> Self:
        """Read what `to_dict` wrote; without `hold_forms` a form that is not as it was signed too, for whoever tells all that differs.

        Raises
        ------
        InputError
            If it is no report of a schema this version reads, or a form in it is not as it was signed.
        """
        hold(data)
        return cls(
            dict(data["subject"]),
            each(Finding.from_dict, data["findings"], "findings"),
            each(Evidence.from_dict, data["evidence"], "evidence"),
            dict(data["provenance"]),
            each(Note.from_dict, data.get("notes", []), "notes"),
            each(Waiver.from_dict, data.get("waivers", []), "waivers"),
            forms=each(Form.held if hold_forms else Form.from_dict, data.get("forms", []), "forms"),
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the report as JSON, whole or not at all; return the path.

        A file that is there is replaced and keeps its permissions; after a failure it is as it was. Answers that were kept go to
        ``report.answers.npz`` beside ``report.json``, which only its owner may read. Answers of another report that lie there are removed.

        Raises
        ------
        InputError
            If the folder is not there, or the path is a folder, or its name is that of a page and not of JSON.
        OSError
            If it cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() in (".html", ".htm", ".ipynb", ".pdf"):
            raise InputError(
                f"save writes the report as JSON: save({target.with_suffix('.json').name!r}). The page and the notebook are made by "
                "auditkit run, or by the studio's report step"
            )
        if not target.parent.is_dir() or target.is_dir():
            raise InputError(
                f"cannot save to {target}: give the path of a file, such as report.json, in a folder that is there"
            )
        if self.answers is not None:
            write_whole(beside(target), self.answers.to_bytes(), private=True)
        text = json.dumps(jsonable(self.to_dict()), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        # lone surrogates (undecodable names) become JSON's own escapes
        written = write_whole(target, text.encode("utf-8", "backslashreplace"))
        if self.answers is None:
            self._drop_answers_of_another(beside(target))
        return written

    def _drop_answers_of_another(self, there: Path) -> None:
        """Remove answers that lie where this report is saved and are not its own: they speak of records of another audit."""
        own = (self.provenance.get("answers") or {}).get("sha256")
        if there.is_file() and digest_of(there.read_bytes()) != own:
            there.unlink()

    def _repr_html_(self) -> str:
        from auditkit.render.page import fragment

        return fragment(self.to_dict())


def load_report(path: str | os.PathLike[str]) -> Report:
    """Read a saved report.

    Raises
    ------
    InputError
        If the file is not there, is not JSON, or is no report.
    """
    data = read(Path(path))
    try:
        return Report.from_dict(data)
    except InputError as error:
        raise InputError(f"{Path(path)}: {error}") from error
