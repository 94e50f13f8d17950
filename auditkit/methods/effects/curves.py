"""Curves: an average effect along a grid, how far each row moves it, and the interval of its range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Curve", "Range", "curve_range", "grid_of", "grid_weights"]

_TAIL = 0.01
_BEYOND = 5  # rows at or beyond either end, so that no end is one record's extreme
_DRAWS = 500
_EXACT = 1e-12  # of the largest value: below it, rounding


@dataclass(frozen=True, eq=False)
class Curve:
    """An average effect along a grid, centred at 0 over the rows.

    Attributes
    ----------
    grid : ndarray of shape (g,)
        Values of the input.
    value : ndarray of shape (g, k)
        The effect on each of `k` outputs.
    influence : ndarray of shape (n, g, k)
        How far each row moves the curve: the variance of the curve is that of the influence, over n.
    travel : float
        Mean over rows of how far the output moves along the grid, up and down added: it is above 0 wherever the
        model reads the input, also where the average is flat.
    """

    grid: NDArray[Any]
    value: NDArray[np.float64]
    influence: NDArray[np.float64]
    travel: float

    @property
    def n(self) -> int:
        """Rows behind the curve."""
        return len(self.influence)

    def ends(self, level: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the interval at each grid point, shapes (g, k): Student's, with the variance of the influence."""
        if self.n < 2:
            return np.full_like(self.value, -np.inf), np.full_like(self.value, np.inf)
        half = (
            special.stdtrit(self.n - 1, 0.5 + level / 2)
            * self.influence.std(axis=0, ddof=1)
            / np.sqrt(self.n)
        )
        return self.value - half, self.value + half


class Range(NamedTuple):
    """From the lowest to the highest point of a curve, with its interval."""

    value: float
    low: float
    high: float


def grid_of(values: ArrayLike, bins: int, *, smallest: int = 10) -> NDArray[np.float64]:
    """Return the edges of at most `bins` bins that hold about as many rows each (Apley & Zhu 2020).

    Every edge is a value that was seen. With no more than ``bins + 1`` different values each is an edge; with more, the edges are
    quantiles from 1% to 99%. At or beyond either end there are five rows at least (with many values a quarter of the rows, where these are
    fewer than twenty), so that no end is the extreme of one record; two values stay two. Bins of fewer rows than `smallest` are joined
    with the next.

    Parameters
    ----------
    values : array_like of shape (n,)
        Numbers; missing ones are left out.
    bins : int
        At least 1.
    smallest : int
        Rows a bin holds at least; below five also those at either end.

    Returns
    -------
    numpy.ndarray of float
        Increasing. Fewer than two values mean that there is nothing to move along.

    Raises
    ------
    InputError
        If there is no bin.

    Examples
    --------
    >>> grid_of([0, 0, 1, 1, 1, 2], 4, smallest=1).tolist()
    [0.0, 1.0, 2.0]
    """
    if bins < 1 or smallest < 1:
        raise InputError(f"expected at least 1 bin of at least 1 row, got {bins} and {smallest}")
    known = np.asarray(values, dtype=np.float64)
    known = np.sort(known[np.isfinite(known)])
    edges, few = np.unique(known), min(_BEYOND, smallest)
    if len(edges) > bins + 1:
        tail = min(max(_TAIL, few / len(known)), 0.25)
        edges = np.unique(np.quantile(known, np.linspace(tail, 1 - tail, bins + 1), method="inverted_cdf"))
    elif len(edges) > 2:
        up_to = np.searchsorted(known, edges, side="right")
        down_to = len(known) - np.searchsorted(known, edges, side="left")
        inside = edges[(up_to >= few) & (down_to >= few)]
        edges = inside if len(inside) > 1 else edges
    if len(edges) < 2:
        return np.asarray(edges, dtype=np.float64)
    below = np.searchsorted(known, edges, side="right")
    below[0] = np.searchsorted(known, edges[0], side="left")
    kept = [0]
    for i in range(1, len(edges)):
        if below[i] - below[kept[-1]] >= smallest:
            kept.append(i)
    if kept[-1] != len(edges) - 1:  # what is left joins the last bin
        kept = [*(kept[:-1] if len(kept) > 1 else kept), len(edges) - 1]
    return np.asarray(edges[kept], dtype=np.float64)


def grid_weights(values: ArrayLike, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weight of each edge: half of the share of rows in either bin beside it; they add to 1.

    A curve less its weighted mean is centred as accumulated effects are (Apley & Zhu 2020).

    Examples
    --------
    >>> grid_weights([0.0, 0.5, 1.0, 2.0], np.array([0.0, 1.0, 2.0])).tolist()
    [0.375, 0.5, 0.125]
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[(known >= edges[0]) & (known <= edges[-1])]
    counts = np.bincount(bin_of(known, edges), minlength=len(edges) - 1)
    shares = counts / counts.sum()
    return np.asarray((np.append(0.0, shares) + np.append(shares, 0.0)) / 2)


def bin_of(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the bin of each value: above its lower edge up to its upper one; the lowest value is in the first."""
    return np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)


def curve_range(
    curve: Curve, scale: ArrayLike, *, level: float = 0.95, rng: np.random.Generator, draws: int = _DRAWS
) -> Range:
    """Return how far a curve reaches from its lowest to its highest point, with an interval that holds at all points at once.

    Which points are lowest and highest is read off the same rows. So the interval is made of those of all pairs of
    points, widened together by the multiplier bootstrap (Chernozhukov, Chetverikov & Kato 2013): its low end is the largest low end of
    a pair, its high end the largest high end. It is wide rather than too narrow. Several outputs are averaged.

    Parameters
    ----------
    curve : Curve
        With at least one output.
    scale : array_like of shape (k,)
        What the range of each output is divided by, for instance its spread over rows; taken as known.
    level : float
        Confidence level.
    rng : numpy.random.Generator
        For the multipliers.
    draws : int
        Of the bootstrap.

    Returns
    -------
    Range
        In units of `scale`.

    Examples
    --------
    >>> flat = Curve(np.arange(2), np.array([[-1.0], [1.0]]), np.zeros((9, 2, 1)), 2.0)
    >>> curve_range(flat, [4.0], rng=np.random.default_rng(0))
    Range(value=0.5, low=0.5, high=0.5)
    """
    g, k = curve.value.shape
    unit = np.broadcast_to(np.asarray(scale, dtype=np.float64), (k,))
    first, second = np.triu_indices(g, 1)
    if not len(first):
        return Range(0.0, 0.0, 0.0)
    apart = (curve.value[second] - curve.value[first]) / unit
    value = float(np.abs(apart).max(axis=0).mean())
    if curve.n < 2:
        return Range(value, 0.0, float("inf"))
    moved = curve.influence / unit
    cov = np.einsum("igk,ihk->ghk", moved - moved.mean(0), moved - moved.mean(0)) / (curve.n - 1) / curve.n
    diagonal = np.einsum("ggk->gk", cov)
    error = np.sqrt(np.maximum(diagonal[first] + diagonal[second] - 2 * cov[first, second], 0.0))
    error[error <= _EXACT * (np.abs(curve.value).max() / unit.min())] = 0.0
    if not error.any():
        return Range(value, value, value)
    xi = rng.standard_normal((draws, curve.n))
    noise = np.tensordot(xi, moved - moved.mean(0), axes=1) / curve.n
    largest = np.zeros(draws)
    for output in range(k):
        known = error[:, output] > 0
        if known.any():
            pulls = (
                np.abs(noise[:, second[known], output] - noise[:, first[known], output])
                / error[known, output]
            )
            largest = np.maximum(largest, pulls.max(axis=1))
    reach = float(np.quantile(largest, level)) * error
    low = np.maximum((np.abs(apart) - reach).max(axis=0), 0.0).mean()
    return Range(value, float(low), float((np.abs(apart) + reach).max(axis=0).mean()))
