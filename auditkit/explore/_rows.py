"""Rows: tables made of rows, and longer by some."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditkit.evidence import Table

__all__ = ["ESTIMATES", "beneath", "columns_of"]

ESTIMATES = ("label", "series", "value", "low", "high", "n")
"""Columns of a table of estimates that are compared in series."""


def columns_of(keys: Iterable[str], rows: Iterable[Sequence[Any]]) -> dict[str, tuple[Any, ...]]:
    """Return columns by name, of rows with a cell for each.

    Examples
    --------
    >>> columns_of(("label", "value"), [("a", 1), ("b", 2)])
    {'label': ('a', 'b'), 'value': (1, 2)}
    """
    lines = list(rows)
    return {key: tuple(line[at] for line in lines) for at, key in enumerate(keys)}


def beneath(table: Table, *rows: Sequence[Any]) -> Table:
    """Return a table with rows beneath it, each with a cell for every column in its order."""
    columns = {
        key: (*cells, *(row[at] for row in rows)) for at, (key, cells) in enumerate(table.columns.items())
    }
    return replace(table, columns=columns)
