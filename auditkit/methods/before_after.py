"""Before and after: the same records decided twice, counted by group, truth and both decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from auditkit.errors import InputError
from auditkit.methods.fairness import demographic_parity_difference, equalized_odds_difference

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["after", "balanced_accuracy", "before", "gap", "joint_counts"]


def joint_counts(
    groups: ArrayLike, n_groups: int, truth: ArrayLike, first: ArrayLike, second: ArrayLike
) -> NDArray[np.float64]:
    """Count the records of every group by truth, first and second decision, in one pass.

    Parameters
    ----------
    groups : array_like of int, shape (n,)
        From 0 to ``n_groups - 1``.
    n_groups : int
        Groups.
    truth, first, second : array_like of bool, shape (n,)
        Whether the label is positive, and whether each rule selects the record.

    Returns
    -------
    numpy.ndarray of float, shape (n_groups, 8)
        Column ``4 * truth + 2 * first + second``.

    Raises
    ------
    InputError
        If lengths differ or a value is not boolean.

    Examples
    --------
    >>> joint_counts([0, 0], 1, [True, False], [True, True], [False, True]).tolist()
    [[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]]
    """
    who = np.asarray(groups)
    flags = [np.asarray(part) for part in (truth, first, second)]
    for name, part in zip(("truth", "first", "second"), flags, strict=True):
        if part.dtype != np.bool_ or part.shape != who.shape:
            raise InputError(f"{name} must be {len(who)} booleans; got {part.dtype} of shape {part.shape}")
    cell = 8 * who + 4 * flags[0] + 2 * flags[1] + flags[2]
    return np.bincount(cell, minlength=8 * n_groups).reshape(n_groups, 8).astype(np.float64)


def before(cells: ArrayLike) -> NDArray[np.float64]:
    """Return counts tn, fp, fn, tp of the first decision, shape (..., groups, 4).

    Examples
    --------
    >>> before([[1, 2, 3, 4, 5, 6, 7, 8]]).tolist()
    [[3.0, 7.0, 11.0, 15.0]]
    """
    joint = np.asarray(cells, dtype=np.float64)
    summed: NDArray[np.float64] = joint.reshape(*joint.shape[:-1], 4, 2).sum(axis=-1)
    return summed


def after(cells: ArrayLike) -> NDArray[np.float64]:
    """Return counts tn, fp, fn, tp of the second decision, shape (..., groups, 4).

    Examples
    --------
    >>> after([[1, 2, 3, 4, 5, 6, 7, 8]]).tolist()
    [[4.0, 6.0, 12.0, 14.0]]
    """
    joint = np.asarray(cells, dtype=np.float64)
    summed: NDArray[np.float64] = joint.reshape(*joint.shape[:-1], 2, 2, 2).sum(axis=-2)
    return summed.reshape(*joint.shape[:-1], 4)


def gap(
    counts: ArrayLike, constraint: Literal["demographic_parity", "equalized_odds"]
) -> NDArray[np.float64]:
    """Return the difference that a constraint is about, of counts of shape (..., groups, 4).

    Examples
    --------
    >>> float(gap([[2, 2, 1, 3], [3, 1, 2, 2]], "demographic_parity"))
    0.25
    """
    if constraint == "demographic_parity":
        return demographic_parity_difference(counts)
    return equalized_odds_difference(counts)


def balanced_accuracy(counts: ArrayLike) -> NDArray[np.float64]:
    """Return the mean of true positive and true negative rate of all groups together.

    Parameters
    ----------
    counts : array_like of shape (..., groups, 4)
        Cells tn, fp, fn, tp.

    Returns
    -------
    numpy.ndarray of float, shape (...)
        ``nan`` where one of the labels does not occur.

    Examples
    --------
    >>> float(balanced_accuracy([[3, 1, 0, 2], [0, 0, 2, 0]]))
    0.625
    """
    tn, fp, fn, tp = np.moveaxis(np.asarray(counts, dtype=np.float64).sum(axis=-2), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((tp / (tp + fn) + tn / (tn + fp)) / 2)
