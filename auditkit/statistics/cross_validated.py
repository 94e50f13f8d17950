"""Cross-validated figures: how well predictions made out of fold do, with intervals over the rows.

A prediction made without a row's own fold may be compared with other rows of that fold only: across folds, a fold with more
positives leaves fewer to train on, and pooled scores then look worse than chance where there is nothing to predict.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level, normal_quantile
from auditkit.statistics.roc import Auc

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Explained", "cross_validated_auc", "cross_validated_r2"]

_SHARED = 2.0  # each pair of folds is used twice, once in either direction


class Explained(NamedTuple):
    """Share of a variance that predictions account for, with its interval; at most 1, below 0 for useless ones."""

    value: float
    low: float
    high: float
    se: float
    n: int


def cross_validated_auc(
    scores: npt.ArrayLike,
    positives: npt.ArrayLike,
    negatives: npt.ArrayLike,
    folds: npt.ArrayLike,
    level: float = 0.95,
) -> Auc:
    """Return the AUC within folds, averaged, with an interval over rows.

    Within a fold the scores come from one model that has not seen its rows, so DeLong's components (1988) hold there; their
    variances are pooled over folds, as in LeDell, Petersen and van der Laan 2015 ("Computationally efficient confidence
    intervals for cross-validated area under the ROC curve estimates", Electronic Journal of Statistics 9). A fold counts by its
    pairs of a positive and a negative. Their variance takes folds as independent. Where there is little to learn they are not: the chance
    likeness of two folds shows in the predictions of both, and counts twice. The variance is therefore doubled, which is what it is for a
    linear predictor without any signal; with a strong signal the interval is too wide by up to 1.4. The interval is symmetric on the logit scale and never narrower towards
    0 or 1 than the rows allow, as that of `auditkit.statistics.auc`.

    Parameters
    ----------
    scores : array_like, shape (cells,)
        Finite; higher says positive. One cell a row, or one for all rows of a fold with the same score.
    positives, negatives : array_like, shape (cells,)
        Rows of each class in the cell; for single rows ``labels`` and ``1 - labels``.
    folds : array_like of int, shape (cells,)
        Fold of each cell, from 0.
    level : float
        Two-sided confidence level.

    Returns
    -------
    Auc
        Value ``nan`` and [0, 1] when no fold holds both classes.

    Raises
    ------
    InputError
        If shapes differ, a score is not finite, or a count is negative.

    Examples
    --------
    >>> found = cross_validated_auc([1, 2, 3, 4], [0, 1, 0, 1], [1, 0, 1, 0], [0, 0, 1, 1])
    >>> found.value, found.n_pos
    (1.0, 2)
    """
    values, pos, neg = (np.asarray(part, dtype=float) for part in (scores, positives, negatives))
    at = np.asarray(folds)
    if not values.shape == pos.shape == neg.shape == at.shape or values.ndim != 1:
        raise InputError("scores, positives, negatives and folds must be one-dimensional and equally long")
    if not np.isfinite(values).all() or (pos < 0).any() or (neg < 0).any():
        raise InputError("scores must be finite, and counts of 0 or more")
    tail = (1 - as_level(level)) / 2
    parts = []
    for fold in np.unique(at):
        inside = at == fold
        if pos[inside].sum() and neg[inside].sum():
            parts.append(_components(values[inside], pos[inside], neg[inside]))
    m, n = int(pos.sum()), int(neg.sum())
    if not parts:
        return Auc(math.nan, 0.0, 1.0, math.nan, m, n)
    area, above, below, ups, downs = np.array(parts).T
    weight = ups * downs / (ups * downs).sum()
    value = float(weight @ area)
    free_up, free_down = (ups - 1).sum(), (downs - 1).sum()
    if free_up < 1 or free_down < 1:
        return Auc(value, 0.0, 1.0, math.nan, m, n)
    variance = (weight**2) @ (above.sum() / free_up / ups + below.sum() / free_down / downs)
    se = math.sqrt(_SHARED * variance)
    unseen = 1 - tail ** (1 / min(ups.sum(), downs.sum()))
    low, high = _ends(value, se, normal_quantile(level))
    return Auc(value, min(low, 1 - unseen), max(high, unseen), se, m, n)


def _components(scores: FloatArray, pos: FloatArray, neg: FloatArray) -> tuple[float, ...]:
    """Return the AUC, the sums of squares of DeLong's two components, and the counts of both classes."""
    places = np.unique(scores, return_inverse=True)[1]
    ups, downs = np.bincount(places, weights=pos), np.bincount(places, weights=neg)
    m, n = float(ups.sum()), float(downs.sum())
    above = (np.cumsum(downs) - downs / 2) / n
    below = 1 - (np.cumsum(ups) - ups / 2) / m
    area = float(ups @ above / m)
    return area, float(ups @ (above - area) ** 2), float(downs @ (below - area) ** 2), m, n


def _ends(value: float, se: float, z: float) -> tuple[float, float]:
    if value <= 0.0 or value >= 1.0 or se == 0.0:
        return value, value
    centre, half = math.log(value / (1 - value)), z * se / (value * (1 - value))
    return float(special.expit(centre - half)), float(special.expit(centre + half))


def cross_validated_r2(
    errors: npt.ArrayLike, baseline_errors: npt.ArrayLike, level: float = 0.95
) -> Explained:
    """Return by how much predictions made out of fold reduce the squared error of the training mean.

    Parameters
    ----------
    errors : array_like, shape (rows,)
        What was observed less what was predicted.
    baseline_errors : array_like, shape (rows,)
        What was observed less the mean of the rows the prediction was trained on.
    level : float
        Two-sided confidence level.

    Returns
    -------
    Explained
        One less the ratio of the sums of squares, with the delta method's interval over rows; ``nan`` where there is
        nothing to explain.

    Raises
    ------
    InputError
        If shapes differ or a value is not finite.

    Examples
    --------
    >>> cross_validated_r2([0.5, -0.5, 0.5], [1.0, -1.0, 1.0]).value
    0.75
    """
    e, d = np.asarray(errors, dtype=float), np.asarray(baseline_errors, dtype=float)
    if e.shape != d.shape or e.ndim != 1 or not np.isfinite(e).all() or not np.isfinite(d).all():
        raise InputError("errors and baseline_errors must be finite, one-dimensional and equally long")
    n, spread = e.size, float(np.mean(d * d)) if e.size else 0.0
    if n < 3 or spread == 0.0:
        return Explained(math.nan, math.nan, math.nan, math.nan, n)
    value = 1 - float(np.mean(e * e)) / spread
    influence = e * e - (1 - value) * d * d
    se = float(np.std(influence, ddof=1)) / (math.sqrt(n) * spread)
    half = normal_quantile(level) * se
    return Explained(value, value - half, min(value + half, 1.0), se, n)
