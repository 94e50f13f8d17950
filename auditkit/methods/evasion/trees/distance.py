"""Distance: between which bounds each row's minimal change lies, for a sum of trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit import progress
from auditkit.errors import InputError
from auditkit.methods.evasion.result import reference_labels
from auditkit.methods.evasion.trees.bound import leaf_distances, single_bound
from auditkit.methods.evasion.trees.merge import Group, Near, near_row, settled
from auditkit.methods.evasion.trees.program import solved
from auditkit.methods.feature_space import Norm, as_matrix, norm_of

if TYPE_CHECKING:
    from auditkit.methods.evasion.trees.cells import Cells

__all__ = ["MinimalDistance", "tree_minimal_distance"]

Floats = NDArray[np.float64]
AskLabels = Callable[[Floats], NDArray[Any]]
WIDER = 1.5  # by how much the reach grows
LEAST = 1e-3  # where trees tie at the row itself the bound is 0
BEYOND = 1e-5
TRIES = 1  # shorter reaches tried where one was too wide
MOST_ASKED = 16  # candidates of a row that the model is asked about


@dataclass(frozen=True, eq=False)
class MinimalDistance:
    """Bounds on the distance of each row to an allowed row of another label.

    Attributes
    ----------
    lower : array (n,)
        No allowed row nearer than this has another label; nan where the row did not have the reference label to begin with.
    upper : array (n,)
        The distance of `adversarial`; infinite where none was found.
    adversarial : array (n, d)
        Allowed rows of another label, as the model itself was asked; the original where none was found.
    proved : array of bool (n,)
        Whether both are the same: the minimal change, or that there is none at any distance.
    how : array of str (n,)
        What settled it: "one leaf at a time", "merging", "program", or "not settled" and by what limit.
    calls : int
        Calls to the model.
    """

    lower: Floats
    upper: Floats
    adversarial: Floats
    proved: NDArray[np.bool_]
    how: NDArray[np.str_]
    calls: int


def tree_minimal_distance(
    cells: Cells,
    ask_labels: AskLabels,
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm = "linf",
    within: float = np.inf,
    known: ArrayLike | None = None,
    work: int = 100_000,
    nodes: int = 0,
) -> MinimalDistance:
    """Return bounds on each row's minimal change to another label of a sum of trees, the same where that was settled.

    The reach around a row is widened step by step. Within it, trees are merged until one is left, whose nearest box of another label is
    the answer (a single tree is one from the start); where they cannot be merged into one, the bound of Chen et al. 2019 (arXiv
    1906.03849) on the groups there are is kept, and the mixed-integer program of Kantchelian et al. 2016 (arXiv 1509.07892) may settle
    the row. The model itself is asked about every change before it counts.

    Parameters
    ----------
    cells : Cells
        What the trees tell apart, and what may change.
    ask_labels : callable
        The model: takes rows (m, d), gives classes as columns of the scores (m,).
    X : array (n, d)
        Rows; those that `cells` were made of.
    y : array of int (n,)
        The reference class of each. Rows to which the model gives another are left out.
    norm : {"l1", "l2", "linf", "l0"}
        The norm of the change.
    within : float
        Nothing is looked for beyond.
    known : array (n,), optional
        Distances at which some attack has turned the rows: nothing is looked for beyond these either. They are no upper bound here.
    work : int
        Boxes looked at for a row, at most, at each reach. 0 merges nothing.
    nodes : int
        Nodes of the program for a row, at most; 0 leaves it out.

    Returns
    -------
    MinimalDistance
        Lower bounds leave out cross-feature rules, which can only take changes away; a change that breaks one is no upper bound.

    Raises
    ------
    InputError
        If shapes or options do not fit.
    """
    X = as_matrix(X, "X", len(cells.points))
    labels = reference_labels(y, len(X))
    norm_of(np.zeros((1, 1)), norm)
    if not within > 0 or work < 0 or nodes < 0:
        raise InputError(f"expected within > 0, work >= 0 and nodes >= 0, got {within}, {work} and {nodes}")
    ends = np.full(len(X), float(within))
    if known is not None:
        given = np.broadcast_to(np.asarray(known, dtype=float), len(X))
        # a little beyond, so that a bound that leaves the attack's own change out is seen to
        ends = np.fmin(ends, given + 0.5 if norm == "l0" else given * (1 + BEYOND))
    search = _Rows(cells, ask_labels, X, norm, ends, work, nodes)
    return search.run(labels)


class _Rows:
    """The rows, and what is known of each so far."""

    def __init__(
        self, cells: Cells, ask: AskLabels, X: Floats, norm: Norm, within: Floats, work: int, nodes: int
    ) -> None:
        self.cells, self.ask, self.X, self.within, self.work, self.nodes = cells, ask, X, within, work, nodes
        self.norm: Norm = norm
        n = len(X)
        self.lower, self.upper = np.full(n, np.nan), np.full(n, np.nan)
        self.adversarial, self.how = X.copy(), np.full(n, "had another label", dtype="<U40")
        self.proved = np.zeros(n, dtype=bool)
        self.calls = 0
        self.masks = np.concatenate([tree.mask for tree in cells.trees])

    def run(self, labels: NDArray[Any]) -> MinimalDistance:
        """Settle each row as far as the limits let it."""
        if len(self.X):
            rows = np.flatnonzero(self._asked(self.X) == labels)
            y = labels.astype(np.intp)
            cost, value = self.cells.costs(self.X)
            own = self.cells.own(self.X)
            bound = np.full(len(self.X), np.inf)
            bound[rows] = single_bound(self.cells, leaf_distances(self.cells, cost[rows], self.norm), y[rows])
            self.lower[rows], self.upper[rows] = bound[rows], np.inf
            beyond = (bound > self.within) | np.isinf(bound)
            self.how[rows] = "one leaf at a time"
            self.proved[rows] = np.isinf(bound[rows])
            for done, i in enumerate(rows[~beyond[rows]]):
                progress.step(done / len(rows), f"minimal changes: {len(rows)} rows")
                self._row(int(i), int(y[i]), cost[i], value[i], own[i])
        return MinimalDistance(self.lower, self.upper, self.adversarial, self.proved, self.how, self.calls)

    def _row(self, i: int, y: int, cost: Floats, value: Floats, own: NDArray[np.intp]) -> None:
        """Widen the reach of one row until it is settled, or a limit stops it."""
        end, tries, last = float(self.within[i]), 0, float(self.lower[i])
        reach = self._next(last, end)
        dear = np.where(np.isfinite(cost), cost, 0.0)
        farthest = float(
            norm_of(np.array([dear[self.cells.of(j)].max() for j in range(len(own))]), self.norm)
        )
        while True:
            near = near_row(self.cells, self.masks, cost, own, y, self.norm, reach)
            bound, group, _ = settled(near, self.work)
            if group is None:
                self.lower[i] = max(self.lower[i], min(bound, _past(reach)))
                self.how[i], tries = "not settled: too many boxes", tries + 1
                if tries > TRIES or self.norm == "l0" or reach <= self.lower[i]:
                    break
                end = reach = (max(last, float(self.lower[i])) + reach) / 2
                continue
            if np.isfinite(bound):
                if self._found(i, y, near, group, value):
                    return
                if np.isfinite(
                    sure := _sure(near, group)
                ):  # the model denied a point of it, which is not all of it
                    self.lower[i], self.how[i] = (
                        max(self.lower[i], sure),
                        "not settled: trees and model differ",
                    )
                    break
            self.lower[i], last = max(self.lower[i], _past(reach)), reach
            if reach >= farthest:
                self.lower[i], self.proved[i], self.how[i] = np.inf, True, "merging"
                return
            if reach >= end:
                break
            reach = self._next(reach, end)
        if not tries:
            self.how[i] = "merging"
            return
        self._program(i, y, cost, value, own)

    def _next(self, reach: float, end: float) -> float:
        wider = np.floor(reach) + 1 if self.norm == "l0" else max(reach * WIDER, LEAST)
        return float(min(wider, end))

    def _found(self, i: int, y: int, near: Near, group: Group, value: Floats) -> bool:
        """Ask the model about the nearest boxes of another label, in order; return whether one has it."""
        margin = np.where(near.other, group.margin + near.start, np.inf).min(axis=1)
        boxes = np.flatnonzero(margin <= near.slack)
        boxes = boxes[np.argsort(group.distance[boxes], kind="stable")]
        for start in range(0, len(boxes), MOST_ASKED):
            some = boxes[start : start + MOST_ASKED]
            rows = np.array([self._moved(i, near.moves(group.mask[box]), value) for box in some])
            other = self._asked(rows) != y
            if not other.any():
                continue
            first = int(other.argmax())
            self.lower[i] = min(float(group.distance[some[first]]), _sure(near, group))
            allowed = other & ~self.cells.space.violations(np.tile(self.X[i], (len(rows), 1)), rows).any(
                axis=1
            )
            self.how[i] = "merging" if len(self.cells.trees) > 1 else "one leaf at a time"
            if allowed.any():
                self._keep(i, rows[int(allowed.argmax())])
                self.proved[i] = bool(allowed[first]) and self.lower[i] == group.distance[some[first]]
            return True
        return False

    def _program(self, i: int, y: int, cost: Floats, value: Floats, own: NDArray[np.intp]) -> None:
        """Let the program settle a row; its reach is the whole."""
        if not self.nodes:
            return
        near = near_row(self.cells, self.masks, cost, own, y, self.norm, float(self.within[i]))
        bound, cells = solved(near, self.nodes)
        self.lower[i] = max(self.lower[i], min(bound, _past(float(self.within[i]))))
        if cells is None:
            if np.isinf(bound):
                self.how[i], self.proved[i] = "program", bool(np.isinf(self.within[i]))
            return
        row = self._moved(i, near.moves(cells[None][0]), value)
        allowed = not self.cells.space.violations(self.X[[i]], row[None]).any()
        if allowed and self._asked(row[None])[0] != y:
            self._keep(i, row)
            if self.upper[i] - self.lower[i] <= 1e-5 * self.upper[i]:
                self.lower[i], self.how[i], self.proved[i] = (
                    min(self.upper[i], self.lower[i] * (1 + 1e-5)),
                    "program",
                    True,
                )

    def _keep(self, i: int, row: Floats) -> None:
        self.adversarial[i] = row
        self.upper[i] = self.cells.space.distance(self.X[[i]], row[None], self.norm)[0]
        self.lower[i] = min(self.lower[i], self.upper[i])  # two ways of adding up the same costs

    def _moved(self, i: int, moves: NDArray[np.intp], value: Floats) -> Floats:
        row: Floats = self.X[i].copy()
        row[np.searchsorted(self.cells.offset, moves, side="right") - 1] = value[moves]
        return row

    def _asked(self, rows: Floats) -> NDArray[Any]:
        self.calls += 1
        return np.asarray(self.ask(rows))


def _sure(near: Near, group: Group) -> float:
    """Return the distance of the nearest box that the trees give another label whatever rounding does; infinite where there is none."""
    clear = (np.where(near.other, group.margin + near.start, np.inf) < -near.slack).any(axis=1)
    return float(group.distance[clear].min(initial=np.inf))


def _past(reach: float) -> float:
    """Return the first distance beyond a reach that is closed."""
    return float(np.nextafter(reach, np.inf))
