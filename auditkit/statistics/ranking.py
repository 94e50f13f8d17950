"""Ranking: how well scores order the rows of each group, and how far the groups lie apart in it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level, as_scores, normal_quantile
from auditkit.statistics.gaps import Gap, range_critical
from auditkit.statistics.no_difference import range_tail
from auditkit.statistics.roc import Auc, auc, logit_interval
from auditkit.statistics.weighted import kish_size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

__all__ = ["largest_auc_gap", "weighted_auc"]

_FARTHEST = 37.0  # standard errors; a normal tail beyond has no double
_HALVINGS = 40


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
    variances = np.array(
        [
            float((own**2 * (part - value) ** 2).sum() / own.sum() ** 2) * own.size / (own.size - 1)
            for part, (_, own) in zip((above, beneath), sides, strict=True)
        ]
    )
    worth = min(kish_size(own) for _, own in sides)
    unseen = 1 - ((1 - as_level(level)) / 2) ** (1 / worth)
    se = math.sqrt(variances.sum())
    low, high = logit_interval(value, se, unseen, normal_quantile(level))
    df = _freedom(variances, [own for _, own in sides])
    return Auc(value, min(low, 1 - unseen), max(high, unseen), se, m, n, worth, df)


def _freedom(variances: FloatArray, weights: Sequence[FloatArray]) -> float:
    """Return the degrees of freedom of a sum of two variances (Satterthwaite 1946), infinite where no weights differ.

    A class counts for (sum w^2)^3 / (sum w^3)^2 rows, between Kish's size and that of the squared weights: few heavy rows decide how
    large the variance seems. With Kish's alone, groups alike raise too many alarms; with the other, power is lost (docs/bias.md).
    """
    if all(np.ptp(own) == 0 for own in weights) or not variances.any():
        return math.inf
    size = np.array([float((own**2).sum() ** 3 / (own**3).sum() ** 2) for own in weights])
    return float(variances.sum() ** 2 / (variances**2 / np.maximum(size - 1, 1.0)).sum())


def _share_below(values: FloatArray, others: FloatArray, weights: FloatArray) -> FloatArray:
    """Return for each value the weight of `others` below it, ties counted half, as a share."""
    order = np.argsort(others, kind="stable")
    ranked = others[order]
    mass = np.concatenate([[0.0], np.cumsum(weights[order])])
    left, right = (mass[np.searchsorted(ranked, values, side)] for side in ("left", "right"))
    return np.asarray((left + right) / (2 * mass[-1]), dtype=float)


def auc_limits(found: Sequence[Auc]) -> Callable[[float], tuple[FloatArray, FloatArray]]:
    """Return both ends of AUCs' intervals as a function of the critical value of the normal; of shape (groups,).

    Those of `auc` and `weighted_auc`: on the logit scale, never narrower towards 0 or 1 than the rows' independent pairs allow. Where the
    standard error has degrees of freedom, Student's quantile of the same tail takes the place of the normal one. An AUC of one
    row of a class may be anything.
    """
    value, se, pairs, df = np.array([(one.value, one.se, one.pairs, one.df) for one in found]).T
    known, certain = np.isfinite(se), np.isinf(df)
    share, finite = 1 / np.where(known, pairs, 1.0), np.where(certain, 1e6, df)
    edge, flat = (value == 0) | (value == 1), se == 0  # flat: all scores are tied
    inside = np.where(edge, 0.5, value)
    centre, scale = special.logit(inside), np.where(known, se, 0.0) / (inside * (1 - inside))

    def ends(z: float) -> tuple[FloatArray, FloatArray]:
        tail = special.ndtr(-z)
        unseen = 1 - tail**share
        half = scale * (z if certain.all() else np.where(certain, z, -special.stdtrit(finite, tail)))
        low = np.where(edge, value, np.where(flat, value - unseen / 2, special.expit(centre - half)))
        high = np.where(edge, value, np.where(flat, value + unseen / 2, special.expit(centre + half)))
        return (
            np.where(known, np.minimum(low, 1 - unseen), 0.0),
            np.where(known, np.maximum(high, unseen), 1.0),
        )

    return ends


def distance_at_zero(reaches: Callable[[float], bool]) -> float:
    """Return the critical value from which on an interval takes in "no difference": its distance in standard errors.

    Parameters
    ----------
    reaches : callable
        Whether the interval at a critical value takes it in; once it does, wider ones do too.
    """
    few, many = 0.0, _FARTHEST
    if reaches(few):
        return 0.0
    for _ in range(_HALVINGS):
        middle = (few + many) / 2
        few, many = (few, middle) if reaches(middle) else (middle, many)
    return few


def largest_auc_gap(found: Sequence[Auc], level: float = 0.95) -> Gap:
    """Return the largest difference of AUC between independent groups, with an interval that survives the picking.

    Each group's interval (DeLong on the logit scale) at the studentised range's critical value, squared and added for all
    pairs. The test is the interval turned around: the p-value belongs to the level at which the interval of the surest pair just reaches
    0, so that both always agree.

    Parameters
    ----------
    found : sequence of Auc
        One a group, of `auc` or `weighted_auc`; their own intervals are not used.
    level : float
        Simultaneous confidence level.

    Returns
    -------
    Gap
        Groups without a value are left out, and `note` says how many; ``nan`` below two.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson 1988; Zou and Donner 2008, "Construction of confidence limits about effect measures", on adding
    intervals; Tukey 1953 and Kramer 1956 on all pairs.

    Examples
    --------
    >>> labels = [0, 1] * 50
    >>> one, two = np.arange(100) * 1.0, np.arange(100) + np.tile([0, 40], 50)
    >>> gap = largest_auc_gap([auc(s, labels) for s in (one, two)])
    >>> round(gap.value, 3), gap.lowest_index, gap.low > 0, gap.p_value < 0.001
    (0.316, 0, True, True)
    """
    places = np.array([i for i, one in enumerate(found) if not math.isnan(one.value)], dtype=int)
    k = places.size
    method = f"delong, square-and-add, {k} groups" + (", studentised range" if k > 2 else "")
    out = len(found) - k
    note = f"{out} of {len(found)} groups left out: one class only. " if out else ""
    if k < 2:
        note += f"A gap needs at least two groups with both classes, got {k}."
        return Gap(math.nan, math.nan, math.nan, math.nan, as_level(level), method, "none", -1, -1, 0, note)
    kept = [found[i] for i in places]
    value = np.array([one.value for one in kept])
    apart, limits = value[:, None] - value, auc_limits(kept)

    def ends(z: float) -> tuple[FloatArray, FloatArray]:
        low, high = limits(z)
        least = apart - np.hypot((value - low)[:, None], high - value)
        most = apart + np.hypot((high - value)[:, None], value - low)
        np.fill_diagonal(least, -np.inf)
        np.fill_diagonal(most, -np.inf)
        return least, most

    p_value = range_tail(distance_at_zero(lambda z: bool(ends(z)[0].max() <= 0)), k)
    least, most = ends(range_critical(as_level(level), k))
    low = max(float(least.max()), 0.0) if p_value <= 1 - level else 0.0
    surest = None
    if low > 0:
        top, bottom = np.unravel_index(least.argmax(), least.shape)
        surest = int(places[bottom]), int(places[top])
    p_method = "the interval inverted" + (", studentised range" if k > 2 else "")
    return Gap(
        float(np.ptp(value)), low, min(float(most.max()), 1.0), p_value, level, method, p_method,
        int(places[value.argmin()]), int(places[value.argmax()]), k, note, surest,
    )  # fmt: skip
