"""A model that can be learnt is copied, one that is no pattern is not, and a logistic regression gives itself away."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from auditkit.checks.robustness import model_extraction
from auditkit.data import make_credit, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject

MAJORITY, TRUTH = "over the most frequent answer", "over learning from true labels"


def run(subject, seed=0, **options):
    return model_extraction(subject, rng=np.random.default_rng(seed), **{"pool": 200} | options)


def numbers(n=600, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"a": rng.normal(5, 2, n), "b": rng.normal(0, 1, n), "c": rng.uniform(0, 100, n)})


def labels_only(rule, n=600, seed=0, y=None):
    X = numbers(n, seed)
    model = from_callable(lambda X: np.asarray(rule(X), dtype=int), classes=[0, 1], output="labels")
    return Subject("labels", model, Dataset(X, np.asarray(rule(X), dtype=int) if y is None else y))


def regression_in_a_pipeline(seed=0, noise=1.0):
    X = numbers(1000, seed)
    rng = np.random.default_rng(seed)
    y = (X["a"] - 5 + 2 * X["b"] + noise * rng.normal(size=1000) > 0).astype(int).to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:400], y[:400])
    return model, Subject("logistic", model, Dataset(X[400:], y[400:]), Dataset(X[:400], y[:400]))


def test_a_logistic_regression_is_read_from_d_plus_one_answers():
    model, subject = regression_in_a_pipeline()
    found = run(subject)
    fidelity = found.measurement("extraction_fidelity")
    assert fidelity.value == 1
    assert fidelity.reason == "solved equations, 4 queries"
    assert fidelity.bound == "lower"
    read = found.tables["equations"].columns
    weights = dict(zip(read["parameter"], read["weight"], strict=True))
    scaler, last = model
    true = last.coef_[0] / scaler.scale_
    np.testing.assert_allclose([weights[c] for c in "abc"], true, rtol=1e-6)
    assert weights["intercept"] == pytest.approx(last.intercept_[0] - true @ scaler.mean_, abs=1e-6)
    assert "4 answers" in " ".join(found.notes)
    assert "on 300 of 300 held-out rows" in " ".join(found.notes)
    right = found.measurement("surrogate_accuracy")
    table = found.tables["accuracies"].columns
    assert right.value == table["value"][0] == table["value"][1]  # the copy is the model


def test_what_a_name_weighs_is_not_shown():
    X = numbers(300)
    X["name"] = [f"person {i // 2 if i < 4 else i}" for i in range(300)]
    y = (X["a"] > 5).astype(int).to_numpy()
    ready = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["name"]), remainder=StandardScaler()
    )
    model = make_pipeline(ready, LogisticRegression()).fit(X[:150], y[:150])
    found = run(
        Subject("names", model, Dataset(X[150:], y[150:]), Dataset(X[:150], y[:150])), rows=60, pool=20
    )
    table = found.tables["equations"]
    people = [word for word in table.columns["parameter"] if "person" in word]
    assert people == ["name=person 0", "name=person 1"]  # two rows each
    assert "296 of values that one row alone holds are not listed" in table.summary


def test_a_tree_gives_no_equations_but_is_copied():
    X = numbers(900)
    y = ((X["a"] > 5) ^ (X["c"] > 50)).astype(int).to_numpy()
    model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X[:300], y[:300])
    found = run(Subject("tree", model, Dataset(X[300:], y[300:]), Dataset(X[:300], y[:300])))
    assert "equations" not in found.tables
    assert "boosted trees" in found.measurement("extraction_fidelity").reason
    assert found.measurement("extraction_fidelity").value > 0.9
    assert found.measurement("extraction_advantage", MAJORITY).interval.low > 0.2


def test_figures_are_those_of_the_rows_held_out():
    found = run(labels_only(lambda X: X["a"] > 6))
    fidelity, n = found.measurement("extraction_fidelity"), 300
    assert fidelity.n == n
    assert found.rows["used"] == 600
    curve = found.tables["by_queries"].frame()
    own = curve[curve["series"] == "labels, boosted trees"]
    assert own["x"].tolist() == [15, 30, 60, 120, 240]  # 300 of one's own, 60 of them to choose by
    assert (curve["n"] == n).all()
    made_up = found.tables["by_made_up_queries"].frame()
    assert made_up["x"].max() == 200
    frequent = curve[curve["series"] == "most frequent answer"]["value"].iloc[0]
    advantage = found.measurement("extraction_advantage", MAJORITY)
    assert advantage.value == pytest.approx(fidelity.value - frequent)
    # labels are the answers: asking is worth no more than learning
    assert found.measurement("extraction_advantage", TRUTH).interval.low <= 0
    assert found.measurement("surrogate_accuracy").value == fidelity.value
    assert "labels only" in " ".join(found.notes)
    assert not curve["series"].str.contains("probabilities").any()


def test_asking_is_worth_more_than_learning_where_the_model_errs():
    rng = np.random.default_rng(0)
    found = run(labels_only(lambda X: X["a"] + X["b"] > 5, y=rng.integers(0, 2, 600)))
    assert found.measurement("extraction_advantage", TRUTH).interval.low > 0.2
    right = found.measurement("surrogate_accuracy")
    assert right.interval.low < 0.5 < right.interval.high  # a true copy is as wrong as the model


def coin(X):
    """Deterministic and without pattern: the parity of a hash of the row."""
    return [hashlib.sha256(row.tobytes()).digest()[0] % 2 for row in np.ascontiguousarray(X.to_numpy())]


@pytest.mark.parametrize("trials", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_what_has_no_pattern_is_not_copied(trials):
    found = [run(labels_only(coin, 120, seed), seed, pool=60) for seed in range(trials)]
    # the copy is picked on rows of its own, so no advantage comes of the picking
    for group in (MAJORITY, TRUTH):
        alarms = sum(f.measurement("extraction_advantage", group).interval.low > 0 for f in found)
        assert alarms <= binom.ppf(0.999, trials, 0.025)
    held = sum(f.measurement("extraction_fidelity").interval.low <= 0.5 <= f.measurement("extraction_fidelity").interval.high
               for f in found)  # fmt: skip
    assert held >= binom.ppf(0.001, trials, 0.95)


def test_a_model_that_always_says_the_same_is_copied_without_asking():
    found = run(labels_only(lambda X: np.ones(len(X)), y=np.resize([0, 1], 600)))
    assert found.measurement("extraction_fidelity").value == 1
    assert found.measurement("extraction_advantage", MAJORITY).value == 0
    assert found.measurement("extraction_advantage", MAJORITY).interval.high > 0


def test_what_cannot_be_tested_says_so():
    with pytest.raises(NotApplicable, match="compares classes"):
        run(make_regression(n_train=80, n_test=80))
    known = make_credit(n_train=100, n_test=80)
    recorded = from_predictions(scores=known.scores(), classes=known.classes.tolist())
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        run(Subject("p", recorded, known.test, positive="repaid"))
    with pytest.raises(NotApplicable, match="at least 40 test rows"):
        run(labels_only(lambda X: X["a"] > 5, 39))
    assert run(labels_only(lambda X: X["a"] > 5, 40)).measurement("extraction_fidelity").n == 20


def test_one_seed_one_result():
    subject = make_credit(n_train=200, n_test=300)
    assert run(subject, rows=100) == run(subject, rows=100)
