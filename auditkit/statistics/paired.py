"""Paired differences: the same records answered twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import as_level
from auditkit.statistics.intervals import Bounds

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["paired_difference"]


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
