"""Mitigated: decisions under a mitigation on held-out records, what they are measured against, and the tables of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.bias import _gaps as gaps
from auditkit.checks.mitigation._cost import at_what_cost
from auditkit.evidence import Measurement, Table

if TYPE_CHECKING:
    from auditkit.methods.mitigation import Constraint

_MATTERS = 0.5  # only plans a sample, which is left out here
DIFFERENCE = {
    "demographic_parity": "demographic parity difference",
    "equalized_odds": "equalized odds difference",
}
RATES = {
    "demographic_parity": ("selection_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
}


@dataclass(frozen=True, eq=False)
class Point:
    """The decisions of one rule on the test records.

    Attributes
    ----------
    strength : float
        0 for the reference, 1 for the mitigation in full.
    decisions : ndarray of bool, shape (n,)
        Whether each record is selected.
    by_chance : float
        Share of them that another draw decides otherwise.
    scores : ndarray of shape (n,) or None
        Of the positive label, as given out beside the decisions; None where there are none, or they were not asked for.
    """

    strength: float
    decisions: np.ndarray
    by_chance: float = 0.0
    scores: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Path:
    """A mitigation at growing strength.

    Attributes
    ----------
    name : str
        "reweighing".
    points : tuple of Point
        The reference first, the mitigation in full last.
    """

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What decisions are measured against.

    Attributes
    ----------
    grouping : Grouping
        Of the test records.
    truth : ndarray of bool, shape (n,)
        Whether the label is positive.
    constraint : {"demographic_parity", "equalized_odds"}
        The difference in question.
    level : float
        Confidence level.
    """

    grouping: common.Grouping
    truth: np.ndarray
    constraint: Constraint
    level: float

    def cells(self, decisions: np.ndarray) -> gaps.Cells:
        """Return the confusion of each group."""
        return gaps.cells(self.grouping, self.truth, decisions, None)

    def gap(self, metric: str, decisions: np.ndarray, group: str) -> Measurement:
        """Return the difference between groups under a rule, with an interval that holds for the largest of many."""
        cells = self.cells(decisions)
        parts = {name: cells.counts(name) for name in RATES[self.constraint]}
        each = {name: statistics.largest_gap(*part[:2], self.level) for name, part in parts.items()}
        if self.constraint == "equalized_odds":
            found = gaps.odds(parts, each, self.grouping, _MATTERS, self.level)
        else:
            gap, records = each["selection_rate"], parts["selection_rate"].records
            found = gaps.measurement(metric, gap, self.grouping, records, worst=1.0)
        # a rule that nobody uses yet: no hypothesis of the audit, and no sample to plan
        return replace(found, metric=metric, group=group, p_value=None, n_needed=None)

    def rates(self, decisions: np.ndarray) -> dict[str, list[Measurement]]:
        """Return the rates of each group under a rule."""
        cells = self.cells(decisions)
        return {
            name: gaps.rates(name, self.grouping, cells.counts(name), self.level)
            for name in RATES[self.constraint]
        }


def gap_table(original: Measurement, found: list[Measurement], yard: Yardstick) -> Table:
    """Return the gap of the original and, for each mitigation, before and after."""
    rows = [original, *(m for m in found if m.metric in ("gap_before", "gap_after"))]
    columns = common.estimates(rows)
    prefix = f"{yard.grouping.name}, "
    columns["label"] = ("original", *(str(m.group).removeprefix(prefix) for m in rows[1:]))
    columns["series"] = ("before", *("after" if m.metric == "gap_after" else "before" for m in rows[1:]))
    word = _capital(DIFFERENCE[yard.constraint])
    known = [m for m in rows[1:] if m.metric == "gap_after" and not math.isnan(m.value)]
    least = min(known, key=lambda m: m.value, default=None)
    summary = f"{word} of {yard.grouping.name} is {_value(original)} with the original model"
    if least is not None:
        summary += f" and lowest, {_value(least)}, with {str(least.group).removeprefix(prefix)}"
    labels = {"value": word, "n": "records"}
    return Table(f"{word} before and after", columns, "estimates", labels, f"{summary}.", reference=0.0)


def change_table(found: list[Measurement], yard: Yardstick) -> Table:
    """Return what each mitigation changed, in difference and in accuracy, side by side."""
    words = {
        "gap_reduction": "reduction of the difference",
        "accuracy_cost": "accuracy lost",
        "balanced_accuracy_cost": "balanced accuracy lost",
    }
    rows = [m for metric in words for m in found if m.metric == metric]
    columns = common.estimates(rows, prefix=f"{yard.grouping.name}, ")
    columns["series"] = tuple(words[m.metric] for m in rows)
    summary = (
        "What each mitigation took off the difference, and what it took off accuracy, on the same records; "
        "the intervals hold for all mitigations together."
    )
    labels = {"value": "Change", "n": "records"}
    return Table("What was gained, and what it cost", columns, "estimates", labels, summary, reference=0.0)


def trade_off(original: np.ndarray, paths: list[Path], yard: Yardstick) -> Table:
    """Return accuracy against the difference that remains, one point a strength."""
    rules = [("original", Point(0.0, original))] + [(p.name, point) for p in paths for point in p.points]
    n = len(original)
    right = np.array([int((point.decisions == yard.truth).sum()) for _, point in rules])
    low, high = statistics.wilson(right, np.full(len(rules), n), yard.level)
    spans = [yard.gap("gap", point.decisions, name) for name, point in rules]
    nan = math.nan
    columns = {
        "x": tuple(m.value for m in spans),
        "value": tuple((right / n).tolist()),
        "low": tuple(low.tolist()),
        "high": tuple(high.tolist()),
        "n": (n,) * len(rules),
        "series": tuple(name for name, _ in rules),
        "strength": tuple(point.strength for _, point in rules),
        "x_low": tuple(m.interval.low if m.interval else nan for m in spans),
        "x_high": tuple(m.interval.high if m.interval else nan for m in spans),
    }
    word = _capital(DIFFERENCE[yard.constraint])
    summary = (
        f"Over {len(rules)} rules the difference runs from {np.nanmin(columns['x']):.3f} to "
        f"{np.nanmax(columns['x']):.3f} and accuracy from {common.percent(right.min() / n)} to "
        f"{common.percent(right.max() / n)}."
        if np.isfinite(columns["x"]).any()
        else "The difference is undefined under every rule."
    )
    labels = {"x": f"{word} that remains", "value": "Accuracy", "n": "records", "strength": "strength"}
    labels |= {f"x_{end}": f"difference, {end}" for end in ("low", "high")}
    return Table("Accuracy against the difference that remains", columns, "curve", labels, summary)


def rate_tables(original: np.ndarray, paths: list[Path], yard: Yardstick) -> dict[str, Table]:
    """Return the rates of each group under each rule: whose rate moved."""
    rules = {"original": original} | {path.name: path.points[-1].decisions for path in paths}
    by_rule = {name: yard.rates(said) for name, said in rules.items()}
    tables = {}
    for metric in RATES[yard.constraint]:
        rows = [m for rates in by_rule.values() for m in rates[metric]]
        columns = common.estimates(rows)
        columns["series"] = tuple(name for name, rates in by_rule.items() for _ in rates[metric])
        word = gaps.LABEL[metric]
        spans = [
            f"{name} from {common.percent(min(known))} to {common.percent(max(known))}"
            for name, rates in by_rule.items()
            if (known := [m.value for m in rates[metric] if not math.isnan(m.value)])
        ]
        title = f"{word} by {yard.grouping.name} under each rule"
        summary = f"{word} of the groups runs: {'; '.join(spans)}."
        tables[metric] = Table(title, columns, "estimates", {"value": word, "n": "records"}, summary)
    return tables


def sentence(found: list[Measurement], yard: Yardstick) -> str:
    """Return what was found: reductions at their cost, and for whom a change cannot be told from none."""
    by = {(m.metric, m.group): m for m in found}
    said, open_ones = [], []
    for m in found:
        if m.metric != "gap_reduction":
            continue
        name = str(m.group).removeprefix(f"{yard.grouping.name}, ")
        if m.interval is None or m.interval.low <= 0 <= m.interval.high:
            open_ones.append(name)
            continue
        verb, sign = ("reduced", 1) if m.value > 0 else ("widened", -1)
        ends = sorted((sign * m.interval.low, sign * m.interval.high))
        was, now, cost = (by[key, m.group] for key in ("gap_before", "gap_after", "accuracy_cost"))
        said.append(
            f"{_capital(name)} {verb} the {DIFFERENCE[yard.constraint]} of {yard.grouping.name} from {was.value:.3f} to "
            f"{now.value:.3f} (by {abs(m.value):.3f} [{ends[0]:.3f}, {ends[1]:.3f}]) {at_what_cost(cost)}."
        )
    if open_ones:
        names = ", ".join(open_ones)
        said.append(f"No change in the {DIFFERENCE[yard.constraint]} could be told from none: {names}.")
    return " ".join(said)


def _value(m: Measurement) -> str:
    return "undefined" if math.isnan(m.value) else f"{m.value:.3f}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
