"""Private training: networks trained by gradients that are clipped row by row and noised, so that no row counts for much."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError, NotApplicable
from auditkit.methods._threads import one_at_a_time

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Network", "train_privately"]

_ACTIVATIONS = {"relu": "ReLU", "tanh": "Tanh", "logistic": "Sigmoid", "identity": "Identity"}


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network as arrays; it answers without torch.

    Attributes
    ----------
    weights, biases : tuple of numpy.ndarray
        Of each layer, shapes (inputs, outputs) and (outputs,).
    activation : str
        Between layers.
    epsilon, delta : float
        What the accountant says was spent.
    """

    weights: tuple[NDArray[np.float64], ...]
    biases: tuple[NDArray[np.float64], ...]
    activation: str
    epsilon: float
    delta: float

    def proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return class probabilities of rows of numbers, shape (n, k)."""
        rows = np.asarray(X, dtype=np.float64)
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            rows = rows @ weight + bias
            if place + 1 < len(self.weights):
                rows = _activated(rows, self.activation)
        rows = np.exp(rows - rows.max(axis=1, keepdims=True))
        return np.asarray(rows / rows.sum(axis=1, keepdims=True))


def train_privately(
    X: ArrayLike,
    y_index: ArrayLike,
    n_classes: int,
    *,
    hidden: tuple[int, ...] = (),
    activation: str = "relu",
    epsilon: float,
    delta: float,
    epochs: int = 10,
    clip: float = 1.0,
    seed: int = 0,
) -> Network:
    """Train a network by differentially private stochastic gradient descent, with Opacus.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Rows of numbers, best of spread near 1; whatever scaled them is not private by this.
    y_index : array_like of int, shape (n,)
        Class of each row.
    n_classes : int
        Classes.
    hidden : tuple of int
        Units of each hidden layer.
    activation : {"relu", "tanh", "logistic", "identity"}
        Between layers.
    epsilon, delta : float
        Budget; the noise is chosen so that the accountant stays within it.
    epochs : int
        Passes over the rows, in Poisson-sampled batches of the square root of n times 4, at most n.
    clip : float
        Norm to which each row's gradient is cut.
    seed : int
        Of weights, batches and noise. The noise is of an ordinary generator: good to measure with, not to release a model.

    Returns
    -------
    Network

    Raises
    ------
    NotApplicable
        If Opacus or torch is missing; the message says what to type.
    InputError
        On another activation or an impossible budget.

    References
    ----------
    Abadi et al. 2016, "Deep learning with differential privacy", CCS; Yousefpour et al. 2021, "Opacus: user-friendly
    differential privacy library in PyTorch", arXiv 2109.12298.
    """
    if activation not in _ACTIVATIONS or not epsilon > 0 or not 0 < delta < 1:
        raise InputError(
            f"expected an activation of {', '.join(_ACTIVATIONS)}, epsilon above 0 and delta between 0 and 1; "
            f"got {activation!r}, {epsilon!r}, {delta!r}"
        )
    if importlib.util.find_spec("opacus") is None or importlib.util.find_spec("torch") is None:
        raise NotApplicable("private training needs opacus: pip install opacus")
    import torch

    rows = torch.as_tensor(np.asarray(X, dtype=np.float32))
    labels = torch.as_tensor(np.asarray(y_index, dtype=np.int64))
    threads = torch.get_num_threads()
    with one_at_a_time(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of hooks and of noise from an ordinary generator; said above
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            return _trained(rows, labels, n_classes, hidden, activation, epsilon, delta, epochs, clip, seed)
        finally:
            torch.set_num_threads(threads)


def _trained(
    rows: Any,
    labels: Any,
    n_classes: int,
    hidden: tuple[int, ...],
    activation: str,
    epsilon: float,
    delta: float,
    epochs: int,
    clip: float,
    seed: int,
) -> Network:
    import torch
    from opacus import PrivacyEngine
    from torch.utils.data import DataLoader, TensorDataset

    sizes = [rows.shape[1], *hidden, n_classes]
    layers: list[Any] = []
    for place, (before, after) in enumerate(itertools.pairwise(sizes)):
        layers += [torch.nn.Linear(before, after)]
        layers += [getattr(torch.nn, _ACTIVATIONS[activation])()] * (place + 2 < len(sizes))
    network = torch.nn.Sequential(*layers)
    draw = torch.Generator().manual_seed(seed)
    batch = max(1, min(len(rows), round(4 * len(rows) ** 0.5)))
    batches = DataLoader(TensorDataset(rows, labels), batch_size=batch, generator=draw)
    engine = PrivacyEngine()
    private, optimiser, loader = engine.make_private(
        module=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.5),
        data_loader=batches,
        noise_multiplier=_noise(engine.accountant.mechanism(), epsilon, delta, 1 / len(batches), epochs),
        max_grad_norm=clip,
        noise_generator=torch.Generator().manual_seed(seed + 1),
    )
    for _ in range(epochs):
        for some, theirs in loader:
            optimiser.zero_grad()
            loss: Any = torch.nn.functional.cross_entropy(private(some), theirs)
            loss.backward()
            optimiser.step()
    linear = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    return Network(
        tuple(layer.weight.detach().numpy().T.astype(np.float64) for layer in linear),
        tuple(layer.bias.detach().numpy().astype(np.float64) for layer in linear),
        activation,
        _spent(engine.accountant.mechanism(), tuple(engine.accountant.history), delta),
        delta,
    )


# the accountant takes longer than the training of a small network, and reference models all ask it the same
@functools.lru_cache(maxsize=256)
def _noise(mechanism: str, epsilon: float, delta: float, rate: float, epochs: int) -> float:
    """Return how many times `clip` the noise must be, so that a training stays within its budget."""
    from opacus.accountants.utils import get_noise_multiplier

    return float(
        get_noise_multiplier(
            target_epsilon=epsilon, target_delta=delta, sample_rate=rate, epochs=epochs, accountant=mechanism
        )
    )


@functools.lru_cache(maxsize=256)
def _spent(mechanism: str, history: tuple[tuple[float, float, int], ...], delta: float) -> float:
    """Return the epsilon of steps of (noise, sampling rate, how many)."""
    from opacus.accountants import create_accountant

    accountant = create_accountant(mechanism=mechanism)
    accountant.history = list(history)
    return float(accountant.get_epsilon(delta))


def _activated(rows: NDArray[np.float64], activation: str) -> NDArray[np.float64]:
    if activation == "relu":
        return np.maximum(rows, 0.0)
    if activation == "tanh":
        return np.asarray(np.tanh(rows))
    return np.asarray(1 / (1 + np.exp(-rows))) if activation == "logistic" else rows
