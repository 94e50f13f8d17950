"""Defences: what may be done to a row before the model sees it: fewer levels, noisy copies, or a gate that turns it away."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["bin_levels", "coordinates", "fewest_rows", "nearest_distance", "reject_threshold", "squeezed"]

_BLOCK = 4_000_000  # distances held at a time


def bin_levels(column: ArrayLike, levels: int, *, whole: bool = False) -> Floats:
    """Return a few values that stand for all of a column: the median of each quantile bin.

    Parameters
    ----------
    column : array_like of float, shape (n,)
        Values, best of training rows; missing ones are left out.
    levels : int
        Bins at most, at least 1. A column with no more values than that keeps them all.
    whole : bool
        Whether only whole numbers will do: a median between two is rounded down.

    Returns
    -------
    numpy.ndarray of float, shape (k,)
        In rising order, k at most `levels`; empty without a value.

    Raises
    ------
    InputError
        If there are no levels.

    References
    ----------
    Xu, Evans and Qi 2018, "Feature squeezing: detecting adversarial examples in deep neural networks", NDSS, arXiv
    1704.01155: fewer bits a pixel. Bins of equal counts take the place of equal widths, for columns with long tails.

    Examples
    --------
    >>> bin_levels([1, 2, 3, 10, 11, 12], 2).tolist()
    [2.0, 11.0]
    """
    if levels < 1:
        raise InputError(f"levels must be at least 1, got {levels}")
    values = np.asarray(column, dtype=float)
    values = np.sort(values[np.isfinite(values)])
    distinct = np.unique(values)
    if len(distinct) <= levels:
        return distinct
    edges = np.quantile(values, np.linspace(0, 1, levels + 1)[1:-1])
    bins = np.searchsorted(edges, values, side="left")
    middles = np.array([np.median(values[bins == one]) for one in np.unique(bins)])
    return np.unique(np.floor(middles) if whole else middles)


def squeezed(column: ArrayLike, levels: ArrayLike) -> Floats:
    """Return each value as the nearest level, a tie as the lower one; missing stays missing.

    Parameters
    ----------
    column : array_like of float, shape (n,)
        Values.
    levels : array_like of float, shape (k,)
        In rising order, as `bin_levels` gives them; values stay as they are where there are none.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        Of the levels alone (Xu et al. 2018, arXiv 1704.01155).

    Examples
    --------
    >>> squeezed([0.0, 6.4, 6.5, 99.0], [2.0, 11.0]).tolist()
    [2.0, 2.0, 2.0, 11.0]
    """
    values, few = np.asarray(column, dtype=float), np.asarray(levels, dtype=float)
    if not few.size:
        return values.copy()
    at = np.searchsorted((few[1:] + few[:-1]) / 2, values, side="left")
    return np.where(np.isnan(values), np.nan, few[np.minimum(at, len(few) - 1)])


def coordinates(table: ArrayLike, scale: ArrayLike, categories: ArrayLike) -> Floats:
    """Return coordinates in which one unit of a number and another category are steps of length 1.

    Unlike `neighbours.standardised`, nothing is learnt from the rows, so that rows which come later lie in the same space.

    Parameters
    ----------
    table : array_like of float, shape (n, d)
        Numbers, and categories as codes from 0; ``nan`` where missing.
    scale : array_like of float, shape (d,)
        One unit of a number.
    categories : array_like of int, shape (d,)
        How many categories a column has; 0 for numbers.

    Returns
    -------
    numpy.ndarray of float, shape (n, columns)
        A missing number is at 0 and marked in a column of its own; a missing category is one more category.

    Raises
    ------
    InputError
        If shapes do not fit.

    Examples
    --------
    >>> coordinates([[4.0], [np.nan]], [2.0], [0]).tolist()
    [[2.0, 0.0], [0.0, 1.0]]
    """
    rows, unit = np.asarray(table, dtype=float), np.asarray(scale, dtype=float)
    sizes = np.asarray(categories, dtype=int)
    if rows.ndim != 2 or unit.shape != (rows.shape[1],) or sizes.shape != unit.shape:
        raise InputError(
            f"expected a table and one scale and size a column, got {rows.shape}, {unit.shape} and {sizes.shape}"
        )
    parts = []
    for column, one, size in zip(rows.T, unit, sizes, strict=True):
        missing = np.isnan(column)
        if size:
            codes = np.where(missing, size, np.nan_to_num(column)).astype(int)
            parts.append(np.eye(size + 1)[codes] / math.sqrt(2))
        else:
            parts.append(np.column_stack([np.where(missing, 0.0, column / one), missing]))
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(rows), 0))


def nearest_distance(queries: ArrayLike, points: ArrayLike) -> Floats:
    """Return the Euclidean distance of each query to the nearest point, (m,).

    Parameters
    ----------
    queries : array_like of float, shape (m, d)
        Rows in question.
    points : array_like of float, shape (n, d)
        Rows they are held against; at least one.

    Returns
    -------
    numpy.ndarray of float, shape (m,)
        Far from every known row is where a model was taught nothing (Knorr and Ng 1998, "Algorithms for mining
        distance-based outliers in large datasets", VLDB). In blocks of bounded memory.

    Raises
    ------
    InputError
        If there is no point, or the widths differ.

    Examples
    --------
    >>> nearest_distance([[0.0], [4.0]], [[1.0], [9.0]]).tolist()
    [1.0, 3.0]
    """
    Q, P = np.asarray(queries, dtype=float), np.asarray(points, dtype=float)
    if Q.ndim != 2 or P.ndim != 2 or Q.shape[1] != P.shape[1] or not len(P):
        raise InputError(f"expected two tables of one width, and a point; got {Q.shape} and {P.shape}")
    middle = P.mean(axis=0)  # differences of large squares lose digits
    Q, P = Q - middle, P - middle
    own = np.einsum("ij,ij->i", P, P)
    found = np.empty(len(Q), dtype=np.intp)
    step = max(1, _BLOCK // len(P))
    for start in range(0, len(Q), step):
        found[start : start + step] = (own - 2 * (Q[start : start + step] @ P.T)).argmin(axis=1)
    return np.asarray(np.sqrt(np.square(Q - P[found]).sum(axis=1)))


def reject_threshold(strangeness: ArrayLike, rate: float) -> float:
    """Return the strangeness above which an ordinary row is turned away with a probability of at most `rate`.

    The split-conformal quantile (Papadopoulos et al. 2002; Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a
    Random World"): the k-th smallest of n held-out values, k = ceil((n + 1)(1 - rate)). Over the draw of the held-out rows and of
    one new row from the same source, the new one lies above with a probability of at most `rate`, and without ties of more than
    rate - 1/(n + 1).

    Parameters
    ----------
    strangeness : array_like of float, shape (n,)
        Of held-out rows, none of which the gate learnt from; infinite for rows that are turned away whatever the threshold.
    rate : float
        The false-reject rate, above 0 and below 1.

    Returns
    -------
    float
        Infinite where more of them are turned away anyhow than `rate` allows.

    Raises
    ------
    InputError
        If the rate is out of range, or so few rows cannot show it: n must be at least 1 / rate - 1.

    Examples
    --------
    >>> reject_threshold(range(1, 20), 0.05)
    19.0
    """
    values = np.sort(np.asarray(strangeness, dtype=float))
    n = len(values)
    if not 0 < rate < 1 or np.isnan(values).any():
        raise InputError(f"expected a rate between 0 and 1 and no missing value, got {rate}")
    if n < fewest_rows(rate):
        raise InputError(
            f"{n} held-out rows cannot show a false-reject rate of {rate:g}: at least {fewest_rows(rate)} are needed"
        )
    return float(values[_place(n, rate) - 1])


def fewest_rows(rate: float) -> int:
    """Return how many held-out rows `reject_threshold` needs.

    Examples
    --------
    >>> fewest_rows(0.05)
    19
    """
    n = max(1, math.floor(1 / rate) - 2)
    while _place(n, rate) > n:
        n += 1
    return n


def _place(n: int, rate: float) -> int:
    return math.ceil((n + 1) * (1 - rate) - 1e-9)  # what floats leave of a whole number
