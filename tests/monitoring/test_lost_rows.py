"""Lost rows: what is in no window, was judged before, or cannot be watched at all is never a silent pass."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from auditkit.errors import InputError
from auditkit.monitoring import monitor

spec = importlib.util.spec_from_file_location("monitoring_logs_made", Path(__file__).with_name("conftest.py"))
made_ = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made_)
NOW, planned, without_time = made_.NOW, made_.planned, made_.without_time
END = dt.date(2026, 2, 9)


@pytest.fixture
def steady(place, made):
    """Return a folder whose log of five weeks is in control, and the log."""
    log = made[1].iloc[:1500].reset_index(drop=True)
    log.to_csv(place / "log.csv", index=False)
    return place, log


def reasons(record):
    return " | ".join(one["reason"] for one in record["undecided"])


def split(place, log, places, name="log-{}.csv"):
    (place / "log.csv").unlink(missing_ok=True)
    for i, at in enumerate(places):
        log.iloc[at].to_csv(place / name.format(i), index=False)
    return planned(place, ('"log.csv"', '"log-*.csv"'))


def test_numbers_in_names_of_files_are_read_by_their_size(steady):
    place, log = steady
    plan = split(place, log, [slice(at, at + 125) for at in range(0, 1500, 125)])
    record = monitor(plan, until=END, now=NOW).record
    assert (record["verdict"], record["log"]["not_used"]) == ("in_control", {})


def test_files_beside_each_other_are_undecided_until_time_is_given(steady):
    """A file for each server: all rows of the second come after those of the first."""
    place, log = steady
    plan = split(place, log, [slice(0, None, 2), slice(1, None, 2)])
    record = monitor(plan, until=END, now=NOW).record
    assert record["verdict"] == "undecided"
    assert "of 1,500 rows of the log too many are in no window: 600 after their window was closed" in reasons(record)  # fmt: skip
    first = next(one for one in record["charts"] if one["id"] == "accuracy")["points"][0]
    assert (first["state"], first["reason"][:40]) == (
        "not_judged",
        "150 of its 300 rows came after it was cl",
    )
    plan = planned(
        place, ('"log.csv"', '"log-*.csv"'), ('every = "week"', 'every = "week"\nlate = "6 weeks"')
    )
    record = monitor(plan, until=END, now=NOW).record
    assert (record["verdict"], record["log"]["not_used"]) == ("in_control", {})


@pytest.mark.parametrize(("broken", "verdict"), [(150, "undecided"), (15, "in_control")])
def test_times_that_cannot_be_read_are_no_pass_where_they_are_many(steady, broken, verdict):
    place, log = steady
    at = np.random.default_rng(1).choice(len(log), broken, replace=False)
    log.assign(time=log["time"].mask(log.index.isin(at), "broken")).to_csv(place / "log.csv", index=False)
    record = monitor(place / "plan.toml", until=END, now=NOW).record
    assert record["verdict"] == verdict
    assert record["log"]["not_used"] == {"without a time that can be read": broken}
    assert ("too many are in no window" in reasons(record)) == (verdict == "undecided")


def test_a_model_that_stops_answering_is_an_alarm(steady):
    place, log = steady
    silent = (log.index >= 1200) & (log.index % 20 == 0)
    log.assign(score=log["score"].mask(silent)).to_csv(place / "log.csv", index=False)
    record = monitor(place / "plan.toml", until=END, now=NOW).record
    assert {(one["chart"], one["window"]) for one in record["alarms"]} == {("unanswered", "2026-02-02")}


def test_labels_of_few_rows_decide_nothing_unless_the_plan_says_so(steady):
    place, log = steady
    log.assign(label=log["label"].where(log.index % 10 < 4)).to_csv(place / "log.csv", index=False)
    record = monitor(place / "plan.toml", until=END, now=NOW).record
    assert record["verdict"] == "undecided"
    assert "120 of 300 rows have a label, and those that come first may differ" in reasons(record)
    more = 'every = "week"\nmin_labelled = 0.3\nmin_group = 10'
    plan = planned(place, ('every = "week"', more))
    assert monitor(plan, until=END, now=NOW).verdict == "in_control"


def test_what_is_not_watched_is_refused_with_what_is(steady, made):
    place, _ = steady
    with pytest.raises(InputError, match="no label of the reference is 'yes'"):
        monitor(planned(place, ("positive = 1", 'positive = "yes"')), now=NOW)
    with pytest.raises(InputError, match=r"no key 'log\.task'.*Regression is not"):
        monitor(planned(place, ("positive = 1", 'positive = 1\ntask = "regression"')), now=NOW)
    with pytest.raises(InputError, match="how many windows at the beginning of the log, as in first = 8"):
        monitor(planned(place, ('file = "reference.parquet"', 'first = "30 days"')), now=NOW)
    made[0].assign(score=made[0]["age"] * 100 + 2).to_parquet(place / "reference.parquet")
    with pytest.raises(InputError, match=r"0 of 1,500 rows .* a number from 0 to 1.*\(regression\)"):
        monitor(planned(place), now=NOW)
    made[1].assign(score=made[1]["age"] * 100 + 2).to_csv(place / "log.csv", index=False)
    with pytest.raises(InputError, match=r"regression"):
        monitor(planned(place, ('file = "reference.parquet"', "first = 2")), now=NOW)


def test_two_runs_do_not_write_to_one_folder(steady):
    place, _ = steady
    out = place / "out"
    out.mkdir()
    with (
        FileLock(out / ".monitor.lock"),
        pytest.raises(InputError, match="another run of auditkit monitor writes to"),
    ):
        monitor(place / "plan.toml", out, now=NOW)
    assert monitor(place / "plan.toml", out, now=NOW).out == out


def test_files_that_are_kept_for_some_time_only_stay_counted(steady):
    place, log = steady
    plan = split(place, log, [slice(at, at + 300) for at in range(0, 900, 300)])
    monitor(plan, place / "out", now=NOW)
    log.iloc[900:].to_csv(place / "log-3.csv", index=False)
    whole = monitor(plan, now=NOW).record
    (place / "log-0.csv").unlink()
    found = monitor(plan, place / "out", now=NOW).record
    assert found["log"]["remarks"] == [
        "1 files that were read before are gone; what they held stays counted."
    ]
    assert without_time(found) == without_time(whole)
    again = monitor(plan, place / "out", now=NOW).record
    assert without_time(again) == without_time(whole)
    kept = {one.name: one.read_bytes() for one in (place / "out").glob("*.*")}
    plan = planned(place, ('"log.csv"', '"log-*.csv"'), ('["age", "job"]', '["age"]'))
    with pytest.raises(InputError, match=r"no longer holds 1 windows .*2026-01-05 to 2026-01-05"):
        monitor(plan, place / "out", now=NOW)
    assert {one.name: one.read_bytes() for one in (place / "out").glob("*.*")} == kept


def test_a_file_with_another_name_is_not_counted_twice(steady):
    place, log = steady
    plan = split(place, log, [slice(0, 300), slice(300, None)])
    monitor(plan, place / "out", now=NOW)
    (place / "log-0.csv").rename(place / "log-7.csv")  # now read last, and all of it late
    with pytest.raises(InputError, match="no longer holds 1 windows"):
        monitor(plan, place / "out", now=NOW)
    (place / "log-7.csv").rename(place / "log-00.csv")
    after = monitor(plan, place / "out", now=NOW).record
    assert after["log"]["rows"] == 1500
    assert "read from the start" in after["log"]["remarks"][0]


def test_a_log_that_was_cut_leaves_the_trend_as_it_was(steady):
    place, log = steady
    monitor(place / "plan.toml", place / "out", now=NOW)
    kept = {one.name: one.read_bytes() for one in (place / "out").glob("*.*")}
    log.iloc[900:].to_csv(place / "log.csv", index=False)
    with pytest.raises(InputError, match="their verdicts would be lost"):
        monitor(place / "plan.toml", place / "out", now=NOW)
    assert {one.name: one.read_bytes() for one in (place / "out").glob("*.*")} == kept


def test_rows_ahead_of_the_clock_are_counted_once_they_are_not(steady):
    place, log = steady
    log.loc[1490:, "time"] = "2026-03-20T00:00:00Z"
    log.to_csv(place / "log.csv", index=False)
    early, late = (dt.datetime(2026, month, 20, tzinfo=dt.UTC) for month in (2, 4))
    first = monitor(place / "plan.toml", place / "out", now=early).record
    assert first["log"]["not_used"] == {"from the future": 10}
    again = monitor(place / "plan.toml", place / "out", now=early).record
    assert again["log"]["remarks"] == first["log"]["remarks"] == []
    found = monitor(place / "plan.toml", place / "out", now=late).record
    assert "dated ahead of the clock no longer are" in found["log"]["remarks"][0]
    assert without_time(found) == without_time(monitor(place / "plan.toml", now=late).record)


def test_an_alarm_that_is_none_any_more_is_told(place, made):
    monitor(place / "plan.toml", place / "out", now=NOW)
    calm = pd.concat([made[1].iloc[:1500], made[1].iloc[:600].assign(time=made[1]["time"].iloc[1500:].to_numpy())])  # fmt: skip
    calm.to_csv(place / "log.csv", index=False)
    remarks = monitor(place / "plan.toml", place / "out", now=NOW).record["log"]["remarks"]
    assert "selection_rate_gap:sex in 2026-02-09" in " ".join(remarks)
    assert not any("Alarms of" in one for one in monitor(place / "plan.toml", place / "out", now=NOW).record["log"]["remarks"])  # fmt: skip


def test_alarms_answered_for_before_they_come_are_told(place):
    more = (
        made_.PLAN
        + """
[[accepted]]
until = {}
chart = "accuracy"
by = "R. Roe"
why = "ticket 12"
"""
    )
    told = "Alarms of accuracy to come are answered for in advance, up to 2027-01-01, by R. Roe: ticket 12"
    remarks = monitor(planned(place, text=more.format("2027-01-01")), now=NOW).record["log"]["remarks"]
    assert told in remarks
    page = monitor(place / "plan.toml", now=NOW).html()
    assert told in page
    remarks = monitor(planned(place, text=more.format("2026-02-15")), now=NOW).record["log"]["remarks"]
    assert not any("in advance" in one for one in remarks)
