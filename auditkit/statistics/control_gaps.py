"""Control gaps: whether the distance between groups moved, and whether the area under a ROC curve did."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditkit.errors import InputError
from auditkit.statistics.control_limits import Moved, Part, hypergeometric, moved, part_moved

if TYPE_CHECKING:
    import numpy.typing as npt

    from auditkit.statistics._arguments import FloatArray

__all__ = ["GapMoved", "area_moved", "gap_moved"]

_HALVINGS = 40
_EXACT = 1e-12
_BESIDE = 1e-9  # a limit stands just beyond the last value that is not out of the way


class GapMoved(NamedTuple):
    """Where the difference of two groups in a window lies beside that in the reference.

    Attributes
    ----------
    moved : Moved
        The rate of the first group less that of the second, with its limits.
    first, second : int
        The two groups, of all pairs those whose difference moved beyond doubt most.
    pairs : int
        How many were looked at; each has its part of the error rate.
    """

    moved: Moved
    first: int
    second: int
    pairs: int


class _Away(NamedTuple):
    """Of a group: the rate of the window less that of the reference, all values it may have by chance, and how likely each is."""

    seen: float
    values: FloatArray
    p: FloatArray


def gap_moved(
    x: npt.ArrayLike, n: npt.ArrayLike, successes: npt.ArrayLike, m: npt.ArrayLike, alpha: float
) -> GapMoved:
    """Return where the differences between groups lie beside those of the reference, over all pairs.

    A rise that all groups share is none. Each pair is tested exactly, its groups' successes held, as Fisher's test holds them: the
    difference of two independent hypergeometric counts, in rates. So it holds its error rate for groups of any size. The pairs share the rate (Bonferroni).

    Parameters
    ----------
    x, n : array_like of int, shape (groups,)
        Successes and rows of each group in the window.
    successes, m : array_like of int, shape (groups,)
        Those of the reference.
    alpha : float
        Error rate over all pairs.

    Raises
    ------
    InputError
        On fewer than two groups, a group without rows, or impossible counts.

    Examples
    --------
    >>> found = gap_moved([80, 40], [200, 200], [500, 480], [1000, 1000], 0.01)
    >>> found.moved.value, round(found.moved.reference, 2), round(found.moved.p_value, 4), found.pairs
    (0.2, 0.02, 0.0011, 1)
    """
    counts = [np.asarray(one, dtype=np.int64) for one in (x, n, successes, m)]
    if len({one.shape for one in counts}) > 1 or counts[0].ndim != 1 or counts[0].size < 2:
        raise InputError("a gap needs counts of two groups or more, one a group")
    a, size, b, other = counts
    if (size < 1).any() or (other < 1).any() or (a > size).any() or (b > other).any() or (a < 0).any():
        raise InputError("counts must lie between 0 and the rows of their group, and every group needs rows")
    away = [_away(*map(int, row)) for row in zip(a, size, b, other, strict=True)]
    pairs = list(combinations(range(a.size), 2))
    tails = [_two_sided(away[i], away[j]) for i, j in pairs]
    at = int(np.argmin(tails))
    i, j = pairs[at]
    share = alpha / len(pairs)
    reference = float(b[i] / other[i] - b[j] / other[j])
    value = float(a[i] / size[i] - a[j] / size[j])
    low, high = (reference + end for end in _limits(away[i], away[j], share))
    return GapMoved(Moved(value, reference, low, high, min(1.0, tails[at] * len(pairs))), i, j, len(pairs))


def _away(x: int, n: int, successes: int, m: int) -> _Away:
    total = x + successes
    counts, p = hypergeometric(n, m, total)
    return _Away(x / n - successes / m, counts / n - (total - counts) / m, p)


def _upper(one: _Away, other: _Away, least: float) -> float:
    """Return how likely the first group moved by at least so much more than the second."""
    below = np.concatenate([[0.0], np.cumsum(other.p)])
    at = np.searchsorted(other.values, one.values - least + _EXACT, side="right")
    return float(one.p @ below[at])


def _two_sided(one: _Away, other: _Away) -> float:
    seen = one.seen - other.seen
    return min(1.0, 2 * min(_upper(one, other, seen), _upper(other, one, -seen)))


def _limits(one: _Away, other: _Away, alpha: float) -> tuple[float, float]:
    """Return the ends beyond which the difference moves by chance at most so often."""

    def end(first: _Away, second: _Away) -> float:
        inside, outside = (
            float(first.values[0] - second.values[-1]),
            float(first.values[-1] - second.values[0]),
        )
        if _upper(first, second, outside) > alpha / 2:
            return outside
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (
                (middle, outside) if _upper(first, second, middle) > alpha / 2 else (inside, middle)
            )
        return outside + _BESIDE

    return -end(other, one), end(one, other)


def area_part(
    window: tuple[npt.ArrayLike, npt.ArrayLike], reference: tuple[npt.ArrayLike, npt.ArrayLike]
) -> Part:
    """Return the area under the ROC curve of a window as a part; see `area_moved`."""
    (a, b), (c, d) = ([np.asarray(one, dtype=float) for one in two] for two in (window, reference))
    positives, negatives = a + c, b + d
    beats = _below(negatives)  # of a positive: the share of negatives under it
    beaten = 1 - _below(positives)
    u, v = (_central(values, weights) for values, weights in ((beats, positives), (beaten, negatives)))
    both = _area(positives, negatives)

    def cumulants(p: float, n: float) -> tuple[float, float]:
        rest = max(both * (1 - both) - u[0] - v[0], 0.0) / (p * n)
        return u[0] / p + v[0] / n + rest, u[1] / p**2 + v[1] / n**2

    size = 2 / (1 / max(a.sum(), 1) + 1 / max(b.sum(), 1))
    return Part(_area(a, b), size, *cumulants(a.sum(), b.sum()), _area(c, d), *cumulants(c.sum(), d.sum()))


def area_moved(
    window: tuple[npt.ArrayLike, npt.ArrayLike], reference: tuple[npt.ArrayLike, npt.ArrayLike], alpha: float
) -> Moved:
    """Return where the area under the ROC curve of a window lies beside that of the reference.

    Variance and skewness are those of the placements (DeLong et al. 1988) in both samples together, since the question is whether they are drawn alike.

    Parameters
    ----------
    window, reference : pair of array_like, shape (bins,)
        Positives and negatives in each bin of the score, the lowest first. Rows of one bin count as ties.
    alpha : float
        Error rate, of both sides together.

    Raises
    ------
    InputError
        If a sample lacks positives or negatives.

    Examples
    --------
    >>> found = area_moved(([5, 10, 35], [35, 10, 5]), ([90, 100, 310], [310, 100, 90]), 0.01)
    >>> round(found.value, 3), round(found.reference, 3), found.p_value > 0.01
    (0.86, 0.764, True)
    """
    if not all(np.sum(one) > 0 for two in (window, reference) for one in two):
        raise InputError("an area needs positives and negatives in the window and in the reference")
    return part_moved(area_part(window, reference), alpha)


def binning_error(positives: npt.ArrayLike, negatives: npt.ArrayLike) -> float:
    """Return by how much the area may be off because rows of one bin count as ties.

    Examples
    --------
    >>> binning_error([1, 1], [1, 1])
    0.25
    """
    a, b = np.asarray(positives, dtype=float), np.asarray(negatives, dtype=float)
    return float((a * b).sum() / (2 * a.sum() * b.sum())) if a.sum() and b.sum() else math.nan


def _below(counts: FloatArray) -> FloatArray:
    return np.asarray((np.cumsum(counts) - counts / 2) / counts.sum())


def _area(positives: FloatArray, negatives: FloatArray) -> float:
    return float(positives @ _below(negatives) / positives.sum())


def _central(values: FloatArray, weights: FloatArray) -> tuple[float, float]:
    n = weights.sum()
    mean = values @ weights / n
    away = values - mean
    return float(weights @ away**2 / max(n - 1, 1)), float(weights @ away**3 / n)


def pair_moved(one: Part, other: Part, alpha: float) -> Moved:
    """Return where the difference of two groups lies beside the reference, from cumulants, for a chart over several windows."""
    variance = one.variance + one.reference_variance + other.variance + other.reference_variance
    third = one.third - one.reference_third - other.third + other.reference_third
    return moved(one.value - other.value, one.reference - other.reference, variance, third, alpha)
