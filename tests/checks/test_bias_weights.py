"""Weights in AK101 and AK102: fairlearn's weighted figures, and intervals that know what the rows are worth."""

from __future__ import annotations

import fairlearn.metrics as fl
import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, mean_absolute_error

from auditkit import Audit, Dataset, Subject
from auditkit.checks.bias import (
    adverse_impact,
    demographic_parity,
    error_rates,
    nyc_ll144,
    threshold_sweep,
    worst_slice,
)
from auditkit.errors import NotApplicable
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


# one report, one figure


def tilted(n=2000, seed=0):
    """Decisions that are even by weight and uneven by count, and scores that give them at a threshold of a half."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b"], n)
    said = (rng.random(n) < np.where(group == "a", 0.5, 0.25)).astype(int)
    weights = np.where((group == "b") & (said == 1), 3.0, 1.0)
    scores = np.where(said == 1, 0.5 + rng.random(n) / 2, rng.random(n) / 2)
    data = Dataset(None, rng.integers(2, size=n), {"sex": group}, sample_weight=weights)
    return Subject("t", from_predictions(scores=scores, classes=(0, 1)), data, positive=1)


def test_no_check_gives_a_four_fifths_ratio_that_another_contradicts():
    subject = tilted()
    ratio = observe(demographic_parity, subject).measurement("demographic_parity_ratio")
    impact = observe(adverse_impact, subject).measurement("impact_ratio")
    assert impact.value == pytest.approx(ratio.value, abs=1e-12)
    assert (impact.interval.low, min(impact.interval.high, 1)) == pytest.approx((ratio.interval.low, ratio.interval.high), rel=0.02)  # fmt: skip
    assert ratio.value > 0.9, "by count it is a half"
    curve = observe(threshold_sweep, subject).tables["sex: impact ratio"].frame()
    at = curve[curve.x == 0.5].iloc[0]
    assert at.value == pytest.approx(ratio.value, abs=1e-12)
    with pytest.raises(NotApplicable, match="count people"):
        observe(nyc_ll144, subject)


def test_what_counts_records_is_undefined_where_they_have_weights():
    subject = tilted()
    row = observe(adverse_impact, subject).tables["sex"].frame().iloc[1]
    others = [
        "fisher_p",
        "chi2",
        "chi2_p",
        "chi2_yates",
        "chi2_yates_p",
        "bayes_factor",
        "bayes_factor_fixed",
    ]
    assert row[others].isna().all()
    assert np.isfinite([row.z, row.z_p, row.picked_p]).all()
    control = Dataset(
        None, subject.test.y, {"sex": subject.test.sensitive_features["sex"]},
        control_features={"job": ["x", "z"] * 1000}, sample_weight=subject.test.sample_weight,
    )  # fmt: skip
    within = observe(adverse_impact, Subject("c", from_predictions(labels=subject.answers().labels), control))
    m = within.measurement("cmh_odds_ratio")
    assert np.isnan(m.value)
    assert "count records" in m.reason


def test_equal_weighted_rates_raise_no_more_alarms_than_stated():
    alarms, draws = 0, 300
    for seed in range(draws):
        said, y, groups, weights = drawn(seed, n=500, k=2)
        m = observe(adverse_impact, recorded(said, y, groups, weights)).measurement("impact_ratio")
        alarms += m.p_value < 0.05
    assert alarms <= stats.binom.ppf(1 - 1e-3, draws, 0.05)


@pytest.mark.parametrize("seed", range(3))
def test_curves_are_weighted_means_at_every_threshold(seed):
    rng = np.random.default_rng(seed)
    n = 300
    scores, y, group, w = (
        rng.random(n),
        rng.integers(2, size=n),
        rng.choice(["a", "b"], n),
        rng.uniform(0.1, 4, n),
    )
    data = Dataset(None, y, {"g": group}, sample_weight=w)
    subject = Subject("t", from_predictions(scores=scores, classes=(0, 1)), data, positive=1)
    tables = observe(threshold_sweep, subject, points=7).tables
    for name, rows in (("selection rate", np.ones(n, bool)), ("true positive rate", y == 1)):
        for row in tables[f"g: {name}"].frame().itertuples():
            inside = rows if row.series == "all records" else rows & (group == row.series[2:])
            assert row.value == pytest.approx(
                np.average(scores[inside] >= row.x, weights=w[inside]), abs=1e-9
            )
            assert row.n == inside.sum()
    for row in tables["g: accuracy"].frame().itertuples():
        inside = np.ones(n, bool) if row.series == "all records" else group == row.series[2:]
        right = (scores[inside] >= row.x) == (y[inside] == 1)
        assert row.value == pytest.approx(np.average(right, weights=w[inside]), abs=1e-9)


def test_the_rate_of_a_slice_is_that_of_the_group():
    rng = np.random.default_rng(1)
    n = 4000
    sex, y = rng.choice(["f", "m"], n), rng.integers(2, size=n)
    said = np.where(rng.random(n) < np.where(sex == "f", 0.6, 0.9), y, 1 - y)
    weights = np.where(said == y, 1.0, 2.0) * rng.uniform(0.5, 1.5, n)
    subject = Subject(
        "s", from_predictions(labels=said), Dataset(None, y, {"sex": sex}, sample_weight=weights)
    )
    evidence = observe(worst_slice, subject)
    m = evidence.measurement("slice_rate", "sex=f")
    accuracy = observe(error_rates, subject).measurement("accuracy", "sex=f")
    assert m.value == pytest.approx(1 - accuracy.value, abs=0.04), "half of the records, weighted alike"
    assert abs(m.value - (said != y)[sex == "f"].mean()) > 0.08
    assert "the worst one is confirmed" in evidence.says or "worst are confirmed" in evidence.says
    assert any("rates of the slices found are weighted" in note for note in evidence.notes)


def test_the_report_of_weighted_rows_runs():
    report = Audit(["bias"]).run(tilted())
    assert not [e.reason for e in report.evidence if e.outcome == "error"]
    assert report.of("AK108").outcome == "not_applicable"
