"""Hits: what was found in the leaves of a notebook, with the stretches of raw text it takes. They hold what was found, and go no further."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from auditkit.scanning.notebooks.views import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Named: TypeAlias = Callable[[str], Iterable[tuple[int, int]]]

__all__ = ["Hit", "merged"]


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found in one leaf.

    Attributes
    ----------
    leaf : int
        Number of the leaf.
    pieces : tuple of (int, int)
        Its stretches of the raw text.
    what : {"secret", "personal"}
        What it is.
    kind : str
        Of a secret, the name of the plugin; of personal data, its rule.
    value : str
        What was found.
    order : int
        Which of two that overlap tells the kind: the lower.
    count : int
        How many values it stands for: of a column of a table, its cells.
    """

    leaf: int
    pieces: tuple[tuple[int, int], ...]
    what: Literal["secret", "personal"]
    kind: str
    value: str = field(repr=False)
    order: int = 0
    count: int = 1


def merged(hits: Iterable[Hit]) -> list[Hit]:
    """Return hits with those that overlap in one leaf as one: the kind of the most specific, the stretches of all."""
    by_leaf: dict[int, list[Hit]] = {}
    for one in hits:
        if one.pieces:
            by_leaf.setdefault(one.leaf, []).append(one)
    found: list[Hit] = []
    for group in by_leaf.values():
        group.sort(key=lambda one: one.pieces)
        done: list[Hit] = []
        still: list[Hit] = []  # those that reach beyond the beginning of the next
        for one in group:
            done += [old for old in still if old.pieces[-1][1] <= one.pieces[0][0]]
            still = [old for old in still if old.pieces[-1][1] > one.pieces[0][0]]
            same = [old for old in still if _overlap(old, one)]
            still = [old for old in still if old not in same]
            for old in same:
                one = _both(old, one)  # noqa: PLW2901 - it grows
            still.append(one)
        found += done + still
    return sorted(found, key=lambda one: (one.leaf, one.pieces))


def _overlap(first: Hit, second: Hit) -> bool:
    few, many = sorted((first.pieces, second.pieces), key=len)
    return any(_holds(many, start, end, whole=False) for start, end in few)


def _holds(pieces: tuple[tuple[int, int], ...], start: int, end: int, *, whole: bool) -> bool:
    """Return whether some piece holds a stretch, or part of it; pieces are in order and apart."""
    at = bisect_left(pieces, (start + 1,))
    for a, b in pieces[max(at - 1, 0) : at + 1]:
        if (a <= start and end <= b) if whole else (a < end and start < b):
            return True
    return False


def _both(first: Hit, second: Hit) -> Hit:
    head, tail = sorted((first, second), key=lambda one: (one.order, one.pieces, one.kind))
    if all(_holds(head.pieces, start, end, whole=True) for start, end in tail.pieces):
        return head
    value = max(head.value, tail.value, key=len)
    return replace(
        head, pieces=joined([*first.pieces, *second.pieces]), value=value, count=max(head.count, tail.count)
    )
