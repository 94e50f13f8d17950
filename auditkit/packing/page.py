"""Page: the public form of a report as one HTML file, and the data of its figures as CSV."""

from __future__ import annotations

import csv
import io
import math
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from auditkit.controls.shown import on_page
from auditkit.render import page
from auditkit.render._controls import section
from auditkit.render._forms import forms
from auditkit.render._templating import fill
from auditkit.render.document import document
from auditkit.render.pages import about, place
from auditkit.runner.pages import check_pages
from auditkit.spreadsheets import no_formula

if TYPE_CHECKING:
    from auditkit.evidence import Table
    from auditkit.report import Report

__all__ = ["figures_csv", "html", "table_csv"]


def html(report: Report, *, k: int) -> str:
    """Return the page of a public form, made of nothing else."""
    data, pages = deepcopy(report.to_dict()), check_pages()
    plan = {one["code"]: one for one in data["provenance"]["plan"]}
    for code, one in plan.items():
        if code in pages:
            one["page"] = f"#{place(code)}"
    mapped = on_page(data)
    parts: list[tuple[str, str]] = [
        ("Verdict", page.verdict(data)),
        ("What is withheld", _withheld(report, k)),
        ("Findings", page.findings({**data, "controls": mapped["by_check"]})),
    ]
    for one in data["evidence"]:
        code = str(one["check"])
        parts.append((str(plan.get(code, {}).get("title", code)), page.evidence(data, code, figures=True)))
    if data.get("forms"):
        parts.append(("Forms", forms(data)))
    parts.append(("Methods", page.methods(data)))
    titles = {code: str(one["title"]) for code, one in plan.items()}
    sections = [(words, Markup(block)) for words, block in parts]  # noqa: S704 - made by our templates
    sections += section(mapped, {})
    sections += about(titles, pages)
    body = Markup("").join(
        Markup('<section id="s{}">{}</section>').format(i, block) for i, (_, block) in enumerate(sections)
    )
    notice = (
        f"This is the public form of a report. Numbers about fewer than {k} records are withheld, and others from which they would follow; "
        "other values are rounded and their intervals widened; statuses and verdict are those of the full report. What is withheld and rounded, why, and who may see it stands below the verdict."
    )
    nav = [(f"s{i}", words) for i, (words, _) in enumerate(sections)]
    return document(
        body, title=f"{data['subject']['name']}: audit report, public form", nav=nav[:16], notices=[notice]
    )


def _withheld(report: Report, k: int) -> str:
    """Return what is withheld, how much of it, why, and who may see it."""
    about = report.provenance["public"]
    titles = {one["code"]: one["title"] for one in report.provenance["plan"]}
    shown = {one.check: len(one.measurements) for one in report.evidence}
    rows = [[f"{titles.get(code, code)} ({code})", shown[code], n] for code, n in about["by_check"].items()]
    heads = [("Check", False), ("Numbers shown", True), ("Numbers withheld", True)]
    table = fill(
        "table.html.j2",
        title="",
        heads=[{"text": text, "numeric": numeric} for text, numeric in heads],
        rows=rows,
        note="",
    )
    judged = [one for one in report.findings if one.measurement is not None]
    return str(
        fill(
            "withheld.html.j2",
            k=k,
            total=about["withheld"],
            of=about["withheld"] + sum(shown.values()),
            findings=sum(
                one.measurement is not None and one.measurement.group == "withheld" for one in judged
            ),
            judged=len(judged),
            checks=table,
        )
    )


def figures_csv(report: Report) -> dict[str, bytes]:
    """Return the data of every figure of a public form, by file name."""
    found = {}
    for one in report.evidence:
        code = re.sub(r"[^a-z0-9]+", "-", one.check.lower()).strip("-") or "check"
        for i, (name, table) in enumerate(one.tables.items(), start=1):
            found[f"{code}-{i}.csv"] = table_csv(table, about=name)
    return found


def table_csv(table: Table, *, about: str = "", change: dict[str, Any] | None = None) -> bytes:
    r"""Return a table as CSV in UTF-8. Text that a spreadsheet would run as a formula gets an apostrophe before it.

    Parameters
    ----------
    table : Table
        What to write.
    about : str
        What stands in a first column "about" of each row, if anything.
    change : dict of str to callable, optional
        Column name to what is done to each of its values.

    Examples
    --------
    >>> from auditkit.evidence import Table
    >>> table_csv(Table("t", {"label": ("=1+1", "b"), "value": (-0.5, None)}))
    b"label,value\r\n'=1+1,-0.5\r\nb,\r\n"
    """
    change = change or {}
    names = list(table.columns)
    text = io.StringIO(newline="")
    write = csv.writer(text, lineterminator="\r\n")
    write.writerow([*(["about"] if about else []), *map(_safe, names)])
    values = [[change.get(name, _same)(v) for v in table.columns[name]] for name in names]
    for row in zip(*values, strict=True):
        write.writerow([*([_safe(about)] if about else []), *map(_safe, row)])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _same(value: Any) -> Any:
    return value


def _safe(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return no_formula(value) if isinstance(value, str) else value
