"""Calibration: whether a score means the same for every group."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.bias import _gaps as gaps
from auditkit.checks.bias import _measures as measures
from auditkit.checks.bias import _scopes as scopes
from auditkit.checks.bias import _shown as shown
from auditkit.checks.bias._sides import sides_of
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.statistics.calibration import calibration_error, largest_calibration_gap, reliability
from auditkit.statistics.weighted import kish_size
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.checks.bias._sides import Side
    from auditkit.statistics.calibration import Reliability

Bins = Annotated[
    int, Ge(2), Le(50), Doc("At most so many bins of scores for each group, of about equal size.")
]

_NAMED = 5
_MEANS = {"brier_score": 0.0, "calibration_in_the_large": -1.0}
_FEWEST = 20  # for an error over bins
_FEWEST_MEAN = 10  # for a mean: the spread that fewer show is no basis for an interval


@check(
    code="AK104",
    title="Calibration by group",
    question="Does the same score mean the same chance for every group?",
    dimension="bias",
    metrics=[
        "calibration_in_the_large",
        "calibration_in_the_large_difference",
        "brier_score",
        "brier_score_difference",
        "expected_calibration_error",
        "expected_calibration_error_difference",
    ],
)
def calibration_by_group(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: common.Features = None,
    intersections: common.Intersections = True,
    depth: common.Depth = 2,
    bins: Bins = 10,
    level: common.Level = 0.95,
) -> Evidence:
    """Compare how well each group's scores agree with what came true.

    Parameters
    ----------
    subject : Subject
        A classifier with probabilities; predictions alone suffice. Of more than two classes: the confidence in the answer
        given (top label), and each class against the rest (classwise; Kull et al. 2019).
    rng : numpy.random.Generator
        For the bootstrap of the difference in calibration error.
    features, intersections, depth
        As in `demographic_parity`.
    bins : int
        At most so many bins of scores a group; fewer where a bin would expect under five cases of a class.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        Of each group ``calibration_in_the_large`` (share that came true less mean score) and ``brier_score`` (Student), and
        ``expected_calibration_error`` with the noise of the bins taken out, its interval, and the p-value of "the scores are
        exact". Of each feature the largest difference of each (Games-Howell; for the error by bootstrap of the bins). The reliability of every group as a table.
    """
    sides, notes = sides_of(subject)
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    groupings = common.groupings(subject.test, features, intersections=intersections, depth=depth)
    for grouping in groupings:
        if grouping.too_many:
            found += [
                gaps.not_compared(f"{m}_difference", grouping)
                for m in (*_MEANS, "expected_calibration_error")
            ]
            continue
        for side in sides:
            named = scopes.named(grouping, side.word)
            own, tables[named.name] = _of_side(side, named, subject.test.sample_weight, bins, level, rng)
            found += own
    return Evidence(
        "AK104",
        tuple(found),
        tables,
        says=shown.clearest(
            found,
            "calibration_in_the_large_difference",
            "calibration in the large (share that came true less mean score)",
        ),
        does_not_say=(
            "Whether decisions at a threshold treat groups alike: scores calibrated for every group give unequal error rates "
            "where the groups' true rates differ (Kleinberg et al. 2017). Calibration within bins is not seen."
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


def _of_side(
    side: Side,
    grouping: common.Grouping,
    weights: np.ndarray | None,
    bins: int,
    level: float,
    rng: np.random.Generator,
) -> tuple[list[Measurement], Table]:
    scores, truth = side.scores, side.truth.astype(float)
    values = {"brier_score": (scores - truth) ** 2, "calibration_in_the_large": truth - scores}
    found = [
        one
        for metric, least in _MEANS.items()
        for one in _of_means(metric, values[metric], scores, grouping, weights, level, least)
    ]
    rows = grouping.parts(np.arange(len(scores)))
    groups = [
        reliability(scores[at], truth[at], bins, level, None if weights is None else weights[at])
        for at in rows
    ]
    worth = [len(at) if weights is None else kish_size(weights[at]) for at in rows]
    return [*found, *_errors(groups, worth, grouping, level, rng)], _table(groups, grouping)


def _of_means(
    metric: str,
    values: np.ndarray,
    scores: np.ndarray,
    grouping: common.Grouping,
    weights: np.ndarray | None,
    level: float,
    least: float,
) -> list[Measurement]:
    moments, records, mass = measures.moments_of(values, grouping, weights)
    if metric == "calibration_in_the_large":
        moments = measures.at_least_chance(moments, scores, grouping, weights)
    enough = moments.size >= _FEWEST_MEAN
    kept, sizes = moments._replace(size=np.where(enough, moments.size, 0.0)), np.where(enough, records, 0)
    found = []
    for one, known, n in zip(
        gaps.means(metric, grouping, moments, records, level, least), enough, records, strict=True
    ):
        if known and one.interval is not None:
            held = replace(one.interval, high=min(one.interval.high, 1.0))
            found.append(replace(one, interval=held))
        else:
            found.append(_too_few(metric, str(one.group), int(n), _FEWEST_MEAN))
    gap = measures.mean_gaps(kept, np.where(enough, mass, 0.0), "between_groups", level)["difference"]
    most = 1.0 - least  # two shares, or two signed errors, lie no farther apart
    gap = replace(gap, high=min(gap.high, most))
    apart = f"{metric}_difference"
    if math.isnan(gap.value):
        return [*found, _no_gap(apart, grouping, enough, records, _FEWEST_MEAN)]
    return [*found, gaps.measurement(apart, gap, grouping, sizes, worst=most, fewest=_FEWEST_MEAN)]


def _too_few(metric: str, label: str, n: int, fewest: int) -> Measurement:
    return Measurement(metric, math.nan, n, group=label, reason=f"{label} has fewer than {fewest} records")


def _no_gap(
    metric: str, grouping: common.Grouping, enough: np.ndarray, records: np.ndarray, fewest: int
) -> Measurement:
    out = gaps.left_out(grouping, np.where(enough, fewest, 0), fewest)
    reason = "; ".join(filter(None, (f"a gap needs at least two groups of {fewest} records", out)))
    return Measurement(metric, math.nan, int(records.sum()), group=grouping.name, reason=reason)


def _errors(
    groups: list[Reliability],
    worth: list[float],
    grouping: common.Grouping,
    level: float,
    rng: np.random.Generator,
) -> list[Measurement]:
    """Return the calibration error of each group, and the largest difference between two."""
    metric = "expected_calibration_error"
    found = []
    for label, one, size in zip(grouping.labels, groups, worth, strict=True):
        if size < _FEWEST:
            found.append(_too_few(metric, label, int(one.n.sum()), _FEWEST))
            continue
        error = calibration_error(one, level)
        said = f"{error.plain:.3f} before the noise of {len(one.n)} bins is taken out; p is of exact scores"
        found.append(
            common.measured(
                metric,
                error.value,
                one.n.sum(),
                (error.low, error.high),
                level,
                "chi-square ball",
                group=label,
                p_value=error.p_value,
                reason=said,
            )
        )
    return [*found, _apart(groups, worth, grouping, level, rng)]


def _apart(
    groups: list[Reliability],
    worth: list[float],
    grouping: common.Grouping,
    level: float,
    rng: np.random.Generator,
) -> Measurement:
    metric = "expected_calibration_error_difference"
    enough = np.array(worth) >= _FEWEST
    kept = np.flatnonzero(enough).tolist()
    sizes = np.array([one.n.sum() for one in groups]) * enough
    gap = largest_calibration_gap([groups[g] for g in kept], level, rng=rng)
    if math.isnan(gap.value):
        return _no_gap(metric, grouping, enough, sizes, _FEWEST)
    gap = replace(gap, lowest_index=kept[gap.lowest_index], highest_index=kept[gap.highest_index])
    # a group left out has 0 here, whatever it has: it is named for its too few records
    return gaps.measurement(metric, gap, grouping, sizes, worst=1.0, fewest=_FEWEST)


def _table(groups: list[Reliability], grouping: common.Grouping) -> Table:
    """Return the reliability of every group as curves: mean score against share that came true."""
    shown = [(label, one) for label, one in zip(grouping.labels, groups, strict=True) if one.n.size]
    columns = {
        name: tuple(float(v) for _, one in shown for v in getattr(one, part))
        for name, part in (("x", "score"), ("value", "rate"), ("low", "low"), ("high", "high"))
    }
    counts = tuple(int(v) for _, one in shown for v in one.n)
    series = tuple(label for label, one in shown for _ in one.n)
    beyond = [
        label
        for label, one in shown
        if any(
            low > score or high < score for low, high, score in zip(one.low, one.high, one.score, strict=True)
        )
    ]
    names = "; ".join(beyond[:_NAMED]) + (
        f"; and {len(beyond) - _NAMED} more" if len(beyond) > _NAMED else ""
    )
    summary = (
        f"Share that came true by mean score, {len(shown)} groups: exact where they are equal. "
        + (
            f"Some bin's interval leaves out its score for {names}"
            if beyond
            else "No bin's interval leaves out its score"
        )
        + "; not corrected for the number of bins."
    )
    labels = {
        "x": "Mean score",
        "value": "Share that came true",
        "n": "records",
        "diagonal": "perfect calibration: what is said comes true",
    }
    return Table(
        f"Calibration by {grouping.name}",
        {**columns, "n": counts, "series": series},
        "curve",
        labels,
        summary,
    )
