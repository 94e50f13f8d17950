"""Excess: how much more often something is seen among rows that may be poisoned than among rows of the same law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditkit.errors import InputError
from auditkit.statistics.intervals import newcombe

__all__ = ["Excess", "excess"]


@dataclass(frozen=True, slots=True)
class Excess:
    """A difference of two shares, with the test of "no more often than there".

    Attributes
    ----------
    value, low, high : float
        Share among the first rows less that among the others, and Newcombe's interval.
    p_value : float
        One-sided; Fisher's exact test. 1 where one of the samples is empty.
    counts : tuple of int
        Hits and rows of the first sample, hits and rows of the second.
    """

    value: float
    low: float
    high: float
    p_value: float
    counts: tuple[int, int, int, int]


def excess(hits: int, rows: int, other_hits: int, other_rows: int, level: float = 0.95) -> Excess:
    """Compare how often something is seen in two samples.

    Given a model, a threshold or a set of rows that neither sample had a part in (or both had the same part in), the two are draws of one
    law where nobody interfered; that nothing else is assumed is the use of it.

    Parameters
    ----------
    hits, rows : int
        Of the rows in doubt.
    other_hits, other_rows : int
        Of the rows they are held against.
    level : float
        Confidence level.

    Returns
    -------
    Excess

    Raises
    ------
    InputError
        On impossible counts.

    References
    ----------
    Newcombe 1998, method 10, for the interval; Fisher 1935 for the test.

    Examples
    --------
    >>> found = excess(5, 10, 0, 10)
    >>> round(found.value, 2), round(found.p_value, 4)
    (0.5, 0.0163)
    """
    from scipy.stats import hypergeom

    if not (0 <= hits <= rows and 0 <= other_hits <= other_rows):
        raise InputError(
            f"expected hits of at most rows, got {hits} of {rows} and {other_hits} of {other_rows}"
        )
    counts = (int(hits), int(rows), int(other_hits), int(other_rows))
    if not rows or not other_rows:
        return Excess(np.nan, -1.0, 1.0, 1.0, counts)
    low, high = newcombe(hits, rows, other_hits, other_rows, level)
    p = float(hypergeom.sf(hits - 1, rows + other_rows, hits + other_hits, rows))
    return Excess(hits / rows - other_hits / other_rows, float(low), float(high), min(p, 1.0), counts)
