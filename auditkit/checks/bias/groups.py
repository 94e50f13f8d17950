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
from auditkit.checks.bias import _measures as measures
from auditkit.checks.bias import _scopes as scopes
from auditkit.checks.bias import _shown as shown
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Within = Callable[[scopes.Scope, float], list[Measurement]]

_BY_TRUTH = ("true_positive_rate", "false_positive_rate")
_DIFFERENCES = {"accuracy_difference": "accuracy", "equal_opportunity_difference": "true_positive_rate"}


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
        "standardised_mean_prediction_difference",
    ],
)
def demographic_parity(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: common.Features = None,
    intersections: common.Intersections = True,
    depth: common.Depth = 2,
    matters: common.Matters = 0.1,
    level: common.Level = 0.95,
) -> Evidence:
    """Compare how often each group is selected; for a regression, what it is predicted on average.

    Parameters
    ----------
    subject : Subject
        Binary, multiclass with `positive` set, or a regression; predictions alone suffice. Control features of the test rows
        divide them into strata, and the groups are also compared within each.
    rng : numpy.random.Generator
        For the permutation test where groups are small.
    features : list of str, optional
        Sensitive features; all when left out.
    intersections : bool
        Also compare the groups of several features together.
    depth : int
        How many features are crossed at most.
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
        as in fairlearn. Regression: ``mean_prediction`` of each group and ``standardised_mean_prediction_difference``, in
        standard deviations of the target (Games-Howell). With control features the same within each stratum, and the worst and
        the mean over strata. A feature of more than 100 groups is not compared: its differences are undefined, with the reason.
    """
    groupings = common.groupings(subject.test, features, intersections=intersections, depth=depth)
    reach = common.reaches(subject.test, intersections=intersections, depth=depth)
    if subject.task == "regression":
        values = subject.answers().labels.astype(float)
        return _of_values("AK101", "mean_prediction", subject, values, groupings, level, reach)
    selected = subject.answers().labels == common.positive_of(subject)
    weights, strata = subject.test.sample_weight, scopes.strata_of(subject.test)
    draws = rng if weights is None else None  # a permutation keeps no weights
    found: list[Measurement] = []
    within: list[Measurement] = []
    worst: list[Measurement] = []
    tables: dict[str, Table] = {}
    crossed: dict[str, Table] = {}

    def counted(every: common.Grouping) -> Within:
        cells = gaps.cells(every, selected, selected, weights)
        return lambda one, at: _selection(
            one.grouping, cells.part(one.places).counts("selection_rate"), matters, at, draws
        )[0]

    for grouping in groupings:
        if grouping.too_many:
            found.append(gaps.not_compared("demographic_parity_difference", grouping))
            found.append(gaps.not_compared("demographic_parity_ratio", grouping))
            continue
        counts = gaps.cells(grouping, selected, selected, weights).counts("selection_rate")
        own, table = _selection(grouping, counts, matters, level, draws)
        found += own
        tables[grouping.name] = table
        if maps.is_crossed(grouping):
            crossed[f"{grouping.name}, map"] = maps.heat_map(table, grouping, own[:-2])
        inside, over, more = scopes.by_stratum(grouping, strata, level, counted)
        within += [*inside, *over]
        worst += scopes.worst_ones(over)
        crossed |= more
    single = {name: table for name, table in tables.items() if f"{name}, map" not in crossed}
    what, metric = "selection rates", "demographic_parity_difference"
    return Evidence(
        "AK101",
        (*found, *within),
        single | crossed | tables,  # each feature, the maps, and the pairs group by group
        says=shown.clearest(found, metric, what) + _within(worst, metric, what, strata),
        does_not_say=(
            "Why the rates differ, or whether they should: the groups may differ in what the decision rests on. "
            + reach
        ).strip(),
        notes=(*common.notes_on(groupings), *scopes.within(strata), *_weights.note(subject.test)),
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
        "standardised_mean_error_difference",
    ],
)
def error_rates(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: common.Features = None,
    intersections: common.Intersections = True,
    depth: common.Depth = 2,
    matters: common.Matters = 0.1,
    level: common.Level = 0.95,
) -> Evidence:
    """Compare how often the model is wrong for each group, and how.

    Parameters
    ----------
    subject : Subject
        Any task; predictions alone suffice. Without a positive label only accuracy is compared. Control features as in
        `demographic_parity`.
    rng : numpy.random.Generator
        For the permutation test where groups are small.
    features, intersections, depth, matters, level
        As in `demographic_parity`.

    Returns
    -------
    Evidence
        ``true_positive_rate``, ``false_positive_rate``, ``accuracy`` of each group (Wilson); for each feature
        ``equal_opportunity_difference`` (largest gap in true positive rates), ``equalized_odds_difference`` (the
        larger of the gaps in true and false positive rates) and ``accuracy_difference``. Definitions as in
        fairlearn (Hardt et al. 2016). Regression: ``mean_error`` (absolute) of each group and
        ``standardised_mean_error_difference``, in standard deviations of the target (Games-Howell). With control features the
        same within each stratum, and the worst and the mean over strata.
    """
    groupings = common.groupings(subject.test, features, intersections=intersections, depth=depth)
    reach = common.reaches(subject.test, intersections=intersections, depth=depth)
    if subject.task == "regression":
        error = np.abs(subject.answers().labels.astype(float) - subject.test.y)
        return _of_values("AK102", "mean_error", subject, error, groupings, level, reach)
    strata, names = scopes.strata_of(subject.test), _error_metrics(subject)
    draws = rng if subject.test.sample_weight is None else None  # a permutation keeps no weights
    found: list[Measurement] = []
    within: list[Measurement] = []
    worst: list[Measurement] = []
    tables: dict[str, Table] = {}

    def counted(every: common.Grouping) -> Within:
        cells = _error_cells(subject, every)
        return lambda one, at: _errors(one.grouping, _parts(cells, one.places), matters, at, draws)[0]

    for grouping in groupings:
        if grouping.too_many:
            found += [gaps.not_compared(metric, grouping) for metric in names]
            continue
        every = np.arange(len(grouping.labels))
        own, table = _errors(grouping, _parts(_error_cells(subject, grouping), every), matters, level, draws)
        found += own
        tables[grouping.name] = table
        inside, over, more = scopes.by_stratum(grouping, strata, level, counted)
        within += [*inside, *over]
        worst += scopes.worst_ones(over)
        tables |= more
    what = "accuracy" if subject.positive is None else "error rates"
    return Evidence(
        "AK102",
        (*found, *within),
        tables,
        says=shown.clearest(found, names[-1], what) + _within(worst, names[-1], what, strata),
        does_not_say=(
            "Whether the labels are right: where past decisions made the labels, errors against them repeat those. "
            + reach
        ).strip(),
        notes=(
            *common.one_class(subject),
            *common.notes_on(groupings),
            *scopes.within(strata),
            *_weights.note(subject.test),
        ),
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )


def _within(worst: list[Measurement], metric: str, what: str, strata: scopes.Strata) -> str:
    """Return what the strata come to, as a sentence after another one; empty where there is one stratum."""
    if len(strata.labels) < 2:
        return ""
    return f" Within strata of {strata.name}: {shown.clearest(worst, metric, what)}"


def _selection(
    grouping: common.Grouping,
    counts: gaps.Counts,
    matters: float,
    level: float,
    rng: np.random.Generator | None,
) -> tuple[list[Measurement], Table]:
    """Return the selection rate of each group, then the largest difference and the smallest ratio; and the table."""
    groups = gaps.rates("selection_rate", grouping, counts, level)
    # one hypothesis, one test: drawing it again would give the ratio another p-value
    apart = measures.rate_gaps(counts, "between_groups", level, rng)
    need = gaps.needed(counts, matters, level)
    both = measures.as_measurements("demographic_parity", apart, grouping, counts.records, n_needed=need)
    return [*groups, *both], shown.rate_table("selection_rate", grouping, groups, counts, apart["difference"])


def _error_metrics(subject: Subject) -> tuple[str, ...]:
    """Return the differences that AK102 gives of each feature, the widest-ranging last."""
    return (
        ("accuracy_difference",) if subject.positive is None else (*_DIFFERENCES, "equalized_odds_difference")
    )


def _error_cells(subject: Subject, every: common.Grouping) -> dict[str, tuple[gaps.Cells, str]]:
    """Count what AK102 compares: for each rate the cells of all groups, and the rate of these cells that it is."""
    right, weights = common.correct(subject), subject.test.sample_weight
    found = {"accuracy": (gaps.cells(every, right, right, weights), "selection_rate")}
    if subject.positive is not None:
        truth, answer = (part == subject.positive for part in (subject.test.y, subject.answers().labels))
        cells = gaps.cells(every, truth, answer, weights)
        found |= {name: (cells, name) for name in _BY_TRUTH}
    return found


def _parts(cells: dict[str, tuple[gaps.Cells, str]], places: np.ndarray) -> dict[str, gaps.Counts]:
    return {metric: part.part(places).counts(rate) for metric, (part, rate) in cells.items()}


def _errors(
    grouping: common.Grouping,
    parts: dict[str, gaps.Counts],
    matters: float,
    level: float,
    rng: np.random.Generator | None,
) -> tuple[list[Measurement], Table]:
    """Return the rates of each group, then the gaps; and the table."""
    by_part = {
        metric: statistics.largest_gap(*counts[:2], level, rng=rng) for metric, counts in parts.items()
    }
    found: list[Measurement] = []
    drawn: dict[str, Table] = {}
    for metric, counts in parts.items():
        groups = gaps.rates(metric, grouping, counts, level)
        found += groups
        drawn[metric] = shown.rate_table(metric, grouping, groups, counts, by_part[metric])
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
    if len(parts) > 1:
        found.append(gaps.odds(parts, by_part, grouping, matters, level))
    return found, shown.side_by_side(drawn, grouping)


def _of_values(
    code: str,
    metric: str,
    subject: Subject,
    values: np.ndarray,
    groupings: Sequence[common.Grouping],
    level: float,
    reach: str,
) -> Evidence:
    """Compare the group means of a number: a regression's predictions or errors."""
    word, name = gaps.LABEL[metric], f"standardised_{metric}_difference"
    weights, strata, unit = subject.test.sample_weight, scopes.strata_of(subject.test), spread_of(subject)
    least = 0.0 if metric == "mean_error" else -np.inf
    overall = float(np.average(values, weights=weights))
    found: list[Measurement] = []
    within: list[Measurement] = []
    worst: list[Measurement] = []
    tables: dict[str, Table] = {}
    notes: list[str] = []
    for grouping in groupings:
        if grouping.too_many:
            found.append(gaps.not_compared(name, grouping))
            continue
        moments, records, _ = measures.moments_of(values, grouping, weights)
        groups = gaps.means(metric, grouping, moments, records, level, least)
        gap, note = gaps.of_means(values / unit, grouping, level, weights)
        found += [*groups, gaps.measurement(name, gap, grouping, records, worst=math.inf, fewest=2)]
        notes += [f"{grouping.name}: {note}"] if note else []
        apart = "" if math.isnan(gap.value) else f"; the widest gap is {gap.value:.3f} spreads of the target"
        summary = f"{word} of {len(groups)} group{'s' if len(groups) != 1 else ''}{apart}."
        tables[grouping.name] = shown.estimates_table(word, grouping, groups, summary, overall)
        inside, over, more = scopes.by_stratum(
            grouping, strata, level, _means_of(metric, values, weights, unit, least), means=True
        )
        within += [*inside, *over]
        worst += scopes.worst_ones(over)
        tables |= more
    what = f"{word.lower()} (in spreads of the target)"
    return Evidence(
        code,
        (*found, *within),
        tables,
        says=shown.clearest(found, name, what) + _within(worst, name, what, strata),
        does_not_say=f"Why the groups differ, or whether they should. {reach}".strip(),
        notes=(*common.notes_on(groupings), *notes, *scopes.within(strata), *_weights.note(subject.test)),
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )


def _means_of(
    metric: str, values: np.ndarray, weights: np.ndarray | None, unit: float, least: float
) -> Callable[[common.Grouping], Within]:
    """Return what measures the means of a stratum, and the largest gap in spreads of the target; see `by_stratum`."""

    def counted(every: common.Grouping) -> Within:
        plain, records, mass = measures.moments_of(values, every, weights)
        scaled = measures.moments_of(values / unit, every, weights)[0]

        def of(one: scopes.Scope, at: float) -> list[Measurement]:
            own, in_units = (type(plain)(*(part[one.places] for part in m)) for m in (plain, scaled))
            size = records[one.places]
            apart = measures.mean_gaps(in_units, mass[one.places], "between_groups", at)
            del apart["ratio"]
            return [
                *gaps.means(metric, one.grouping, own, size, at, least),
                *measures.as_measurements(f"standardised_{metric}", apart, one.grouping, size, means=True),
            ]

        return of

    return counted


def spread_of(subject: Subject) -> float:
    """Return the standard deviation of the target, weighted as the rows are; 1 where it has none."""
    y, weights = subject.test.y.astype(float), subject.test.sample_weight
    return math.sqrt(np.average((y - np.average(y, weights=weights)) ** 2, weights=weights)) or 1.0
