"""Trees: one data structure for the trees of every library; what it does not hold is refused by name."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeRegressor

from auditkit.errors import InputError, NotApplicable
from auditkit.methods.evasion.trees import read_classifier
from auditkit.methods.trees import read_trees

LIGHT = {"verbose": -1, "n_jobs": 1, "min_child_samples": 4}


def test_models_that_are_not_read():
    X = np.random.default_rng(0).normal(size=(260, 5))
    y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
    words = np.column_stack([np.arange(260) % 5, X[:, 0]])
    odd = (words[:, 0].astype(int) * 7 % 5 > 2).astype(int)
    both = np.column_stack([y, y])
    marked = np.nan_to_num(X, nan=-1.0)
    cases = [
        (object(), "no sum of trees"),
        (HistGradientBoostingClassifier(max_iter=3, categorical_features=[0]).fit(words, odd), "categories"),
        (lightgbm.LGBMClassifier(n_estimators=3, cat_smooth=1, min_data_per_group=1, max_cat_to_onehot=1, **LIGHT).fit(words, odd, categorical_feature=[0]), "categories"),
        (lightgbm.LGBMRegressor(n_estimators=3, linear_tree=True, **LIGHT).fit(X, X[:, 0]), "linear models"),
        (lightgbm.LGBMRegressor(n_estimators=3, zero_as_missing=True, **LIGHT).fit(np.where(X > 0.5, 0, X), y), "zero for missing"),
        (lightgbm.LGBMRegressor(n_estimators=3, boosting_type="rf", subsample=0.5, subsample_freq=1, **LIGHT).fit(X, y), "averages"),
        (RandomForestRegressor(2).fit(X, both), "several outputs"),
        (DecisionTreeRegressor().fit(X, both), "several outputs"),
        (xgboost.XGBClassifier(n_estimators=2, missing=-1.0).fit(marked, y), "number for missing"),
        (xgboost.XGBClassifier(n_estimators=2, booster="gblinear").fit(X, y), "no plain sum"),
        (xgboost.XGBClassifier(n_estimators=2, booster="dart").fit(X, y), "no plain sum"),
    ]  # fmt: skip
    for model, says in cases:
        with pytest.raises(NotApplicable, match=says):
            read_trees(model)


@pytest.mark.parametrize("make", [RandomForestClassifier, HistGradientBoostingClassifier, lightgbm.LGBMClassifier, xgboost.XGBClassifier], ids=lambda m: m.__name__)  # fmt: skip
def test_every_training_row_is_counted_once_at_the_root_and_once_in_the_leaves(make):
    X = np.random.default_rng(0).normal(size=(300, 4))
    y = (X[:, 0] > X[:, 1]).astype(int)
    several = {"max_iter": 3} if make is HistGradientBoostingClassifier else {"n_estimators": 3}
    model = make(**several, **({"verbose": -1} if make is lightgbm.LGBMClassifier else {})).fit(X, y)
    for tree in read_trees(model).trees:
        assert tree.cover[tree.leaves].sum() == pytest.approx(tree.cover[0], rel=1e-5)
        asks = np.flatnonzero(tree.feature >= 0)
        below = tree.cover[tree.left[asks]] + tree.cover[tree.right[asks]]
        np.testing.assert_allclose(below, tree.cover[asks], rtol=1e-5)
        if make is not xgboost.XGBClassifier:  # which counts second derivatives
            assert tree.cover[0] == 300


def test_a_regressor_has_one_value_and_no_classes():
    X = np.random.default_rng(0).normal(size=(200, 3))
    model = GradientBoostingRegressor(n_estimators=5, random_state=0).fit(X, X[:, 0])
    trees = read_trees(model)
    assert trees.outputs == 1
    based = trees.based_on(model.predict(X)[:, np.newaxis], X)
    np.testing.assert_allclose(based.base, X[:, 0].mean(), atol=1e-12)
    np.testing.assert_allclose(based.scores(X)[:, 0], model.predict(X), atol=1e-12)
    with pytest.raises(NotApplicable, match="no classifier"):
        read_classifier(model)
    with pytest.raises(InputError, match="3 columns"):
        based.scores(X[:, :2])


def test_two_classes_of_one_score_are_two_scores_to_a_classifier():
    X = np.random.default_rng(0).normal(size=(200, 3))
    model = lightgbm.LGBMClassifier(n_estimators=5, **LIGHT).fit(X, X[:, 0] > 0)
    assert read_trees(model).outputs == 1
    trees, scores = read_classifier(model)
    given = trees.based_on(scores(X), X).scores(X)
    np.testing.assert_array_equal(given[:, 0], 0.0)
    np.testing.assert_allclose(given[:, 1], model.predict(X, raw_score=True), atol=1e-12)
