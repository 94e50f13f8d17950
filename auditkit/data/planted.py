"""Planted: a subject whose fault was put there on purpose, at a size that is known."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError, did_you_mean
from auditkit.predictors.base import Predictor

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from auditkit.subject import Subject

__all__ = ["Planted", "Rule", "choice", "numbers", "share", "whole"]


@dataclass(frozen=True, eq=False)
class Planted:
    """A subject, the fault planted in it, and how large it is.

    Attributes
    ----------
    subject : Subject
        What to audit.
    fault : str
        The fault in one sentence.
    size : dict of str to float
        Metric and its value. A value of the population (a test set differs from it by chance) unless the
        generator says that it was measured.
    clean : bool
        Whether this is the innocent twin: the same data and recipe, no fault.
    """

    subject: Subject
    fault: str
    size: dict[str, float]
    clean: bool


class Rule(Predictor):
    """A model that is a formula: it selects (label 1) where its score is at least 1/2."""

    classes = np.array([0, 1])
    kind = "formula"

    @abstractmethod
    def score(self, X: pd.DataFrame) -> np.ndarray:
        """Return the probability of label 1, shape (n,)."""

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels 0 and 1, shape (n,)."""
        return (self.score(X) >= 0.5).astype(int)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return the probabilities of 0 and 1, shape (n, 2)."""
        score = self.score(X)
        return np.column_stack([1 - score, score])

    def description(self) -> str:
        """Return the formula's settings."""
        return repr(self)


def numbers(X: pd.DataFrame, column: str, *, missing: float) -> np.ndarray:
    """Return a column as floats, shape (n,), with one value in place of what is missing."""
    values = X[column].to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isnan(values), missing, values)


def share(name: str, value: Any, low: float = 0.0, high: float = 1.0) -> float:
    """Return a number of a closed range, or say what was expected."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not low <= value <= high:
        raise InputError(f"{name} must be a number from {low:g} to {high:g}; got {value!r}")
    return float(value)


def whole(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return a whole number of a closed range, or say what was expected."""
    top = "" if high is None else f" and at most {high}"
    number = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not number or value < low or (high is not None and value > high):
        raise InputError(f"{name} must be a whole number of at least {low}{top}; got {value!r}")
    return int(value)


def choice(name: str, value: Any, known: Sequence[str]) -> str:
    """Return one of the known words, or say which there are."""
    if value not in known:
        raise InputError(
            f"{name} must be one of {', '.join(known)}; got {value!r}.{did_you_mean(str(value), known)}"
        )
    return str(value)
