"""Behind: what another background would change, from how far the values with parts of the background lie apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from auditkit.methods.attributions.shapley import PARTS

if TYPE_CHECKING:
    from auditkit.checks.explainability._explanation import Explanation

__all__ = ["by_parts", "sizes_behind", "widened"]

_CELLS = 20_000_000  # numbers kept: 160 MB


def by_parts(values: np.ndarray, taken: np.ndarray) -> np.ndarray | None:
    """Return the values of a model that adds up with each part of the background only, (g, *values.shape); None if too large.

    Parameters
    ----------
    values : ndarray of shape (n, d) or (n, d, k)
        With the whole background.
    taken : ndarray of shape (m, d) or (m, d, k)
        How much less each background row alone makes every row's values.
    """
    g = min(PARTS, len(taken))
    if g * values.size > _CELLS:
        return None
    mixed = taken[np.random.default_rng(0).permutation(len(taken))]  # rows may lie in an order
    return np.stack([values - mixed[part::g].mean(axis=0) for part in range(g)])


def sizes_behind(found: Explanation) -> np.ndarray | None:
    """Return by how much each part of the background makes sizes larger, (g, n, d); None where it is not known.

    The size of a value changes as the value does, with its sign (delta method); outputs are averaged.
    """
    if (
        found.behind is None
        or len(found.behind) < 2
        or found.behind.size > _CELLS
        or np.isnan(found.behind).any()
    ):
        return None
    signed = np.sign(found.values) * found.behind
    return np.asarray(signed.mean(axis=3) if signed.ndim == 4 else signed)


def widened(
    ends: tuple[float, float], value: float, parts: np.ndarray | None, level: float
) -> tuple[float, float]:
    """Return an interval over rows widened by what another background would change, the two being drawn apart.

    Parameters
    ----------
    ends, value : tuple of float, float
        Over rows, the background given; and the estimate.
    parts : ndarray of shape (g,), or None
        The estimate with each part of the background only; None leaves the interval as it is.
    level : float
        Confidence level.
    """
    if parts is None:
        return ends
    half = float(special.stdtrit(len(parts) - 1, 0.5 + level / 2) * parts.std(ddof=1) / np.sqrt(len(parts)))
    return value - float(np.hypot(value - ends[0], half)), value + float(np.hypot(ends[1] - value, half))
