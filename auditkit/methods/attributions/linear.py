"""Linear: the exact Shapley values of a linear model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["linear_shap"]


def linear_shap(coef: ArrayLike, X: ArrayLike, background_mean: ArrayLike) -> NDArray[np.float64]:
    """Return the exact Shapley values of a linear model: coefficient times distance from the mean.

    Parameters
    ----------
    coef : array_like of shape (d,) or (k, d)
        Coefficients of one output or of `k`.
    X : array_like of shape (n, d)
        The rows to explain.
    background_mean : array_like of shape (d,)
        Mean of the background rows; features are taken as independent (interventional values).

    Returns
    -------
    numpy.ndarray of float, shape (n, d) or (n, d, k)
        In the unit of the linear output: log odds for a logistic model.

    Raises
    ------
    InputError
        If the shapes do not fit.

    References
    ----------
    Štrumbelj & Kononenko 2014; Lundberg & Lee 2017, "A Unified Approach to Interpreting Model Predictions",
    NeurIPS, corollary 1.

    Examples
    --------
    >>> linear_shap([2.0, -1.0], [[3.0, 3.0]], [1.0, 0.0]).tolist()
    [[4.0, -3.0]]
    """
    weights, rows = np.asarray(coef, dtype=np.float64), np.asarray(X, dtype=np.float64)
    centre = np.asarray(background_mean, dtype=np.float64)
    if (
        rows.ndim != 2
        or centre.shape != rows.shape[1:]
        or weights.shape[-1:] != centre.shape
        or weights.ndim > 2
    ):
        raise InputError(
            f"coef must be (d,) or (k, d), X (n, d), background_mean (d,); "
            f"got {weights.shape}, {rows.shape}, {centre.shape}"
        )
    away = rows - centre
    return away * weights if weights.ndim == 1 else away[:, :, np.newaxis] * weights.T
