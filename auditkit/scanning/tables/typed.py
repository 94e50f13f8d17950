"""Typed: values of a column as text, as numbers and as dates, whatever the column keeps them in."""

from __future__ import annotations

import numbers
import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["comparable", "dates_of", "numbers_of", "text_of", "texts_of"]

_DAY_FIRST = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}", re.ASCII)
_COMPACT = re.compile(r"[1-9]\d{7}", re.ASCII)


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose values can be told apart: lists and the like, which Parquet files hold, as text."""
    lists = [
        j
        for j, dtype in enumerate(frame.dtypes)
        if dtype == object and any(map(_nested, frame.iloc[:, j].to_numpy()))
    ]
    if not lists:
        return frame
    made = frame.copy(deep=False)
    for j in lists:
        made.isetitem(j, frame.iloc[:, j].map(lambda one: _spelt(one) if _nested(one) else one).array)
    return made


def _nested(value: Any) -> bool:
    return isinstance(value, (list, dict, set, np.ndarray))


def _spelt(value: Any) -> str:
    """Return a nested value as text, in full (numpy writes long arrays with a gap) and in one order."""
    if isinstance(value, np.ndarray):
        return str([_spelt(one) if _nested(one) else one for one in value.tolist()])
    return str(sorted(map(str, value)) if isinstance(value, set) else value)


def text_of(value: Any) -> str:
    """Return a value as people write it: whole floats without a fraction.

    Examples
    --------
    >>> text_of(3.0), text_of(2.5), text_of(True), text_of("a")
    ('3', '2.5', 'True', 'a')
    """
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def texts_of(column: pd.Series[Any]) -> tuple[np.ndarray, list[str]]:
    """Return codes (-1 where missing), shape (n,), and the different values as text."""
    import pandas as pd

    codes, values = pd.factorize(column)
    return codes, [text_of(one) for one in values]


def numbers_of(column: pd.Series[Any]) -> np.ndarray:
    """Return values as floats, shape (n,); ``nan`` where one is missing or no number.

    Examples
    --------
    >>> import pandas as pd
    >>> numbers_of(pd.Series(["1", " 2.5", "x", None])).tolist()
    [1.0, 2.5, nan, nan]
    """
    import pandas as pd

    dtype = column.dtype
    kinds = pd.api.types
    if (
        kinds.is_datetime64_any_dtype(dtype)
        or kinds.is_timedelta64_dtype(dtype)
        or kinds.is_complex_dtype(dtype)
    ):
        return np.full(len(column), np.nan)
    if kinds.is_numeric_dtype(dtype):
        return column.to_numpy(dtype=float, na_value=np.nan)
    codes, values = pd.factorize(column)
    known = pd.to_numeric(pd.Series([_plain(one) for one in values], dtype=object), errors="coerce")
    return np.append(known.to_numpy(dtype=float), np.nan)[codes]


def _plain(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def dates_of(column: pd.Series[Any]) -> Any:
    """Return values as a Series of times in UTC, shape (n,); ``NaT`` where one is missing or no date.

    Dates are ISO 8601, with or without a time of day and a time zone, or day.month.year; whole numbers of eight digits are year, month and day. A date with
    strokes is none, for it does not say which number is the month. Times without a zone are taken as UTC.

    Examples
    --------
    >>> import pandas as pd
    >>> found = dates_of(pd.Series(["2024-01-31", "2024-01-31T23:30-02:00", "31.1.2024", "1/2/2024", None]))
    >>> found.dt.strftime("%m-%d").tolist()
    ['01-31', '02-01', '01-31', nan, nan]
    """
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        times = column.reset_index(drop=True)
        return times.dt.tz_localize("UTC") if times.dt.tz is None else times.dt.tz_convert("UTC")
    codes, values = pd.factorize(column)
    words = pd.Series([_date_word(one) for one in values], dtype=object)
    found = pd.to_datetime(words, errors="coerce", utc=True, format="ISO8601")
    dotted = words.map(lambda one: one is not None and _DAY_FIRST.fullmatch(one) is not None).astype(bool)
    if dotted.any():
        found = found.where(
            ~dotted, pd.to_datetime(words.where(dotted), errors="coerce", utc=True, format="%d.%m.%Y")
        )
    return found.reindex(np.where(codes < 0, len(words), codes)).reset_index(drop=True)


def _date_word(value: Any) -> str | None:
    if isinstance(value, numbers.Number):
        word = "" if isinstance(value, complex) else text_of(value)
        return word if _COMPACT.fullmatch(word) else None
    return str(value).strip()
