"""Labels: whom a measurement is about, read from the words of its group."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING

from auditkit.packing.catalogue import is_own

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditkit.packing.suppression import Cell
    from auditkit.report import Report

__all__ = ["SETTINGS", "Labels", "labels_of"]

SETTINGS = frozenset(
    {
        *("RMIA, offline", "RMIA, online", "LiRA, offline", "LiRA, online", "Attack-R", "Attack-S"),
        *("difficulty calibration", "test rows", "training rows"),
    }
)
"""Words that auditkit's own checks put where others put a group: how something was measured, not of whom."""

_DEEPEST = 3  # features that are crossed at most
_MOST = 12  # sensitive features whose crossings are read; of more, none is


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
    """Return how the groups of a report are read: those that some check of auditkit measured; the words of others may be anything."""
    own = {str(one["code"]) for one in report.provenance.get("plan", ()) if is_own(one)}
    words = {m.group for one in report.evidence if one.check in own for m in one.measurements if m.group}
    return Labels(map(str, report.subject.get("sensitive_features") or ()), words)
