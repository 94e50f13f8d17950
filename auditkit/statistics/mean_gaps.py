"""Mean gaps: how far apart the means of groups can be, when the two farthest were picked after looking."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level
from auditkit.statistics.gaps import (
    Gap,
    contradicts,
    extremes,
    left_out,
    method_of,
    range_critical,
    undefined,
)
from auditkit.statistics.intervals import moments
from auditkit.statistics.no_difference import floored, means_alike, welch_pairs

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["largest_mean_gap", "smallest_mean_ratio"]

# harmonic interpolation between these, as in the printed tables; the curve is convex in 1/df, so never too narrow
_DF_NODES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 60, 120, math.inf)


def largest_mean_gap(
    sums: npt.ArrayLike,
    sumsqs: npt.ArrayLike,
    n: npt.ArrayLike,
    level: float = 0.95,
    *,
    skewness: float = 0.0,
) -> Gap:
    """Return the largest difference of means between any two groups, for errors or predictions of a regression.

    Games and Howell's intervals (1976): the studentised range with Welch's degrees of freedom for each pair, so variances
    may differ; of skewed values none is taken for less than half of that within the groups together, since a group that drew no rare
    value shows hardly any. The p-value is that of the largest of Welch's t over the pairs (`means_alike`); the interval begins at 0
    wherever the test does not reach the level. Without the `skewness` of skewed values (absolute or squared errors) both are wrong in groups of fewer
    than some hundred rows.

    Parameters
    ----------
    sums, sumsqs, n : array_like, shape (groups,)
        Sum of the values, sum of their squares and rows of each group. Groups of fewer than two rows have no
        measurable spread; they are left out, and `note` says how many.
    level : float
        Confidence level.
    skewness : float
        Of the values within their groups, as `auditkit.statistics.Moments` has it; 0 for values that are about symmetric.

    Returns
    -------
    Gap
        In the unit of the values; ``nan`` with a note where fewer than two groups are left.

    Raises
    ------
    InputError
        On sums no real values can have.

    Examples
    --------
    >>> gap = largest_mean_gap([0.0, 20.0], [9.0, 60.0], [10, 10])
    >>> gap.value, gap.low > 0, gap.highest_index
    (2.0, True, 1)
    """
    mean, variance, size = moments(sums, sumsqs, n)
    if mean.ndim != 1:
        raise InputError(f"sums must be one a group, shape (groups,), got shape {mean.shape}")
    kept = np.flatnonzero(size >= 2)
    note = left_out(size.size - kept.size, kept.size, "fewer than two rows")
    method = method_of("games-howell", kept.size)
    if kept.size < 2:
        return undefined(method, level, note)
    mean, variance, size = mean[kept], variance[kept], size[kept]
    least = floored(variance, size, skewness)
    pairs = games_howell(mean, least, size, as_level(level))
    if (least == 0).any():
        note += "A group's values are all equal: its mean is taken as exact. "
    test = means_alike(mean, variance, size, skewness)
    low = 0.0 if contradicts(test, level) else pairs.low
    places, surest = extremes(mean, kept), pairs.ordered(mean, kept) if low > 0 else None
    return Gap(
        float(np.ptp(mean)), low, pairs.high, test.p_value, level, method, test.method, *places, kept.size, note, surest,
    )  # fmt: skip


def smallest_mean_ratio(
    mean: npt.ArrayLike,
    variance: npt.ArrayLike,
    n: npt.ArrayLike,
    level: float = 0.95,
    *,
    skewness: float = 0.0,
) -> Gap:
    """Return the smallest ratio of two group means, with Games and Howell's interval of the logs.

    The logs have the delta method's variance, which holds where each mean is several of its standard errors above 0. The test is that of
    `largest_mean_gap`, and the interval ends at 1 wherever it does not reach the level.

    Parameters
    ----------
    mean, variance, n : array_like, shape (groups,)
        Of positive values; groups of fewer than two rows are left out, and `note` says how many.
    level : float
        Simultaneous confidence level.
    skewness : float
        As in `largest_mean_gap`.

    Returns
    -------
    Gap
        Within [0, 1]; ``nan`` with a note below two groups, or where a mean is not above 0.

    Examples
    --------
    >>> ratio = smallest_mean_ratio([2.0, 4.0], [1.0, 1.0], [50, 50])
    >>> ratio.value, 0.42 < ratio.low < ratio.high < 0.59
    (0.5, True)
    """
    m, v, size = (np.asarray(part, dtype=float) for part in (mean, variance, n))
    kept = np.flatnonzero(size >= 2)
    note = left_out(size.size - kept.size, kept.size, "fewer than two rows")
    m, v, size = m[kept], v[kept], size[kept]
    method = f"games-howell of the logs, {m.size} groups"
    if m.size < 2:
        return undefined(method, level, note)
    if (m <= 0).any():
        return undefined(method, level, f"{note}a ratio needs means above 0; a difference does not")
    pairs = games_howell(np.log(m), floored(v, size, skewness) / m**2, size, as_level(level))
    test = means_alike(m, v, size, skewness)
    top = 1.0 if contradicts(test, level) else math.exp(-pairs.low)
    places, surest = extremes(m, kept), pairs.ordered(m, kept) if top < 1 else None
    return Gap(
        float(m.min() / m.max()), math.exp(-pairs.high), top, test.p_value, level, method, test.method, *places, m.size, note, surest,
    )  # fmt: skip


class Pairs(NamedTuple):
    """The largest lower and upper end over all pairs of means, and the two groups of the lower one."""

    low: float
    high: float
    surest: tuple[int, int]

    def ordered(self, mean: FloatArray, kept: npt.NDArray[np.intp]) -> tuple[int, int]:
        """Return the places of these two groups, that of the lower mean first."""
        low, high = sorted(self.surest, key=lambda g: float(mean[g]))
        return int(kept[low]), int(kept[high])


def games_howell(mean: FloatArray, variance: FloatArray, n: FloatArray, level: float) -> Pairs:
    """Return the ends of the intervals of all pairs."""
    squared, df, first, second = welch_pairs(variance, n)
    half = range_criticals(level, mean.size, df) * np.sqrt(squared)
    apart = np.abs(mean[first] - mean[second])
    at = int((apart - half).argmax())
    ends = max(float(apart[at] - half[at]), 0.0), float((apart + half).max())
    return Pairs(*ends, (int(first[at]), int(second[at])))


def range_criticals(level: float, groups: int, df: FloatArray) -> FloatArray:
    """Return `range_critical` at many degrees of freedom, by harmonic interpolation."""
    if groups == 2:
        return np.asarray(special.stdtrit(df, 0.5 + level / 2), dtype=float)
    least = max((node for node in _DF_NODES if node <= df.min()), default=1)
    nodes = [node for node in _DF_NODES if node >= least][::-1]
    return np.interp(1 / df, [1 / node for node in nodes], [range_critical(level, groups, n) for n in nodes])
