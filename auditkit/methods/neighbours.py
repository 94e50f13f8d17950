"""Neighbours: the records most alike, and how often those alike are decided alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

__all__ = ["Agreement", "agreement", "distance", "nearest", "standardised"]

_BLOCK = 4_000_000  # distances held at a time


class Agreement(NamedTuple):
    """Share of neighbours decided alike, or distance of their values; its standard error, and the same among records at random."""

    value: float
    se: float
    chance: float
    n: int


def standardised(table: ArrayLike, categorical: ArrayLike) -> Floats:
    """Return coordinates in which a standard deviation and a different category are comparable steps.

    Parameters
    ----------
    table : array_like of float, shape (n, d)
        Numbers, and categories as codes from 0; ``nan`` where missing.
    categorical : array_like of bool, shape (d,)
        Which columns hold categories.

    Returns
    -------
    numpy.ndarray of float, shape (n, columns)
        Numbers in standard deviations from their mean, a missing one at the mean and marked in a column of its own;
        categories as indicators over the square root of 2, so that two different ones lie 1 apart.

    Raises
    ------
    InputError
        If shapes do not fit.
    """
    rows, coded = np.asarray(table, dtype=float), np.asarray(categorical, dtype=bool)
    if rows.ndim != 2 or coded.shape != (rows.shape[1],):
        raise InputError(f"expected a table and one flag a column, got {rows.shape} and {coded.shape}")
    parts = []
    for column, is_code in zip(rows.T, coded, strict=True):
        missing = ~np.isfinite(column)
        if is_code:
            codes = np.unique(np.where(missing, -1.0, column), return_inverse=True)[1]
            parts.append(np.eye(codes.max() + 1)[codes] / np.sqrt(2))
            continue
        known = column[~missing]
        spread = float(known.std()) if known.size else 0.0
        if spread > 0:
            parts.append(np.where(missing, 0.0, (column - known.mean()) / spread)[:, None])
        if missing.any() and known.size:
            parts.append(missing[:, None].astype(float))
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(rows), 0))


def nearest(queries: ArrayLike, points: Floats, k: int) -> Ints:
    """Return the `k` nearest other points of some of the points, by Euclidean distance.

    Parameters
    ----------
    queries : array_like of int, shape (m,)
        Which points to look around; a point is no neighbour of its own.
    points : ndarray of float, shape (n, d)
        Coordinates.
    k : int
        From 1 to n - 1.

    Returns
    -------
    numpy.ndarray of int, shape (m, k)
        Places among the points, in no order; of points equally far any may be taken. All distances are computed, in blocks of
        bounded memory: in a dozen dimensions a tree is no faster.

    Raises
    ------
    InputError
        If `k` is out of its range or the points are no table.

    Examples
    --------
    >>> nearest([0, 3], np.array([[0.0], [1.0], [5.0], [6.0]]), 1).tolist()
    [[1], [2]]
    """
    X, at = np.asarray(points, dtype=float), np.asarray(queries, dtype=np.intp)
    if X.ndim != 2 or not 1 <= k < len(X):
        raise InputError(f"expected points of shape (n, d) and k from 1 to n - 1, got {X.shape} and k={k}")
    square = np.einsum("ij,ij->i", X, X)
    found = np.empty((at.size, k), dtype=np.intp)
    step = max(1, _BLOCK // len(X))
    for start in range(0, at.size, step):
        some = at[start : start + step]
        # the query's own square is the same for all points, so that it does not change the order
        far = square - 2 * (X[some] @ X.T)
        far[np.arange(some.size), some] = np.inf
        found[start : start + step] = np.argpartition(far, k - 1, axis=1)[:, :k]
    return found


def agreement(
    queries: ArrayLike, neighbours: ArrayLike, decisions: ArrayLike, of: ArrayLike | None = None
) -> Agreement:
    """Return how often records are decided as their neighbours are: consistency (Zemel et al. 2013).

    For two classes it is Zemel's 1 - mean |y_i - mean of the neighbours' y|; for more, the mean share of
    neighbours of the same class. A record is a neighbour of many, so the pairs are not independent: the variance sums the products
    of all pairs of pairs that share a record (Aronow, Samii and Assenova 2015, "Cluster-robust variance estimation for
    dyadic data"). It takes who is near whom as given.

    Parameters
    ----------
    queries : array_like of int, shape (m,)
        Records looked around.
    neighbours : array_like of int, shape (m, k)
        Theirs, see `nearest`.
    decisions : array_like of shape (n,)
        Of all records.
    of : array_like of bool, shape (m,), optional
        Queries that count; all when left out.

    Returns
    -------
    Agreement
        ``chance`` is the mean share of all other records that are decided as the queries are: what is expected if the neighbours'
        decisions were dealt out at random. ``nan`` without queries.

    Raises
    ------
    InputError
        If shapes do not fit.

    Examples
    --------
    >>> found = agreement([0, 1], [[1], [2]], ["yes", "yes", "no"])
    >>> found.value, found.chance
    (0.5, 0.5)
    """
    codes = np.unique(np.asarray(decisions), return_inverse=True)[1]
    at, near = _pairs(queries, neighbours, of)
    if not near.size or codes.size < 2:
        return Agreement(np.nan, np.nan, np.nan, 0)
    alike = (codes[near] == codes[at][:, None]).astype(float)
    chance = float(((np.bincount(codes)[codes[at]] - 1) / (codes.size - 1)).mean())
    return Agreement(*_dyadic(alike, at, near, codes.size), chance, int(at.size))


def distance(
    queries: ArrayLike, neighbours: ArrayLike, values: ArrayLike, of: ArrayLike | None = None
) -> Agreement:
    """Return how far the values of records lie from those of their neighbours: consistency of a regression.

    The mean absolute difference over all pairs of a record and a neighbour, which is 1 - consistency (Zemel et al. 2013) where values
    are 0 and 1. Parameters and variance are those of `agreement`, with numbers, shape (n,), in place of decisions.

    Returns
    -------
    Agreement
        ``chance`` is the mean absolute difference of the queries to all other records.

    Raises
    ------
    InputError
        If shapes do not fit.

    Examples
    --------
    >>> found = distance([0, 1], [[1], [2]], [0.0, 1.0, 5.0])
    >>> found.value, found.chance
    (2.5, 2.75)
    """
    x = np.asarray(values, dtype=float)
    at, near = _pairs(queries, neighbours, of)
    n = x.size
    if not near.size or n < 2:
        return Agreement(np.nan, np.nan, np.nan, 0)
    order = np.sort(x)
    sums = np.concatenate([[0.0], np.cumsum(order)])
    below = np.searchsorted(order, x[at])
    every = x[at] * (2 * below - n) + sums[-1] - 2 * sums[below]
    chance = float((every / (n - 1)).mean())
    return Agreement(*_dyadic(np.abs(x[near] - x[at][:, None]), at, near, n), chance, int(at.size))


def _pairs(queries: ArrayLike, neighbours: ArrayLike, of: ArrayLike | None) -> tuple[Ints, Ints]:
    at, near = np.asarray(queries, dtype=np.intp), np.asarray(neighbours, dtype=np.intp)
    if at.ndim != 1 or near.ndim != 2 or len(near) != at.size:
        raise InputError(f"expected neighbours of shape ({at.size}, k), got {near.shape}")
    if of is not None:
        at, near = at[np.asarray(of, dtype=bool)], near[np.asarray(of, dtype=bool)]
    return at, near


def _dyadic(figures: Floats, at: Ints, near: Ints, n: int) -> tuple[float, float]:
    """Return the mean of a figure of pairs of records, shape (m, k), and its standard error."""
    value = float(figures.mean())
    away = (figures - value).ravel()
    first, second = np.repeat(at, near.shape[1]), near.ravel()
    by_record = np.bincount(first, weights=away, minlength=n) + np.bincount(second, weights=away, minlength=n)
    low, high = np.minimum(first, second), np.maximum(first, second)
    together = np.unique(low * n + high, return_inverse=True)[1]
    # pairs of pairs that share both records were counted at either of them
    twice = np.bincount(together, weights=away)
    variance = float(by_record @ by_record - twice @ twice) / near.size**2
    return value, float(np.sqrt(max(variance, 0.0)))
