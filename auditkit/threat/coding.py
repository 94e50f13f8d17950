"""Coding: rows as the features of a threat model see them, and back as the model under attack reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from auditkit.frames import Codec

__all__ = ["Coding", "matches"]


@dataclass(frozen=True, eq=False)
class Coding:
    """A table as one column of floats for each feature, and back.

    Attributes
    ----------
    codec : Codec
        Inputs as floats, one column each.
    at : tuple of ndarray of int
        For each feature the places of its inputs.
    tables : tuple of (ndarray of shape (m, k) or None)
        For inputs that change together the combinations there are, as the codec writes them; None for single inputs.
    """

    codec: Codec
    at: tuple[NDArray[np.intp], ...]
    tables: tuple[NDArray[np.float64] | None, ...]

    def encode(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return shape (n, features).

        Raises
        ------
        InputError
            If a row has a combination of inputs that is not among those the threat model knows.
        """
        return self.collapse(self.codec.encode(frame))

    def decode(self, matrix: NDArray[np.float64]) -> pd.DataFrame:
        """Return the inputs, as a DataFrame of the dtypes they came with."""
        return self.codec.decode(self.expand(matrix))

    def collapse(self, inputs: NDArray[np.float64], *, strict: bool = True) -> NDArray[np.float64]:
        """Return one column a feature, (n, features), from one column an input; nan for unknown combinations unless `strict`."""
        out = np.empty((len(inputs), len(self.at)))
        for j, (places, table) in enumerate(zip(self.at, self.tables, strict=True)):
            if table is None:
                out[:, j] = inputs[:, places[0]]
                continue
            found = matches(inputs[:, places], table)
            if strict and (found < 0).any():
                names = [str(self.codec.columns[place]) for place in places]
                raise InputError(
                    f"threat model: row {int(np.flatnonzero(found < 0)[0])} has values of {', '.join(names)} that do not come "
                    "together in the rows it was drafted from: draft it from all rows, or leave these out of together=[...]"
                )
            out[:, j] = np.where(found < 0, np.nan, found)
        return out

    def expand(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one column an input, (n, inputs), from one column a feature."""
        out = np.empty((len(matrix), len(self.codec.columns)))
        for j, (places, table) in enumerate(zip(self.at, self.tables, strict=True)):
            if table is None:
                out[:, places[0]] = matrix[:, j]
                continue
            column = matrix[:, j]
            known = np.isfinite(column)
            if known.all():
                out[:, places] = table[np.rint(column).astype(int)]
            else:
                codes = np.rint(np.where(known, column, 0)).astype(int)
                out[:, places] = np.where(known[:, None], table[codes], np.nan)
        return out


def matches(rows: NDArray[np.float64], table: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return for each row which row of the table equals it, -1 for none; missing equals missing."""
    both = np.concatenate([table, rows])
    keys = np.zeros(len(both), dtype=np.int64)
    for column in both.T:
        _, codes = np.unique(column, return_inverse=True, equal_nan=True)
        _, keys = np.unique(keys * (int(codes.max()) + 1) + codes, return_inverse=True)
    where = np.full(int(keys.max(initial=0)) + 1, -1, dtype=np.intp)
    where[keys[: len(table)]] = np.arange(len(table))
    return where[keys[len(table) :]]
