"""AK410: whether the inputs an explanation names are those the output moves with."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from auditkit import Audit, Criterion, Dataset, Subject
from auditkit.checks.explainability import _quality as quality
from auditkit.checks.explainability import explanation_faithfulness
from auditkit.data import make_credit, make_multiclass
from auditkit.predictors import from_predictions

LIMITS = [Criterion("deletion_gain", at_least=0.15), Criterion("insertion_gain", at_least=0.15)]


def run(subject, seed=0, **params):
    return explanation_faithfulness(subject, rng=np.random.default_rng(seed), **params)


def judged(subject, seed=0, **params):
    report = Audit({"explanation_faithfulness": params}, LIMITS).run(subject, seed=seed)
    return [f.status for f in report.findings]


def gain_of(parts):
    """Return the gain of each row of an additive model: area between a straight line and the sums of the sorted parts."""
    n, d = parts.shape
    sums = np.hstack([np.zeros((n, 1)), np.cumsum(-np.sort(-parts, axis=1), axis=1)])
    return (sums[:, 1:-1].sum(axis=1) + sums[:, -1] / 2) / d - sums[:, -1] / 2


def test_a_linear_model_gains_what_the_formula_says(given_explanations):
    subject = given_explanations.linear()
    found = run(subject, rows=150, background=20, fillers=20)
    estimator, X = subject.model.inner.estimator, subject.test.X.to_numpy()
    from auditkit import shared

    seed = shared.seed_of("explanation", np.random.default_rng(0))
    shown = quality.shown(subject, rows=150, background=20, permutations=64, rng=np.random.default_rng(0))
    assert shown.seed == seed
    parts = (X - shown.background.to_numpy().mean(axis=0)) * estimator.coef_
    output = estimator.predict(subject.test.X)
    expected = gain_of(parts) / np.abs(output - output.mean()).mean()
    for metric in ("deletion_gain", "insertion_gain"):
        m = found.measurement(metric)
        assert m.value == pytest.approx(expected.mean())
        assert (m.interval.low, m.interval.high) == pytest.approx(
            stats.t.interval(0.95, 149, expected.mean(), stats.sem(expected))
        )


def test_the_interval_covers_the_gain_of_the_population(given_explanations):
    weights = np.array([2.0, -1.0, 0.5, 0.0])
    zero = np.vstack([np.eye(4), -np.eye(4)])  # comparison rows whose mean is exactly 0
    draws = np.random.default_rng(1).normal(size=(200_000, 4)) * weights
    truth = gain_of(draws).mean() / (
        np.linalg.norm(weights) * np.sqrt(2 / np.pi)
    )  # the mean distance of a normal output
    model = given_explanations.linear().model.inner.estimator
    model.coef_, model.intercept_ = weights, 0.0
    covered = 0
    for seed in range(50):
        X = np.random.default_rng(seed).normal(size=(60, 4))
        subject = Subject("c", model, Dataset(X, X[:, 0]), Dataset(zero, zero[:, 0]), task="regression")
        m = run(subject, seed, background=8, fillers=8, repeats=1).measurement("deletion_gain")
        covered += m.interval.low <= truth <= m.interval.high
    assert covered >= stats.binom.ppf(0.001, 50, 0.95)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_innocent_twins_pass(given_explanations):
    assert judged(given_explanations.linear()) == ["pass", "pass"]
    assert judged(given_explanations.interacting()) == ["pass", "pass"]
    assert judged(make_credit(n_train=300, n_test=150)) == ["pass", "pass"]
    assert judged(make_multiclass(n_train=300, n_test=150)) == ["pass", "pass"]


def test_an_explanation_drawn_at_random_is_no_better_than_chance(monkeypatch, given_explanations):
    monkeypatch.setattr(quality, "explain", given_explanations.drawn_at_random)
    holds_0, failed = 0, 0
    for seed in range(25):
        m = run(given_explanations.linear(seed), seed, rows=100).measurement("deletion_gain")
        holds_0 += m.interval.low <= 0 <= m.interval.high
        failed += m.interval.high < 0.15
    assert holds_0 >= stats.binom.ppf(0.001, 25, 0.95)
    assert failed >= 15  # the others are inconclusive, none passes


def test_the_explanation_of_another_model_is_found(monkeypatch, given_explanations):
    monkeypatch.setattr(quality, "explain", given_explanations.of_another_model)
    assert judged(given_explanations.linear()) == ["fail", "fail"]
    assert judged(given_explanations.interacting()) == ["fail", "fail"]


def test_right_sizes_with_wrong_signs_are_found(monkeypatch, given_explanations):
    from dataclasses import replace

    def turned(*args, **more):
        found = given_explanations.honest(*args, **more)
        return replace(found, values=-found.values)

    honest = run(given_explanations.linear()).measurement("deletion_gain").value
    monkeypatch.setattr(quality, "explain", turned)
    assert run(given_explanations.linear()).measurement("deletion_gain").value == pytest.approx(-honest)


def test_curves_begin_and_end_where_they_must(given_explanations):
    subject = given_explanations.interacting()
    found = run(subject, rows=60)
    for way in ("deletion", "insertion"):
        table = found.tables[way]
        assert table.kind == "curve"
        assert set(table.columns["series"]) == {"as explained", "random order", "reverse order"}
        ends = {
            (series, x): value
            for series, x, value in zip(*(table.columns[c] for c in ("series", "x", "value")), strict=True)
            if x in (0, 1)
        }
        whole = 0 if way == "deletion" else 1
        for series in set(table.columns["series"]):
            assert ends[series, whole] == pytest.approx(0, abs=1e-12)  # the whole row is as it was
        assert len({round(ends[series, 1 - whole], 12) for series in set(table.columns["series"])}) == 1
    middle = {
        series: value
        for series, x, value in zip(
            *(found.tables["deletion"].columns[c] for c in ("series", "x", "value")), strict=True
        )
        if x == 0.5
    }
    assert middle["as explained"] < middle["random order"] < middle["reverse order"]


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_a_single_input_gains_the_same_however_rare_it_is(share):
    """Of d inputs one matters: gone first or last, not halfway on average, it gains (d - 1) / 2d mean deviations."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 3))
    X[:, 0] = rng.random(1000) < share
    rows, train = Dataset(X, X[:, 0]), Dataset(X[::-1], X[::-1, 0])
    subject = Subject("flag", LinearRegression().fit(X, X[:, 0]), rows, train, task="regression")
    found = run(subject, rows=1000, background=1000, fillers=1000, repeats=1)
    for metric in ("deletion_gain", "insertion_gain"):
        assert found.measurement(metric).value == pytest.approx(1 / 3)


def test_labels_alone_are_enough():
    X = np.random.default_rng(0).normal(size=(120, 3))
    y = (X[:, 0] > 0).astype(int)
    m = run(Subject("labels", lambda Z: (Z[:, 0] > 0).astype(int), Dataset(X, y))).measurement(
        "deletion_gain"
    )
    assert m.interval.low < 1 / 3 + 0.03
    assert m.interval.low > 0.2


def test_a_constant_model_is_undecided():
    X = np.random.default_rng(0).normal(size=(40, 3))
    subject = Subject("k", lambda f: np.full(len(f), 2.0), Dataset(X, X[:, 0]), task="regression")
    report = Audit({"explanation_faithfulness": {"rows": 20}}, LIMITS).run(subject)
    assert {f.status for f in report.findings} == {"inconclusive"}
    assert "nothing to take away" in report.findings[0].reason


def test_predictions_alone_are_refused():
    recorded = from_predictions(labels=[0, 1] * 20, classes=[0, 1])
    finding, *_ = (
        Audit(["explanation_faithfulness"]).run(Subject("p", recorded, Dataset(None, [0, 1] * 20))).findings
    )
    assert finding.status == "not_applicable"
    assert "only recorded predictions" in finding.reason


def test_two_mirrored_curves_are_called_one_test(given_explanations):
    found = run(given_explanations.linear(), rows=20)
    out, into = (found.measurement(name).value for name in ("deletion_gain", "insertion_gain"))
    assert out == pytest.approx(into, abs=0.2)
    assert any("nearly one test" in note for note in found.notes)
