"""Weights in AK101 and AK102: fairlearn's weighted figures, and intervals that know what the rows are worth."""

from __future__ import annotations

import fairlearn.metrics as fl
import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, mean_absolute_error

from auditkit import Dataset, Subject
from auditkit.checks.bias import demographic_parity, error_rates
from auditkit.predictors import from_predictions


def observe(check, subject, **options):
    return check(subject, rng=np.random.default_rng(0), **options)


def recorded(said, y, groups, weights):
    data = Dataset(None, y, {"g": groups}, sample_weight=weights)
    return Subject("recorded", from_predictions(labels=said), data)


def drawn(seed, n=600, k=3):
    rng = np.random.default_rng(seed)
    said, y, groups = (rng.integers(top, size=n) for top in (2, 2, k))
    return said, y, groups, rng.uniform(0, 4, size=n) * (rng.random(n) < 0.9)


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_fairlearns(seed):
    said, y, groups, weights = drawn(seed)
    subject = recorded(said, y, groups, weights)
    given = {"y_true": y, "y_pred": said, "sensitive_features": groups}
    decisions, errors = observe(demographic_parity, subject), observe(error_rates, subject)
    for evidence, metric, function in (
        (decisions, "selection_rate", fl.selection_rate),
        (errors, "true_positive_rate", fl.true_positive_rate),
        (errors, "false_positive_rate", fl.false_positive_rate),
        (errors, "accuracy", accuracy_score),
    ):
        frame = fl.MetricFrame(metrics=function, sample_params={"sample_weight": weights}, **given)
        for value, rate in frame.by_group.items():
            m = evidence.measurement(metric, f"g={value}")
            assert m.value == pytest.approx(rate, abs=1e-12)
            assert m.interval.low <= m.value <= m.interval.high
    for evidence, metric, function in (
        (decisions, "demographic_parity_difference", fl.demographic_parity_difference),
        (decisions, "demographic_parity_ratio", fl.demographic_parity_ratio),
        (errors, "equalized_odds_difference", fl.equalized_odds_difference),
        (errors, "equal_opportunity_difference", fl.equal_opportunity_difference),
    ):
        expected = function(**given, sample_weight=weights)
        assert evidence.measurement(metric, "g").value == pytest.approx(expected, abs=1e-12)
    assert any("effective sizes" in note for note in decisions.notes)
    assert any("effective sizes" in note for note in errors.notes)


def test_a_regressions_figures_are_fairlearns_in_spreads_of_the_target():
    rng = np.random.default_rng(3)
    y, said, groups = rng.normal(size=400), rng.normal(size=400), rng.integers(3, size=400)
    weights = rng.uniform(0.2, 3, size=400)
    subject = recorded(said, y, groups, weights)
    unit = np.sqrt(np.cov(y, aweights=weights, ddof=0))
    for evidence, metric, function in (
        (observe(demographic_parity, subject), "mean_prediction", fl.mean_prediction),
        (observe(error_rates, subject), "mean_error", mean_absolute_error),
    ):
        frame = fl.MetricFrame(
            metrics=function,
            y_true=y,
            y_pred=said,
            sensitive_features=groups,
            sample_params={"sample_weight": weights},
        )
        for value, mean in frame.by_group.items():
            assert evidence.measurement(metric, f"g={value}").value == pytest.approx(mean, abs=1e-12)
        gap = evidence.measurement(f"standardised_{metric}_difference", "g").value
        assert gap * unit == pytest.approx(frame.difference(), abs=1e-12)


@pytest.mark.parametrize("check", [demographic_parity, error_rates])
def test_equal_weights_change_nothing(check):
    said, y, groups, _ = drawn(7, n=3000)
    plain = observe(check, recorded(said, y, groups, None)).measurements
    even = observe(check, recorded(said, y, groups, np.full(3000, 0.25))).measurements
    for a, b in zip(plain, even, strict=True):
        assert (a.metric, a.group, a.n) == (b.metric, b.group, b.n)
        assert b.value == pytest.approx(a.value, abs=1e-12)
        assert (b.interval.low, b.interval.high) == pytest.approx((a.interval.low, a.interval.high), abs=1e-9)
        assert b.p_value == (None if a.p_value is None else pytest.approx(a.p_value, rel=1e-6))


def test_a_group_without_weight_is_undefined_and_leaves_the_gap_open():
    said, y, groups, weights = drawn(1)
    weights = np.where(groups == 2, 0.0, weights + 0.1)
    evidence = observe(demographic_parity, recorded(said, y, groups, weights))
    lost = evidence.measurement("selection_rate", "g=2")
    assert np.isnan(lost.value)
    assert lost.reason
    gap = evidence.measurement("demographic_parity_difference", "g")
    assert gap.interval.high == 1.0
    assert "left out" in gap.reason


def test_fair_weighted_subjects_raise_no_more_alarms_than_stated():
    off, draws = 0, 250
    for seed in range(draws):
        rng = np.random.default_rng([seed, 11])
        groups = rng.integers(4, size=500)
        weights = rng.choice([1.0, 6.0], size=500)
        subject = recorded(rng.random(500) < 0.3, rng.integers(2, size=500) == 1, groups, weights)
        off += (
            observe(demographic_parity, subject).measurement("demographic_parity_difference").interval.low > 0
        )
    assert off <= stats.binom.ppf(1 - 1e-4, draws, 0.05)


def test_a_planted_weighted_gap_is_found():
    rng = np.random.default_rng(5)
    groups = rng.integers(2, size=4000)
    said = rng.random(4000) < np.where(groups == 1, 0.5, 0.3)
    subject = recorded(said, rng.integers(2, size=4000) == 1, groups, rng.choice([1.0, 3.0], size=4000))
    m = observe(demographic_parity, subject).measurement("demographic_parity_difference")
    assert 0 < m.interval.low <= 0.2 <= m.interval.high
    assert m.reason.startswith("g=0 against g=1; ")
