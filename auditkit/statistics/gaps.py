"""Gaps: how far apart the groups can be, when the two farthest were picked after looking.

A maximum of noisy numbers lies above the true one on average, and resampling repeats the error: a percentile
bootstrap of max - min excludes 0 for groups that do not differ at all. The intervals here hold for *every* pair of groups at once, so they hold for the pair that was picked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_counts, as_level
from auditkit.statistics.intervals import Bounds, jeffreys_at, mover_ratio, wilson_at
from auditkit.statistics.no_difference import NOT_WHOLE, Tested, rates_alike

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Gap", "gap_bounds", "largest_gap", "ratio_bounds", "smallest_ratio"]

_ROW, _COLUMN = (..., slice(None), None), (..., None, slice(None))


@dataclass(frozen=True, slots=True)
class Gap:
    """The widest disparity over groups, with an interval for the true widest one.

    Attributes
    ----------
    value : float
        What was observed; ``nan`` when undefined, and then `note` says why. A largest gap is biased upward, a
        smallest ratio downward: read the interval.
    low, high : float
        Interval of the true largest gap (or smallest ratio), valid however many groups were compared.
    p_value : float
        Of the hypothesis that no group differs; ``nan`` when `p_method` says why it could not be computed.
    level : float
        Confidence level of the interval.
    method, p_method : str
        How the interval and the p-value were made.
    lowest_index, highest_index : int
        The groups with the lowest and the highest value, as places in the arrays given; -1 when undefined.
    groups : int
        Groups compared, those without rows left out.
    note : str
        What was left out, or why the value is undefined; empty otherwise.
    surest : tuple of int, optional
        The two groups, lowest first, whose difference the near end of the interval is about (the lower end of a difference, the upper
        one of a ratio): with many groups often others than the two that lie farthest apart. Twice the same group where each is held
        against all. None where the interval reaches "no gap".
    """

    value: float
    low: float
    high: float
    p_value: float
    level: float
    method: str
    p_method: str
    lowest_index: int
    highest_index: int
    groups: int
    note: str = ""
    surest: tuple[int, int] | None = None


@lru_cache(maxsize=1024)
def range_critical(level: float, groups: int, df: float = math.inf) -> float:
    """Return the studentised range quantile over sqrt(2): the factor of a standard error for all pairs at once."""
    if groups == 2:
        tail = 0.5 + level / 2
        return float(special.ndtri(tail) if math.isinf(df) else special.stdtrit(df, tail))
    return float(stats.studentized_range.ppf(level, groups, df)) / math.sqrt(2)


def gap_bounds(
    successes: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the largest difference of rates over the last axis and its interval, for many tables at once.

    A square-and-add interval (Newcombe 1998) for every ordered pair, at the studentised range's critical value for the number
    of groups (Tukey-Kramer). The largest lower end lies below the true largest gap, and the largest upper end
    above it, whenever all pairs are covered. Two groups take Wilson's limits, which is Newcombe's interval; more
    take Jeffreys', because at the level a pair then needs Wilson's are too short near 0 and 1.

    By themselves these bounds exclude 0 for groups that are alike in up to 8% of tables at a level of 0.95: some sizes of 20 to 30 rows have
    gaps that lie just beyond, for all groups at once. `largest_gap` holds them against a test.

    Parameters
    ----------
    successes, n : array_like, shape (..., groups)
        Counts; every group has rows.
    level : float
        Simultaneous confidence level.

    Returns
    -------
    value, low, high : ndarray, shape (...)
        Within [0, 1].

    Raises
    ------
    InputError
        On impossible counts, a group without rows, or fewer than two groups.

    Examples
    --------
    >>> value, low, high = gap_bounds([[10, 12, 30], [10, 11, 12]], 50)
    >>> value.round(2).tolist(), low.round(2).tolist()
    ([0.4, 0.04], [0.18, 0.0])
    """
    rate, low, high = _differences(successes, n, level)
    ends = np.maximum(low.max(axis=(-2, -1)), 0.0), np.minimum(high.max(axis=(-2, -1)), 1.0)
    return rate.max(-1) - rate.min(-1), *ends


def ratio_bounds(
    successes: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the smallest ratio of rates over the last axis and its interval, for many tables at once.

    The ratio form of the square-and-add interval (MOVER-R, Donner and Zou 2012) for every ordered pair, with the limits and
    critical value of `gap_bounds`. It excludes 1 exactly when the interval of the largest gap excludes 0, and
    counts of 0 need no correction.

    Parameters
    ----------
    successes, n : array_like, shape (..., groups)
        Counts; every group has rows.
    level : float
        Simultaneous confidence level.

    Returns
    -------
    value, low, high : ndarray, shape (...)
        Within [0, 1]. Where no group has a success the value is ``nan`` and the interval [0, 1].

    Raises
    ------
    InputError
        On impossible counts, a group without rows, or fewer than two groups.

    Examples
    --------
    >>> value, low, high = ratio_bounds([30, 60], [100, 100])
    >>> float(value), round(float(low), 2), round(float(high), 2)
    (0.5, 0.35, 0.7)
    """
    rate, low, high = _ratios(successes, n, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = rate.min(-1) / rate.max(-1)
    return value, np.minimum(low.min(axis=(-2, -1)), 1.0), np.minimum(high.min(axis=(-2, -1)), 1.0)


def _differences(
    successes: npt.ArrayLike, n: npt.ArrayLike, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the rates, and both ends of row less column for all pairs at once."""
    rate, lowest, highest = _limits(successes, n, level)
    below, above = rate - lowest, highest - rate
    apart = rate[..., :, None] - rate[..., None, :]
    low = apart - np.hypot(below[..., :, None], above[..., None, :])
    high = apart + np.hypot(above[..., :, None], below[..., None, :])
    high[..., _diagonal(high)] = -np.inf
    return rate, low, high


def _ratios(
    successes: npt.ArrayLike, n: npt.ArrayLike, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the rates, and both ends of row over column for all pairs at once."""
    rate, lowest, highest = _limits(successes, n, level)
    rows, columns = (Bounds(*(end[at] for end in (lowest, highest))) for at in (_ROW, _COLUMN))
    low, high = mover_ratio(rate[_ROW], rows, rate[_COLUMN], columns)
    low[..., _diagonal(low)] = np.inf
    high[..., _diagonal(high)] = np.inf
    return rate, low, high


def _limits(
    successes: npt.ArrayLike, n: npt.ArrayLike, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return each group's rate and its limits at the critical value that all pairs together need."""
    x, size = as_counts(successes, n)
    if x.ndim < 1 or x.shape[-1] < 2 or (size == 0).any():
        raise InputError("a gap needs at least two groups along the last axis, each with rows")
    z = range_critical(as_level(level), x.shape[-1])
    low, high = wilson_at(x, size, z) if x.shape[-1] == 2 else jeffreys_at(x, size, float(special.ndtr(-z)))
    return x / size, low, high


def _diagonal(pairs: FloatArray) -> npt.NDArray[np.bool_]:
    """Return where a group is paired with itself."""
    return np.eye(pairs.shape[-1], dtype=bool)


def largest_gap(
    successes: npt.ArrayLike,
    n: npt.ArrayLike,
    level: float = 0.95,
    *,
    rng: np.random.Generator | None = None,
    replicates: int = 4999,
    tested: Gap | None = None,
) -> Gap:
    """Return the largest difference of rates between any two groups, with an interval that survives the picking.

    The interval is simultaneous over all pairs (`gap_bounds`). The p-value is that of the same largest gap (`rates_alike`): the
    studentised range where all expected counts reach 5, else a permutation test, which needs `rng`. The interval begins at 0 wherever the test
    does not reach the level, so that the two never contradict each other.

    Parameters
    ----------
    successes, n : array_like, shape (groups,)
        Counts of each group. Groups without rows are left out, and `note` says how many.
    level : float
        Confidence level.
    rng : numpy.random.Generator, optional
        Source of randomness of the permutation test.
    replicates : int
        Tables the permutation test draws.
    tested : Gap, optional
        Of the same counts: its test is taken over, not drawn again.

    Returns
    -------
    Gap
        ``nan`` with a note where fewer than two groups have rows.

    Raises
    ------
    InputError
        On impossible counts or level.

    Examples
    --------
    >>> gap = largest_gap([30, 35, 60], [100, 100, 100])
    >>> round(gap.value, 2), gap.low > 0, gap.lowest_index, gap.highest_index
    (0.3, True, 0, 2)
    """
    x, size, kept, note = _kept(successes, n)
    method = method_of("newcombe" if x.size <= 2 else "square-and-add jeffreys", x.size)
    if x.size < 2:
        return undefined(method, level, note)
    value, low, high = (float(part) for part in gap_bounds(x, size, level))
    test = take_over(tested) or rates_alike(x, size, rng=rng, replicates=replicates)
    low = 0.0 if contradicts(test, level) else low
    places = extremes(x / size, kept)
    surest = None
    if low > 0:
        first, second = np.unravel_index(_differences(x, size, level)[1].argmax(), (x.size, x.size))
        surest = int(kept[second]), int(kept[first])
    return Gap(value, low, high, test.p_value, level, method, test.method, *places, x.size, note, surest)


def smallest_ratio(
    successes: npt.ArrayLike,
    n: npt.ArrayLike,
    level: float = 0.95,
    *,
    rng: np.random.Generator | None = None,
    replicates: int = 4999,
    tested: Gap | None = None,
) -> Gap:
    """Return the smallest ratio of rates between any two groups (the four-fifths ratio), min rate over max rate.

    The interval is simultaneous over all pairs (`ratio_bounds`), the test that of `largest_gap`: the interval ends at 1 wherever
    it does not reach the level.

    Parameters
    ----------
    successes, n : array_like, shape (groups,)
        Counts of each group. Groups without rows are left out, and `note` says how many.
    level, rng, replicates, tested
        As in `largest_gap`.

    Returns
    -------
    Gap
        ``nan`` with a note where fewer than two groups have rows, or where no group has a success.

    Raises
    ------
    InputError
        On impossible counts or level.

    Examples
    --------
    >>> ratio = smallest_ratio([30, 60], [100, 100])
    >>> ratio.value, round(ratio.high, 2), ratio.method
    (0.5, 0.7, 'mover-r wilson, 2 groups')
    """
    x, size, kept, note = _kept(successes, n)
    method = method_of("mover-r wilson" if x.size <= 2 else "mover-r jeffreys", x.size)
    if x.size < 2:
        return undefined(method, level, note)
    if not x.any():
        return undefined(method, level, f"{note}no group has a success: the ratio is 0 / 0")
    value, low, high = (float(part) for part in ratio_bounds(x, size, level))
    test = take_over(tested) or rates_alike(x, size, rng=rng, replicates=replicates)
    high = 1.0 if contradicts(test, level) else high
    places = extremes(x / size, kept)
    surest = None
    if high < 1:
        first, second = np.unravel_index(_ratios(x, size, level)[2].argmin(), (x.size, x.size))
        surest = int(kept[first]), int(kept[second])
    return Gap(value, low, high, test.p_value, level, method, test.method, *places, x.size, note, surest)


def _kept(
    successes: npt.ArrayLike, n: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.intp], str]:
    """Return the groups with rows, their places, and a sentence about the others."""
    x, size = as_counts(successes, n)
    if x.ndim != 1:
        raise InputError(f"counts must be one a group, shape (groups,), got shape {x.shape}")
    kept = np.flatnonzero(size)
    return x[kept], size[kept], kept, left_out(size.size - kept.size, kept.size, "no rows")


def contradicts(test: Tested, level: float) -> bool:
    """Return whether a test does not reach the level, or weighted rows have none, so that an interval must not exclude "no gap"."""
    return test.p_value > 1 - level + 1e-12 or test.method == NOT_WHOLE


def take_over(tested: Gap | None) -> Tested | None:
    """Return the test of a gap that was made before."""
    return None if tested is None else Tested(tested.p_value, tested.p_method)


def extremes(values: FloatArray, kept: npt.NDArray[np.intp]) -> tuple[int, int]:
    """Return the places of the lowest and the highest value."""
    return int(kept[values.argmin()]), int(kept[values.argmax()])


def left_out(dropped: int, kept: int, why: str) -> str:
    """Return a sentence about the groups left out; empty if none was."""
    note = f"{dropped} of {dropped + kept} groups left out: {why}. " if dropped else ""
    return note if kept >= 2 else f"{note}A gap needs at least two groups with rows, got {kept}."


def method_of(pairwise: str, groups: int) -> str:
    """Return the name of an interval over all pairs."""
    return f"{pairwise}, {groups} groups" + (", studentised range" if groups > 2 else "")


def undefined(method: str, level: float, note: str) -> Gap:
    """Return the gap that cannot be had; its note says why."""
    as_level(level)
    return Gap(math.nan, math.nan, math.nan, math.nan, level, method, "none", -1, -1, 0, note)
