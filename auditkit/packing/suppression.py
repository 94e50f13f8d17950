"""Suppression: which groups of records a public report may speak of, so that no small count can be had by subtraction."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["ALL", "ROWS", "Cell", "hidden_cells", "lines_of", "small"]

Cell: TypeAlias = frozenset[tuple[str, str]]
"""Records picked by who they are: pairs of a feature and its value; none picks all records."""
Counts: TypeAlias = "Mapping[Hashable, int]"

ALL: Cell = frozenset()
ROWS = "rows"
"""The quantity that every cell has: how many records it holds."""

_MOST = 400  # withheld cells that are solved for at once
_RANK = 1e-8  # below this a coordinate of the null space is none


@dataclass(frozen=True, slots=True)
class Line:
    """A cell and the cells that divide it by one more feature."""

    parent: Cell
    children: tuple[Cell, ...]


def small(count: float, k: int) -> bool:
    """Whether a count is above 0 and below `k`."""
    return 0 < count < k


def hidden_cells(cells: Mapping[Cell, Counts], *, k: int, more: Iterable[Cell] = ()) -> frozenset[Cell]:
    """Return the cells that must be withheld, each with all its numbers.

    A cell with a small count, of records or of anything counted in it, is withheld (primary suppression). Then others are, until of
    every division of a published cell nothing is withheld, or at least two cells that together hold no small count, nor count nobody of
    what others are counted in; until no withheld cell with a small count follows from the published ones by linear algebra; and with a cell all cells within it (complementary suppression).
    Records that a division lists in no cell count as withheld.

    Parameters
    ----------
    cells : mapping of Cell to mapping of quantity to int
        What is counted in each; `ROWS` in all of them. `ALL` holds the totals, and what it lacks is taken as unknown.
    k : int
        Smallest count that may be shown, at least 2. Counts of 0 are shown.
    more : iterable of Cell
        Cells to withhold whatever they hold.

    Returns
    -------
    frozenset of Cell

    Raises
    ------
    InputError
        If `k` is below 2.

    References
    ----------
    Hundepool et al. 2012, "Statistical Disclosure Control", chapter 4. The choice is greedy: not the fewest cells there could be.

    Examples
    --------
    >>> sizes = {"a": 50, "b": 30, "c": 4}
    >>> cells = {frozenset({("sex", name)}): {ROWS: n} for name, n in sizes.items()}
    >>> hidden = hidden_cells({**cells, ALL: {ROWS: 84}}, k=10)
    >>> sorted(value for cell in hidden for _, value in cell)
    ['b', 'c']
    """
    if k < 2:
        raise InputError(f"k must be at least 2, got {k}: with 1 nothing is withheld")
    lines = lines_of(cells)
    hidden = {cell for cell, counts in cells.items() if any(small(n, k) for n in counts.values())}
    hidden |= set(more) & set(cells)
    hidden.discard(ALL)
    while True:
        within = {cell for cell in cells if cell not in hidden and any(cell > one for one in hidden)}
        found = within or _uncovered(cells, lines, hidden, k) or _determined(cells, lines, hidden, k)
        if not found:
            return frozenset(hidden)
        hidden |= found


def lines_of(cells: Mapping[Cell, Counts]) -> list[Line]:
    """Return every division of a cell by one more feature."""
    found: dict[tuple[Cell, frozenset[str]], list[Cell]] = defaultdict(list)
    for cell in cells:
        features = frozenset(feature for feature, _ in cell)
        for pair in cell:
            found[cell - {pair}, features].append(cell)
    return [Line(parent, tuple(sorted(within, key=sorted))) for (parent, _), within in found.items()]


def _uncovered(cells: Mapping[Cell, Counts], lines: Iterable[Line], hidden: set[Cell], k: int) -> set[Cell]:
    """Return one more cell for each line that gives a small count away and has one left."""
    more: set[Cell] = set()
    for line in lines:
        withheld = [cell for cell in line.children if cell in hidden or cell in more]
        rest = _left_over(cells, line)
        if line.parent in hidden:
            continue
        nobody = _nobody([cells[cell] for cell in withheld], rest, cells.get(line.parent, {}), k)
        if not nobody and _safe([cells[cell] for cell in withheld], rest, k):
            continue
        free = [cell for cell in line.children if cell not in hidden and cell not in more]
        if free:
            more.add(min(free, key=lambda cell: _worth(cell, cells[cell], nobody)))
        elif line.parent != ALL and line.parent in cells:
            more.add(line.parent)  # it is its only part, or the sum of what is withheld
    return more


def _worth(
    cell: Cell, counts: Counts, nobody: Iterable[Hashable]
) -> tuple[bool, bool, int, list[tuple[str, str]]]:
    """Return what a cell costs that is withheld to cover others: least where it counts some of what these do not, and few records."""
    return not all(counts.get(q, 0) for q in nobody), counts[ROWS] == 0, counts[ROWS], sorted(cell)


def _nobody(
    withheld: Sequence[Counts], rest: Mapping[Hashable, int], whole: Counts, k: int
) -> frozenset[Hashable]:
    """Return what none of the withheld counts, a small group among them: all know then that nobody in it is counted, or that everybody is.

    What the whole does not count either is no news of the group.
    """
    few = [counts for counts in withheld if small(counts[ROWS], k)]
    asked = {q for counts in few for q, n in counts.items() if n == 0}
    return frozenset(
        q for q in asked if whole.get(q, 1) and not rest.get(q, 0) + sum(c.get(q, 0) for c in withheld)
    )


def _left_over(cells: Mapping[Cell, Counts], line: Line) -> dict[Hashable, int]:
    """Return what a cell holds beyond the cells that divide it, of each quantity that all of them have."""
    whole = cells.get(line.parent, {})
    over = {}
    for quantity, total in whole.items():
        parts = [cells[cell].get(quantity) for cell in line.children]
        if None not in parts:
            over[quantity] = total - sum(part for part in parts if part is not None)
    return {quantity: n for quantity, n in over.items() if n > 0}


def _safe(withheld: list[Counts], rest: Mapping[Hashable, int], k: int) -> bool:
    """Whether what a line withholds, taken together, gives nothing away: nothing, or two cells without a small sum."""
    if not withheld:
        return not any(small(n, k) for n in rest.values())
    quantities = {quantity for counts in withheld for quantity in counts}
    sums = {q: sum(counts.get(q, 0) for counts in withheld) + rest.get(q, 0) for q in quantities}
    return len(withheld) > 1 and sums[ROWS] >= k and not any(small(n, k) for n in sums.values())


def _determined(cells: Mapping[Cell, Counts], lines: Sequence[Line], hidden: set[Cell], k: int) -> set[Cell]:
    """Return one more cell for a withheld one with a small count that follows from all published cells at once."""
    unknown = sorted(hidden, key=sorted)
    if len(unknown) > _MOST:
        crossed = {cell for cell in cells if len(cell) > 1} - hidden
        if crossed:
            return crossed  # to solve for so many takes too long: no crossing is shown at all
        lines = [line for line in lines if line.parent == ALL]
        unknown = [cell for cell in unknown if len(cell) == 1]
    at = {cell: i for i, cell in enumerate(unknown)}
    told = [line for line in lines if line.parent == ALL or line.parent in cells]
    own = [line for line in told if any(cell in at for cell in line.children)]
    sums = np.zeros((len(own), len(unknown)))
    for i, line in enumerate(own):
        sums[i, [at[cell] for cell in line.children if cell in at]] = 1.0
        if line.parent in at:
            sums[i, at[line.parent]] = -1.0
    quantities = {q for cell in unknown for q, n in cells[cell].items() if small(n, k)}
    for nothing in {_nothing(cells, own, at, quantity) for quantity in quantities}:
        left = [i for i in range(len(unknown)) if unknown[i] not in nothing]
        for cell in [unknown[left[i]] for i in np.flatnonzero(_solved(sums[:, left]))] if own else []:
            near = [line for line in own if cell in line.children or cell == line.parent]
            free = _published(cells, near, hidden) or _published(cells, own, hidden)
            if free and any(small(n, k) for n in cells[cell].values()):
                return {min(free, key=lambda c: (cells[c][ROWS], sorted(c)))}
    return set()


def _nothing(
    cells: Mapping[Cell, Counts], lines: Iterable[Line], unknown: Mapping[Cell, int], quantity: Hashable
) -> frozenset[Cell]:
    """Return the withheld cells that are known to count nothing: those of a published cell add up to 0."""
    found: set[Cell] = set()
    for line in lines:
        own = [cell for cell in line.children if cell in unknown]
        if line.parent not in unknown and not any(cells[cell].get(quantity, 1) for cell in own):
            found |= set(own)
    return frozenset(found)


def _published(cells: Mapping[Cell, Counts], lines: Iterable[Line], hidden: set[Cell]) -> list[Cell]:
    about = {cell for line in lines for cell in (*line.children, line.parent)} - hidden - {ALL}
    return [cell for cell in about if cell in cells]


def _solved(sums: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return of each unknown whether the sums settle it: whether it is 0 in every solution of "all sums are 0"."""
    _, values, rows = np.linalg.svd(sums, full_matrices=True)
    rank = int((values > _RANK).sum())
    settled: NDArray[np.bool_] = np.abs(rows[rank:]).max(axis=0, initial=0.0) < _RANK
    return settled
