"""Packages: what notebooks import and install, held against advisories, and under which licences it comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from auditkit.check import check
from auditkit.checks.notebooks._places import counted
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.targets.notebooks import Notebooks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.scanning.advisories import Advisory

__all__ = ["notebook_packages"]

NOT_CHECKED = "not checked"
UNKNOWN = "unknown"


@dataclass
class _Asked:
    """One version of a package, and who asks for it."""

    name: str
    version: str
    source: str
    by: set[str] = field(default_factory=set)
    advisories: tuple[Advisory, ...] = ()
    comparable: bool = True


@check(
    code="AK703",
    title="Packages of notebooks",
    question="Do notebooks rest on packages with known weaknesses, or under licences that nobody looked at?",
    dimension="notebook",
    metrics=[
        "packages_named",
        "packages_with_advisories",
        "packages_of_unknown_version",
        "packages_of_unknown_licence",
    ],
    about="notebooks",
)
def notebook_packages(
    subject: Notebooks,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - every check is called alike
) -> Evidence:
    """Name the packages, hold their versions against a local folder of advisories, and tell their licences."""
    asked = _asked(subject)
    known = subject.advisories
    for one in asked:
        found = known.about(one.name, one.version) if known is not None and one.version else ()
        one.advisories = tuple(match.advisory for match in found if match.comparable)
        one.comparable = all(match.comparable for match in found)
    names = {one.name for one in asked}
    affected = {one.name for one in asked if one.advisories}
    no_version = {one.name for one in asked if not one.version}
    no_licence = {name for name in names if name not in subject.environment.licences}
    counts = {
        "packages_named": names,
        **({} if known is None else {"packages_with_advisories": affected}),
        "packages_of_unknown_version": no_version,
        "packages_of_unknown_licence": no_licence,
    }
    checked = (
        "not checked against advisories" if known is None else f"{len(affected):,} with a known weakness"
    )
    unlicensed = f"; licence unknown of {len(no_licence):,}" if no_licence else ""
    return Evidence(
        "AK703",
        tuple(Measurement(metric, float(len(found)), len(names)) for metric, found in counts.items()),
        {"packages": _table(subject, asked), **({} if known is None else {"advisories": _advisories(asked)})},
        says=f"{counted(len(names), 'package')} named; {checked}{unlicensed}.",
        does_not_say="That a package is sound: only advisories in the folder given are known, versions are those asked for or installed here, and what packages depend on in turn is not looked at.",
        notes=tuple(_notes(subject, len(no_version))),
        rows={
            "used": len(names),
            "of": len(names),
            "how": "imports, lines that install, and lists beside the notebooks",
            **_left_out(subject, len(no_version)),
        },
    )


def _asked(subject: Notebooks) -> list[_Asked]:
    here = subject.environment
    found: dict[tuple[str, str], _Asked] = {}
    for asker, package in subject.packages():
        name = here.package_of(package.name) if package.how == "import" else package.name
        version = package.version or here.versions.get(name, "")
        source = "asked for" if package.version else "installed here" if version else UNKNOWN
        one = found.setdefault((name, version), _Asked(name, version, source))
        one.by.add(asker)
        one.source = "asked for" if package.version else one.source
    return [found[key] for key in sorted(found)]


def _table(subject: Notebooks, asked: Sequence[_Asked]) -> Table:
    known = subject.advisories is not None
    columns = {
        "package": tuple(one.name for one in asked),
        "version": tuple(one.version or UNKNOWN for one in asked),
        "known_from": tuple(one.source for one in asked),
        "named_in": tuple(len(one.by) for one in asked),
        "licence": tuple(subject.environment.licences.get(one.name, UNKNOWN) for one in asked),
        "advisories": tuple(
            str(len(one.advisories)) if known and one.version and one.comparable else NOT_CHECKED
            for one in asked
        ),
    }
    labels = {
        "package": "Package", "version": "Version", "known_from": "Version from", "named_in": "Notebooks and lists", "licence": "Licence (SPDX)",
        "advisories": "Advisories",
    }  # fmt: skip
    return Table(
        "Packages", columns, labels=labels, summary="Packages that notebooks and lists of requirements name."
    )


def _advisories(asked: Sequence[_Asked]) -> Table:
    rows = [(one.name, one.version, found) for one in asked for found in one.advisories]
    columns = {
        "package": tuple(name for name, _, _ in rows),
        "version": tuple(version for _, version, _ in rows),
        "advisory": tuple(found.id for _, _, found in rows),
        "aliases": tuple(", ".join(found.aliases) for _, _, found in rows),
        "severity": tuple(found.severity for _, _, found in rows),
    }
    labels = {
        "package": "Package",
        "version": "Version",
        "advisory": "Advisory",
        "aliases": "Also known as",
        "severity": "Severity",
    }
    return Table("Advisories", columns, labels=labels, summary="Advisories that speak of these versions.")


def _left_out(subject: Notebooks, no_version: int) -> dict[str, str]:
    """Return what was not held against advisories."""
    if subject.advisories is None:
        return {"left_out": "not checked against advisories: no folder of OSV files is named"}
    if no_version:
        return {"left_out": f"{counted(no_version, 'package')} of unknown version not checked"}
    return {}


def _notes(subject: Notebooks, no_version: int) -> list[str]:
    known = subject.advisories
    if known is None:
        return [
            'Advisories: not checked; name a folder of OSV files (advisories = "..." in the subject file, --advisories on the command line).'
        ]
    notes = [
        f"{counted(known.records, 'advisory', 'advisories')} in the folder, the latest changed on {known.date or 'a day it does not say'}."
    ]
    if known.unread:
        notes.append(
            f"{counted(known.unread, 'file')} of the folder not read: no advisory on a package of the index."
        )
    if no_version:
        notes.append(f"{counted(no_version, 'package')} of unknown version not checked.")
    return notes
