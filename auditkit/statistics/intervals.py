"""Intervals: of a proportion, a difference, a ratio, a mean.

All functions broadcast their arguments and return the two ends as arrays. Where there are no rows the ends are as wide as
the quantity allows; where the quantity itself is undefined they are ``nan``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_counts, as_level, normal_quantile

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Bounds",
    "clopper_pearson",
    "jeffreys",
    "katz_ratio",
    "mean_interval",
    "mean_interval_of",
    "newcombe",
    "wilson",
]


class Bounds(NamedTuple):
    """The two ends of an interval, as arrays of one shape."""

    low: FloatArray
    high: FloatArray


def wilson(successes: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> Bounds:
    """Return the score interval of a proportion (Wilson 1927).

    Parameters
    ----------
    successes, n : array_like
        Counts of any broadcastable shapes. ``n = 0`` gives [0, 1].
    level : float
        Two-sided confidence level.

    Returns
    -------
    Bounds
        Within [0, 1] and around ``successes / n``; exactly 0 for no success, exactly 1 for nothing else.

    Raises
    ------
    InputError
        Unless ``0 <= successes <= n`` and ``0 < level < 1``.

    Examples
    --------
    >>> low, high = wilson(8, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.4902, 0.9433)
    """
    x, size = as_counts(successes, n)
    return wilson_at(x, size, normal_quantile(level))


def wilson_at(x: FloatArray, n: FloatArray, z: float) -> Bounds:
    """Return Wilson's interval at a critical value `z`, for counts already checked."""
    rows = np.maximum(n, 1.0)
    centre = (x + z * z / 2) / (rows + z * z)
    half = z / (rows + z * z) * np.sqrt(x * (rows - x) / rows + z * z / 4)
    low = np.where(x == 0, 0.0, np.maximum(centre - half, 0.0))
    high = np.where(x == n, 1.0, np.minimum(centre + half, 1.0))
    return Bounds(low, high)


def clopper_pearson(successes: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> Bounds:
    """Return the exact interval of a proportion (Clopper and Pearson 1934).

    Covers with at least `level` for every true rate and every n, at the price of width. ``n = 0`` gives [0, 1].

    Parameters
    ----------
    successes, n : array_like
        Counts of any broadcastable shapes.
    level : float
        Two-sided confidence level.

    Returns
    -------
    Bounds
        Arrays of the broadcast shape.

    Raises
    ------
    InputError
        Unless ``0 <= successes <= n`` and ``0 < level < 1``.

    Examples
    --------
    >>> low, high = clopper_pearson(0, 100)
    >>> float(low), round(float(high), 4)
    (0.0, 0.0362)
    """
    x, size = as_counts(successes, n)
    tail = (1 - as_level(level)) / 2
    empty, full = x == 0, x == size
    low = special.betaincinv(np.where(empty, 1.0, x), size - x + 1, tail)
    high = special.betaincinv(x + 1, np.where(full, 1.0, size - x), 1 - tail)
    return Bounds(np.where(empty, 0.0, low), np.where(full, 1.0, high))


def jeffreys(successes: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> Bounds:
    """Return the interval of a proportion by Jeffreys' prior (Brown, Cai and DasGupta 2001).

    Its tails stay accurate at very high levels, where Wilson's become too short for rates near 0 or 1.

    Parameters
    ----------
    successes, n : array_like
        Counts of any broadcastable shapes. ``n = 0`` gives [0, 1].
    level : float
        Two-sided confidence level.

    Returns
    -------
    Bounds
        Within [0, 1] and around ``successes / n``; exactly 0 for no success, exactly 1 for nothing else.

    Raises
    ------
    InputError
        Unless ``0 <= successes <= n`` and ``0 < level < 1``.

    Examples
    --------
    >>> low, high = jeffreys(8, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.4972, 0.9559)
    """
    x, size = as_counts(successes, n)
    return jeffreys_at(x, size, (1 - as_level(level)) / 2)


def jeffreys_at(x: FloatArray, n: FloatArray, tail: float) -> Bounds:
    """Return Jeffreys' interval with probability `tail` outside either end, for counts already checked."""
    rate = x / np.maximum(n, 1.0)
    low = special.betaincinv(x + 0.5, n - x + 0.5, tail)
    high = special.betaincinv(x + 0.5, n - x + 0.5, 1 - tail)
    # at very low levels the quantiles draw together around the median, which is not the rate
    low, high = np.minimum(low, rate), np.maximum(high, rate)
    return Bounds(np.where(x == 0, 0.0, low), np.where(x == n, 1.0, high))


def newcombe(
    x1: npt.ArrayLike, n1: npt.ArrayLike, x2: npt.ArrayLike, n2: npt.ArrayLike, level: float = 0.95
) -> Bounds:
    """Return the hybrid score interval of a difference of proportions p1 - p2 (Newcombe 1998, method 10).

    Parameters
    ----------
    x1, n1, x2, n2 : array_like
        Successes and rows of the two independent samples. A sample without rows gives [-1, 1].
    level : float
        Two-sided confidence level.

    Returns
    -------
    Bounds
        Within [-1, 1].

    Raises
    ------
    InputError
        Unless the counts are possible and ``0 < level < 1``.

    Examples
    --------
    >>> low, high = newcombe(56, 70, 48, 80)  # Newcombe's table II, case (a)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0524, 0.3339)
    """
    (a, m), (b, n) = as_counts(x1, n1, " 1"), as_counts(x2, n2, " 2")
    z = normal_quantile(level)
    (low1, high1), (low2, high2) = wilson_at(a, m, z), wilson_at(b, n, z)
    p1, p2 = a / np.maximum(m, 1.0), b / np.maximum(n, 1.0)
    low = p1 - p2 - np.hypot(p1 - low1, high2 - p2)
    high = p1 - p2 + np.hypot(high1 - p1, p2 - low2)
    unknown = (m == 0) | (n == 0)
    return Bounds(
        np.where(unknown, -1.0, np.maximum(low, -1.0)), np.where(unknown, 1.0, np.minimum(high, 1.0))
    )


def katz_ratio(
    x1: npt.ArrayLike, n1: npt.ArrayLike, x2: npt.ArrayLike, n2: npt.ArrayLike, level: float = 0.95
) -> Bounds:
    """Return the log-normal interval of a ratio of proportions p1 / p2 (Katz et al. 1978).

    Katz's standard error does not exist at a count of 0 and vanishes at a count of n. Such a count alone is moved
    half a row inwards in the centre and the standard error (the continuity correction of Walter 1975).
    Then: ``x1 = 0`` gives [0, high]; ``x2 = 0`` gives [low, inf]; all rows successes in both samples gives an
    interval around 1 and never the point 1. Both counts 0, or a sample without rows, leave the ratio undefined:
    both ends are ``nan``.

    Parameters
    ----------
    x1, n1, x2, n2 : array_like
        Successes and rows of the two independent samples.
    level : float
        Two-sided confidence level.

    Returns
    -------
    Bounds
        Non-negative, possibly infinite above, or ``nan``.

    Raises
    ------
    InputError
        Unless the counts are possible and ``0 < level < 1``.

    Examples
    --------
    >>> low, high = katz_ratio(40, 100, 50, 100)
    >>> round(float(low), 3), round(float(high), 3)
    (0.587, 1.091)
    """
    (a, m), (b, n) = as_counts(x1, n1, " 1"), as_counts(x2, n2, " 2")
    (centre1, variance1), (centre2, variance2) = _log_rate(a, m), _log_rate(b, n)
    centre, half = centre1 - centre2, normal_quantile(level) * np.sqrt(variance1 + variance2)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (a / m) / (b / n)
    # the correction may move the centre by more than an interval of a low level is wide
    low = np.where(a == 0, 0.0, np.fmin(np.exp(centre - half), value))
    high = np.where(b == 0, np.inf, np.fmax(np.exp(centre + half), value))
    undefined = ((a == 0) & (b == 0)) | (m == 0) | (n == 0)
    return Bounds(np.where(undefined, np.nan, low), np.where(undefined, np.nan, high))


def mover_ratio(p: FloatArray, ends: Bounds, q: FloatArray, others: Bounds) -> Bounds:
    """Return the interval of the ratio p / q of two independent rates from the intervals of both (Donner and Zou 2012).

    Its ends R solve ``(p - R q)^2 = (p's distance to its limit)^2 + R^2 (q's distance to its limit)^2``, with p's lower and q's upper
    limit for the lower end. Arguments broadcast.

    Parameters
    ----------
    p, q : ndarray
        Rates in [0, 1].
    ends, others : Bounds
        Limits of `p`, and of `q`.

    Returns
    -------
    Bounds
        Within [0, inf]: 0 below where `p` reaches 0, infinite above where `q` does.

    Examples
    --------
    >>> p, q = np.array(0.3), np.array(0.6)
    >>> low, high = mover_ratio(p, wilson(30, 100), q, wilson(60, 100))
    >>> round(float(low), 2), round(float(high), 2)
    (0.35, 0.7)
    """
    product = p * q
    inner_p, outer_p = (end * (2 * p - end) for end in ends)
    inner_q, outer_q = (end * (2 * q - end) for end in others)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(np.maximum(product**2 - inner_p * outer_q, 0.0))
        low = np.where(inner_p > 0, inner_p / (product + root), 0.0)
        root = np.sqrt(np.maximum(product**2 - outer_p * inner_q, 0.0))
        high = np.where(inner_q > 0, (product + root) / inner_q, np.inf)
    return Bounds(low, high)


def _log_rate(x: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the log of each rate and its delta-method variance, counts at an edge moved half a row inwards."""
    rows = np.maximum(n, 1.0)
    inside = np.clip(x, 0.5, rows - 0.5)
    return np.log(inside / rows), 1 / inside - 1 / rows


def mean_interval(
    sums: npt.ArrayLike, sumsqs: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95
) -> Bounds:
    """Return Student's interval of a mean from sums and sums of squares.

    Parameters
    ----------
    sums, sumsqs, n : array_like
        Sum of the values, sum of their squares and their count. Fewer than two rows give [-inf, inf].
        Where the mean is millions of times the spread, subtract a common value from the data first: the sums
        of squares lose the spread to rounding.
    level : float
        Two-sided confidence level.

    Returns
    -------
    Bounds
        In the unit of the values.

    Raises
    ------
    InputError
        On a negative n, a non-finite sum, or sums no real values can have.

    Examples
    --------
    >>> low, high = mean_interval(6.0, 14.0, 3)  # the values 1, 2, 3
    >>> round(float(low), 3), round(float(high), 3)
    (-0.484, 4.484)
    """
    mean, variance, size = moments(sums, sumsqs, n)
    known = size >= 2
    rows = np.where(known, size, 2.0)
    half = special.stdtrit(rows - 1, 0.5 + as_level(level) / 2) * np.sqrt(variance / rows)
    return Bounds(np.where(known, mean - half, -np.inf), np.where(known, mean + half, np.inf))


def moments(
    sums: npt.ArrayLike, sumsqs: npt.ArrayLike, n: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the means (``nan`` for no rows), unbiased variances (0 below two rows) and counts."""
    total, squares, size = np.broadcast_arrays(*(np.asarray(part, dtype=float) for part in (sums, sumsqs, n)))
    if not all(np.isfinite(part).all() for part in (total, squares, size)) or (size < 0).any():
        raise InputError(
            "sums, sums of squares and n must be finite, n not negative: drop missing values first"
        )
    rows = np.maximum(size, 1.0)
    spread = squares - total * total / rows
    if (spread < -1e-9 * np.maximum(squares, 1e-300)).any():
        raise InputError(
            "a sum of squares is below sum**2 / n, which no real values can have: check the order "
            "of the arguments (sums, sumsqs, n)"
        )
    mean = np.where(size > 0, total / rows, np.nan)
    return mean, np.maximum(spread, 0.0) / np.maximum(size - 1, 1.0), size


def mean_interval_of(values: npt.ArrayLike, level: float = 0.95) -> Bounds:
    """Return Student's interval of the mean along the last axis of `values`.

    Parameters
    ----------
    values : array_like, shape (..., n)
        Finite numbers. Fewer than two give [-inf, inf].
    level : float
        Two-sided confidence level.

    Returns
    -------
    Bounds
        Of shape (...), in the unit of the values.

    Raises
    ------
    InputError
        On a non-finite value.

    Examples
    --------
    >>> low, high = mean_interval_of([1.0, 2.0, 3.0])
    >>> round(float(low), 3), round(float(high), 3)
    (-0.484, 4.484)
    """
    data = np.asarray(values, dtype=float)
    n = data.shape[-1]
    # centred first, so that a large mean costs no digits of the spread
    shift = data.mean(axis=-1, keepdims=True) if n else np.zeros((*data.shape[:-1], 1))
    away = data - shift
    low, high = mean_interval(away.sum(-1), (away * away).sum(-1), n, level)
    return Bounds(low + shift[..., 0], high + shift[..., 0])
