"""AK916: flipped labels are found at their rate and in their group; a hard problem is said to look the same; groups alike are quiet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit
from auditkit.loading import load_policy
from auditkit.targets.table import Table


def people(n=3000, *, flipped=(0.0, 0.0), noise=0.02, seed=0):
    """Return rows whose labels follow from two columns; of the groups a and b a share each is flipped."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n), "g": rng.choice(["a", "b"], n)})
    y = frame["x"] + frame["z"] > 0
    share = np.where(frame["g"] == "a", flipped[0], flipped[1])
    frame["y"] = np.where(y ^ (rng.random(n) < share) ^ (rng.random(n) < noise), "yes", "no")
    return frame


def audited(frame, **options):
    table = Table("t", frame, target="y", sensitive=["g"])
    report = Audit({"table_label_noise": options}, load_policy(None)).run(table)
    return report, report.of("AK916")


def test_flipped_labels_are_found_at_their_rate():
    _, evidence = audited(people(flipped=(0.12, 0.12), noise=0.0))
    rate = evidence.measurements[0]
    assert rate.group is None
    assert rate.interval.low - 0.02 < 0.12 < rate.interval.high + 0.02
    surest = evidence.measurement("surest_disagreement")
    assert surest.interval.low < 0.12 < surest.interval.high + 0.02


def test_clean_labels_of_an_easy_problem_are_few():
    _, evidence = audited(people(noise=0.0))
    assert evidence.measurements[0].value < 0.03
    assert evidence.measurement("surest_disagreement").interval.high < 0.02


def test_the_group_whose_labels_were_flipped_is_named_with_the_right_sign():
    report, evidence = audited(people(flipped=(0.25, 0.05)))
    a, b = (evidence.measurement("label_noise_group_difference", f"g={g}") for g in "ab")
    assert a.interval.low > 0.1 > -0.1 > b.interval.high
    assert "Labels of g=a are suspect more often" in evidence.says
    assert report.verdict == "fail"


@pytest.mark.parametrize("noise", [0.02, 0.2])
def test_groups_alike_are_called_different_no_more_often_than_said(noise):
    alarms = 0
    for seed in range(12):
        _, evidence = audited(people(500, noise=noise, seed=seed), folds=3)
        alarms += evidence.measurement("label_noise_group_difference", "g=a").interval.low > 0
        alarms += evidence.measurement("label_noise_group_difference", "g=b").interval.low > 0
    assert (
        alarms <= 3
    )  # 0.6 of 12 expected, for one of two groups that mirror each other; 4 or more have a chance of 0.2%


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"target": None}, "no column of labels is named"),
        ({"target": "x"}, "amounts, or names"),
        ({"frame": people(30)}, "at least 50"),
        ({"frame": people().assign(y="yes")}, "of one class"),
    ],
)
def test_what_cannot_be_asked_is_told(change, told):
    named = {"frame": people(), "target": "y"} | change
    evidence = (
        Audit(["table_label_noise"]).run(Table("t", named["frame"], target=named["target"])).of("AK916")
    )
    assert told in evidence.reason


def test_records_without_a_label_are_left_out_and_told():
    frame = people(400)
    frame.loc[:9, "y"] = None
    _, evidence = audited(frame)
    assert "10 records without a label are left out." in evidence.notes
