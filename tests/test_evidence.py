"""Evidence: numbers that can be doubted, and their way through JSON."""

from __future__ import annotations

import datetime as dt
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.evidence import Evidence, Interval, Measurement, Table, from_json_number, json_number, jsonable

ANY = st.floats()
CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@st.composite
def intervals(draw):
    low, high = sorted((draw(st.floats(allow_nan=False)), draw(st.floats(allow_nan=False))))
    return Interval(low, high, draw(st.floats(0.01, 0.99)), draw(st.text()))


@st.composite
def measurements(draw):
    return Measurement(
        draw(st.text()), draw(ANY), draw(st.integers(0, 10**9)), draw(st.none() | intervals()), draw(st.none() | st.text()),
        draw(st.sampled_from([None, "lower", "upper"])), draw(st.none() | st.floats(0, 1)), draw(st.none() | st.text()),
        draw(st.none() | st.integers(0, 10**6)),
    )  # fmt: skip


@st.composite
def tables(draw):
    n = draw(st.integers(0, 4))
    names = draw(st.lists(st.text(), unique=True, max_size=3))
    cells = [draw(st.sampled_from([ANY, st.integers(), st.text(), st.booleans(), CELLS])) for _ in names]
    columns = {
        name: tuple(draw(st.lists(cell, min_size=n, max_size=n)))
        for name, cell in zip(names, cells, strict=True)
    }
    return Table(
        draw(st.text()),
        columns,
        summary=draw(st.text()),
        reference=draw(st.none() | st.floats(allow_nan=False)),
    )


@given(measurements())
def test_measurements_read_back(m):
    text = json.dumps(m.to_dict(), allow_nan=False)
    again = Measurement.from_dict(json.loads(text))
    assert again == m or math.isnan(m.value)
    assert json.dumps(again.to_dict(), allow_nan=False) == text


@given(
    st.lists(measurements(), max_size=3),
    st.dictionaries(st.text(), tables(), max_size=2),
    st.dictionaries(st.text(), CELLS, max_size=3),
)
def test_evidence_reads_back(found, shown, params):
    evidence = Evidence(
        "XX001",
        tuple(found),
        shown,
        params,
        says="s",
        notes=("a", "b"),
        rows={"used": 3},
        cost={"model_calls": 1},
        seed="0/1",
    )
    text = json.dumps(evidence.to_dict(), allow_nan=False)
    again = Evidence.from_dict(json.loads(text))
    assert json.dumps(again.to_dict(), allow_nan=False) == text


@given(ANY)
def test_every_float_has_a_place_in_json(value):
    again = from_json_number(json.loads(json.dumps(json_number(value), allow_nan=False)))
    assert again == value or (math.isnan(again) and math.isnan(value))


def test_numpy_scalars_become_plain():
    m = Measurement(
        "m",
        np.float32(0.5),
        np.int64(3),
        Interval(np.float64(0), np.float64(1), 0.9, "t"),
        np.str_("g"),
        p_value=np.float64(0.2),
    )
    assert [type(v) for v in (m.value, m.n, m.interval.low, m.p_value)] == [float, int, float, float]
    table = Table(
        "t",
        {
            "a": np.array([1, 2]),
            "b": np.array(["x", "y"]),
            "c": [dt.date(2020, 1, 2), np.datetime64("2020-01-02")],
        },
    )
    assert table.columns == {"a": (1, 2), "b": ("x", "y"), "c": ("2020-01-02", "2020-01-02")}
    assert jsonable({1: (np.int64(2), {"x": np.bool_(True)}, math.inf)}) == {
        "1": [2, {"x": True}, "Infinity"]
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Interval(1, 0, 0.95, "t"), "ends of an interval are in order"),
        (lambda: Interval(0, 1, 95, "t"), "level of an interval"),
        (lambda: Interval("low", 1, 0.9, "t"), "low must be a number"),
        (lambda: Measurement("m", 1, 1, p_value=2), "p-value lies between"),
        (lambda: Measurement("m", "x", 1), "value must be a number"),
        (lambda: Measurement("m", 1, None), "n must be a number"),
        (lambda: Measurement("m", 1, 1, bound="both"), "bound is"),
        (lambda: Measurement("m", 1, 1, interval=(0, 1)), "takes an Interval"),
        (lambda: Evidence("x", outcome="ok"), "no outcome named"),
        (lambda: Table("t", {"a": (1,), "b": ()}), "one length"),
        (lambda: Table("t", {"label": ()}, "estimates"), "needs the columns"),
    ],
)
def test_impossible_values_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_an_unbounded_or_undefined_interval_is_possible():
    assert Interval(-math.inf, math.inf, 0.95, "t").high == math.inf
    assert math.isnan(Interval(math.nan, 1, 0.95, "t").low)
    assert Measurement("m", 1, 1, p_value=math.nan).p_value is None


def test_measurements_are_found_by_metric_and_group():
    evidence = Evidence(
        "XX001",
        (Measurement("m", 1, 1, group="a"), Measurement("m", 2, 1, group="b"), Measurement("k", 3, 1)),
    )
    assert evidence.measurement("m", "b").value == 2
    assert evidence.measurement("k").value == 3
    with pytest.raises(InputError, match=r"2 measurements of 'm' for group None; have: k, m \(a\), m \(b\)"):
        evidence.measurement("m")
    with pytest.raises(InputError, match="0 measurements"):
        evidence.measurement("m", "c")


def test_frames():
    evidence = Evidence("XX001", (Measurement("m", 1, 5, Interval(0, 2, 0.9, "t")),))
    frame = evidence.frame()
    assert frame.loc[0, ["metric", "value", "n", "low", "high", "level", "method"]].tolist() == [
        "m",
        1,
        5,
        0,
        2,
        0.9,
        "t",
    ]
    bare = Evidence("XX001", (Measurement("m", float("nan"), 5, reason="caf\udce9"),)).frame().loc[0]
    assert np.isnan(bare[["value", "low", "high", "level"]].astype(float)).all()
    assert (bare["method"], bare["reason"]) == ("", "caf\\udce9")  # pandas refuses half characters
    assert Table("t", {"caf\udce9": ("\udce9", None)}).frame().iloc[0].tolist() == ["\\udce9"]
    assert list(Evidence("XX001").frame().columns) == list(frame.columns)
    assert Table("t", {"a": (1, 2)}).frame()["a"].tolist() == [1, 2]


def test_words_and_numbers_are_told_apart_when_read():
    columns = {"w": ("a", None), "x": (1.5, math.nan), "i": (1, 2), "b": (True, None), "inf": (math.inf, 0.0)}
    again = Table.from_dict(json.loads(json.dumps(Table("t", columns).to_dict()))).columns
    assert again["w"] == ("a", None)
    assert again["x"][0] == 1.5
    assert math.isnan(again["x"][1])
    assert again["i"] == (1, 2)
    assert again["b"] == (True, None)
    assert again["inf"] == (math.inf, 0.0)


def test_evidence_and_tables_are_a_line_in_a_notebook():
    table = Table("Rates", {"group": tuple("abc") * 100, "rate": (0.1,) * 300})
    assert repr(table) == "Table('Rates': 300 rows of group, rate; .frame() to read them)"
    seen = Evidence("AK101", tuple(Measurement("m", 0.5, 9) for _ in range(50)), {"rates": table})
    assert repr(seen) == (
        "Evidence(AK101: 50 measurements; tables: 'rates'; .says in words, .frame() for the numbers, .tables[...].frame())"
    )
    gone = Evidence("AK101", outcome="not_applicable", reason="no sensitive feature")
    assert repr(gone) == "Evidence(AK101: not_applicable: no sensitive feature)"
    assert repr(Table("Empty", {})) == "Table('Empty': 0 rows of no columns; .frame() to read them)"
