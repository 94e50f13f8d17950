"""Studio report: the files of a report that was made without a notebook of its own."""

from __future__ import annotations

from pathlib import Path
from pprint import pformat
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError

if TYPE_CHECKING:
    import os

    from auditkit.report import Report

__all__ = ["again", "notebook_of", "write_report"]


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


def again(report: Report) -> Any:
    """Return an nbformat notebook that runs the audit of a report once more, beside its ``report.json``.

    What was audited was an object of the session, so its reader names the subject; the data must be the same ones.
    """
    from nbformat import v4

    params = {e.check: e.params for e in report.evidence}
    plan = {p["name"]: params.get(p["code"], {}) for p in report.provenance.get("plan", ())}
    ran = [p["code"] for p in report.provenance.get("plan", ()) if p["code"] in params]
    words = (
        "# The same audit again\n\nThis runs the checks of `report.json` under the settings and the seed they had, and compares. "
        "Give the subject in the first cell."
    )
    cells = [
        'import auditkit as ak\nfrom auditkit.finding import Criterion\n\nsubject = ak.load_subject("subject.toml")  # or your Subject(...)',
        (
            'saved = ak.load_report("report.json")\n'
            'if subject.describe()["test"]["digest"] != saved.subject["test"]["digest"]:\n'
            '    raise SystemExit("these are not the test rows that were audited")'
        ),
        (
            f"plan = {pformat(plan, width=100, sort_dicts=False)}\n"
            'criteria = [Criterion.from_dict(c) for c in saved.provenance["policy"]["criteria"]]\n'
            f"ran = {ran!r}\n"
            f"*_, ended = ak.Audit(plan, criteria).stream(subject, seed={int(report.provenance.get('seed', 0))}, only=ran)\n"
            "report = ended.report"
        ),
        (
            "numbers = lambda one, code: one.of(code).to_dict()['measurements']\n"
            'print([code for code in ran if numbers(report, code) != numbers(saved, code)] or "every number is the same")\n'
            "report"
        ),
    ]
    made = [v4.new_markdown_cell(words), *(v4.new_code_cell(cell) for cell in cells)]  # type: ignore[no-untyped-call]
    return v4.new_notebook(cells=made)  # type: ignore[no-untyped-call]


def write_report(report: Report, folder: str | os.PathLike[str]) -> tuple[Path, Path, Path]:
    """Write ``report.json``, a self-contained ``report.html`` and ``again.ipynb``, which runs it again; return the paths.

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
    import nbformat

    from auditkit.files import write_whole
    from auditkit.runner.export import export_report

    target = Path(folder).expanduser()
    try:
        target.mkdir(parents=True, exist_ok=True)
        as_data = report.save(target / "report.json")
        as_page = export_report(notebook_of(report), target / "report.html")
        as_notebook = write_whole(target / "again.ipynb", nbformat.writes(again(report)).encode())  # type: ignore[no-untyped-call]
    except OSError as error:
        raise InputError(
            f"cannot write a report to {str(target)!r}: {error.strerror or error}; give another folder"
        ) from error
    return as_data.resolve(), as_page.resolve(), as_notebook.resolve()
