"""Attributions: how much of a model's output, or of its error, is owed to each feature.

Every call to the model is batched: many changed copies of the rows are stacked and asked at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import asked, table
from auditkit.methods.shapley import ShapleyEstimate, sampled_shapley

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ShapleyEstimate",
    "additivity_error",
    "flip",
    "linear_shap",
    "mean_abs",
    "permutation_importance",
    "sampled_shapley",
]


def permutation_importance(
    predict_loss: Callable[[NDArray[Any], NDArray[np.intp]], ArrayLike],
    X: NDArray[Any],
    *,
    columns: Sequence[int | Sequence[int]] | None = None,
    repeats: int = 5,
    rng: np.random.Generator,
    batch_rows: int = 65_536,
) -> NDArray[np.float64]:
    """Return how much each row's loss rises when a feature is shuffled among the rows.

    Parameters
    ----------
    predict_loss : callable
        ``predict_loss(Z, rows)`` gives the loss of each row of `Z`, whose label is that of row ``rows[i]`` of
        `X`: with labels `y`, compare the answers for `Z` with ``y[rows]``.
    X : numpy.ndarray of shape (n, d)
        The rows, of any dtype.
    columns : sequence of int or of sequences of int, optional
        One entry a feature; several columns in one entry are shuffled together (a one-hot block, proxies).
        By default each column by itself.
    repeats : int
        Shuffles of each feature, averaged.
    rng : numpy.random.Generator
        Where the shuffles are drawn from; the batch size does not change them.
    batch_rows : int
        Rows of one call, at most.

    Returns
    -------
    numpy.ndarray of float, shape (len(columns), n)
        Rise in loss of each row, in the unit of the loss; its mean over rows is the permutation importance.

    Raises
    ------
    InputError
        If there are fewer than two rows, a column is not there, or a loss is not one finite number a row.

    References
    ----------
    Breiman 2001, "Random Forests"; Fisher, Rudin & Dominici 2019, "All Models are Wrong, but Many are
    Useful", JMLR.

    Examples
    --------
    >>> X, y = np.array([[0.0, 5.0], [1.0, 6.0], [2.0, 7.0]]), np.array([0.0, 1.0, 2.0])
    >>> rise = permutation_importance(
    ...     lambda Z, rows: (Z[:, 0] - y[rows]) ** 2, X, rng=np.random.default_rng(0)
    ... )
    >>> bool(rise[0].mean() > 0), rise[1].tolist()
    (True, [0.0, 0.0, 0.0])
    """
    original = table("X", X)
    if len(original) < 2 or repeats < 1 or batch_rows < 1:
        raise InputError(
            "shuffling needs at least 2 rows, 1 repeat and batches of 1 row; "
            f"got {len(original)}, {repeats} and {batch_rows}"
        )
    groups = _column_groups(columns, original.shape[1])
    rows = np.arange(len(original))
    usual = _losses(predict_loss, original, rows, batch_rows)
    rises = np.zeros((len(groups), len(original)))
    jobs = [index for index in range(len(groups)) for _ in range(repeats)]
    copies = max(1, batch_rows // len(original))
    for start in range(0, len(jobs), copies):
        some = jobs[start : start + copies]
        stack = np.tile(original, (len(some), 1))
        for place, index in enumerate(some):
            block = stack[place * len(original) : (place + 1) * len(original)]
            block[:, groups[index]] = original[rng.permutation(len(original))][:, groups[index]]
        losses = _losses(predict_loss, stack, np.tile(rows, len(some)), batch_rows)
        np.add.at(rises, some, losses.reshape(len(some), -1) - usual)
    return rises / repeats


def mean_abs(values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean absolute attribution of each feature and its standard error over rows.

    Parameters
    ----------
    values : array_like of shape (n, ...)
        Attributions of `n` rows, drawn independently.

    Returns
    -------
    mean, standard_error : numpy.ndarray of float, shape (...)
        The standard error is ``nan`` for a single row.

    Raises
    ------
    InputError
        If there is no row.

    Examples
    --------
    >>> [part.tolist() for part in mean_abs([[-1.0, 2.0], [3.0, 2.0]])]
    [[2.0, 2.0], [1.0, 0.0]]
    """
    sizes = np.abs(np.asarray(values, dtype=np.float64))
    if sizes.ndim == 0 or len(sizes) == 0:
        raise InputError(f"a mean over rows needs at least one row, got shape {sizes.shape}")
    mean = np.asarray(sizes.mean(axis=0))
    if len(sizes) == 1:
        return mean, np.full(mean.shape, np.nan)
    return mean, np.asarray(sizes.std(axis=0, ddof=1) / np.sqrt(len(sizes)))


def linear_shap(coef: ArrayLike, X: ArrayLike, background_mean: ArrayLike) -> NDArray[np.float64]:
    """Return the exact Shapley values of a linear model: coefficient times distance from the mean.

    Parameters
    ----------
    coef : array_like of shape (d,) or (k, d)
        Coefficients of one output or of `k`.
    X : array_like of shape (n, d)
        The rows to explain.
    background_mean : array_like of shape (d,)
        Mean of the background rows; features are taken as independent (interventional values).

    Returns
    -------
    numpy.ndarray of float, shape (n, d) or (n, d, k)
        In the unit of the linear output: log odds for a logistic model.

    Raises
    ------
    InputError
        If the shapes do not fit.

    References
    ----------
    Štrumbelj & Kononenko 2014; Lundberg & Lee 2017, "A Unified Approach to Interpreting Model Predictions",
    NeurIPS, corollary 1.

    Examples
    --------
    >>> linear_shap([2.0, -1.0], [[3.0, 3.0]], [1.0, 0.0]).tolist()
    [[4.0, -3.0]]
    """
    weights, rows = np.asarray(coef, dtype=np.float64), np.asarray(X, dtype=np.float64)
    centre = np.asarray(background_mean, dtype=np.float64)
    if (
        rows.ndim != 2
        or centre.shape != rows.shape[1:]
        or weights.shape[-1:] != centre.shape
        or weights.ndim > 2
    ):
        raise InputError(
            f"coef must be (d,) or (k, d), X (n, d), background_mean (d,); "
            f"got {weights.shape}, {rows.shape}, {centre.shape}"
        )
    away = rows - centre
    return away * weights if weights.ndim == 1 else away[:, :, np.newaxis] * weights.T


def additivity_error(values: ArrayLike, base: ArrayLike, output: ArrayLike) -> NDArray[np.float64]:
    """Return how far base value plus attributions miss the model's output, row by row.

    Parameters
    ----------
    values : array_like of shape (n, d) or (n, d, k)
        Attributions.
    base : array_like of shape (), (n,), (k,) or (n, k)
        Base value: one, one an output, or one a row.
    output : array_like of shape (n,) or (n, k)
        What the model says of each row, in the unit of the attributions.

    Returns
    -------
    numpy.ndarray of float, shape (n,) or (n, k)
        Absolute errors.

    Raises
    ------
    InputError
        If the shapes do not fit.

    References
    ----------
    Lundberg & Lee 2017, property 1 (local accuracy).

    Examples
    --------
    >>> additivity_error([[1.0, 2.0]], 0.5, [3.0]).tolist()
    [0.5]
    """
    parts, wanted = np.asarray(values, dtype=np.float64), np.asarray(output, dtype=np.float64)
    start = np.asarray(base, dtype=np.float64)
    if parts.ndim not in (2, 3) or wanted.shape != parts.shape[:1] + parts.shape[2:]:
        raise InputError(
            f"attributions of shape {parts.shape} do not explain an output of shape {wanted.shape}"
        )
    if start.shape not in ((), wanted.shape, wanted.shape[1:]):
        raise InputError(f"base of shape {start.shape} does not fit an output of shape {wanted.shape}")
    return np.asarray(np.abs(start + parts.sum(axis=1) - wanted))


def flip(
    ask: Callable[[NDArray[Any]], ArrayLike],
    X: NDArray[Any],
    column: int,
    values: Sequence[Any],
    *,
    batch_rows: int = 65_536,
) -> NDArray[np.float64]:
    """Return how much each row's output changes when one feature is set to each other value.

    Only the column itself is changed: reliance through other features that carry the same information is
    not seen.

    Parameters
    ----------
    ask : callable
        Maps (rows, d) to one output a row, or `k`.
    X : numpy.ndarray of shape (n, d)
        The rows.
    column : int
        The feature, for instance the sensitive one.
    values : sequence
        The values that were observed; at least two different ones. A missing value may be among them.
    batch_rows : int
        Rows of one call, at most.

    Returns
    -------
    numpy.ndarray of float, shape (n,) or (n, k)
        Mean over the values that are not the row's own of the absolute change in output.

    Raises
    ------
    InputError
        If the column is not there, there are fewer than two values, or an output is not finite.

    References
    ----------
    Kusner et al. 2017, "Counterfactual Fairness", NeurIPS, in its simplest form: no causal model, the
    feature alone changes.

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [1.0, 1.0]])
    >>> flip(lambda Z: 0.25 * Z[:, 0] + Z[:, 1], X, 0, [0.0, 1.0]).tolist()
    [0.25, 0.25]
    """
    import pandas as pd

    rows = table("X", X)
    (group,) = _column_groups([column], rows.shape[1])
    own = rows[:, group[0]]
    missing = np.asarray(pd.isna(own))
    present = list(dict.fromkeys(value for value in values if not pd.isna(value)))
    absent = [value for value in values if pd.isna(value)][:1]
    if len(present) + len(absent) < 2:
        raise InputError(
            f"a flip needs at least two different values of column {column}, got {list(values)!r}"
        )
    usual = asked(ask, rows, batch_rows)
    change, tried = np.zeros_like(usual), np.zeros(len(rows))
    for value in present + absent:
        same = missing.copy() if pd.isna(value) else ~missing
        if not pd.isna(value):
            same[~missing] = own[~missing] == value
        others = np.flatnonzero(~same)
        for start in range(0, len(others), batch_rows):
            some = others[start : start + batch_rows]
            changed = rows[some]
            changed[:, group[0]] = value
            change[some] += np.abs(asked(ask, changed, batch_rows) - usual[some])
        tried[others] += 1
    return np.asarray((change.T / tried).T)


def _column_groups(columns: Sequence[int | Sequence[int]] | None, d: int) -> list[list[int]]:
    entries = range(d) if columns is None else columns
    groups = [
        [int(entry)] if isinstance(entry, (int, np.integer)) else [int(c) for c in entry] for entry in entries
    ]
    if not groups or any(not group or min(group) < 0 or max(group) >= d for group in groups):
        raise InputError(f"columns must be numbers from 0 to {d - 1}, at least one an entry; got {columns!r}")
    return groups


def _losses(
    predict_loss: Callable[[NDArray[Any], NDArray[np.intp]], ArrayLike],
    Z: NDArray[Any],
    rows: NDArray[np.intp],
    batch_rows: int,
) -> NDArray[np.float64]:
    parts = []
    for start in range(0, len(Z), batch_rows):
        some = slice(start, start + batch_rows)
        losses = np.asarray(predict_loss(Z[some], rows[some]), dtype=np.float64)
        if losses.shape != rows[some].shape or not np.isfinite(losses).all():
            raise InputError(
                f"predict_loss must give one finite number for each of {len(rows[some])} rows, "
                f"got shape {losses.shape}"
            )
        parts.append(losses)
    return np.concatenate(parts)
