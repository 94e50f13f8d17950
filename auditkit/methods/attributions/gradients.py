"""Gradients: what each feature adds along straight paths from background rows, for a model with slopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods.attributions._asking import Asker, tables
from auditkit.methods.attributions.sums import additivity_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["PathEstimate", "expected_gradients"]

_FIRST = 4  # rounds of the background before a standard error is believed


@dataclass(frozen=True, slots=True)
class PathEstimate:
    """Aumann-Shapley values and how well they are known.

    Attributes
    ----------
    values, standard_error : numpy.ndarray of float, shape (n, d) or (n, d, k)
        In the unit of the output; the standard error comes from the differences between rounds.
    base : numpy.ndarray of float, shape () or (k,)
        Mean output over the background rows.
    completeness : numpy.ndarray of float, shape (n,) or (n, k)
        How far base plus values miss the output of each row.
    rounds : int
        Times each row was compared with the whole background.
    calls, rows : int
        Calls for slopes or outputs, and rows asked in them.
    """

    values: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    base: NDArray[np.float64]
    completeness: NDArray[np.float64]
    rounds: int
    calls: int
    rows: int


def expected_gradients(
    ask: Callable[[NDArray[Any]], ArrayLike],
    slopes: Callable[[NDArray[Any]], ArrayLike],
    X: NDArray[Any],
    background: NDArray[Any],
    rng: np.random.Generator,
    *,
    rounds: int = 64,
    target_error: float | None = None,
    batch_rows: int = 65_536,
) -> PathEstimate:
    """Integrate a model's slopes along the straight paths to a row, averaged over background rows.

    On each path one point is drawn a round, spread evenly over the paths of the round (stratified). These are the
    values of Aumann and Shapley, not Shapley's: all features move together, none before the other. The two agree for
    sums of functions of one feature and for products of two; for others they differ.

    Parameters
    ----------
    ask : callable
        Maps (rows, d) to one output a row, or `k`.
    slopes : callable
        Maps (rows, d) to the gradient of each output by the features, (rows, d) or (rows, d, k).
    X, background : numpy.ndarray of shape (n, d), (m, d)
        The rows to explain, and rows that stand for "feature not known".
    rng : numpy.random.Generator
        Where the points are drawn from; the batch size does not change them.
    rounds : int
        Rounds of the background, at most, from 4. Each costs ``n * m`` slopes.
    target_error : float, optional
        Stop as soon as no standard error and no miss of the sum is larger, in the unit of the output. Looked at after 4
        rounds and after each doubling.
    batch_rows : int
        Rows of one call, at most.

    Returns
    -------
    PathEstimate
        With the miss of the sum (completeness), which for a smooth model goes to 0 with the rounds.

    Raises
    ------
    InputError
        If the tables do not fit or hold missing values, or slopes are not finite.

    References
    ----------
    Sundararajan, Taly & Yan 2017, "Axiomatic Attribution for Deep Networks", ICML; Erion et al. 2021, "Improving
    performance of deep learning models with axiomatic attribution priors and expected gradients", Nature Machine
    Intelligence; Aumann & Shapley 1974, "Values of Non-Atomic Games".

    Examples
    --------
    >>> X, background = np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]])
    >>> found = expected_gradients(
    ...     lambda Z: 3 * Z[:, 0] + Z[:, 1],
    ...     lambda Z: np.tile([3.0, 1.0], (len(Z), 1)),
    ...     X,
    ...     background,
    ...     np.random.default_rng(0),
    ... )
    >>> found.values.tolist(), found.completeness.tolist()
    ([[3.0, 2.0]], [0.0])
    """
    rows, others = (part.astype(float) for part in tables(X, background))
    if rounds < _FIRST:
        raise InputError(f"rounds must be at least {_FIRST}, got {rounds}")
    if not (np.isfinite(rows).all() and np.isfinite(others).all()):
        raise InputError("a path needs two ends: X and background must hold no missing or infinite value")
    asker, steep = Asker(ask, batch_rows), Asker(slopes, batch_rows)
    output, at_other = asker.about(rows), asker.about(others)
    base = np.asarray(at_other.mean(axis=0))
    total = np.zeros((len(rows), rows.shape[1], *output.shape[1:]))
    squares = np.zeros_like(total)
    done, look = 0, _FIRST
    while True:
        while done < min(look, rounds):
            gain = _round(steep, rows, others, rng, total.shape)
            total += gain
            squares += np.square(gain)
            done += 1
        values = total / done
        error = np.sqrt(np.maximum(squares / done - np.square(values), 0) / (done - 1))
        miss = additivity_error(values, base, output)
        near = target_error is not None and max(float(error.max()), float(miss.max())) <= target_error
        if done >= rounds or near:
            return PathEstimate(
                values, error, base, miss, done, asker.calls + steep.calls, asker.rows + steep.rows
            )
        look *= 2


def _round(
    steep: Asker,
    rows: NDArray[np.float64],
    others: NDArray[np.float64],
    rng: np.random.Generator,
    shape: tuple[int, ...],
) -> NDArray[np.float64]:
    """Return what each feature adds by one point on each path, averaged over the background."""
    n, m = len(rows), len(others)
    # each row's points: one in every m-th part of the way, dealt to the background rows at random
    along = (np.argsort(rng.random((n, m)), axis=1) + rng.random((n, m))) / m
    gain = np.zeros(shape)
    step = max(1, steep.batch_rows // m)
    for begin in range(0, n, step):
        some = rows[begin : begin + step, np.newaxis]
        points = others + along[begin : begin + step, :, np.newaxis] * (some - others)
        slope = steep.slopes(points.reshape(-1, rows.shape[1]), shape)
        away = (some - others).reshape(len(slope), -1, *([1] * (len(shape) - 2)))
        gain[begin : begin + step] = (slope * away).reshape(len(some), m, *shape[1:]).mean(axis=1)
    return gain
