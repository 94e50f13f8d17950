"""An intruder with every number of the public form and a solver: no group's small count comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from auditkit import packing
from auditkit.check import registry
from auditkit.evidence import Evidence, Interval, Measurement
from auditkit.report import Report

K = 10
PARTS = ("tp", "fp", "fn", "tn")
# each rate by its words: the share of the second that are in the first
RATES = {
    "accuracy": ({"tp", "tn"}, set(PARTS)),
    "selection_rate": ({"tp", "fp"}, set(PARTS)),
    "base_rate": ({"tp", "fn"}, set(PARTS)),
    "true_positive_rate": ({"tp"}, {"tp", "fn"}),
    "false_positive_rate": ({"fp"}, {"fp", "tn"}),
    "precision_score": ({"tp"}, {"tp", "fp"}),
}
# each mean by what is added up of each outcome; None where it is no sum of outcomes, and the solver cannot use it
SCORE = 0.3171
MEANS = {
    "calibration_in_the_large": {"tp": 1 - SCORE, "fn": 1 - SCORE, "fp": -SCORE, "tn": -SCORE},
    "brier_score": {"tp": 0.04, "fn": 0.64, "fp": 0.49, "tn": 0.09},
    "balanced_accuracy_score": None,
    "auc": None,
}
ASKED = [{one} for one in PARTS] + [
    {"tp", "fp"},
    {"fn", "tn"},
    {"tp", "fn"},
    {"fp", "tn"},
    {"tp", "tn"},
    {"fp", "fn"},
]


def measured(metric, groups, label):
    """What a check says of some records, given as sums of their outcomes."""
    above, below = RATES[metric]
    n = sum(groups[part] for part in below)
    value = sum(groups[part] for part in above) / n if n else math.nan
    return Measurement(metric, value, n, group=label, reason=None if n else "nobody")


def meant(metric, groups, label):
    """What a check says of some records that is no share of them, with an interval."""
    n, p, q = sum(groups.values()), groups["tp"] + groups["fn"], groups["fp"] + groups["tn"]
    weights = MEANS[metric]
    if weights is None and not (p and q):
        return Measurement(metric, math.nan, n, group=label, reason="one class")
    if metric == "auc":
        value = (2 * groups["tp"] * groups["tn"] + 1) / (2 * p * q + 1)
    elif metric == "balanced_accuracy_score":
        value = (groups["tp"] / p + groups["tn"] / q) / 2
    else:
        value = sum(weights[part] * groups[part] for part in PARTS) / n
    half = 0.5 / math.sqrt(min(p or n, q or n))
    return Measurement(metric, value, n, Interval(value - half, value + half, 0.95, "wald"), group=label)


def said(metric, groups, label):
    return (measured if metric in RATES else meant)(metric, groups, label)


def added(groups):
    return {part: sum(one[part] for one in groups) for part in PARTS}


@dataclass
class Population:
    """Records by two features and outcome, and a report of them."""

    table: dict[tuple[str, str], dict[str, int]]
    checks: list[tuple[list[str], bool, bool]]  # metrics, of groups, of all
    crossed: bool
    dropped: int = 0
    by: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def __post_init__(self):
        for r, c in self.table:
            for label in (f"r={r}", f"c={c}", *([f"r={r}, c={c}"] if self.crossed else [])):
                self.by.setdefault(label, []).append((r, c))

    @property
    def rows(self):
        return sum(sum(one.values()) for one in self.table.values())

    def count(self, label, parts):
        """How many records of a group, or of all, have one of these outcomes."""
        return sum(
            self.table[cell][part] for cell in (self.by[label] if label else self.table) for part in parts
        )

    def report(self):
        evidence, plan = [], []
        for i, (metrics, of_groups, of_all) in enumerate(self.checks):
            code = f"AK10{i + 1}"
            found = [
                said(metric, added([self.table[at] for at in cells]), label)
                for metric in metrics
                for label, cells in (self.by.items() if of_groups else ())
            ]
            if of_all:
                found += [said(metric, added(self.table.values()), None) for metric in metrics]
            rows = {"used": self.rows, "of": self.rows, "split": "test"}
            evidence.append(Evidence(code, tuple(found), rows=rows))
            plan.append(next(one for one in registry().checks if one.code == code).describe())
        part = {"rows": self.rows, "columns": [], "digest": ""}
        subject = {
            "name": "s", "task": "classification", "positive": None, "classes": None,
            "model": {"kind": "", "trust": "data", "digest": "", "description": ""},
            "test": part, "train": None, "sensitive_features": ["r", "c"],
        }  # fmt: skip
        about = {
            "auditkit": "0", "seed": 0, "versions": {}, "plan": plan, "not_examined": [],
            "policy": {"name": "", "description": "", "digest": "", "criteria": []},
        }  # fmt: skip
        return Report(subject, (), tuple(evidence), about)


def facts(population, published):
    """All that the public form says: sums over the outcomes of all records by both features, and bounds of sums."""
    at = {(cell, part): i for i, (cell, part) in enumerate((c, p) for c in population.table for p in PARTS)}
    system, right, bounded, most = [], [], [], []

    def told(cells, parts, n):
        row = np.zeros(len(at))
        row[[at[cell, part] for cell in cells for part in parts]] = 1
        system.append(row)
        right.append(n)

    told(population.table, PARTS, published.subject["test"]["rows"])
    for one in published.evidence:
        for m in one.measurements:
            cells = population.by[m.group] if m.group else population.table
            if m.metric in MEANS:
                told(cells, PARTS, m.n)
                if MEANS[m.metric] is not None:
                    row = np.zeros(len(at))
                    for part, weight in MEANS[m.metric].items():
                        row[[at[cell, part] for cell in cells]] = weight
                    half = m.n * step_of(m) / 2
                    bounded.extend((row, -row))
                    most.extend((m.n * m.value + half, half - m.n * m.value))
                continue
            above, below = RATES[m.metric]
            told(cells, below, m.n)
            # the groups there are stand in the report, also those that are withheld: who is in none is known to be nobody
            if not math.isnan(m.value):
                told(cells, above, round(m.value * m.n))
    bounds = (np.array(bounded), np.array(most) + 1e-6) if bounded else (None, None)
    return at, np.array(system), np.array(right, dtype=float), bounds


def step_of(m):
    """What a value was rounded to: its interval takes one and a half steps to the side that is not cut at the end of what is possible."""
    if m.interval.high == 1 and m.interval.low in (
        0,
        -1,
    ):  # both are: of a share no step is larger than the whole
        return 1.0
    return max(m.interval.high - m.value, m.value - m.interval.low) / 1.5


def ends(system, right, bounds, aim):
    """The least and the greatest that a sum can be."""
    found = []
    for sign in (1, -1):
        solved = linprog(
            sign * aim, A_ub=bounds[0], b_ub=bounds[1], A_eq=system, b_eq=right, bounds=(0, None)
        )
        assert solved.status == 0, solved.message
        found.append(sign * solved.fun)
    return found


def leaks(population):
    """What an intruder solves for: (group, outcomes, count), where that is small or tells all of a small group."""
    published = packing.public_form(population.report(), k=K).report
    at, system, right, bounds = facts(population, published)
    for label, cells in population.by.items():
        rows = population.count(label, PARTS)
        for parts in [set(PARTS), *ASKED]:
            true = population.count(label, parts)
            # of a larger group, or of all, a count of 0 may be shown, and with it that of every part
            larger = [*(one for one, own in population.by.items() if set(cells) < set(own)), None]
            shown = {part for part in parts if not all(population.count(one, {part}) for one in larger)}
            nobody = true == 0 < rows < K and shown != set(parts)
            if not (0 < true < K or nobody):
                continue
            aim = np.zeros(len(at))
            aim[[at[cell, part] for cell in cells for part in parts]] = 1
            low, high = ends(system, right, bounds, aim)
            if high - low < 1 - 1e-6:
                yield label, sorted(parts), true, nobody


some = st.one_of(st.just(0), st.integers(1, 12), st.integers(0, 90))


@st.composite
def populations(draw, *, means=False):
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    table = {
        (str(r), str(c)): dict(zip(PARTS, draw(st.tuples(some, some, some, some)), strict=True))
        for r in range(rows)
        for c in range(columns)
    }
    table = {cell: held for cell, held in table.items() if sum(held.values())}
    metrics = st.lists(
        st.sampled_from(sorted([*RATES, *(MEANS if means else ())])), min_size=1, max_size=4, unique=True
    )
    checks = draw(st.lists(st.tuples(metrics, st.booleans(), st.booleans()), min_size=1, max_size=3))
    return Population(table, checks, draw(st.booleans()))


@given(populations())
@settings(max_examples=50, deadline=None)
def test_no_small_count_of_a_group_can_be_solved_for(population):
    if population.rows >= K:
        assert list(leaks(population)) == []


def some_of(**parts):
    return dict.fromkeys(PARTS, 0) | parts


def test_what_a_rate_of_all_leaves_of_a_small_count_is_withheld():
    """Who is selected in r=1, all 20, and how many rightly, 10, tells its positives: 2 of the 12 of all are left to r=0."""
    table = {("0", "1"): some_of(tp=1, fp=9, fn=1, tn=9), ("1", "0"): some_of(tp=5, fp=5), ("1", "1"): some_of(tp=5, fp=5)}  # fmt: skip
    checks = [(["base_rate"], False, True), (["accuracy", "selection_rate"], True, False)]
    assert list(leaks(Population(table, checks, crossed=False))) == []


def test_that_nobody_of_a_group_of_unknown_size_is_counted_is_withheld():
    """All positives of c=1 are in its larger part: nobody in the other is one, and of those the report says no more."""
    table = {("0", "1"): some_of(tp=77, fn=11), ("0", "2"): some_of(fn=52), ("2", "0"): some_of(tp=4), ("2", "1"): some_of(fp=9), ("3", "0"): some_of(tp=6)}  # fmt: skip
    assert list(leaks(Population(table, [(["true_positive_rate"], True, False)], crossed=True))) == []


@given(populations(means=True))
@settings(max_examples=20, deadline=None)
def test_means_calibration_and_areas_of_several_checks_add_nothing_to_solve_with(population):
    if population.rows >= K:
        assert list(leaks(population)) == []
