"""Explanation: attributions of rows to input columns, with the explainer's name, unit and error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditkit.methods.attributions import additivity_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from auditkit.subject import Subject

__all__ = [
    "ONE_OR_NONE",
    "Explanation",
    "additivity",
    "alike",
    "from_to",
    "in_words",
    "label_of",
    "named",
    "unit_of",
]

ONE_OR_NONE = "1 where the model says this label, else 0"
"""What the output of a classifier is that gives labels only."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Attributions of rows to input columns.

    Attributes
    ----------
    values : ndarray of shape (n, d) or (n, d, k)
        In the unit of `unit`; for a binary task about the positive label.
    base, output : ndarray of shape () or (k,), and (n,) or (n, k)
        Base value, and what the model says of each row in the same unit.
    method, why, unit : str
        The explainer, why it was chosen, and what the output is: "log odds", "probability", "value".
    sampling_error : float
        Mean standard error of an attribution; 0 where it is exact, ``nan`` where it is not known.
    errors : ndarray of the shape of `values`, or None
        The standard error of each attribution, where it was sampled.
    cost : str
        What was estimated before the model was asked, and what it came to; empty where it was not asked.
    behind : ndarray of shape (g, *values.shape), or None
        The values with each of `g` parts of the background only; None where no background is read, or this is not known.
    met : int or None
        Background rows that were met, where these may be fewer than were given.
    """

    values: np.ndarray
    base: np.ndarray
    output: np.ndarray
    method: str
    why: str
    unit: str
    sampling_error: float = 0.0
    errors: np.ndarray | None = None
    cost: str = ""
    behind: np.ndarray | None = None
    met: int | None = None

    def of(self, rows: np.ndarray) -> Explanation:
        """Return the explanation of some of its rows."""
        errors = None if self.errors is None else self.errors[rows]
        behind = None if self.behind is None else self.behind[:, rows]
        return replace(self, values=self.values[rows], output=self.output[rows], errors=errors, behind=behind)

    @property
    def shapley(self) -> bool:
        """Whether these are Shapley values; those along slopes are Aumann and Shapley's."""
        return "Aumann" not in self.method

    @property
    def along_paths(self) -> bool:
        """Whether the base value rests on the model's training rows, and the background was not read."""
        return "path-dependent" in self.method

    @property
    def by_luck(self) -> bool:
        """Whether something is drawn at random, be it that all draws came out alike."""
        return "sampling" in self.method or not self.shapley

    @property
    def noun(self) -> str:
        """What one attribution is called."""
        return "SHAP value" if self.shapley else "Aumann-Shapley value"


def additivity(found: Explanation) -> float:
    """Return the largest miss of base plus attributions, in spreads of the output; ``nan`` for a constant output.

    With several outputs each is measured in its own spread (standard deviation over rows).
    """
    spread = np.atleast_1d(found.output.std(axis=0))
    scale = np.abs(found.output).max(axis=0, initial=0.0)
    varied = spread > 1e-12 * np.maximum(1.0, np.atleast_1d(scale))
    if not varied.any():
        return float("nan")
    miss = additivity_error(found.values, found.base, found.output).reshape(len(found.output), -1)
    return float((miss[:, varied] / spread[varied]).max())


def alike(X: pd.DataFrame, background: pd.DataFrame) -> list[pd.DataFrame]:
    """Return both with one set of categories a column: those of the background, and what else the rows have."""
    import pandas as pd

    rows, others = X.copy(), background.copy()
    for name in X.columns:
        own, known = X[name].dtype, background[name].dtype
        if isinstance(own, pd.CategoricalDtype) and isinstance(known, pd.CategoricalDtype) and own != known:
            more = [value for value in own.categories if value not in known.categories]
            both = pd.CategoricalDtype([*known.categories, *more], ordered=known.ordered)
            rows[name], others[name] = X[name].astype(both), background[name].astype(both)
    return [rows, others]


def label_of(subject: Subject) -> object:
    """Return the label that a single output is about; None of a regression, and where each label has an output of its own."""
    return subject.positive if subject.task == "binary" else None


def named(unit: str, label: object) -> str:
    """Return a unit with the label it is about; as it is where there is none, as of a regression.

    Examples
    --------
    >>> named("probability", "good")
    "probability of 'good'"
    >>> named("value", None)
    'value'
    """
    if label is None:
        return unit
    whose = repr(str(label))
    return f"1 where the model says {whose}, else 0" if unit == ONE_OR_NONE else f"{unit} of {whose}"


def from_to(ends: Sequence[str], rows: str, word: str, *, about: object) -> str:
    """Return in words from where to where the parts lead, without a full stop; of what, where it is about a label.

    Examples
    --------
    >>> from_to(["0.7", "0.1"], "background rows", "probability of 'good'", about="good")
    "Probability of 'good': from 0.7, the mean over the background rows, to 0.1"
    """
    base, output = ends
    way = f"rom {base}, the mean over the {rows}, to {output}"
    return f"F{way}" if about is None else f"{word[:1].upper()}{word[1:]}: f{way}"


def in_words(unit: str, label: object) -> str:
    """Return a unit, with the label it is about, as a reader needs it who has not met it before."""
    if unit != "log odds":
        return f"Unit: {named(unit, label)}."
    return (
        f"Unit: log odds: 0.7 more doubles the odds of {str(label)!r}, 0.7 less halves them."
        if label is not None
        else ("Unit: log odds: 0.7 more doubles the odds, 0.7 less halves them.")
    )


def unit_of(subject: Subject) -> str:
    """Return what the model's own output is, in words."""
    if subject.task == "regression":
        return "value"
    return "probability" if subject.model.has_proba else ONE_OR_NONE
