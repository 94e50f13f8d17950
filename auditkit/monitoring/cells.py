"""Cells: into which bands and values a column of the log is counted, learned from the reference and then held."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

__all__ = ["BANDS", "NO_VALUE", "Column", "Learner", "as_numbers", "as_words", "without_words"]

NO_VALUE = frozenset(
    [
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "None",
        "n/a",
        "nan",
        "null",
    ]
)
"""Words that stand for a missing value, as pandas takes them; unless the reference holds one as a value, such as the country NA."""
BANDS = 10
"""Bands of a number, of about equal size in the reference."""
FEW = 20
"""A number of no more values is counted value by value."""
MOST_VALUES = 30
"""Values of a category that are counted each; the rest together."""
_DISTINCT, _SAMPLE = 5_000, 40_000


def as_words(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return values as words, a whole number without a point; what is missing stays so."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        mixed = column.map(_word, na_action="ignore") if column.dtype == object else column
        return mixed.astype("string")
    return column.map(_word, na_action="ignore").astype("string")


def _word(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def as_numbers(column: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """Return values as numbers; ``nan`` for what is none."""
    import pandas as pd

    found = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def without_words(column: pd.Series[Any], kept: frozenset[str]) -> pd.Series[Any]:
    """Return a column in which words that stand for a missing value are missing, but those that are kept."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return column
    words = column.isin(list(NO_VALUE - kept))
    return column.mask(words) if words.any() else column


class Column:
    """The cells of a column: values or bands, then others, then missing.

    Parameters
    ----------
    name : str
        Of the column.
    edges : sequence of float, optional
        Ends of the bands of a number, each of them in the band below it.
    values : sequence of str, optional
        Values that are counted each.
    """

    def __init__(
        self, name: str, *, edges: list[float] | None = None, values: list[str] | None = None
    ) -> None:
        self.name, self.edges, self.values = name, edges, values
        self.cells = (len(edges) + 1 if edges is not None else len(values or ())) + 2

    def encode(self, column: pd.Series[Any]) -> npt.NDArray[np.int64]:
        """Return the cell of each row; a value that is no number, or is none of the reference's, is among the others."""
        missing = column.isna().to_numpy()
        if self.edges is not None:
            numbers = as_numbers(column)
            found = np.searchsorted(self.edges, numbers, side="left").astype(np.int64)
            found[np.isnan(numbers)] = self.cells - 2
        else:
            places = {value: float(i) for i, value in enumerate(self.values or ())}
            codes = _canonical(column).map(places).to_numpy(dtype=float, na_value=np.nan)
            found = np.where(np.isnan(codes), self.cells - 2, codes).astype(np.int64)
        found[missing] = self.cells - 1
        return found

    def labels(self) -> list[str]:
        """Return what each cell holds."""
        if self.edges is not None:
            ends = [f"{edge:.6g}" for edge in self.edges]
            bands = [
                f"to {ends[0]}",
                *(f"{a} to {b}" for a, b in itertools.pairwise(ends)),
                f"above {ends[-1]}",
            ]
            return [*bands, "no number", "missing"]
        return [*(self.values or ()), "others", "missing"]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {"name": self.name, "edges": self.edges, "values": self.values}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Column:
        """Return it from plain JSON."""
        return cls(data["name"], edges=data["edges"], values=data["values"])


def _canonical(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return words, a text that is a whole number written as one: 1.0 and 1 are one value."""
    words = as_words(column)
    return words.str.replace(r"^(-?\d+)\.0+$", r"\1", regex=True)


class Learner:
    """Learns the cells of a column in one reading, in memory that does not grow with the rows.

    Values are counted until there are too many; of numbers every so many rows one is kept, at even distances, so that neither blocks nor their sizes matter.
    """

    def __init__(self, name: str) -> None:
        self.name, self.rows, self.step = name, 0, 1
        self.numeric = True
        self.kept: list[float] = []
        self.counts: Counter[str] = Counter()
        self.overflown = 0

    def see(self, column: pd.Series[Any]) -> None:
        """Take in a block."""
        there = column[column.notna().to_numpy()]
        numbers = as_numbers(there)
        if np.isnan(numbers).any():
            self.numeric = False
        if self.numeric:
            self._keep(numbers)
        words = _canonical(there).value_counts()
        for word, n in words.items():
            if word in self.counts or len(self.counts) < _DISTINCT:
                self.counts[str(word)] += int(n)
            else:
                self.overflown += int(n)

    def _keep(self, numbers: npt.NDArray[np.float64]) -> None:
        at = np.arange(self.rows, self.rows + numbers.size)
        self.kept.extend(numbers[at % self.step == 0].tolist())
        self.rows += numbers.size
        while len(self.kept) > _SAMPLE:
            self.kept = self.kept[::2]
            self.step *= 2

    def column(self) -> Column | str:
        """Return the cells, or why there are none."""
        total = sum(self.counts.values()) + self.overflown
        if not total:
            return "it has no value in the reference"
        if self.numeric and len(self.counts) > FEW:
            edges = np.unique(np.quantile(self.kept, np.arange(1, BANDS) / BANDS, method="lower"))
            return Column(self.name, edges=[float(edge) for edge in edges])
        common = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]
        if sum(n for _, n in common) < total / 2:
            return f"it has {len(self.counts):,} values or more, as a name or a number of a record has, and the {MOST_VALUES} most common are less than half of its rows"
        return Column(self.name, values=sorted(value for value, _ in common))
