"""Distillation: a student learns from a teacher's probabilities, softened by a temperature, instead of from labels.

A student trained at a temperature T learns the teacher's logits divided by T, as far as it can. It is read at temperature 1: what it gives is
sharpened by T (learners that are trained on weighted copies), or its loss divides its logits by T while it is trained (networks).
"""

from __future__ import annotations

import io
import pickle
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import progress
from auditkit.errors import InputError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["LEAST", "SoftTraining", "alternated", "soft_copies", "softened", "stored_bytes"]

LEAST = 1e-6
"""A probability of 0 counts as this much: a tree's 0 is no certainty, and has no logarithm."""

_NOTHING = 1e-9  # a copy of less weight teaches nothing and costs its time


def softened(proba: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Return class probabilities at another temperature: the softmax of their logarithms divided by it.

    Logarithms of probabilities differ from the logits they came from by a constant of the row, which the softmax takes away. So this is what
    dividing the logits gives.

    Parameters
    ----------
    proba : array_like of shape (n, k)
        Class probabilities; below `LEAST` they count as `LEAST`.
    temperature : float
        Above 1 softens, below 1 sharpens.

    Returns
    -------
    ndarray of shape (n, k)
        Rows sum to 1.

    Raises
    ------
    InputError
        If the temperature is not above 0, or the table is none.

    References
    ----------
    Hinton, Vinyals & Dean 2015, "Distilling the knowledge in a neural network", arXiv 1503.02531, section 2.

    Examples
    --------
    >>> softened([[0.9, 0.1]], 2.0).round(3).tolist()  # odds of 9 become odds of 3
    [[0.75, 0.25]]
    """
    table = np.asarray(proba, dtype=float)
    if table.ndim != 2 or not table.shape[1]:
        raise InputError(
            f"expected class probabilities of shape (rows, classes), got {table.shape}; labels have none to soften"
        )
    if not 0 < temperature < float("inf"):
        raise InputError(f"a temperature lies above 0, got {temperature!r}; 1 changes nothing")
    logs = np.log(np.clip(table, LEAST, None)) / temperature
    raised = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def soft_copies(
    targets: ArrayLike,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return rows, classes and weights by which any learner that takes weights is trained on probabilities.

    Every row comes once with each class, weighted by its probability: the weighted log loss of these is the cross-entropy with the target.

    Parameters
    ----------
    targets : array_like of shape (n, k)
        What is to be learnt; rows sum to 1.

    Returns
    -------
    rows, classes : ndarray of int, shape (m,)
        Which row, and the class it is given; the copies of a class stand together.
    weights : ndarray of shape (m,)
        All above 0.

    Examples
    --------
    >>> rows, classes, weights = soft_copies([[0.75, 0.25], [0.0, 1.0]])
    >>> rows.tolist(), classes.tolist(), weights.tolist()
    ([0, 0, 1], [0, 1, 1], [0.75, 0.25, 1.0])
    """
    table = np.asarray(targets, dtype=float)
    if table.ndim != 2 or not np.allclose(table.sum(axis=1), 1.0) or (table < 0).any():
        raise InputError(f"expected one probability a class, rows that sum to 1; got shape {table.shape}")
    classes, rows = np.nonzero(table.T > _NOTHING)
    return rows, classes, table[rows, classes]


@dataclass(frozen=True, eq=False)
class SoftTraining:
    """How a network is taught: Adam on the cross-entropy with softened targets, its own logits divided by the same temperature.

    The loss is multiplied by the temperature squared, so that its slopes are of one size whatever the temperature (Hinton et al. 2015, section
    2). Called as ``train(module, X, y, seed)`` it trains in place; `y` is not looked at.

    Attributes
    ----------
    targets : ndarray of shape (n, k)
        Probabilities to learn, softened already, of the rows in their order.
    temperature : float
        By which they were softened.
    logits : bool
        Whether the module gives logits, or probabilities.
    epochs, batch_rows, learning_rate, weight_decay
        As of `auditkit.predictors.torch.Training`.

    Raises
    ------
    ModelError
        If the loss is no longer a number.
    """

    targets: NDArray[np.float64]
    temperature: float
    logits: bool = True
    epochs: int = 100
    batch_rows: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.0

    def __call__(self, module: Any, X: Any, y: Any, seed: int) -> None:  # noqa: ARG002 - how a module is trained
        """Train a module in place, drawing from torch's generator as it stands."""
        import torch

        targets = torch.tensor(self.targets, dtype=X.dtype, device=X.device)
        weights = [one for one in module.parameters() if one.requires_grad]
        optimiser = torch.optim.Adam(weights, lr=self.learning_rate, weight_decay=self.weight_decay)
        for epoch in range(self.epochs):
            for rows in torch.randperm(len(X)).tensor_split(-(-len(X) // self.batch_rows)):
                at = rows.to(X.device)
                optimiser.zero_grad()
                loss = self._loss(module(X[at]).reshape(len(at), -1), targets[at])
                loss.backward()
                optimiser.step()
            if not torch.isfinite(loss):
                raise ModelError(f"the student's loss was {loss.item()} after epoch {epoch + 1}")
            progress.step()

    def _loss(self, scores: Any, targets: Any) -> Any:
        import torch

        if scores.shape[1] == 1:
            other = torch.zeros_like(scores) if self.logits else 1 - scores
            scores = torch.cat([other, scores], dim=1)
        logits = scores if self.logits else torch.log(scores.clamp_min(LEAST))
        soft = torch.nn.functional.log_softmax(logits / self.temperature, dim=1)
        return -(targets * soft).sum(dim=1).mean() * self.temperature**2


def stored_bytes(model: Any) -> int:
    """Return how many bytes a fitted model takes when it is stored: its pickle, or the weights of a PyTorch module.

    Compares models of one library under one version. A pickle also holds names and settings, so small models look larger than their numbers.

    Raises
    ------
    InputError
        If it cannot be stored.

    Examples
    --------
    >>> stored_bytes(np.zeros(1000)) > 8000
    True
    """
    if callable(getattr(model, "state_dict", None)):
        return sum(int(one.numel()) * int(one.element_size()) for one in model.state_dict().values())
    try:
        written = io.BytesIO()
        _Pickler(written, protocol=5).dump(pickle.loads(pickle.dumps(model, protocol=5)))  # noqa: S301 - written here
        return written.tell()
    except Exception as error:
        raise InputError(
            f"a {type(model).__name__} cannot be stored, so its bytes cannot be counted: {type(error).__name__}: {error}"
        ) from error


class _Pickler(pickle.Pickler):
    """Writes equal words once. Else a model just trained and its copy differ in size by which of their words are one object."""

    def __init__(self, file: io.BytesIO, protocol: int) -> None:
        super().__init__(file, protocol=protocol)
        self._words: dict[str, str] = {}

    def persistent_id(self, obj: Any) -> str | None:
        """Return the first word equal to this one, which stands for it."""
        return self._words.setdefault(obj, obj) if type(obj) is str else None


def alternated(first: Callable[[], Any], second: Callable[[], Any], *, rounds: int) -> NDArray[np.float64]:
    """Time two calls in turns, each round in the other order, so that what slows the machine for a while slows both.

    Parameters
    ----------
    first, second : callable
        What is timed. Each is called once before, untimed.
    rounds : int
        How often each is timed.

    Returns
    -------
    ndarray of shape (rounds, 2)
        Seconds of the first and the second.
    """
    calls = (first, second)
    for call in calls:
        call()
    spent = np.zeros((rounds, 2))
    for at in range(rounds):
        for which in (0, 1) if at % 2 == 0 else (1, 0):
            start = time.perf_counter()
            calls[which]()
            spent[at, which] = time.perf_counter() - start
        progress.step()
    return spent
