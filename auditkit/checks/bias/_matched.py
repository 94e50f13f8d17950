"""Matched flips: a sensitive feature changed together with its proxies, to the values of the most alike record of another group."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from auditkit import progress
from auditkit.checks import _common as common
from auditkit.checks.bias import _columns
from auditkit.checks.bias import _targets as targets
from auditkit.evidence import Measurement, Table
from auditkit.methods import matched as method
from auditkit.methods.neighbours import standardised

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditkit.subject import Subject

__all__ = ["METRICS", "Asked", "flips"]

_FOLDS = 5
_METHOD = "normal, pairs that share a record counted together"
METRICS = (
    "matched_flip_rate",
    "matched_flip_excess",
    "matched_selection_shift",
    "matched_flip_size",
    "matched_flip_size_excess",
    "matched_prediction_shift",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The rows that are changed, and whom to ask about them.

    Attributes
    ----------
    subject : Subject
        Whose test rows they are.
    columns : list of str
        Names of the inputs.
    categorical : list of bool
        Which inputs hold categories.
    X : ndarray of shape (m, inputs)
        The rows as codes.
    chosen : ndarray of int, shape (m,)
        Where they stand among the test rows.
    usual : ndarray of shape (m,)
        What the model says of them.
    decide : callable
        Rows as codes to what the model says of them.
    """

    subject: Subject
    columns: list[str]
    categorical: list[bool]
    X: np.ndarray
    chosen: np.ndarray
    usual: np.ndarray
    decide: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class _Swapped:
    """What the model says of each record with the values of a donor of each group.

    Attributes
    ----------
    at : ndarray of int, shape (m,)
        The records, among those asked about.
    codes : ndarray of int, shape (m,)
        Group of each, from 0.
    labels : list of str
        Of the groups.
    donors : ndarray of int, shape (m, groups)
        Places among the records.
    said : ndarray of shape (m, groups)
        Answers.
    """

    at: np.ndarray
    codes: np.ndarray
    labels: list[str]
    donors: np.ndarray
    said: np.ndarray

    def beyond(self, of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean over the other groups, and the figure of the own group; each of shape (m,)."""
        rows = np.arange(len(of))
        own = of[rows, self.codes]
        return (of.sum(axis=1) - own) / (of.shape[1] - 1), own


def flips(
    asked: Asked, grouping: common.Grouping, proxy_auc: float, level: float, rng: np.random.Generator
) -> tuple[list[Measurement], dict[str, Table], list[str]]:
    """Move the feature and its proxies of each record to a donor's of each group, and compare with a donor of its own group.

    Parameters
    ----------
    asked : Asked
        Rows and model.
    grouping : Grouping
        The groups of one feature.
    proxy_auc : float
        An input is moved where the whole interval of the AUC with which it tells a group from the others lies above.
    level : float
        Confidence level.
    rng : numpy.random.Generator
        Folds, and the choice among equally near donors.
    """
    name = grouping.name
    metric = "matched_flip_size" if asked.subject.task == "regression" else "matched_flip_rate"
    target, why = _target(grouping, rng)
    if target is None:
        return [Measurement(metric, math.nan, 0, group=name, reason=why)], {}, []
    proxies = _proxies(asked.subject, target, proxy_auc, level)
    moved = [c for c in asked.columns if c == name or c in proxies]
    if not moved:
        why = f"the model does not see it directly, and no input alone is shown to predict it with an AUC above {proxy_auc:g}"
        return [Measurement(metric, math.nan, 0, group=name, reason=why)], {}, []
    swapped, why = _swap(asked, grouping, target, moved, rng)
    if swapped is None:
        return [Measurement(metric, math.nan, 0, group=name, reason=why)], {}, []
    with_it = [c for c in moved if c != name]
    rest = len(asked.columns) - len(moved)
    notes = [
        f"With {name} its proxies are moved to a donor's values: {', '.join(with_it) or 'none was found'}; donors are alike in the "
        f"{rest} input{'s' if rest != 1 else ''} that remain{'s' if rest == 1 else ''}."
        if rest
        else f"With {name} every input is moved to a donor's values: nothing remains to find alike records by, and donors are drawn at random."
    ]
    found = _measured(asked, swapped, name, level)
    shifts = [m for m in found if m.metric.endswith("_shift")]
    return found, {f"{name}, with its proxies": _table(name, shifts)} if shifts else {}, notes


def _target(grouping: common.Grouping, rng: np.random.Generator) -> tuple[targets.Target | None, str]:
    import pandas as pd

    if grouping.too_many:
        return None, grouping.too_many
    # the groups, also of a number, which is in bands
    return targets.target_of(grouping, pd.Series(grouping.codes.astype(str)), _FOLDS, rng)


def _proxies(subject: Subject, target: targets.Target, proxy_auc: float, level: float) -> set[str]:
    """Return the inputs that predict the feature, one at a time and out of fold, as AK109 measures it."""
    inputs = _columns.frames_of(subject.test, beside=False)
    inputs.pop(target.name, None)
    each = 1 - (1 - level) / max(len(inputs), 1)
    found = set()
    for done, (name, column) in enumerate(inputs.items()):
        progress.step(None, f"does {name} predict {target.name} ({done + 1} of {len(inputs)})")
        codes = _columns.coded(name, column, targets.BINS).codes
        value, low, *_ = targets.from_one(target, codes, each)
        if not math.isnan(value) and low > proxy_auc:
            found.add(name)
    return found


def _swap(
    asked: Asked,
    grouping: common.Grouping,
    target: targets.Target,
    moved: list[str],
    rng: np.random.Generator,
) -> tuple[_Swapped | None, str]:
    """Ask the model about every record with the values of a donor of each group that is large enough."""
    codes = grouping.codes[asked.chosen]
    sizes = np.bincount(codes, minlength=len(grouping.labels))
    kept = [g for g, label in enumerate(grouping.labels) if label in target.labels and sizes[g] > 1]
    if len(kept) < 2:
        return None, "fewer than two groups have two records among the rows drawn"
    at = np.flatnonzero(np.isin(codes, kept))
    own = np.searchsorted(kept, codes[at])
    X = asked.X[at]
    places = [asked.columns.index(c) for c in moved]
    rest = [j for j in range(X.shape[1]) if j not in places]
    points = standardised(X[:, rest], [asked.categorical[j] for j in rest]) if rest else np.zeros((len(X), 1))
    donors = method.donors(points, own, len(kept), rng)
    said = []
    for g in range(len(kept)):
        changed = X.copy()
        changed[:, places] = X[donors[:, g]][:, places]
        said.append(asked.decide(changed))
        progress.step((g + 1) / (len(kept) + 1), f"{grouping.name} changed with its proxies")
    return _Swapped(at, own, [grouping.labels[g] for g in kept], donors, np.column_stack(said)), ""


def _measured(asked: Asked, swapped: _Swapped, name: str, level: float) -> list[Measurement]:
    usual = asked.usual[swapped.at][:, None]
    if asked.subject.task == "regression":
        figures: np.ndarray = swapped.said.astype(float)
        changed, words, shift = np.abs(figures - usual.astype(float)), "flip_size", "prediction"
    else:
        changed, words, shift = (swapped.said != usual).astype(float), "flip_rate", "selection"
        figures = (swapped.said == asked.subject.positive).astype(float)
    most = math.inf if shift == "prediction" else 1.0
    records = np.column_stack([np.arange(len(usual)), swapped.donors])
    others, own = swapped.beyond(changed)
    excess = "matched_flip_size_excess" if words == "flip_size" else "matched_flip_excess"
    control = f"a donor of the own group changes {_figure(float(own.mean()), rate=most == 1)}"
    found = [
        _mean(f"matched_{words}", others, records, (0.0, most), level, name, control),
        _mean(excess, others - own, records, (-most, most), level, name, control),
    ]
    if shift == "selection" and asked.subject.positive is None:
        return found
    away, here = swapped.beyond(figures)
    for g, label in enumerate(swapped.labels):
        rows = swapped.codes == g
        said = "with a donor of another group, less with one of the own"
        ends = -most, most
        found.append(
            _mean(f"matched_{shift}_shift", (away - here)[rows], records[rows], ends, level, label, said)
        )
    return found


def _mean(
    metric: str,
    values: np.ndarray,
    records: np.ndarray,
    ends: tuple[float, float],
    level: float,
    group: str,
    reason: str,
) -> Measurement:
    n = len(values)
    mean, se = method.related_mean(values, records)
    half = float(special.ndtri(0.5 + level / 2)) * se
    if not se and ends[1] == 1.0:  # no record differs from another, which is no proof that none would
        half = 1 - ((1 - level) / 2) ** (1 / n)
    low, high = max(mean - half, ends[0]), min(mean + half, ends[1])
    return common.measured(metric, mean, n, (low, high), level, _METHOD, group=group, reason=reason)


def _figure(value: float, *, rate: bool) -> str:
    return f"{common.percent(value)} of the decisions" if rate else f"the prediction by {value:.3g}"


def _table(name: str, shifts: list[Measurement]) -> Table:
    columns: dict[str, Any] = common.estimates(shifts)
    rate = shifts[0].metric == "matched_selection_shift"
    word = "Change of the selection rate" if rate else "Change of the mean prediction"
    top = max(shifts, key=lambda m: abs(m.value))
    ends = f" [{top.interval.low:.3f}, {top.interval.high:.3f}]" if top.interval else ""
    summary = (
        f"{word} of each group with {name} and its proxies as those of an alike record of another group, less as those of its own group: "
        f"largest for {top.group}, {top.value:+.3f}{ends}."
    )
    return Table(
        f"{word} with {name} and its proxies changed", columns, "estimates", {"value": word, "n": "records", "reference": "no change"}, summary, reference=0.0,
    )  # fmt: skip
