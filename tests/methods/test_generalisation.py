"""Generalisation: no class below k, ranges that hold their records, losses by hand, and no record lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.methods.anonymity import k_anonymity
from auditkit.methods.days import days_of
from auditkit.methods.equivalence import equivalence_classes
from auditkit.methods.generalisation import mondrian

BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine has other work

TABLES = st.integers(2, 60).flatmap(
    lambda n: st.tuples(
        st.lists(st.one_of(st.integers(0, 9), st.just(float("nan"))), min_size=n, max_size=n),
        st.lists(st.sampled_from(["f", "m", "x", None]), min_size=n, max_size=n),
        st.integers(2, n),
    )
)


@BUSY
@given(TABLES)
def test_what_is_passed_on_is_k_anonymous_by_a_second_way(table):
    age, sex, k = table
    found = mondrian({"age": age, "sex": sex}, k)
    # counted anew from the words that are passed on
    passed_on = {name: found.words(name).tolist() for name in ("age", "sex")}
    assert k_anonymity(equivalence_classes(passed_on)).k >= k
    assert found.sizes.min() >= k
    assert found.sizes.sum() == len(age)
    assert 0 <= found.loss <= 1


@BUSY
@given(TABLES)
def test_every_record_lies_in_its_range(table):
    age, sex, k = table
    found = mondrian({"age": age, "sex": sex}, k)
    for name, axis in found.axes.items():
        low, high = found.low[name][found.classes], found.high[name][found.classes]
        assert ((low <= axis.codes) & (axis.codes <= high)).all()


def test_penalty_and_discernibility_by_hand():
    found = mondrian({"age": [20, 30, 60, 80]}, 2)
    # classes 20 to 30 and 60 to 80 of a width of 60: two records lose 10/60, two lose 20/60
    assert found.loss == pytest.approx((2 * 10 / 60 + 2 * 20 / 60) / 4)
    assert found.discernibility == 2 * 2 + 2 * 2
    assert found.words("age").tolist() == ["20 to 30", "20 to 30", "60 to 80", "60 to 80"]


def test_everybody_alike_loses_nothing_and_everybody_in_one_class_loses_all():
    assert mondrian({"age": [7] * 6}, 6).loss == 0
    whole = mondrian({"age": [1, 2, 3], "sex": ["f", "m", "x"]}, 3)
    assert whole.loss == 1
    assert set(whole.words("sex")) == {"any"}


def test_a_larger_k_loses_more():
    rng = np.random.default_rng(0)
    columns = {"age": rng.integers(18, 90, 500), "place": rng.choice(list("abcdefgh"), 500)}
    losses = [mondrian(columns, k).loss for k in (2, 5, 25, 250)]
    assert losses == sorted(losses)
    assert losses[0] < 0.15 < losses[-1]


def test_missing_values_are_told_beside_others_and_stay_missing_alone():
    assert mondrian({"age": [1.0, np.nan]}, 2).words("age").tolist() == ["1 or missing"] * 2
    alone = mondrian({"age": [1.0, 1.0, np.nan, np.nan]}, 2).words("age")
    assert alone.tolist() == [1, 1, None, None]


def test_missing_beside_others_gives_all_up_and_missing_alone_nothing():
    mixed = [5, 5, 5, 5, None]
    assert mondrian({"a": mixed}, 2).penalty("a") == 1
    assert mondrian({"a": ["y", "y", None]}, 2).penalty("a") == 1
    # three records in "1 or missing", two in "3 to 4" of a width of 3, by hand
    found = mondrian({"a": [None, 1, 1, 3, 4]}, 2)
    assert found.words("a").tolist() == ["1 or missing"] * 3 + ["3 to 4"] * 2
    assert found.penalty("a") == pytest.approx((3 * 1 + 2 * (1 / 3)) / 5)
    assert mondrian({"a": [5, 5, None, None]}, 2).penalty("a") == 0
    assert mondrian({"a": [None] * 4}, 2).penalty("a") == 0


def test_numbers_written_as_text_are_ordered_as_numbers_and_words_by_letters():
    found = mondrian({"a": ["9", "10", "100", "11"]}, 2)
    assert found.axes["a"].values.tolist() == ["9", "10", "11", "100"]
    assert found.words("a").tolist() == ["9 | 10", "9 | 10", "11 | 100", "11 | 100"]
    assert mondrian({"a": ["007", "7", None, "-1.5", "02"]}, 2).axes["a"].values.tolist() == [
        "-1.5",
        "02",
        "007",
        "7",
    ]
    assert mondrian({"a": ["b9", "b10", "b10", None]}, 2).axes["a"].values.tolist() == ["b10", "b9"]
    assert mondrian({"a": [None, None]}, 2).words("a").tolist() == [None, None]


def test_numbers_of_one_length_with_zeros_before_are_ranges():
    found = mondrian({"plz": ["05157", "04785", "89073", "04999", None, "89075", "10115", "05157"]}, 2)
    assert found.words("plz").tolist() == [
        "05157", "04785 to 04999 or missing", "10115 to 89075", "04785 to 04999 or missing", "04785 to 04999 or missing", "10115 to 89075",
        "10115 to 89075", "05157",
    ]  # fmt: skip
    # of two lengths they stay a list
    assert mondrian({"a": ["007", "07", "007", "07"]}, 4).words("a").tolist() == ["any"] * 4
    assert mondrian({"a": ["0" * 39 + "7", "1" * 40]}, 2).words("a").tolist() == ["any"] * 2


def test_ordered_categories_keep_their_order_and_dates_are_taken():
    sizes = pd.Series(pd.Categorical(["S", "L", "M", "S"], categories=["S", "M", "L"], ordered=True))
    found = mondrian({"size": sizes}, 2)
    assert found.words("size").tolist() == ["S", "M | L", "M | L", "S"]
    dates = pd.Series(pd.to_datetime(["2001-01-01", "2001-01-02", "2003-01-01", "2003-02-01"]))
    assert mondrian({"born": dates}, 2).words("born")[0] == "2001-01-01 to 2001-01-02"


@pytest.mark.parametrize("write", ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m-%d-%Y", "%Y/%m/%d 10:30", None])
def test_dates_are_ranges_however_they_are_written(write):
    days = pd.Series(pd.to_datetime(["1950-01-31", "1950-02-03", "1990-03-01", "1990-12-31"]))
    found = mondrian({"born": days if write is None else days.dt.strftime(write)}, 2)
    assert found.words("born").tolist() == ["1950-01-31 to 1950-02-03"] * 2 + ["1990-03-01 to 1990-12-31"] * 2
    # 40 years with their 10 leap days lead to the last of January 1990, and 334 days of that year are left
    whole = 40 * 365 + 10 + 334
    assert found.penalty("born") == pytest.approx((3 + 305) / 2 / whole)


@BUSY
@given(
    st.lists(st.dates(), min_size=1, max_size=9),
    st.sampled_from([("{2}.{1}.{0:04}"), "{0:04}-{1}-{2}", "{0:04}/{1:02}/{2:02}"]),
)
def test_days_are_read_back(days, form):
    assert days_of([form.format(day.year, day.month, day.day) for day in days]) == [
        day.toordinal() for day in days
    ]


@BUSY
@given(
    st.lists(
        st.one_of(st.text(max_size=20), st.from_regex(r"\A\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\Z")), max_size=4
    )
)
def test_any_text_is_survived(words):
    found = days_of(words)
    assert found is None or len(found) == len(words)


@pytest.mark.parametrize(
    "words",
    [
        ["1/2/1970", "3/4/1970"],
        ["30.2.1970"],
        ["1970-01-01", "x"],
        ["1.2.70"],
        [],
        ["1/2-1970"],
        ["13/13/1970"],
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_text(words):
    assert days_of(words) is None


@pytest.mark.parametrize(
    ("columns", "k", "told"),
    [
        ({"a": [1, 2]}, 1, "k must be at least 2"),
        ({"a": [1, 2]}, 3, "2 records cannot make a class of 3"),
        ({}, 2, "name at least one column"),
        ({"a": [1, 2], "b": [1]}, 2, "one length"),
        ({"a": [1.0, float("inf")]}, 2, "infinite"),
    ],
)
def test_what_cannot_be_generalised_is_told(columns, k, told):
    with pytest.raises(InputError, match=told):
        mondrian(columns, k)
