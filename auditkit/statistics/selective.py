"""Selective: what is gained by leaving out the answers a model is least sure of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level
from auditkit.statistics.intervals import wilson

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["RiskCoverage", "Selective", "accuracy_at_coverage", "aurc", "risk_coverage"]


class RiskCoverage(NamedTuple):
    """Error rate among the answers that are kept, as more and more are; both of shape (n,)."""

    coverage: FloatArray
    risk: FloatArray


class Selective(NamedTuple):
    """A figure of selective prediction with its interval; `kept` are the rows it rests on."""

    value: float
    low: float
    high: float
    kept: int


def risk_coverage(confidence: npt.ArrayLike, wrong: npt.ArrayLike) -> RiskCoverage:
    """Return the risk-coverage curve (El-Yaniv and Wiener 2010, "On the foundations of noise-free selective classification").

    Rows of one confidence are kept in random order; the curve is the mean over all orders.

    Parameters
    ----------
    confidence : array_like, shape (n,)
        Finite; higher is surer.
    wrong : array_like of bool, shape (n,)
        Whether the answer is wrong.

    Returns
    -------
    RiskCoverage
        ``coverage`` is 1/n, 2/n, ..., 1. Empty without rows.

    Raises
    ------
    InputError
        If lengths differ or a confidence is not finite.

    Examples
    --------
    >>> risk_coverage([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1]).risk.round(2).tolist()
    [0.0, 0.0, 0.33, 0.5]
    """
    place, errors = _ordered(confidence, wrong)
    n = np.arange(1, len(errors) + 1)
    return RiskCoverage(n / max(len(errors), 1), np.cumsum(_shared(place, errors)) / n)


def aurc(confidence: npt.ArrayLike, wrong: npt.ArrayLike, level: float = 0.95) -> Selective:
    """Return the area under the risk-coverage curve (Geifman and El-Yaniv 2017, "Selective classification for deep neural networks", arXiv 1705.08500).

    The mean error rate over all coverages: that of the model where confidence cannot tell right from wrong, less where it can. It is
    a sum of errors, each weighted by the place of its row; the interval is that of Fay and Feuer 1997 ("Confidence intervals for
    directly standardized rates", Statistics in Medicine 16) for such sums, which holds for few errors too and is somewhat wide for
    many. It is about the answers, given the confidences.

    Parameters
    ----------
    confidence, wrong
        As in `risk_coverage`.
    level : float
        Two-sided confidence level.

    Returns
    -------
    Selective
        ``nan`` with [0, 1] without rows.

    Raises
    ------
    InputError
        As `risk_coverage`.

    Examples
    --------
    >>> found = aurc([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1])
    >>> round(found.value, 3)
    0.208
    """
    tail = (1 - as_level(level)) / 2
    place, errors = _ordered(confidence, wrong)
    n = len(errors)
    if not n:
        return Selective(math.nan, 0.0, 1.0, 0)
    # an error adds to the risk of its own coverage and of all greater ones
    weight = _shared(place, np.cumsum(1 / np.arange(n, 0, -1.0))[::-1] / n)
    value, variance, most = min(float(weight @ errors), 1.0), float(weight**2 @ errors), float(weight.max())
    low = variance / (2 * value) * special.chdtri(2 * value**2 / variance, 1 - tail) if value else 0.0
    more, wider = value + most, variance + most**2
    high = wider / (2 * more) * special.chdtri(2 * more**2 / wider, tail)
    return Selective(value, min(float(low), value), min(max(float(high), value), 1.0), n)


def accuracy_at_coverage(
    confidence: npt.ArrayLike, wrong: npt.ArrayLike, coverage: float = 0.8, level: float = 0.95
) -> Selective:
    """Return the accuracy of the share `coverage` of answers that the model is surest of (Geifman and El-Yaniv 2017).

    Rows of the confidence at the edge count by the part of them that is kept. The interval is Wilson's of the rows kept: it is about
    the answers, given the confidences.

    Parameters
    ----------
    confidence, wrong
        As in `risk_coverage`.
    coverage : float
        In (0, 1].
    level : float
        Two-sided confidence level.

    Returns
    -------
    Selective
        ``nan`` with [0, 1] without rows.

    Raises
    ------
    InputError
        As `risk_coverage`, and on a coverage out of range.

    Examples
    --------
    >>> accuracy_at_coverage([0.9, 0.8, 0.7, 0.6], [0, 0, 0, 1], 0.75).value
    1.0
    """
    if not 0 < coverage <= 1:
        raise InputError(f"a coverage lies above 0 and up to 1, got {coverage}")
    risk = risk_coverage(confidence, wrong).risk
    if not len(risk):
        return Selective(math.nan, 0.0, 1.0, 0)
    kept = max(1, round(coverage * len(risk)))
    value = 1 - float(risk[kept - 1])
    low, high = (float(end) for end in wilson(min(max(value * kept, 0.0), kept), kept, level))
    return Selective(value, min(low, value), max(high, value), kept)


def _ordered(confidence: npt.ArrayLike, wrong: npt.ArrayLike) -> tuple[np.ndarray, FloatArray]:
    """Return the place of each row's confidence among all, surest first, and whether it is wrong, in that order."""
    sure, errors = np.asarray(confidence, dtype=float), np.asarray(wrong, dtype=float)
    if sure.ndim != 1 or sure.shape != errors.shape or not np.isfinite(sure).all():
        raise InputError(
            f"expected one finite confidence and one answer a row, got {sure.shape} and {errors.shape}"
        )
    place = np.unique(-sure, return_inverse=True)[1].reshape(-1)
    order = np.argsort(place, kind="stable")
    return place[order], errors[order]


def _shared(place: np.ndarray, errors: FloatArray) -> FloatArray:
    """Return values shared out among rows of one confidence."""
    if not len(place):
        return errors
    n = np.bincount(place)
    return np.asarray((np.bincount(place, weights=errors) / np.maximum(n, 1))[place])
