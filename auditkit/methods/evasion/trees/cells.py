"""Cells: the few ranges and values of each feature that a tree model tells apart, and what it costs a row to move into each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auditkit.errors import NotApplicable
from auditkit.methods.evasion.trees._edges import Front, edges_of, held

if TYPE_CHECKING:
    from auditkit.methods.feature_space import FeatureSpace
    from auditkit.methods.trees import Tree, TreeModel

__all__ = ["Cells", "Leaves", "cells_of"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
MOST_MARKS = 400_000_000  # leaves times cells that are held in memory, a byte each


@dataclass(frozen=True, eq=False)
class Leaves:
    """The leaves of one tree.

    Attributes
    ----------
    mask : array of bool (leaves, cells)
        Which cells lead there.
    score : array (leaves, classes)
        What each adds.
    """

    mask: Bools
    score: Floats


@dataclass(frozen=True, eq=False)
class Cells:
    """Each feature cut into cells within which the model tells nothing apart; a row's answer follows from its cells.

    Attributes
    ----------
    space : FeatureSpace
        What may change.
    points : tuple of (array or None)
        For a feature of separate values these, one a cell; None for one cut into ranges.
    edges : tuple of array
        For a feature cut into ranges the upper end of every range but the last; the end itself is within.
    offset : array of int (d + 1,)
        Where the cells of each feature begin; the last cell of each is the missing value.
    trees : tuple of Leaves
        Which cells lead to which leaf.
    base : array (classes,)
        The score without any tree.
    slack : float
        Differences of scores up to this are not told from 0.
    """

    space: FeatureSpace
    points: tuple[Floats | None, ...]
    edges: tuple[Floats, ...]
    offset: NDArray[np.intp]
    trees: tuple[Leaves, ...]
    base: Floats
    slack: float

    @property
    def width(self) -> int:
        """Cells of all features."""
        return int(self.offset[-1])

    def of(self, j: int) -> slice:
        """Return the cells of a feature."""
        return slice(int(self.offset[j]), int(self.offset[j + 1]))

    def own(self, X: Floats) -> NDArray[np.intp]:
        """Return the cell each row is in, feature by feature, (n, d)."""
        out = np.empty(X.shape, dtype=np.intp)
        for j, points in enumerate(self.points):
            last = int(self.offset[j + 1]) - 1
            if points is None:
                at = np.searchsorted(self.edges[j], X[:, j], side="left")
            else:
                at = np.minimum(np.searchsorted(points, X[:, j]), len(points) - 1)
            out[:, j] = np.where(np.isnan(X[:, j]), last, self.offset[j] + at)
        return out

    def scores(self, X: Floats) -> Floats:
        """Return the score of each class, (n, k), from the cells alone."""
        own, out = self.own(X), np.tile(self.base, (len(X), 1))
        for tree in self.trees:
            at = np.ones((len(X), len(tree.score)), dtype=bool)
            for j in range(X.shape[1]):
                at &= tree.mask[:, own[:, j]].T
            out += tree.score[at.argmax(axis=1)]
        return out

    def costs(self, X: Floats) -> tuple[Floats, Floats]:
        """Return what moving into each cell costs each row, in units of the space, and the value it would take, (n, cells) each.

        The nearest allowed value of the cell; infinite where none is allowed, 0 in a row's own cell.
        """
        cost, value = np.full((len(X), self.width), np.inf), np.full((len(X), self.width), np.nan)
        own, rows = self.own(X), np.arange(len(X))
        for j, points in enumerate(self.points):
            part = self.of(j)
            if self.space.mutable[j]:
                found = self._ranges(j, X[:, j]) if points is None else np.tile(points, (len(X), 1))
                value[:, part.start : part.stop - 1] = found
                cost[:, part.start : part.stop - 1] = self._price(j, X[:, j], found)
        for j in range(X.shape[1]):
            cost[rows, own[:, j]], value[rows, own[:, j]] = 0.0, X[:, j]
        return cost, value

    def _ranges(self, j: int, x: Floats) -> Floats:
        """Return the value of each range nearest to each row's, on the grid; nan where none is allowed, (n, ranges)."""
        space, edges = self.space, self.edges[j]
        low = np.concatenate([[-np.inf], np.nextafter(edges, np.inf)])
        high = np.concatenate([edges, [np.inf]])
        low, high = np.maximum(low, space.low[j]), np.minimum(high, space.high[j])
        step = space.step[j]
        if step > 0:
            anchor = space.low[j] if np.isfinite(space.low[j]) else 0.0
            with np.errstate(invalid="ignore"):
                ups, downs = np.ceil((low - anchor) / step), np.floor((high - anchor) / step)
                # rounding may put a grid point on the wrong side of an end
                ups = ups + (anchor + step * ups < low)
                downs = downs - (anchor + step * downs > high)
                low = np.where(np.isfinite(low), anchor + step * ups, low)
                high = np.where(np.isfinite(high), anchor + step * downs, high)
        start = np.where(np.isnan(x), 0.0, x)[:, None]
        near = np.clip(start, low, np.maximum(high, low))
        if step > 0:
            with np.errstate(invalid="ignore"):
                free = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, anchor))
                near = np.where((near == start) & (low < high), free, near)
        return np.where(low <= high, near, np.nan)

    def _price(self, j: int, x: Floats, found: Floats) -> Floats:
        space, before = self.space, x[:, None]
        missing = np.isnan(before)
        with np.errstate(invalid="ignore", over="ignore"):
            size = np.abs(found - before) / space.scale[j]
            way = np.where(missing, space.direction[j] == 0, (found - before) * space.direction[j] >= 0)
            inside = (found >= space.low[j]) & (found <= space.high[j])
            if space.categorical[j]:
                inside = found < space.n_categories[j]
        whole = missing | space.categorical[j]
        return np.where(
            way & inside & ~np.isnan(found), np.where(whole, space.category_cost[j], size), np.inf
        )


def cells_of(model: TreeModel, front: Front, space: FeatureSpace, X: Floats, scattered: Bools) -> Cells:
    """Return the cells of a tree model behind a coding of features that keeps them apart.

    Parameters
    ----------
    model : TreeModel
        The trees, with their base.
    front : callable
        Takes rows of features (m, d), gives the model's input (m, width). Each column of that must follow from one feature, and
        from one that is cut into ranges in increasing order. The ends of ranges are found by a search among all floating-point
        numbers, so that whatever it rounds is rounded here too.
    space : FeatureSpace
        What may change.
    X : array (n, d)
        The rows whose cells are wanted; they may lie beyond the ranges of the space.
    scattered : array of bool (d,)
        Features of separate values (categories are): any order of the model's input will do.

    Raises
    ------
    NotApplicable
        If a column of the model's input follows from two features, or falls where its feature rises, or there are too many cells.
    """
    points = tuple(
        _points(space, X[:, j], j) if scattered[j] or space.categorical[j] else None
        for j in range(X.shape[1])
    )
    ask = held(lambda rows: model.read(front(rows)))
    source, edges = edges_of(model, ask, space, X, points)
    counts = [len(edges[j]) + 2 if one is None else len(one) + 1 for j, one in enumerate(points)]
    offset = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
    leaves = sum(len(tree.leaves) for tree in model.trees)
    if leaves * int(offset[-1]) > MOST_MARKS:
        raise NotApplicable(
            f"{leaves:,} leaves over {int(offset[-1]):,} ranges of values are more than are held in memory"
        )
    inputs = _inputs(ask, X, points, edges)
    seen = ask(X[:1])[0]
    trees = tuple(_leaves(tree, source, inputs, seen, offset) for tree in model.trees)
    return Cells(space, points, edges, offset, trees, model.base, model.slack)


def _points(space: FeatureSpace, x: Floats, j: int) -> Floats:
    """Return the values a feature of separate values can have."""
    if space.categorical[j]:
        return np.arange(float(max(space.n_categories[j], np.nanmax(np.append(x, 0.0)) + 1)))
    step, known = float(space.step[j]) or 1.0, x[~np.isnan(x)]
    grid = np.arange(space.low[j], space.high[j] + step / 2, step)
    return np.unique(np.concatenate([grid, known]))


def _inputs(
    ask: Front, X: Floats, points: tuple[Floats | None, ...], edges: tuple[Floats, ...]
) -> list[Floats]:
    """Return for each feature the model's input in each of its cells, (cells, width); other features as in the first row."""
    out = []
    for j, one in enumerate(points):
        at = np.append(edges[j], np.inf) if one is None else one
        if one is None:
            above = np.nextafter(edges[j][-1], np.inf) if len(edges[j]) else np.nan
            known = X[~np.isnan(X[:, j]), j]
            at[-1] = above if len(edges[j]) else (known[0] if len(known) else 0.0)
        rows = np.tile(X[0], (len(at), 1))
        rows[:, j] = at
        found = ask(rows) if len(at) else np.empty((0, ask(X[:1]).shape[1]))
        missing = np.isnan(X[:, j])
        last = ask(np.where(np.arange(X.shape[1]) == j, np.nan, X[:1])) if missing.any() else found[-1:]
        out.append(np.concatenate([found, last]))
    return out


def _leaves(
    tree: Tree, source: NDArray[np.intp], inputs: list[Floats], seen: Floats, offset: NDArray[np.intp]
) -> Leaves:
    """Return which cells lead to each leaf that any cells lead to."""
    masks, scores = [], []
    open_ = [(0, np.ones(int(offset[-1]), dtype=bool))]
    while open_:
        node, mask = open_.pop()
        column = int(tree.feature[node])
        if column < 0:
            masks.append(mask)
            scores.append(tree.value[node])
            continue
        j = int(source[column])
        if j < 0:  # a column that nothing changes
            left = bool(tree.goes_left(node, seen[column]))
            open_.append((int(tree.left[node] if left else tree.right[node]), mask))
            continue
        part = slice(int(offset[j]), int(offset[j + 1]))
        left_cells = tree.goes_left(node, inputs[j][:, column])
        for child, goes in ((tree.right[node], ~left_cells), (tree.left[node], left_cells)):
            if (mask[part] & goes).any():
                below = mask.copy()
                below[part] &= goes
                open_.append((int(child), below))
    return Leaves(np.array(masks), np.array(scores))
