"""Goal: the answer that is wanted, as a question to the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks import _common as common
from auditkit.errors import InputError, NotApplicable, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from auditkit.subject import Subject

__all__ = ["Goal", "goal_of"]


@dataclass(frozen=True, eq=False)
class Goal:
    """The answer that is wanted.

    Attributes
    ----------
    words : str
        As a sentence names it: "'granted'", "at least 5".
    met : ndarray of bool, shape (n,)
        Which test rows have it.
    lacking : ndarray of shape (n,)
        How far each test row is from it: by how much another answer is likelier, or how much the value lacks; 0 where the model
        does not tell.
    meets : callable
        Takes rows as the model reads them, gives whether each has it.
    scores : callable, optional
        Takes such rows, gives (m, 2): how near other answers and the wanted one are.
    """

    words: str
    met: np.ndarray
    lacking: np.ndarray
    meets: Callable[[pd.DataFrame], np.ndarray]
    scores: Callable[[pd.DataFrame], np.ndarray] | None


def goal_of(subject: Subject, wanted: str | None, at_least: float | None, at_most: float | None) -> Goal:
    """Return what is wanted: an answer of a classifier, or a range of a regression.

    Raises
    ------
    NotApplicable
        If nothing says what is wanted.
    InputError
        If there is no such answer, or the range does not fit the task.
    """
    answers = np.asarray(subject.answers("test").labels)
    if subject.task == "regression":
        if wanted is not None:
            raise InputError("wanted: a regression gives numbers; type at_least= or at_most=")
        return _of_range(subject, answers, at_least, at_most)
    if at_least is not None or at_most is not None:
        raise InputError(
            "at_least and at_most are of a regression; type wanted= for the answer of a classifier"
        )
    label = _label(subject, wanted, answers)
    at = int(subject.class_index(np.array([label]))[0])

    def beside(proba: np.ndarray) -> np.ndarray:
        return np.column_stack([np.delete(proba, at, axis=1).max(axis=1), proba[:, at]])

    def scores(frame: pd.DataFrame) -> np.ndarray:
        return beside(subject.model.predict_proba(frame))

    known = subject.answers("test").proba
    return Goal(
        repr(str(label)),
        answers == label,
        np.zeros(len(answers)) if known is None else -np.diff(beside(known), axis=1)[:, 0],
        lambda frame: np.asarray(subject.model.predict(frame) == label),
        scores if subject.model.has_proba else None,
    )


def _of_range(subject: Subject, answers: np.ndarray, at_least: float | None, at_most: float | None) -> Goal:
    if at_least is None and at_most is None:
        raise NotApplicable(
            "a regression has no unfavourable decision by itself: pass at_least= or at_most=, the values that are wanted"
        )
    low = -np.inf if at_least is None else at_least
    high = np.inf if at_most is None else at_most
    if low > high:
        raise InputError(f"expected at_least of no more than at_most, got {low:g} and {high:g}")

    def margin(values: np.ndarray) -> np.ndarray:
        return np.minimum(values - low, high - values)

    def scores(frame: pd.DataFrame) -> np.ndarray:
        far = margin(subject.model.predict(frame))
        return np.column_stack([-far, far])

    words = " and ".join(
        f"{word} {end:g}" for word, end in (("at least", at_least), ("at most", at_most)) if end is not None
    )
    short = margin(answers)
    return Goal(words, short >= 0, -short, lambda frame: margin(subject.model.predict(frame)) >= 0, scores)


def _label(subject: Subject, wanted: str | None, answers: np.ndarray) -> Any:
    classes = [] if subject.classes is None else list(subject.classes)
    if wanted is not None:
        known = {str(one): one for one in classes}
        if wanted not in known:
            raise InputError(
                f"wanted: the model has no answer {wanted!r}.{did_you_mean(wanted, list(known))}"
            )
        return known[wanted]
    if subject.positive is not None:
        return subject.positive
    if len(classes) == 2:
        return common.positive_of(subject)
    values, counts = np.unique(answers, return_counts=True)
    return values[counts.argmax()]
