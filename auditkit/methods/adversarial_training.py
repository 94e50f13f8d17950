"""Adversarial training: a network that learns each batch from the worst allowed change of its rows that a few steps find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditkit import progress
from auditkit.errors import InputError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["AdversarialTraining", "worst_step"]

Ball = Literal["l2", "linf"]


@dataclass(frozen=True, eq=False)
class AdversarialTraining:
    """Adam on the loss of rows that were moved against the model first: ``train`` of `auditkit.predictors.from_torch`.

    The saddle point of Madry et al. 2018 (arXiv 1706.06083): in each batch some projected gradient steps raise the loss within
    the ball, from a random start, and the weights learn from where they end. It learns about this ball and this attack, not
    about others.

    Parameters
    ----------
    reach : ndarray of float, shape (d,)
        How far each number the module takes may move; 0 for what cannot. In ``l2`` the half axes of an ellipsoid.
    low, high : ndarray of float, shape (d,)
        Range of the numbers after a change.
    losses : callable
        Takes what the module gave, (m, k), and targets, (m,); gives the loss of each row.
    norm : {"l2", "linf"}
        Whether each number, or all together, stay within their reach.
    steps : int
        Inner steps, each of 2.5 / steps of the reach.
    epochs, batch_rows, learning_rate, weight_decay
        As in `auditkit.predictors.Training`.

    Raises
    ------
    InputError
        If the parts do not fit together.
    """

    reach: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    losses: Callable[[Any, Any], Any]
    norm: Ball = "linf"
    steps: int = 5
    epochs: int = 100
    batch_rows: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if not (len(self.reach) == len(self.low) == len(self.high)) or (np.asarray(self.reach) < 0).any():
            raise InputError("expected reach of at least 0, low and high for each number the module takes")
        if self.norm not in ("l2", "linf") or self.steps < 1:
            raise InputError(
                f"expected norm 'l2' or 'linf' and steps >= 1, got {self.norm!r} and {self.steps}"
            )

    def __call__(self, module: Any, X: Any, y: Any, seed: int) -> Any:  # noqa: ARG002 - torch's generator is seeded
        """Train a module of fresh weights in place, drawing from torch's generator as it stands."""
        import torch

        weights = [one for one in module.parameters() if one.requires_grad]
        optimiser = torch.optim.Adam(weights, lr=self.learning_rate, weight_decay=self.weight_decay)
        for epoch in range(self.epochs):
            for rows in torch.randperm(len(X)).tensor_split(-(-len(X) // self.batch_rows)):
                at = rows.to(X.device)
                moved = self.moved(module, X[at], y[at])
                optimiser.zero_grad()
                loss = self._loss(module, moved, y[at]).mean()
                loss.backward()
                optimiser.step()
            if not torch.isfinite(loss):
                raise ModelError(
                    f"the loss was {loss.item()} after epoch {epoch + 1}: give a smaller learning_rate"
                )
            progress.step()
        return module

    def moved(self, module: Any, X: Any, y: Any) -> Any:
        """Return the rows (m, ...) where the inner steps leave them; the module is asked as in evaluation."""
        import torch

        reach, low, high = (
            torch.as_tensor(np.asarray(part, dtype=float), dtype=X.dtype, device=X.device)
            for part in (self.reach, self.low, self.high)
        )
        flat = X.reshape(len(X), -1)
        low, high = (
            torch.minimum(low, flat),
            torch.maximum(high, flat),
        )  # a row out of range is not pulled into it
        training = module.training
        module.eval()  # statistics of the batch are for rows as they are
        u = torch.rand_like(flat) * 2 - 1
        if self.norm == "l2":
            u = worst_step(u, "l2", size=torch.rand_like(flat[:, :1]))
        for _ in range(self.steps):
            u = u.detach().requires_grad_()
            loss = self._loss(module, torch.clamp(flat + u * reach, low, high).reshape(X.shape), y)
            slope = torch.autograd.grad(loss.sum(), u)[0]
            u = within(u + worst_step(slope, self.norm, size=2.5 / self.steps), self.norm)
        module.train(training)
        return torch.clamp(flat + u.detach() * reach, low, high).reshape(X.shape)

    def _loss(self, module: Any, X: Any, y: Any) -> Any:
        return self.losses(module(X).reshape(len(X), -1), y)


def worst_step(slope: Any, norm: Ball, *, size: Any) -> Any:
    """Return the step of a size in the unit ball along which a loss rises most, a tensor (m, d)."""
    if norm == "linf":
        return slope.sign() * size
    return slope / slope.norm(dim=1, keepdim=True).clamp_min(1e-12) * size


def within(u: Any, norm: Ball) -> Any:
    """Return the nearest points of the unit ball, a tensor (m, d)."""
    if norm == "linf":
        return u.clamp(-1, 1)
    return u / u.norm(dim=1, keepdim=True).clamp_min(1.0)
