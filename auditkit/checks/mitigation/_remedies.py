"""Remedies: what may be done against leakage, to the training of a model or to what is given out of it."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditkit.errors import Cancelled, InputError, ModelError, NotApplicable
from auditkit.methods import distillation, published, restraint
from auditkit.predictors.base import Predictor
from auditkit.predictors.sklearn import SklearnPredictor, seeded

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Distilled",
    "Private",
    "Published",
    "Regularised",
    "Remedied",
    "Remedy",
    "Smoothed",
    "Soft",
    "Stopped",
    "independent_columns",
]

_SMOOTHING = 0.5  # share of the way to targets that say nothing, in full
_BUDGETS = (8.0, 1.0)  # epsilon at no strength and in full


@dataclass(frozen=True, eq=False)
class Remedy:
    """What is done at one strength; this one does nothing.

    Attributes
    ----------
    strength : float
        0 for nothing, 1 for the remedy in full.
    """

    strength: float = 0.0

    def trained(self, model: Predictor, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:
        """Return a model of the same recipe trained on these rows, the remedy applied."""
        return model.refit(X, y, seed)

    def published(self, proba: np.ndarray) -> np.ndarray:
        """Return how an attacker reads what is given out of class probabilities, shape (..., k)."""
        return proba

    def setting(self, model: Predictor, n_rows: int) -> str:  # noqa: ARG002 - each says it in its own way
        """Return what is set, in words, for a model trained on so many rows."""
        return "as it was"


@dataclass(eq=False)
class Remedied(Predictor):
    """A recipe that is trained with a remedy, as the model under audit and as any reference model of an attacker who knows of it.

    Parameters
    ----------
    inner : Predictor
        The recipe, or what was trained by it.
    remedy : Remedy
        What is done.
    """

    inner: Predictor
    remedy: Remedy

    def __post_init__(self) -> None:
        self.classes, self.kind, self.trust = self.inner.classes, self.inner.kind, self.inner.trust
        self.estimator = self.inner.estimator

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels, shape (n,)."""
        return self.inner.predict(X)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities before anything is kept back, shape (n, k)."""
        return self.inner.predict_proba(X)

    def refit(self, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:
        """Return the recipe trained on other rows with the remedy."""
        return Remedied(self.remedy.trained(self.inner, X, y, seed), self.remedy)


@dataclass(frozen=True, eq=False)
class _Set(Remedy):
    """A remedy that sets parameters of the estimator."""

    def changes(self, estimator: Any, n_rows: int) -> dict[str, Any]:
        """Return parameters for an estimator that is to be trained on so many rows.

        Raises
        ------
        NotApplicable
            If nothing can be set in it.
        """
        raise NotApplicable(f"nothing is set in {type(estimator).__name__} for {n_rows} rows")

    def trained(self, model: Predictor, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:
        """Return the estimator trained with other parameters; those that depend on the rows are of these rows."""
        estimator = _estimator(model)
        estimator.set_params(**self.changes(estimator, len(y)))
        return _fitted(model, estimator, X, y, seed)

    def setting(self, model: Predictor, n_rows: int) -> str:
        """Return the parameters with their values before and after."""
        estimator = _estimator(model)
        now = estimator.get_params(deep=True)
        changes = self.changes(estimator, n_rows)
        return ", ".join(f"{name} {_short(now[name])} to {_short(value)}" for name, value in changes.items())


@dataclass(frozen=True, eq=False)
class Regularised(_Set):
    """Settings under which the model fits its training rows less closely."""

    def changes(self, estimator: Any, n_rows: int) -> dict[str, Any]:
        """Return the settings on their way to those of its family that restrain it."""
        return restraint.restrained(estimator, self.strength, n_rows)


@dataclass(frozen=True, eq=False)
class Stopped(_Set):
    """Fewer rounds, trees or epochs."""

    def changes(self, estimator: Any, n_rows: int) -> dict[str, Any]:  # noqa: ARG002 - rounds do not go by rows
        """Return how many rounds, trees or epochs are left."""
        return restraint.shortened(estimator, self.strength)


@dataclass(frozen=True, eq=False)
class Smoothed(Remedy):
    """Softened targets: each row also with every other label, at a small weight (label smoothing)."""

    def _epsilon(self, k: int) -> float:
        return _SMOOTHING * self.strength * (k - 1) / k

    def trained(self, model: Predictor, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:
        """Return the estimator trained on weighted copies of the rows.

        Raises
        ------
        NotApplicable
            If its ``fit`` takes no weights.
        """
        estimator = _estimator(model)
        weighted = _weighted(estimator)
        labels, own = np.unique(y, return_inverse=True)
        if len(labels) < 2:
            raise NotApplicable("the training rows hold one label only: there is none to soften it with")
        rows, given, weights = published.smoothed_targets(own, len(labels), self._epsilon(len(labels)))
        copies = X.iloc[rows].reset_index(drop=True)
        return _fitted(model, estimator, copies, labels[given], seed, **{weighted: weights})

    def setting(self, model: Predictor, n_rows: int) -> str:  # noqa: ARG002
        """Return the weight given to other labels."""
        k = 2 if model.classes is None else len(model.classes)
        return f"{self._epsilon(k):.3g} of each target moved to the other labels"


@dataclass(frozen=True, eq=False)
class Soft(Remedy):
    """Given targets instead of labels: each row with every class, weighted by its probability.

    Attributes
    ----------
    targets : ndarray of shape (n, k)
        Of the rows it is trained on, in the order of the model's classes.
    """

    targets: Any = None

    def trained(self, model: Predictor, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:  # noqa: ARG002 - targets stand for it
        """Return the estimator trained on weighted copies of the rows.

        Raises
        ------
        NotApplicable
            If its ``fit`` takes no weights.
        """
        estimator = _estimator(model)
        weighted = _weighted(estimator)
        rows, given, weights = distillation.soft_copies(self.targets)
        copies = X.iloc[rows].reset_index(drop=True)
        labels = np.asarray(model.classes)[given]
        return _fitted(model, estimator, copies, labels, seed, **{weighted: weights})


@dataclass(frozen=True, eq=False)
class Published(Remedy):
    """Fewer digits, or fewer labels, given out; the model stays as it is.

    Attributes
    ----------
    what : {"2 digits", "1 digit", "first label with its score", "label alone"}
        What is given out.
    """

    what: Literal["2 digits", "1 digit", "first label with its score", "label alone"] = "2 digits"

    def published(self, proba: np.ndarray) -> np.ndarray:
        """Return how an attacker reads what is given out."""
        if self.what in ("2 digits", "1 digit"):
            return published.rounded(proba, int(self.what[0]))
        return published.top_label(proba, scored=self.what != "label alone")

    def setting(self, model: Predictor, n_rows: int) -> str:  # noqa: ARG002
        """Return what is given out."""
        return self.what


@dataclass(frozen=True, eq=False)
class Distilled(Remedy):
    """A student of the same recipe that never sees the training rows: it learns the teacher's labels of other rows.

    Attributes
    ----------
    inputs : DataFrame of shape (m, d)
        Rows the student learns from.
    what : str
        Where they come from.
    """

    inputs: Any = None
    what: str = "held-out rows"

    def trained(self, model: Predictor, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:
        """Return the student of a teacher trained on these rows.

        Raises
        ------
        NotApplicable
            If the teacher gives all of the inputs one label.
        """
        teacher = model.refit(X, y, seed)
        labels = teacher.predict(self.inputs)
        if len(np.unique(labels)) < 2:
            raise NotApplicable(
                "the teacher gives every one of these rows the same label: there is nothing to learn"
            )
        return teacher.refit(self.inputs, labels, seed)

    def setting(self, model: Predictor, n_rows: int) -> str:  # noqa: ARG002
        """Return how many rows the student learns from."""
        return f"{len(self.inputs):,} {self.what}"


@dataclass(frozen=True, eq=False)
class Private(Remedy):
    """Differentially private training of the learner, by noisy gradients; what prepares the columns stays as it was."""

    def _epsilon(self) -> float:
        most, least = _BUDGETS
        return float(most * (least / most) ** self.strength)

    def trained(self, model: Predictor, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:
        """Return the same learner trained privately."""
        from auditkit.checks.mitigation._private import privately

        estimator = privately(_estimator(model), self._epsilon())
        return _fitted(model, estimator, X, y, seed)

    def setting(self, model: Predictor, n_rows: int) -> str:  # noqa: ARG002
        """Return the budget."""
        return f"epsilon {self._epsilon():.3g}, delta {1 / (10 * n_rows):.1g}"


def independent_columns(X: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return `n` rows whose columns are drawn each by itself from those of `X`: its values, none of its relations."""
    drawn = {name: X[name].iloc[rng.integers(len(X), size=n)].reset_index(drop=True) for name in X.columns}
    return type(X)(drawn, columns=X.columns)


def _estimator(model: Predictor) -> Any:
    """Return an untrained copy of the estimator of a model; a search stands for the best it found.

    Raises
    ------
    NotApplicable
        If there is none whose parameters can be set.
    """
    from sklearn.base import clone

    if not isinstance(model, SklearnPredictor):
        raise NotApplicable(
            f"the settings of this model ({model.kind}) cannot be changed: give a scikit-learn classifier or pipeline"
        )
    try:
        return clone(_settled(model.estimator))
    except (TypeError, RuntimeError) as error:
        raise NotApplicable(f"this model ({model.kind}) cannot be trained again: {error}") from error


def _weighted(estimator: Any) -> str:
    """Return how weights of rows are handed to the last step of an estimator.

    Raises
    ------
    NotApplicable
        If its ``fit`` takes none.
    """
    from sklearn.utils.validation import has_fit_parameter

    last, prefix = estimator, ""
    while getattr(last, "steps", None):
        name, last = last.steps[-1]
        prefix += f"{name}__"
    if not has_fit_parameter(last, "sample_weight"):
        raise NotApplicable(f"the fit of {type(last).__name__} takes no sample_weight")
    return f"{prefix}sample_weight"


def _settled(estimator: Any) -> Any:
    while hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    steps = getattr(estimator, "steps", None)
    if not isinstance(steps, list) or not steps:
        return estimator
    last = _settled(steps[-1][1])
    if last is steps[-1][1]:
        return estimator
    changed = copy.copy(estimator)
    changed.steps = [*steps[:-1], (steps[-1][0], last)]
    return changed


def _fitted(
    model: Predictor, estimator: Any, X: pd.DataFrame, y: np.ndarray, seed: int, **more: Any
) -> Predictor:
    """Train an estimator as `SklearnPredictor.refit` does, and return it in the model's dress."""
    again = copy.copy(model)
    seeded(estimator, seed)
    try:
        with warnings.catch_warnings():
            # training that ends early has not converged: that is what was asked for
            warnings.filterwarnings("ignore", message=".*(converge|reached)", category=UserWarning)
            again.estimator = estimator.fit(model.dressed(X), y, **more)  # type: ignore[attr-defined]
    except (NotApplicable, Cancelled, InputError):
        raise
    except Exception as error:
        raise ModelError(
            f"the model ({model.kind}) could not be trained on {len(y)} rows: {type(error).__name__}: {error}"
        ) from error
    return again


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
