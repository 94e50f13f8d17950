"""Words and tables that explainability checks share: what counts most, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.evidence import Measurement, Table

if TYPE_CHECKING:
    from auditkit.checks.explainability._explanation import Explanation
    from auditkit.subject import Subject

__all__ = ["behind_note", "drawn", "importances", "listed", "ranking"]


def importances(metric: str, names: list[str], sizes: np.ndarray, level: float) -> list[Measurement]:
    """Return the mean size of each input's part, with Student's interval over rows."""
    n = len(sizes)
    found = []
    for j, name in enumerate(names):
        ends = statistics.mean_interval_of(sizes[:, j], level)
        found.append(common.measured(metric, sizes[:, j].mean(), n, ends, level, "t over rows", group=name))
    return found


def ranking(found: list[Measurement], word: str, title: str) -> Table:
    """Return the measurements as a table of estimates, led by the largest."""
    known = sorted((m for m in found if not np.isnan(m.value)), key=lambda m: -m.value)
    unknown = [m for m in found if np.isnan(m.value)]
    lead = " lead" if len(known) > 3 else ""
    summary = f"{word}, by input: {listed(known)}{lead}." if known else ""
    return Table(
        title,
        common.estimates([*known, *unknown]),
        "estimates",
        {"value": word, "n": "records", "largest": "largest"},
        summary,
    )


def listed(found: list[Measurement]) -> str:
    """Return the first three with their intervals, in words."""
    return ", ".join(f"{m.group} ({common.with_ends(m)})" for m in found[:3])


def drawn(used: int, of: int) -> tuple[str, ...]:
    """Say how rows were drawn; nothing where all were used."""
    if used == of:
        return ()
    return (
        f"Rows: {used:,} of {of:,} test rows, drawn at random without replacement; the intervals hold what that leaves open.",
    )


def behind_note(found: Explanation, used: int, of: int, subject: Subject) -> str:
    """Say which rows stood for an unknown value."""
    if found.along_paths:
        return "Background: none is read; the base value and the parts rest on the rows that the trees were grown on."
    where = "test" if subject.train is None else "training"
    how = "all" if used == of else "drawn at random without replacement"
    return f"Background: {used:,} of {of:,} {where} rows, {how}; another draw moves the base value and all parts somewhat."
