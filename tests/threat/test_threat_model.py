"""The threat model: what a draft reads from data, what an analyst changes, and what it then allows."""

from __future__ import annotations

import pickle
import tomllib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditkit as ak
from auditkit import ThreatModel
from auditkit.errors import InputError
from auditkit.predictors import from_callable
from auditkit.threat.coding import matches


def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [20, 35, 50, 65],
            "income": [1.5, 2.5, 10.0, 4.0],
            "school": ["basic", "high", "high", "college"],
            "years": [8, 12, 12, 16],
            "size": pd.Categorical(["S", "M", "L", "M"], categories=["S", "M", "L"], ordered=True),
            "job_a": [1, 0, 0, 1],
            "job_b": [0, 1, 0, 0],
            "job_c": [0, 0, 1, 0],
            "flag": [True, False, True, True],
        }
    )


def of(threat: ThreatModel, name: str):
    return next(one for one in threat.features if one.name == name)


def bad(threat: ThreatModel, **changes) -> list[bool]:
    rows = people()
    return threat.violations(rows, rows.assign(**changes)).to_numpy().any(axis=1).tolist()


# --- the draft


def test_a_draft_reads_ranges_grids_categories_orders_and_blocks():
    threat = ThreatModel.draft(people())
    assert [one.name for one in threat.features] == [
        "age", "income", "school", "years", "size", "job_a × job_b × job_c", "flag",
    ]  # fmt: skip
    age, income, size, job = (of(threat, n) for n in ("age", "income", "size", "job_a × job_b × job_c"))
    assert (age.kind, age.low, age.high, age.step) == ("integer", 20, 65, 1)
    assert (income.kind, income.step) == ("continuous", 0)
    assert (size.kind, size.values) == ("ordinal", ("S", "M", "L"))
    assert (job.kind, job.columns) == ("categorical", ("job_a", "job_b", "job_c"))
    assert job.values == ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    # half of the middle half over 0.6745: the quartiles of 20, 35, 50, 65 are 31.25 and 53.75
    assert age.unit == pytest.approx(22.5 / 1.349)


def test_raw_units_count_in_the_columns_own_unit():
    threat = ThreatModel.draft(people(), units="raw", norm="l1", radius=5)
    assert of(threat, "age").unit == 1
    rows = people()
    assert threat.distance(rows, rows.assign(age=[20, 38, 50, 65])).tolist() == [0, 3, 0, 0]


def test_rows_come_back_as_they_were():
    threat = ThreatModel.draft(people(), together=[["school", "years"]])
    pd.testing.assert_frame_equal(threat.decode(threat.encode(people())), people())


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.0, 1.5, np.nan])), min_size=1, max_size=8))
def test_each_combination_is_found_again_missing_values_included(rows):
    table = np.unique(np.nan_to_num(np.array(rows, dtype=float), nan=-1), axis=0)
    table = np.where(table == -1, np.nan, table)
    found = matches(np.array(rows, dtype=float), table)
    np.testing.assert_array_equal(table[found], np.array(rows, dtype=float))
    assert matches(np.array([[9.0, 9.0]]), table).tolist() == [-1]


def test_what_is_not_ordered_one_hot_or_known_is_left_as_it_is():
    rows = people().assign(job_c=[0, 0, 1, 1])  # two ones in the last row: no block
    assert "job_c" in [one.name for one in ThreatModel.draft(rows).features]
    alone = pd.DataFrame({"x_1": [1, 1], "y": [0.5, 0.2]})
    assert [one.name for one in ThreatModel.draft(alone).features] == ["x_1", "y"]


# --- what it allows


def test_values_out_of_range_off_the_grid_or_unheard_of_are_violations():
    threat = ThreatModel.draft(people())
    assert bad(threat, age=[20, 36, 66, 19]) == [False, False, True, True]
    assert bad(threat, age=[20.5, 35, 50, 65]) == [True, False, False, False]
    assert bad(threat, school=["high", "doctor", "high", None]) == [False, True, False, True]
    assert bad(threat, job_a=[0, 0, 0, 1]) == [True, False, False, False]  # no job at all
    assert bad(threat, job_a=[0, 0, 0, 1], job_b=[1, 1, 0, 0]) == [False] * 4


def test_direction_and_step_are_held_up_to_the_ends():
    threat = ThreatModel.draft(people()).edit("age", direction="up", low=20, step=5, high=80)
    assert bad(threat, age=[25, 34, 52, 80]) == [False, True, True, False]
    ranked = ThreatModel.draft(people()).edit("size", direction="down")
    assert bad(ranked, size=["M", "S", "M", "L"]) == [True, False, False, True]


def test_inputs_that_change_together_only_take_combinations_of_the_data():
    threat = ThreatModel.draft(people(), together=[["school", "years"]])
    joint = of(threat, "school × years")
    assert (joint.kind, joint.values) == ("ordinal", (("basic", 8.0), ("high", 12.0), ("college", 16.0)))
    assert bad(threat, years=[8, 16, 12, 16]) == [False, True, False, False]
    assert bad(threat, school=["high", "high", "college", "college"], years=[12, 12, 16, 16]) == [False] * 4
    rows = people()
    moved = rows.assign(school="college", years=16)
    assert threat.distance(rows, moved).tolist() == [2, 1, 1, 0]  # steps along the order


def test_a_rule_is_held_in_words_or_as_a_function():
    words = ThreatModel.draft(people(), rules=['age >= 40 or school != "college"'])
    code = ThreatModel.draft(
        people(), rules=[lambda _, new: ((new.age >= 40) | (new.school != "college")).to_numpy()]
    )
    for threat in (words, code):
        assert bad(threat, school=["college", "college", "college", "basic"]) == [True, True, False, False]
    assert words.to_dict()["rules"] == ['age >= 40 or school != "college"']
    assert code.to_dict()["rules"] == ["<lambda>"]


def test_costs_weigh_what_changes():
    threat = ThreatModel.draft(people(), norm="l1").edit("school", cost=3).edit("age", cost=2)
    rows = people()
    unit = of(threat, "age").unit
    moved = rows.assign(school=["high", "high", "high", "college"], age=[20, 36, 50, 65])
    assert threat.distance(rows, moved) == pytest.approx([3, 2 / unit, 0, 0])


def test_what_is_held_stays_block_and_all():
    threat = ThreatModel.draft(people(), immutable=["job_b", "flag"])
    assert bad(threat, job_a=[0, 0, 0, 1], job_b=[1, 1, 0, 0]) == [True, False, False, False]
    assert bad(threat, flag=[False, False, True, True]) == [True, False, False, False]


def test_a_combination_that_is_not_in_the_data_is_said_and_is_a_violation_where_it_was_made():
    threat = ThreatModel.draft(people(), together=[["school", "years"]])
    odd = people().assign(years=[8, 12, 12, 12])
    with pytest.raises(InputError, match=r"row 3 has values of school, years that do not come together"):
        threat.encode(odd)
    assert threat.violations(people(), odd).to_numpy().any(axis=1).tolist() == [False, False, False, True]
    assert not threat.violations(odd, odd).to_numpy().any()


# --- mistakes


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"immutable": ["agee"]}, "no input named 'agee'. Did you mean 'age'?"),
        ({"features": {"age": {"lowest": 1}}}, "no setting 'lowest'"),
        ({"features": {"age": {"direction": "upwards"}}}, "no direction 'upwards'"),
        ({"features": {"school": {"direction": "up"}}}, "its values have no order"),
        ({"features": {"school": {"low": 1}}}, "it holds one of 3 values and has no low"),
        ({"features": {"age": {"low": 70}}}, "low is 70 and high is 65"),
        ({"features": {"age": {"cost": 0}}}, "cost is a number above 0, got 0"),
        ({"features": {"age": {"step": "1"}}}, "step is a number, got '1'"),
        ({"features": {"age": {"mutable": "no"}}}, "mutable is true or false, got 'no'"),
        ({"together": [["school"]]}, "expected lists of two inputs or more"),
        ({"together": [["school", "yaers"]]}, "no input named 'yaers'. Did you mean 'years'?"),
        ({"together": [["school", "years"], ["years", "age"]]}, "'years' stands in two groups"),
        ({"order": {"school": ["basic", "high"]}}, "expected each of its values once"),
        ({"order": {"age": [1, 2]}}, "'age' holds numbers"),
        ({"rules": "age > 1"}, "rules is a list"),
        ({"rules": ["agee > 1"]}, "no column named 'agee'"),
        ({"norm": "l3"}, "no norm named 'l3'"),
        ({"units": "metres"}, "no units 'metres'"),
        ({"radius": 0}, "radius is a number above 0, got 0"),
    ],
)
def test_mistakes_are_told_before_anything_is_attacked(options, said):
    with pytest.raises(InputError) as caught:
        ThreatModel.draft(people(), **options)
    assert said in str(caught.value)


def test_an_empty_table_is_no_place_to_draft_from():
    with pytest.raises(InputError, match="expected rows and columns"):
        ThreatModel.draft(people().iloc[:0])
    with pytest.raises(InputError, match="give the rows to draft from"):
        ThreatModel.draft()


# --- kept and sent


def test_the_table_of_a_subject_file_says_the_same_again():
    threat = ThreatModel.draft(
        people(),
        immutable=["flag"],
        together=[["school", "years"]],
        rules=["age <= 70"],
        norm="linf",
        radius=0.3,
    ).edit("age", direction="up", high=80, cost=2)
    said = tomllib.loads(threat.to_toml())["threat"]
    again = ThreatModel.draft(people(), **said)
    assert (again.norm, again.radius, again.units, again.rules) == (
        "linf",
        0.3,
        "standardised",
        ("age <= 70",),
    )
    pd.testing.assert_frame_equal(again.frame(), threat.frame())
    with pytest.raises(InputError, match="is a function"):
        threat.rule(lambda _, new: new.age.to_numpy() > 0).to_toml()


def test_it_can_be_sent_to_another_process():
    threat = ThreatModel.draft(people(), together=[["school", "years"]], rules=["age <= 60"])
    sent = pickle.loads(pickle.dumps(threat))
    assert bad(sent, age=[61, 35, 50, 65]) == [True, False, False, False]


def test_a_report_is_told_what_was_said_and_none_of_the_datas_own_values():
    threat = ThreatModel.draft(people()).edit("age", high=80)
    told = {one["name"]: one for one in threat.to_dict()["features"]}
    assert told["age"]["high"] == 80
    assert "low" not in told["age"]
    assert told["school"]["values"] == 3
    assert "college" not in str(threat.to_dict())


# --- on real people


def test_every_flip_of_an_income_model_is_a_row_that_the_threat_model_allows():
    from lightgbm import LGBMClassifier

    train, test = ak.data.load_adult()
    X = train.X.iloc[:4000]
    model = LGBMClassifier(n_estimators=20, num_leaves=15, random_state=0, n_jobs=1, verbose=-1).fit(
        X, train.y[:4000]
    )
    threat = ThreatModel.draft(
        train,
        test,
        immutable=["race", "native_country"],
        together=[["education", "education_num"], ["relationship", "marital_status", "sex"]],
        features={"age": {"direction": "up"}, "relationship": {"mutable": False}},
        rules=["hours_per_week <= 60", "capital_gain == 0 or capital_loss == 0", "age - education_num >= 5"],
        radius=1.0,
    )
    asked: list[pd.DataFrame] = []

    def answer(frame: pd.DataFrame) -> np.ndarray:
        asked.append(frame.copy())
        return model.predict_proba(frame)

    subject = ak.Subject(
        "income",
        from_callable(answer, classes=list(model.classes_)),
        ak.Dataset(test.X.iloc[:60], test.y[:60]),
        ak.Dataset(X.iloc[:500], train.y[:500]),
        positive=">50K",
        threat=threat,
    )
    report = ak.Audit({"decision_attack": {"rows": 60, "max_calls": 60}}).run(subject, seed=0)
    evidence = report.of("decision_attack")
    assert evidence.measurement("attack_success_rate").value > 0.05
    notes = " ".join(evidence.notes)
    assert "Rules held: hours_per_week <= 60; capital_gain == 0 or capital_loss == 0" in notes
    assert "Changed together" in notes
    known = set(
        map(
            tuple,
            pd.concat([train.X, test.X])[["education", "education_num"]]
            .astype(str)
            .drop_duplicates()
            .to_numpy(),
        )
    )
    for frame in asked:
        assert set(map(tuple, frame[["education", "education_num"]].astype(str).to_numpy())) <= known
