"""Times: ends of periods by hand, across changes of the clock and ends of months, and by a second way."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.incidents.times import UNITS, ends, left, moment, zone_of

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("start", "zone", "count", "unit", "expected"),
    [
        # 25 October 2026: clocks go back at 3:00; 72 hours later it is an hour earlier on the wall
        ("2026-10-24T12:00", BERLIN, 72, "hours", "2026-10-27T11:00:00+01:00"),
        # 28 March 2027: clocks go forward at 2:00
        ("2027-03-27T12:00", BERLIN, 72, "hours", "2027-03-30T13:00:00+02:00"),
        ("2026-10-31T20:00", NEW_YORK, 36, "hours", "2026-11-02T07:00:00-05:00"),
        # days end with the last minute there is on the wall, whichever offset holds by then
        ("2026-10-24T12:00", BERLIN, 2, "days", "2026-10-26T23:59:00+01:00"),
        ("2026-11-20T09:30", BERLIN, 15, "days", "2026-12-05T23:59:00+01:00"),
        ("2026-02-20T09:30", BERLIN, 10, "days", "2026-03-02T23:59:00+01:00"),
        ("2028-02-20T09:30", BERLIN, 10, "days", "2028-03-01T23:59:00+01:00"),
        # 20 November + 10 = 30 November, + 31 = 31 December, + 19: 60 days
        ("2026-11-20T09:30", NEW_YORK, 60, "days", "2027-01-19T23:59:00-05:00"),
        # January and February 2027 have 59 days
        ("2026-11-20T09:30", NEW_YORK, 60, "days_after_year", "2027-03-01T23:59:00-05:00"),
        ("2026-01-31T09:30", BERLIN, 1, "months", "2026-02-28T23:59:00+01:00"),
        ("2028-01-31T09:30", BERLIN, 1, "months", "2028-02-29T23:59:00+01:00"),
        ("2026-12-15T09:30", BERLIN, 1, "months", "2027-01-15T23:59:00+01:00"),
        # Friday: Monday, Tuesday, Wednesday, Thursday
        ("2026-11-20T09:30", NEW_YORK, 4, "business_days", "2026-11-26T23:59:00-05:00"),
        ("2026-11-21T09:30", NEW_YORK, 1, "business_days", "2026-11-23T23:59:00-05:00"),
    ],
)
def test_ends_by_hand(start, zone, count, unit, expected):
    assert ends(moment(start, zone), count, unit).isoformat() == expected


def test_a_holiday_is_no_business_day_and_no_reason_to_move_others():
    start, thanksgiving = moment("2026-11-20T09:30", NEW_YORK), date(2026, 11, 26)
    assert ends(start, 4, "business_days", [thanksgiving]).date() == date(2026, 11, 27)
    assert ends(start, 6, "days", [thanksgiving]).date() == thanksgiving


def test_the_day_is_that_of_the_zone_one_is_in():
    late = moment("2026-11-20T23:30-05:00")
    assert ends(late, 2, "days").date() == date(2026, 11, 22)
    assert ends(late.astimezone(BERLIN), 2, "days").date() == date(2026, 11, 23)


aware = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - the zone is drawn
    max_value=datetime(2099, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, BERLIN, NEW_YORK]),
).map(lambda at: at.astimezone(UTC).astimezone(at.tzinfo))
counts = st.integers(1, 400)


@given(aware, counts)
def test_hours_are_hours_whatever_the_wall_says(start, count):
    due = ends(start, count, "hours")
    assert due.timestamp() - start.timestamp() == count * 3600
    assert due.tzinfo is start.tzinfo


@given(aware, counts)
def test_days_are_differences_of_ordinals(start, count):
    assert ends(start, count, "days").date().toordinal() == start.date().toordinal() + count
    assert ends(start, count, "days_after_year").date() - timedelta(days=count) == date(start.year, 12, 31)


@given(aware, st.integers(1, 60), st.sets(st.dates(date(2000, 1, 1), date(2099, 1, 1)), max_size=5))
def test_business_days_are_counted_again(start, count, holidays):
    due = ends(start, count, "business_days", holidays).date()
    between = [start.date() + timedelta(days=n) for n in range(1, (due - start.date()).days + 1)]
    assert sum(day.weekday() < 5 and day not in holidays for day in between) == count
    assert due.weekday() < 5
    assert due not in holidays


@given(aware, st.integers(1, 40))
def test_a_month_ends_on_its_day_or_the_last(start, count):
    due = ends(start, count, "months").date()
    assert (due.year - start.year) * 12 + due.month - start.month == count
    assert due.day == start.day or (due.day < start.day and (due + timedelta(days=1)).day == 1)


@given(aware, counts, st.sampled_from(UNITS))
def test_more_is_never_sooner_and_never_before_the_start(start, count, unit):
    assert start < ends(start, count, unit) <= ends(start, count + 1, unit)


@given(aware, aware)
def test_what_is_left_is_never_negative(due, now):
    words = left(due, now)
    assert "-" not in words
    assert words.endswith("left") == (due >= now)


def test_what_is_no_moment_is_told():
    for text, words in {
        "2026-11-20": "with the time of day",
        "tomorrow": "a moment such as",
        "": "a moment such as",
        "2026-11-20T09:30": "no time zone",
        "1889-11-20T09:30Z": "between 1990",
    }.items():
        with pytest.raises(InputError, match=words):
            moment(text)
    with pytest.raises(InputError, match="does not exist"):
        moment("2027-03-28T02:30", BERLIN)
    with pytest.raises(InputError, match="comes twice"):
        moment("2026-10-25T02:30", BERLIN)
    assert moment("2026-10-25T02:30+01:00", BERLIN).utcoffset() == timedelta(hours=1)
    assert moment(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=9)))).hour == 0
    with pytest.raises(InputError, match="Europe/Berlin"):
        zone_of("Europe/Berln")
    with pytest.raises(InputError, match="no time zone"):
        zone_of("../../etc/passwd")
