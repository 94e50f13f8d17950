"""Counting: the numbers are those of the whole table, in whatever blocks, form and order of runs it is read."""

from __future__ import annotations

import importlib.util
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from auditkit.monitoring import logs, monitor

spec = importlib.util.spec_from_file_location("monitoring_logs_made", Path(__file__).with_name("conftest.py"))
made_ = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made_)
NOW, people, planned, weeks, without_time = (
    made_.NOW,
    made_.people,
    made_.planned,
    made_.weeks,
    made_.without_time,
)


def points(record, chart, key="value"):
    return {
        one["window"]: one.get(key)
        for item in record["charts"] if item["id"] == chart for one in item["points"] if one["state"] != "waiting"
    }  # fmt: skip


def test_every_value_is_that_of_a_plain_calculation_on_the_whole_table(place, made):
    record = monitor(place / "plan.toml", now=NOW).record
    log = made[1].assign(week=pd.to_datetime(made[1]["time"]).dt.tz_localize(None).dt.to_period("W-SUN"))
    log["said"] = (log["score"] >= 0.5).astype(int)
    seen = 0
    for week, part in list(log.groupby("week"))[:-1]:
        name, y, p = f"{week.start_time:%Y-%m-%d}", part["label"], part["score"]
        assert points(record, "selection_rate")[name] == part["said"].mean()
        assert points(record, "accuracy")[name] == (part["said"] == y).mean()
        assert points(record, "label_rate")[name] == y.mean()
        held = p.clip(1e-3, 1 - 1e-3)
        loss = -np.where(y == 1, np.log(held), np.log(1 - held)).mean()
        assert points(record, "log_loss")[name] == pytest.approx(loss, abs=1e-6)
        assert points(record, "calibration")[name] == pytest.approx((y - p).mean(), abs=1e-6)
        error = points(record, "auc", "detail")[name]["binning_error"]
        assert abs(points(record, "auc")[name] - roc_auc_score(y, p)) <= error < 0.002
        rates = part.groupby("sex")["said"].mean()
        assert points(record, "selection_rate_gap:sex")[name] == pytest.approx(rates["f"] - rates["m"])
        rates = part[y == 1].groupby("sex")["said"].mean()
        assert points(record, "true_positive_rate_gap:sex")[name] == pytest.approx(rates["f"] - rates["m"])
        seen += 1
    assert seen == 6


@pytest.mark.parametrize("block", [12_000, 50_000])
def test_neither_blocks_nor_forms_change_a_number(place, made, monkeypatch, block):
    whole = without_time(monitor(place / "plan.toml", now=NOW).record)
    monkeypatch.setattr(logs, "BLOCK", block)
    monkeypatch.setattr(logs, "ROWS", block // 100)
    assert without_time(monitor(place / "plan.toml", now=NOW).record) == whole
    if block > 20_000:
        return
    made[1].to_json(place / "log.jsonl", orient="records", lines=True)
    made[1].to_parquet(place / "log.parquet")
    made[1].assign(time=pd.to_datetime(made[1]["time"])).to_parquet(place / "times.parquet")
    for name in ("log.jsonl", "log.parquet", "times.parquet"):
        planned(place, ('"log.csv"', f'"{name}"'))
        assert without_time(monitor(place / "plan.toml", now=NOW).record) == whole, name


@pytest.mark.parametrize("word", ["NA", "None"])
def test_words_for_missing_are_values_where_the_reference_has_them(place, made, word):
    """NA is a country; what a CSV says of it is what Parquet says."""
    named = [one.assign(job=one["job"].replace("a", word)) for one in made]
    named[0].to_parquet(place / "reference.parquet")
    found = []
    for name in ("log.csv", "log.parquet", "log.jsonl"):
        {"csv": lambda at: named[1].to_csv(at, index=False), "parquet": named[1].to_parquet,
         "jsonl": lambda at: named[1].to_json(at, orient="records", lines=True)}[name.split(".")[1]](place / name)  # fmt: skip
        found.append(without_time(monitor(planned(place, ('"log.csv"', f'"{name}"')), now=NOW).record))
    assert found[0] == found[1] == found[2]
    job = next(one for one in found[0]["charts"] if one["id"] == "input:job")
    assert [one["state"] for one in job["points"]] == ["in_control"] * 6 + ["waiting"]


def test_words_for_missing_are_missing_where_it_has_not(place, made):
    log = made[1].astype(object)
    log.loc[:9, "label"], log.loc[:4, "job"] = "NA", "null"
    for name in ("log.csv", "log.parquet"):
        log.astype(str).to_parquet(place / name) if name.endswith("t") else log.to_csv(
            place / name, index=False
        )
        record = monitor(planned(place, ('"log.csv"', f'"{name}"')), now=NOW).record
        assert record["windows"][0]["labelled"] == 290
        assert points(record, "missing")["2026-01-05"] == 5 / 300


def test_a_log_that_grew_is_gone_on_with_and_gives_the_numbers_of_one_reading(place, made, monkeypatch):
    text = (place / "log.csv").read_bytes()
    ends = [text.index(b"\n", at) + 1 for at in (len(text) // 3, len(text) // 2)]
    read = []
    usual = logs.read_blocks

    def noted(file, wanted, start=0, **how):
        if Path(file).name == "log.csv":
            read.append(start)
        return usual(file, wanted, start, **how)

    monkeypatch.setattr("auditkit.monitoring.counting.read_blocks", noted)
    for end in (*ends, len(text)):
        (place / "log.csv").write_bytes(text[:end])
        found = monitor(place / "plan.toml", place / "out", now=NOW)
    assert read == [0, *ends]
    assert without_time(found.record) == without_time(monitor(place / "plan.toml", now=NOW).record)
    again = monitor(place / "plan.toml", place / "out", now=NOW)
    assert read[-1] == len(text)
    assert without_time(again.record) == without_time(found.record)


def test_a_line_that_is_still_being_written_is_left_for_the_next_reading(place):
    text = (place / "log.csv").read_bytes()
    (place / "log.csv").write_bytes(text[:-5])
    found = monitor(place / "plan.toml", place / "out", now=NOW).record
    assert found["log"]["rows"] == 2099
    assert "the last line has no end" in found["log"]["remarks"][0]
    (place / "log.csv").write_bytes(text)
    assert monitor(place / "plan.toml", place / "out", now=NOW).record["log"]["rows"] == 2100


def test_what_is_in_no_chart_is_told(place, made):
    log = made[1].copy()
    log["score"] = log["score"].astype(object)
    log.loc[[3, 4], "score"] = ["high", 1.5]
    log.loc[[5, 6, 7], "sex"] = ["x", "x", None]
    log.to_csv(place / "log.csv", index=False)
    said = monitor(place / "plan.toml", now=NOW).record["log"]
    assert said["not_used"] == {"without a score from 0 to 1, and so in no chart of scores": 2}
    assert said["remarks"] == [
        "2 rows are of a group that the reference does not name of sex: they are in no comparison of groups.",
        "1 rows have no value of sex: they are in no comparison of groups.",
    ]


def test_quotes_hold_a_line_end_and_one_left_open_keeps_nobody_waiting(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    path.write_text('a,b\n1,"two\nlines"\n2,x\n' * 1 + '3,"y ""z"""\n' * 400, "utf-8")
    monkeypatch.setattr(logs, "BLOCK", 50)
    blocks = list(logs.read_blocks(path, ["a", "b"]))
    assert sum(len(one.frame) for one in blocks) == 402
    assert blocks[0].frame["b"].iloc[0] == "two\nlines"
    assert blocks[-1].end == path.stat().st_size
    path.write_text('a,b\n1,"left open\n' + "2,x\n" * 50_000, "utf-8")
    monkeypatch.setattr(logs, "BLOCK", 2**20)
    assert list(logs.read_blocks(path, ["a"])) == []
    assert logs.unfinished(path, 4)


def test_json_lines_may_have_a_label_later_than_the_rest(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"a": 1}\n{"a": 2, "label": 1}\nno json\n[1]\n{"a": {"b": 1}}\n', "utf-8")
    assert logs.names_of(path) == ["a", "label"]
    (block,) = logs.read_blocks(path, ["a", "label"])
    assert block.unread == 2
    assert block.frame["label"].tolist() == [None, 1, None]
    assert block.frame["a"].tolist() == [1, 2, '{"b": 1}']


def _changed_log(place):
    text = (place / "log.csv").read_bytes()
    (place / "log.csv").write_bytes(text.replace(b",f,", b",m,", 1))
    return "was changed before the place"


def _shorter_log(place):
    text = (place / "log.csv").read_bytes()
    (place / "log.csv").write_bytes(text[: text.index(b"\n", len(text) - 5000) + 1])
    return "is another than when it was read"


def _changed_state(place):
    state = (place / "out" / "state.json").read_text()
    (place / "out" / "state.json").write_text(state.replace('"rows":300', '"rows":301', 1))
    return "damaged or was changed"


def _changed_plan(place):
    planned(place, ('["age", "job"]', '["age"]'))
    return "the plan counts otherwise"


def _another_reference(place):
    people(np.random.default_rng(9), 900).to_parquet(place / "reference.parquet")
    return "its reference is another"


@pytest.mark.parametrize(
    "change", [_changed_log, _shorter_log, _changed_state, _changed_plan, _another_reference]
)
def test_what_is_no_longer_what_was_read_is_read_from_the_start_and_said(place, change):
    monitor(place / "plan.toml", place / "out", now=NOW)
    why = change(place)
    found = monitor(place / "plan.toml", place / "out", now=NOW)
    assert why in found.record["log"]["remarks"][0]
    assert without_time(found.record) == without_time(monitor(place / "plan.toml", now=NOW).record)


def test_limits_may_change_without_reading_again(place):
    monitor(place / "plan.toml", place / "out", now=NOW)
    planned(place, ('every = "week"', 'every = "week"\nmin_rows = 400'))
    found = monitor(place / "plan.toml", place / "out", now=NOW)
    assert not any("from the start" in one for one in found.record["log"]["remarks"])
    assert set(points(found.record, "accuracy", "state").values()) == {"not_judged"}
    assert set(points(found.record, "accuracy", "n_needed").values()) == {400}


def test_rows_out_of_order_fall_into_their_windows_and_those_too_late_are_told(place, made):
    log = made[1]
    usual = monitor(place / "plan.toml", now=NOW).record
    rng = np.random.default_rng(0)
    seconds = (pd.to_datetime(log["time"]) - pd.Timestamp("2026-01-01", tz="UTC")).dt.total_seconds()
    log.iloc[np.argsort(seconds + rng.random(len(log)) * 86_400)].to_csv(place / "log.csv", index=False)
    planned(place, ('every = "week"', 'every = "week"\nlate = "1 day"'))
    found = monitor(place / "plan.toml", until=pd.Timestamp("2026-02-16").date(), now=NOW).record
    assert found["log"]["not_used"] == {}
    assert points(found, "accuracy") == points(usual, "accuracy")
    late = log.iloc[[10, 20]]
    pd.concat([log, late]).to_csv(place / "log.csv", index=False)
    found = monitor(place / "plan.toml", now=NOW).record
    assert found["log"]["not_used"] == {"after their window was closed": 2}
    assert found["windows"][0]["late"] == 2
    assert points(found, "accuracy")["2026-01-05"] == points(usual, "accuracy")["2026-01-05"]


def test_rows_whose_time_cannot_be_are_counted_and_told(place, made):
    log = made[1].copy()
    log.loc[[5, 6, 7], "time"] = ["yesterday", "", "2099-01-01"]
    log.to_csv(place / "log.csv", index=False)
    record = monitor(place / "plan.toml", now=NOW).record
    assert record["log"]["not_used"] == {"without a time that can be read": 2, "from the future": 1}
    assert record["windows"][0]["rows"] == 297


def test_windows_by_rows_are_filled_in_the_order_of_the_file(place, made):
    plan = planned(place, ('every = "week"', "rows = 500"), ('time = "time"\n', ""))
    record = monitor(plan, now=NOW).record
    assert [one["rows"] for one in record["windows"]] == [500, 500, 500, 500, 100]
    assert [one["state"] for one in record["windows"]] == ["judged"] * 4 + ["open"]
    said = (made[1]["score"] >= 0.5)[500:1000].mean()
    assert points(record, "selection_rate")["rows 501 on"] == said


def test_files_of_a_log_are_read_one_after_the_other_and_a_new_one_is_gone_on_with(place, made):
    parts = [made[1].iloc[at : at + 700] for at in (0, 700, 1400)]
    for i in (0, 1):
        parts[i].to_parquet(place / f"log-{i}.parquet")
    plan = planned(place, ('"log.csv"', '"log-*.parquet"'))
    monitor(plan, place / "out", now=NOW)
    parts[2].to_parquet(place / "log-2.parquet")
    found = monitor(plan, place / "out", now=NOW)
    assert found.record["log"]["remarks"] == []
    assert without_time(found.record) == without_time(monitor(plan, now=NOW).record)


def _peak(folder, rows, weeks_):
    rng = np.random.default_rng(1)
    with (folder / "log.csv").open("w", newline="") as file:
        for week in range(weeks_):
            part = people(rng, rows // weeks_)
            start = pd.Timestamp("2026-01-05", tz="UTC") + pd.Timedelta(weeks=week)
            part["time"] = start.isoformat()
            part.to_csv(file, index=False, header=not week)
    tracemalloc.start()
    record = monitor(folder / "plan.toml", now=NOW).record
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert record["log"]["rows"] == rows
    return peak


def test_memory_does_not_grow_with_the_rows(place, monkeypatch):
    monkeypatch.setattr(logs, "BLOCK", 40_000)
    few, many = (_peak(place, rows, 2) for rows in (2_000, 12_000))
    assert many < 1.3 * few + 2**20


@pytest.mark.slow
def test_two_million_rows_take_less_than_200_megabytes(place):
    assert _peak(place, 2_000_000, 20) < 200 * 2**20
