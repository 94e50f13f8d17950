"""Drafts: what the values of one column say of its range, its grid and its spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["draft"]


def draft(
    column: NDArray[np.float64], kind: str, name: str, size: int | None
) -> tuple[float, float, float, int, bool, float]:
    """Return low, high, step, n_categories, whether any value was seen, and scale of one column."""
    seen = column[np.isfinite(column)]
    if kind != "continuous" and np.any(seen != np.rint(seen)):
        raise InputError(
            f"column {name!r} is {kind} and holds {seen[seen != np.rint(seen)][0]:g}; expected whole numbers"
        )
    if kind == "categorical":
        if np.any(seen < 0):
            raise InputError(
                f"column {name!r}: expected category codes from 0, got {seen.min():g}; missing is nan"
            )
        size = int(seen.max(initial=-1)) + 1 if size is None else size
        return 0.0, max(size - 1.0, 0.0), 0.0, size, size > 0, 1.0
    if not len(seen):
        return 0.0, 0.0, float(kind == "integer"), 0, False, 1.0
    spread = float(np.subtract(*np.quantile(seen, [0.75, 0.25]))) / 1.349
    scale = spread if spread > 0 else float(np.std(seen))
    return (
        float(seen.min()),
        float(seen.max()),
        float(kind == "integer"),
        0,
        True,
        scale if scale > 0 else 1.0,
    )
