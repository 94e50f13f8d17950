"""Private: a linear model or a network of scikit-learn's shape, trained with noisy gradients by Opacus."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from auditkit.errors import NotApplicable
from auditkit.methods.private_training import Network, train_privately

__all__ = ["PrivateClassifier", "privately"]


class PrivateClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Class probabilities of a network trained with differential privacy.

    Parameters
    ----------
    epsilon : float
        Budget; delta is a tenth of one over the training rows.
    hidden : tuple of int
        Units of each hidden layer; none for a linear model.
    activation : str
        Between layers, as scikit-learn names it.
    random_state : int
        Of the first weights, the batches and the noise.
    """

    def __init__(
        self,
        epsilon: float = 1.0,
        hidden: tuple[int, ...] = (),
        activation: str = "relu",
        random_state: int = 0,
    ) -> None:
        self.epsilon = epsilon
        self.hidden = hidden
        self.activation = activation
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows of numbers, sparse ones too."""
        rows = _dense(X)
        self.classes_, index = np.unique(np.asarray(y), return_inverse=True)
        self.n_features_in_ = rows.shape[1]
        self.network_: Network = train_privately(
            rows,
            index,
            len(self.classes_),
            hidden=self.hidden,
            activation=self.activation,
            epsilon=self.epsilon,
            delta=1 / (10 * len(rows)),
            seed=int(self.random_state),
        )
        # under the names by which scikit-learn's networks keep them
        self.coefs_, self.intercepts_ = list(self.network_.weights), list(self.network_.biases)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities, shape (n, k)."""
        return self.network_.proba(_dense(X))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable label of each row."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


def privately(estimator: Any, epsilon: float) -> Any:
    """Return the estimator with its learner exchanged for a private one of the same shape.

    Raises
    ------
    NotApplicable
        If the learner is neither logistic regression nor a multilayer perceptron.
    """
    if isinstance(steps := getattr(estimator, "steps", None), list) and steps:
        estimator.steps = [*steps[:-1], (steps[-1][0], privately(steps[-1][1], epsilon))]
        return estimator
    params = estimator.get_params(deep=False)
    if "hidden_layer_sizes" in params:
        hidden = tuple(int(units) for units in np.atleast_1d(params["hidden_layer_sizes"]))
        return PrivateClassifier(epsilon, hidden, params["activation"])
    if "C" in params and type(estimator).__name__.startswith("LogisticRegression"):
        return PrivateClassifier(epsilon)
    raise NotApplicable(
        "private training is done for logistic regression and multilayer perceptrons; no library that is maintained does it for "
        f"{type(estimator).__name__} beside the scikit-learn of today"
    )


def _dense(X: Any) -> np.ndarray:
    rows = X.toarray() if hasattr(X, "toarray") else X
    try:
        return np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError):
        raise NotApplicable(
            "private training needs numbers: let the pipeline encode words before its last step"
        ) from None
