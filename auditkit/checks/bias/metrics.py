"""Metrics: every metric by group, as difference and as ratio, between groups or to all records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.bias import _asked as asked
from auditkit.checks.bias import _gaps as gaps
from auditkit.checks.bias import _measures as measures
from auditkit.checks.bias import _scopes as scopes
from auditkit.checks.bias import _shown as shown
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.fairness import RATE_NAMES
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = {"precision": "precision_score", "accuracy": "accuracy_score"}
_RATES = tuple(_NAMES.get(name, name) for name in RATE_NAMES)
_ERRORS = ("mean_absolute_error", "mean_squared_error")
_MOST_CLASSES = 20
_ODDS = ("true_positive_rate", "false_positive_rate")

Method = Annotated[
    measures.Method, Doc("Compare the groups with each other, or each of them with all records together.")
]


@check(
    code="AK103",
    title="Every metric by group",
    question="In which rate or error do the groups differ, and by how much?",
    dimension="bias",
    metrics=[
        *(
            f"{name}{end}"
            for name in (*_RATES, "balanced_accuracy_score")
            for end in ("", "_difference", "_ratio")
        ),
        "equal_opportunity_ratio",
        "equalized_odds_ratio",
        *(f"{name}{end}" for name in ("mean_prediction", *_ERRORS) for end in ("", "_difference", "_ratio")),
    ],
)
def group_metrics(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: common.Features = None,
    intersections: common.Intersections = True,
    depth: common.Depth = 2,
    method: Method = "between_groups",
    level: common.Level = 0.95,
) -> Evidence:
    """Measure every rate or error by group, and how far the groups lie apart in it.

    Parameters
    ----------
    subject : Subject
        Any task; predictions alone suffice. Control features of the test data divide the records into strata, and groups
        are compared within each.
    rng : numpy.random.Generator
        For permutation tests of small groups, and for the bootstrap of balanced accuracy.
    features, intersections, depth
        As in `demographic_parity`.
    method : {"between_groups", "to_overall"}
        Largest difference of two groups, or largest distance of a group from all records; fairlearn's meaning.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        Binary: ten rates and balanced accuracy of each group (Wilson), the ``_difference`` and ``_ratio`` of each,
        ``equal_opportunity_ratio`` and ``equalized_odds_ratio``. Multiclass: accuracy, and the rates of each class against the
        rest. Regression: mean prediction, mean absolute and mean squared error, in the unit of the target. With
        control features also the worst and the mean over strata. Definitions as in fairlearn.
    """
    data, strata = subject.test, scopes.strata_of(subject.test)
    found: list[Measurement] = []
    forests: dict[str, Table] = {}
    matrices: dict[str, Table] = {}
    groupings = common.groupings(data, features, intersections=intersections, depth=depth)
    inner = 1 - (1 - level) / len(strata.labels)
    means = subject.task == "regression"
    for grouping in groupings:
        if grouping.too_many:
            found.append(gaps.not_compared(_first(subject), grouping))
            continue
        every, compared = scopes.scopes_of(grouping, strata)
        here = list(_measured(subject, every, compared, method, inner, rng))
        groups = [m for _, m in here if not scopes.is_gap(m)]
        apart = [m for _, m in here if scopes.is_gap(m)]
        found += [*groups, *apart]
        if len(compared) > 1:
            by_class = [one for one in here if scopes.is_gap(one[1])]
            apart = scopes.summed_up(by_class, grouping.name, level, means=means)
            found += apart
        forests[f"gaps, {grouping.name}"] = _forest(apart, grouping)
        matrices[grouping.name] = _matrix(groups, grouping)
    return Evidence(
        "AK103",
        tuple(found),
        _in_order(forests, matrices, [g.name for g in groupings if len(g.features) < 2]),
        says=_says(found),
        does_not_say=(
            "Which of these metrics matters here: they cannot all be equal at once where the groups' true rates differ "
            "(Chouldechova 2017), and with so many some differ by chance; p-values are corrected over the whole audit."
        ),
        notes=(
            *common.one_class(subject),
            *common.notes_on(groupings),
            *_said(subject, method, strata),
            *_weights.note(data),
        ),
        rows=common.rows_used(len(data), len(data)),
    )


def _measured(
    subject: Subject,
    every: common.Grouping,
    compared: list[scopes.Scope],
    method: measures.Method,
    level: float,
    rng: np.random.Generator,
) -> Iterator[tuple[str, Measurement]]:
    """Yield every measurement of a grouping, with the class it is about; empty where it is about none."""
    if subject.task == "regression":
        for m in _of_values(subject, every, compared, method, level):
            yield "", m
        return
    said, truth, weights = subject.answers().labels, subject.test.y, subject.test.sample_weight
    if subject.task == "binary":
        cells = gaps.cells(every, truth == subject.positive, said == subject.positive, weights)
        for m in _of_cells(cells, compared, "", method, level, rng, weighted=weights is not None):
            yield "", m
        return
    right = said == truth
    cells = gaps.cells(every, right, right, weights)
    draws = rng if weights is None else None
    for scope in compared:
        counts = cells.part(scope.places).counts("selection_rate")
        for m in _of_rate("accuracy_score", counts, scope.grouping, method, level, draws):
            yield "", m
    classes = [] if subject.classes is None else subject.classes.tolist()
    for one in classes[:_MOST_CLASSES]:
        cells = gaps.cells(every, truth == one, said == one, weights)
        word = f"class={one}"
        for m in _of_cells(cells, compared, word, method, level, rng, weighted=weights is not None):
            yield word, m


def _of_cells(
    cells: gaps.Cells,
    compared: list[scopes.Scope],
    word: str,
    method: measures.Method,
    level: float,
    rng: np.random.Generator,
    *,
    weighted: bool,
) -> Iterator[Measurement]:
    """Yield every rate of two classes, or of one class against the rest."""
    draws = None if weighted else rng
    for scope in compared:
        grouping, part = scope.named(word), cells.part(scope.places)
        for name in RATE_NAMES:
            if not (word and name == "accuracy"):
                metric = _NAMES.get(name, name)
                yield from _of_rate(metric, part.counts(name), grouping, method, level, draws)
        yield from measures.balanced_groups(grouping, part, level)
        records = np.minimum(*(part.counts(name).records for name in _ODDS))
        apart = measures.balanced_gaps(part, method, level, rng)
        yield from measures.as_measurements("balanced_accuracy_score", apart, grouping, records)
        parts = {name: part.counts(name) for name in _ODDS}
        equal = measures.rate_gaps(parts["true_positive_rate"], method, level, draws)["ratio"]
        hits = parts["true_positive_rate"].records
        yield gaps.measurement("equal_opportunity_ratio", equal, grouping, hits, worst=0.0)
        yield measures.odds_ratio(parts, grouping, method, level, draws)


def _of_rate(
    metric: str,
    counts: gaps.Counts,
    grouping: common.Grouping,
    method: measures.Method,
    level: float,
    rng: np.random.Generator | None,
) -> Iterator[Measurement]:
    yield from gaps.rates(metric, grouping, counts, level)
    apart = measures.rate_gaps(counts, method, level, rng)
    yield from measures.as_measurements(metric, apart, grouping, counts.records)


def _of_values(
    subject: Subject,
    every: common.Grouping,
    compared: list[scopes.Scope],
    method: measures.Method,
    level: float,
) -> Iterator[Measurement]:
    said, y = subject.answers().labels.astype(float), subject.test.y.astype(float)
    values = {"mean_prediction": said, _ERRORS[0]: np.abs(said - y), _ERRORS[1]: (said - y) ** 2}
    for metric, numbers in values.items():
        moments, records, mass = measures.moments_of(numbers, every, subject.test.sample_weight)
        least = -np.inf if metric == "mean_prediction" else 0.0
        for scope in compared:
            part = type(moments)(*(one[scope.places] for one in moments))
            size, grouping = records[scope.places], scope.grouping
            yield from gaps.means(metric, grouping, part, size, level, least)
            apart = measures.mean_gaps(part, mass[scope.places], method, level)
            yield from measures.as_measurements(metric, apart, grouping, size, means=True)


def _first(subject: Subject) -> str:
    """Return the metric under which a feature of too many groups is named."""
    if subject.task == "regression":
        return "mean_absolute_error_difference"
    return "accuracy_score_difference"


def _in_order(forests: dict[str, Table], matrices: dict[str, Table], singles: list[str]) -> dict[str, Table]:
    """Return the gaps of each feature, then its metrics, then all of the pairs."""
    first = {key: table for key, table in forests.items() if key.removeprefix("gaps, ") in singles}
    return first | {name: matrices[name] for name in singles if name in matrices} | forests | matrices


def _matrix(groups: list[Measurement], grouping: common.Grouping) -> Table:
    """Return the metrics of all groups as a matrix, with counts and intervals."""
    columns = {
        "row": tuple(m.group or "" for m in groups),
        "column": tuple(m.metric.removesuffix("_score").replace("_", " ") for m in groups),
        **{name: part for name, part in common.estimates(groups).items() if name != "label"},
    }
    known = int(np.isfinite([m.value for m in groups]).sum())
    rows, metrics = (len(set(columns[name])) for name in ("row", "column"))
    summary = (
        f"{metrics} metric{'s' if metrics > 1 else ''} of {rows} group{'s' if rows > 1 else ''}: "
        f"{known} of {len(groups)} figures could be measured."
    )
    labels = {"row": grouping.name, "column": "Metric", "n": "records"}
    return Table(f"Metrics by {grouping.name}", columns, "matrix", labels, summary)


def _forest(apart: list[Measurement], grouping: common.Grouping) -> Table:
    """Return the differences of a feature, one row each, around no difference."""
    shown = [m for m in apart if m.metric.endswith("_difference")]
    several = len({m.group for m in shown}) > 1
    columns = common.estimates(shown)
    columns["label"] = tuple(m.metric.removesuffix("_difference").replace("_", " ") for m in shown)
    if several:
        columns["series"] = tuple((m.group or "").removeprefix(f"{grouping.name} | ") for m in shown)
    clear = [m for m in shown if m.interval and m.interval.low > 0]
    names = ", ".join(dict.fromkeys(m.metric.removesuffix("_difference").replace("_", " ") for m in clear))
    found = f"intervals leave out 0 for {names}" if clear else "no interval leaves out 0"
    summary = f"Differences over {grouping.name}: {found}; not corrected for their number."
    return Table(
        f"Differences over {grouping.name}", columns, "estimates", {"value": "Difference", "n": "records", "reference": "none"}, summary,
        reference=0.0,
    )  # fmt: skip


def _says(found: list[Measurement]) -> str:
    """Return how many differences are clear, of those that were measured; two metrics of one question count once."""
    every: dict[str, list[Measurement]] = {}
    for m in found:
        if m.metric.endswith("_difference"):
            every.setdefault(asked.alike(m.metric, str(m.group)), []).append(m)
    known = [same for same in every.values() if any(m.interval is not None for m in same)]
    out = len(every) - len(known)
    if not known:
        return f"No difference between groups could be measured, of {out} asked for."
    clear = [m for same in known for m in same if m.interval is not None and m.interval.low > 0]
    n_clear = sum(any(m.interval is not None and m.interval.low > 0 for m in same) for same in known)
    more = f" {out} more could not be measured." if out else ""
    if not clear:
        none = (
            "The one difference measured has no"
            if len(known) == 1
            else f"Of {len(known)} differences measured none has an"
        )
        return f"{none} interval that leaves out 0.{more}"
    top = max(clear, key=lambda m: m.interval.low if m.interval else 0.0)
    ends = f" [{top.interval.low:.3f}, {top.interval.high:.3f}]" if top.interval else ""
    return (
        f"Of {len(known)} differences measured between groups {n_clear} {'has' if n_clear == 1 else 'have'} an interval that leaves out 0; "
        f"the clearest is {top.metric.replace('_', ' ')} over {top.group}: {top.value:.3f}{ends} ({shown.first_words(top)}).{more}"
    )


def _said(subject: Subject, method: measures.Method, strata: scopes.Strata) -> tuple[str, ...]:
    notes: list[str] = []
    if method == "to_overall":
        notes.append(
            "Groups are held against all records, these groups included; shares are held as observed."
        )
    notes += scopes.within(strata)
    classes = 0 if subject.classes is None else len(subject.classes)
    if subject.task == "multiclass" and classes > _MOST_CLASSES:
        notes.append(f"Only the first {_MOST_CLASSES} of {classes} classes are compared one by one.")
    return tuple(notes)
