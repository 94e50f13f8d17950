"""Matched: records of one group beside the most alike records of another, and means that rest on such pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

__all__ = ["donors", "related_mean"]

_BLOCK = 4_000_000  # distances held at a time


def donors(points: ArrayLike, groups: ArrayLike, k: int, rng: np.random.Generator) -> Ints:
    """Return for every record the most alike other record of each group: matching with replacement (Abadie and Imbens 2006).

    Parameters
    ----------
    points : array_like of float, shape (n, d)
        Coordinates; see `auditkit.methods.neighbours.standardised`.
    groups : array_like of int, shape (n,)
        Group of each record, from 0 to ``k - 1``; each has at least two.
    k : int
        Number of groups.
    rng : numpy.random.Generator
        Chooses among records that are equally near, so that none serves all.

    Returns
    -------
    numpy.ndarray of int, shape (n, k)
        Places among the records; a record is no donor of its own.

    Raises
    ------
    InputError
        If shapes do not fit, or a group has fewer than two records.

    Examples
    --------
    >>> donors([[0.0], [1.0], [5.0], [6.0]], [0, 1, 0, 1], 2, np.random.default_rng(0)).tolist()
    [[2, 1], [0, 3], [0, 3], [2, 1]]
    """
    X, codes = np.asarray(points, dtype=float), np.asarray(groups, dtype=np.intp)
    if X.ndim != 2 or codes.shape != (len(X),) or (np.bincount(codes, minlength=k) < 2).any():
        raise InputError(f"expected points of shape (n, d) and {k} groups of at least two, got {X.shape}")
    found = np.empty((len(X), k), dtype=np.intp)
    for g in range(k):
        pool = np.flatnonzero(codes == g)
        square = np.einsum("ij,ij->i", X[pool], X[pool])
        step = max(1, _BLOCK // pool.size)
        for start in range(0, len(X), step):
            some = np.arange(start, min(start + step, len(X)))
            far = square - 2 * (X[some] @ X[pool].T) + np.einsum("ij,ij->i", X[some], X[some])[:, None]
            far[some[:, None] == pool] = np.inf
            near = far <= far.min(axis=1, keepdims=True) + 1e-9
            found[some, g] = pool[np.where(near, rng.random(near.shape), -1.0).argmax(axis=1)]
    return found


def related_mean(values: ArrayLike, records: ArrayLike) -> tuple[float, float]:
    """Return a mean and its standard error where each value rests on several records, and one record serves several values.

    The variance sums the products of all pairs of values that share a record (Aronow, Samii and Assenova 2015), and is not
    taken to be less than that of independent values.

    Parameters
    ----------
    values : array_like of float, shape (m,)
        What is averaged.
    records : array_like of int, shape (m, r)
        The records that each value rests on.

    Returns
    -------
    mean, standard error : float
        ``nan`` without values.

    Raises
    ------
    InputError
        If shapes do not fit.

    Examples
    --------
    >>> related_mean([0.0, 1.0], [[0, 1], [2, 3]])  # no record in common
    (0.5, 0.3535533905932738)
    """
    from scipy import sparse

    x, at = np.asarray(values, dtype=float), np.asarray(records, dtype=np.intp)
    if x.ndim != 1 or at.ndim != 2 or len(at) != x.size:
        raise InputError(f"expected one row of records a value, got {x.shape} and {at.shape}")
    if not x.size:
        return float("nan"), float("nan")
    away = x - x.mean()
    rows = np.repeat(np.arange(x.size), at.shape[1])
    holds = sparse.csr_array((np.ones(at.size), (rows, at.ravel())), shape=(x.size, int(at.max()) + 1))
    shared = holds @ holds.T
    shared.data[:] = 1.0
    variance = max(float(away @ (shared @ away)), float(away @ away))
    return float(x.mean()), float(np.sqrt(variance)) / x.size
