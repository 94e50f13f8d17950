"""Hypotheses: what the checks of bias ask more than once counts once among the tests of an audit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from auditkit import Audit, Dataset, Subject
from auditkit.checks.bias import adverse_impact, demographic_parity, error_rates, group_metrics
from auditkit.predictors import from_predictions


def subject(n=600, seed=0, **more):
    rng = np.random.default_rng(seed)
    y, groups = rng.integers(0, 2, n), rng.choice(list("abc"), n)
    labels = np.where(rng.random(n) < np.where(groups == "a", 0.6, 0.8), y, 1 - y)
    data = Dataset(None, y, {"g": groups}, **more)
    return Subject("s", from_predictions(labels=labels, classes=[0, 1]), data, positive=1)


def asked(evidence):
    return {m.metric: m.hypothesis for m in evidence.measurements if m.p_value is not None}


def test_the_same_question_has_the_same_words_in_every_check():
    rng = np.random.default_rng(0)
    rates, errors, every = (
        asked(check(subject(), rng=rng)) for check in (demographic_parity, error_rates, group_metrics)
    )
    assert len(set(rates.values())) == 1
    same = [
        {
            rates["demographic_parity_difference"],
            every["selection_rate_difference"],
            every["selection_rate_ratio"],
        },
        {
            errors["equal_opportunity_difference"],
            every["false_negative_rate_ratio"],
            every["equal_opportunity_ratio"],
        },
        {errors["equalized_odds_difference"], every["equalized_odds_ratio"]},
        {errors["accuracy_difference"], every["accuracy_score_difference"]},
        {every["precision_score_difference"], every["false_discovery_rate_ratio"]},
    ]
    assert [len(one) for one in same] == [1] * 5
    assert len(set.union(*same)) == 5  # and no two questions share one
    to_all = asked(group_metrics(subject(), rng=rng, method="to_overall"))
    assert not set(to_all.values()) & set(every.values())


@pytest.mark.parametrize(("groups", "shared"), [(["a", "b"], True), (["a", "b", "c"], False)])
def test_the_impact_ratio_of_two_groups_asks_what_their_gap_asks(groups, shared):
    rng = np.random.default_rng(0)
    data = Dataset(None, rng.integers(0, 2, 300), {"g": rng.choice(groups, 300)})
    said = Subject("s", from_predictions(labels=rng.integers(0, 2, 300), classes=[0, 1]), data, positive=1)
    ratios = [m for m in adverse_impact(said, rng=rng).measurements if m.metric == "impact_ratio"]
    gap = demographic_parity(said, rng=rng).measurement("demographic_parity_difference", "g")
    assert {m.hypothesis for m in ratios} == ({gap.hypothesis} if shared else {None})


def test_the_audit_adjusts_over_hypotheses():
    report = Audit(["demographic_parity", "error_rates", "group_metrics"]).run(subject())
    found = [m for one in report.evidence for m in one.measurements if m.p_value is not None]
    largest = {}
    for m in found:
        largest[m.hypothesis] = max(largest.get(m.hypothesis, 0.0), m.p_value)
    assert len(largest) < len(found) / 2
    expected = dict(zip(largest, false_discovery_control(list(largest.values())), strict=True))
    assert [m.p_adjusted for m in found] == pytest.approx([expected[m.hypothesis] for m in found])


def test_a_test_that_could_not_be_made_says_why():
    weights = np.full(24, 0.01)
    weights[0] = 9.0  # one row decides its group
    few = subject(24, sample_weight=weights)
    gap = demographic_parity(few, rng=np.random.default_rng(0)).measurement(
        "demographic_parity_difference", "g"
    )
    assert gap.p_value is None
    assert gap.p_method.startswith("not computed: an expected count is below 5")
    assert gap.p_method in gap.reason
    whole = demographic_parity(subject(), rng=np.random.default_rng(0))
    assert whole.measurement("demographic_parity_difference", "g").p_method == "studentised range"
