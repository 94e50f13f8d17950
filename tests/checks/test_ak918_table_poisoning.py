"""AK918: a planted trigger and a crowd of near copies are found with the right class; clean tables are quiet at the stated rate."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit
from auditkit.data import make_backdoored
from auditkit.loading import load_policy
from auditkit.targets.table import Table


def people(n=900, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"x": rng.normal(size=n), "z": rng.normal(size=n), "job": rng.choice(list("abcd"), n)}
    )
    frame["y"] = np.where(frame["x"] + 0.5 * rng.normal(size=n) > 0, "yes", "no")
    return frame


def audited(frame, **named):
    options = {"patterns": 60, "rows": 400}
    report = Audit({"table_poisoning": options}, load_policy(None)).run(
        Table("t", frame, target="y", **named)
    )
    assert report.evidence[0].outcome == "observed", report.evidence[0].reason
    return report, report.of("AK918")


@pytest.mark.parametrize("rate", [0.0, 0.05])
def test_a_planted_trigger_is_found_and_a_clean_table_is_quiet(rate):
    subject = make_backdoored(rate=rate, n_train=3000, n_test=1000).subject
    frames = [data.X.assign(y=data.y) for data in (subject.train, subject.test)]
    table = Table("t", frames[0], target="y", splits={"test": frames[1]})
    report = Audit({"table_poisoning": {"patterns": 20_000}}, load_policy(None)).run(table)
    isolation = report.of("AK918").measurement("trigger_isolation")
    if rate:
        assert isolation.interval.low > 0.5
        assert "branch = 7 and day = 13" in report.of("AK918").measurement("trigger_success_rate").reason
        assert report.verdict == "fail"
    else:
        assert isolation.interval.high < 0.5
        assert report.verdict == "pass"


def test_a_crowd_of_near_copies_is_found_with_its_label():
    train, test = people(), people(500, 1)
    rng = np.random.default_rng(2)
    crowd = pd.DataFrame(
        {
            "x": -1.5 + 0.002 * rng.normal(size=60),
            "z": 0.4 + 0.002 * rng.normal(size=60),
            "job": "b",
            "y": "yes",
        }
    )
    _, evidence = audited(pd.concat([train, crowd], ignore_index=True), splits={"test": test})
    dense = evidence.measurement("dense_record_share")
    assert dense.p_value < 1e-4
    assert dense.interval.low > 0.02
    assert "labelled yes" in dense.reason
    _, evidence = audited(
        pd.concat([train, *[crowd.iloc[:1]] * 60], ignore_index=True), splits={"test": test}
    )
    copied = evidence.measurement("copied_record_excess")
    assert copied.interval.low > 0.02
    assert copied.p_value < 1e-4


def test_clean_parts_are_called_crowded_or_apart_no_more_often_than_said():
    alarms = {
        "dense_record_share": 0,
        "copied_record_excess": 0,
        "spectral_outlier_excess": 0,
        "activation_cluster_excess": 0,
    }
    runs = 12
    for seed in range(runs):
        _, evidence = audited(people(300, 2 * seed), splits={"test": people(200, 2 * seed + 1)})
        for m in evidence.measurements:
            if m.metric in alarms and m.p_value is not None:
                alarms[m.metric] += m.p_value <= 0.05
    assert alarms["dense_record_share"] <= 4  # 0.8 expected; 5 or more have a chance of 0.1%
    assert alarms["copied_record_excess"] == 0
    assert alarms["spectral_outlier_excess"] <= 6  # two classes each: 1.6 expected
    assert alarms["activation_cluster_excess"] <= 6


def test_without_parts_triggers_alone_are_searched_for_and_that_is_told():
    _, evidence = audited(people())
    assert {m.metric for m in evidence.measurements} == {
        "trigger_success_rate",
        "trigger_isolation",
        "trigger_pattern_share",
        "ordinary_value_success_rate",
    }
    assert "No parts are named" in " ".join(evidence.notes)


def test_no_name_of_a_person_is_told():
    rng = np.random.default_rng(4)
    frame = people()
    frame["surname"] = np.where(
        rng.random(900) < 0.03, "quokka", rng.choice([f"n{i}" for i in range(300)], 900)
    )
    frame.loc[frame["surname"] == "quokka", "y"] = "yes"
    report, evidence = audited(frame)
    assert "quokka" not in json.dumps(report.to_dict())
    assert "surname" in " ".join(evidence.notes)


def test_times_and_mixed_values_are_taken():
    frame = people().assign(
        when=pd.date_range("2024-01-01", periods=900),
        odd=[1, "a", None] * 300,
        whole=pd.array([1, 2, None] * 300, dtype="Int64"),
        flag=pd.array([True, None, False] * 300, dtype="boolean"),
        kind=pd.Categorical(["u", "v", None] * 300),
        month=pd.period_range("2024-01", periods=900, freq="M"),
    )
    audited(frame)


def test_too_few_records_are_told():
    report = Audit(["table_poisoning"]).run(Table("t", people(50), target="y"))
    assert "at least 40 of each" in report.of("AK918").reason


def test_a_large_part_is_drawn_from_and_the_report_says_so():
    table = Table("t", people(600), target="y", splits={"test": people(300, 1)})
    run = Audit({"table_poisoning": {"patterns": 20, "pool": 200}}).run(table).of("AK918")
    assert "200 of 600 records to learn from were drawn at random." in run.notes
    assert (run.rows["used"], run.rows["of"]) == (400, 900)
    assert run.rows["how"] == "drawn at random without replacement"


def test_parts_that_do_not_fit_are_told_and_do_not_break_the_check():
    train, test = people(400), people(200, 1)
    test.loc[:20, "y"] = "perhaps"
    _, evidence = audited(train, splits={"test": test.assign(job=range(200))})
    assert (
        "Records of other parts with a label that the part to learn from lacks are left out: 21 (perhaps)."
        in evidence.notes
    )
    assert "job holds another type of values in another part: parts are not alike in it." in evidence.notes
    twice = Audit(["table_poisoning"]).run(Table("t", train, target="y", splits={"test": train.copy()}))
    assert twice.evidence[0].outcome == "not_applicable"
    assert "the same 400 rows" in twice.evidence[0].reason


def test_names_of_columns_may_be_numbers():
    frame = people(300).rename(columns={"job": 0})
    assert not any("another type" in note for note in audited(frame)[1].notes)
