"""Many rows of a sum of trees are explained by tables, and the numbers are those of the library all the same."""

from __future__ import annotations

import warnings

import lightgbm
import numpy as np
import pandas as pd
import pytest
import shap
import xgboost
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from auditkit import Dataset, Subject
from auditkit.checks.explainability._explainers import additivity, explain
from auditkit.checks.explainability._inside import how_to_read
from auditkit.checks.explainability._trees import by_tables
from auditkit.errors import NotApplicable
from auditkit.methods.attributions import tables_pay, tree_shapley
from auditkit.methods.trees import read_trees

# shap's own note on the shape it returns
pytestmark = pytest.mark.filterwarnings("ignore:LightGBM binary classifier with TreeExplainer")
MANY = 20_000
TABLES = "exact tree paths (tables of leaves, path-dependent)"


def table(n=MANY):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(np.round(rng.normal(size=(n, 4)) * 16) / 16, columns=["a", "b", "c", "e"])
    level = X["a"] + 0.5 * X["b"] * X["c"] + 0.3 * rng.normal(size=n)
    return X, level.to_numpy()


def answers(level, task):
    return {"binary": (level > 0).astype(int), "multiclass": np.digitize(level, [-0.6, 0.6])}.get(task, level)


MODELS = [
    (lightgbm.LGBMClassifier(n_estimators=6, verbose=-1, n_jobs=1), "binary"),
    (lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1), "multiclass"),
    (xgboost.XGBClassifier(n_estimators=6, n_jobs=1), "binary"),
    (xgboost.XGBRegressor(n_estimators=6, n_jobs=1), "regression"),
    (RandomForestClassifier(4, max_depth=6, random_state=0), "binary"),
    (RandomForestClassifier(4, max_depth=6, random_state=0), "multiclass"),
    (RandomForestRegressor(4, max_depth=6, random_state=0), "regression"),
    (GradientBoostingClassifier(n_estimators=6, max_depth=5, random_state=0), "binary"),
    (HistGradientBoostingClassifier(max_iter=6), "binary"),
    (HistGradientBoostingRegressor(max_iter=6), "regression"),
]


@pytest.mark.parametrize(("model", "task"), MODELS, ids=[f"{type(m).__name__}-{t}" for m, t in MODELS])
def test_many_rows_are_explained_by_tables_and_few_by_the_library_alike(model, task):
    X, level = table()
    y = answers(level, task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X[:400], y[:400])
    subject = Subject("s", model, Dataset(X, y), task=task)
    many = explain(subject, X, X[:50], np.random.default_rng(0))
    few = explain(subject, X[:20], X[:50], np.random.default_rng(0))
    assert many.method == TABLES, (many.method, many.why)
    assert few.method.startswith("exact tree paths")
    assert few.method != TABLES
    near = 1e-5 if "XGB" in type(model).__name__ else 1e-9
    np.testing.assert_allclose(many.values[:20], few.values, atol=near)
    np.testing.assert_allclose(many.base, few.base, atol=near)
    np.testing.assert_allclose(many.output[:20], few.output, atol=1e-12)
    assert many.unit == few.unit
    assert additivity(many) < (1e-5 if "XGB" in type(model).__name__ else 1e-9)
    reads_against_the_background(subject, X)


def reads_against_the_background(subject, X):
    final, read = how_to_read(subject.model.inner, interventional=True)
    raw = read(final, X[:20], X[:50])
    explainer = shap.TreeExplainer(final, X[:50], feature_perturbation="interventional")
    expected = np.asarray(explainer.shap_values(X[:20], check_additivity=False))
    np.testing.assert_allclose(raw.values, expected, atol=1e-6)
    np.testing.assert_allclose(raw.base, raw.output.mean(axis=0) * 0 + explainer.expected_value, atol=1e-5)
    assert raw.method.startswith("exact trees, interventional")


def test_native_boosters_keep_their_own_order_of_columns():
    X, level = table()
    swapped = X[["c", "a", "e", "b"]]
    light = lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(swapped[:400], level[:400]), 5)
    extreme = xgboost.train({"nthread": 1}, xgboost.DMatrix(swapped[:400], level[:400]), 5)
    for booster in (light, extreme):
        subject = Subject("b", booster, Dataset(X, level), task="regression")
        found = explain(subject, X, X[:50], np.random.default_rng(0))
        assert found.method == TABLES
        values = np.asarray(shap.TreeExplainer(booster).shap_values(swapped.iloc[:20]))
        np.testing.assert_allclose(found.values[:20], values[:, [1, 3, 0, 2]], atol=1e-5)


def test_what_tables_do_not_hold_stays_with_the_library():
    X, level = table()
    X["word"] = pd.Categorical(np.random.default_rng(1).choice(list("xyz"), size=len(X)))
    y = (level + (X["word"] == "x") > 0.3).astype(int)
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1).fit(X, y)
    subject = Subject("c", model, Dataset(X, y))
    found = explain(subject, X, X[:50], np.random.default_rng(0))
    assert found.method == "exact tree paths (LightGBM's own contributions, path-dependent)"
    final, read = how_to_read(subject.model.inner, interventional=True)
    with pytest.raises(NotApplicable, match="background rows"):
        read(final, X[:5], X[:50])


def test_a_model_that_answers_otherwise_than_its_trees_is_left_to_the_library():
    X, level = table()
    first = HistGradientBoostingRegressor(max_iter=2).fit(X[:400], level[:400])
    start = GradientBoostingClassifier(n_estimators=4, init=RandomForestClassifier(3, max_depth=2))
    start.fit(X[:400], answers(level[:400], "binary"))
    assert by_tables(start, X.to_numpy(), start.decision_function(X)) is None
    assert by_tables(first, X.to_numpy(), first.predict(X)) is not None
    assert by_tables(first, X.to_numpy(), np.exp(first.predict(X))) is None
    assert by_tables(first, X.to_numpy()[:20], first.predict(X[:20])) is None  # too few rows to pay


def test_tables_pay_with_many_rows_and_not_with_leaves_of_many_features():
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(600, 30))
    deep = RandomForestRegressor(2, max_features=1, random_state=0).fit(wide, rng.normal(size=600))
    flat = RandomForestRegressor(2, max_depth=3, random_state=0).fit(wide, wide[:, 0])
    assert [tables_pay(read_trees(flat), n) for n in (10, 100_000)] == [False, True]
    assert not tables_pay(read_trees(deep), 10**6)
    with pytest.raises(NotApplicable, match="more than 18 features"):
        tree_shapley(read_trees(deep), wide)
