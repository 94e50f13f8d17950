"""Ranking: how well scores order the rows of each group, and how far the groups lie apart in it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level, as_scores, normal_quantile
from auditkit.statistics.gaps import Gap, range_critical
from auditkit.statistics.roc import Auc, auc, logit_interval
from auditkit.statistics.weighted import kish_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["largest_auc_gap", "simultaneous_level", "weighted_auc"]


def weighted_auc(
    scores: npt.ArrayLike, labels: npt.ArrayLike, weights: npt.ArrayLike, level: float = 0.95
) -> Auc:
    """Return the weighted AUC with DeLong's standard error by linearisation.

    Parameters
    ----------
    scores, labels : array_like, shape (rows,)
        As in `auditkit.statistics.auc`.
    weights : array_like, shape (rows,)
        At least 0. Rows of weight 0 do not count.
    level : float
        Two-sided confidence level.

    Returns
    -------
    Auc
        The value is scikit-learn's with ``sample_weight``; with equal weights all is that of `auc`.

    Raises
    ------
    InputError
        On nan scores, other labels, negative weights, or unequal lengths.

    Examples
    --------
    >>> weighted_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], [1, 3, 1, 1]).value
    0.625
    """
    w = np.asarray(weights, dtype=float)
    values, marks = np.asarray(scores, dtype=float), np.asarray(labels)
    if w.shape != values.shape or not (np.isfinite(w) & (w >= 0)).all():
        raise InputError(f"weights must be one number of at least 0 a row, got shape {w.shape}")
    kept = w > 0
    values, marks, w = values[kept], marks[kept], w[kept]
    as_scores(values, marks)
    positive = marks.astype(bool)
    m, n = int(positive.sum()), int((~positive).sum())
    if not m or not n:
        return auc(values, marks, level)
    sides = [(values[side], w[side]) for side in (positive, ~positive)]
    above = _share_below(*sides[0][:1], *sides[1])
    beneath = 1 - _share_below(*sides[1][:1], *sides[0])
    value = float(np.average(above, weights=sides[0][1]))
    if min(m, n) < 2:
        return Auc(value, 0.0, 1.0, math.nan, m, n)
    variance = 0.0
    for part, (_, own) in zip((above, beneath), sides, strict=True):
        variance += float((own**2 * (part - value) ** 2).sum() / own.sum() ** 2) * own.size / (own.size - 1)
    worth = min(kish_size(own) for _, own in sides)
    unseen = 1 - ((1 - as_level(level)) / 2) ** (1 / worth)
    se = math.sqrt(variance)
    low, high = logit_interval(value, se, unseen, normal_quantile(level))
    return Auc(value, min(low, 1 - unseen), max(high, unseen), se, m, n)


def _share_below(values: FloatArray, others: FloatArray, weights: FloatArray) -> FloatArray:
    """Return for each value the weight of `others` below it, ties counted half, as a share."""
    order = np.argsort(others, kind="stable")
    ranked = others[order]
    mass = np.concatenate([[0.0], np.cumsum(weights[order])])
    left, right = (mass[np.searchsorted(ranked, values, side)] for side in ("left", "right"))
    return np.asarray((left + right) / (2 * mass[-1]), dtype=float)


def simultaneous_level(level: float, groups: int) -> float:
    """Return the level of each group's interval that all pairs at once need, by the studentised range."""
    return float(2 * special.ndtr(range_critical(as_level(level), groups)) - 1)


def largest_auc_gap(found: Sequence[Auc], level: float = 0.95) -> Gap:
    """Return the largest difference of AUC between independent groups, with an interval that survives the picking.

    Each group's interval (DeLong on the logit scale) squared and added for all pairs. The p-value is of the weighted
    heterogeneity of the logits (Cochran's Q).

    Parameters
    ----------
    found : sequence of Auc
        One a group, their intervals at `simultaneous_level` of the number of groups with a value.
    level : float
        Simultaneous confidence level.

    Returns
    -------
    Gap
        Groups without a value are left out, and `note` says how many; ``nan`` below two.

    Examples
    --------
    >>> labels = [0, 1] * 50
    >>> one, two = np.arange(100) * 1.0, np.arange(100) + np.tile([0, 40], 50)
    >>> gap = largest_auc_gap([auc(s, labels) for s in (one, two)])
    >>> round(gap.value, 3), gap.lowest_index, gap.low > 0
    (0.316, 0, True)
    """
    kept = np.array([i for i, one in enumerate(found) if not math.isnan(one.value)], dtype=int)
    method = f"delong, square-and-add, {kept.size} groups"
    out = len(found) - kept.size
    note = f"{out} of {len(found)} groups left out: one class only. " if out else ""
    if kept.size < 2:
        note += f"A gap needs at least two groups with both classes, got {kept.size}."
        return Gap(math.nan, math.nan, math.nan, math.nan, as_level(level), method, "none", -1, -1, 0, note)
    value, low, high = (np.array([getattr(found[i], end) for i in kept]) for end in ("value", "low", "high"))
    apart = value[:, None] - value
    least = apart - np.hypot((value - low)[:, None], high - value)
    most = apart + np.hypot((high - value)[:, None], value - low)
    np.fill_diagonal(most, -np.inf)
    se = np.array([found[i].se for i in kept])
    p_value = _heterogeneity(value, se)
    p_method = (
        "not computed: an AUC of 0 or 1, or of one record"
        if math.isnan(p_value)
        else "cochran's q of the logits"
    )
    ends = max(float(least.max()), 0.0), min(float(most.max()), 1.0)
    places = int(kept[value.argmin()]), int(kept[value.argmax()])
    return Gap(float(np.ptp(value)), *ends, p_value, level, method, p_method, *places, int(kept.size), note)


def _heterogeneity(value: FloatArray, se: FloatArray) -> float:
    spread = value * (1 - value)
    if not (spread > 0).all() or not (se > 0).all():
        return math.nan
    logit, weight = special.logit(value), (spread / se) ** 2
    q = float((weight * (logit - np.average(logit, weights=weight)) ** 2).sum())
    return float(stats.chi2.sf(q, value.size - 1))
