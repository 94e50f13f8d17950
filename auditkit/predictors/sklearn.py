"""SklearnPredictor: an estimator or pipeline with scikit-learn's manners, boosters' scikit-learn API included."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import frames
from auditkit.errors import InputError, NotApplicable
from auditkit.predictors._columns import column_trouble
from auditkit.predictors._sklearn_gradients import around
from auditkit.predictors.base import ModelError, Predictor
from auditkit.predictors.recipe import Recipe, recipe_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from auditkit.methods.evasion.gradients.differentiable import Differentiable

__all__ = ["SklearnPredictor", "from_sklearn", "learnt_names", "library_of", "object_digest", "plain"]

_KNOWN_LIBRARIES = ("sklearn", "lightgbm", "xgboost", "imblearn", "catboost")
_LARGEST_SEED = 2**31 - 1  # LightGBM and XGBoost keep seeds in 32 bits, signed


@dataclass(eq=False)
class SklearnPredictor(Predictor):
    """An estimator with ``predict`` and ``get_params``.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    native : {"pandas", "polars", "pyarrow", "numpy"}
        The dress in which the model's owner holds the data. The estimator is asked in it, unless it was
        fitted in another: without column names (then numpy) or with them (then a frame of those names).
    classes : ndarray of shape (k,) or None
        The labels; None for regression. A model that knows only some of them answers 0 for the rest.
    """

    estimator: Any
    native: frames.Native = "pandas"
    classes: np.ndarray | None = None
    kind: str = field(init=False)
    digest: str = field(default="", kw_only=True, repr=False)
    _in_pandas: bool = field(init=False, default=False, repr=False)

    def __post_init__(self) -> None:
        self.kind = _kind(self.estimator)
        library = type(self.estimator).__module__.partition(".")[0]
        if self.native in ("polars", "pyarrow") and library in ("lightgbm", "xgboost"):
            self._in_pandas = True  # they take pandas categories, and few of the other two

    def meet(self, X: pd.DataFrame) -> None:
        """Refuse rows whose columns are not those of the training, which some estimators pass over.

        Raises
        ------
        InputError
            If a column is missing, strange or in another place.
        """
        names = learnt_names(self.estimator)
        width = getattr(_steps(self.estimator)[0], "n_features_in_", None)
        if self.native != "numpy" and names is not None:
            trouble = column_trouble(names, list(X.columns), library_of(self.estimator))
        elif isinstance(width, int) and width != X.shape[1]:
            trouble = f"it was trained with {width} features and X has {X.shape[1]}: give X in the columns of the training"
        else:
            return
        if trouble:
            raise InputError(f"{self.kind}: {trouble}")

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels or values, shape (n,)."""
        return plain(self._ask("predict", X))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities, shape (n, k).

        Raises
        ------
        NotApplicable
            If the estimator has none. A decision function is not a probability.
        """
        if not self.has_proba:
            return super().predict_proba(X)
        proba = np.asarray(self._ask("predict_proba", X))
        if _one_vs_all(self.estimator):
            proba = proba / proba.sum(axis=1, keepdims=True)
        known = getattr(self.estimator, "classes_", None)
        if known is None or self.classes is None or np.array_equal(plain(known), self.classes):
            return proba
        return _spread(proba, plain(known), self.classes)

    @property
    def has_proba(self) -> bool:
        """Whether the estimator has ``predict_proba``."""
        return self.classes is not None and hasattr(self.estimator, "predict_proba")

    def differentiable(self, X: pd.DataFrame, columns: Sequence[str]) -> Differentiable:
        """Return the model around these rows, with slopes in closed form; see `_sklearn_gradients.around`."""
        known = getattr(self.estimator, "classes_", None)
        if self.classes is None or known is None or not np.array_equal(plain(known), self.classes):
            return super().differentiable(X, columns)
        return around(self.estimator, X, columns, self.dressed, self.kind)

    @property
    def can_refit(self) -> bool:
        """Whether the recipe can be trained again on other rows."""
        return not self._cannot_refit()

    def refit(self, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:
        """Return the same recipe trained on other rows.

        Every ``random_state`` and ``seed`` inside is set from ``seed``, and LightGBM is told to be deterministic.
        The answers keep this predictor's classes, also where ``y`` lacks one.

        Raises
        ------
        NotApplicable
            If the estimator cannot be trained again: no ``fit``, or a part that was fitted before and stays so.
        ModelError
            If training fails.
        """
        from sklearn.base import clone

        why = self._cannot_refit()
        if why:
            raise NotApplicable(f"this model ({self.kind}) cannot be trained again: {why}")
        try:
            fresh = clone(self.estimator)
        except (TypeError, RuntimeError) as error:
            raise NotApplicable(f"this model ({self.kind}) cannot be trained again: {error}") from error
        seeded(fresh, seed)
        labels = None if self.classes is None else np.unique(y)
        try:
            fresh.fit(self.dressed(X), y)
        except Exception as error:
            seen = "" if labels is None else f" with labels {labels.tolist()[:10]}"
            message = f"the model ({self.kind}) could not be trained on {len(X)} rows{seen}: {type(error).__name__}: {error}"
            raise ModelError(message) from error
        again = SklearnPredictor(fresh, self.native, self.classes)
        again._in_pandas = self._in_pandas
        again.trust = self.trust
        return again

    def recipe(self, seed: int) -> Recipe:
        """Return the estimator in two untrained parts, seeds set as by `refit`.

        Raises
        ------
        NotApplicable
            If the estimator cannot be trained again, or is a regressor.
        """
        why = self._cannot_refit()
        if why:
            raise NotApplicable(f"this model ({self.kind}) cannot be trained again: {why}")
        found = recipe_of(self.estimator, classes=self.classes, kind=self.kind, dressed=self.dressed)
        for part in (found.front, found.learner):
            if part is not None:  # a forest that is not trained has no truth value
                seeded(part, seed)
        return found

    def _cannot_refit(self) -> str:
        if not hasattr(self.estimator, "fit") or not hasattr(self.estimator, "get_params"):
            return "it has no fit and get_params"
        for name, value in {"": self.estimator, **_params(self.estimator)}.items():
            last = name.rpartition("__")[2]
            if type(value).__name__ == "FrozenEstimator":
                return f"{name or 'it'} is frozen"
            if (last == "cv" and isinstance(value, str) and value == "prefit") or (
                last == "prefit" and value is True
            ):
                return f"it holds a part that was fitted before ({name}={value!r})"
        return ""

    def _ask(self, method: str, X: pd.DataFrame) -> Any:
        ask = getattr(self.estimator, method)
        if self._in_pandas or self.native in ("pandas", "numpy"):
            return ask(self.dressed(X))
        try:
            return ask(self.dressed(X))
        except Exception:  # noqa: BLE001 - a model trained on pandas may not take the dress its data now come in
            out = ask(_named(self.estimator, X))
            self._in_pandas = True
            return out

    def dressed(self, X: pd.DataFrame) -> Any:
        """Return the rows in the dress in which the estimator is asked."""
        if self.native == "numpy" or self._in_pandas:
            return _named(self.estimator, X, fallback="numpy" if self.native == "numpy" else "pandas")
        if _without_names(self.estimator) and all(isinstance(c, str) for c in X.columns):
            return X.to_numpy()
        return frames.from_pandas(X, self.native)


def from_sklearn(
    estimator: Any,
    *,
    native: frames.Native = "pandas",
    task: str | None = None,
    labels: np.ndarray | None = None,
) -> SklearnPredictor:
    """Return the predictor of a fitted estimator.

    Parameters
    ----------
    estimator : estimator
        Anything with ``predict`` and ``get_params``: scikit-learn, LGBMClassifier, XGBRegressor, a pipeline.
    native : {"pandas", "polars", "pyarrow", "numpy"}
        The dress in which the data come.
    task : {"binary", "multiclass", "regression"}, optional
        What it is audited for.
    labels : ndarray of shape (k,), optional
        The labels in the data; used where the estimator does not say its own.

    Raises
    ------
    InputError
        If it is not fitted, predicts several targets, or does not fit the task.
    """
    kind = _kind(estimator)
    _check_fitted(estimator, kind)
    known = getattr(estimator, "classes_", None)
    if isinstance(known, list):
        raise InputError(f"{kind} predicts {len(known)} targets at once: audit one target at a time")
    if task == "regression":
        if known is not None:
            raise InputError(
                f"{kind} is a classifier and the task is regression: give y in its labels "
                f"{plain(known).tolist()[:5]} and leave task= out, or give a regressor"
            )
        return SklearnPredictor(estimator, native, None, digest=object_digest(estimator))
    if known is None and task is not None and _is_regressor(estimator):
        raise InputError(
            f"{kind} is a regressor and the task is {task}: pass task='regression', or, if it answers the probability "
            "of the second class, from_callable(model.predict, output='proba', classes=[...])"
        )
    classes = plain(known) if known is not None else None if labels is None or task is None else plain(labels)
    if "XGB" in kind and known is not None and labels is not None and plain(labels).dtype.kind not in "iufb":
        raise InputError(
            f"{kind} knows its labels as {plain(known).tolist()[:10]} and the data name them {plain(labels).tolist()[:10]}: "
            "XGBoost takes integers 0 to k-1 only. Give y as the integers it was trained with, for instance "
            "y.map({'no': 0, 'yes': 1})"
        )
    return SklearnPredictor(estimator, native, classes, digest=object_digest(estimator))


def seeded(estimator: Any, seed: int) -> None:
    """Set every random state and seed inside an estimator, and make LightGBM deterministic."""
    number = int(seed) % _LARGEST_SEED
    params = _params(estimator)
    chosen: dict[str, Any] = {
        name: number
        for name in params
        if (last := name.rpartition("__")[2]) == "random_state" or last.endswith("seed")
    }
    for name, part in {"": estimator, **params}.items():
        if type(part).__module__.partition(".")[0] == "lightgbm" and hasattr(part, "get_params"):
            prefix = f"{name}__" if name else ""
            chosen[f"{prefix}deterministic"] = True
            if not part.get_params().get("force_col_wise"):
                chosen[f"{prefix}force_row_wise"] = True
    if chosen:
        estimator.set_params(**chosen)


def object_digest(model: Any) -> str:
    """Return the sha256 of the pickled object; empty where it cannot be pickled."""
    sha = hashlib.sha256()

    class Sink:
        def write(self, data: bytes) -> int:
            sha.update(data)
            return len(data)

    try:
        pickle.Pickler(Sink(), protocol=5).dump(model)
    except Exception:  # noqa: BLE001 - an object says in its own way that it cannot be pickled
        return ""
    return sha.hexdigest()


def plain(values: Any) -> np.ndarray:
    """Return labels as an array; an array of string objects as one of strings."""
    array = np.asarray(values)
    if array.dtype.kind == "O" and array.size and all(isinstance(v, str) for v in array.ravel()):
        return array.astype(str)
    return array


def _spread(proba: np.ndarray, known: np.ndarray, classes: np.ndarray) -> np.ndarray:
    out = np.zeros((len(proba), len(classes)))
    place = {value: j for j, value in enumerate(classes.tolist())}
    for j, value in enumerate(known.tolist()):
        if value in place:
            out[:, place[value]] = proba[:, j]
    return out


def _one_vs_all(estimator: Any) -> bool:
    """Return whether LightGBM gives one probability a class, each against all others: these do not sum to one."""
    last = _steps(estimator)[-1]
    return type(last).__module__.startswith("lightgbm") and str(getattr(last, "objective", "")).endswith(
        ("ova", "ovr")
    )


def _params(estimator: Any) -> dict[str, Any]:
    try:
        return dict(estimator.get_params(deep=True))
    except TypeError:  # a duck whose get_params knows no deep
        return dict(estimator.get_params())


def _steps(estimator: Any) -> list[Any]:
    steps = getattr(estimator, "steps", None)
    return [step for _, step in steps] if isinstance(steps, list) and steps else [estimator]


def _kind(estimator: Any) -> str:
    name, steps = type(estimator).__name__, _steps(estimator)
    if steps[0] is not estimator:
        return f"{name}({'..., ' if len(steps) > 1 else ''}{_kind(steps[-1])})"
    inner = estimator.get_params(deep=False).get("estimator") if hasattr(estimator, "get_params") else None
    return f"{name}({_kind(inner)})" if hasattr(inner, "get_params") else name


def _check_fitted(estimator: Any, kind: str) -> None:
    final = _steps(estimator)[-1]
    known = type(final).__module__.partition(".")[0] in _KNOWN_LIBRARIES or hasattr(
        final, "__sklearn_is_fitted__"
    )
    if not known or not hasattr(final, "fit"):
        return  # others may keep what they learnt under names that scikit-learn does not look for
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(final)
    except NotFittedError:
        raise InputError(
            f"{kind} is not fitted: call fit(X, y) on the training rows before the audit"
        ) from None
    except TypeError:
        return


def _is_regressor(estimator: Any) -> bool:
    from sklearn.base import is_regressor

    try:
        return bool(is_regressor(estimator))
    except (AttributeError, TypeError):
        return False


def learnt_names(estimator: Any) -> list[str] | None:
    """Return the column names an estimator was fitted with, in its order; None where it was fitted without."""
    names = getattr(_steps(estimator)[0], "feature_names_in_", None)
    return None if names is None or _without_names(estimator) else list(names)


def library_of(estimator: Any) -> str:
    """Return the package of the part of an estimator that meets the columns."""
    return type(_steps(estimator)[0]).__module__.partition(".")[0]


def _without_names(estimator: Any) -> bool:
    """Return whether the estimator remembers a width but no column names: it was fitted on an array."""
    first = _steps(estimator)[0]
    if type(first).__module__.startswith("lightgbm"):
        names = list(getattr(first, "feature_name_", []))
        return bool(names) and names == [f"Column_{i}" for i in range(len(names))]
    return (
        getattr(first, "n_features_in_", None) is not None
        and getattr(first, "feature_names_in_", None) is None
    )


def _named(estimator: Any, X: pd.DataFrame, fallback: frames.Native = "pandas") -> Any:
    """Return the rows under the names the estimator was fitted with, where it has any and the width fits."""
    names = learnt_names(estimator)
    if names is None or len(names) != X.shape[1]:
        return frames.from_pandas(X, fallback if names is None else "pandas")
    return X if set(names) == set(X.columns) else X.set_axis(names, axis=1)
