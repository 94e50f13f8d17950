"""Hypothesis tests: of no difference between groups in a rate or a mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special, stats

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_counts
from auditkit.statistics.no_difference import widened

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "ChiSquare",
    "PermutationTest",
    "Significance",
    "chi_square",
    "fisher_exact",
    "permutation_test",
    "two_proportion_z",
    "welch_anova",
]


class Significance(NamedTuple):
    """A statistic and its two-sided p-value, arrays of one shape; ``nan`` where the data decide nothing."""

    statistic: FloatArray
    p_value: FloatArray


class ChiSquare(NamedTuple):
    """Pearson's test of one table; `smallest_expected` below 5 says the p-value is a rough one."""

    statistic: float
    p_value: float
    df: int
    smallest_expected: float


class PermutationTest(NamedTuple):
    """A Monte Carlo permutation test and the number of tables drawn."""

    statistic: float
    p_value: float
    replicates: int


def two_proportion_z(
    x1: npt.ArrayLike, n1: npt.ArrayLike, x2: npt.ArrayLike, n2: npt.ArrayLike
) -> Significance:
    """Return the pooled z test of p1 = p2 against either side.

    Parameters
    ----------
    x1, n1, x2, n2 : array_like
        Successes and rows of two independent samples.

    Returns
    -------
    Significance
        ``nan`` where a sample has no rows, or where all rows, or none, are successes.

    Raises
    ------
    InputError
        Unless the counts are possible.

    Examples
    --------
    >>> result = two_proportion_z(40, 100, 55, 100)
    >>> round(float(result.statistic), 3), round(float(result.p_value), 4)
    (-2.124, 0.0337)
    """
    (a, m), (b, n) = as_counts(x1, n1, " 1"), as_counts(x2, n2, " 2")
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (a + b) / (m + n)
        z = (a / m - b / n) / np.sqrt(pooled * (1 - pooled) * (1 / m + 1 / n))
    z = np.where((pooled <= 0) | (pooled >= 1), np.nan, z)
    return Significance(z, 2 * special.ndtr(-np.abs(z)))


def chi_square(table: npt.ArrayLike, *, yates: bool = False) -> ChiSquare:
    """Return Pearson's test of independence of rows and columns.

    Empty rows and columns say nothing and are left out, with their degrees of freedom.

    Parameters
    ----------
    table : array_like, shape (rows, columns)
        Counts.
    yates : bool
        Correct for continuity (Yates 1934); it acts on tables of one degree of freedom only. Say which was used.

    Returns
    -------
    ChiSquare
        ``nan`` statistic and p-value where fewer than two rows or columns hold anything.

    Raises
    ------
    InputError
        On a negative or non-finite count, or a table that is not two-dimensional.

    Examples
    --------
    >>> result = chi_square([[40, 60], [55, 45]])
    >>> round(result.statistic, 3), round(result.p_value, 4), result.df
    (4.511, 0.0337, 1)
    """
    full = _as_table(table)
    counts = full[full.sum(1) > 0][:, full.sum(0) > 0]
    if min(counts.shape) < 2:
        return ChiSquare(math.nan, math.nan, 0, math.nan)
    result = stats.chi2_contingency(counts, correction=yates)
    return ChiSquare(
        float(result.statistic), float(result.pvalue), int(result.dof), float(result.expected_freq.min())
    )


def fisher_exact(table: npt.ArrayLike) -> Significance:
    """Return Fisher's exact two-sided test of a 2 x 2 table (Fisher 1935).

    Parameters
    ----------
    table : array_like, shape (2, 2)
        Whole counts.

    Returns
    -------
    Significance
        The sample odds ratio (``nan`` or infinite where it is so) and the p-value; ``nan`` p-value with an empty
        row or column.

    Raises
    ------
    InputError
        On another shape, or on counts that are not whole and non-negative.

    Examples
    --------
    >>> result = fisher_exact([[3, 1], [1, 3]])  # the lady tasting tea
    >>> round(float(result.p_value), 4)
    0.4857
    """
    counts = _as_table(table)
    if counts.shape != (2, 2) or (counts != np.round(counts)).any():
        raise InputError(f"Fisher's test needs a 2 x 2 table of whole counts, got shape {counts.shape}")
    if (counts.sum(0) == 0).any() or (counts.sum(1) == 0).any():
        return Significance(np.asarray(np.nan), np.asarray(np.nan))
    odds, p_value = stats.fisher_exact(counts.astype(np.int64))
    return Significance(np.asarray(odds, dtype=float), np.asarray(p_value, dtype=float))


def _as_table(table: npt.ArrayLike) -> FloatArray:
    counts = np.asarray(table, dtype=float)
    if counts.ndim != 2 or not np.isfinite(counts).all() or (counts < 0).any():
        raise InputError("a contingency table must be two-dimensional with finite counts of 0 or more")
    return counts


def permutation_test(
    successes: npt.ArrayLike, n: npt.ArrayLike, *, rng: np.random.Generator, replicates: int = 4999
) -> PermutationTest:
    """Return a permutation test of equal rates over groups, for counts too small for chi-square.

    Shuffling the outcomes over the rows is drawing a table with the same margins (multivariate hypergeometric), so
    the rows are never needed. The statistic is Pearson's; p = (1 + #as large) / (1 + replicates), which is valid
    at any number of replicates (Phipson and Smyth 2010).

    Parameters
    ----------
    successes, n : array_like, shape (groups,)
        Whole counts.
    rng : numpy.random.Generator
        Source of randomness.
    replicates : int
        Tables drawn.

    Returns
    -------
    PermutationTest
        ``nan`` where all rows, or none, are successes, or fewer than two groups have rows.

    Raises
    ------
    InputError
        On counts that are impossible or not whole, or fewer than one replicate.

    Examples
    --------
    >>> result = permutation_test([0, 6], [6, 6], rng=np.random.default_rng(0))
    >>> result.p_value < 0.02
    True
    """
    x, size = as_counts(successes, n)
    if x.ndim != 1 or (x != np.round(x)).any() or (size != np.round(size)).any() or replicates < 1:
        raise InputError("permutation_test needs one whole count a group and replicates of at least 1")
    x, size = x[size > 0], size[size > 0]
    total = int(x.sum())
    if x.size < 2 or total in {0, int(size.sum())}:
        return PermutationTest(math.nan, math.nan, 0)
    drawn = rng.multivariate_hypergeometric(size.astype(np.int64), total, size=replicates, method="marginals")
    rate = total / size.sum()
    spread = size * rate * (1 - rate)
    observed = float(((x - size * rate) ** 2 / spread).sum())
    simulated = ((drawn - size * rate) ** 2 / spread).sum(axis=1)
    # equal tables differ by rounding only, and must count as equal
    as_large = int((simulated >= observed * (1 - 1e-9)).sum())
    return PermutationTest(observed, (1 + as_large) / (1 + replicates), replicates)


def welch_anova(
    means: FloatArray, variances: FloatArray, n: FloatArray, *, skewness: float = 0.0
) -> Significance:
    """Return Welch's test of equal means without equal variances (Welch 1951).

    Its weights are the groups' precisions, so that one which drew no rare value, and shows hardly any spread, would decide alone. With the
    `skewness` of skewed values such a group is given more spread, as in `means_alike`.

    Parameters
    ----------
    means, variances, n : ndarray, shape (groups,)
        Means, unbiased variances, and rows of each group.
    skewness : float
        Of the values within their groups, as `auditkit.statistics.Moments` has it; 0 for values that are about symmetric.

    Returns
    -------
    Significance
        The F statistic and p-value; ``nan`` with fewer than two groups, a group of one row, or one without spread.

    Examples
    --------
    >>> result = welch_anova(np.array([0.0, 1.0]), np.array([1.0, 2.0]), np.array([10.0, 20.0]))
    >>> round(float(result.statistic), 4), round(float(result.p_value), 4)
    (5.0, 0.0347)
    """
    k = len(means)
    wide = widened(means, variances, n, skewness)
    if k < 2 or (wide <= 0).any() or (n < 2).any():
        return Significance(np.asarray(np.nan), np.asarray(np.nan))
    weight = n / wide
    share = weight / weight.sum()
    between = (weight * (means - (share * means).sum()) ** 2).sum() / (k - 1)
    lost = ((1 - share) ** 2 / (n - 1)).sum()
    f = between / (1 + 2 * (k - 2) / (k * k - 1) * lost)
    return Significance(np.asarray(f), np.asarray(special.fdtrc(k - 1, (k * k - 1) / (3 * lost), f)))
