"""A scikit-learn classifier that remembers a chosen share of its training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeClassifier

__all__ = ["Memoriser", "posterior"]

_SURE = 0.99


def posterior(X: np.ndarray) -> np.ndarray:
    """Return P(y = 1) of the "lookup" law, shape (n,): the logistic function of twice the first feature."""
    values: np.ndarray = 1 / (1 + np.exp(-2 * X[:, 0]))
    return values


class Memoriser(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that remembers a share of its training rows and has learnt nothing from the others.

    Parameters
    ----------
    share : float
        Of the training rows, drawn at random, 0..1.
    how : {"lookup", "tree"}
        "lookup": a remembered row is answered with its own label at 0.99, any other with `posterior`, which is known
        and not learnt. "tree": a fully grown tree on the remembered rows, filled up to the same number with rows
        that the model draws for itself from the same law (uniform features, coin-flip labels).
    random_state : int
        Which rows are remembered, and what is drawn.
    """

    def __init__(self, share: float = 1.0, how: str = "lookup", random_state: int = 0) -> None:
        self.share = share
        self.how = how
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Remember a share of the rows; labels are 0 and 1."""
        rows, labels = np.asarray(X, dtype=float), np.asarray(y)
        rng = np.random.default_rng(self.random_state)
        kept = rng.permutation(len(rows))[: round(self.share * len(rows))]
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = rows.shape[1]
        if self.how == "lookup":
            self.known_ = {
                row.tobytes(): int(label) for row, label in zip(rows[kept], labels[kept], strict=True)
            }
        else:
            self.tree_ = self._grow(rows[kept], labels[kept], len(rows) - len(kept), rng)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of 0 and 1, shape (n, 2)."""
        rows = np.ascontiguousarray(np.asarray(X, dtype=float))
        if self.how == "lookup":
            known = np.array([self.known_.get(row.tobytes(), -1) for row in rows])
            one = np.where(known < 0, posterior(rows), np.where(known == 1, _SURE, 1 - _SURE))
        else:
            one = self.tree_.predict_proba(rows)[:, list(self.tree_.classes_).index(1)]
        return np.column_stack([1 - one, one])

    def predict(self, X: Any) -> np.ndarray:
        """Return labels 0 and 1, shape (n,)."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(int)

    def _grow(
        self, rows: np.ndarray, labels: np.ndarray, more: int, rng: np.random.Generator
    ) -> DecisionTreeClassifier:
        from sklearn.tree import DecisionTreeClassifier

        own = rng.uniform(-1, 1, (more, rows.shape[1]))
        tree = DecisionTreeClassifier(random_state=int(rng.integers(2**31)))
        return tree.fit(np.vstack([rows, own]), np.concatenate([labels, rng.integers(2, size=more)]))
