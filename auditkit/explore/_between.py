"""Between: how far the groups are apart, and how often all records are answered rightly, each with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.evidence import Table
from auditkit.explore._rows import columns_of
from auditkit.methods.group_thresholds import RATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditkit.methods.group_thresholds import Notion

__all__ = ["Between", "Estimate", "between", "between_table", "gap_between", "unbeaten"]

_REPLICATES = 999  # tables of a permutation test, where groups are small: it must be done within a drag
_KEYS = ("what", "when", "value", "low", "high")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval; all are ``nan`` where it is not defined."""

    value: float
    low: float
    high: float

    def share(self) -> str:
        """Return "12.3% [10.1%, 14.8%]"."""
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}]"

    def points(self) -> str:
        """Return "12.3 percentage points [10.1, 14.8]"."""
        if math.isnan(self.value):
            return "not defined (a rate is 0 / 0)"
        return f"{100 * self.value:.1f} percentage points [{100 * self.low:.1f}, {100 * self.high:.1f}]"

    def ratio(self) -> str:
        """Return "0.45 [0.38, 0.53]"."""
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


UNKNOWN = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Between:
    """What the groups differ by at some thresholds.

    Attributes
    ----------
    least, most : tuple of (int, Estimate)
        The groups that are selected least and most often, and how often.
    ratio : Estimate
        Of these rates, the impact ratio; not defined where nobody is selected.
    gap : Estimate
        Of a notion of fairness.
    accuracy : Estimate
        Of all records; not defined without labels.
    """

    least: tuple[int, Estimate]
    most: tuple[int, Estimate]
    ratio: Estimate
    gap: Estimate
    accuracy: Estimate


def between(
    counted: Mapping[str, tuple[np.ndarray, np.ndarray]],
    everybody: tuple[np.ndarray, np.ndarray] | None,
    notion: Notion,
    level: float,
) -> Between:
    """Return what the groups differ by, by the statistics of the checks: intervals of ratio and gap hold for every pair of groups at once.

    Parameters
    ----------
    counted : mapping of str to (ndarray, ndarray), each of shape (groups,)
        Successes and trials of each rate, as many as the records are worth.
    everybody : tuple of ndarray, or None
        Right answers and records, of all groups together.
    notion : str
        Whose gap.
    level : float
        Confidence level of each number.
    """
    hits, trials = counted["selection_rate"]
    low, high = statistics.wilson(hits, trials, level)
    with np.errstate(invalid="ignore"):
        rate = hits / trials
    ends = [
        (at, Estimate(float(rate[at]), float(low[at]), float(high[at])))
        for at in (int(np.nanargmin(rate)), int(np.nanargmax(rate)))
    ]
    ratio = statistics.smallest_ratio(hits, trials, level, rng=_rng(), replicates=_REPLICATES)
    right = UNKNOWN
    if everybody is not None:
        right = Estimate(
            float(everybody[0] / everybody[1]), *map(float, statistics.wilson(*everybody, level))
        )
    return Between(
        ends[0],
        ends[1],
        Estimate(ratio.value, ratio.low, ratio.high),
        gap_between(counted, notion, level),
        right,
    )


def gap_between(
    counted: Mapping[str, tuple[np.ndarray, np.ndarray]], notion: Notion, level: float
) -> Estimate:
    """Return the largest gap of the rates that a notion wants equal; of two rates each is held to its half of the error (Bonferroni).

    Not defined where a group has no such rate.
    """
    pairs = [counted[name] for name in RATES[notion]]
    if any((trials == 0).any() for _, trials in pairs):
        return UNKNOWN
    each = 1 - (1 - level) / len(pairs)
    gaps = [
        statistics.largest_gap(hits, trials, each, rng=_rng(), replicates=_REPLICATES)
        for hits, trials in pairs
    ]
    return Estimate(*(max(getattr(gap, end) for gap in gaps) for end in ("value", "low", "high")))


def between_table(stages: Iterable[tuple[str, Between]], notion: Notion, level: float) -> Table:
    """Return ratio, gap and accuracy of each stage ("now"), with their intervals."""
    words = {
        "ratio": "impact ratio",
        "gap": f"gap of {notion.replace('_', ' ')}",
        "accuracy": "accuracy of all records",
    }
    found = list(stages)
    rows = []
    for name, what in words.items():
        for when, one in found:
            number: Estimate = getattr(one, name)
            if not math.isnan(number.value):
                rows.append((what, when, number.value, number.low, number.high))
    return Table(
        "Between groups, and of all records",
        columns_of(_KEYS, rows),
        "plain",
        {},
        f"{level:.0%} intervals. Those of ratio and gap hold for every pair of groups at once, so for the two that lie farthest apart "
        "(square-and-add and MOVER-R limits, studentised range); that of the accuracy is Wilson's.",
    )


def _rng() -> np.random.Generator:
    """Return the source of a permutation test: the same thresholds get the same answer."""
    return np.random.default_rng(0)


def unbeaten(curve: Table, others: tuple[Between, ...], of: str) -> Table:
    """Return a trade-off without the points of a series that other thresholds beat: by a smaller gap that costs nothing, or by more for no wider gap.

    A person who moves thresholds one by one may find better ones than the search did.
    """
    gaps, right = (np.array(curve.columns[key], dtype=float) for key in ("x", "value"))
    kept = np.ones(gaps.size, dtype=bool)
    for one in others:
        gap, accuracy = one.gap.value, one.accuracy.value
        kept &= ~((gap <= gaps) & (accuracy >= right) & ((gap < gaps) | (accuracy > right)))
    kept |= np.array([series != of for series in curve.columns["series"]], dtype=bool)
    columns = {
        key: tuple(cell for cell, stays in zip(cells, kept, strict=True) if stays)
        for key, cells in curve.columns.items()
    }
    return replace(curve, columns=columns)
