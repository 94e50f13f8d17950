"""APGD: projected steps with momentum whose length halves where the loss no longer grows; no step size to choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError
from auditkit.methods.evasion.gradients.climb import Climb

if TYPE_CHECKING:
    from auditkit.methods.evasion.gradients.climb import Some
    from auditkit.methods.evasion.gradients.differentiable import Differentiable, LossName
    from auditkit.methods.evasion.result import AttackResult
    from auditkit.methods.feature_space import FeatureSpace, Norm

__all__ = ["apgd", "checkpoints"]

Floats = NDArray[np.float64]
AskLabels = Callable[[Floats], NDArray[Any]]

MOMENTUM = 0.75
RISES = 0.75  # share of a window's steps that must raise the loss
FIRST, SHORTER, LEAST = 0.22, 0.03, 0.06  # windows between checkpoints, as shares of all steps


def apgd(
    model: Differentiable,
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    radius: float,
    *,
    rng: np.random.Generator,
    norm: Norm = "linf",
    steps: int = 100,
    restarts: int = 1,
    loss: LossName = "ce",
    targets: int = 9,
    ask_labels: AskLabels | None = None,
) -> AttackResult:
    """Climb the loss with momentum and a step that is halved at checkpoints (Croce and Hein 2020, arXiv 2003.01690).

    The step begins at two radii. At a checkpoint it is halved, and the climb goes on from the best point, where fewer than three in
    four steps since the last checkpoint raised the loss, or where neither the step was halved then nor the best loss grew since.
    After the first climb, those of the other targets and starts are made side by side, in one batch of the rows that still stand.

    Parameters
    ----------
    model, X, y, space, radius, rng, steps, restarts, ask_labels
        As in `pgd`.
    norm : {"linf", "l2"}
        The norm of the change.
    loss : {"ce", "margin", "dlr", "targeted"}
        What is climbed. "targeted" climbs the targeted difference of logits ratio towards one other class a climb, the one with
        the largest score first.
    targets : int
        Other classes tried at most by "targeted".

    Returns
    -------
    AttackResult
        ``gradients`` counts the slopes taken a row, one more than ``steps`` in each climb.

    Raises
    ------
    InputError
        If shapes or options do not fit.
    """
    if steps < 2 or restarts < 1 or targets < 1 or norm not in ("linf", "l2"):
        raise InputError(
            f"expected steps >= 2, restarts >= 1, targets >= 1 and norm 'linf' or 'l2', got {steps}, {restarts}, {targets} "
            f"and {norm!r}"
        )
    with model.running():
        climb = Climb(model, X, y, space, radius, norm, ask_labels)
        aims = _aims(climb, targets) if loss == "targeted" else [None]
        for some in climb.waves([aim for aim in aims for _ in range(restarts)]):
            _ascend(climb, some, some.ball.drawn(rng), steps, loss)
        return climb.result()


def checkpoints(steps: int) -> list[int]:
    """Return after which steps the length is looked at.

    Examples
    --------
    >>> checkpoints(100)
    [22, 41, 57, 70, 80, 87, 93, 99]
    """
    shares = [0.0, FIRST]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - SHORTER, LEAST))
    found = (int(np.ceil(round(share * steps, 9))) for share in shares[1:])
    return sorted({one for one in found if 0 < one <= steps})


def _aims(climb: Climb, most: int) -> list[NDArray[np.int64] | None]:
    """Return for each climb the target of every row, (n,): the other classes, largest score first."""
    n = len(climb.X)
    if not n:
        return []
    scores = climb.model.scores(climb.ball.start, np.arange(n)).copy()
    climb.calls += 1
    climb.queries += 1
    scores[np.arange(n), climb.y] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")
    return [order[:, j] for j in range(min(most, climb.model.classes - 1))]


class _Path:
    """Where each row is, was, and was best; and how long its step is."""

    def __init__(self, change: Any, value: Floats, slope: Any, length: float) -> None:
        self.now, self.before, self.best = change, change, change
        self.slope, self.best_slope = slope, slope
        self.value, self.best_value = value, value
        self.length = np.full(len(value), length)
        self.rises = np.zeros(len(value), dtype=np.int64)
        self.last_length, self.last_best = self.length, value

    def keep(self, some: Some, chosen: NDArray[np.bool_]) -> None:
        """Keep some of the rows."""
        names = list(vars(self))
        for name, value in zip(names, some.keep(chosen, *vars(self).values()), strict=True):
            setattr(self, name, value)

    def step(self, some: Some, *, first: bool) -> None:
        """Move one step, drawn on by the step before."""
        ball = some.ball
        length = ball.engine.array(self.length)[:, None]
        along = ball.project(self.now + length * ball.steepest(self.slope, self.now))
        if first:
            self.before, self.now = self.now, along
            return
        drawn = self.now + MOMENTUM * (along - self.now) + (1 - MOMENTUM) * (self.now - self.before)
        self.before, self.now = self.now, ball.project(drawn)

    def arrive(self, some: Some, value: Floats, slope: Any) -> None:
        """Take note of the loss and the slope at the new point."""
        engine = some.ball.engine
        self.rises = self.rises + (value > self.value)
        better = value > self.best_value
        chosen = engine.array(better)[:, None]
        self.best = engine.where(chosen, self.now, self.best)
        self.best_slope = engine.where(chosen, slope, self.best_slope)
        self.best_value = np.where(better, value, self.best_value)
        self.value, self.slope = value, slope

    def check(self, some: Some, window: int) -> None:
        """Halve the step of rows whose loss no longer grows, and put them back to their best point."""
        engine = some.ball.engine
        resting = (self.length == self.last_length) & (self.best_value <= self.last_best)
        halve = (self.rises < RISES * window) | resting
        self.last_length, self.last_best = self.length, self.best_value
        self.length = np.where(halve, self.length / 2, self.length)
        chosen = engine.array(halve)[:, None]
        self.now = engine.where(chosen, self.best, self.now)
        self.slope = engine.where(chosen, self.best_slope, self.slope)
        self.value = np.where(halve, self.best_value, self.value)
        self.rises = np.zeros_like(self.rises)


def _ascend(climb: Climb, some: Some, change: Any, steps: int, loss: str) -> None:
    value, slope, hit = climb.pull(some, change, loss)
    path = _Path(change, value, slope, 2 * climb.radius)
    looks, last = checkpoints(steps), 0
    for step in range(1, steps + 1):
        if hit.any():
            path.keep(some, ~hit)
            if not len(some.rows):
                return
        path.step(some, first=step == 1)
        value, slope, hit = climb.pull(some, path.now, loss)
        path.arrive(some, value, slope)
        if step in looks:
            path.check(some, step - last)
            last = step
