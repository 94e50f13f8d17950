from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.batch.plan import load_plan
from auditkit.batch.schedule import FIRST, Schedule, period
from auditkit.batch.schema import read_plan_file
from auditkit.batch.starting import write_plan as write_first_plan
from auditkit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DAILY = Schedule(1, "days", time(2, 30))


@pytest.mark.parametrize(
    ("last", "now", "due", "missed"),
    [
        (None, "2026-11-03T12:00", True, 0),  # never ran
        ("2026-11-03T02:30", "2026-11-04T02:29", False, 0),
        ("2026-11-03T02:30", "2026-11-04T02:30", True, 0),
        ("2026-11-03T02:30:09", "2026-11-04T02:30:01", True, 0),  # less than a day later, and a slot between
        ("2026-11-03T14:00", "2026-11-04T02:31", True, 0),  # a late start moves no slot
        ("2026-11-03T02:31", "2026-11-10T09:00", True, 6),  # off for a week: one run, six slots without one
        ("2026-11-04T02:34", "2026-11-04T02:30", False, 0),  # the clock was set right
    ],
)
def test_a_plan_is_due_when_a_slot_lies_between_its_last_run_and_now(
    last: str | None, now: str, due: bool, missed: int
) -> None:
    said = DAILY.standing(None if last is None else utc(last), utc(now))
    assert (said.due, said.missed, said.back) == (due, missed, False)
    assert said.following > utc(now)


def test_a_last_run_that_is_dated_later_than_now_does_not_stop_the_plan_for_years() -> None:
    said = DAILY.standing(utc("2031-01-01T00:00"), utc("2026-11-04T12:00"))
    assert (said.due, said.back) == (True, True)
    # the run that followed is dated now, and all is as ever
    assert not DAILY.standing(utc("2026-11-04T12:00"), utc("2026-11-04T12:10")).due


def test_before_its_first_day_a_plan_is_not_due() -> None:
    later = Schedule(1, "days", since=date(2026, 12, 1))
    said = later.standing(None, utc("2026-11-30T23:59"))
    assert (said.due, said.slot, said.following) == (False, None, utc("2026-12-01T00:00"))
    assert later.standing(None, utc("2026-12-01T00:00")).due
    assert not later.standing(utc("2026-11-01T00:00"), utc("2026-11-30T23:59")).due


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        # 02:30 is left out on 29 March 2026, when clocks go from 02:00 to 03:00, and stands there twice on 25 October
        (Schedule(1, "days", time(2, 30), date(2026, 3, 28), "Europe/Zurich"),
         ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]),
        (Schedule(1, "days", time(2, 30), date(2026, 10, 24), "Europe/Zurich"),
         ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
        (Schedule(1, "weeks"), ["1970-01-05T00:00", "1970-01-12T00:00"]),
        (Schedule(1, "months", since=date(2027, 11, 30)),
         ["2027-11-30T00:00", "2027-12-30T00:00", "2028-01-30T00:00", "2028-02-29T00:00", "2028-03-30T00:00"]),
        (Schedule(3, "months", since=date(2026, 1, 1)), ["2026-01-01T00:00", "2026-04-01T00:00", "2026-07-01T00:00"]),
        (Schedule(90, "minutes", time(1), date(2026, 1, 1)), ["2026-01-01T01:00", "2026-01-01T02:30"]),
    ],
)  # fmt: skip
def test_moments_keep_the_calendar_of_their_zone(schedule: Schedule, expected: list[str]) -> None:
    assert [schedule.moment(i) for i in range(len(expected))] == [utc(one) for one in expected]


@given(
    st.builds(
        Schedule,
        st.integers(1, 40),
        st.sampled_from(["minutes", "hours", "days", "weeks", "months"]),
        at=st.times().map(lambda t: t.replace(microsecond=0)),
        since=st.dates(FIRST, date(2030, 1, 1)),
        zone=st.sampled_from(["UTC", "Europe/Zurich", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago"]),
    ),
    st.integers(0, 40 * 365 * 86_400).map(lambda s: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=s)),
)  # fmt: skip
def test_now_lies_from_one_moment_up_to_the_next(schedule: Schedule, now: datetime) -> None:
    here = schedule.index(now)
    assert schedule.moment(here + 1) > now
    if here >= 0:
        assert schedule.moment(here) <= now
        # who ran at that moment is not due before the next
        assert not schedule.standing(schedule.moment(here), now).due
        assert schedule.standing(schedule.moment(here), schedule.moment(here + 1)).due


@given(st.integers(1, 60), st.integers(0, 400), st.integers(0, 400))
def test_missed_slots_are_counted_as_by_hand(every: int, before: int, later: int) -> None:
    schedule, start = Schedule(every, "days"), datetime(2026, 1, 1, 12, tzinfo=UTC)
    last, now = start + timedelta(days=before), start + timedelta(days=before + later)
    day, passed = last.date() + timedelta(days=1), 0
    while day <= now.date():
        passed += (day - FIRST).days % every == 0
        day += timedelta(days=1)
    said = schedule.standing(last, now)
    assert (said.due, said.missed) == (passed > 0, max(0, passed - 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1d", (1, "days")), ("1 day", (1, "days")), ("12 hours", (12, "hours")), ("12h", (12, "hours")), ("2w", (2, "weeks")),
        ("30min", (30, "minutes")), ("1 minute", (1, "minutes")), ("3mo", (3, "months")), ("1 month", (1, "months")),
    ],
)  # fmt: skip
def test_a_period_is_a_number_and_a_unit(text: str, expected: tuple[int, str]) -> None:
    assert period(text) == expected


@given(st.text(max_size=12))
def test_any_other_text_is_refused_in_words(text: str) -> None:
    def said() -> str:
        try:
            count, unit = period(text)
        except ValueError as error:
            return str(error)
        return "read" if count > 0 and unit in ("minutes", "hours", "days", "weeks", "months") else ""

    assert said() == "read" or "expected a period" in said()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('[schedule]\nevry = "1d"', "no key 'schedule.evry'. Did you mean 'every'?"),
        ("[schedule]", 'schedule.every is missing: say how often, as in every = "1 day"'),
        ('[shedule]\nevery = "1d"', "no key 'shedule'. Did you mean 'schedule'?"),
        ('[schedule]\nevery = "1 dya"', "got '1 dya'. Did you mean 'day'?"),
        ('[schedule]\nevery = "0d"', "schedule.every: expected a period such as"),
        ("[schedule]\nevery = 7", "schedule.every: "),
        ('[schedule]\nevery = "1d"\nat = "2:30"', 'expected a time of day such as "02:30"; got \'2:30\''),
        ('[schedule]\nevery = "1d"\nat = "24:00"', "expected a time of day"),
        ('[schedule]\nevery = "1d"\nzone = "Europe/Zurick"', "got 'Europe/Zurick'. Did you mean 'Europe/Zurich'?"),
        ('[schedule]\nevery = "1d"\nzone = "../etc/passwd"', "expected the name of a time zone"),
        ('[schedule]\nevery = "1d"\nsince = 2026-01-01T10:00:00', "schedule.since: "),
        ('[schedule]\nevery = "1d"\nsince = 1960-01-01', "expected a day from 1970-01-05"),
        ('[schedule]\nevery = "1d"\nforce = "yes"', "schedule.force: "),
    ],
)  # fmt: skip
def test_a_mistake_in_a_schedule_is_told_with_its_key(write_plan: Any, said: str, words: str) -> None:
    with pytest.raises(InputError) as told:
        read_plan_file(write_plan(tail=said))
    assert words in str(told.value)


def test_a_plan_holds_its_schedule(write_plan: Any) -> None:
    said = '[schedule]\nevery = "1 week"\nat = "06:15"\nsince = 2026-11-02\nzone = "Asia/Tokyo"'
    plan = load_plan(write_plan(tail=said))
    assert plan.schedule == Schedule(1, "weeks", time(6, 15), date(2026, 11, 2), "Asia/Tokyo")
    assert load_plan(write_plan(tail='[schedule]\nevery = "1d"\nat = 06:15:00')).schedule == Schedule(
        1, "days", time(6, 15)
    )
    assert load_plan(write_plan()).schedule is None


def test_the_schedule_that_init_writes_is_one_without_its_marks(place: Path) -> None:
    written = write_first_plan(place / "first.toml")
    assert read_plan_file(written).schedule is None
    lines = written.read_text().splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("# [schedule]"))
    while lines[start].startswith("# "):
        lines[start] = lines[start].removeprefix("# ")
        start += 1
    written.write_text("\n".join(lines))
    part = read_plan_file(written).schedule
    assert part is not None
    assert part.schedule() == Schedule(1, "days", time(2, 30), zone="Europe/Zurich")
