"""AK913: each kind of rule is found broken with its count, a table that holds its schema is quiet, and a draft holds what it was drafted from."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import Audit
from auditkit.errors import InputError
from auditkit.loading import load_policy, load_target
from auditkit.loading.table_parts import read_schema, schema_text
from auditkit.scanning.tables.schema import ColumnRule, Schema, draft_schema, rules_broken
from auditkit.targets.table import Table

SCHEMA = Schema(
    {
        "id": ColumnRule("integer", unique=True),
        "age": ColumnRule("integer", 0, 120, missing=False),
        "sex": ColumnRule("category", categories=("f", "m")),
        "code": ColumnRule("text", pattern="[A-Z]{2}[0-9]{2}"),
        "since": ColumnRule("date", "2020-01-01", "2024-12-31"),
        "vip": ColumnRule("boolean"),
        "score": ColumnRule("number"),
        "gone": ColumnRule("number"),
        "maybe": ColumnRule("number", optional=True),
    },
    keys=(("sex", "code"),),
    closed=True,
)


def good(n=40):
    return pd.DataFrame(
        {
            "id": range(n),
            "age": [float(20 + i) for i in range(n)],
            "sex": ["f", "m"] * (n // 2),
            "code": [f"AB{i:02d}" for i in range(n)],
            "since": ["2021-05-04"] * n,
            "vip": ["yes", "no"] * (n // 2),
            "score": np.arange(n) / 7,
            "gone": 1,
        }
    )


def test_a_table_that_holds_its_schema_is_quiet():
    report = Audit(["table_schema"], load_policy(None)).run(Table("good", good(), schema=SCHEMA))
    evidence = report.of("AK913")
    assert evidence.measurement("schema_rules_broken").value == 0
    assert report.verdict == "pass"


def test_each_rule_is_found_broken_with_its_count():
    frame = good().drop(columns="gone").astype({"vip": object, "code": object, "score": object})
    frame.loc[0, "id"] = 1  # one value twice
    frame.loc[:2, "age"] = [150.0, np.nan, 20.5]  # out of range, missing, not whole
    frame.loc[3, "sex"] = "x"
    frame.loc[[5, 7], "code"] = (
        "AB09"  # as record 9 has it, of the same sex: two keys again; of the right form
    )
    frame.loc[6, "code"] = "A6\nAB06"
    frame.loc[:1, "since"] = ["2019-12-31", "yesterday"]
    frame.loc[4, "vip"] = "perhaps"
    frame.loc[:4, "score"] = "high"
    frame["more"] = 1
    found = {(one.column, one.rule): one.rows for one in rules_broken(frame, SCHEMA)}
    assert found == {
        ("id", "unique"): 1,
        ("age", "type"): 1,
        ("age", "range"): 1,
        ("age", "missing"): 1,
        ("sex", "categories"): 1,
        ("code", "pattern"): 1,
        ("since", "type"): 1,
        ("since", "range"): 1,
        ("vip", "type"): 1,
        ("score", "type"): 5,
        ("gone", "present"): 40,
        ("sex × code", "key"): 2,
        ("more", "closed"): 40,
    }
    report = Audit(["table_schema"], load_policy(None)).run(Table("bad", frame, schema=SCHEMA))
    assert report.of("AK913").measurement("schema_rules_broken").value == 13
    assert report.of("AK913").measurement("schema_broken_share", "score: type").value == 5 / 40
    assert report.of("AK913").measurement("schema_columns_undescribed").value == 1
    assert report.verdict == "fail"
    assert "yesterday" not in json.dumps(report.to_dict())


def test_without_a_schema_it_says_how_to_draft_one():
    report = Audit(["table_schema"]).run(Table("t", good()))
    assert "--draft-schema" in report.of("AK913").reason


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(min_size=1, max_size=5),
            st.lists(st.one_of(st.none(), st.text(max_size=4), st.floats(allow_nan=False, allow_infinity=False), st.booleans()), min_size=3, max_size=3),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda one: one[0],
    )
)  # fmt: skip
def test_a_draft_is_held_by_what_it_was_drafted_from_also_read_back(tmp_path_factory, columns):
    words = [
        (
            name.encode("utf-8", "replace").decode(),
            [v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for v in values],
        )
        for name, values in columns
    ]
    frame = pd.DataFrame(dict(words))
    schema = draft_schema(frame)
    assert rules_broken(frame, schema) == ()
    file = tmp_path_factory.mktemp("drafts") / "s.toml"
    file.write_text(schema_text(schema), encoding="utf-8")
    again = read_schema(file)
    assert rules_broken(frame, again) == ()
    assert {name: one.categories for name, one in again.columns.items()} == {
        name: one.categories for name, one in schema.columns.items()
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "columns is missing"),
        ("[columns.a]\ntype = 'integr'", "Did you mean 'integer'"),
        ("[columns.a]\ntype = 'integer'\nminimum = 3\nmaximum = 2", "minimum 3 lies above maximum 2"),
        ("[columns.a]\ntype = 'text'\nminimum = 3", "a range is for"),
        ("[columns.a]\ntype = 'date'\nminimum = 'soon'", "expected a date"),
        ("[columns.a]\npattern = '('", "no pattern that RE2 reads"),
        ("keys = [['b']]\n[columns.a]\ntype = 'text'", "no column 'b'"),
    ],
)
def test_a_schema_with_a_mistake_is_told(tmp_path, text, told):
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(InputError, match=told):
        read_schema(tmp_path / "s.toml")


def test_a_subject_file_names_its_schema_and_the_report_its_digest(tmp_path):
    good().to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "s.toml").write_text(schema_text(draft_schema(good())))
    (tmp_path / "t.toml").write_text('kind = "table"\npath = "t.csv"\nschema = "s.toml"\n')
    table = load_target(tmp_path / "t.toml")
    assert len(table.describe()["parts"]["schema"]) == 64
    assert Audit(["table_schema"]).run(table).of("AK913").measurement("schema_rules_broken").value == 0


@pytest.mark.parametrize("end", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_an_end_of_a_range_that_is_no_number_is_refused(end):
    with pytest.raises(InputError, match="expected a number as an end of the range"):
        Schema({"a": ColumnRule("number", end)})


def test_a_number_of_thousands_of_digits_is_refused(tmp_path):
    (tmp_path / "s.toml").write_text(f'[columns.a]\ntype = "integer"\nminimum = 1{"0" * 5000}\n')
    with pytest.raises(InputError, match="not valid TOML"):
        read_schema(tmp_path / "s.toml")


def test_a_pattern_does_not_step_out_of_the_whole_value():
    with pytest.raises(InputError, match="no pattern that RE2 reads"):
        Schema({"a": ColumnRule(pattern="a))|(?:(?:b")})
    both = Schema({"a": ColumnRule(pattern="a|b")})
    assert [one.rows for one in rules_broken(pd.DataFrame({"a": ["a", "b", "ab", "xb"]}), both)] == [2]


def test_a_key_of_which_a_part_is_missing_is_no_key_that_comes_twice():
    schema = Schema({"a": ColumnRule(), "b": ColumnRule()}, (("a", "b"),))
    frame = pd.DataFrame({"a": [None, None, "x", "x"], "b": [1, 1, 2, None]})
    assert rules_broken(frame, schema) == ()
    frame.loc[3, "b"] = 2
    assert [(one.rule, one.rows) for one in rules_broken(frame, schema)] == [("key", 1)]
    with pytest.raises(InputError, match="got an empty one"):
        Schema({"a": ColumnRule()}, ((),))


@pytest.mark.parametrize("dtype", [object, "str", "category"])
def test_dates_are_the_same_dates_whatever_holds_them(dtype):
    said = ["2024-01-31", "2024-01-31T10:00+02:00", "31.1.2024", "2024-01-31 10:00:00.5", None]
    rule = Schema({"d": ColumnRule("date", "2024-01-31", "2024-02-01")})
    assert rules_broken(pd.DataFrame({"d": pd.Series(said, dtype=dtype)}), rule) == ()
    odd = ["1/2/2024", "2024-13-01", "soon", "31.2.2024", "12", None]
    (broken,) = rules_broken(pd.DataFrame({"d": pd.Series(odd, dtype=dtype)}), rule)
    assert (broken.rule, broken.rows) == ("type", 5)


def test_numbers_are_dates_only_as_year_month_and_day():
    rule = Schema({"d": ColumnRule("date")})
    assert rules_broken(pd.DataFrame({"d": [20240131, 20231231]}), rule) == ()
    assert rules_broken(pd.DataFrame({"d": [20240131.0, None]}), rule) == ()
    assert [one.rows for one in rules_broken(pd.DataFrame({"d": [1, 2024, 20241301]}), rule)] == [3]
