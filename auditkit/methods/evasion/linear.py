"""Linear: the exact distance of a row to the boundary of a linear model."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError, did_you_mean
from auditkit.methods.feature_space import Norm, as_matrix, norm_of

__all__ = ["linear_minimal_distance"]

Floats = NDArray[np.float64]


def linear_minimal_distance(
    coef: ArrayLike,
    intercept: ArrayLike,
    X: ArrayLike,
    norm: Norm = "l2",
    *,
    scale: ArrayLike | None = None,
) -> Floats:
    """Return each row's exact distance to the decision boundary of a linear model, (n,).

    The distance is |w.x + b| over the dual norm of w (Hein and Andriushchenko 2017, arXiv 1705.08475), for more than
    two classes the smallest of it over the other classes.

    Parameters
    ----------
    coef : array (d,), (1, d) or (n_classes, d)
        Weights; one row for two classes.
    intercept : float or array (n_classes,)
        As scikit-learn's ``intercept_``.
    X : array (n, d)
        Rows, all features free to move, without missing values.
    norm : {"l1", "l2", "linf"}
        The norm of the change.
    scale : array (d,), optional
        A feature's standardised unit, as in `FeatureSpace`; 1 by default.

    Returns
    -------
    array (n,)
        Never negative; ``inf`` where no change helps.

    Raises
    ------
    InputError
        If shapes do not fit, or for "l0".

    Examples
    --------
    >>> linear_minimal_distance([3.0, 4.0], 0.0, [[5.0, 0.0]])
    array([3.])
    """
    weights = np.atleast_2d(np.asarray(coef, dtype=float))
    X = as_matrix(X, "X", weights.shape[1])
    offsets = np.broadcast_to(np.asarray(intercept, dtype=float).ravel(), len(weights))
    duals: dict[str, Norm] = {"l1": "linf", "l2": "l2", "linf": "l1"}
    if norm not in duals:
        raise InputError(
            f"the closed form needs norm 'l1', 'l2' or 'linf', got {norm!r}.{did_you_mean(norm, duals)}"
        )
    units = np.ones(X.shape[1]) if scale is None else np.asarray(scale, dtype=float)
    scores = X @ weights.T + offsets
    if len(weights) == 1:
        gaps, slopes = np.abs(scores), np.abs(weights * units)[None]
    else:
        own = scores.argmax(axis=1)
        gaps = scores.max(axis=1, keepdims=True) - scores
        slopes = np.abs((weights[:, None] - weights[None]) * units)[own]
        gaps[np.arange(len(X)), own] = np.inf
    steepness = norm_of(slopes, duals[norm])
    flat = np.broadcast_to(steepness == 0, gaps.shape)
    return np.asarray(np.where(flat, np.inf, gaps / np.where(steepness == 0, 1.0, steepness)).min(axis=1))
