"""Enumerated: exact Shapley values of any model, by asking about every set of the features in which two rows differ."""

from __future__ import annotations

from math import ceil, factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import tables
from auditkit.methods.attributions._asking import Asker, differing
from auditkit.methods.attributions.shapley import PARTS, ShapleyEstimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["enumerated_calls", "enumerated_rows", "enumerated_shapley"]

MOST = 20
"""Features that differ, at most: a million sets for each pair of rows."""


def enumerated_shapley(
    ask: Callable[[NDArray[Any]], ArrayLike],
    X: NDArray[Any],
    background: NDArray[Any],
    *,
    batch_rows: int = 65_536,
) -> ShapleyEstimate:
    """Return the Shapley values of any model exactly, by the formula.

    The value of a set of features is the mean output with those features from the row and the rest from a
    background row (interventional). A feature in which a row and a background row agree is no player between
    them: nothing is asked twice.

    Parameters
    ----------
    ask : callable
        Maps (rows, d) to one output a row, or `k`.
    X : numpy.ndarray of shape (n, d)
        The rows to explain.
    background : numpy.ndarray of shape (m, d)
        Rows that stand for "feature not known".
    batch_rows : int
        Rows of one call, at most.

    Returns
    -------
    ShapleyEstimate
        With standard errors and `permutations` of 0.

    Raises
    ------
    InputError
        If the tables do not fit, two rows differ in more than 20 features, or an output is not finite.

    References
    ----------
    Shapley 1953, "A Value for n-Person Games"; Lundberg & Lee 2017, "A Unified Approach to Interpreting Model
    Predictions".

    Examples
    --------
    >>> X, background = np.array([[1.0, 2.0]]), np.array([[0.0, 0.0], [2.0, 2.0]])
    >>> enumerated_shapley(lambda Z: Z[:, 0] * Z[:, 1], X, background).values.tolist()
    [[-0.5, 0.5]]
    """
    rows, others = tables(X, background)
    asker = Asker(ask, batch_rows)
    at_row, at_other = asker.about(rows), asker.about(others)
    groups = min(PARTS, len(others))
    sums = np.zeros((groups, len(rows), rows.shape[1], *at_row.shape[1:]))
    players = _players(rows, others)
    most = int(players.max())
    if most > MOST:
        raise InputError(
            f"rows differ in up to {most} features: more than {MOST} are too many to enumerate; sampled_shapley samples them"
        )
    for size in range(1, most + 1):
        of_row, of_other = np.nonzero(players == size)
        step = max(1, batch_rows // max(1, 2**size - 2))
        for begin in range(0, len(of_row), step):
            i, j = of_row[begin : begin + step], of_other[begin : begin + step]
            at = np.nonzero(differing(rows[i], others[j]))[1].reshape(len(i), size)
            games = np.empty((len(i), 2**size, *at_row.shape[1:]))
            games[:, 0], games[:, -1] = at_other[j], at_row[i]
            if size > 1:
                games[:, 1:-1] = _between(asker, rows[i], others[j], at).reshape(games[:, 1:-1].shape)
            parts = np.tensordot(games, _weights(size), axes=(1, 1))
            np.add.at(sums, ((j % groups)[:, np.newaxis], i[:, np.newaxis], at), np.moveaxis(parts, -1, 1))
    values = sums.sum(axis=0) / len(others)
    held = np.bincount(np.arange(len(others)) % groups).reshape(-1, *([1] * (sums.ndim - 1)))
    return ShapleyEstimate(
        values, np.zeros_like(values), np.asarray(at_other.mean(axis=0)), 0, asker.calls, asker.rows, sums / held
    )  # fmt: skip


def enumerated_rows(X: NDArray[Any], background: NDArray[Any]) -> float:
    """Return how many rows `enumerated_shapley` would ask the model about; infinite where it refuses.

    Examples
    --------
    >>> enumerated_rows(np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 3.0]]))
    11.0
    """
    rows, others = tables(X, background)
    players = _players(rows, others)
    if players.max() > MOST:
        return float("inf")
    return float(len(rows) + len(others) + np.maximum(np.exp2(players) - 2, 0).sum())


def enumerated_calls(X: NDArray[Any], background: NDArray[Any], *, batch_rows: int = 65_536) -> int:
    """Return how often `enumerated_shapley` would call the model, where it does not refuse.

    Examples
    --------
    >>> enumerated_calls(np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 3.0]]))
    4
    """
    rows, others = tables(X, background)
    calls = ceil(len(rows) / batch_rows) + ceil(len(others) / batch_rows)
    for size, pairs in zip(*np.unique(_players(rows, others), return_counts=True), strict=True):
        sets = 2 ** int(size) - 2
        if sets > 0:
            step = max(1, batch_rows // sets)
            calls += ceil(int(pairs) / step) * ceil(min(step, int(pairs)) * sets / batch_rows)
    return calls


def _players(rows: NDArray[Any], others: NDArray[Any]) -> NDArray[np.intp]:
    """Return in how many features each row differs from each background row, (n, m)."""
    return np.stack([differing(rows, other[np.newaxis]).sum(axis=1) for other in others], axis=1)


def _between(
    asker: Asker, own: NDArray[Any], other: NDArray[Any], at: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the output of each set of the features `at` but none and all, (pairs * (2**size - 2), ...)."""
    pairs, size = at.shape
    sets = _sets(size)[1:-1]
    mixed = np.repeat(other[:, np.newaxis], len(sets), axis=1)
    pair = np.arange(pairs)
    for place in range(size):
        column, taken = at[:, place], np.flatnonzero(sets[:, place])
        mixed[pair[:, np.newaxis], taken, column[:, np.newaxis]] = own[pair, column][:, np.newaxis]
    return asker.about(mixed.reshape(pairs * len(sets), -1))


def _sets(size: int) -> NDArray[np.bool_]:
    return np.asarray((np.arange(2**size)[:, np.newaxis] >> np.arange(size)) % 2 == 1)


def _weights(size: int) -> NDArray[np.float64]:
    """Return what each set counts for each feature, (size, 2**size): with it, for the feature; without it, against."""
    sets = _sets(size)
    known = np.array([factorial(k) * factorial(size - k - 1) / factorial(size) for k in range(size)])
    count = sets.sum(axis=1)
    return np.asarray(np.where(sets, known[np.maximum(count - 1, 0)][:, np.newaxis],
                               -known[np.minimum(count, size - 1)][:, np.newaxis]).T)  # fmt: skip
