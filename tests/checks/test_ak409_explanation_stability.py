"""AK409: how much of an explanation is left when it is made again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from scipy import stats
from sklearn.tree import DecisionTreeRegressor

from auditkit import Audit, Criterion, Dataset, Subject
from auditkit.checks.explainability import _quality as quality
from auditkit.checks.explainability import explanation_stability
from auditkit.data import make_multiclass

LIMITS = [
    Criterion("explanation_stability", at_least=0.8, group="seed"),
    Criterion("explanation_stability", at_least=0.8, group="background"),
    Criterion("explanation_stability", at_least=0.5, group="refit"),
    Criterion("sampling_error_ratio", at_most=0.4),
]


def run(subject, seed=0, **params):
    return explanation_stability(subject, rng=np.random.default_rng(seed), **params)


def judged(subject, seed=0, **params):
    """Return the status of each measurement that has a limit, by metric and group."""
    report = Audit({"explanation_stability": params}, LIMITS).run(subject, seed=seed)
    return {
        (f.measurement.metric, f.measurement.group): f.status
        for f in report.findings
        if f.measurement is not None
    }


def test_an_exact_explainer_gives_1_for_another_seed_and_says_why(given_explanations):
    found = run(given_explanations.linear(), rows=50)
    m = found.measurement("explanation_stability", "seed")
    assert m.value == 1.0
    assert "nothing is drawn at random" in m.reason
    assert m.by_construction
    assert found.measurement("sampling_error_ratio").by_construction
    assert not found.measurement("explanation_stability", "refit").by_construction
    assert found.measurement("sampling_error_ratio").value == 0.0
    assert found.measurement("top_inputs_stability", "seed").value == 1.0


def test_another_seed_meets_the_same_comparison_rows():
    # one input of eight counts: whatever the order, its part is the output less that of the comparison rows that are met
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 8)), columns=list("abcdefgh"))
    subject = Subject("one", lambda f: f["a"].to_numpy(), Dataset(X, X["a"]), task="regression")
    found = run(subject, rows=30, permutations=16)
    assert found.measurement("explanation_stability", "seed").value == pytest.approx(1, abs=1e-9)
    assert found.measurement("sampling_error_ratio").value == pytest.approx(0, abs=1e-9)
    assert found.measurement("explanation_stability", "background").value < 0.999


def test_orders_that_are_drawn_and_all_agree_are_no_construction():
    # the part of the only input that counts is 0 or 1 less the same mean, in any order: equal to the last digit, and still drawn
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 8)), columns=list("abcdefgh"))
    subject = Subject("step", lambda f: (f["a"] > 0).to_numpy(float), Dataset(X, X["a"]), task="regression")
    found = run(subject, rows=30, permutations=16)
    assert "sampling" in found.notes[0]
    m = found.measurement("explanation_stability", "seed")
    assert m.value == pytest.approx(1)
    assert not m.by_construction
    assert m.interval is not None
    assert not found.measurement("top_inputs_stability", "seed").by_construction
    assert not found.measurement("sampling_error_ratio").by_construction


def test_tree_paths_read_no_comparison_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
    model = LGBMClassifier(n_estimators=10, n_jobs=1, verbose=-1).fit(X[:200], y[:200])
    found = run(Subject("t", model, Dataset(X[200:], y[200:]), Dataset(X[:200], y[:200])), rows=50, repeats=2)
    m = found.measurement("explanation_stability", "background")
    assert m.value == 1.0
    assert "reads no comparison rows" in m.reason
    assert 0.5 < found.measurement("explanation_stability", "refit").value < 1


def test_the_background_of_a_linear_model_by_a_second_way(given_explanations):
    """The parts are coefficient times distance from the mean of the comparison rows."""
    subject = given_explanations.linear(n_train=5000)
    found = run(subject, rows=150, background=50, repeats=40, seed=1)
    coef, rng = subject.model.inner.estimator.coef_, np.random.default_rng(5)
    X = subject.test.X.to_numpy()
    own, again = (
        (X - subject.train.X.to_numpy()[rng.choice(5000, 50, replace=False)].mean(axis=0)) * coef
        for _ in range(2)
    )
    values = []
    for _ in range(200):
        own, again = (
            (X - subject.train.X.to_numpy()[rng.choice(5000, 50, replace=False)].mean(axis=0)) * coef
            for _ in range(2)
        )
        values.append(
            np.mean((own * again).sum(1) / np.linalg.norm(own, axis=1) / np.linalg.norm(again, axis=1))
        )
    value = found.measurement("explanation_stability", "background").value
    assert np.quantile(values, 0.005) < value < np.quantile(values, 0.995)


def test_innocent_twins_pass(given_explanations):
    assert set(judged(given_explanations.linear()).values()) == {"pass"}
    statuses = judged(given_explanations.interacting(), permutations=128, rows=60)
    assert (
        statuses.pop(("explanation_stability", "refit")) == "inconclusive"
    )  # a function cannot be trained again
    assert set(statuses.values()) == {"pass"}


def test_too_few_permutations_are_found(given_explanations):
    # three inputs together: their parts hang on the order, which two inputs' parts, there and back, do not
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 6)), columns=list("abcdef"))
    rule = lambda f: (f["a"] * f["b"] * f["c"] + f["d"] * f["e"] * f["f"]).to_numpy()  # noqa: E731
    statuses = judged(Subject("three", rule, Dataset(X, rule(X)), task="regression"), permutations=2)
    assert statuses["explanation_stability", "seed"] == "fail"
    assert statuses["sampling_error_ratio", None] == "fail"
    # with two orders a row meets one comparison row only: that is no fault of the seed
    statuses = judged(given_explanations.interacting(), permutations=2)
    assert statuses["explanation_stability", "background"] == "fail"
    assert statuses["explanation_stability", "seed"] == "pass"


def test_two_comparison_rows_are_found_and_the_seed_is_not_blamed(given_explanations):
    statuses = judged(given_explanations.interacting(), background=2, repeats=10)
    assert statuses["explanation_stability", "background"] == "fail"
    assert statuses["explanation_stability", "seed"] == "pass"
    assert statuses["sampling_error_ratio", None] == "pass"


def test_an_explanation_drawn_at_random_is_found(monkeypatch, given_explanations):
    monkeypatch.setattr(quality, "explain", given_explanations.drawn_at_random)
    statuses = judged(given_explanations.linear())
    assert {statuses["explanation_stability", g] for g in ("seed", "background", "refit")} == {"fail"}
    assert statuses["sampling_error_ratio", None] == "fail"
    assert run(given_explanations.linear()).measurement(
        "explanation_stability", "seed"
    ).value == pytest.approx(0, abs=0.15)
    assert run(given_explanations.linear()).measurement("sampling_error_ratio").value == pytest.approx(
        1, abs=0.05
    )


def test_a_model_that_is_luck_is_found_by_its_refits():
    """Labels without any connection: what the model rests on changes with every training."""
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(2, 120, 12))
    y, t = rng.normal(size=(2, 120))
    from sklearn.tree import DecisionTreeRegressor

    model = DecisionTreeRegressor(max_depth=4, random_state=0).fit(T, t)
    subject = Subject("luck", model, Dataset(X, y), Dataset(T, t), task="regression")
    statuses = judged(subject, repeats=10)
    assert statuses["explanation_stability", "refit"] == "fail"
    assert statuses["explanation_stability", "seed"] == "pass"


def test_a_planted_share_of_noise_is_measured_at_its_size(monkeypatch, given_explanations):
    """Noise of a ninth of the mean square in each: the cosine is about 0.9 and the ratio the root of 1/10."""

    def noisy(subject, X, background, rng, **more):
        found = given_explanations.honest(subject, X, background, rng, **more)
        size = np.sqrt(np.square(found.values).mean() / 9)
        return replace(found, values=found.values + size * rng.normal(size=found.values.shape))

    monkeypatch.setattr(quality, "explain", noisy)
    found = run(given_explanations.linear(weights=np.ones(40), n=200), rows=200)
    assert found.measurement("explanation_stability", "seed").value == pytest.approx(0.9, abs=0.01)
    m = found.measurement("sampling_error_ratio")
    assert m.value == pytest.approx(np.sqrt(1 / 10), abs=0.01)
    assert m.interval.low < np.sqrt(1 / 10) < m.interval.high


@pytest.mark.slow
def test_the_interval_covers_other_repeats_and_other_rows():
    """Noise drawn anew each time; the truth is the mean over many rows and repeats, for the explanation in hand."""
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(20_000, 2, 8))
    signal, noise = draws[:, 0], draws[:, 1]
    other = signal + 0.5 * noise
    truth = np.mean((signal * other).sum(1) / np.linalg.norm(signal, axis=1) / np.linalg.norm(other, axis=1))
    from auditkit.methods.explanation_quality import cosine_similarity, crossed_mean

    covered = 0
    for seed in range(300):
        own = np.random.default_rng(seed)
        real = own.normal(size=(60, 8))
        found = crossed_mean(
            [cosine_similarity(real, real + 0.5 * own.normal(size=(60, 8))) for _ in range(5)]
        )
        covered += found.low <= truth <= found.high
    assert stats.binom.ppf(0.001, 300, 0.93) <= covered


def test_several_classes_and_tables_for_the_figure():
    found = run(make_multiclass(n_train=300, n_test=150), rows=60)
    assert found.tables["stability"].columns["label"] == (
        "other comparison rows",
        "the model trained again on resampled rows",
    )  # exact: another seed changes nothing
    table = found.tables["importances"]
    assert len(set(table.columns["series"])) == 2
    assert sum(table.columns["value"]) == pytest.approx(2)  # the shares of each add up to 1
    for low, value, high in zip(*(table.columns[c] for c in ("low", "value", "high")), strict=True):
        assert low <= value <= high
    assert "reasons given for a row" in found.says


def test_a_constant_model_has_nothing_to_compare(given_explanations):
    subject = given_explanations.linear()
    constant = Subject("k", lambda f: np.full(len(f), 2.0), subject.test, subject.train, task="regression")
    found = run(constant, rows=20, repeats=2)
    assert np.isnan(found.measurement("explanation_stability", "seed").value)
    assert "nothing to explain" in found.says
    assert not found.tables


def test_what_comes_out_the_same_is_said_and_not_drawn(given_explanations):
    subject = given_explanations.linear()
    found = run(subject, rows=20, repeats=2)  # exact, with training rows
    assert "another seed" not in found.tables["stability"].columns["label"]
    assert "another seed" not in found.tables["importances"].columns["series"]
    X, y = subject.test.X, subject.test.y
    tree = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, y)
    found = run(Subject("tree", tree, Dataset(X, y), task="regression"), rows=20, repeats=2)  # without any
    assert found.says == (
        "Made again with another seed and with other comparison rows, the explanation is the same: nothing in it is drawn at random."
    )
    assert not found.tables


def test_one_input_has_no_order():
    X = np.arange(40.0)[:, None]
    subject = Subject("one", lambda Z: Z[:, 0], Dataset(X, X[:, 0]), task="regression")
    finding, *_ = Audit(["explanation_stability"]).run(subject).findings
    assert finding.status == "not_applicable"
    assert "single input" in finding.reason


def test_a_training_that_fails_is_said_and_the_rest_stands(given_explanations):
    from auditkit.predictors import from_callable

    def refuses(_X, _y, _seed):
        raise ValueError("no more training")

    subject = given_explanations.linear()
    weights = np.array([2.0, -1.0, 0.5, 0.0])
    model = from_callable(lambda Z: np.asarray(Z) @ weights, output="values", refit=refuses)
    found = run(Subject("r", model, subject.test, subject.train, task="regression"), rows=20, repeats=2)
    m = found.measurement("explanation_stability", "refit")
    assert np.isnan(m.value)
    assert "no more training" in m.reason
    assert found.measurement("explanation_stability", "seed").value > 0.95
