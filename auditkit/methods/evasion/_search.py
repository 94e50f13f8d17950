"""The decision-based search behind `evasion.decision_search`: its state, its proposals, its order of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditkit import progress
from auditkit.methods.feature_space import FeatureSpace, Norm, norm_of

if TYPE_CHECKING:
    from auditkit.methods.evasion._oracle import Oracle

__all__ = ["Search"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]

POOL_ROWS = 128  # pool rows of another label among which a row's nearest starts are looked for
POOL_ROUNDS = 3  # calls with starts from the pool
DRAWN_ROUNDS = 3  # calls with starts drawn from the ranges, for rows without a start
TURN = (1e-3, 1.0)  # least and greatest turn of the walk, as a share of the distance
STALLED = 25  # rounds in a row without one proposal worth asking about


class Search:
    """The best adversarial row found so far for each row, and the steps that shorten its distance.

    Parameters
    ----------
    model : Oracle
        Labels for rows, and the budget.
    X : array (n, d)
        The original rows.
    y : array (n,)
        The labels to get away from.
    space : FeatureSpace
        What may change.
    norm : str
        The norm of the distance.
    radius : float or None
        Rows within it are left alone.
    rng : numpy.random.Generator
        Source of every draw.
    width : int
        Candidates of a row in one call.
    goal : float
        Distance within which a flip counts; the row's queries at the first such flip are kept.
    narrow : int or None
        Candidates of a row in one call of the steps that follow one line or one feature; ``width`` when None.
    patience : int or None
        Queries of the walk after which a row rests that came no nearer; None for never.
    tolerance : float
        What counts as nearer, as a share of the distance.
    """

    def __init__(
        self,
        model: Oracle,
        X: Floats,
        y: NDArray[Any],
        space: FeatureSpace,
        *,
        norm: Norm,
        radius: float | None,
        rng: np.random.Generator,
        width: int,
        goal: float = np.inf,
        narrow: int | None = None,
        patience: int | None = None,
        tolerance: float = 0.0,
    ) -> None:
        self.model, self.X, self.y, self.space = model, X, y, space
        self.norm: Norm = norm
        self.radius, self.rng, self.width = radius, rng, width
        self.attacked = np.zeros(len(X), dtype=bool)
        self.best = X.copy()
        self.distance = np.full(len(X), np.inf)
        self.queries = np.zeros(len(X), dtype=np.int64)
        self.goal, self.first = goal, np.full(len(X), np.inf)
        self.narrow, self.patience, self.tolerance = narrow, patience, tolerance
        self.rests = np.zeros(len(X), dtype=bool)
        self.turn = np.full(len(X), 0.3)
        self.graded = ~space.categorical & space.mutable & np.isfinite(X)

    def run(self, pool: Floats) -> None:
        """Spend the model's calls."""
        self.attacked = np.asarray(self.model.ask(self.X) == self.y)
        self.queries += 1
        if not self.attacked.any():
            return
        donors = self._start(pool)
        self._line(3)
        self._sweep()
        self._line(2)
        self._probe()
        self._walk(donors)

    def _start(self, pool: Floats) -> Floats:
        """Find a first adversarial row; return rows of other labels to take values from, (k, n, d)."""
        attacked = np.flatnonzero(self.attacked)
        donors = np.repeat(self.X[None], POOL_ROUNDS * self.width, axis=0)
        if len(pool):
            labels = self.model.ask(pool)
            for label in np.unique(self.y[attacked]):
                others, rows = np.flatnonzero(labels != label), attacked[self.y[attacked] == label]
                if len(others):
                    donors[:, rows] = pool[self._near_and_random(rows, pool, others)]
        for turn in range(POOL_ROUNDS + DRAWN_ROUNDS):
            rows = np.flatnonzero(self.attacked & ~np.isfinite(self.distance))
            if turn < POOL_ROUNDS:
                self._offer(rows, donors[turn * self.width : (turn + 1) * self.width, rows])
            else:
                self._offer(rows, self._drawn(rows, corners=turn % 2 == 0))
        everyone = np.arange(len(self.X))
        return np.concatenate(
            [donors, self._drawn(everyone, corners=False), self._drawn(everyone, corners=True)]
        )

    def _near_and_random(self, rows: Rows, pool: Floats, others: Rows) -> Rows:
        """Return pool places (k, m): for each row some of the nearest rows of another label, then random ones."""
        some = self.rng.permutation(others)[:POOL_ROWS]
        square = np.zeros((len(rows), len(some)))
        for j in range(pool.shape[1]):
            before, after = self.X[rows, j][:, None], pool[some, j][None]
            same = (before == after) | (np.isnan(before) & np.isnan(after))
            with np.errstate(invalid="ignore", over="ignore"):
                gap = np.abs(before - after) / self.space.scale[j]
            whole = np.isnan(gap) | self.space.categorical[j]
            square += np.where(same, 0.0, np.where(whole, 1.0, gap)) ** 2
        near = np.argsort(square, axis=1)[:, : self.width // 2]
        random = self.rng.integers(len(others), size=(len(rows), POOL_ROUNDS * self.width - near.shape[1]))
        return np.concatenate([some[near], others[random]], axis=1).T

    def _drawn(self, rows: Rows, *, corners: bool) -> Floats:
        """Return rows (k, m, d) drawn from the ranges, or from their ends."""
        share = self.rng.random((self.width, len(rows), self.X.shape[1]))
        codes = np.floor(share * self.space.n_categories)
        low = np.where(np.isfinite(self.space.low), self.space.low, self.X[rows] - 10 * self.space.scale)
        high = np.where(np.isfinite(self.space.high), self.space.high, self.X[rows] + 10 * self.space.scale)
        return np.where(
            self.space.categorical, codes, low + (high - low) * (np.rint(share) if corners else share)
        )

    def _open(self) -> Rows:
        """Return the rows that have a start, are not yet as near as was asked for, and do not rest."""
        near = 0.0 if self.radius is None else self.radius
        return np.flatnonzero(np.isfinite(self.distance) & (self.distance > near) & ~self.rests)

    def _offer(self, rows: Rows, candidates: Floats) -> Rows:
        """Ask about the candidates (k, m, d) that would be nearer; keep the nearest adversarial.

        Returns
        -------
        array of int (m,)
            Which candidate was kept, -1 for none.
        """
        m = candidates.shape[1]
        kept = np.full(m, -1, dtype=np.intp)
        if self.model.left < 1 or not m:
            return kept
        before = self.X[rows]
        valid = self.space.project(before, candidates)
        length = self.space.distance(before, valid, self.norm)
        worth = (length < self.distance[rows]) & (length > 0)
        turns, of = np.nonzero(worth)
        if not len(of):
            return kept
        progress.step(self.model.calls / (self.model.limit + 1), f"decision search: {m} rows")
        hit = self.model.ask(valid[turns, of]) != self.y[rows[of]]
        self.queries[rows] += worth.sum(axis=0)
        asked, length = length[turns, of], np.full(length.shape, np.inf)
        length[turns[hit], of[hit]] = asked[hit]
        nearest = length.argmin(axis=0)
        shortest = length.min(axis=0)
        found = np.isfinite(shortest)
        self.best[rows[found]] = valid[nearest[found], np.flatnonzero(found)]
        self.distance[rows[found]] = shortest[found]
        near = rows[(self.distance[rows] <= self.goal) & np.isinf(self.first[rows])]
        self.first[near] = self.queries[near]
        kept[found] = nearest[found]
        return kept

    def _change(self, rows: Rows) -> Floats:
        """Return the graded part of the present change, (m, d), in standardised units."""
        with np.errstate(invalid="ignore"):
            return np.where(self.graded[rows], (self.best[rows] - self.X[rows]) / self.space.scale, 0.0)

    def _apply(self, rows: Rows, change: Floats, revert: Bools | None = None) -> Floats:
        """Return rows (k, m, d) with the graded change given, and other cells kept or reverted."""
        graded, before = self.graded[rows], self.X[rows]
        moved = change * self.space.scale
        moved += before
        if graded.all():
            return moved
        whole = self.best[rows] if revert is None else np.where(revert, before, self.best[rows])
        return np.where(graded, moved, whole)

    def _line(self, times: int, points: Floats | None = None) -> None:
        """Shorten the whole graded change, to ``points`` between the last failure and the change; evenly when left out."""
        rows = self._open()
        low = np.zeros(len(rows))
        points = np.arange(self.width) / self.width if points is None else points
        for _ in range(times):
            share = low + (1 - low) * points[:, None]
            kept = self._offer(rows, self._apply(rows, share[:, :, None] * self._change(rows)))
            at = np.arange(len(rows))
            below = np.where(kept > 0, share[kept - 1, at] / np.maximum(share[kept, at], 1e-12), 0.0)
            low = np.where(kept < 0, share[-1], below)

    def _sweep(self) -> None:
        """Revert or shorten one feature after another, the most expensive first, each row its own."""
        rows = self._open()
        cost = self.space.cost(self.X[rows], self.best[rows])
        order = np.argsort(-cost, axis=1)
        width = self.narrow or self.width
        share = np.arange(width)[:, None, None] / width
        for rank in range(min(self.X.shape[1], self.model.left // 3)):
            if not (np.take_along_axis(cost, order[:, rank : rank + 1], axis=1) > 0).any():
                return
            chosen = np.zeros(cost.shape, dtype=bool)
            np.put_along_axis(chosen, order[:, rank : rank + 1], values=True, axis=1)
            factor = np.where(chosen, share, 1.0)
            self._offer(rows, self._apply(rows, factor * self._change(rows), revert=factor == 0))

    def _probe(self) -> None:
        """Try each feature alone on the original, both ways and nearer than what was found."""
        rows, width = self._open(), self.narrow or self.width
        half = width // 2
        share = np.concatenate([np.arange(half, 0, -1), -np.arange(width - half, 0, -1)]) / (half + 1)
        for j in self.rng.permutation(np.flatnonzero(self.space.mutable))[: self.model.left // 3]:
            coded = self.space.categorical[j]
            alone = np.repeat(self.X[rows][None], self.width if coded else width, axis=0)
            if coded:
                alone[:, :, j] = np.resize(self.rng.permutation(self.space.n_categories[j]), (self.width, 1))
            else:
                alone[:, :, j] += share[:, None] * self.distance[rows] * self.space.scale[j]
            self._offer(rows, alone)

    def _walk(self, donors: Floats) -> None:
        """Walk along the boundary until the budget is spent, all rows rest or proposals run out; every third call is a line."""
        idle = turn = 0
        # the change was bisected before: with few points, look where it is nearly whole
        halves = 0.5 ** np.arange(1, (self.narrow or 0) + 1)
        points = None if self.narrow is None else np.asarray(1 - halves, dtype=np.float64)
        mark, marked = self.distance.copy(), self.queries.copy()
        while self.model.left and idle < STALLED:
            rows, calls, turn = self._open(), self.model.calls, turn + 1
            if not len(rows):
                return
            if turn % 3 == 0:
                self._line(1, points)
            else:
                kept = self._offer(rows, self._proposals(rows, donors))
                self.turn[rows] = np.clip(self.turn[rows] * np.where(kept >= 0, 1.5, 0.8), *TURN)
            idle = idle + 1 if self.model.calls == calls else 0
            if self.patience is not None:
                nearer = self.distance < (1 - self.tolerance) * mark
                mark[nearer], marked[nearer] = self.distance[nearer], self.queries[nearer]
                self.rests = self.queries - marked >= self.patience

    def _proposals(self, rows: Rows, donors: Floats) -> Floats:
        """Return candidates (k, m, d): turned changes, changes with a subset dropped or shortened, and grafts."""
        k, m, d = self.width, len(rows), self.X.shape[1]
        change, graded = self._change(rows), self.graded[rows]
        work: Norm = "l2" if self.norm == "l0" else self.norm
        length = norm_of(np.abs(change), work)[:, None]
        turn = self.turn[rows][:, None]
        # 0 and 1 turn the change, 2 drops a subset and grows the rest, 3 shortens a subset or takes from a donor
        way = np.arange(k) % 4
        turns, drops, shortens = way < 2, way == 2, way == 3
        subset = self.rng.random((k, m, d)) < self.rng.choice([0.15, 0.5, 1.0], size=(k, m, 1))
        free = graded.sum(axis=1, keepdims=True)
        noise = self.rng.standard_normal((k, m, d))[turns] * (graded & subset[turns])
        made = np.empty((k, m, d))
        made[turns] = change + turn * length * noise / np.sqrt(np.maximum(free, 1))
        made[drops] = np.where(subset[drops], 0.0, change)
        raw = made[~shortens]
        size = norm_of(np.abs(raw), work)[..., None]
        grow: Any = 1 - 0.1 * turn
        if self.norm == "l0":
            grow = self.rng.uniform(1, 3, size=(k, m, 1))[~shortens]
        with np.errstate(invalid="ignore", divide="ignore"):
            made[~shortens] = np.where(size > 0, raw * (grow * length / size), 0.0)
        if self.norm == "linf":  # the cube's corners: let the small changes grow while the largest is held
            wide = raw[way[~shortens] == 1] * self.rng.uniform(1, 4, size=(k, m, 1))[way == 1]
            made[way == 1] = np.clip(wide, -grow * length, grow * length)
        shorter = 1 - turn * self.rng.random((k, m, 1))[shortens]
        made[shortens] = np.where(subset[shortens], change * shorter, change)
        candidates = self._apply(rows, made, revert=drops[:, None, None] & subset)
        self._graft(rows, donors, candidates, shortens)
        return candidates

    def _graft(self, rows: Rows, donors: Floats, candidates: Floats, chosen: Bools) -> None:
        """Give two in three of the chosen candidates a few cells of a donor, in whole or in part; half of those on the original."""
        k, m, d = candidates.shape
        donor = donors[self.rng.integers(len(donors), size=(k, m))[chosen], rows]
        part = np.maximum(self.rng.random((k, m, d)), self.rng.random((k, m, 1)) < 0.3)[chosen]
        before = self.X[rows]
        with np.errstate(invalid="ignore", over="ignore"):
            near = np.where(self.graded[rows], before + part * (donor - before), donor)
        kind = self.rng.integers(3, size=(k, m, 1))[chosen]
        few = self.rng.random((k, m, d)) < self.rng.choice([1.0, 2.0, 3.0], size=(k, m, 1)) / d
        base = np.where(kind == 2, before, candidates[chosen])
        candidates[chosen] = np.where((kind > 0) & few[chosen], near, base)
