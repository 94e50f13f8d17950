"""Exports: the findings of a batch as other programs read them: JUnit, SARIF, Markdown, and a table of all measurements."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from auditkit._version import __version__
from auditkit.batch.concerns import concerns, fact_of
from auditkit.batch.places import BASES, places_of
from auditkit.judging import is_open, verdict_over
from auditkit.render.batch import WORDS
from auditkit.render.escaping import markdown_escape, sarif_text
from auditkit.render.sarif import sarif_log
from auditkit.render.status import POLICY, STATUSES, VERDICTS, shown_status
from auditkit.render.text import clean, criterion_text, measured, of_group, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from auditkit.batch.outcomes import Outcome
    from auditkit.finding import Finding
    from auditkit.report import Report

__all__ = ["Exports"]

_COLUMNS = ("audit", "subject", "template", "seed", "check", "metric", "group", "value", "low", "high", "level", "method", "n", "bound", "p_value", "p_adjusted", "status", "at_most", "at_least", "severity")  # fmt: skip
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ROWS, _TOLD = 200, 50  # of a summary, and those that say why: a comment on a pull request has its bounds


@dataclass
class Exports:
    """Findings, gathered audit by audit, so that one report is in memory at a time.

    Parameters
    ----------
    name : str
        Of the batch.
    folder : pathlib.Path, optional
        Of the plan, absolute: findings in files of it point there. Without it they point to their reports.
    """

    name: str
    folder: Path | None = None
    _suites: dict[str, ET.Element] = field(default_factory=dict)
    _results: list[dict[str, Any]] = field(default_factory=list)
    _rules: dict[str, str] = field(default_factory=dict)
    _columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in _COLUMNS})
    _lines: list[str] = field(default_factory=list)
    _words: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome, report: Report | None) -> None:
        """Take up an audit; `report` is None where there is none."""
        audit = outcome.audit
        suite = self._suites.setdefault(audit.subject, ET.Element("testsuite", name=_xml(audit.subject)))
        self._words.append(outcome.word)
        if outcome.word in ("fail", "broke", "undecided", "not_run"):
            counts = ", ".join(
                f"{n} {STATUSES[k][1]}" for k, n in outcome.counts.items() if n and k in STATUSES
            )
            why = "; ".join(concerns(report)) if report is not None and len(self._lines) < _TOLD else ""
            cells = (audit.name, WORDS[outcome.word][1], counts or outcome.why or "it was not started", why)
            self._lines.append(f"| {' | '.join(markdown_escape(cell) for cell in cells)} |")
        if report is None:
            case = ET.SubElement(
                suite,
                "testcase",
                classname=_xml(f"{audit.subject}.{audit.template_name}"),
                name=_xml(audit.name),
            )
            why = outcome.why or "it was not started"
            ET.SubElement(case, "error", type=outcome.word, message=_xml(why))
            self._result(
                "audit", f"{audit.name} has no report: {why}", "fail", "error", audit.name, "index.html"
            )
            self._rules["audit"] = "An audit that was asked for has a report"
            return
        titles = {one["code"]: one["title"] for one in report.provenance.get("plan", ())}
        told = [self._finding(suite, outcome, one, titles, report) for one in report.findings]
        if outcome.word in ("fail", "undecided") and not any(told):
            self._unsaid(suite, outcome, "; ".join(concerns(report)) or "no finding of it says why")
        self._measured(outcome, report)

    def junit(self) -> bytes:
        """Return one suite a subject and one case a finding; what is undecided is an error, so that it does not read as a pass."""
        top = ET.Element("testsuites", name=_xml(self.name))
        for suite in self._suites.values():
            suite.set("tests", str(len(suite.findall("testcase"))))
            for kind in ("failure", "error", "skipped"):
                plural = {"failure": "failures", "error": "errors", "skipped": "skipped"}[kind]
                suite.set(plural, str(len(suite.findall(f"testcase/{kind}"))))
            top.append(suite)
        ET.indent(top, " ")
        text: bytes = ET.tostring(top, encoding="utf-8", xml_declaration=True)
        return text

    def sarif(self) -> bytes:
        """Return SARIF 2.1.0: what was not met, what broke, and what is open."""
        bases = BASES if any("relatedLocations" in one for one in self._results) else None
        log = sarif_log(__version__, dict(sorted(self._rules.items())), self._results, bases=bases)
        text = json.dumps(log, indent=1, ensure_ascii=False)
        return (text + "\n").encode("utf-8", "backslashreplace")

    def markdown(self) -> bytes:
        """Return a summary for a pull request: the verdict, the counts, and the audits that stand in its way."""
        verdicts = ["undecided" if word in ("broke", "not_run") else word for word in self._words]
        verdict = verdict_over(verdicts)  # type: ignore[arg-type]  # the words are verdicts but for those two
        counts = [
            f"{self._words.count(word)} {said.lower()}"
            for word, (_, said) in WORDS.items()
            if word in self._words
        ]
        lines = [
            f"## {markdown_escape(self.name)}: {VERDICTS[verdict]}",
            "",
            f"{len(self._words):,} audits: {', '.join(counts)}.",
        ]
        if self._lines:
            lines += [
                "",
                "| audit | outcome | findings | above all |",
                "|---|---|---|---|",
                *self._lines[:_ROWS],
            ]
        if len(self._lines) > _ROWS:
            lines += ["", f"... and {len(self._lines) - _ROWS:,} more, in index.html."]
        return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")

    def parquet(self) -> bytes:
        """Return all measurements, one row each, as Parquet."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        numbers = {"value", "low", "high", "level", "p_value", "p_adjusted", "at_most", "at_least"}
        whole = {"n", "seed"}
        made = {
            name: pa.array(
                values, pa.float64() if name in numbers else pa.int64() if name in whole else pa.string()
            )
            for name, values in self._columns.items()
        }
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(made), sink)
        return bytes(sink.getvalue().to_pybytes())

    def _finding(
        self, suite: ET.Element, outcome: Outcome, found: Finding, titles: dict[str, str], report: Report
    ) -> bool:
        """Take up a finding; return whether it stands in the way of its audit: what keeps the verdict open is an error."""
        finding, audit = found.to_dict(), outcome.audit
        status = shown_status(finding)
        if status is None:
            return False
        m, c = finding["measurement"], finding["criterion"]
        about = of_group(
            (m or c or {}).get("metric") or titles.get(found.check, ""), (m or c or {}).get("group")
        )
        asked = f", asked {criterion_text(c)}" if c else ""
        said = one_line(
            f"{about}: {measured(m) if m else STATUSES[status][2]}{asked}. {found.reason}{fact_of(report, found)}"
        )
        case = ET.SubElement(
            suite, "testcase", classname=_xml(f"{audit.subject}.{audit.template_name}"),
            name=_xml(f"{audit.name} {found.check} {about}{asked}"),
        )  # fmt: skip
        broken = "failure" if found.status == "fail" else "error" if is_open(found) else ""
        if broken:
            ET.SubElement(case, broken, type=status, message=_xml(said))
            self._rules.setdefault(found.check, titles.get(found.check) or f"The {POLICY} is measured")
            severe = found.status == "error" or found.severity in ("high", "critical")
            opened = found.status not in ("fail", "error")
            self._result(
                found.check,
                f"{audit.name}: {said}",
                "open" if opened else "fail",
                "none" if opened else "error" if severe else "warning",
                f"{audit.name}/{found.fingerprint}",
                f"results/{outcome.folder}/report.html",
                [] if self.folder is None else places_of(audit, report, found, self.folder),
            )
        elif status not in ("pass", "not_found", "by_construction"):
            ET.SubElement(case, "skipped", message=_xml(said))
        return bool(broken)

    def _unsaid(self, suite: ET.Element, outcome: Outcome, why: str) -> None:
        """Take up an audit that did not pass and has no finding that says why: it measured nothing, or not all that was planned."""
        said = f"the audit is {VERDICTS[outcome.verdict].lower()}: {why}"
        where = _xml(f"{outcome.audit.subject}.{outcome.audit.template_name}")
        case = ET.SubElement(suite, "testcase", classname=where, name=_xml(outcome.audit.name))
        ET.SubElement(case, "error", type=outcome.word, message=_xml(said))
        self._rules["audit"] = "An audit that was asked for has a report"
        self._result(
            "audit", f"{outcome.audit.name}: {said}", "open", "none", outcome.audit.name,
            f"results/{outcome.folder}/report.html",
        )  # fmt: skip

    def _result(
        self, rule: str, said: str, kind: str, level: str, mark: str, href: str, places: Sequence[dict[str, Any]] = ()
    ) -> None:  # fmt: skip
        """Take up a result: where it stands first, then the other places and the report; the report alone where no place is known."""
        first, *others = [*places, {"physicalLocation": {"artifactLocation": {"uri": href}}}]
        related = {"relatedLocations": others} if others else {}
        self._results.append(
            {"ruleId": rule, "kind": kind, "level": level, "message": {"text": sarif_text(said)}, "locations": [first], **related,
             "partialFingerprints": {"auditkit/v1": clean(mark)}}
        )  # fmt: skip

    def _measured(self, outcome: Outcome, report: Report) -> None:
        judged: dict[tuple[Any, ...], list[Any]] = {}
        for finding in report.findings:
            if (m := finding.measurement) is not None:
                judged.setdefault((finding.check, m.metric, m.group), []).append(finding)
        seed = report.provenance.get("seed")
        fixed = (outcome.audit.name, outcome.audit.subject, outcome.audit.template_name, seed)
        for one in report.evidence:
            for m in one.measurements:
                i = m.interval
                span = (i.low, i.high, i.level, i.method) if i else (None,) * 4
                for finding in judged.get((one.check, m.metric, m.group)) or [None]:
                    c = finding.criterion if finding else None
                    rule = (c.at_most, c.at_least, c.severity) if c else (None,) * 3
                    row = (*fixed, one.check, m.metric, m.group, m.value, *span, m.n, m.bound, m.p_value, m.p_adjusted,
                           finding.shown if finding else "not_judged", *rule)  # fmt: skip
                    for name, value in zip(_COLUMNS, row, strict=True):
                        self._columns[name].append(clean(value) if isinstance(value, str) else value)


def _xml(value: object) -> str:
    """Return one line of which every character may stand in XML."""
    return _NO_XML.sub("\ufffd", one_line(value))
