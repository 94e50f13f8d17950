"""Interactions: how far two inputs move the output together beyond what each does alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.methods._arrays import asked, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Interaction", "Pieces", "interaction", "pieces_of", "total_effects"]

_EXACT = 1e-20  # of the output's variance: below it, rounding
_ROUNDED = 8 * float(np.finfo(np.float64).eps)
_WEAK = 1e-4


@dataclass(frozen=True, eq=False)
class Pieces:
    """The output with some inputs of an evaluated row put into each background row.

    Attributes
    ----------
    columns : list of tuple of int
        Which inputs were put in.
    output : ndarray of shape (len(columns), m, b, k)
        The answers for m rows and b background rows.
    plain : ndarray of shape (b, k)
        The answers for the background rows as they are.
    """

    columns: list[tuple[int, ...]]
    output: NDArray[np.float64]
    plain: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interaction:
    """How much of what two inputs do they do only together.

    Attributes
    ----------
    h_squared, h_low, h_high : float
        Friedman's H-squared: share of the variance of the two inputs' joint effect that is not the sum of their own effects;
        ``nan`` where the joint effect is below 1% of the output's spread, for then the ratio says nothing.
    strength, low, high : float
        Its numerator alone: standard deviation of the part that only both make, in spreads of the output.
    m, background : int
        Rows evaluated, and rows averaged over.
    """

    h_squared: float
    h_low: float
    h_high: float
    strength: float
    low: float
    high: float
    m: int
    background: int


def pieces_of(
    ask: Callable[[NDArray[Any]], ArrayLike],
    X: NDArray[Any],
    background: NDArray[Any],
    columns: Sequence[tuple[int, ...]],
    *,
    batch_rows: int = 65_536,
) -> Pieces:
    """Ask the model about every background row with inputs of every evaluated row put in.

    Costs ``len(columns) * m * b + b`` rows of the model.

    Parameters
    ----------
    ask : callable
        Maps (rows, d) to one output a row, or `k`.
    X, background : numpy.ndarray of shape (m, d) and (b, d)
        Rows whose values are put in, and rows they are put into.
    columns : sequence of tuple of int
        Inputs put in together.
    batch_rows : int
        Rows of one call, at most; a single set of inputs and row takes b of them.

    Raises
    ------
    InputError
        If there is nothing to put in.
    """
    rows, behind = table("X", X), table("background", background)
    if not columns or rows.shape[1] != behind.shape[1]:
        raise InputError(
            f"expected inputs to put in, and tables of one width; got {columns!r}, {rows.shape}, {behind.shape}"
        )
    m, b = len(rows), len(behind)
    plain = asked(ask, behind, batch_rows).reshape(b, -1)
    jobs = [(c, i) for c in range(len(columns)) for i in range(m)]
    output = np.empty((len(jobs), b, plain.shape[1]))
    at_once = max(1, batch_rows // b)
    for start in range(0, len(jobs), at_once):
        some = jobs[start : start + at_once]
        stack = np.tile(behind, (len(some), 1))
        for place, (c, i) in enumerate(some):
            put = list(columns[c])
            stack[place * b : (place + 1) * b, put] = rows[i, put]
        output[start : start + len(some)] = asked(ask, stack, batch_rows).reshape(len(some), b, -1)
    return Pieces(list(columns), output.reshape(len(columns), m, b, -1), plain)


def total_effects(pieces: Pieces) -> NDArray[np.float64]:
    """Return the total effect of each set of inputs: half the mean square of what putting it in changes (Jansen 1999).

    Interactions count in it, so that an input that acts only together with others is not passed over.

    Examples
    --------
    >>> X = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    >>> total_effects(pieces_of(lambda Z: Z[:, 0] * Z[:, 1], X, X, [(0,), (1,)])).tolist()
    [1.0, 1.0]
    """
    return np.asarray(((pieces.output - pieces.plain) ** 2).mean(axis=(1, 2)).sum(axis=1) / 2)


def interaction(
    both: NDArray[np.float64],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    plain: NDArray[np.float64],
    variance: float,
    *,
    level: float = 0.95,
) -> Interaction:
    """Return Friedman's H-squared of two inputs, and its numerator alone (Friedman & Popescu 2008).

    All partial dependences are averaged over the same background rows. Two inputs that do not interact then give exactly 0, whatever
    else the model does: there is no chance level to take off. For two that do, the part that the choice of background adds to a mean
    square is taken off. The intervals are those of the delta method on the log scale, over evaluated rows and background rows both.

    Parameters
    ----------
    both, first, second : numpy.ndarray of shape (m, b, k)
        The output with both inputs, the first, or the second of m rows put into b background rows; see `pieces_of`.
    plain : numpy.ndarray of shape (b, k)
        The output of the background rows as they are.
    variance : float
        Of the output over rows, outputs added; above 0.
    level : float
        Confidence level.

    Raises
    ------
    InputError
        If there are fewer than two rows of either kind, or the variance is not above 0.

    References
    ----------
    Friedman & Popescu 2008, "Predictive learning via rule ensembles", Annals of Applied Statistics 2. That the ratio misleads for weak
    inputs: Inglis, Parnell & Hurley 2022, "Visualizing variable importance and variable interaction effects in machine
    learning models", Journal of Computational and Graphical Statistics 31.

    Examples
    --------
    >>> X = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    >>> got = pieces_of(lambda Z: Z[:, 0] + 2 * Z[:, 1], X, X, [(0, 1), (0,), (1,)])
    >>> interaction(*got.output, got.plain, 5.0).h_squared
    0.0
    """
    m, b = both.shape[:2]
    if m < 2 or b < 2 or not variance > 0:
        raise InputError(
            f"expected two rows of either kind and an output that varies; got {m}, {b} and {variance}"
        )
    exact = _EXACT * variance + (_ROUNDED * float(np.abs(both).max())) ** 2
    only, joint = _square(both - first - second + plain, exact), _square(both, exact)
    t = float(special.stdtrit(min(m, b) - 1, 0.5 + level / 2))
    ends = _ends(only.value, t * _error(only.by_row, only.by_background))
    strength, low, high = (float(np.sqrt(v / variance)) for v in (max(only.value, 0.0), *ends))
    if joint.value <= _WEAK * variance:
        nan = float("nan")
        return Interaction(nan, nan, nan, strength, low, high, m, b)
    ratio = max(only.value, 0.0) / joint.value
    rows = (only.by_row - ratio * joint.by_row) / joint.value
    behind = (only.by_background - ratio * joint.by_background) / joint.value
    return Interaction(ratio, *_ends(ratio, t * _error(rows, behind)), strength, low, high, m, b)


def _ends(value: float, half: float) -> tuple[float, float]:
    """Return the interval of a variance or a ratio of variances: even on the log scale, where its error is below its size."""
    if half < value:
        return float(value * np.exp(-half / value)), float(value * np.exp(half / value))
    return 0.0, max(value, 0.0) + half


@dataclass(frozen=True, eq=False)
class _Square:
    """The variance over rows of a mean over background, and how far each row of either kind moves it."""

    value: float
    by_row: NDArray[np.float64]
    by_background: NDArray[np.float64]


def _square(part: NDArray[np.float64], exact: float) -> _Square:
    m, b = part.shape[:2]
    centred = part - part.mean(axis=0)
    mean = centred.mean(axis=1)
    each = (mean**2).sum(axis=1)
    if each.mean() <= exact:
        return _Square(0.0, np.zeros(m), np.zeros(b))
    chance = float((centred.var(axis=1, ddof=1).sum(axis=1) / b).mean())
    along = 2 * np.einsum("mk,mbk->b", mean, centred) / m
    value = (float(each.mean()) - chance) * m / (m - 1)
    return _Square(value, each - each.mean(), along - along.mean())


def _error(by_row: NDArray[np.float64], by_background: NDArray[np.float64]) -> float:
    return float(np.sqrt(by_row.var(ddof=1) / len(by_row) + by_background.var(ddof=1) / len(by_background)))
