"""Calibration: whether what the model says with a probability comes true that often."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.statistics.calibration import Reliability, calibration_error, reliability
from auditkit.statistics.recalibration import Recalibration, linear_recalibration, logistic_recalibration
from auditkit.statistics.weighted import group_moments
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.statistics._arguments import FloatArray

_FEWEST = 20
_TOO_EXTREME = "the predictions are too extreme"
_TOO_TIMID = "the predictions lie too near their middle"


@check(
    code="AK002",
    title="Calibration",
    question="Does what the model calls 80% likely happen 80% of the time?",
    dimension="performance",
    metrics=["calibration_slope", "calibration_in_the_large", "expected_calibration_error"],
)
def calibration(
    subject: Subject,
    *,
    rng: np.random.Generator,  # noqa: ARG001
    bins: Annotated[
        int, Ge(2), Le(50), Doc("At most so many bins of predictions, of about equal size.")
    ] = 10,
    level: common.Level = 0.95,
) -> Evidence:
    """Hold probabilities, or predicted values, against what came true on held-out rows.

    Parameters
    ----------
    subject : Subject
        With class probabilities, or a regression; predictions alone suffice.
    rng : numpy.random.Generator
        Not used; every check takes one.
    bins : int
        Of about equal size.
    level : float
        Confidence level of every interval.

    Returns
    -------
    Evidence
        ``calibration_slope``: of the logistic regression of what came true on the logit of the score (Cox 1958), or of the true
        value on the predicted one (Mincer & Zarnowitz 1969); 1 is right. ``calibration_in_the_large``: mean of what came
        true less the mean prediction, for a regression in spreads of the target. ``expected_calibration_error``: mean distance over
        bins with their noise taken out; not for a regression. With more than two classes all are about the label that was given.
    """
    data = subject.test
    if len(data) < _FEWEST:
        raise NotApplicable(
            f"{len(data)} rows are too few to tell calibration: at least {_FEWEST} are needed"
        )
    found, table = (
        _of_values(subject, bins, level) if subject.task == "regression" else _of_scores(subject, bins, level)
    )
    slope, large = found[0], found[1]
    return Evidence(
        "AK002",
        tuple(found),
        {"reliability": table},
        says=_says(slope, large),
        does_not_say="Whether the ranking is good: a model that gives everybody the average is calibrated and useless.",
        notes=(
            *common.one_class(subject),
            *_without_logit(subject),
            *(
                ("All figures are about the label that was given and its probability.",)
                if subject.task == "multiclass"
                else ()
            ),
            *_weights.note(data),
        ),
        rows=common.rows_used(len(data), len(data)),
    )


def _without_logit(subject: Subject) -> tuple[str, ...]:
    """Say how many scores are exactly 0 or 1, and how the slope reads them."""
    if subject.task == "regression":
        return ()
    scores = subject.proba().max(axis=1) if subject.task == "multiclass" else subject.scores()
    ends = int(((scores <= 0) | (scores >= 1)).sum())
    if not ends:
        return ()
    many = "1 score is" if ends == 1 else f"{ends:,} scores are"
    said = f"{many} exactly 0 or 1, where a logit has no end: the slope reads 1e-12 away from there, and depends on that choice"
    return (f"{said}; go by the curve.",)


def _of_scores(subject: Subject, bins: int, level: float) -> tuple[list[Measurement], Table]:
    if subject.answers().proba is None:
        raise NotApplicable("the model gives labels and no probabilities: there is nothing to calibrate")
    weights = subject.test.sample_weight
    if subject.task == "multiclass":
        scores, truth = subject.proba().max(axis=1), common.correct(subject)
    else:
        scores, truth = subject.scores(), subject.test.y == subject.positive
    scores = np.clip(scores, 0.0, 1.0)
    said = reliability(scores, truth, bins, level, weights)
    error = calibration_error(said, level)
    n = len(scores) if weights is None else int((weights > 0).sum())
    reason = f"from {said.n.size} bins; {common.number(error.plain)} with their noise left in"
    found = [
        _slope(logistic_recalibration(scores, truth, level, weights), n, level, "wald, sandwich"),
        _large(truth - scores, weights, level, scores * (1 - scores)),
        common.measured("expected_calibration_error", error.value, n, (error.low, error.high), level, "chi-square ball", reason=reason),
    ]  # fmt: skip
    what = "the label given" if subject.task == "multiclass" else f"label {subject.positive}"
    return found, _curve(said, f"Share that came true, by score of {what}")


def _of_values(subject: Subject, bins: int, level: float) -> tuple[list[Measurement], Table]:
    said, y = subject.answers().labels.astype(float), subject.test.y.astype(float)
    weights = subject.test.sample_weight
    unit = math.sqrt(float(np.cov(y, ddof=0, aweights=weights))) or 1.0
    n = len(y) if weights is None else int((weights > 0).sum())
    found = [
        _slope(linear_recalibration(said, y, level, weights), n, level, "t, HC3"),
        _large((y - said) / unit, weights, level),
    ]
    edges = np.unique(np.quantile(said, np.arange(1, bins) / bins, method="higher"))
    at = np.searchsorted(edges, said, side="right")
    true, named = (group_moments(part, at, edges.size + 1, weights) for part in (y, said))
    kept = true.size >= 2
    low, high = statistics.mean_interval(np.zeros(kept.sum()), true.spread[kept], true.size[kept], level)
    columns = {
        "x": tuple(named.mean[kept].tolist()),
        "value": tuple(true.mean[kept].tolist()),
        "low": tuple((true.mean[kept] + low).tolist()),
        "high": tuple((true.mean[kept] + high).tolist()),
        "n": tuple(int(v) for v in np.bincount(at, minlength=edges.size + 1)[kept]),
    }
    labels = {
        "x": "Mean prediction",
        "value": "Mean of the true values",
        "n": "records",
        "diagonal": "perfect calibration: the mean is as predicted",
    }
    summary = f"Mean of the true values by prediction, {int(kept.sum())} bins: exact where the two are equal."
    return found, Table("True values by prediction", columns, "curve", labels, summary)


def _slope(found: Recalibration, n: int, level: float, method: str) -> Measurement:
    if math.isnan(found.slope):
        return Measurement("calibration_slope", math.nan, n, reason=found.reason)
    said = f"intercept {common.number(found.intercept)}"
    return common.measured(
        "calibration_slope", found.slope, n, (found.low, found.high), level, method, reason=said
    )


def _large(
    away: FloatArray, weights: np.ndarray | None, level: float, chance: FloatArray | None = None
) -> Measurement:
    """Return the mean distance (Student), never surer than the scores themselves would make it."""
    one = group_moments(away, np.zeros(len(away), dtype=np.int64), 1, weights)
    size, spread = float(one.size[0]), float(one.spread[0])
    if chance is not None:
        spread = max(spread, float(np.average(chance, weights=weights)) * max(size - 1, 0.0))
    low, high = (float(end) for end in statistics.mean_interval(0.0, spread, size, level))
    n = len(away) if weights is None else int((weights > 0).sum())
    value = float(one.mean[0])
    ends = (
        (max(value + low, -1.0), min(value + high, 1.0))
        if chance is not None
        else (value + low, value + high)
    )
    return common.measured("calibration_in_the_large", value, n, ends, level, "t")


def _curve(said: Reliability, title: str) -> Table:
    off = int(((said.low > said.score) | (said.high < said.score)).sum())
    columns = {
        "x": tuple(said.score.tolist()),
        "value": tuple(said.rate.tolist()),
        "low": tuple(said.low.tolist()),
        "high": tuple(said.high.tolist()),
        "n": tuple(int(v) for v in said.n),
    }
    labels = {
        "x": "Mean score",
        "value": "Share that came true",
        "n": "records",
        "diagonal": "perfect calibration: what is said comes true",
    }
    summary = (
        f"Share that came true by mean score, {said.n.size} bins: exact where the two are equal. The intervals of {off} "
        f"{'bin leaves' if off == 1 else 'bins leave'} out the score; not corrected for the number of bins."
    )
    return Table(title, columns, "curve", labels, summary)


def _says(slope: Measurement, large: Measurement) -> str:
    tail = f"what came true less what was predicted is {common.with_ends(large)} on average"
    if math.isnan(slope.value) or slope.interval is None:
        return f"The calibration slope is not determined ({slope.reason}); {tail}."
    verdict = ""
    if slope.interval.high < 1:
        verdict = f": {_TOO_EXTREME}"
    elif slope.interval.low > 1:
        verdict = f": {_TOO_TIMID}"
    return f"The calibration slope is {common.with_ends(slope)}, 1 being right{verdict}; {tail}."
