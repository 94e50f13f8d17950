"""Faithfulness: whether the inputs an explanation names are those the model's output moves with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import table, vector

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Removal", "area_between", "output_along", "positions_of", "removal"]

_MOST_STEPS = 20


@dataclass(frozen=True, slots=True)
class Removal:
    """Outputs of each row while its inputs are removed, and while they are put in.

    Attributes
    ----------
    deletion, insertion : numpy.ndarray of float, shape (n, s)
        As the explanation orders them: what pushes the output up most comes first.
    deletion_random, insertion_random : numpy.ndarray of float, shape (n, s)
        Mean over random orders, each forwards and backwards.
    positions : numpy.ndarray of int, shape (s,)
        How many inputs are removed, or put in; from 0 to `d`.
    """

    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]
    deletion_random: NDArray[np.float64]
    insertion_random: NDArray[np.float64]
    positions: NDArray[np.intp]

    @property
    def deletion_reverse(self) -> NDArray[np.float64]:
        """Deletion in the reverse order: it walks through the sets of the insertion, backwards."""
        return self.insertion[:, ::-1]

    @property
    def insertion_reverse(self) -> NDArray[np.float64]:
        """Insertion in the reverse order."""
        return self.deletion[:, ::-1]


def positions_of(d: int) -> NDArray[np.intp]:
    """Return after how many of `d` inputs the model is asked: each, or about 20 evenly apart; the same from both ends.

    Examples
    --------
    >>> positions_of(3).tolist(), len(positions_of(101))
    ([0, 1, 2, 3], 22)
    """
    if d <= _MOST_STEPS:
        return np.arange(d + 1)
    steps = _MOST_STEPS + d % 2  # a middle there is only for an even number
    lower = np.rint(np.arange(steps // 2 + 1) * d / steps).astype(np.intp)
    upper = d - lower[::-1]
    return np.unique(np.concatenate([lower, upper]))


def output_along(
    ask: Callable[[NDArray[Any], NDArray[np.intp]], ArrayLike],
    X: NDArray[Any],
    background: NDArray[Any],
    order: NDArray[np.intp],
    positions: NDArray[np.intp],
    *,
    insert: bool = False,
    batch_rows: int = 65_536,
) -> NDArray[np.float64]:
    """Return the mean output while inputs are replaced, in an order, by those of the background rows.

    Parameters
    ----------
    ask : callable
        ``ask(Z, rows)`` gives one output for each row of `Z`, which is a changed row ``rows[i]`` of `X`.
    X : numpy.ndarray of shape (n, d)
        The rows.
    background : numpy.ndarray of shape (m, d)
        Rows whose values stand for "removed"; averaged over.
    order : numpy.ndarray of int, shape (n, d)
        Inputs of each row, the first to go first.
    positions : numpy.ndarray of int, shape (s,)
        After how many inputs to ask.
    insert : bool
        Start with all inputs removed, and put them in.
    batch_rows : int
        Rows of one call, at most.

    Returns
    -------
    numpy.ndarray of float, shape (n, s)
        In the unit of the output.

    Raises
    ------
    InputError
        If the tables do not fit, an order is none, or an output is not one finite number a row.

    References
    ----------
    Samek et al. 2017, "Evaluating the Visualization of What a Deep Neural Network Has Learned"; Petsiuk, Das & Saenko 2018,
    "RISE", for deletion and insertion.

    Examples
    --------
    >>> X, background = np.array([[3.0, 1.0]]), np.array([[0.0, 0.0]])
    >>> output_along(lambda Z, _: Z.sum(axis=1), X, background, np.array([[0, 1]]), np.arange(3)).tolist()
    [[4.0, 1.0, 0.0]]
    """
    rows, others = table("X", X), table("background", background)
    n, d = rows.shape
    if others.shape[1] != d or order.shape != (n, d) or (np.sort(order, axis=1) != np.arange(d)).any():
        raise InputError(
            f"order must hold each of the {d} inputs of each of {n} rows once, and background have {d} columns"
        )
    place = np.argsort(order, axis=1)
    m, s = len(others), len(positions)
    found = np.empty((n, s))
    step = max(1, batch_rows // (m * s))
    for start in range(0, n, step):
        some = np.arange(start, min(start + step, n))
        early = place[some][:, None, :] < positions[None, :, None]  # (rows, s, d)
        own = early if insert else ~early
        mixed = np.where(own[:, :, None, :], rows[some][:, None, None, :], others[None, None, :, :])
        answers = vector("the output", ask(mixed.reshape(-1, d), np.repeat(some, s * m)))
        if len(answers) != len(some) * s * m:
            raise InputError(f"asked about {len(some) * s * m} rows, got {len(answers)} answers")
        found[some] = answers.reshape(len(some), s, m).mean(axis=2)
    return found


def removal(
    ask: Callable[[NDArray[Any], NDArray[np.intp]], ArrayLike],
    X: NDArray[Any],
    background: NDArray[Any],
    attributions: ArrayLike,
    rng: np.random.Generator,
    *,
    orders: int = 4,
    batch_rows: int = 65_536,
) -> Removal:
    """Remove and put in inputs as an explanation orders them, and in random orders, for the same rows.

    The order is by attribution with its sign, what pushes the output up most first: an explanation with the right sizes and
    the wrong signs is then no better than a wrong one.

    Parameters
    ----------
    ask, X, background, batch_rows
        As `output_along` takes them.
    attributions : array_like of shape (n, d)
        The explanation.
    rng : numpy.random.Generator
        For the random orders, and for the order of equal attributions.
    orders : int
        Random orders of each row, each used forwards and backwards.

    Returns
    -------
    Removal
        For a model that adds up its inputs, ``area_between(deletion_random, deletion)`` is free of the luck of the random orders.

    Raises
    ------
    InputError
        If the attributions do not fit, or there is no random order.

    References
    ----------
    Petsiuk, Das & Saenko 2018; Samek et al. 2017 for random order as the comparison; Hooker et al. 2019, "A Benchmark for
    Interpretability Methods in Deep Neural Networks" (ROAR), for what removal without training anew cannot tell.

    Examples
    --------
    >>> X, background = np.array([[3.0, 1.0]]), np.array([[0.0, 0.0]])
    >>> found = removal(
    ...     lambda Z, _: Z.sum(axis=1), X, background, X, np.random.default_rng(0), orders=1
    ... )
    >>> found.deletion.tolist(), float(area_between(found.deletion_random, found.deletion, found.positions)[0])
    ([[4.0, 1.0, 0.0]], 0.5)
    """
    rows = table("X", X)
    parts = np.asarray(attributions, dtype=np.float64)
    if parts.shape != rows.shape or not np.isfinite(parts).all() or orders < 1:
        raise InputError(
            f"attributions must be finite and of the shape of X, {rows.shape}, and orders at least 1; "
            f"got {parts.shape} and {orders}"
        )
    positions = positions_of(rows.shape[1])

    def both(order: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        out, into = (
            output_along(ask, rows, background, order, positions, insert=insert, batch_rows=batch_rows)
            for insert in (False, True)
        )
        return out, into

    ties = rng.random(parts.shape)
    deletion, insertion = both(np.lexsort((ties, -parts), axis=1))
    chance = np.zeros_like(deletion)
    for _ in range(orders):
        out, into = both(np.argsort(rng.random(parts.shape), axis=1))
        chance += (out + into[:, ::-1]) / 2  # the reverse order removes what this one has not yet put in
    chance /= orders
    return Removal(deletion, insertion, chance, chance[:, ::-1], positions)


def area_between(upper: ArrayLike, lower: ArrayLike, positions: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the area between two curves of each row, over the share of inputs removed.

    Parameters
    ----------
    upper, lower : array_like of shape (n, s)
        Outputs.
    positions : numpy.ndarray of int, shape (s,)
        Inputs removed at each point.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        In the unit of the output: the mean height of `upper` over `lower`.

    References
    ----------
    Petsiuk, Das & Saenko 2018 (area under the curve).

    Examples
    --------
    >>> area_between([[1.0, 1.0, 1.0]], [[1.0, 0.0, 1.0]], np.arange(3)).tolist()
    [0.5]
    """
    from scipy.integrate import trapezoid

    height = np.asarray(upper, dtype=np.float64) - np.asarray(lower, dtype=np.float64)
    return np.asarray(trapezoid(height, positions / positions[-1], axis=1))
