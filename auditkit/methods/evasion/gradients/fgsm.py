"""FGSM: one step along the sign of the slope, the fast gradient method."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.methods.evasion.gradients.pgd import pgd

if TYPE_CHECKING:
    from auditkit.methods.evasion.gradients.differentiable import Differentiable, LossName
    from auditkit.methods.evasion.result import AttackResult
    from auditkit.methods.feature_space import FeatureSpace, Norm

__all__ = ["fgsm"]

AskLabels = Callable[[NDArray[np.float64]], NDArray[Any]]


def fgsm(
    model: Differentiable,
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    radius: float,
    *,
    norm: Norm = "linf",
    loss: LossName = "ce",
    ask_labels: AskLabels | None = None,
) -> AttackResult:
    """Take one step as long as the radius along the steepest ascent of the loss (Goodfellow et al. 2015, arXiv 1412.6572).

    Parameters
    ----------
    model, X, y, space, radius, ask_labels
        As in `pgd`.
    norm : {"linf", "l2", "l1"}
        The norm of the step; "linf" is the fast gradient sign method.
    loss : {"ce", "margin", "dlr"}
        What is climbed.

    Returns
    -------
    AttackResult
        With one gradient a row.

    Raises
    ------
    InputError
        If shapes or options do not fit.
    """
    return pgd(
        model, X, y, space, radius, rng=np.random.default_rng(0), norm=norm, steps=1, step_size=radius,
        random_start=False, loss=loss, ask_labels=ask_labels,
    )  # fmt: skip
