"""Columns: which columns of a table one entry names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["column_groups"]


def column_groups(columns: Sequence[int | Sequence[int]] | None, d: int) -> list[list[int]]:
    """Return the columns of each entry, each by itself if nothing is said; refuse what is not there."""
    entries = range(d) if columns is None else columns
    groups = [
        [int(entry)] if isinstance(entry, (int, np.integer)) else [int(c) for c in entry] for entry in entries
    ]
    if not groups or any(not group or min(group) < 0 or max(group) >= d for group in groups):
        raise InputError(f"columns must be numbers from 0 to {d - 1}, at least one an entry; got {columns!r}")
    return groups
