"""Written: tables value by value as they are written, and numbers only where that takes nothing from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from auditkit.loading.tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["read_written", "typed", "typed_column"]

_GAPS = frozenset(["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None"])
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)\Z", re.ASCII)
_EXACT = 2**53  # from here on a float stands for several whole numbers
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?\Z", re.ASCII)


def read_written(path: str | Path) -> pd.DataFrame:
    """Read a table as it is written: of a text file every value is text, and only an empty field is missing.

    Parameters
    ----------
    path : path
        As for `read_table`. Parquet and Arrow files keep their types; whole numbers beside missing ones stay whole.

    Returns
    -------
    DataFrame of shape (n, d)

    Raises
    ------
    InputError
        As `read_table`.
    """
    return read_table(path, written=True)


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with `typed_column` of every column."""
    import pandas as pd

    columns = {j: typed_column(frame.iloc[:, j]) for j in range(frame.shape[1])}
    made = pd.DataFrame(columns)
    made.columns = frame.columns
    return made


def typed_column(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of text as numbers or truth values, where every value can be had back; else as it is.

    ``007`` is no number: its zeros would be lost. Whole numbers stay whole beside missing ones, however large. Where all that is no word for "missing"
    (NA, NaN, null, ...) is a number, these words are missing values; in a column of text they are text.

    Examples
    --------
    >>> import pandas as pd
    >>> typed_column(pd.Series(["7", "NA", "10"], dtype=object)).tolist()
    [7, <NA>, 10]
    >>> typed_column(pd.Series(["007", "7", "NA"], dtype=object)).tolist()
    ['007', '7', 'NA']
    """
    import pandas as pd

    values = column.tolist()
    words = [one for one in values if isinstance(one, str)]
    if not words or any(not isinstance(one, str) and not pd.isna(one) for one in values):
        return column
    told = [one for one in words if one not in _GAPS]
    if not told:
        return column

    def made(read: Any, kind: str) -> pd.Series[Any]:
        new = [read(one) if isinstance(one, str) and one not in _GAPS else None for one in values]
        return pd.Series(new, index=column.index, dtype=kind)

    if all(map(_WHOLE.match, told)):
        return made(int, "Int64" if all(len(one) < 19 for one in told) else "object")
    if all(map(_DECIMAL.match, told)) and all(abs(float(one)) < _EXACT for one in told):
        return made(float, "float64")
    if set(told) <= {"True", "False"}:
        return made("True".__eq__, "boolean")
    return column
