"""The explainer chosen for a model gives the Shapley values that the field's own library gives."""

from __future__ import annotations

import warnings

import lightgbm
import numpy as np
import pandas as pd
import pytest
import shap
import xgboost
from scipy.special import expit
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from auditkit import Dataset, Subject
from auditkit.checks.explainability import (
    input_effects,
    input_interactions,
    permutation_importance,
    shap_importance,
    surrogate_tree,
)
from auditkit.checks.explainability._explainers import additivity, explain

# shap's own note on the shape it returns
pytestmark = pytest.mark.filterwarnings("ignore:LightGBM binary classifier with TreeExplainer")

N, SHOWN = 240, 30


def turned(data):
    """The same rows from the end, as training rows: equal splits are refused."""
    return data.take(np.arange(len(data))[::-1])


def numeric_table(seed=0, n=N):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(n, 4)), columns=["a", "b", "c", "e"])


def answers(X, task, seed=1):
    rng = np.random.default_rng(seed)
    level = X["a"] + 0.5 * X["b"] * X["c"] + 0.3 * rng.normal(size=len(X))
    if task == "regression":
        return level.to_numpy()
    if task == "multiclass":
        return np.digitize(level, [-0.6, 0.6])
    return (level > 0).astype(int).to_numpy()


def subject_of(model, task, X=None, **more):
    X = numeric_table() if X is None else X
    y = answers(X, task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    data = Dataset(X, y)
    return Subject("s", model, data, turned(data), task=task, **more)


def explained(subject, shown=SHOWN, permutations=64):
    X = subject.test.X
    return explain(
        subject, X.iloc[:shown].reset_index(drop=True), X, np.random.default_rng(0), permutations=permutations
    )


TREES = [
    (lightgbm.LGBMClassifier(n_estimators=12, verbose=-1, n_jobs=1), "binary", "log odds"),
    (lightgbm.LGBMClassifier(n_estimators=6, verbose=-1, n_jobs=1), "multiclass", "raw score"),
    (lightgbm.LGBMRegressor(n_estimators=12, verbose=-1, n_jobs=1), "regression", "value"),
    (xgboost.XGBClassifier(n_estimators=12, n_jobs=1), "binary", "log odds"),
    (xgboost.XGBClassifier(n_estimators=6, n_jobs=1), "multiclass", "raw score"),
    (xgboost.XGBRegressor(n_estimators=12, n_jobs=1), "regression", "value"),
    (DecisionTreeClassifier(max_depth=4, random_state=0), "binary", "probability"),
    (RandomForestClassifier(8, max_depth=4, random_state=0), "binary", "probability"),
    (RandomForestClassifier(8, max_depth=4, random_state=0), "multiclass", "probability"),
    (ExtraTreesClassifier(8, max_depth=4, random_state=0), "binary", "probability"),
    (RandomForestRegressor(8, max_depth=4, random_state=0), "regression", "value"),
    (GradientBoostingClassifier(n_estimators=12, random_state=0), "binary", "log odds"),
    (GradientBoostingRegressor(n_estimators=12, random_state=0), "regression", "value"),
    (HistGradientBoostingClassifier(max_iter=12), "binary", "log odds"),
    (HistGradientBoostingRegressor(max_iter=12), "regression", "value"),
]


@pytest.mark.parametrize(
    ("model", "task", "unit"), TREES, ids=[f"{type(m).__name__}-{t}" for m, t, _ in TREES]
)
def test_trees_equal_shap(model, task, unit):
    subject = subject_of(model, task)
    found = explained(subject)
    explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    expected = np.asarray(explainer.shap_values(subject.test.X.iloc[:SHOWN], check_additivity=False))
    base = np.asarray(explainer.expected_value, dtype=float).reshape(-1)
    if task == "binary" and expected.ndim == 3:
        expected, base = expected[:, :, 1], base[1:]
    # XGBoost keeps single precision
    near = 1e-4 if "XGB" in type(model).__name__ else 1e-6
    np.testing.assert_allclose(found.values, expected, atol=near)
    np.testing.assert_allclose(np.ravel(found.base), base if task == "multiclass" else base[-1], atol=near)
    assert found.unit == unit
    assert "exact tree paths" in found.method
    assert additivity(found) < 1e-4


def test_output_is_what_the_model_says():
    for model in (
        lightgbm.LGBMClassifier(n_estimators=9, verbose=-1, n_jobs=1),
        xgboost.XGBClassifier(n_estimators=9, n_jobs=1),
        HistGradientBoostingClassifier(max_iter=9),
        LogisticRegression(),
    ):
        subject = subject_of(model, "binary")
        proba = model.predict_proba(subject.test.X.iloc[:SHOWN])[:, 1]
        np.testing.assert_allclose(expit(explained(subject).output), proba, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "task", "unit"),
    [
        (LogisticRegression(), "binary", "log odds"),
        (LogisticRegression(), "multiclass", "decision value"),
        (LinearRegression(), "regression", "value"),
        (Ridge(fit_intercept=False), "regression", "value"),
        (SGDClassifier(loss="log_loss", random_state=0), "binary", "log odds"),
        (SGDClassifier(random_state=0), "binary", "decision value"),
    ],
    ids=lambda v: type(v).__name__ if hasattr(v, "fit") else str(v),
)
def test_linear_models_equal_shap(model, task, unit):
    subject = subject_of(model, task)
    found = explained(subject)
    X = subject.test.X.to_numpy()
    intercept = np.ravel(model.intercept_) if np.ndim(model.intercept_) else np.array([model.intercept_])
    coef = np.atleast_2d(model.coef_)
    pair = (coef, intercept) if task == "multiclass" else (coef[0], float(np.ravel(intercept)[0]))
    expected = shap.LinearExplainer(pair, shap.maskers.Independent(X, max_samples=len(X))).shap_values(
        X[:SHOWN]
    )
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    assert found.unit == unit
    assert additivity(found) < 1e-9


@pytest.mark.parametrize("model", [LinearSVC(), LinearDiscriminantAnalysis()], ids=lambda m: type(m).__name__)
def test_other_linear_classifiers_are_closed_form(model):
    subject = subject_of(model, "binary")
    found = explained(subject)
    X = subject.test.X.to_numpy()
    np.testing.assert_allclose(found.values, (X[:SHOWN] - X.mean(axis=0)) * model.coef_[0], atol=1e-9)
    assert additivity(found) < 1e-9


def test_native_boosters_are_read_in_their_own_column_order():
    X, y = numeric_table(), answers(numeric_table(), "binary")
    swapped = X[["c", "a", "e", "b"]]
    light = lightgbm.train(
        {"objective": "binary", "verbose": -1, "num_threads": 1}, lightgbm.Dataset(swapped, y), 10
    )
    extreme = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(swapped, y), 10)
    data = Dataset(X, y)
    for booster in (light, extreme):
        found = explained(Subject("b", booster, data, turned(data)))
        values = np.asarray(shap.TreeExplainer(booster).shap_values(swapped.iloc[:SHOWN]))
        np.testing.assert_allclose(found.values, values[:, [1, 3, 0, 2]], atol=1e-5)
        assert "own contributions" in found.method
        assert additivity(found) < 1e-5


def test_early_stopped_xgboost_is_explained_as_it_answers():
    X, y = numeric_table(), answers(numeric_table(), "binary")
    model = xgboost.XGBClassifier(n_estimators=200, early_stopping_rounds=2, n_jobs=1, learning_rate=0.8)
    model.fit(X[:120], y[:120], eval_set=[(X[120:], y[120:])], verbose=False)
    assert model.best_iteration < 100
    data = Dataset(X, y)
    found = explained(Subject("x", model, data, turned(data)))
    np.testing.assert_allclose(expit(found.output), model.predict_proba(X[:SHOWN])[:, 1], atol=1e-5)


def test_missing_mark_of_xgboost_is_kept():
    X = numeric_table()
    X.loc[::3, "a"] = -999.0
    y = answers(numeric_table(), "binary")
    model = xgboost.XGBClassifier(n_estimators=8, missing=-999.0, n_jobs=1).fit(X, y)
    data = Dataset(X, y)
    found = explained(Subject("x", model, data, turned(data)))
    np.testing.assert_allclose(expit(found.output), model.predict_proba(X[:SHOWN])[:, 1], atol=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        lightgbm.LGBMClassifier(n_estimators=8, verbose=-1, n_jobs=1),
        RandomForestClassifier(5, random_state=0),
        LogisticRegression(),
    ],
    ids=lambda m: type(m).__name__,
)
def test_the_first_label_as_positive_turns_the_sign(model):
    one, other = subject_of(model, "binary", positive=1), subject_of(model, "binary", positive=0)
    np.testing.assert_allclose(explained(one).values, -explained(other).values, atol=1e-12)
    if isinstance(model, RandomForestClassifier):
        np.testing.assert_allclose(explained(one).output, 1 - explained(other).output)
    else:
        np.testing.assert_allclose(explained(one).output, -explained(other).output)
    assert additivity(explained(other)) < 1e-6


def mixed_table(n=N, seed=3):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "num": rng.normal(size=n),
            "gap": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "word": rng.choice(["x", "y", "z"], size=n).astype(object),
            "kind": rng.choice(["p", "q"], size=n).astype(object),
        }
    )
    # a value that none of the rows explained has
    X.loc[n - 1, "word"] = "rare"
    level = X["num"] + (X["word"] == "x") - 0.5 * X["gap"].fillna(0) + 0.3 * rng.normal(size=n)
    return X, (level > 0.2).astype(int).to_numpy()


def columns():
    return ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(), StandardScaler()), ["num", "gap"]),
            ("w", OneHotEncoder(handle_unknown="ignore"), ["word"]),
            ("k", OrdinalEncoder(), ["kind"]),
        ]
    )


# the columns of `columns()`: num, gap, word_rare, word_x, word_y, word_z, kind
BELONGS = [0, 1, 2, 2, 2, 2, 3]


@pytest.mark.parametrize(
    "last",
    [
        LogisticRegression(),
        RandomForestClassifier(6, max_depth=4, random_state=0),
        lightgbm.LGBMClassifier(n_estimators=8, verbose=-1, n_jobs=1, min_child_samples=2),
    ],
    ids=lambda m: type(m).__name__,
)
def test_encoded_columns_sum_to_the_input_they_come_from(last):
    X, y = mixed_table()
    model = make_pipeline(columns(), last).fit(X, y)
    data = Dataset(X, y)
    found = explained(Subject("p", model, data, turned(data)))
    Z = np.asarray(model[:-1].transform(X).astype(float))
    if isinstance(last, LogisticRegression):
        parts = (Z[:SHOWN] - Z.mean(axis=0)) * last.coef_[0]
    else:
        parts = np.asarray(shap.TreeExplainer(last).shap_values(Z[:SHOWN], check_additivity=False))
        parts = parts[:, :, 1] if parts.ndim == 3 else parts
    by_hand = np.column_stack([parts[:, np.array(BELONGS) == j].sum(axis=1) for j in range(4)])
    np.testing.assert_allclose(found.values, by_hand, atol=1e-6)
    assert "summed to the input column" in found.why
    assert additivity(found) < 1e-6


def test_a_sparse_design_is_read_like_a_dense_one():
    X, y = mixed_table()
    words = X[["word", "kind"]]
    data = Dataset(words, y)
    for last in (
        lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1),
        xgboost.XGBClassifier(n_estimators=5, n_jobs=1),
    ):
        model = make_pipeline(OneHotEncoder(), last).fit(words, y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # LightGBM's names of the columns of a sparse matrix
            found = explained(Subject("s", model, data, turned(data)))
        assert "exact" in found.method, found.why
        np.testing.assert_allclose(expit(found.output), model.predict_proba(words[:SHOWN])[:, 1], atol=1e-6)


@pytest.mark.parametrize(
    "mixing",
    [PCA(2), PolynomialFeatures(2), KNNImputer()],
    ids=lambda m: type(m).__name__,
)
def test_preprocessing_that_mixes_columns_is_sampled(mixing):
    X = numeric_table()
    if isinstance(mixing, KNNImputer):
        X.loc[::4, "a"] = np.nan
    y = answers(numeric_table(), "binary")
    model = make_pipeline(mixing, StandardScaler(), LogisticRegression()).fit(X, y)
    data = Dataset(X, y)
    found = explained(Subject("m", model, data, turned(data)), shown=5)
    assert found.method.startswith("permutation sampling")
    assert "mixes input columns" in found.why
    assert found.unit == "probability"
    assert additivity(found) < 1e-9


def test_another_link_is_not_taken_for_a_sum():
    X = numeric_table()
    y = np.exp(0.5 * X["a"] - 0.5 * X["b"]).to_numpy()
    data = Dataset(X, y)
    for model in (PoissonRegressor(), HistGradientBoostingRegressor(loss="poisson", max_iter=10)):
        model.fit(X, y)
        found = explained(Subject("p", model, data, turned(data), task="regression"), shown=5)
        assert found.method.startswith("permutation sampling"), type(model)
        assert "missed the model's output" in found.why
        assert additivity(found) < 1e-9


def test_categorical_splits_fall_back_to_asking():
    X, y = mixed_table()
    X = X.astype({"word": "category", "kind": "category"})
    model = HistGradientBoostingClassifier(max_iter=8, categorical_features="from_dtype").fit(X, y)
    data = Dataset(X, y)
    found = explained(Subject("h", model, data, turned(data)), shown=6)
    assert additivity(found) < 1e-6
    assert found.method.startswith(("permutation sampling", "exact"))


def test_lightgbm_reads_categories_and_missing_values_itself():
    X, y = mixed_table()
    X = X.astype({"word": "category", "kind": "category"})
    model = lightgbm.LGBMClassifier(n_estimators=8, verbose=-1, n_jobs=1, min_child_samples=2).fit(X, y)
    data = Dataset(X, y)
    found = explained(Subject("l", model, data, turned(data)))
    np.testing.assert_allclose(found.values, model.predict(X[:SHOWN], pred_contrib=True)[:, :-1], atol=1e-12)


def test_any_function_within_its_stated_error():
    X = numeric_table(n=40)

    def score(frame):
        return expit(frame["a"] + frame["b"] * frame["c"]).to_numpy()

    data = Dataset(X, (score(X) > 0.5).astype(int))
    subject = Subject("f", score, data)
    behind = X.iloc[:16]
    found = explain(
        subject, X.iloc[20:28], behind, np.random.default_rng(0), permutations=40, target_error=1e-9
    )
    exact = shap.ExactExplainer(
        lambda m: score(pd.DataFrame(m, columns=X.columns)),
        shap.maskers.Independent(behind.to_numpy(), max_samples=16),
    )(X.iloc[20:28].to_numpy())
    miss = np.abs(found.values - exact.values)
    whole = explain(subject, X.iloc[20:28], behind, np.random.default_rng(0), permutations=256)
    assert whole.method.startswith("every set of inputs")
    assert whole.sampling_error == 0
    np.testing.assert_allclose(whole.values, exact.values, atol=1e-12)
    assert found.method.startswith("permutation sampling")
    assert found.sampling_error > 0
    assert miss.max() < 6 * found.sampling_error
    assert np.sqrt((miss[:, :3] ** 2).mean()) < 2.5 * found.sampling_error
    np.testing.assert_allclose(found.values[:, 3], 0, atol=1e-12)  # never used: exactly nothing
    np.testing.assert_allclose(found.base, exact.base_values[0], atol=1e-9)
    assert additivity(found) < 1e-9


def test_sampling_adds_up_at_the_default_effort():
    subject = subject_of(GaussianNB(), "binary")
    found = explained(subject, shown=12)
    assert found.method.startswith("permutation sampling")
    assert additivity(found) < 1e-9


def test_sampling_of_several_classes_and_of_labels_alone():
    subject = subject_of(GaussianNB(), "multiclass")
    found = explained(subject, shown=5, permutations=8)
    assert found.values.shape == (5, 4, 3)
    np.testing.assert_allclose(found.values.sum(axis=2), 0, atol=1e-9)  # probabilities sum to one
    X = numeric_table()
    data = Dataset(X, answers(X, "binary"))
    labels = Subject("labels", lambda frame: (frame["a"] > 0).astype(int).to_numpy(), data)
    found = explained(labels, shown=5, permutations=8)
    assert found.unit.startswith("1 where the model says")
    np.testing.assert_allclose(found.values[:, 1:], 0, atol=1e-12)


def test_one_pair_of_orders_says_that_its_error_is_unknown():
    found = explained(subject_of(GaussianNB(), "binary"), shown=4, permutations=2)
    assert np.isnan(found.sampling_error)


def test_odd_columns_do_not_break_an_explanation():
    n = 120
    rng = np.random.default_rng(5)
    X = pd.DataFrame(
        {
            "num": rng.normal(size=n),
            "same": 1.0,
            "empty": np.full(n, np.nan),
            "flag": rng.random(n) < 0.5,
            "word": pd.Series(rng.choice(["u", "v"], size=n), dtype="string"),
            "kind": pd.Categorical(rng.choice(["p", "q"], size=n)),
            "whole": rng.integers(0, 5, n).astype("int16"),
        }
    )

    def score(frame):
        return expit(
            frame["num"] + frame["flag"].astype(float) + (frame["word"] == "u").to_numpy(dtype=float)
        ).to_numpy()

    subject = Subject("odd", score, Dataset(X, (score(X) > 0.5).astype(int)))
    found = explain(subject, X.iloc[:6], X.iloc[60:80], np.random.default_rng(0), permutations=20)
    used = np.abs(found.values).max(axis=0) > 0
    assert used.tolist() == [True, False, False, True, True, False, False]
    assert additivity(found) < 1e-9


def test_one_column_is_the_whole_difference():
    X = numeric_table()[["a"]]
    data = Dataset(X, (X["a"] > 0).astype(int))
    subject = Subject("one", lambda frame: expit(frame["a"]).to_numpy(), data)
    found = explain(subject, X.iloc[:7], X.iloc[50:66], np.random.default_rng(0), permutations=32)
    expected = expit(X["a"].iloc[:7]) - expit(X["a"].iloc[50:66]).mean()
    np.testing.assert_allclose(found.values[:, 0], expected, atol=1e-12)


def test_additivity_is_measured_in_each_output_own_spread():
    subject = subject_of(LogisticRegression(), "multiclass")
    found = explained(subject)
    assert additivity(found) < 1e-9
    broken = type(found)(found.values * 0.5, found.base, found.output, "broken", "", found.unit)
    spread = found.output.std(axis=0)
    by_hand = (np.abs(found.base + 0.5 * found.values.sum(axis=1) - found.output) / spread).max()
    assert additivity(broken) == pytest.approx(by_hand)
    flat = type(found)(found.values * 0, found.base, np.ones_like(found.output), "flat", "", found.unit)
    assert np.isnan(additivity(flat))


def test_categories_that_only_the_background_has_keep_their_value():
    word = pd.Categorical(["p", "q"] * 15)
    behind = pd.Categorical(["p", "q", "r"] * 10)
    X, background = pd.DataFrame({"word": word}), pd.DataFrame({"word": behind})

    def score(frame):
        assert not frame["word"].isna().any()
        return frame["word"].map({"p": 0.1, "q": 0.5, "r": 0.9}).astype(float).to_numpy()

    subject = Subject("c", score, Dataset(X, [0, 1] * 15))
    found = explain(subject, X, background, np.random.default_rng(0), permutations=60)
    assert float(found.base) == pytest.approx(0.5)
    np.testing.assert_allclose(found.values[:2, 0], [-0.4, 0.0], atol=1e-12)


def test_an_encoded_category_that_only_the_training_rows_have_is_owned():
    rng = np.random.default_rng(0)
    seen = pd.DataFrame(
        {"word": pd.Categorical(rng.choice(["p", "q", "r"], 200)), "n": rng.integers(0, 9, 200)}
    )
    later = pd.DataFrame({"word": pd.Categorical(rng.choice(["p", "q"], 60)), "n": rng.normal(size=60)})
    y = ((seen["word"] == "r") | (seen["n"] > 4)).astype(int)
    encode = ColumnTransformer([("w", OneHotEncoder(), ["word"])], remainder="passthrough")
    model = make_pipeline(encode, LogisticRegression()).fit(seen, y)
    subject = Subject("t", model, Dataset(later, rng.integers(0, 2, 60)), Dataset(seen, y))
    found = explain(subject, later, seen, np.random.default_rng(0))
    assert "closed form" in found.method
    assert additivity(found) < 1e-9


@pytest.mark.parametrize("model", [RandomForestClassifier(4, max_depth=5, random_state=0), GaussianNB()])
def test_many_classes_of_one_column(model):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.uniform(0, 12, 300)})
    y = np.floor(X["a"]).astype(int)
    model.fit(X, y)
    data = Dataset(X, y)
    found = explained(Subject("k", model, data, turned(data)), shown=20)
    assert found.values.shape == (20, 1, 12)
    proba = model.predict_proba(X[:20])
    np.testing.assert_allclose(found.values[:, 0], proba - found.base, atol=1e-6)
    assert additivity(found) < 1e-6


def test_coefficients_without_a_row_for_the_class_are_read():
    X = numeric_table()
    y = answers(X, "binary")
    data = Dataset(X, y)
    model = RidgeClassifier().fit(X, y)
    assert model.coef_.ndim == 1 or len(model.coef_) == 1  # which of the two goes by the version
    for coef, intercept in (
        (model.coef_.reshape(-1), np.ravel(model.intercept_)),
        (model.coef_.reshape(1, -1), 0.5),
    ):
        model.coef_, model.intercept_ = coef, intercept
        found = explained(Subject("r", model, data, turned(data), positive=model.classes_[1]))
        assert "closed form" in found.method
        assert np.ndim(found.base) == 0
        assert additivity(found) < 1e-9


def test_trees_that_add_up_to_a_root_are_not_called_values():
    X = numeric_table()
    y = np.exp(X.iloc[:, 0].to_numpy())
    data = Dataset(X, y)
    for root, unit in ((True, "raw score"), (False, "value")):
        model = lightgbm.LGBMRegressor(n_estimators=5, reg_sqrt=root, verbose=-1).fit(X, y)
        assert explained(Subject("l", model, data, turned(data), task="regression")).unit == unit


@pytest.mark.parametrize(
    "check", [shap_importance, permutation_importance, input_effects, input_interactions, surrogate_tree]
)
def test_weights_that_are_not_used_are_told(check):
    X = numeric_table()
    y = answers(X, "binary")
    data = Dataset(X, y, sample_weight=np.arange(1.0, len(X) + 1))
    subject = Subject("w", LogisticRegression().fit(X, y), data)
    found = check(subject, rng=np.random.default_rng(0), rows=40)
    assert any("sample_weight was given and is not used" in note for note in found.notes)
