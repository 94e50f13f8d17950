"""Proxies: how well other features predict who a record is about, out of fold.

One feature at a time by the mean of each of its values (target encoding), which takes one pass of counting; all of them
together by gradient boosting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

__all__ = ["Cells", "boosted_classes", "boosted_values", "encoded_cells", "encoded_values", "even_folds"]

_PRIOR = 1.0  # rows of the average kind that are added to each value, so that a rare one says little
_MOST_CATEGORIES = 250


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows counted by fold, value of a feature and group; all arrays of shape (folds, values, groups).

    Attributes
    ----------
    scores : ndarray of float
        Share of the group among rows of this value in the other folds.
    counts : ndarray of float
        Rows of this fold, value and group.
    """

    scores: Floats
    counts: Floats


def even_folds(groups: ArrayLike, folds: int, rng: np.random.Generator) -> Ints:
    """Deal the rows of each group to folds in turn, at random.

    Parameters
    ----------
    groups : array_like of int, shape (n,)
        Group of each row.
    folds : int
        At least 2.
    rng : numpy.random.Generator
        The order.

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        Fold of each row, from 0; a group's folds differ by one row at most.
    """
    codes = np.asarray(groups)
    if codes.ndim != 1 or folds < 2:
        raise InputError(f"expected one group a row and at least 2 folds, got {codes.shape} and {folds}")
    order = rng.permutation(codes.size)
    order = order[np.argsort(codes[order], kind="stable")]
    dealt = np.empty(codes.size, dtype=np.int64)
    dealt[order] = np.arange(codes.size) % folds
    return dealt


def encoded_cells(values: ArrayLike, groups: ArrayLike, folds: ArrayLike) -> Cells:
    """Predict each group from one feature by the share of the group among other folds' rows of the same value.

    Parameters
    ----------
    values, groups, folds : array_like of int, shape (n,)
        Codes from 0.

    Returns
    -------
    Cells
        Target means out of fold, smoothed by one average row (Micci-Barreca 2001), and what they are to be compared with.

    Examples
    --------
    >>> found = encoded_cells([0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1])
    >>> found.scores[0, :, 1].tolist()  # the other fold has one row of each value; half of it is of group 1
    [0.25, 0.75]
    """
    v, g, f = (np.asarray(part, dtype=np.int64) for part in (values, groups, folds))
    if not v.shape == g.shape == f.shape or v.ndim != 1 or not v.size:
        raise InputError("values, groups and folds must be one-dimensional, equally long and not empty")
    shape = (int(f.max()) + 1, int(v.max()) + 1, int(g.max()) + 1)
    flat = np.bincount((f * shape[1] + v) * shape[2] + g, minlength=int(np.prod(shape)))
    counts = flat.reshape(shape).astype(float)
    others = counts.sum(axis=0, keepdims=True) - counts
    base = others.sum(axis=1, keepdims=True)
    base = base / np.maximum(base.sum(axis=2, keepdims=True), 1.0)
    scores = (others + _PRIOR * base) / (others.sum(axis=2, keepdims=True) + _PRIOR)
    return Cells(scores, counts)


def encoded_values(values: ArrayLike, numbers: ArrayLike, folds: ArrayLike) -> tuple[Floats, Floats]:
    """Predict a number from one feature by the mean of other folds' rows of the same value.

    Parameters
    ----------
    values, folds : array_like of int, shape (n,)
        Codes from 0.
    numbers : array_like of float, shape (n,)
        What is predicted; finite.

    Returns
    -------
    predicted, baseline : numpy.ndarray of float, shape (n,)
        The smoothed means, and the plain mean of the other folds.

    Examples
    --------
    >>> encoded_values([0, 0, 1, 1], [1.0, 1.0, 3.0, 3.0], [0, 1, 0, 1])[0].tolist()
    [1.5, 1.5, 2.5, 2.5]
    """
    v, f = (np.asarray(part, dtype=np.int64) for part in (values, folds))
    x = np.asarray(numbers, dtype=float)
    if not v.shape == f.shape == x.shape or v.ndim != 1 or not np.isfinite(x).all():
        raise InputError("values, numbers and folds must be one-dimensional, equally long and finite")
    shape = (int(f.max()) + 1, int(v.max()) + 1)
    cell = f * shape[1] + v
    n, sums = (np.bincount(cell, weights=w, minlength=shape[0] * shape[1]).reshape(shape) for w in (None, x))
    other_n, other_sums = n.sum(axis=0) - n, sums.sum(axis=0) - sums
    mean = other_sums.sum(axis=1) / np.maximum(other_n.sum(axis=1), 1)
    means = (other_sums + _PRIOR * mean[:, None]) / (other_n + _PRIOR)
    return means[f, v], mean[f]


def boosted_classes(
    X: ArrayLike,
    categorical: ArrayLike,
    groups: ArrayLike,
    folds: ArrayLike,
    *,
    seed: int,
    smooth: bool = False,
    said: Callable[[float], None] = lambda share: None,  # noqa: ARG005
) -> Floats:
    """Predict the group from all features together by gradient boosting, out of fold.

    Parameters
    ----------
    X : array_like of float, shape (n, d)
        Numbers; categories as codes, ``nan`` where missing.
    categorical : array_like of bool, shape (d,)
        Which columns hold categories.
    groups, folds : array_like of int, shape (n,)
        Codes from 0.
    seed : int
        Of the boosting.
    smooth : bool
        Small trees: probabilities of less variance, for expectations rather than for the best ranking.
    said : callable
        Told the share that is done.

    Returns
    -------
    numpy.ndarray of float, shape (n, groups)
        Probabilities from models that have not seen the row's fold; 0 for a group they have not seen.

    References
    ----------
    Ke et al. 2017, "LightGBM", NeurIPS; as implemented in scikit-learn.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    g, f = np.asarray(groups, dtype=np.int64), np.asarray(folds, dtype=np.int64)
    k = int(g.max()) + 1
    table, options = _prepared(X, categorical, seed, rounds=60 if k <= 3 or smooth else 30)
    if smooth:
        options |= {"max_leaf_nodes": 4}
    shares = np.zeros((len(g), k))
    for done, fold in enumerate(np.unique(f)):
        train, test = f != fold, f == fold
        known = np.unique(g[train])
        if known.size == 1:
            shares[np.ix_(test, known)] = 1.0
        elif (
            2 * known.size > train.sum()
        ):  # hardly two rows of a group: nothing to learn but how common each is
            shares[test] = np.bincount(g[train], minlength=k) / train.sum()
        else:
            with one_thread():
                part = _without_empty(table, train)
                model = HistGradientBoostingClassifier(**options).fit(part[train], g[train])
                shares[np.ix_(test, known)] = model.predict_proba(part[test])
        said((done + 1) / np.unique(f).size)
    return shares


def boosted_values(
    X: ArrayLike,
    categorical: ArrayLike,
    numbers: ArrayLike,
    folds: ArrayLike,
    *,
    seed: int,
    said: Callable[[float], None] = lambda share: None,  # noqa: ARG005
) -> tuple[Floats, Floats]:
    """Predict a number from all features together by gradient boosting, out of fold.

    Parameters are those of `boosted_classes`, with numbers, shape (n,), in place of groups.

    Returns
    -------
    predicted, baseline : numpy.ndarray of float, shape (n,)
        Predictions, and means of the rows they were trained on.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    x, f = np.asarray(numbers, dtype=float), np.asarray(folds, dtype=np.int64)
    table, options = _prepared(X, categorical, seed, rounds=60)
    predicted, baseline = np.empty(len(x)), np.empty(len(x))
    for done, fold in enumerate(np.unique(f)):
        train, test = f != fold, f == fold
        with one_thread():
            part = _without_empty(table, train)
            model = HistGradientBoostingRegressor(**options).fit(part[train], x[train])
            predicted[test] = model.predict(part[test])
        baseline[test] = x[train].mean()
        said((done + 1) / np.unique(f).size)
    return predicted, baseline


def _prepared(
    X: ArrayLike, categorical: ArrayLike, seed: int, *, rounds: int
) -> tuple[Floats, dict[str, Any]]:
    """Return the table and the options; a column of many categories is taken as numbers."""
    table = np.asarray(X, dtype=float)
    coded = np.asarray(categorical, dtype=bool)
    if table.ndim != 2 or coded.shape != (table.shape[1],) or not table.shape[1]:
        raise InputError(f"expected a table and one flag a column, got {table.shape} and {coded.shape}")
    top = np.array([np.nanmax(column) if np.isfinite(column).any() else 0 for column in table.T])
    options = {
        "max_iter": rounds,
        "max_leaf_nodes": 15,
        "min_samples_leaf": max(5, min(20, len(table) // 40)),
        "early_stopping": False,
        "categorical_features": coded & (top < _MOST_CATEGORIES),
        "random_state": seed,
    }
    return table, options


def _without_empty(table: Floats, train: NDArray[np.bool_]) -> Floats:
    """Return the table with 0 in columns without a value in the training rows: they say nothing, and cannot be binned."""
    empty = np.isnan(table[train]).all(axis=0)
    return np.where(empty, 0.0, table) if empty.any() else table
