"""Times: moments as people write them, and when a period that runs from one ends."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from auditkit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["RULES", "UNITS", "Unit", "ends", "left", "moment", "zone_of"]

Unit = Literal["hours", "days", "business_days", "months", "days_after_year"]
UNITS: tuple[Unit, ...] = get_args(Unit)

RULES = (
    "Hours are counted from the minute, whatever the clocks on the wall do: a change to or from summer time makes no hour.",
    "Days and months end with the last minute of their last day in the time zone of the moment they run from; the day of that moment is not counted. An offset such as +01:00 stays what it is when clocks change: give --zone.",
    "A month ends on the day of the same number, or on the last day of a shorter month.",
    "A last day that is a Saturday, a Sunday or a holiday is not moved to the next working day, no two working days are asked for, and the hour of the event is counted, although Regulation (EEC, Euratom) 1182/71 Art. 3 gives more time in each of these: the earlier end is shown.",
    "Business days leave out Saturdays, Sundays and the holidays that are given, and no others; those of the Securities and Exchange Commission are counted in New York, and end at 17:30 there.",
)
"""How periods are counted, in words."""

_LAST = time(23, 59)
_SOONEST, _LATEST = 1990, 2200


def moment(text: str | datetime, zone: tzinfo | None = None, what: str = "the moment") -> datetime:
    """Return a moment with its time zone.

    Parameters
    ----------
    text : str or datetime
        ISO 8601: "2026-11-20T09:30+01:00". Without an offset it is read in `zone`.
    zone : tzinfo, optional
        Where people are; the result is in it.
    what : str
        How an error names it.

    Raises
    ------
    InputError
        If it is none, has no time of day, is in no time zone, or is one that a zone leaves out or has twice.

    Examples
    --------
    >>> moment("2026-11-20T09:30+01:00").isoformat()
    '2026-11-20T09:30:00+01:00'
    """
    how = "a moment such as 2026-11-20T09:30+01:00"
    if isinstance(text, datetime):
        found = text
    else:
        try:
            found = datetime.fromisoformat(text.strip())
        except (ValueError, AttributeError):
            raise InputError(f"{what}: expected {how}, got {text!r}") from None
        if len(text.strip()) <= len("2026-11-20"):
            raise InputError(f"{what}: expected {how}, with the time of day, got {text!r}")
    if not _SOONEST <= found.year <= _LATEST:
        raise InputError(f"{what}: expected {how}, between {_SOONEST} and {_LATEST}, got {text!r}")
    if found.tzinfo is None:
        if zone is None:
            raise InputError(
                f"{what} {text!r} is in no time zone: write the offset (+01:00, Z), or give --zone Europe/Berlin"
            )
        return _local(found, zone, what)
    return found if zone is None else found.astimezone(zone)


def _local(found: datetime, zone: tzinfo, what: str) -> datetime:
    first, second = (found.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != found:
        raise InputError(
            f"{what} {found.isoformat()} does not exist in {zone}: clocks were put forward there"
        )
    if first.utcoffset() != second.utcoffset():
        raise InputError(
            f"{what} {found.isoformat()} comes twice in {zone}, as clocks were put back: write its offset"
        )
    return first


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name.

    Raises
    ------
    InputError
        If there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        from zoneinfo import available_timezones

        raise InputError(
            f"no time zone named {name!r}.{did_you_mean(name, available_timezones())[:200]}"
        ) from None


def ends(
    start: datetime, count: int, unit: Unit, holidays: Collection[date] = (), closes: time = _LAST
) -> datetime:
    """Return when a period that runs from a moment ends.

    Parameters
    ----------
    start : datetime
        With its time zone.
    count : int
        How many, from 1.
    unit : {"hours", "days", "business_days", "months", "days_after_year"}
        Of what; `RULES` says how each is counted.
    holidays : collection of date
        Left out of business days, besides Saturdays and Sundays.
    closes : datetime.time
        When the last day ends, for periods that are not hours; its last minute when left out.

    Examples
    --------
    >>> ends(moment("2026-11-20T09:30+01:00"), 72, "hours").isoformat()
    '2026-11-23T09:30:00+01:00'
    >>> ends(moment("2026-01-31T09:30+00:00"), 1, "months").isoformat()
    '2026-02-28T23:59:00+00:00'
    """
    if unit == "hours":
        return (start.astimezone(UTC) + timedelta(hours=count)).astimezone(start.tzinfo)
    return datetime.combine(_last_day(start.date(), count, unit, holidays), closes, start.tzinfo)


def _last_day(first: date, count: int, unit: Unit, holidays: Collection[date]) -> date:
    if unit == "days":
        return first + timedelta(days=count)
    if unit == "days_after_year":
        return date(first.year, 12, 31) + timedelta(days=count)
    if unit == "months":
        years, month = divmod(first.month - 1 + count, 12)
        year = first.year + years
        return date(year, month + 1, min(first.day, calendar.monthrange(year, month + 1)[1]))
    day, closed = first, set(holidays)
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5 and day not in closed
    return day


def left(due: datetime, now: datetime) -> str:
    """Return what is left until a moment, in words.

    Examples
    --------
    >>> left(moment("2026-11-23T09:30+00:00"), moment("2026-11-20T08:15+00:00"))
    '3 d 1 h left'
    >>> left(moment("2026-11-20T09:30+00:00"), moment("2026-11-20T11:00+00:00"))
    '1 h 30 min overdue'
    """
    seconds = (due - now).total_seconds()
    word = "left" if seconds >= 0 else "overdue"
    minutes = int(abs(seconds) // 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h {word}"
    return f"{hours} h {rest} min {word}" if hours else f"{rest} min {word}"
