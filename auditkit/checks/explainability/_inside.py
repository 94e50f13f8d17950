"""Inside: models whose own structure gives their Shapley values exactly, and how each is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.frames import Codec, to_pandas
from auditkit.methods.attributions import linear_shap

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Read: TypeAlias = "Callable[[Any, Any, Any], Raw]"

__all__ = ["Raw", "dense", "how_to_read"]

_FORESTS = ("DecisionTree", "RandomForest", "ExtraTree")
_ALSO_LINEAR = ("LinearSVC", "LinearSVR", "LinearDiscriminantAnalysis")
_LOGISTIC = ("LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis")
_LOG_ODDS = ("binary", "binary:logistic", "reg:logistic", "binary:logitraw", "multiclassova", "cross_entropy")
_PLAIN = ("regression", "regression_l1", "l2", "l1", "huber", "fair", "quantile", "mape", "reg:squarederror", "reg:absoluteerror",
          "reg:pseudohubererror", "reg:quantileerror")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Raw:
    """What an exact explainer gives, before encoded columns are summed.

    Attributes
    ----------
    values, base, output : ndarray of shape (n, d) or (n, d, k), () or (k,), and (n,) or (n, k)
        Attributions, base value, and the model's output in the same unit. With two classes and one output,
        about the second.
    method, unit : str
        The explainer, and what the output is.
    """

    values: np.ndarray
    base: Any
    output: np.ndarray
    method: str
    unit: str


def how_to_read(inner: Any) -> tuple[Any, Read | None]:
    """Return the part of a predictor's model that decides, and the function that reads it; None if there is none."""
    final = getattr(inner, "estimator", None)
    if type(final).__name__ == "Booster":
        return final, {"lightgbm": _lightgbm_booster, "xgboost": _xgboost_booster}.get(
            getattr(inner, "library", "")
        )
    if final is None or not hasattr(inner, "dressed"):
        return final, None
    steps = getattr(final, "steps", None)
    if isinstance(steps, list) and steps:
        final = steps[-1][1]
    return final, _of_estimator(final)


def dense(Z: Any) -> np.ndarray:
    """Return any table as floats, shape (n, d); words as codes."""
    if hasattr(Z, "toarray"):
        Z = Z.toarray()
    if hasattr(Z, "columns"):
        frame = to_pandas(Z)
        return Codec.of(frame).encode(frame)
    return np.asarray(Z, dtype=float)


def _of_estimator(final: Any) -> Read | None:
    module, name = type(final).__module__, type(final).__name__
    if module.startswith("lightgbm.sklearn"):
        return _lightgbm
    if module.startswith("xgboost.sklearn"):
        return None if getattr(final, "booster", None) == "gblinear" else _xgboost
    if not module.startswith("sklearn."):
        return None
    if any(part in name for part in (*_FORESTS, "GradientBoosting")):
        return _sklearn_trees
    if module.startswith("sklearn.linear_model") or name in _ALSO_LINEAR:
        # a classifier that is no sum has no decision function; another link shows in the additivity error
        plain = hasattr(final, "decision_function") or not hasattr(final, "classes_")
        return _linear if hasattr(final, "coef_") and plain else None
    return None


def _lightgbm(final: Any, Z: Any, _background: Any) -> Raw:
    Z = Z.toarray() if hasattr(Z, "toarray") else Z
    output = np.asarray(final.predict(Z, raw_score=True))
    parts = np.asarray(final.predict(Z, pred_contrib=True))
    return _contributions(parts, output, _unit(str(final.objective_)), "LightGBM")


def _lightgbm_booster(booster: Any, Z: Any, _background: Any) -> Raw:
    names = booster.feature_name()
    order = (
        [list(Z.columns).index(n) for n in names] if set(names) == set(Z.columns) else list(range(Z.shape[1]))
    )
    rows = Z.iloc[:, order]
    output = np.asarray(booster.predict(rows, raw_score=True))
    found = _contributions(
        np.asarray(booster.predict(rows, pred_contrib=True)), output, "raw score", "LightGBM"
    )
    return _in_order(found, order)


def _xgboost(final: Any, Z: Any, _background: Any) -> Raw:
    import xgboost

    # the rounds, and the mark of a missing value, with which the estimator itself answers
    best = getattr(final, "best_iteration", None)
    rounds = (0, 0 if best is None else int(best) + 1)
    matrix = xgboost.DMatrix(Z, missing=final.missing, enable_categorical=True)
    return _xgboost_parts(final.get_booster(), matrix, rounds, _unit(str(final.objective)))


def _xgboost_booster(booster: Any, Z: Any, _background: Any) -> Raw:
    import xgboost

    names = booster.feature_names
    if names is None:
        return _xgboost_parts(booster, xgboost.DMatrix(Z.to_numpy()), (0, 0), "raw score")
    order = (
        [list(Z.columns).index(n) for n in names] if set(names) == set(Z.columns) else list(range(Z.shape[1]))
    )
    matrix = xgboost.DMatrix(Z.iloc[:, order], enable_categorical=True)
    return _in_order(_xgboost_parts(booster, matrix, (0, 0), "raw score"), order)


def _xgboost_parts(booster: Any, matrix: Any, rounds: tuple[int, int], unit: str) -> Raw:
    parts = np.asarray(booster.predict(matrix, pred_contribs=True, iteration_range=rounds), dtype=float)
    output = np.asarray(booster.predict(matrix, output_margin=True, iteration_range=rounds), dtype=float)
    parts = parts.reshape(len(output), -1) if output.ndim == 2 else parts
    return _contributions(parts, output, unit, "XGBoost")


def _contributions(parts: np.ndarray, output: np.ndarray, unit: str, library: str) -> Raw:
    """Take a booster's contributions apart: the last of each output is its base value."""
    if output.ndim == 2:
        parts = parts.reshape(len(output), output.shape[1], -1).transpose(0, 2, 1)
    return Raw(parts[:, :-1], parts[0, -1], output, f"exact tree paths ({library}'s own contributions)", unit)


def _in_order(found: Raw, order: list[int]) -> Raw:
    values = np.empty_like(found.values)
    values[:, order] = found.values
    return Raw(values, found.base, found.output, found.method, found.unit)


def _sklearn_trees(final: Any, Z: Any, _background: Any) -> Raw:
    import shap

    rows = Z.toarray() if hasattr(Z, "toarray") else Z
    explainer = shap.TreeExplainer(final, feature_perturbation="tree_path_dependent")
    values = np.asarray(explainer.shap_values(rows, check_additivity=False))
    base = np.asarray(explainer.expected_value, dtype=float)
    base = base.reshape(-1) if base.size > 1 else base.reshape(())
    if not hasattr(final, "classes_"):
        output, unit = np.asarray(final.predict(rows)), "value"
    elif any(part in type(final).__name__ for part in _FORESTS):
        output, unit = np.asarray(final.predict_proba(rows)), "probability"
    else:
        output = np.asarray(final.decision_function(rows))
        log_odds = getattr(final, "loss", "") == "log_loss" and output.ndim == 1
        unit = "log odds" if log_odds else "raw score"
    method = "exact tree paths (shap.TreeExplainer, path-dependent)"
    return Raw(values, base, output, method, unit)


def _linear(final: Any, Z: Any, background: Any) -> Raw:
    rows, centre = dense(Z), dense(background).mean(axis=0)
    coef, intercept = np.asarray(final.coef_, dtype=float), np.asarray(final.intercept_, dtype=float)
    if coef.ndim == 2 and len(coef) == 1:
        coef, intercept = coef[0], intercept.reshape(-1)[0]
    classes = hasattr(final, "classes_")
    output = np.asarray(final.decision_function(Z) if classes else final.predict(Z))
    logistic = type(final).__name__ in _LOGISTIC or getattr(final, "loss", "") == "log_loss"
    unit = "value" if not classes else "log odds" if logistic and output.ndim == 1 else "decision value"
    method = "closed form of a linear model (interventional)"
    return Raw(linear_shap(coef, rows, centre), centre @ coef.T + intercept, output, method, unit)


def _unit(objective: str) -> str:
    return "log odds" if objective in _LOG_ODDS else "value" if objective in _PLAIN else "raw score"
