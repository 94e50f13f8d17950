"""AK105: scores without a threshold, held against scikit-learn, fairlearn and planted gaps."""

from __future__ import annotations

import math

import fairlearn.metrics as fl
import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from auditkit import Dataset, Subject
from auditkit.checks._common import Grouping
from auditkit.checks.bias import ranking_by_group
from auditkit.checks.bias._across import cross_aucs
from auditkit.checks.bias._sides import Side
from auditkit.data import make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors import from_predictions


def observe(subject, **options):
    return ranking_by_group(subject, rng=np.random.default_rng(0), **options)


def recorded(scores, y, groups, **more):
    data = Dataset(None, np.asarray(y).astype(int), {"g": groups}, **more)
    return Subject("recorded", from_predictions(scores=scores, classes=[0, 1]), data)


def drawn(rng, n, k=2, worse=1.0):
    """Return scores that tell the classes apart, in the last group only `worse` as well."""
    y, groups = rng.integers(2, size=n), rng.integers(k, size=n)
    strength = np.where(groups == k - 1, worse, 1.0) * 1.5
    scores = 1 / (1 + np.exp(-(strength * (y - 0.5) + rng.normal(size=n))))
    return recorded(scores, y, groups)


@pytest.mark.parametrize("weighted", [False, True])
def test_figures_are_scikit_learns_and_fairlearns(weighted):
    rng = np.random.default_rng(0)
    n = 700
    scores, y, groups = rng.random(n).round(2), rng.integers(2, size=n), rng.choice(list("abc"), n)
    weights = rng.uniform(0.2, 3, n) if weighted else None
    evidence = observe(recorded(scores, y, groups, sample_weight=weights))
    functions = {"auc": roc_auc_score, "mean_score": fl.mean_prediction}
    params = {name: {"sample_weight": weights} for name in functions} if weighted else None
    frame = fl.MetricFrame(
        metrics=functions, y_true=y, y_pred=scores, sensitive_features=groups, sample_params=params
    )
    for value, row in frame.by_group.iterrows():
        for name in functions:
            m = evidence.measurement(name, f"g={value}")
            assert m.value == pytest.approx(row[name], abs=1e-12)
            assert m.interval.low < m.value < m.interval.high
    for name in functions:
        gap = evidence.measurement(f"{name}_difference", "g")
        assert gap.value == pytest.approx(frame.difference()[name], abs=1e-12)
        assert gap.interval.low <= gap.value <= gap.interval.high


def test_a_planted_gap_is_found_with_its_sign_and_size():
    evidence = observe(drawn(np.random.default_rng(1), 6000, worse=0.3))
    true = stats.norm.cdf(1.5 / np.sqrt(2)) - stats.norm.cdf(0.45 / np.sqrt(2))
    gap = evidence.measurement("auc_difference", "g")
    assert 0 < gap.interval.low <= true <= gap.interval.high
    assert gap.p_value < 1e-6
    assert gap.reason.startswith("g=1")
    assert "AUC runs from" in evidence.tables["g"].summary


@pytest.mark.parametrize("k", [2, 6])
def test_groups_alike_raise_no_more_alarms_than_stated(k):
    off = {"auc_difference": 0, "mean_score_difference": 0}
    for seed in range(150):
        evidence = observe(drawn(np.random.default_rng([seed, k]), 400, k=k))
        for name in off:
            off[name] += evidence.measurement(name, "g").interval.low > 0
    assert max(off.values()) <= stats.binom.ppf(1 - 1e-4, 150, 0.05)


def test_a_group_of_one_class_is_undefined_and_leaves_the_gap_open():
    rng = np.random.default_rng(0)
    groups = rng.choice(list("abc"), 300)
    y = np.where(groups == "c", 1, rng.integers(2, size=300))
    evidence = observe(recorded(rng.random(300), y, groups))
    lost = evidence.measurement("auc", "g=c")
    assert math.isnan(lost.value)
    assert "one class only" in lost.reason
    assert evidence.measurement("auc_difference", "g").interval.high == 1.0


def test_it_says_what_it_needs():
    with pytest.raises(NotApplicable, match="the subject is a regression"):
        observe(make_regression(n_train=60, n_test=60))


def test_a_million_rows_cost_some_sorts_of_them(sorts_of_a_million):
    subject = drawn(np.random.default_rng(0), 1_000_000, k=6)
    began = sorts_of_a_million()
    observe(subject)
    assert sorts_of_a_million() - began < 200


# across groups ----------------------------------------------------------------------------------------


def beats(above, below):
    return np.mean((above[:, None] > below) + 0.5 * (above[:, None] == below))


def test_aucs_across_groups_are_counted_pair_by_pair():
    rng = np.random.default_rng(1)
    y, groups, scores = (
        rng.integers(2, size=300),
        rng.choice(list("abc"), 300),
        rng.integers(20, size=300) / 19,
    )
    evidence = observe(recorded(scores, y, groups))
    for g in "abc":
        own, rest = groups == g, groups != g
        bnsp = beats(scores[own & (y == 1)], scores[rest & (y == 0)])
        bpsn = beats(scores[rest & (y == 1)], scores[own & (y == 0)])
        assert evidence.measurement("bnsp_auc", f"g={g}").value == pytest.approx(bnsp, abs=1e-12)
        assert evidence.measurement("bpsn_auc", f"g={g}").value == pytest.approx(bpsn, abs=1e-12)


def shifted(rng, n, k, by):
    """Scores that rank alike within every group, and are `by` lower in the last one."""
    y, groups = rng.integers(2, size=n), rng.integers(k, size=n)
    scores = 1.5 * (y - 0.5) + rng.normal(size=n) - by * (groups == k - 1)
    return recorded(1 / (1 + np.exp(-scores)), y, groups)


@pytest.mark.parametrize("k", [2, 4])
def test_a_group_that_is_ranked_below_the_others_is_found_though_each_is_ranked_as_well_within(k):
    evidence = observe(shifted(np.random.default_rng(2), 6000, k, by=0.8))
    gap = evidence.measurement("cross_auc_difference", "g")
    # two normals of unit spread, 1.5 apart: moved by 0.8 one way and the other
    true = stats.norm.cdf(2.3 / np.sqrt(2)) - stats.norm.cdf(0.7 / np.sqrt(2))
    assert gap.interval.low <= true <= gap.interval.high
    assert gap.interval.low > 0.1
    assert gap.p_value < 1e-6
    worst = f"g={k - 1} is ranked below" if k > 2 else "g=0 is ranked above"
    assert gap.reason.startswith(worst)
    assert evidence.measurement("auc_difference", "g").interval.low == 0


@pytest.mark.parametrize("k", [2, 5])
def test_groups_alike_are_ranked_apart_no_more_often_than_stated(k):
    rng = np.random.default_rng(3)
    draws = 150
    found = [
        observe(shifted(rng, 240, k, by=0.0)).measurement("cross_auc_difference", "g") for _ in range(draws)
    ]
    alarms = sum(m.interval.low > 0 for m in found)
    assert alarms <= stats.binom.ppf(0.999, draws, 0.05)
    assert sum(m.p_value <= 0.05 for m in found) <= stats.binom.ppf(0.999, draws, 0.05)


@pytest.mark.parametrize(("k", "n", "sigma"), [(8, 60, 0.0), (20, 30, 0.0), (40, 30, 0.0), (8, 60, 1.0)])
def test_the_p_value_of_small_groups_across_says_what_the_interval_says(k, n, sigma):
    rng = np.random.default_rng([k, n])
    groups, alarms = np.repeat(np.arange(k), n), 0
    trials = 60 if k < 40 else 40
    for _ in range(trials):
        y = rng.random(k * n) < 0.3
        scores = 1 / (1 + np.exp(-(y + rng.normal(size=k * n))))
        weights = rng.lognormal(sigma=sigma, size=k * n) if sigma else None
        side = Side("", scores, y)
        *_, gap = cross_aucs(side, weights, Grouping("g", [f"g={g}" for g in range(k)], groups), 0.95)
        alarms += gap.p_value <= 0.05
        assert (gap.interval.low > 0) == (gap.p_value <= 0.05)
    assert alarms <= stats.binom.ppf(1 - 1e-3, trials, 0.05)


def test_a_side_without_records_is_undefined_with_its_reason():
    evidence = observe(recorded([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], ["a", "a", "b", "b"]))
    assert math.isnan(evidence.measurement("bnsp_auc", "g=a").value)
    assert "no record on one side" in evidence.measurement("bnsp_auc", "g=a").reason
    assert math.isnan(evidence.measurement("cross_auc_difference", "g").value)


def test_each_of_several_classes_is_ranked_against_the_rest():
    rng = np.random.default_rng(0)
    n = 400
    proba, groups = rng.dirichlet([1, 1, 1], size=n), rng.choice(["a", "b"], n)
    y = (rng.random(n)[:, None] > proba.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    several = Subject("s", from_predictions(scores=proba, classes=[0, 1, 2]), Dataset(None, y, {"g": groups}))
    evidence = observe(several)
    for j in range(3):
        alone = observe(recorded(proba[:, j], y == j, groups))
        for metric in ("auc", "cross_auc", "mean_score"):
            one = evidence.measurement(f"{metric}_difference", f"g | class={j}")
            assert one.value == alone.measurement(f"{metric}_difference", "g").value
    part = groups == "a"
    assert evidence.measurement("auc", "g=a | class=1").value == pytest.approx(
        roc_auc_score(y[part] == 1, proba[part, 1])
    )
