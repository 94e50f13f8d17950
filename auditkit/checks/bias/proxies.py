"""Proxies: how well the model's inputs predict a sensitive feature, one at a time and together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from scipy import special
from typing_extensions import Doc

from auditkit import progress
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.bias import _columns
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods import proxies as method
from auditkit.statistics.cross_validated import cross_validated_auc, cross_validated_r2
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.statistics import Auc

_BINS = 20
_FEWEST = 20
_SHOWN = 30
_ALL, _ANSWER = "all inputs together", "the model's answer"
_DELONG = "delong within folds, variance doubled"
_KIND = {_ALL: "joint_proxy", _ANSWER: "score_proxy"}


@dataclass(frozen=True, slots=True)
class _Target:
    """A sensitive feature as what is predicted: groups, or a number.

    Attributes
    ----------
    name : str
        Its name.
    rows : ndarray of int
        Rows of a known value, in a group that is large enough.
    groups : ndarray of int, shape (len(rows),)
        Codes; all 0 for a number.
    labels : list of str
        Of the groups; empty for a number.
    numbers : ndarray of float or None
        The values of a number.
    folds : ndarray of int, shape (len(rows),)
        Fold of each row.
    """

    name: str
    rows: np.ndarray
    groups: np.ndarray
    labels: list[str]
    numbers: np.ndarray | None
    folds: np.ndarray

    def shuffled(self, rng: np.random.Generator) -> _Target:
        """Return the same with the feature dealt to other rows: what is left is chance."""
        order = rng.permutation(len(self.rows))
        numbers = None if self.numbers is None else self.numbers[order]
        return _Target(self.name, self.rows, self.groups[order], self.labels, numbers, self.folds[order])

    def part(self, rows: np.ndarray) -> _Target:
        """Return the rows at these places."""
        numbers = None if self.numbers is None else self.numbers[rows]
        return _Target(self.name, self.rows[rows], self.groups[rows], self.labels, numbers, self.folds[rows])


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
        name: _columns.coded(name, column, _BINS).codes
        for name, column in _columns.frames_of(data, beside=False).items()
    }
    answer = _columns.coded(_ANSWER, _answer(subject), _BINS).codes
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    notes = [f"All inputs together: on {min(rows, len(data)):,} rows at most, by gradient boosting."]
    for i, grouping in enumerate(groupings):
        target, why = _target(grouping, by_name[grouping.name], folds, rng)
        if target is None:
            metric = "joint_proxy_auc"
            found.append(Measurement(metric, math.nan, len(data), group=grouping.name, reason=why))
            continue
        notes += [f"{grouping.name}: {why}."] if why else []
        own = {name: codes for name, codes in inputs.items() if name != grouping.name} | {_ANSWER: answer}
        control = target.shuffled(rng)
        strict = {name: 1 - (1 - level) / max(len(own) - 1, 1) for name in own} | {_ANSWER: level}
        pairs = {
            name: (_one(target, codes, strict[name]), _one(control, codes, strict[name]))
            for name, codes in own.items()
        }
        if len(own) > 1:
            drawn = common.draw(len(target.rows), rows, rng)
            part, at = target.part(drawn), (i, len(groupings))
            columns = [c for c in data.X.columns if str(c) != grouping.name]
            seed = int(rng.integers(2**31))
            pairs[_ALL] = tuple(  # type: ignore[assignment]
                _together(one, data.X[columns], level, seed, (j, 2), at)
                for j, one in enumerate((part, part.shuffled(rng)))
            )
        measured = {name: _named(name, target, pair[0], level, len(own) - 1) for name, pair in pairs.items()}
        found += measured.values()
        tables[grouping.name] = _table(target, measured, {n: pair[1] for n, pair in pairs.items()})
    if not found:
        raise NotApplicable("no sensitive feature to predict")
    if data.sample_weight is not None:
        notes.append("sample_weight was given and is not used by this check.")
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


def _answer(subject: Subject) -> Any:
    """Return the model's score where there is one, else its labels or values."""
    import pandas as pd

    has_score = subject.task == "binary" and subject.answers().proba is not None
    return pd.Series(subject.scores() if has_score else subject.answers().labels)


def _target(
    grouping: common.Grouping, column: Any, folds: int, rng: np.random.Generator
) -> tuple[_Target | None, str]:
    """Return what is to be predicted, or None; and what was left out, or why there is nothing."""
    if common.is_number(column, _BINS):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        rows = np.flatnonzero(np.isfinite(values))
        if len(rows) < _FEWEST:
            return None, f"{len(rows)} records have a value: too few to predict it"
        out = (
            f"{len(values) - len(rows):,} records without a value are left out"
            if len(rows) < len(values)
            else ""
        )
        codes = np.zeros(len(rows), dtype=np.int64)
        dealt = method.even_folds(codes, folds, rng)
        return _Target(grouping.name, rows, codes, [], values[rows], dealt), out
    if grouping.too_many:
        return None, grouping.too_many
    large = np.flatnonzero(grouping.sizes >= max(_FEWEST, 2 * folds))
    if len(large) < 2:
        return (
            None,
            f"fewer than two groups of {grouping.name} have {max(_FEWEST, 2 * folds)} records or more",
        )
    small = [label for g, label in enumerate(grouping.labels) if g not in large]
    place = np.full(len(grouping.labels), -1)
    place[large] = np.arange(len(large))
    rows = np.flatnonzero(place[grouping.codes] >= 0)
    groups = place[grouping.codes[rows]]
    labels = [grouping.labels[g] for g in large]
    out = (
        f"left out, for too few records: {'; '.join(small[:5])}{'; ...' if len(small) > 5 else ''}"
        if small
        else ""
    )
    return _Target(grouping.name, rows, groups, labels, None, method.even_folds(groups, folds, rng)), out


_Result = tuple[float, float, float, float | None, int, str]
"""Value, ends, p-value, records, and which group."""


def _one(target: _Target, codes: np.ndarray, level: float) -> _Result:
    """Measure one input."""
    values = codes[target.rows]
    if target.numbers is not None:
        predicted, baseline = method.encoded_values(values, target.numbers, target.folds)
        return _explained(target.numbers - predicted, target.numbers - baseline, level)
    cells = method.encoded_cells(values, target.groups, target.folds)
    fold = np.broadcast_to(np.arange(len(cells.counts))[:, None], cells.counts.shape[:2]).ravel()
    every = cells.counts.sum(axis=2)
    k = len(target.labels)
    each = [
        cross_validated_auc(
            cells.scores[..., g].ravel(),
            cells.counts[..., g].ravel(),
            (every - cells.counts[..., g]).ravel(),
            fold,
            _each(level, k),
        )
        for g in range(k)
    ]
    return _largest(each, target)


def _together(
    target: _Target, X: Any, level: float, seed: int, turn: tuple[int, int], place: tuple[int, int]
) -> _Result:
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
        return _explained(target.numbers - predicted, target.numbers - baseline, level)
    shares = method.boosted_classes(table, categorical, target.groups, target.folds, seed=seed, said=said)
    k = len(target.labels)
    each = []
    for g in range(min(k, shares.shape[1])):
        own = (target.groups == g).astype(float)
        each.append(cross_validated_auc(shares[:, g], own, 1 - own, target.folds, _each(level, k)))
    return _largest(each, target)


def _each(level: float, k: int) -> float:
    """Return the level of one group's interval, so that all hold together; two groups are one comparison."""
    return level if k == 2 else 1 - (1 - level) / k


def _largest(each: list[Auc], target: _Target) -> _Result:
    """Return the largest AUC over groups, with ends and a p-value that hold for the largest."""
    known = [(g, one) for g, one in enumerate(each) if not math.isnan(one.value)]
    if not known:
        return math.nan, 0.0, 1.0, None, len(target.rows), ""
    top, best = max(known, key=lambda pair: pair[1].value)
    z = [(one.value - 0.5) / one.se for _, one in known if not math.isnan(one.se) and one.se > 0]
    tests = 1 if len(target.labels) == 2 else len(target.labels)
    p = min(1.0, tests * float(special.ndtr(-max(z)))) if z else None
    which = (
        " and ".join(target.labels) if len(target.labels) == 2 else f"{target.labels[top]} against all others"
    )
    ends = max(one.low for _, one in known), max(one.high for _, one in known)
    return best.value, *ends, p, len(target.rows), which


def _explained(errors: np.ndarray, baseline: np.ndarray, level: float) -> _Result:
    found = cross_validated_r2(errors, baseline, level)
    p = float(special.ndtr(-found.value / found.se)) if found.se > 0 else None
    return found.value, found.low, found.high, p, found.n, ""


def _named(name: str, target: _Target, result: _Result, level: float, inputs: int) -> Measurement:
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


def _table(target: _Target, found: dict[str, Measurement], control: dict[str, _Result]) -> Table:
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
        {"value": word, "n": "records"},
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
