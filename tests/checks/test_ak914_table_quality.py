"""AK914: planted mistakes are found with their counts, clean tables of many laws are quiet, and differential missingness holds its false-alarm rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit
from auditkit.checks.tables import table_quality
from auditkit.data import load_adult
from auditkit.errors import InputError
from auditkit.loading import load_target
from auditkit.loading.tables import read_table
from auditkit.scanning.tables.quality import profile
from auditkit.scanning.tables.schema import draft_schema, rules_broken
from auditkit.targets.table import Table

TODAY = pd.Timestamp("2024-06-01", tz="UTC")


def observe(table, as_of="2024-06-01", **options):
    return table_quality(table, rng=np.random.default_rng(0), as_of=as_of, **options)


def found(values):
    return {(one.kind, one.rows) for one in profile("x", pd.Series(values), TODAY).found}


def ages(n=500, seed=0):
    return np.random.default_rng(seed).integers(18, 70, n)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ([*ages(), *[999] * 30], ("code", 30)),
        ([*ages(), *[-1] * 20], ("code", 20)),
        ([*ages().astype(str), *["?"] * 7], ("word", 7)),
        ([*ages().astype(str), *["n/a", " unknown "] * 4], ("word", 8)),
        ([*ages() * 1.0, np.inf], ("infinite", 1)),
        ([*ages().astype(str)], ("number as text", 500)),
        ([*ages().astype(str), *["ten"] * 6], ("mixed", 6)),
        (["a"] * 90 + [4] * 3, ("mixed", 3)),
        (["Male"] * 50 + ["male "] * 4 + ["Female"] * 50, ("twin", 4)),
        (pd.to_datetime(["2024-05-31"] * 9 + ["2031-01-01"] * 2), ("future", 2)),
        (["2024-05-31"] * 9 + ["2031-01-01"] * 2, ("future", 2)),
        ([*np.random.default_rng(1).normal(172, 8, 500), *np.random.default_rng(2).normal(1.72, 0.08, 20)], ("unit", 20)),
        ([*np.random.default_rng(1).normal(70, 8, 500), *np.random.default_rng(2).normal(70000, 8000, 9)], ("unit", 9)),
    ],
)  # fmt: skip
def test_what_is_hardly_meant_is_found_with_its_count(values, what):
    assert what in found(values)


@pytest.mark.parametrize(
    "values",
    [
        ["04785", "00123", "05157"] * 40,  # names of places, not numbers
        [-1, 0, 1] * 50,
        [1, 2, 3, 4, 9] * 30,
        list("abc") * 30,
        [*range(100)] * 5,  # 99 is as frequent as its neighbours
        pd.Series([True, False] * 20),
        [None] * 20,
    ],
)
def test_what_may_well_be_meant_is_let_be(values):
    assert found(values) == set()


def test_columns_of_usual_laws_are_seldom_called_implausible():
    rng = np.random.default_rng(5)
    laws = [
        lambda n: rng.normal(3, 1, n).round(), lambda n: rng.poisson(4, n), lambda n: rng.lognormal(3, 1, n),
        lambda n: rng.exponential(30, n).round(), lambda n: rng.integers(0, 100, n), lambda n: np.minimum(rng.geometric(0.02, n), 120),
        lambda n: rng.pareto(2, n) + 1, lambda n: rng.gamma(2, 9, n), lambda n: rng.normal(0, 40, n).round(),
    ]  # fmt: skip
    alarms = sum(bool(found(law(n))) for law in laws for n in (60, 400, 2000) for _ in range(12))
    assert alarms <= 3  # of 324


def test_a_table_with_planted_faults():
    rng = np.random.default_rng(0)
    n = 2000
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], n),
            "income": rng.normal(size=n),
            "grade": rng.choice(["low", "mid", "high"], n),
            "version": 1,
            "flag": ["no"] * (n - 3) + ["yes"] * 3,
        }
    )
    frame["grade_code"] = frame["grade"].map({"low": 1, "mid": 2, "high": 3})
    frame.loc[rng.random(n) < np.where(frame["sex"] == "f", 0.30, 0.10), "income"] = np.nan
    frame = pd.concat([frame, frame.iloc[:50]], ignore_index=True)
    evidence = observe(Table("t", frame, sensitive=["sex"]))
    gap = evidence.measurement("missing_share_difference", "income by sex")
    assert gap.interval.low < 0.20 < gap.interval.high
    assert gap.interval.low > 0.1
    assert gap.reason.endswith("of sex=m")
    assert evidence.measurement("missing_share", "income").value == frame["income"].isna().mean()
    assert evidence.measurement("duplicate_record_share").value == frame.duplicated().mean() >= 50 / 2050
    for metric, value in (
        ("constant_columns", 1),
        ("near_constant_columns", 1),
        ("redundant_columns", 1),
        ("implausible_columns", 0),
    ):
        assert evidence.measurement(metric).value == value, metric
    said = dict(zip(*(evidence.tables["columns"].columns[name] for name in ("column", "said")), strict=True))
    assert said["grade_code"] == "says what grade says"
    assert "income by sex" in evidence.says


def test_missingness_alike_in_all_groups_is_called_different_no_more_often_than_said():
    alarms = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(
            {
                "g": rng.choice(list("abc"), 300, p=[0.6, 0.3, 0.1]),
                "x": np.where(rng.random(300) < 0.1, np.nan, 1.0),
            }
        )
        gap = observe(Table("t", frame, sensitive=["g"])).measurement("missing_share_difference", "x by g")
        alarms += gap.interval.low > 0
    assert alarms <= 13  # 6 expected; 14 or more have a chance of 0.2%


def test_words_for_missing_are_missing():
    frame = pd.DataFrame({"a": ["x", "?", None, "N/A", "y", "x"], "b": [1, 2, 3, 4, 5, None]})
    evidence = observe(Table("t", frame))
    assert evidence.measurement("missing_share", "a").value == 3 / 6
    assert evidence.measurement("complete_record_share").value == 2 / 6
    assert evidence.measurement("implausible_share", "a: word").value == 2 / 6


def test_known_things_of_adult_are_found():
    train, _ = load_adult()
    evidence = observe(Table("adult", train.X, sensitive=["sex"]))
    codes = dict(
        zip(*(evidence.tables["implausible"].columns[name] for name in ("column", "told")), strict=True)
    )
    assert codes == {"capital_gain": "99999", "hours_per_week": "99"}
    assert evidence.measurement("redundant_columns").value == 1  # education and education_num
    assert (
        evidence.measurement("implausible_share", "capital_gain: code").value
        == (train.X["capital_gain"] == 99999).mean()
    )
    assert evidence.measurement("missing_share", "occupation").value == 1843 / 32561


def test_lists_which_parquet_holds_are_taken(tmp_path):
    frame = pd.DataFrame(
        {"tags": [["a"], ["a", "b"], None, ["a"]] * 60, "x": np.arange(240.0), "y": ["u", "v"] * 120}
    )
    frame.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.toml").write_text('kind = "table"\npath = "t.parquet"\ntarget = "y"\n')
    names = ["table_quality", "table_label_noise", "table_leakage", "table_poisoning"]
    report = Audit({name: {} for name in names}).run(load_target(tmp_path / "t.toml"))
    assert [one.reason for one in report.evidence if one.outcome == "error"] == []
    assert report.of("AK914").measurement("missing_share", "tags").value == 0.25


def test_long_lists_are_told_apart_and_a_schema_is_drafted_of_them(tmp_path):
    lists = [[0] * 1500 + [i] + [0] * 1500 for i in range(6)]
    pd.DataFrame({"l": lists, "s": [{"k": i} for i in range(6)]}).to_parquet(tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet")
    evidence = observe(Table("t", frame, schema=draft_schema(frame)))
    assert evidence.measurement("duplicate_record_share").value == 0
    assert rules_broken(frame, draft_schema(frame)) == ()


def test_a_day_that_is_none_is_told():
    with pytest.raises(InputError, match="expected a day as 2024-01-31"):
        table_quality(Table("t", pd.DataFrame({"a": [1, 2]})), rng=np.random.default_rng(0), as_of="soon")


def test_a_table_of_odd_values_is_no_error():
    odd = pd.DataFrame(
        {
            "a": [1, "x", None, b"y"],
            "b": pd.to_timedelta([1, 2, None, 3], unit="h"),
            "c": [1 + 2j, 0j, 1j, 2],
        }
    )
    report = Audit(["table_quality"]).run(Table("odd", odd))
    assert report.evidence[0].outcome == "observed", report.evidence[0].reason


@pytest.mark.parametrize(
    "words",
    [
        ["2024-01-31", "2024-02-01"],
        ["2024-01-31T23:59:59", "2024-02-01T00:00:00"],
        ["31.1.2024", "1.2.2024"],
        pd.to_datetime(["2024-01-31 23:59", "2024-02-01 00:00"]),
        pd.to_datetime(["2024-01-31 23:59", "2024-02-01 00:00"]).tz_localize("UTC").tz_convert("Asia/Tokyo"),
    ],
)
def test_the_day_after_the_last_is_the_future_and_the_report_says_which_day(words):
    last, next_ = (Table("t", pd.DataFrame({"d": [word] * 5})) for word in words)
    assert observe(last, as_of="2024-01-31").measurement("implausible_columns").value == 0
    late = observe(next_, as_of="2024-01-31")
    assert late.measurement("implausible_share", "d: future").value == 1
    assert late.tables["implausible"].columns["told"] == ("after 2024-01-31",)
    assert "Dates count as future after 2024-01-31." in late.notes


def test_the_day_of_the_run_is_told_where_there_are_dates_alone():
    now = pd.Timestamp.now(tz="UTC")
    frame = pd.DataFrame({"d": [now.date().isoformat()] * 5, "x": range(5)})
    (note,) = observe(Table("t", frame), as_of=None).notes
    day = pd.Timestamp(note.split('"')[1], tz="UTC")
    assert pd.Timedelta(0) <= day - now.normalize() <= pd.Timedelta(days=2)
    assert observe(Table("t", frame), as_of=day.date().isoformat()).notes == (note.split(";")[0] + ".",)
    assert observe(Table("t", frame[["x"]]), as_of=None).notes == ()


def test_numbers_with_a_decimal_comma_are_numbers_kept_as_text():
    assert found(["3,5", "1.250,00", "-7", None] * 20) == {("number as text", 60)}
    assert found(["3,5", "4,5 or so", "b, c"] * 20) == set()


def test_columns_that_say_the_same_are_found_at_once_among_many():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.integers(0, 9, (200, 300))).astype(str).add_prefix("c")
    frame["again"] = frame["c7"].map({str(i): i * i for i in range(9)})
    frame.loc[3, ["c8", "c9"]] = None
    frame["gaps"] = frame["c8"].map({str(i): f"n{i}" for i in range(9)})
    frame["no"] = frame["c9"].fillna("0")
    evidence = observe(Table("t", frame))
    assert evidence.measurement("redundant_columns").value == 2
