"""Queries: how many decisions an attack had flipped after so many questions to the model."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.evidence import Measurement, Table

__all__ = ["by_queries", "median_distance", "median_queries", "order_ends"]

_POINTS = 40


def by_queries(first: np.ndarray, most: int, size: str, level: float) -> Table:
    """Return the share of decisions flipped within the radius, against the queries spent on a row.

    Parameters
    ----------
    first : ndarray of shape (n,)
        Queries of each attacked row at its first flip within the radius, infinite for those that were not flipped.
    most : int
        Queries of the row that was asked about most.
    size : str
        The radius, in words.
    level : float
        Confidence level of each point by itself (Clopper-Pearson).
    """
    n, flips = len(first), first[np.isfinite(first)]
    grid = np.unique(np.rint(np.geomspace(1, max(most, 2), _POINTS)).astype(int))
    hits = np.searchsorted(np.sort(flips), grid, side="right")
    low, high = statistics.clopper_pearson(hits, n, level)
    columns = {
        "x": tuple(grid),
        "value": tuple(hits / n),
        "low": tuple(low),
        "high": tuple(high),
        "n": (n,) * len(grid),
    }
    half = int(np.flatnonzero(2 * hits >= hits[-1])[0])
    summary = (
        f"{common.percent(hits[-1] / n)} of {n} decisions flipped within {size} after {grid[-1]:,} queries a row"
        + (f"; half of those after {grid[half]:,}." if hits[-1] else ".")
    )
    words = {"x": "Queries spent on a row", "value": "Share flipped", "n": "records"}
    return Table("Decisions flipped, by queries", columns, "curve", words, summary)


def median_queries(metric: str, first: np.ndarray, level: float) -> Measurement:
    """Return the median number of queries at the first flip, over the rows that were flipped."""
    flips = np.sort(first[np.isfinite(first)])
    if not len(flips):
        return Measurement(metric, float("nan"), 0, reason=f"none of {len(first)} decisions was flipped")
    reason = f"of the {len(flips)} of {len(first)} decisions that were flipped"
    return common.measured(
        metric, float(np.median(flips)), len(flips), order_ends(flips, level), level, "order statistics", reason=reason
    )  # fmt: skip


def median_distance(metric: str, distance: np.ndarray, level: float) -> Measurement:
    """Return the median over all rows attacked; a row that was not flipped counts as infinitely far."""
    n, ordered = len(distance), np.sort(distance)
    middle = float(ordered[(n - 1) // 2 : n // 2 + 1].mean())
    if np.isinf(middle):
        reason = f"fewer than half of {n} decisions were flipped at any distance"
        return Measurement(metric, float("nan"), n, bound="upper", reason=reason)
    ends = order_ends(ordered, level)
    return common.measured(metric, middle, n, ends, level, "order statistics", bound="upper")


def order_ends(ordered: np.ndarray, level: float) -> tuple[float, float]:
    """Return the ends of the median of sorted values that are 0 or more, by the binomial; open where there are too few."""
    n = len(ordered)
    k = int(binom.ppf((1 - level) / 2, n, 0.5))
    return (float(ordered[k - 1]), float(ordered[n - k])) if k else (0.0, float("inf"))
