"""AK917: records in two parts, columns that hold the answer, numbers of records that tell it and parts against time are found; clean tables are quiet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit
from auditkit.errors import InputError
from auditkit.loading import load_policy, load_target
from auditkit.targets.table import Table


def people(n=1200, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"x": rng.normal(size=n), "z": rng.normal(size=n).round(2), "job": rng.choice(list("abcd"), n)}
    )
    frame["y"] = np.where(frame["x"] + rng.normal(size=n) > 0, "yes", "no")
    return frame


def audited(frame, **named):
    report = Audit(["table_leakage"], load_policy(None)).run(Table("t", frame, **{"target": "y"} | named))
    return report, report.of("AK917")


def test_clean_halves_are_quiet():
    report, evidence = audited(people(), splits={"test": people(600, 1)})
    assert evidence.measurement("duplicate_share").value == 0
    assert evidence.measurement("label_function_columns").value == 0
    assert evidence.measurement("near_duplicate_share").p_value > 0.001
    assert report.verdict == "pass"


def test_records_in_both_parts_are_found_at_their_share():
    train, test = people(), people(600, 1)
    test.iloc[:60] = train.iloc[:60].to_numpy()
    for named in ({"splits": {"test": test}}, {"split": "part"}):
        frame = train
        if "split" in named:
            frame = pd.concat([train.assign(part="train"), test.assign(part="test")], ignore_index=True)
        report, evidence = audited(frame, **named)
        assert evidence.measurement("duplicate_share").value == pytest.approx(0.1)
        excess = evidence.measurement(
            "duplicate_share_excess"
        )  # three quarters of the training rows are the reference
        assert excess.interval.low > 0.04
        assert report.verdict == "fail"
    test.loc[60:119, ["x", "z", "job"]] = train.loc[60:119, ["x", "z", "job"]].to_numpy()
    test.loc[60:119, "x"] = test.loc[60:119, "x"].astype(float) + 1e-5
    _, evidence = audited(train, splits={"test": test.astype(train.dtypes)})
    near = evidence.measurement("near_duplicate_share")
    assert near.p_value < 1e-6
    assert near.interval.low > 0.03


def test_columns_that_hold_the_answer_are_found():
    rng = np.random.default_rng(1)
    frame = people()
    frame["paid"] = np.where(frame["y"] == "yes", rng.normal(9, 1, len(frame)), rng.normal(0, 1, len(frame)))
    frame["code"] = frame["y"].map({"yes": "Y", "no": "N"})
    report, evidence = audited(frame)
    assert evidence.measurement("leaky_feature_auc").interval.low > 0.95
    count = evidence.measurement("label_function_columns")
    assert (count.value, count.reason.rpartition(": ")[2]) == (1, "code")
    assert "The label follows from code without exception." in evidence.says
    assert report.verdict == "fail"


def test_numbers_of_records_and_their_order_that_tell_the_label_are_found():
    frame = people()
    assert (
        audited(frame.assign(id=np.random.default_rng(2).permutation(1200)))[1]
        .measurement("identifier_auc")
        .value
        < 0.6
    )
    by_label = frame.sort_values("y", ignore_index=True)
    report, evidence = audited(by_label)
    assert evidence.measurement("identifier_auc").interval.low > 0.95
    assert "the place in the table" in evidence.measurement("identifier_auc").reason
    assert report.verdict == "fail"
    numbered = by_label.assign(id=[f"A{i:05d}" for i in range(1200)]).sample(
        frac=1, random_state=0, ignore_index=True
    )
    assert "id alone" in audited(numbered)[1].measurement("identifier_auc").reason


def test_parts_that_do_not_follow_time_are_told():
    days = pd.date_range("2024-01-01", periods=1200, freq="h")
    frame = people().assign(when=days)
    after = people(600, 1).assign(when=pd.date_range("2024-06-01", periods=600, freq="h").astype(str))
    _, evidence = audited(frame, splits={"test": after}, time="when")
    assert evidence.measurement("time_overlap_share").value == 0
    _, evidence = audited(frame.assign(part=["train", "test"] * 600), split="part", time="when")
    assert evidence.measurement("time_overlap_share").value == 599 / 600  # the last record alone is later


def test_a_column_settles_the_label_by_chance_no_more_often_than_hardly_ever():
    alarms = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame({f"c{j}": rng.integers(0, k, 400) for j, k in enumerate((3, 40, 150, 380))})
        frame["y"] = rng.random(400) < 0.05
        _, evidence = audited(frame)
        alarms += evidence.measurement("label_function_columns").value
    assert alarms == 0


def test_a_table_without_parts_or_labels_says_what_is_missing():
    assert "target = " in audited(people(), target=None)[1].reason
    _, evidence = audited(people(), target=None, splits={"test": people(600, 1)})
    assert "Columns were not held against labels" in " ".join(evidence.notes)


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"split": "job"}, "expected 2 to 20, one of them 'train'"),
        ({"split": "job", "splits": {"test": people()}}, "not both"),
        ({"splits": {"test": people().drop(columns="x")}}, "lacks the columns x"),
        ({"splits": {"train": people()}}, "two parts are called 'train'"),
        ({"time": "y"}, "column of labels"),
    ],
)
def test_parts_that_cannot_be_are_refused(named, told):
    with pytest.raises(InputError, match=told):
        Table("t", people(), target="y", **named)


def test_a_subject_file_names_files_of_parts(tmp_path):
    people().to_csv(tmp_path / "a.csv", index=False)
    people(600, 1).to_csv(tmp_path / "b.csv", index=False)
    (tmp_path / "t.toml").write_text(
        'kind = "table"\npath = "a.csv"\ntarget = "y"\nsplits.files = {test = "b.csv"}\n'
    )
    table = load_target(tmp_path / "t.toml")
    assert [len(part) for part in table.parts().values()] == [1200, 600]
    assert len(table.describe()["parts"]["part test"]) == 64


def test_parts_of_other_types_are_told_for_no_record_is_found_again_by_them():
    frame = people(200)
    test = frame.assign(x=frame["x"].map("{:.3f}".format).str.replace(".", ","))
    _, evidence = audited(frame, splits={"test": test})
    assert "x holds other types of values in other parts" in evidence.says
    _, evidence = audited(frame, splits={"test": frame.assign(job=frame["job"].astype("category"))})
    assert "other types" not in evidence.says
    assert evidence.measurement("duplicate_share").value == 1


def test_times_of_several_spellings_are_held_against_each_other():
    frame = people(200).assign(at="2024-01-31")
    later = people(100, 1).assign(at=["2024-01-31T10:00:00"] * 50 + ["30.1.2024"] * 50)
    _, evidence = audited(frame, splits={"test": later}, time="at")
    assert evidence.measurement("time_overlap_share").value == 0.5
