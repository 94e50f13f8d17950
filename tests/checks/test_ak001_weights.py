"""Weights in AK001: scikit-learn's weighted figures, and nothing changed by equal weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from auditkit import Dataset, Subject
from auditkit.checks.performance import model_performance
from auditkit.data import make_credit, make_regression
from auditkit.predictors import from_predictions


def observe(subject):
    return model_performance(subject, rng=np.random.default_rng(0))


def weighted(data, weights):
    return Dataset(data.X, data.y, data.sensitive_features, sample_weight=weights)


def test_two_classes_are_scikit_learns():
    rng = np.random.default_rng(0)
    y, scores, groups = rng.integers(2, size=500), rng.random(500), rng.choice(["a", "b"], 500)
    w = rng.uniform(0, 3, 500) * (rng.random(500) < 0.9)
    data = Dataset(None, y, {"g": groups}, sample_weight=w)
    evidence = observe(Subject("w", from_predictions(scores=scores, classes=[0, 1]), data))
    said = scores > 0.5
    for group, part in ((None, slice(None)), ("g=a", groups == "a"), ("g=b", groups == "b")):
        found = [m for m in evidence.measurements if m.metric == "accuracy" and m.group == group]
        expected = sk.accuracy_score(y[part], said[part], sample_weight=w[part])
        assert found[0].value == pytest.approx(expected, abs=1e-12)
        assert found[0].interval.low < expected < found[0].interval.high
        assert found[0].n == (w[part] > 0).sum()
    auc, brier = evidence.measurement("auc"), evidence.measurement("brier_score")
    assert auc.value == pytest.approx(sk.roc_auc_score(y, scores, sample_weight=w), abs=1e-12)
    assert brier.value == pytest.approx(sk.brier_score_loss(y, scores, sample_weight=w), abs=1e-12)
    assert any("effective sizes" in note for note in evidence.notes)


def test_a_regression_is_scikit_learns():
    rng = np.random.default_rng(1)
    y = rng.normal(size=400)
    said, w = y + rng.normal(size=400) * 0.5, rng.uniform(0.1, 3, 400)
    data = Dataset(None, y, {"g": rng.choice(["a", "b"], 400)}, sample_weight=w)
    evidence = observe(Subject("w", from_predictions(labels=said), data))
    error = next(m for m in evidence.measurements if m.metric == "mean_absolute_error" and m.group is None)
    assert error.value == pytest.approx(sk.mean_absolute_error(y, said, sample_weight=w), abs=1e-12)
    r2 = evidence.measurement("r2")
    assert r2.value == pytest.approx(sk.r2_score(y, said, sample_weight=w), abs=1e-12)
    assert r2.interval.low < r2.value < r2.interval.high


def test_the_weighted_interval_of_r2_covers():
    inside = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=300)
        data = Dataset(None, y, sample_weight=rng.choice([1.0, 4.0], size=300))
        said = y + rng.normal(size=300) * 0.5
        ends = observe(Subject("w", from_predictions(labels=said), data)).measurement("r2").interval
        inside += ends.low <= 0.75 <= ends.high
    assert inside >= stats.binom.ppf(1e-4, 200, 0.95)


@pytest.mark.parametrize("make", [make_credit, make_regression])
def test_equal_weights_change_nothing(make):
    plain = make(n_train=200, n_test=200)
    even = Subject(
        plain.name,
        plain.model.inner,
        weighted(plain.test, np.full(200, 3.0)),
        weighted(plain.train, np.full(200, 0.5)),
        task=plain.task,
        positive=plain.positive,
    )
    for a, b in zip(observe(plain).measurements, observe(even).measurements, strict=True):
        assert (a.metric, a.group, a.n) == (b.metric, b.group, b.n)
        assert b.value == pytest.approx(a.value, abs=1e-9)
        assert (b.interval.low, b.interval.high) == pytest.approx((a.interval.low, a.interval.high), abs=1e-7)


def test_a_group_without_weight_is_undefined():
    y = np.resize([0, 1, 1], 60)
    groups = np.resize(["a", "b"], 60)
    data = Dataset(None, y, {"g": groups}, sample_weight=(groups == "a") * 1.0)
    evidence = observe(Subject("w", from_predictions(labels=y[::-1].copy()), data))
    lost = evidence.measurement("accuracy", "g=b")
    assert np.isnan(lost.value)
    assert "weight" in lost.reason
