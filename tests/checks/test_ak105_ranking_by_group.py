"""AK105: scores without a threshold, held against scikit-learn, fairlearn and planted gaps."""

from __future__ import annotations

import math
import time

import fairlearn.metrics as fl
import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from auditkit import Dataset, Subject
from auditkit.checks.bias import ranking_by_group
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
    with pytest.raises(NotApplicable, match="binary"):
        observe(make_regression(n_train=60, n_test=60))


def test_a_million_rows_take_seconds():
    subject = drawn(np.random.default_rng(0), 1_000_000, k=6)
    start = time.perf_counter()
    observe(subject)
    assert time.perf_counter() - start < 8
