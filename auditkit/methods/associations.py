"""Associations: how closely columns of numbers and categories go together, and which form clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["associations", "clusters"]


def associations(X: NDArray[np.float64], categorical: Sequence[bool]) -> NDArray[np.float64]:
    """Return how closely each pair of columns goes together, from 0 to 1.

    Two numbers: absolute rank correlation (Spearman 1904), over rows where both are known. Two categories: Cramér's V,
    corrected for chance (Bergsma 2013). A number and a category: correlation ratio of the ranks, corrected for chance (Kelley
    1935). A missing category is one of its own. A pair with a column of one value goes together at 0.

    Parameters
    ----------
    X : numpy.ndarray of float, shape (n, d)
        Categories as codes.
    categorical : sequence of bool, length d
        Which columns are categories.

    Returns
    -------
    numpy.ndarray of shape (d, d)
        Symmetric, with ones on the diagonal.

    Raises
    ------
    InputError
        If the lengths differ.

    References
    ----------
    Bergsma 2013, "A bias-correction for Cramér's V and Tschuprow's T", Journal of the Korean Statistical Society 42; Kelley 1935,
    "An unbiased correlation ratio measure", PNAS 21.

    Examples
    --------
    >>> X = np.array([[1.0, 9.0, 0.0], [2.0, 8.0, 0.0], [3.0, 7.0, 1.0], [4.0, 6.0, 1.0]])
    >>> associations(X, [False, False, True])[0].round(3).tolist()
    [1.0, 1.0, 0.837]
    """
    values = table("X", X).astype(np.float64)
    d = values.shape[1]
    kinds = [bool(kind) for kind in categorical]
    if len(kinds) != d:
        raise InputError(f"expected one kind for each of {d} columns, got {len(kinds)}")
    codes = {j: _codes(values[:, j]) for j in range(d) if kinds[j]}
    found = np.eye(d)
    full = [
        j for j in range(d) if not kinds[j] and np.isfinite(values[:, j]).all() and np.ptp(values[:, j]) > 0
    ]
    if len(full) > 1 and len(values) > 2:  # at once, since there may be many
        found[np.ix_(full, full)] = _all_ranked(values[:, full])
    done = set(full)
    for i in range(d):
        for j in range(i):
            if i in done and j in done:
                continue
            if kinds[i] and kinds[j]:
                close = _cramer(codes[i], codes[j])
            elif kinds[i] or kinds[j]:
                number, category = (j, i) if kinds[i] else (i, j)
                close = _ratio(values[:, number], codes[category])
            else:
                close = _ranked(values[:, i], values[:, j])
            found[i, j] = found[j, i] = close
    return found


def clusters(close: NDArray[np.float64], at_least: float) -> list[list[int]]:
    """Return groups of columns of which every two go together at `at_least` or more (complete linkage; Sørensen 1948).

    Parameters
    ----------
    close : numpy.ndarray of shape (d, d)
        From `associations`.
    at_least : float
        Above 0, up to 1.

    Returns
    -------
    list of list of int
        Groups of two columns or more, each in order; empty where no two go together.

    Raises
    ------
    InputError
        If the limit is out of range.

    Examples
    --------
    >>> clusters(np.array([[1.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]]), 0.7)
    [[0, 1]]
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if not 0 < at_least <= 1:
        raise InputError(f"at_least lies above 0 and up to 1; got {at_least}")
    if len(close) < 2:
        return []
    apart = np.clip(1 - close, 0.0, 1.0)
    np.fill_diagonal(apart, 0.0)
    # a hair more than the limit, which rounding may have passed
    names = fcluster(linkage(squareform(apart, checks=False), "complete"), 1 - at_least + 1e-9, "distance")
    groups = [np.flatnonzero(names == name).tolist() for name in dict.fromkeys(names.tolist())]
    return [group for group in groups if len(group) > 1]


def _codes(column: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.unique(np.where(np.isnan(column), np.inf, column), return_inverse=True)[1]


def _all_ranked(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    close = np.minimum(np.abs(np.corrcoef(rankdata(numbers, axis=0), rowvar=False)), 1.0)
    np.fill_diagonal(close, 1.0)
    return np.asarray(close)


def _ranked(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    from scipy.stats import rankdata

    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < 3:
        return 0.0
    first, second = (rankdata(part[known]) for part in (one, other))
    if not np.ptp(first) or not np.ptp(second):
        return 0.0
    return float(min(1.0, abs(np.corrcoef(first, second)[0, 1])))


def _ratio(number: NDArray[np.float64], codes: NDArray[np.intp]) -> float:
    from scipy.stats import rankdata

    known = np.isfinite(number)
    names, group = np.unique(codes[known], return_inverse=True)
    n, k = int(known.sum()), len(names)
    if k < 2 or n <= k:
        return 0.0
    ranks = rankdata(number[known])
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if total == 0:
        return 0.0
    size = np.bincount(group)
    inside = total - float((size * (np.bincount(group, weights=ranks) / size - ranks.mean()) ** 2).sum())
    return float(np.sqrt(np.clip(1 - (inside / (n - k)) / (total / (n - 1)), 0.0, 1.0)))


def _cramer(one: NDArray[np.intp], other: NDArray[np.intp]) -> float:
    r, c, n = int(one.max()) + 1, int(other.max()) + 1, len(one)
    if min(r, c) < 2 or n < 2:
        return 0.0
    counts = np.bincount(one * c + other, minlength=r * c).reshape(r, c).astype(float)
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / n
    phi = max(0.0, float(((counts - expected) ** 2 / expected).sum()) / n - (r - 1) * (c - 1) / (n - 1))
    sides = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(min(1.0, phi / sides))) if sides > 0 else 0.0
