"""AdditiveScore: a model's score taken apart into one term a feature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import AuditkitError, NotApplicable
from auditkit.methods.feature_space import FeatureSpace, as_matrix

__all__ = ["AdditiveScore", "additive_score"]

Floats = NDArray[np.float64]
AskScores = Callable[[Floats], Any]
TOLERANCE = 1e-6  # of the spread of scores: how far the sum of the terms may be off


@dataclass(frozen=True, eq=False)
class AdditiveScore:
    """The score of each class as a sum of one term a feature: a slope where it is a number, a table where it has codes.

    Attributes
    ----------
    slope : array (d, k)
        What one unit of a number adds, in its own unit; 0 for codes.
    tables : tuple of (array (codes + 1, k) or None)
        What each code adds more than the first, and last what a missing value does; None for numbers.
    filled : array (d, 2, k)
        What a number at the lower and at the upper end of its range adds more than a missing value; 0 where none is missing.
    error : float
        By how much the sum of the terms was off, at most, on the rows it was held against.
    """

    slope: Floats
    tables: tuple[Floats | None, ...]
    filled: Floats
    error: float = 0.0


def additive_score(ask_scores: AskScores, X: ArrayLike, space: FeatureSpace) -> AdditiveScore:
    """Return the terms of a model whose score is linear in its numbers and adds a constant for each code.

    Hein and Andriushchenko 2017 (arXiv 1705.08475) bound the change of such a score by its slopes.

    Parameters
    ----------
    ask_scores : callable
        Takes rows (m, d), gives the score of each class (m, k).
    X : array (n, d)
        Rows; the terms are held against the scores of all of them.
    space : FeatureSpace
        The features.

    Raises
    ------
    NotApplicable
        If the terms do not add up to the scores, or a value that is allowed cannot be scored.
    """
    X = as_matrix(X, "X", len(space.names))
    asked = _held(ask_scores)
    given = asked(X)
    base, d, k = X[0], X.shape[1], given.shape[1]
    slope, filled = np.zeros((d, k)), np.zeros((d, 2, k))
    tables: list[Floats | None] = []
    added = np.zeros(given.shape)
    for j in range(d):
        missing = np.isnan(X[:, j])
        low, high = _ends(space, X[~missing, j], j)
        values = (
            np.arange(max(space.n_categories[j], np.nan_to_num(X[:, j]).max() + 1))
            if space.categorical[j]
            else np.array([low, high])
        )
        rows = np.tile(base, (len(values), 1))
        rows[:, j] = values
        found = asked(rows)
        empty = asked(np.where(np.arange(d) == j, np.nan, base[None])) if missing.any() else found[:1]
        if space.categorical[j]:
            table = np.concatenate([found, empty]) - found[:1]
            tables.append(table)
            added += table[np.where(missing, len(table) - 1, np.nan_to_num(X[:, j])).astype(int)]
            continue
        tables.append(None)
        slope[j] = (found[1] - found[0]) / (high - low)
        filled[j] = found - empty if missing.any() else 0.0
        with np.errstate(invalid="ignore"):
            added += np.where(missing[:, None], -filled[j][0], slope[j] * (X[:, [j]] - low))
    off = given - added
    if not (np.ptp(off, axis=0) <= TOLERANCE * max(float(np.ptp(given)), 1.0)).all():
        raise NotApplicable("the model's score is no sum of one term for each column")
    return AdditiveScore(slope, tuple(tables), filled, float(np.ptp(off, axis=0).max()))


def _ends(space: FeatureSpace, x: Floats, j: int) -> tuple[float, float]:
    """Return two values of a number, those of its range where it has ends."""
    known = x if len(x) else np.zeros(1)
    low = float(space.low[j]) if np.isfinite(space.low[j]) else float(known.min())
    high = float(space.high[j]) if np.isfinite(space.high[j]) else float(known.max())
    whole = max(float(space.step[j]), float(np.rint(space.scale[j])), 1.0)
    return low, high if high > low else low + whole


def _held(ask: AskScores) -> Callable[[Floats], Floats]:
    def asked(rows: Floats) -> Floats:
        try:
            return np.asarray(ask(rows), dtype=float)
        except AuditkitError:
            raise
        except Exception as error:
            raise NotApplicable(
                f"the model cannot score a value that the threat model allows: {type(error).__name__}: {str(error)[:200]}"
            ) from error

    return asked
