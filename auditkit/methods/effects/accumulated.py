"""Accumulated effects: what small steps of one input do to the output, among rows that are there, added up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.methods._arrays import asked, table
from auditkit.methods.effects.curves import Curve, bin_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["accumulated_effects"]

_TAIL = 0.975


def accumulated_effects(
    ask: Callable[[NDArray[Any]], ArrayLike],
    X: NDArray[np.float64],
    column: int,
    edges: ArrayLike,
    *,
    batch_rows: int = 65_536,
) -> Curve:
    """Return the accumulated local effects (ALE) of one numeric input (Apley & Zhu 2020).

    Each row moves from the lower to the upper edge of the bin it lies in, everything else as it is; the mean steps of the bins are
    added up. Where inputs are correlated, no row is asked about far from where it is.

    Parameters
    ----------
    ask : callable
        Maps (rows, d) to one output a row, or `k`.
    X : numpy.ndarray of float, shape (n, d)
        The rows. Those whose value is missing or beyond the edges are left out.
    column : int
        The input.
    edges : array_like of shape (g,)
        Increasing, at least two; see `grid_of`.
    batch_rows : int
        Rows of one call, at most.

    Returns
    -------
    Curve
        At the edges, with mean 0 over the rows. The influence takes the edges as given; that of rows in a bin of few is widened as
        Student's quantile is against the normal one.

    Raises
    ------
    InputError
        If the edges do not increase, or a bin has no row.

    References
    ----------
    Apley & Zhu 2020, "Visualizing the effects of predictor variables in black box supervised learning models",
    Journal of the Royal Statistical Society B 82.

    Examples
    --------
    >>> X = np.array([[0.0, 9.0], [1.0, 8.0], [2.0, 7.0]])
    >>> accumulated_effects(lambda Z: 3 * Z[:, 0] + Z[:, 1], X, 0, [0.0, 1.0, 2.0]).value[:, 0].tolist()
    [-2.5, 0.5, 3.5]
    """
    rows, at = table("X", X), np.asarray(edges, dtype=np.float64)
    if at.ndim != 1 or len(at) < 2 or not (np.diff(at) > 0).all():
        raise InputError(f"expected at least two increasing edges, got {edges!r}")
    inside = (rows[:, column] >= at[0]) & (rows[:, column] <= at[-1])
    rows = rows[inside]
    bins = bin_of(rows[:, column], at)
    n, size = len(rows), np.bincount(bins, minlength=len(at) - 1)
    if not size.all():
        raise InputError(
            f"bin {int(np.argmin(size))} of column {column} has no row: join it with its neighbour"
        )
    lower, upper = rows.copy(), rows.copy()
    lower[:, column], upper[:, column] = at[bins], at[bins + 1]
    answers = asked(ask, np.concatenate([lower, upper]), batch_rows).reshape(2 * n, -1)
    step = answers[n:] - answers[:n]
    sums = np.zeros((len(size), step.shape[1]))
    np.add.at(sums, bins, step)
    mean = sums / size[:, None]
    raw = np.concatenate([np.zeros((1, step.shape[1])), np.cumsum(mean, axis=0)])
    middle, share = (raw[:-1] + raw[1:]) / 2, size / n
    centre = share @ middle
    # a row moves the step of its bin, with it every point above, the centre by the part that lies above, and the shares
    free = np.maximum(size - 1, 1)
    lone = np.sqrt(size / free) * special.stdtrit(free, _TAIL) / special.ndtri(_TAIL)
    pull = (step - mean[bins]) * (lone / share)[bins, None]
    above = np.append(np.cumsum(share[::-1])[::-1][1:], 0.0) + share / 2
    reached = np.arange(len(at)) > bins[:, None]
    influence = (
        pull[:, None, :] * (reached - above[bins][:, None])[:, :, None] - (middle[bins] - centre)[:, None, :]
    )
    travel = np.zeros_like(sums)
    np.add.at(travel, bins, np.abs(step))
    return Curve(at, raw - centre, influence, float((travel / size[:, None]).sum(axis=0).mean()))
