"""Threshold sweep: who would be selected at every threshold, counted once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods.groups import scored_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["threshold_counts", "threshold_grid"]


def threshold_grid(scores: ArrayLike, points: int, include: tuple[float, ...] = ()) -> NDArray[np.float64]:
    """Return thresholds that select evenly spaced shares of the records, from all of them to the highest score alone.

    Parameters
    ----------
    scores : array_like of shape (n,)
        Finite numbers.
    points : int
        Thresholds at most, at least 2; fewer where scores are tied.
    include : tuple of float
        Further thresholds, left out where they lie outside the scores.

    Returns
    -------
    numpy.ndarray of float, shape (thresholds,)
        Distinct and ascending; but for `include` each is one of the scores.

    Raises
    ------
    InputError
        If there is no score, one is not finite, or there are fewer than 2 points.

    Examples
    --------
    >>> threshold_grid([0.1, 0.2, 0.3, 0.9], 4).tolist()
    [0.1, 0.2, 0.3, 0.9]
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all() or points < 2:
        raise InputError(
            f"a grid needs finite scores, one a record, and 2 points or more; got {values.shape}, {points}"
        )
    grid = np.quantile(values, np.linspace(0, 1, points), method="higher")
    more = [value for value in include if grid[0] <= value <= grid[-1]]
    return np.unique(np.concatenate([grid, more]))


def threshold_counts(
    scores: ArrayLike,
    group_codes: ArrayLike,
    n_groups: int,
    grid: ArrayLike,
    positive: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Count who scores at or above each threshold, by group and true label, in one pass over the records.

    Every rate of every group at every threshold follows from these counts, also with another threshold for each group.

    Parameters
    ----------
    scores : array_like of shape (n,)
        Finite numbers.
    group_codes : array_like of int, shape (n,)
        Group of each record, from 0 to ``n_groups - 1``.
    n_groups : int
        Number of groups.
    grid : array_like of shape (thresholds,)
        Ascending thresholds. A record is selected where ``score >= threshold``.
    positive : array_like of bool, shape (n,), optional
        Who is truly positive; without it all records count as negative.

    sample_weight : array_like of shape (n,), optional
        At least 0; sums of weights are then returned in place of counts.

    Returns
    -------
    selected : numpy.ndarray of int (float with weights), shape (thresholds, n_groups, 2)
        Selected records, truly negative and truly positive.
    totals : numpy.ndarray of int (float with weights), shape (n_groups, 2)
        All records, likewise.

    Raises
    ------
    InputError
        If lengths differ, a score is not finite, codes are out of range, or the grid does not ascend.

    Examples
    --------
    >>> selected, totals = threshold_counts([0.2, 0.8, 0.5], [0, 0, 1], 2, [0.5, 0.8], [False, True, True])
    >>> selected.tolist(), totals.tolist()
    ([[[0, 1], [0, 1]], [[0, 1], [0, 0]]], [[1, 1], [0, 1]])
    """
    values, codes, truth, weights = scored_rows(scores, group_codes, n_groups, positive, sample_weight)
    cuts = np.asarray(grid, dtype=np.float64)
    if cuts.ndim != 1 or cuts.size == 0 or not (np.diff(cuts) > 0).all():
        raise InputError("thresholds must ascend, at least one")
    reached = np.searchsorted(cuts, values, side="right")  # how many thresholds a record meets
    place = (codes * (cuts.size + 1) + reached) * 2 + truth
    cells = np.bincount(place, weights, minlength=n_groups * (cuts.size + 1) * 2)
    counted = cells.reshape(n_groups, cuts.size + 1, 2)
    met = np.cumsum(counted[:, ::-1], axis=1)[:, ::-1]
    return np.moveaxis(met[:, 1:], 1, 0), met[:, 0]
