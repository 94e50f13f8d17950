"""Sums: mean sizes of attributions, and whether they add up to the output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["additivity_error", "mean_abs"]


def mean_abs(values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean absolute attribution of each feature and its standard error over rows.

    Parameters
    ----------
    values : array_like of shape (n, ...)
        Attributions of `n` rows, drawn independently.

    Returns
    -------
    mean, standard_error : numpy.ndarray of float, shape (...)
        The standard error is ``nan`` for a single row.

    Raises
    ------
    InputError
        If there is no row.

    Examples
    --------
    >>> [part.tolist() for part in mean_abs([[-1.0, 2.0], [3.0, 2.0]])]
    [[2.0, 2.0], [1.0, 0.0]]
    """
    sizes = np.abs(np.asarray(values, dtype=np.float64))
    if sizes.ndim == 0 or len(sizes) == 0:
        raise InputError(f"a mean over rows needs at least one row, got shape {sizes.shape}")
    mean = np.asarray(sizes.mean(axis=0))
    if len(sizes) == 1:
        return mean, np.full(mean.shape, np.nan)
    return mean, np.asarray(sizes.std(axis=0, ddof=1) / np.sqrt(len(sizes)))


def additivity_error(values: ArrayLike, base: ArrayLike, output: ArrayLike) -> NDArray[np.float64]:
    """Return how far base value plus attributions miss the model's output, row by row.

    Parameters
    ----------
    values : array_like of shape (n, d) or (n, d, k)
        Attributions.
    base : array_like of shape (), (n,), (k,) or (n, k)
        Base value: one, one an output, or one a row.
    output : array_like of shape (n,) or (n, k)
        What the model says of each row, in the unit of the attributions.

    Returns
    -------
    numpy.ndarray of float, shape (n,) or (n, k)
        Absolute errors.

    Raises
    ------
    InputError
        If the shapes do not fit.

    References
    ----------
    Lundberg & Lee 2017, property 1 (local accuracy).

    Examples
    --------
    >>> additivity_error([[1.0, 2.0]], 0.5, [3.0]).tolist()
    [0.5]
    """
    parts, wanted = np.asarray(values, dtype=np.float64), np.asarray(output, dtype=np.float64)
    start = np.asarray(base, dtype=np.float64)
    if parts.ndim not in (2, 3) or wanted.shape != parts.shape[:1] + parts.shape[2:]:
        raise InputError(
            f"attributions of shape {parts.shape} do not explain an output of shape {wanted.shape}"
        )
    if start.shape not in ((), wanted.shape, wanted.shape[1:]):
        raise InputError(f"base of shape {start.shape} does not fit an output of shape {wanted.shape}")
    return np.asarray(np.abs(start + parts.sum(axis=1) - wanted))
