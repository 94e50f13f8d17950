"""Classifier: the trees of a fitted classifier with one score a class, and what it says of them itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import NotApplicable
from auditkit.methods.trees import TreeModel, read_trees

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["read_classifier"]


def read_classifier(model: Any) -> tuple[TreeModel, Callable[[Any], Floats]]:
    """Return the trees of a fitted classifier, and the function by which it gives the scores that they add up to.

    Parameters
    ----------
    model : estimator or booster
        Any that `read_trees` reads, but no regressor. Two classes with one score get the score 0 for the first.

    Returns
    -------
    TreeModel
        One score a class; without its base: give it that by `TreeModel.based_on`.
    callable
        Takes the model's input, gives scores (n, k).

    Raises
    ------
    NotApplicable
        If it is none of these.
    """
    read = read_trees(model)
    if type(model).__name__ != "Booster" and not hasattr(model, "classes_"):
        raise NotApplicable(f"{type(model).__name__} is no classifier")
    ask = _asked(model)
    if read.outputs > 1:
        return read, ask
    trees = tuple(replace(tree, value=_two(tree.value)) for tree in read.trees)
    return replace(read, trees=trees, base=np.zeros(2)), lambda Z: _two(ask(Z))


def _two(second: Floats) -> Floats:
    scores = second.reshape(-1)
    return np.column_stack([np.zeros(len(scores)), scores])


def _asked(model: Any) -> Callable[[Any], Floats]:
    """Return the function by which a model gives the sum of its trees."""
    if hasattr(model, "booster_"):
        return lambda Z: np.asarray(model.predict(Z, raw_score=True), dtype=float)
    if hasattr(model, "get_booster"):
        return lambda Z: np.asarray(model.predict(Z, output_margin=True), dtype=float)
    if type(model).__name__ == "Booster":
        return _asked_booster(model)
    ask = getattr(model, "decision_function", None) or model.predict_proba
    return lambda Z: np.asarray(ask(Z), dtype=float)


def _asked_booster(model: Any) -> Callable[[Any], Floats]:
    if type(model).__module__.partition(".")[0] == "lightgbm":
        return lambda Z: np.asarray(model.predict(Z, raw_score=True), dtype=float)
    import xgboost

    def ask(Z: Any) -> Floats:
        matrix = (
            Z if isinstance(Z, xgboost.DMatrix) else xgboost.DMatrix(Z, feature_names=model.feature_names)
        )
        return np.asarray(model.predict(matrix, output_margin=True), dtype=float)

    return ask
