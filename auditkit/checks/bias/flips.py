"""Flips: whose decision changes when only the sensitive feature is changed, and in which direction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Lt
from typing_extensions import Doc

from auditkit import progress, statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights as weights
from auditkit.checks.bias import _matched as matched
from auditkit.checks.bias import _scopes as scopes
from auditkit.disguises import disguise, settling
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_VALUES = 10
_RATES = ("flip_gain_rate", "flip_loss_rate")
_WORDS = {"flip_gain_rate": "selected if changed", "flip_loss_rate": "refused if changed"}


@check(
    code="AK112",
    title="Decisions that flip with the sensitive feature",
    question="Whose decision changes when only the sensitive feature is changed, or the feature with its proxies?",
    dimension="bias",
    metrics=["flip_rate", *_RATES, "flip_size", "flip_prediction_shift", *matched.METRICS],
)
def counterfactual_flips(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: common.Features = None,
    proxy_auc: Annotated[
        float,
        Ge(0.5),
        Lt(1),
        Doc(
            "Inputs that are shown to tell a group from the others with more than this AUC are changed with the feature."
        ),
    ] = 0.6,
    rows: Annotated[int, Ge(10), Doc("Rows changed at most; drawn at random where there are more.")] = 5000,
    level: common.Level = 0.95,
) -> Evidence:
    """Set each sensitive feature that is an input to its other values, alone and with its proxies, and see what changes.

    Parameters
    ----------
    subject : Subject
        That can be asked, with sensitive features.
    rng : numpy.random.Generator
        Rows drawn, folds, and donors.
    features : list of str, optional
        Sensitive features; all when left out.
    proxy_auc : float
        What makes an input a proxy: the whole interval of its AUC (AK109) lies above.
    rows : int
        Test rows at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``flip_rate`` of each sensitive feature: share of records whose decision is another one under at least one other
        value (Clopper-Pearson); ``nan`` for one that is no input. With a positive label, for each group ``flip_gain_rate``: share
        not selected that would be under another value, and ``flip_loss_rate``: share selected that would not be. With the proxies
        moved to the values of the most alike record of another group: ``matched_flip_rate``, the ``matched_flip_excess`` over a
        record of the own group, and ``matched_selection_shift`` of each group. Regression, in the unit of the target:
        ``flip_size``, the mean largest change, ``flip_prediction_shift`` of each group, and ``matched_`` figures likewise.
    """
    common.needs_model(subject)
    data = subject.test
    groupings = common.groupings(data, features, intersections=False)
    chosen = common.draw(len(data), rows, rng)
    codec = Codec.of(data.X)
    whole = codec.encode(data.X)
    columns = [str(c) for c in codec.columns]
    numbers = subject.task == "regression"

    def decide(matrix: np.ndarray) -> np.ndarray:
        said = np.asarray(subject.model.predict(codec.decode(matrix)))
        return said.astype(float) if numbers else said

    kinds = [kind == "categorical" for kind in codec.kinds]
    usual = decide(whole[chosen])
    asked = matched.Asked(subject, columns, kinds, whole[chosen], chosen, usual, decide)
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    notes: list[str] = []
    for i, grouping in enumerate(groupings):
        if grouping.name in columns:
            own, drawn = _direct(asked, grouping, whole, (i, len(groupings)), level)
            notes += _twin(grouping.name, columns.index(grouping.name), whole, columns)
        else:
            own, drawn = [_outside(subject, grouping.name, whole)], {}
        with_proxies, more, said = matched.flips(asked, grouping, proxy_auc, level, rng)
        found += [*own, *with_proxies]
        tables |= drawn | more
        notes += said
    return Evidence(
        "AK112",
        tuple(found),
        tables,
        says=_says(found),
        does_not_say=(
            "What the decision would be had the person been born another: what goes with the feature was left as it is, or, with the "
            "proxies, taken from another record. An input that is not shown to stand in for the feature is not changed."
        ),
        notes=(*common.notes_on(groupings), *notes, *scopes.unused(data), *weights.ignored(data)),
        rows=common.rows_used(len(chosen), len(data)),
    )


def _direct(
    asked: matched.Asked,
    grouping: common.Grouping,
    whole: np.ndarray,
    place: tuple[int, int],
    level: float,
) -> tuple[list[Measurement], dict[str, Table]]:
    """Change the feature alone."""
    name, subject = grouping.name, asked.subject
    numbers = subject.task == "regression"
    metric = "flip_size" if numbers else "flip_rate"
    j = asked.columns.index(name)
    values = _values(whole[:, j], "categorical" if asked.categorical[j] else "number")
    if len(values) < 2:
        return [_unknown(name, "it has one value only", metric)], {}
    others = _flipped(asked.decide, asked.X, j, values, (name, *place))
    codes = grouping.codes[asked.chosen]
    if numbers:
        return _moved(asked, grouping, others, level)
    usual = asked.usual
    changed: np.ndarray = np.array([(other != usual) & tried for other, tried in others])
    found = [_rate("flip_rate", np.any(changed, axis=0), name, level)]
    if subject.positive is None:
        return found, {}
    gains = changed & np.array([other == subject.positive for other, _ in others])
    losses = changed & (usual == subject.positive)
    by_group = _by_group((codes, grouping.labels), np.any(gains, axis=0), np.any(losses, axis=0), level)
    return [*found, *by_group], {name: _table(name, by_group)}


def _moved(
    asked: matched.Asked,
    grouping: common.Grouping,
    others: list[tuple[np.ndarray, np.ndarray]],
    level: float,
) -> tuple[list[Measurement], dict[str, Table]]:
    """Return how far a regression's prediction moves, and in which direction for each group."""
    name, codes = grouping.name, grouping.codes[asked.chosen]
    tried = np.array([one for _, one in others])
    away = np.where(tried, np.array([other for other, _ in others]) - asked.usual, 0.0)
    largest, mean = np.abs(away).max(axis=0), away.sum(axis=0) / np.maximum(tried.sum(axis=0), 1)
    found = [_mean("flip_size", largest, name, level, 0.0)]
    shifts = [
        _mean("flip_prediction_shift", mean[codes == g], label, level, -math.inf)
        for g, label in enumerate(grouping.labels)
        if (codes == g).any()
    ]
    top = max(shifts, key=lambda m: abs(m.value))
    summary = f"With only {name} changed the mean prediction moves most for {top.group}: by {top.value:+.4g}."
    word = "Mean change of the prediction"
    title = f"{word} with {name}"
    labels = {"value": word, "n": "records", "reference": "no change"}
    table = Table(title, common.estimates(shifts), "estimates", labels, summary, reference=0.0)
    return [*found, *shifts], {name: table}


def _mean(metric: str, values: np.ndarray, group: str, level: float, least: float) -> Measurement:
    low, high = statistics.mean_interval_of(values, level)
    ends = max(float(low), least), float(high)
    return common.measured(metric, values.mean(), len(values), ends, level, "t", group=group)


def _values(column: np.ndarray, kind: str) -> np.ndarray:
    """Return the values to set: all that were observed, or of a number of many values ten that span them."""
    values = np.unique(column[np.isfinite(column)])
    if kind == "categorical" or len(values) <= _MOST_VALUES:
        return values
    return np.unique(np.quantile(values, np.linspace(0.05, 0.95, _MOST_VALUES), method="nearest"))


def _flipped(
    decide: Callable[[np.ndarray], np.ndarray],
    X: np.ndarray,
    column: int,
    values: np.ndarray,
    place: tuple[str, int, int],
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each value the decisions under it, and which rows had another one."""
    name, at, of = place
    found = []
    for k, value in enumerate(values):
        changed = X.copy()
        changed[:, column] = value
        found.append((decide(changed), X[:, column] != value))
        progress.step((at + (k + 1) / len(values)) / of, f"{name} changed")
    return found


def _by_group(
    own: tuple[np.ndarray, list[str]], gains: np.ndarray, losses: np.ndarray, level: float
) -> list[Measurement]:
    codes, labels = own
    return [
        _rate(metric, flags[codes == g], label, level)
        for metric, flags in zip(_RATES, (gains, losses), strict=True)
        for g, label in enumerate(labels)
        if (codes == g).any()
    ]


def _rate(metric: str, flags: np.ndarray, group: str, level: float) -> Measurement:
    n, hits = len(flags), int(flags.sum())
    low, high = statistics.clopper_pearson(hits, n, level)
    return common.measured(metric, hits / n, n, (low, high), level, "clopper-pearson", group=group)


def _outside(subject: Subject, name: str, codes: np.ndarray) -> Measurement:
    """Say of a feature that is no input by name whether an input gives it away altogether."""
    source = next(settling(subject.test, name, codes), None)
    metric = "flip_size" if subject.task == "regression" else "flip_rate"
    if source is None:
        return _unknown(name, "the model does not see it directly; proxies: AK109", metric)
    why = (
        f"no input has this name, but the input {source!r} settles it: name that one as the sensitive feature"
    )
    return _unknown(name, why, metric)


def _twin(name: str, column: int, codes: np.ndarray, columns: list[str]) -> list[str]:
    """Return a note where another input says the same as the one that is changed: it was left as it was."""
    groups = np.unique(codes[:, column], return_inverse=True)[1]
    if groups.max() >= _MOST_VALUES:
        return []
    rest = [c for at, c in enumerate(columns) if at != column]
    others = np.delete(codes, column, axis=1)
    source = disguise(others, groups, lambda j: progress.step(None, f"does {rest[j]} give {name} away"))
    if source is None:
        return []
    said = (
        f"The input {rest[source]!r} also settles {name} or a value of it, and was left as it is: a model that goes by {rest[source]!r} "
        f"shows no flip of {name}."
    )
    return [said]


def _unknown(name: str, reason: str, metric: str) -> Measurement:
    return Measurement(metric, math.nan, 0, group=name, reason=reason)


def _table(name: str, found: list[Measurement]) -> Table:
    """Return who would gain and who would lose, a series each."""
    columns = common.estimates(found)
    columns["series"] = tuple(_WORDS[m.metric] for m in found)
    tops = [max((m for m in found if m.metric == metric), key=lambda m: m.value) for metric in _RATES]
    summary = (
        f"With only {name} changed: {tops[0].group} would gain most often ({common.percent(tops[0].value)} of its records), "
        f"{tops[1].group} would lose most often ({common.percent(tops[1].value)})."
        if any(m.value > 0 for m in found)
        else f"No decision changes when only {name} is changed."
    )
    labels = {"value": "Share of the group's records", "n": "records"}
    return Table(f"Whose decision changes with {name}", columns, "estimates", labels, summary)


def _says(found: list[Measurement]) -> str:
    parts = [_sentence(m) for m in found if m.interval is not None and m.metric in _SAID]
    if not parts:
        return "No sensitive feature is an input of the model by its name, and no proxy of one was found: nothing was changed."
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}."


_SAID = {
    "flip_rate": "changing only {group} changes the decision of {value} of the {n:,} records {ends}",
    "flip_size": "changing only {group} moves the prediction by {value} {ends}, {n:,} records",
    "matched_flip_excess": (
        "changing {group} with its proxies, to an alike record's of another group, changes {value} {ends} more of the decisions of {n:,} "
        "records than to one of the own group"
    ),
    "matched_flip_size_excess": (
        "changing {group} with its proxies, to an alike record's of another group, moves the prediction by {value} {ends} more than to one "
        "of the own group, {n:,} records"
    ),
}


def _sentence(m: Measurement) -> str:
    ends = (m.interval.low, m.interval.high) if m.interval else (math.nan, math.nan)
    figure = (lambda v: f"{v:.4g}") if "size" in m.metric else common.percent
    return _SAID[m.metric].format(
        group=m.group, value=figure(m.value), n=m.n, ends=f"[{figure(ends[0])}, {figure(ends[1])}]"
    )
