"""Folds: what models say of training rows they have not seen, and of test rows beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import spread
from auditkit.checks.membership._refits import aligned_proba
from auditkit.checks.poisoning._rows import coded
from auditkit.errors import NotApplicable, in_words
from auditkit.methods._threads import one_thread
from auditkit.methods.proxies import even_folds
from auditkit.predictors import Counted

if TYPE_CHECKING:
    from auditkit.dataset import Dataset
    from auditkit.predictors import Predictor
    from auditkit.subject import Subject

__all__ = ["Folded", "boosted", "folded", "learner_of"]

_MOST_CATEGORIES = 250  # that boosting takes as categories; more are taken as numbers


@dataclass(frozen=True, eq=False)
class Folded:
    """Probabilities by models that have not seen the rows.

    Attributes
    ----------
    train, test : ndarray of float, shapes (n, k) and (m, k)
        Of training rows, each by the model that was trained without its fold; of test rows, each by the model of a fold drawn for it.
    learner : str
        What was trained, in words.
    """

    train: np.ndarray
    test: np.ndarray
    learner: str


def learner_of(subject: Subject) -> str:
    """Return what is trained: the model again where that is possible and gives probabilities, else boosted trees."""
    again = subject.model.can_refit and subject.model.has_proba and not subject.predictions_only
    return (
        f"the model's own recipe ({subject.model.kind})"
        if again
        else "boosted trees, for the model cannot be trained again"
    )


def folded(
    subject: Subject, train: Dataset, test: Dataset, y: np.ndarray, folds: int, rng: np.random.Generator
) -> Folded:
    """Train a model without each fold of the training rows, and ask it about the fold and its share of the test rows.

    Given a model, the two are rows it has not seen. Where both are draws of one law, it speaks of them alike.

    Raises
    ------
    NotApplicable
        If a model cannot be trained.
    """
    learner = learner_of(subject)
    own = even_folds(y, folds, rng)
    other = even_folds(np.zeros(len(test), dtype=np.int64), folds, rng)
    seeds = rng.integers(2**31 - 1, size=folds)
    classes = np.asarray(subject.classes)
    jobs: list[tuple[Any, ...]] = []
    rows = None if learner.startswith("the model") else coded(train, test)
    for fold in range(folds):
        out, kept, asked = (
            np.flatnonzero(own == fold),
            np.flatnonzero(own != fold),
            np.flatnonzero(other == fold),
        )
        if rows is None:
            X = train.X.iloc[kept].reset_index(drop=True)
            parts = [d.X.iloc[at].reset_index(drop=True) for d, at in ((train, out), (test, asked))]
            jobs.append((subject.model.inner, classes, (X, train.y[kept], int(seeds[fold])), parts))
        else:
            training = rows.train[kept], y[kept], int(seeds[fold])
            jobs.append((rows.categorical, classes, training, [rows.train[out], rows.test[asked]]))
    found = np.zeros((len(train), len(classes))), np.zeros((len(test), len(classes)))
    for fold, part in enumerate(spread.each(_again if rows is None else boosted, jobs, "fold")):
        if part.value is None:
            why = in_words(part.error or ValueError("no answer"))
            raise NotApplicable(f"a model could not be trained on part of the training rows: {why}")
        answers, cost = part.value
        subject.model.also(cost)
        found[0][own == fold], found[1][other == fold] = answers
    return Folded(*found, learner)


def _again(
    model: Predictor, classes: np.ndarray, training: tuple[Any, np.ndarray, int], parts: list[Any]
) -> tuple[list[np.ndarray], dict[str, int]]:
    """Train the model on other rows and ask it."""
    counted = Counted(model)
    again = counted.refit(*training)
    return [
        aligned_proba(classes, again, X) if len(X) else np.zeros((0, len(classes))) for X in parts
    ], counted.cost()


def boosted(
    categorical: np.ndarray,
    classes: np.ndarray,
    training: tuple[np.ndarray, np.ndarray, int],
    parts: list[np.ndarray],
) -> tuple[list[np.ndarray], dict[str, int]]:
    """Train small boosted trees on coded rows and ask them."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    X, y, seed = training
    few = np.nanmax(np.where(np.isfinite(X), X, 0), axis=0) < _MOST_CATEGORIES
    model = HistGradientBoostingClassifier(
        max_leaf_nodes=8, categorical_features=categorical & few, early_stopping=False, random_state=seed
    )
    found = []
    with one_thread():
        model.fit(X, y)
        for rows in parts:
            proba = np.zeros((len(rows), len(classes)))
            if len(rows):
                proba[:, model.classes_] = model.predict_proba(rows)
            found.append(proba)
    return found, {"model_calls": 0, "model_rows": 0, "refits": 0}
