"""AK412: whether the explanation changes when the model has learned nothing."""

from __future__ import annotations

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from scipy import stats

from auditkit import Audit, Criterion, Dataset, Subject
from auditkit.checks.explainability import _quality as quality
from auditkit.checks.explainability import explanation_sanity
from auditkit.data import make_credit, make_multiclass

LIMITS = [Criterion("randomisation_similarity", at_most=0.7)]


def run(subject, seed=0, **params):
    return explanation_sanity(subject, rng=np.random.default_rng(seed), **params)


def judged(subject, seed=0, **params):
    (finding,) = Audit({"explanation_sanity": params}, LIMITS).run(subject, seed=seed).findings
    return finding.status


def test_a_linear_model_of_luck_is_unlike_on_average(given_explanations):
    """Shuffled labels give a coefficient and its opposite alike often: the truth is 0, and the interval covers it."""
    covered, failed = 0, 0
    for seed in range(40):
        m = run(given_explanations.linear(seed), seed, rows=60, repeats=8).measurement(
            "randomisation_similarity"
        )
        covered += m.interval.low <= 0 <= m.interval.high
        failed += m.interval.low > 0.7
    assert covered >= stats.binom.ppf(0.001, 40, 0.95)
    assert failed == 0


def test_an_explanation_of_the_rows_alone_is_found_at_1(monkeypatch, given_explanations):
    monkeypatch.setattr(quality, "explain", given_explanations.of_the_rows_alone)
    m = run(given_explanations.linear()).measurement("randomisation_similarity")
    assert (m.value, m.interval.low, m.interval.high) == pytest.approx((1, 1, 1))
    assert judged(given_explanations.linear()) == "fail"


def test_an_explanation_half_of_the_rows_lies_between(monkeypatch, given_explanations):
    """Gradient times input and its like: partly what the rows are, partly what the model does."""
    from dataclasses import replace

    def half(subject, X, background, rng, **more):
        found = given_explanations.honest(subject, X, background, rng, **more)
        alone = given_explanations.of_the_rows_alone(subject, X, background, rng, **more)
        scale = np.abs(found.values).mean() / np.abs(alone.values).mean()
        return replace(found, values=found.values + scale * alone.values)

    monkeypatch.setattr(quality, "explain", half)
    assert 0.2 < run(given_explanations.linear()).measurement("randomisation_similarity").value < 0.9


def boosted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6))
    y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
    model = LGBMClassifier(n_estimators=10, n_jobs=1, verbose=-1).fit(X[:250], y[:250])
    return Subject("boosted", model, Dataset(X[250:], y[250:]), Dataset(X[:250], y[:250]))


def test_innocent_twins_pass(given_explanations):
    for subject in (
        given_explanations.linear(),
        boosted(),
        make_credit(n_train=200, n_test=100),
        make_multiclass(n_train=200, n_test=100),
    ):
        assert judged(subject) == "pass"


def test_each_model_is_in_the_table(given_explanations):
    found = run(given_explanations.linear(), rows=40, repeats=4)
    table = found.tables["models"]
    assert len(table.columns["label"]) == 4
    m = found.measurement("randomisation_similarity")
    assert np.mean(table.columns["value"]) == pytest.approx(m.value)
    assert "shuffled labels" in found.says


def test_a_model_that_cannot_be_trained_again_is_refused(given_explanations):
    finding, *_ = Audit(["explanation_sanity"]).run(given_explanations.interacting()).findings
    assert finding.status == "not_applicable"
    assert "cannot be trained again" in finding.reason
    subject = given_explanations.linear()
    alone = Subject("a", subject.model.inner.estimator, subject.test, task="regression")
    finding, *_ = Audit(["explanation_sanity"]).run(alone).findings
    assert finding.status == "not_applicable"
    assert "no training data" in finding.reason


def test_the_explanation_is_made_once_for_all_checks_of_an_audit(monkeypatch, given_explanations):
    calls = []

    def counted(subject, X, background, rng, **more):
        calls.append((len(X), float(np.asarray(background).sum())))
        return given_explanations.honest(subject, X, background, rng, **more)

    monkeypatch.setattr(quality, "explain", counted)
    names = ["explanation_stability", "explanation_faithfulness", "explainer_agreement"]
    together = Audit({name: {"rows": 40} for name in names}).run(given_explanations.interacting(), seed=5)
    made = len(calls)
    assert made == 1 + 5 + 5  # once, and what the stability makes again
    calls.clear()
    for name in reversed(names):  # by itself, on a fresh subject: the same numbers and the same cost
        alone = Audit({name: {"rows": 40}}).run(given_explanations.interacting(), seed=5)
        assert alone.evidence[0].to_dict() == together.of(name).to_dict()
    assert len(calls) == made + 2
