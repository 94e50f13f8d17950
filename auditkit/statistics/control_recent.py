"""Control recent: the recent windows of a log together as one part, its doubt judged by all of their rows and those of the reference.

The variance of a single window and the reference together is too small where the reference lies low by chance, and a mean of such variances is so as well, however many
windows say otherwise. So the recent windows are put together first, at the number of rows that their weighted mean is worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.statistics.control_gaps import area_part
from auditkit.statistics.control_limits import Part, Sums, mean_part, rate_part
from auditkit.statistics.slow_drift import recent_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.statistics._arguments import FloatArray

__all__ = ["recent_area", "recent_mean", "recent_rate"]


def _put_together(sizes: FloatArray, smoothing: float) -> tuple[FloatArray, float, float]:
    """Return the weight of each window, the rows their mean is worth, and how much larger its third cumulant is than that of so many rows."""
    c = recent_weights(sizes.tolist(), smoothing)
    seen = c > 0
    worth = 1 / float((c[seen] ** 2 / sizes[seen]).sum())
    return c, worth, worth**2 * float((c[seen] ** 3 / sizes[seen] ** 2).sum())


def recent_rate(
    windows: Sequence[tuple[float, float]], reference: tuple[float, float], smoothing: float
) -> Part:
    """Return the exponentially weighted mean of rates as one part.

    Parameters
    ----------
    windows : sequence of pair of float
        Successes and rows of each window, the newest last.
    reference : pair of float
        Those of the reference.
    smoothing : float
        As in `recent_weights`.

    Examples
    --------
    >>> found = recent_rate([(10.0, 100.0)] * 30, (100.0, 1000.0), 0.2)
    >>> round(found.value, 3), round(found.size)
    (0.1, 898)
    """
    x, n = np.array(windows, dtype=float).T
    c, worth, third = _put_together(n, smoothing)
    part = rate_part(float(c @ (x / n)) * worth, worth, *reference)
    return part._replace(third=part.third * third)


def recent_mean(windows: Sequence[Sums], reference: Sums, smoothing: float) -> Part:
    """Return the exponentially weighted mean of means as one part; see `recent_rate`."""
    n, *moments = np.array(windows, dtype=float).T
    c, worth, third = _put_together(n, smoothing)
    part = mean_part(Sums(worth, *(float(c @ (one / n)) * worth for one in moments)), reference)
    return part._replace(third=part.third * third)


def recent_area(
    windows: Sequence[tuple[FloatArray, FloatArray]],
    reference: tuple[FloatArray, FloatArray],
    smoothing: float,
) -> Part:
    """Return the area under the ROC curve of the recent windows, positives and negatives weighted each, as one part; see `recent_rate`."""
    found, third = [], 1.0
    for side in (0, 1):
        counts = np.array([one[side] for one in windows], dtype=float)
        sizes = counts.sum(axis=1)
        c, worth, more = _put_together(sizes, smoothing)
        found.append((c / sizes) @ counts * worth)
        third = max(third, more)
    part = area_part((found[0], found[1]), reference)
    return part._replace(third=part.third * third)
