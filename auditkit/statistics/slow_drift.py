"""Slow drift: a mean of recent windows, in which a change too small for any one of them adds up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics.control_limits import Moved, Part, part_moved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.statistics._arguments import FloatArray

__all__ = ["ewma_run_length", "rate_given_reference", "recent_moved", "recent_part", "recent_weights"]

_STATES = 201


def recent_weights(sizes: Sequence[float], smoothing: float) -> FloatArray:
    """Return the weight of each window in an exponentially weighted mean of rows, the newest last; they sum to 1.

    Parameters
    ----------
    sizes : sequence of float
        Rows of each window; a window that was not judged has none.
    smoothing : float
        In (0, 1]: each window before counts 1 less this as much as the one after it. 1 is the newest window alone.

    Raises
    ------
    InputError
        If the smoothing is out of range, or there are no rows.

    Examples
    --------
    >>> recent_weights([100, 100, 100], 0.5).round(3).tolist()
    [0.143, 0.286, 0.571]
    """
    if not 0 < smoothing <= 1:
        raise InputError(f"smoothing lies above 0 and is at most 1; got {smoothing!r}: type smoothing=0.2")
    counts = np.asarray(sizes, dtype=float)
    weights = counts * (1 - smoothing) ** np.arange(counts.size - 1, -1, -1.0) if counts.size else counts
    if not weights.sum() > 0:
        raise InputError("a mean of recent windows needs one with rows")
    return np.asarray(weights / weights.sum())


def recent_part(parts: Sequence[Part], smoothing: float) -> Part:
    """Return the exponentially weighted mean of windows as one part; its variance is what the weights make of theirs.

    The reference is the same for all windows, so its doubt does not average out: it stays as it is.
    """
    c = recent_weights([one.size for one in parts], smoothing)
    columns = np.array(parts, dtype=float).T
    value, size, variance, third, _, ref_variance, ref_third = columns
    return Part(
        float(c @ value), float(1 / (c**2 / size).sum()), float(c**2 @ variance), float(c**3 @ third),
        parts[-1].reference, float(c @ ref_variance), float(c @ ref_third),
    )  # fmt: skip


def recent_moved(parts: Sequence[Part], smoothing: float, alpha: float) -> Moved:
    """Return where the exponentially weighted mean of windows up to the last lies beside the reference.

    The limits of each window are those at which this mean lies by chance with the error rate `alpha`, whatever the sizes of the windows and of the
    reference. So the expected number of windows beyond them is known, and the average run length without a change is at least
    1 / alpha windows, since windows that follow each other tend to lie beyond together.

    Parameters
    ----------
    parts : sequence of Part
        One a window, in order, of those that could be judged.
    smoothing : float
        As in `recent_weights`.
    alpha : float
        Error rate a window, of both sides together.

    References
    ----------
    Roberts 1959, "Control chart tests based on geometric moving averages", Technometrics 1; Lucas and Saccucci 1990, "Exponentially weighted moving
    average control schemes", Technometrics 32; on estimated references Jones, Champ and Rigdon 2001, Technometrics 43.

    Examples
    --------
    >>> windows = [Part(0.1, 100, 0.01, 0.0, 0.0, 0.001, 0.0)] * 10
    >>> [round(recent_moved(windows[:k], 0.2, 0.01).p_value, 3) for k in (1, 10)]
    [0.34, 0.04]
    """
    return part_moved(recent_part(parts, smoothing), alpha)


def ewma_run_length(smoothing: float, limit: float) -> float:
    """Return the average run length of an exponentially weighted mean without a change, windows of one size, reference known.

    By the Markov chain of Brook and Evans (1972, Biometrika 59), as Lucas and Saccucci (1990) use it.

    Parameters
    ----------
    smoothing : float
        In (0, 1].
    limit : float
        Control limit in standard deviations of the mean in the long run.

    Examples
    --------
    >>> round(ewma_run_length(0.1, 2.814)), round(ewma_run_length(1.0, 3.0), 1)
    (499, 370.4)
    """
    if not 0 < smoothing <= 1 or not limit > 0:
        raise InputError(f"expected a smoothing in (0, 1] and a limit above 0; got {smoothing!r}, {limit!r}")
    if smoothing == 1:
        return float(1 / (2 * special.ndtr(-limit)))
    edge = limit * math.sqrt(smoothing / (2 - smoothing))
    half = edge / _STATES
    middle = -edge + half * (2 * np.arange(_STATES) + 1)
    centre = middle[None, :] - (1 - smoothing) * middle[:, None]
    moves = special.ndtr((centre + half) / smoothing) - special.ndtr((centre - half) / smoothing)
    run = np.linalg.solve(np.eye(_STATES) - moves, np.ones(_STATES))
    return float(run[_STATES // 2])


def rate_given_reference(alpha: float, window: float, reference: float, quantile: float = 0.9) -> float:
    """Return the rate of false alarms that a share `quantile` of references of this size stay below, of a chart of a mean.

    The limits hold `alpha` on average over references. One reference is what one has: it may lie so that alarms come more often, the
    more so the smaller it is beside a window (Gandy and Kvaløy 2013, "Guaranteed conditional performance of control charts via bootstrap methods",
    Scandinavian Journal of Statistics 40).

    Parameters
    ----------
    alpha : float
        Rate on average.
    window, reference : float
        Rows.
    quantile : float
        Share of references.

    Examples
    --------
    >>> round(rate_given_reference(0.0027, 100, 100_000), 4), round(rate_given_reference(0.0027, 100, 1000), 4)
    (0.0027, 0.0044)
    """
    z = float(-special.ndtri(alpha / 2))
    ratio = window / reference
    limit = z * math.sqrt(1 + ratio)
    off = float(special.ndtri(0.5 + quantile / 2)) * math.sqrt(ratio)
    return float(special.ndtr(off - limit) + special.ndtr(-off - limit))
