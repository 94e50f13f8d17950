"""Cells: what the measurements of a report count, of whom, and which of them a public report may show."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from auditkit.packing.suppression import ALL, ROWS, hidden_cells, small

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from auditkit.evidence import Evidence, Measurement
    from auditkit.packing.suppression import Cell
    from auditkit.report import Report

__all__ = ["Labels", "Shown", "labels_of", "shown"]

SETTINGS = frozenset(
    {
        *("RMIA, offline", "RMIA, online", "LiRA, offline", "LiRA, online", "Attack-R", "Attack-S"),
        *("difficulty calibration", "test rows", "training rows"),
    }
)
"""Words that auditkit's own checks put where others put a group: how something was measured, not of whom."""

DECISIONS = ("performance", "bias")
"""Dimensions whose checks count the same decisions, so that what one withholds another may give."""

_DEEPEST = 3  # features that are crossed at most
_MOST = 12  # sensitive features whose crossings are read; of more, none is

# what a rate counts (true and false positives, false and true negatives), and of which records
_COUNTED: dict[str, tuple[tuple[int, int, int, int], tuple[int, int, int, int]]] = {
    "accuracy": ((1, 0, 0, 1), (1, 1, 1, 1)),
    "selection_rate": ((1, 1, 0, 0), (1, 1, 1, 1)),
    "base_rate": ((1, 0, 1, 0), (1, 1, 1, 1)),
    "true_positive_rate": ((1, 0, 0, 0), (1, 0, 1, 0)),
    "false_negative_rate": ((0, 0, 1, 0), (1, 0, 1, 0)),
    "false_positive_rate": ((0, 1, 0, 0), (0, 1, 0, 1)),
    "true_negative_rate": ((0, 0, 0, 1), (0, 1, 0, 1)),
    "precision_score": ((1, 0, 0, 0), (1, 1, 0, 0)),
    "false_discovery_rate": ((0, 1, 0, 0), (1, 1, 0, 0)),
    "negative_predictive_value": ((0, 0, 0, 1), (0, 0, 1, 1)),
    "false_omission_rate": ((0, 0, 1, 0), (0, 0, 1, 1)),
}


class Labels:
    """How the group of a measurement is read: a division, a cell, or neither.

    Only sensitive features make groups here. A label is read as a crossing where each of its parts stands as a group of its own, else as one
    group with a long value; one that can be read in two ways is read in none.

    Parameters
    ----------
    features : iterable of str
        Sensitive features.
    words : iterable of str
        Labels of all groups there are.

    Examples
    --------
    >>> labels = Labels(["sex", "race"], ["sex=f", "race=b", "sex=f, race=b", "income=high"])
    >>> sorted(labels.cell("sex=f, race=b"))
    [('race', 'b'), ('sex', 'f')]
    >>> labels.cell("income=high") is None
    True
    >>> sorted(labels.division("sex × race"))
    ['race', 'sex']
    """

    def __init__(self, features: Iterable[str], words: Iterable[str] = ()) -> None:
        self.features = tuple(dict.fromkeys(features))
        able = self.features if len(self.features) <= _MOST else ()
        named = [one for depth in range(1, _DEEPEST + 1) for one in permutations(able, depth)]
        said = Counter(" × ".join(one) for one in named)
        self._divisions = {" × ".join(one): frozenset(one) for one in named if said[" × ".join(one)] == 1} | {
            one: frozenset({one}) for one in self.features if said[one] < 2
        }
        readings = {word: self._read(word, ()) for word in set(words)}
        alone = {word for word, found in readings.items() if len(found) == 1 and len(found[0]) == 1}
        self._cells = {word: _surest(found, alone) for word, found in readings.items() if found}

    def division(self, label: str) -> frozenset[str] | None:
        """Return the features over whose groups something was compared, None if it is no such label."""
        return self._divisions.get(label)

    def cell(self, label: str) -> Cell | None:
        """Return the group that a label names, None if it names none of sensitive features, or may name two."""
        return self._cells.get(label)

    def unread(self, label: str) -> bool:
        """Whether a label seems to name a group of a sensitive feature, and it cannot be told which."""
        return label in self._cells and self._cells[label] is None

    def _read(self, rest: str, used: tuple[tuple[str, str], ...]) -> list[tuple[tuple[str, str], ...]]:
        """Return every way to read the rest of a label, after the pairs that are read."""
        found = []
        for feature in self.features:
            start = f"{feature}="
            if len(used) >= _DEEPEST or not rest.startswith(start) or feature in dict(used):
                continue
            value = rest[len(start) :]
            found.append((*used, (feature, value)))
            at = value.find(", ")
            while at >= 0:
                found += self._read(value[at + 2 :], (*used, (feature, value[:at])))
                at = value.find(", ", at + 1)
        return found


def _surest(readings: Sequence[tuple[tuple[str, str], ...]], alone: set[str]) -> Cell | None:
    """Return the reading with the most pairs that are groups of their own; else that with one pair; None if there are two of these."""
    crossed = [one for one in readings if len(one) > 1 and all(f"{f}={v}" in alone for f, v in one)]
    most = max(map(len, crossed), default=1)
    found = {frozenset(one) for one in crossed or readings if len(one) == most}
    return found.pop() if len(found) == 1 else None


def labels_of(report: Report) -> Labels:
    """Return how the groups of a report are read."""
    words = {m.group for one in report.evidence for m in one.measurements if m.group}
    return Labels(map(str, report.subject.get("sensitive_features") or ()), words)


@dataclass(frozen=True, slots=True)
class Shown:
    """Which measurements of a report may be shown.

    Attributes
    ----------
    measurements : frozenset of (str, int)
        Code of a check and place of a measurement in its evidence.
    withheld : mapping of str to int
        Code of a check to how many are withheld.
    """

    measurements: frozenset[tuple[str, int]]
    withheld: dict[str, int]


def shown(report: Report, *, k: int) -> Shown:
    """Return which measurements of a report may be shown.

    A group is shown with all its numbers or with none, in all checks that used all test rows at once, and in a check that drew its own
    rows for these. A comparison over groups is shown if all its groups are. A number about all records is shown if it rests on `k` records,
    and a rate among them if no rate of the same decisions counts fewer.
    """
    labels = labels_of(report)
    dimensions = {str(c["code"]): str(c.get("dimension")) for c in report.provenance.get("plan", ())}
    whole = [one for one in report.evidence if _whole(one)]
    everywhere = _Population(whole, labels, k)
    decisions = [one for one in whole if dimensions.get(one.check) in DECISIONS]
    few = any(_few(one, k) for one in decisions) or _few_by_solving(decisions, k)
    allowed, withheld = set(), {}
    for one in report.evidence:
        own = everywhere if _whole(one) else _Population([one], labels, k, more=everywhere.hidden)
        scarce = few if one in decisions else _few(one, k)
        found = {(one.check, i) for i, m in enumerate(one.measurements) if own.shows(m, rates=not scarce)}
        allowed |= found
        withheld[one.check] = len(one.measurements) - len(found)
    return Shown(frozenset(allowed), withheld)


class _Population:
    """The groups of one set of records, over the checks that looked at it."""

    def __init__(
        self, evidence: Sequence[Evidence], labels: Labels, k: int, *, more: Iterable[Cell] = ()
    ) -> None:
        self._labels, self._k = labels, k
        cells = _cells(evidence, labels)
        self.hidden = hidden_cells(cells, k=k, more=more) | frozenset(more)
        self._rows = {cell: counts[ROWS] for cell, counts in cells.items()}
        known: dict[frozenset[str], set[Cell]] = defaultdict(set)
        for cell in cells:
            known[_features(cell)].add(cell)
        self._short = [d for d, own in known.items() if d and _short(cells, own, k)]
        words = {m.group for one in evidence for m in one.measurements if m.group}
        self._blurred = any(labels.unread(word) for word in words)

    def shows(self, m: Measurement, *, rates: bool) -> bool:
        """Whether a measurement may be shown; `rates`: whether rates of all records may."""
        if m.n < self._k:
            return False
        if m.group is None or m.group in SETTINGS:
            return rates or _counted(m) is None
        if (division := self._labels.division(m.group)) is not None:
            return self._complete(division)
        cell = self._labels.cell(m.group)
        if cell is None or any(cell >= one for one in self.hidden):
            return False
        # what rests on more records than the group has compares it with others
        return m.n <= self._rows.get(cell, 0) or self._complete(_features(cell))

    def _complete(self, division: frozenset[str]) -> bool:
        """Whether nothing is known to be withheld in a division, or in one that it crosses."""
        withheld = any(_features(cell) <= division for cell in self.hidden)
        return not (self._blurred or withheld or any(one <= division for one in self._short))


def _features(cell: Cell) -> frozenset[str]:
    return frozenset(feature for feature, _ in cell)


def _short(cells: Mapping[Cell, Mapping[Hashable, int]], own: set[Cell], k: int) -> bool:
    """Whether the cells of a division leave out records, fewer than `k`."""
    total = cells.get(ALL, {}).get(ROWS)
    return total is not None and small(total - sum(cells[cell][ROWS] for cell in own), k)


def _whole(one: Evidence) -> bool:
    """Whether a check looked at all test rows."""
    return one.rows.get("split") == "test" and one.rows.get("used") == one.rows.get("of")


def _counted(m: Measurement) -> int | None:
    """Return how many records a rate counts, None if the number is no share of its records."""
    count = abs(m.value) * m.n
    if not 0 <= abs(m.value) <= 1 or abs(count - round(count)) > 1e-6:
        return None
    return round(count)


def _few(one: Evidence, k: int) -> bool:
    """Whether a rate about all records counts, or leaves out, fewer than `k`."""
    about_all = [m for m in one.measurements if m.group is None or m.group in SETTINGS]
    counted = [(c, m.n - c) for m in about_all if (c := _counted(m)) is not None]
    return any(small(count, k) for pair in counted for count in pair)


def _few_by_solving(evidence: Sequence[Evidence], k: int) -> bool:
    about_all = [m for one in evidence for m in one.measurements if m.group is None]
    return any(small(n, k) for n in _outcomes(about_all).values())


def _cells(evidence: Sequence[Evidence], labels: Labels) -> dict[Cell, dict[Hashable, int]]:
    """Return what is counted in each group: records, what each rate counts and leaves out, and what follows of outcomes."""
    by_metric: dict[Hashable, dict[Cell, Measurement]] = defaultdict(dict)
    for one in evidence:
        seen: Counter[tuple[Cell, str]] = Counter()
        for m in one.measurements:
            cell = ALL if m.group is None else labels.cell(m.group)
            if cell is not None:
                seen[cell, m.metric] += 1
                by_metric[one.check, m.metric, seen[cell, m.metric]][cell] = m
    used = max((int(one.rows["used"]) for one in evidence if "used" in one.rows), default=None)
    counts: dict[Cell, dict[Hashable, int]] = defaultdict(dict)
    rates: dict[Cell, list[Measurement]] = defaultdict(list)
    for about, found in by_metric.items():
        for cell, m in found.items():
            if not _additive(found, used):
                counts[cell][about, "n"] = m.n
                continue
            rates[cell].append(m)
            counts[cell] |= {(about, "n"): m.n, ROWS: max(counts[cell].get(ROWS, 0), m.n)}
            if (count := _counted(m)) is not None:
                counts[cell] |= {(about, "counted"): count, (about, "left out"): m.n - count}
    for cell, own in rates.items():
        counts[cell] |= _outcomes(own)
    counts.pop(ALL, None) if used is None else counts[ALL].update({ROWS: used})
    return {cell: {ROWS: 0, **own} for cell, own in counts.items()}


def _additive(found: Mapping[Cell, Measurement], used: int | None) -> bool:
    """Whether the records of the groups of each division are no more than there are: a metric that compares counts some twice."""
    sums: Counter[frozenset[str]] = Counter()
    for cell, m in found.items():
        sums[_features(cell)] += m.n
    return used is None or max(sums.values()) <= used


def _outcomes(measured: Iterable[Measurement]) -> dict[Hashable, int]:
    """Return true and false positives and negatives as far as the rates of one group settle them."""
    rows: list[tuple[int, int, int, int]] = []
    values: list[int] = []
    seen: set[str] = set()
    for m in measured:
        count = _counted(m)
        if m.metric in _COUNTED and m.metric not in seen and count is not None:
            seen.add(m.metric)
            rows += _COUNTED[m.metric]
            values += [count, m.n]
    if not rows:
        return {}
    system, right = np.array(rows, dtype=np.float64), np.array(values, dtype=np.float64)
    solved, _, rank, _ = np.linalg.lstsq(system, right, rcond=None)
    if np.abs(system @ solved - right).max() > 1e-6:
        return {}
    _, _, directions = np.linalg.svd(system)
    free = np.abs(directions[rank:]).max(axis=0, initial=0.0)
    names = ("tp", "fp", "fn", "tn")
    return {("outcome", name): round(v) for name, v, f in zip(names, solved, free, strict=True) if f < 1e-9}
