"""Rows: what a scan of notebooks found, each thing by its kind and its place."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from auditkit.reading import name_shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditkit.report import Report
    from auditkit.targets.notebooks import Notebooks

__all__ = ["Row", "rows_of"]

_PLACE = re.compile(r"(?:cell (\d+), source, )?line (\d+)")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing found, told by kind and place.

    Attributes
    ----------
    check, kind, severity : str
        The check's code, what it is in words, and how severe.
    notebook : str
        The notebook.
    cell : int or None
        The cell, the first being 1.
    part : str
        The part of the cell, or of the notebook.
    line : int
        The line of the part, the first being 1.
    digest : str
        Tells equal secrets from others, within one scan; empty where there is none.
    """

    check: str
    kind: str
    severity: str
    notebook: str
    cell: int | None
    part: str
    line: int
    digest: str = ""

    def __str__(self) -> str:
        where = f"{'notebook' if self.cell is None else f'cell {self.cell}'}, {self.part}, line {self.line}"
        return f"{name_shown(self.notebook)}: {where}: {self.kind} ({self.check}, {self.severity}{f', {self.digest}' if self.digest else ''})"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def rows_of(target: Notebooks, report: Report) -> dict[str, list[Row]]:
    """Return the rows of each check of a report."""
    from auditkit.scanning.notebooks.personal import PERSONAL
    from auditkit.scanning.notebooks.risky import RULES, calls_in

    codes = [one.check for one in report.evidence]
    found: dict[str, list[Row]] = {code: [] for code in codes}
    for file, scan in target.scans() if {"AK701", "AK702"} & set(codes) else ():
        for code, severity, ones, words in (
            ("AK701", "critical", scan.secrets, {}),
            ("AK702", "high", scan.personal, PERSONAL),
        ):
            found.setdefault(code, []).extend(
                Row(
                    code,
                    words.get(one.kind, one.kind),
                    severity,
                    file.name,
                    one.place.cell,
                    one.place.part,
                    one.place.line,
                    one.digest,
                )
                for one in ones
            )
    for file in target.files if "AK704" in codes else ():
        found["AK704"] += [
            Row(
                "AK704",
                RULES[one.rule][1],
                one.severity,
                file.name,
                one.place.cell,
                one.place.part,
                one.place.line,
            )
            for one in calls_in(file.content)[0]
        ]
    if "AK703" in codes:
        found["AK703"] += list(_advised(target, report))
    return {code: found[code] for code in codes}


def _advised(target: Notebooks, report: Report) -> Iterator[Row]:
    table = report.of("AK703").tables.get("advisories")
    names = {one.name for one in target.files}
    for package, version, advisory, severity in (
        zip(*(table.columns[name] for name in ("package", "version", "advisory", "severity")), strict=True)
        if table
        else ()
    ):
        asked = [
            (asker, one)
            for asker, one in target.packages()
            if package in (one.name, target.environment.package_of(one.name))
        ]
        where, one = next((pair for pair in asked if pair[1].version in ("", version)), asked[0])
        place = _PLACE.fullmatch(one.place)
        cell, line = (int(place[1]) if place and place[1] else None, int(place[2]) if place else 1)
        part = "source" if cell else "packages" if where in names else "list of requirements"
        yield Row("AK703", f"{package} {version}: {advisory}", severity, where, cell, part, line)
