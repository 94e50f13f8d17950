"""Paired ROC: the same records ranked twice, and how far the two curves lie apart, in area or at one rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level, as_scores
from auditkit.statistics.intervals import Bounds
from auditkit.statistics.paired import paired_difference
from auditkit.statistics.roc import Auc, auc, share_below

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["AucDifference", "paired_auc_difference", "paired_tpr_bounds"]


@dataclass(frozen=True, slots=True)
class AucDifference:
    """The area of one ranking less that of another of the same records.

    Attributes
    ----------
    value, low, high : float
        First less second, and its interval.
    se : float
        DeLong's standard error of the difference; ``nan`` where a class has fewer than two rows.
    correlation : float
        Of the two areas over draws of records; 0 where one of them has no spread.
    first, second : Auc
        Either alone, at the same level.
    """

    value: float
    low: float
    high: float
    se: float
    correlation: float
    first: Auc
    second: Auc


def paired_auc_difference(
    first: npt.ArrayLike, second: npt.ArrayLike, labels: npt.ArrayLike, level: float = 0.95
) -> AucDifference:
    """Return the difference of two AUCs of the same records, with DeLong's covariance of the two.

    Variances and covariance are those of DeLong, DeLong and Clarke-Pearson 1988. The interval puts the two logit intervals
    together by their distances from the values, less what the correlation takes off (MOVER; Zou and Donner 2008, for
    estimates that are correlated): near an area of 1 Wald's interval would be too sure on one side. Of
    m = min(n_pos, n_neg) independent pairs, none of which one ranking orders otherwise than the other, the chance of
    ordering another pair otherwise is at most 1 - (alpha/2)**(1/m); no interval is ever narrower around 0 than that.

    Parameters
    ----------
    first, second : array_like, shape (rows,)
        Scores of the same rows, each on a scale of its own; higher says positive.
    labels : array_like, shape (rows,)
        0 or 1, or booleans.
    level : float
        Two-sided confidence level.

    Returns
    -------
    AucDifference
        Within [-1, 1]; value ``nan`` and [-1, 1] when a class has no rows.

    Raises
    ------
    InputError
        On nan scores, other labels, or unequal lengths.

    Examples
    --------
    >>> found = paired_auc_difference([0.1, 0.4, 0.35, 0.8], [0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1])
    >>> found.value, found.first.value, found.second.value
    (-0.25, 0.75, 1.0)
    """
    one, two, marks = np.asarray(first, dtype=float), np.asarray(second, dtype=float), np.asarray(labels)
    if one.shape != two.shape:
        raise InputError(
            f"both rankings must be of the same rows, got shapes {one.shape} and {two.shape}: give a score a row"
        )
    areas = auc(one, marks, level), auc(two, marks, level)
    was, now = areas
    if min(was.n_pos, was.n_neg) == 0:
        return AucDifference(math.nan, -1.0, 1.0, math.nan, 0.0, *areas)
    value = was.value - now.value
    if min(was.n_pos, was.n_neg) < 2:
        return AucDifference(value, -1.0, 1.0, math.nan, 0.0, *areas)
    covariance = _covariance(one, two, marks)
    spread = was.se * now.se
    correlation = min(max(covariance / spread, -1.0), 1.0) if spread > 0 else 0.0
    se = math.sqrt(max(was.se**2 + now.se**2 - 2 * covariance, 0.0))
    below = _joined(was.value - was.low, now.high - now.value, correlation)
    above = _joined(was.high - was.value, now.value - now.low, correlation)
    unseen = 1 - ((1 - as_level(level)) / 2) ** (1 / min(was.n_pos, was.n_neg))
    low, high = min(value - below, value - unseen * (se == 0)), max(value + above, value + unseen * (se == 0))
    return AucDifference(value, max(low, -1.0), min(high, 1.0), se, correlation, *areas)


def _joined(one: float, other: float, correlation: float) -> float:
    """Return the length of the difference of two distances that go together."""
    return math.sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0))


def _covariance(first: FloatArray, second: FloatArray, labels: npt.NDArray[np.generic]) -> float:
    """Return DeLong's covariance of the two areas, of components kept in the order of the rows."""
    positive = labels.astype(bool)
    above, beneath = [], []
    for scores in (first, second):
        positives, negatives = as_scores(scores, labels)
        above.append(share_below(scores[positive], negatives))
        beneath.append(share_below(scores[~positive], positives))
    m, n = len(above[0]), len(beneath[0])
    return float(np.cov(above)[0, 1] / m + np.cov(beneath)[0, 1] / n)


def paired_tpr_bounds(
    first: npt.ArrayLike, second: npt.ArrayLike, labels: npt.ArrayLike, fpr: float, level: float = 0.95
) -> Bounds:
    """Return the interval of the difference of two true positive rates of the same records, each at `fpr`.

    The thresholds are not known, only estimated from the negatives. So each is given an interval from their order statistics:
    how many negatives lie above the true one is binomial. The low end takes the highest threshold of the first ranking and the
    lowest of the second, the high end the other way, each with the paired interval of Bonett and Price 2012. Half of the
    error goes to the thresholds, half to the pairs, so the interval is wide rather than too sure.

    Parameters
    ----------
    first, second : array_like, shape (rows,)
        Scores of the same rows; higher says positive.
    labels : array_like, shape (rows,)
        0 or 1, or booleans; both present.
    fpr : float
        The false positive rate, in (0, 1).
    level : float
        Two-sided confidence level.

    Returns
    -------
    Bounds
        Of the rate by the first less the rate by the second, within [-1, 1].

    Raises
    ------
    InputError
        On nan scores, other labels, unequal lengths, one class only, or an impossible rate.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([1, 0], 1000)
    >>> noise = rng.normal(size=2000)
    >>> low, high = paired_tpr_bounds(noise + 3 * labels, noise, labels, 0.1)
    >>> bool(0.7 < low < 0.86 < high)
    True
    """
    one, two, marks = np.asarray(first, dtype=float), np.asarray(second, dtype=float), np.asarray(labels)
    if one.shape != two.shape or not 0.0 < fpr < 1.0:
        raise InputError(
            f"both rankings must be of the same rows and fpr in (0, 1); got {one.shape}, {two.shape}, {fpr!r}"
        )
    out = 1 - as_level(level)
    least, most = [], []
    for scores in (one, two):
        positives, negatives = as_scores(scores, marks)
        if not positives.size or not negatives.size:
            raise InputError("both classes need rows: type a table with members and others")
        few, many = (int(k) for k in stats.binom.ppf([out / 8, 1 - out / 8], negatives.size, fpr))
        own, falling = scores[marks.astype(bool)], negatives[::-1]
        least.append(own > falling[few - 1] if few else np.zeros(own.size, dtype=bool))
        most.append(own >= falling[many] if many < falling.size else np.ones(own.size, dtype=bool))
    low = paired_difference(*_turned(least[0], most[1]), level=1 - out / 2).low
    high = paired_difference(*_turned(most[0], least[1]), level=1 - out / 2).high
    return Bounds(low, high)


def _turned(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> tuple[int, int, int]:
    return int((first & ~second).sum()), int((~first & second).sum()), first.size
