"""Scikit-learn gradients: linear models and perceptrons around given rows, with slopes in closed form."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import NotApplicable
from auditkit.methods.evasion.gradients.engine import NumpyEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    import pandas as pd

__all__ = ["Layered", "around"]

_TOLERANCE = 1e-8  # relative; what double precision leaves of an affine map
_LOOKED_AT = 200  # rows by which a front is held to be affine


class Layered:
    """Layers of numbers around n rows, as a function of some of their columns.

    Parameters
    ----------
    base : ndarray of shape (n, h)
        What the first layer gives for the rows as they are, before its activation.
    values : ndarray of shape (n, k)
        The columns that may change.
    slope : ndarray of shape (k, h)
        How the first layer grows with each column.
    later : list of (weights, offsets)
        The layers after it; none for a linear model.
    activation : str
        "identity", "relu", "tanh" or "logistic", after every layer but the last.
    """

    image = None

    def __init__(
        self,
        base: np.ndarray,
        values: np.ndarray,
        slope: np.ndarray,
        later: Sequence[tuple[np.ndarray, np.ndarray]],
        activation: str,
    ) -> None:
        self.engine = NumpyEngine()
        self.base, self.values, self.slope = base, values, slope
        self.later, self.activation = later, activation
        self.width = slope.shape[0]
        last = later[-1][0].shape[1] if later else slope.shape[1]
        self.classes = max(last, 2)

    def running(self) -> AbstractContextManager[object]:
        """Return a context that does nothing: matrices of this size need no settling."""
        return nullcontext()

    def scores(self, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return scores, shape (m, classes)."""
        return self._forward(x, rows)[0]

    def pull(
        self,
        x: np.ndarray,
        rows: np.ndarray,
        loss: Callable[..., tuple[np.ndarray, np.ndarray]],
        y: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return scores (m, classes), losses (m,) and the gradient of the losses by x, (m, k)."""
        scores, hidden = self._forward(x, rows)
        value, back = loss(scores, y)
        if not (self.later[-1][0].shape[1] if self.later else self.slope.shape[1]) > 1:
            back = back[:, 1:]
        for (weights, _), out in zip(reversed(self.later), reversed(hidden), strict=True):
            back = (back @ weights.T) * self._slope_at(out)
        return scores, value, back @ self.slope.T

    def _forward(self, x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return scores, and what each layer gives after its activation."""
        moved = np.nan_to_num(x - self.values[rows])  # a missing value does not move
        out, hidden = self.base[rows] + moved @ self.slope, []
        for weights, offsets in self.later:
            hidden.append(self._activated(out))
            out = hidden[-1] @ weights + offsets
        return (np.column_stack([np.zeros(len(out)), out]) if out.shape[1] == 1 else out), hidden

    def _activated(self, values: np.ndarray) -> np.ndarray:
        if self.activation == "relu":
            return np.asarray(np.maximum(values, 0.0))
        if self.activation == "tanh":
            return np.asarray(np.tanh(values))
        if self.activation == "logistic":
            from scipy.special import expit

            return np.asarray(expit(values))
        return values

    def _slope_at(self, out: np.ndarray) -> np.ndarray | float:
        """Return the slope of the activation, from what it gave."""
        if self.activation == "relu":
            return (out > 0).astype(float)
        if self.activation == "tanh":
            return np.asarray(1 - out**2)
        return np.asarray(out * (1 - out)) if self.activation == "logistic" else 1.0


def around(
    estimator: Any, X: pd.DataFrame, columns: Sequence[str], dressed: Callable[[pd.DataFrame], Any], kind: str
) -> Layered:
    """Return a fitted classifier around rows: a linear one or MLPClassifier, by itself or behind steps that are affine.

    The steps of a pipeline are asked how their numbers grow with each column, and held to that on rows changed at random. So
    scalers, imputers, one-hot encoders of other columns and principal components pass, and polynomials do not.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X : DataFrame of shape (n, d)
        Rows.
    columns : sequence of str
        Number columns that may change.
    dressed : callable
        Gives rows in the dress in which the estimator is asked.
    kind : str
        The model in words.

    Raises
    ------
    NotApplicable
        If it is another model, or its steps are not affine in these columns.
    """
    front, last = _parted(estimator)
    layers = _layers(last)
    if layers is None:
        raise NotApplicable(
            f"this model ({kind}) gives no gradients in closed form: those of scikit-learn that do are linear classifiers and "
            "MLPClassifier behind scalers; give a PyTorch module, or use decision_attack, which needs none"
        )
    weights, activation = layers
    values = X[list(columns)].to_numpy(dtype=float, na_value=np.nan)

    def before(frame: pd.DataFrame) -> np.ndarray:
        out: Any = dressed(frame)
        for step in front:
            out = step.transform(out)
        out = out.toarray() if hasattr(out, "toarray") else out
        return np.asarray(out, dtype=float)

    prepared = before(X)
    slope = _slopes(before, X, list(columns), values, kind)
    first, offsets = weights[0]
    model = Layered(prepared @ first + offsets, values, slope @ first, weights[1:], activation)
    labels = np.asarray(estimator.classes_)[model.scores(values, np.arange(len(X))).argmax(axis=1)]
    if not np.array_equal(labels, np.asarray(estimator.predict(dressed(X)))):
        raise NotApplicable(
            f"this model ({kind}) answers otherwise than its weights say: give a PyTorch module"
        )
    return model


def _parted(estimator: Any) -> tuple[list[Any], Any]:
    """Return the fitted steps before the last, and the last."""
    front: list[Any] = []
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(steps := getattr(estimator, "steps", None), list) and steps:
            front += [step for _, step in steps[:-1] if step is not None and step != "passthrough"]
            estimator = steps[-1][1]
        else:
            return front, estimator


def _layers(last: Any) -> tuple[list[tuple[np.ndarray, np.ndarray]], str] | None:
    """Return weights (inputs, outputs) and offsets of each layer, and the activation between; None for another model."""
    from sklearn.neural_network import MLPClassifier

    if isinstance(last, MLPClassifier):
        return list(zip(last.coefs_, last.intercepts_, strict=True)), str(last.activation)
    linear = all(hasattr(last, name) for name in ("coef_", "intercept_", "classes_", "decision_function"))
    if linear and type(last).__module__.startswith("sklearn."):
        coef = last.coef_.toarray() if hasattr(last.coef_, "toarray") else np.atleast_2d(last.coef_)
        return [(np.asarray(coef, dtype=float).T, np.ravel(last.intercept_))], "identity"
    return None


def _slopes(before: Any, X: pd.DataFrame, columns: list[str], values: np.ndarray, kind: str) -> np.ndarray:
    """Return how each prepared number grows with each column, (k, p), asked and then held against changed rows."""
    known = np.isfinite(values)
    middle = np.array([np.median(v[k]) if k.any() else 0.0 for v, k in zip(values.T, known.T, strict=True)])
    spread = np.array([np.ptp(v[k]) if k.any() else 0.0 for v, k in zip(values.T, known.T, strict=True)])
    unit = np.where(spread > 0, spread, 1.0)
    asked = X.iloc[np.zeros(len(columns) + 1, dtype=int)].reset_index(drop=True)
    changed = np.tile(middle, (len(columns) + 1, 1))
    changed[np.arange(len(columns)), np.arange(len(columns))] += unit
    out = before(_with(asked, columns, changed))
    slope = (out[:-1] - out[-1]) / unit[:, None]
    some, rng = slice(0, _LOOKED_AT), np.random.default_rng(0)
    moved = np.where(known[some], values[some] + rng.uniform(-2, 2, size=values[some].shape) * unit, np.nan)
    expected = before(X.iloc[some]) + np.nan_to_num(moved - values[some]) @ slope
    found = before(_with(X.iloc[some], columns, moved))
    if not np.allclose(
        found, expected, rtol=_TOLERANCE, atol=_TOLERANCE * max(float(np.abs(expected).max(initial=0)), 1.0)
    ):
        raise NotApplicable(
            f"this model ({kind}) gives no gradients in closed form: a step before its last is not affine in the columns that "
            "may change (scalers, imputers and encoders of other columns are); give a PyTorch module, or use decision_attack"
        )
    return np.asarray(slope)


def _with(frame: pd.DataFrame, columns: list[str], values: np.ndarray) -> pd.DataFrame:
    return frame.assign(**{name: values[:, j] for j, name in enumerate(columns)})[list(frame.columns)]
