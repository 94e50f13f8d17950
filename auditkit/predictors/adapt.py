"""Adapting: any model a user holds becomes a predictor."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.predictors import plug_ins
from auditkit.predictors._contract import shown
from auditkit.predictors._torch_parts import is_module
from auditkit.predictors._torch_predictor import TorchPredictor, completed
from auditkit.predictors.base import Counted, Predictor
from auditkit.predictors.boosters import from_booster
from auditkit.predictors.boxed import BoxedPredictor
from auditkit.predictors.callables import CallablePredictor, bare
from auditkit.predictors.onnx import OnnxPredictor, from_onnx
from auditkit.predictors.predictions import Predictions
from auditkit.predictors.sklearn import from_sklearn, plain
from auditkit.predictors.torch import from_torch

if TYPE_CHECKING:
    from auditkit import frames

__all__ = ["OWN", "as_predictor"]

OWN = ("sklearn", "lightgbm", "xgboost", "onnxruntime", "torch")
"""Libraries whose own types auditkit asks in its own way, whatever plug-ins say."""

_ACCEPTED = (
    "Accepted: a fitted scikit-learn estimator or pipeline (LGBMClassifier and XGBClassifier too), a lightgbm or xgboost "
    "Booster, a torch.nn.Module, an onnxruntime InferenceSession, a function of rows, from_predictions(...), or any Predictor"
)


def as_predictor(
    model: Any, *, native: frames.Native = "pandas", task: str | None = None, labels: np.ndarray | None = None
) -> Predictor:
    """Return the predictor of a model.

    Parameters
    ----------
    model : estimator, booster, module, session, callable or Predictor
        What the user holds. A plug-in in the entry-point group ``auditkit.predictors`` (a function of the model that
        gives a Predictor or None) is asked about any type that is not of a library in `OWN`, before the type is guessed by
        what it can do.
    native : {"pandas", "polars", "pyarrow", "numpy"}
        The dress of the rows the model takes.
    task : {"binary", "multiclass", "regression"}, optional
        What it is audited for.
    labels : ndarray of shape (k,), optional
        The labels in the data, for a model that does not say its own.

    Raises
    ------
    InputError
        If it is none of these, is not fitted, or does not fit the task; if a plug-in fails on it, or two claim it.

    Examples
    --------
    >>> as_predictor(lambda X: X["income"] / 100, labels=np.array([0, 1]), task="binary").classes.tolist()
    [0, 1]
    """
    if isinstance(model, Counted):
        return model
    if isinstance(model, BoxedPredictor):
        return model.completed(native, task, labels)
    if isinstance(model, Predictor):
        return _completed(model, task, labels)
    if isinstance(model, type):
        raise InputError(
            f"got the class {model.__name__}, not a fitted model: pass {model.__name__}(...).fit(X, y)"
        )
    library = type(model).__module__.partition(".")[0]
    if library not in OWN and (found := plug_ins.recognised(model)) is not None:
        return _completed(found, task, labels)
    if library in ("lightgbm", "xgboost") and type(model).__name__ == "Booster":
        return from_booster(model, task=task, labels=labels)
    if library == "onnxruntime" or (isinstance(model, (str, Path)) and str(model).endswith(".onnx")):
        return from_onnx(model, task=task, labels=labels)
    if hasattr(model, "predict") and hasattr(model, "get_params"):
        return from_sklearn(model, native=native, task=task, labels=labels)
    if is_module(model):
        return _completed(from_torch(model), task, labels)
    if callable(model):
        return bare(model, native, task, labels)
    what = "a path" if isinstance(model, (str, Path)) else f"{type(model).__module__}.{type(model).__name__}"
    load = (
        "; auditkit.loading.load_model(path) loads a model from a file"
        if isinstance(model, (str, Path))
        else ""
    )
    raise InputError(f"got {what}, which is no model auditkit can ask. {_ACCEPTED}{load}.")


def _completed(model: Predictor, task: str | None, labels: np.ndarray | None) -> Predictor:
    """Return a predictor with classes, where it has none of its own and the data can say them."""
    if isinstance(model, Predictions):
        return _predictions(model, task, labels)
    if isinstance(model, CallablePredictor) and task is not None:
        if task == "regression" and model.output is None and model.classes is None:
            return dataclasses.replace(model, output="values")
        if task != "regression" and model.classes is None and labels is not None:
            return dataclasses.replace(model, classes=np.sort(plain(labels)))
    if isinstance(model, OnnxPredictor) and task is not None and not model.sure:
        return from_onnx(model.source, task=task, labels=labels)
    if isinstance(model, TorchPredictor) and task is not None:
        return completed(model, task, labels)
    return model


def _predictions(model: Predictions, task: str | None, labels: np.ndarray | None) -> Predictions:
    if task == "regression" and model.classes is not None:
        raise InputError(
            "recorded scores with classes= belong to a classifier: for a regression pass labels=values"
        )
    if task in (None, "regression") or model.classes is not None or labels is None:
        return model
    said = [plain(recorded) for recorded, _ in model.by_split.values()]
    seen = plain(labels)
    for recorded in said:
        if (recorded.dtype.kind == "U") != (seen.dtype.kind == "U"):
            raise InputError(
                f"recorded labels {np.unique(recorded).tolist()[:5]} and true labels {seen.tolist()[:5]} are of different "
                "types: give both as strings or both as numbers"
            )
    complete = copy.copy(model)
    complete.classes = np.unique(np.concatenate([seen, *said]))
    answered = np.unique(np.concatenate(said))
    strangers = not set(answered.tolist()) & set(seen.tolist()) and len(complete.classes) > 2
    if strangers or (task == "binary" and len(complete.classes) > 2):
        raise InputError(
            f"the recorded labels are {shown(answered.tolist())} and the true labels {shown(np.unique(seen).tolist())}: give "
            "both in the same labels, or name every label the model knows: from_predictions(labels=..., classes=[...])"
        )
    return complete
