"""Ready: an exact explainer that was found to hold, kept for rows that are asked about one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks.explainability._explainers import _WRONG, _about_positive, _owners, _transformed
from auditkit.checks.explainability._explanation import Explanation, additivity
from auditkit.checks.explainability._inside import how_to_read, one_by_one

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from auditkit.subject import Subject

__all__ = ["Ready", "exact"]


@dataclass(frozen=True, eq=False)
class Ready:
    """An exact explainer of one model; what does not change from row to row was done once.

    Attributes
    ----------
    subject : Subject
        Whose model it is.
    final, read, background : object
        The part of the model that decides, what reads single rows, and the background as that part sees it.
    owner : ndarray of int
        The input column of each column that part sees; -1 for one that no input moves.
    unit : str
        What the output is.
    """

    subject: Subject
    final: Any
    read: Callable[[Any, Any, Any], Any]
    background: Any
    owner: np.ndarray
    unit: str

    def __call__(self, X: pd.DataFrame) -> Explanation:
        """Return the attributions of rows, as `explain` gives them."""
        raw = self.read(self.final, _transformed(self.subject.model.inner, X), self.background)
        values, base, output = _about_positive(self.subject, raw)
        summed = np.zeros((len(X), X.shape[1], *values.shape[2:]))
        for column, at in enumerate(self.owner):
            if at >= 0:
                summed[:, at] += values[:, column]
        why = f"{type(self.final).__name__} can be read exactly"
        return Explanation(summed, base, output, raw.method, why, self.unit)


def exact(subject: Subject, sample: pd.DataFrame, background: pd.DataFrame) -> Ready | None:
    """Return the exact explainer of a model; None where there is none, or base and parts miss the output of the sample.

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    sample, background : DataFrame
        Rows that it is tried on, and rows that stand for "unknown".
    """
    final, read = how_to_read(subject.model.inner)
    if read is None:
        return None
    try:
        owner = _owners(subject, sample)
        if owner is None:
            return None
        seen = _transformed(subject.model.inner, background)
        whole = read(final, _transformed(subject.model.inner, sample), seen)
        made = Ready(subject, final, one_by_one(final, read), seen, np.asarray(owner, dtype=int), whole.unit)
        miss = additivity(replace(made(sample), output=_about_positive(subject, whole)[2]))
    except Exception:  # noqa: BLE001 - explainers refuse models in many ways; the model is asked instead
        return None
    return made if np.isnan(miss) or miss <= _WRONG else None
