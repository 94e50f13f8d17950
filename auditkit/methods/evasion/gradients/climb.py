"""Climb: the state of a gradient attack, row by row, and what became of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit import progress
from auditkit.errors import InputError
from auditkit.methods.evasion.gradients.ball import Ball, free_columns, outside, settle
from auditkit.methods.evasion.gradients.differentiable import loss_of
from auditkit.methods.evasion.result import AttackResult, reference_labels
from auditkit.methods.feature_space import FeatureSpace, as_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from auditkit.methods.evasion.gradients.differentiable import Differentiable
    from auditkit.methods.feature_space import Norm

__all__ = ["Climb", "Some"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]
AskLabels = "Callable[[Floats], NDArray[Any]]"

CELLS = 1 << 22  # of all climbs made at once: 32 megabytes an array in double precision


class Climb:
    """What was found for each row, and how often the model was asked.

    Parameters
    ----------
    model : Differentiable
        Around the rows, as a function of the free columns of the space.
    X : array (n, d)
        The original rows.
    y : array of int (n,)
        The class to get away from, as a column of the scores.
    space : FeatureSpace
        What may change.
    radius, norm : float, str
        How far.
    ask_labels : callable, optional
        Takes rows (m, d), gives classes (m,): the model as it is used. The differentiable model itself when left out.
    """

    def __init__(
        self,
        model: Differentiable,
        X: ArrayLike,
        y: ArrayLike,
        space: FeatureSpace,
        radius: float,
        norm: Norm,
        ask_labels: Callable[[Floats], NDArray[Any]] | None,
    ) -> None:
        self.model, self.space, self.radius, self.norm = model, space, radius, norm
        self.X = as_matrix(X, "X", len(space.names))
        self.y = _classes(y, len(self.X), model.classes)
        self.free = free_columns(space)
        if int(self.free.sum()) != model.width:
            raise InputError(
                f"the model is a function of {model.width} columns and {int(self.free.sum())} may change: bind it to these, "
                f"{[name for name, free in zip(space.names, self.free, strict=True) if free]}"
            )
        self.ball = Ball.of(model.engine, self.X, space, radius, norm)
        self.on_grid = bool((space.step[self.free] > 0).any() or space.rules or outside(self.X, space).any())
        self.unruled = replace(space, rules=())
        self.ask = ask_labels or self._own_labels
        self.found = np.zeros((len(self.X), model.width))
        self.flipped = np.zeros(len(self.X), dtype=bool)
        self.queries = np.zeros(len(self.X), dtype=np.int64)
        self.gradients = np.zeros(len(self.X), dtype=np.int64)
        self.flat = np.zeros(len(self.X), dtype=bool)
        self.calls = 0
        self.attacked = np.zeros(len(self.X), dtype=bool)
        if len(self.X):
            self.attacked = np.asarray(self._asked(np.arange(len(self.X)), self.X) == self.y)

    def standing(self) -> Rows:
        """Return the rows that are attacked and not yet flipped."""
        return np.flatnonzero(self.attacked & ~self.flipped)

    def waves(self, climbs: Sequence[NDArray[np.int64] | None]) -> Iterator[Some]:
        """Yield the rows that stand, for as many climbs at once as fit in one batch; the first climb goes alone, since it flips most.

        Parameters
        ----------
        climbs : sequence of array of int (n,) or None
            For each climb the target of every row, or None for a loss without one.
        """
        done = 0
        while done < len(climbs) and len(rows := self.standing()):
            most = CELLS // max(len(rows) * self.model.width, 1)
            part = climbs[done : done + (max(most, 1) if done else 1)]
            labels = [
                self.y[rows] if aim is None else np.column_stack([self.y[rows], aim[rows]]) for aim in part
            ]
            yield Some(self, np.tile(rows, len(part)), np.concatenate(labels))
            done += len(part)

    def pull(self, some: Some, change: Any, loss: str) -> tuple[Floats, Any, Bools]:
        """Ask for the loss and its gradient; note which rows are flipped.

        Returns
        -------
        tuple
            Losses (m,), gradients by the change (m, k), and which rows are flipped by now, in this climb or one beside it (m,).
        """
        at, allowed = self._at(some, change)
        with np.errstate(invalid="ignore", over="ignore"):  # a row whose scores are no numbers is no success
            scores, value, gradient = self.model.pull(
                at, some.rows, loss_of(loss, self.model.classes), some.y
            )
        self.gradients += np.bincount(some.rows, minlength=len(self.X))
        engine = self.model.engine
        return value, engine.known(gradient * some.ball.unit), self._note(some, change, scores, allowed)

    def look(self, some: Some, change: Any) -> Bools:
        """Ask for scores alone; note which rows are flipped."""
        at, allowed = self._at(some, change)
        return self._note(some, change, self.model.scores(at, some.rows), allowed)

    def result(self) -> AttackResult:
        """Ask about the final rows, and say of each what became of it."""
        X, final = self.X, self.X.copy()
        rows = np.flatnonzero(self.flipped)
        final[rows] = settle(X[rows], self.found[rows], self.space, self.radius, self.norm)
        hit = np.zeros(len(X), dtype=bool)
        if len(rows):
            hit[rows] = self._asked(rows, final[rows]) != self.y[rows]
        distance = self.space.distance(X, final, self.norm)
        bad = self.space.violations(X, final).any(axis=1) | (distance > self.radius) | (distance == 0)
        success = hit & ~bad
        reason = np.select(
            [success, self.flipped & ~bad, self.flipped, self.attacked],
            [
                "",
                "the model did not repeat its answer",
                "what was found is not allowed",
                "nothing found within the radius",
            ],
            "had another label",
        )
        return AttackResult(
            np.where(success[:, None], final, X), success,
            np.where(success, distance, np.where(self.attacked, np.inf, np.nan)),
            self.queries, self.calls, reason, gradients=self.gradients,
        )  # fmt: skip

    def _at(self, some: Some, change: Any) -> tuple[Any, Bools | None]:
        """Return the values to ask about, and whether rules are kept: allowed ones, where not all in the ball are."""
        if not self.on_grid:
            return some.ball.rows(change), None
        before = self.X[some.rows]
        numbers = self.model.engine.numpy(change)
        rows = settle(before, numbers, self.unruled, self.radius, self.norm)
        kept = np.asarray(~self.space.violations(before, rows).any(axis=1)) if self.space.rules else None
        return self.model.engine.array(rows[:, self.free]), kept

    def _note(self, some: Some, change: Any, scores: Floats, allowed: Bools | None) -> Bools:
        self.calls += 1
        self.queries += np.bincount(some.rows, minlength=len(self.X))
        progress.step()
        with np.errstate(invalid="ignore"):
            hit = (scores.argmax(axis=1) != self.y[some.rows]) & np.isfinite(scores).all(axis=1)
        if allowed is not None:
            hit &= allowed
        if hit.any():
            places = self.model.engine.array(np.flatnonzero(hit))
            self.found[some.rows[hit]] = self.model.engine.numpy(change[places])
            self.flipped[some.rows[hit]] = True
        return self.flipped[some.rows]

    def _asked(self, rows: Rows, values: Floats) -> NDArray[Any]:
        self.calls += 1
        self.queries[rows] += 1
        self._places = rows
        labels = np.asarray(self.ask(values))
        if labels.shape != (len(rows),):
            raise InputError(
                f"the model was asked about {len(rows)} rows: expected (rows,), the classes, got shape {labels.shape}"
            )
        return labels

    def _own_labels(self, values: Floats) -> NDArray[Any]:
        at = self.model.engine.array(values[:, self.free])
        return np.asarray(self.model.scores(at, self._places).argmax(axis=1))


class Some:
    """Some rows, each once for every climb it takes part in, with their part of the ball and what the loss is taken of.

    Attributes
    ----------
    rows : array of int (m,)
        Which rows.
    ball : Ball
        The changes allowed to them.
    y : array of int (m,) or (m, 2)
        The class to get away from; beside it the one to get to, where there is a target.
    """

    def __init__(self, climb: Climb, rows: Rows, y: NDArray[np.int64]) -> None:
        self.rows, self.ball, self.y = rows, climb.ball.take(rows), y

    def keep(self, chosen: Bools, *arrays: Any) -> list[Any]:
        """Keep some of the rows, here and in arrays (m, ...) of numpy or of the engine."""
        places = np.flatnonzero(chosen)
        self.rows, self.ball, self.y = self.rows[places], self.ball.take(places), self.y[places]
        own = self.ball.engine.array(places)
        return [one[places] if isinstance(one, np.ndarray) else one[own] for one in arrays]


def _classes(y: ArrayLike, n: int, classes: int) -> NDArray[np.int64]:
    labels = reference_labels(y, n)
    if not np.issubdtype(labels.dtype, np.integer) or (n and not 0 <= labels.min() <= labels.max() < classes):
        raise InputError(
            f"y: expected the reference class as a column number of the {classes} scores, got {labels.dtype}"
        )
    return labels.astype(np.int64)
