"""Schedule: at which moments a plan is due, and how many of them have passed."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from auditkit.errors import did_you_mean

__all__ = ["FIRST", "UNITS", "Schedule", "Standing", "period"]

FIRST = date(1970, 1, 5)
"""The first slot where a plan names no day: a Monday, so that weeks begin on Mondays."""
UNITS = ("minutes", "hours", "days", "weeks", "months")
_SHORT = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks", "mo": "months"}
_PERIOD = re.compile(r"([1-9][0-9]{0,3})\s*([a-z]+)")
_SLACK = timedelta(minutes=5)  # by so much clocks are set right in passing


@dataclass(frozen=True, slots=True)
class Standing:
    """How a schedule stands at a moment.

    Attributes
    ----------
    due : bool
        Whether it is time.
    slot : datetime.datetime or None
        The last moment, at or before now, at which it was to run; None before the first. In UTC.
    following : datetime.datetime
        The next one.
    missed : int
        Moments since the last run that nothing ran for, the one that a run now is for aside.
    back : bool
        Whether the last run is dated later than now: one of the two clocks was wrong.
    """

    due: bool
    slot: datetime | None
    following: datetime
    missed: int = 0
    back: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """Moments at equal distances, counted from a first one and not from the last run: a start that is late moves none of them.

    Attributes
    ----------
    count : int
        How many units lie between two moments.
    unit : {"minutes", "hours", "days", "weeks", "months"}
        Days and longer are counted on the calendar of the zone, so that a change to summer time does not move them. Minutes and
        hours are counted as time passes.
    at : datetime.time
        The time of day, of minutes and hours that of the first moment. Where a day has it twice, the first time counts; where a day
        leaves it out, the moment is as much later as the clock was set forward.
    since : datetime.date
        The day of the first moment. A day that a month lacks is the month's last.
    zone : str
        A name of the IANA time zone database.
    """

    count: int
    unit: str
    at: time = time(0)
    since: date = FIRST
    zone: str = "UTC"

    def moment(self, index: int) -> datetime:
        """Return a moment by its place, in UTC."""
        if self.unit in ("minutes", "hours"):
            return self._utc(self.since) + index * timedelta(**{self.unit: self.count})
        if self.unit == "months":
            years, month = divmod(self.since.month - 1 + index * self.count, 12)
            year = self.since.year + years
            last = calendar.monthrange(year, month + 1)[1]
            return self._utc(date(year, month + 1, min(self.since.day, last)))
        return self._utc(self.since + index * timedelta(**{self.unit: self.count}))

    def index(self, now: datetime) -> int:
        """Return the place of the last moment at or before `now`; -1 before the first."""
        at = now.astimezone(UTC)
        guess = self._guess(at)
        while guess >= 0 and self.moment(guess) > at:
            guess -= 1
        return max(guess, -1)

    def standing(self, last: datetime | None, now: datetime) -> Standing:
        """Return how it stands.

        Parameters
        ----------
        last : datetime or None
            When the last run began that came to its end; aware of its zone.
        now : datetime
            Likewise.
        """
        here = self.index(now)
        slot, following = self.moment(here) if here >= 0 else None, self.moment(here + 1)
        if last is None:
            return Standing(here >= 0, slot, following)
        if last - now > _SLACK:
            # waiting for the clock to pass that date could be waiting for ever
            return Standing(due=True, slot=slot, following=following, back=True)
        missed = here - self.index(last)
        return Standing(missed > 0, slot, following, max(0, missed - 1))

    def words(self) -> str:
        """Return in words when it is due.

        Examples
        --------
        >>> Schedule(1, "days", time(2, 30)).words(), Schedule(6, "hours").words()
        ('every 1 day at 02:30 (UTC)', 'every 6 hours, counted from 00:00 (UTC)')
        """
        many = self.unit if self.count > 1 else self.unit.removesuffix("s")
        how = ", counted from" if self.unit in ("minutes", "hours") else " at"
        return f"every {self.count} {many}{how} {self.at:%H:%M} ({self.zone})"

    def _utc(self, day: date) -> datetime:
        return datetime.combine(day, self.at, ZoneInfo(self.zone)).astimezone(UTC)

    def _guess(self, at: datetime) -> int:
        """Return a place at or one after that of the last moment; a day more, since zones differ by less."""
        if self.unit in ("minutes", "hours"):
            return (at - self._utc(self.since)) // timedelta(**{self.unit: self.count})
        day = at.date() + timedelta(days=1)
        if self.unit == "months":
            return ((day.year - self.since.year) * 12 + day.month - self.since.month) // self.count
        return (day - self.since) // timedelta(**{self.unit: self.count})


def period(text: str) -> tuple[int, str]:
    """Read a period: a whole number and a unit, in full or in short.

    Raises
    ------
    ValueError
        If it is none, saying what was expected.

    Examples
    --------
    >>> period("7d"), period("1 week"), period("30 min")
    ((7, 'days'), (1, 'weeks'), (30, 'minutes'))
    """
    found = _PERIOD.fullmatch(text.strip())
    unit = None if found is None else _SHORT.get(found[2], f"{found[2].removesuffix('s')}s")
    if found is None or unit not in UNITS:
        close = "" if found is None else did_you_mean(found[2], [*UNITS, *(unit[:-1] for unit in UNITS)])
        raise ValueError(
            f'expected a period such as "1 day", "12 hours", "7d" or "3 months"{close if "?" in close else ""}'
        )
    return int(found[1]), unit
