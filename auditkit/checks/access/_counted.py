"""Counted: numbers of what was found on a hub, undefined where nothing was found and not all was seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from auditkit.evidence import Measurement, Table
from auditkit.nouns import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["count", "listed", "table"]

_FACT = "counted in what the hub's API told; it has no interval"


def count(metric: str, found: int, n: int, unseen: str = "") -> Measurement:
    """Return a count.

    Parameters
    ----------
    metric : str
        What is counted.
    found, n : int
        How many were found, of how many.
    unseen : str
        What was not seen, and what to do about it. With it a count is at least what was found, and undefined where that is nothing: not
        seen is not the same as not there.
    """
    if not unseen:
        return Measurement(metric, found, n, reason=_FACT)
    if not found:
        return Measurement(metric, math.nan, n, reason=unseen)
    return Measurement(metric, found, n, bound="lower", reason=f"at least; {unseen}")


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return the first of some names; "none" for none."""
    return (
        ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
    ) or "none"


def table(title: str, labels: dict[str, str], rows: Sequence[Sequence[object]], what: str) -> Table:
    """Return rows as a table.

    Parameters
    ----------
    title : str
        Of the table.
    labels : dict of str to str
        Its columns with their heads.
    rows : sequence of sequences
        As many values as columns each.
    what : str
        What a row is: "account".
    """
    columns = {key: tuple(row[i] for row in rows) for i, key in enumerate(labels)}
    return Table(title, columns, "plain", labels, f"{counted(len(rows), what)}.")
