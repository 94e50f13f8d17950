"""Small cells: counts so low that a table would tell about persons, and the others that would give them away by subtraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Suppressed", "suppress_small_cells"]


@dataclass(frozen=True, eq=False, slots=True)
class Suppressed:
    """A table of counts that may be shown.

    Attributes
    ----------
    counts : ndarray of float
        The counts; ``nan`` where one is withheld.
    small : ndarray of bool
        Withheld because the count is above 0 and below the threshold (primary suppression).
    complementary : ndarray of bool
        Withheld because the total of its row or column would otherwise give a small count away.
    totals_to_withhold : tuple of (int, int)
        Totals that still give one away, as axis (0: a row, 1: a column) and place: no other cell is left to withhold.
    """

    counts: NDArray[np.float64]
    small: NDArray[np.bool_]
    complementary: NDArray[np.bool_]
    totals_to_withhold: tuple[tuple[int, int], ...]


def suppress_small_cells(counts: ArrayLike, *, threshold: int = 5, totals: bool = True) -> Suppressed:
    """Withhold counts below a threshold and, where totals are shown, enough others that subtraction does not bring them back.

    A row or column is safe when what it withholds is nothing, or at least two cells that together reach the threshold.
    In others the smallest count above 0 is withheld too, one that helps its other line as well if there is one, until all are
    safe. The choice is greedy: not the fewest cells there could be.

    It holds against subtraction within a row or column. It does not hold against somebody who solves for all cells at once,
    or has another table of the same records. Counts of 0 are shown unless needed as cover.

    Parameters
    ----------
    counts : array_like of shape (columns,) or (rows, columns)
        Whole numbers of at least 0. One dimension is a single row with its total.
    threshold : int
        Smallest count that may be shown; at least 2.
    totals : bool
        Whether totals of rows and columns are shown or known.

    Returns
    -------
    Suppressed

    Raises
    ------
    InputError
        If counts are no whole numbers, have more than two dimensions, or the threshold is below 2.

    References
    ----------
    Hundepool et al. 2012, "Statistical Disclosure Control", chapter 4.

    Examples
    --------
    >>> suppress_small_cells([40, 2, 9, 0]).counts.tolist()
    [40.0, nan, nan, 0.0]
    """
    given = np.asarray(counts, dtype=np.float64)
    if given.ndim not in (1, 2) or not (np.isfinite(given) & (given >= 0) & (given == np.floor(given))).all():
        raise InputError(
            f"counts must be whole numbers of at least 0 in a row or a table, got shape {given.shape}"
        )
    if threshold < 2:
        raise InputError(f"threshold must be at least 2, got {threshold}: with 1 nothing is withheld")
    table = np.atleast_2d(given)
    small = (table > 0) & (table < threshold)
    hidden = small.copy()
    axes = () if not totals else (0,) if given.ndim == 1 else (0, 1)
    while _cover_one(table, hidden, threshold, axes):
        pass
    left = tuple((axis, place) for axis in axes for place in _unsafe(table, hidden, threshold, axis))
    shown = np.where(hidden, np.nan, table)
    return Suppressed(
        shown.reshape(given.shape),
        small.reshape(given.shape),
        (hidden & ~small).reshape(given.shape),
        left,
    )


def _unsafe(table: NDArray[np.float64], hidden: NDArray[np.bool_], threshold: int, axis: int) -> list[int]:
    """Return the rows (axis 0) or columns (axis 1) whose total gives a withheld count away, exactly or to a few."""
    along = 1 - axis
    cells, records = hidden.sum(axis=along), np.where(hidden, table, 0.0).sum(axis=along)
    return np.flatnonzero((cells > 0) & ((cells < 2) | (records < threshold))).tolist()


def _cover_one(
    table: NDArray[np.float64], hidden: NDArray[np.bool_], threshold: int, axes: tuple[int, ...]
) -> bool:
    """Withhold one more cell of the first unsafe line that has one left; say whether there was any."""
    unsafe = {axis: _unsafe(table, hidden, threshold, axis) for axis in axes}
    for axis in axes:
        across = set(unsafe.get(1 - axis, ()))
        for place in unsafe[axis]:
            line = table[place] if axis == 0 else table[:, place]
            free = np.flatnonzero(~(hidden[place] if axis == 0 else hidden[:, place])).tolist()
            if free:
                chosen = min(free, key=lambda i: (line[i] == 0, i not in across, line[i], i))
                hidden[(place, chosen) if axis == 0 else (chosen, place)] = True
                return True
    return False
