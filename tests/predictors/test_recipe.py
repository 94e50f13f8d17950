"""Recipe: a model in two parts that, put together again, is the model trained again."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from auditkit.errors import NotApplicable
from auditkit.predictors import Counted, ModelError, as_predictor, from_callable

LABELS = np.array(["no", "yes"])


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"age": rng.normal(40, 10, 300), "income": rng.normal(size=300)})
    X["job"] = np.where(rng.random(300) < 0.5, "clerk", "cook")
    y = np.where(X["age"] / 10 + X["income"] + rng.normal(size=300) > 4, "yes", "no")
    return X, y


def prepared():
    return make_column_transformer((StandardScaler(), ["age", "income"]), (OneHotEncoder(), ["job"]))


def asked(model, native="pandas"):
    return as_predictor(model, native=native, task="binary", labels=LABELS)


@pytest.mark.parametrize(
    "learner",
    [LogisticRegression(), LGBMClassifier(n_estimators=5, subsample=0.5, subsample_freq=1, verbose=-1)],
)
@pytest.mark.parametrize("native", ["pandas", "polars"])
def test_its_parts_together_are_the_model_trained_again(table, learner, native):
    X, y = table
    predictor = asked(make_pipeline(prepared(), learner).fit(X, y), native)
    recipe = predictor.recipe(11)
    Z, new = recipe.prepare(X[:200], y[:200], X[200:])
    learnt = recipe.train(Z, y[:200])
    again = predictor.refit(X[:200], y[:200], 11).predict_proba(X[200:])
    np.testing.assert_array_equal(learnt.predict_proba(new), again)


def test_a_forest_has_a_recipe(table):
    # unlike most estimators it has no truth value before it is trained
    X, y = table
    recipe = asked(RandomForestClassifier(n_estimators=2).fit(X[["age"]], y)).recipe(3)
    assert recipe.learner.random_state == 3
    assert recipe.front is None


def test_weights_of_two_are_rows_given_twice(table):
    X, y = table
    recipe = asked(make_pipeline(prepared(), LogisticRegression(C=1e6, max_iter=2000)).fit(X, y)).recipe(0)
    (Z,) = recipe.prepare(X, y)
    twice = np.concatenate([np.arange(300), np.arange(100)])
    weights = np.where(np.arange(300) < 100, 2.0, 1.0)
    by_weight, by_rows = recipe.train(Z, y, weights), recipe.train(Z[twice], y[twice])
    np.testing.assert_allclose(by_weight.coef_, by_rows.coef_, atol=1e-3)
    assert not np.allclose(by_weight.coef_, recipe.train(Z, y).coef_, atol=1e-2)


def test_a_pipeline_in_a_pipeline_and_a_search_come_down_to_one_learner(table):
    X, y = table
    inner = make_pipeline(StandardScaler(with_mean=False), LogisticRegression())
    search = GridSearchCV(make_pipeline(prepared(), inner), {"pipeline__logisticregression__C": [0.5]}, cv=2)
    recipe = asked(search.fit(X, y)).recipe(0)
    assert isinstance(recipe.learner, LogisticRegression)
    assert recipe.learner.C == 0.5
    assert [type(step).__name__ for _, step in recipe.front.steps] == ["ColumnTransformer", "StandardScaler"]
    (Z,) = recipe.prepare(X, y)
    np.testing.assert_array_equal(recipe.train(Z, y).predict(Z), search.predict(X))


def test_a_model_without_a_front_takes_rows_as_they_are(table):
    X, y = table
    rows = X[["age", "income"]]
    recipe = asked(LGBMClassifier(n_estimators=2, verbose=-1).fit(rows, y)).recipe(0)
    assert recipe.front is None
    assert recipe.prepare(rows, y)[0] is rows


def test_trainings_are_counted(table):
    X, y = table
    counted = Counted(asked(make_pipeline(prepared(), LogisticRegression()).fit(X, y)))
    recipe = counted.recipe(0)
    (Z,) = recipe.prepare(X, y)
    recipe.train(Z, y)
    recipe.train(Z, y, np.ones(300))
    assert counted.cost()["refits"] == 2


def test_what_it_cannot_do_is_said(table):
    X, y = table
    rows = X[["age", "income"]]
    neighbours = asked(KNeighborsClassifier().fit(rows, y)).recipe(0)
    assert not neighbours.takes_weights
    with pytest.raises(NotApplicable, match="KNeighborsClassifier takes no sample_weight"):
        neighbours.train(rows, y, np.ones(300))
    with pytest.raises(ModelError, match="could not be trained on 300 rows"):
        asked(LogisticRegression().fit(rows, y)).recipe(0).train(rows, np.repeat("yes", 300))
    with pytest.raises(NotApplicable, match="is a regressor"):
        as_predictor(LinearRegression().fit(rows, y == "yes"), task="regression").recipe(0)
    with pytest.raises(NotApplicable, match="frozen"):
        asked(FrozenEstimator(LogisticRegression().fit(rows, y))).recipe(0)
    function = from_callable(lambda X: np.full(len(X), 0.5), output="proba", classes=["no", "yes"])
    with pytest.raises(NotApplicable, match="cannot be trained again in parts"):
        function.recipe(0)


class Resampler(StandardScaler):
    def fit_resample(self, X, y):
        return X, y


def test_a_step_that_draws_other_rows_is_refused(table):
    X, y = table
    rows = X[["age", "income"]]
    recipe = asked(make_pipeline(Resampler(), LogisticRegression()).fit(rows, y)).recipe(0)
    with pytest.raises(NotApplicable, match="draws other training rows"):
        recipe.prepare(rows, y)
