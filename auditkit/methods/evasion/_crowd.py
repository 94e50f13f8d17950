"""Crowd: rows that another library attacks all at once, and the nearest flip of each among all that it asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditkit import progress
from auditkit.errors import InputError, NotApplicable
from auditkit.methods.evasion._settled import settled
from auditkit.methods.evasion.gradients.ball import free_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditkit.methods.evasion.gradients.differentiable import Differentiable
    from auditkit.methods.evasion.result import AttackResult
    from auditkit.methods.feature_space import FeatureSpace, Norm

__all__ = ["Crowd", "SpentError"]

Floats = NDArray[np.float64]

WIDE = 10.0  # standardised units within which numbers without ends are looked for
STARTS = 8  # pool rows tried for a start, the nearest first


class SpentError(Exception):
    """The rows' queries are used up."""


class Crowd:
    """Rows as changes of their free numbers, in standardised units.

    Parameters
    ----------
    model : Differentiable
        Around ``X``, as a function of the free columns.
    space : FeatureSpace
        What may change.
    norm : str
        How a row's costs are added up.
    X : array (n, d)
        The original rows.
    y : array of int (n,)
        Their reference labels.
    limit : int
        Rows the model is asked about for each, at most.
    ask_labels : callable
        The model as it is used: rows (m, d), labels (m,).
    name : str
        The attack.

    Attributes
    ----------
    rows : array of int (m,)
        Those that are attacked.
    width : int
        Free columns.
    """

    def __init__(
        self,
        model: Differentiable,
        space: FeatureSpace,
        norm: Norm,
        X: Floats,
        y: NDArray[Any],
        limit: int,
        ask_labels: Callable[[Floats], NDArray[Any]],
        name: str,
    ) -> None:
        self.model, self.space, self.norm, self.X, self.y = model, space, norm, X, y
        self.limit, self.ask, self.name = limit, ask_labels, name
        self.free = free_columns(space)
        self.width, self.unit = int(self.free.sum()), space.scale[self.free]
        if self.width != model.width:
            raise InputError(f"the model is a function of {model.width} columns and {self.width} may change")
        n = len(X)
        self.asked, self.calls = np.ones(n, dtype=np.int64), 1
        self.gradients = np.zeros(n, dtype=np.int64)
        self.first, self.distance, self.best = np.full(n, np.inf), np.full(n, np.inf), X.copy()
        self.attacked = np.asarray(ask_labels(X) == y) if n else np.zeros(0, dtype=bool)
        self.reason = np.full(n, "nothing found", dtype=object)
        self.rows = np.flatnonzero(self.attacked)

    def ends(self) -> tuple[float, float]:
        """Return the least and the largest change that any of the rows allows."""
        own, space = self.X[self.rows][:, self.free], self.space
        low, high = (
            np.where(np.isfinite(end[self.free]), (end[self.free] - own) / self.unit, sign * WIDE)
            for end, sign in ((space.low, -1), (space.high, 1))
        )
        return float(min(np.nan_to_num(low).min(), -1e-6)), float(max(np.nan_to_num(high).max(), 1e-6))

    def decoded(self, change: Floats) -> Floats:
        """Return allowed rows (m, d) of changes (m, width)."""
        if len(change) != len(self.rows):
            raise NotApplicable(
                f"{self.name} asks about {len(change)} rows for {len(self.rows)}: whose they are cannot be told"
            )
        before = self.X[self.rows]
        after = before.copy()
        after[:, self.free] += np.asarray(change, dtype=float) * self.unit
        allowed: Floats = self.space.project(before, after)
        return allowed

    def scores(self, change: Floats) -> Floats:
        """Answer about changes (m, width), as far as the budget goes; keep the nearest flips."""
        after = self.decoded(change)
        self._spend()
        with np.errstate(invalid="ignore", over="ignore"):
            scores = np.asarray(self.model.scores(self._at(after), self.rows), dtype=float)
        far = self.space.distance(self.X[self.rows], after, self.norm)
        hit = (scores.argmax(axis=1) != self.y[self.rows]) & np.isfinite(scores).all(axis=1) & (far > 0)
        nearer = hit & (far < self.distance[self.rows])
        at = self.rows[nearer]
        self.distance[at], self.best[at] = far[nearer], after[nearer]
        self.first[at] = np.minimum(self.first[at], self.asked[at])
        return scores

    def slopes(self, change: Floats, weights: Floats) -> Floats:
        """Return the gradient of the weighted scores by the changes, (m, width)."""
        after = self.decoded(change)
        self._spend()
        self.gradients[self.rows] += 1
        turn = np.arange(len(after))
        _, _, found = self.model.pull(
            self._at(after), self.rows, lambda s, at: (np.zeros(len(s)), weights[at]), turn
        )
        return np.asarray(np.nan_to_num(self.model.engine.numpy(found), posinf=0.0, neginf=0.0) * self.unit)

    def starts(self, pool: Floats) -> Floats:
        """Return a change of each row that has another label, (m, width): the nearest of the pool; rows without one are left out."""
        found = np.zeros((len(self.rows), self.width))
        left = np.ones(len(self.rows), dtype=bool)
        labels = np.zeros(0, dtype=int)
        if len(pool):
            labels, self.calls = np.asarray(self.ask(pool)), self.calls + 1
        tries = [self._nearest(int(row), pool[labels != self.y[row]]) for row in self.rows]
        for turn in range(max(map(len, tries), default=0)):
            change = np.array(
                [one[turn] if turn < len(one) else np.zeros(self.width) for one in tries]
            ).reshape(found.shape)
            hit = left & (self.scores(change).argmax(axis=1) != self.y[self.rows])
            found[hit], left = change[hit], left & ~hit
            if not left.any():
                break
        self.reason[self.rows[left]] = "no row of another label to start from"
        self.rows = self.rows[~left]
        return found[~left]

    def result(self) -> AttackResult:
        """Ask about the nearest flips once more."""
        found = np.isfinite(self.distance)
        hit = np.zeros(len(self.X), dtype=bool)
        if found.any():
            hit[found] = self.ask(self.best[found]) != self.y[found]
            self.asked[found] += 1
            self.calls += 1
        return settled(
            self.X, self.best, self.attacked, found, hit, self.space, self.norm, missed=self.reason.astype(str),
            queries=self.asked, calls=self.calls, first=self.first, gradients=self.gradients,
        )  # fmt: skip

    def _nearest(self, row: int, others: Floats) -> Floats:
        """Return the changes of a row to the nearest pool rows, as it may be turned into them."""
        before = np.repeat(self.X[[row]], len(others), axis=0)
        moved = before.copy()
        moved[:, self.free] = np.where(
            np.isfinite(before[:, self.free]), others[:, self.free], before[:, self.free]
        )
        moved = self.space.project(before, moved)
        far = self.space.distance(before, moved, self.norm)
        near = np.argsort(far, kind="stable")[:STARTS]
        change = np.nan_to_num((moved - before)[near][:, self.free] / self.unit)
        return np.asarray(np.clip(change, *self.ends()))

    def _at(self, rows: Floats) -> Any:
        return self.model.engine.array(rows[:, self.free])

    def _spend(self) -> None:
        if len(self.rows) and self.asked[self.rows].max() + 1 > self.limit - 1:  # the last one re-measures
            raise SpentError
        self.asked[self.rows] += 1
        self.calls += 1
        progress.step(float(self.asked[self.rows].max()) / self.limit, f"{self.name}: {len(self.rows)} rows")
