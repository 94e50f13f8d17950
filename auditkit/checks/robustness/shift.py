"""Shift: how accuracy changes when the mix of records does, by weighing the rows at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Le
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks._sweeps import rightness
from auditkit.checks.robustness._mixes import Column, Domain, columns_of, domain, named_shifts
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods import reweighing
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.statistics import Reweighed

METRICS = [
    "shifted_accuracy_drop",
    "named_shift_accuracy_drop",
    "shifted_error_increase",
    "named_shift_error_increase",
    "domain_auc",
]
_FEWEST = 30.0  # effective rows, below which nothing is said
_FEWEST_IN_CELL = 10
_DIVERGENCES = {"kl": "Kullback-Leibler divergence in nats", "chi2": "chi-square divergence"}
_BUDGETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_AS_TRAINED = "inputs as in the training rows"
_WAY = "linearised, two rows added"


class _Named(NamedTuple):
    """A shift with a name and what it costs."""

    words: str
    found: Reweighed
    n: int


class _Picked(NamedTuple):
    """The mix of a column that looked worst on one half of the rows, and what it costs on the other."""

    column: Column
    mix: reweighing.PickedMix
    found: Reweighed


@check(
    code="AK309",
    title="Another mix of records",
    question="How does accuracy change if the mix of records changes?",
    dimension="robustness",
    metrics=METRICS,
)
def covariate_shift(
    subject: Subject,
    *,
    rng: np.random.Generator,
    tilt: Annotated[
        float,
        Gt(0),
        Le(2),
        Doc("How far a number's distribution is moved, in standard deviations of its ranks' normal scores."),
    ] = 0.5,
    budget: Annotated[
        float, Gt(0), Le(2), Doc("How far the mix of one column may move when the worst one is looked for.")
    ] = 0.1,
    divergence: Annotated[
        reweighing.Divergence,
        Doc("What the budget counts: Kullback-Leibler divergence in nats, or chi-square."),
    ] = "kl",
    columns: Annotated[
        int, Ge(1), Doc("Inputs looked at at most; drawn at random where there are more.")
    ] = 30,
    rows: Annotated[int, Ge(20), Doc("Training rows, and test rows, told apart at most.")] = 2000,
    level: common.Level = 0.95,
) -> Evidence:
    """Weigh the test rows as another mix would, and compare with the rows as they are.

    Parameters
    ----------
    subject : Subject
        Any task; predictions alone suffice where there are sensitive features.
    rng : numpy.random.Generator
        Columns drawn, the halves, and telling training from test rows.
    tilt : float
        Of the named shifts of numbers.
    budget, divergence : float, {"kl", "chi2"}
        Of the worst mix.
    columns : int
        Inputs at most.
    rows : int
        Of either data set, to be told apart.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``shifted_accuracy_drop``: loss in the mix of one column that is worst within the budget, picked on one half of the rows and
        measured on the other; a lower bound. ``named_shift_accuracy_drop``: the largest loss of the shifts that have a name, with an
        interval that holds for all of them. ``domain_auc``: how well test rows are told from training rows; 0.5 where they are
        drawn alike. For a regression ``..._error_increase`` in deviations of the target.
    """
    if len(subject.test) < 4:
        raise NotApplicable(f"{len(subject.test)} test rows are too few to be halved and weighed")
    value = rightness(subject, subject.answers().labels, subject.test.y)
    found, left_out = columns_of(subject, columns, rng)
    if not found:
        raise NotApplicable(
            "no input and no sensitive feature has two values: there is no mix that could change"
        )
    told = domain(subject, rows, level, rng)
    half = rng.permutation(len(value)) < len(value) // 2
    picked = [_pick(column, value, half, budget, divergence, level) for column in found]
    worst = max(picked, key=lambda one: one.mix.loss)
    named = _named(found, value, told, tilt, level)
    kind = "error_increase" if subject.task == "regression" else "accuracy_drop"
    headline = _headline(worst, kind, int((~half).sum()), budget, divergence, level)
    return Evidence(
        "AK309",
        (headline, _largest(named, kind, level), _domain_auc(told, subject, level)),
        {
            "named": _named_table(named, kind),
            "worst_by_column": _by_column(picked, value, half, kind, level),
            "worst_mix": _mix_table(worst, value, half, kind),
            **_by_budget(found, value, half, budget, divergence, kind, level),
        },
        says=_says(headline, kind, worst, told),
        does_not_say="How the model does on records unlike any of these rows, or where what is right has changed.",
        notes=(*_notes(named, left_out, told), *_weights.ignored(subject.test)),
        rows=common.rows_used(len(value), len(value)),
    )


def _pick(
    column: Column, value: np.ndarray, half: np.ndarray, budget: float, divergence: str, level: float
) -> _Picked:
    mix = reweighing.picked_mix(column.cells[half], value[half], len(column.words), budget, divergence)
    return _Picked(column, mix, _elsewhere(column, mix, value, half, level))


def _elsewhere(
    column: Column,
    mix: reweighing.PickedMix,
    value: np.ndarray,
    half: np.ndarray,
    level: float,
    among: int = 1,
) -> Reweighed:
    """Return what a mix costs on the rows it was not picked on; unknown where it holds none of them."""
    weights = mix.weights[column.cells[~half]]
    if not weights.any():
        return statistics.Reweighed(np.nan, -np.inf, np.inf, 0.0)
    return statistics.reweighed_difference(value[~half], weights, level, intervals=among)


def _named(
    columns: list[Column], value: np.ndarray, told: Domain | None, tilt: float, level: float
) -> list[_Named]:
    shifts: list[tuple[str, np.ndarray, np.ndarray]] = [
        (words, value, weights) for words, weights in named_shifts(columns, tilt)
    ]
    if told is not None:
        shifts.append((_AS_TRAINED, value[told.rows], told.weights))
    return [
        _Named(words, statistics.reweighed_difference(v, w, level, intervals=len(shifts)), len(v))
        for words, v, w in shifts
    ]


def _headline(worst: _Picked, kind: str, n: int, budget: float, divergence: str, level: float) -> Measurement:
    metric, found = f"shifted_{kind}", worst.found
    said = f"{worst.column.name} in another mix (budget {budget:g}, {_DIVERGENCES[divergence]}); effective size {found.size:.0f}"
    if found.size < _FEWEST:
        reason = f"{said}: {_FEWEST:.0f} are needed"
        return Measurement(metric, float("nan"), n, bound="lower", reason=reason)
    ends = _within(found, kind)
    return common.measured(metric, found.value, n, ends, level, _WAY, bound="lower", reason=said)


def _within(found: Reweighed, kind: str) -> tuple[float, float]:
    if kind == "error_increase":
        return found.low, found.high
    return max(found.low, -1.0), min(found.high, 1.0)


def _largest(named: list[_Named], kind: str, level: float) -> Measurement:
    metric, enough = f"named_shift_{kind}", [one for one in named if one.found.size >= _FEWEST]
    if not enough:
        most = max(one.found.size for one in named)
        reason = f"no shift leaves an effective size of {_FEWEST:.0f} rows; the largest is {most:.0f}"
        return Measurement(metric, float("nan"), named[0].n, reason=reason)
    first = max(enough, key=lambda one: one.found.value)
    ends = [_within(one.found, kind) for one in enough]
    both = max(low for low, _ in ends), max(high for _, high in ends)
    reason = f"{first.words}; the largest of {len(enough)} shifts; effective size {first.found.size:.0f}"
    return common.measured(
        metric, first.found.value, first.n, both, level, f"bonferroni, {_WAY}", reason=reason
    )


def _domain_auc(told: Domain | None, subject: Subject, level: float) -> Measurement:
    if told is None:
        reason = (
            "no training rows were given" if subject.train is None else "there are no inputs to tell rows by"
        )
        return Measurement("domain_auc", float("nan"), 0, reason=reason)
    auc = told.auc
    if np.isnan(auc.value):
        return Measurement("domain_auc", auc.value, told.n, reason="too few rows to tell apart")
    size = statistics.kish_size(told.weights)
    said = f"weighed like the training rows, the test rows are worth {size:.0f}"
    return common.measured(
        "domain_auc", auc.value, told.n, (auc.low, auc.high), level, "delong within folds", reason=said
    )


def _word(kind: str) -> str:
    return "Growth of the error" if kind == "error_increase" else "Loss of accuracy"


def _named_table(named: list[_Named], kind: str) -> Table:
    order = sorted(named, key=lambda one: -one.found.value if one.found.size >= _FEWEST else np.inf)
    nan = float("nan")
    ends = [_within(one.found, kind) if one.found.size >= _FEWEST else (nan, nan) for one in order]
    columns = {
        "label": tuple(one.words for one in order),
        "value": tuple(one.found.value if one.found.size >= _FEWEST else nan for one in order),
        "low": tuple(low for low, _ in ends),
        "high": tuple(high for _, high in ends),
        "n": tuple(one.n for one in order),
        "size": tuple(one.found.size for one in order),
    }
    labels = {
        "label": "Shift",
        "value": _word(kind),
        "n": "records",
        "size": "effective size",
        "reference": "no loss",
        "largest": "costliest shifts",
    }
    summary = f"{_word(kind)} by shift, worst first; the intervals hold for all {len(named)} together."
    return Table(f"{_word(kind)} in another mix", columns, "estimates", labels, summary, reference=0.0)


def _by_column(
    picked: Sequence[_Picked], value: np.ndarray, half: np.ndarray, kind: str, level: float
) -> Table:
    n = int((~half).sum())
    again = [_elsewhere(one.column, one.mix, value, half, level, len(picked)) for one in picked]
    order = sorted(range(len(picked)), key=lambda i: -again[i].value if again[i].size else np.inf)
    nan = float("nan")
    ends = [_within(again[i], kind) if again[i].size else (nan, nan) for i in order]
    columns = {
        "label": tuple(picked[i].column.name for i in order),
        "value": tuple(again[i].value for i in order),
        "low": tuple(low for low, _ in ends),
        "high": tuple(high for _, high in ends),
        "n": (n,) * len(order),
        "size": tuple(again[i].size for i in order),
    }
    labels = {
        "label": "Column",
        "value": _word(kind),
        "n": "records",
        "size": "effective size",
        "reference": "no loss",
        "largest": "columns that cost most",
    }
    summary = (
        f"{_word(kind)} in the worst mix of each column within the budget, picked on the other half; intervals hold for all "
        f"{len(order)} together."
    )
    return Table("The worst mix, column by column", columns, "estimates", labels, summary, reference=0.0)


def _mix_table(worst: _Picked, value: np.ndarray, half: np.ndarray, kind: str) -> Table:
    """Return the cells of the column whose mix was worst: what they hold, and how common they became."""
    cells, k = worst.column.cells[~half], len(worst.column.words)
    n = np.bincount(cells, minlength=k)
    sums = np.bincount(cells, weights=value[~half], minlength=k)
    mean = np.where(n >= _FEWEST_IN_CELL, sums / np.maximum(n, 1), np.nan)
    share = n / n.sum()
    new = share * worst.mix.weights
    columns = {
        "records of": tuple(worst.column.words),
        "share": tuple(share),
        "share in the worst mix": tuple(new / new.sum() if new.any() else np.full(k, np.nan)),
        "result": tuple(-mean if kind == "error_increase" else mean),
        "n": tuple(n),
    }
    labels = {
        "result": "mean error, in deviations of the target" if kind == "error_increase" else "accuracy",
        "n": "records",
    }
    summary = (
        f"How {worst.column.name} is mixed, and the mix that looked worst on the other half of the rows."
    )
    return Table(f"The worst mix of {worst.column.name}", columns, labels=labels, summary=summary)


def _by_budget(
    columns: list[Column],
    value: np.ndarray,
    half: np.ndarray,
    budget: float,
    divergence: str,
    kind: str,
    level: float,
) -> dict[str, Table]:
    points = []
    for one in sorted({*_BUDGETS, budget}):
        picked = [_pick(column, value, half, one, divergence, level) for column in columns]
        found = max(picked, key=lambda p: p.mix.loss).found
        if found.size >= _FEWEST:
            points.append((one, found.value, *_within(found, kind)))
    if not points:
        return {}
    x, values, low, high = (tuple(part) for part in zip(*points, strict=True))
    table = {"x": x, "value": values, "low": low, "high": high, "n": (int((~half).sum()),) * len(x)}
    words = {
        "x": f"How far the mix moves, {_DIVERGENCES[divergence]}",
        "value": _word(kind),
        "n": "records",
        "reference": "no loss",
    }
    summary = f"{_word(kind)} in the worst mix of one column, by how far the mix may move; each interval holds by itself."
    return {
        "by_budget": Table(
            "How much a change of the mix can cost", table, "curve", words, summary, reference=0.0
        )
    }


def _says(headline: Measurement, kind: str, worst: _Picked, told: Domain | None) -> str:
    first = (
        f"In the worst mix of {worst.column.name} within the budget the {_word(kind).lower()} is {common.with_ends(headline)}"
        if not np.isnan(headline.value)
        else f"Too few rows to say what the worst mix of {worst.column.name} costs"
    )
    if told is None or np.isnan(told.auc.value):
        return f"{first}."
    return f"{first}; test rows are told from training rows with an AUC of {common.number(told.auc.value)}."


def _notes(named: list[_Named], left_out: int, told: Domain | None) -> tuple[str, ...]:
    notes = [
        "The worst mix was picked on one half of the test rows, drawn at random, and measured on the other."
    ]
    few = [one.words for one in named if one.found.size < _FEWEST]
    if few:
        more = f" and {len(few) - 6:,} more" if len(few) > 6 else ""
        notes.append(f"Effective size below {_FEWEST:.0f}, so nothing is said: {', '.join(few[:6])}{more}.")
    if left_out:
        notes.append(f"{left_out:,} inputs were not looked at: pass a greater columns=.")
    if told is None:
        notes.append(
            "Without training rows and inputs, test rows were not compared with what the model was trained on."
        )
    return tuple(notes)
