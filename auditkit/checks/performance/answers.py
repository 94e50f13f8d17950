"""Answers: how often the model is right on held-out rows, and for whom."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.render import text
from auditkit.statistics.ranking import weighted_auc
from auditkit.statistics.weighted import effective_counts, group_moments
from auditkit.statistics.welch import mean_difference
from auditkit.subject import Subject

_SURE = 0.999  # by chance alone the gap of one clean audit in forty lies below 0 at 95%
_TURNED = (
    "the model does better on test rows than on rows it was trained on: are train and test swapped, or do they come "
    "from different sources?"
)

if TYPE_CHECKING:
    from collections.abc import Sequence


@check(
    code="AK001",
    title="Performance",
    question="How often is the model right, and for whom?",
    dimension="performance",
    metrics=["accuracy", "auc", "brier_score", "mean_absolute_error", "r2", "train_test_gap"],
)
def model_performance(subject: Subject, *, rng: np.random.Generator, level: common.Level = 0.95) -> Evidence:  # noqa: ARG001
    """Measure how often the model is right on held-out rows, overall and by group.

    Parameters
    ----------
    subject : Subject
        Any task; predictions alone suffice.
    rng : numpy.random.Generator
        Not used; every check takes one.
    level : float
        Confidence level of every interval.

    Returns
    -------
    Evidence
        Classification: ``accuracy`` overall and by group (Wilson), and for two classes with probabilities
        ``auc`` (DeLong) and ``brier_score`` (Student). Regression: ``mean_absolute_error`` overall and by group
        (Student), and ``r2`` (delta method). With training rows ``train_test_gap``: how much better the model is
        on rows it has seen, as a difference of accuracies (Newcombe), or for a regression of mean absolute
        errors in standard deviations of the target (Welch).
    """
    found = _regression(subject, level) if subject.task == "regression" else _classification(subject, level)
    seen = common.not_held_out(subject)
    gap = [Measurement("train_test_gap", math.nan, 0, reason=seen)] if seen else _gap(subject, level)
    groups = [m for m in found if m.group]
    tables = {"overall": _table("Overall", [m for m in found if not m.group] + gap)}
    if groups:
        tables["by_group"] = Table(
            f"{_word(groups[0].metric)} by group",
            common.estimates(groups),
            "estimates",
            {"value": _word(groups[0].metric), "n": "records", "reference": "all records"},
            _spread(groups),
            reference=found[0].value,
        )
    return Evidence(
        "AK001",
        (*found, *gap),
        tables,
        says=_says(found[0], _beside(subject, level), gap, seen),
        notes=(*_notes(subject), *_weights.note(subject.test)),
        does_not_say="How the model does on data unlike these rows, or whether the labels are right.",
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )


def _classification(subject: Subject, level: float) -> list[Measurement]:
    right, weights = common.correct(subject), subject.test.sample_weight
    everyone = np.zeros(len(right), dtype=np.int64)
    found = _shares(right, everyone, (None,), weights, level)
    if subject.task == "binary" and subject.answers().proba is not None:
        found += _from_scores(subject, level)
    for grouping in _groupings(subject):
        found += _shares(right, grouping.codes, grouping.labels, weights, level)
    return found


def _counts(
    right: np.ndarray, codes: np.ndarray, groups: int, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return right answers and rows of each group, as many as they are worth, and the rows that count."""
    if weights is None:
        sizes = np.bincount(codes, minlength=groups)
        return np.bincount(codes, right, minlength=groups), sizes, sizes
    sums = [
        np.bincount(codes, part, minlength=groups)
        for part in (weights * right, weights, weights**2 * right, weights**2)
    ]
    return *effective_counts(*sums), np.bincount(codes, weights > 0, minlength=groups)


def _shares(
    right: np.ndarray,
    codes: np.ndarray,
    labels: Sequence[str | None],
    weights: np.ndarray | None,
    level: float,
) -> list[Measurement]:
    """Return the accuracy of each group (Wilson)."""
    hits, sizes, records = _counts(right, codes, len(labels), weights)
    low, high = statistics.wilson(hits, sizes, level)
    return [
        common.measured(
            "accuracy", hits[g] / sizes[g], records[g], (low[g], high[g]), level, "wilson", group=label
        )
        if sizes[g]
        else _weightless("accuracy", label)
        for g, label in enumerate(labels)
    ]


def _means(
    metric: str,
    values: np.ndarray,
    codes: np.ndarray,
    labels: Sequence[str | None],
    weights: np.ndarray | None,
    level: float,
) -> list[Measurement]:
    """Return the mean of each group (Student), held above 0."""
    found = group_moments(values, codes, len(labels), weights)
    records = np.bincount(_weights.counted(weights, codes), minlength=len(labels))
    low, high = statistics.mean_interval(np.zeros(len(labels)), found.spread, found.size, level)
    ends = np.maximum(low + found.mean, 0.0), high + found.mean
    return [
        common.measured(metric, found.mean[g], records[g], (ends[0][g], ends[1][g]), level, "t", group=label)
        if found.size[g]
        else _weightless(metric, label)
        for g, label in enumerate(labels)
    ]


def _weightless(metric: str, label: str | None) -> Measurement:
    return Measurement(metric, math.nan, 0, group=label, reason=f"no record of {label} has any weight")


def _from_scores(subject: Subject, level: float) -> list[Measurement]:
    scores, truth = subject.scores(), subject.test.y == subject.positive
    weights = subject.test.sample_weight
    if weights is not None:
        kept = weights > 0
        scores, truth, weights = scores[kept], truth[kept], weights[kept]
    n = len(truth)
    squared = (scores - truth) ** 2
    if weights is not None and np.ptp(squared) > 0:
        one = _means("brier_score", squared, np.zeros(n, dtype=np.int64), (None,), weights, level)[0]
        high = min(one.interval.high, 1.0) if one.interval else 1.0
        brier = common.measured(
            "brier_score", one.value, n, (one.interval.low if one.interval else 0.0, high), level, "t"
        )
    else:
        ends, method = _share_interval(squared, level)
        brier = common.measured("brier_score", squared.mean(), n, ends, level, method)
    if truth.all() or not truth.any():
        return [Measurement("auc", math.nan, n, reason="the test rows hold one class only"), brier]
    auc = (
        statistics.auc(scores, truth, level)
        if weights is None
        else weighted_auc(scores, truth, weights, level)
    )
    return [common.measured("auc", auc.value, n, (auc.low, auc.high), level, "delong"), brier]


def _share_interval(values: np.ndarray, level: float) -> tuple[tuple[float, float], str]:
    """Return the interval of the mean of numbers from 0 to 1; not empty where all of them are alike."""
    if np.ptp(values) > 0:
        low, high = statistics.mean_interval_of(values, level)
        return (max(float(low), 0.0), min(float(high), 1.0)), "t"
    # as many rows, all alike: others are at most so common, whatever their value
    unseen = 1 - ((1 - level) / 2) ** (1 / len(values))
    value = float(values[0])
    return (value * (1 - unseen), value + (1 - value) * unseen), "exact, all rows alike"


def _regression(subject: Subject, level: float) -> list[Measurement]:
    y, weights = subject.test.y.astype(float), subject.test.sample_weight
    error = np.abs(subject.answers().labels.astype(float) - y)
    metric, everyone = "mean_absolute_error", np.zeros(len(y), dtype=np.int64)
    found = [
        *_means(metric, error, everyone, (None,), weights, level),
        _r2(error, y, level) if weights is None else _weighted_r2(error, y, weights, level),
    ]
    for grouping in _groupings(subject):
        found += _means(metric, error, grouping.codes, grouping.labels, weights, level)
    return found


def _weighted_r2(error: np.ndarray, y: np.ndarray, weights: np.ndarray, level: float) -> Measurement:
    """Return `_r2` of weighted rows, its variance by linearisation."""
    kept = weights > 0
    error, y, w = error[kept], y[kept], weights[kept] / weights.sum()
    n, away = len(y), (y - w @ y) ** 2
    if not away.any():
        return Measurement("r2", math.nan, n, reason="the true values are all the same")
    rest = float(w @ error**2 / (w @ away))
    if n < 3 or rest == 0:
        return common.measured("r2", 1 - rest, n, (-math.inf, 1.0), level, "no bound below")
    part = error**2 / (w @ error**2) - away / (w @ away)
    spread = math.sqrt(float((w**2) @ part**2) * n / (n - 1))
    half = special.stdtrit(max(1 / float(w @ w) - 2, 1.0), 0.5 + level / 2) * spread
    with np.errstate(over="ignore"):
        ends = 1 - rest * np.exp(half), 1 - rest * np.exp(-half)
    return common.measured("r2", 1 - rest, n, ends, level, "delta method, log")


def _r2(error: np.ndarray, y: np.ndarray, level: float) -> Measurement:
    """Return the share of variance explained, with the delta method on the log of the share that is not.

    1 - R2 is a ratio of two means over the same rows, so its log has the variance of the difference of the rows' relative
    contributions (Cramér 1946, section 28.4).
    """
    n, away = len(y), (y - y.mean()) ** 2
    if not away.any():
        return Measurement("r2", math.nan, n, reason="the true values are all the same")
    rest = float(np.sum(error**2) / np.sum(away))
    if n < 3 or rest == 0:
        return common.measured("r2", 1 - rest, n, (-math.inf, 1.0), level, "no bound below")
    part = error**2 / np.mean(error**2) - away / away.mean()
    half = special.stdtrit(n - 2, 0.5 + level / 2) * part.std(ddof=1) / math.sqrt(n)
    with np.errstate(over="ignore"):
        ends = 1 - rest * np.exp(half), 1 - rest * np.exp(-half)
    return common.measured("r2", 1 - rest, n, ends, level, "delta method, log")


def _gap(subject: Subject, level: float) -> list[Measurement]:
    """Return how much better the model is on the rows it has seen; undefined, with the reason, where these are not known."""
    try:
        seen = subject.answers("train")
    except NotApplicable as missing:
        return [Measurement("train_test_gap", float("nan"), 0, reason=str(missing))]
    train = subject.split("train")
    weights, before = subject.test.sample_weight, train.sample_weight
    n = len(subject.test) + len(train)
    if subject.task == "regression":
        unit = math.sqrt(np.cov(subject.test.y.astype(float), ddof=0, aweights=weights)) or 1.0
        sides = [
            group_moments(
                np.abs(said - data.y) / unit, np.zeros(len(data), dtype=np.int64), 1, data.sample_weight
            )
            for said, data in ((subject.answers().labels, subject.test), (seen.labels, train))
        ]
        a, b = ((float(one.mean[0]), float(one.spread[0]), float(one.size[0])) for one in sides)
        both = (a[0], b[0]), (a[1], b[1]), (a[2], b[2])
        ends, reason = mean_difference(*both, level), _turned(mean_difference(*both, _SURE)[1])
        return [common.measured("train_test_gap", a[0] - b[0], n, ends, level, "welch", reason=reason)]
    counts = [
        _counts(right, np.zeros(len(right), dtype=np.int64), 1, part)[:2]
        for right, part in ((common.correct(subject, "train"), before), (common.correct(subject), weights))
    ]
    (x1, n1), (x2, n2) = counts
    counted = x1[0], n1[0], x2[0], n2[0]
    newcombe, reason = (
        statistics.newcombe(*counted, level),
        _turned(float(statistics.newcombe(*counted, _SURE)[1])),
    )
    value = x1[0] / n1[0] - x2[0] / n2[0]
    return [common.measured("train_test_gap", value, n, newcombe, level, "newcombe", reason=reason)]


def _turned(high: float) -> str | None:
    """Say of a model that does better on rows it was not trained on that the splits may not be what they are said to be."""
    return _TURNED if high < 0 else None


def _groupings(subject: Subject) -> list[common.Grouping]:
    if subject.test.sensitive_features is None:
        return []
    return [g for g in common.groupings(subject.test, None, intersections=False) if not g.too_many]


def _notes(subject: Subject) -> tuple[str, ...]:
    """Return what the figures must be held against, and what was left out."""
    notes = [*common.one_class(subject), *common.empty_columns(subject)]
    if subject.task != "regression":
        label, share, _ = _constant(subject)
        notes.append(
            f"Always answering {label}, the most common label, would be right for {common.percent(share)} of these rows; the model is held "
            "against it row by row (Bonett and Price 2012)."
        )
    if subject.test.sensitive_features is not None:
        every = common.groupings(subject.test, None, intersections=False)
        notes += [*dict.fromkeys(note for g in every for note in g.notes)]
        notes += [f"not by {g.name}: {g.too_many}" for g in every if g.too_many]
    return tuple(notes)


def _constant(subject: Subject) -> tuple[object, float, np.ndarray]:
    """Return the most common label of the test rows, how often it alone would be right, and where."""
    labels, places = np.unique(subject.test.y, return_inverse=True)
    counts = np.bincount(places, subject.test.sample_weight)
    label = labels[counts.argmax()]
    word = label.item() if isinstance(label, np.generic) else label
    return word, float(counts.max() / counts.sum()), places == counts.argmax()


def _beside(subject: Subject, level: float) -> str:
    """Say what always answering the most common label gets, and whether the model is shown to do better on the same rows."""
    if subject.task == "regression":
        return ""
    label, share, constant = _constant(subject)
    right, weights = common.correct(subject), subject.test.sample_weight
    weights = np.ones(len(right)) if weights is None else weights
    worth = weights.sum() / (weights @ weights)  # effective rows for each unit of weight (Kish)
    better, worse = (float(worth * weights @ part) for part in (right & ~constant, constant & ~right))
    whole = max(worth * weights.sum(), better + worse)  # rounding
    low, high = map(float, statistics.paired_difference(better, worse, whole, level))
    said = "no better shown"
    if low > 0 or high < 0:
        ends = ", ".join(common.number(abs(end)) for end in sorted((low, high), key=abs))
        said = f"{'better' if low > 0 else 'worse'} by {common.number(abs(better - worse) / whole)} [{ends}]"
    return f"; always answering {label!r} gets {common.number(share)}: {said}"


def _word(metric: str) -> str:
    return {"accuracy": "Accuracy", "mean_absolute_error": "Mean absolute error"}[metric]


def _table(title: str, found: list[Measurement]) -> Table:
    columns = common.estimates(found)
    return Table(
        title,
        columns | {"label": tuple(text.words(m.metric) for m in found)},
        labels={"label": "metric", "n": "records"},
    )


def _spread(groups: list[Measurement]) -> str:
    known = [m for m in groups if not math.isnan(m.value)]
    if not known:
        return f"{_word(groups[0].metric)}: no group could be measured."
    best, worst = max(known, key=lambda m: m.value), min(known, key=lambda m: m.value)
    return f"{_word(best.metric)} runs from {common.with_ends(worst)} ({worst.group}) to {common.with_ends(best)} ({best.group})."


def _says(first: Measurement, beside: str, gap: list[Measurement], seen: str) -> str:
    which = "test rows" if seen else "held-out rows"
    known = gap and not math.isnan(gap[0].value)
    apart = f"; the gap to rows it was trained on is {common.with_ends(gap[0])}" if known else ""
    also = f"; {seen[:1].lower()}{seen[1:].partition(':')[0]}" if seen else ""
    return f"{_word(first.metric)} on {first.n:,} {which} is {common.with_ends(first)}{beside}{apart}{also}."
