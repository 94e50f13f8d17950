"""SklearnPredictor: asked as the estimator itself answers, refitted the same from the same seed."""

import pickle

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from xgboost import XGBClassifier, XGBRegressor

from auditkit.errors import InputError, NotApplicable
from auditkit.predictors import ModelError, as_predictor
from auditkit.predictors.sklearn import SklearnPredictor, seeded


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(7)
    X = pd.DataFrame({"age": rng.normal(40, 10, 240), "income": rng.normal(size=240)})
    y = (X["age"] / 10 + X["income"] + rng.normal(size=240) > 4).astype(int).to_numpy()
    return X, y


def mixed(X):
    return X.assign(job=np.where(X["age"] > 40, "clerk", "cook"))


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        RandomForestClassifier(10, random_state=0),
        LGBMClassifier(n_estimators=5, verbose=-1),
        XGBClassifier(n_estimators=5),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("trained_on", ["pandas", "numpy"])
def test_answers_are_the_estimators_own_in_every_dress(table, model, trained_on):
    X, y = table
    own = X if trained_on == "pandas" else X.to_numpy()
    model.fit(own, y)
    for native in ("pandas", "numpy", "polars", "pyarrow"):
        predictor = as_predictor(model, native=native, task="binary", labels=np.array([0, 1]))
        asked = X if native != "numpy" else X.set_axis(["x0", "x1"], axis=1)
        np.testing.assert_array_equal(predictor.predict(asked), model.predict(own))
        np.testing.assert_allclose(predictor.predict_proba(asked), model.predict_proba(own), rtol=1e-12)
    assert predictor.kind == type(model).__name__


def test_a_pipeline_with_string_columns_answers_in_every_dress(table):
    X, y = mixed(table[0]), np.where(table[1], "yes", "no")
    columns = make_column_transformer((StandardScaler(), ["age", "income"]), (OneHotEncoder(), ["job"]))
    model = make_pipeline(columns, LGBMClassifier(n_estimators=4, verbose=-1)).fit(X, y)
    for native in ("pandas", "polars", "pyarrow"):
        predictor = as_predictor(model, native=native, task="binary", labels=np.array(["no", "yes"]))
        np.testing.assert_array_equal(predictor.predict_proba(X), model.predict_proba(X))
        assert predictor.predict(X).dtype.kind == "U"
    assert predictor.kind == "Pipeline(..., LGBMClassifier)"
    assert predictor.classes.tolist() == ["no", "yes"]


@pytest.mark.parametrize(
    "model", [LinearRegression(), LGBMRegressor(n_estimators=3, verbose=-1), XGBRegressor(n_estimators=3)]
)
def test_a_regressor_gives_values_and_no_probabilities(table, model):
    X, _ = table
    model.fit(X, X["income"] * 2)
    predictor = as_predictor(model, task="regression")
    np.testing.assert_array_equal(predictor.predict(X), model.predict(X))
    assert predictor.classes is None
    assert not predictor.has_proba
    with pytest.raises(NotApplicable, match="no probabilities"):
        predictor.predict_proba(X)


def test_a_decision_function_is_no_probability(table):
    X, y = table
    predictor = as_predictor(LinearSVC().fit(X, y), task="binary", labels=np.array([0, 1]))
    assert not predictor.has_proba
    with pytest.raises(NotApplicable, match="only labels"):
        predictor.predict_proba(X)


def test_refit_is_the_same_from_the_same_seed_and_other_from_another(table):
    X, y = table
    recipe = LGBMClassifier(n_estimators=8, subsample=0.5, subsample_freq=1, random_state=3, verbose=-1).fit(
        X, y
    )
    predictor = as_predictor(recipe, task="binary", labels=np.array([0, 1]))
    first, again, other = (predictor.refit(X[:120], y[:120], seed).predict_proba(X) for seed in (11, 11, 12))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert recipe.random_state == 3, "the model under audit stays as it was"


def test_every_nested_seed_is_set():
    model = make_pipeline(
        StandardScaler(), CalibratedClassifierCV(LGBMClassifier(bagging_seed=4, force_col_wise=True))
    )
    seeded(model, 2**40 + 5)
    inner = model[-1].estimator.get_params()
    expected = (2**40 + 5) % (2**31 - 1)
    assert (inner["random_state"], inner["bagging_seed"], inner["deterministic"]) == (
        expected,
        expected,
        True,
    )
    assert "force_row_wise" not in inner


def test_a_refit_that_saw_fewer_classes_answers_with_all_of_them(table):
    X, _ = table
    y = np.array(["a", "b", "c"])[np.arange(len(X)) % 3]
    predictor = as_predictor(LogisticRegression().fit(X, y), task="multiclass", labels=np.unique(y))
    kept = y != "b"
    proba = predictor.refit(X[kept], y[kept], 0).predict_proba(X)
    assert proba.shape == (len(X), 3)
    assert (proba[:, 1] == 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda X, y: FrozenEstimator(LogisticRegression().fit(X, y)), "frozen"),
        (
            lambda X, y: CalibratedClassifierCV(FrozenEstimator(LogisticRegression().fit(X, y))).fit(X, y),
            "frozen",
        ),
        (
            lambda X, y: make_pipeline(
                SelectFromModel(LogisticRegression().fit(X, y), prefit=True), LogisticRegression()
            ).fit(X, y),
            "prefit=True",
        ),
    ],
    ids=["frozen", "frozen inside", "prefit"],
)
def test_what_stays_as_it_was_fitted_cannot_be_refitted(table, make, why):
    X, y = table
    predictor = as_predictor(make(X, y), task="binary", labels=np.array([0, 1]))
    assert not predictor.can_refit
    with pytest.raises(NotApplicable, match=why):
        predictor.refit(X, y, 0)


def test_a_training_that_fails_is_the_models_error(table):
    X, y = table
    predictor = as_predictor(LogisticRegression().fit(X, y), task="binary", labels=np.array([0, 1]))
    with pytest.raises(ModelError, match=r"could not be trained on 240 rows.*ValueError"):
        predictor.refit(X, np.zeros(len(y), dtype=int), 0)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        LGBMClassifier(),
        XGBClassifier(),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
)
def test_an_unfitted_estimator_is_told(model):
    with pytest.raises(InputError, match="is not fitted: call fit"):
        as_predictor(model, task="binary", labels=np.array([0, 1]))


def test_what_does_not_fit_the_task_is_told(table):
    X, y = table
    with pytest.raises(InputError, match="is a regressor and the task is binary"):
        as_predictor(LinearRegression().fit(X, y), task="binary", labels=np.array([0, 1]))
    with pytest.raises(InputError, match="is a classifier"):
        as_predictor(LogisticRegression().fit(X, y), task="regression")
    two = MultiOutputClassifier(LogisticRegression()).fit(X, np.column_stack([y, 1 - y]))
    with pytest.raises(InputError, match="2 targets at once"):
        as_predictor(two, task="binary", labels=np.array([0, 1]))
    with pytest.raises(InputError, match="the class LogisticRegression, not a fitted model"):
        as_predictor(LogisticRegression)


def test_xgboost_with_named_labels_says_what_to_do(table):
    X, y = table
    model = XGBClassifier(n_estimators=2).fit(X, y)
    with pytest.raises(InputError, match=r"integers 0 to k-1 only.*y\.map"):
        as_predictor(model, task="binary", labels=np.array(["no", "yes"]))


class Own(ClassifierMixin, BaseEstimator):
    """A user's estimator that keeps what it learnt under names of its own."""

    def fit(self, X, y):
        self.model = KNeighborsClassifier(3).fit(X, y)
        self.classes_ = self.model.classes_
        self.lock = lambda: None
        return self

    def predict(self, X):
        return self.model.predict(X)


def test_an_estimator_of_ones_own_that_cannot_be_pickled_has_no_digest(table):
    X, y = table
    predictor = as_predictor(Own().fit(X, y), task="binary", labels=np.array([0, 1]))
    assert predictor.digest == ""
    assert predictor.predict(X).shape == (240,)


def test_predictors_travel_and_keep_their_digest(table):
    X, y = table
    predictor = as_predictor(LogisticRegression().fit(X, y), task="binary", labels=np.array([0, 1]))
    twin = pickle.loads(pickle.dumps(predictor))
    np.testing.assert_array_equal(twin.predict_proba(X), predictor.predict_proba(X))
    assert len(predictor.digest) == 64
    assert twin.digest == predictor.digest
    other = as_predictor(LogisticRegression(C=0.1).fit(X, y), task="binary", labels=np.array([0, 1]))
    assert other.digest != predictor.digest


def test_the_kind_says_what_answers_in_the_end(table):
    X, y = table
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1.0]}, cv=2
    )
    assert (
        as_predictor(search.fit(X, y), task="binary").kind
        == "GridSearchCV(Pipeline(..., LogisticRegression))"
    )
    forest = RandomForestClassifier(2).fit(X, y)
    assert as_predictor(forest, task="binary").kind == "RandomForestClassifier"
    predictor = as_predictor(search, task="binary", labels=np.array([0, 1]))
    assert predictor.refit(X, y, 1).predict(X).shape == (240,)


def test_a_dress_the_model_cannot_take_falls_back_to_pandas(table):
    X, y = table

    class Picky(LogisticRegression):
        def predict(self, X):
            assert isinstance(X, pd.DataFrame)
            return super().predict(X)

    predictor = SklearnPredictor(Picky().fit(X, y), "polars", np.array([0, 1]))
    np.testing.assert_array_equal(predictor.predict(X), LogisticRegression().fit(X, y).predict(X))
