"""Paired gaps: how far a gap between groups moved between two audits of the same records, though the widest pair was picked both times.

A largest gap is a maximum over pairs of groups, and resampling a maximum repeats its bias: percentile and BCa intervals of its change miss
where groups lie close together. Written out, the change of a maximum is max over p of min over q of (contrast p after less contrast q
before). Each of these differences is an ordinary estimate with a paired standard error, and intervals that hold for all p beside the true q,
and for all q beside the true p, bound the change whichever pairs were picked.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level
from auditkit.statistics.changes import Change
from auditkit.statistics.gaps import range_critical
from auditkit.statistics.no_difference import range_tail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    import numpy.typing as npt

    ByGroup: TypeAlias = Callable[[FloatArray], FloatArray]

__all__ = ["MOST_PAIRED_GROUPS", "joint_cells", "paired_gap_change", "paired_mean_gap_change"]

MOST_PAIRED_GROUPS = 20
"""Every pair of groups before is held against every pair after."""

Kind = Literal["difference", "ratio"]
_PRIOR = 0.5  # Jeffreys': a cell seen empty is not impossible
_UNDEFINED = 0.1  # share of draws that may be without a value
_SMALLEST = 1e-24


class _Pairs(NamedTuple):
    """Contrasts before and after, of which the largest each time is the gap, and their covariance."""

    before: FloatArray
    after: FloatArray
    covariance: FloatArray


def joint_cells(
    truth: npt.ArrayLike, before: npt.ArrayLike, after: npt.ArrayLike, codes: npt.ArrayLike, groups: int
) -> FloatArray:
    """Return how many records of each group have each true label and each pair of answers.

    Parameters
    ----------
    truth, before, after : array_like of bool, shape (n,)
        True label and both answers of each record.
    codes : array_like of int, shape (n,)
        Group of each record.
    groups : int
        Number of groups.

    Returns
    -------
    ndarray, shape (groups, 8)
        Cell ``4 * truth + 2 * before + after``.

    Examples
    --------
    >>> joint_cells([0, 1, 1], [0, 0, 1], [1, 1, 1], [0, 0, 0], 1).astype(int).tolist()
    [[0, 1, 0, 0, 0, 1, 0, 1]]
    """
    bits = [np.asarray(one).astype(np.int64) for one in (codes, truth, before, after)]
    at = 8 * bits[0] + 4 * bits[1] + 2 * bits[2] + bits[3]
    return np.bincount(at, minlength=8 * groups).reshape(groups, 8).astype(float)


def paired_gap_change(
    joint: npt.ArrayLike,
    statistics: Sequence[ByGroup],
    *,
    rng: np.random.Generator,
    kind: Kind = "difference",
    of: int | None = None,
    against: npt.ArrayLike | None = None,
    level: float = 0.95,
    replicates: int = 1000,
) -> Change:
    """Return the change of a largest difference, or smallest ratio, over groups from the pairs of answers of the same records.

    The covariance of all contrasts, before and after, is that of a paired bootstrap: records are drawn within their groups, each with both of its
    answers, half a record added to each cell. Every contrast after less every one before then has a standard error; the interval is at the studentised
    range's critical value for the number of groups, and the test is its inverse. For two groups that is the test that neither their differences
    nor these with one sign turned have changed. Ratios of two groups, which are skew, are at half the error (Bonferroni).

    Parameters
    ----------
    joint : array_like, shape (groups, 8)
        What `joint_cells` returns.
    statistics : sequence of callable
        Each takes counts of shape (..., groups, 4), cells tn, fp, fn, tp, and returns a value a group; ``nan`` where undefined. Of several the
        largest gap in any is taken (equalized odds), at the error divided by their number.
    rng : numpy.random.Generator
        Source of randomness.
    kind : {"difference", "ratio"}
        Largest difference, or smallest ratio.
    of : int, optional
        Only ratios of this group to another are looked at.
    against : array_like of bool, shape (groups,), optional
        Which groups may be compared with; all when left out.
    level : float
        Confidence level.
    replicates : int
        Draws.

    Returns
    -------
    Change
        With ``nan`` throughout where fewer than two groups have a value, others have one before than after, there are more than
        `MOST_PAIRED_GROUPS`, or more than a tenth of the draws have no value.

    Raises
    ------
    InputError
        On counts of another shape, or an unknown kind.

    Examples
    --------
    >>> selected = lambda c: (c[..., 1] + c[..., 3]) / c.sum(-1)
    >>> joint = [[600, 0, 10, 390, 0, 0, 0, 0], [600, 90, 0, 310, 0, 0, 0, 0]]
    >>> found = paired_gap_change(joint, [selected], rng=np.random.default_rng(0))
    >>> round(found.value, 3)  # 0.4 against 0.31 before, 0.39 against 0.4 after
    -0.08
    """
    cells = np.asarray(joint, dtype=float)
    if cells.ndim != 2 or cells.shape[1] != 8 or kind not in ("difference", "ratio"):
        raise InputError(
            f"expected joint cells of shape (groups, 8) and a known kind; got {cells.shape}, {kind!r}"
        )
    groups = len(cells)
    if groups > MOST_PAIRED_GROUPS:
        return _unknown()
    share = (cells + _PRIOR) / (cells + _PRIOR).sum(1, keepdims=True)
    drawn = rng.multinomial(cells.sum(1).astype(np.int64), share, size=(replicates, groups)).astype(float)
    allowed = np.ones(groups, dtype=bool) if against is None else np.asarray(against).astype(bool)
    sides: list[tuple[FloatArray, FloatArray]] = []
    most = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        for statistic in statistics:
            values = [
                statistic(_side(part, after=after)) for after in (False, True) for part in (cells, drawn)
            ]
            known = np.isfinite(values[0])
            if not (known == np.isfinite(values[2])).all() or known.sum() < 2:
                return _unknown()
            most = max(most, int(known.sum()))
            first, second = _compared(known, of, allowed)
            sides.append(
                (
                    np.vstack([_contrasts(v, first, second, kind) for v in (values[0], values[2])]),
                    np.stack([_contrasts(v, first, second, kind) for v in (values[1], values[3])]),
                )
            )
    at = np.concatenate([one for one, _ in sides], axis=-1)
    found = _covered(at, np.concatenate([draws for _, draws in sides], axis=-1))
    if found is None:
        return _unknown()
    shared = len(statistics) * (2 if kind == "ratio" and most == 2 else 1)
    change = _extreme(found, most, as_level(level), shared)
    return _turned(change) if kind == "ratio" else change


def paired_mean_gap_change(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    codes: npt.ArrayLike,
    groups: int,
    level: float = 0.95,
    *,
    unit: float = 1.0,
) -> Change:
    """Return the change of the largest difference of group means from the values of the same records.

    As `paired_gap_change`, with the covariances of the two means of each group as they are estimated from its records.

    Parameters
    ----------
    before, after : array_like, shape (n,)
        A value a record, in the same order.
    codes : array_like of int, shape (n,)
        Group of each record.
    groups : int
        Number of groups; those of fewer than two records are left out.
    level : float
        Confidence level.
    unit : float
        What the means are divided by.

    Returns
    -------
    Change
        With ``nan`` throughout where fewer than two groups are left, there are more than `MOST_PAIRED_GROUPS`, or the values of a group are
        all alike.

    Examples
    --------
    >>> values, codes = np.arange(40.0), np.repeat([0, 1], 20)
    >>> paired_mean_gap_change(values, values + codes * (1 + values % 2), codes, 2).value
    1.5
    """
    was, now, at = np.asarray(before, dtype=float), np.asarray(after, dtype=float), np.asarray(codes)
    kept = np.flatnonzero(np.bincount(at, minlength=groups) >= 2)
    if not 2 <= len(kept) <= MOST_PAIRED_GROUPS:
        return _unknown()
    means, parts = np.empty((2, len(kept))), np.empty((2, 2, len(kept)))
    for place, group in enumerate(kept):
        two = np.vstack([was[at == group], now[at == group]])
        means[:, place], parts[:, :, place] = two.mean(1), np.cov(two) / two.shape[1]
    if not np.isfinite(means).all() or (parts[0, 0] <= 0).any() or (parts[1, 1] <= 0).any():
        return _unknown()
    first, second = np.nonzero(~np.eye(len(kept), dtype=bool))
    signs = np.zeros((len(first), len(kept)))
    signs[np.arange(len(first)), first], signs[np.arange(len(first)), second] = 1, -1
    spread = np.block([[signs * parts[i, j] @ signs.T for j in (0, 1)] for i in (0, 1)])
    pairs = _Pairs(signs @ means[0] / unit, signs @ means[1] / unit, spread / unit**2)
    return _extreme(pairs, len(kept), as_level(level), 1)._replace(method=_MEANS)


_MEANS = "paired means over all pairs of groups, from the pairs"
_METHOD = "paired bootstrap over all pairs of groups, from the pairs"


def _side(joint: FloatArray, *, after: bool) -> FloatArray:
    """Return the cells tn, fp, fn, tp of one of the two answers."""
    parts = joint.reshape(*joint.shape[:-1], 2, 2, 2).sum(-2 if after else -1)
    return np.asarray(parts.reshape(*joint.shape[:-1], 4))


def _compared(
    known: npt.NDArray[np.bool_], of: int | None, allowed: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the ordered pairs of groups that are looked at."""
    pairs = known[:, None] & (known & allowed)[None] & ~np.eye(len(known), dtype=bool)
    if of is not None:
        pairs[np.arange(len(known)) != of] = False
    first, second = np.nonzero(pairs)
    return first, second


def _contrasts(
    values: FloatArray, first: npt.NDArray[np.intp], second: npt.NDArray[np.intp], kind: Kind
) -> FloatArray:
    """Return differences, or ratios with their sign turned: of both the largest is sought."""
    if kind == "difference":
        return values[..., first] - values[..., second]
    return -(values[..., first] / values[..., second])


def _covered(at: FloatArray, draws: FloatArray) -> _Pairs | None:
    """Return contrasts with the covariance of their draws; None where too many of these have no value."""
    both = np.concatenate([draws[0], draws[1]], axis=-1)
    whole = np.isfinite(both).all(axis=1)
    if not at.size or whole.mean() < 1 - _UNDEFINED or not np.isfinite(at).all():
        return None
    away = both[whole] - both[whole].mean(0)
    return _Pairs(at[0], at[1], away.T @ away / (len(away) - 1))


def _extreme(pairs: _Pairs, groups: int, level: float, shared: int) -> Change:
    """Return the change of the largest contrast, valid for whichever is the largest before and after."""
    p, variance = len(pairs.before), np.diag(pairs.covariance)
    apart = pairs.after[:, None] - pairs.before[None]
    spread = variance[p:, None] + variance[None, :p] - 2 * pairs.covariance[p:, :p]
    se = np.sqrt(np.maximum(spread, _SMALLEST))
    z = range_critical(1 - (1 - level) / shared, groups)
    value, low, high, far = (
        float(part.min(1).max()) for part in (apart, apart - z * se, apart + z * se, apart / se)
    )
    tail = 2 * special.ndtr(-abs(far)) if groups == 2 else range_tail(abs(far), groups)
    p_value = 1.0 if value == 0 else min(1.0, float(tail) * shared)
    return Change(value, min(low, value), max(high, value), p_value, _METHOD)


def _turned(change: Change) -> Change:
    return change._replace(value=-change.value, low=-change.high, high=-change.low)


def _unknown() -> Change:
    return Change(math.nan, math.nan, math.nan, math.nan, _METHOD)
