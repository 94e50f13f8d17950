"""Hosting: the model's end of the sandbox. It opens the file, then answers what its parent asks."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.predictors import Predictor

__all__ = ["Host"]

Said = tuple[dict[str, Any], list[np.ndarray]]


class Host:
    """Holds a model, and the models that were trained after it."""

    def __init__(self) -> None:
        from auditkit.predictors import as_predictor  # here, so that the first question does not wait for it

        warnings.simplefilter("ignore")
        self.adapted = as_predictor
        self.model: Any = None
        self.models: dict[str, Predictor] = {}
        self.numbers = itertools.count(1)

    def answer(self, question: tuple[Any, ...]) -> Said:
        """Answer one question: its name, then what it is about."""
        name, *rest = question
        said: Said = getattr(self, f"on_{name}")(*rest)
        return said

    def on_open(self, kind: str, data: bytes, trusted: tuple[str, ...]) -> Said:
        """Open the file; say what can be said of the model before it meets data."""
        from auditkit.loading.opening import open_model, untrusted_types
        from auditkit.loading.vetting import reaches_out

        if kind == "skops" and (strange := untrusted_types(data, trusted)):
            return {"untrusted": strange}, []
        self.model = open_model(kind, data, trusted)
        if told := reaches_out(self.model):
            raise InputError(f"refused: [model-files] {'; '.join(told[:3])[:1000]}")
        from auditkit.predictors.sklearn import learnt_names, library_of

        estimator = hasattr(self.model, "get_params")
        names = learnt_names(self.model) if estimator else None
        classes = getattr(self.model, "classes_", getattr(self.model, "classes", None))
        facts = {
            "names": None if names is None else [str(name) for name in names],
            "library": library_of(self.model) if estimator else "",
            "type": type(self.model).__name__,
            "regressor": _is_regressor(self.model) if estimator else False,
            "askable": estimator or hasattr(self.model, "predict"),
            "classes": isinstance(classes, np.ndarray),
        }
        return facts, [_plain(classes)] if isinstance(classes, np.ndarray) else []

    def on_adapt(self, key: str, native: str, task: str | None, labels: np.ndarray | None) -> Said:
        """Make it a predictor under a key, as a live model is made one."""
        self.models[key] = self.adapted(self.model, native=native, task=task, labels=labels)  # type: ignore[arg-type]
        return self._facts(key)

    def on_meet(self, key: str, X: pd.DataFrame) -> Said:
        """Take note of the rows under audit."""
        self.models[key].meet(X)
        return self._facts(key)

    def on_predict(self, key: str, X: pd.DataFrame) -> Said:
        """Answer labels or values."""
        return {}, [_plain(self.models[key].predict(X))]

    def on_proba(self, key: str, X: pd.DataFrame) -> Said:
        """Answer class probabilities."""
        return {}, [_plain(self.models[key].predict_proba(X))]

    def on_refit(self, key: str, X: pd.DataFrame, y: np.ndarray, seed: int) -> Said:
        """Train the recipe again; the new model stays here, under a key of its own."""
        fresh = f"{key}#{next(self.numbers)}"
        self.models[fresh] = self.models[key].refit(X, y, seed)
        facts, arrays = self._facts(fresh)
        return {**facts, "key": fresh}, arrays

    def on_drop(self, keys: list[str]) -> Said:
        """Forget models that nobody asks any more."""
        for key in keys:
            self.models.pop(key, None)
        return {}, []

    def _facts(self, key: str) -> Said:
        model = self.models[key]
        facts = {
            "kind": model.kind,
            "description": model.description(),
            "has_proba": bool(model.has_proba),
            "gives_proba": None if model.gives_proba is None else bool(model.gives_proba),
            "can_refit": bool(model.can_refit),
        }
        return facts, [] if model.classes is None else [_plain(model.classes)]


def _plain(answer: Any) -> np.ndarray:
    """Return an answer as an array of numbers, booleans or text."""
    from auditkit.predictors.sklearn import plain

    array = plain(answer)
    if array.dtype.kind == "O":
        if array.size and all(isinstance(one, (bool, np.bool_)) for one in array.ravel()):
            return array.astype(bool)
        raise TypeError(
            f"it answers with objects ({type(array.ravel()[0]).__name__ if array.size else 'none'}), not with numbers or text"
        )
    return array


def _is_regressor(model: Any) -> bool:
    from sklearn.base import is_regressor

    try:
        return bool(is_regressor(model))
    except (AttributeError, TypeError):
        return False
