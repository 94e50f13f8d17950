"""Merge: the trees near one row put together into fewer, until one tree is left or a limit is met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auditkit.methods.evasion.trees.bound import critical, joined

if TYPE_CHECKING:
    from auditkit.methods.evasion.trees.cells import Cells
    from auditkit.methods.feature_space import Norm

__all__ = ["Near", "near_row", "settled"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Group:
    """Trees merged into one: the boxes in which they are constant, as far as one row can reach them.

    Attributes
    ----------
    mask : array of bool (boxes, reachable cells)
        The cells of each box.
    margin : array (boxes, classes)
        The score of the row's class less that of each; of the trees merged.
    distance : array (boxes,)
        Of the row from each.
    """

    mask: Bools
    margin: Floats
    distance: Floats


@dataclass(frozen=True, eq=False)
class Near:
    """What one row can reach within a distance.

    Attributes
    ----------
    groups : tuple of Group
        The trees.
    columns : array of int (reachable cells,)
        Which cells; of each feature together, the cheapest first.
    starts : array of int (features,)
        Where those of each feature begin.
    cost : array (reachable cells,)
        What each costs.
    start : array (classes,)
        The margins without any tree.
    other : array of bool (classes,)
        The classes that are not the row's.
    within : float
        The distance.
    norm : str
        Its norm.
    slack : float
        A margin up to this may be 0.
    """

    groups: tuple[Group, ...]
    columns: NDArray[np.intp]
    starts: NDArray[np.intp]
    cost: Floats
    start: Floats
    other: Bools
    within: float
    norm: Norm
    slack: float

    def distances(self, mask: Bools) -> Floats:
        """Return how far boxes are, infinite for empty ones, (boxes,)."""
        ends = np.append(self.starts, len(self.columns))[1:]
        out = np.zeros(len(mask))
        for begin, end in zip(self.starts, ends, strict=True):
            part = mask[:, begin:end]
            first = part.argmax(axis=1)
            there = part[np.arange(len(part)), first]
            out = joined(out, np.where(there, self.cost[begin:end][first], np.inf), self.norm)
        return np.sqrt(out) if self.norm == "l2" else out

    def moves(self, mask: Bools) -> NDArray[np.intp]:
        """Return the cheapest cell of each feature in one box; features that cannot move are left out."""
        ends = np.append(self.starts, len(self.columns))[1:]
        return np.array(
            [self.columns[b + int(mask[b:e].argmax())] for b, e in zip(self.starts, ends, strict=True)],
            dtype=np.intp,
        )

    def bound(self, groups: list[Group]) -> float:
        """Return the least distance at which the margin to some class may vanish."""
        if any(not len(group.distance) for group in groups):
            return np.inf
        distances = [group.distance[None] for group in groups]
        found = [
            float(
                critical(
                    distances, [group.margin[:, k] for group in groups], float(self.start[k]), self.slack
                )[0]
            )
            for k in np.flatnonzero(self.other)
        ]
        return min(found)


def near_row(
    cells: Cells, masks: Bools, cost: Floats, own: NDArray[np.intp], y: int, norm: Norm, within: float
) -> Near:
    """Return what a row can reach within a distance.

    Parameters
    ----------
    cells : Cells
        What the trees tell apart.
    masks : array of bool (leaves, cells)
        Of all trees after each other.
    cost : array (cells,)
        What moving into each costs the row.
    own : array of int (d,)
        The cells the row is in.
    y : int
        Its class.
    norm, within
        The distance.
    """
    reach = np.isfinite(cost) & ((cost <= within) | (norm == "l0"))
    columns: list[NDArray[np.intp]] = []
    starts: list[int] = []
    stays = np.ones(len(masks), dtype=bool)
    for j in range(len(own)):
        part = cells.of(j)
        there = np.flatnonzero(reach[part]) + part.start
        if len(there) < 2:
            stays &= masks[:, own[j]]
            continue
        starts.append(sum(len(one) for one in columns))
        columns.append(there[np.argsort(cost[there], kind="stable")])
    flat = np.concatenate(columns) if columns else np.empty(0, dtype=np.intp)
    kept = np.flatnonzero(stays)
    for there in sorted(
        columns, key=len
    ):  # most leaves are out of reach in some feature: few are left to be measured
        kept = kept[masks[np.ix_(kept, there)].any(axis=1)]
    near = Near(
        (), flat, np.array(starts, dtype=np.intp), cost[flat], cells.base[y] - cells.base,
        np.arange(len(cells.base)) != y, within, norm, cells.slack,
    )  # fmt: skip
    sub = masks[np.ix_(kept, flat)]
    distance = near.distances(sub)
    inside = distance <= within
    kept, sub, distance = kept[inside], sub[inside], distance[inside]
    scores = np.concatenate([tree.score for tree in cells.trees])[kept]
    margin = scores[:, [y]] - scores
    ends = np.cumsum([len(tree.score) for tree in cells.trees])
    parts = np.split(np.arange(len(kept)), np.searchsorted(kept, ends[:-1]))
    groups = [Group(sub[part], margin[part], distance[part]) for part in parts]
    return Near(
        tuple(groups), near.columns, near.starts, near.cost, near.start, near.other, within, norm, cells.slack
    )


def settled(near: Near, work: int) -> tuple[float, Group | None, int]:
    """Merge the trees near a row, the two with the fewest boxes first; boxes from which no answer can turn are dropped.

    With all trees in one the nearest box of another label is the minimal change, exactly. Where a limit stops that, the bound of the
    groups there are is what is known (Chen et al. 2019, arXiv 1906.03849).

    Parameters
    ----------
    near : Near
        What the row can reach.
    work : int
        Boxes looked at, at most.

    Returns
    -------
    float
        Below this distance nothing turns the answer; infinite where nothing does within reach.
    Group or None
        All trees in one; None where the limit stopped it.
    int
        Boxes looked at.
    """
    groups, used = _pruned(near, list(near.groups)), 0
    while len(groups) > 1:
        groups.sort(key=lambda group: len(group.distance))
        one, two = groups[0], groups[1]
        size = len(one.distance) * len(two.distance)
        if not size:
            return np.inf, one, used
        if used + size > work:
            return near.bound(groups), None, used
        used += size
        groups = _pruned(near, [_product(near, one, two), *groups[2:]])
    return near.bound(groups), groups[0], used


def _product(near: Near, one: Group, two: Group) -> Group:
    """Return the boxes that two groups have in common, within reach."""
    a = np.repeat(np.arange(len(one.distance)), len(two.distance))
    b = np.tile(np.arange(len(two.distance)), len(one.distance))
    mask = one.mask[a] & two.mask[b]
    distance = near.distances(mask)
    kept = distance <= near.within
    return Group(mask[kept], (one.margin[a] + two.margin[b])[kept], distance[kept])


def _pruned(near: Near, groups: list[Group]) -> list[Group]:
    """Drop boxes from which the margin to no class can vanish, whatever the other groups do."""
    for _ in range(3):
        sizes = [len(group.distance) for group in groups]
        if not all(sizes):
            return [groups[sizes.index(0)]]
        margin = np.concatenate([group.margin for group in groups])
        starts = np.cumsum([0, *sizes[:-1]])
        lowest = np.minimum.reduceat(margin, starts, axis=0)
        total = near.start + lowest.sum(axis=0)
        kept = ((margin + np.repeat(total - lowest, sizes, axis=0) <= near.slack) & near.other).any(axis=1)
        if kept.all():
            return groups
        groups = [
            group if one.all() else Group(group.mask[one], group.margin[one], group.distance[one])
            for group, one in zip(groups, np.split(kept, starts[1:]), strict=True)
        ]
    return groups
