"""Cells: what the measurements of a report count, of whom, and which of them a public report may show."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from auditkit.packing.catalogue import known_metrics
from auditkit.packing.counts import (
    ALL_OF,
    OUTCOMES,
    counted,
    counts_of,
    outcomes,
    row_numbers,
    totals,
)
from auditkit.packing.labels import SETTINGS, labels_of
from auditkit.packing.suppression import ALL, ROWS, hidden_cells, lines_of, small

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from auditkit.evidence import Evidence, Measurement
    from auditkit.packing.labels import Labels
    from auditkit.packing.suppression import Cell
    from auditkit.report import Report

__all__ = ["Shown", "shown"]

DECISIONS = ("performance", "bias")
"""Dimensions whose checks count the same decisions, so that what one withholds another may give."""

_ADD_UP = (
    "n",
    "rest",
    "counted",
    "left out",
)  # of a group's numbers, those that add up over the groups of a division


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
    rows for these. A comparison over groups is shown if all its groups are. A number about all records is shown if it rests on `k` records
    and leaves out none or `k` of those that are known, and a rate among them if no rate of the same decisions counts fewer. A metric that is neither auditkit's nor named by the policy is not shown.
    """
    labels, known = labels_of(report), totals(report)
    dimensions = {str(c["code"]): str(c.get("dimension")) for c in report.provenance.get("plan", ())}
    whole = [one for one in report.evidence if _whole(one)]
    everywhere = _Population(whole, labels, k)
    decisions = [one for one in whole if dimensions.get(one.check) in DECISIONS]
    few = any(_few(one, k) for one in decisions) or _few_by_solving(decisions, k)
    right = next((counted(m) for m in _about_all(decisions) if m.metric == "accuracy"), None)
    named = known_metrics(report.provenance["policy"]["criteria"])
    sizes = _sizes(report.evidence, known, k)
    allowed, withheld = set(), {}
    for one in report.evidence:
        own = everywhere if _whole(one) else _Population([one], labels, k, more=everywhere.hidden)
        scarce = few if one in decisions else _few(one, k) or _few_apart(one, right, k)
        found = {
            (one.check, i)
            for i, m in enumerate(one.measurements)
            if m.metric in named and own.shows(m, sizes, rates=not scarce)
        }
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
        more = frozenset(more) | _unsized(cells, evidence, labels)
        self.hidden = hidden_cells(cells, k=k, more=more) | more
        self._rows = {cell: counts[ROWS] for cell, counts in cells.items()}
        known: dict[frozenset[str], set[Cell]] = defaultdict(set)
        for cell in cells:
            known[_features(cell)].add(cell)
        self._short = [d for d, own in known.items() if d and _short(cells, own, k)]
        words = {m.group for one in evidence for m in one.measurements if m.group}
        self._blurred = any(labels.unread(word) for word in words)

    def shows(self, m: Measurement, sizes: frozenset[int], *, rates: bool) -> bool:
        """Whether a measurement may be shown; `sizes`: of how many records numbers about all may be; `rates`: whether rates of these may."""
        numbers = [n for what, n in counts_of(m).items() if what in ("number", "beyond")]
        if m.n < self._k or any(small(n, self._k) for n in numbers):
            return False
        if m.group is None or m.group in SETTINGS:
            return m.n in sizes and (rates or counted(m) is None)
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


def _about_all(evidence: Iterable[Evidence]) -> list[Measurement]:
    return [m for one in evidence for m in one.measurements if m.group is None or m.group in SETTINGS]


def _few(one: Evidence, k: int) -> bool:
    """Whether a rate about all records counts, or leaves out, fewer than `k`, or is of all but fewer."""
    used = int(one.rows["used"]) if _whole(one) else 0
    return any(
        small(n, k) for m in _about_all([one]) if counted(m) is not None for n in counts_of(m, used).values()
    )


def _few_apart(one: Evidence, right: int | None, k: int) -> bool:
    """Whether two rates of one check about the same number of records count sets that differ by fewer than `k`: before and after an attack."""
    rates = [m for m in one.measurements if m.group is None and m.metric not in OUTCOMES]
    found: dict[int, set[int]] = defaultdict(set)
    for m in rates:
        if (count := counted(m)) is not None:
            found[m.n].add(count)
    if _whole(one) and right is not None and (same := found.get(int(one.rows["used"]))):
        same.add(right)
    return any(small(abs(a - b), k) for counts in found.values() for a, b in combinations(counts, 2))


def _few_by_solving(evidence: Sequence[Evidence], k: int) -> bool:
    """Whether fewer than `k` true or false positives or negatives follow from the rates of all records."""
    about_all = [m for one in evidence for m in one.measurements if m.group is None]
    used = max((int(one.rows["used"]) for one in evidence), default=None)
    return any(small(n, k) for n in outcomes(about_all, used).values())


def _sizes(evidence: Sequence[Evidence], known: frozenset[int], k: int) -> frozenset[int]:
    """Return on how many records a number about all may rest: no two that differ by fewer than `k`, as they may be one within the other.

    The numbers of records that decisions divide into (the positives, the negatives) are held against the whole alone.
    """
    kept = set(known).union(*(row_numbers(one, known, k).values() for one in evidence))
    parts = {m.n for m in _about_all(evidence) if m.metric in OUTCOMES}
    others = {m.n for m in _about_all(evidence) if m.metric not in OUTCOMES}
    found = {n for n in parts if not any(small(abs(n - other), k) for other in known)}
    for n in sorted(others, reverse=True):
        if not any(small(abs(n - other), k) for other in kept):
            kept.add(n)
    return frozenset(kept | found)


def _cells(evidence: Sequence[Evidence], labels: Labels) -> dict[Cell, dict[Hashable, int]]:
    """Return what is counted in each group: records, what each rate counts and leaves out, and what follows of outcomes."""
    by_metric = _by_metric(evidence, labels)
    used = max((int(one.rows["used"]) for one in evidence if "used" in one.rows), default=None)
    counts: dict[Cell, dict[Hashable, int]] = defaultdict(dict)
    rates: dict[Cell, list[tuple[Hashable, Measurement]]] = defaultdict(list)
    for about, found in by_metric.items():
        for cell, m in found.items():
            if not _additive(found, used):
                counts[cell][about, "n"] = m.n
                continue
            rates[cell].append((about, m))
            counts[cell][ROWS] = max(counts[cell].get(ROWS, 0), m.n)
        if _numbers_add_up(found):
            for cell, m in found.items():
                counts[cell][about, "number"] = round(m.value)
    if used is not None:
        counts[ALL][ROWS] = used
    for cell, own in rates.items():
        rows = counts[cell][ROWS]
        for which, m in own:
            told = counts_of(m, rows)
            counts[cell] |= {(which, what): told[what] for what in _ADD_UP if what in told}
        counts[cell] |= outcomes([m for _, m in own], rows)
    cells = {cell: {ROWS: 0, **own} for cell, own in counts.items()}
    if used is None:
        return {cell: own for cell, own in cells.items() if cell}
    return _with_what_follows(cells, {cell: [m for _, m in own] for cell, own in rates.items()})


def _unsized(
    cells: Mapping[Cell, Mapping[Hashable, int]], evidence: Iterable[Evidence], labels: Labels
) -> frozenset[Cell]:
    """Return the groups of which all that is known is that a rate counts nobody in them: they may be small, and that is news of them."""
    sized = {
        labels.cell(m.group)
        for one in evidence
        for m in one.measurements
        if m.group is not None and OUTCOMES.get(m.metric, (None, ALL_OF))[1] == ALL_OF
    }
    return frozenset(cell for cell, own in cells.items() if cell and not own[ROWS] and cell not in sized)


def _with_what_follows(
    cells: Mapping[Cell, dict[Hashable, int]], rated: Mapping[Cell, Sequence[Measurement]]
) -> dict[Cell, dict[Hashable, int]]:
    """Return the cells with what nobody measured in them: sums of a division, what its others leave over, and outcomes that then follow."""
    lines = [line for line in lines_of(cells) if line.parent in cells]
    lines = [
        line for line in lines if sum(cells[cell][ROWS] for cell in line.children) == cells[line.parent][ROWS]
    ]
    while True:
        more = {cell: dict(own) for cell, own in _with_sums(cells).items()}
        for line in lines:
            for quantity, total in more[line.parent].items():
                lacking = [cell for cell in line.children if quantity not in more[cell]]
                if len(lacking) == 1:
                    others = sum(more[cell].get(quantity, 0) for cell in line.children)
                    more[lacking[0]][quantity] = total - others
        for cell, own in more.items():
            if len(own) > len(cells[cell]):
                more[cell] = {**outcomes(rated.get(cell, ()), own[ROWS], own), **own}
        if all(len(own) == len(cells[cell]) for cell, own in more.items()):
            return more
        cells = more


def _by_metric(
    evidence: Iterable[Evidence], labels: Labels
) -> dict[tuple[str, str, int], dict[Cell, Measurement]]:
    """Return what each check measured in each group; of what it measured twice, each time apart."""
    found: dict[tuple[str, str, int], dict[Cell, Measurement]] = defaultdict(dict)
    for one in evidence:
        seen: Counter[tuple[Cell, str]] = Counter()
        for m in one.measurements:
            cell = ALL if m.group is None else labels.cell(m.group)
            if cell is not None:
                seen[cell, m.metric] += 1
                found[one.check, m.metric, seen[cell, m.metric]][cell] = m
    return found


def _numbers_add_up(found: Mapping[Cell, Measurement]) -> bool:
    """Whether the values are whole numbers, and those of the groups of some division add up to that of all records: a number of records."""
    if ALL not in found or any(
        m.value != round(m.value) if abs(m.value) < 1e15 else True for m in found.values()
    ):
        return False
    sums: dict[frozenset[str], list[float]] = defaultdict(list)
    for cell, m in found.items():
        sums[_features(cell)].append(m.value)
    return any(d and len(own) > 1 and sum(own) == found[ALL].value for d, own in sums.items())


def _with_sums(cells: Mapping[Cell, dict[Hashable, int]]) -> dict[Cell, dict[Hashable, int]]:
    """Return the cells with totals that nobody measured and any division that holds all records gives by addition."""
    by_division: dict[frozenset[str], list[Cell]] = defaultdict(list)
    for cell in cells:
        by_division[_features(cell)].append(cell)
    known = dict(cells[ALL])
    for division, own in by_division.items():
        if len(division) == 1 and sum(cells[cell][ROWS] for cell in own) == known[ROWS]:
            shared = set.intersection(*(set(cells[cell]) for cell in own))
            known = {q: sum(cells[cell][q] for cell in own) for q in shared} | known
    return {**cells, ALL: known}


def _additive(found: Mapping[Cell, Measurement], used: int | None) -> bool:
    """Whether the records of the groups of each division are no more than there are: a metric that compares counts some twice."""
    sums: Counter[frozenset[str]] = Counter()
    for cell, m in found.items():
        sums[_features(cell)] += m.n
    return used is None or max(sums.values()) <= used
