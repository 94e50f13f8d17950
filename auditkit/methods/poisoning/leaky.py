"""Leaky: how well each feature alone tells the label, where one may hold the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

__all__ = ["bins_of", "class_rates"]


def bins_of(values: ArrayLike, like: ArrayLike, *, categorical: bool, most: int = 32) -> Ints:
    """Return the bin of each value: its category, or one of at most `most` bins of about equal size.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        Numbers, or codes of categories; ``nan`` where missing, which is a bin of its own.
    like : array_like of float, shape (m,)
        Values that bins are cut by.
    categorical : bool
        Whether they are codes.
    most : int
        Bins at most.

    Returns
    -------
    ndarray of int, shape (n,)
        From 0; a category that `like` does not have shares the bin of missing values.

    References
    ----------
    Equal-frequency binning: Dougherty, Kohavi and Sahami 1995, "Supervised and unsupervised discretization of continuous features".

    Examples
    --------
    >>> bins_of([1.0, 3.0, float("nan")], [1.0, 2.0, 3.0, 4.0], categorical=False, most=2).tolist()
    [1, 2, 0]
    """
    x, known = np.asarray(values, dtype=float), np.asarray(like, dtype=float)
    if x.ndim != 1 or known.ndim != 1 or most < 2:
        raise InputError(f"expected columns and at least 2 bins, got {x.shape}, {known.shape} and {most}")
    known = known[np.isfinite(known)]
    found = np.zeros(len(x), dtype=np.intp)
    if not known.size:
        return found
    there = np.isfinite(x)
    distinct = np.unique(known)
    if categorical:
        at = np.minimum(np.searchsorted(distinct, x[there]), len(distinct) - 1)
        found[there] = np.where(distinct[at] == x[there], at + 1, 0)
        return found
    if len(distinct) > most:
        distinct = np.unique(np.quantile(known, np.arange(most) / most))
    found[there] = np.maximum(np.searchsorted(distinct, x[there], side="right"), 1)
    return found


def class_rates(
    bins: ArrayLike, labels: ArrayLike, queries: ArrayLike, classes: int, weight: float = 1.0
) -> Floats:
    """Return the share of each class among rows of the same bin, drawn to the overall shares where rows are few.

    Parameters
    ----------
    bins, labels : array_like of int, shape (n,)
        Of the rows that are counted.
    queries : array_like of int, shape (m,)
        Bins asked about.
    classes : int
        How many there are; labels are from 0.
    weight : float
        Rows' worth of overall shares added to each bin.

    Returns
    -------
    ndarray of float, shape (m, classes)

    References
    ----------
    Micci-Barreca 2001, "A preprocessing scheme for high-cardinality categorical attributes".

    Examples
    --------
    >>> class_rates([0, 0, 1, 1], [0, 0, 1, 1], [0, 1], 2).round(3).tolist()
    [[0.833, 0.167], [0.167, 0.833]]
    """
    b, y, q = (np.asarray(part, dtype=np.intp) for part in (bins, labels, queries))
    if b.shape != y.shape or b.ndim != 1 or q.ndim != 1:
        raise InputError(f"expected one bin and one label a row, got {b.shape} and {y.shape}")
    size = int(max(b.max(initial=-1), q.max(initial=-1))) + 1
    counts = np.bincount(b * classes + y, minlength=size * classes).reshape(size, classes).astype(float)
    overall = counts.sum(axis=0) / max(float(counts.sum()), 1.0)
    rates: Floats = (counts + weight * overall) / (counts.sum(axis=1, keepdims=True) + weight)
    return rates[q]
