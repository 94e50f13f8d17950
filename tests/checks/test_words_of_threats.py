"""What robustness checks say of the threat model: sizes with their unit, and directions in words."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import auditkit as ak
from auditkit import ThreatModel
from auditkit.checks.robustness._threats import allowed_table, sized, too_coarse
from auditkit.data import make_credit
from auditkit.errors import NotApplicable

ROWS = pd.DataFrame({"age": [20, 35, 50, 65], "income": [1.5, 2.5, 10.0, 4.0], "job": list("abab")})


@pytest.mark.parametrize(
    ("threat", "said"),
    [
        (ThreatModel.draft(ROWS), "0.5 robust standard deviations (l2)"),
        (ThreatModel.draft(ROWS, radius=1, norm="linf"), "1 robust standard deviation (linf)"),
        (ThreatModel.draft(ROWS, radius=3, norm="l1", units="raw"), "3 in the columns' own units (l1)"),
        (ThreatModel.draft(ROWS, radius=1, norm="l0"), "1 column (l0)"),
        (ThreatModel.draft(ROWS, radius=2, norm="l0", units="raw"), "2 columns (l0)"),
        (ThreatModel.draft(ROWS).edit("job", cost=2), "0.5 units of cost (l2)"),
        (ThreatModel.draft(ROWS, radius=1, units="raw").edit("age", cost=0.1), "1 unit of cost (l2)"),
        (ThreatModel.draft(ROWS).edit("age", unit=10), "0.5 units of the threat model (l2)"),
        # what cannot change has no say, and what was only repeated changes nothing
        (ThreatModel.draft(ROWS).edit("job", cost=2).hold("job"), "0.5 robust standard deviations (l2)"),
        (
            ThreatModel.draft(ROWS).edit("age", unit=ThreatModel.draft(ROWS).features[0].unit, cost=1),
            "0.5 robust standard deviations (l2)",
        ),
    ],
)
def test_a_size_is_told_with_its_unit(threat, said):
    assert sized(threat) == said


@pytest.mark.parametrize(
    ("name", "units", "options"),
    [
        ("decision_attack", "raw", {"max_calls": 20}),
        ("decision_attack", "standardised", {"max_calls": 20}),
        ("score_attack", "standardised", {"max_calls": 10}),
        ("robust_accuracy", "standardised", {"max_calls": 10}),
        ("transfer_attack", "standardised", {}),
    ],
)
def test_every_sentence_with_a_size_tells_its_unit(name, units, options):
    credit = make_credit(n_train=120, n_test=60)
    threat = {"units": units, "norm": "linf", "radius": 1.0 if units == "standardised" else 5.0}
    subject = ak.Subject(
        "s", credit.model.inner, credit.test, credit.train, positive=credit.positive, threat=threat
    )
    found = ak.Audit({name: {"rows": 20, **options}}).run(subject).of(name)
    assert found.outcome == "observed", found.reason
    size = (
        "1 robust standard deviation (linf)"
        if units == "standardised"
        else "5 in the columns' own units (linf)"
    )
    assert size in found.says
    assert any(size in m.reason for m in found.measurements)


def test_that_nothing_is_allowed_is_said_with_the_unit_and_a_radius_that_is_enough():
    unit = 22.5 / 1.349  # half of the middle half of 20, 35, 50, 65 over 0.6745
    with pytest.raises(NotApplicable) as caught:
        too_coarse(ThreatModel.draft(ROWS[["age"]], radius=0.001))
    assert "no allowed change is as small as 0.001 robust standard deviations (l2)" in str(caught.value)
    assert f"counts {1 / unit:.3g}: pass radius=0.06 or more" in str(caught.value)
    assert too_coarse(ThreatModel.draft(ROWS[["age"]], radius=0.06)) == ()


def test_which_way_a_feature_changes_is_told_in_words_that_fit_it():
    rows = ROWS.assign(size=pd.Categorical(list("SMLM"), categories=list("SML"), ordered=True), land="here")
    threat = ThreatModel.draft(rows).edit("age", direction="up").edit("size", direction="down")
    told = allowed_table(threat).columns
    assert dict(zip(told["column"], told["changes"], strict=True)) == {
        "age": "up only",
        "income": "up and down",
        "job": "to any other",
        "size": "down only",
        "land": "no",
    }


def test_one_width_is_no_widths():
    credit = make_credit(n_train=60, n_test=60)
    for distance, said in ((1.0, "1 width out of range"), (2.0, "2 widths out of range")):
        found = ak.Audit({"confidence_under_shift": {"distance": distance}}).run(credit)
        told = json.dumps(found.of("confidence_under_shift").to_dict())
        assert said in told
        assert "1 widths" not in told.replace("0.1 widths", "")


def test_the_axis_says_how_the_distance_between_mixes_is_counted():
    credit = make_credit(n_train=60, n_test=200)
    for divergence, said in (
        ("kl", "Kullback-Leibler divergence in nats"),
        ("chi2", "chi-square divergence"),
    ):
        found = ak.Audit({"covariate_shift": {"divergence": divergence}}).run(credit).of("covariate_shift")
        assert found.tables["by_budget"].labels["x"] == f"How far the mix moves, {said}"
