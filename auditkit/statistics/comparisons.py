"""Comparisons: each group held against everybody.

Everybody includes the group itself, so what is compared is the group and the rest: with a share s of all rows,
p - overall = (1 - s)(p - rest), and p / overall = R / (sR + 1 - s) for R = p / rest. The groups' shares are held as observed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_counts, as_level
from auditkit.statistics.gaps import Gap, contradicts, left_out, take_over, undefined
from auditkit.statistics.intervals import Bounds, jeffreys_at, mover_ratio, wilson_at
from auditkit.statistics.no_difference import Tested, rates_near_overall

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "largest_distance",
    "largest_mean_distance",
    "smallest_mean_ratio_to_overall",
    "smallest_ratio_to_overall",
]


def largest_distance(
    successes: npt.ArrayLike,
    n: npt.ArrayLike,
    level: float = 0.95,
    *,
    shares: npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    tested: Gap | None = None,
) -> Gap:
    """Return the largest distance of a group's rate from the rate of all.

    A square-and-add interval (Newcombe 1998) for each group against the rest, at half the Bonferroni tail of the number of groups. The
    p-value is that of the group that lies farthest off (`rates_near_overall`); the interval begins at 0 wherever it does not reach
    the level.

    Parameters
    ----------
    successes, n : array_like, shape (groups,)
        Counts; groups without rows are left out, and `note` says how many.
    level : float
        Simultaneous confidence level.
    shares : array_like, shape (groups,), optional
        Shares of all rows, where rows are weighted; those of `n` otherwise.
    rng : numpy.random.Generator, optional
        For the permutation test of two small groups; more are tested without draws.
    tested : Gap, optional
        Of the same counts: its test is taken over, not made again.

    Returns
    -------
    Gap
        Both places name the group that lies farthest off; ``nan`` with a note below two groups.

    Raises
    ------
    InputError
        On impossible counts, shares or level.

    Examples
    --------
    >>> gap = largest_distance([30, 60], [100, 100])
    >>> round(gap.value, 2), round(gap.low, 2), round(gap.high, 2)
    (0.15, 0.08, 0.21)
    """
    x, size, share, kept, note = _rows(successes, n, shares)
    method = f"square-and-add, group against the rest, {x.size} groups"
    if x.size < 2:
        return undefined(method, level, note)
    rate, rest, ends, rest_ends = _against_rest(x, size, share, level)
    away = rate - rest
    low = (1 - share) * (away - np.hypot(rate - ends[0], rest_ends[1] - rest))
    high = (1 - share) * (away + np.hypot(ends[1] - rate, rest - rest_ends[0]))
    value = np.abs((1 - share) * away)
    worst = int(kept[value.argmax()])
    lower, upper = np.maximum(low, -high), float(np.maximum(high, -low).max())
    test = take_over(tested) or rates_near_overall(x, size, rng=rng)
    least = 0.0 if contradicts(test, level) else max(float(lower.max()), 0.0)
    return Gap(
        float(value.max()), least, min(upper, 1.0), test.p_value, level, method, test.method,
        worst, worst, x.size, note, _surest(kept[lower.argmax()], leaves_out=least > 0),
    )  # fmt: skip


def smallest_ratio_to_overall(
    successes: npt.ArrayLike,
    n: npt.ArrayLike,
    level: float = 0.95,
    *,
    shares: npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    tested: Gap | None = None,
) -> Gap:
    """Return the smallest ratio of a group's rate and the rate of all, the smaller over the larger.

    The ratio form of the square-and-add interval (Donner and Zou 2012) for each group against the rest. Arguments as for
    `largest_distance`.

    Returns
    -------
    Gap
        Within [0, 1]; ``nan`` with a note below two groups, or where no group has a success.

    Raises
    ------
    InputError
        On impossible counts, shares or level.

    Examples
    --------
    >>> ratio = smallest_ratio_to_overall([30, 60], [100, 100])
    >>> round(ratio.value, 3), ratio.high < 1
    (0.667, True)
    """
    x, size, share, kept, note = _rows(successes, n, shares)
    method = f"mover-r, group against the rest, {x.size} groups"
    if x.size < 2 or not x.any():
        why = "no group has a success: the ratio is 0 / 0" if x.size > 1 else ""
        return undefined(method, level, note + why)
    rate, rest, ends, rest_ends = _against_rest(x, size, share, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = _folded(_to_overall(rate / rest, share))
    low, high = mover_ratio(rate, ends, rest, rest_ends)
    worst = int(kept[value.argmin()])
    bounds = _smallest(_to_overall(low, share), _to_overall(high, share))
    test = take_over(tested) or rates_near_overall(x, size, rng=rng)
    most = 1.0 if contradicts(test, level) else bounds[1]
    return Gap(
        float(value.min()), bounds[0], most, test.p_value, level, method, test.method, worst, worst, x.size, note,
        _surest(kept[bounds[2]], leaves_out=most < 1),
    )  # fmt: skip


def largest_mean_distance(
    mean: npt.ArrayLike,
    variance: npt.ArrayLike,
    n: npt.ArrayLike,
    level: float = 0.95,
    *,
    shares: npt.ArrayLike | None = None,
) -> Gap:
    """Return the largest distance of a group's mean from the mean of all (Welch 1947, group against the rest).

    A group's own spread is taken to be no less than that within the groups together. The p-value is Welch's of the group that
    lies farthest off, times the number of groups (Bonferroni).

    Arguments as for `smallest_mean_ratio`, of any values, with `shares` as for `largest_distance`.

    Examples
    --------
    >>> gap = largest_mean_distance([2.0, 4.0], [1.0, 1.0], [50, 50])
    >>> gap.value, gap.low > 0.7
    (1.0, True)
    """
    m, v, size, share, kept, note = _moments(mean, variance, n, shares)
    method = f"welch, group against the rest, {m.size} groups"
    if m.size < 2:
        return undefined(method, level, note)
    rest, own, others, df = _mean_against_rest(m, v, size, share)
    away = np.abs((1 - share) * (m - rest))
    half = _critical(df, level) * (1 - share) * np.sqrt(own + others)
    worst = int(kept[away.argmax()])
    ends = max(float((away - half).max()), 0.0), float((away + half).max())
    test = _means_near_rest(m - rest, own + others, df)
    return Gap(
        float(away.max()), *ends, test.p_value, level, method, test.method, worst, worst, m.size, note,
        _surest(kept[(away - half).argmax()], leaves_out=ends[0] > 0),
    )  # fmt: skip


def smallest_mean_ratio_to_overall(
    mean: npt.ArrayLike,
    variance: npt.ArrayLike,
    n: npt.ArrayLike,
    level: float = 0.95,
    *,
    shares: npt.ArrayLike | None = None,
) -> Gap:
    """Return the smallest ratio of a group's mean and the mean of all, by the delta method on the logs.

    The test is that of `largest_mean_distance`; the interval ends at 1 wherever it does not reach the level.

    Arguments as for `largest_mean_distance`; ``nan`` with a note where a mean is not above 0.

    Examples
    --------
    >>> round(smallest_mean_ratio_to_overall([2.0, 4.0], [1.0, 1.0], [50, 50]).value, 3)
    0.667
    """
    m, v, size, share, kept, note = _moments(mean, variance, n, shares)
    method = f"delta method of the logs, group against the rest, {m.size} groups"
    if m.size < 2 or (m <= 0).any():
        return undefined(method, level, note + _not_positive(m))
    rest, own, others, df = _mean_against_rest(m, v, size, share)
    half = _critical(df, level) * np.sqrt(own / m**2 + others / rest**2)
    centre = np.log(m / rest)
    value = _folded(_to_overall(m / rest, share))
    with np.errstate(over="ignore"):  # an infinite ratio to the rest is a finite one to all
        ends = np.exp(centre - half), np.exp(centre + half)
    bounds = _smallest(*(_to_overall(end, share) for end in ends))
    test = _means_near_rest(m - rest, own + others, df)
    most = 1.0 if contradicts(test, level) else bounds[1]
    worst = int(kept[value.argmin()])
    return Gap(
        float(value.min()), bounds[0], most, test.p_value, level, method, test.method, worst, worst, m.size, note,
        _surest(kept[bounds[2]], leaves_out=most < 1),
    )  # fmt: skip


def _tail(level: float, groups: int) -> float:
    """Return the tail on either side of each comparison; two groups are one comparison."""
    return (1 - as_level(level)) / 2 / (groups if groups > 2 else 1)


def _rows(
    successes: npt.ArrayLike, n: npt.ArrayLike, shares: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray, npt.NDArray[np.intp], str]:
    x, size = as_counts(successes, n)
    if x.ndim != 1:
        raise InputError(f"counts must be one a group, shape (groups,), got shape {x.shape}")
    kept = np.flatnonzero(size)
    share = _shares(size, shares)[kept]
    return x[kept], size[kept], share, kept, left_out(size.size - kept.size, kept.size, "no rows")


def _moments(
    mean: npt.ArrayLike, variance: npt.ArrayLike, n: npt.ArrayLike, shares: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, npt.NDArray[np.intp], str]:
    m, v, size = (np.asarray(part, dtype=float) for part in (mean, variance, n))
    kept = np.flatnonzero(size >= 2)
    share = _shares(size, shares)[kept]
    share = share / share.sum() if kept.size else share
    return (
        m[kept],
        v[kept],
        size[kept],
        share,
        kept,
        left_out(size.size - kept.size, kept.size, "fewer than two rows"),
    )


def _shares(size: FloatArray, shares: npt.ArrayLike | None) -> FloatArray:
    given = size if shares is None else np.asarray(shares, dtype=float)
    if given.shape != size.shape or (given < 0).any():
        raise InputError(f"shares must be one number of at least 0 a group, got shape {given.shape}")
    return given / given.sum() if given.sum() else given


def _not_positive(mean: FloatArray) -> str:
    return "a ratio needs means above 0; a difference does not" if mean.size > 1 else ""


def _others(values: FloatArray) -> FloatArray:
    """Return for each group the sum over the others; never by subtraction from the total, which costs digits."""
    return (np.ones((values.size, values.size)) - np.eye(values.size)) @ values


def _against_rest(
    x: FloatArray, size: FloatArray, share: FloatArray, level: float
) -> tuple[FloatArray, FloatArray, Bounds, Bounds]:
    """Return each group's rate and that of the rest, and the limits of both."""
    rate, outside = x / size, _others(share)
    rest = np.clip(_others(share * rate) / outside, 0.0, 1.0)
    rest_size = outside**2 / _others(share**2 / size)
    tail = _tail(level, x.size)
    z = float(special.ndtri(1 - tail))
    own, others = (
        wilson_at(a, b, z) if x.size == 2 else jeffreys_at(a, b, tail)
        for a, b in ((x, size), (rest * rest_size, rest_size))
    )
    return rate, rest, own, others


def _mean_against_rest(
    m: FloatArray, v: FloatArray, size: FloatArray, share: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the mean of the rest, the squared errors of both means, and Welch's degrees of freedom."""
    # where values are skewed, a small group of a low mean shows too little spread, and would seem to lie far off
    own = np.maximum(v, float(((size - 1) * v).sum() / (size - 1).sum())) / size
    outside = _others(share)
    rest, part = _others(share * m) / outside, share**2 * own
    others = _others(part) / outside**2
    spread = own**2 / (size - 1) + _others(part**2 / (size - 1)) / outside**4
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.where(spread > 0, (own + others) ** 2 / spread, 1e6)
    return rest, own, others, np.maximum(df, 1.0)


def _critical(df: FloatArray, level: float) -> FloatArray:
    return np.asarray(special.stdtrit(df, 1 - _tail(level, df.size)))


def _means_near_rest(away: FloatArray, squared: FloatArray, df: FloatArray) -> Tested:
    """Return Welch's test of the group farthest off, for the number of comparisons."""
    if not squared.all():
        return Tested(math.nan, "not computed: no group has any spread")
    least = float(special.stdtr(df, -np.abs(away) / np.sqrt(squared)).min())
    several = df.size if df.size > 2 else 1
    word = f", Bonferroni over {several} groups" if several > 1 else ""
    return Tested(min(2 * least * several, 1.0), f"welch t{word}")


def _to_overall(ratio: FloatArray, share: FloatArray) -> FloatArray:
    """Return group over all from group over the rest."""
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (share + (1 - share) / ratio))


def _folded(ratio: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.minimum(ratio, 1 / ratio)


def _surest(at: Any, *, leaves_out: bool) -> tuple[int, int] | None:
    """Return the group that the near end of an interval is about, as both of a pair; None where it reaches "no gap"."""
    return (int(at), int(at)) if leaves_out else None


def _smallest(low: FloatArray, high: FloatArray) -> tuple[float, float, int]:
    """Return the interval of the smallest folded ratio from the intervals of the ratios, and the group its upper end is about."""
    with np.errstate(divide="ignore"):
        top = np.where(high < 1, high, np.where(low > 1, 1 / low, 1.0))
        return float(np.minimum(low, 1 / high).min()), float(np.minimum(top, 1.0).min()), int(top.argmin())
