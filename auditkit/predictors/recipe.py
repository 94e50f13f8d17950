"""Recipe: a model in two parts that can be trained again, what prepares the columns and what decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditkit.errors import ModelError, NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

__all__ = ["Recipe", "recipe_of"]


def _unheard() -> None:
    """Count nothing."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """A classifier in two parts, neither of them trained.

    Attributes
    ----------
    front : transformer or None
        What a pipeline does before its last step; None where the rows reach the learner as they are.
    learner : estimator
        What decides, with every random state set.
    classes : ndarray of shape (k,)
        The labels.
    kind : str
        The model in words.
    dressed : callable
        Gives rows in the dress the model is asked in.
    on_training : callable
        Called before every training, so that someone counts.
    """

    front: Any
    learner: Any
    classes: np.ndarray
    kind: str
    dressed: Callable[[pd.DataFrame], Any] = field(repr=False)
    on_training: Callable[[], None] = field(default=_unheard, repr=False)

    @property
    def takes_weights(self) -> bool:
        """Whether the learner's ``fit`` takes ``sample_weight``."""
        from sklearn.utils.validation import has_fit_parameter

        return bool(has_fit_parameter(self.learner, "sample_weight"))

    def prepare(self, X: pd.DataFrame, y: np.ndarray, *others: pd.DataFrame) -> tuple[Any, ...]:
        """Return the rows as the learner gets them, training rows first; the front learns from these alone.

        Raises
        ------
        NotApplicable
            If a step of the pipeline adds or drops rows.
        ModelError
            If the front cannot be trained.
        """
        from sklearn.base import clone

        if self.front is None:
            return tuple(self.dressed(rows) for rows in (X, *others))
        if any(hasattr(step, "fit_resample") for _, step in self.front.steps):
            raise NotApplicable(f"a step of this model ({self.kind}) draws other training rows")
        front = clone(self.front)
        try:
            first = front.fit_transform(self.dressed(X), y)
            return (first, *(front.transform(self.dressed(rows)) for rows in others))
        except Exception as error:
            raise self._failed(len(y), error) from error

    def train(self, Z: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Any:
        """Return a trained learner.

        Parameters
        ----------
        Z : table of shape (n, d)
            Rows as `prepare` gives them.
        y : ndarray of shape (n,)
            Labels, of `classes`.
        sample_weight : ndarray of shape (n,), optional
            Weights, at least 0.

        Raises
        ------
        NotApplicable
            If weights are given and the learner takes none.
        ModelError
            If training fails.
        """
        from sklearn.base import clone

        if sample_weight is not None and not self.takes_weights:
            raise NotApplicable(f"the fit of {type(self.learner).__name__} takes no sample_weight")
        self.on_training()
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        try:
            return clone(self.learner).fit(Z, y, **weights)
        except Exception as error:
            raise self._failed(len(y), error) from error

    def _failed(self, n: int, error: Exception) -> ModelError:
        return ModelError(
            f"the model ({self.kind}) could not be trained on {n} rows: {type(error).__name__}: {error}"
        )


def recipe_of(
    estimator: Any, *, classes: np.ndarray | None, kind: str, dressed: Callable[[pd.DataFrame], Any]
) -> Recipe:
    """Return the recipe of an estimator: its pipeline's steps but the last, and the last.

    A search (``GridSearchCV``) stands for the best it found: settings are not searched again.

    Raises
    ------
    NotApplicable
        If it is a regressor, or cannot be copied untrained.
    """
    from sklearn.base import clone

    if classes is None:
        raise NotApplicable(f"this model ({kind}) is a regressor; a recipe is a classifier's")
    steps: list[tuple[str, Any]] = []
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(inner := getattr(estimator, "steps", None), list) and inner:
            steps += [(f"{len(steps) + i}_{name}", step) for i, (name, step) in enumerate(inner[:-1])]
            estimator = inner[-1][1]
        else:
            break
    try:
        front, learner = [(name, _copied(step, clone)) for name, step in steps], clone(estimator)
    except (TypeError, RuntimeError) as error:
        raise NotApplicable(f"this model ({kind}) cannot be trained again: {error}") from error
    return Recipe(_pipeline(front), learner, classes, kind, dressed)


def _copied(step: Any, clone: Callable[[Any], Any]) -> Any:
    return step if step is None or isinstance(step, str) else clone(step)


def _pipeline(steps: list[tuple[str, Any]]) -> Any:
    from sklearn.pipeline import Pipeline

    return Pipeline(steps) if steps else None
