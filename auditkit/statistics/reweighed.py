"""Reweighed: the same rows in another mix, and what that does to their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level
from auditkit.statistics.weighted import kish_size

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Reweighed", "reweighed_difference"]


class Reweighed(NamedTuple):
    """Plain mean less weighted mean with its interval, and the effective size of the weighted rows."""

    value: float
    low: float
    high: float
    size: float


def reweighed_difference(
    values: npt.ArrayLike, weights: npt.ArrayLike, level: float = 0.95, *, intervals: int = 1
) -> Reweighed:
    """Return by how much a mean falls when rows are weighted, on the same rows.

    The weighted mean is a ratio of sums (self-normalised importance sampling; Owen 2013, "Monte Carlo theory, methods and examples",
    chapter 9), its variance that of the linearised difference: plain and weighted mean share their rows and vary together. Two
    rows are added, one either way, as in Agresti and Coull's interval: rows that are all alike do not show that others would be. For the
    lower end they have the usual weight, for the upper end the largest, since few errors were seen where few rows have to speak
    for many. Student's quantile has the degrees of freedom of the effective size (Kish 1965).

    Parameters
    ----------
    values : array_like, shape (n,)
        Finite: 1 where right and 0 where wrong, or minus an error.
    weights : array_like, shape (n,)
        At least 0, not all 0; given, or made without looking at these rows' values.
    level : float
        Two-sided confidence level, of all intervals together.
    intervals : int
        How many intervals are to hold at once (Bonferroni).

    Returns
    -------
    Reweighed
        Ends infinite where fewer than two rows count.

    Raises
    ------
    InputError
        On lengths that differ, values that are not finite, or unusable weights.

    Examples
    --------
    >>> found = reweighed_difference([1, 1, 1, 0] * 50, [1, 1, 1, 2] * 50)  # wrong rows count twice
    >>> round(found.value, 3), round(found.size, 1)
    (0.15, 178.6)
    """
    v, w = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    if v.ndim != 1 or v.shape != w.shape or not np.isfinite(v).all():
        raise InputError(f"expected finite values and one weight each, got {v.shape} and {w.shape}")
    if not np.isfinite(w).all() or (w < 0).any() or not w.any() or intervals < 1:
        raise InputError("expected finite weights of at least 0, not all 0, and at least one interval")
    share, n = w / w.mean(), len(v)
    plain, weighted = float(v.mean()), float(share @ v) / n
    value, size = plain - weighted, kish_size(w)
    if size < 2:
        return Reweighed(value, -np.inf, np.inf, size)
    each = 1 - (1 - as_level(level)) / intervals
    change = (v - plain) - share * (v - weighted)
    reach = _reach(v)
    usual, most = float(np.sqrt(np.mean((share - 1) ** 2))) * reach, float(np.abs(share - 1).max()) * reach
    quantile = float(special.stdtrit(size - 1, 0.5 + each / 2))
    below, above = (quantile * np.sqrt(change @ change + 2 * one**2) / n for one in (usual, most))
    return Reweighed(value, value - float(below), value + float(above), size)


def _reach(values: FloatArray) -> float:
    """Return how far one more row may lie off: 1 for what is right or wrong, a deviation otherwise."""
    return 1.0 if np.isin(values, (0.0, 1.0)).all() else float(values.std())
