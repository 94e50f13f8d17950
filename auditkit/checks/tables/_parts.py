"""Parts: a table as rows with labels and groups, and which of its columns say what a model may learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks import _common as common
from auditkit.dataset import Dataset
from auditkit.errors import NotApplicable
from auditkit.frames import Codec
from auditkit.nouns import counted
from auditkit.scanning.tables.typed import text_of

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.checks._common import Grouping
    from auditkit.targets.table import Table

__all__ = ["FACT", "NO_TARGET", "Labelled", "coded", "groups_of", "labelled", "named", "unlike"]

FACT = "counted in this table; nothing was drawn, so it has no interval"
NO_TARGET = (
    'no column of labels is named: target = "COLUMN" in the subject file, Table(..., target=...) in Python'
)

_MOST_CLASSES = 20


@dataclass(frozen=True, eq=False)
class Labelled:
    """Records that have a label.

    Attributes
    ----------
    X : DataFrame of shape (n, d)
        Every column but labels and those that tell parts.
    y : ndarray of int, shape (n,)
        Codes of the labels.
    classes : tuple of str
        Labels by code, as text.
    rows : ndarray of int, shape (n,)
        Where the records stand in the table.
    notes : tuple of str
        What was left out.
    """

    X: pd.DataFrame
    y: np.ndarray
    classes: tuple[str, ...]
    rows: np.ndarray
    notes: tuple[str, ...]

    def taken(self, at: np.ndarray) -> Labelled:
        """Return some of the records."""
        return Labelled(
            self.X.iloc[at].reset_index(drop=True), self.y[at], self.classes, self.rows[at], self.notes
        )


def unlike(told: dict[str, pd.DataFrame]) -> tuple[str, ...]:
    """Return the columns that hold numbers, times or other things in one part and another of these in a second: no record is found again by them."""
    first, *others = told.values()
    return tuple(
        str(name)
        for name in first.columns
        if len({_kind(one[name]) for one in (first, *others) if one[name].notna().any()}) > 1
    )


def _kind(column: pd.Series[Any]) -> str:
    import pandas as pd

    kinds = pd.api.types
    dtype = column.cat.categories.dtype if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype
    if kinds.is_numeric_dtype(dtype):
        return "number"
    return "time" if kinds.is_datetime64_any_dtype(dtype) else "other"


def named(frame: pd.DataFrame, name: str) -> Any:
    """Return a column by its name as text."""
    return frame.iloc[:, [str(one) for one in frame.columns].index(name)]


def labelled(table: Table, frame: pd.DataFrame, without: tuple[str, ...] = ()) -> Labelled:
    """Return the records of a part that have a label, under the classes of the whole table.

    Raises
    ------
    NotApplicable
        If no labels are named, they are amounts, or there is one class only.
    """
    if table.target is None:
        raise NotApplicable(NO_TARGET)
    every = [named(part, table.target) for part in (table.frame, *table.splits.values())]
    classes = sorted({text_of(one) for column in every for one in column.dropna().unique()})
    if not 2 <= len(classes) <= _MOST_CLASSES:
        why = "amounts, or names" if len(classes) > _MOST_CLASSES else "of one class"
        raise NotApplicable(
            f"the labels in {table.target!r} are {why}: they have {counted(len(classes), 'value')}, and 2 to {_MOST_CLASSES} are compared"
        )
    labels = named(frame, table.target)
    known = np.flatnonzero(labels.notna().to_numpy())
    place = {word: i for i, word in enumerate(classes)}
    y = labels.iloc[known].map(lambda one: place[text_of(one)]).to_numpy(dtype=np.intp)
    left_out = {table.target, table.split, *without}
    kept = [j for j, name in enumerate(frame.columns) if str(name) not in left_out]
    if not kept:
        raise NotApplicable("no column is left beside the labels")
    X = frame.iloc[known, kept].reset_index(drop=True)
    lacking = len(frame) - len(known)
    notes = (
        (f"{counted(lacking, 'record')} without a label {'is' if lacking == 1 else 'are'} left out.",)
        if lacking
        else ()
    )
    return Labelled(X, y, tuple(classes), known, notes)


def groups_of(
    table: Table, frame: pd.DataFrame, rows: np.ndarray | None = None, *, depth: int = 1
) -> list[Grouping]:
    """Return the groups of each sensitive column, missing values as one, and of crossings up to a depth; none without such a column."""
    if not table.sensitive:
        return []
    import pandas as pd

    features = pd.DataFrame({name: named(frame, name).to_numpy() for name in table.sensitive})
    if rows is not None:
        features = features.iloc[rows].reset_index(drop=True)
    data = Dataset(None, np.zeros(len(features), dtype=int), features)
    return common.groupings(data, None, intersections=depth > 1, depth=max(depth, 2))


def coded(*frames: pd.DataFrame) -> tuple[list[np.ndarray], np.ndarray, tuple[str, ...]]:
    """Return tables of the same columns as numbers under one coding, which columns are categories, and the names."""
    codec = Codec.of(*frames)
    categorical = np.array([kind == "categorical" for kind in codec.kinds])
    return [codec.encode(one) for one in frames], categorical, tuple(str(name) for name in codec.columns)
