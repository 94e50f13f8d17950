"""TreeModel: a sum of decision trees as plain arrays, whichever library grew them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError, NotApplicable

__all__ = ["Tree", "TreeModel"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tree:
    """One tree; node 0 is the root.

    Attributes
    ----------
    feature : array of int (m,)
        The column a node asks about; -1 in a leaf.
    threshold : array (m,)
        A row goes left where its value is at most this.
    left, right : array of int (m,)
        The nodes below; -1 in a leaf.
    missing_left : array of bool (m,)
        Whether a missing value goes left.
    value : array (m, k)
        What a leaf adds to each score; 0 in other nodes.
    cover : array (m,)
        Training rows (or their weight) that came to each node.
    """

    feature: NDArray[np.int64]
    threshold: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    value: Floats
    cover: Floats

    @property
    def leaves(self) -> NDArray[np.intp]:
        """The nodes that are leaves."""
        return np.flatnonzero(self.feature < 0)

    def goes_left(self, node: int, values: Floats) -> NDArray[np.bool_]:
        """Return which values of its column a node sends left, of the shape of the values."""
        missing = np.isnan(values)
        return np.asarray(np.where(missing, self.missing_left[node], values <= self.threshold[node]))

    def apply(self, Z: Floats) -> NDArray[np.int64]:
        """Return the leaf of each row, (n,)."""
        at = np.zeros(len(Z), dtype=np.int64)
        open_ = np.flatnonzero(self.feature[at] >= 0)
        while len(open_):
            node = at[open_]
            values = Z[open_, self.feature[node]]
            left = np.where(np.isnan(values), self.missing_left[node], values <= self.threshold[node])
            at[open_] = np.where(left, self.left[node], self.right[node])
            open_ = open_[self.feature[at[open_]] >= 0]
        return at


@dataclass(frozen=True, eq=False)
class TreeModel:
    """Trees whose leaves add up to scores: one a class, or one alone (a value, or the score of the second of two classes).

    Attributes
    ----------
    trees : tuple of Tree
        The trees.
    base : array (k,)
        What is added to the sum.
    width : int
        Columns of the model's input.
    single : bool
        Whether the model reads its input in single precision.
    slack : float
        Differences of scores up to this are not told from 0: what the model's own arithmetic may add.
    zero : float
        Numbers up to this, of either sign, the model reads as 0.
    """

    trees: tuple[Tree, ...]
    base: Floats
    width: int
    single: bool
    slack: float
    zero: float = 0.0

    @property
    def outputs(self) -> int:
        """How many scores."""
        return len(self.base)

    def read(self, Z: ArrayLike) -> Floats:
        """Return a table as the trees read it, (n, width)."""
        rows = np.asarray(Z, dtype=float)
        if rows.ndim != 2 or rows.shape[1] != self.width:
            raise InputError(
                f"expected a table with the model's {self.width} columns, got shape {rows.shape}"
            )
        if self.zero:
            rows = np.where(np.abs(rows) <= self.zero, 0.0, rows)
        if not self.single:
            return rows
        with np.errstate(over="ignore"):
            return rows.astype(np.float32).astype(np.float64)

    def scores(self, Z: ArrayLike) -> Floats:
        """Return the scores, (n, k)."""
        rows = self.read(Z)
        out = np.tile(self.base, (len(rows), 1))
        for tree in self.trees:
            out += tree.value[tree.apply(rows)]
        return out

    def based_on(self, scores: Any, Z: ArrayLike) -> TreeModel:
        """Return the model with the base that makes its scores those of the model it was read from.

        Parameters
        ----------
        scores : array (n, k)
            What that model gives.
        Z : array (n, width)
            For these rows.

        Raises
        ------
        NotApplicable
            If no constant does: the trees were not read as the model reads them.
        """
        off = np.asarray(scores, dtype=float) - replace(self, base=np.zeros(self.outputs)).scores(Z)
        base = np.median(off, axis=0)
        worst = float(np.abs(off - base).max(initial=0.0))
        if not worst <= self.slack:
            raise NotApplicable(
                f"the trees, read one by one, give other scores than the model does (by up to {worst:.3g}): it adds something to "
                "them that is not in the trees"
            )
        return replace(self, base=base)
