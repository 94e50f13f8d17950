"""Places: where in the files under audit a finding stands, as SARIF says it."""

from __future__ import annotations

import hashlib
import itertools
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditkit.batch.asked import PlannedAudit
    from auditkit.finding import Finding
    from auditkit.loading.kinds import Written
    from auditkit.report import Report

__all__ = ["BASES", "MOST", "places_of"]

BASES = {"PLAN": {"description": {"text": "The folder of the plan. What has no base lies beside this file."}}}
"""What paths of audited files start from."""

MOST = 50
"""Places of a finding that are told; all are in its report."""

_WHOLE = ("file_refusals", "unlisted_names", "asked_names")  # of a model file
_TABLES = {
    "secrets_found": "places", "distinct_secrets": "places", "personal_data_found": "places",
    "risky_calls_high": "places", "risky_calls_medium": "places", "risky_calls_low": "places", "cells_not_read": "not_read",
    "configuration_faults": "places", "serious_configuration_faults": "places",
}  # fmt: skip
"""The table that says where the things stand that a metric counts."""

_SEVERITIES = {
    "risky_calls_high": "high", "risky_calls_medium": "medium", "risky_calls_low": "low", "serious_configuration_faults": "high",
}  # fmt: skip


def places_of(audit: PlannedAudit, report: Report, finding: Finding, folder: Path) -> list[dict[str, Any]]:
    """Return where the things stand that a finding counts: locations of SARIF; none where that is not known.

    Parameters
    ----------
    audit : PlannedAudit
        Its subject file names the files.
    report : Report
        Of the audit.
    finding : Finding
        One that is not met; another has no place.
    folder : pathlib.Path
        Of the plan, absolute. Files outside it, and those that are gone or no longer what was audited, have no place.
    """
    m = finding.measurement
    if finding.status != "fail" or m is None:
        return []
    places: Iterator[tuple[Path | None, dict[str, Any]]]
    if m.metric in _WHOLE:
        places = iter([(_model_file(audit), {})])
    else:
        rows = _rows(report, finding.check, _TABLES.get(m.metric, ""))
        places = (_place(audit, row) for row in rows if _counts(row, m.metric, m.group))
    about = report.subject
    audited = _Audited(audit, str(about.get("kind")), tuple((about.get("parts") or {}).items()))
    found = (_location(path, more, folder, audited) for path, more in places)
    return list(itertools.islice((one for one in found if one), MOST))


def _rows(report: Report, check: str, name: str) -> Iterator[dict[str, Any]]:
    for evidence in report.evidence:
        if evidence.check == check and (table := evidence.tables.get(name)) is not None:
            for values in zip(*table.columns.values(), strict=True):
                yield dict(zip(table.columns, values, strict=True))


def _counts(row: Mapping[str, Any], metric: str, group: str | None) -> bool:
    """Return whether a row is one of those that a metric counts, in a group that is named by its rule."""
    asked = _SEVERITIES.get(metric)
    if asked is not None and row.get("severity") != asked:
        return False
    return group in (None, "in all") or group == str(row.get("rule", "")).replace("_", " ")


def _place(audit: PlannedAudit, row: Mapping[str, Any]) -> tuple[Path | None, dict[str, Any]]:
    """Return the file of a row, and its place in it: a line where lines are those of the file, else a cell in words."""
    base = audit.subject_file.parent
    if "notebook" not in row:
        line = row.get("line")
        return base / str(row["file"]), {"region": {"startLine": line}} if line else {}
    cell = "notebook" if row["cell"] is None else f"cell {row['cell']}"
    words = f"{cell}, {row['part']}, line {row['line']}" if "part" in row else cell
    return base / str(row["notebook"]), {"region": {"startLine": 1}, "words": words}


def _model_file(audit: PlannedAudit) -> Path | None:
    said = _said(audit)
    return said.files()["path"] if said is not None and said.kind == "artifact" else None


def _said(audit: PlannedAudit) -> Written | None:
    from auditkit.loading.kinds import read_subject_file

    try:
        return read_subject_file(audit.subject_file)
    except InputError:  # it was changed since
        return None


@lru_cache(maxsize=64)
def _digest(path: Path, _changed: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=64)
def _is_notebook(
    path: Path, _changed: int, _size: int, parts: tuple[tuple[str, str], ...], *, presidio: bool
) -> bool:
    from auditkit.targets.notebooks import is_audited

    return is_audited(path, dict(parts), presidio=presidio)


@dataclass(frozen=True, slots=True)
class _Audited:
    """What was audited: its kind, and the digests of its report."""

    audit: PlannedAudit
    kind: str
    parts: tuple[tuple[str, str], ...]

    def holds(self, path: Path) -> bool:
        """Return whether a file is one that was audited: byte for byte, or by its redacted copy where the report has the digest of that."""
        try:
            about = path.stat()
            if not path.is_file():
                return False
            state = (path, about.st_mtime_ns, about.st_size)
            if self.kind != "notebooks":
                return _digest(*state) in dict(self.parts).values()
            said = _said(self.audit)
            presidio = said is not None and bool(getattr(said.said, "presidio", False))
            return _is_notebook(*state, self.parts, presidio=presidio)
        except OSError:
            return False


def _location(path: Path | None, more: Mapping[str, Any], folder: Path, audited: _Audited) -> dict[str, Any]:
    """Return a location of SARIF; empty where the file is none of the folder, or another now."""
    if path is None:
        return {}
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - without following links, which pathlib does
    if not whole.is_relative_to(folder) or not audited.holds(whole):
        return {}
    artifact = {"uri": quote(whole.relative_to(folder).as_posix()), "uriBaseId": "PLAN"}
    made: dict[str, Any] = {"physicalLocation": {"artifactLocation": artifact}}
    if "region" in more:
        made["physicalLocation"]["region"] = more["region"]
    if "words" in more:
        made["logicalLocations"] = [{"fullyQualifiedName": more["words"]}]
    return made
