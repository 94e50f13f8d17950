"""Proxies: how well the model's inputs predict a sensitive feature, one at a time and together."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit import progress
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.bias import _columns
from auditkit.checks.bias import _scopes as scopes
from auditkit.checks.bias import _targets as targets
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods import proxies as method
from auditkit.statistics.cross_validated import cross_validated_auc
from auditkit.subject import Subject

_SHOWN = 30
_ALL, _ANSWER = "all inputs together", "the model's answer"
_DELONG = "delong within folds, variance doubled"
_KIND = {_ALL: "joint_proxy", _ANSWER: "score_proxy"}


@check(
    code="AK109",
    title="Proxies for sensitive features",
    question="Which inputs give away who a record is about?",
    dimension="bias",
    metrics=[
        "proxy_auc",
        "joint_proxy_auc",
        "score_proxy_auc",
        "proxy_r2",
        "joint_proxy_r2",
        "score_proxy_r2",
    ],
)
def proxies(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: common.Features = None,
    folds: Annotated[int, Ge(2), Le(20), Doc("Folds; each is predicted from the others.")] = 5,
    rows: Annotated[
        int, Ge(50), Doc("Rows at most for all inputs together; drawn at random where there are more.")
    ] = 10_000,
    level: common.Level = 0.95,
) -> Evidence:
    """Predict each sensitive feature from each input, from all inputs, and from the model's answer, out of fold.

    Parameters
    ----------
    subject : Subject
        Any task, with sensitive features. From predictions alone only the answer is used.
    rng : numpy.random.Generator
        Folds, rows, shuffles, and the boosting.
    features : list of str, optional
        Sensitive features; all when left out.
    folds : int
        Folds.
    rows : int
        Rows at most for all inputs together; single inputs are measured on all rows.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``proxy_auc`` of each input and sensitive feature, ``joint_proxy_auc`` and ``score_proxy_auc``: the AUC, within
        folds, with which one group is told from all others; over more than two groups the largest, with
        intervals for all of them at once, and those of single inputs for all inputs. For a sensitive feature that is a number ``proxy_r2`` and so on: the share of
        its variance. All are lower bounds: a better predictor may reach more. A shuffled copy is measured beside each.
    """
    data = subject.test
    groupings = common.groupings(data, features, intersections=False)
    raw = data.sensitive_features
    by_name = dict(zip(data.sensitive_names, (raw[c] for c in raw.columns), strict=True))
    inputs = {
        name: _columns.coded(name, column, targets.BINS).codes
        for name, column in _columns.frames_of(data, beside=False).items()
    }
    answer = _columns.coded(_ANSWER, _answer(subject), targets.BINS).codes
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    notes = [f"All inputs together: on {min(rows, len(data)):,} rows at most, by gradient boosting."]
    for i, grouping in enumerate(groupings):
        target, why = targets.target_of(grouping, by_name[grouping.name], folds, rng)
        if target is None:
            metric = "joint_proxy_auc"
            found.append(Measurement(metric, math.nan, len(data), group=grouping.name, reason=why))
            continue
        notes += [f"{grouping.name}: {why}."] if why else []
        own = {name: codes for name, codes in inputs.items() if name != grouping.name} | {_ANSWER: answer}
        at = i, len(groupings)
        pairs = _pairs(target, own, data.X, rows, level, rng, at)
        measured = {name: _named(name, target, pair[0], level, len(own) - 1) for name, pair in pairs.items()}
        found += measured.values()
        tables[grouping.name] = _table(target, measured, {n: pair[1] for n, pair in pairs.items()})
    if not found:
        raise NotApplicable("no sensitive feature to predict")
    notes += [*scopes.unused(data), *_weights.ignored(data)]
    return Evidence(
        "AK109",
        tuple(found),
        tables,
        says=_says(found),
        does_not_say=(
            "That the model uses what an input gives away, or that an input ought to go: a proxy may also be a reason. A better "
            "predictor, or inputs from elsewhere, may reach more."
        ),
        notes=tuple(notes),
        rows=common.rows_used(len(data), len(data)),
    )


def _pairs(
    target: targets.Target,
    inputs: dict[str, np.ndarray],
    X: Any,
    rows: int,
    level: float,
    rng: np.random.Generator,
    place: tuple[int, int],
) -> dict[str, tuple[targets.Result, targets.Result]]:
    """Measure each input, the answer, and all inputs together; each beside the same for a shuffled copy of the target."""
    control = target.shuffled(rng)
    strict = {name: 1 - (1 - level) / max(len(inputs) - 1, 1) for name in inputs} | {_ANSWER: level}
    pairs = {
        name: (targets.from_one(target, codes, strict[name]), targets.from_one(control, codes, strict[name]))
        for name, codes in inputs.items()
    }
    if len(inputs) > 1:
        part = target.part(common.draw(len(target.rows), rows, rng))
        columns = [c for c in X.columns if str(c) != target.name]
        seed = int(rng.integers(2**31))
        both = [
            _together(one, X[columns], level, seed, (j, 2), place)
            for j, one in enumerate((part, part.shuffled(rng)))
        ]
        pairs[_ALL] = both[0], both[1]
    return pairs


def _answer(subject: Subject) -> Any:
    """Return the model's score where there is one, else its labels or values."""
    import pandas as pd

    has_score = subject.task == "binary" and subject.answers().proba is not None
    return pd.Series(subject.scores() if has_score else subject.answers().labels)


def _together(
    target: targets.Target, X: Any, level: float, seed: int, turn: tuple[int, int], place: tuple[int, int]
) -> targets.Result:
    """Measure all inputs together."""
    part = X.iloc[target.rows].reset_index(drop=True)
    codec = Codec.of(part)
    table, categorical = codec.encode(part), [kind == "categorical" for kind in codec.kinds]

    def said(share: float) -> None:
        done = (place[0] + (turn[0] + share) / turn[1]) / place[1]
        progress.step(done, f"{target.name} from {_ALL}")

    if target.numbers is not None:
        predicted, baseline = method.boosted_values(
            table, categorical, target.numbers, target.folds, seed=seed, said=said
        )
        return targets.explained(target.numbers - predicted, target.numbers - baseline, level)
    shares = method.boosted_classes(table, categorical, target.groups, target.folds, seed=seed, said=said)
    k = len(target.labels)
    each = []
    for g in range(min(k, shares.shape[1])):
        own = (target.groups == g).astype(float)
        each.append(
            cross_validated_auc(shares[:, g], own, 1 - own, target.folds, targets.each_level(level, k))
        )
    return targets.largest(each, target)


def _named(
    name: str, target: targets.Target, result: targets.Result, level: float, inputs: int
) -> Measurement:
    value, low, high, p, n, which = result
    number = target.numbers is not None
    metric = f"{_KIND.get(name, 'proxy')}_{'r2' if number else 'auc'}"
    group = f"{target.name} from {name}"
    if math.isnan(value):
        return Measurement(metric, value, n, group=group, reason=f"{target.name} does not vary within folds")
    way = "delta method over rows" if number else _DELONG
    families = [f"{len(target.labels)} groups"] if not number and len(target.labels) > 2 else []
    if name not in _KIND and inputs > 1:  # the strongest is picked: the intervals hold for all of them
        families.append(f"{inputs} inputs")
    way += f", Bonferroni over {' and '.join(families)}" if families else ""
    # one test a feature enters the correction over the audit: dozens that are sure to hold would loosen it
    tested = p if name == _ALL else None
    return common.measured(
        metric,
        value,
        n,
        (low, high),
        level,
        way,
        group=group,
        p_value=tested,
        bound="lower",
        reason=which or None,
    )


def _table(
    target: targets.Target, found: dict[str, Measurement], control: dict[str, targets.Result]
) -> Table:
    """Return the strongest inputs, each beside the same figure for shuffled values."""
    number = target.numbers is not None
    word = "R²" if number else "AUC"
    special_ones = [name for name in (_ALL, _ANSWER) if name in found]
    single = [name for name in found if name not in special_ones and not math.isnan(found[name].value)]
    single.sort(key=lambda name: -found[name].value)
    names = [*special_ones, *single[:_SHOWN]]
    columns: dict[str, list[Any]] = {key: [] for key in ("label", "value", "low", "high", "n", "series")}
    for series in ("as recorded", "shuffled"):
        for name in names:
            m = found[name]
            ends = (m.interval.low, m.interval.high) if m.interval else (math.nan, math.nan)
            row: tuple[Any, ...] = (m.value, *ends, m.n)
            if series == "shuffled":
                value, low, high, _, n, _ = control[name]
                row = (value, low, high, n)
            for key, entry in zip(columns, (name, *row, series), strict=True):
                columns[key].append(entry)
    strongest = f"{single[0]} ({found[single[0]].value:.3f})" if single else "none"
    together = f"; all inputs together {found[_ALL].value:.3f}" if _ALL in found else ""
    chance = "0" if number else "0.5"
    summary = (
        f"{word} with which {target.name} is predicted out of fold: strongest single input {strongest}{together}; chance is {chance}, "
        "and shuffled values show how far chance alone goes."
    )
    return Table(
        f"How well {target.name} is predicted",
        {key: tuple(values) for key, values in columns.items()},
        "estimates",
        {"value": word, "n": "records", "reference": "chance"},
        summary,
        reference=0.0 if number else 0.5,
    )


def _says(found: list[Measurement]) -> str:
    """Name for each sensitive feature what all inputs reach, and the strongest single one."""
    parts = []
    known = [m for m in found if m.interval is not None]
    for name in dict.fromkeys(str(m.group).partition(" from ")[0] for m in known):
        own = [m for m in known if str(m.group).startswith(f"{name} from ")]
        single = [m for m in own if m.metric.startswith("proxy_")]
        joint = [m for m in own if m.metric.startswith("joint_")]
        top = max(single, key=lambda m: m.value, default=None)
        word = "R²" if own[0].metric.endswith("r2") else "AUC"
        said = [f"all inputs together {m.value:.3f} [{_ends(m)}]" for m in joint]
        said += (
            [f"{str(top.group).partition(' from ')[2]} alone {top.value:.3f} [{_ends(top)}]"] if top else []
        )
        said = said or [f"the model's answer {own[0].value:.3f} [{_ends(own[0])}]"]
        chance = 0.0 if word == "R²" else 0.5
        beyond = any(m.interval.low > chance for m in (joint or own[:1]) + single if m.interval)
        verb = "is predicted with" if beyond else "is not shown to be predicted beyond chance,"
        parts.append(f"{name} {verb} {word}: {', '.join(said)}")
    return "; ".join(parts) + "." if parts else "No sensitive feature could be predicted."


def _ends(m: Measurement) -> str:
    return f"{m.interval.low:.3f}, {m.interval.high:.3f}" if m.interval else ""
