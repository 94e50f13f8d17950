"""Inside: models whose own structure gives their Shapley values exactly, and how each is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks.explainability._trees import by_tables
from auditkit.errors import NotApplicable
from auditkit.frames import Codec, to_pandas
from auditkit.methods.attributions import linear_shap

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Read: TypeAlias = "Callable[[Any, Any, Any], Raw]"

__all__ = ["Raw", "dense", "how_to_read", "one_by_one"]

_FORESTS = ("DecisionTree", "RandomForest", "ExtraTree")
_ALSO_LINEAR = ("LinearSVC", "LinearSVR", "LinearDiscriminantAnalysis")
LINEAR = "closed form of a linear model (interventional)"
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


def how_to_read(inner: Any, *, interventional: bool = False) -> tuple[Any, Read | None]:
    """Return the part of a predictor's model that decides, and the function that reads it; None if there is none.

    Trees are read along their paths; with `interventional`, against the background rows, or the function raises
    NotApplicable. Linear models always are.
    """
    final, read = _reader(inner)
    if interventional and read is not None and read is not _linear:
        return final, partial(read, interventional=True)
    return final, read


def one_by_one(final: Any, read: Read) -> Read:
    """Return what reads single rows sooner: it makes once what `read` makes for every call.

    Of trees of scikit-learn, the output is what base and parts add up to; whoever keeps it holds that against the model.
    """
    if read is not _sklearn_trees:
        return read
    import shap

    explainer = shap.TreeExplainer(final, feature_perturbation="tree_path_dependent")

    def walked(_final: Any, Z: Any, _background: Any) -> Raw:
        rows = Z.toarray() if hasattr(Z, "toarray") else Z
        found = _walked(explainer, rows)
        return replace(found, output=found.base + found.values.sum(axis=1))

    return walked


def _reader(inner: Any) -> tuple[Any, Any]:
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


def _of_estimator(final: Any) -> Any:
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


def _tabled(
    model: Any, Z: Any, background: Any, output: np.ndarray, unit: str, *, interventional: bool
) -> Raw | None:
    """Explain trees by the tables of their leaves, if that can be done and pays."""
    found = by_tables(model, dense(Z), output, dense(background) if interventional else None)
    if found is not None:
        values, base, method = found
        return Raw(values, base, output, method, unit)
    if interventional:
        raise NotApplicable(
            "its trees cannot be explained against background rows exactly: they are not read here"
        )
    return None


def _lightgbm(final: Any, Z: Any, background: Any, *, interventional: bool = False) -> Raw:
    Z = Z.toarray() if hasattr(Z, "toarray") else Z
    output, unit = np.asarray(final.predict(Z, raw_score=True)), _unit(str(final.objective_))
    if unit == "value" and not np.allclose(output, final.predict(Z)):
        unit = "raw score"  # reg_sqrt: the trees add up to the root
    if unit == "log odds" and final.get_params().get("sigmoid", 1.0) != 1.0:
        unit = "raw score"  # a steeper curve makes probabilities of it
    found = _tabled(final, Z, background, output, unit, interventional=interventional)
    if found is not None:
        return found
    return _contributions(np.asarray(final.predict(Z, pred_contrib=True)), output, unit, "LightGBM")


def _lightgbm_booster(booster: Any, Z: Any, background: Any, *, interventional: bool = False) -> Raw:
    order = _own_order(booster.feature_name(), Z)
    rows, others = Z.iloc[:, order], background.iloc[:, order]
    output = np.asarray(booster.predict(rows, raw_score=True))
    found = _tabled(booster, rows, others, output, "raw score", interventional=interventional)
    if found is None:
        parts = np.asarray(booster.predict(rows, pred_contrib=True))
        found = _contributions(parts, output, "raw score", "LightGBM")
    return _in_order(found, order)


def _own_order(names: Any, Z: Any) -> list[int]:
    """Return where the table has each column of a booster: by name if all are there, else as they stand."""
    columns = list(Z.columns)
    return [columns.index(n) for n in names] if set(names) == set(columns) else list(range(len(columns)))


def _xgboost(final: Any, Z: Any, background: Any, *, interventional: bool = False) -> Raw:
    import xgboost

    # the rounds, and the mark of a missing value, with which the estimator itself answers
    best = getattr(final, "best_iteration", None)
    rounds = (0, 0 if best is None else int(best) + 1)
    matrix = xgboost.DMatrix(Z, missing=final.missing, enable_categorical=True)
    booster, unit = final.get_booster(), _unit(str(final.objective))
    output = np.asarray(booster.predict(matrix, output_margin=True, iteration_range=rounds), dtype=float)
    found = _tabled(final, Z, background, output, unit, interventional=interventional)
    return _xgboost_parts(booster, matrix, rounds, output, unit) if found is None else found


def _xgboost_booster(booster: Any, Z: Any, background: Any, *, interventional: bool = False) -> Raw:
    import xgboost

    names = booster.feature_names
    order = list(range(Z.shape[1])) if names is None else _own_order(names, Z)
    rows, others = Z.iloc[:, order], background.iloc[:, order]
    matrix = xgboost.DMatrix(rows.to_numpy() if names is None else rows, enable_categorical=True)
    output = np.asarray(booster.predict(matrix, output_margin=True), dtype=float)
    found = _tabled(booster, rows, others, output, "raw score", interventional=interventional)
    if found is None:
        found = _xgboost_parts(booster, matrix, (0, 0), output, "raw score")
    return _in_order(found, order)


def _xgboost_parts(booster: Any, matrix: Any, rounds: tuple[int, int], output: np.ndarray, unit: str) -> Raw:
    parts = np.asarray(booster.predict(matrix, pred_contribs=True, iteration_range=rounds), dtype=float)
    parts = parts.reshape(len(output), -1) if output.ndim == 2 else parts
    return _contributions(parts, output, unit, "XGBoost")


def _contributions(parts: np.ndarray, output: np.ndarray, unit: str, library: str) -> Raw:
    """Take a booster's contributions apart: the last of each output is its base value."""
    if output.ndim == 2:
        parts = parts.reshape(len(output), output.shape[1], -1).transpose(0, 2, 1)
    return Raw(
        parts[:, :-1],
        parts[0, -1],
        output,
        f"exact tree paths ({library}'s own contributions, path-dependent)",
        unit,
    )


def _in_order(found: Raw, order: list[int]) -> Raw:
    values = np.empty_like(found.values)
    values[:, order] = found.values
    return Raw(values, found.base, found.output, found.method, found.unit)


def _sklearn_trees(final: Any, Z: Any, background: Any, *, interventional: bool = False) -> Raw:
    rows = Z.toarray() if hasattr(Z, "toarray") else Z
    if not hasattr(final, "classes_"):
        output, unit = np.asarray(final.predict(rows)), "value"
    elif any(part in type(final).__name__ for part in _FORESTS):
        output, unit = np.asarray(final.predict_proba(rows)), "probability"
    else:
        output = np.asarray(final.decision_function(rows))
        log_odds = getattr(final, "loss", "") == "log_loss" and output.ndim == 1
        unit = "log odds" if log_odds else "raw score"
    found = _tabled(final, rows, background, output, unit, interventional=interventional)
    return _by_shap(final, rows, output, unit) if found is None else found


def _by_shap(final: Any, rows: Any, output: np.ndarray, unit: str) -> Raw:
    import shap

    explainer = shap.TreeExplainer(final, feature_perturbation="tree_path_dependent")
    return replace(_walked(explainer, rows), output=output, unit=unit)


def _walked(explainer: Any, rows: Any) -> Raw:
    """Return what shap's explainer gives; output and unit are for the caller to fill in."""
    values = np.asarray(explainer.shap_values(rows, check_additivity=False))
    base = np.asarray(explainer.expected_value, dtype=float)
    base = base.reshape(-1) if base.size > 1 else base.reshape(())
    method = "exact tree paths (shap.TreeExplainer, path-dependent)"
    return Raw(values, base, np.zeros(0), method, "")


def _linear(final: Any, Z: Any, background: Any) -> Raw:
    rows, centre = dense(Z), dense(background).mean(axis=0)
    coef, intercept = np.asarray(final.coef_, dtype=float), np.asarray(final.intercept_, dtype=float)
    if coef.ndim == 1 or len(coef) == 1:
        coef, intercept = coef.reshape(-1), intercept.reshape(-1)[0]
    classes = hasattr(final, "classes_")
    output = np.asarray(final.decision_function(Z) if classes else final.predict(Z))
    logistic = type(final).__name__ in _LOGISTIC or getattr(final, "loss", "") == "log_loss"
    unit = "value" if not classes else "log odds" if logistic and output.ndim == 1 else "decision value"
    return Raw(linear_shap(coef, rows, centre), centre @ coef.T + intercept, output, LINEAR, unit)


def _unit(objective: str) -> str:
    return "log odds" if objective in _LOG_ODDS else "value" if objective in _PLAIN else "raw score"
