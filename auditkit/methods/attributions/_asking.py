"""Asking: a model as a function of rows, counted, and which features of two rows differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Asker", "differing"]


class Asker:
    """A model asked in batches, with a count of calls and rows.

    Parameters
    ----------
    ask : callable
        Maps (rows, d) to one output a row, or `k`.
    batch_rows : int
        Rows of one call, at most.
    """

    def __init__(self, ask: Callable[[NDArray[Any]], ArrayLike], batch_rows: int) -> None:
        self.ask, self.batch_rows = ask, batch_rows
        self.calls = self.rows = 0

    def __call__(self, rows: NDArray[Any]) -> ArrayLike:
        """Ask once."""
        self.calls += 1
        self.rows += len(rows)
        return self.ask(rows)

    def about(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Return the outputs, (n,) or (n, k)."""
        return asked(self, rows, self.batch_rows)

    def slopes(self, rows: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return gradients, (n, *shape[1:]), where the model is one of slopes."""
        parts = []
        for start in range(0, len(rows), self.batch_rows):
            some = rows[start : start + self.batch_rows]
            found = np.asarray(self(some), dtype=np.float64)
            if found.shape != (len(some), *shape[1:]) or not np.isfinite(found).all():
                raise InputError(
                    f"slopes must give finite numbers of shape {(len(some), *shape[1:])}, got shape {found.shape}"
                )
            parts.append(found)
        return np.concatenate(parts)


def differing(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where two tables differ; two missing values do not."""
    apart = np.asarray(one != other, dtype=bool)
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        apart &= ~(np.isnan(one) & np.isnan(other))
    return apart
