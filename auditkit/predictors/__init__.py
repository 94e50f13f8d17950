"""Predictors: how each kind of model is asked."""

from __future__ import annotations

from auditkit.predictors.adapt import as_predictor
from auditkit.predictors.base import Counted, ModelError, Predictor
from auditkit.predictors.boosters import from_booster
from auditkit.predictors.callables import from_callable
from auditkit.predictors.onnx import from_onnx
from auditkit.predictors.predictions import Predictions, from_predictions
from auditkit.predictors.torch import Training, from_torch

__all__ = [
    "Counted", "ModelError", "Predictions", "Predictor", "Training", "as_predictor", "from_booster", "from_callable",
    "from_onnx", "from_predictions", "from_torch",
]  # fmt: skip
