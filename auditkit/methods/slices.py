"""Slices: records that share up to three values, and which of them an event befalls most often.

Slices are searched in one part of the records and have to be confirmed in another: the worst of thousands is
an extreme by chance alone, and only records that played no part in the choice can say by how much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

__all__ = ["Search", "Slice", "members", "quantile_codes", "search"]

_KEPT = 500  # candidates looked at in the end
_OVERLAP = 0.5
_MOST_CELLS = 5_000_000  # of one set of features


@dataclass(frozen=True, slots=True)
class Slice:
    """Records whose features have given values.

    Attributes
    ----------
    conditions : tuple of (int, int)
        Feature and its code, by feature.
    hits, n : int
        Records with the event, and all records of the slice, where it was found.
    low : float
        Lower end of the rate, at a level that holds for all slices at once: the order of the search.
    """

    conditions: tuple[tuple[int, int], ...]
    hits: int
    n: int
    low: float


@dataclass(frozen=True, slots=True)
class Search:
    """What was searched and found.

    Attributes
    ----------
    slices : tuple of Slice
        The worst first.
    searched : int
        Slices of enough records that were compared.
    left_out : int
        Sets of two or three features that were not counted: there were more than `most_sets`, or one had
        millions of combinations.
    """

    slices: tuple[Slice, ...]
    searched: int
    left_out: int


def quantile_codes(values: ArrayLike, bins: int) -> tuple[Ints, Floats]:
    """Cut numbers at their quantiles.

    Parameters
    ----------
    values : array_like of shape (n,)
        Numbers; ``nan`` for a missing one.
    bins : int
        Bins at most; ties make fewer.

    Returns
    -------
    codes : numpy.ndarray of int, shape (n,)
        Bin of each value, from 0; a missing value has the code after the last bin.
    edges : numpy.ndarray of float, shape (bins - 1,)
        Inner edges; a value that equals an edge lies above it.

    Examples
    --------
    >>> quantile_codes([1.0, 2.0, 3.0, float("nan"), 4.0], 2)[0].tolist()
    [0, 0, 1, 2, 1]
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or bins < 2:
        raise InputError(f"expected one value a row and at least 2 bins, got {numbers.shape} and {bins}")
    known = numbers[~np.isnan(numbers)]
    if not known.size:
        return np.zeros(numbers.size, dtype=np.int64), np.zeros(0)
    cuts = np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1], method="higher")
    edges = np.unique(cuts[cuts > known.min()])
    if not edges.size:
        # more than all but one bin's share are at the least value: the others are the second bin
        edges = np.unique(known[known > known.min()])[:1]
    codes = np.searchsorted(edges, numbers, side="right").astype(np.int64)
    codes[np.isnan(numbers)] = edges.size + 1
    return codes, edges


def members(codes: ArrayLike, conditions: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return which rows of a table of codes, shape (n, d), belong to a slice, shape (n,).

    Examples
    --------
    >>> members([[0, 1], [0, 2], [1, 1]], [(0, 0), (1, 1)]).tolist()
    [True, False, False]
    """
    table = np.asarray(codes)
    inside = np.ones(len(table), dtype=bool)
    for feature, code in conditions:
        inside &= table[:, feature] == code
    return inside


def search(
    codes: ArrayLike,
    event: ArrayLike,
    *,
    depth: int = 3,
    smallest: int = 30,
    most: int = 5,
    usable: Sequence[int] | None = None,
    most_sets: int = 3000,
) -> Search:
    """Find the slices of up to three features that an event befalls most often.

    Every slice of at least `smallest` records is compared by the lower end of Wilson's interval at a level that is
    divided by the number of possible slices (Bonferroni): a small slice has to stand out by more than a large one.
    A slice is kept only if each of its conditions is needed (without one, the records that are added fare better, by the
    pooled z test divided by the number of conditions that might be added), and if at least half of its records lie
    outside of each worse slice. All slices are counted, in one pass over the rows a set of features; a
    set is passed over where a part of it has no slice of enough records, the pruning of SliceFinder (Chung et al.
    2019) and SliceLine (Sagadeeva and Boehm 2021).

    Parameters
    ----------
    codes : array_like of int, shape (n, d)
        Value of each feature, as a code from 0.
    event : array_like of bool, shape (n,)
        Whether it befell the row: an error, a refusal.
    depth : int
        Features that are combined, 1 to 3.
    smallest : int
        Fewest records of a slice.
    most : int
        Slices returned, at most.
    usable : sequence of int, optional
        For each feature how many of its codes, from 0, name a value; rows with higher codes are in no slice of it.
    most_sets : int
        Sets of two, and of three, features counted at most: those whose parts look worst.

    Returns
    -------
    Search
        Only slices with a higher rate than all rows together. Their rates are too high by the choice: confirm
        them in other rows.

    Raises
    ------
    InputError
        If shapes do not fit or an option is out of its range.

    Examples
    --------
    >>> codes = np.indices((2, 2)).reshape(2, -1).T.repeat(100, axis=0)
    >>> found = search(codes, np.arange(400) >= 300)
    >>> found.slices[0].conditions, found.slices[0].hits
    (((0, 1), (1, 1)), 100)
    """
    table, hit = np.asarray(codes), np.asarray(event)
    if table.ndim != 2 or hit.shape != (len(table),) or hit.dtype != np.bool_ or not table.size:
        raise InputError(
            f"expected codes of shape (n, d) and a boolean a row, got {table.shape} and {hit.shape} of {hit.dtype}"
        )
    if depth not in (1, 2, 3) or smallest < 1 or most < 1 or table.min() < 0:
        raise InputError("expected depth 1 to 3, smallest and most of at least 1, and codes from 0")
    sizes = table.max(axis=0).astype(np.int64) + 1
    named = sizes if usable is None else np.minimum(np.asarray(usable, dtype=np.int64), sizes)
    counter = _Counter(table, hit, sizes, named, depth, smallest)
    for size in range(1, min(depth, len(sizes)) + 1):
        counter.level(size, most_sets)
    return Search(_distinct(counter.best(), table, most), counter.searched, counter.left_out)


@dataclass
class _Counter:
    """Counts of every slice, one set of features at a time."""

    table: NDArray[np.integer]
    hit: NDArray[np.bool_]
    sizes: Ints
    named: Ints
    depth: int
    smallest: int
    searched: int = 0
    left_out: int = 0
    found: list[Slice] = field(default_factory=list)
    # for each set with a slice of enough records the best lower end of any
    tops: dict[tuple[int, ...], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # columns lie apart in memory, so that each is read in one go
        self.columns = [np.ascontiguousarray(column, dtype=np.int32) for column in self.table.T]
        self.doubled = [2 * column for column in self.columns]
        self.base = self.hit.mean()
        n_slices = sum(
            math.prod(self.named[list(chosen)].tolist())
            for size in range(1, min(self.depth, 2) + 1)
            for chosen in combinations(range(len(self.named)), size)
        )
        if self.depth == 3:
            total, squares, cubes = (float((self.named.astype(float) ** k).sum()) for k in (1, 2, 3))
            n_slices += round((total**3 - 3 * total * squares + 2 * cubes) / 6)
        self.z = float(-special.ndtri(0.05 / max(n_slices, 2)))
        self.z_child = float(-special.ndtri(0.05 / max(int(self.named.sum()), 2)))

    def level(self, size: int, most_sets: int) -> None:
        """Count the slices of all sets of so many features, the most suspicious first where there are too many."""
        sets = [
            chosen for chosen in combinations(range(len(self.sizes)), size) if self._worth(chosen) > -math.inf
        ]
        if size > 1 and len(sets) > most_sets:
            self.left_out += len(sets) - most_sets
            sets = sorted(sorted(sets, key=self._worth, reverse=True)[:most_sets])
        prefix: tuple[int, ...] = ()
        for chosen in sets:
            if chosen[:-1] != prefix or size == 1:
                prefix, key = chosen[:-1], self._key(chosen[:-1])
            self._count(chosen, key)

    def _worth(self, chosen: tuple[int, ...]) -> float:
        """Return the best lower end of a part of the set; -inf where a part has no slice of enough records."""
        if len(chosen) == 1:
            return 0.0
        tops = [self.tops.get(part, -math.inf) for part in combinations(chosen, len(chosen) - 1)]
        return -math.inf if min(tops) == -math.inf else max(tops)

    def _key(self, chosen: tuple[int, ...]) -> NDArray[np.int32] | None:
        """Return one number a row for the values of these features."""
        if not chosen:
            return None
        key = self.columns[chosen[0]]
        for j in chosen[1:]:
            key = key * np.int32(self.sizes[j]) + self.columns[j]
        return key

    def _count(self, chosen: tuple[int, ...], key: NDArray[np.int32] | None) -> None:
        shape, last = tuple(int(self.sizes[j]) for j in chosen), chosen[-1]
        if math.prod(shape) > _MOST_CELLS:
            self.left_out += 1
            return
        cells = self.doubled[last] + self.hit
        if key is not None:
            cells = cells + key.astype(np.int64) * (2 * shape[-1])
        counts = np.bincount(cells, minlength=2 * math.prod(shape)).reshape(*shape, 2)
        hits, n = counts[..., 1], counts.sum(axis=-1)
        fits = n >= self.smallest
        for axis, j in enumerate(chosen):
            np.moveaxis(fits, axis, 0)[self.named[j] :] = False
        self.searched += int(fits.sum())
        if not fits.any():
            return
        low = np.where(fits, _wilson_low(hits, np.maximum(n, 1), self.z), -np.inf)
        self.tops[chosen] = float(low.max())
        worse = fits & (hits > self.base * n)
        if len(chosen) > 1:
            worse &= self._apart(hits, n)
        self._keep(chosen, np.argwhere(worse), hits[worse], n[worse], low[worse])

    def _apart(self, hits: Ints, n: Ints) -> NDArray[np.bool_]:
        """Return which slices are worse than the rest of every slice that has one condition less, beyond chance."""
        apart = np.ones(n.shape, dtype=bool)
        for axis in range(n.ndim):
            all_hits, every = hits.sum(axis=axis, keepdims=True), n.sum(axis=axis, keepdims=True)
            rest = every - n
            with np.errstate(divide="ignore", invalid="ignore"):
                rate, gap = all_hits / every, hits / n - (all_hits - hits) / rest
                apart &= gap > self.z_child * np.sqrt(rate * (1 - rate) * (1 / n + 1 / rest))
        return apart

    def _keep(self, chosen: tuple[int, ...], at: Ints, hits: Ints, n: Ints, low: Floats) -> None:
        for i in np.argsort(-low, kind="stable")[:_KEPT]:
            conditions = tuple(zip(chosen, at[i].tolist(), strict=True))
            self.found.append(Slice(conditions, int(hits[i]), int(n[i]), float(low[i])))
        if len(self.found) > 20 * _KEPT:
            self.found = self.best()

    def best(self) -> list[Slice]:
        """Return the worst slices so far, the worst first."""
        return sorted(self.found, key=lambda s: (-s.low, s.conditions))[:_KEPT]


def _wilson_low(hits: Ints, n: Ints, z: float) -> Floats:
    rate, square = hits / n, z * z
    spread = z * np.sqrt(rate * (1 - rate) / n + square / (4 * n.astype(float) ** 2))
    low: Floats = (rate + square / (2 * n) - spread) / (1 + square / n)
    return low


def _distinct(found: list[Slice], table: NDArray[np.integer], most: int) -> tuple[Slice, ...]:
    """Leave out slices that have most of their records in a worse one, or are wider or narrower than it."""
    chosen: list[Slice] = []
    inside: list[NDArray[np.bool_]] = []
    for one in found:
        if len(chosen) == most:
            break
        own = set(one.conditions)
        if any(own <= set(other.conditions) or own >= set(other.conditions) for other in chosen):
            continue
        rows = members(table, one.conditions)
        if all(np.count_nonzero(rows & other) <= _OVERLAP * one.n for other in inside):
            chosen.append(one)
            inside.append(rows)
    return tuple(chosen)
