"""No difference: tests that all groups are alike, by the groups that lie farthest apart.

A chi-square or an analysis of variance spreads its power over every way in which groups may differ. A largest gap asks about one, the
distance of two groups; so its test is that of the largest distance itself.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special, stats

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_counts

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Tested", "means_alike", "range_tail", "rates_alike", "rates_near_overall"]

_SMALLEST_EXPECTED = (
    5.0  # Cochran's rule for the chi-square; the range holds its level from there on too, as the tests show
)
_NO_RNG = "not computed: an expected count is below 5 and no rng was given for a permutation test"
NOT_WHOLE = "not computed: an expected count is below 5, and weighted rows cannot be permuted"
_ADDED = 0.75  # of what theory takes from the variance of a group whose mean is too low
_SMALLEST_SIZE = 2.0  # rows that show any spread
_LEAST = 0.5  # of the variance within the groups together, of skewed values: a group has no less
_SKEWED = 0.4  # skewness from which all of that holds
_FARTHEST = 37.0  # standard errors; a normal tail beyond has no double


class Tested(NamedTuple):
    """A p-value and how it was made; ``nan`` when `method` says why there is none."""

    p_value: float
    method: str


def range_tail(distance: float, groups: int) -> float:
    """Return how likely two of several alike groups lie so many standard errors apart (studentised range, no end of rows).

    Parameters
    ----------
    distance : float
        Of the two groups farthest apart, in standard errors of their difference.
    groups : int
        Groups compared.

    Returns
    -------
    float
        By quadrature; exact to about ten digits, however small.

    Examples
    --------
    >>> round(range_tail(3.6332 / 2**0.5, 4), 4)  # the tabulated 5 % point of four groups
    0.05
    """
    if groups == 2:
        return float(2 * special.ndtr(-distance))
    if not distance < _FARTHEST:
        return 0.0
    width = math.sqrt(2) * distance
    step = 0.02
    top = np.arange(
        -9.0, width + 9.0, step
    )  # the highest of the groups; the others lie within the width below it
    log_below = special.log_ndtr(top)
    with np.errstate(divide="ignore"):
        missed = -np.expm1((groups - 1) * np.log1p(-np.exp(special.log_ndtr(top - width) - log_below)))
    density = np.exp(-top * top / 2 + (groups - 1) * log_below) / math.sqrt(2 * math.pi)
    return min(float(groups * step * (density * missed).sum()), 1.0)


def rates_alike(
    successes: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    rng: np.random.Generator | None = None,
    replicates: int = 4999,
) -> Tested:
    """Return the test that all groups have one rate, by the largest of the distances of two groups.

    A distance is that of two rates in standard errors at the rate of all. Where all expected counts reach 5 it has the
    studentised range (Tukey 1953, Kramer 1956; never too short where sizes differ, Hayter 1984); of two groups this is the
    chi-square. Below, tables with the same margins are drawn (Phipson and Smyth 2010), which needs `rng`.

    Parameters
    ----------
    successes, n : array_like, shape (groups,)
        Counts of at least two groups, each with rows. Not whole where rows are weighted: then nothing is drawn, and small groups are
        tested as means are (`means_alike`), none with less than half the spread of all rows.
    rng : numpy.random.Generator, optional
        Source of randomness.
    replicates : int
        Tables drawn.

    Returns
    -------
    Tested
        1 where all rows, or none, are successes; ``nan`` with the reason where the counts are too small and cannot be permuted.

    Raises
    ------
    InputError
        On impossible counts, fewer than two groups, a group without rows, or fewer than one replicate.

    Examples
    --------
    >>> p_value, method = rates_alike([30, 35, 60], [100, 100, 100])
    >>> p_value < 1e-4, method
    (True, 'studentised range')
    """
    x, size = _checked(successes, n)
    if replicates < 1:
        raise InputError(f"a permutation test needs at least one table, got replicates={replicates}")
    rate = x.sum() / size.sum()
    if rate in (0.0, 1.0):
        return Tested(1.0, "all rows alike")
    farthest = float(_farthest((x / size)[:, None], size)[0])
    if size.min() * min(rate, 1 - rate) >= _SMALLEST_EXPECTED:
        p_value = range_tail(farthest / math.sqrt(rate * (1 - rate)), x.size)
        return Tested(p_value, "chi-square" if x.size == 2 else "studentised range")
    if not _whole(x, size):
        return _weighted_alike(x, size)
    if rng is None:
        return Tested(math.nan, _NO_RNG)
    drawn = rng.multivariate_hypergeometric(
        size.astype(np.int64), int(x.sum()), size=replicates, method="marginals"
    )
    # equal tables differ by rounding only, and must count as equal
    as_far = int((_farthest(drawn.T / size[:, None], size) >= farthest * (1 - 1e-9)).sum())
    return Tested((1 + as_far) / (1 + replicates), f"permutation, {replicates} tables")


def rates_near_overall(
    successes: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    rng: np.random.Generator | None = None,
    replicates: int = 4999,
) -> Tested:
    """Return the test that no group's rate lies off that of all, by the group that lies farthest off.

    Given all successes, those of one group are hypergeometric (Fisher 1935); the least of the groups' two-sided p-values
    times their number (Bonferroni). So it holds for counts of any size, and needs no draws. Two groups are one comparison: `rates_alike`.

    Parameters
    ----------
    successes, n, rng, replicates
        As in `rates_alike`. Counts that are not whole take the normal tail, where all expected counts reach 5; else the test is that of
        `rates_alike`, which asks for more.

    Returns
    -------
    Tested
        As in `rates_alike`.

    Raises
    ------
    InputError
        As in `rates_alike`.

    Examples
    --------
    >>> rates_near_overall([2, 3, 9], [10, 10, 10]).p_value < 0.05
    True
    """
    x, size = _checked(successes, n)
    total, rows = x.sum(), size.sum()
    rate = total / rows
    if x.size == 2 or rate in (0.0, 1.0):
        return rates_alike(x, size, rng=rng, replicates=replicates)
    expected = size * rate
    off = np.abs(x - expected)
    if _whole(x, size):
        given = int(rows), int(total), size.astype(np.int64)
        above = stats.hypergeom.sf(np.ceil(expected + off - 1e-9) - 1, *given)
        p_value = above + stats.hypergeom.cdf(np.floor(expected - off + 1e-9), *given)
        return Tested(_of_several(p_value), f"hypergeometric, Bonferroni over {x.size} groups")
    if size.min() * min(rate, 1 - rate) < _SMALLEST_EXPECTED:
        return _weighted_alike(x, size)
    spread = np.sqrt(expected * (1 - rate) * (1 - size / rows))
    p_value = 2 * special.ndtr(-off / spread)
    return Tested(_of_several(p_value), f"normal, Bonferroni over {x.size} groups")


def means_alike(mean: FloatArray, variance: FloatArray, n: FloatArray, skewness: float = 0.0) -> Tested:
    """Return the test that all groups have one mean, by the largest of the distances of two groups.

    A distance is Welch's t (1947) of two groups, moved to the normal distance of the same tail; the largest is held against the
    studentised range, as Games and Howell (1976) do. Of two groups this is Welch's test. With skewness see `widened`.

    Parameters
    ----------
    mean, variance, n : ndarray, shape (groups,)
        Of at least two groups, each of at least two rows.
    skewness : float
        Of the values within their groups.

    Returns
    -------
    Tested
        ``nan`` with the reason where a group has no spread.

    Examples
    --------
    >>> p_value, method = means_alike(np.array([0.0, 0.0, 1.0]), np.ones(3), np.array([40.0, 40, 40]))
    >>> p_value < 1e-3, method
    (True, 'studentised range of welch t')
    """
    method = "welch t" if mean.size == 2 else "studentised range of welch t"
    wide = widened(mean, variance, n, skewness)
    if (wide <= 0).any():
        return Tested(math.nan, "not computed: a group has no spread")
    squared, df, first, second = welch_pairs(wide, n)
    tails = special.stdtr(df, -np.abs(mean[first] - mean[second]) / np.sqrt(squared))
    return Tested(range_tail(float(-special.ndtri(tails.min())), mean.size), method)


def floored(variance: FloatArray, n: FloatArray, skewness: float) -> FloatArray:
    """Return variances, none less than half of that within the groups together where values are skewed.

    A small group that drew no rare event (a wrong answer, a high score) has hardly any spread, and seems to lie off for certain. Of
    symmetric values spread and mean tell nothing of each other: there each group keeps its own, as Welch has it.
    """
    part = _LEAST * min(abs(skewness) / _SKEWED, 1.0)
    degrees = n - 1
    if not part or not degrees.any():
        return variance
    pooled = float((degrees * variance).sum() / degrees.sum())
    return np.maximum(variance, part * pooled)


def widened(mean: FloatArray, variance: FloatArray, n: FloatArray, skewness: float) -> FloatArray:
    """Return variances, widened for groups whose mean lies where skewed values make the spread look small.

    Of values with a long upper tail, a group that drew few of the high ones has a low mean and too small a spread, and seems to
    lie far off. None is taken for less than `floored` says. On average a mean that is too low by d comes with a variance too small by skewness x spread x d. Of that three quarters are added, up to twice as much for a
    group of more spread than the groups together, whose noise decides the distance; d is taken from the mean of all, each by its
    precision. With it the false alarms hold, also where spreads differ, and more would cost power (docs/bias.md). Johnson (1978) corrects one mean in
    the same way. Groups on the other side, where the spread looks large, are left alone.
    """
    least = floored(variance, n, skewness)
    if not skewness or not least.all():
        return least
    precision = n / least
    distance = (precision * mean).sum() / precision.sum() - mean
    part = _ADDED * np.clip(least * n.sum() / (n * variance).sum(), 1.0, 2.0)
    short = np.maximum(skewness * distance * part, 0.0)
    return np.asarray(((short + np.sqrt(short**2 + 4 * least)) / 2) ** 2)


def welch_pairs(
    variance: FloatArray, n: FloatArray
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the squared standard error and Welch's degrees of freedom of each pair of means, and the places of both groups."""
    first, second = np.triu_indices(variance.size, 1)
    share = variance / n
    squared = share[first] + share[second]
    spread = share**2 / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = squared**2 / (spread[first] + spread[second])
    # without any spread the width is 0 whatever the degrees of freedom
    return squared, np.maximum(np.where(squared > 0, df, 1e6), 1.0), first, second


def _weighted_alike(x: FloatArray, size: FloatArray) -> Tested:
    """Return the test of small groups of weighted rows, by their means and spreads."""
    rate, whole = x / size, float(x.sum() / size.sum())
    if not size.min() >= _SMALLEST_SIZE:
        return Tested(math.nan, NOT_WHOLE)
    spread, shared = rate * (1 - rate), whole * (1 - whole)
    variance = np.maximum(spread, _LEAST * shared) * size / (size - 1)
    skewness = (1 - 2 * whole) / math.sqrt(shared)
    found = means_alike(rate, variance, size, skewness)
    return Tested(found.p_value, f"{found.method} of weighted rows")


def _farthest(rates: FloatArray, n: FloatArray) -> FloatArray:
    """Return the largest of |p - q| / sqrt(1/m + 1/n) over the pairs of groups, of shape (groups, tables)."""
    if (n == n[0]).all():
        return np.asarray(np.ptp(rates, axis=0) * math.sqrt(n[0] / 2))
    found = np.zeros(rates.shape[1])
    for g in range(n.size - 1):
        apart = np.abs(rates[g + 1 :] - rates[g])
        apart /= np.sqrt(1 / n[g + 1 :] + 1 / n[g])[:, None]
        np.maximum(found, apart.max(axis=0), out=found)
    return found


def _of_several(p_values: FloatArray) -> float:
    return min(float(p_values.min()) * p_values.size, 1.0)


def _whole(x: FloatArray, n: FloatArray) -> bool:
    return bool((x == np.round(x)).all() and (n == np.round(n)).all())


def _checked(successes: npt.ArrayLike, n: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, size = as_counts(successes, n)
    if x.ndim != 1 or x.size < 2 or (size == 0).any():
        raise InputError(f"a test needs at least two groups, each with rows; got counts of shape {x.shape}")
    return x, size
