"""Tally: the rows of a table counted once, by group and by what was true and predicted; all else follows from the counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError, did_you_mean
from auditkit.methods.groups import binary_labels, factorise, row_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Tally", "tally"]

MOST_CELLS = 4_000_000
"""Above this the combinations of features outnumber the rows of any table, and memory with them."""


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of every combination of the features with what was true and what was predicted.

    Attributes
    ----------
    names : tuple of str
        The features.
    levels : tuple of tuple of str
        For each feature its values, sorted; missing values last, as "missing".
    cells : ndarray of shape (..., levels of the first, levels of the second, ..., 4)
        Cells tn, fp, fn, tp of each combination; leading axes are bootstrap replicates.

    Examples
    --------
    >>> columns = {"sex": ["f", "m", "m"], "band": ["x", "x", "y"]}
    >>> found = tally([1, 0, 1], [1, 1, 0], columns)
    >>> found.by("sex").tolist(), found.groups("sex")
    ([[0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]], (('f',), ('m',)))
    >>> found.by("sex", "band").shape, found.drawn(9, np.random.default_rng(0)).by("band").shape
    ((4, 4), (9, 2, 4))
    """

    names: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    cells: NDArray[np.float64]

    def by(self, *names: str) -> NDArray[np.float64]:
        """Return the counts of the groups these features form, shape (..., groups, 4), combinations without rows included.

        Raises
        ------
        InputError
            If there is no such feature, or none is named.
        """
        kept = self._places(names)
        ahead = self.cells.ndim - len(self.names) - 1
        gone = tuple(ahead + i for i in range(len(self.names)) if i not in kept)
        summed = self.cells.sum(axis=gone) if gone else self.cells
        here = sorted(kept)
        order = [*range(ahead), *(ahead + here.index(i) for i in kept), ahead + len(kept)]
        return summed.transpose(order).reshape(*self.cells.shape[:ahead], -1, 4)

    def groups(self, *names: str) -> tuple[tuple[str, ...], ...]:
        """Return the values of each group, in the order of `by`."""
        return tuple(product(*(self.levels[i] for i in self._places(names))))

    def drawn(self, replicates: int, rng: np.random.Generator) -> Tally:
        """Return the counts of that many resamples of the rows: one multinomial draw each, never a row.

        Margins and intersections of a replicate belong together. The resampling of a largest gap is not its interval: see
        `auditkit.statistics.simultaneous`.

        Parameters
        ----------
        replicates : int
            At least 1.
        rng : numpy.random.Generator
            Source of randomness.

        Raises
        ------
        InputError
            If the counts are weighted or already drawn, hold no row, or `replicates` is below 1.
        """
        from auditkit.statistics.bootstrap import draw_counts

        if self.cells.ndim != len(self.names) + 1:
            raise InputError("these counts are replicates already: draw from the counts of the data")
        flat = self.cells.reshape(-1, 4)
        filled = flat.any(axis=1)
        out = np.zeros((replicates, *flat.shape))
        out[:, filled] = draw_counts(flat[filled], replicates, rng)
        return replace(self, cells=out.reshape(replicates, *self.cells.shape))

    def _places(self, names: tuple[str, ...]) -> list[int]:
        for name in names:
            if name not in self.names:
                raise InputError(f"no feature {name!r} was counted.{did_you_mean(name, self.names)}")
        if not names or len(set(names)) < len(names):
            raise InputError(f"name features once each, of {', '.join(self.names)}; got {names}")
        return [self.names.index(name) for name in names]


def tally(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    features: Mapping[str, Any],
    sample_weight: ArrayLike | None = None,
) -> Tally:
    """Count the rows of every combination of the features in one pass.

    Each feature is factorised once and the rows are counted once; groups of one feature and of several, rates, gaps and
    bootstrap replicates follow from the counts, at a cost that does not grow with the rows.

    Parameters
    ----------
    y_true, y_pred : array_like of shape (n,)
        True and predicted labels: boolean, or 0 and 1 with 1 the positive class.
    features : mapping of str to array_like of shape (n,)
        Columns: arrays, lists or pandas series. Categorical columns are the fastest.
    sample_weight : array_like of shape (n,), optional
        Weights, at least 0; the cells then hold sums of weights.

    Returns
    -------
    Tally
        Whole numbers without weights.

    Raises
    ------
    InputError
        If there is no feature, lengths differ, labels are not binary, a weight is negative, or there are more than four
        million combinations.

    Examples
    --------
    >>> tally([1, 0], [1, 1], {"sex": ["f", "m"]}).cells.tolist()
    [[0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0]]
    """
    if not features:
        raise InputError("no feature given: name at least one column to group by")
    n = np.asarray(y_true).size
    truth, answer = binary_labels("y_true", y_true, n), binary_labels("y_pred", y_pred, n)
    place: NDArray[np.int64] | None = None
    levels: list[tuple[str, ...]] = []
    for name, column in features.items():
        codes, texts = factorise(name, column)
        if codes.size != n:
            raise InputError(f"feature {name!r} has {codes.size} rows, y_true has {n}")
        levels.append(tuple(texts))
        if 4 * prod(map(len, levels)) > MOST_CELLS:
            raise InputError(
                f"the features form {prod(map(len, levels)):,} groups or more: count fewer at a time, or bands of them"
            )
        if place is None:
            place = codes
        else:
            place *= len(texts)
            place += codes
    total = np.zeros(0, dtype=np.int64) if place is None else place
    for part in (truth, answer):
        total *= 2
        total += part
    weights = None if sample_weight is None else row_weights(sample_weight, n)
    counts = np.bincount(total, weights=weights, minlength=4 * prod(map(len, levels)))
    shape = (*(len(texts) for texts in levels), 4)
    return Tally(tuple(features), tuple(levels), counts.reshape(shape).astype(np.float64))
