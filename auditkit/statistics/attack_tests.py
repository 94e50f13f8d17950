"""Attack tests: whether an attack's figures could come from guessing, exact however few the rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from auditkit.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["auc_p_value", "tpr_p_value"]


def auc_p_value(scores: npt.ArrayLike, member: npt.ArrayLike) -> float:
    """Return the one-sided p-value of an AUC above 0.5: Mann and Whitney 1947, corrected for ties and continuity.

    Parameters
    ----------
    scores : array_like of shape (n,)
        Higher says member.
    member : array_like of bool, shape (n,)
        Who is one; both kinds present.

    Returns
    -------
    float
        1 where all scores are alike.

    Raises
    ------
    InputError
        If only one kind is there, or lengths differ.

    Examples
    --------
    >>> round(auc_p_value([0.9, 0.8, 0.7, 0.6, 0.2, 0.1], [True, True, True, False, False, False]), 3)
    0.05
    """
    values, inside = _checked(scores, member)
    if (values == values[0]).all():
        return 1.0
    few = min(inside.sum(), (~inside).sum()) <= 8 and np.unique(values).size == values.size
    method = "exact" if few else "asymptotic"
    found = stats.mannwhitneyu(values[inside], values[~inside], alternative="greater", method=method)
    return float(found.pvalue)


def tpr_p_value(found: int, members: int, others: int, fpr: float) -> float:
    """Return the one-sided p-value of a true positive rate at a low false positive rate, by shuffled membership.

    If who is a member were drawn by lot, the members ranked before the first ``floor(fpr * others) + 1`` others would
    follow the negative hypergeometric distribution: this sums its tail, where shuffling would draw from it. Tied scores
    stand or fall together, so that fewer members are counted, and the p-value errs upward.

    Parameters
    ----------
    found : int
        Members above the threshold.
    members, others : int
        How many there are.
    fpr : float
        The false positive rate asked for, in (0, 1).

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> round(tpr_p_value(2, 2, 2, 0.4), 6)  # both members come first: one of six orders
    0.166667
    """
    if not (0 <= found <= members and members >= 1 and others >= 1 and 0 < fpr < 1):
        raise InputError(
            f"expected 0 <= found <= members, others >= 1 and a rate between 0 and 1; got found={found}, "
            f"members={members}, others={others}, fpr={fpr}"
        )
    stop = min(math.floor(fpr * others * (1 + 1e-12)) + 1, others)
    tail = stats.nhypergeom.sf(found - 1, members + others, members, stop)
    return float(np.clip(tail, 0.0, 1.0))


def _checked(
    scores: npt.ArrayLike, member: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    values, inside = np.asarray(scores, dtype=np.float64), np.asarray(member, dtype=np.bool_)
    if values.ndim != 1 or values.shape != inside.shape or inside.all() or not inside.any():
        raise InputError(
            "scores and member are one a row, equally long, with members and others both present"
        )
    return values, inside
