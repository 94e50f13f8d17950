"""Studio report: the files of an audit made in parts, as `auditkit run` would make them of its template."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit import progress
from auditkit.errors import InputError
from auditkit.runner.drafts import part_shown
from auditkit.runner.notebook import outputs

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from auditkit.report import Report

__all__ = ["SUBJECT_FILE", "TEMPLATE", "filled", "write_report", "write_template"]

TEMPLATE = "template.ipynb"
SUBJECT_FILE = "subject.toml"


def filled(template: Mapping[str, Any], report: Report) -> Any:
    """Return a template as an nbformat notebook with the outputs its run would have, taken from a report.

    Parameters
    ----------
    template : mapping
        A notebook as JSON whose cells show parts of a report.
    report : Report
        What its audit found. Notes, where it has some, are shown after the findings.
    """
    import nbformat

    made, data = deepcopy(dict(template)), report.to_dict()
    cells, count = [], 0
    for cell in made["cells"]:
        cells.append(cell)
        if cell["cell_type"] != "code":
            continue
        part, count = part_shown("".join(cell["source"])), count + 1
        cell.update(_run(count, report, part, data))
        if part == "findings" and _by_hand(report):
            cells.append(
                {"cell_type": "code", "id": "notes", "metadata": {}, "source": ['show(report, "notes")']}
            )
            cells[-1].update(_run(count, report, "notes", data))
    about = {**made["metadata"].get("auditkit", {}), "command": _command(report)}
    if report.forms:
        cells.append({"cell_type": "code", "id": "forms", "metadata": {}, "source": 'show(report, "forms")'})
        cells[-1].update(_run(count + 1, report, "forms", data))
    given = {"subject_file": SUBJECT_FILE, "policy_file": None, "seed": report.provenance.get("seed", 0)}
    papermill = {"parameters": {**given, "jobs": 1, "out_dir": "."}}
    made |= {"cells": cells, "metadata": {**made["metadata"], "auditkit": about, "papermill": papermill}}
    # as a run leaves it: through JSON, with the keys in the order of a saved notebook
    node = nbformat.from_dict(made)  # type: ignore[no-untyped-call]
    return nbformat.reads(nbformat.writes(node), as_version=4)  # type: ignore[no-untyped-call]


def write_report(
    report: Report, template: Mapping[str, Any], folder: str | os.PathLike[str]
) -> tuple[Path, Path, Path]:
    """Write ``report.json``, a self-contained ``report.html`` and ``template.ipynb``, which runs it again; return the paths.

    Parameters
    ----------
    report : Report
        What to write.
    template : mapping
        The notebook, as JSON, that makes this report; the page is that of its run.
    folder : path
        Made if it is not there. Files of these names in it are replaced, together and only when the new ones are complete:
        who stops it at one of its steps finds the folder as it was.

    Raises
    ------
    InputError
        If the folder cannot be made or written.
    """
    from auditkit.files import move_together
    from auditkit.runner.export import export_report
    from auditkit.runner.paths import output_folder
    from auditkit.runner.scratch import scratch_folder

    try:
        with output_folder(Path(folder).expanduser(), "folder") as place:
            targets = place / "report.json", place / "report.html", place / TEMPLATE
            for target in targets:
                if target.is_dir():
                    raise InputError(f"{str(target)!r} is a folder: give another folder")
            with scratch_folder(place) as scratch:
                progress.step(0.1, "writing the data")
                report.save(scratch / "report.json")
                progress.step(0.2, "writing the page")
                export_report(filled(template, report), scratch / "report.html")
                progress.step(0.9, "writing the template")
                write_template(template, scratch / TEMPLATE)
                move_together({scratch / target.name: target for target in targets})
    except OSError as error:
        raise InputError(
            f"cannot write a report to {str(folder)!r}: {error.strerror or error}; give another folder"
        ) from error
    return targets


def write_template(template: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write a template to a file, whole or not at all; return its path. Folders above it are made.

    Raises
    ------
    InputError
        If the path does not end in .ipynb, or cannot be written.
    """
    from auditkit.files import write_whole

    target = Path(path).expanduser()
    if target.suffix != ".ipynb":
        raise InputError(f"a template is a notebook: give a path that ends in .ipynb; got {str(path)!r}")
    text = json.dumps(template, indent=1, ensure_ascii=False) + "\n"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return write_whole(target, text.encode("utf-8", "backslashreplace")).resolve()
    except OSError as error:
        raise InputError(
            f"cannot write {str(target)!r}: {error.strerror or error}; give another path"
        ) from error


def _by_hand(report: Report) -> bool:
    """Whether there are notes that stand beside no finding."""
    here = {one.fingerprint for one in report.findings}
    return any(note.seen or note.about not in here for note in report.notes)


def _run(count: int, report: Report, part: str, data: dict[str, Any]) -> dict[str, Any]:
    shown = outputs(report, part, data) if part else []
    outs = [{"output_type": "display_data", "data": bundle, "metadata": {}} for bundle in shown]
    return {"execution_count": count, "outputs": outs}


def _command(report: Report) -> list[str]:
    """Return the words that make this report again, where the subject has a file beside the template."""
    seed = str(report.provenance.get("seed", 0))
    return ["auditkit", "run", TEMPLATE, "--subject", SUBJECT_FILE, "--seed", seed, "--out", "reports"]
