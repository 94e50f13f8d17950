"""Stability: how much of an explanation is left when it is made again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["CrossedMean", "ErrorRatio", "cosine_similarity", "crossed_mean", "sampling_error_ratio"]


@dataclass(frozen=True, slots=True)
class CrossedMean:
    """A mean over repeats and rows.

    Attributes
    ----------
    value, low, high : float
        The mean and its interval; ``nan`` without a value, the interval infinite with fewer than two repeats or rows.
    rows : int
        Rows without a missing value.
    """

    value: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class ErrorRatio:
    """Sampling error as a share of the spread of the attributions.

    Attributes
    ----------
    value, low, high : float
        0: exact; 1: as large as the spread. ``nan`` where the attributions have no spread.
    """

    value: float
    low: float
    high: float


def cosine_similarity(one: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """Return how alike two explanations of the same rows are, row by row, whatever their unit.

    Where both are one signal with independent errors, the cosine is about the share of the signal in the mean square: 0.9
    means that a tenth is noise.

    Parameters
    ----------
    one, other : array_like of shape (n, d)
        Attributions of the same rows.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        From -1 to 1; 1 where they are equal up to a factor. 0 where one of them alone is all zeros, ``nan`` where both are.

    Raises
    ------
    InputError
        If the shapes differ, or a value is not finite.

    References
    ----------
    Alvarez-Melis & Jaakkola 2018, "On the Robustness of Interpretability Methods", for the question; Visani et al. 2022,
    "Statistical stability indices for LIME", for repeated explanations.

    Examples
    --------
    >>> cosine_similarity([[3.0, 4.0], [1.0, 0.0]], [[6.0, 8.0], [0.0, 1.0]]).tolist()
    [1.0, 0.0]
    """
    a, b = pair("cosine_similarity", one, other)
    lengths = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    found = np.zeros(len(a))
    both = (lengths[0] > 0) & (lengths[1] > 0)
    units = a[both] / lengths[0][both, None], b[both] / lengths[1][both, None]
    found[both] = np.clip((units[0] * units[1]).sum(axis=1), -1.0, 1.0)
    found[(a == b).all(axis=1)] = 1.0  # not 1 less a rounding
    found[(lengths[0] == 0) & (lengths[1] == 0)] = np.nan
    return found


def crossed_mean(values: ArrayLike, level: float = 0.95) -> CrossedMean:
    """Return the mean of a table of repeats by rows, with an interval for other repeats and other rows.

    The variances of the means of the repeats and of the means of the rows are added (their overlap is counted twice, which errs
    on the large side); Student's interval with Satterthwaite's degrees of freedom. Rows with a missing value are left out.

    Parameters
    ----------
    values : array_like of shape (r, n)
        One line a repeat, one column a row; every repeat has all rows.
    level : float
        Two-sided confidence level.

    Returns
    -------
    CrossedMean
        In the unit of the values.

    Raises
    ------
    InputError
        If it is not such a table.

    References
    ----------
    Owen 2007, "The pigeonhole bootstrap", Annals of Applied Statistics; Satterthwaite 1946, "An approximate distribution of
    estimates of variance components", Biometrics Bulletin.

    Examples
    --------
    >>> found = crossed_mean([[0.8, 1.0], [0.8, 1.0]])
    >>> round(found.value, 3), found.rows
    (0.9, 2)
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or 0 in table.shape:
        raise InputError(f"values must be repeats by rows, got shape {table.shape}")
    table = table[:, np.isfinite(table).all(axis=0)]
    repeats, rows = table.shape
    if rows == 0:
        return CrossedMean(float("nan"), float("nan"), float("nan"), 0)
    mean = float(table.mean())
    if repeats < 2 or rows < 2:
        return CrossedMean(mean, float("-inf"), float("inf"), rows)
    parts = [
        (float(table.mean(axis=1).var(ddof=1)) / repeats, repeats - 1),
        (float(table.mean(axis=0).var(ddof=1)) / rows, rows - 1),
    ]
    variance = sum(part for part, _ in parts)
    if variance <= 1e-30 * mean**2:
        return CrossedMean(mean, mean, mean, rows)
    freedom = variance**2 / sum(part**2 / of for part, of in parts)
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * variance**0.5
    return CrossedMean(mean, mean - half, mean + half, rows)


def sampling_error_ratio(draws: ArrayLike, level: float = 0.95) -> ErrorRatio:
    """Return how large the sampling error of an attribution is beside the spread of the attributions over rows.

    The square root of the variance between explanations of the same rows that differ in the seed alone, over the variance of
    one explanation over rows, both averaged over rows and inputs. The spread holds the error too, so that pure noise gives 1.
    The interval takes the jackknife variances over draws and over rows of the logarithm together.

    Parameters
    ----------
    draws : array_like of shape (s, n, d)
        Explanations of the same rows under `s` seeds.
    level : float
        Two-sided confidence level.

    Returns
    -------
    ErrorRatio
        Without a unit.

    Raises
    ------
    InputError
        If there are fewer than two draws or three rows.

    References
    ----------
    Castro, Gómez & Tejada 2009, "Polynomial calculation of the Shapley value based on sampling", for the error; Efron & Stein
    1981, "The jackknife estimate of variance", Annals of Statistics.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> signal = rng.normal(size=(400, 5))
    >>> found = sampling_error_ratio(signal + 0.5 * rng.normal(size=(8, 400, 5)))
    >>> abs(found.value - (0.25 / 1.25) ** 0.5) < 0.02
    True
    """
    table = np.asarray(draws, dtype=np.float64)
    if table.ndim != 3 or len(table) < 2 or table.shape[1] < 3 or table.shape[2] < 1:
        raise InputError(
            f"draws must be at least 2 draws of at least 3 rows and 1 input, got shape {table.shape}"
        )
    s, n, _ = table.shape
    error, spread = _variances(table)
    if not spread > 1e-24 * float(np.square(table).max()):
        return ErrorRatio(float("nan"), float("nan"), float("nan"))
    if error <= 1e-24 * spread:  # roundings
        return ErrorRatio(0.0, 0.0, 0.0)
    value = (error / spread) ** 0.5
    logs = [_log_ratio(np.delete(table, i, axis=1)) for i in range(n)]
    variance = (n - 1) * float(np.var(logs))
    if s > 2:
        others = [_log_ratio(np.delete(table, i, axis=0)) for i in range(s)]
        variance += (s - 1) * float(np.var(others))
    # as many degrees of freedom as draws give; with two the interval is wide, as it should be
    half = float(stats.t.ppf((1 + level) / 2, max(s - 1, 1))) * variance**0.5
    return ErrorRatio(value, value * float(np.exp(-half)), value * float(np.exp(half)))


def pair(name: str, one: ArrayLike, other: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both as finite tables of one shape, or say what is wrong."""
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if a.ndim != 2 or a.shape != b.shape or a.shape[1] < 1:
        raise InputError(f"{name} takes two tables of one shape (rows, inputs), got {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError(f"{name}: an attribution is not finite")
    return a, b


def _variances(table: NDArray[np.float64]) -> tuple[float, float]:
    return float(table.var(axis=0, ddof=1).mean()), float(table.var(axis=1, ddof=1).mean())


def _log_ratio(table: NDArray[np.float64]) -> float:
    error, spread = _variances(table)
    tiny = np.finfo(np.float64).tiny
    return 0.5 * float(np.log(max(error, tiny)) - np.log(max(spread, tiny)))
