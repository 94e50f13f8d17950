"""Power: how many rows it takes to see a difference that matters, or what the rows at hand could have seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

__all__ = [
    "auc_standard_error",
    "detectable_auc",
    "detectable_difference",
    "n_for_auc",
    "n_for_difference",
    "power_for_difference",
]

_HALVINGS = 60  # of an interval no longer than 1: down to the spacing of floats


def _floats(*values: npt.ArrayLike) -> list[FloatArray]:
    return list(np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in values)))


def _power_quantile(power: float) -> float:
    if not 0.0 < power < 1.0:
        raise InputError(f"power must lie strictly between 0 and 1, got {power!r}: type power=0.8")
    return float(special.ndtri(power))


def power_for_difference(
    p1: npt.ArrayLike, p2: npt.ArrayLike, n1: npt.ArrayLike, n2: npt.ArrayLike, level: float = 0.95
) -> FloatArray:
    """Return the chance that the two-sided pooled z test sees p1 and p2 apart (Fleiss, Levin and Paik 2003).

    Parameters
    ----------
    p1, p2 : array_like
        True rates in [0, 1].
    n1, n2 : array_like
        Rows of the two samples; none gives 0.
    level : float
        One minus the test's error rate.

    Returns
    -------
    ndarray
        In [0, 1]; rejections on the wrong side are not counted.

    Raises
    ------
    InputError
        On a rate outside [0, 1] or a negative n.

    Examples
    --------
    >>> round(float(power_for_difference(0.5, 0.6, 388, 388)), 3)
    0.801
    """
    a, b, m, n = _floats(p1, p2, n1, n2)
    if ((a < 0) | (a > 1) | (b < 0) | (b > 1)).any() or ((m < 0) | (n < 0)).any():
        raise InputError("rates must lie in [0, 1] and n must not be negative")
    z = normal_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (m * a + n * b) / (m + n)
        null = np.sqrt(pooled * (1 - pooled) * (1 / m + 1 / n))
        spread = np.sqrt(a * (1 - a) / m + b * (1 - b) / n)
        power = special.ndtr((np.abs(a - b) - z * null) / spread)
    # two rates of 0 and 1: no spread, and the difference is always seen or never
    certain = np.where(np.abs(a - b) > z * null, 1.0, 0.0)
    power = np.where(spread > 0, power, certain)
    return np.where((m > 0) & (n > 0), power, 0.0)


def n_for_difference(
    p1: npt.ArrayLike, difference: npt.ArrayLike, level: float = 0.95, power: float = 0.8
) -> FloatArray:
    """Return the rows each of two equal groups needs for the pooled z test to see a difference of rates.

    Parameters
    ----------
    p1 : array_like
        Rate of one group.
    difference : array_like
        Rate of the other less `p1`, of either sign.
    level : float
        One minus the test's error rate.
    power : float
        Chance of seeing it.

    Returns
    -------
    ndarray
        Whole numbers as floats; infinite for no difference, ``nan`` where ``p1 + difference`` is no rate.

    Raises
    ------
    InputError
        On a `p1` outside [0, 1], or a level or power outside (0, 1).

    Examples
    --------
    >>> float(n_for_difference(0.5, 0.1))
    388.0
    """
    a, apart = _floats(p1, difference)
    if ((a < 0) | (a > 1)).any():
        raise InputError("p1 must lie in [0, 1]")
    b = a + apart
    possible = (b > -1e-12) & (b < 1 + 1e-12)
    b = np.clip(b, 0.0, 1.0)
    mean = (a + b) / 2
    null, spread = np.sqrt(2 * mean * (1 - mean)), np.sqrt(a * (1 - a) + b * (1 - b))
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = ((normal_quantile(level) * null + _power_quantile(power) * spread) / apart) ** 2
    rows = np.where(apart == 0, np.inf, np.ceil(rows - 1e-9))
    return np.where(possible, rows, np.nan)


def detectable_difference(
    n1: npt.ArrayLike, n2: npt.ArrayLike, p: npt.ArrayLike, level: float = 0.95, power: float = 0.8
) -> FloatArray:
    """Return the smallest difference from a rate `p` that two samples of these sizes would show.

    The second rate is sought on the side of `p` with more room, where rates vary more: the larger of the two answers.

    Parameters
    ----------
    n1, n2 : array_like
        Rows of the sample with rate `p`, and of the other.
    p : array_like
        Rate of the first.
    level : float
        One minus the test's error rate.
    power : float
        Chance of seeing it.

    Returns
    -------
    ndarray
        Positive; ``nan`` where no difference would be seen with that power.

    Raises
    ------
    InputError
        On a rate outside [0, 1], a negative n, or a level or power outside (0, 1).

    Examples
    --------
    >>> round(float(detectable_difference(388, 388, 0.5)), 3)
    0.1
    """
    m, n, rate = _floats(n1, n2, p)
    _power_quantile(power)
    side = np.where(rate <= 0.5, 1.0, -1.0)
    room = np.where(rate <= 0.5, 1 - rate, rate)

    def enough(apart: FloatArray) -> npt.NDArray[np.bool_]:
        other = np.clip(rate + side * apart, 0.0, 1.0)
        return np.asarray(power_for_difference(rate, other, m, n, level) >= power)

    return _smallest(enough, np.zeros_like(room), room)


def _smallest(
    enough: Callable[[FloatArray], npt.NDArray[np.bool_]], low: FloatArray, high: FloatArray
) -> FloatArray:
    """Return by bisection the smallest value that is enough, ``nan`` where even `high` is not."""
    possible = enough(high)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        reached = enough(middle)
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.where(possible, high, np.nan)


def auc_standard_error(auc: npt.ArrayLike, n_pos: npt.ArrayLike, n_neg: npt.ArrayLike) -> FloatArray:
    """Return the standard error of an AUC planned for (Hanley and McNeil 1982, exponential scores).

    Parameters
    ----------
    auc : array_like
        True value in [0, 1].
    n_pos, n_neg : array_like
        Rows of each class; none gives infinity.

    Returns
    -------
    ndarray
        The standard error.

    Raises
    ------
    InputError
        On an AUC outside [0, 1] or a negative n.

    Examples
    --------
    >>> round(float(auc_standard_error(0.5, 100, 100)), 4)
    0.0409
    """
    area, m, n = _floats(auc, n_pos, n_neg)
    if ((area < 0) | (area > 1)).any() or ((m < 0) | (n < 0)).any():
        raise InputError("an AUC must lie in [0, 1] and n must not be negative")
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = area * (1 - area) + (m - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)
        se = np.sqrt(np.maximum(variance, 0.0) / (m * n))
    return np.where((m > 0) & (n > 0), se, np.inf)


def detectable_auc(
    n_pos: npt.ArrayLike, n_neg: npt.ArrayLike, level: float = 0.95, power: float = 0.8
) -> FloatArray:
    """Return the smallest AUC above 0.5 that so many members and non-members would show.

    Parameters
    ----------
    n_pos, n_neg : array_like
        Rows of each class.
    level : float
        One minus the error rate of the two-sided test of 0.5.
    power : float
        Chance of seeing it.

    Returns
    -------
    ndarray
        In (0.5, 1]; ``nan`` where even a perfect score would not be told from chance.

    Raises
    ------
    InputError
        On a negative n, or a level or power outside (0, 1).

    Examples
    --------
    >>> round(float(detectable_auc(1000, 1000)), 3)
    0.536
    """
    m, n = _floats(n_pos, n_neg)
    null = normal_quantile(level) * auc_standard_error(0.5, m, n)
    quantile = _power_quantile(power)

    def enough(area: FloatArray) -> npt.NDArray[np.bool_]:
        with np.errstate(invalid="ignore"):
            return np.asarray(area - 0.5 >= null + quantile * auc_standard_error(area, m, n))

    return _smallest(enough, np.full(m.shape, 0.5), np.ones(m.shape))


def n_for_auc(auc: npt.ArrayLike, level: float = 0.95, power: float = 0.8) -> FloatArray:
    """Return the members, and as many non-members, needed to tell an AUC from 0.5.

    Parameters
    ----------
    auc : array_like
        True value in [0, 1]; below 0.5 counts as its mirror image.
    level : float
        One minus the error rate of the two-sided test of 0.5.
    power : float
        Chance of seeing it.

    Returns
    -------
    ndarray
        Whole numbers as floats, rows of each class; infinite at 0.5.

    Raises
    ------
    InputError
        On an AUC outside [0, 1], or a level or power outside (0, 1).

    Examples
    --------
    >>> float(n_for_auc(0.55))
    522.0
    """
    (area,) = _floats(auc)
    if ((area < 0) | (area > 1)).any():
        raise InputError("an AUC must lie in [0, 1]")
    area = np.maximum(area, 1 - area)
    z, quantile = normal_quantile(level), _power_quantile(power)

    def enough(log_rows: FloatArray) -> npt.NDArray[np.bool_]:
        rows = np.exp(log_rows)
        need = z * auc_standard_error(0.5, rows, rows) + quantile * auc_standard_error(area, rows, rows)
        return np.asarray(area - 0.5 >= need)

    longest = np.full(area.shape, np.log(1e15))
    rows = np.exp(_smallest(enough, np.zeros(area.shape), longest))
    return np.where(np.isnan(rows), np.inf, np.ceil(rows - 1e-6))
