"""Arguments of the statistics: what every function here asks of its counts, level and scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from auditkit.errors import InputError

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["FloatArray", "as_counts", "as_level", "as_scores", "normal_quantile"]

FloatArray: TypeAlias = npt.NDArray[np.float64]


def as_level(level: float) -> float:
    """Return `level` when it is a confidence level, strictly between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise InputError(f"level must lie strictly between 0 and 1, got {level!r}: type level=0.95")
    return float(level)


def normal_quantile(level: float) -> float:
    """Return z such that a standard normal lies within ±z with probability `level`."""
    return float(special.ndtri(0.5 + as_level(level) / 2))


def as_counts(successes: npt.ArrayLike, n: npt.ArrayLike, what: str = "") -> tuple[FloatArray, FloatArray]:
    """Return both counts as floats of one shape; raise InputError unless 0 <= successes <= n, all finite."""
    x, size = np.broadcast_arrays(np.asarray(successes, dtype=float), np.asarray(n, dtype=float))
    if not (np.isfinite(x).all() and np.isfinite(size).all()):
        raise InputError(f"counts{what} must be finite numbers, got nan or infinity: give 0 of 0 for no rows")
    if ((x < 0) | (x > size)).any():
        raise InputError(f"successes{what} must lie between 0 and n; got a count below 0 or above its n")
    return x, size


def as_scores(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the scores of the positives and of the negatives, each sorted ascending.

    Raises
    ------
    InputError
        On a nan score, labels other than 0/1 or booleans, or arrays that are not one-dimensional and equally long.
    """
    values = np.asarray(scores, dtype=float)
    marks: npt.NDArray[Any] = np.asarray(labels)
    if values.ndim != 1 or values.shape != marks.shape:
        raise InputError(
            f"scores and labels must be one-dimensional and equally long, got {values.shape} and {marks.shape}"
        )
    missing = int(np.isnan(values).sum())
    if missing:
        raise InputError(
            f"{missing} of {values.size} scores are nan: a nan has no rank; drop or impute it first"
        )
    if not np.isin(marks, (0, 1)).all():
        raise InputError("labels must be 0 or 1, or booleans: type labels == positive_label")
    positive = marks.astype(bool)
    return np.sort(values[positive]), np.sort(values[~positive])
