"""Multiplicity: what a small p-value is worth among many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from auditkit.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from auditkit.statistics._arguments import FloatArray

__all__ = ["benjamini_hochberg", "holm"]


def benjamini_hochberg(p_values: npt.ArrayLike) -> FloatArray:
    """Return p-values adjusted for the false discovery rate (Benjamini and Hochberg 1995).

    Parameters
    ----------
    p_values : array_like
        In [0, 1], of any shape; all of them are one family. ``nan`` (no test was made) passes through and does
        not count among the tests.

    Returns
    -------
    ndarray
        Adjusted values of the same shape, none below its raw value.

    Raises
    ------
    InputError
        On a value outside [0, 1].

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.02, float("nan"), 0.5]).round(3).tolist()
    [0.03, 0.03, nan, 0.5]
    """
    raw = np.array(p_values, dtype=float)
    tested = ~np.isnan(raw)
    if ((raw[tested] < 0) | (raw[tested] > 1)).any():
        raise InputError("p-values must lie in [0, 1], or be nan where no test was made")
    if tested.any():
        raw[tested] = stats.false_discovery_control(raw[tested], method="bh")
    return raw


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """Return p-values adjusted for the chance of any false alarm (Holm 1979).

    Parameters
    ----------
    p_values : array_like, shape (tests,)
        In [0, 1]; all of them are one family. ``nan`` (no test was made) passes through and does not count.

    Returns
    -------
    ndarray, shape (tests,)
        Adjusted values, none below its raw value.

    Raises
    ------
    InputError
        On a value outside [0, 1].

    Examples
    --------
    >>> holm([0.01, 0.04, float("nan"), 0.03]).round(3).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    raw = np.array(p_values, dtype=float).reshape(-1)
    tested = np.flatnonzero(~np.isnan(raw))
    if ((raw[tested] < 0) | (raw[tested] > 1)).any():
        raise InputError("p-values must lie in [0, 1], or be nan where no test was made")
    order = tested[np.argsort(raw[tested], kind="stable")]
    steps = raw[order] * np.arange(order.size, 0, -1)
    raw[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return raw
