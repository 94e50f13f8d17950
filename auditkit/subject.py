"""Subject: what is under audit, a model and its data. A person in the data is a record, never a subject."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from auditkit import frames
from auditkit.dataset import Dataset
from auditkit.errors import InputError, NotApplicable, did_you_mean
from auditkit.predictors import Counted, Predictions, Predictor, as_predictor
from auditkit.targets import Target
from auditkit.task import Task, infer_task, plain_word, positive_of, same_labels
from auditkit.threat import ThreatModel, as_threat_model, threat_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["Answers", "Dataset", "Split", "Subject", "lost_values"]

Split = Literal["test", "train"]


@dataclass(frozen=True, slots=True)
class Answers:
    """What the model says of the rows of a split.

    Attributes
    ----------
    labels : ndarray of shape (n,)
        Predicted labels or values.
    proba : ndarray of shape (n, k) or None
        Class probabilities in the order of the subject's classes; None where the model gives none.
    """

    labels: np.ndarray
    proba: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Subject(Target):
    """What is under audit: a model and its rows.

    Parameters
    ----------
    name : str
        How the report calls it.
    model : estimator, booster, callable or Predictor
        Anything `auditkit.predictors.as_predictor` knows how to ask.
    test : Dataset
        Held-out rows; every figure rests on them.
    train : Dataset, optional
        The rows the model was trained on; membership inference needs them.
    task : {"binary", "multiclass", "regression"}, optional
        Inferred from the labels and the model when left out.
    positive : label, optional
        For a binary task the label that counts as selected (the favourable outcome). Inferred for 0/1,
        -1/1 and booleans; asked for otherwise, since a guess would turn every fairness figure around.
    threat : ThreatModel or mapping, optional
        What an attacker may do to a row; a mapping holds what `ThreatModel.draft` takes. Drafted from the data when left out.

    Attributes
    ----------
    memory : dict
        What checks share in this process (`auditkit.shared.once`); it stays behind when the subject is sent to another.

    Raises
    ------
    InputError
        If the parts do not fit together; the message says which and what to give.
    """

    kind: ClassVar[str] = "model"

    name: str
    model: Any
    test: Dataset
    train: Dataset | None = None
    task: Task | None = None
    positive: Any = None
    threat: Any = None
    memory: dict[Any, Any] = field(init=False, repr=False, default_factory=dict)
    _cache: dict[str, Any] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        _check_splits(self.test, self.train)
        if lost := lost_values(self.test, self.train):
            raise InputError(f"test: {lost}")
        if isinstance(self.model, type):
            as_predictor(self.model)  # says that it is a class, which has labels and tasks of no kind
        labels = self.test.y if self.train is None else np.concatenate([self.train.y, self.test.y])
        task = self.task or infer_task(labels, self.model)
        if task not in ("binary", "multiclass", "regression"):
            raise InputError(
                f"no task named {task!r}.{did_you_mean(task, ('binary', 'multiclass', 'regression'))}"
            )
        model = as_predictor(
            self.model,
            native=self.test.native,
            task=task,
            labels=np.unique(labels) if task != "regression" else None,
        )
        if not isinstance(model, Counted):
            model = Counted(model)
        model.inner.meet(self.test.X)
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "task", task)
        if task != "regression":
            same_labels(model, labels)
        object.__setattr__(self, "positive", positive_of(self.positive, task, self.classes))
        self._takes_empty_columns()
        if self.threat is not None:
            object.__setattr__(self, "threat", as_threat_model(self.threat, *self._rows()))

    def __repr__(self) -> str:
        train = "" if self.train is None else f", {len(self.train):,} training rows"
        return f"Subject({self.name}: {self.task}, {self.model.kind}, {len(self.test):,} test rows{train}; Audit([...]).run(subject) to audit)"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "memory": {}}

    @property
    def classes(self) -> np.ndarray | None:
        """The labels, in the order of the probability columns; None for regression."""
        classes: np.ndarray | None = self.model.classes
        return classes

    @property
    def predictions_only(self) -> bool:
        """Whether there is no model to ask, only its recorded predictions."""
        return isinstance(self.model.inner, Predictions)

    @property
    def answered(self) -> frozenset[str]:
        """The splits of which the model's answers are remembered."""
        return frozenset(self._cache)

    def split(self, name: Split) -> Dataset:
        """Return the rows of a split.

        Raises
        ------
        NotApplicable
            If the subject has no training rows.
        """
        if name == "test":
            return self.test
        if self.train is None:
            raise NotApplicable(
                "no training data: pass Subject(..., train=Dataset(X, y)), or add [data.train] to the subject file"
            )
        return self.train

    def answers(self, split: Split = "test") -> Answers:
        """Return what the model says of a split; asked once, then remembered.

        Raises
        ------
        NotApplicable
            If the subject has no such rows, or no recorded predictions of them.
        ModelError
            If the model fails, or answers with NaN or a wrong shape.
        """
        if split not in self._cache:
            self._cache[split] = self._ask(self.split(split), split)
        answers: Answers = self._cache[split]
        return answers

    def labels_of(self, proba: np.ndarray) -> np.ndarray:
        """Return the most probable label of each row, shape (n,)."""
        if self.classes is None:
            raise NotApplicable("a regression has no labels")
        return np.asarray(self.classes[proba.argmax(axis=1)])

    def scores(self, split: Split = "test") -> np.ndarray:
        """Return the probability of the positive label, shape (n,).

        Raises
        ------
        NotApplicable
            If the task is not binary or the model gives no probabilities.
        """
        if self.task != "binary" or self.classes is None:
            raise NotApplicable(f"a score of the positive label needs a binary task; this one is {self.task}")
        proba = self.proba(split)
        return proba[:, int(np.flatnonzero(self.classes == self.positive)[0])]

    def proba(self, split: Split = "test") -> np.ndarray:
        """Return class probabilities of a split, shape (n, k).

        Raises
        ------
        NotApplicable
            If the model gives none.
        """
        proba = self.answers(split).proba
        if proba is None:
            raise NotApplicable(f"this model ({self.model.kind}) gives no probabilities, only labels")
        return proba

    def class_index(self, y: np.ndarray) -> np.ndarray:
        """Return the column of `predict_proba` of each label, shape (n,)."""
        if self.classes is None:
            raise NotApplicable("a regression has no classes")
        order = np.argsort(self.classes)
        at: np.ndarray = order[np.searchsorted(self.classes, y, sorter=order)]
        return at

    def asks(self, X: pd.DataFrame) -> np.ndarray:
        """Ask the model about any rows: the positive score (binary), class probabilities, or values.

        Where a classifier gives only labels, the answer is one-hot.
        """
        if self.task == "regression":
            return self.model.predict(X)  # type: ignore[no-any-return]
        if self.model.has_proba:
            proba = self.model.predict_proba(X)
        else:
            proba = np.eye(0 if self.classes is None else len(self.classes))[
                self.class_index(self.model.predict(X))
            ]
        if self.task == "binary":
            return proba[:, int(np.flatnonzero(self.classes == self.positive)[0])]  # type: ignore[no-any-return]
        return proba  # type: ignore[no-any-return]

    def counted(self) -> Subject:
        """Return the same subject with fresh counters; what it already answered is kept."""
        fresh = object.__new__(Subject)
        for one in fields(self):
            object.__setattr__(fresh, one.name, getattr(self, one.name))
        object.__setattr__(fresh, "model", Counted(self.model.inner, self.model.batch_rows))
        return fresh

    def cost(self) -> dict[str, int]:
        """Return how often the model was asked, about how many rows, and trained anew."""
        return self.model.cost()  # type: ignore[no-any-return]

    def warm(self) -> None:
        """Ask the model once about the rows of each split."""
        splits: tuple[Split, ...] = ("test", "train")
        for split in splits:
            try:
                self.answers(split)
            except (KeyboardInterrupt, GeneratorExit):
                raise
            except BaseException:  # noqa: BLE001, S110 - what fails here fails again, with its reason, in each check that asks
                pass

    def threat_model(self, *, immutable: Sequence[str] | None = None) -> ThreatModel:
        """Return what an attacker may do to a row: what was given, or a draft from the training rows, else from the test rows.

        `immutable` names inputs that cannot change, besides those of what was given. A draft holds the sensitive features, and
        inputs that give one away, when it is left out.
        """
        return threat_for(self.threat, self.test, self._rows(), immutable)

    def _rows(self) -> list[Dataset]:
        return [self.test] if self.train is None else [self.train, self.test]

    def describe(self) -> dict[str, Any]:
        """Return what the report says of the subject; plain JSON values."""
        classes = None if self.classes is None else [plain_word(c) for c in self.classes]
        return {
            "name": str(self.name),
            "task": self.task,
            "positive": None if self.positive is None else plain_word(self.positive),
            "classes": classes,
            "model": self.model.describe(),
            "test": self.test.describe(),
            "train": None if self.train is None else self.train.describe(),
            "sensitive_features": self.test.sensitive_names,
            **({} if self.threat is None else {"threat": self.threat.to_dict()}),
        }

    def _takes_empty_columns(self) -> None:
        """Ask about one row where columns have no value: a model that fails there fails in every check."""
        empty = list(self.test.empty_columns)
        if not empty or self.predictions_only:
            return
        try:
            self.model.inner.predict(self.test.X.iloc[:1])
        except Exception as error:
            raise InputError(
                f"test: {_columns(empty)} no value in any of {len(self.test):,} rows, and the model takes none without: give "
                f"its values, or train the model without it ({type(error).__name__}: {str(error)[:200]})"
            ) from error

    def _ask(self, data: Dataset, split: Split) -> Answers:
        model: Predictor = self.model.inner
        if isinstance(model, Predictions):
            labels, proba = model.recorded(split, len(data))
            return Answers(labels, proba)
        if self.task == "regression":
            return Answers(self.model.predict(data.X), None)
        if not self.model.has_proba:
            return Answers(self.model.predict(data.X), None)
        return Answers(self.model.predict(data.X), self.model.predict_proba(data.X))


def _check_splits(test: Any, train: Any) -> None:
    for name, data in (("test", test), ("train", train)):
        if isinstance(data, Dataset) or (name == "train" and data is None):
            continue
        if isinstance(data, tuple) and len(data) in (2, 3):
            raise InputError(f"{name}= must be a Dataset, got a tuple: write {name}=Dataset(X, y)")
        raise InputError(f"{name}= must be a Dataset(X, y), got {type(data).__name__}")
    if train is None:
        return
    if list(train.X.columns) == list(test.X.columns):
        _check_apart(test, train)
        return
    odd = sorted(map(str, set(train.X.columns) ^ set(test.X.columns)))
    if not odd:
        raise InputError(
            "train and test have the same columns in another order: build the training rows with X_train[X_test.columns]"
        )
    raise InputError(f"train and test must have the same columns in the same order; they differ in {odd}")


def _check_apart(test: Dataset, train: Dataset) -> None:
    """Refuse the same rows as both splits: every figure of rows that were held out would speak of rows that were not."""
    if len(test) != len(train) or not test.X.shape[1] or not np.array_equal(test.y, train.y):
        return
    if test is train or frames.digest(test.X) == frames.digest(train.X):
        raise InputError(
            f"train and test are the same {len(test):,} rows: give as test rows that the model was not trained on, or leave "
            "train out; what needs training rows is then not applicable"
        )


def lost_values(test: Dataset, train: Dataset | None) -> str:
    """Say which columns have no value in the test rows though they have some in the training rows; empty where none.

    Such a column was most likely misread, or joined by a wrong key; the figures would speak of nothing in use.
    """
    if train is None:
        return ""
    lost = [name for name in test.empty_columns if train.X[name].notna().any()]
    if not lost:
        return ""
    first = lost[0]
    return (
        f"{_columns(lost)} no value in any of {len(test):,} rows; in the training rows {str(first)!r} has one in "
        f"{int(train.X[first].notna().sum()):,} of {len(train):,}: was it read or joined under another name? Give its "
        "values, or train the model without it"
    )


def _columns(names: list[Any]) -> str:
    listed = ", ".join(repr(str(name)) for name in names[:5]) + (", ..." if len(names) > 5 else "")
    return f"column {listed} has" if len(names) == 1 else f"columns {listed} have"
