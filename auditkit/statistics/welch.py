"""Welch: the difference of two means whose variances may differ."""

from __future__ import annotations

import math

from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import as_level

__all__ = ["mean_difference"]


def mean_difference(
    means: tuple[float, float], spreads: tuple[float, float], sizes: tuple[float, float], level: float = 0.95
) -> tuple[float, float]:
    """Return the interval of the first mean less the second.

    Parameters
    ----------
    means : (float, float)
        Of the two samples.
    spreads : (float, float)
        Sums of squared distances from these means, so that ``spread / (size - 1)`` is the variance.
    sizes : (float, float)
        Rows; with weights effective ones.
    level : float
        Two-sided confidence level.

    Returns
    -------
    low, high : float
        [-inf, inf] where a sample has fewer than two rows; no width where neither varies.

    Raises
    ------
    InputError
        If a spread is negative.

    References
    ----------
    Welch 1947, "The generalization of 'Student's' problem when several different population variances are involved", Biometrika 34.

    Examples
    --------
    >>> low, high = mean_difference((2.0, 1.0), (4.0, 2.0), (5, 5))
    >>> round(float(low), 3), round(float(high), 3)
    (-0.288, 2.288)
    """
    if min(spreads) < 0:
        raise InputError(f"a sum of squares is not negative, got {spreads}")
    if min(sizes) < 2:
        return -math.inf, math.inf
    shares = [spread / (size - 1) / size for spread, size in zip(spreads, sizes, strict=True)]
    squared, value = sum(shares), means[0] - means[1]
    if squared == 0:
        return value, value
    df = squared**2 / sum(s**2 / (size - 1) for s, size in zip(shares, sizes, strict=True))
    half = float(special.stdtrit(df, 0.5 + as_level(level) / 2)) * math.sqrt(squared)
    return value - half, value + half
