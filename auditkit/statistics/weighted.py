"""Weighted: how many equally weighted rows a weighted sample is worth.

A weighted rate is as uncertain as the same rate of fewer rows. That number of rows, the effective size, goes wherever
a count goes: into Wilson's interval, Newcombe's, the studentised range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from auditkit.statistics._arguments import FloatArray

__all__ = ["Moments", "effective_counts", "group_moments", "kish_size"]


class Moments(NamedTuple):
    """Group means with the spread around them; all of shape (groups,).

    Attributes
    ----------
    mean : ndarray
        Weighted means; ``nan`` for a group without weight.
    spread : ndarray
        Sum of squared deviations, as of `size` equally weighted rows.
    size : ndarray
        Effective sizes; whole counts without weights.
    cubes : ndarray
        Sum of cubed deviations, as of `size` equally weighted rows.
    """

    mean: FloatArray
    spread: FloatArray
    size: FloatArray
    cubes: FloatArray

    @property
    def skewness(self) -> float:
        """Skewness of the values within their groups, each group at its own spread.

        0 where it is no larger than twice the standard error that it has for normal values, sqrt(6 / rows).
        """
        rows = self.size.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.nan_to_num(self.size * (self.spread / self.size) ** 1.5).sum()
        found = float(np.nan_to_num(self.cubes).sum() / scale) if scale > 0 else 0.0
        return found if found**2 * rows > 24 else 0.0


def kish_size(weights: npt.ArrayLike) -> float:
    """Return the effective size of a weighted sample, (sum w)^2 / sum w^2 (Kish 1965).

    Parameters
    ----------
    weights : array_like, shape (rows,)
        At least 0.

    Returns
    -------
    float
        The number of rows where all weights are equal, less otherwise; 0 without any weight.

    Examples
    --------
    >>> kish_size([2.0, 2.0, 2.0]), kish_size([1.0, 3.0])
    (3.0, 1.6)
    """
    w = np.asarray(weights, dtype=float)
    squares = float((w * w).sum())
    return float(w.sum()) ** 2 / squares if squares else 0.0


def effective_counts(
    hits: npt.ArrayLike,
    trials: npt.ArrayLike,
    hits_squared: npt.ArrayLike,
    trials_squared: npt.ArrayLike,
    *,
    together: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """Return the successes and trials of equally weighted rows that would be as uncertain.

    The effective size is Kish's, or the one by linearisation (the variance of a weighted mean whose
    weights go along with the outcome; Korn and Graubard 1998) where that is smaller.

    Parameters
    ----------
    hits, trials : array_like, shape (...)
        Sums of weights of the successes and of all.
    hits_squared, trials_squared : array_like, shape (...)
        Sums of squared weights of the same.
    together : bool
        Of groups along the last axis, take none for worth more than Kish's size times what linearisation makes of Kish's size
        over all groups: a small group that drew few successes does not show that weights go along with them.

    Returns
    -------
    successes, trials : ndarray, shape (...)
        Their ratio is ``hits / trials``; both 0 where there is no weight. Plain counts where all weights are equal.

    Raises
    ------
    InputError
        If a sum is negative, or of the successes larger than of all.

    Examples
    --------
    >>> successes, trials = effective_counts(6.0, 12.0, 12.0, 24.0)  # six rows of weight 2, three of them successes
    >>> float(successes), float(trials)
    (3.0, 6.0)
    """
    w, total, w2, total2 = (
        np.asarray(part, dtype=float) for part in (hits, trials, hits_squared, trials_squared)
    )
    slack = 1e-9 * np.maximum(total, 1e-300)
    if (w < 0).any() or (w > total + slack).any() or (w2 < 0).any() or (total2 < 0).any():
        raise InputError(
            "sums of weights must be of at least 0, and those of the successes at most those of all"
        )
    rate, kish, linear = _sizes(w, total, w2, total2)
    size = np.where(total > 0, np.fmin(kish, linear), 0.0)
    if together:
        _, kish_of_all, linear_of_all = _sizes(
            *(part.sum(-1, keepdims=True) for part in (w, total, w2, total2))
        )
        with np.errstate(invalid="ignore"):
            worth = np.nan_to_num(linear_of_all / kish_of_all, nan=1.0)
        size = np.where(worth < 1 - 1e-9, np.fmin(size, np.nan_to_num(kish) * worth), size)
    return np.where(total > 0, np.minimum(rate * size, size), 0.0), size


def _sizes(
    w: FloatArray, total: FloatArray, w2: FloatArray, total2: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the weighted rate, Kish's size, and the one by linearisation: infinite where no noise is seen."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.clip(w / total, 0.0, 1.0)
        noise = w2 * (1 - rate) ** 2 + np.maximum(total2 - w2, 0.0) * rate**2
        linear = rate * (1 - rate) * total**2 / noise
    return rate, total**2 / np.where(total2 > 0, total2, np.nan), np.where(noise > 0, linear, np.inf)


def group_moments(
    values: npt.ArrayLike,
    codes: npt.NDArray[np.integer],
    groups: int,
    weights: npt.ArrayLike | None = None,
) -> Moments:
    """Return the mean of each group, and the spread and size that its uncertainty needs.

    Parameters
    ----------
    values : array_like, shape (rows,)
        Finite numbers.
    codes : ndarray of int, shape (rows,)
        Group of each row, from 0 to ``groups - 1``.
    groups : int
        Number of groups.
    weights : array_like, shape (rows,), optional
        At least 0. The effective size is the smaller of Kish's and the one by linearisation.

    Returns
    -------
    Moments
        ``spread / (size - 1)`` is the variance.

    Examples
    --------
    >>> found = group_moments([1.0, 3.0, 5.0], np.array([0, 0, 1]), 2)
    >>> found.mean.tolist(), found.spread.tolist(), found.size.tolist()
    ([2.0, 5.0], [2.0, 0.0], [2.0, 1.0])
    """
    numbers = np.asarray(values, dtype=float)
    w = None if weights is None else np.asarray(weights, dtype=float)

    def total(part: FloatArray | None) -> FloatArray:
        return np.bincount(codes, part, minlength=groups).astype(float)

    mass = total(w)
    shift = float(numbers.mean()) if numbers.size else 0.0  # large means would cost digits
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total((numbers - shift) * (1.0 if w is None else w)) / mass + shift
    apart = numbers - np.where(mass > 0, mean, 0.0)[codes]
    away = np.square(apart)
    if w is None:
        return Moments(mean, total(away), mass, total(away * apart))
    spread, squares, noise = total(w * away), total(w * w), total(w * w * away)
    with np.errstate(divide="ignore", invalid="ignore"):
        kish, linear = mass**2 / squares, spread * mass / noise
        size = np.where(mass > 0, np.fmin(kish, np.where(noise > 0, linear, np.inf)), 0.0)
        worth = np.where(mass > 0, size / mass, 0.0)
        return Moments(mean, spread * worth, size, total(w * away * apart) * worth)
