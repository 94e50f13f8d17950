"""Oracle: the model under attack, asked in batches and within a budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Oracle"]

Floats = NDArray[np.float64]


@dataclass
class Oracle:
    """The model, and how many calls it still answers."""

    answer: Callable[[Floats], Any]
    limit: int
    axes: int = 1
    calls: int = 0

    @property
    def left(self) -> int:
        """Calls that remain."""
        return self.limit - self.calls

    def ask(self, rows: Floats) -> NDArray[Any]:
        """Return the model's answers about rows (m, d), in one call."""
        self.calls += 1
        given = np.asarray(self.answer(rows))
        if given.ndim != self.axes or len(given) != len(rows):
            wanted = "(rows,), the labels" if self.axes == 1 else "(rows, classes), the scores"
            raise InputError(
                f"the model was asked about {len(rows)} rows: expected {wanted}, got shape {given.shape}"
            )
        return given
