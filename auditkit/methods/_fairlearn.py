"""Dress: what fairlearn is shown of scores that are known and of a training that goes on elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Train: TypeAlias = Callable[[NDArray[np.int64], NDArray[np.float64]], NDArray[np.bool_]]

__all__ = ["Learner", "Scores"]


class Scores(BaseEstimator):  # type: ignore[misc]
    """An estimator whose answer is its only column: the scores themselves."""

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - the manner of estimators
        """Learn nothing."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> np.ndarray:
        """Return the column, shape (n,)."""
        column: np.ndarray = np.asarray(X)[:, 0]
        return column


class Learner(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator whose rows are row numbers; it trains by calling a function and keeps the decisions.

    Parameters
    ----------
    train : callable
        As in `auditkit.methods.mitigation.constrained_training`.
    """

    def __init__(self, train: Train) -> None:
        self.train = train

    def __sklearn_clone__(self) -> Learner:
        """Return an untrained one that trains by the same function, not by a copy of it and of all it holds."""
        return Learner(self.train)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on all rows, in order; X holds their numbers."""
        labels = np.asarray(y).astype(np.int64)
        weights = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        self.classes_ = np.array([0, 1])
        self.decisions_ = np.asarray(self.train(labels, weights)).astype(np.int64)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the decisions for row numbers, shape (n,)."""
        decided: np.ndarray = self.decisions_[np.asarray(X)[:, 0]]
        return decided
