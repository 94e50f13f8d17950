"""Drift: how far two samples lie apart, and what of that the sampling alone brings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import optimize, special, stats

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level, normal_quantile

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Apart", "Stability", "ks_distance", "merged_cells", "population_stability", "rows_for_stability"]

_LARGE = 1e4  # of a noncentral chi-square, beyond which it is as good as normal


class Stability(NamedTuple):
    """A population stability index.

    Attributes
    ----------
    value : float
        With the noise that sampling alone brings taken out, at least 0; ``nan`` below two cells.
    low, high : float
        Interval of the index of the populations.
    plain : float
        The index as it is usually given, noise left in.
    noise : float
        What sampling alone brings on average.
    p_value : float
        Of "both samples are drawn alike": Pearson's chi-square test of the cells.
    """

    value: float
    low: float
    high: float
    plain: float
    noise: float
    p_value: float


class Apart(NamedTuple):
    """The largest distance of two distribution functions, its interval, and the p-value of "drawn alike"."""

    value: float
    low: float
    high: float
    p_value: float


def population_stability(before: npt.ArrayLike, after: npt.ArrayLike, level: float = 0.95) -> Stability:
    """Return the population stability index of two samples in cells: the sum of (q - p) ln(q / p), with its sampling interval.

    Half a row is added to each cell, so that one that is empty on a side has a logarithm. Where nothing drifted the index is
    (1/n + 1/m) times a chi-square of cells - 1 degrees of freedom: that mean is taken out of the value. The interval inverts the noncentral
    chi-square, which the index follows for small drifts, and takes in that of the delta method, which holds for large ones.

    Parameters
    ----------
    before, after : array_like, shape (cells,)
        Rows of each sample in each cell.
    level : float
        Confidence level.

    Raises
    ------
    InputError
        On counts that do not fit, or a sample without rows.

    References
    ----------
    Siddiqi 2006, "Credit Risk Scorecards", on the index; Yurdakul and Naranjo 2020, "Statistical properties of the population stability index", Journal
    of Risk Model Validation 14, on its distribution.

    Examples
    --------
    >>> found = population_stability([500, 500], [400, 600])
    >>> [round(x, 3) for x in found[:4]], round(found.p_value, 5)
    ([0.038, 0.003, 0.083, 0.04], 1e-05)
    """
    a, b = (np.asarray(part, dtype=float) for part in (before, after))
    if a.ndim != 1 or a.shape != b.shape or not (a >= 0).all() or not (b >= 0).all():
        raise InputError(
            f"expected one count a cell of either sample, none negative; got {a.shape} and {b.shape}"
        )
    n, m, k = a.sum(), b.sum(), a.size
    if not n or not m:
        raise InputError(f"a sample holds no rows: {n:.0f} before and {m:.0f} after")
    if k < 2:
        return Stability(math.nan, 0.0, math.inf, math.nan, math.nan, math.nan)
    p, q = (a + 0.5) / (n + k / 2), (b + 0.5) / (m + k / 2)
    plain, scale = float(((q - p) * np.log(q / p)).sum()), float(1 / n + 1 / m)
    noise = (k - 1) * scale
    value = max(plain - noise, 0.0)
    low, high = (scale * end for end in _noncentral(plain / scale, k - 1, level))
    if low > 0:
        half = normal_quantile(level) * _standard_error(p, q, n, m)
        low, high = max(min(low, value - half), 0.0), max(high, value + half)
    return Stability(value, min(low, value), max(high, value), plain, noise, _alike(a, b))


def merged_cells(before: npt.ArrayLike, after: npt.ArrayLike, least: float = 5.0) -> npt.NDArray[np.int64]:
    """Return the cell each cell is put into, so that all are large enough for a chi-square: rare ones together.

    Parameters
    ----------
    before, after : array_like, shape (cells,)
        Rows in each cell.
    least : float
        Rows that both samples would be expected to have in each cell if they were drawn alike (Cochran 1954).

    Returns
    -------
    ndarray of int, shape (cells,)
        Cells from 0, in the order they come; the rare ones share the last. Where even together they are too few they join the
        smallest of the others.

    Examples
    --------
    >>> merged_cells([50, 1, 40, 2], [60, 0, 30, 9]).tolist()
    [0, 2, 1, 2]
    """
    a, b = (np.asarray(part, dtype=float) for part in (before, after))
    both = a + b
    share = min(a.sum(), b.sum()) / max(both.sum(), 1.0)
    common = both * share >= least
    to = np.where(common, np.cumsum(common) - 1, common.sum())
    if not common.all() and both[~common].sum() * share < least and common.any():
        smallest = int(np.flatnonzero(common)[both[common].argmin()])
        to = np.where(common, to, to[smallest])
    return np.asarray(to, dtype=np.int64)


def ks_distance(before: npt.ArrayLike, after: npt.ArrayLike, level: float = 0.95) -> Apart:
    """Return the Kolmogorov-Smirnov distance of two samples of numbers.

    Parameters
    ----------
    before, after : array_like, shape (n,), (m,)
        Numbers, no ``nan``.
    level : float
        Confidence level.

    Returns
    -------
    Apart
        The interval adds the bands of both distribution functions (Dvoretzky, Kiefer and Wolfowitz 1956, with Massart's constant 1990), each
        with half of the error: it is wide. The p-value is that of the two-sample test, exact to 2,000 rows; with ties it is too large
        rather than too small.

    Raises
    ------
    InputError
        If a sample is empty or holds a ``nan``.

    Examples
    --------
    >>> found = ks_distance(range(100), range(50, 150))
    >>> found.value, round(found.low, 2), round(found.high, 2), found.p_value < 1e-10
    (0.5, 0.2, 0.8, True)
    """
    x, y = (np.asarray(part, dtype=float) for part in (before, after))
    if not x.size or not y.size or np.isnan(x).any() or np.isnan(y).any():
        raise InputError("both samples need numbers, and none may be missing")
    method = "exact" if max(x.size, y.size) <= 2000 else "asymp"
    found = stats.ks_2samp(x, y, method=method)
    band = math.sqrt(math.log(4 / (1 - as_level(level))) / 2) * (x.size**-0.5 + y.size**-0.5)
    value = float(found.statistic)
    return Apart(value, max(value - band, 0.0), min(value + band, 1.0), float(found.pvalue))


def rows_for_stability(matters: float, cells: int, level: float = 0.95, power: float = 0.8) -> float:
    """Return the rows that each of two samples of one size needs, to show an index that matters.

    Parameters
    ----------
    matters : float
        The index, above 0.
    cells : int
        At least 2.
    level, power : float
        One minus the error rate of the test, and the chance of seeing it.

    Examples
    --------
    >>> rows_for_stability(0.1, 10)
    313.0
    """
    if not matters > 0 or cells < 2 or not 0 < power < 1:
        raise InputError(
            f"expected an index above 0, two cells and a power below 1; got {matters}, {cells}, {power}"
        )
    df = cells - 1
    critical = float(stats.chi2.ppf(as_level(level), df))
    needed = optimize.brentq(lambda x: stats.ncx2.sf(critical, df, x) - power, 1e-9, 1e4)
    return float(math.ceil(2 * needed / matters))


def _alike(a: FloatArray, b: FloatArray) -> float:
    both = a + b
    seen = both > 0
    expected = np.outer((a.sum(), b.sum()), both[seen]) / both.sum()
    statistic = float(((np.stack([a[seen], b[seen]]) - expected) ** 2 / expected).sum())
    return float(special.chdtrc(seen.sum() - 1, statistic)) if seen.sum() > 1 else 1.0


def _standard_error(p: FloatArray, q: FloatArray, n: float, m: float) -> float:
    """Return the standard error of the index by the delta method."""
    g, h = np.log(p / q) + 1 - q / p, np.log(q / p) + 1 - p / q
    variance = (p @ g**2 - (p @ g) ** 2) / n + (q @ h**2 - (q @ h) ** 2) / m
    return math.sqrt(max(float(variance), 0.0))


def _noncentral(x: float, df: int, level: float) -> tuple[float, float]:
    """Return the noncentralities under which a chi-square this large, and this small, is not out of the way."""
    tail = (1 - as_level(level)) / 2
    if x > _LARGE:
        half = 2 * normal_quantile(level) * math.sqrt(x)
        return max(x - df - half, 0.0), x - df + half
    far = 4 * (x + df) + 100
    low = 0.0
    if special.chdtrc(df, x) < tail:
        low = float(optimize.brentq(lambda c: special.chndtr(x, df, c) - (1 - tail), 0.0, far))
    usual = max(x, float(stats.chi2.ppf(0.5, df)))  # less than half of the noise is no evidence against drift
    high = float(optimize.brentq(lambda c: special.chndtr(usual, df, c) - tail, 0.0, far))
    return low, high
