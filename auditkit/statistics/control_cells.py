"""Control cells: whether the shares of a column in cells moved, as a limit on a stability index."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics.control_limits import Moved, as_rate, skewed_quantile, skewed_tail
from auditkit.statistics.drift import merged_cells

if TYPE_CHECKING:
    import numpy.typing as npt

    from auditkit.statistics._arguments import FloatArray

__all__ = ["cells_moved"]


def cells_moved(
    window: npt.ArrayLike, reference: npt.ArrayLike, alpha: float, *, least: float = 10.0
) -> Moved:
    """Return where the shares of a window in cells lie beside those of the reference.

    The value is Pearson's form of the stability index, the sum of (q - p)² over the share of both samples together: chi-square times 1/n + 1/m. For small drifts
    it is the index as usually given, for large ones it is smaller. Its distribution is the Pearson type III with the exact mean and variance that chi-square
    has where rows are dealt to the samples by chance (Haldane 1940, "The mean and variance of chi-squared", Biometrika 31) and with its third cumulant, or the chi-square's where
    that is longer.

    Parameters
    ----------
    window, reference : array_like, shape (cells,)
        Rows in each cell.
    alpha : float
        Error rate.
    least : float
        Rows expected in each cell of either sample; rarer cells are put together (`merged_cells`).

    Returns
    -------
    Moved
        The lower limit and the reference are 0; ``nan`` where fewer than two cells are left.

    Examples
    --------
    >>> found = cells_moved([50, 50], [500, 500], 0.01)
    >>> found.value, round(found.high, 3), found.p_value
    (0.0, 0.073, 1.0)
    """
    as_rate(alpha)
    a, b = (np.asarray(part, dtype=float) for part in (reference, window))
    if a.shape != b.shape or a.ndim != 1:
        raise InputError(f"expected one count a cell of either sample; got {a.shape} and {b.shape}")
    to = merged_cells(a, b, least)
    a, b = (np.bincount(to, part) for part in (a, b))
    seen = a + b > 0
    a, b = (np.asarray(part[seen], dtype=float) for part in (a, b))
    m, n, k = float(a.sum()), float(b.sum()), a.size
    if k < 2 or not n or not m:
        return Moved(math.nan, 0.0, 0.0, math.nan, math.nan)
    scale = 1 / n + 1 / m
    value = float(((b / n - a / m) ** 2 / ((a + b) / (n + m))).sum())
    p = max(_dealt_tail(value / scale, a + b, n, m), float(special.chdtrc(k - 1, value / scale)))
    high = scale * max(_dealt_quantile(alpha, a + b, n, m), float(special.chdtri(k - 1, alpha)))
    return Moved(value, 0.0, 0.0, high, p)


def dealt_moments(cells: npt.ArrayLike, n: float, m: float) -> tuple[float, float]:
    """Return mean and variance of the chi-square of a table of two rows whose margins are held.

    Examples
    --------
    >>> [round(x, 3) for x in dealt_moments([2, 2], 2, 2)]  # chi-square is 4, 0, 4 with chances of 1, 4, 1 in 6
    [1.333, 3.556]
    """
    both = np.asarray(cells, dtype=float)
    every = n + m
    k = both.size

    def parts(margins: FloatArray, of: int) -> tuple[float, float]:
        v = (of - 1) * (every - of) / (every - 1)
        w = (every * every * float((1 / margins).sum()) / every - of * of) / (every - 2)
        return v, w

    (v1, w1), (v2, w2) = parts(np.array([n, m]), 2), parts(both, k)
    variance = 2 * every / (every - 3) * (v1 - w1) * (v2 - w2) + every**2 / (every - 1) * w1 * w2
    return (k - 1) * every / (every - 1), variance


def dealt_third(cells: npt.ArrayLike, n: float, m: float) -> float:
    """Return the third cumulant of that chi-square, to the order of one over the rows.

    Chi-square is the squared length of a mean of vectors, so its cumulants are those of a quadratic form: 8 (k - 1) of the normal part, the fourth
    cumulants of the vectors twelve times, and the third ones squared in the two ways that join them (McCullagh 1987, "Tensor Methods in Statistics", ch. 3).
    For one sample it is 8 (k - 1) + (22 R - 18 k² - 36 k + 32) / n with R the sum of one over the shares (Haldane 1937, Biometrika 29).
    """
    both = np.asarray(cells, dtype=float)
    k, shares = both.size, both / (n + m)
    r, scale = float((1 / shares).sum()), n * m / (n + m)
    fourth = scale**2 * (1 / n**3 + 1 / m**3) * 12 * (r - k * k - 2 * k + 2)
    third = scale**3 * (1 / n**2 - 1 / m**2) ** 2 * (10 * r - 6 * k * k - 12 * k + 8)
    sixth = scale**3 * (1 / n**5 + 1 / m**5) * float((1 / shares**2).sum())
    return 8 * (k - 1) + fourth + third + sixth


def _dealt(cells: FloatArray, n: float, m: float) -> tuple[float, float, float]:
    """Return mean, standard deviation and skewness; no shorter tail than that of a gamma of this mean and deviation."""
    mean, variance = dealt_moments(cells, n, m)
    sd = math.sqrt(max(variance, 1e-9))
    return mean, sd, max(dealt_third(cells, n, m) / sd**3, 2 * sd / mean)


def _dealt_tail(statistic: float, cells: FloatArray, n: float, m: float) -> float:
    mean, sd, skewness = _dealt(cells, n, m)
    return skewed_tail((statistic - mean) / sd, skewness)


def _dealt_quantile(alpha: float, cells: FloatArray, n: float, m: float) -> float:
    mean, sd, skewness = _dealt(cells, n, m)
    return mean + sd * skewed_quantile(alpha, skewness)
