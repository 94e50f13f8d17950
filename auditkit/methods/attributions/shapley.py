"""Shapley values by sampling: what each feature adds to the output, averaged over the orders of adding them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import asked, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

__all__ = ["ShapleyEstimate", "sampled_shapley"]

_FIRST_LOOK = 8  # pairs before a standard error is believed


@dataclass(frozen=True, slots=True)
class ShapleyEstimate:
    """Shapley values and how well they are known.

    Attributes
    ----------
    values, standard_error : numpy.ndarray of float, shape (n, d) or (n, d, k)
        Estimates in the unit of the output, and the standard error of each from sampling; ``nan`` after a
        single pair of orders.
    base : numpy.ndarray of float, shape () or (k,)
        Mean output over the background rows.
    permutations : int
        Orders used for each row.
    calls, rows : int
        Calls to the model, and rows asked in them.
    """

    values: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    base: NDArray[np.float64]
    permutations: int
    calls: int
    rows: int


def sampled_shapley(
    ask: Callable[[NDArray[Any]], ArrayLike],
    X: NDArray[Any],
    background: NDArray[Any],
    rng: np.random.Generator,
    *,
    permutations: int = 64,
    target_error: float | None = None,
    batch_rows: int = 65_536,
) -> ShapleyEstimate:
    """Estimate the Shapley values of any model by drawing orders in which features take the row's value.

    The value of a set of features is the mean output with those features from the row and the rest from a
    background row (interventional). Each order is used forwards and backwards (antithetic) with one
    background row; every row goes through the whole background before it meets a background row again.

    Parameters
    ----------
    ask : callable
        Maps (rows, d) to one output a row, or `k`.
    X : numpy.ndarray of shape (n, d)
        The rows to explain.
    background : numpy.ndarray of shape (m, d)
        Rows that stand for "feature not known".
    rng : numpy.random.Generator
        Where the orders are drawn from; the batch size does not change them.
    permutations : int
        Orders for each row, at most; even. Costs ``permutations * (d - 1)`` rows of the model for each row.
    target_error : float, optional
        Stop as soon as no standard error is larger, in the unit of the output. Looked at after 16 orders and
        after each doubling.
    batch_rows : int
        Rows of one call, at most.

    Returns
    -------
    ShapleyEstimate
        With a multiple of ``2 m`` permutations the values add up to output minus base exactly; before that
        the miss is of the size of the standard errors. Walking through the background makes the standard
        errors err on the large side.

    Raises
    ------
    InputError
        If the tables do not fit, `permutations` is odd or below 2, or an output is not finite.

    References
    ----------
    Štrumbelj & Kononenko 2014, "Explaining prediction models and individual predictions with feature
    contributions", KAIS; Mitchell et al. 2022, "Sampling Permutations for Shapley Value Estimation", JMLR,
    for antithetic orders.

    Examples
    --------
    >>> X, background = np.array([[1.0, 2.0]]), np.array([[0.0, 0.0], [2.0, 2.0]])
    >>> shapley = sampled_shapley(
    ...     lambda Z: Z[:, 0] * Z[:, 1], X, background, np.random.default_rng(0), permutations=4
    ... )
    >>> shapley.values.tolist(), float(shapley.base)
    ([[-0.5, 0.5]], 2.0)
    """
    rows, others = table("X", X), table("background", background)
    _check(rows, others, permutations, target_error)
    asker = _Counting(ask, batch_rows)
    at_row, at_background = asker.about(rows), asker.about(others)
    draws = _draws(len(rows), rows.shape[1], len(others), rng)
    shape = (len(rows), rows.shape[1], *at_row.shape[1:])
    total, squares = np.zeros(shape), np.zeros(shape)
    done = 0
    for goal in _looks(permutations // 2, target_error):
        while done < goal:
            pairs = min(goal - done, max(1, _paths(batch_rows, shape[1]) // len(rows)))
            drawn = [next(draws) for _ in range(pairs)]
            place = np.concatenate([one for one, _ in drawn])
            which = np.concatenate([one for _, one in drawn])
            gains = _gains(asker, (rows, at_row), (others, at_background), place, which)
            gains = gains.reshape(pairs, *shape)
            total += gains.sum(axis=0)
            squares += np.square(gains).sum(axis=0)
            done += pairs
        error = _standard_error(total, squares, done)
        if target_error is not None and done >= _FIRST_LOOK and float(error.max()) <= target_error:
            break
    return ShapleyEstimate(
        total / done, error, np.asarray(at_background.mean(axis=0)), 2 * done, asker.calls, asker.rows
    )


class _Counting:
    """The model, with a count of what it was asked."""

    def __init__(self, ask: Callable[[NDArray[Any]], ArrayLike], batch_rows: int) -> None:
        self.ask, self.batch_rows = ask, batch_rows
        self.calls = self.rows = 0

    def __call__(self, rows: NDArray[Any]) -> ArrayLike:
        self.calls += 1
        self.rows += len(rows)
        return self.ask(rows)

    def about(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        return asked(self, rows, self.batch_rows)


def _draws(
    n: int, d: int, m: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    # each row's features in a random order, and its background row: a shuffled round from a random start
    start = rng.integers(m, size=n)
    while True:
        around = rng.permutation(m)
        for step in range(m):
            yield np.argsort(rng.random((n, d)), axis=1), around[(start + step) % m]


def _paths(batch_rows: int, d: int) -> int:
    return max(1, batch_rows // max(1, 2 * (d - 1)))


def _gains(
    asker: _Counting,
    explained: tuple[NDArray[Any], NDArray[np.float64]],
    background: tuple[NDArray[Any], NDArray[np.float64]],
    place: NDArray[np.intp],
    which: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Return the gain of each feature, averaged over an order and its reverse, for each drawn path."""
    (rows, at_row), (others, at_background) = explained, background
    of_row = np.arange(len(place)) % len(rows)
    step = _paths(asker.batch_rows, rows.shape[1])
    parts = []
    for begin in range(0, len(place), step):
        some = slice(begin, begin + step)
        ends = (at_background[which[some]], at_row[of_row[some]])
        mixed = (rows[of_row[some]], others[which[some]])
        parts.append(_both_ways(asker, mixed, ends, place[some]))
    return np.concatenate(parts)


def _both_ways(
    asker: _Counting,
    mixed: tuple[NDArray[Any], NDArray[Any]],
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
    place: NDArray[np.intp],
) -> NDArray[np.float64]:
    (own, other), (low, high) = mixed, ends
    paths, d = place.shape
    if d == 1:
        return (high - low)[:, np.newaxis]
    taken = place[:, np.newaxis, :] < np.arange(1, d)[np.newaxis, :, np.newaxis]
    # backwards, the first s features taken are those that come last forwards: the complement
    taken = np.concatenate([taken, ~taken], axis=1)
    asked_rows = np.where(taken, own[:, np.newaxis, :], other[:, np.newaxis, :]).reshape(-1, d)
    answers = asker.about(asked_rows).reshape(paths, 2 * (d - 1), *low.shape[1:])
    first, last = low[:, np.newaxis], high[:, np.newaxis]
    forwards = np.diff(np.concatenate([first, answers[:, : d - 1], last], axis=1), axis=1)
    # answers of the complements run from "all but the first" down to "only the last": turn them round
    backwards = np.diff(np.concatenate([first, answers[:, : d - 2 : -1], last], axis=1), axis=1)
    at = place.reshape(paths, d, *([1] * (low.ndim - 1)))
    gains = np.take_along_axis(forwards, at, axis=1) + np.take_along_axis(backwards, d - 1 - at, axis=1)
    return np.asarray(gains / 2)


def _looks(pairs: int, target_error: float | None) -> Iterator[int]:
    look = _FIRST_LOOK
    while target_error is not None and look < pairs:
        yield look
        look *= 2
    yield pairs


def _standard_error(
    total: NDArray[np.float64], squares: NDArray[np.float64], pairs: int
) -> NDArray[np.float64]:
    if pairs == 1:
        return np.full(total.shape, np.nan)
    variance = np.maximum(squares - np.square(total) / pairs, 0.0) / (pairs - 1)
    return np.asarray(np.sqrt(variance / pairs))


def _check(rows: NDArray[Any], others: NDArray[Any], permutations: int, target_error: float | None) -> None:
    if rows.shape[1] != others.shape[1]:
        raise InputError(f"X has {rows.shape[1]} columns and background {others.shape[1]}")
    if permutations < 2 or permutations % 2:
        raise InputError(f"permutations must be even and at least 2 (they come in pairs), got {permutations}")
    if target_error is not None and not target_error > 0:
        raise InputError(f"target_error must be positive, got {target_error}")
