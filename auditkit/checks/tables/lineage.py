"""Lineage: where a table came from, as far as people said it, and whether the files are those they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.check import check
from auditkit.checks.tables._parts import FACT
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.nouns import counted
from auditkit.targets.table import Table as Records

if TYPE_CHECKING:
    from auditkit.targets.table_parts import Parent

_NONE = (
    "nobody said where the table came from: [[lineage]] with name, path, sha256, from, made_by, source, licence, collected and basis "
    "in the subject file, Table(..., lineage=[...]) in Python"
)
_FITS = {True: "fits", False: "another file"}


@check(
    code="AK919",
    title="Where the table came from",
    question="Is each thing the table was made from named, and is its file the one that is meant?",
    dimension="data",
    metrics=["lineage_digest_mismatches", "lineage_files_absent", "lineage_gaps"],
    about="table",
)
def table_lineage(subject: Records, *, rng: np.random.Generator) -> Evidence:  # noqa: ARG001 - the contract; nothing is drawn
    """Hold the sha256 of each named file against the one that people said, and list what they did not say.

    Parameters
    ----------
    subject : Table
        Records with a lineage.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    Evidence
        ``lineage_digest_mismatches``: files with another sha256 than said; ``lineage_files_absent``: named files that are not there;
        ``lineage_gaps``: things not said: of each source its source, licence, day and basis, of everything else how it was made, and of every
        file its sha256.
    """
    lineage = tuple(subject.lineage)
    if not lineage:
        raise NotApplicable(_NONE)
    n = len(lineage)
    wrong = [one for one in lineage if one.said and one.found and one.said != one.found]
    absent = [one for one in lineage if one.path and not one.found]
    gaps = {one.name: _gaps(one) for one in lineage}
    many = sum(map(len, gaps.values()))
    return Evidence(
        "AK919",
        (
            Measurement("lineage_digest_mismatches", float(len(wrong)), n, reason=FACT),
            Measurement("lineage_files_absent", float(len(absent)), n, reason=FACT),
            Measurement("lineage_gaps", float(many), n, reason=FACT),
        ),
        {"entries": _entries(lineage, gaps), "digests": _digests(subject)},
        says=_says(n, [one.name for one in wrong], [one.name for one in absent], gaps),
        does_not_say="That what people said is true: a digest shows which file is meant, not what was done to it, nor whether it may be used.",
        rows={"used": len(subject.frame), "of": len(subject.frame), "split": "records", "how": "all"},
    )


def _gaps(one: Parent) -> list[str]:
    """Return what was not said of an entry."""
    wanted = {"made by": one.made_by} if one.parents else {
        "source": one.source, "licence": one.licence, "collected": one.collected, "basis": one.basis,
    }  # fmt: skip
    if one.path:
        wanted["sha256"] = one.said
    return [word for word, said in wanted.items() if not said.strip()]


def _fits(one: Parent) -> str:
    if not one.path:
        return "no file is named"
    if not one.found:
        return "the file is not there"
    return _FITS[one.said == one.found] if one.said else "no sha256 was said"


def _entries(lineage: tuple[Parent, ...], gaps: dict[str, list[str]]) -> Table:
    columns = {
        "name": tuple(one.name for one in lineage),
        "from": tuple(", ".join(one.parents) or "a source" for one in lineage),
        "file": tuple(map(_fits, lineage)),
        "made by": tuple(one.made_by for one in lineage),
        "source": tuple(one.source for one in lineage),
        "licence": tuple(one.licence for one in lineage),
        "collected": tuple(one.collected for one in lineage),
        "basis": tuple(one.basis for one in lineage),
        "not said": tuple(", ".join(gaps[one.name]) for one in lineage),
    }
    labels = {name: name.capitalize() for name in columns}
    return Table(
        "What the table was made from",
        columns,
        "plain",
        labels,
        f"{counted(len(lineage), 'entry', 'entries')}, as people said them.",
    )


def _digests(subject: Records) -> Table:
    parts = subject.describe()["parts"]
    columns = {"part": tuple(parts), "sha256": tuple(parts.values())}
    labels = {"part": "Part", "sha256": "sha256"}
    return Table("What was looked at", columns, "plain", labels, "The sha256 of everything that was read.")


def _says(n: int, wrong: list[str], absent: list[str], gaps: dict[str, list[str]]) -> str:
    many = sum(map(len, gaps.values()))
    parts = []
    if wrong:
        parts.append(
            f"{', '.join(wrong)} {'is another file' if len(wrong) == 1 else 'are other files'} than said"
        )
    if absent:
        parts.append(
            f"the {'file' if len(absent) == 1 else 'files'} of {', '.join(absent)} {'is' if len(absent) == 1 else 'are'} not there"
        )
    if many:
        worst = max(gaps, key=lambda name: len(gaps[name]))
        parts.append(
            f"{counted(many, 'thing')} {'was' if many == 1 else 'were'} not said, of {worst} {', '.join(gaps[worst])}"
        )
    told = (
        "; ".join(parts)
        or "every file that is named is the one that is meant, and nothing that is asked for was left unsaid"
    )
    return f"Of {counted(n, 'entry', 'entries')} of the lineage: {told}."
