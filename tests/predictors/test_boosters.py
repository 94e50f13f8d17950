"""BoosterPredictor: native Boosters answer as the scikit-learn API over the same trees does."""

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

from auditkit.errors import InputError, NotApplicable
from auditkit.predictors import as_predictor, from_booster


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "c"])
    return X, (X["a"] + rng.normal(size=300) > 0).astype(int).to_numpy(), rng.integers(0, 3, 300)


def lgb(X, y, **params):
    return lightgbm.train({"verbose": -1, **params}, lightgbm.Dataset(X, y), num_boost_round=5)


def xgb(X, y, **params):
    return xgboost.train({"seed": 0, **params}, xgboost.DMatrix(X, y), num_boost_round=5)


def test_lightgbm_binary(table):
    X, y, _ = table
    booster = lgb(X, y, objective="binary")
    predictor = as_predictor(booster, task="binary", labels=np.array([0, 1]))
    score = booster.predict(X)
    np.testing.assert_array_equal(predictor.predict_proba(X), np.column_stack([1 - score, score]))
    np.testing.assert_array_equal(predictor.predict(X), (score > 0.5).astype(int))
    assert predictor.kind == "lightgbm Booster (binary)"
    assert predictor.description().endswith("5 trees")
    assert not predictor.can_refit


@pytest.mark.parametrize("objective", ["multiclass", "multiclassova"])
def test_lightgbm_multiclass(table, objective):
    X, _, y = table
    booster = lgb(X, y, objective=objective, num_class=3)
    predictor = as_predictor(booster, task="multiclass", labels=np.array([0, 1, 2]))
    raw = booster.predict(X)
    np.testing.assert_allclose(predictor.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_array_equal(predictor.predict(X), raw.argmax(axis=1))


def test_lightgbm_regression_and_reading_back(table, tmp_path):
    X, _, _ = table
    booster = lgb(X, X["a"] * 3, objective="regression")
    booster.save_model(tmp_path / "m.txt")
    back = lightgbm.Booster(model_file=str(tmp_path / "m.txt"))
    predictor = as_predictor(back, task="regression")
    np.testing.assert_allclose(predictor.predict(X), booster.predict(X))
    assert predictor.classes is None
    with pytest.raises(InputError, match="plain values and the task is binary"):
        as_predictor(back, task="binary", labels=np.array([0, 1]))


def test_columns_in_another_order_are_put_back(table):
    X, y, _ = table
    for booster in (lgb(X, y, objective="binary"), xgb(X, y, objective="binary:logistic")):
        predictor = as_predictor(booster, task="binary", labels=np.array([0, 1]))
        np.testing.assert_array_equal(predictor.predict_proba(X[["c", "a", "b"]]), predictor.predict_proba(X))


@pytest.mark.parametrize("objective", ["binary:logistic", "binary:logitraw"])
def test_xgboost_binary(table, objective):
    X, y, _ = table
    booster = xgb(X, y, objective=objective)
    predictor = as_predictor(booster, task="binary", labels=np.array([0, 1]))
    margin = booster.predict(xgboost.DMatrix(X), output_margin=True).astype(float)
    np.testing.assert_allclose(predictor.predict_proba(X)[:, 1], 1 / (1 + np.exp(-margin)), rtol=1e-5)


def test_xgboost_softmax_gives_the_same_probabilities_as_softprob(table):
    X, _, y = table
    hard, soft = (xgb(X, y, objective=f"multi:{name}", num_class=3) for name in ("softmax", "softprob"))
    labels = np.array([0, 1, 2])
    a = as_predictor(hard, task="multiclass", labels=labels)
    b = as_predictor(soft, task="multiclass", labels=labels)
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(a.predict(X), hard.predict(xgboost.DMatrix(X)).astype(int))


def test_xgboost_hinge_gives_labels_only_and_regression_values(table):
    X, y, _ = table
    hinge = as_predictor(xgb(X, y, objective="binary:hinge"), task="binary", labels=np.array([0, 1]))
    assert set(hinge.predict(X).tolist()) <= {0, 1}
    assert not hinge.has_proba
    with pytest.raises(NotApplicable):
        hinge.predict_proba(X)
    booster = xgb(X.to_numpy(), X["a"], objective="reg:squarederror")
    values = as_predictor(booster, task="regression").predict(X)
    np.testing.assert_allclose(values, booster.predict(xgboost.DMatrix(X.to_numpy())))


def test_which_label_stands_for_which_number_is_asked_not_guessed(table):
    X, y, _ = table
    booster = lgb(X, y, objective="binary")
    with pytest.raises(InputError, match=r"numbers its classes 0 to 1.*from_booster"):
        as_predictor(booster, task="binary", labels=np.array(["granted", "refused"]))
    named = from_booster(booster, classes=["refused", "granted"])
    assert as_predictor(named, task="binary", labels=np.array(["granted", "refused"])) is named
    assert set(named.predict(X)) == {"refused", "granted"}
    with pytest.raises(InputError, match="has 2 classes; classes= names 3"):
        from_booster(booster, classes=[1, 2, 3])
    for labels, classes in (
        (np.array([True]), [False, True]),
        (np.array([-1, 1]), [-1, 1]),
        (np.array([1]), [0, 1]),
    ):
        assert as_predictor(booster, task="binary", labels=labels).classes.tolist() == classes
    with pytest.raises(InputError, match="is a classifier"):
        as_predictor(lgb(X, table[2], objective="multiclass", num_class=3), task="regression")
