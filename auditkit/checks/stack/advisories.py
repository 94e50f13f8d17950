"""Advisories: which installed packages are of releases that are known to have a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.check import check
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.nouns import counted
from auditkit.scanning.advisories import SEVERITIES, matches
from auditkit.targets.stack import Stack

if TYPE_CHECKING:
    from auditkit.scanning.advisories import Advisories, Match


@check(
    code="AK901",
    title="Known faults of installed packages",
    question="Which installed packages are of releases that are known to have a fault?",
    dimension="stack",
    metrics=["vulnerable_packages", "perhaps_vulnerable_packages", "serious_advisories"],
    about="stack",
)
def known_advisories(subject: Stack, *, rng: np.random.Generator) -> Evidence:  # noqa: ARG001 - the contract; nothing is drawn
    """Hold the versions of packages against the ranges of a dated table of advisories; nothing is asked over a network.

    Parameters
    ----------
    subject : Stack
        With packages.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    Evidence
        ``vulnerable_packages``: packages in a range that was read in a source. ``perhaps_vulnerable_packages``: in one that was not, or of a
        version that cannot be compared, and in none that was read. ``serious_advisories``: of verified ranges, advisories rated high or critical.
    """
    if not subject.installed:
        raise NotApplicable(
            "no packages are given: pass Stack(..., installed=installed_here()), or requirements in the subject file"
        )
    found = sorted(matches(subject.installed, subject.advisories), key=_order)
    sure = [one for one in found if one.advisory.verified and one.comparable]
    named = {one.package for one in sure}
    perhaps = {one.package for one in found} - named
    serious = [one for one in sure if one.advisory.severity in ("critical", "high")]
    n, table = len(subject.installed), subject.advisories
    reason = f"counted against {table.name} of {table.date or 'no date'}; it has no interval"
    left_out = {"left_out": subject.left_out} if subject.left_out else {}
    return Evidence(
        "AK901",
        (
            Measurement("vulnerable_packages", len(named), n, reason=reason),
            Measurement("perhaps_vulnerable_packages", len(perhaps), n, reason=reason),
            Measurement("serious_advisories", len(serious), n, reason=reason),
        ),
        {"advisories": _table(found)},
        says=_says(sorted(named, key=str.casefold), sorted(perhaps, key=str.casefold), subject),
        does_not_say=(
            "That the other packages have no fault: the table knows some, up to its date. Nor that a fault can be used here: that depends on what "
            "is run, and who reaches it."
        ),
        notes=(*_notes(table), *left_out.values()),
        rows={"used": n, "of": n, "split": "packages", "how": "all", **left_out},
    )


def _order(one: Match) -> tuple[int, str, str]:
    return SEVERITIES.index(one.advisory.severity), one.package.casefold(), one.advisory.name


def _table(found: list[Match]) -> Table:
    columns = {
        "package": tuple(one.package for one in found),
        "version": tuple(one.version for one in found),
        "advisory": tuple(one.advisory.name for one in found),
        "severity": tuple(one.advisory.severity for one in found),
        "says": tuple(one.advisory.says for one in found),
        "fixed": tuple(
            one.fixed or ("" if one.comparable else "version cannot be compared") for one in found
        ),
        "verified": tuple("yes" if one.advisory.verified else "no" for one in found),
        "source": tuple(one.advisory.source for one in found),
    }
    labels = {
        "package": "Package",
        "version": "Installed",
        "advisory": "Advisory",
        "severity": "Severity, as rated",
        "says": "What it is",
        "fixed": "First release without it",
        "verified": "Range read in a source",
        "source": "Source",
    }
    summary = (
        f"{counted(len(found), 'advisory is', 'advisories are')} about installed releases."
        if found
        else "No advisory of the table is about an installed release."
    )
    return Table("Advisories about installed releases", columns, "plain", labels, summary)


def _says(named: list[str], perhaps: list[str], subject: Stack) -> str:
    n, table = len(subject.installed), subject.advisories
    spoken = table.knows(subject.installed)
    said = f"Of {counted(n, 'package')} {spoken:,} {'stands' if spoken == 1 else 'stand'} in {table.name} ({table.date or 'no date'})"
    if spoken:
        are = "is" if len(named) < 2 else "are"
        said += f"; of these {_listed(named) or 'none'} {are} of a release with a known fault"
    if perhaps:
        said += f"; {_listed(perhaps)} may be, by ranges that were not read in a source"
    return f"{said}. Of the other {n - spoken:,} nothing is known." if spoken < n else f"{said}."


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _notes(table: Advisories) -> tuple[str, ...]:
    known = f"{table.name} ({table.date or 'no date'}) holds {counted(len(table.rows), 'advisory', 'advisories')}, about {counted(len(table.by_package), 'package')}."
    unread = sum(not one.verified for one in table.rows)
    if not unread:
        return (known,)
    return (
        known,
        f'{unread} of its ranges were not read in a source. A folder of OSV files (osv = "..." in the subject file, --osv) is newer and knows more.',
    )
