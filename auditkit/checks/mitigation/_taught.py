"""Taught: how a student is trained on what a teacher says, and how it is asked."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditkit.checks.membership._refits import class_index
from auditkit.checks.mitigation._remedies import Soft
from auditkit.errors import AuditkitError, ModelError, NotApplicable
from auditkit.methods.distillation import SoftTraining, soft_copies, softened
from auditkit.predictors._torch_inputs import prepared
from auditkit.predictors._torch_predictor import TorchPredictor
from auditkit.predictors._torch_training import Training
from auditkit.predictors.base import Predictor
from auditkit.predictors.sklearn import SklearnPredictor

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.frames import Codec

__all__ = ["Kind", "Lesson", "Student", "taught"]

Kind = Literal["logistic regression", "decision tree", "small network", "same recipe"]

_DEPTH = 6
_LEAF = 5  # rows of a leaf at least: one row alone would be learnt by heart


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a student learns.

    Attributes
    ----------
    X : DataFrame of shape (m, d)
        Rows.
    labels : ndarray of shape (m,)
        What the teacher calls them.
    proba : ndarray of shape (m, k) or None
        What it gives each class; None where it gives labels only.
    classes : ndarray of shape (k,)
        The labels.
    temperature : float
        At which probabilities are taught.
    seed : int
        Of the training.
    width : int
        Units of a small network.
    """

    X: pd.DataFrame
    labels: np.ndarray
    proba: np.ndarray | None
    classes: np.ndarray
    temperature: float
    seed: int
    width: int

    @property
    def targets(self) -> np.ndarray:
        """Softened probabilities, or the labels as certainties, shape (m, k)."""
        if self.proba is None:
            return np.asarray((self.labels[:, None] == self.classes).astype(float))
        return softened(self.proba, self.temperature)


@dataclass(eq=False)
class Student(Predictor):
    """A student that reads a table through its codes, or a model of the teacher's own kind.

    Parameters
    ----------
    inner : estimator or Predictor
        What was trained.
    classes : ndarray of shape (k,)
        The labels.
    kind : str
        In words.
    codec : Codec, optional
        How rows become the matrix an estimator takes; without one, `inner` is a predictor.
    sharpened : float
        Temperature that is taken off what it gives.
    """

    inner: Any
    classes: np.ndarray
    kind: str
    codec: Codec | None = None
    sharpened: float = 1.0
    trust: str = field(default="live object", init=False)

    def __post_init__(self) -> None:
        self.estimator = self.inner if self.codec is not None else self.inner.estimator

    @property
    def has_proba(self) -> bool:
        """Whether it gives probabilities."""
        return self.codec is not None or bool(self.inner.has_proba)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels, shape (n,)."""
        if self.codec is None:
            return np.asarray(self.inner.predict(X))
        return np.asarray(self.classes[self._given(X).argmax(axis=1)])

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities at temperature 1, shape (n, k)."""
        given = self._given(X) if self.codec is not None else self.inner.predict_proba(X)
        return given if self.sharpened == 1.0 else softened(given, 1 / self.sharpened)

    def differentiable(self, X: pd.DataFrame, columns: Any) -> Any:
        """Return the network around these rows, with slopes."""
        return super().differentiable(X, columns) if self.codec else self.inner.differentiable(X, columns)

    def _given(self, X: pd.DataFrame) -> np.ndarray:
        if self.codec is None:
            raise ModelError("a student without a codec is asked as a predictor")
        found = np.zeros((len(X), len(self.classes)))
        found[:, self.inner.classes_] = self.inner.predict_proba(self.codec.encode(X))
        return found


def taught(kind: Kind, teacher: Predictor, lesson: Lesson, codec: Codec) -> tuple[Student, str]:
    """Return a student trained on the lesson, and how it was trained, in words.

    Parameters
    ----------
    kind : str
        What the student is.
    teacher : Predictor
        Whose recipe "same recipe" means.
    lesson : Lesson
        Rows and what the teacher says of them.
    codec : Codec
        How a table becomes numbers.

    Raises
    ------
    NotApplicable
        If the teacher gives all rows one label, or cannot be trained again and was to be.
    ModelError
        If training fails.
    """
    if len(np.unique(lesson.labels)) < 2:
        raise NotApplicable(
            "the teacher gives every row of the lesson the same label: there is nothing to learn"
        )
    if isinstance(teacher, TorchPredictor) and kind in ("small network", "same recipe"):
        return _network(kind, teacher, lesson)
    if kind == "same recipe":
        return _same_recipe(teacher, lesson)
    return _anew(kind, lesson, codec)


def _same_recipe(teacher: Predictor, lesson: Lesson) -> tuple[Student, str]:
    """Train the teacher's recipe on weighted copies where its fit takes weights, else on the teacher's labels."""
    words = f"the recipe of the teacher ({teacher.kind})"
    if isinstance(teacher, SklearnPredictor) and lesson.proba is not None:
        try:
            again = Soft(1.0, lesson.targets).trained(teacher, lesson.X, lesson.labels, lesson.seed)
        except NotApplicable:  # its fit takes no weights, or its settings cannot be read
            pass
        else:
            return Student(again, lesson.classes, words, sharpened=lesson.temperature), _soft(lesson)
    return Student(teacher.refit(lesson.X, lesson.labels, lesson.seed), lesson.classes, words), _hard(lesson)


def _network(kind: Kind, teacher: TorchPredictor, lesson: Lesson) -> tuple[Student, str]:
    """Train a network, the teacher's own or one hidden layer, with its logits divided by the temperature."""
    pupil = copy.copy(teacher)
    plain = teacher.train if isinstance(teacher.train, Training) else Training()
    if kind == "small network":
        pupil.estimator, pupil.build = _narrow(teacher, lesson), None
        pupil.output, pupil.kind = "logits", f"network of {lesson.width} hidden units"
        pupil._why_no_refit = None  # noqa: SLF001 - what was known of the teacher's module
    settings = {
        name: getattr(plain, name) for name in ("epochs", "batch_rows", "learning_rate", "weight_decay")
    }
    temperature = 1.0 if lesson.proba is None else lesson.temperature
    pupil.train = SoftTraining(lesson.targets, temperature, pupil.output != "probabilities", **settings)
    done = pupil.refit(lesson.X, lesson.labels, lesson.seed)
    done.train = plain  # type: ignore[attr-defined]
    words = pupil.kind if kind == "small network" else f"the recipe of the teacher ({teacher.kind})"
    return Student(done, lesson.classes, words), _hard(lesson) if lesson.proba is None else _soft(lesson)


def _narrow(teacher: TorchPredictor, lesson: Lesson) -> Any:
    """Return an untrained network of one hidden layer that takes what the teacher's module takes."""
    import torch

    columns = list(teacher.columns or lesson.X.columns)
    inputs = len(columns)
    if teacher.prepare is not None:
        inputs = int(prepared(teacher.prepare, lesson.X[columns].head(1), teacher.kind).size)
    weight = next(iter(teacher.estimator.parameters()))
    layers = [torch.nn.Flatten(), torch.nn.Linear(inputs, lesson.width), torch.nn.ReLU()]
    narrow = torch.nn.Sequential(*layers, torch.nn.Linear(lesson.width, len(lesson.classes)))
    return narrow.to(device=weight.device, dtype=weight.dtype).eval()


def _anew(kind: Kind, lesson: Lesson, codec: Codec) -> tuple[Student, str]:
    """Train a scikit-learn learner on the coded table: numbers scaled and filled in, codes one-hot."""
    from sklearn.utils.validation import has_fit_parameter

    learner, words = _learner(kind, lesson)
    soft = lesson.proba is not None and has_fit_parameter(learner, "sample_weight")
    X = codec.encode(lesson.X)
    y, weights = class_index(lesson.classes, lesson.labels), {}
    if soft:
        rows, y, weight = soft_copies(lesson.targets)
        X, weights = X[rows], {"learner__sample_weight": weight}
    pipeline = _pipeline(codec, learner)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*(converge|reached)", category=UserWarning)
            pipeline.fit(X, y, **weights)
    except AuditkitError:
        raise
    except Exception as error:
        raise ModelError(
            f"the student ({words}) could not be trained on {len(lesson.X)} rows: {type(error).__name__}: {error}"
        ) from error
    student = Student(pipeline, lesson.classes, words, codec, lesson.temperature if soft else 1.0)
    return student, _soft(lesson) if soft else _hard(lesson)


def _learner(kind: Kind, lesson: Lesson) -> tuple[Any, str]:
    if kind == "decision tree":
        from sklearn.tree import DecisionTreeClassifier

        tree = DecisionTreeClassifier(max_depth=_DEPTH, min_samples_leaf=_LEAF, random_state=lesson.seed)
        return tree, f"decision tree of depth {_DEPTH} at most"
    if kind == "small network":
        from sklearn.neural_network import MLPClassifier

        network = MLPClassifier((lesson.width,), max_iter=300, random_state=lesson.seed)
        return network, f"network of {lesson.width} hidden units"
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=100.0, max_iter=1000), "logistic regression"


def _pipeline(codec: Codec, learner: Any) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    coded = [j for j, kind in enumerate(codec.kinds) if kind == "categorical"]
    numbers = [j for j in range(len(codec.kinds)) if j not in coded]
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    scaled = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    design = ColumnTransformer([("codes", hot, coded), ("numbers", scaled, numbers)])
    return Pipeline([("design", design), ("learner", learner)])


def _soft(lesson: Lesson) -> str:
    return f"the teacher's probabilities at temperature {lesson.temperature:g}"


def _hard(lesson: Lesson) -> str:
    why = "it gives no probabilities" if lesson.proba is None else "the student's training takes no weights"
    return f"the teacher's labels alone ({why})"
