"""Copies learn what can be learnt; equations give the parameters of a logistic regression and of nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from auditkit.errors import InputError
from auditkit.methods import extraction

RNG = np.random.default_rng


def rows(n=400, d=4, seed=0, k=2):
    rng = RNG(seed)
    X = rng.normal([3, 50, -2, 0][:d], [1, 20, 0.1, 5][:d], (n, d))
    Z = (X - X.mean(0)) / X.std(0)
    y = (Z @ rng.normal(size=(d, k)) + rng.normal(size=(n, k))).argmax(1)
    return X, y


def in_raw_columns(model):
    """The weights of a scaled logistic regression in the columns' own units, class by class against the first."""
    scaler, last = model[0], model[-1]
    coef, intercept = (
        last.coef_ / scaler.scale_,
        last.intercept_ - last.coef_ @ (scaler.mean_ / scaler.scale_),
    )
    if len(coef) == 1:
        return coef, intercept
    return coef[1:] - coef[0], intercept[1:] - intercept[0]


@pytest.mark.parametrize("k", [2, 3])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_d_plus_one_queries_give_every_parameter_of_a_scaled_logistic_regression(k, seed):
    X, y = rows(seed=seed, k=k)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    start = X[model.predict_proba(X).min(axis=1).argmax()]
    found = extraction.solve_equations(model.predict_proba, start, X.std(0), [False] * 4, [0] * 4)
    weights, intercept = in_raw_columns(model)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.intercept, intercept, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.proba(X), model.predict_proba(X), atol=1e-9)
    assert found.queries == 5


def test_answers_too_certain_to_be_read_are_asked_again_closer():
    def ask(X):
        p = 1 / (1 + np.exp(-(300 * X[:, 0] - 2 * X[:, 1])))
        return np.column_stack([1 - p, p])

    found = extraction.solve_equations(ask, [0.0, 0.0], [1.0, 1.0], [False, False], [0, 0])
    np.testing.assert_allclose(found.weights, [[300, -2]], rtol=1e-6)
    assert found.queries == 3 + 2  # 300, 37.5 and 4.7 log-odds


def test_categories_are_read_one_query_each():
    rng = RNG(3)
    frame = pd.DataFrame({"age": rng.integers(18, 80, 500), "job": rng.integers(0, 4, 500)}).astype(float)
    y = (
        frame["age"] / 20 + np.array([0, 1, -2, 3])[frame["job"].astype(int)] + rng.normal(size=500) > 3
    ).astype(int)
    encoded = make_column_transformer((OneHotEncoder(), ["job"]), (StandardScaler(), ["age"]))
    model = make_pipeline(encoded, LogisticRegression()).fit(frame, y)

    def ask(X):
        return model.predict_proba(pd.DataFrame(X, columns=["age", "job"]))

    found = extraction.solve_equations(ask, [45.0, 1.0], [10.0, 1.0], [True, False], [0, 4])
    assert found.queries == 1 + 1 + 3
    hot = model[-1].coef_[0, :4]
    np.testing.assert_allclose(found.by_code[1][:, 0], hot - hot[1], atol=1e-8)
    np.testing.assert_allclose(found.proba(frame), ask(frame.to_numpy()), atol=1e-9)
    unseen = found.proba([[45.0, np.nan], [45.0, 9.0]])
    assert np.isnan(unseen).all()


def test_a_missing_value_is_one_more_query():
    def ask(X):
        filled = np.where(np.isnan(X), [7.0, -2.0], X)
        p = 1 / (1 + np.exp(-(filled @ [0.5, -1.0])))
        return np.column_stack([1 - p, p])

    found = extraction.solve_equations(ask, [1.0, 0.0], [1.0, 1.0], [False, False], [0, 0], [True, False])
    assert found.queries == 4
    assert found.missing[0, 0] == pytest.approx(0.5 * (7 - 1))
    rows = np.array([[np.nan, 3.0], [2.0, np.nan]])
    np.testing.assert_allclose(found.proba(rows[:1]), ask(rows[:1]))
    assert np.isnan(found.proba(rows[1:])).all()  # nobody asked what a gap in the other column does


def test_a_model_of_another_kind_does_not_come_out():
    X, y = rows()
    model = GradientBoostingClassifier(random_state=0).fit(X, y)
    found = extraction.solve_equations(model.predict_proba, X[0], X.std(0), [False] * 4, [0] * 4)
    assert np.abs(found.proba(X) - model.predict_proba(X)).max() > 0.1


@pytest.mark.parametrize("learner", extraction.LEARNERS)
def test_a_copy_learns_from_labels_and_from_probabilities(learner):
    X, y = rows(1200, seed=1)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    asked, held = X[:800], X[800:]
    want = model.predict(held)
    by_kind = {}
    for kind, answers in (("labels", model.predict(asked)), ("proba", model.predict_proba(asked))):
        copy = extraction.copied_labels(asked, [False] * 4, answers, held, learner=learner, seed=0)
        by_kind[kind] = (copy == want).mean()
    assert by_kind["labels"] > 0.9
    assert by_kind["proba"] > 0.93
    certain = np.eye(2)[model.predict(asked)]
    one, other = (
        extraction.copied_labels(asked, [False] * 4, given, held, learner=learner, seed=0)
        for given in (certain, model.predict(asked))
    )
    np.testing.assert_array_equal(one, other)  # certain probabilities are labels


@pytest.mark.parametrize("learner", extraction.LEARNERS)
def test_codes_missing_values_and_empty_columns_are_taken_as_they_come(learner):
    rng = RNG(5)
    X = np.column_stack([rng.integers(0, 3, 300), rng.normal(size=300), np.full(300, np.nan)]).astype(float)
    X[rng.random(300) < 0.2, 1] = np.nan
    labels = (X[:, 0] == 1).astype(int)
    held = np.array([[0, 0, np.nan], [1, np.nan, np.nan], [7, 1, 3], [np.nan, 0, np.nan]])
    said = extraction.copied_labels(X, [True, False, False], labels, held, learner=learner, seed=0)
    assert said[:2].tolist() == [0, 1]
    alike = extraction.copied_labels(X, [True, False, False], np.full(300, 2), held, learner=learner, seed=0)
    assert alike.tolist() == [2] * 4


def test_made_up_rows_keep_columns_and_lose_what_joins_them():
    x = np.arange(2000.0)
    made = extraction.marginal_rows(np.column_stack([x, x]), 5000, RNG(0))
    assert np.isin(made, x).all()
    assert abs(np.corrcoef(made.T)[0, 1]) < 0.06
    assert extraction.marginal_rows(np.zeros((3, 0)), 4, RNG(0)).shape == (4, 0)


def test_the_most_frequent_answer_is_counted():
    assert extraction.majority_label([0, 2, 2, 1]) == 2
    assert extraction.majority_label([[0.4, 0.6], [0.1, 0.9], [0.7, 0.3]]) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learner": "boosted tree"}, "Did you mean 'boosted trees'"),
        ({"answers": [0, 1]}, "one answer each"),
        ({"rows": np.zeros((2, 3))}, "of the same columns"),
        ({"X": np.zeros((0, 2)), "answers": []}, "expected rows"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    given = {"X": np.zeros((3, 2)), "categorical": [False, False], "answers": [0, 1, 0], "rows": np.zeros((2, 2)),
             "learner": "logistic regression", "seed": 0} | change  # fmt: skip
    with pytest.raises(InputError, match=words):
        extraction.copied_labels(**given)
