"""Published: what is left of class probabilities once fewer digits or fewer labels are given out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import in_unit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["rounded", "smoothed_targets", "top_label"]


def rounded(proba: ArrayLike, digits: int) -> NDArray[np.float64]:
    """Round class probabilities, as a service would that publishes so many digits.

    Parameters
    ----------
    proba : array_like of shape (..., k)
        Class probabilities.
    digits : int
        Digits after the point, at least 1.

    Returns
    -------
    numpy.ndarray of float, shape (..., k)
        A row need not add up to 1 any more.

    Raises
    ------
    InputError
        If there are no digits, or a value lies outside 0 to 1.

    References
    ----------
    Shokri et al. 2017, "Membership inference attacks against machine learning models", IEEE S&P, section VIII.

    Examples
    --------
    >>> rounded([[0.984, 0.016]], 1).tolist()
    [[1.0, 0.0]]
    """
    table = _checked(proba)
    if digits < 1:
        raise InputError(
            f"digits must be at least 1, got {digits}: top_label(proba, scored=False) gives labels alone"
        )
    return np.round(table, digits)


def top_label(proba: ArrayLike, *, scored: bool) -> NDArray[np.float64]:
    """Return how an attacker reads an output of the first label alone, with its score or without.

    Parameters
    ----------
    proba : array_like of shape (..., k)
        Class probabilities; the first of equal ones is taken.
    scored : bool
        Whether the score of that label is given too.

    Returns
    -------
    numpy.ndarray of float, shape (..., k)
        With the score, the others share what is left evenly: with two classes that is all there was. Without it 1 and 0.

    Raises
    ------
    InputError
        If a value lies outside 0 to 1.

    References
    ----------
    Shokri et al. 2017, as in `rounded`.

    Examples
    --------
    >>> top_label([[0.7, 0.2, 0.1]], scored=False).tolist()
    [[1.0, 0.0, 0.0]]
    >>> top_label([[0.5, 0.5, 0.0]], scored=True).tolist()
    [[0.5, 0.25, 0.25]]
    """
    table = _checked(proba)
    first = table.argmax(axis=-1)[..., None]
    top = np.take_along_axis(table, first, axis=-1) if scored else np.ones(first.shape)
    others = max(table.shape[-1] - 1, 1)
    read = np.broadcast_to((1.0 - top) / others, table.shape).copy()
    np.put_along_axis(read, first, top, axis=-1)
    return read


def smoothed_targets(
    y_index: ArrayLike, n_classes: int, epsilon: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return rows, labels and weights by which any learner that takes weights is trained on softened targets.

    Every row comes once with its own label at weight ``1 - epsilon`` and once with each other label at weight
    ``epsilon / (k - 1)``: the weighted log loss of these is the cross-entropy with the softened target.

    Parameters
    ----------
    y_index : array_like of int, shape (n,)
        Class of each row, from 0 to ``n_classes - 1``.
    n_classes : int
        Classes, k; at least 2.
    epsilon : float
        Weight moved to the other labels; above 0, below ``(k - 1) / k``, where all labels weigh the same.

    Returns
    -------
    rows, labels : numpy.ndarray of int, shape (n k,)
        Which row, and the class it is given; the rows with their own labels first.
    weights : numpy.ndarray of float, shape (n k,)

    Raises
    ------
    InputError
        On another `epsilon` or a class that does not exist.

    References
    ----------
    Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision", CVPR, section 7.

    Examples
    --------
    >>> rows, labels, weights = smoothed_targets([1, 0], 2, 0.1)
    >>> rows.tolist(), labels.tolist(), weights.tolist()
    ([0, 1, 0, 1], [1, 0, 0, 1], [0.9, 0.9, 0.1, 0.1])
    """
    own = np.asarray(y_index)
    if n_classes < 2 or not 0.0 < epsilon < (n_classes - 1) / n_classes:
        raise InputError(
            f"epsilon lies above 0 and below (k - 1) / k for k of at least 2 classes; got {epsilon!r} and k={n_classes}"
        )
    if (
        own.ndim != 1
        or own.dtype.kind not in "iu"
        or (own.size and not 0 <= own.min() <= own.max() < n_classes)
    ):
        raise InputError(f"y_index must be class numbers from 0 to {n_classes - 1}, one a row")
    shifts = np.arange(n_classes)[:, None]  # 0 gives the own label, the others each of the rest
    labels = ((own[None, :] + shifts) % n_classes).astype(np.intp)
    weights = np.where(shifts == 0, 1.0 - epsilon, epsilon / (n_classes - 1)) * np.ones(own.size)
    return np.tile(np.arange(own.size), n_classes), labels.ravel(), weights.ravel()


def _checked(proba: ArrayLike) -> NDArray[np.float64]:
    table = np.asarray(proba, dtype=np.float64)
    if table.ndim < 2 or table.shape[-1] < 2:
        raise InputError(f"proba must be (rows, classes) with at least 2 classes, got shape {table.shape}")
    in_unit("proba", table)
    return table
