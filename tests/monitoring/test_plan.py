"""MonitorPlan: every mistake at once, with what to type."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.monitoring import monitor
from auditkit.monitoring.plan import LimitsPart, load_monitor_plan, span

spec = importlib.util.spec_from_file_location("monitoring_logs_made", Path(__file__).with_name("conftest.py"))
made_ = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made_)
PLAN, planned = made_.PLAN, made_.planned


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('score = "score"', 'scores = "score"'), "no key 'log.scores'. Did you mean 'score'?"),
        (('every = "week"', 'every = "weeks"'), "windows.every: input should be 'day', 'week' or 'month'; got 'weeks'. Did you mean 'week'?"),
        (("positive = 1\n", ""), "log.positive is missing"),
        (('time = "time"\n', ""), "log.time is missing"),
        (('file = "reference.parquet"', "first = 0"), "reference.first: input should be greater than or equal to 1; got 0"),
        (('file = "reference.parquet"', ""), "reference: give file"),
        (('every = "week"', 'every = "week"\nrows = 100'), "and not both"),
        (('every = "week"', 'every = "week"\nlabel_delay = "soon"'), "expected a length of time"),
        (('every = "week"', 'every = "week"\n[limits]\nfalse_alarms = "often"'), 'expected a rate such as "1 per year"'),
        (('every = "week"', 'every = "week"\n[limits]\ncharts = ["input"]'), "Did you mean 'inputs'?"),
        (('every = "week"', "rows = 100\n[limits]\nfalse_alarms = '1 per year'"), "say it by windows"),
        (('every = "week"', 'every = "week"\n[[release]]\nname = "v1"'), "release.1.from is missing, as in from = 2026-10-01"),
        (('every = "week"', 'every = "week"\n[[accepted]]\nuntil = 2026-01-01'), "accepted.1.why is missing: say why"),
        (('positive = 1', 'positive = 1\nzone = "Europe/Zurch"'), "Did you mean 'Europe/Zurich'?"),
        (('["age", "job"]', '["age", "score"]'), "'score' is named for two things"),
        (('[log]', '[log'), "not valid TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_to_type(tmp_path, change, said):
    with pytest.raises(InputError) as error:
        load_monitor_plan(planned(tmp_path, change))
    assert said in str(error.value)


def test_all_mistakes_are_told_at_once(tmp_path):
    path = planned(tmp_path, ('score = "score"', 'scores = "score"'), ('every = "week"', "min_rows = 3"))
    with pytest.raises(InputError) as error:
        load_monitor_plan(path)
    assert {"log.scores", "windows.min_rows"} <= {
        word
        for line in str(error.value).splitlines()
        for word in ("log.scores", "windows.min_rows")
        if word in line
    }


def test_all_columns_and_files_that_are_not_there_are_told_at_once_with_the_closest(place):
    plan = planned(place, ('"score"', '"scor"'), ('["sex"]', '["gender"]'), ('"age"', '"agee"'))
    with pytest.raises(InputError) as error:
        monitor(plan)
    said = str(error.value)
    assert "log.score: no column 'scor'" in said
    assert "Did you mean 'score'?" in said
    assert "log.sensitive[0]: no column 'gender'" in said
    assert "log.inputs[0]: no column 'agee' in" in said
    assert "reference.parquet" in said
    with pytest.raises(InputError, match=r"no file fits 'lag\.csv'"):
        monitor(planned(place, ("log.csv", "lag.csv")))
    with pytest.raises(InputError, match=r"reference\.file: no file"):
        monitor(planned(place, ("reference.parquet", "refrence.parquet")))


def test_a_plan_of_audits_is_told_as_one(tmp_path):
    (tmp_path / "plan.toml").write_text(
        '[[subject]]\nfile = "a.toml"\n[[template]]\nname = "bias"\n', "utf-8"
    )
    with pytest.raises(InputError, match="auditkit batch"):
        load_monitor_plan(tmp_path / "plan.toml")
    with pytest.raises(InputError, match="no plan at"):
        load_monitor_plan(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("words", "every", "rate"),
    [
        ("1 per year", "month", 1 / 12),
        ("1 per 370 windows", None, 1 / 370),
        ("2 per 5 years", "day", 2 / (5 * 365.25)),
        (0.01, "day", 0.01),
    ],
)
def test_a_rate_is_one_a_window(words, every, rate):
    assert LimitsPart(false_alarms=words).rate(every) == pytest.approx(rate)


def test_a_rate_that_is_too_high_for_a_limit_is_refused():
    with pytest.raises(ValueError, match=r"at most 0\.2"):
        LimitsPart(false_alarms="3 per week").rate("week")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=20))
def test_no_words_break_the_reading_of_a_length(words):
    try:
        found = span(words)
    except ValueError:
        return
    assert found >= 0
