"""Stack scan: what was found of packages and configuration files, a row each, in words and as SARIF."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from auditkit._version import __version__
from auditkit.render.escaping import sarif_text
from auditkit.render.sarif import sarif_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from auditkit.evidence import Table
    from auditkit.report import Report

__all__ = ["HERE", "Row", "found_in", "sarif_of"]

HERE = "this environment"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_TITLES = {"AK901": "Release with a known fault", "AK902": "Open configuration"}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing found, with its place and what to do.

    Attributes
    ----------
    check, rule, severity : str
        The check's code, the advisory or the kind of fault, and how severe.
    file : str
        The configuration file or list of packages; `HERE` where the packages are those of the environment.
    line : int
        The first being 1; 0 for a file as a whole.
    what, says, cure : str
        The package with its version or the server, what is so, and what to do instead; the last is empty where nothing is known.
    """

    check: str
    rule: str
    severity: str
    file: str
    line: int
    what: str
    says: str
    cure: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        cure = f"; instead: {self.cure}" if self.cure else ""
        return f"{place}: {self.what} {self.says}{cure} ({self.check}, {self.rule}, {self.severity})"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def found_in(report: Report, packages: str = HERE, lines: Mapping[str, int] | None = None) -> list[Row]:
    """Return every place that leaves something open, and every advisory about a package, most severe first.

    Parameters
    ----------
    report : Report
        Of the checks of a stack.
    packages : str
        The list that named the packages.
    lines : mapping of str to int, optional
        The line of that list that a package stands on.
    """
    rows = []
    for one in report.evidence:
        if (table := one.tables.get("advisories")) is not None:
            rows += [_advised(row, packages, lines or {}) for row in _rows(table)]
        if (table := one.tables.get("places")) is not None:
            rows += [_open(row) for row in _rows(table)]
    return rows


def _rows(table: Table) -> Iterator[dict[str, Any]]:
    for values in zip(*table.columns.values(), strict=True):
        yield dict(zip(table.columns, values, strict=True))


def _advised(row: Mapping[str, Any], packages: str, lines: Mapping[str, int]) -> Row:
    said = f": {row['says']}" if row["says"] else ""
    sure = row["verified"] == "yes" and row["fixed"] != "version cannot be compared"
    is_so = "is of a release with a known fault" if sure else "may be of a release with a known fault"
    release = "" if row["fixed"] in ("", "version cannot be compared") else f"{row['fixed']} or newer"
    name = str(row["package"])
    return Row(
        "AK901", str(row["advisory"]), str(row["severity"]), packages, lines.get(name, 0), f"{name} {row['version']}",
        f"{is_so}{said}", release,
    )  # fmt: skip


def _open(row: Mapping[str, Any]) -> Row:
    return Row(
        "AK902", str(row["rule"]), str(row["severity"]), str(row["file"]), int(row["line"]), f"{row['server']}:",
        str(row["says"]), str(row["cure"]),
    )  # fmt: skip


def sarif_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Return SARIF 2.1.0: a result a row, at its file and line; one about the environment has no file."""
    results: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for row in rows:
        mark = f"{row.check}/{row.rule}/{row.file}/{row.what}"
        seen[mark] = seen.get(mark, 0) + 1
        place: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": row.what}]}
        if row.file != HERE:
            place["physicalLocation"] = {"artifactLocation": {"uri": quote(row.file.replace("\\", "/"))}}
            if row.line:
                place["physicalLocation"]["region"] = {"startLine": row.line}
        results.append({
            "ruleId": row.check,
            "level": _LEVELS.get(row.severity, "warning"),
            "message": {"text": sarif_text(f"{row.what} {row.says}{f'; instead: {row.cure}' if row.cure else ''} ({row.rule})")},
            "locations": [place],
            "partialFingerprints": {"auditkit/v1": f"{mark}/{seen[mark]}"},
        })  # fmt: skip
    return sarif_log(__version__, _TITLES, results)
