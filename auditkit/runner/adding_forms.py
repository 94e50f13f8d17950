"""Adding forms: a saved report with what people filled in, its record and its page made anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.files import move_together
from auditkit.forms.placing import in_the_way
from auditkit.report import load_report
from auditkit.runner.notebook import outputs
from auditkit.runner.scratch import scratch_folder

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from auditkit.forms import Form
    from auditkit.report import Report

__all__ = ["WithForms", "add_forms"]

CELL = "forms"
"""Id of the cell that shows the forms."""


@dataclass(frozen=True, slots=True)
class WithForms:
    """A report that got forms.

    Attributes
    ----------
    report : Report
        As it is saved now.
    written : tuple of pathlib.Path
        Files that were made anew.
    without : tuple of pathlib.Path
        Files beside it that do not show the forms.
    """

    report: Report
    written: tuple[Path, ...]
    without: tuple[Path, ...]


def add_forms(
    place: str | os.PathLike[str],
    forms: Sequence[Form],
    *,
    replacing: bool = False,
    also: bool = False,
) -> WithForms:
    """Put forms into a saved report, and make its record, its notebook and its page anew.

    Nothing is judged by them. One of a content that is there already takes its place if it was signed since; no signature is lost.

    Parameters
    ----------
    place : path
        A report.json, or the folder that holds it.
    forms : sequence of Form
        About the subject of the report.
    replacing : bool, default False
        Whether they take the place of other forms of their kinds.
    also : bool, default False
        Whether other forms of their kinds stay beside them.

    Raises
    ------
    InputError
        If there is no report, it is one of a batch, a form is about another subject, or there is another form of its kind and neither is said.
    """
    path = Path(place)
    file = path / "report.json" if path.is_dir() else path
    _refuse_in_a_batch(file)
    before = load_report(file)
    other = in_the_way(before.forms, forms)
    if other and not (replacing or also):
        raise InputError(
            f"the report has another form {other[0].kind!r} already ({other[0].state}, digest {other[0].digest[:16]}): say whether this one takes its place (--replace) or stands beside it (--also)"
        )
    report = before.with_forms(*forms, replacing=replacing)
    with scratch_folder(file.parent) as scratch:
        moves = {report.save(scratch / file.name): file}
        if file.name == "report.json":
            moves |= _shown(report, file.parent, scratch)
        move_together(moves)
    beside = (file.with_name("report.pdf"), file.with_name("report.html"))
    stale = [one for one in beside if one.is_file() and one not in moves.values()]
    return WithForms(report, tuple(moves.values()), tuple(stale))


def _refuse_in_a_batch(file: Path) -> None:
    batch = file.absolute().parent.parent.parent
    if any((batch / name).is_file() for name in ("journal.sqlite", "journal.head")):
        raise InputError(
            f"{file} is a result of the batch {batch}, whose journal holds its digest: copy its folder elsewhere, and add the forms there"
        )


def _shown(report: Report, folder: Path, scratch: Path) -> dict[Path, Path]:
    """Return the page and the notebook with the forms, made in the scratch folder, and where they belong."""
    from auditkit.runner.export import export_report
    from auditkit.runner.studio_report import TEMPLATE, filled

    notebook, page = folder / "report.ipynb", folder / "report.html"
    moves: dict[Path, Path] = {}
    if notebook.is_file():
        content = _with_cell(_read(notebook), report)
        made = scratch / notebook.name
        made.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        moves[made] = notebook
        code = page.is_file() and "<summary>Code</summary>" in page.read_text("utf-8", "replace")
        moves[export_report(made, scratch / page.name, include_code=code)] = page
    elif page.is_file() and (folder / TEMPLATE).is_file():
        node = filled(_read(folder / TEMPLATE), report)
        moves[export_report(node, scratch / page.name)] = page
    return moves


def _read(notebook: Path) -> dict[str, Any]:
    try:
        found = json.loads(notebook.read_text("utf-8"))
        if isinstance(found["cells"], list):
            return dict(found)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise InputError(
        f"{notebook} is no notebook: the page is made of it; move it away to add the forms to the record alone"
    )


def _with_cell(notebook: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return a notebook whose last cell shows the forms of a report, and no other cell does."""
    shown = [
        {"output_type": "display_data", "data": bundle, "metadata": {}} for bundle in outputs(report, "forms")
    ]
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": CELL,
        "metadata": {},
        "execution_count": None,
        "source": 'show(report, "forms")',
        "outputs": shown,
    }
    return {**notebook, "cells": [one for one in notebook["cells"] if one.get("id") != CELL] + [cell]}
