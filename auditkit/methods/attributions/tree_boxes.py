"""Boxes: the leaves of a sum of trees, each as the values of its features that lead there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditkit.errors import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from auditkit.methods.trees import Tree

__all__ = ["Box", "Scale", "boxes_of"]


class Box(NamedTuple):
    """A leaf: which codes of which features lead to it.

    Several questions about one feature are one condition. Fields of one entry a feature: `low` and `high` (codes
    above `low`, up to `high`), `missing` (whether a missing value fulfils it), `share` (of the training rows that came
    to its questions, those that fulfilled them: the product over the questions).
    """

    features: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    missing: tuple[bool, ...]
    share: tuple[float, ...]
    value: NDArray[np.float64]

    def fulfilled(self, at: int, codes: NDArray[np.integer], scale: Scale) -> NDArray[np.bool_]:
        """Return which codes of its feature number `at` fulfil its condition."""
        known = (codes > self.low[at]) & (codes <= self.high[at])
        return known | (codes > scale.top(self.features[at])) if self.missing[at] else known

    def admits(self, at: int, code: int, scale: Scale) -> bool:
        """Return whether one code does."""
        return (
            self.missing[at] if code > scale.top(self.features[at]) else self.low[at] < code <= self.high[at]
        )


@dataclass(frozen=True, eq=False)
class Scale:
    """The thresholds of each feature in order; a value's code is how many of them it is above.

    Attributes
    ----------
    thresholds : tuple of array
        Distinct and ascending, for each column of the input.
    """

    thresholds: tuple[NDArray[np.float64], ...]

    @classmethod
    def of(cls, trees: Sequence[Tree], width: int) -> Scale:
        """Collect the thresholds of all trees."""
        feature = np.concatenate([tree.feature for tree in trees])
        threshold = np.concatenate([tree.threshold for tree in trees])
        return cls(tuple(np.unique(threshold[feature == j]) for j in range(width)))

    def top(self, feature: int) -> int:
        """Return the greatest code of a number; that of a missing value is one more."""
        return len(self.thresholds[feature])

    def codes(self, rows: NDArray[np.float64]) -> NDArray[np.unsignedinteger]:
        """Return the codes of a table (n, width) as the trees read it, (width, n)."""
        most = max(map(len, self.thresholds)) + 1
        out = np.empty(rows.T.shape, dtype=np.uint16 if most < 2**16 else np.uint32)
        for j, thresholds in enumerate(self.thresholds):
            column = rows[:, j]
            out[j] = np.searchsorted(thresholds, column, side="left")
            out[j, np.isnan(column)] = len(thresholds) + 1
        return out

    def questions(self, tree: Tree) -> NDArray[np.int64]:
        """Return the code of each node's threshold: a row goes left where its code is at most this; 0 in leaves."""
        out = np.zeros(len(tree.feature), dtype=np.int64)
        for j in np.unique(tree.feature[tree.feature >= 0]):
            asks = tree.feature == j
            out[asks] = np.searchsorted(self.thresholds[j], tree.threshold[asks])
        return out


def boxes_of(tree: Tree, scale: Scale) -> Iterator[Box]:
    """Yield the leaves of a tree from left to right.

    Parameters
    ----------
    tree : Tree
        Node 0 is the root.
    scale : Scale
        Of the whole sum.

    Raises
    ------
    NotApplicable
        If no training row came to a question: what share of them went on is not known.
    """
    if np.any(~(tree.cover[tree.feature >= 0] > 0)):
        raise NotApplicable(
            "no training row came to some node of its trees: the shares along the paths are unknown"
        )
    feature, left, right = tree.feature.tolist(), tree.left.tolist(), tree.right.tolist()
    question, goes, weight = scale.questions(tree).tolist(), tree.missing_left.tolist(), tree.cover.tolist()
    stack: list[tuple[int, dict[int, tuple[int, int, bool, float]]]] = [(0, {})]
    while stack:
        at, path = stack.pop()
        j = feature[at]
        if j < 0:
            low, high, missing, share = zip(*path.values(), strict=True) if path else ((), (), (), ())
            yield Box(tuple(path), low, high, missing, share, tree.value[at])
            continue
        above, up_to, gap, part = path.get(j, (-1, scale.top(j), True, 1.0))
        code, below = question[at], (left[at], right[at])
        parts = [part * weight[node] / weight[at] for node in below]
        stack.append((below[1], path | {j: (max(above, code), up_to, gap and not goes[at], parts[1])}))
        stack.append((below[0], path | {j: (above, min(up_to, code), gap and goes[at], parts[0])}))
