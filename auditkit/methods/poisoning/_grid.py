"""Grid: the values of a feature that a pattern may set, and what stands beside each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Grid", "grid_of"]

_CUTS = 11  # quantiles of a number of many values
_MOST = 40  # values of a feature
_STEP = 0.25  # spreads (interquartile range / 1.349) that count as next to a number


@dataclass(frozen=True, eq=False)
class Grid:
    """Values of one feature that a pattern may set.

    Attributes
    ----------
    values : ndarray of float, shape (m,)
        Numbers in order, or codes of categories; last ``nan`` where rows miss the value.
    coded : bool
        Whether they are codes, of which none is nearer than another.
    step : float
        Of numbers, how far from one a value still counts as next to it; 0 where the values beside it are as near.
    low, high : float
        Ends of what the column can hold.
    """

    values: Floats
    coded: bool
    step: float = 0.0
    low: float = -np.inf
    high: float = np.inf

    def cells(self, column: Floats) -> NDArray[np.intp]:
        """Return at which value each row stands, the nearest of numbers; -1 where at none."""
        known = self.values[np.isfinite(self.values)]
        found = np.full(len(column), -1, dtype=np.intp)
        there = np.isfinite(column)
        if len(known):
            if self.coded:
                at = np.minimum(np.searchsorted(known, column[there]), len(known) - 1)
                found[there] = np.where(known[at] == column[there], at, -1)
            else:
                found[there] = np.searchsorted((known[1:] + known[:-1]) / 2, column[there], side="right")
        if len(known) < len(self.values):
            found[~there] = len(known)
        return found

    def beside(self, at: int) -> list[int]:
        """Return the places of the values next to one: all others of a category or of a missing value."""
        n = int(np.isfinite(self.values).sum())
        if self.coded or at >= n:
            return [i for i in range(len(self.values)) if i != at]
        return [i for i in (at - 1, at + 1) if 0 <= i < n]

    def values_beside(self, at: int) -> list[float]:
        """Return the values beside one, and of numbers those a step away."""
        value = float(self.values[at])
        near = [value - self.step, value + self.step] if self.step and np.isfinite(value) else []
        return [float(self.values[i]) for i in self.beside(at)] + [
            v for v in near if self.low <= v <= self.high
        ]

    def best_beside(self, success: Floats, axis: int) -> Floats:
        """Return the largest success among the values beside each along an axis; 0 where nothing stands there.

        It is infinite at the ends of numbers: what lies beyond was not asked, so that nothing there stands alone.
        """
        S = np.moveaxis(success, axis, 0)
        found = np.zeros_like(S)
        for i in range(len(S)):
            other = self.beside(i)
            if other:
                found[i] = S[other].max(axis=0)
        n = int(np.isfinite(self.values).sum())
        if not self.coded and n:
            found[[0, n - 1]] = np.inf
        return np.moveaxis(found, 0, axis)


def grid_of(
    column: Floats, *, coded: bool, whole: bool, low: float, high: float, rng: np.random.Generator
) -> Grid:
    """Return the values to try of one feature.

    All categories up to 40, else 40 drawn; all whole numbers from one below the least to one above the greatest where these are at
    most 40, else quantiles from the 1st to the 99th percentile, and one and ten times their width outside on either side.

    Parameters
    ----------
    column : ndarray of float, shape (n,)
        Values in the data.
    coded, whole : bool
        Whether they are codes, or whole numbers.
    low, high : float
        Ends of what the column can hold.
    rng : numpy.random.Generator
        Which categories, of too many.
    """
    seen = column[np.isfinite(column)]
    missing = np.array([np.nan]) if len(seen) < len(column) else np.empty(0)
    if not len(seen):
        return Grid(missing, coded)
    distinct = np.unique(seen)
    if coded:
        if len(distinct) > _MOST:
            distinct = np.sort(rng.choice(distinct, _MOST, replace=False))
        return Grid(np.concatenate([distinct, missing]), coded=True)
    if whole and distinct[-1] - distinct[0] <= _MOST - 3:
        values, step = np.arange(distinct[0] - 1, distinct[-1] + 2), 0.0
    else:
        # the least and the greatest value are somebody's: a pattern that is named in a report holds neither
        inside = distinct if len(distinct) <= _CUTS else np.quantile(seen, np.linspace(0.01, 0.99, _CUTS))
        width = max(float(inside[-1] - inside[0]), 1.0 if whole else 1e-3)
        outside = [inside[0] - 10 * width, inside[0] - width, inside[-1] + width, inside[-1] + 10 * width]
        values = np.concatenate([inside, outside])
        values = np.rint(values) if whole else values
        step = _STEP * (np.subtract(*np.quantile(seen, [0.75, 0.25])) / 1.349 or float(seen.std()))
        step = max(round(step), 1) if whole else step
    values = np.unique(np.clip(values, low, high))
    return Grid(np.concatenate([values, missing]), coded=False, step=float(step), low=low, high=high)
