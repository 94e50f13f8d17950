"""Across: how records of one group are ranked against those of the others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.evidence import Measurement, Table
from auditkit.statistics.ranking import auc_limits, distance_at_zero, weighted_auc

if TYPE_CHECKING:
    from auditkit.checks.bias._sides import Side
    from auditkit.statistics import Auc

__all__ = ["cross_aucs", "cross_table"]

_WORDS = {
    "bnsp_auc": "the group's positives above the others' negatives",
    "bpsn_auc": "the others' positives above the group's negatives",
}


def cross_aucs(
    side: Side, weights: np.ndarray | None, grouping: common.Grouping, level: float
) -> list[Measurement]:
    """Return both AUCs of each group against all others, and the largest distance between the two of a group.

    The two share no record, so that their variances add. Under scores that rank alike across groups both are the same; a group
    whose scores are too low for what comes true has its positives ranked below the others' negatives.

    Parameters
    ----------
    side : Side
        Scores and truth.
    weights : ndarray of shape (n,), optional
        Of the rows.
    grouping : Grouping
        The groups.
    level : float
        Confidence level; of the distance over all groups at once (Bonferroni).
    """
    k = len(grouping.labels)
    tries = 1 if k == 2 else k  # of two groups the second is the first with the sign turned
    found: list[Measurement] = []
    apart: list[_Apart] = []
    for g, label in enumerate(grouping.labels):
        inside = grouping.codes == g
        both = []
        for metric, positives in (("bnsp_auc", inside), ("bpsn_auc", ~inside)):
            rows = np.where(side.truth, positives, ~positives)
            both.append(_auc(side, rows, weights, level))
            found.append(_measured(metric, both[-1], label, level))
        one, other = both
        if not (math.isnan(one.value) or math.isnan(other.value)) and (g == 0 or tries > 1):
            apart.append(_apart(g, one, other, 1 - (1 - level) / tries))
    return [*found, _largest(apart, tries, grouping, level)]


def _auc(side: Side, rows: np.ndarray, weights: np.ndarray | None, level: float) -> Auc:
    if weights is None:
        return statistics.auc(side.scores[rows], side.truth[rows], level)
    return weighted_auc(side.scores[rows], side.truth[rows], weights[rows], level)


def _measured(metric: str, one: Auc, label: str, level: float) -> Measurement:
    n = one.n_pos + one.n_neg
    if math.isnan(one.value):
        why = f"{label} or the others have no record on one side: {_WORDS[metric]}"
        return Measurement(metric, math.nan, n, group=label, reason=why)
    said = f"{_WORDS[metric]}: {one.n_pos:,} against {one.n_neg:,}"
    return common.measured(
        metric, one.value, n, (one.low, one.high), level, "delong", group=label, reason=said
    )


class _Apart(NamedTuple):
    """How far the two AUCs of a group lie apart: above 0 where the group is ranked above the others."""

    group: int
    value: float
    low: float
    high: float
    p_value: float
    records: int


def _apart(group: int, one: Auc, other: Auc, level: float) -> _Apart:
    """Return the distance of two AUCs; its p-value belongs to the level at which the interval just reaches 0."""
    value, limits = one.value - other.value, auc_limits([one, other])

    def ends(z: float) -> tuple[float, float]:
        low, high = limits(z)
        return (
            value - math.hypot(one.value - low[0], high[1] - other.value),
            value + math.hypot(high[0] - one.value, other.value - low[1]),
        )

    def reaches(z: float) -> bool:
        low, high = ends(z)
        return low <= 0 <= high

    p_value = 2 * float(special.ndtr(-distance_at_zero(reaches)))
    fewest = min(one.n_pos + one.n_neg, other.n_pos + other.n_neg)
    return _Apart(group, value, *ends(float(special.ndtri(0.5 + level / 2))), p_value, fewest)


def _largest(apart: list[_Apart], tries: int, grouping: common.Grouping, level: float) -> Measurement:
    metric, n = "cross_auc_difference", len(grouping.codes)
    if not apart:
        why = "no group has both classes, as have the others"
        return Measurement(metric, math.nan, n, group=grouping.name, reason=why)
    top = max(apart, key=lambda one: abs(one.value))
    p = min(1.0, tries * min(one.p_value for one in apart))
    low = max(max(one.low, -one.high, 0.0) for one in apart)
    high = max(max(abs(one.low), abs(one.high)) for one in apart)
    side = "below" if top.value < 0 else "above"
    words = f"{grouping.labels[top.group]} is ranked {side} the others for the same truth; {top.records:,} records at the least"
    missing = None
    if tries > 1 and len(apart) < tries:
        missing = f"{tries - len(apart)} of {tries} groups left out: they, or the others, lack a class"
        words += f"; {missing}"
        high = 1.0
    method = f"delong, square-and-add, Bonferroni over {tries} comparison{'s' if tries > 1 else ''}"
    ends = (0.0 if p > 1 - level else low, min(high, 1.0))
    return common.measured(
        metric, abs(top.value), n, ends, level, method, group=grouping.name, p_value=p, reason=words,
        p_method="the interval inverted", missing=missing,
    )  # fmt: skip


def cross_table(found: list[Measurement], grouping: common.Grouping) -> Table:
    """Return both AUCs of each group, side by side."""
    *groups, gap = found
    columns = common.estimates(groups)
    columns["label"] = tuple(m.group or "" for m in groups)
    columns["series"] = tuple(_WORDS[m.metric] for m in groups)
    summary = "No group could be ranked against the others."
    if gap.interval is not None:
        ends = f"[{gap.interval.low:.3f}, {gap.interval.high:.3f}]"
        summary = f"The two AUCs of one group lie at most {gap.value:.3f} {ends} apart: {gap.reason}."
    labels = {"value": "AUC", "n": "records"}
    return Table(f"AUC across groups, by {grouping.name}", columns, "estimates", labels, summary)
