"""ROC: how well a score tells two classes apart, overall and where false positives are rare.

Positives are labelled 1 (members, in a membership attack); a higher score says "positive". Only ranks matter, and
rows with the same score stand or fall together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level, as_scores, normal_quantile
from auditkit.statistics.intervals import clopper_pearson

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Auc", "Operating", "Roc", "auc", "roc_curve", "tpr_at_fpr"]


@dataclass(frozen=True, slots=True)
class Auc:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counted half.

    Attributes
    ----------
    value, low, high, se : float
        The area, its interval and standard error.
    n_pos, n_neg : int
        Rows of each class.
    pairs : float
        Independent positive-negative pairs the rows hold: those of the smaller class, as many as they are worth.
    df : float
        Degrees of freedom of the standard error; infinite where it is taken as known.
    """

    value: float
    low: float
    high: float
    se: float
    n_pos: int
    n_neg: int
    pairs: float = math.nan
    df: float = math.inf


@dataclass(frozen=True, slots=True)
class Operating:
    """One point of a ROC curve.

    Attributes
    ----------
    tpr, low, high : float
        Rate of positives at or above the threshold and its exact interval; ``nan`` when not resolvable.
    threshold : float
        A row is called positive when its score is at least this.
    achieved_fpr : float
        Rate of negatives at or above the threshold; at most the rate asked for.
    n_pos, n_neg : int
        Rows of each class.
    resolvable : bool
        Whether the data can say anything at the rate asked for.
    reason : str
        Why not; empty otherwise.
    fpr_low, fpr_high : float
        Exact interval of the false positive rate at the threshold.
    """

    tpr: float
    low: float
    high: float
    threshold: float
    achieved_fpr: float
    n_pos: int
    n_neg: int
    resolvable: bool
    reason: str = ""
    fpr_low: float = math.nan
    fpr_high: float = math.nan


class Roc(NamedTuple):
    """Points of a ROC curve from (0, 0) to (1, 1); the first threshold is infinite."""

    fpr: FloatArray
    tpr: FloatArray
    thresholds: FloatArray


def auc(scores: npt.ArrayLike, labels: npt.ArrayLike, level: float = 0.95) -> Auc:
    """Return the AUC with DeLong's standard error (DeLong et al. 1988) in O(n log n) (Sun and Xu 2014).

    The interval is symmetric on the logit scale, so it stays within [0, 1]. At an AUC of 0 or 1, or with all scores equal,
    DeLong's variance is 0 and would claim certainty. The rows then hold m = min(n_pos, n_neg) independent
    positive-negative pairs that all fell the same way, so the chance of falling another way is at most
    1 - (alpha/2)**(1/m), exactly; no interval is ever narrower towards 0 or 1 than that.

    Parameters
    ----------
    scores : array_like, shape (rows,)
        Higher says positive; infinities are allowed, nan is not.
    labels : array_like, shape (rows,)
        0 or 1, or booleans.
    level : float
        Two-sided confidence level.

    Returns
    -------
    Auc
        Value ``nan`` and [0, 1] when a class has no rows; [0, 1] when one has a single row.

    Raises
    ------
    InputError
        On nan scores, other labels, or unequal lengths.

    Examples
    --------
    >>> result = auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    >>> result.value, result.n_pos
    (0.75, 2)
    """
    positives, negatives = as_scores(scores, labels)
    m, n = positives.size, negatives.size
    tail = (1 - as_level(level)) / 2
    if m == 0 or n == 0:
        return Auc(math.nan, 0.0, 1.0, math.nan, m, n)
    above = share_below(positives, negatives)
    value = float(above.mean())
    if min(m, n) < 2:
        return Auc(value, 0.0, 1.0, math.nan, m, n)
    beneath = 1 - share_below(negatives, positives)
    se = math.sqrt(above.var(ddof=1) / m + beneath.var(ddof=1) / n)
    unseen = 1 - tail ** (1 / min(m, n))
    low, high = logit_interval(value, se, unseen, normal_quantile(level))
    return Auc(value, min(low, 1 - unseen), max(high, unseen), se, m, n, min(m, n))


def share_below(values: FloatArray, others: FloatArray) -> FloatArray:
    """Return for each value the share of `others` (sorted) below it, ties counted half: DeLong's components."""
    left, right = np.searchsorted(others, values, "left"), np.searchsorted(others, values, "right")
    return np.asarray((left + right) / (2 * others.size), dtype=float)


def logit_interval(value: float, se: float, unseen: float, z: float) -> tuple[float, float]:
    """Return the ends of an AUC on the logit scale; `unseen` is the chance of what no pair of rows showed."""
    if value in {0.0, 1.0}:
        return value, value
    if se == 0.0:
        return value - unseen / 2, value + unseen / 2
    centre, half = math.log(value / (1 - value)), z * se / (value * (1 - value))
    return _expit(centre - half), _expit(centre + half)


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def tpr_at_fpr(scores: npt.ArrayLike, labels: npt.ArrayLike, fpr: float, level: float = 0.95) -> Operating:
    """Return the true positive rate at the lowest threshold whose false positive rate is at most `fpr`.

    The threshold is the lowest score above the (k+1)-th highest negative, k = floor(fpr * n_neg): it depends on the negatives
    alone, so the exact interval (Clopper and Pearson 1934) of the positives holds at this threshold. Which threshold has
    exactly `fpr` in the population is in doubt too, most of all where `fpr * n_neg` is a handful: the interval of the
    achieved rate says how much. Quote both, or "TPR at an estimated FPR of".

    Parameters
    ----------
    scores : array_like, shape (rows,)
        Higher says positive; infinities are allowed, nan is not.
    labels : array_like, shape (rows,)
        0 or 1, or booleans.
    fpr : float
        The false positive rate asked for, in (0, 1].
    level : float
        Two-sided confidence level.

    Returns
    -------
    Operating
        Not resolvable, with ``nan`` and the reason, when a class has no rows, when `fpr` is below 1 / n_neg, or when the
        rows that share the highest score already hold more negatives than `fpr` allows. Never 0 for these.

    Raises
    ------
    InputError
        On nan scores, other labels, unequal lengths, or an `fpr` outside (0, 1].

    Examples
    --------
    >>> point = tpr_at_fpr([9, 8, 7, 6, 5, 4], [1, 1, 0, 1, 0, 0], fpr=0.34)
    >>> point.tpr, point.threshold, round(point.achieved_fpr, 3)
    (1.0, 6.0, 0.333)
    >>> tpr_at_fpr([1, 1, 0], [1, 0, 0], fpr=0.1).reason
    'the smallest false positive rate 2 negatives can resolve is 0.5; 0.1 was asked'
    """
    if not 0.0 < fpr <= 1.0:
        raise InputError(f"fpr must lie in (0, 1], got {fpr!r}: type fpr=0.01")
    as_level(level)
    positives, negatives = as_scores(scores, labels)
    m, n = positives.size, negatives.size
    allowed = math.floor(fpr * n + 1e-9)
    reason = _unresolvable(positives, negatives, fpr, allowed)
    if reason:
        return Operating(
            math.nan, math.nan, math.nan, math.nan, math.nan, m, n, resolvable=False, reason=reason
        )
    cutoff = -math.inf if allowed >= n else negatives[n - allowed - 1]
    # with every negative allowed all rows are flagged, also those of an infinitely low score
    side: Literal["left", "right"] = "left" if allowed >= n else "right"
    found_pos, found_neg = (part[np.searchsorted(part, cutoff, side) :] for part in (positives, negatives))
    threshold = min(part[0] for part in (found_pos, found_neg) if part.size)
    low, high = clopper_pearson([found_pos.size, found_neg.size], [m, n], level)
    return Operating(
        found_pos.size / m,
        float(low[0]),
        float(high[0]),
        float(threshold),
        found_neg.size / n,
        m,
        n,
        resolvable=True,
        fpr_low=float(low[1]),
        fpr_high=float(high[1]),
    )


def _unresolvable(positives: FloatArray, negatives: FloatArray, fpr: float, allowed: int) -> str:
    """Return why no threshold answers, or nothing."""
    m, n = positives.size, negatives.size
    if m == 0 or n == 0:
        return f"both classes need rows, got {m} positives and {n} negatives"
    if allowed < 1:
        return f"the smallest false positive rate {n} negatives can resolve is {1 / n:.3g}; {fpr:g} was asked"
    top = max(positives[-1], negatives[-1])
    tied = n - int(np.searchsorted(negatives, top, "left"))
    if tied > allowed:
        return (
            f"{tied} of {n} negatives share the highest score, a false positive rate of {tied / n:.3g} at the least; "
            f"{fpr:g} was asked"
        )
    return ""


def roc_curve(scores: npt.ArrayLike, labels: npt.ArrayLike, max_points: int = 512) -> Roc:
    """Return the ROC curve, thinned to points that look right on linear and on log-log axes.

    Every point returned is a point of the full curve: thinning drops points and moves none.

    Parameters
    ----------
    scores : array_like, shape (rows,)
        Higher says positive; infinities are allowed, nan is not.
    labels : array_like, shape (rows,)
        0 or 1, or booleans; both present.
    max_points : int
        At most so many points; at least 16.

    Returns
    -------
    Roc
        Non-decreasing `fpr` and `tpr`, decreasing `thresholds`.

    Raises
    ------
    InputError
        On nan scores, other labels, unequal lengths, one class only, or fewer than 16 points.

    Examples
    --------
    >>> curve = roc_curve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    >>> curve.fpr.tolist(), curve.tpr.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    positives, negatives = as_scores(scores, labels)
    m, n = positives.size, negatives.size
    if m == 0 or n == 0 or max_points < 16:
        raise InputError(
            f"a ROC curve needs both classes (got {m} and {n} rows) and max_points of at least 16"
        )
    distinct = np.unique(np.concatenate([positives, negatives]))[::-1]
    fpr = np.concatenate([[0.0], 1 - np.searchsorted(negatives, distinct, "left") / n])
    tpr = np.concatenate([[0.0], 1 - np.searchsorted(positives, distinct, "left") / m])
    keep = _thinned(fpr, tpr, max_points)
    return Roc(fpr[keep], tpr[keep], np.concatenate([[np.inf], distinct])[keep])


def _thinned(fpr: FloatArray, tpr: FloatArray, max_points: int) -> npt.NDArray[np.intp]:
    """Return places of at most `max_points` points: even steps along either axis, linear and logarithmic."""
    last = fpr.size - 1
    if fpr.size <= max_points:
        return np.arange(fpr.size)
    share = (max_points - 2) // 4
    chosen = [np.array([0, last])]
    for rate in (fpr, tpr):
        least = rate[rate > 0].min()
        steps = (np.linspace(0, 1, share), np.geomspace(least, 1, share))
        chosen.extend(np.minimum(np.searchsorted(rate, targets), last) for targets in steps)
    return np.unique(np.concatenate(chosen))
