"""Quasi-identifiers: small sets of columns that single out many records."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, islice
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods.equivalence import column_codes, combined
from auditkit.progress import step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["QuasiIdentifier", "Search", "search_quasi_identifiers"]


@dataclass(frozen=True, slots=True)
class QuasiIdentifier:
    """A set of columns and how many records it singles out.

    Attributes
    ----------
    columns : tuple of str
        The set.
    unique : int
        Records that nobody else agrees with in these columns: unique in the data, not therefore in the population.
    share : float
        The same as a share of the records.
    gained : int
        How many more than the best examined set with one column fewer; of a single column, all of them.
    classes, k : int
        Equivalence classes, and records in the smallest.
    """

    columns: tuple[str, ...]
    unique: int
    share: float
    gained: int
    classes: int
    k: int


@dataclass(frozen=True, slots=True)
class Search:
    """What the search found and how far it looked.

    Attributes
    ----------
    found : tuple of QuasiIdentifier
        The best sets of each size, small sets first, those that single out more before others.
    identifiers : tuple of str
        Columns that alone single out nearly everybody, a number of a person or a free text; not put in larger sets, each
        of which would single out as many.
    examined, possible : int
        Sets looked at, and sets there are up to that size.
    reason : str
        Why not all of them; empty otherwise.
    """

    found: tuple[QuasiIdentifier, ...]
    identifiers: tuple[str, ...]
    examined: int
    possible: int
    reason: str = ""


def search_quasi_identifiers(
    columns: Mapping[str, Any],
    *,
    most_columns: int = 3,
    top: int = 10,
    most_sets: int = 5000,
    identifier_share: float = 0.95,
    bin_edges: Mapping[str, Sequence[float]] | None = None,
) -> Search:
    """Find the small sets of columns that single out the most records.

    Columns are turned into whole numbers once; each set then costs one pass over the records. Where there are more sets of a size
    than `most_sets` leaves room for, those are examined which add a column to the best sets of the size before.

    Parameters
    ----------
    columns : mapping of str to array_like of shape (n,)
        What could be known of a person. Numbers with many values need bins, or they single out everybody.
    most_columns : int
        Largest set, 1 to 3.
    top : int
        Sets of each size to return.
    most_sets : int
        Sets to examine at most, beside the single columns.
    identifier_share : float
        A column that alone singles out this share of the records is an identifier.
    bin_edges : mapping of str to increasing sequence of float, optional
        As in `equivalence.equivalence_classes`.

    Returns
    -------
    Search

    Raises
    ------
    InputError
        If there is no column or record, lengths differ, or a limit is out of range.

    References
    ----------
    Special uniques: Elliot, Manning & Ford 2002, "A computational algorithm for handling the special uniques problem".

    Examples
    --------
    >>> columns = {"sex": ["f", "f", "m", "m"], "place": ["x", "y", "x", "y"], "all": [1, 1, 1, 1]}
    >>> best = search_quasi_identifiers(columns).found[3]
    >>> best.columns, best.unique, best.gained
    (('sex', 'place'), 4, 4)
    """
    if not 1 <= most_columns <= 3 or min(top, most_sets) < 1 or not 0.0 < identifier_share <= 1.0:
        raise InputError(
            "expected most_columns from 1 to 3, top and most_sets of at least 1 and identifier_share above 0 and at most 1, "
            f"got {most_columns}, {top}, {most_sets} and {identifier_share}"
        )
    codes = list(column_codes(columns, bin_edges=bin_edges).values())
    if not codes or not codes[0].size:
        raise InputError("a search needs at least one column and one record")
    looked = _Looked(codes)
    every = range(len(codes))
    for place in every:
        looked.at((place,))
    bar = identifier_share * codes[0].size
    rest = [place for place in every if looked.sizes[(place,)][0] < bar]
    largest = max(min(most_columns, len(rest)), 1)
    possible = sum(comb(len(rest), size) for size in range(2, largest + 1))
    left, planned, reason = most_sets, min(most_sets, possible), ""
    for size in range(2, largest + 1):
        if comb(len(rest), size) > left:
            reason = reason or (
                f"there are more than {most_sets:,} sets: from {size} columns on, those were examined that add a column to "
                "the best smaller sets"
            )
            chosen: Iterator[tuple[int, ...]] = islice(_additions(looked, rest, size), left)
        else:
            chosen = combinations(rest, size)
        for places in chosen:
            looked.at(places)
            left -= 1
            step((most_sets - left) / planned, f"{size} columns")
    best = [one for size in range(1, largest + 1) for one in looked.best(size, top)]
    names = tuple(columns)
    return Search(
        found=tuple(_described(one, looked, names) for one in best),
        identifiers=tuple(names[place] for place in every if place not in rest),
        examined=len(looked.sizes),
        possible=len(codes) + possible,
        reason=reason,
    )


@dataclass(slots=True)
class _Looked:
    """What was seen so far: for each set of places its records alone, its classes and its smallest class."""

    codes: list[NDArray[np.int64]]
    sizes: dict[tuple[int, ...], tuple[int, int, int]] = field(default_factory=dict)
    _prefix: tuple[tuple[int, ...], NDArray[np.int64] | None] = ((), None)

    def at(self, places: tuple[int, ...]) -> None:
        """Count the classes of a set; sets that share all but the last place follow each other, and share the work."""
        *ahead, last = places
        front = self._front(tuple(ahead))
        own = self.codes[last]
        width = int(own.max()) + 1
        joint = own if front is None else front * width + own
        most = width * (1 if front is None else int(front.max()) + 1)
        self.sizes[tuple(sorted(places))] = _counted(joint, most)

    def best(self, size: int, top: int | None = None) -> list[tuple[int, ...]]:
        """Return the sets of that size, those that single out more first."""
        sets = [places for places in self.sizes if len(places) == size]
        return sorted(sets, key=lambda places: (-self.sizes[places][0], places))[:top]

    def _front(self, places: tuple[int, ...]) -> NDArray[np.int64] | None:
        if not places:
            return None
        if self._prefix[0] != places:
            codes = self.codes[places[0]]
            for place in places[1:]:
                codes = combined(codes, self.codes[place])
            self._prefix = (places, codes)
        return self._prefix[1]


def _additions(looked: _Looked, rest: list[int], size: int) -> Iterator[tuple[int, ...]]:
    """Yield the sets that add a column to a smaller one, the best smaller sets first; each once."""
    yielded = set()
    for smaller in looked.best(size - 1):
        if not set(smaller) <= set(rest):
            continue
        for place in rest:
            whole = tuple(sorted((*smaller, place)))
            if place not in smaller and whole not in yielded:
                yielded.add(whole)
                yield (*smaller, place)


def _counted(joint: NDArray[np.int64], most: int) -> tuple[int, int, int]:
    if most <= max(4 * joint.size, 1024):  # counting beats sorting
        sizes = np.bincount(joint)
        sizes = sizes[sizes > 0]
    else:
        ordered = np.sort(joint)
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        sizes = np.diff(np.append(starts, ordered.size))
    return int((sizes == 1).sum()), int(sizes.size), int(sizes.min())


def _described(places: tuple[int, ...], looked: _Looked, names: tuple[str, ...]) -> QuasiIdentifier:
    unique, classes, k = looked.sizes[places]
    smaller = [
        looked.sizes[part][0] for part in combinations(places, len(places) - 1) if part in looked.sizes
    ]
    return QuasiIdentifier(
        tuple(names[place] for place in places),
        unique,
        unique / looked.codes[0].size,
        unique - max(smaller, default=0),
        classes,
        k,
    )
