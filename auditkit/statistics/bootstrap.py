"""Bootstrap: resampling the counts a metric is made of, never the rows.

A metric that is a function of counts in cells (group x confusion cell) sees a resample of the rows only through
its counts, and those are one multinomial draw. The rows are read once, whatever the number of replicates.

A maximum over groups stays biased under any resampling; for a largest gap see `auditkit.statistics.gaps`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Bootstrapped", "Statistic", "bootstrap_counts", "bootstrap_difference", "draw_counts"]

Statistic: TypeAlias = Callable[[FloatArray], FloatArray]
Scheme: TypeAlias = Literal["rows", "groups", "poisson"]


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """A statistic of counts with its bootstrap interval.

    Attributes
    ----------
    value : float
        The statistic of the counts given.
    low, high : float
        The interval; ``nan`` when the statistic, or more than a tenth of its replicates, is undefined.
    se : float
        Standard deviation of the replicates.
    level : float
        Confidence level.
    method : str
        "percentile", "bca" or "basic".
    replicates, undefined : int
        Draws, and how many of them gave no finite value (a group without rows, say). They are left out.
    """

    value: float
    low: float
    high: float
    se: float
    level: float
    method: str
    replicates: int
    undefined: int


def draw_counts(
    counts: npt.ArrayLike, replicates: int, rng: np.random.Generator, scheme: Scheme = "rows"
) -> FloatArray:
    """Return resampled counts.

    Parameters
    ----------
    counts : array_like, shape (groups, cells)
        Whole counts.
    replicates : int
        Draws.
    rng : numpy.random.Generator
        Source of randomness.
    scheme : {"rows", "groups", "poisson"}
        "rows": one multinomial over all cells, as resampling all rows does; group sizes vary.
        "groups": one multinomial a group, sizes held. "poisson": independent cells, the total varies too.

    Returns
    -------
    ndarray, shape (replicates, groups, cells)
        Counts as floats.

    Raises
    ------
    InputError
        On counts that are not whole, negative or not of two dimensions, no rows, or fewer than one replicate.

    Examples
    --------
    >>> drawn = draw_counts([[3, 7], [5, 5]], 4, np.random.default_rng(0))
    >>> drawn.shape, drawn.sum(axis=(1, 2)).tolist()
    ((4, 2, 2), [20.0, 20.0, 20.0, 20.0])
    """
    cells = as_cells(counts)
    if replicates < 1:
        raise InputError(f"replicates must be at least 1, got {replicates}")
    whole = cells.astype(np.int64)
    if scheme == "rows":
        flat = rng.multinomial(whole.sum(), cells.ravel() / cells.sum(), size=replicates)
        return flat.reshape(replicates, *cells.shape).astype(float)
    if scheme == "groups":
        share = cells / np.maximum(cells.sum(1, keepdims=True), 1.0)
        return rng.multinomial(whole.sum(1), share, size=(replicates, len(cells))).astype(float)
    if scheme == "poisson":
        return rng.poisson(cells, size=(replicates, *cells.shape)).astype(float)
    raise InputError(f"scheme must be 'rows', 'groups' or 'poisson', got {scheme!r}")


def as_cells(counts: npt.ArrayLike) -> FloatArray:
    """Return counts checked to be whole, of shape (groups, cells), with rows; raise InputError otherwise."""
    cells = np.asarray(counts, dtype=float)
    if (
        cells.ndim != 2
        or not np.isfinite(cells).all()
        or (cells < 0).any()
        or (cells != np.round(cells)).any()
    ):
        raise InputError(
            f"counts must be whole numbers of 0 or more, shape (groups, cells), got {cells.shape}"
        )
    if not cells.sum():
        raise InputError("counts hold no rows: there is nothing to resample")
    return cells


def bootstrap_counts(
    counts: npt.ArrayLike,
    statistic: Statistic,
    *,
    rng: np.random.Generator,
    replicates: int = 2000,
    level: float = 0.95,
    method: Literal["percentile", "bca", "basic"] = "percentile",
    scheme: Scheme = "rows",
) -> Bootstrapped:
    """Return a statistic of counts with a bootstrap interval (Efron and Tibshirani 1993).

    "percentile" keeps within the statistic's range and is the default; "bca" also corrects bias and skew (Efron 1987), its
    jackknife taken by cell, since all rows of a cell have the same influence; "basic" reflects the replicates
    about the value. None of them is valid for a maximum or a minimum over groups.

    Parameters
    ----------
    counts : array_like, shape (groups, cells)
        Whole counts.
    statistic : callable
        Takes counts of shape (..., groups, cells) and returns values of shape (...); ``nan`` where undefined.
    rng : numpy.random.Generator
        Source of randomness.
    replicates : int
        Draws.
    level : float
        Two-sided confidence level.
    method : {"percentile", "bca", "basic"}
        The interval.
    scheme : {"rows", "groups", "poisson"}
        How counts are drawn; see `draw_counts`.

    Returns
    -------
    Bootstrapped
        The value, its interval and how many replicates were undefined.

    Raises
    ------
    InputError
        On unusable counts, an unknown method or scheme, or a statistic of another shape.

    Examples
    --------
    >>> rate = lambda c: c[..., 0, 1] / c[..., 0, :].sum(-1)
    >>> result = bootstrap_counts([[70, 30]], rate, rng=np.random.default_rng(0))
    >>> result.value, 0.2 < result.low < 0.3 < result.high < 0.4
    (0.3, True)
    """
    as_level(level)
    if method not in {"percentile", "bca", "basic"}:
        raise InputError(f"method must be 'percentile', 'bca' or 'basic', got {method!r}")
    cells = as_cells(counts)
    drawn = draw_counts(cells, replicates, rng, scheme)
    at, values = _evaluate(statistic, cells), _evaluate(statistic, drawn)
    if at.shape != () or values.shape != (replicates,):
        raise InputError(f"statistic must map (..., groups, cells) to (...), got shape {values.shape}")
    value, defined = float(at), values[np.isfinite(values)]
    undefined = replicates - defined.size
    low = high = math.nan
    if math.isfinite(value) and undefined <= 0.1 * replicates:
        tails = np.array([(1 - level) / 2, (1 + level) / 2])
        if method == "bca":
            tails = _bca_tails(value, defined, tails, jackknife_acceleration(cells, statistic))
        low, high = _ends(value, defined, tails, method)
    se = float(defined.std(ddof=1)) if defined.size > 1 else math.nan
    return Bootstrapped(value, low, high, se, level, method, replicates, undefined)


def bootstrap_difference(
    counts: npt.ArrayLike,
    first: Statistic,
    second: Statistic,
    *,
    rng: np.random.Generator,
    replicates: int = 2000,
    level: float = 0.95,
    method: Literal["percentile", "bca", "basic"] = "percentile",
    scheme: Scheme = "rows",
) -> Bootstrapped:
    """Return ``second - first`` with both computed on the same draw, for a paired before and after.

    Parameters
    ----------
    counts : array_like, shape (groups, cells)
        Whole counts of the *joint* cells: what a row was before together with what it was after.
    first, second : callable
        Statistics of the joint counts; each sums over what it does not look at.
    rng, replicates, level, method, scheme
        As in `bootstrap_counts`.

    Returns
    -------
    Bootstrapped
        The difference and its interval.

    Raises
    ------
    InputError
        As `bootstrap_counts`.

    Examples
    --------
    >>> before = lambda c: (c[..., 0, 2] + c[..., 0, 3]) / c[..., 0, :].sum(-1)
    >>> after = lambda c: (c[..., 0, 1] + c[..., 0, 3]) / c[..., 0, :].sum(-1)
    >>> joint = [[50, 10, 0, 40]]  # neither, after only, before only, both
    >>> round(bootstrap_difference(joint, before, after, rng=np.random.default_rng(0)).value, 3)
    0.1
    """

    def difference(cells: FloatArray) -> FloatArray:
        return np.asarray(second(cells)) - np.asarray(first(cells))

    return bootstrap_counts(
        counts, difference, rng=rng, replicates=replicates, level=level, method=method, scheme=scheme
    )


def _evaluate(statistic: Statistic, cells: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(statistic(cells), dtype=float)


def _ends(value: float, values: FloatArray, tails: FloatArray, method: str) -> tuple[float, float]:
    if np.isnan(tails).any():
        return math.nan, math.nan
    low, high = (float(end) for end in np.quantile(values, tails))
    return (2 * value - high, 2 * value - low) if method == "basic" else (low, high)


def _bca_tails(value: float, values: FloatArray, tails: FloatArray, acceleration: float) -> FloatArray:
    """Return the corrected tail probabilities; ``nan`` where the replicates lie on one side of the value."""
    below = ((values < value).mean() + (values <= value).mean()) / 2
    bias = float(special.ndtri(below))
    if math.isinf(bias):
        return np.full(2, np.nan)
    shifted = bias + special.ndtri(tails)
    return np.asarray(special.ndtr(bias + shifted / (1 - acceleration * shifted)), dtype=float)


def jackknife_acceleration(cells: FloatArray, statistic: Statistic) -> float:
    """Return the acceleration of BCa: one left-out row for each filled cell, weighted by the rows it stands for."""
    filled = np.argwhere(cells > 0)
    left_out = np.repeat(cells[None], len(filled), axis=0)
    left_out[np.arange(len(filled)), filled[:, 0], filled[:, 1]] -= 1
    values, weights = _evaluate(statistic, left_out), cells[cells > 0]
    weights, values = weights[np.isfinite(values)], values[np.isfinite(values)]
    if not weights.size:
        return 0.0
    away = np.average(values, weights=weights) - values
    spread = float((weights * away**2).sum())
    return float((weights * away**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
