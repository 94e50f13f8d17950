"""Partial dependence: the mean output when one input is set to a value for all rows, and how rows differ from the mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.methods._arrays import asked, table
from auditkit.methods.effects.curves import Curve

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Heterogeneity", "PartialDependence", "heterogeneity", "partial_dependence"]

_EXACT = 1e-12


@dataclass(frozen=True, eq=False)
class PartialDependence:
    """The mean output at each value of an input, and the curve of each row.

    Attributes
    ----------
    grid, weights : ndarray of shape (g,)
        Values of the input, and their weights in what is centred; they add to 1.
    average : ndarray of shape (g, k)
        Mean output with the input set to the value for all rows.
    rows : ndarray of shape (n, g, k)
        The curve of each row (individual conditional expectation), less its own weighted mean.
    """

    grid: NDArray[Any]
    weights: NDArray[np.float64]
    average: NDArray[np.float64]
    rows: NDArray[np.float64]

    def curve(self) -> Curve:
        """Return the average less its weighted mean, with the influence of each row."""
        value = self.rows.mean(axis=0)
        travel = float(np.abs(np.diff(self.rows, axis=1)).sum(axis=1).mean())
        return Curve(self.grid, value, self.rows - value, travel)


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """How far rows differ from the average curve.

    Attributes
    ----------
    value, low, high : float
        Share of the variance of the rows' curves that the average does not explain, with its interval; ``nan`` where the
        output does not move.
    opposite, n : int
        Rows whose curve runs against the average (their products along the grid add to less than 0), of all.
    """

    value: float
    low: float
    high: float
    opposite: int
    n: int


def partial_dependence(
    ask: Callable[[NDArray[Any]], ArrayLike],
    X: NDArray[Any],
    column: int,
    grid: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    batch_rows: int = 65_536,
) -> PartialDependence:
    """Return the partial dependence (PDP) and the curve of each row (ICE) of one input, a number or a category.

    Parameters
    ----------
    ask : callable
        Maps (rows, d) to one output a row, or `k`.
    X : numpy.ndarray of shape (n, d)
        The rows.
    column : int
        The input.
    grid : array_like of shape (g,)
        The values it is set to.
    weights : array_like of shape (g,), optional
        Of the values, where a curve is centred; all alike when left out.
    batch_rows : int
        Rows of one call, at most.

    Raises
    ------
    InputError
        If the grid is empty, or the weights do not fit it.

    References
    ----------
    Friedman 2001, "Greedy function approximation", Annals of Statistics 29; Goldstein et al. 2015, "Peeking inside the black
    box", Journal of Computational and Graphical Statistics 24.

    Examples
    --------
    >>> found = partial_dependence(lambda Z: Z[:, 0] * Z[:, 1], np.array([[0.0, 1.0], [0.0, 3.0]]), 0, [1.0, 2.0])
    >>> found.average[:, 0].tolist(), found.rows[:, :, 0].tolist()
    ([2.0, 4.0], [[-0.5, 0.5], [-1.5, 1.5]])
    """
    rows, values = table("X", X), np.asarray(grid)
    g = len(values)
    share = np.full(g, 1 / max(g, 1)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not g or share.shape != (g,) or (share < 0).any() or not share.sum() > 0:
        raise InputError(
            f"expected a grid of values and a weight of 0 or more for each, got {grid!r} and {weights!r}"
        )
    share = share / share.sum()
    at_once = max(1, batch_rows // len(rows))
    parts = []
    for start in range(0, g, at_once):
        some = values[start : start + at_once]
        stack = np.tile(rows, (len(some), 1))
        stack[:, column] = np.repeat(some, len(rows))
        parts.append(asked(ask, stack, batch_rows).reshape(len(some), len(rows), -1))
    each = np.concatenate(parts).transpose(1, 0, 2)
    centred = each - np.einsum("igk,g->ik", each, share)[:, None, :]
    return PartialDependence(values, share, each.mean(axis=0), centred)


def heterogeneity(found: PartialDependence, *, level: float = 0.95) -> Heterogeneity:
    """Return the share of the variance of the rows' curves (c-ICE) that the average curve does not explain.

    0: every row moves like the average. Near 1: the average is flat while rows move, up and down. The share is one less a ratio of
    means over rows; the chance variance of the average is taken off, and the interval is that of the delta method.

    Parameters
    ----------
    found : PartialDependence
        Of at least two rows.
    level : float
        Confidence level.

    References
    ----------
    Goldstein et al. 2015 (centred curves of rows); Britton 2019, "VINE: visualizing statistical interactions in black box
    models".

    Examples
    --------
    >>> X = np.array([[0.0, -1.0], [0.0, 1.0], [0.0, -1.0], [0.0, 1.0]])
    >>> against = heterogeneity(partial_dependence(lambda Z: Z[:, 0] * Z[:, 1], X, 0, [0.0, 1.0]))
    >>> against.value, against.opposite
    (1.0, 0)
    """
    rows = found.rows
    n = len(rows)
    mean = rows.mean(axis=0)
    weigh = found.weights[:, None]
    each = (rows**2 * weigh).sum(axis=(1, 2))
    whole = float(each.mean())
    along = (rows * mean * weigh).sum(axis=(1, 2))
    size = max(1.0, float(np.abs(found.average).max()))
    if n < 2 or whole <= (_EXACT * size) ** 2:
        return Heterogeneity(float("nan"), float("nan"), float("nan"), 0, n)
    plain = float((mean**2 * weigh).sum())
    noise = max(whole - plain, 0.0) / (n - 1)
    explained = plain - noise
    moved = -(2 * (along - plain) / whole - explained * (each - whole) / whole**2)
    half = special.stdtrit(n - 1, 0.5 + level / 2) * moved.std(ddof=1) / np.sqrt(n)
    value = float(np.clip(1 - explained / whole, 0.0, 1.0))
    if value < _EXACT:
        value, half = 0.0, 0.0
    low, high = max(value - half, 0.0), min(value + half, 1.0)
    opposite = int((along < -_EXACT * whole).sum())
    return Heterogeneity(value, float(low), float(high), opposite, n)
