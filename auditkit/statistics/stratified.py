"""Stratified tables: two groups compared within strata, and whether the strata agree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Homogeneity", "PooledOdds", "breslow_day", "mantel_haenszel"]

_WIDEST = 300.0  # in logs; what lies beyond would overflow and says no more


class PooledOdds(NamedTuple):
    """The Mantel-Haenszel odds ratio with its interval, and the Cochran-Mantel-Haenszel test that it is 1.

    `strata` counts those that say anything: both groups present, some but not all selected.
    """

    odds_ratio: float
    low: float
    high: float
    statistic: float
    p_value: float
    strata: int


class Homogeneity(NamedTuple):
    """A test that one odds ratio holds in all strata; `tarone` says whether Tarone's correction was made."""

    statistic: float
    p_value: float
    df: int
    tarone: bool


def mantel_haenszel(
    tables: npt.ArrayLike, level: float = 0.95, *, correction: bool = False, critical: float | None = None
) -> PooledOdds:
    """Return the odds ratio of two groups pooled over strata, and the test that it is 1 in every stratum.

    The estimate is Mantel and Haenszel's, its interval Robins, Breslow and Greenland's on the log scale, the test Cochran's
    with the hypergeometric variance. Strata that lack a group, or where all or none were selected, say nothing and
    change nothing.

    Parameters
    ----------
    tables : array_like, shape (strata, 2, 2)
        Counts: rows the group and the reference, columns selected and not.
    level : float
        Confidence level.
    correction : bool
        Correct the test for continuity (by 1/2). Say which was used; it hides borderline differences.
    critical : float, optional
        Standard errors the interval reaches to either side, in place of the normal ones of `level`: for several comparisons.

    Returns
    -------
    PooledOdds
        The ratio is 0 or infinite, with an interval of [0, inf], where no stratum has a selected record of the one
        kind and an unselected one of the other. Everything ``nan`` where no stratum says anything.

    Raises
    ------
    InputError
        On another shape, or on negative or non-finite counts.

    References
    ----------
    Mantel & Haenszel 1959; Robins, Breslow & Greenland 1986, Biometrics 42.

    Examples
    --------
    >>> pooled = mantel_haenszel([[[10, 90], [20, 80]], [[30, 20], [40, 10]]])
    >>> round(pooled.odds_ratio, 3), round(pooled.p_value, 4), pooled.strata
    (0.412, 0.0035, 2)
    """
    counts = _informative(tables)
    if not len(counts):
        return PooledOdds(math.nan, math.nan, math.nan, math.nan, math.nan, 0)
    n = counts.sum(axis=(1, 2))
    (a, b), (c, d) = (counts[:, 0, 0], counts[:, 0, 1]), (counts[:, 1, 0], counts[:, 1, 1])
    away = abs(float((a - (a + b) * (a + c) / n).sum()))
    variance = float(((a + b) * (c + d) * (a + c) * (b + d) / (n**2 * (n - 1))).sum())
    statistic = max(away - (0.5 if correction else 0.0), 0.0) ** 2 / variance
    p_value = float(special.chdtrc(1, statistic))
    above, below = float((a * d / n).sum()), float((b * c / n).sum())
    if above == 0 or below == 0:
        return PooledOdds(0.0 if above == 0 else math.inf, 0.0, math.inf, statistic, p_value, len(n))
    share, other = (a + d) / n, (b + c) / n
    spread = (
        float((share * a * d / n).sum()) / above**2
        + float((share * b * c / n + other * a * d / n).sum()) / (above * below)
        + float((other * b * c / n).sum()) / below**2
    ) / 2
    z = float(special.ndtri(0.5 + as_level(level) / 2)) if critical is None else critical
    ratio, half = above / below, min(z * math.sqrt(spread), _WIDEST)
    return PooledOdds(ratio, ratio * math.exp(-half), ratio * math.exp(half), statistic, p_value, len(n))


def breslow_day(tables: npt.ArrayLike, *, tarone: bool = True) -> Homogeneity:
    """Return the test that the odds ratio is the same in all strata.

    Breslow and Day's statistic at the Mantel-Haenszel odds ratio. Tarone's correction makes its distribution right, since that
    ratio is no maximum-likelihood estimate. Strata of few records make the p-value a rough one.

    Parameters
    ----------
    tables : array_like, shape (strata, 2, 2)
        As for `mantel_haenszel`.
    tarone : bool
        Make Tarone's correction.

    Returns
    -------
    Homogeneity
        ``nan`` with fewer than two strata that say anything, or where the pooled ratio is 0 or infinite.

    Raises
    ------
    InputError
        On another shape, or on negative or non-finite counts.

    References
    ----------
    Breslow & Day 1980, "Statistical Methods in Cancer Research 1", p. 142; Tarone 1985, Biometrika 72.

    Examples
    --------
    >>> result = breslow_day([[[10, 90], [20, 80]], [[30, 20], [40, 10]]])
    >>> round(result.statistic, 3), result.df
    (0.076, 1)
    """
    counts = _informative(tables)
    ratio = mantel_haenszel(counts).odds_ratio if len(counts) else math.nan
    if len(counts) < 2 or not 0 < ratio < math.inf:
        return Homogeneity(math.nan, math.nan, max(len(counts) - 1, 0), tarone)
    selected, group, n = counts[:, :, 0].sum(axis=1), counts[:, 0].sum(axis=1), counts.sum(axis=(1, 2))
    expected = _expected(ratio, group, selected, n)
    cells = np.stack([expected, group - expected, selected - expected, n - group - selected + expected])
    with np.errstate(divide="ignore"):
        variance = 1 / (1 / np.maximum(cells, 0.0)).sum(axis=0)
    away = counts[:, 0, 0] - expected
    statistic = float((away**2 / variance).sum())
    if tarone:
        statistic -= float(away.sum() ** 2 / variance.sum())
    df = len(counts) - 1
    return Homogeneity(statistic, float(special.chdtrc(df, max(statistic, 0.0))), df, tarone)


def _expected(ratio: float, group: FloatArray, selected: FloatArray, n: FloatArray) -> FloatArray:
    """Return the selected of the group that give the odds ratio at these margins."""
    quadratic, constant = 1 - ratio, -ratio * group * selected
    linear = ratio * (group + selected) + n - group - selected
    root = np.sqrt(np.maximum(linear**2 - 4 * quadratic * constant, 0.0))
    # the form in which nothing cancels; the first also holds at a ratio of 1
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = -2 * constant / (linear + root), (root - linear) / (2 * quadratic)
    return np.asarray(np.where(linear >= 0, first, second))


def _informative(tables: npt.ArrayLike) -> FloatArray:
    counts = np.asarray(tables, dtype=np.float64)
    if counts.ndim != 3 or counts.shape[1:] != (2, 2):
        raise InputError(f"strata must be 2 x 2 tables, shape (strata, 2, 2); got {counts.shape}")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise InputError("counts of strata must be finite and 0 or more")
    known = (counts.sum(axis=1) > 0).all(axis=1) & (counts.sum(axis=2) > 0).all(axis=1)
    return np.asarray(counts[known])
