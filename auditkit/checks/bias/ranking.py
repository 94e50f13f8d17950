"""Ranking: whether scores order the records of every group equally well, and how high they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.bias import _gaps as gaps
from auditkit.checks.bias import _measures as measures
from auditkit.checks.bias import _scopes as scopes
from auditkit.checks.bias import _shown as shown
from auditkit.checks.bias._across import cross_aucs, cross_table
from auditkit.checks.bias._sides import sides_of
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.statistics.ranking import largest_auc_gap, weighted_auc
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.statistics import Auc


@check(
    code="AK105",
    title="Ranking by group",
    question="Do the scores tell the classes apart equally well for every group, and for whom are they higher?",
    dimension="bias",
    metrics=[
        "auc",
        "auc_difference",
        "bnsp_auc",
        "bpsn_auc",
        "cross_auc_difference",
        "mean_score",
        "mean_score_difference",
    ],
)
def ranking_by_group(
    subject: Subject,
    *,
    rng: np.random.Generator,  # noqa: ARG001
    features: common.Features = None,
    intersections: common.Intersections = True,
    depth: common.Depth = 2,
    level: common.Level = 0.95,
) -> Evidence:
    """Compare scores without a threshold: how well they rank within each group, and their mean.

    Parameters
    ----------
    subject : Subject
        A classifier with probabilities; predictions alone suffice. Of more than two classes each is held against the rest.
    rng : numpy.random.Generator
        Not used; every check takes one.
    features, intersections, depth
        As in `demographic_parity`.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``auc`` of each group (DeLong et al. 1988, on the logit scale) and ``mean_score`` (Student); for each feature the
        largest difference of either, with intervals that hold for the largest of many and the p-value of "no difference". For
        each feature also ``bnsp_auc`` (the group's positives against the others' negatives) and ``bpsn_auc`` (the others'
        positives against the group's negatives; Borkan et al. 2019), and ``cross_auc_difference``, the largest distance
        of the two (Kallus and Zhou 2019).
    """
    sides, notes = sides_of(subject, top_label=False)
    weights = subject.test.sample_weight
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    groupings = common.groupings(subject.test, features, intersections=intersections, depth=depth)
    for grouping in groupings:
        if grouping.too_many:
            metrics = ("auc", "cross_auc", "mean_score")
            found += [gaps.not_compared(f"{metric}_difference", grouping) for metric in metrics]
            continue
        for side in sides:
            named = scopes.named(grouping, side.word)
            groups = _aucs(side.scores, side.truth, weights, named, level)
            means = _means(side.scores, weights, named, level)
            found += [*groups, *means]
            tables[named.name] = _table("AUC", groups, named)
            if len(grouping.features) == 1:
                across = cross_aucs(side, weights, named, level)
                found += across
                tables[f"across, {named.name}"] = cross_table(across, named)
            tables[f"mean score, {named.name}"] = _table("Mean score", means, named)
    return Evidence(
        "AK105",
        tuple(found),
        tables,
        says=shown.clearest(found, "auc_difference", "AUC"),
        does_not_say=(
            "What any threshold decides. An AUC within one group says nothing of how records of different groups are ranked "
            "against each other; the AUC across groups does."
        ),
        notes=(
            *common.one_class(subject),
            *common.notes_on(groupings),
            *notes,
            *scopes.unused(subject.test),
            *_weights.note(subject.test),
        ),
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )


def _aucs(
    scores: np.ndarray,
    truth: np.ndarray,
    weights: np.ndarray | None,
    grouping: common.Grouping,
    level: float,
) -> list[Measurement]:
    """Return the AUC of each group and the largest difference."""
    rows = grouping.parts(np.arange(len(scores)))

    def auc(at: np.ndarray) -> Auc:
        if weights is None:
            return statistics.auc(scores[at], truth[at], level)
        return weighted_auc(scores[at], truth[at], weights[at], level)

    each = [auc(at) for at in rows]
    found = []
    for label, one in zip(grouping.labels, each, strict=True):
        n = one.n_pos + one.n_neg
        if math.isnan(one.value):
            why = f"{label} has records of one class only"
            found.append(Measurement("auc", math.nan, n, group=label, reason=why))
        else:
            said = f"{one.n_pos:,} positive, {one.n_neg:,} negative"
            ends = one.low, one.high
            found.append(
                common.measured("auc", one.value, n, ends, level, "delong", group=label, reason=said)
            )
    gap = largest_auc_gap(each, level)
    sizes = np.array([0 if math.isnan(one.value) else one.n_pos + one.n_neg for one in each])
    return [*found, gaps.measurement("auc_difference", gap, grouping, sizes, worst=1.0)]


def _means(
    scores: np.ndarray, weights: np.ndarray | None, grouping: common.Grouping, level: float
) -> list[Measurement]:
    moments, records, mass = measures.moments_of(scores, grouping, weights)
    groups = gaps.means("mean_score", grouping, moments, records, level, 0.0)
    apart = measures.mean_gaps(moments, mass, "between_groups", level)
    del apart["ratio"]
    return [*groups, *measures.as_measurements("mean_score", apart, grouping, records, means=True)]


def _table(word: str, found: list[Measurement], grouping: common.Grouping) -> Table:
    *groups, gap = found
    known = [m for m in groups if not math.isnan(m.value)]
    summary = f"{word}: no group could be measured."
    if known:
        least, most = min(known, key=lambda m: m.value), max(known, key=lambda m: m.value)
        summary = f"{word} runs from {least.value:.3f} ({least.group}) to {most.value:.3f} ({most.group})"
        if gap.interval:
            ends = f"{gap.interval.low:.3f} and {gap.interval.high:.3f}"
            summary += f"; the data are compatible with a largest gap of between {ends}"
        summary += "."
    return shown.estimates_table(word, grouping, groups, summary, None)
