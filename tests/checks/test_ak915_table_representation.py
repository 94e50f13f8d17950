"""AK915: a group that is short of its share is found at its size, crossings count, a draw of the population is quiet, and small groups are said to be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit
from auditkit.errors import InputError
from auditkit.loading import load_policy, load_target
from auditkit.statistics import power_for_difference
from auditkit.targets.table import Table
from auditkit.targets.table_parts import Margin, Reference

JOINT = Margin(("sex", "age"), (("f", "young"), ("f", "old"), ("m", "young"), ("m", "old")), (30, 20, 30, 20))


def drawn(shares, n, seed):
    at = np.random.default_rng(seed).choice(4, n, p=shares)
    return pd.DataFrame([JOINT.groups[i] for i in at], columns=["sex", "age"])


def audited(frame, reference=None, **named):
    table = Table("t", frame, reference=reference or Reference((JOINT,), "a census"), **named)
    report = Audit(["table_representation"], load_policy(None)).run(table)
    return report, report.of("AK915")


def test_a_group_short_of_its_share_is_found_at_its_size():
    frame = drawn([0.30, 0.05, 0.35, 0.30], 4000, 0)  # old women: 5% where the population has 20%
    report, evidence = audited(frame)
    crossed = evidence.measurement("smallest_representation_ratio", "sex × age")
    assert crossed.interval.low < 0.25 < crossed.interval.high < 0.4
    assert crossed.p_value < 1e-6
    women = evidence.measurement("smallest_representation_ratio", "sex")
    assert women.interval.low < 0.35 / 0.50 < women.interval.high
    assert evidence.measurement("representation_ratio", "sex=m").value == pytest.approx(
        (frame["sex"] == "m").mean() / 0.5
    )
    assert "sex=f, age=old" in evidence.says
    assert report.verdict == "fail"
    # of 65% men and women 15 points lie elsewhere
    assert evidence.measurement("representation_distance", "sex").value == pytest.approx(
        (frame["sex"] == "m").mean() - 0.5
    )


def test_a_draw_of_the_population_is_called_short_no_more_often_than_said():
    alarms = 0
    for seed in range(60):
        _, evidence = audited(drawn([0.3, 0.2, 0.3, 0.2], 300, seed))
        alarms += any(
            m.interval.high < 1 for m in evidence.measurements if m.metric == "smallest_representation_ratio"
        )
    # three margins at 5%, nested in each other: at most 9 expected; more than 17 have a chance of 0.3%
    assert alarms <= 17


def test_a_sampled_reference_is_held_for_one():
    frame = drawn([0.25, 0.2, 0.35, 0.2], 500, 3)
    known, sampled = (
        audited(frame, Reference((Margin(JOINT.features, JOINT.groups, JOINT.weights, size),)))[1]
        for size in (None, 60)
    )
    ends = [one.measurement("representation_ratio", "sex=f").interval for one in (known, sampled)]
    assert ends[1].high - ends[1].low > 2 * (ends[0].high - ends[0].low)
    assert "rest on 60 records" in " ".join(sampled.notes)


def test_small_groups_are_told_with_the_records_they_need():
    frame = pd.DataFrame({"sex": ["f"] * 40 + ["m"] * 960})
    _, evidence = audited(frame, Reference((Margin(("sex",), (("f",), ("m",)), (1, 1)),)))
    few = evidence.measurement("group_detectable_difference", "sex=f")
    assert few.value > 0.2
    assert few.n_needed > 1000
    k = few.n_needed * 0.04
    assert float(power_for_difference(0.5, 0.6, few.n_needed - k, k)) == pytest.approx(0.8, abs=0.002)


def test_records_without_a_match_are_counted_and_not_compared():
    frame = pd.DataFrame({"sex": ["f"] * 50 + ["m"] * 50 + ["x"] * 20 + [None] * 5})
    _, evidence = audited(frame, Reference((Margin(("sex",), (("f",), ("m",)), (1, 1)),)))
    assert evidence.measurement("unmatched_record_share", "sex").value == 25 / 125
    assert evidence.measurement("representation_ratio", "sex=f").value == 1.0
    report, other = audited(
        pd.DataFrame({"sex": ["w", "h"] * 9}), Reference((Margin(("sex",), (("f",), ("m",)), (1, 1)),))
    )
    assert other.outcome == "not_applicable"
    assert "must be spelt as in the table" in other.reason
    assert report.verdict == "undecided"


def test_a_subject_file_gives_counts_or_shares(tmp_path):
    drawn([0.25] * 4, 100, 0).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "census.csv").write_text("sex,age,people\nf,young,30\nf,old,20\nm,young,30\nm,old,20\n")
    head = 'kind = "table"\npath = "t.csv"\n[reference]\nsource = "a census"\n'
    (tmp_path / "t.toml").write_text(head + 'path = "census.csv"\ncount = "people"\n')
    table = load_target(tmp_path / "t.toml")
    assert table.reference.margins == (JOINT,)
    assert table.describe()["facts"]["Reference"] == "a census"
    (tmp_path / "s.toml").write_text(head + "size = 900\nshares.sex = {f = 0.5, m = 0.5}\n")
    assert load_target(tmp_path / "s.toml").reference.margins[0] == Margin(
        ("sex",), (("f",), ("m",)), (0.5, 0.5), 900
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", "a reference holds figures"),
        ('path = "census.csv"\ncount = "peopl"', "no column 'peopl'"),
        ("shares.sx = {f = 1, m = 1}", "no such column. Did you mean 'sex'"),
        ("shares.sex = {f = 1}", "1 groups: at least 2"),
        ("shares.sex = {f = -1, m = 1}", "at least 0"),
    ],
)
def test_mistakes_in_a_reference_are_told(tmp_path, more, told):
    drawn([0.25] * 4, 100, 0).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "census.csv").write_text("sex,age,people\nf,young,30\nm,old,20\n")
    (tmp_path / "t.toml").write_text(f'kind = "table"\npath = "t.csv"\n[reference]\n{more}\n')
    with pytest.raises(InputError, match=told):
        load_target(tmp_path / "t.toml")


def referred(tmp_path, census, more=""):
    pd.DataFrame({"g": ["a", "b", None] * 40}).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "census.csv").write_text(census)
    (tmp_path / "t.toml").write_text(
        f'kind = "table"\npath = "t.csv"\n[reference]\npath = "census.csv"\n{more}'
    )
    return load_target(tmp_path / "t.toml").reference.margins


def test_a_count_of_no_group_is_refused_and_a_record_of_no_group_is_left_out(tmp_path):
    with pytest.raises(InputError, match="row 2 names no group by g"):
        referred(tmp_path, "g,n\na,4\nNA,1\nb,5\n", 'count = "n"\n')
    (margin,) = referred(tmp_path, "g\na\n\nb\nNA\na\n")
    assert (margin.groups, margin.weights, margin.size) == ((("a",), ("b",)), (2, 1), 3)
    (margin,) = referred(tmp_path, "g,n\na,4\nb,5\n", 'count = "n"\n')
    assert (margin.groups, margin.weights, margin.size) == ((("a",), ("b",)), (4, 5), None)


@pytest.mark.parametrize("features", ['["g", "g"]', '["n"]'])
def test_a_reference_is_divided_by_features_once_each_and_not_by_its_counts(tmp_path, features):
    with pytest.raises(InputError, match="features are named once each, and n is none of them"):
        referred(tmp_path, "g,n\na,4\nb,5\n", f'count = "n"\nfeatures = {features}\n')


@pytest.mark.parametrize(
    ("weights", "told"),
    [((0.5, 0.4), True), ((0.51, 0.48), False), ((50, 40), False), ((1, 0), False), ((0.9, 0.9), True)],
)
def test_shares_that_are_not_all_are_told(weights, told):
    reference = Reference((Margin(("sex",), (("f",), ("m",)), weights),), "a census")
    _, evidence = audited(pd.DataFrame({"sex": ["f", "m"] * 50}), reference)
    assert any("The shares by sex sum to" in note for note in evidence.notes) == told
