"""Sides: scores and what came true, of two classes, or of each class of several against the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditkit.errors import NotApplicable

if TYPE_CHECKING:
    from auditkit.subject import Subject

__all__ = ["MOST_CLASSES", "Side", "sides_of"]

MOST_CLASSES = 20


class Side(NamedTuple):
    """A probability for each record, and whether it came true.

    Attributes
    ----------
    word : str
        "class=a", or "top label"; empty for two classes.
    scores : ndarray of shape (n,)
        From 0 to 1.
    truth : ndarray of bool, shape (n,)
        Whether the record is of the class.
    """

    word: str
    scores: np.ndarray
    truth: np.ndarray


def sides_of(subject: Subject, *, top_label: bool = True) -> tuple[list[Side], tuple[str, ...]]:
    """Return the scores of the positive class, or of more than two classes each against the rest; and notes.

    Parameters
    ----------
    subject : Subject
        A classifier with probabilities.
    top_label : bool
        Of more than two classes, begin with the probability of the answer given, and whether it was right.

    Raises
    ------
    NotApplicable
        For a regression, or where there are no probabilities.
    """
    if subject.task == "binary":
        return [Side("", subject.scores(), subject.test.y == subject.positive)], ()
    if subject.task == "regression":
        raise NotApplicable("this check needs classes with probabilities; the subject is a regression")
    proba, y, classes = subject.proba(), subject.test.y, np.asarray(subject.classes)
    best = proba.argmax(axis=1)
    first = [Side("top label", proba[np.arange(len(y)), best], classes[best] == y)] if top_label else []
    known = [
        Side(f"class={one}", proba[:, j], y == one) for j, one in enumerate(classes.tolist()[:MOST_CLASSES])
    ]
    more = len(classes) > MOST_CLASSES
    notes = (
        (f"Only the first {MOST_CLASSES} of {len(classes)} classes are looked at one by one.",)
        if more
        else ()
    )
    return [*first, *known], notes
