"""Calibration change: how much worse calibrated a model is on rows that were changed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from auditkit.statistics.calibration import calibration_error

if TYPE_CHECKING:
    from auditkit.statistics.calibration import CalibrationError, Reliability

__all__ = ["CalibrationChange", "calibration_change"]


class CalibrationChange(NamedTuple):
    """Growth of the expected calibration error, its interval, and the errors before and after."""

    value: float
    low: float
    high: float
    before: CalibrationError
    after: CalibrationError


def calibration_change(before: Reliability, after: Reliability, level: float = 0.95) -> CalibrationChange:
    """Return by how much the expected calibration error grew between two sets of answers about the same records.

    The distances of either error from the ends of its own interval, on the side that matters, are added as squares (MOVER; Zou and
    Donner 2008, "Construction of confidence limits about effect measures: a general approach", Statistics in Medicine 27). Answers about
    the same records err together, which makes the difference surer than this says; how much surer is not known for an error
    that is folded at 0, and nothing is taken off for it.

    Parameters
    ----------
    before, after : Reliability
        From `reliability`.
    level : float
        Two-sided confidence level.

    Returns
    -------
    CalibrationChange
        Within [-1, 1]; ``nan`` with [-1, 1] where either has no rows.

    Examples
    --------
    >>> import numpy as np
    >>> from auditkit.statistics import reliability
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(0.2, 0.7, 2000)
    >>> sound, off = (reliability(p, rng.random(2000) < p + shift) for shift in (0.0, 0.2))
    >>> found = calibration_change(sound, off)
    >>> found.low > 0.1, round(found.value, 1)
    (True, 0.2)
    """
    first, second = calibration_error(before, level), calibration_error(after, level)
    if math.isnan(first.value) or math.isnan(second.value):
        return CalibrationChange(math.nan, -1.0, 1.0, first, second)
    value = second.value - first.value
    below = math.hypot(second.value - second.low, first.high - first.value)
    above = math.hypot(second.high - second.value, first.value - first.low)
    return CalibrationChange(value, max(value - below, -1.0), min(value + above, 1.0), first, second)
