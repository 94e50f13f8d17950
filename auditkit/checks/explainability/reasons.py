"""Reasons: whether the output rests on other inputs for other groups, and how much of it on who a record is about."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from annotated_types import Ge, Lt
from scipy import special
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.bias import _columns, _targets
from auditkit.checks.bias._gaps import measurement as gap_measurement
from auditkit.checks.explainability._behind import sizes_behind, widened
from auditkit.checks.explainability._explainers import Background, explain
from auditkit.checks.explainability._explanation import in_words, label_of, named
from auditkit.checks.explainability._shown import behind, behind_note, drawn
from auditkit.disguises import settling
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Interval, Measurement, Table
from auditkit.frames import Codec
from auditkit.statistics.welch import mean_difference
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.checks.explainability._explainers import Explanation
    from auditkit.statistics import Gap

_FEWEST = 20
_SHOWN = 8
_FOLDS = 5
_NOTHING = 1e-9  # rounding, and not a share


class _Rests(NamedTuple):
    """What the output of the explained rows rests on.

    Attributes
    ----------
    names : list of str
        Inputs.
    values : ndarray of shape (n, d) or None
        Attributions with their sign; None with several outputs.
    sizes : ndarray of shape (n, d)
        Their sizes, over outputs on average.
    scale : float
        Mean of a row's sizes together.
    behind : ndarray of shape (g, n, d), or None
        Sizes with parts of the background, where these are known.
    """

    names: list[str]
    values: np.ndarray | None
    sizes: np.ndarray
    scale: float
    behind: np.ndarray | None

    def behind_share(self, rows: np.ndarray, inputs: list[int], value: float) -> np.ndarray | None:
        """Return the share of all sizes that some inputs have, weighted by `rows`, with each part of the background, (g,)."""
        if self.behind is None:
            return None
        part = np.einsum("gnd,n->g", self.behind[:, :, inputs], rows)
        whole = self.behind.sum(axis=2).mean(axis=1)
        return np.asarray(value + (part - value * whole) / self.scale)  # a ratio, by the delta method


@check(
    code="AK413",
    title="Reasons by group",
    question="Does the output rest on other inputs for other groups, and how much of it on who a record is about?",
    dimension="explainability",
    metrics=["importance_gap", "sensitive_importance_share", "proxy_importance_share"],
)
def reasons_by_group(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: common.Features = None,
    rows: Annotated[int, Ge(50), Doc("Rows explained at most; drawn at random where there are more.")] = 1000,
    background: Background = 100,
    proxy_auc: Annotated[
        float,
        Ge(0.5),
        Lt(1),
        Doc(
            "An input that tells the groups apart with this AUC or more, by itself and out of fold, counts as a proxy."
        ),
    ] = 0.65,
    level: common.Level = 0.95,
) -> Evidence:
    """Compare, between groups, what the model's output is attributed to.

    Parameters
    ----------
    subject : Subject
        With a model to ask, and sensitive features.
    rng : numpy.random.Generator
        Rows, background, folds, and sampling.
    features : list of str, optional
        Sensitive features; all when left out.
    rows, background : int
        As in ``shap_importance``.
    proxy_auc : float
        From which AUC an input counts as a proxy.
    level : float
        Confidence level; of each sensitive feature for all inputs at once.

    Returns
    -------
    Evidence
        For each sensitive feature: ``importance_gap``: the largest difference between two groups of the mean size of another input's
        attribution, as a share of all attributions (Games & Howell, Bonferroni over inputs); ``sensitive_importance_share``: the share
        of all attributions that the feature itself has, with inputs from which it follows without exception; ``proxy_importance_share``: that
        of its proxies. Attributions are Shapley values (Lundberg & Lee 2017); shares are ratios of means with the delta method.
    """
    common.needs_model(subject)
    data = subject.test
    groupings = common.groupings(data, features, intersections=False)
    if len(data) < _FEWEST:
        raise NotApplicable(
            f"{len(data)} rows are too few to compare the reasons of groups: at least {_FEWEST} are needed"
        )
    chosen = common.draw(len(data), rows, rng)
    others, source = behind(subject, background, rng)
    explained = explain(subject, data.X.iloc[chosen].reset_index(drop=True), others, rng)
    rests = _rests(explained, [str(c) for c in data.X.columns])
    if rests.scale == 0:
        raise NotApplicable("the output is the same for all rows: there is nothing to attribute")
    codes, whole = _codes(subject), Codec.of(data.X).encode(data.X)
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    notes = [f"Explainer: {explained.method}. {explained.why}.", in_words(explained.unit, label_of(subject))]
    for i, grouping in enumerate(groupings):
        at = grouping.codes[chosen]
        own = [n for n in rests.names if n == grouping.name]
        own += list(settling(data, grouping.name, whole, (i, len(groupings))))
        found.append(_gap(rests, grouping, at, level, own))
        proxies = _proxies(grouping, codes, rng, proxy_auc)
        found += _shares_of(rests, grouping.name, list(dict.fromkeys(own)), proxies, level)
        tables |= _tables(rests, grouping, at, named(explained.unit, label_of(subject)), level)
    return Evidence(
        "AK413",
        tuple(found),
        tables,
        says=_says(found, proxy_auc),
        does_not_say=(
            "That the model treats alike records differently: groups whose inputs differ have different reasons under any model. Nor that a "
            "proxy is no good reason."
        ),
        notes=(
            *notes,
            *drawn(len(chosen), len(data)),
            behind_note(explained, len(others), len(source), subject),
            *common.notes_on(groupings),
            *_weights.ignored(data),
        ),
        rows=common.rows_used(len(chosen), len(data)),
    )


def _rests(explained: Explanation, names: list[str]) -> _Rests:
    sizes = np.abs(explained.values)
    if sizes.ndim == 3:
        sizes = sizes.mean(axis=2)
    values = explained.values if explained.values.ndim == 2 else None
    return _Rests(names, values, sizes, float(sizes.sum(axis=1).mean()), sizes_behind(explained))


def _codes(subject: Subject) -> dict[str, np.ndarray]:
    frames = _columns.frames_of(subject.test, beside=False)
    return {name: _columns.coded(name, column, _targets.BINS).codes for name, column in frames.items()}


def _proxies(
    grouping: common.Grouping, codes: dict[str, np.ndarray], rng: np.random.Generator, least: float
) -> list[str]:
    """Return the inputs that tell the groups apart well enough, each by itself, on all test rows."""
    import pandas as pd

    words = pd.Series(np.asarray(grouping.labels, dtype=object)[grouping.codes])
    target, _ = _targets.target_of(grouping, words, _FOLDS, rng)
    if target is None:
        return []
    return [
        name
        for name, one in codes.items()
        if name != grouping.name and _targets.from_one(target, one, 0.95)[0] >= least
    ]


def _gap(
    rests: _Rests, grouping: common.Grouping, at: np.ndarray, level: float, own: list[str]
) -> Measurement:
    """Return the largest gap over inputs, each measured at a level at which all hold.

    The feature itself is left out: how far it moves the output of a group goes by how many others the background happens to hold.
    """
    others = [j for j, name in enumerate(rests.names) if name not in own]
    k, d = len(grouping.labels), len(others)
    if not d:
        reason = "every input is the feature itself, or settles it"
        return Measurement("importance_gap", math.nan, len(at), group=grouping.name, reason=reason)
    sizes = np.bincount(at, minlength=k)
    enough = sizes >= _FEWEST
    shares = rests.sizes / rests.scale
    gaps: list[Gap] = []
    for j in others:
        sums, squares = (
            np.bincount(at, part, minlength=k) * enough for part in (shares[:, j], shares[:, j] ** 2)
        )
        skewness = _skewness(shares[:, j], at, enough)
        gaps.append(
            statistics.largest_mean_gap(sums, squares, sizes * enough, 1 - (1 - level) / d, skewness=skewness)
        )
    widest = max(range(d), key=lambda j: -1.0 if math.isnan(gaps[j].value) else gaps[j].value)
    one = gap_measurement("importance_gap", gaps[widest], grouping, sizes, worst=1.0, fewest=_FEWEST)
    if math.isnan(one.value) or one.interval is None:
        return one
    name = rests.names[others[widest]]
    said = f"input {name}; {one.reason}" if one.reason else f"input {name}"
    ends, one = _held(rests, gaps[widest], one, at, others[widest], 1 - (1 - level) / d)
    p = None if one.p_value is None else min(1.0, one.p_value * d)
    method = f"{one.interval.method if one.interval else ''}, bonferroni over {d} inputs"
    if rests.behind is not None:
        method += ", and the background"
    return replace(one, reason=said, p_value=p, interval=Interval(*ends, level, method))


def _held(
    rests: _Rests, gap: Gap, one: Measurement, at: np.ndarray, j: int, level: float
) -> tuple[tuple[float, float], Measurement]:
    """Return the ends of a gap, and its p-value, with what another background would change."""
    ends = (one.interval.low, one.interval.high) if one.interval is not None else (0.0, 1.0)
    first, last = at == gap.highest_index, at == gap.lowest_index
    if gap.highest_index == gap.lowest_index:
        last = ~first
    if rests.behind is None or not (first.any() and last.any()):
        return ends, one
    apart = first / first.sum() - last / last.sum()
    low, high = widened(ends, one.value, rests.behind_share(apart, [j], one.value), level)
    if one.p_value is not None and high > one.value:
        # as a normal deviate, shortened as the interval grew longer
        shorter = (ends[1] - one.value) / (high - one.value)
        p = float(2 * special.ndtr(special.ndtri(one.p_value / 2) * shorter))
        one = replace(one, p_value=p)
    return (max(0.0, low), min(1.0, high)), one


def _skewness(values: np.ndarray, at: np.ndarray, enough: np.ndarray) -> float:
    kept = enough[at]
    if not kept.any():
        return 0.0
    counts = np.maximum(np.bincount(at[kept], minlength=len(enough)), 1)
    away = values[kept] - (np.bincount(at[kept], values[kept], minlength=len(enough)) / counts)[at[kept]]
    spread = float(np.mean(away**2))
    return float(np.mean(away**3)) / spread**1.5 if spread > 0 else 0.0


def _shares_of(
    rests: _Rests, name: str, own: list[str], proxies: list[str], level: float
) -> list[Measurement]:
    others = [p for p in proxies if p not in own]
    return [
        _share("sensitive_importance_share", rests, name, own, level, "no input has this name or settles it"),
        _share(
            "proxy_importance_share", rests, name, others, level, "no input tells the groups apart so well"
        ),
    ]


def _share(metric: str, rests: _Rests, name: str, inputs: list[str], level: float, none: str) -> Measurement:
    """Return the share of all attributions that some inputs have, a ratio of means over rows."""
    n = len(rests.sizes)
    if not inputs:
        return common.measured(metric, 0.0, n, (0.0, 0.0), level, "none", group=name, reason=none)
    at = [rests.names.index(one) for one in inputs]
    part, whole = rests.sizes[:, at].sum(axis=1), rests.sizes.sum(axis=1)
    value = float(part.mean() / whole.mean())
    ends = statistics.mean_interval_of((part - value * whole) / whole.mean(), level)
    behind = rests.behind_share(np.full(n, 1 / n), at, value)
    low, high = widened((value + float(ends[0]), value + float(ends[1])), value, behind, level)
    method = "delta method" if behind is None else "delta method, rows and background"
    listed = ", ".join(inputs[:5]) + (f" and {len(inputs) - 5} more" if len(inputs) > 5 else "")
    return common.measured(
        metric, value, n, (max(0.0, low), min(1.0, high)), level, method, group=name, reason=listed
    )


def _tables(
    rests: _Rests, grouping: common.Grouping, at: np.ndarray, unit: str, level: float
) -> dict[str, Table]:
    """Return how much each leading input weighs in each group, and what the gap in output goes through."""
    top = np.argsort(-rests.sizes.mean(axis=0), kind="stable")[:_SHOWN]
    sizes = np.bincount(at, minlength=len(grouping.labels))
    shown = [g for g in np.argsort(-sizes, kind="stable") if sizes[g] >= _FEWEST][:6]
    if len(shown) < 2:
        return {}  # nothing to compare
    found: dict[str, list[tuple[str, str, float, float, float, int]]] = {"importance": [], "through": []}
    each = 1 - (1 - level) / max(1, len(top))
    for j in top:
        for g in shown:
            inside = at == g
            known = statistics.mean_interval_of(rests.sizes[inside, j], level)
            mean = float(rests.sizes[inside, j].mean())
            behind = None if rests.behind is None else rests.behind[:, inside, j].mean(axis=1)
            ends = widened((float(known[0]), float(known[1])), mean, behind, level)
            found["importance"].append((rests.names[j], grouping.labels[g], mean, *ends, int(sizes[g])))
            if rests.values is not None and 2 <= sizes[g] <= len(at) - 2:
                value, low, high = _apart(rests.values[inside, j], rests.values[~inside, j], each)
                found["through"].append((rests.names[j], grouping.labels[g], value, low, high, int(sizes[g])))
    tables = {}
    if found["importance"]:
        tables[f"importance by {grouping.name}"] = _estimates(
            f"What the output rests on, by {grouping.name}", found["importance"], f"Mean |attribution| ({unit})",
            f"Mean size of each leading input's attribution in each group of {grouping.name}; each interval holds by itself.",
        )  # fmt: skip
    if found["through"]:
        tables[f"gap by {grouping.name}"] = _estimates(
            f"What the gap in output between groups of {grouping.name} goes through", found["through"],
            f"Mean attribution less that of all others ({unit})",
            "What each input adds to the difference between a group's mean output and that of all other records; over all inputs these add up "
            "to the difference. Intervals hold for the inputs of one group together.",
            0.0,
        )  # fmt: skip
    return tables


def _apart(one: np.ndarray, other: np.ndarray, level: float) -> tuple[float, float, float]:
    means = float(one.mean()), float(other.mean())
    spreads = tuple(float(((part - mean) ** 2).sum()) for part, mean in zip((one, other), means, strict=True))
    low, high = mean_difference(means, (spreads[0], spreads[1]), (len(one), len(other)), level)
    return means[0] - means[1], float(low), float(high)


def _estimates(
    title: str,
    rows: list[tuple[str, str, float, float, float, int]],
    word: str,
    summary: str,
    reference: float | None = None,
) -> Table:
    label, series, value, low, high, n = (tuple(part) for part in zip(*rows, strict=True))
    columns = {"label": label, "value": value, "low": low, "high": high, "n": n, "series": series}
    labels = {"label": "input", "value": word, "n": "records", "series": "group"}
    if reference is not None:
        labels["reference"] = "no difference"
    return Table(title, columns, "estimates", labels, summary, reference=reference)


def _says(found: list[Measurement], least: float) -> str:
    """Return one sentence a feature: what rests on it, on what gives it away, and where the reasons of its groups part."""
    return " ".join(
        _said(name, [m for m in found if m.group == name], least)
        for name in dict.fromkeys(m.group for m in found)
    )


def _column(name: str | None, read: str) -> str:
    """Return which inputs were read for a feature: itself, or those that settle it, by name."""
    others = [one for one in read.split(", ") if one != name]
    if not others:
        return f"{name} itself"
    settling = f"{', '.join(others)}, which {'settles' if len(others) == 1 else 'settle'}"
    return (
        f"{settling} {name}" if len(others) == len(read.split(", ")) else f"{name} itself and {settling} it"
    )


def _said(name: str | None, found: list[Measurement], least: float) -> str:
    of = {m.metric: m for m in found}
    own, proxy, gap = (
        of[key] for key in ("sensitive_importance_share", "proxy_importance_share", "importance_gap")
    )
    parts = [
        f"{common.share_with_ends(own)} of what moves the output rests on {_column(name, str(own.reason))}"
        if own.value > _NOTHING
        else f"nothing that moves the output rests on {name} itself"
    ]
    if proxy.value > _NOTHING:
        parts.append(
            f"{common.share_with_ends(proxy)} on inputs that tell its groups apart (AUC {least:g} or more: {proxy.reason})"
        )
    if not math.isnan(gap.value):
        which = str(gap.reason).partition(";")[0].removeprefix("input ")
        size = f"{common.share_with_ends(gap)} of all attributions"
        parts.append(
            f"its groups differ most in the weight of {which}, by {size}"
            if gap.interval is None or gap.interval.low > 0
            else f"that its groups differ in the weight of an input was not shown: the largest gap, {which}'s, is {size}"
        )
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."
