"""Judging: what is an alarm, what waits, what is not judged, and which model answered."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import auditkit as ak
from auditkit.errors import InputError
from auditkit.monitoring import monitor

spec = importlib.util.spec_from_file_location("monitoring_logs_made", Path(__file__).with_name("conftest.py"))
made_ = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made_)
NOW, PLAN, people, planned, weeks = made_.NOW, made_.PLAN, made_.people, made_.planned, made_.weeks


def watch(place, *changes, more="", **given):
    return monitor(
        planned(place, *changes, text=PLAN + more) if changes or more else place / "plan.toml",
        now=NOW,
        **given,
    )


def states(record, chart):
    return [one["state"] for item in record["charts"] if item["id"] == chart for one in item["points"]]


def log_of(place, made, rows):
    made[1].iloc[:rows].to_csv(place / "log.csv", index=False)


def test_a_change_against_a_group_is_an_alarm_in_its_week_and_none_before(place):
    """From the sixth week on scores of women are lower by 1.2 on the logit; what comes true is as before."""
    found = watch(place)
    assert found.verdict == "alarm"
    gap = next(one for one in found.record["alarms"] if one["chart"] == "selection_rate_gap:sex")
    assert gap["window"] == "2026-02-09"
    assert "f less m: −0." in gap["says"]
    assert gap["does_not_say"].startswith("That the model treats a group worse than it should")
    before = [one for one in found.record["alarms"] if one["window"] < "2026-02-09"]
    assert before == []
    point = next(c for c in found.record["charts"] if c["id"] == "selection_rate_gap:sex")["points"][5]
    assert point["value"] < point["limit_low"] < point["reference"] < point["limit_high"]
    assert point["low"] <= point["value"] <= point["high"]
    assert point["detail"]["first"] == "f"


def test_a_chart_is_drawn_by_its_name_and_a_frame_has_every_point(place):
    found = watch(place)
    figure = found.plot("auc")
    assert [trace.name for trace in figure.data if trace.name == "window"] == ["window"]
    with pytest.raises(InputError, match="Did you mean 'selection_rate'"):
        found.plot("selection_rat")
    assert repr(found).startswith("Watched(credit: alarm, ")
    assert set(found.frame()["state"]) == {"in_control", "alarm", "waiting"}


def test_a_drift_too_small_for_a_week_is_found_by_the_recent_weeks(tmp_path):
    """Scores of women fall by 0.45 on the logit: no week of 300 shows it alone, some weeks together do."""
    rng = np.random.default_rng(12)
    people(rng, 6000).to_parquet(tmp_path / "reference.parquet")
    weeks(rng, 21, 300, since=5, against=0.45).to_csv(tmp_path / "log.csv", index=False)
    plan = planned(
        tmp_path,
        ('every = "week"', 'every = "week"\n[limits]\ncharts = ["fairness"]\nfalse_alarms = "1 per year"'),
    )
    alarms = [
        one for one in monitor(plan, now=NOW).record["alarms"] if one["chart"] == "selection_rate_gap:sex"
    ]
    ways = {how for one in alarms for how in one["how"]}
    assert "slow" in ways
    assert min(one["window"] for one in alarms if "slow" in one["how"]) >= "2026-02-09"
    assert sum("slow" in one["how"] for one in alarms) > sum("sudden" in one["how"] for one in alarms)


def test_a_log_in_control_is_so(place, made):
    log_of(place, made, 1501)
    found = watch(place)
    assert (found.verdict, found.record["alarms"], found.record["undecided"]) == ("in_control", [], [])
    assert states(found.record, "auc") == ["in_control"] * 5 + ["waiting"]


def test_a_point_is_an_alarm_exactly_where_it_lies_beyond_its_limits(place):
    record = watch(place, ('every = "week"', 'every = "week"\n[limits]\nfalse_alarms = 0.2')).record
    seen = 0
    for chart in record["charts"]:
        for one in chart["points"]:
            if one["state"] in ("alarm", "in_control"):
                assert ("sudden" in one["alarms"]) == (
                    not one["limit_low"] <= one["value"] <= one["limit_high"]
                )
                seen += 1
                if recent := one.get("recent"):
                    beyond = not recent["limit_low"] <= recent["value"] <= recent["limit_high"]
                    assert ("slow" in one["alarms"]) == beyond
    assert seen == 6 * len(record["charts"])


def test_the_rate_is_said_by_time_and_shared_by_all_tests(place):
    limits = watch(place, ('every = "week"', 'every = "week"\n[limits]\nfalse_alarms = "1 per year"')).record[
        "limits"
    ]
    assert limits["rate_per_window"] == pytest.approx(7 / 365.25)
    assert limits["tests"] == 2 * 15
    assert limits["rate_per_test"] == pytest.approx(7 / 365.25 / 30)
    assert limits["rate_under_nine_of_ten_references"] > limits["rate_per_window"]


def test_too_few_rows_are_no_pass(place, made):
    log_of(place, made, 601)
    found = watch(place, ('every = "week"', 'every = "day"'))
    assert found.verdict == "undecided"
    assert {one["reason"] for one in found.record["undecided"] if one["chart"] == "accuracy"} == {
        f"{found.record['windows'][-2]['rows']} rows; at least 100 are needed"
    }
    assert "not_judged" in states(found.record, "score")


def test_labels_are_waited_for_and_without_any_nothing_is_decided_by_them(place, made):
    log_of(place, made, 1501)
    found = watch(place, ('every = "week"', 'every = "week"\nlabel_delay = "2 weeks"'))
    assert found.verdict == "in_control"
    assert states(found.record, "accuracy") == ["in_control"] * 3 + ["waiting"] * 3
    assert states(found.record, "selection_rate") == ["in_control"] * 5 + ["waiting"]
    made[1].iloc[:1501].assign(label=None).to_csv(place / "log.csv", index=False)
    found = watch(place, ('every = "week"', 'every = "week"\nlabel_delay = "2 weeks"'))
    assert found.verdict == "undecided"
    (reason,) = {one["reason"] for one in found.record["undecided"] if one["chart"] == "auc"}
    assert reason.startswith("0 of 300 rows have a label")


def test_a_week_without_rows_is_told_and_a_silent_log_too(place, made):
    log = made[1].iloc[:1501]
    log[(log["time"] < "2026-01-19") | (log["time"] >= "2026-01-26")].to_csv(place / "log.csv", index=False)
    found = watch(place, ("positive = 1", 'positive = 1\nsilent_after = "3 days"'))
    assert found.record["windows"][2]["state"] == "empty"
    assert found.record["charts"][0]["points"][2]["reason"] == "no rows"
    assert found.verdict == "undecided"
    assert "the log is silent" in found.record["undecided"][0]["reason"]


def test_a_log_that_is_complete_is_judged_to_its_end(place, made):
    log_of(place, made, 1500)
    assert states(watch(place).record, "score")[-1] == "waiting"
    assert states(watch(place, until=dt.date(2026, 2, 9)).record, "score")[-1] == "in_control"


def test_alarms_that_somebody_answered_for_stay_and_decide_nothing(place):
    answered = '[[accepted]]\nuntil = 2026-02-09\nby = "R. Roe"\nwhy = "a new form, ticket 12"\n'
    found = watch(place, more=answered)
    assert found.verdict == "in_control"
    assert {one["accepted"]["by"] for one in found.record["alarms"]} == {"R. Roe"}
    other = watch(place, more=answered.replace("by =", 'chart = "score"\nby ='))
    assert other.verdict == "alarm"
    earlier = watch(place, more=answered.replace("02-09", "02-08"))
    assert earlier.verdict == "alarm"


def test_the_first_windows_can_be_the_reference_and_then_rows_are_counted_too(place, made):
    found = watch(place, ('file = "reference.parquet"', "first = 5")).record
    assert [one["state"] for one in found["windows"]] == ["reference"] * 5 + ["judged", "open"]
    assert found["reference"]["rows"] == [1500]
    assert states(found, "volume") == ["reference"] * 5 + ["in_control", "waiting"]
    by_hand = made[1].iloc[:1500]
    point = next(c for c in found["charts"] if c["id"] == "label_rate")["points"][5]
    assert point["reference"] == by_hand["label"].mean()
    assert "selection_rate_gap:sex" in {one["chart"] for one in found["alarms"]}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Return the reports of two audits: one that passes its gate, and one that does not."""
    folder = tmp_path_factory.mktemp("reports")
    subject = ak.data.make_credit(seed=0)
    for name, limit in (("good", 0.1), ("bad", 0.999)):
        criterion = ak.Criterion("accuracy", at_least=limit)
        ak.Audit(["AK001"], criteria=[criterion]).run(subject, seed=0).save(folder / f"{name}.json")
    return folder


def test_each_window_says_which_model_answered_and_what_speaks_for_it(place, reports):
    more = f"""
[[release]]
name = "v1"
from = 2026-01-12
report = "{reports / "good.json"}"
approved_by = "R. Roe"
[[release]]
name = "v2"
from = 2026-02-02
report = "{reports / "bad.json"}"
"""
    record = watch(place, more=more).record
    assert [one["release"] for one in record["windows"]] == [None, "v1", "v1", "v1", "v2", "v2", "v2"]
    digest = json.loads((reports / "good.json").read_text())["subject"]["model"]["digest"]
    assert [one["digest"] for one in record["releases"]] == [digest, digest]
    first, second = record["releases"]
    assert (first["verdict"], first["problems"], first["approved"]) == (
        "pass",
        [],
        ["R. Roe (by the word of the plan)"],
    )
    assert second["problems"] == ["its gate did not pass: fail", "nobody approved it"]
    page = monitor(place / "plan.toml", now=NOW).html()
    said = "v2: nobody approved it; it answered in 3 windows, 2026-02-02 to 2026-02-16."
    assert page.index(said) < page.index('aria-label="Alarms"')  # beside the verdict
    assert "Which model answered in 2026-01-05 to 2026-01-05 the plan does not say." in page


def test_with_a_reference_of_its_own_charts_begin_anew_at_a_release(place, made):
    people(np.random.default_rng(8), 1500, against=1.2).to_parquet(place / "new.parquet")
    more = '[[release]]\nname = "v2"\nfrom = 2026-02-09\nreference = "new.parquet"\n'
    found = watch(place, more=more)
    assert found.record["alarms"] == []
    assert [one["reference"] for one in found.record["windows"]] == [0] * 5 + [1, 1]
    assert "recent" not in found.record["charts"][0]["points"][5]
    found = watch(place, more=more.replace("02-09", "02-11"))
    assert [one["state"] for one in found.record["windows"]][5] == "two models"


@pytest.mark.needs("securesystemslib", "evidence")
def test_a_reviewers_signature_approves_a_model_if_its_key_is_given_and_nothing_differs(
    place, reports, tmp_path
):
    from auditkit import packing

    for name in ("author", "reviewer"):
        packing.keygen(tmp_path / "keys" / name)
    pack = tmp_path / "pack"
    packing.make(reports / "good.json", pack)
    for name in ("author", "reviewer"):
        packing.sign(pack, key=tmp_path / "keys" / f"{name}.key", role=name, name=name.title())
    keys = [f"{tmp_path / 'keys' / name}.pub" for name in ("author", "reviewer")]
    more = f'[[release]]\nfrom = 2026-01-05\npack = "{pack}"\nkeys = {keys}\n'
    (one,) = watch(place, more=more).record["releases"]
    assert (one["verdict"], one["problems"]) == ("pass", [])
    assert one["approved"][0].startswith("Reviewer (a reviewer's signature that was verified, dated 20")
    (one,) = watch(place, more=more.replace(f"keys = {keys}\n", "")).record["releases"]
    assert one["approved"] == []
    assert any("anyone may have signed" in problem for problem in one["problems"])
    public = next(path for path in (pack / "public").iterdir() if path.suffix == ".json")
    public.write_text(public.read_text().replace("pass", "fail", 1))
    (one,) = watch(place, more=more).record["releases"]
    assert one["approved"] == []
    assert any(problem.startswith("the pack: public/") for problem in one["problems"])


def test_what_cannot_be_read_of_a_release_is_told_before_any_work(place):
    with pytest.raises(InputError, match=r"release\.1: no report at"):
        watch(place, more='[[release]]\nfrom = 2026-01-12\nreport = "none.json"\n')


def test_rows_that_resemble_each_other_are_worth_less(place):
    usual, less = (
        watch(place, ('every = "week"', f'every = "week"\n[limits]\ndesign_effect = {worth}')).record
        for worth in (1.0, 2.5)
    )
    for chart in ("selection_rate", "auc", "score", "log_loss"):
        (a, b) = (next(c for c in one["charts"] if c["id"] == chart)["points"][3] for one in (usual, less))
        assert b["value"] == pytest.approx(a["value"], abs=1e-9) or chart == "score"
        assert b["limit_high"] - b["limit_low"] > 1.4 * (a["limit_high"] - a["limit_low"])


def in_control(rng, folder, windows, rows, reference, rate):
    """Return how many windows alarm in a log without a change, and how many there are."""
    people(rng, reference).to_parquet(folder / "reference.parquet")
    start = pd.Timestamp("2025-01-01", tz="UTC")
    parts = [people(rng, rows).assign(time=start + pd.Timedelta(days=day)) for day in range(windows + 1)]
    pd.concat(parts).to_parquet(folder / "log.parquet")
    plan = planned(
        folder,
        ("log.csv", "log.parquet"),
        ('every = "week"', f'every = "day"\n[limits]\nfalse_alarms = {rate}'),
    )
    record = monitor(plan, now=NOW).record
    return len({one["window"] for one in record["alarms"]}), windows


@pytest.mark.parametrize("reference", [500, 20_000])
def test_a_log_without_a_change_alarms_no_more_often_than_said(tmp_path, reference):
    rng = np.random.default_rng(reference)
    counts = [in_control(rng, tmp_path, 30, 150, reference, 0.1) for _ in range(2)]
    alarms, windows = map(sum, zip(*counts, strict=True))
    assert alarms <= 0.1 * windows + 3 * np.sqrt(0.1 * windows)


@pytest.mark.slow
@pytest.mark.parametrize("reference", [500, 20_000])
def test_over_thousands_of_windows_the_rate_holds(tmp_path, reference):
    """References are drawn anew each time: the rate is that on average over them."""
    rng = np.random.default_rng(reference + 1)
    counts = [in_control(rng, tmp_path, 60, 200, reference, 0.05) for _ in range(30)]
    alarms, windows = map(sum, zip(*counts, strict=True))
    assert 0.2 * 0.05 * windows <= alarms <= 0.05 * windows + 3 * np.sqrt(0.05 * windows)
