"""Impact ratios of categories as New York City's rules on automated employment decision tools count them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["CategoryRatios", "above_median", "category_ratios"]


class CategoryRatios(NamedTuple):
    """Rates and impact ratios of categories.

    Attributes
    ----------
    rate : ndarray of float, shape (categories,)
        Selected, or scored above the median, over assessed; ``nan`` for nobody assessed.
    excluded : ndarray of bool, shape (categories,)
        Too small a share of the data; such a category has no ratio and is not compared with.
    reference : int
        Place of the category with the highest rate of those not excluded; -1 where there is none.
    ratio : ndarray of float, shape (categories,)
        Rate over that of the reference; ``nan`` where excluded, or where the highest rate is 0.
    """

    rate: NDArray[np.float64]
    excluded: NDArray[np.bool_]
    reference: int
    ratio: NDArray[np.float64]


def above_median(scores: ArrayLike) -> tuple[NDArray[np.bool_], float]:
    """Return who scores above the median of the full sample, and that median; a score at the median is not above it.

    Parameters
    ----------
    scores : array_like of shape (n,)
        Finite numbers, those of unknown category among them.

    Raises
    ------
    InputError
        If there is no score or one is not finite.

    Examples
    --------
    >>> above, median = above_median([1.0, 2.0, 2.0, 5.0])
    >>> above.tolist(), median
    ([False, False, False, True], 2.0)
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise InputError(f"scores must be finite, one a record; got shape {values.shape}")
    median = float(np.median(values))
    return values > median, median


def category_ratios(hits: ArrayLike, sizes: ArrayLike, records: int, exclude_below: float) -> CategoryRatios:
    """Return the rate of each category and its ratio to the highest.

    Parameters
    ----------
    hits, sizes : array_like, shape (categories,)
        Selected (or above the median) and assessed of each known category.
    records : int
        All records of the audit, those of unknown category among them.
    exclude_below : float
        Categories of less than this share of `records` have no ratio.

    Raises
    ------
    InputError
        On impossible counts.

    References
    ----------
    6 RCNY 5-300 (impact ratio, scoring rate) and 5-301 (calculation; categories under 2% of the data).

    Examples
    --------
    >>> found = category_ratios([50, 20, 1], [100, 80, 1], 185, 0.02)
    >>> found.ratio.tolist(), found.excluded.tolist(), found.reference
    ([1.0, 0.5, nan], [False, False, True], 0)
    """
    x, n = np.asarray(hits, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    if x.ndim != 1 or x.shape != n.shape or (x < 0).any() or (x > n).any() or n.sum() > records:
        raise InputError("categories need counts with 0 <= hits <= sizes, together no more than the records")
    rate = np.divide(x, n, out=np.full(x.shape, np.nan), where=n > 0)
    excluded = (n < exclude_below * records) | (n == 0)
    if excluded.all():
        return CategoryRatios(rate, excluded, -1, np.full(x.shape, np.nan))
    reference = int(np.where(excluded, -1.0, rate).argmax())
    defined = ~excluded & (rate[reference] > 0)
    ratio = np.divide(rate, rate[reference], out=np.full(x.shape, np.nan), where=defined)
    return CategoryRatios(rate, excluded, reference, ratio)
