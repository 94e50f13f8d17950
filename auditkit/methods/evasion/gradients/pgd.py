"""PGD: steps along the slope of the loss, each projected into what is allowed, from several starts."""

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

__all__ = ["pgd"]

AskLabels = Callable[[NDArray[np.float64]], NDArray[Any]]
REACH = 2.5  # all steps together, in radii: enough to cross the ball (Madry et al. 2018)


def pgd(
    model: Differentiable,
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    radius: float,
    *,
    rng: np.random.Generator,
    norm: Norm = "linf",
    steps: int = 40,
    restarts: int = 1,
    step_size: float | None = None,
    random_start: bool = True,
    loss: LossName = "ce",
    stop_early: bool = True,
    ask_labels: AskLabels | None = None,
) -> AttackResult:
    """Climb the loss by projected steps from several starts (Madry et al. 2018, arXiv 1706.06083).

    Numbers move; categories stay. Columns on a grid move freely inside, and the model is asked, for answers and for slopes, at the nearest
    allowed row within the radius. An iterate that breaks a rule is no success. A step in "l1" moves the hundredth of the
    columns with the steepest slopes, at least one (Tramer and Boneh 2019, arXiv 1904.13000).

    Parameters
    ----------
    model : Differentiable
        The model around ``X``, as a function of the columns that `free_columns` gives.
    X : array (n, d)
        Rows to attack; categories as codes, missing as nan, which stays.
    y : array of int (n,)
        The reference class of each row, as a column of the scores. Rows that have another label already are not
        attacked, see `decision_search`.
    space : FeatureSpace
        What may change.
    radius : float
        Largest change, in standardised units.
    rng : numpy.random.Generator
        Source of the starts.
    norm : {"linf", "l2", "l1"}
        The norm of the change.
    steps : int
        Gradients of a row in one climb.
    restarts : int
        Climbs of a row that the first has not flipped; those after the first are made side by side.
    step_size : float, optional
        Length of a step, in standardised units; 2.5 radii over ``steps`` when left out.
    random_start : bool
        Start at a random change; the first climb starts at the row itself otherwise.
    loss : {"ce", "margin", "dlr"}
        What is climbed.
    stop_early : bool
        Leave a row alone once it is flipped.
    ask_labels : callable, optional
        Takes rows (m, d), gives classes (m,); asked about the first and the final rows. The differentiable model itself
        when left out.

    Returns
    -------
    AttackResult
        ``gradients`` counts the slopes taken a row, ``queries`` every row asked about.

    Raises
    ------
    InputError
        If shapes or options do not fit.
    """
    if steps < 1 or restarts < 1 or (step_size is not None and not step_size > 0) or loss == "targeted":
        raise InputError(
            f"expected steps >= 1, restarts >= 1, step_size > 0 and a loss without a target, got {steps}, {restarts}, "
            f"{step_size} and {loss!r}"
        )
    with model.running():
        climb = Climb(model, X, y, space, radius, norm, ask_labels)
        length = step_size or REACH * radius / steps
        for turn, some in enumerate(climb.waves([None] * restarts)):
            begin = some.ball.drawn(rng) if random_start or turn else some.ball.zeros()
            _ascend(climb, some, begin, steps, length, loss, stop_early=stop_early)
        return climb.result()


def _ascend(
    climb: Climb, some: Some, change: Any, steps: int, length: float, loss: str, *, stop_early: bool
) -> None:
    for _ in range(steps):
        _, slope, hit = climb.pull(some, change, loss)
        if stop_early and hit.any():
            change, slope = some.keep(~hit, change, slope)
            if not len(some.rows):
                return
        change = some.ball.project(change + length * some.ball.steepest(slope, change))
    climb.look(some, change)
