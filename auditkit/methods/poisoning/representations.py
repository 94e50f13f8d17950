"""Representations: rows of a class that lie apart in what a model makes of them, and whether training rows do so more often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError
from auditkit.methods.poisoning.excess import Excess, excess

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Apart", "cluster_apart", "leaf_embedding", "reduced", "spectral_apart", "spectral_scores"]

_DIMENSIONS = 10
_WIDE, _KEPT = 200, 50  # coordinates that are too many, and those that are kept


@dataclass(frozen=True, slots=True)
class Apart:
    """Rows of a class that lie apart, and of which split they are.

    Attributes
    ----------
    apart : ndarray of bool, shape (n,)
        Which rows do; those in doubt first.
    found : Excess
        Their share among the rows in doubt, less that among the others.
    figure : float
        Of the spectral signature the share of the variance that its direction holds; of two clusters the mean silhouette.
    """

    apart: NDArray[np.bool_]
    found: Excess
    figure: float


def leaf_embedding(leaves: ArrayLike, dimensions: int = 50, seed: int = 0) -> Floats:
    """Return coordinates of rows by the leaves they fall into: one indicator a leaf, in the directions that hold most.

    Parameters
    ----------
    leaves : array_like of int, shape (n, trees)
        The leaf of each row in each tree.
    dimensions : int
        Directions at most.
    seed : int
        Of the truncated singular value decomposition.

    Returns
    -------
    ndarray of float, shape (n, dimensions or fewer)

    References
    ----------
    Geurts, Ernst and Wehenkel 2006, "Extremely randomized trees", on trees as kernels; Halko, Martinsson and Tropp 2011 for the decomposition.

    Examples
    --------
    >>> leaf_embedding([[0], [0], [3]]).round(6).shape
    (3, 1)
    """
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import TruncatedSVD

    codes = np.asarray(leaves)
    if codes.ndim != 2 or not codes.size:
        raise InputError(f"expected the leaf of each row in each tree, got shape {codes.shape}")
    n, trees = codes.shape
    columns, width = np.empty((n, trees), dtype=np.intp), 0
    for j in range(trees):
        own = np.unique(codes[:, j], return_inverse=True)[1]
        columns[:, j] = own + width
        width += int(own.max()) + 1
    rows = np.repeat(np.arange(n), trees)
    table = csr_matrix((np.full(n * trees, 1 / np.sqrt(trees)), (rows, columns.ravel())), shape=(n, width))
    k = min(dimensions, width - 1, n - 1)
    if k < 1:
        return np.zeros((n, 1))
    return np.asarray(TruncatedSVD(k, random_state=seed).fit_transform(table))


def reduced(Z: ArrayLike, seed: int = 0) -> Floats:
    """Return wide representations, of more than 200 coordinates, in the 50 directions that hold most; others as they are.

    Parameters
    ----------
    Z : array_like of float, shape (n, q)
        Representations of all rows that are compared.
    seed : int
        Of the decomposition.

    Returns
    -------
    ndarray of float, shape (n, q or 50)

    References
    ----------
    Halko, Martinsson and Tropp 2011, "Finding structure with randomness".

    Examples
    --------
    >>> reduced(np.ones((60, 300))).shape, reduced(np.ones((60, 3))).shape
    ((60, 50), (60, 3))
    """
    from sklearn.utils.extmath import randomized_svd

    X = np.asarray(Z, dtype=float)
    if X.ndim != 2:
        raise InputError(f"expected one representation a row, got shape {X.shape}")
    if X.shape[1] <= _WIDE or len(X) <= _KEPT:
        return X
    X = X - X.mean(axis=0)
    left, sizes, _ = randomized_svd(X, _KEPT, random_state=seed)
    return np.asarray(left * sizes)


def spectral_scores(Z: ArrayLike, directions: int = 1) -> tuple[Floats, Floats]:
    """Return how far each row lies along the directions that hold most of the variance, squared, and the share each holds.

    Parameters
    ----------
    Z : array_like of float, shape (n, q)
        Representations of rows of one class.
    directions : int
        How many at most.

    Returns
    -------
    tuple of ndarray, of shapes (n, directions or fewer) and (directions or fewer,)

    References
    ----------
    Tran, Li and Madry 2018, "Spectral signatures in backdoor attacks", arXiv 1811.00636.

    Examples
    --------
    >>> spectral_scores([[0.0, 0.0], [0.0, 0.0], [0.0, 3.0]])[0].ravel().round(2).tolist()
    [1.0, 1.0, 4.0]
    """
    X = np.asarray(Z, dtype=float)
    if X.ndim != 2 or len(X) < 2:
        raise InputError(f"expected representations of at least 2 rows, got shape {X.shape}")
    X = X - X.mean(axis=0)
    _, sizes, ways = np.linalg.svd(X, full_matrices=False)
    held = np.square(sizes)
    total = float(held.sum())
    k = min(directions, len(ways))
    return np.square(X @ ways[:k].T), held[:k] / total if total > 0 else np.zeros(k)


def spectral_apart(Z: ArrayLike, doubted: int, share: float = 0.05, level: float = 0.95) -> Apart:
    """Hold the spectral outliers of a class among the rows in doubt against those among other rows of the class.

    Directions and cuts are those of all rows together, so that which split a row is of has no part in them: where both are draws of one
    law, the splits of the outliers are dealt at random. Of the ten directions that hold most, the one with the smallest p-value is told; p-value
    and interval are corrected for ten (Bonferroni). What sets poisoned rows apart is often not what sets most rows apart.

    Parameters
    ----------
    Z : array_like of float, shape (n, q)
        Representations of one class by a model that has seen none of the rows; those in doubt first.
    doubted : int
        How many are in doubt.
    share : float
        Of all rows, those that count as outliers; rows tied at the cut do too.
    level : float
        Confidence level.

    Returns
    -------
    Apart

    References
    ----------
    Tran, Li and Madry 2018, as in `spectral_scores`; the comparison is Fisher's exact test.

    Examples
    --------
    >>> Z = np.zeros((40, 1)); Z[:4] = 9.0
    >>> spectral_apart(Z, 20, share=0.1).found.counts
    (4, 20, 0, 20)
    """
    scores, held = spectral_scores(Z, _DIMENSIONS)
    scores = np.round(scores, 12)
    n, tests = scores.shape
    k = max(round(share * n), 1)
    within = 1 - (1 - level) / tests
    best: Apart | None = None
    for column, figure in zip(scores.T, held.tolist(), strict=True):
        cut = np.sort(column)[n - k]
        one = _apart((column >= cut) & (column > column.min()), doubted, within, figure)
        if best is None or one.found.p_value < best.found.p_value:
            best = one
    if best is None:
        raise InputError(f"expected representations of at least one coordinate, got shape {np.shape(Z)}")
    return replace(best, found=replace(best.found, p_value=min(tests * best.found.p_value, 1.0)))


def cluster_apart(Z: ArrayLike, doubted: int, seed: int = 0, level: float = 0.95) -> Apart:
    """Part a class in two clusters, and hold the share of the smaller among the rows in doubt against that among other rows.

    Parameters
    ----------
    Z, doubted, level
        As in `spectral_apart`.
    seed : int
        Of the clusters.

    Returns
    -------
    Apart
        Nobody lies apart where all rows are equal.

    References
    ----------
    Chen et al. 2018, "Detecting backdoor attacks on deep neural networks by activation clustering", arXiv 1811.03728; here principal components are clustered.

    Examples
    --------
    >>> Z = np.zeros((40, 1)); Z[:4] = 9.0
    >>> cluster_apart(Z, 20).found.counts
    (4, 20, 0, 20)
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    X = np.asarray(Z, dtype=float)
    X = X - X.mean(axis=0)
    if len(np.unique(X, axis=0)) < 2:
        return _apart(np.zeros(len(X), dtype=bool), doubted, level, np.nan)
    _, _, directions = np.linalg.svd(X, full_matrices=False)
    X = X @ directions[:_DIMENSIONS].T
    labels = KMeans(2, n_init=5, random_state=seed).fit_predict(X)
    smaller = labels == np.argmin(np.bincount(labels, minlength=2))
    figure = float(silhouette_score(X, labels, sample_size=min(len(X), 2000), random_state=seed))
    return _apart(smaller, doubted, level, figure)


def _apart(apart: NDArray[np.bool_], doubted: int, level: float, figure: float) -> Apart:
    own, other = apart[:doubted], apart[doubted:]
    return Apart(apart, excess(int(own.sum()), len(own), int(other.sum()), len(other), level), figure)
