"""Bound: below which distance no change can turn a sum of trees, from the distance of each leaf alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from auditkit.methods.evasion.trees.cells import Cells
    from auditkit.methods.feature_space import Norm

__all__ = ["critical", "joined", "leaf_distances", "single_bound"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
MOST_AT_ONCE = 20_000_000  # numbers held at once


def leaf_distances(cells: Cells, cost: Floats, norm: Norm) -> list[Floats]:
    """Return how far each row is from each leaf of each tree, (n, leaves) a tree.

    Parameters
    ----------
    cells : Cells
        What the trees tell apart.
    cost : array (n, cells)
        What moving into each costs each row.
    norm : {"l1", "l2", "linf", "l0"}
        How the features add up.
    """
    masks = np.concatenate([tree.mask for tree in cells.trees])
    out = np.zeros((len(cost), len(masks)))
    for j in range(len(cells.points)):
        part = cells.of(j)
        packed = np.ascontiguousarray(np.packbits(masks[:, part], axis=1))
        _, first, which = np.unique(
            packed.view(np.dtype((np.void, packed.shape[1]))).ravel(), return_index=True, return_inverse=True
        )
        kinds = masks[first, part]
        step = max(1, MOST_AT_ONCE // max(kinds.size, 1))
        for start in range(0, len(cost), step):
            rows = slice(start, start + step)
            least = np.where(kinds[None], cost[rows, None, part], np.inf).min(axis=2)
            out[rows] = joined(out[rows], least[:, which.ravel()], norm)
    if norm == "l2":
        out = np.sqrt(out)
    return np.split(out, np.cumsum([len(tree.score) for tree in cells.trees])[:-1], axis=1)


def joined(so_far: Floats, cost: Floats, norm: Norm) -> Floats:
    """Return what one more feature makes of a distance; squared for "l2"."""
    if norm == "linf":
        return np.maximum(so_far, cost)
    if norm == "l0":
        return so_far + np.where(np.isinf(cost), np.inf, (cost > 0).astype(float))
    return so_far + (np.square(cost) if norm == "l2" else cost)


def critical(distances: list[Floats], margins: list[Floats], start: float, slack: float) -> Floats:
    """Return the least distance at which the margin may vanish, if every tree could go to its worst leaf on its own, (n,).

    Chen, Zhang, Si, Li, Boning and Hsieh 2019 (arXiv 1906.03849), their bound for groups of trees merged beforehand; here for any
    norm, and at every distance at once.

    Parameters
    ----------
    distances : list of array (n, leaves)
        Of each leaf of each tree (or group of trees).
    margins : list of array (leaves,)
        What each adds to the margin.
    start : float
        The margin without any tree.
    slack : float
        A margin up to this may be 0.

    Returns
    -------
    array (n,)
        Infinite where it never vanishes.
    """
    n = len(distances[0])
    total, at, falls = np.full(n, start), [], []
    for distance, margin in zip(distances, margins, strict=True):
        order = np.argsort(distance, axis=1, kind="stable")
        near = np.take_along_axis(distance, order, axis=1)
        lowest = np.minimum.accumulate(np.where(np.isinf(near), np.inf, margin[order]), axis=1)
        total = total + lowest[:, 0]
        at.append(near)
        with np.errstate(invalid="ignore"):
            falls.append(np.where(np.isinf(near), 0.0, np.diff(lowest, axis=1, prepend=lowest[:, :1])))
        # the nearest leaf stands at the distance of its own, which is 0 but for leaves that were left out
        if (near[:, 0] > 0).any():
            total = np.where(np.isinf(near[:, 0]), np.inf, total)
    every, fall = np.concatenate(at, axis=1), np.concatenate(falls, axis=1)
    order = np.argsort(every, axis=1, kind="stable")
    left = total[:, None] + np.cumsum(np.take_along_axis(fall, order, axis=1), axis=1)
    gone = left <= slack
    first = gone.argmax(axis=1)
    found = np.take_along_axis(np.take_along_axis(every, order, axis=1), first[:, None], axis=1)[:, 0]
    floor = np.max([one.min(axis=1) for one in distances], axis=0)
    return np.where(gone.any(axis=1), np.maximum(found, floor), np.inf)


def single_bound(cells: Cells, distances: list[Floats], y: NDArray[np.intp]) -> Floats:
    """Return `critical` for every row over all other classes, (n,): below it no change turns the answer."""
    out = np.full(len(y), np.inf)
    for own in np.unique(y):
        rows = np.flatnonzero(y == own)
        for other in range(len(cells.base)):
            if other == own:
                continue
            margins = [tree.score[:, own] - tree.score[:, other] for tree in cells.trees]
            start = float(cells.base[own] - cells.base[other])
            found = critical([one[rows] for one in distances], margins, start, cells.slack)
            out[rows] = np.minimum(out[rows], found)
    return out
