"""Exports: the findings of a batch as other programs read them: JUnit, SARIF, Markdown, and a table of all measurements."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from auditkit._version import __version__
from auditkit.judging import verdict_over
from auditkit.render.batch import WORDS
from auditkit.render.status import POLICY, STATUSES, VERDICTS, shown_status
from auditkit.render.text import clean, criterion_text, markdown_escape, measured, of_group, one_line

if TYPE_CHECKING:
    from auditkit.batch.outcomes import Outcome
    from auditkit.report import Report

__all__ = ["Exports"]

_COLUMNS = ("audit", "subject", "template", "seed", "check", "metric", "group", "value", "low", "high", "level", "method", "n", "bound", "p_value", "p_adjusted", "status", "at_most", "at_least", "severity")  # fmt: skip
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ROWS = 200  # of a summary: a comment on a pull request has its bounds


@dataclass
class Exports:
    """Findings, gathered audit by audit, so that one report is in memory at a time.

    Parameters
    ----------
    name : str
        Of the batch.
    """

    name: str
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
            cells = (audit.name, WORDS[outcome.word][1], counts or outcome.why or "it was not started")
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
        for finding in report.to_dict()["findings"]:
            self._finding(suite, outcome, finding, titles)
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
        rules = [
            {"id": code, "shortDescription": {"text": _sarif(title)}}
            for code, title in sorted(self._rules.items())
        ]
        driver = {"name": "auditkit", "version": __version__, "rules": rules}
        run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": self._results}
        schema = "https://json.schemastore.org/sarif-2.1.0.json"
        text = json.dumps(
            {"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False
        )
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
            lines += ["", "| audit | outcome | findings |", "|---|---|---|", *self._lines[:_ROWS]]
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
        self, suite: ET.Element, outcome: Outcome, finding: dict[str, Any], titles: dict[str, str]
    ) -> None:
        status, audit = shown_status(finding), outcome.audit
        if status is None:
            return
        m, c = finding.get("measurement"), finding.get("criterion")
        about = of_group(
            (m or c or {}).get("metric") or titles.get(finding["check"], ""), (m or c or {}).get("group")
        )
        asked = f", asked {criterion_text(c)}" if c else ""
        said = one_line(
            f"{about}: {measured(m) if m else STATUSES[status][2]}{asked}. {finding.get('reason') or ''}"
        )
        case = ET.SubElement(
            suite, "testcase", classname=_xml(f"{audit.subject}.{audit.template_name}"),
            name=_xml(f"{audit.name} {finding['check']} {about}{asked}"),
        )  # fmt: skip
        broken = (
            "failure"
            if status == "fail"
            else "error"
            if status in ("error", "inconclusive", "unmeasured")
            else ""
        )
        if broken:
            ET.SubElement(case, broken, type=status, message=_xml(said))
            self._rules.setdefault(
                finding["check"], titles.get(finding["check"]) or f"The {POLICY} is measured"
            )
            severe = finding.get("severity") in ("high", "critical")
            level = (
                "none"
                if status in ("inconclusive", "unmeasured")
                else "error"
                if severe or status == "error"
                else "warning"
            )
            kind = "open" if level == "none" else "fail"
            href = f"results/{outcome.folder}/report.html"
            self._result(
                finding["check"],
                f"{audit.name}: {said}",
                kind,
                level,
                f"{audit.name}/{finding['fingerprint']}",
                href,
            )
        elif status not in ("pass", "not_found", "by_construction"):
            ET.SubElement(case, "skipped", message=_xml(said))

    def _result(self, rule: str, said: str, kind: str, level: str, mark: str, href: str) -> None:
        place = {"physicalLocation": {"artifactLocation": {"uri": href}}}
        self._results.append(
            {"ruleId": rule, "kind": kind, "level": level, "message": {"text": _sarif(said)}, "locations": [place],
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


def _sarif(value: object) -> str:
    """Return text that SARIF shows as it stands: brackets make links there, and braces are places to fill."""
    return re.sub(r"([\\\[\]])", r"\\\1", one_line(value)).replace("{", "{{").replace("}", "}}")
