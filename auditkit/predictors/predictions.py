"""Predictions alone: recorded labels or scores, with no model to ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError, NotApplicable
from auditkit.predictors._contract import label_trouble, proba_trouble, range_trouble, shown
from auditkit.predictors.base import Predictor
from auditkit.predictors.sklearn import plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Predictions", "from_predictions"]

_CURE = (
    "give probabilities from 0 to 1, of which each row sums to 1; turn logits into them first (softmax, or "
    "1 / (1 + exp(-score)) for one column)"
)

Recorded = tuple[np.ndarray, np.ndarray | None]


@dataclass(eq=False)
class Predictions(Predictor):
    """What a model said of the rows of the test split (and of the train split, if given).

    Parameters
    ----------
    by_split : dict
        ``{"test": (labels, proba or None), "train": ...}``.
    classes : ndarray of shape (k,) or None
        The labels; None for regression.

    Raises
    ------
    InputError
        If a recorded label is none of the classes.
    """

    by_split: dict[str, Recorded]
    classes: np.ndarray | None = None
    kind: str = field(default="predictions alone", init=False)
    trust: str = field(default="data", init=False)

    def __post_init__(self) -> None:
        if self.classes is None:
            return
        for split, (labels, _) in self.by_split.items():
            trouble = label_trouble(labels, self.classes)
            if trouble:
                raise InputError(
                    f"the recorded predictions of the {split} rows hold {trouble}: {self._cure()}"
                )

    def _cure(self) -> str:
        known = ", ".join(f"{j}: {label!r}" for j, label in enumerate(self.classes.tolist()[:5]))  # type: ignore[union-attr]
        return (
            f"write them in these labels (for numbers of the classes, labels.map({{{known}}})), or leave labels out where "
            "there are scores"
        )

    def recorded(self, split: str, n: int) -> Recorded:
        """Return labels and probabilities recorded for a split of n rows."""
        if split not in self.by_split:
            raise NotApplicable(
                f"no recorded predictions of the {split} rows: pass from_predictions({split}_scores=...)"
            )
        labels, proba = self.by_split[split]
        if len(labels) != n:
            raise InputError(f"{len(labels)} recorded predictions for {n} {split} rows: one a row is needed")
        return labels, proba

    @property
    def has_proba(self) -> bool:
        """Whether probabilities were recorded."""
        return all(proba is not None for _, proba in self.by_split.values())

    def predict(self, X: pd.DataFrame) -> np.ndarray:  # noqa: ARG002 - the contract
        """Refuse: there is no model to ask."""
        raise NotApplicable(
            "this check asks the model about new rows; there is no model, only recorded predictions"
        )

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Refuse: there is no model to ask."""
        return self.predict(X)

    @property
    def can_refit(self) -> bool:
        """Recorded predictions cannot be trained again."""
        return False


def from_predictions(
    *,
    labels: Any = None,
    scores: Any = None,
    train_labels: Any = None,
    train_scores: Any = None,
    classes: Any = None,
    threshold: float = 0.5,
) -> Predictions:
    """Return a predictor for predictions that were recorded elsewhere.

    Parameters
    ----------
    labels, train_labels : array-like of shape (n,), optional
        Predicted labels (or values, for a regression) of the test and the train rows.
    scores, train_scores : array-like of shape (n,) or (n, k), optional
        Probability of the positive label, or of each class.
    classes : sequence, optional
        The labels, in the order of the score columns; for one column, (negative, positive).
    threshold : float
        Where labels are left out, a binary score of at least this is the positive label.

    Raises
    ------
    InputError
        If neither labels nor scores are given, they differ in length, a label is missing or none of the classes, or
        scores are no probabilities.
    """
    known = None if classes is None else plain(classes)
    by_split: dict[str, Recorded] = {}
    for split, said, score in (("test", labels, scores), ("train", train_labels, train_scores)):
        if said is None and score is None:
            continue
        by_split[split] = _recorded(said, score, known, threshold)
    if "test" not in by_split:
        raise InputError("predictions alone need labels= or scores= of the test rows")
    return Predictions(by_split, known)


def _recorded(labels: Any, scores: Any, classes: np.ndarray | None, threshold: float) -> Recorded:
    said = None if labels is None else _said(labels)
    if scores is None:
        return said, None  # type: ignore[return-value]  # one of the two was given
    proba = _proba(scores, classes)
    if said is not None and len(said) != len(proba):
        raise InputError(
            f"{len(said)} recorded labels and {len(proba)} recorded scores: give one of each a row, in the same order"
        )
    if said is not None:
        return said, proba
    known = np.asarray(classes)
    chosen = (proba[:, 1] >= threshold).astype(int) if len(known) == 2 else proba.argmax(axis=1)
    return known[chosen], proba


def _said(labels: Any) -> np.ndarray:
    """Return recorded labels or values, shape (n,)."""
    import pandas as pd

    said = plain(labels)
    if said.ndim == 2 and said.shape[1] == 1:
        said = said[:, 0]
    if said.ndim != 1:
        raise InputError(f"recorded labels must be one a row, shape (n,); got shape {said.shape}")
    missing = int(pd.isna(said).sum())
    if missing:
        raise InputError(
            f"{missing} of {len(said)} recorded predictions are NaN or missing: drop these rows here and in the data"
        )
    if said.dtype.kind == "f" and np.isinf(said).any():
        raise InputError(f"{int(np.isinf(said).sum())} of {len(said)} recorded predictions are infinite")
    return said


def _proba(scores: Any, classes: np.ndarray | None) -> np.ndarray:
    """Return recorded scores as class probabilities, shape (n, k)."""
    proba = np.asarray(scores, dtype=float)
    if proba.ndim == 2 and proba.shape[1] == 1:
        proba = proba[:, 0]
    if proba.ndim not in (1, 2):
        raise InputError(f"recorded scores must be of shape (n,) or (n, k); got shape {proba.shape}")
    bad = int((~np.isfinite(proba)).reshape(len(proba), -1).any(axis=1).sum())
    if bad:
        raise InputError(
            f"{bad} of {len(proba)} recorded scores are NaN or infinite: drop these rows, or mend the scores"
        )
    if classes is None:
        raise InputError("scores need classes=(negative, positive), or one class a column")
    if proba.ndim == 1:
        if len(classes) != 2:
            raise InputError(f"one column of scores fits two classes; got {len(classes)}: {classes.tolist()}")
        # told of the column that was given, not of its complement
        if trouble := range_trouble(proba):
            raise InputError(f"the recorded scores hold {trouble}: {_CURE}")
        proba = np.column_stack([1 - proba, proba])
    if proba.shape[1] != len(classes):
        raise InputError(
            f"{proba.shape[1]} score columns for {len(classes)} classes {shown(classes.tolist())}"
        )
    trouble = proba_trouble(proba)
    if trouble:
        raise InputError(f"the recorded scores hold {trouble}: {_CURE}")
    return proba
