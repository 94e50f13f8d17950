"""Page: the sections of a report as escaped HTML, from the report's dictionary."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from auditkit.errors import InputError
from auditkit.render._findings import finding_groups
from auditkit.render._forms import one_form
from auditkit.render._methods import methods, rows_used
from auditkit.render._templating import asset, fill
from auditkit.render.figures import bare, blank
from auditkit.render.sanitize import caption
from auditkit.render.status import (
    MEANINGS,
    VERDICTS,
    chips,
    remarks,
    shown_counts,
    shown_status,
    unmeasured,
    verdict_word,
    verdict_words,
)
from auditkit.render.tables import table_html
from auditkit.render.text import (
    count,
    gathered,
    measured,
    method_words,
    of_group,
    one_line,
    p_value,
    percent,
    plain_reason,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "evidence",
    "figure_html",
    "findings",
    "foreign_figure_html",
    "fragment",
    "inert_json",
    "methods",
    "styles",
    "verdict",
]

FRAGMENT_ROWS = 12


def styles() -> Markup:
    """Return the one style sheet, for a ``<style>`` element."""
    return Markup(asset("style.css"))  # noqa: S704 - a file of this package


def inert_json(value: Any) -> Markup:
    """Return JSON that can stand in a script element: no tag, comment or section can begin in it."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def fragment(report: Mapping[str, Any]) -> str:
    """Return compact static HTML for a notebook's output cell: no script, styles of its own.

    Parameters
    ----------
    report : mapping
        What ``Report.to_dict()`` returned.
    """
    every = [item for group in finding_groups(report) for item in group["findings"]]
    # what somebody wrote is shown wherever its finding stands
    rows = [item for at, item in enumerate(every) if at < FRAGMENT_ROWS or item["waiver"] or item["notes"]]
    written = [_written(item) for item in rows]
    total = len(report.get("findings", []))
    columns = {
        "status": [f"{item['icon']} {item['word']}" for item in rows],
        "finding": [" · ".join(filter(None, (item["title"], item["group"]))) for item in rows],
        "value [interval]": [item["value"] for item in rows],
        "n": [item["n"] if item["measured"] else "" for item in rows],
        "criterion": [item["asked"].removeprefix("asked: ") for item in rows],
        "check": [item["code"] for item in rows],
        **({"notes and waivers": written} if any(written) else {}),
    }
    title = "Findings" if total == len(rows) else f"Findings, {len(rows)} of {total:,}; .frame() has all"
    return str(
        fill(
            "fragment.html.j2",
            css=styles(),
            **_head(report),
            table=table_html({"title": title, "columns": columns}),
            forms=[one_form(one) for one in report.get("forms") or ()],
        )
    )


def _written(item: Mapping[str, Any]) -> str:
    """Return what was written by hand on a finding: its waiver, then its notes, each with who says so and when."""
    notes = [f"Note: {note['text']} ({note['author']}, {note['time']})" for note in item["notes"]]
    return "; ".join(filter(None, [item["waiver"], *notes]))


# how far a model file was trusted when it was opened
TRUST = {
    "data": "data; nothing in it runs",
    "listed": "a file of which every name it asks for is on auditkit's list, or named by the subject file",
    "pinned": "a file that its owner vouches for by its sha256",
    "factory": "code that the subject file names",
    "live object": "an object in the session",
}


def verdict(report: Mapping[str, Any]) -> str:
    """Return the first screen: the outcome in words, what was audited, and what was not examined.

    A page that puts something between asks for the ``"head"`` and the ``"facts"`` apart, as `part`.
    """
    head = _head(report)
    explained = [
        (one["word"], MEANINGS[one["status"]])
        for one in head["chips"]
        if one["n"] and one["status"] in MEANINGS
    ]
    return str(fill("verdict.html.j2", part=report.get("part"), explained=explained, **head))


def findings(report: Mapping[str, Any]) -> str:
    """Return every finding, by status and then by severity, with what speaks for and against it."""
    return str(fill("findings.html.j2", groups=finding_groups(report), remarks=remarks(report)))


def _head(report: Mapping[str, Any]) -> dict[str, Any]:
    counts = shown_counts(report)
    subject = report.get("subject") or {}
    about_run = report.get("provenance") or {}
    gaps = about_run.get("not_examined") or []
    given = str(report.get("verdict"))
    verdict = given if given in VERDICTS else "undecided"
    return {
        "name": one_line(subject.get("name")) or "Unnamed subject",
        "kicker": one_line(report.get("kicker")) or "Audit report",
        "verdict": verdict,
        "word": verdict_word(verdict, counts),
        "headline": verdict_words(counts),
        "chips": chips(counts),
        "unmeasured": unmeasured(report),
        "audited": [*_audited(subject), *_how(about_run)],
        "gaps": gathered(gaps),
        "gap_count": len(gaps),
    }


def _audited(subject: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what was audited as pairs of a word and its value, empty ones left out."""
    if subject.get("kind"):
        return [
            (one_line(word), one_line(value))
            for word, value in (subject.get("facts") or {}).items()
            if value is not None
        ]
    model = subject.get("model") or {}
    classes = [one_line(c) for c in subject.get("classes") or []]
    pairs = [
        ("Model", one_line(model.get("kind"))),
        ("Task", words(subject.get("task"))),
        (
            "Classes",
            ", ".join(classes[:12]) + (f" and {len(classes) - 12} more" if len(classes) > 12 else ""),
        ),
        ("Positive", "" if subject.get("positive") is None else one_line(subject["positive"])),
        ("Test data", _size(subject.get("test"))),
        ("Training data", _size(subject.get("train")) or "not given"),
        (
            "Sensitive features",
            ", ".join(map(one_line, subject.get("sensitive_features") or [])) or "none declared",
        ),
        ("Model came as", TRUST.get(str(model.get("trust")), one_line(model.get("trust")))),
        ("Model was asked in", one_line(model.get("apart"))),
    ]
    return [(name, value) for name, value in pairs if value]


def _how(about_run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what ties a printed page to its run: the day, the policy, the version and the seed."""
    policy = about_run.get("policy") or {}
    pairs = [
        ("Audited on", _day(about_run.get("started"))),
        ("Policy", one_line(policy.get("name"))),
        ("auditkit", one_line(about_run.get("auditkit"))),
        ("Seed", one_line(about_run.get("seed"))),
    ]
    return [(name, value) for name, value in pairs if value]


def _day(started: object) -> str:
    found = re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=T|$)", str(started or ""))
    return found[0] if found else ""


def _size(data: Mapping[str, Any] | None) -> str:
    if not data:
        return ""
    return f"{count(data.get('rows'))} rows, {count(len(data.get('columns') or []))} columns"


def evidence(report: Mapping[str, Any], code: str, *, figures: bool = False) -> str:
    """Return what one check observed: its words, tables, measurements and notes.

    Parameters
    ----------
    report : mapping
        What ``Report.to_dict()`` returned.
    code : str
        The check: "AK101".
    figures : bool, default False
        Whether to add the data of each figure, for a page that draws them.

    Raises
    ------
    InputError
        If the report has no evidence of this check.
    """
    found = [e for e in report.get("evidence", []) if e.get("check") == code]
    if not found:
        have = ", ".join(str(e.get("check")) for e in report.get("evidence", [])) or "none"
        raise InputError(f"no evidence of {code!r} in this report; it has: {have}")
    one = found[0]
    plan: Mapping[str, Any] = next(
        (p for p in (report.get("provenance") or {}).get("plan", []) if p.get("code") == code), {}
    )
    judged = {shown_status(f) for f in report.get("findings", []) if f.get("check") == code}
    numbers = one.get("measurements") or []
    return str(
        fill(
            "evidence.html.j2",
            code=one_line(code),
            title=one_line(plan.get("title") or plan.get("name") or code),
            question="" if report.get("asked") else one_line(plan.get("question")),
            page=plan.get("page"),
            marks=[item["status"] for item in chips({}) if item["status"] in judged],
            figures=[
                figure_html(t, draw=figures) for t in (one.get("tables") or {}).values() if not blank(t)
            ],
            notes=[one_line(note) for note in one.get("notes") or []],
            measurements=_measurements(numbers) if numbers else "",
            measurement_count=len(numbers),
            rows=rows_used(one.get("rows") or {}),
            reason=f"As {one_line(report['as'])} says."
            if report.get("as")
            else plain_reason(one.get("reason")),
            **{key: one_line(one.get(key)) for key in ("says", "does_not_say")},
        )
    )


def figure_html(table: Mapping[str, Any], *, draw: bool = True) -> Markup:
    """Return a table as a figure with its text alternative and its data, or as a table alone."""
    drawing, notes = (draw and bare(table)) or (None, [])
    title = one_line(table.get("title"))
    summary = one_line(table.get("summary"))
    return fill(
        "figure.html.j2",
        title=title,
        summary=summary,
        notes=notes,
        alternative=f"{title}. {summary}".strip(". "),
        drawing=inert_json(drawing) if drawing else "",
        height=drawing["layout"]["height"] if drawing else "",
        foreign=False,
        table=table_html({**table, "title": "" if not drawing else title}),
        folded=bool(drawing) or bool(table.get("folded")) or _long(table),
    )


def foreign_figure_html(drawing: dict[str, Any], note: str = "") -> Markup:
    """Return a figure that came as plotly's JSON, already made inert."""
    title = caption(drawing)
    return fill(
        "figure.html.j2",
        title=title,
        summary=note,
        notes=[],
        alternative=title,
        drawing=inert_json(drawing),
        height="",
        foreign=True,
        table="",
        folded=False,
    )


def _long(table: Mapping[str, Any]) -> bool:
    return max((len(values) for values in (table.get("columns") or {}).values()), default=0) > 25


def _measurements(numbers: Sequence[Mapping[str, Any]]) -> Markup:
    columns: dict[str, list[Any]] = {
        "metric": [of_group(m.get("metric"), m.get("group")) for m in numbers],
        "value [interval]": [measured(m) for m in numbers],
        "n": [m.get("n") for m in numbers],
        "interval's method": [_method(m) for m in numbers],
    }
    if any(m.get("p_value") is not None for m in numbers):
        columns["p"] = [
            "" if m.get("p_value") is None else p_value(m["p_value"]).removeprefix("= ") for m in numbers
        ]
    return table_html({"title": "", "columns": columns})


def _method(m: Mapping[str, Any]) -> str:
    interval = m.get("interval") or {}
    return f"{method_words(interval.get('method'))}, {percent(interval.get('level'))}" if interval else "none"
