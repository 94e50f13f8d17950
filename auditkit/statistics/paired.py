"""Paired differences: the same records answered twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import as_level
from auditkit.statistics.intervals import Bounds, clopper_pearson

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "paired_difference",
    "paired_differences_at_once",
    "paired_gap",
    "paired_gap_p_value",
    "paired_p_value",
]


def paired_difference(
    lost: npt.ArrayLike, won: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95
) -> Bounds:
    """Return the interval of a difference of two proportions of the same records.

    Bonett and Price 2012 ("Adjusted Wald confidence interval for a difference of binomial proportions based on
    paired data", Journal of Educational and Behavioral Statistics 37): Wald after adding one to each discordant
    count. It holds its level in small samples and is not empty when no record changed.

    Parameters
    ----------
    lost, won : array_like of int
        Records right only the first time, and only the second time.
    n : array_like of int
        Records answered twice.
    level : float
        Confidence level.

    Returns
    -------
    Bounds
        Of ``(lost - won) / n``, within [-1, 1]; [-1, 1] where n is 0.

    Raises
    ------
    InputError
        On impossible counts or level.

    Examples
    --------
    >>> low, high = paired_difference(10, 2, 100)
    >>> round(float(low), 3), round(float(high), 3)
    (0.008, 0.149)
    """
    b, c, size = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (lost, won, n)))
    if not ((b >= 0) & (c >= 0) & (b + c <= size)).all():  # nan fails too
        raise InputError("expected counts with lost + won <= n, none negative")
    z = float(special.ndtri(0.5 + as_level(level) / 2))
    p, q = (b + 1) / (size + 2), (c + 1) / (size + 2)
    half = z * np.sqrt(np.maximum(p + q - (p - q) ** 2, 0) / (size + 2))
    low, high = np.maximum(p - q - half, -1.0), np.minimum(p - q + half, 1.0)
    return Bounds(np.where(size == 0, -1.0, low), np.where(size == 0, 1.0, high))


def paired_differences_at_once(
    lost: npt.ArrayLike, won: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95
) -> Bounds:
    """Return intervals of many paired differences that all hold together, so also for the one that was picked as the largest.

    Bonferroni's inequality shares the error out over the differences. At the levels this needs, Wald's interval is too short for few
    discordant records; here the exact intervals of the two discordant rates (Clopper and Pearson 1934) are put together by their
    distances from the estimates, with the correlation that rates of one multinomial have (Zou and Donner 2008, "Construction of
    confidence limits about effect measures: a general approach", Statistics in Medicine 27).

    Parameters
    ----------
    lost, won : array_like of int
        Records right only the first time, and only the second time, one a difference.
    n : array_like of int
        Records answered twice.
    level : float
        Confidence level of all intervals together.

    Returns
    -------
    Bounds
        Of ``(lost - won) / n``, within [-1, 1]; [-1, 1] where n is 0. The largest true difference lies between the largest of
        the low ends and the largest of the high ends.

    Raises
    ------
    InputError
        On impossible counts or level.

    Examples
    --------
    >>> low, high = paired_differences_at_once([10, 0], [2, 0], 100)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([-0.003, -0.043], [0.171, 0.043])
    """
    b, c, size = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (lost, won, n)))
    if not ((b >= 0) & (c >= 0) & (b + c <= size)).all():  # nan fails too
        raise InputError("expected counts with lost + won <= n, none negative")
    each = 1 - (1 - as_level(level)) / max(b.size, 1)
    rows = np.maximum(size, 1.0)
    p, q = b / rows, c / rows
    (low_p, high_p), (low_q, high_q) = (clopper_pearson(count, size, each) for count in (b, c))
    apart = np.maximum((1 - p) * (1 - q), 1e-300)
    related = np.minimum(np.sqrt(p * q / apart), 1.0)
    below, above = (
        np.sqrt(one**2 + other**2 + 2 * related * one * other)
        for one, other in ((p - low_p, high_q - q), (high_p - p, q - low_q))
    )
    low, high = np.maximum(p - q - below, -1.0), np.minimum(p - q + above, 1.0)
    return Bounds(np.where(size == 0, -1.0, low), np.where(size == 0, 1.0, high))


def paired_p_value(lost: int, won: int) -> float:
    """Return the one-sided p-value of "the first answer is right no more often than the second", exact.

    The sign test on the discordant records (McNemar 1947, in its exact form): each is as likely to fall either way.

    Parameters
    ----------
    lost, won : int
        Records right only the first time, and only the second time.

    Returns
    -------
    float
        1 where no record is discordant.

    Raises
    ------
    InputError
        On negative counts.

    Examples
    --------
    >>> paired_p_value(3, 0)
    0.125
    """
    if min(lost, won) < 0:
        raise InputError(f"expected counts of at least 0, got lost={lost} and won={won}")
    return float(special.bdtrc(lost - 1, lost + won, 0.5)) if lost else 1.0


def paired_gap(first: tuple[int, int, int], second: tuple[int, int, int], level: float = 0.95) -> Bounds:
    """Return the interval of the difference of two paired differences, each of records of its own.

    The records of one sample have nothing to do with those of the other, so the variances of the two differences add. Each is
    recovered from the distance between its estimate and the ends of its own interval (`paired_difference`), on the side that
    matters: Zou and Donner 2008 ("Construction of confidence limits about effect measures: a general approach",
    Statistics in Medicine 27). Newcombe's interval of two independent proportions is the same construction.

    Parameters
    ----------
    first, second : tuple of (int, int, int)
        Of each sample: records right only the first time, only the second time, and records in all.
    level : float
        Confidence level.

    Returns
    -------
    Bounds
        Of the first difference less the second, within [-2, 2]; all of it where a sample is empty.

    Raises
    ------
    InputError
        On impossible counts or level.

    Examples
    --------
    >>> low, high = paired_gap((30, 5, 200), (8, 6, 100))
    >>> round(float(low), 3), round(float(high), 3)
    (0.009, 0.2)
    """
    ends = [paired_difference(*sample, level) for sample in (first, second)]
    if not min(first[2], second[2]):
        return Bounds(np.array(-2.0), np.array(2.0))
    (one, other) = ((lost - won) / n for lost, won, n in (first, second))
    below = np.hypot(one - ends[0].low, ends[1].high - other)
    above = np.hypot(ends[0].high - one, other - ends[1].low)
    gap = one - other
    return Bounds(np.maximum(gap - below, -2.0), np.minimum(gap + above, 2.0))


def paired_gap_p_value(first: tuple[int, int, int], second: tuple[int, int, int]) -> float:
    """Return the one-sided p-value of "the first paired difference is no larger than the second".

    The normal approximation to the difference of the two, with one added to each discordant count as in `paired_difference`.

    Parameters
    ----------
    first, second : tuple of (int, int, int)
        As in `paired_gap`.

    Returns
    -------
    float
        1 where a sample is empty.

    References
    ----------
    Bonett and Price 2012, as in `paired_difference`; variances of independent samples add.

    Examples
    --------
    >>> round(paired_gap_p_value((30, 5, 200), (8, 6, 100)), 3)
    0.016
    """
    if not min(first[2], second[2]):
        return 1.0
    centre, spread = 0.0, 0.0
    for sign, (lost, won, n) in ((1, first), (-1, second)):
        p, q = (lost + 1) / (n + 2), (won + 1) / (n + 2)
        centre += sign * (p - q)
        spread += (p + q - (p - q) ** 2) / (n + 2)
    return float(special.ndtr(-centre / np.sqrt(spread)))
