"""Counts: what a single number of a report gives away in records."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from auditkit.packing.suppression import small
from auditkit.ranges import range_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from auditkit.evidence import Evidence, Measurement
    from auditkit.report import Report

__all__ = [
    "ALL_OF",
    "OUTCOMES",
    "counted",
    "counts_of",
    "number_of",
    "outcomes",
    "row_numbers",
    "totals",
]

# what a rate counts (true and false positives, false and true negatives), and of which records
OUTCOMES: dict[str, tuple[tuple[int, int, int, int], tuple[int, int, int, int]]] = {
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
"""Rates of decisions: what each counts (true and false positives, false and true negatives), and of which records."""

# what the records of a group are sorted into by those four, and by sums of them
_PARTS = {
    "tp": (1, 0, 0, 0), "fp": (0, 1, 0, 0), "fn": (0, 0, 1, 0), "tn": (0, 0, 0, 1),
    "selected": (1, 1, 0, 0), "refused": (0, 0, 1, 1), "positives": (1, 0, 1, 0), "negatives": (0, 1, 0, 1),
    "right": (1, 0, 0, 1), "wrong": (0, 1, 1, 0),
}  # fmt: skip

# metrics without a range that may be 1, 2 or 3 and yet number nothing
_NO_NUMBERS = ("ratio", "r2", "fidelity", "skill", "squared", "slope", "gain", "importance")
ALL_OF = (1, 1, 1, 1)
_OUTCOME = "outcome"
_EQUAL = 1e-6  # counts nearer than this are the same
_ROWS = ("used", "of", "members", "non_members", "population", "pool")


def counted(m: Measurement) -> int | None:
    """Return how many records a rate counts, None if the number is no share of its records.

    Examples
    --------
    >>> from auditkit.evidence import Measurement
    >>> counted(Measurement("error_rate", 0.03, 100)), counted(Measurement("auc", 0.8123, 100))
    (3, None)
    """
    count = abs(m.value) * m.n
    if not 0 <= abs(m.value) <= 1 or abs(count - round(count)) > 1e-6:
        return None
    return round(count)


def number_of(m: Measurement) -> int | None:
    """Return a value that is itself a number of something, None if it is none: a whole number that is no share.

    Examples
    --------
    >>> from auditkit.evidence import Measurement
    >>> number_of(Measurement("k_anonymity", 3, 100)), number_of(Measurement("accuracy", 1, 100))
    (3, None)
    """
    value = abs(m.value)
    if not 1 <= value < float("inf") or value != round(value):
        return None
    measures = range_of(m.metric) is not None or any(word in m.metric for word in _NO_NUMBERS)
    return None if measures else round(value)


def counts_of(m: Measurement, rows: int = 0) -> dict[str, int]:
    """Return every number of records that a measurement gives away, alone and beside how many records there are."""
    found = {"n": m.n, "rest": max(rows - m.n, 0)}
    if (number := number_of(m)) is not None:
        return {**found, "number": number, "beyond": max(m.n - number, 0), "others": max(rows - number, 0)}
    if (count := counted(m)) is not None:
        found |= {"counted": count, "left out": m.n - count}
    return found


def outcomes(
    measured: Iterable[Measurement], rows: int | None = None, known: Mapping[Hashable, int] | None = None
) -> dict[Hashable, int]:
    """Return what the rates of one group settle, all together and beside its number of records: its outcomes, and sums of them.

    Parameters
    ----------
    measured : iterable of Measurement
        Rates of one group; the first of each metric counts.
    rows : int, optional
        How many records the group holds.
    known : mapping, optional
        Outcomes of the group that follow from other numbers, as this returns them.
    """
    told: dict[str, tuple[int, int]] = {}
    for m in measured:
        if m.metric in OUTCOMES and m.metric not in told and (count := counted(m)) is not None:
            told[m.metric] = (count, m.n)
    if not told:
        return {}
    about = [sums for metric, pair in told.items() for sums in zip(OUTCOMES[metric], pair, strict=True)]
    about += [
        (_PARTS[str(q[1])], n) for q, n in (known or {}).items() if isinstance(q, tuple) and q[0] == _OUTCOME
    ]
    whole = [(ALL_OF, rows)] if rows is not None else []
    fitting = [one for one in about if rows is not None and (one[0] != ALL_OF or one[1] == rows)]
    ways = ([*about, *whole], about, [*fitting, *whole])
    return next((found for way in ways if way and (found := _settled(way))), {})


def _settled(about: Sequence[tuple[tuple[int, int, int, int], int]]) -> dict[Hashable, int]:
    """Return each part of the records that sums of them settle, as nobody is counted less than never; none if they contradict one another."""
    system = np.array([part for part, _ in about], dtype=np.float64)
    right = np.array([n for _, n in about], dtype=np.float64)
    solved, _, rank, _ = np.linalg.lstsq(system, right, rcond=None)
    if np.abs(system @ solved - right).max() > _EQUAL:
        return {}
    if all(part != ALL_OF for part, _ in about):  # there may be any number of those that no sum counts
        free = np.linalg.svd(system)[2][rank:]
        open_ = {name: np.abs(free @ np.array(part)).max(initial=0.0) for name, part in _PARTS.items()}
        return {
            (_OUTCOME, name): round(float(np.dot(part, solved)))
            for name, part in _PARTS.items()
            if open_[name] < 1e-9
        }
    ends = _ends(system, right, int(rank))
    found: dict[Hashable, int] = {}
    for name, part in _PARTS.items():
        values = ends @ np.array(part, dtype=np.float64)
        if len(values) and values.max() - values.min() < 1 - _EQUAL:  # one whole number at most is between
            found[_OUTCOME, name] = int(np.ceil(values.min() - _EQUAL))
    return found


def _ends(system: NDArray[np.float64], right: NDArray[np.float64], rank: int) -> NDArray[np.float64]:
    """Return the corners of what four numbers, none below 0, may be whose sums are known, (corners, 4)."""
    found = []
    for columns in combinations(range(4), rank):
        own = system[:, columns]
        solved, _, full, _ = np.linalg.lstsq(own, right, rcond=None)
        if full == rank and np.abs(own @ solved - right).max() < _EQUAL and solved.min() > -_EQUAL:
            corner = np.zeros(4)
            corner[list(columns)] = solved
            found.append(corner)
    return np.array(found).reshape(-1, 4)


def totals(report: Report) -> frozenset[int]:
    """Return how many test rows and training rows there are: what every public form says."""
    parts = [report.subject.get("test"), report.subject.get("train")]
    return frozenset(int(one["rows"]) for one in parts if one)


def row_numbers(one: Evidence, known: frozenset[int], k: int) -> dict[str, int]:
    """Return the numbers of rows of a check that may be shown: none that is small, or by less than `k` beside another.

    Parameters
    ----------
    one : Evidence
        The evidence of the check.
    known : frozenset of int
        Numbers of rows that are public.
    k : int
        The smallest count that may be shown.
    """
    numbers = {key: v for key, v in one.rows.items() if key in _ROWS and type(v) is int}
    every = known | set(numbers.values())
    return {
        key: v
        for key, v in numbers.items()
        if v in known or not (small(v, k) or any(small(abs(v - other), k) for other in every))
    }
