"""Weights: the arrays in a file of plain tensors, for a module that its owner has as code."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from auditkit.errors import InputError, needs
from auditkit.loading.tables import find_file
from auditkit.reading import LARGEST_MODEL, read_bounded
from auditkit.scanning.artifacts import scan_artifact

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

__all__ = ["load_weights"]


def load_weights(path: str | Path) -> dict[str, np.ndarray]:
    """Load the weights in a safetensors file, or in a PyTorch file that asks for no more than weights need.

    Parameters
    ----------
    path : path
        Told apart by content. A PyTorch file is opened with ``weights_only=True``.

    Returns
    -------
    dict of str to ndarray
        The tensors by name; of a PyTorch file those at the top of its state dict.

    Raises
    ------
    InputError
        If the file is refused, or holds anything but weights.

    Examples
    --------
    >>> load_weights("missing.safetensors")
    Traceback (most recent call last):
    auditkit.errors.InputError: no weights file missing.safetensors.
    """
    file = find_file(path, "weights")
    data = read_bounded(file, LARGEST_MODEL, "weights file")
    scan = scan_artifact(data)
    if scan.troubles:
        raise InputError(f"{file}: refused: {'; '.join(str(one) for one in scan.troubles[:5])}")
    if scan.kind == "safetensors":
        return _safetensors(file, data)
    if scan.kind == "PyTorch weights":
        return _torch(file, data)
    raise InputError(f"{file}: {scan.kind} is no file of weights; load_model opens a model")


def _safetensors(file: Path, data: bytes) -> dict[str, np.ndarray]:
    try:
        from safetensors.numpy import load
    except ImportError:
        raise needs("safetensors", "safetensors", "a safetensors file") from None
    try:
        return dict(load(data))
    except Exception as error:
        raise InputError(f"{file}: the tensors cannot be read: {type(error).__name__}: {error}") from error


def _torch(file: Path, data: bytes) -> dict[str, np.ndarray]:
    try:
        import torch
    except ImportError:
        raise needs("torch", "torch", "a PyTorch file") from None
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"{file}: refused: torch, held to weights, cannot read it: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(one, torch.Tensor) for one in state.values()):
        raise InputError(f"{file}: expected a state dict, tensors by name; save module.state_dict()")
    return {str(name): tensor.detach().numpy() for name, tensor in state.items()}
