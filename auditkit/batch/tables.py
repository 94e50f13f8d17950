"""Tables: the data of a report's figures as CSV, in which no cell is a formula."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from auditkit.files import write_whole
from auditkit.render.text import clean
from auditkit.spreadsheets import no_formula

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from auditkit.report import Report

__all__ = ["audits_csv", "cell", "write_tables"]


def write_tables(report: Report, folder: Path) -> int:
    """Write each table that is drawn as a figure to ``CHECK-NAME.csv``; return how many. The folder is made if there is one."""
    drawn = [
        (one.check, name, table)
        for one in report.evidence
        for name, table in one.tables.items()
        if table.kind != "plain"
    ]
    for check, name, table in drawn:
        folder.mkdir(exist_ok=True)
        text = _csv(table.columns, zip(*table.columns.values(), strict=True))
        plain = "-".join(re.sub(r"[^A-Za-z0-9_]+", "_", word) for word in (check, name))
        write_whole(folder / f"{plain[:80]}.csv", text)
    return len(drawn)


def audits_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the audits of a batch, one row each: what the page over all lists the first of."""
    names = ("name", "subject", "template", "settings", "tags", "word", "before", "findings", "why", "seconds", "href", "pdf")  # fmt: skip
    every = [
        {
            **row,
            "tags": ", ".join(row["tags"]),
            "findings": ", ".join(f"{n} {status}" for status, n in row["counts"].items() if n),
        }
        for row in rows
    ]
    shown = {"word": "outcome", "before": "accepted", "href": "report"}
    return _csv([shown.get(name, name) for name in names], ([row[name] for name in names] for row in every))


def _csv(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([cell(name) for name in head])
    lines.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def cell(value: Any) -> Any:
    """Return a value for a cell: numbers as they are, text so that no program takes it for a formula.

    Examples
    --------
    >>> cell("=1+1"), cell(-0.5), cell(None)
    ("'=1+1", -0.5, '')
    """
    if value is None:
        return ""
    if isinstance(value, (bool, int, float)):
        return value
    text = clean(value)
    return no_formula(text)
