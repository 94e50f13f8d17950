"""Recalibration: by what slope predictions must be stretched to come true, and how surely that is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level, normal_quantile

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Recalibration", "linear_recalibration", "logistic_recalibration"]

_NEAREST = 1e-12  # to 0 or 1: a logit has no end there
_STEPS = 50
_FAR = 50.0  # a slope beyond this is on its way to infinity


class Recalibration(NamedTuple):
    """The line that turns predictions into what came true.

    Attributes
    ----------
    slope : float
        1 where predictions are as far apart as what came true; below 1 they are too extreme, above 1 too timid. ``nan`` where no line is
        determined.
    low, high : float
        Interval of the slope, without ends where it is ``nan``.
    intercept : float
        What is left at a prediction of 0 (a probability of one half).
    reason : str
        Why there is no line; empty where there is one.
    """

    slope: float
    low: float
    high: float
    intercept: float
    reason: str = ""


def logistic_recalibration(
    scores: npt.ArrayLike, truth: npt.ArrayLike, level: float = 0.95, weights: npt.ArrayLike | None = None
) -> Recalibration:
    """Return slope and intercept of the logistic regression of what came true on the logit of the score.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Probabilities.
    truth : array_like, shape (n,)
        Whether it came true: booleans, or 0 and 1.
    level : float
        Two-sided confidence level.
    weights : array_like, shape (n,), optional
        At least 0.

    Returns
    -------
    Recalibration
        The interval is Wald's with the sandwich variance, which holds under weights and where the line does not fit.

    Raises
    ------
    InputError
        If scores are not probabilities, or lengths differ.

    References
    ----------
    Cox 1958, "Two further applications of a model for binary regression", Biometrika 45; Van Calster et al. 2019, "Calibration: the
    Achilles heel of predictive analytics", BMC Medicine 17.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> logit = rng.normal(size=4000)
    >>> true = rng.random(4000) < special.expit(logit / 2)  # twice as far from one half as it should be
    >>> found = logistic_recalibration(special.expit(logit), true)
    >>> round(found.slope, 1), found.low < 0.5 < found.high
    (0.5, True)
    """
    p, y, w = _rows(scores, truth, weights)
    if not ((p >= 0) & (p <= 1)).all():
        raise InputError("scores must be probabilities, from 0 to 1")
    if not y.size or not 0 < float(w @ y) < w.sum():
        return _undetermined("one of the two outcomes never came")
    x = special.logit(np.clip(p, _NEAREST, 1 - _NEAREST))
    if np.ptp(x) == 0:
        return _undetermined("every score is the same")
    design = np.column_stack([np.ones_like(x), x])
    beta = _climbed(design, y, w)
    if beta is None or abs(beta[1]) > _FAR:
        return _undetermined("the scores tell the outcomes apart without an error: no slope is too steep")
    fitted = special.expit(design @ beta)
    bread = np.linalg.pinv((design * (w * fitted * (1 - fitted))[:, None]).T @ design)
    if not bread[1, 1] > 0 or math.sqrt(bread[1, 1]) > _FAR:
        return _undetermined(
            "the scores tell the outcomes apart but for rows of one score: no slope is too steep"
        )
    meat = design * (w * (y - fitted))[:, None]
    half = normal_quantile(level) * math.sqrt(max(float((bread @ (meat.T @ meat) @ bread)[1, 1]), 0.0))
    slope = float(beta[1])
    return Recalibration(slope, slope - half, slope + half, float(beta[0]))


def linear_recalibration(
    said: npt.ArrayLike, truth: npt.ArrayLike, level: float = 0.95, weights: npt.ArrayLike | None = None
) -> Recalibration:
    """Return slope and intercept of the regression of true values on predicted ones.

    Parameters
    ----------
    said, truth : array_like, shape (n,)
        Predicted and true values.
    level : float
        Two-sided confidence level.
    weights : array_like, shape (n,), optional
        At least 0.

    Returns
    -------
    Recalibration
        The interval is Student's with the variance HC3 (MacKinnon and White 1985), which allows for errors that grow with the prediction.

    Raises
    ------
    InputError
        If lengths differ.

    References
    ----------
    Mincer and Zarnowitz 1969, "The evaluation of economic forecasts".

    Examples
    --------
    >>> found = linear_recalibration([0.0, 1.0, 2.0, 3.0], [0.1, 0.4, 1.1, 1.4])
    >>> round(found.slope, 2), round(found.intercept, 2)
    (0.46, 0.06)
    """
    x, y, w = _rows(said, truth, weights)
    if np.count_nonzero(w) < 3:
        return _undetermined("a slope needs at least three rows")
    kept = w > 0
    x, y, w = x[kept], y[kept], w[kept]
    if np.ptp(x) == 0:
        return _undetermined("every prediction is the same")
    design = np.column_stack([np.ones_like(x), x - x.mean()])
    bread = np.linalg.inv((design * w[:, None]).T @ design)
    beta = bread @ (design.T @ (w * y))
    leverage = w * np.einsum("ij,jk,ik->i", design, bread, design)
    left = (y - design @ beta) / np.maximum(1 - leverage, _NEAREST)
    meat = design * (w * left)[:, None]
    se = math.sqrt(float((bread @ (meat.T @ meat) @ bread)[1, 1]))
    half = float(special.stdtrit(len(x) - 2, 0.5 + as_level(level) / 2)) * se
    slope = float(beta[1])
    return Recalibration(slope, slope - half, slope + half, float(beta[0] - slope * x.mean()))


def _climbed(design: FloatArray, y: FloatArray, w: FloatArray) -> FloatArray | None:
    """Return the largest likelihood's coefficients by Newton's steps, halved where they overshoot; None where there is none."""

    def lost(at: FloatArray) -> float:
        return float(w @ (np.logaddexp(0.0, design @ at) - y * (design @ at)))

    beta = np.array([0.0, 1.0])
    now = lost(beta)
    for _ in range(_STEPS):
        fitted = special.expit(design @ beta)
        slope = design.T @ (w * (y - fitted))
        try:
            step = np.linalg.solve((design * (w * fitted * (1 - fitted))[:, None]).T @ design, slope)
        except np.linalg.LinAlgError:
            return None
        while (after := lost(beta + step)) > now and np.abs(step).max() > _NEAREST:
            step = step / 2
        beta, now = beta + step, min(now, after)
        if np.abs(step).max() < 1e-10 * max(1.0, float(np.abs(beta).max())):
            return np.asarray(beta)
    return None


def _rows(
    one: npt.ArrayLike, other: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, y = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    w = np.ones(x.shape) if weights is None else np.asarray(weights, dtype=float)
    if x.ndim != 1 or not x.shape == y.shape == w.shape:
        raise InputError(
            f"expected as many predictions as outcomes and weights; got {x.shape}, {y.shape} and {w.shape}"
        )
    return x, y, w


def _undetermined(reason: str) -> Recalibration:
    return Recalibration(math.nan, -math.inf, math.inf, math.nan, reason)
