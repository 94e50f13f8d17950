"""AttackResult: what an evasion attack achieved, row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError

__all__ = ["AttackResult", "reference_columns", "reference_labels"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class AttackResult:
    """What an attack achieved: an upper bound on each row's distance to a changed decision.

    Parameters
    ----------
    adversarial : array (n, d)
        The changed rows; the original row where nothing was found.
    success : array of bool (n,)
        Whether the model, asked again about the final row, gives another label, and the row is allowed and within
        the radius.
    distance : array (n,)
        Standardised distance of ``adversarial``; ``inf`` where nothing was found, nan where the row did not have
        the reference label to begin with (it was not attacked). Never 0.
    queries : array of int (n,)
        Rows the model was asked about on each row's behalf.
    calls : int
        Calls to the model, the checks before and after included.
    reason : array of str (n,)
        Why a row is no success, empty for successes.
    first : array (n,), optional
        The row's queries when the search first held a flip that counts; ``inf`` for rows that are no success, nan for rows not
        attacked. Left out: all of the row's queries.
    gradients : array of int (n,)
        Slopes of the model taken on each row's behalf; 0 for an attacker who sees answers only.
    """

    adversarial: Floats
    success: Bools
    distance: Floats
    queries: NDArray[np.int64]
    calls: int
    reason: NDArray[np.str_]
    first: Floats = None  # type: ignore[assignment]  # set below
    gradients: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        asked = self.queries if self.first is None else self.first
        flips = np.where(self.success, asked, np.where(np.isnan(self.distance), np.nan, np.inf))
        object.__setattr__(self, "first", flips)
        if not len(self.gradients):
            object.__setattr__(self, "gradients", np.zeros(len(self.success), dtype=np.int64))


def reference_labels(y: ArrayLike, n: int) -> NDArray[Any]:
    """Return the reference labels as an array (n,), or raise `InputError`."""
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise InputError(f"y: expected one reference label for each of {n} rows, got shape {labels.shape}")
    return labels


def reference_columns(y: ArrayLike, n: int) -> NDArray[Any]:
    """Return the reference labels as columns of the scores, an array of int (n,), or raise `InputError`."""
    labels = reference_labels(y, n)
    if not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"y: expected the reference class as a column number of the scores, got {labels.dtype}"
        )
    return labels
