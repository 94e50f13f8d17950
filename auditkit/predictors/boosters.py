"""BoosterPredictor: a native LightGBM or XGBoost Booster, without the scikit-learn dress."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditkit.errors import InputError
from auditkit.predictors._columns import column_trouble, learnt_as
from auditkit.predictors.base import Predictor, most_probable
from auditkit.predictors.sklearn import plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BoosterPredictor", "from_booster"]

Answer = Literal["proba", "logit", "softmax", "labels", "values"]

_LIGHTGBM: dict[str, Answer] = {
    "binary": "proba", "cross_entropy": "proba", "multiclass": "proba", "softmax": "proba", "multiclassova": "proba",
}  # fmt: skip
_XGBOOST: dict[str, Answer] = {
    "binary:logistic": "proba", "reg:logistic": "proba", "multi:softprob": "proba", "binary:logitraw": "logit",
    "multi:softmax": "softmax", "binary:hinge": "labels",
}  # fmt: skip


@dataclass(eq=False)
class BoosterPredictor(Predictor):
    """A native Booster.

    Parameters
    ----------
    estimator : lightgbm.Booster or xgboost.Booster
        The model.
    classes : ndarray of shape (k,) or None
        The labels that stand for the booster's 0 to k-1; None for regression.
    library : {"lightgbm", "xgboost"}
        Whose it is.
    answer : {"proba", "logit", "softmax", "labels", "values"}
        What its objective gives.
    """

    estimator: Any
    classes: np.ndarray | None
    library: str = "lightgbm"
    answer: Answer = "values"
    objective: str = ""
    kind: str = field(init=False)
    digest: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.kind = f"{self.library} Booster ({self.objective})"
        raw = (
            self.estimator.save_raw()
            if self.library == "xgboost"
            else self.estimator.model_to_string().encode()
        )
        self.digest = hashlib.sha256(bytes(raw)).hexdigest()

    @property
    def has_proba(self) -> bool:
        """Whether the objective gives probabilities."""
        return self.classes is not None and self.answer != "labels"

    def meet(self, X: pd.DataFrame) -> None:
        """Refuse rows whose columns are not those of the training; another order is put right at every question.

        Raises
        ------
        InputError
            If a column is missing or strange. Rows without names are taken by position.
        """
        names = self._names()
        if names is None:
            return
        trouble = column_trouble(names, list(_in_order(X, names, self.library).columns), self.library)
        if trouble:
            raise InputError(f"{self.kind}: {trouble}")

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels or values, shape (n,)."""
        if self.classes is None:
            return self._raw(X)
        if self.answer == "labels":
            return np.asarray(self.classes[self._raw(X).astype(int)])
        return most_probable(self.predict_proba(X), self.classes)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities, shape (n, k)."""
        if not self.has_proba:
            return super().predict_proba(X)
        raw = self._raw(X)
        if self.answer == "logit":
            raw = 1 / (1 + np.exp(-raw))
        if self.answer == "softmax":
            raw = np.exp(raw - raw.max(axis=1, keepdims=True))
        if raw.ndim == 1:
            return np.column_stack([1 - raw, raw])
        return np.asarray(raw / raw.sum(axis=1, keepdims=True))  # one-vs-all objectives do not sum to one

    def description(self) -> str:
        """Return library, objective and number of trees in words."""
        trees = (
            self.estimator.num_trees() if self.library == "lightgbm" else self.estimator.num_boosted_rounds()
        )
        return f"{self.kind}, {trees} {'trees' if self.library == 'lightgbm' else 'rounds'}"

    def _names(self) -> list[str] | None:
        """Return the columns of the training; None where they had no names."""
        if self.library == "xgboost":
            given = self.estimator.feature_names
            return None if given is None else list(given)
        names = list(self.estimator.feature_name())
        return None if names == [f"Column_{j}" for j in range(len(names))] else names

    def _raw(self, X: pd.DataFrame) -> np.ndarray:
        if self.library == "lightgbm":
            return np.asarray(
                self.estimator.predict(_in_order(X, self.estimator.feature_name(), self.library)), dtype=float
            )
        import xgboost

        names = self.estimator.feature_names
        rows = (
            xgboost.DMatrix(X.to_numpy())
            if names is None
            else xgboost.DMatrix(_in_order(X, names, self.library), enable_categorical=True)
        )
        margin = self.answer in ("logit", "softmax")
        return np.asarray(self.estimator.predict(rows, output_margin=margin), dtype=float)


def from_booster(
    booster: Any, *, classes: Any = None, task: str | None = None, labels: Any = None
) -> BoosterPredictor:
    """Return the predictor of a native LightGBM or XGBoost Booster.

    Parameters
    ----------
    booster : lightgbm.Booster or xgboost.Booster
        Trained.
    classes : sequence of k labels, optional
        The labels that stand for the booster's 0 to k-1.
    task : {"binary", "multiclass", "regression"}, optional
        What it is audited for.
    labels : array, optional
        The labels in the data; taken as classes where they are 0 to k-1, booleans, or -1 and 1.

    Raises
    ------
    InputError
        If the objective does not fit the task, or it cannot be known which label stands for which number.
    """
    library = type(booster).__module__.partition(".")[0]
    objective, width = _lightgbm_objective(booster) if library == "lightgbm" else _xgboost_objective(booster)
    answer = (_LIGHTGBM if library == "lightgbm" else _XGBOOST).get(objective, "values")
    kind = f"{library} Booster ({objective or 'its objective is not known'})"
    if task == "regression" and not (answer == "proba" and width == 2):
        if answer != "values":
            raise InputError(
                f"{kind} is a classifier and the task is regression (as given, or since y holds numbers between the whole "
                "ones): give y in the labels it was trained with, or give a regressor"
            )
        return BoosterPredictor(booster, None, library, "values", objective)
    if task == "regression" or (task is None and labels is None and classes is None):
        return BoosterPredictor(booster, None, library, "values" if task else answer, objective)
    if answer == "values":
        raise InputError(
            f"{kind} gives plain values and the task is {task}: pass task='regression', or wrap it in "
            "from_callable(function, output='proba', classes=[...]) with a function that gives probabilities"
        )
    return BoosterPredictor(booster, _classes(classes, labels, width, kind), library, answer, objective)


def _classes(classes: Any, labels: Any, width: int, kind: str) -> np.ndarray:
    if classes is not None:
        known = plain(list(classes))
        if len(known) != width:
            raise InputError(f"{kind} has {width} classes; classes= names {len(known)}: {known.tolist()}")
        return known
    seen = plain(labels)
    if seen.dtype.kind == "b":
        return np.array([False, True])
    if seen.dtype.kind in "iuf" and set(seen.tolist()) <= set(range(width)):
        return np.arange(width).astype(seen.dtype)
    if width == 2 and seen.dtype.kind in "iuf" and set(seen.tolist()) <= {-1, 1}:
        return np.array([-1, 1], dtype=seen.dtype)
    raise InputError(
        f"{kind} numbers its classes 0 to {width - 1} and the data name them {seen.tolist()[:10]}: which is which? "
        "Pass model=from_booster(booster, classes=[name of 0, name of 1, ...])"
    )


def _lightgbm_objective(booster: Any) -> tuple[str, int]:
    head = booster.model_to_string(num_iteration=1)
    line = next((row for row in head.splitlines() if row.startswith("objective=")), "objective=")
    objective = line.partition("=")[2].partition(" ")[0]
    return objective, max(int(booster.num_model_per_iteration()), 2)


def _xgboost_objective(booster: Any) -> tuple[str, int]:
    learner = json.loads(booster.save_config())["learner"]
    width = int(learner["learner_model_param"].get("num_class", "0") or 0)
    return str(learner["objective"]["name"]), max(width, 2)


def _in_order(X: pd.DataFrame, names: list[str], library: str) -> pd.DataFrame:
    """Return the columns in the booster's order where the names are the same; rows without names by position."""
    known = learnt_as(list(X.columns), library)
    if list(known) != list(names) and set(known) == set(names):
        return X[[known[name] for name in names]]
    return X.set_axis(names, axis=1) if _nameless(X) and len(names) == X.shape[1] else X


def _nameless(X: pd.DataFrame) -> bool:
    """Return whether the columns have the names that an array is given."""
    return list(X.columns) == [f"x{j}" for j in range(X.shape[1])]
