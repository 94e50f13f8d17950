"""Simultaneous: bootstrap intervals of the largest gap in any statistic of group counts, valid although it was picked.

Resampling a maximum repeats its bias. Resampling the *studentised deviations of every comparison at once* does not:
the distribution of the largest of them gives one critical value that holds for all comparisons, so also for the one picked
(the max-t method; Efron and Tibshirani 1993, Romano and Wolf 2005).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level
from auditkit.statistics.bootstrap import as_cells
from auditkit.statistics.gaps import Gap, range_critical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.statistics.bootstrap import Statistic

__all__ = ["bootstrap_gaps"]

Kind = Literal["difference", "ratio"]
Against = Literal["between_groups", "to_overall"]

_PRIOR = 0.5  # Jeffreys': a cell seen empty is not impossible
_SMALLEST = 1e-12


def bootstrap_gaps(
    counts: FloatArray,
    statistics: Mapping[str, Statistic],
    *,
    rng: np.random.Generator,
    kind: Kind = "difference",
    method: Against = "between_groups",
    replicates: int = 1000,
    level: float = 0.95,
) -> dict[str, Gap]:
    """Return the largest difference (or smallest ratio) over groups of each statistic, from one set of draws.

    Two sets of draws, both within groups: from each group's own cells (half a row added to each), for the width; and of
    answers at the rates of all groups together, given the true labels, for the p-value. The interval leaves "no gap" only where
    the p-value does: on its own it would too often, because small groups that lie far out by chance also look
    certain. Ratios are handled as differences of logs.

    Parameters
    ----------
    counts : array_like, shape (groups, 4)
        Whole counts, cells tn, fp, fn, tp. Groups without rows are left out.
    statistics : mapping of str to callable
        Each takes counts of shape (..., groups, 4) and returns values of shape (..., groups), one a group from its own cells;
        ``nan`` where undefined.
    rng : numpy.random.Generator
        Source of randomness.
    kind : {"difference", "ratio"}
        Largest difference, or smallest ratio.
    method : {"between_groups", "to_overall"}
        Over all pairs of groups, or each group against all rows together.
    replicates : int
        Draws, at least 100.
    level : float
        Simultaneous confidence level.

    Returns
    -------
    dict of str to Gap
        Groups where a statistic is undefined, on the data or on over a tenth of the draws, are left out,
        and `note` says how many.

    Raises
    ------
    InputError
        On unusable counts, kind, method, level, or too few replicates.

    Examples
    --------
    >>> cells = np.array([[40, 10, 10, 40], [30, 20, 25, 25], [41, 9, 10, 40]])
    >>> balanced = lambda c: (c[..., 3] / c[..., 2:].sum(-1) + c[..., 0] / c[..., :2].sum(-1)) / 2
    >>> gap = bootstrap_gaps(cells, {"balanced": balanced}, rng=np.random.default_rng(0))["balanced"]
    >>> round(gap.value, 3), gap.low > 0, gap.lowest_index
    (0.26, True, 1)
    """
    if kind not in ("difference", "ratio") or method not in ("between_groups", "to_overall"):
        raise InputError(
            f"kind is 'difference' or 'ratio', method 'between_groups' or 'to_overall'; got {kind!r}, {method!r}"
        )
    if replicates < 100:
        raise InputError(f"an interval needs at least 100 replicates, got {replicates}")
    cells = as_cells(counts)
    if cells.shape[1] != 4:
        raise InputError(f"counts must be (groups, 4), cells tn, fp, fn, tp; got {cells.shape}")
    kept = np.flatnonzero(cells.sum(1))
    draws = _own(cells[kept], replicates, rng), _alike(cells[kept], replicates, rng)
    return {
        name: _gap(one, cells[kept], draws, kept, kind, method, as_level(level), len(cells))
        for name, one in statistics.items()
    }


class _Draws(NamedTuple):
    """Counts drawn, shape (replicates, groups, 4), and those expected, shape (groups, 4)."""

    expected: FloatArray
    drawn: FloatArray


def _own(cells: FloatArray, replicates: int, rng: np.random.Generator) -> _Draws:
    """Draw each group from its own cells, half a row added to each."""
    size = cells.sum(1)
    share = (cells + _PRIOR) / (cells + _PRIOR).sum(1, keepdims=True)
    drawn = rng.multinomial(size.astype(np.int64), share, size=(replicates, len(cells)))
    return _Draws(share * size[:, None], drawn.astype(float))


def _alike(cells: FloatArray, replicates: int, rng: np.random.Generator) -> _Draws:
    """Draw each group's answers at the rates of all groups together, its true labels held."""
    size = cells.reshape(-1, 2, 2).sum(-1)  # true negatives and positives of each group
    rate = (cells[:, 1::2].sum(0) + _PRIOR) / (size.sum(0) + 2 * _PRIOR)
    said = rng.binomial(size.astype(np.int64), rate, size=(replicates, *size.shape)).astype(float)

    def as_four(yes: FloatArray) -> FloatArray:
        return np.stack([size - yes, yes], axis=-1).reshape(*yes.shape[:-1], 4)

    return _Draws(as_four(size * rate), as_four(said))


def _gap(
    statistic: Statistic,
    cells: FloatArray,
    draws: tuple[_Draws, _Draws],
    kept: np.ndarray,
    kind: Kind,
    method: Against,
    level: float,
    groups: int,
) -> Gap:
    at = _values(statistic, cells, kind, method)
    known = np.isfinite(np.exp(at) if kind == "ratio" else at)
    known &= np.isfinite(_values(statistic, draws[0].drawn, kind, method)).mean(0) >= 0.9
    if method == "to_overall":
        known[-1] = True  # all rows together come last
    found = int(known.sum()) - (method == "to_overall")
    note = f"{groups - found} of {groups} groups left out: undefined. " if found < groups else ""
    label = f"max-t bootstrap, {len(draws[0].drawn)} draws, {found} groups"
    if found < 2:
        note += f"A gap needs at least two groups with rows, got {found}."
        return Gap(math.nan, math.nan, math.nan, math.nan, level, label, "none", -1, -1, 0, note)
    first, second = _compared(known, method)
    # a rate of 0 has no log: how far off it may be is seen from the smoothed counts
    base = np.where(np.isfinite(at), at, _values(statistic, draws[0].expected, kind, method))
    distance, seen = np.abs(at[first] - at[second]), np.abs(base[first] - base[second])
    own = _noise(_apart(statistic, draws[0], kind, method, first, second))
    # the data are one more draw of groups alike: with standard errors from the others only they would lie farther out than any of them
    alike = _noise(
        np.vstack([base[first] - base[second], _apart(statistic, draws[1], kind, method, first, second)])
    )
    floor = (
        range_critical(level, found) if method == "between_groups" else float(special.ndtri(0.5 + level / 2))
    )
    half = max(float(np.quantile(own.largest, level)), floor) * own.se
    p_value = float((alike.largest >= alike.largest[0] * (1 - 1e-9)).mean())
    near = int((seen - half).argmax())
    low = max(float((seen - half)[near]), 0.0) if p_value <= 1 - level else 0.0
    high = float(np.maximum(distance, seen + half).max())
    pick = int(distance.argmax())

    def places(pair: int) -> tuple[int, int]:
        two = sorted((first[pair], second[pair]), key=lambda g: base[g])
        lowest, highest = [first[pair]] * 2 if method == "to_overall" else two
        return int(kept[lowest]), int(kept[highest])

    ends = (math.exp(-high), math.exp(-low)) if kind == "ratio" else (low, high)
    value = math.exp(-distance[pick]) if kind == "ratio" else float(distance[pick])
    surest = places(near) if low > 0 else None
    p_method = "max-t bootstrap of groups alike"
    return Gap(value, *ends, p_value, level, label, p_method, *places(pick), found, note, surest)


class _Noise(NamedTuple):
    """Standard error of each comparison, and the largest studentised deviation of each draw."""

    se: FloatArray
    largest: FloatArray


def _noise(apart: FloatArray) -> _Noise:
    se = np.maximum(apart.std(axis=0), _SMALLEST)
    return _Noise(se, (np.abs(apart) / se).max(axis=1))


def _apart(
    statistic: Statistic, draws: _Draws, kind: Kind, method: Against, first: np.ndarray, second: np.ndarray
) -> FloatArray:
    """Return how far each draw's comparisons deviate from those expected, shape (replicates, comparisons)."""
    values = _values(statistic, draws.drawn, kind, method)
    centre = _values(statistic, draws.expected, kind, method)
    away = np.where(np.isfinite(values), values - centre, 0.0)
    return np.asarray(away[:, first] - away[:, second])


def _values(statistic: Statistic, cells: FloatArray, kind: Kind, method: Against) -> FloatArray:
    """Return the statistic of each group, then of all rows where these are compared with; logs for ratios."""
    every = (
        np.concatenate([cells, cells.sum(-2, keepdims=True)], axis=-2) if method == "to_overall" else cells
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.asarray(statistic(every), dtype=float)
        return np.log(values) if kind == "ratio" else values


def _compared(known: np.ndarray, method: Against) -> tuple[np.ndarray, np.ndarray]:
    places = np.flatnonzero(known)
    if method == "to_overall":
        return places[:-1], np.full(places.size - 1, places[-1])
    first, second = np.triu_indices(places.size, 1)
    return places[first], places[second]
