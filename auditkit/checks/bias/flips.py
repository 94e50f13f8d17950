"""Flips: whose decision changes when only the sensitive feature is changed, and in which direction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit import progress, statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights as weights
from auditkit.checks._disguises import disguise, settling
from auditkit.checks.bias import _columns
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods.groups import codes_of
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_VALUES = 10
_RATES = ("flip_gain_rate", "flip_loss_rate")
_WORDS = {"flip_gain_rate": "selected if changed", "flip_loss_rate": "refused if changed"}


@check(
    code="AK112",
    title="Decisions that flip with the sensitive feature",
    question="Whose decision changes when only the sensitive feature is changed?",
    dimension="bias",
    metrics=["flip_rate", *_RATES],
)
def counterfactual_flips(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: common.Features = None,
    rows: Annotated[int, Ge(10), Doc("Rows changed at most; drawn at random where there are more.")] = 5000,
    level: common.Level = 0.95,
) -> Evidence:
    """Set each sensitive feature that is an input to its other values, and count whose decision changes.

    Parameters
    ----------
    subject : Subject
        A classifier that can be asked, with sensitive features.
    rng : numpy.random.Generator
        Rows drawn.
    features : list of str, optional
        Sensitive features; all when left out.
    rows : int
        Test rows at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``flip_rate`` of each sensitive feature: share of records whose decision is another one under at least one other
        value (Clopper-Pearson); 0 for one that is no input, and ``nan`` where an input of another name gives it away.
        With a positive label, for each group ``flip_gain_rate``: share not selected that would be under another
        value, and ``flip_loss_rate``: share selected that would not be.
    """
    common.needs_classes(subject)
    common.needs_model(subject)
    data = subject.test
    names = [g.name for g in common.groupings(data, features, intersections=False)]
    chosen = common.draw(len(data), rows, rng)
    codec = Codec.of(data.X)
    whole = codec.encode(data.X)
    columns = [str(c) for c in codec.columns]
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    notes: list[str] = []

    def decide(matrix: np.ndarray) -> np.ndarray:
        return np.asarray(subject.model.predict(codec.decode(matrix)))

    usual = decide(whole[chosen])
    for i, name in enumerate(names):
        if name not in columns:
            found.append(_outside(subject, name, whole))
            continue
        j = columns.index(name)
        values = _values(whole[:, j], codec.kinds[j])
        if len(values) < 2:
            found.append(_unknown(name, "it has one value only"))
            continue
        notes += _twin(name, j, whole, columns)
        others = _flipped(decide, whole[chosen], j, values, (name, i, len(names)))
        changed: np.ndarray = np.array([(other != usual) & tried for other, tried in others])
        found.append(_rate("flip_rate", np.any(changed, axis=0), name, level))
        if subject.positive is None:
            continue
        gains = changed & np.array([other == subject.positive for other, _ in others])
        losses = changed & (usual == subject.positive)
        # bands that were asked for; else those of the input
        column = data.sensitive_features[name] if name in data.bands else data.X[codec.columns[j]]
        own = _groups(name, column.iloc[chosen])
        by_group = _by_group(own, np.any(gains, axis=0), np.any(losses, axis=0), level)
        found += by_group
        tables[name] = _table(name, by_group)
    return Evidence(
        "AK112",
        tuple(found),
        tables,
        says=_says(found),
        does_not_say=(
            "What the decision would be had the person been born another: everything that goes with the feature was left as "
            "it is. Inputs that stand in for it are not changed."
        ),
        notes=(*notes, *weights.ignored(data)),
        rows=common.rows_used(len(chosen), len(data)),
    )


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


def _groups(name: str, column: object) -> tuple[np.ndarray, list[str]]:
    if common.is_number(column, _MOST_VALUES):
        banded = _columns.coded(name, column, 4)
        return banded.codes, banded.labels
    codes, values = codes_of({name: column})
    return codes, [f"{name}={value[0]}" for value in values]


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
    if source is None:
        reason = "not an input of the model, so nothing was changed; proxies are not covered"
        return Measurement("flip_rate", 0.0, 0, group=name, reason=reason)
    return _unknown(
        name,
        f"no input has this name, but the input {source!r} settles it: name that one as the sensitive feature",
    )


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


def _unknown(name: str, reason: str) -> Measurement:
    return Measurement("flip_rate", math.nan, 0, group=name, reason=reason)


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
    parts = []
    for m in found:
        if m.metric != "flip_rate" or m.interval is None:
            continue
        ends = f"{common.percent(m.interval.low)} to {common.percent(m.interval.high)}"
        parts.append(
            f"changing only {m.group} changes the decision of {common.percent(m.value)} of the records ({ends})"
        )
    if not parts:
        return "No sensitive feature is an input of the model by its name, so none was changed."
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}."
