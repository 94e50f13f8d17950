"""Times: when each row was written, and into which window it falls."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

__all__ = ["UNREAD", "Calendar", "read_times"]

UNREAD = np.iinfo(np.int64).min
"""What stands for a time that cannot be read."""

_BEGINS = r"\d{4}-\d|[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$"
_DAYS_IN_DIGITS = (19_000_101, 22_001_231)  # 20260701 is a day to whoever wrote it, and no second of 1970
_ZONED = r"(?:[zZ]|[+-]\d\d:?\d\d)\s*$"
_LONG_AGO, _NEVER = dt.datetime(1900, 1, 1, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)


def read_times(column: pd.Series[Any], zone: str) -> npt.NDArray[np.int64]:
    """Return seconds since 1970 in UTC of each value; `UNREAD` where there is none.

    Parameters
    ----------
    column : Series
        ISO 8601 texts with dashes, times, or numbers: seconds since 1970, or milliseconds where they are that large. A text without a zone is in `zone`: of an hour that comes twice the
        first, and of an hour that is left out the one after it.
    zone : str
        Name of a time zone.

    Examples
    --------
    >>> import pandas as pd
    >>> read_times(pd.Series(["1970-01-02", "1970-01-01T01:00:00+01:00", "never"]), "UTC").tolist()
    [86400, 0, -9223372036854775808]
    """
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        return _seconds(column if column.dt.tz is not None else _in_zone(column, zone))
    if pd.api.types.is_numeric_dtype(column):
        return _of_numbers(column.to_numpy(dtype=float))
    text = column.astype("string").str.strip()
    text = text.where(text.str.match(_BEGINS))  # pandas takes "now" and "today" for times
    found = np.full(len(text), UNREAD)
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    zoned = text.str.contains(_ZONED, regex=True).to_numpy(dtype=bool, na_value=False)
    numeric = ~np.isnan(numbers)
    found[numeric] = _of_numbers(numbers[numeric])
    aware = zoned & ~numeric
    if aware.any():
        found[aware] = _seconds(pd.to_datetime(text[aware], format="ISO8601", utc=True, errors="coerce"))
    naive = ~zoned & ~numeric & text.notna().to_numpy()
    if naive.any():
        found[naive] = _seconds(
            _in_zone(pd.to_datetime(text[naive], format="ISO8601", errors="coerce"), zone)
        )
    return found


def _of_numbers(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    large = np.abs(numbers) >= 1e11
    seconds = np.floor(np.where(large, numbers / 1000, numbers))
    as_day = (numbers >= _DAYS_IN_DIGITS[0]) & (numbers <= _DAYS_IN_DIGITS[1])
    fine = ~as_day & np.isfinite(seconds) & (seconds > _LONG_AGO.timestamp()) & (seconds < _NEVER.timestamp())
    return np.where(fine, np.where(fine, seconds, 0).astype(np.int64), UNREAD)


def _in_zone(column: pd.Series[Any], zone: str) -> pd.Series[Any]:
    found: pd.Series[Any] = column.dt.tz_localize(
        zone, ambiguous=np.ones(len(column), dtype=bool), nonexistent="shift_forward"
    )
    return found


def _seconds(column: pd.Series[Any]) -> npt.NDArray[np.int64]:
    fine = column.notna().to_numpy() & (column > _LONG_AGO).to_numpy() & (column < _NEVER).to_numpy()
    raw = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
    return np.where(fine, raw, UNREAD)


class Calendar:
    """Windows by time, each known by a whole number: days, weeks (from Monday) or months since 1970 in a time zone.

    Examples
    --------
    >>> calendar = Calendar("day", "Europe/Zurich")
    >>> key = calendar.keys(np.array([1_790_000_000]))[0]
    >>> calendar.label(key), calendar.end(key) - calendar.start(key)
    ('2026-09-21', 86400)
    """

    def __init__(self, every: Literal["day", "week", "month"], zone: str) -> None:
        self.every, self.zone = every, zone
        self._zone = ZoneInfo(zone)

    def keys(self, seconds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the window of each time."""
        import pandas as pd

        local = pd.to_datetime(seconds, unit="s", utc=True).tz_convert(self.zone).tz_localize(None)
        days = np.asarray(local.to_numpy().astype("datetime64[D]").astype(np.int64))
        if self.every == "day":
            return days
        if self.every == "week":
            return np.asarray((days + 3) // 7)  # 1970-01-01 was a Thursday
        return np.asarray(local.to_numpy().astype("datetime64[M]").astype(np.int64))

    def first_day(self, key: int) -> dt.date:
        """Return the day on which a window begins."""
        if self.every == "month":
            return dt.date(1970 + int(key) // 12, int(key) % 12 + 1, 1)
        return dt.date(1970, 1, 1) + dt.timedelta(days=int(key) if self.every == "day" else int(key) * 7 - 3)

    def start(self, key: int) -> int:
        """Return the second in which a window begins."""
        return int(dt.datetime.combine(self.first_day(key), dt.time(0), self._zone).timestamp())

    def end(self, key: int) -> int:
        """Return the second in which the next one begins."""
        return self.start(int(key) + 1)

    def label(self, key: int) -> str:
        """Return how a window is called."""
        day = self.first_day(key)
        return f"{day:%Y-%m}" if self.every == "month" else day.isoformat()
