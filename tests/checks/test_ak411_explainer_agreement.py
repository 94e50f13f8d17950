"""AK411: whether other ways of explaining name the same inputs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from auditkit import Audit, Criterion, Dataset, Subject
from auditkit.checks.explainability import _quality as quality
from auditkit.checks.explainability import explainer_agreement
from auditkit.data import make_credit, make_multiclass

LIMITS = [Criterion("explainer_agreement", at_least=0.3)]


def run(subject, seed=0, **params):
    return explainer_agreement(subject, rng=np.random.default_rng(seed), **params)


def judged(subject, seed=0, **params):
    report = Audit({"explainer_agreement": params}, LIMITS).run(subject, seed=seed)
    return [f.status for f in report.findings if f.measurement is not None and f.judged]


def test_a_linear_model_is_explained_alike_in_every_way(given_explanations):
    found = run(given_explanations.linear(weights=(4.0, -2.0, 1.0, 0.0)), shuffled=150, repeats=20)
    m = found.measurement("explainer_agreement", "occlusion")
    assert (m.value, m.interval.low) == pytest.approx((1, 1))
    for group in ("occlusion", "shuffling (squared error)"):
        assert found.measurement("global_explainer_agreement", group).value == pytest.approx(1)
        assert found.measurement("feature_agreement", group).value == 1


def test_the_rank_correlation_by_a_second_way(given_explanations):
    subject = given_explanations.interacting()
    found = run(subject, rows=40, background=30)
    shown = quality.shown(subject, rows=40, background=30, permutations=64, rng=np.random.default_rng(0))
    f = subject.model.inner.function
    values = []
    for i in range(40):
        alone = []
        for name in shown.X.columns:
            changed = shown.X.iloc[[i] * 30].reset_index(drop=True)
            changed[name] = shown.background[name]
            alone.append(float(f(shown.X.iloc[[i]])[0] - f(changed).mean()))
        values.append(stats.spearmanr(shown.found.values[i], alone).statistic)
    m = found.measurement("explainer_agreement", "occlusion")
    assert m.value == pytest.approx(np.mean(values))
    assert (m.interval.low, m.interval.high) == pytest.approx(
        stats.t.interval(0.95, 39, np.mean(values), stats.sem(values))
    )


def test_innocent_twins_pass(given_explanations):
    for subject in (
        given_explanations.linear(),
        given_explanations.interacting(),
        make_credit(n_train=300, n_test=150),
        make_multiclass(n_train=300, n_test=150),
    ):
        assert judged(subject) == ["pass"]


def test_an_explanation_drawn_at_random_agrees_by_chance_only(monkeypatch, given_explanations):
    monkeypatch.setattr(quality, "explain", given_explanations.drawn_at_random)
    holds_0, failed = 0, 0
    for seed in range(25):
        m = run(given_explanations.linear(seed), seed, rows=100, repeats=1, shuffled=50).measurement(
            "explainer_agreement"
        )
        holds_0 += m.interval.low <= 0 <= m.interval.high
        failed += m.interval.high < 0.3
    assert holds_0 >= stats.binom.ppf(0.001, 25, 0.95)
    assert failed >= 23


def test_the_explanation_of_another_model_is_found(monkeypatch, given_explanations):
    monkeypatch.setattr(quality, "explain", given_explanations.of_another_model)
    assert judged(given_explanations.linear()) == ["fail"]
    found = run(given_explanations.linear(weights=(4.0, -2.0, 1.0, 0.0)), shuffled=150)
    m = found.measurement("global_explainer_agreement", "occlusion")
    assert m.value == pytest.approx(-1)
    assert m.interval.high < 0


def test_what_the_rows_leave_open_is_said():
    """Inputs that matter alike have no order: the interval says so, and a limit is not broken by luck."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 5))
    subject = Subject("alike", lambda Z: Z.sum(axis=1), Dataset(X, X.sum(axis=1)), task="regression")
    m = run(subject).measurement("global_explainer_agreement", "shuffling (squared error)")
    assert m.interval.low < 0
    assert m.interval.high == pytest.approx(1)
    assert "leave open" in m.reason
    said = run(subject).says
    assert "; it may or may not agree with" in said
    assert (
        said.index("with occlusion row by row") < said.index("may or may not") < said.index("with shuffling")
    )


def test_the_table_has_one_line_an_input_and_way(given_explanations):
    table = run(given_explanations.linear(), rows=50, shuffled=50).tables["importances"]
    assert len(table.columns["label"]) == 12
    assert set(table.columns["series"]) == {"the explanation", "occlusion", "shuffling (squared error)"}
    assert table.columns["label"][:2] == ("x0", "x1")
    assert max(table.columns["value"]) == 1


def test_a_constant_model_has_no_order():
    X = np.random.default_rng(0).normal(size=(40, 3))
    subject = Subject("k", lambda f: np.full(len(f), 2.0), Dataset(X, X[:, 0]), task="regression")
    found = run(subject, rows=20)
    assert all(np.isnan(m.value) for m in found.measurements if m.metric != "feature_agreement")
    assert "does not move" in found.says
