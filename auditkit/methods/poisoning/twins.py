"""Twins: rows that are found again, equal or all but equal, where two independent draws would not bring them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

__all__ = [
    "Near",
    "contradicting",
    "independent_twins",
    "near_twins",
    "nearest_between",
    "robust_units",
]

_BLOCK = 4_000_000  # distances held at a time
_NORMAL = 1.349  # interquartile range of a standard normal


@dataclass(frozen=True, slots=True)
class Near:
    """How many rows lie nearer to the reference rows than chance brings them.

    Attributes
    ----------
    radius : float
        Nearer than this counts.
    expected : float
        Share of independent rows that lie so near.
    near : ndarray of bool
        Which rows do.
    p_value : float
        One-sided, exact, of "no more rows than of an independent draw".
    """

    radius: float
    expected: float
    near: NDArray[np.bool_]
    p_value: float


def robust_units(table: ArrayLike, categorical: ArrayLike, like: ArrayLike) -> Floats:
    """Return coordinates in which a spread of a number and a different category are comparable steps.

    Parameters
    ----------
    table : array_like of float, shape (n, d)
        Numbers, and categories as codes from 0; ``nan`` where missing.
    categorical : array_like of bool, shape (d,)
        Which columns hold categories.
    like : array_like of float, shape (m, d)
        The rows that spreads are taken of.

    Returns
    -------
    ndarray of float, shape (n, columns)
        Numbers over their interquartile range / 1.349 (the standard deviation where that is 0), a missing one at the median and marked
        in a column of its own; categories as indicators over the square root of 2, so that two different ones lie 1 apart.

    References
    ----------
    The interquartile range over 1.349 as a spread: Rousseeuw and Croux 1993, "Alternatives to the median absolute deviation".

    Examples
    --------
    >>> robust_units([[1.0], [4.0]], [False], [[0.0], [1.0], [2.0], [3.0]]).ravel().round(2).tolist()
    [-0.45, 2.25]
    """
    rows, law = np.asarray(table, dtype=float), np.asarray(like, dtype=float)
    coded = np.asarray(categorical, dtype=bool)
    if rows.ndim != 2 or law.shape[1:] != rows.shape[1:] or coded.shape != rows.shape[1:]:
        raise InputError(
            f"expected tables of the same columns and one flag a column, got {rows.shape}, {law.shape}"
        )
    parts: list[Floats] = []
    for column, known, is_code in zip(rows.T, law.T, coded, strict=True):
        missing = ~np.isfinite(column)
        if is_code:
            values, codes = np.unique(np.where(missing, -1.0, column), return_inverse=True)
            parts.append(np.eye(len(values))[codes] / np.sqrt(2))
            continue
        seen = known[np.isfinite(known)]
        if not seen.size:
            continue
        low, middle, high = np.quantile(seen, [0.25, 0.5, 0.75])
        spread = (high - low) / _NORMAL or float(seen.std())
        if spread > 0:
            parts.append((np.where(missing, 0.0, column - middle) / spread)[:, None])
        if missing.any():
            parts.append(missing[:, None].astype(float))
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(rows), 0))


def nearest_between(queries: ArrayLike, points: ArrayLike) -> tuple[Floats, Ints]:
    """Return how far each row lies from the nearest of other rows, and which that is.

    Parameters
    ----------
    queries : array_like of float, shape (m, d)
        Rows to look around.
    points : array_like of float, shape (n, d)
        Rows to look among; at least one.

    Returns
    -------
    tuple of ndarray, each of shape (m,)
        Euclidean distances and places. All distances are computed, in blocks of bounded memory (`auditkit.methods.neighbours` does so
        within one table); that to the nearest is then computed again without cancellation.

    References
    ----------
    Cover and Hart 1967, "Nearest neighbor pattern classification".

    Examples
    --------
    >>> far, at = nearest_between([[0.0], [9.0]], [[1.0], [7.0]])
    >>> far.tolist(), at.tolist()
    ([1.0, 2.0], [0, 1])
    """
    A, B = np.asarray(queries, dtype=float), np.asarray(points, dtype=float)
    if A.ndim != 2 or B.ndim != 2 or A.shape[1] != B.shape[1] or not len(B):
        raise InputError(f"expected two tables of the same columns, got shapes {A.shape} and {B.shape}")
    square = np.einsum("ij,ij->i", B, B)
    at = np.empty(len(A), dtype=np.intp)
    step = max(1, _BLOCK // len(B))
    for start in range(0, len(A), step):
        some = A[start : start + step]
        at[start : start + step] = np.argmin(square - 2 * (some @ B.T), axis=1)
    return np.asarray(np.linalg.norm(A - B[at], axis=1)), at


def near_twins(distances: ArrayLike, independent: ArrayLike, share: float = 0.01) -> Near:
    """Return which rows lie nearer to the reference rows than all but a share of independent rows do.

    Both distances are to the same reference rows. Where the rows in doubt are an independent draw too, the two are exchangeable: the share of
    them below the k-th smallest of m independent distances is Beta(k, m + 1 - k), their number beta-binomial. Ties count as not near.

    Parameters
    ----------
    distances : array_like of float, shape (n,)
        Of the rows in doubt from the nearest reference row.
    independent : array_like of float, shape (m,)
        Of rows that are an independent draw.
    share : float
        Of independent rows that may lie nearer.

    Returns
    -------
    Near
        With fewer than 1 / share independent rows, the nearest of them is the radius.

    References
    ----------
    Order statistics of exchangeable rows: Wilks 1942, "Statistical prediction with special reference to the problem of tolerance limits".

    Examples
    --------
    >>> found = near_twins([0.0, 0.1, 5.0], [1.0, 2.0, 3.0])
    >>> found.near.tolist(), round(found.p_value, 3)
    ([True, True, False], 0.2)
    """
    from scipy.stats import betabinom

    x, y = np.asarray(distances, dtype=float), np.sort(np.asarray(independent, dtype=float))
    if x.ndim != 1 or y.ndim != 1 or not y.size or not 0 < share < 1:
        raise InputError(
            f"expected distances and a share between 0 and 1, got {x.shape}, {y.shape} and {share}"
        )
    k = max(int(share * (y.size + 1)), 1)
    radius = float(y[k - 1])
    near = x < radius
    p = float(betabinom.sf(near.sum() - 1, x.size, k, y.size + 1 - k)) if x.size else 1.0
    return Near(radius, k / (y.size + 1), near, min(p, 1.0))


def independent_twins(rows: ArrayLike, points: ArrayLike) -> Floats:
    """Return the chance that each row is found among points whose columns have nothing to do with each other.

    Parameters
    ----------
    rows, points : array_like of float, shapes (m, d) and (n, d)
        Numbers and codes; missing values are equal to each other.

    Returns
    -------
    ndarray of float, shape (m,)
        1 - (1 - p)**n with p the product of the shares of the points that have the row's value, column by column. Where columns go together, equal
        rows are more frequent than that.

    References
    ----------
    The birthday problem with unequal chances: von Mises 1939; here for one row among n.

    Examples
    --------
    >>> independent_twins([[0, 0]], [[0, 1], [1, 0]]).round(4).tolist()
    [0.4375]
    """
    some, known = np.asarray(rows, dtype=float), np.asarray(points, dtype=float)
    if some.ndim != 2 or known.ndim != 2 or some.shape[1] != known.shape[1] or not len(known):
        raise InputError(
            f"expected two tables of the same columns, got shapes {some.shape} and {known.shape}"
        )
    chance = np.ones(len(some))
    for asked, column in zip(some.T, known.T, strict=True):
        codes = np.unique(np.concatenate([asked, column]), return_inverse=True, equal_nan=True)[1]
        counts = np.bincount(codes[len(asked) :], minlength=int(codes.max()) + 1)
        chance *= counts[codes[: len(asked)]] / len(known)
    return np.asarray(-np.expm1(len(known) * np.log1p(-np.minimum(chance, 1 - 1e-16))))


def contradicting(
    keys: ArrayLike, labels: ArrayLike, other_keys: ArrayLike, other_labels: ArrayLike
) -> NDArray[np.bool_]:
    """Return which rows have a twin of another label among other rows.

    Parameters
    ----------
    keys, other_keys : array_like of int, shapes (n,) and (m,)
        The same for rows that are equal in every input.
    labels, other_labels : array_like of int, shapes (n,) and (m,)
        Codes of the labels.

    Returns
    -------
    ndarray of bool, shape (n,)

    References
    ----------
    Barz and Denzler 2020, "Do we train on test data? Purging CIFAR of near-duplicates", arXiv 1902.00423, on twins across splits.

    Examples
    --------
    >>> contradicting([1, 2, 3], [0, 0, 0], [1, 2, 2], [0, 0, 1]).tolist()
    [False, True, False]
    """
    every = np.concatenate([np.asarray(keys), np.asarray(other_keys)])
    codes = np.unique(every, return_inverse=True)[1]
    own, other = codes[: len(np.asarray(keys))], codes[len(np.asarray(keys)) :]
    size = int(codes.max()) + 1 if codes.size else 0
    least = np.full(size, np.inf)
    most = np.full(size, -np.inf)
    np.minimum.at(least, other, np.asarray(other_labels, dtype=float))
    np.maximum.at(most, other, np.asarray(other_labels, dtype=float))
    mine = np.asarray(labels, dtype=float)
    found: NDArray[np.bool_] = np.isfinite(least[own]) & ((least[own] != mine) | (most[own] != mine))
    return found
