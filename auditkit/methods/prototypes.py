"""Prototypes: the few rows that stand for many, the rows they stand for badly, and the rows nearest to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

__all__ = ["criticisms", "discrepancy", "kernel", "kernel_width", "nearest_of", "prototypes"]

_BLOCK = 4_000_000  # distances held at a time
_FEW = 500  # points that the width is read from
_NOTHING = 1e-10  # what a point adds that others hold already, up to rounding


def nearest_of(queries: ArrayLike, points: ArrayLike, k: int) -> Ints:
    """Return for each query the `k` nearest of the points, the nearest first (Fix and Hodges 1951).

    Parameters
    ----------
    queries : array_like of float, shape (m, d)
        Coordinates, see `auditkit.methods.neighbours.standardised`.
    points : array_like of float, shape (n, d)
        Where to look.
    k : int
        From 1 to n.

    Returns
    -------
    numpy.ndarray of int, shape (m, k)
        Places among the points; of points equally far the first is taken.

    Raises
    ------
    InputError
        If shapes do not fit or `k` is out of its range.

    Examples
    --------
    >>> nearest_of([[0.0], [4.0]], [[5.0], [1.0]], 1).tolist()
    [[1], [0]]
    """
    Q, P = np.asarray(queries, dtype=float), np.asarray(points, dtype=float)
    if Q.ndim != 2 or P.ndim != 2 or Q.shape[1] != P.shape[1] or not 1 <= k <= len(P):
        raise InputError(
            f"expected two tables of as many columns and k from 1 to the points, got {Q.shape}, {P.shape} and k={k}"
        )
    found = np.empty((len(Q), k), dtype=np.intp)
    step = max(1, _BLOCK // len(P))
    for start in range(0, len(Q), step):
        far = _squares(Q[start : start + step], P)
        found[start : start + step] = np.argsort(far, axis=1, kind="stable")[:, :k]
    return found


def kernel_width(points: ArrayLike) -> float:
    """Return the median distance between two points (Gretton et al. 2012, "A kernel two-sample test"); 1 where it is 0.

    Parameters
    ----------
    points : array_like, shape (n, d)
        Of more than 500 points, 500 at even steps are looked at.
    """
    P = np.asarray(points, dtype=float)
    some = P[np.linspace(0, len(P) - 1, min(len(P), _FEW)).astype(int)] if len(P) else P
    far = _squares(some, some)[np.triu_indices(len(some), 1)]
    width = float(np.sqrt(np.median(far))) if far.size else 0.0
    return width if width > 0 else 1.0


def kernel(points: ArrayLike, width: float) -> Floats:
    """Return how alike each two points are, ``exp(-distance**2 / (2 * width**2))``, (n, n), as Gretton et al. (2012) have it."""
    P = np.asarray(points, dtype=float)
    alike = np.exp(-_squares(P, P) / (2 * width**2))
    np.fill_diagonal(alike, 1.0)
    return np.asarray(alike)


def prototypes(alike: ArrayLike, k: int) -> Ints:
    """Return the points that together are most like all, chosen one after another (Kim, Khanna and Koyejo 2016, MMD-critic).

    Each is the one that makes the squared maximum mean discrepancy between the chosen and all points smallest ("Examples are not
    enough, learn to criticize!", NIPS 29).

    Parameters
    ----------
    alike : array_like, shape (n, n)
        A kernel, see `kernel`.
    k : int
        How many; all points where there are fewer.

    Returns
    -------
    numpy.ndarray of int, shape (min(k, n),)
        In the order chosen, so that the first few are the choice of fewer.

    Raises
    ------
    InputError
        If the kernel is not square or k is negative.

    Examples
    --------
    >>> points = [[0.0], [0.1], [0.2], [9.0], [9.1]]
    >>> prototypes(kernel(points, 1.0), 2).tolist()
    [1, 3]
    """
    K = _square(alike, k)
    mean, own = K.mean(axis=1), np.diag(K)
    chosen: list[int] = []
    near = np.zeros(len(K))  # to the chosen, summed
    drawn, among = 0.0, 0.0
    for m in range(1, min(k, len(K)) + 1):
        value = 2 * (drawn + mean) / m - (among + 2 * near + own) / m**2
        value[chosen] = -np.inf
        best = int(value.argmax())
        drawn, among = drawn + mean[best], among + 2 * near[best] + own[best]
        near = near + K[best]
        chosen.append(best)
    return np.array(chosen, dtype=np.intp)


def discrepancy(alike: ArrayLike, chosen: ArrayLike) -> float:
    """Return the squared maximum mean discrepancy between some of the points and all of them (Gretton et al. 2012), at least 0."""
    K, some = np.asarray(alike, dtype=float), np.asarray(chosen, dtype=np.intp)
    return max(float(K.mean() - 2 * K[some].mean() + K[np.ix_(some, some)].mean()), 0.0)


def criticisms(alike: ArrayLike, chosen: ArrayLike, k: int) -> Ints:
    """Return the points for which the prototypes stand badly, unlike each other (Kim, Khanna and Koyejo 2016).

    Greedy for the sum of absolute differences between how like a point is to all and to the prototypes, and the logarithm of the
    determinant of the chosen ones' kernel, which keeps them apart.

    Parameters
    ----------
    alike : array_like, shape (n, n)
        A kernel.
    chosen : array_like of int
        The prototypes, at least one.
    k : int
        How many; fewer where all others equal one that was taken.

    Raises
    ------
    InputError
        If the kernel is not square, k is negative, or there is no prototype.
    """
    K, some = _square(alike, k), np.asarray(chosen, dtype=np.intp)
    if not some.size:
        raise InputError("criticisms are of prototypes: expected at least one")
    badly = np.abs(K.mean(axis=1) - K[:, some].mean(axis=1))
    left = np.diag(K).copy()  # of each point what the ones taken do not hold: its factor of the determinant
    parts = np.zeros((len(K), 0))
    open_ = np.ones(len(K), dtype=bool)
    open_[some] = False
    taken: list[int] = []
    for _ in range(min(k, int(open_.sum()))):
        may = open_ & (left > _NOTHING)
        if not may.any():
            break
        best = int(np.where(may, badly + np.log(np.maximum(left, _NOTHING)), -np.inf).argmax())
        part = (K[:, best] - parts @ parts[best]) / np.sqrt(left[best])
        parts, left = np.column_stack([parts, part]), left - part**2
        open_[best] = False
        taken.append(best)
    return np.array(taken, dtype=np.intp)


def _square(alike: ArrayLike, k: int) -> Floats:
    K = np.asarray(alike, dtype=float)
    if K.ndim != 2 or K.shape[0] != K.shape[1] or k < 0:
        raise InputError(f"expected a square kernel and k of at least 0, got shape {K.shape} and k={k}")
    return K


def _squares(one: Floats, other: Floats) -> Floats:
    far = np.square(one).sum(axis=1)[:, None] + np.square(other).sum(axis=1) - 2 * (one @ other.T)
    return np.asarray(np.maximum(far, 0.0))
