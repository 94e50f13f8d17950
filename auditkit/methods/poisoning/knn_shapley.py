"""kNN-Shapley: what each training row is worth to a nearest-neighbour classifier, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["knn_shapley", "values_by_query"]

_BLOCK = 2_000_000  # distances held at a time


def values_by_query(
    points: ArrayLike, labels: ArrayLike, queries: ArrayLike, query_labels: ArrayLike, *, k: int = 5
) -> Iterator[Floats]:
    """Yield blocks of values, shape (some queries, n): what each training row adds to the chance that a query is answered rightly.

    The utility of a set of rows is the share of the k nearest of it that carry the query's label. With the rows in order of distance, the value of the
    last is [label right] / n (times min(k, n) / k), and each other's differs from the next one's by ([its label right] - [the next one's]) / k * min(k, i) / i.
    Sorting takes all the time: O(n log n) a query.

    Parameters
    ----------
    points : array_like of float, shape (n, d)
        Training rows.
    labels : array_like of int, shape (n,)
        Theirs.
    queries, query_labels : array_like, shapes (m, d) and (m,)
        Test rows and their labels.
    k : int
        Neighbours; at least 1.

    Raises
    ------
    InputError
        If shapes do not fit.

    References
    ----------
    Jia et al. 2019, "Efficient task-specific data valuation for nearest neighbor algorithms", arXiv 1908.08619, theorem 1.

    Examples
    --------
    >>> next(values_by_query([[0.0], [1.0]], [1, 0], [[0.1]], [1], k=1)).tolist()
    [[1.0, 0.0]]
    """
    X, Q = np.asarray(points, dtype=float), np.asarray(queries, dtype=float)
    y, z = np.asarray(labels), np.asarray(query_labels)
    if (
        X.ndim != 2
        or Q.ndim != 2
        or X.shape[1] != Q.shape[1]
        or y.shape != X.shape[:1]
        or z.shape != Q.shape[:1]
    ):
        raise InputError(
            f"expected two tables of the same columns and a label a row, got {X.shape} and {Q.shape}"
        )
    if k < 1 or not len(X):
        raise InputError(f"expected training rows and k of at least 1, got {len(X)} and {k}")
    n = len(X)
    square = np.einsum("ij,ij->i", X, X)
    places = np.arange(1, n)
    weight = np.minimum(k, places) / (k * places)
    step = max(1, _BLOCK // n)
    for start in range(0, len(Q), step):
        some, own = Q[start : start + step], z[start : start + step]
        order = np.argsort(square - 2 * (some @ X.T), axis=1, kind="stable")
        right = (y[order] == own[:, None]).astype(float)
        ranked = np.empty_like(right)
        ranked[:, -1] = right[:, -1] * min(k, n) / (k * n)
        steps = (right[:, :-1] - right[:, 1:]) * weight
        ranked[:, :-1] = ranked[:, -1:] + np.cumsum(steps[:, ::-1], axis=1)[:, ::-1]
        values = np.empty_like(ranked)
        np.put_along_axis(values, order, ranked, axis=1)
        yield values


def knn_shapley(
    points: ArrayLike, labels: ArrayLike, queries: ArrayLike, query_labels: ArrayLike, *, k: int = 5
) -> Floats:
    """Return the Shapley value of each training row for the accuracy of a k-nearest-neighbour classifier, shape (n,).

    Parameters
    ----------
    points, labels, queries, query_labels, k
        As in `values_by_query`.

    Returns
    -------
    ndarray of float, shape (n,)
        Means over the queries; they add up to the mean share of right labels among the k nearest of all rows.

    References
    ----------
    Jia et al. 2019, as in `values_by_query`.

    Examples
    --------
    >>> knn_shapley([[0.0], [1.0]], [1, 0], [[0.1], [0.9]], [1, 1], k=1).tolist()
    [0.75, -0.25]
    """
    total, m = None, 0
    for block in values_by_query(points, labels, queries, query_labels, k=k):
        total = block.sum(axis=0) if total is None else total + block.sum(axis=0)
        m += len(block)
    if total is None:
        raise InputError("expected queries, got none")
    return np.asarray(total / m)
