"""Gradients: what each feature adds along straight paths from background rows, for a model with slopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import tables
from auditkit.methods.attributions._asking import Asker
from auditkit.methods.attributions.sums import additivity_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["PathEstimate", "expected_gradients"]

_FIRST = 4  # points on a path at first


@dataclass(frozen=True, slots=True)
class PathEstimate:
    """Aumann-Shapley values and how well they are known.

    Attributes
    ----------
    values, standard_error : numpy.ndarray of float, shape (n, d) or (n, d, k)
        In the unit of the output; the standard error comes from neighbouring points of a path, and errs on the large side.
    base : numpy.ndarray of float, shape () or (k,)
        Mean output over the background rows.
    completeness : numpy.ndarray of float, shape (n,) or (n, k)
        How far base plus values miss the output of each row.
    rounds : int
        Points on each path of the row that needed most.
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

    Each path is cut into as many equal parts as there are rounds, and one point is drawn in each (stratified). These are the
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
        Points on each path, at most; even, from 4. Tried are 4, then twice as many, and so on; each point costs a slope for
        every row and background row.
    target_error : float, optional
        A row is finished as soon as none of its standard errors, nor the miss of its sum, is larger, in the unit of the
        output. Left out, all points are drawn at once.
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
    if rounds < _FIRST or rounds % 2:
        raise InputError(f"rounds must be even and at least {_FIRST}, got {rounds}")
    if not (np.isfinite(rows).all() and np.isfinite(others).all()):
        raise InputError("a path needs two ends: X and background must hold no missing or infinite value")
    asker, steep = Asker(ask, batch_rows), Asker(slopes, batch_rows)
    output, at_other = asker.about(rows), asker.about(others)
    base = np.asarray(at_other.mean(axis=0))
    shape = (len(rows), rows.shape[1], *output.shape[1:])
    values, error = np.zeros(shape), np.zeros(shape)
    active, done = np.arange(len(rows)), 0
    while len(active) and done < rounds:
        done = rounds if target_error is None else min(max(_FIRST, 2 * done), rounds)
        values[active], error[active] = _integrated(steep, rows[active], others, rng, done, shape[1:])
        miss = additivity_error(values, base, output)
        if target_error is not None:
            worst = np.maximum(
                error.reshape(len(rows), -1).max(axis=1), miss.reshape(len(rows), -1).max(axis=1)
            )
            active = active[worst[active] > target_error]
    return PathEstimate(values, error, base, miss, done, asker.calls + steep.calls, asker.rows + steep.rows)


def _integrated(
    steep: Asker,
    rows: NDArray[np.float64],
    others: NDArray[np.float64],
    rng: np.random.Generator,
    rounds: int,
    shape: tuple[int, ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return values and standard errors from one point in each of `rounds` parts of every path."""
    m = len(others)
    values, squares = np.zeros((len(rows), *shape)), np.zeros((len(rows), *shape))
    # drawn before the rows are cut into batches, which then do not change them
    within = rng.random((rounds, len(rows), m))
    step = max(1, steep.batch_rows // m)
    for begin in range(0, len(rows), step):
        some = slice(begin, begin + step)
        away = rows[some, np.newaxis] - others
        wide = away.reshape(-1, *shape[:1], *([1] * (len(shape) - 1)))
        for part in range(0, rounds, 2):
            pair = []
            for at in (part, part + 1):
                along = (at + within[at, some]) / rounds
                points = (others + along[..., np.newaxis] * away).reshape(-1, rows.shape[1])
                gain = steep.slopes(points, (0, *shape)) * wide
                pair.append(gain.reshape(-1, m, *shape))
            values[some] += (pair[0] + pair[1]).sum(axis=1)
            # neighbouring parts tell how far a point may miss its part (collapsed strata), on the large side
            squares[some] += np.square(pair[0] - pair[1]).sum(axis=1)
    return values / (m * rounds), np.sqrt(squares) / (m * rounds)
