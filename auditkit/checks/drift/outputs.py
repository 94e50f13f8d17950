"""Outputs: whether what the model says, and how right it is, has moved between the training and the test rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.drift import _columns as columns_
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.statistics.changes import rate_change
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.dataset import Dataset

_RATES = {"decision_rate_change": "Decisions", "base_rate_change": "Labels"}


class _Quantity(NamedTuple):
    """A number of each row of both samples: a mark (0 or 1) or a value."""

    metric: str
    before: np.ndarray
    after: np.ndarray
    group: str | None = None


@check(
    code="AK502",
    title="Drift of the answers",
    question="Have the model's scores, decisions and errors moved since training, and for whom?",
    dimension="drift",
    metrics=[
        "score_drift_psi",
        "score_drift_ks",
        "decision_rate_change",
        "base_rate_change",
        "calibration_in_the_large_change",
        "mean_prediction_change",
        "mean_error_change",
    ],
)
def output_drift(
    subject: Subject,
    *,
    rng: np.random.Generator,  # noqa: ARG001
    matters: columns_.MattersPsi = 0.1,
    fewest: columns_.Fewest = 100,
    level: common.Level = 0.95,
) -> Evidence:
    """Hold what the model says of the test rows against what it says of the training rows, overall and by group.

    Parameters
    ----------
    subject : Subject
        With training rows; any task.
    rng : numpy.random.Generator
        Not used; every check takes one.
    matters : float
        Stability index that matters.
    fewest : int
        Rows of a sample, or of a group of it, below which nothing is said.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        Test less training rows. ``score_drift_psi`` and ``score_drift_ks`` of the score (the value predicted; of more than two classes the
        probability of the label given), with one test. ``decision_rate_change`` and ``base_rate_change``: of the positive label, or of each
        class (Newcombe, Fisher). ``calibration_in_the_large_change``: of outcome less score (Welch). For a regression
        ``mean_prediction_change`` and ``mean_error_change``, in deviations of the training target. The changes also by group.

    Raises
    ------
    NotApplicable
        Without training rows, or answers on them.
    """
    train, test = subject.split("train"), subject.test
    quantities, scores = _quantities(subject)
    found: list[Measurement] = []
    if scores is not None:
        found += _scores(*scores, level, matters, fewest)
    groups = [(None, np.ones(len(train), bool), np.ones(len(test), bool)), *_groups(train, test)]
    for q in quantities:
        by = groups if q.group is None else groups[:1]
        for label, old, new in by:
            part = q._replace(before=q.before[old], after=q.after[new], group=label or q.group)
            found.append(_change(part, level, fewest))
    changes = [m for m in found if m.metric.endswith("_change")]
    return Evidence(
        "AK502",
        tuple(found),
        {"changes": _table(changes)} if changes else {},
        says=_says(found, level),
        does_not_say=(
            "Why it moved. The model has seen the training rows: where it remembers them, its scores are more extreme and its errors smaller there, also "
            "when nothing drifted. AK501 looks at the inputs alone."
        ),
        notes=(*_missing_groups(train, test), *_weights.ignored(test)),
        rows=common.rows_used(len(test), len(test)),
    )


def _quantities(subject: Subject) -> tuple[list[_Quantity], tuple[np.ndarray, np.ndarray] | None]:
    """Return what is held against each other, and the scores of both samples where there are some."""
    old, new = subject.answers("train"), subject.answers("test")
    before, after = subject.split("train").y, subject.test.y
    if subject.task == "regression":
        unit = float(np.std(before.astype(float))) or 1.0
        values = old.labels.astype(float), new.labels.astype(float)
        return [
            _Quantity("mean_prediction_change", values[0] / unit, values[1] / unit),
            _Quantity("mean_error_change", (before - values[0]) / unit, (after - values[1]) / unit),
        ], values
    if subject.task == "binary":
        good = subject.positive
        marks = [
            _Quantity("decision_rate_change", old.labels == good, new.labels == good),
            _Quantity("base_rate_change", before == good, after == good),
        ]
        if old.proba is None or new.proba is None:
            return marks, None
        scores = subject.scores("train"), subject.scores("test")
        away = [(y == good) - p for y, p in zip((before, after), scores, strict=True)]
        return [*marks, _Quantity("calibration_in_the_large_change", away[0], away[1])], scores
    marks = []
    for label in subject.classes if subject.classes is not None else ():
        word = f"class={label}"
        marks.append(_Quantity("decision_rate_change", old.labels == label, new.labels == label, word))
        marks.append(_Quantity("base_rate_change", before == label, after == label, word))
    if old.proba is None or new.proba is None:
        return marks, None
    tops = old.proba.max(axis=1), new.proba.max(axis=1)
    away = [
        (a.labels == y).astype(float) - p for a, y, p in zip((old, new), (before, after), tops, strict=True)
    ]
    return [*marks, _Quantity("calibration_in_the_large_change", away[0], away[1])], tops


def _groups(train: Dataset, test: Dataset) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return the groups of each sensitive feature that both samples hold: a label, and the rows of either."""
    found = []
    for name in test.sensitive_names:
        if name not in train.sensitive_names:
            continue
        (new,) = common.groupings(test, [name], intersections=False)
        (old,) = common.groupings(train, [name], intersections=False, like=test)
        if new.too_many or old.too_many:
            continue
        for i, label in enumerate(new.labels):
            at = old.labels.index(label) if label in old.labels else -1
            found.append((label, old.codes == at, new.codes == i))
    return found


def _change(q: _Quantity, level: float, fewest: int) -> Measurement:
    n, m = len(q.before), len(q.after)
    if few := columns_.too_few(n, m, fewest):
        return Measurement(q.metric, math.nan, n + m, group=q.group, reason=few, n_needed=2 * fewest)
    if q.metric in _RATES:
        found = rate_change((int(q.before.sum()), n), (int(q.after.sum()), m), level)
        ends = max(found.low, -1.0), min(found.high, 1.0)
        said = f"{common.percent(float(q.before.mean()))} of training rows, {common.percent(float(q.after.mean()))} of test rows"
        return common.measured(
            q.metric, found.value, n + m, ends, level, "newcombe", group=q.group, p_value=found.p_value,
            p_method="Fisher exact", reason=said,
        )  # fmt: skip
    return _means(q, level)


def _means(q: _Quantity, level: float) -> Measurement:
    from scipy import stats

    n, m = len(q.before), len(q.after)
    first, second = q.before.astype(float), q.after.astype(float)
    moved = float(second.mean() - first.mean())
    if np.ptp(first) == 0 and np.ptp(second) == 0:
        reason = "every value is the same in either sample: there is no spread to make an interval of"
        return Measurement(q.metric, moved, n + m, group=q.group, reason=reason)
    means = float(second.mean()), float(first.mean())
    ends = statistics.mean_difference(means, (float(second.var() * m), float(first.var() * n)), (m, n), level)
    deviations = float(second.std(ddof=1)), float(first.std(ddof=1))
    tested = stats.ttest_ind_from_stats(
        means[0], deviations[0], m, means[1], deviations[1], n, equal_var=False
    )
    said = f"{common.number(float(first.mean()))} in training rows, {common.number(float(second.mean()))} in test rows"
    return common.measured(
        q.metric, moved, n + m, ends, level, "welch", group=q.group, p_value=float(tested.pvalue),
        p_method="Welch", reason=said,
    )  # fmt: skip


def _scores(
    before: np.ndarray, after: np.ndarray, level: float, matters: float, fewest: int
) -> list[Measurement]:
    n = len(before) + len(after)
    if few := columns_.too_few(len(before), len(after), fewest):
        metrics = ("score_drift_psi", "score_drift_ks")
        return [Measurement(name, math.nan, n, reason=few, n_needed=2 * fewest) for name in metrics]
    moved = columns_.drifted(columns_.in_cells("score", before, after, coded=False), level)
    test = "scores drawn alike in training and test rows"
    found = [columns_.measured_psi("score_drift_psi", moved, level, matters, fewest, hypothesis=test)]
    if moved.apart:
        ends = moved.apart.low, moved.apart.high
        found.append(
            common.measured(
                "score_drift_ks", moved.apart.value, n, ends, level, "dvoretzky-kiefer-wolfowitz",
                p_value=moved.p_value, p_method=columns_.test_of(moved), hypothesis=test,
            )
        )  # fmt: skip
    return found


def _missing_groups(train: Dataset, test: Dataset) -> tuple[str, ...]:
    names = [name for name in test.sensitive_names if name not in train.sensitive_names]
    if not names:
        return ()
    return (f"The training rows do not say {', '.join(names)}: changes of these groups were not measured.",)


def _table(changes: list[Measurement]) -> Table:
    columns = {**common.estimates(changes), "series": tuple(m.metric.replace("_", " ") for m in changes)}
    columns["label"] = tuple(m.group or "all records" for m in changes)
    labels = {
        "label": "Of whom",
        "value": "Test less training rows",
        "n": "records",
        "reference": "no change",
    }
    summary = (
        "How decisions, labels and errors moved, test less training rows; each interval holds by itself."
    )
    return Table("What moved since training", columns, "estimates", labels, summary, reference=0.0)


def _says(found: list[Measurement], level: float) -> str:
    tested = [m for m in found if m.p_value is not None]
    if not tested:
        why = next((m.reason for m in found if m.reason), "nothing could be measured")
        return f"Nothing is said of drift: {why}."
    keys = list(dict.fromkeys(m.hypothesis or (m.metric, m.group) for m in tested))
    p = {m.hypothesis or (m.metric, m.group): m.p_value for m in tested}
    adjusted = dict(zip(keys, statistics.holm([float(p[key] or 0.0) for key in keys]), strict=True))
    moved = [m for m in tested if adjusted[m.hypothesis or (m.metric, m.group)] <= 1 - level]
    if not moved:
        return f"No change beyond chance was found in {len(keys)} quantities."
    first = min(moved, key=lambda m: m.p_value or 0.0)
    of = f" of {first.group}" if first.group else ""
    many = len({m.hypothesis or (m.metric, m.group) for m in moved})
    return f"{many} of {len(keys)} quantities moved beyond chance; the surest is {first.metric.replace('_', ' ')}{of}, {common.with_ends(first)}."
