"""Studio report: the files of a report that was made without a notebook of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError

if TYPE_CHECKING:
    import os

    from auditkit.report import Report

__all__ = ["notebook_of", "write_report"]


def notebook_of(report: Report) -> Any:
    """Return an nbformat notebook that shows every view of a report, in the order of the templates."""
    from nbformat import v4

    from auditkit.render.views import bundle, view_data

    data = report.to_dict()
    parts = [
        ("verdict", None),
        ("findings", None),
        *(("evidence", e.check) for e in report.evidence),
        ("methods", None),
    ]
    cells = []
    for view, code in parts:
        shown = bundle(view, {**view_data(view, data, code), "code": code})  # type: ignore[arg-type]
        output = v4.new_output("display_data", shown)  # type: ignore[no-untyped-call]
        cells.append(v4.new_code_cell("", execution_count=1, outputs=[output]))  # type: ignore[no-untyped-call]
    return v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]


def write_report(report: Report, folder: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Write ``report.json`` and a self-contained ``report.html``; return both paths.

    Parameters
    ----------
    report : Report
        What to write.
    folder : path
        Made if it is not there. Files of these names in it are replaced, each whole or not at all.

    Raises
    ------
    InputError
        If the folder cannot be made or written.
    """
    from auditkit.runner.export import export_report

    target = Path(folder).expanduser()
    try:
        target.mkdir(parents=True, exist_ok=True)
        as_data = report.save(target / "report.json")
        as_page = export_report(notebook_of(report), target / "report.html")
    except OSError as error:
        raise InputError(
            f"cannot write a report to {str(target)!r}: {error.strerror or error}; give another folder"
        ) from error
    return as_data.resolve(), as_page.resolve()
