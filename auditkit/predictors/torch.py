"""Torch: a PyTorch module becomes a predictor."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, needs
from auditkit.predictors._torch_parts import Output, home, is_module, weights_digest
from auditkit.predictors._torch_predictor import TorchPredictor
from auditkit.predictors._torch_training import Training
from auditkit.predictors.sklearn import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["TorchPredictor", "Training", "from_torch"]


def from_torch(
    module: Any,
    *,
    classes: Any = None,
    output: Output | None = None,
    columns: Sequence[str] | None = None,
    prepare: Any = None,
    shape: Sequence[int] | None = None,
    train: Callable[[Any, Any, Any, int], Any] | Training | None = None,
    build: Callable[[], Any] | None = None,
    batch_rows: int = 4096,
) -> TorchPredictor:
    """Return the predictor of a PyTorch module.

    The module is copied, and the copy put in evaluation mode: what is done to the original later changes nothing here.

    Parameters
    ----------
    module : torch.nn.Module
        Trained. Takes floats of shape (n, d), or ``(n, *shape)``; gives (n,), (n, 1) or (n, k).
    classes : sequence of k labels, optional
        In the order of the columns it gives; one column is about the second of two. Left out: the sorted labels of the data.
    output : {"logits", "probabilities", "values"}, optional
        What it gives; values are a regression, log-probabilities are logits. Left out: found out, or asked for in doubt.
    columns : sequence of str, optional
        The columns in the order in which the module takes them. Left out: as they come.
    prepare : transformer or callable, optional
        Makes floats of the rows before the module: a fitted scikit-learn transformer, or a function of a DataFrame.
    shape : sequence of int, optional
        One input, such as (1, 8, 8) for rows of 64 pixels.
    train : callable or Training, optional
        How `refit` trains: ``train(module, X, y, seed)`` with a module of fresh weights in training mode, rows and class
        indices (or values) as tensors; it trains in place or returns a module. Left out: ``Training()``.
    build : callable, optional
        ``build()`` gives an untrained module of the same architecture for `refit`. Left out: a copy whose trainable layers
        draw their weights by ``reset_parameters``.
    batch_rows : int
        Most rows that pass the module at once.

    Raises
    ------
    InputError
        If torch is not installed, or an argument cannot be used.

    Examples
    --------
    >>> import pandas as pd, torch
    >>> model = from_torch(torch.nn.Linear(1, 1), classes=["refused", "granted"], output="logits")
    >>> model.predict_proba(pd.DataFrame({"income": [10.0, 90.0]})).shape
    (2, 2)
    """
    _check_module(module)
    _check_functions(prepare, train, build)
    if isinstance(batch_rows, bool) or not isinstance(batch_rows, int) or batch_rows < 1:
        raise InputError(f"batch_rows must be a whole number of at least 1, got {batch_rows!r}")
    known, own = _classes(classes, output), _own(module)
    return TorchPredictor(
        own, known, output, _columns(columns), prepare, _shape(shape), Training() if train is None else train, build,
        batch_rows, digest=weights_digest(own),
    )  # fmt: skip


def _classes(classes: Any, output: Any) -> Any:
    """Return the labels that were named, shape (k,), held against what the module gives; else None."""
    if output not in (None, "logits", "probabilities", "values"):
        raise InputError(f"output must be 'logits', 'probabilities' or 'values', got {output!r}")
    if classes is None:
        return None
    known = plain(list(classes))
    if len(known) < 2 or len(set(known.tolist())) != len(known):
        raise InputError(
            f"classes must be at least two labels that differ from each other, got {known.tolist()}"
        )
    if output == "values":
        raise InputError("output='values' is a regression and has no classes: leave one of them out")
    return known


def _check_functions(prepare: Any, train: Any, build: Any) -> None:
    if prepare is not None and not callable(getattr(prepare, "transform", prepare)):
        raise InputError(
            f"prepare must be a fitted transformer or a function of rows, got {type(prepare).__name__}"
        )
    if train is not None and not (isinstance(train, Training) or callable(train)):
        raise InputError(
            f"train must be train(module, X, y, seed) or Training(epochs=...), got {type(train).__name__}"
        )
    if build is not None and (is_module(build) or not callable(build)):
        raise InputError(
            f"build must be a function without arguments that gives an untrained module, got {type(build).__name__}"
        )


def _check_module(module: Any) -> None:
    try:
        import torch
    except ImportError:
        raise needs("torch", "torch", "a PyTorch module") from None
    if isinstance(module, type) and issubclass(module, torch.nn.Module):
        raise InputError(
            f"got the class {module.__name__}, not a trained module: pass {module.__name__}(...)"
        )
    if not is_module(module):
        raise InputError(f"from_torch needs a torch.nn.Module, got {type(module).__name__}")
    home(module, f"torch {type(module).__name__}")


def _own(module: Any) -> Any:
    """Return a copy in evaluation mode."""
    try:
        own = copy.deepcopy(module)
    except Exception as error:
        raise InputError(
            f"torch {type(module).__name__} cannot be copied ({type(error).__name__}: {error}): give a function, "
            "from_callable(function, output='proba', classes=[...])"
        ) from error
    return own.eval()


def _columns(columns: Sequence[str] | None) -> tuple[str, ...] | None:
    if columns is None:
        return None
    if isinstance(columns, str) or len(set(columns)) != len(list(columns)):
        raise InputError(f"columns must be a list of different names, got {columns!r}")
    return tuple(columns)


def _shape(shape: Sequence[int] | None) -> tuple[int, ...] | None:
    if shape is None:
        return None
    sizes = tuple(shape) if isinstance(shape, (list, tuple)) else ()
    if not sizes or any(isinstance(one, bool) or not isinstance(one, int) or one < 1 for one in sizes):
        raise InputError(f"shape must be the shape of one input, such as (1, 8, 8), got {shape!r}")
    return sizes
