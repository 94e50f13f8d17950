"""Measures: the counts and moments of every group, and how far the groups lie apart in each of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.bias import _asked as asked
from auditkit.checks.bias import _gaps as gaps
from auditkit.checks.bias import _scopes as scopes
from auditkit.evidence import Measurement
from auditkit.methods import fairness
from auditkit.statistics import comparisons as held
from auditkit.statistics.simultaneous import bootstrap_gaps
from auditkit.statistics.weighted import Moments, group_moments

if TYPE_CHECKING:
    from auditkit.statistics import Gap

Method = Literal["between_groups", "to_overall"]
_MOST = {"brier_score": 1.0, "mean_score": 1.0, "calibration_in_the_large": 2.0}
"""How far means of probabilities can lie apart; those of other numbers have no bound."""
Gaps = dict[str, "Gap"]
"""The largest difference and the smallest ratio."""


def rate_gaps(counts: gaps.Counts, method: Method, level: float, rng: np.random.Generator | None) -> Gaps:
    """Return the largest difference and the smallest ratio of rates."""
    hits, trials = counts.hits, counts.trials
    if method == "to_overall":
        given = {"shares": counts.shares, "rng": rng}
        difference = held.largest_distance(hits, trials, level, **given)  # type: ignore[arg-type]
        ratio = held.smallest_ratio_to_overall(hits, trials, level, shares=counts.shares, tested=difference)
    else:
        difference = statistics.largest_gap(hits, trials, level, rng=rng)
        ratio = statistics.smallest_ratio(hits, trials, level, tested=difference)
    return {"difference": difference, "ratio": ratio}


def balanced_gaps(cells: gaps.Cells, method: Method, level: float, rng: np.random.Generator) -> Gaps:
    """Return the gaps in balanced accuracy, which has no closed form: by bootstrap of the counts."""
    parts = [cells.counts(name) for name in ("true_negative_rate", "true_positive_rate")]
    worth = np.column_stack([n for p in parts for n in (p.hits, p.trials - p.hits)])[:, [0, 1, 3, 2]]
    whole = np.round(worth)
    exact = {"difference": fairness.difference, "ratio": fairness.ratio}
    value = balanced(cells.weights)
    overall = balanced(cells.weights.sum(axis=0))
    found: Gaps = {}
    for kind in ("difference", "ratio"):
        if not whole.any() or len(whole) < 2:
            note = f"A gap needs at least two groups with rows, got {len(whole)}."
            nan = math.nan
            found[kind] = statistics.Gap(nan, nan, nan, nan, level, "none", "none", -1, -1, 0, note)
            continue
        options = {"kind": kind, "method": method, "level": level, "rng": rng}
        gap = bootstrap_gaps(whole, {"it": balanced}, **options)["it"]  # type: ignore[arg-type]
        known = np.isfinite(value)
        if cells.squares is not cells.weights and known.sum() > 1 and not math.isnan(gap.value):
            at = float(exact[kind](value[known], method, overall))
            gap = replace(gap, value=at, low=min(gap.low, at), high=max(gap.high, at))
        found[kind] = gap
    return found


def balanced(cells: np.ndarray) -> np.ndarray:
    """Return the mean of true positive and true negative rate, shape (...)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sensitivity = cells[..., 3] / cells[..., 2:].sum(-1)
        return np.asarray((sensitivity + cells[..., 0] / cells[..., :2].sum(-1)) / 2)


def balanced_groups(grouping: common.Grouping, cells: gaps.Cells, level: float) -> list[Measurement]:
    """Return the balanced accuracy of each group, with Wilson's limits of both rates squared and added."""
    metric, values = "balanced_accuracy_score", balanced(cells.weights)
    parts = [cells.counts(name) for name in ("true_positive_rate", "true_negative_rate")]
    below, above = np.zeros(len(values)), np.zeros(len(values))
    for part in parts:
        low, high = statistics.wilson(part.hits, part.trials, level)
        rate = np.divide(part.hits, part.trials, out=np.zeros(len(values)), where=part.trials > 0)
        below, above = np.hypot(below, rate - low), np.hypot(above, high - rate)
    found = []
    for g, label in enumerate(grouping.labels):
        n = parts[0].records[g] + parts[1].records[g]
        if np.isnan(values[g]):
            why = f"{label} has records of one true class only"
            found.append(Measurement(metric, math.nan, int(n), group=label, reason=why))
            continue
        ends = max(values[g] - below[g] / 2, 0.0), min(values[g] + above[g] / 2, 1.0)
        found.append(
            common.measured(metric, values[g], n, ends, level, "wilson, square-and-add", group=label)
        )
    return found


def odds_ratio(
    parts: dict[str, gaps.Counts],
    grouping: common.Grouping,
    method: Method,
    level: float,
    rng: np.random.Generator | None,
) -> Measurement:
    """Return the smaller of the ratios of true and of false positive rates, each at half the error (Bonferroni)."""
    metric, half = "equalized_odds_ratio", 1 - (1 - level) / 2
    found = {name: rate_gaps(parts[name], method, half, rng)["ratio"] for name in parts}
    n = int(sum(part.records.sum() for part in parts.values()))
    known = {name: gap for name, gap in found.items() if not math.isnan(gap.value)}
    out = [
        f"{gaps.LABEL[name].lower()}: {why}"
        for name, gap in found.items()
        if (
            why := asked.none_at_all(name, parts[name].records)
            or gaps.left_out(grouping, parts[name].records)
            or (gap.note.strip() if name not in known else "")
        )
    ]
    if not known:
        return Measurement(metric, math.nan, n, group=grouping.name, reason="; ".join(out) or "undefined")
    least = min(known, key=lambda name: known[name].value)
    words = gaps.of_both(metric, known, least, {name: parts[name].records for name in known}, grouping)
    low = 0.0 if out else min(gap.low for gap in known.values())
    ends = low, min(gap.high for gap in known.values())
    label = f"{known[least].method}, Bonferroni over both rates"
    reason = "; ".join([*words, *out])
    p_values = [gap.p_value for gap in known.values() if not math.isnan(gap.p_value)]
    p = min(1.0, len(known) * min(p_values)) if p_values else None
    to_all = known[least].lowest_index == known[least].highest_index
    return common.measured(
        metric, known[least].value, n, ends, level, label, group=grouping.name, p_value=p, reason=reason,
        p_method=asked.both_methods(list(known.values())), hypothesis=asked.alike(metric, grouping.name, to_all=to_all),
        missing="; ".join(one.partition(". ")[0] for one in out) or None,
    )  # fmt: skip


def moments_of(
    values: np.ndarray, every: common.Grouping, weights: np.ndarray | None
) -> tuple[Moments, np.ndarray, np.ndarray]:
    """Return the moments of every group, its records that count, and its weight."""
    k = len(every.labels)
    mass = np.bincount(every.codes, weights, minlength=k)
    records = mass if weights is None else np.bincount(every.codes, weights > 0, minlength=k)
    return group_moments(values, every.codes, k, weights), records, mass


def at_least_chance(
    moments: Moments, scores: np.ndarray, every: common.Grouping, weights: np.ndarray | None
) -> Moments:
    """Return moments of outcomes less scores, no group's spread less than exact scores give, s (1 - s) a record.

    A group of low scores in which nothing came true shows hardly any spread, whatever the other groups show.
    """
    chance = moments_of(scores * (1 - scores), every, weights)[0].mean
    return moments._replace(
        spread=np.fmax(moments.spread, np.nan_to_num(chance) * np.maximum(moments.size - 1, 0.0))
    )


def mean_gaps(moments: Moments, mass: np.ndarray, method: Method, level: float) -> Gaps:
    """Return the largest difference and the smallest ratio of means.

    A group whose values are all alike is given the spread within the others.
    """
    known = np.where(moments.size > 0, moments.mean, 0.0)
    spread, _ = gaps.with_spread(moments, list(moments.spread <= 1e-20 * np.maximum(known**2, 1e-300)))
    variance = spread.spread / np.maximum(spread.size - 1, 1)
    given = known, variance, spread.size, level
    if method == "to_overall":
        return {
            "difference": held.largest_mean_distance(*given, shares=mass),
            "ratio": held.smallest_mean_ratio_to_overall(*given, shares=mass),
        }
    away = known - (float(np.average(known, weights=mass)) if mass.any() else 0.0)
    sums, squares = away * spread.size, spread.spread + away**2 * spread.size
    return {
        "difference": statistics.largest_mean_gap(
            sums, squares, spread.size, level, skewness=spread.skewness
        ),
        "ratio": statistics.smallest_mean_ratio(*given, skewness=spread.skewness),
    }


def as_measurements(
    metric: str,
    found: Gaps,
    grouping: common.Grouping,
    records: np.ndarray,
    *,
    means: bool = False,
    n_needed: int | None = None,
) -> list[Measurement]:
    """Return the difference and the ratio of a metric as measurements of the feature, within what is possible."""
    fewest, most = 2 if means else 1, _MOST.get(metric, scopes.worst_of("difference", means=means))
    worst = {"difference": most, "ratio": scopes.worst_of("ratio", means=means)}
    return [
        gaps.measurement(
            f"{metric}_{kind}", replace(gap, high=min(gap.high, most)), grouping, records,
            worst=worst[kind], fewest=fewest, n_needed=n_needed,
        )
        for kind, gap in found.items()
    ]  # fmt: skip
