"""Days: dates written as text, told as days, where there is one way to read them."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["days_of"]

_TIME = r"(?:[T ]\d{1,2}:\d{2}[\d:.+Z-]{0,24})?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_TIME}", re.ASCII)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}){_TIME}", re.ASCII)


def days_of(words: Sequence[str]) -> list[int] | None:
    """Return each word's day (`datetime.date.toordinal`), or None unless all are dates that can be read in one way.

    The year has four digits, first or last. With points the day stands before the month; with other signs it does where only so all are dates, and
    after it where only so they are. A time of day is left out.

    Parameters
    ----------
    words : sequence of str
        The different values of a column.

    Examples
    --------
    >>> days_of(["2.1.1970", "03.01.1970"]), days_of(["1/13/1970"]) == days_of(["1970-01-13"])
    ([719164, 719165], True)
    >>> days_of(["1/2/1970", "3/4/1970"]) is None  # January or February
    True
    """
    if not words:
        return None
    if (first := _read(words, _YEAR_FIRST, (1, 3, 4))) is not None:
        return first
    day_first = _read(words, _YEAR_LAST, (4, 3, 1))
    if day_first is not None and all("." in word[:3] for word in words):
        return day_first
    month_first = _read(words, _YEAR_LAST, (4, 1, 3))
    return day_first if month_first is None else (month_first if day_first is None else None)


def _read(words: Sequence[str], form: re.Pattern[str], parts: tuple[int, int, int]) -> list[int] | None:
    days = []
    for word in words:
        found = form.fullmatch(word.strip()) if len(word) <= 64 else None
        if found is None:
            return None
        try:
            days.append(dt.date(*(int(found[part]) for part in parts)).toordinal())
        except ValueError:  # no day of the calendar
            return None
    return days
