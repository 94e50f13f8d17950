"""Bundles: leaves next to each other, whose tables are added up so that a row is looked up once for all of them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from auditkit.methods.attributions.tree_boxes import Box, Scale

    Codes = NDArray[np.unsignedinteger[Any]]

__all__ = ["Bundle", "bundles_of"]


class Strata(NamedTuple):
    """The codes of a feature, told apart as far as some leaf does: strata 0, 1, ....

    `breaks` are the codes, ascending, after which the stratum changes; `of` is the stratum of each stretch, one more;
    `one` is a code of each stratum.
    """

    breaks: list[int]
    of: list[int]
    one: list[int]


@dataclass(frozen=True, eq=False)
class Bundle:
    """Several leaves, and the strata of their features."""

    boxes: list[Box]
    strata: dict[int, Strata]

    @property
    def size(self) -> int:
        """Keys: combinations of the strata of all features."""
        return _size(self.strata)

    def keys(self, codes: Codes) -> NDArray[np.intp]:
        """Return the key of each row from its codes (width, n), (n,)."""
        kind: Any = np.int32 if self.size > 2**15 else np.int16
        key, weight = np.zeros(codes.shape[1], dtype=kind), 1
        for j, strata in self.strata.items():
            # the first stretch is stratum 0
            for code, before, after in zip(strata.breaks, strata.of, strata.of[1:], strict=False):
                key += np.multiply(codes[j] > code, kind(weight * (after - before)), dtype=kind)
            weight *= len(strata.one)
        return key.astype(np.intp)

    def table(self, tables: Sequence[NDArray[np.float64]], scale: Scale) -> NDArray[np.float64]:
        """Add up the tables of the leaves, each (d, 2 ** d), by key: (k, features, keys)."""
        place = {j: i for i, j in enumerate(self.strata)}
        out = np.zeros((len(self.boxes[0].value), len(place), self.size))
        for box, table in zip(self.boxes, tables, strict=True):
            pattern = self._patterns(box, scale)
            scaled = np.empty(len(pattern))
            for j, row in zip(box.features, table, strict=True):
                found = row[pattern]
                for own, value in zip(out, box.value.tolist(), strict=True):
                    if value:
                        own[place[j]] += np.multiply(found, value, out=scaled)
        return out

    def _patterns(self, box: Box, scale: Scale) -> NDArray[np.intp]:
        pattern = np.zeros(1, dtype=np.intp)
        bit = {j: b for b, j in enumerate(box.features)}
        for j, strata in self.strata.items():
            b = bit.get(j)
            goes = [0 if b is None else box.admits(b, code, scale) << b for code in strata.one]
            pattern = np.add.outer(np.array(goes, dtype=np.intp), pattern).ravel()
        return pattern


def bundles_of(boxes: Iterable[Box], scale: Scale, gaps: NDArray[np.bool_], limit: int) -> Iterator[Bundle]:
    """Put leaves together, in their order, while a bundle has at most `limit` keys; a leaf alone may have more.

    Parameters
    ----------
    boxes : iterable of Box
        Of one tree, from left to right: leaves next to each other share most of their path.
    scale : Scale
        Of the whole sum.
    gaps : array of bool (width,)
        The features with missing values.
    limit : int
        Keys.
    """
    held: list[Box] = []
    strata: dict[int, Strata] = {}
    for box in boxes:
        if not box.features:
            continue
        more = _refined(strata, box, scale, gaps)
        if held and _size(more) > limit:
            yield Bundle(held, strata)
            held, more = [], _refined({}, box, scale, gaps)
        held, strata = [*held, box], more
    if held:
        yield Bundle(held, strata)


def _refined(strata: dict[int, Strata], box: Box, scale: Scale, gaps: NDArray[np.bool_]) -> dict[int, Strata]:
    """Tell apart also what one more leaf does."""
    found = dict(strata)
    for b, j in enumerate(box.features):
        top = scale.top(j)
        ends = {
            code for code in (box.low[b], box.high[b], top if gaps[j] else -1) if 0 <= code < top + gaps[j]
        }
        known = found.get(j, _WHOLE)
        breaks = sorted(ends.union(known.breaks))
        stretches = [*breaks, breaks[-1] + 1] if breaks else [top]
        numbers: dict[tuple[int, bool], int] = {}
        kept: list[int] = []
        of: list[int] = []
        one: list[int] = []
        for place, code in enumerate(stretches):
            told = known.of[bisect_left(known.breaks, code)], box.admits(b, code, scale)
            number = numbers.setdefault(told, len(numbers))
            if number == len(one):
                one.append(code)
            if not of or of[-1] != number:
                of.append(number)
                kept += stretches[place - 1 : place]
        found[j] = Strata(kept, of, one)
    return found


_WHOLE = Strata([], [0], [0])


def _size(strata: dict[int, Strata]) -> int:
    return prod(len(one.one) for one in strata.values())
