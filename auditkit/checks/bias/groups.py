"""Groups: who is selected more often, and for whom the model is wrong more often."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.bias import _gaps as gaps
from auditkit.checks.bias import _maps as maps
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.statistics.weighted import group_moments
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

_BY_TRUTH = ("true_positive_rate", "false_positive_rate")
_DIFFERENCES = {"accuracy_difference": "accuracy", "equal_opportunity_difference": "true_positive_rate"}
_PAIRS_ONLY = "Groups formed by three or more features are not compared."


@check(
    code="AK101",
    title="Decisions by group",
    question="Who is selected more often, or predicted more?",
    dimension="bias",
    metrics=[
        "selection_rate",
        "demographic_parity_difference",
        "demographic_parity_ratio",
        "mean_prediction",
        "mean_prediction_difference",
    ],
)
def demographic_parity(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: common.Features = None,
    intersections: common.Intersections = True,
    matters: common.Matters = 0.1,
    level: common.Level = 0.95,
) -> Evidence:
    """Compare how often each group is selected; for a regression, what it is predicted on average.

    Parameters
    ----------
    subject : Subject
        Binary, multiclass with `positive` set, or a regression; predictions alone suffice.
    rng : numpy.random.Generator
        For the permutation test where groups are small.
    features : list of str, optional
        Sensitive features; all when left out.
    intersections : bool
        Also compare the groups of each pair of features.
    matters : float
        Smallest difference in rates that matters; where the groups are too small to show it, `n_needed` says
        how many records in all, mixed as these are, would show it four times out of five. Not used for a
        regression.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``selection_rate`` of each group (Wilson); for each feature ``demographic_parity_difference`` (largest
        minus smallest rate) and ``demographic_parity_ratio`` (smallest over largest: the four-fifths ratio),
        with intervals that hold for the largest of many gaps, and the p-value of "no difference". Definitions
        as in fairlearn. Regression: ``mean_prediction`` of each group and ``mean_prediction_difference``, in
        standard deviations of the target (Games-Howell). A feature of more than 100 groups is not compared: its
        differences are undefined, with the reason.
    """
    if subject.task == "regression":
        values = subject.answers().labels.astype(float)
        return _of_values(
            "AK101", "mean_prediction", subject, values, features, level, intersections=intersections
        )
    selected = subject.answers().labels == common.positive_of(subject)
    weights = subject.test.sample_weight
    draws = rng if weights is None else None  # a permutation keeps no weights
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    crossed: dict[str, Table] = {}
    groupings = common.groupings(subject.test, features, intersections=intersections)
    for grouping in groupings:
        if grouping.too_many:
            found.append(gaps.not_compared("demographic_parity_difference", grouping))
            found.append(gaps.not_compared("demographic_parity_ratio", grouping))
            continue
        counts = gaps.cells(grouping, selected, selected, weights).counts("selection_rate")
        groups = gaps.rates("selection_rate", grouping, counts, level)
        gap = statistics.largest_gap(*counts[:2], level, rng=draws)
        # one hypothesis, one test: drawing it again would give the ratio another p-value
        ratio = statistics.smallest_ratio(*counts[:2], level, tested=gap)
        need = gaps.needed(counts, matters, level)
        found += [
            *groups,
            gaps.measurement(
                "demographic_parity_difference", gap, grouping, counts.records, worst=1.0, n_needed=need
            ),
            gaps.measurement(
                "demographic_parity_ratio", ratio, grouping, counts.records, worst=0.0, n_needed=need
            ),
        ]
        tables[grouping.name] = gaps.rate_table("selection_rate", grouping, groups, counts, gap)
        if maps.is_crossed(grouping):
            crossed[f"{grouping.name}, map"] = maps.heat_map(tables[grouping.name], grouping, groups)
    single = {name: table for name, table in tables.items() if f"{name}, map" not in crossed}
    return Evidence(
        "AK101",
        tuple(found),
        single | crossed | tables,  # each feature, the maps, and the pairs group by group
        says=gaps.clearest(found, "demographic_parity_difference", "selection rates"),
        does_not_say=(
            "Why the rates differ, or whether they should: the groups may differ in what the decision rests on. "
            + _PAIRS_ONLY
        ),
        notes=(*common.notes_on(groupings), *_weights.note(subject.test)),
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )


@check(
    code="AK102",
    title="Errors by group",
    question="For whom is the model wrong more often, and in which direction?",
    dimension="bias",
    metrics=[
        "true_positive_rate",
        "false_positive_rate",
        "accuracy",
        "equal_opportunity_difference",
        "equalized_odds_difference",
        "accuracy_difference",
        "mean_error",
        "mean_error_difference",
    ],
)
def error_rates(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: common.Features = None,
    intersections: common.Intersections = True,
    matters: common.Matters = 0.1,
    level: common.Level = 0.95,
) -> Evidence:
    """Compare how often the model is wrong for each group, and how.

    Parameters
    ----------
    subject : Subject
        Any task; predictions alone suffice. Without a positive label only accuracy is compared.
    rng : numpy.random.Generator
        For the permutation test where groups are small.
    features, intersections, matters, level
        As in `demographic_parity`.

    Returns
    -------
    Evidence
        ``true_positive_rate``, ``false_positive_rate``, ``accuracy`` of each group (Wilson); for each feature
        ``equal_opportunity_difference`` (largest gap in true positive rates), ``equalized_odds_difference`` (the
        larger of the gaps in true and false positive rates) and ``accuracy_difference``. Definitions as in
        fairlearn (Hardt et al. 2016). Regression: ``mean_error`` (absolute) of each group and
        ``mean_error_difference``, in standard deviations of the target (Games-Howell).
    """
    if subject.task == "regression":
        error = np.abs(subject.answers().labels.astype(float) - subject.test.y)
        return _of_values("AK102", "mean_error", subject, error, features, level, intersections=intersections)
    right = common.correct(subject)
    positive = None if subject.positive is None else subject.test.y == subject.positive
    weights = subject.test.sample_weight
    draws = rng if weights is None else None  # a permutation keeps no weights
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    groupings = common.groupings(subject.test, features, intersections=intersections)
    for grouping in groupings:
        if grouping.too_many:
            found += [gaps.not_compared(metric, grouping) for metric in _error_metrics(subject)]
            continue
        parts = {"accuracy": gaps.cells(grouping, right, right, weights).counts("selection_rate")}
        if positive is not None:
            answer = subject.answers().labels == subject.positive
            cells = gaps.cells(grouping, positive, answer, weights)
            parts |= {name: cells.counts(name) for name in _BY_TRUTH}
        by_part = {
            metric: statistics.largest_gap(*counts[:2], level, rng=draws) for metric, counts in parts.items()
        }
        drawn: dict[str, Table] = {}
        for metric, counts in parts.items():
            groups = gaps.rates(metric, grouping, counts, level)
            found += groups
            drawn[metric] = gaps.rate_table(metric, grouping, groups, counts, by_part[metric])
        tables[grouping.name] = gaps.side_by_side(drawn, grouping)
        found += [
            gaps.measurement(
                name,
                by_part[metric],
                grouping,
                parts[metric].records,
                worst=1.0,
                n_needed=gaps.needed(parts[metric], matters, level),
            )
            for name, metric in _DIFFERENCES.items()
            if metric in parts
        ]
        if positive is not None:
            found.append(gaps.odds(parts, by_part, grouping, matters, level))
    worst = _error_metrics(subject)[-1]
    return Evidence(
        "AK102",
        tuple(found),
        tables,
        says=gaps.clearest(found, worst, "error rates" if positive is not None else "accuracy"),
        does_not_say=(
            "Whether the labels are right: where past decisions made the labels, errors against them repeat those. "
            + _PAIRS_ONLY
        ),
        notes=(*common.one_class(subject), *common.notes_on(groupings), *_weights.note(subject.test)),
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )


def _error_metrics(subject: Subject) -> tuple[str, ...]:
    """Return the differences that AK102 gives of each feature, the widest-ranging last."""
    return (
        ("accuracy_difference",) if subject.positive is None else (*_DIFFERENCES, "equalized_odds_difference")
    )


def _of_values(
    code: str,
    metric: str,
    subject: Subject,
    values: np.ndarray,
    features: Sequence[str] | None,
    level: float,
    *,
    intersections: bool,
) -> Evidence:
    """Compare the group means of a number: a regression's predictions or errors."""
    word, name = gaps.LABEL[metric], f"{metric}_difference"
    weights = subject.test.sample_weight
    unit = spread_of(subject)
    overall = float(np.average(values, weights=weights))
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    notes: list[str] = []
    groupings = common.groupings(subject.test, features, intersections=intersections)
    for grouping in groupings:
        if grouping.too_many:
            found.append(gaps.not_compared(name, grouping))
            continue
        least = 0.0 if metric == "mean_error" else -np.inf
        moments = group_moments(values, grouping.codes, len(grouping.labels), weights)
        records = np.bincount(_weights.counted(weights, grouping.codes), minlength=len(grouping.labels))
        groups = gaps.means(metric, grouping, moments, records, level, least)
        gap, note = gaps.of_means(values / unit, grouping, level, weights)
        found += [*groups, gaps.measurement(name, gap, grouping, records, worst=math.inf, fewest=2)]
        notes += [f"{grouping.name}: {note}"] if note else []
        apart = "" if math.isnan(gap.value) else f"; the widest gap is {gap.value:.3f} spreads of the target"
        summary = f"{word} of {len(groups)} groups{apart}."
        tables[grouping.name] = gaps.estimates_table(word, grouping, groups, summary, overall)
    return Evidence(
        code,
        tuple(found),
        tables,
        says=gaps.clearest(found, name, f"{word.lower()} (in spreads of the target)"),
        does_not_say=f"Why the groups differ, or whether they should. {_PAIRS_ONLY}",
        notes=(*common.notes_on(groupings), *notes, *_weights.note(subject.test)),
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )


def spread_of(subject: Subject) -> float:
    """Return the standard deviation of the target, weighted as the rows are; 1 where it has none."""
    y, weights = subject.test.y.astype(float), subject.test.sample_weight
    return math.sqrt(np.average((y - np.average(y, weights=weights)) ** 2, weights=weights)) or 1.0
