"""Sides: the same records decided in two ways, measured beside each other, the change with a paired interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from auditkit import statistics
from auditkit.checks.mitigation import _changes as changes
from auditkit.checks.mitigation._mitigated import RATES
from auditkit.evidence import Table
from auditkit.explore._rows import ESTIMATES, columns_of
from auditkit.render.text import number, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditkit.checks.mitigation._mitigated import Yardstick

__all__ = [
    "Beside",
    "areas",
    "gained",
    "gaps",
    "numbers",
    "overview",
    "shares",
    "side_by_side",
    "strict",
    "told",
]

Verdict = Literal["better", "worse", "cannot be told"]
ALL = {"lower": "lower is better", "higher": "higher is better"}


@dataclass(frozen=True, slots=True)
class Beside:
    """One figure of two sides.

    Attributes
    ----------
    what : str
        "accuracy".
    aim : {"lower", "higher"}
        What is better.
    first, second : tuple of float
        Value, low and high end on each side, each at the level of one interval.
    change, low, high : float
        Second less first, with ends that hold for all figures compared; ``nan`` and open where it cannot be had.
    n : int
        Records.
    method : str
        Of the interval of the change.
    unit : {"points", "AUC"}
        Shares are told in percentage points.
    """

    what: str
    aim: Literal["lower", "higher"]
    first: tuple[float, float, float]
    second: tuple[float, float, float]
    change: float
    low: float
    high: float
    n: int
    method: str
    unit: Literal["points", "AUC"] = "points"

    @property
    def gain(self) -> tuple[float, float, float]:
        """The change with its ends, above 0 where the second side is better."""
        if self.aim == "higher":
            return self.change, self.low, self.high
        return 0.0 - self.change, 0.0 - self.high, 0.0 - self.low  # no -0

    @property
    def verdict(self) -> Verdict:
        """Whether the second side is better or worse, as far as the interval tells."""
        _, low, high = self.gain
        return "better" if low > 0 else "worse" if high < 0 else "cannot be told"

    def said(self, *, beside: bool = False) -> str:
        """Return the figure in words: "accuracy 88.0% to 85.2% (-2.8 [-4.0, -1.6] points)"; beside each other "85.2% against 88.0%"."""
        points = self.unit == "points"
        show, digits, unit = (share, 1, " points") if points else (number, 3, "")
        moved = (round(v * (100 if points else 1), digits) + 0.0 for v in (self.change, self.low, self.high))
        value, low, high = (f"{v:+.{digits}f}" for v in moved)
        first, second = show(self.first[0]), show(self.second[0])
        sides = f"{second} against {first}" if beside else f"{first} to {second}"
        return f"{self.what} {sides} ({value} [{low}, {high}]{unit})"


def strict(level: float, family: int) -> float:
    """Return the level of each of so many intervals that hold together (Bonferroni)."""
    return 1 - (1 - level) / max(family, 1)


def shares(
    what: str,
    aim: Literal["lower", "higher"],
    first: np.ndarray,
    second: np.ndarray,
    level: float,
    family: int,
) -> Beside:
    """Compare two shares of the same records, given as what holds for each, shape (n,)."""
    n = len(first)
    hits = np.array([first.sum(), second.sum()])
    low, high = statistics.wilson(hits, np.full(2, n), level)
    won, lost = int((second & ~first).sum()), int((first & ~second).sum())
    # exact in what it is made of: at the level of one among many, Wald's would be too short for few discordant records
    ends = statistics.paired_differences_at_once([won], [lost], n, strict(level, family))
    sides = [
        (float(h) / n if n else math.nan, float(a), float(b)) for h, a, b in zip(hits, low, high, strict=True)
    ]
    change = (won - lost) / n if n else math.nan
    return Beside(
        what,
        aim,
        sides[0],
        sides[1],
        change,
        float(ends.low[0]),
        float(ends.high[0]),
        n,
        "paired, Clopper-Pearson and MOVER",
    )


def areas(
    what: str,
    aim: Literal["lower", "higher"],
    first: np.ndarray,
    second: np.ndarray,
    truth: np.ndarray,
    level: float,
    family: int,
) -> Beside:
    """Compare two rankings of the same records by their AUC."""
    alone = [statistics.auc(one, truth, level) for one in (first, second)]
    found = statistics.paired_auc_difference(second, first, truth, strict(level, family))
    sides = [(one.value, one.low, one.high) for one in alone]
    return Beside(
        what,
        aim,
        sides[0],
        sides[1],
        found.value,
        found.low,
        found.high,
        len(truth),
        "paired, DeLong and MOVER",
        "AUC",
    )


def gaps(
    what: str, first: np.ndarray, second: np.ndarray, yard: Yardstick, family: int, rng: np.random.Generator
) -> Beside:
    """Compare the largest difference between groups of two sets of decisions on the same records.

    A bootstrap draws only changes that were seen, so that of rules that differ in a handful of records it is too sure. No interval
    is therefore shorter, on either side, than that of the two groups which lie furthest apart: of each the paired change of its rate
    (`paired_differences_at_once`), both put together by their distances from the values (MOVER, Zou and Donner 2008), since groups
    have no record in common.
    """
    values = []
    for one in (first, second):
        m = yard.gap("gap", one, what)
        ends = (m.interval.low, m.interval.high) if m.interval else (math.nan, math.nan)
        values.append((m.value, *ends))
    less = changes.reduction(first, second, yard, rng, family, what)
    if less.interval is None:
        return Beside(what, "lower", values[0], values[1], math.nan, -1.0, 1.0, len(first), less.reason or "")
    below, above = _reach(first, second, yard, strict(yard.level, family))
    change = -less.value
    low, high = min(-less.interval.high, change - below), max(-less.interval.low, change + above)
    method = "paired bootstrap of counts, no shorter than MOVER"
    return Beside(what, "lower", values[0], values[1], change, max(low, -1.0), min(high, 1.0), less.n, method)


def _reach(first: np.ndarray, second: np.ndarray, yard: Yardstick, level: float) -> tuple[float, float]:
    """Return how far below and above its value the change of the two groups' difference reaches, for those apart before or after."""
    codes, k = yard.grouping.codes, len(yard.grouping.labels)
    reached = [(0.0, 0.0)]
    for name in RATES[yard.constraint]:
        counts = {
            "selection_rate": np.ones(len(codes), dtype=bool), "true_positive_rate": yard.truth, "false_positive_rate": ~yard.truth
        }[name]  # fmt: skip
        size, won, lost, *rates = (
            np.bincount(codes[counts & part], minlength=k)
            for part in (counts, second & ~first, first & ~second, first, second)
        )
        there = size > 0
        if there.sum() < 2:
            continue
        change = (won - lost) / np.maximum(size, 1)
        ends = [
            statistics.paired_differences_at_once([w], [x], n, level)
            for w, x, n in zip(won, lost, size, strict=True)
        ]
        low, high = (np.array([float(one[at][0]) for one in ends]) for at in (0, 1))
        for hits in rates:
            rate = np.where(there, hits / np.maximum(size, 1), np.nan)
            top, bottom = int(np.nanargmax(rate)), int(np.nanargmin(rate))
            top, bottom = (top, bottom) if top != bottom else tuple(map(int, np.flatnonzero(there)[:2]))
            reached.append(
                (
                    float(np.hypot(change[top] - low[top], high[bottom] - change[bottom])),
                    float(np.hypot(high[top] - change[top], change[bottom] - low[bottom])),
                )
            )
    return max(one[0] for one in reached), max(one[1] for one in reached)


def side_by_side(title: str, found: Sequence[Beside], sides: Sequence[str], summary: str) -> Table:
    """Return the figures of both sides, or of the first alone, as estimates, a label a figure that says which way is better."""
    rows = [
        (f"{one.what}: {ALL[one.aim]}", name, *values, one.n)
        for one in found
        for name, values in zip(sides, (one.first, one.second), strict=False)
    ]
    labels = {"value": "Share of records, difference of shares, or AUC", "n": "records", "order": "figure"}
    return Table(title, columns_of(ESTIMATES, rows), "estimates", labels, summary)


def gained(title: str, found: Sequence[Beside], summary: str, *, none: str = "no change") -> Table:
    """Return the changes as estimates, all turned so that above 0 is better."""
    rows = [(one.what, *one.gain, one.n) for one in found]
    columns = columns_of(("label", "value", "low", "high", "n"), rows)
    labels = {
        "value": "Change: left of 0 worse, right of 0 better",
        "n": "records",
        "order": "figure",
        "reference": none,
    }
    return Table(title, columns, "estimates", labels, summary, reference=0.0)


def overview(
    title: str, found: Mapping[str, Sequence[Beside]], columns: Sequence[str], labels: dict[str, str]
) -> Table:
    """Return the changes of many beside one as a matrix, turned so that above 0 is better; its words name those that can be told."""
    rows = [
        (name, column, one.gain[0], math.nan, one.verdict)
        for name, every in found.items()
        for column, one in zip(columns, every, strict=True)
    ]
    cells = columns_of(("row", "column", "value", "n", "told"), rows)
    parts = []
    for name, every in found.items():
        verdicts = [
            f"{verdict} {_listed(those)}"
            for verdict in ("better", "worse")
            if (
                those := [
                    column for column, one in zip(columns, every, strict=True) if one.verdict == verdict
                ]
            )
        ]
        parts.append(f"{name}: {', '.join(verdicts)}" if verdicts else f"{name}: nothing")
    return Table(title, cells, "matrix", labels, f"What can be told from no change: {'; '.join(parts)}.")


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def numbers(title: str, found: Sequence[Beside], sides: tuple[str, str], summary: str = "") -> Table:
    """Return every number, with what can be told of each change."""
    rows = [
        (
            one.what,
            ALL[one.aim],
            one.first[0],
            one.second[0],
            one.change,
            one.low,
            one.high,
            one.verdict,
            one.n,
            one.method,
        )
        for one in found
    ]
    keys = ("figure", "aim", *sides, "change", "low", "high", "told", "n", "method")
    labels = {
        "aim": "what is better",
        "low": "change, lower end",
        "high": "change, upper end",
        "n": "records",
        "told": "what can be told",
    }
    return Table(title, columns_of(keys, rows), "plain", labels, summary)


def told(found: Sequence[Beside], *, beside: bool = False) -> str:
    """Return in sentences what is better, what is worse and what cannot be told: after a change, or of one beside another."""
    parts = []
    for verdict, word in (
        ("better", "Better"),
        ("worse", "Worse"),
        ("cannot be told", f"Cannot be told from no {'difference' if beside else 'change'}"),
    ):
        those = [one.said(beside=beside) for one in found if one.verdict == verdict]
        if those:
            parts.append(f"{word}: {'; '.join(those)}.")
    return " ".join(parts)
