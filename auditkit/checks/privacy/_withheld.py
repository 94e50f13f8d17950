"""Withheld: counts of people as they may be printed, none so small or so exact that it tells about a few of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditkit.evidence import Measurement
from auditkit.methods.small_cells import suppress_small_cells

__all__ = ["FEWEST", "NOTE", "Shown", "share", "shown_counts", "told"]

FEWEST = 10
NOTE = (
    f"No count of records below {FEWEST} is given, nor one that leaves fewer than {FEWEST} others; the rest are rounded to the nearest {FEWEST}, so "
    "that none follows from two others. Shares rest on the rounded counts."
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A count of records as it may be printed.

    Attributes
    ----------
    count : int
        0, all, or a multiple of ten. Of a count that is withheld the end it cannot pass.
    side : {"", "upper", "lower"}
        Whether `count` is what the true one cannot exceed, or fall below.
    words : str
        The count in words: "about 120", "fewer than 10", "all but fewer than 10", "none".
    """

    count: int
    side: str
    words: str

    @classmethod
    def of(cls, count: int, n: int) -> Shown:
        """Return a count of `n` records as it may be printed."""
        if count == 0:
            return cls(0, "", "none")
        if count < FEWEST:
            return cls(min(FEWEST, n), "upper", f"fewer than {FEWEST}")
        if count == n:
            return cls(n, "", "all")
        if n - count < FEWEST:
            return cls(max(n - FEWEST, 0), "lower", f"all but fewer than {FEWEST}")
        rounded = min(FEWEST * ((count + FEWEST // 2) // FEWEST), n)
        return cls(rounded, "", f"about {rounded:,}")


def share(metric: str, count: int, n: int, group: str) -> Measurement:
    """Return a share of `n` records as a measurement; a bound where the count is withheld."""
    shown = Shown.of(count, n)
    reason = "a fact of these rows, not estimated; it has no interval"
    if shown.side:
        reason = f"{shown.words} records: the count is withheld, and this is {'the most' if shown.side == 'upper' else 'the least'} it can be"
    bound = None if not shown.side else "upper" if shown.side == "upper" else "lower"
    return Measurement(metric, shown.count / n, n, group=group, bound=bound, reason=reason)  # type: ignore[arg-type]


def told(m: Measurement) -> str:
    """Return a share of records in words: "no record", "fewer than 10 records", "12.3% of the records"."""
    if m.bound is not None:
        return f"{'' if m.bound == 'upper' else 'all but '}fewer than {FEWEST} records"
    if m.value in (0.0, 1.0):
        return "all records" if m.value else "no record"
    return f"{100 * m.value:.1f}% of the records"


def shown_counts(counts: np.ndarray) -> np.ndarray:
    """Return the counts of one table row whose total is known: small ones and their cover ``nan``, others rounded."""
    safe = suppress_small_cells(counts, threshold=FEWEST)
    left = safe.counts if not safe.totals_to_withhold else np.full(len(counts), np.nan)
    return np.asarray(np.floor(left / FEWEST + 0.5) * FEWEST)
