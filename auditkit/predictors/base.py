"""Predictor: how a model is asked."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import progress
from auditkit.errors import Cancelled, InputError, ModelError, NotApplicable
from auditkit.methods.evasion.gradients.differentiable import CountedSlopes
from auditkit.predictors._contract import label_trouble, proba_trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from auditkit.methods.evasion.gradients.differentiable import Differentiable
    from auditkit.predictors.recipe import Recipe

__all__ = ["Counted", "ModelError", "Predictor"]

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # where an object lay in memory: another place in every run


class Predictor(ABC):
    """How a model is asked.

    A predictor takes a pandas DataFrame of the features and gives numpy arrays. Whatever a model
    cannot do raises `NotApplicable` with a sentence that says what is missing.

    Attributes
    ----------
    classes : ndarray of shape (k,) or None
        The labels, in the order of the columns of `predict_proba`; None for regression.
    kind : str
        What sort of model it is, in words: "LGBMClassifier", "callable", "predictions alone".
    trust : str
        How it came: "live object", "data", "listed", "pinned", "factory".
    digest : str
        sha256 of the file it came from, or of the object where that can be had; else empty.
    estimator : object or None
        The model itself, for explainers that read its inside.
    """

    classes: np.ndarray | None = None
    kind: str = "model"
    trust: str = "live object"
    digest: str = ""
    estimator: Any = None

    @abstractmethod
    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels or values, shape (n,)."""

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:  # noqa: ARG002 - the contract
        """Return class probabilities, shape (n, k), columns in the order of `classes`."""
        raise NotApplicable(f"this model ({self.kind}) gives no probabilities, only labels")

    @property
    def has_proba(self) -> bool:
        """Whether `predict_proba` answers."""
        return type(self).predict_proba is not Predictor.predict_proba

    @property
    def gives_proba(self) -> bool | None:
        """Whether `predict_proba` answers, as far as is known without asking; None where an answer must be seen first."""
        return self.has_proba

    def try_out(self, X: pd.DataFrame) -> None:
        """Answer rows as a check would ask for them, and conclude nothing from them: a few rows may not show what a model gives."""
        if self.has_proba:
            self.predict_proba(X)
        else:
            self.predict(X)

    def refit(self, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:  # noqa: ARG002 - the contract
        """Return a new predictor of the same recipe, trained on other rows."""
        raise NotApplicable(
            f"this model ({self.kind}) cannot be trained again: give a scikit-learn estimator, "
            "or a predictor with refit(X, y, seed)"
        )

    @property
    def can_refit(self) -> bool:
        """Whether `refit` answers."""
        return type(self).refit is not Predictor.refit

    def recipe(self, seed: int) -> Recipe:  # noqa: ARG002 - the contract
        """Return the model in two untrained parts, for training on other weights or changed columns."""
        raise NotApplicable(
            f"this model ({self.kind}) cannot be trained again in parts: give a scikit-learn classifier or pipeline"
        )

    def meet(self, X: pd.DataFrame) -> None:  # noqa: B027 - most models need not look
        """Take note of the rows under audit, for a model that must see an answer to know what it gives."""

    def loss_gradient(self, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:  # noqa: ARG002 - the contract
        """Return the gradient of the loss by the features, shape (n, d)."""
        raise NotApplicable(f"this model ({self.kind}) gives no gradients")

    def differentiable(self, X: pd.DataFrame, columns: Sequence[str]) -> Differentiable:  # noqa: ARG002 - the contract
        """Return the model around these rows, as a function of some of their number columns, with slopes; classifiers only.

        Parameters
        ----------
        X : DataFrame of shape (n, d)
            Rows.
        columns : sequence of str
            Those that may change.

        Raises
        ------
        NotApplicable
            If the model gives no gradients by these columns.
        """
        raise NotApplicable(
            f"this model ({self.kind}) gives no gradients: give a PyTorch classifier (from_torch), or a linear model or "
            "MLPClassifier of scikit-learn behind scalers; decision_attack needs none"
        )

    def describe(self) -> dict[str, Any]:
        """Return what the report says of the model."""
        said = {
            "kind": self.kind,
            "trust": self.trust,
            "digest": self.digest,
            "description": self.description(),
        }
        apart = self.apart()
        return {**said, "apart": apart} if apart else said

    def apart(self) -> str:
        """Return in words what the process of the model is held to; empty where it is asked in this one."""
        return ""

    def description(self) -> str:
        """Return the configuration in words; shortened by whoever shows it."""
        return _ADDRESS.sub("", repr(self.estimator)) if self.estimator is not None else self.kind


@dataclass(eq=False)
class Counted(Predictor):
    """A predictor asked in batches, counted, and held to its contract.

    Parameters
    ----------
    inner : Predictor
        The model.
    batch_rows : int
        Most rows in one call.

    Attributes
    ----------
    calls, rows, refits : int
        Calls made, rows asked, models trained so far.
    """

    inner: Predictor
    batch_rows: int = 100_000
    calls: int = field(default=0, init=False)
    rows: int = field(default=0, init=False)
    refits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.classes, self.kind, self.trust = self.inner.classes, self.inner.kind, self.inner.trust
        self.digest, self.estimator = self.inner.digest, self.inner.estimator

    @property
    def has_proba(self) -> bool:
        """Whether `predict_proba` answers."""
        return self.inner.has_proba

    @property
    def gives_proba(self) -> bool | None:
        """Whether `predict_proba` answers; None where an answer must be seen first."""
        return self.inner.gives_proba

    @property
    def can_refit(self) -> bool:
        """Whether `refit` answers."""
        return self.inner.can_refit

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels or values, shape (n,)."""
        return self._in_batches(self.inner.predict, X, ndim=1)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities, shape (n, k)."""
        return self._in_batches(self.inner.predict_proba, X, ndim=2)

    def refit(self, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:
        """Return a new counted predictor; its calls count here too."""
        fresh = self.inner.refit(X, y, seed)
        self._trained()
        return _Shared(fresh, self)

    def recipe(self, seed: int) -> Recipe:
        """Return the model in two untrained parts; its trainings count as refits here."""
        return replace(self.inner.recipe(seed), on_training=self._trained)

    def loss_gradient(self, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
        """Return the gradient of the loss by the features, shape (n, d)."""
        self._count(len(X))
        return self.inner.loss_gradient(X, y)

    def differentiable(self, X: pd.DataFrame, columns: Sequence[str]) -> Differentiable:
        """Return the model around these rows; its calls count here."""
        return CountedSlopes(self.inner.differentiable(X, columns), self._count)

    def description(self) -> str:
        """Return the configuration in words."""
        return self.inner.description()

    def apart(self) -> str:
        """Return what the process of the model is held to."""
        return self.inner.apart()

    def cost(self) -> dict[str, int]:
        """Return what was asked so far."""
        return {"model_calls": self.calls, "model_rows": self.rows, "refits": self.refits}

    def also(self, cost: dict[str, int]) -> None:
        """Count what was asked of copies of the model elsewhere, as `cost` of these gave it."""
        self.calls += cost["model_calls"]
        self.rows += cost["model_rows"]
        self.refits += cost["refits"]

    def _trained(self) -> None:
        self.refits += 1
        progress.step()

    def _count(self, rows: int) -> None:
        self.calls += 1
        self.rows += rows
        progress.step()

    def _in_batches(self, ask: Any, X: pd.DataFrame, ndim: int) -> np.ndarray:
        parts = []
        for start in range(0, max(len(X), 1), self.batch_rows):
            part = X.iloc[start : start + self.batch_rows]
            self._count(len(part))
            parts.append(_answer(ask, part, ndim, self.kind, self.classes))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


class _Shared(Counted):
    """A refitted model whose calls count at the model it came from."""

    def __init__(self, inner: Predictor, owner: Counted) -> None:
        super().__init__(inner, owner.batch_rows)
        self.owner = owner

    def _count(self, rows: int) -> None:
        self.owner._count(rows)  # noqa: SLF001 - of its own kind


def most_probable(proba: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the most probable label of each row, shape (n,).

    Raises
    ------
    ModelError
        If a probability is NaN: the first class would pass for an answer.
    """
    bad = int(np.isnan(proba).any(axis=1).sum())
    if bad:
        raise ModelError(f"the model answered NaN for {bad} of {len(proba)} rows")
    return np.asarray(classes[proba.argmax(axis=1)])


def _answer(ask: Any, X: pd.DataFrame, ndim: int, kind: str, classes: np.ndarray | None) -> np.ndarray:
    """Ask once and hold the answer to the contract: shape, no NaN, labels among the classes, probabilities."""
    try:
        out = np.asarray(ask(X))
    except (NotApplicable, Cancelled, InputError, ModelError):
        raise
    except Exception as error:
        raise ModelError(
            f"the model ({kind}) failed on {len(X)} rows: {type(error).__name__}: {error}"
        ) from error
    if ndim == 1 and out.ndim == 2 and out.shape[1] == 1:
        out = out[:, 0]
    if out.ndim != ndim or len(out) != len(X):
        want = f"({len(X)},)" if ndim == 1 else f"({len(X)}, {'k' if classes is None else len(classes)})"
        raise ModelError(
            f"the model ({kind}) must answer {len(X)} rows with shape {want}; it gave {out.shape}"
        )
    if ndim == 2 and classes is not None and out.shape[1] != len(classes):
        raise ModelError(
            f"the model ({kind}) gave {out.shape[1]} probability columns for {len(classes)} classes {list(classes)}"
        )
    if out.dtype.kind == "f" and not np.isfinite(out).all():
        bad = int((~np.isfinite(out)).reshape(len(out), -1).any(axis=1).sum())
        raise ModelError(f"the model ({kind}) answered NaN or infinity for {bad} of {len(out)} rows")
    if classes is not None:
        _hold(out, kind, classes)
    return out


def _hold(out: np.ndarray, kind: str, classes: np.ndarray) -> None:
    """Refuse labels outside the classes, and what is no probability: both would pass for figures."""
    trouble = label_trouble(out, classes) if out.ndim == 1 else proba_trouble(out)
    if trouble and out.ndim == 1:
        raise ModelError(
            f"the model ({kind}) answered {trouble}: let it answer in these labels, or name its own in their order "
            "(classes=[...]) and give y in them"
        )
    if trouble:
        raise ModelError(
            f"the model ({kind}) gave {trouble}: a row must hold the probability of each class. Turn logits into "
            "probabilities (softmax) before, or give labels alone: from_callable(function, output='labels')"
        )
