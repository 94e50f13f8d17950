"""Pages: what is written over a whole batch, beside its results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from auditkit.batch.concerns import concerns
from auditkit.batch.exports import Exports
from auditkit.batch.printing import pdf_name
from auditkit.batch.tables import audits_csv
from auditkit.errors import InputError
from auditkit.files import write_whole
from auditkit.render.batch import batch_html
from auditkit.report import load_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from auditkit.batch.journal import Entry
    from auditkit.batch.outcomes import Outcome
    from auditkit.batch.plan import Plan
    from auditkit.batch.result import BatchResult
    from auditkit.report import Report

__all__ = ["last_accepted", "texts", "write_pages"]


def write_pages(plan: Plan, out: Path, result: BatchResult, entries: Iterable[Entry]) -> None:
    """Write ``index.html``, ``audits.csv``, ``junit.xml``, ``findings.sarif``, ``summary.md`` and ``measurements.parquet``, each whole or not at all."""
    accepted = last_accepted(entries)
    before = {} if accepted is None else dict(accepted["audits"])
    exports, rows = Exports(plan.name, plan.path.parent), []
    for one in result.outcomes:
        report = _report(out, one)
        exports.add(one, report)
        said = {
            "pdf": quote(pdf_name(out, one), safe="/="),
            "concerns": concerns(report) if report else (),
            "started": report.provenance.get("started") if report else None,
        }
        rows.append(_row(one, before) | said)
    about = (
        None
        if accepted is None
        else {"by": accepted["by"], "day": accepted["at"][:10], "reason": accepted["reason"]}
    )
    page = batch_html(
        {
            "name": plan.name,
            "verdict": result.verdict,
            "began": result.began,
            "audits": rows,
            "accepted": about,
            "excluded": plan.excluded,
            "excluded_cells": plan.excluded_cells,
        }
    )
    written = {
        "junit.xml": exports.junit(),
        "findings.sarif": exports.sarif(),
        "summary.md": exports.markdown(),
        "measurements.parquet": exports.parquet(),
        "audits.csv": audits_csv(rows),
        "index.html": page.encode("utf-8", "backslashreplace"),
    }
    for name, content in written.items():
        write_whole(out / name, content)


def last_accepted(entries: Iterable[Entry]) -> dict[str, Any] | None:
    """Return what the last acceptance says: who, when, why, and how each audit stood; None where nothing was accepted."""
    return next((one.data for one in reversed(tuple(entries)) if one.kind == "accepted"), None)


def texts(out: Path, outcomes: Iterable[Outcome]) -> dict[str, Path]:
    """Return by name what of a batch is text for a reader: every report, then the pages over all, ``index.html`` last."""
    reports = ("report.json", "report.ipynb", "report.html")
    names = [f"results/{one.folder}/{name}" for one in outcomes if one.ended == "done" for name in reports]
    names += ["junit.xml", "findings.sarif", "summary.md", "audits.csv", "index.html"]
    return {name: out / name for name in names}


def _report(out: Path, outcome: Outcome) -> Report | None:
    if outcome.ended != "done":
        return None
    try:
        return load_report(out / "results" / outcome.folder / "report.json")
    except (InputError, OSError):
        return None


def _row(one: Outcome, before: Mapping[str, str]) -> dict[str, Any]:
    audit = one.audit
    said = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in audit.parameters.items()]
    said += [] if audit.seed is None else [f"seed {audit.seed}"]
    said += [] if audit.policy is None else [audit.policy.name]
    return {
        "name": audit.name,
        "subject": audit.subject,
        "template": audit.template_name,
        "settings": ", ".join(said),
        "tags": list(audit.tags),
        "word": one.word,
        "counts": one.counts,
        "why": one.why,
        "href": f"results/{quote(one.folder, safe='=')}/report.html" if one.ended == "done" else "",
        "before": before.get(one.called_in(before)),
        "seconds": one.seconds,
    }
