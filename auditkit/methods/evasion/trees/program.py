"""Program: the minimal change of one row as a mixed-integer linear program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from auditkit.methods.evasion.trees.merge import Near

__all__ = ["solved"]

Floats = NDArray[np.float64]
TOLERANCE = 1e-6  # what the solver may leave of a constraint
MOST_ENTRIES = 300_000


def solved(near: Near, nodes: int) -> tuple[float, NDArray[np.bool_] | None]:
    """Return a lower bound on the minimal change, and the cells of the best change found.

    Kantchelian, Tygar and Joseph 2016 (arXiv 1509.07892): a binary variable for each cell of a feature, a continuous one for each
    leaf, one leaf a tree and only where its cells are chosen; here by cells instead of thresholds, so that any cost of a cell will do
    and the square of a distance is linear. One program for each other class, solved by HiGHS.

    Parameters
    ----------
    near : Near
        What the row can reach.
    nodes : int
        Nodes of the search tree at most, for each program. There is no limit of time: the same row gives the same answer.

    Returns
    -------
    float
        Infinite where no change within reach turns the answer.
    array of bool (reachable cells,) or None
        One cell of each feature.
    """
    lower, best, chosen = np.inf, np.inf, None
    if any(not len(group.distance) for group in near.groups):
        return np.inf, None
    for k in np.flatnonzero(near.other):
        bound, value, cells = _against(near, int(k), nodes)
        lower = min(lower, bound)
        if value < best:
            best, chosen = value, cells
    return lower, chosen


def _against(near: Near, k: int, nodes: int) -> tuple[float, float, NDArray[np.bool_] | None]:
    """Return bound, value and cells for one other class."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    w, sizes = len(near.columns), [len(group.distance) for group in near.groups]
    matrix, low, high = _constraints(near, k, w, sizes)
    if matrix is None:
        return 0.0, np.inf, None
    extra = 1 if near.norm == "linf" else 0
    total = w + sum(sizes) + extra
    cost = np.zeros(total)
    price = {"l1": near.cost, "l2": near.cost**2, "linf": np.zeros(w), "l0": (near.cost > 0).astype(float)}[
        near.norm
    ]
    cost[:w] = price
    if extra:
        cost[-1] = 1.0
    kinds = np.concatenate([np.ones(w), np.zeros(total - w)])
    ends = np.append(np.ones(total - extra), [near.within] * extra)
    given: dict[str, Any] = {"node_limit": nodes, "mip_rel_gap": 0.0}
    found = milp(
        cost,
        integrality=kinds,
        bounds=Bounds(0, ends),
        constraints=LinearConstraint(matrix, low, high),
        options=given,
    )
    if found.status == 2:
        return np.inf, np.inf, None
    dual = getattr(found, "mip_dual_bound", None)
    bound = max(float(dual) if dual is not None and np.isfinite(dual) else 0.0, 0.0)
    root = np.sqrt if near.norm == "l2" else float
    bound = float(root(bound)) * (1 - TOLERANCE)
    if near.norm == "l0":
        bound = float(np.ceil(bound - 1e-4))
    if found.x is None:
        return bound, np.inf, None
    cells = np.asarray(found.x[:w] > 0.5)
    return bound, float(near.distances(cells[None])[0]), cells


def _constraints(near: Near, k: int, w: int, sizes: list[int]) -> tuple[Any, Floats, Floats]:
    """Return the rows of the program and their ends; None for the rows where there are too many."""
    from scipy.sparse import coo_array

    rows: list[NDArray[Any]] = []
    columns: list[NDArray[Any]] = []
    values: list[Floats] = []
    low: list[float] = []
    high: list[float] = []

    def add(at: NDArray[Any], value: NDArray[Any] | float, least: float, most: float) -> None:
        rows.append(np.full(len(at), len(low)))
        columns.append(at)
        values.append(np.broadcast_to(np.asarray(value, dtype=float), at.shape))
        low.append(least)
        high.append(most)

    ends = np.append(near.starts, w)[1:]
    features = list(zip(near.starts.tolist(), ends.tolist(), strict=True))
    for begin, end in features:
        add(np.arange(begin, end), 1.0, 1.0, 1.0)
        if near.norm == "linf":
            at = np.append(np.arange(begin, end), w + sum(sizes))
            add(at, np.append(near.cost[begin:end], -1.0), -np.inf, 0.0)
    leaf_at, entries = w, 0
    for group, size in zip(near.groups, sizes, strict=True):
        add(np.arange(leaf_at, leaf_at + size), 1.0, 1.0, 1.0)
        for leaf in range(size):
            for begin, end in features:
                cells = np.flatnonzero(group.mask[leaf, begin:end]) + begin
                if len(cells) < end - begin:
                    add(np.append(cells, leaf_at + leaf), np.append(-np.ones(len(cells)), 1.0), -np.inf, 0.0)
                    entries += len(cells)
            if entries > MOST_ENTRIES:
                return None, np.empty(0), np.empty(0)
        leaf_at += size
    margins = np.concatenate([group.margin[:, k] for group in near.groups])
    add(np.arange(w, w + sum(sizes)), margins, -np.inf, near.slack + TOLERANCE - float(near.start[k]))
    shape = (len(low), w + sum(sizes) + (near.norm == "linf"))
    matrix = coo_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    return matrix.tocsr(), np.array(low), np.array(high)
