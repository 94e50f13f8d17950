"""SARIF of notebooks: each finding with the stretch of the file it stands in, so that code scanning points there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from auditkit._version import __version__
from auditkit.errors import InputError
from auditkit.render.escaping import sarif_text
from auditkit.render.sarif import sarif_log
from auditkit.scanning.notebooks.lines import Lines
from auditkit.targets.notebooks import notebook_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditkit.runner.notebook_rows import Row
    from auditkit.targets.notebooks import NotebookFile, Notebooks

__all__ = ["sarif_of"]

_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "unknown": "warning"}
_TITLES = {
    "AK701": "Secret in a notebook",
    "AK702": "Personal data in a notebook",
    "AK703": "Package with a known weakness",
    "AK704": "Risky call in a notebook",
}


def sarif_of(rows: Sequence[Row], target: Notebooks) -> dict[str, Any]:
    """Return SARIF 2.1.0: a result for each row.

    The region is the stretch of the notebook's JSON that a line of a cell takes; the first line of the file where that is not known. Cell, part
    and line of the part are in the message, as a logical location and among the properties.

    Parameters
    ----------
    rows : sequence of Row
        What was found.
    target : Notebooks
        What was looked at. A file that is another now than when it was read is pointed at as a whole; one that could not be read is told as what
        the tool could not do.
    """
    results: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    regions = _regions(rows, target)
    for row in rows:
        mark = "/".join((row.check, row.kind, row.notebook, str(row.cell), row.part))
        seen[mark] = seen.get(mark, 0) + 1
        where = f"{'notebook' if row.cell is None else f'cell {row.cell}'}, {row.part}, line {row.line}"
        results.append({
            "ruleId": row.check,
            "level": _LEVELS[row.severity],
            "message": {"text": sarif_text(f"{row.kind}: {where}")},
            "locations": [{
                "physicalLocation": {"artifactLocation": {"uri": quote(row.notebook)}, "region": regions.get(row, {"startLine": 1})},
                "logicalLocations": [{"fullyQualifiedName": where}],
            }],
            "partialFingerprints": {"auditkit/v1": hashlib.sha256(f"{mark}/{seen[mark]}".encode("utf-8", "replace")).hexdigest()},
            "properties": {"cell": row.cell, "part": row.part, "line": row.line},
        })  # fmt: skip
    return sarif_log(__version__, _TITLES, results, unread=dict(target.broken))


def _regions(rows: Sequence[Row], target: Notebooks) -> Mapping[Row, dict[str, int]]:
    found: dict[Row, dict[str, int]] = {}
    notebooks = {one.name: one for one in target.files}
    by_file: dict[str, list[Row]] = {}
    for row in rows:
        if row.notebook in notebooks:
            by_file.setdefault(row.notebook, []).append(row)
        elif row.notebook:
            found[row] = {
                "startLine": row.line
            }  # a list of requirements: lines of the part are lines of the file
    for name, ones in by_file.items():
        content = _content(notebooks[name])
        known = {} if content is None else Lines(content, notebooks[name].content).regions(map(_place, ones))
        for row in ones:
            if (region := known.get(_place(row))) is not None:
                found[row] = {
                    "startLine": region.line,
                    "startColumn": region.start,
                    "endLine": region.line,
                    "endColumn": region.end,
                }
    return found


def _place(row: Row) -> tuple[int | None, str, int]:
    return row.cell, row.part, row.line


def _content(file: NotebookFile) -> bytes | None:
    try:
        content = notebook_bytes(Path(file.name))
    except InputError:  # gone, or another now
        return None
    return content if hashlib.sha256(content).hexdigest() == file.sha256 else None
