"""Words and tables that explainability checks share: what counts most, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.explainability._behind import sizes_behind, widened
from auditkit.errors import NotApplicable
from auditkit.evidence import Measurement, Table

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.checks.explainability._explanation import Explanation
    from auditkit.subject import Subject

__all__ = ["SPREAD", "behind", "behind_note", "drawn", "enough", "importances", "listed", "ranking"]

_FEWEST = 10

SPREAD = "One spread of the output is its standard deviation over these rows: about how far a row's output typically lies from the mean."


def enough(n: int, purpose: str) -> None:
    """Raise `NotApplicable` where there are fewer than ten rows."""
    if n < _FEWEST:
        raise NotApplicable(
            f"{n} {'row is' if n == 1 else 'rows are'} too few {purpose}: give at least {_FEWEST} test rows"
        )


def importances(
    metric: str, names: list[str], sizes: np.ndarray, level: float, behind: np.ndarray | None = None
) -> list[Measurement]:
    """Return the mean size of each input's part, with Student's interval over rows, and over the background (`sizes_behind`) where it is known."""
    n, found = len(sizes), []
    method = "t over rows" if behind is None else "t over rows and background"
    for j, name in enumerate(names):
        low, high = statistics.mean_interval_of(sizes[:, j], level)
        parts = None if behind is None else behind[:, :, j].mean(axis=1)
        mean = float(sizes[:, j].mean())
        ends = widened((float(low), float(high)), mean, parts, level)
        found.append(common.measured(metric, mean, n, ends, level, method, group=name))
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


def behind(subject: Subject, most: int, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return rows that stand for an unknown value, and those they are drawn from: training rows, or else test rows."""
    source = (subject.test if subject.train is None else subject.train).X
    return source.iloc[common.draw(len(source), most, rng)].reset_index(drop=True), source


def behind_note(found: Explanation, used: int, of: int, subject: Subject) -> str:
    """Say which rows stood for an unknown value."""
    if found.along_paths:
        return "Background: none is read; the base value and the parts rest on the rows that the trees were grown on."
    where = "test" if subject.train is None else "training"
    how = "all" if used == of else "drawn at random without replacement"
    held = (
        "the intervals of sizes, shares and gaps hold what another draw would change"
        if sizes_behind(found) is not None
        else "the intervals do not hold that another draw moves all parts somewhat"
    )
    return f"Background: {used:,} of {of:,} {where} rows, {how}; {held}."
