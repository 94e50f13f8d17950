"""Torch parts: what is read off a PyTorch module, and how it is asked; torch itself is loaded by whoever holds a module."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditkit.errors import InputError, ModelError
from auditkit.methods._threads import one_thread

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = [
    "Output", "as_columns", "epsilon", "home", "is_module", "losses", "output_of", "quiet", "tensor", "weights_digest",
]  # fmt: skip

Output = Literal["logits", "probabilities", "values"]

_SMALL = 1_000_000  # parameters, below which threads cost more than they save
_RANGE, _SUM = 1e-6, 1e-3  # as in auditkit.predictors._contract


def is_module(thing: Any) -> bool:
    """Return whether something is a torch module, without loading torch: whoever holds a module has loaded it."""
    torch = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "nn") and isinstance(thing, torch.nn.Module)


def home(module: Any, kind: str) -> tuple[Any, Any]:
    """Return device and floating type of a module; CPU and torch's default type where it has no parameters.

    Raises
    ------
    InputError
        If its parameters lie on several devices, or have no values yet.
    """
    import torch

    held = [*module.parameters(), *module.buffers()]
    if any(torch.nn.parameter.is_lazy(one) for one in held):
        raise InputError(
            f"{kind} has lazy layers without weights: ask it once (module(rows)), and train it, before"
        )
    devices = sorted({str(one.device) for one in held})
    if len(devices) > 1:
        raise InputError(
            f"{kind} lies on several devices ({', '.join(devices)}): move it to one, module.to('cpu'), "
            "or give a function: from_callable(function)"
        )
    floats = [one.dtype for one in held if one.is_floating_point()]
    return torch.device(devices[0] if devices else "cpu"), floats[0] if floats else torch.get_default_dtype()


def epsilon(module: Any, kind: str) -> float:
    """Return the relative rounding of a module's floating type."""
    import torch

    return float(torch.finfo(home(module, kind)[1]).eps)


def tensor(rows: np.ndarray, module: Any, kind: str) -> Any:
    """Return rows as a tensor in the type and on the device of a module; a copy."""
    import torch

    device, dtype = home(module, kind)
    # a table turned round has negative strides, which torch refuses
    return torch.tensor(np.ascontiguousarray(rows), dtype=dtype, device=device)


_forked = False  # since torch was last told so


def _now_forked() -> None:
    global _forked  # noqa: PLW0603 - a fact about the process
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_now_forked)


def quiet(module: Any) -> AbstractContextManager[object]:
    """Return a context in which a module computes on one thread, where it is small or its process works beside others.

    Only the calling thread is limited, and only inside the context. A forked process is told for good: it would wait
    for threads of its parent that it does not have, and the matrix library keeps a number of its own.
    """
    import torch

    global _forked  # noqa: PLW0603 - a fact about the process
    if _forked:
        torch.set_num_threads(1)
        _forked = False
    large = sum(int(one.numel()) for one in module.parameters()) > _SMALL
    if large and multiprocessing.parent_process() is None:
        return nullcontext()
    torch.get_num_threads()  # a thread takes over torch's own setting at the first look, which must not be inside
    return one_thread()


def as_columns(out: Any, n: int, kind: str) -> Any:
    """Return a module's answer as a tensor of shape (n, k).

    Raises
    ------
    ModelError
        If it is no tensor of one row of numbers for each row asked.
    """
    import torch

    if not isinstance(out, torch.Tensor):
        raise ModelError(
            f"{kind} must give one tensor, and gave a {type(out).__name__}: wrap it in a module whose forward gives the "
            "scores alone"
        )
    if out.ndim not in (1, 2) or len(out) != n:
        raise ModelError(
            f"{kind} must answer {n} rows with shape ({n},) or ({n}, k); it gave {tuple(out.shape)}"
        )
    return out.reshape(n, -1)


def output_of(module: Any, scores: np.ndarray, kind: str) -> Output:
    """Return what the scores of a classifier are, where that is beyond doubt.

    Sure are the last layer of a `torch.nn.Sequential`, numbers outside 0 to 1 (logits), and at least two different rows
    of k > 1 numbers from 0 to 1 that all sum to 1 (probabilities).

    Parameters
    ----------
    module : torch.nn.Module
        Whose.
    scores : ndarray of shape (n, k)
        Some of its answers.
    kind : str
        The module in words.

    Raises
    ------
    InputError
        If it is in doubt.
    """
    import torch

    last = module
    while type(last) is torch.nn.Sequential and len(last):
        last = last[-1]
    if isinstance(last, (torch.nn.Sigmoid, torch.nn.Softmax)) and last is not module:
        return "probabilities"
    if isinstance(last, (torch.nn.Linear, torch.nn.LogSoftmax)):
        return "logits"  # log-probabilities are logits whose exponentials happen to sum to one
    known = scores[np.isfinite(scores).all(axis=1)]
    if len(known) and (known.min() < -_RANGE or known.max() > 1 + _RANGE):
        return "logits"
    sums = bool((np.abs(known.sum(axis=1) - 1) <= _SUM).all())
    if scores.shape[1] > 1 and sums and len(np.unique(known, axis=0)) > 1:
        return "probabilities"
    raise InputError(
        f"{kind} gave numbers from 0 to 1 that may be probabilities or logits: say which, "
        "from_torch(module, output='logits' | 'probabilities' | 'values')"
    )


def losses(scores: Any, y: Any, output: Output) -> Any:
    """Return the loss of each row, a tensor of shape (n,): cross-entropy, or the squared error of values.

    Parameters
    ----------
    scores : tensor of shape (n, k)
        What the module gave. One column of logits or probabilities is about the second of two classes.
    y : tensor of shape (n,)
        Class indices (integers), or values.
    output : {"logits", "probabilities", "values"}
        What the scores are. A probability of 0 counts as the smallest number above it.
    """
    import torch

    if output == "values":
        return (scores[:, 0] - y) ** 2
    if scores.shape[1] == 1:
        other = 1 - scores if output == "probabilities" else torch.zeros_like(scores)
        scores = torch.cat([other, scores], dim=1)
    if output == "logits":
        return torch.nn.functional.cross_entropy(scores, y, reduction="none")
    own = scores.gather(1, y[:, None])[:, 0]
    return -torch.log(own.clamp_min(torch.finfo(own.dtype).tiny))


def weights_digest(module: Any) -> str:
    """Return the sha256 of the state dict; empty where a part of it has no bytes.

    For each entry in order: its name, type and shape as ``name|torch.float32|(2, 3)``, then its bytes.
    """
    import torch

    sha = hashlib.sha256()
    try:
        for name, value in module.state_dict().items():
            if isinstance(value, torch.Tensor):
                sha.update(f"{name}|{value.dtype}|{tuple(value.shape)}".encode())
                flat = value.detach().cpu().contiguous().reshape(-1)
                sha.update(flat.view(torch.uint8).numpy().tobytes())
            else:
                sha.update(f"{name}|".encode() + pickle.dumps(value, protocol=5))
    except Exception:  # noqa: BLE001 - sparse and quantised tensors, and states of a module's own, refuse in many ways
        return ""
    return sha.hexdigest()
