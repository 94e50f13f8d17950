"""Times: zones, hours that come twice, and what is no time."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.monitoring.times import UNREAD, Calendar, read_times

ZURICH = ZoneInfo("Europe/Zurich")


def seconds(*moment, zone=dt.UTC):
    return int(dt.datetime(*moment, tzinfo=zone).timestamp())


def test_a_time_without_a_zone_is_in_the_one_of_the_plan_and_others_keep_theirs():
    column = pd.Series(["2026-07-01 12:00", "2026-07-01T12:00Z", "2026-07-01T12:00:00+05:30", "2026-07-01"])
    expected = [
        seconds(2026, 7, 1, 12, zone=ZURICH), seconds(2026, 7, 1, 12), seconds(2026, 7, 1, 6, 30), seconds(2026, 7, 1, zone=ZURICH),
    ]  # fmt: skip
    assert read_times(column, "Europe/Zurich").tolist() == expected


def test_of_an_hour_that_comes_twice_it_is_the_first_and_of_one_left_out_the_next():
    found = read_times(pd.Series(["2026-10-25 02:30", "2026-03-29 02:30"]), "Europe/Zurich")
    assert found.tolist() == [seconds(2026, 10, 25, 0, 30), seconds(2026, 3, 29, 1)]


def test_numbers_are_seconds_or_milliseconds_and_nonsense_is_no_time():
    column = pd.Series(
        [
            "1790000000",
            "1790000000123",
            "now",
            None,
            "-9e99",
            "2300-01-01",
            "1790000000.9",
            "20260701",
            "today",
        ]
    )
    expected = [1790000000, 1790000000, UNREAD, UNREAD, UNREAD, UNREAD, 1790000000, UNREAD, UNREAD]
    assert read_times(column, "UTC").tolist() == expected
    assert read_times(pd.Series([1.79e9, np.nan]), "UTC").tolist() == [1790000000, UNREAD]
    assert read_times(pd.to_datetime(pd.Series(["2026-07-01", None])), "UTC").tolist() == [
        seconds(2026, 7, 1),
        UNREAD,
    ]


@pytest.mark.parametrize("every", ["day", "week", "month"])
@settings(max_examples=40, deadline=None)
@given(at=st.integers(seconds(1995, 1, 1), seconds(2060, 1, 1)))
def test_every_time_lies_in_its_window(every, at):
    calendar = Calendar(every, "Europe/Zurich")
    key = int(calendar.keys(np.array([at]))[0])
    assert calendar.start(key) <= at < calendar.end(key) == calendar.start(key + 1)
    first = dt.datetime.fromtimestamp(calendar.start(key), ZURICH)
    assert first.time() == dt.time(0)
    assert {"day": True, "week": first.weekday() == 0, "month": first.day == 1}[every]


def test_a_day_on_which_clocks_turn_has_23_or_25_hours():
    calendar = Calendar("day", "Europe/Zurich")
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25)):
        key = int(calendar.keys(read_times(pd.Series([day]), "Europe/Zurich"))[0])
        assert (calendar.end(key) - calendar.start(key), calendar.label(key)) == (hours * 3600, day)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=30), st.none(), st.floats()), min_size=1, max_size=5))
def test_whatever_stands_there_is_a_time_or_none(values):
    found = read_times(pd.Series(values, dtype=object), "UTC")
    assert found.dtype == np.int64
    assert found.size == len(values)
