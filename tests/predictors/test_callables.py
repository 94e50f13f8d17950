"""CallablePredictor: what a function gives is found out from its answers, and asked where they do not tell."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from auditkit.errors import InputError, NotApplicable
from auditkit.predictors import ModelError, as_predictor, from_callable
from auditkit.subject import Dataset, Subject

X = pd.DataFrame({"a": [0.1, 0.4, 0.6, 0.9]})
Y01, YNAMES = np.array([0, 1]), np.array(["no", "yes"])


def test_one_column_of_probabilities_is_of_the_second_class():
    predictor = as_predictor(lambda X: X["a"], task="binary", labels=YNAMES)
    assert predictor.predict(X).tolist() == ["no", "no", "yes", "yes"]
    np.testing.assert_allclose(predictor.predict_proba(X), [[0.9, 0.1], [0.6, 0.4], [0.4, 0.6], [0.1, 0.9]])


def test_two_dimensions_are_probabilities():
    predictor = as_predictor(
        lambda X: np.tile([0.2, 0.3, 0.5], (len(X), 1)), task="multiclass", labels=np.array([0, 1, 2])
    )
    assert predictor.predict(X).tolist() == [2] * 4
    assert predictor.has_proba


@pytest.mark.parametrize(
    "give", [lambda X: (X["a"] > 0.5).astype(int), lambda X: (X["a"] > 0.5).astype(float)]
)
def test_labels_are_labels(give):
    predictor = as_predictor(give, task="binary", labels=Y01)
    assert predictor.predict(X).tolist() == [0, 0, 1, 1]
    assert not predictor.has_proba
    with pytest.raises(NotApplicable, match="only labels"):
        predictor.predict_proba(X)


def test_whether_it_gives_probabilities_is_known_before_the_first_answer():
    """A check may look at has_proba first; the subject's rows settle it."""
    data = Dataset(X, [0, 0, 1, 1])
    assert Subject("s", lambda X: X["a"], data).model.has_proba
    assert not Subject("s", lambda X: (X["a"] > 0.5).astype(int), data).model.has_proba
    only_labels = Subject("s", lambda X: (X["a"] > 0.5).astype(int), data)
    np.testing.assert_array_equal(only_labels.asks(X), [0, 0, 1, 1])


@pytest.mark.parametrize(
    "give", [lambda X: X["a"] * 9 - 4, lambda X: np.array([7] * len(X)), lambda X: np.array(["x"] * len(X))]
)
def test_an_answer_that_could_be_anything_is_asked_about(give):
    predictor = as_predictor(give, task="binary", labels=Y01)
    with pytest.raises(
        InputError, match=r"neither the labels \[0, 1\] nor probabilities; say which: from_callable"
    ):
        predictor.predict(X)


def test_a_regression_gives_values():
    predictor = as_predictor(lambda X: X["a"] * 9, task="regression")
    np.testing.assert_allclose(predictor.predict(X), X["a"] * 9)
    given = as_predictor(from_callable(lambda X: X["a"]), task="regression")
    assert not given.has_proba
    np.testing.assert_allclose(given.predict(X), X["a"])


def test_a_bound_method_brings_its_owners_classes():
    model = LogisticRegression().fit(X, np.array(["yes", "no", "no", "yes"]))
    predictor = as_predictor(model.predict_proba, task="binary", labels=np.array(["yes"]))
    assert predictor.classes.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(predictor.predict(X), model.predict(X))


def test_refit_native_dress_and_classes():
    seen = []

    def train(rows, y, seed):
        seen.append((type(rows), len(y), seed))
        return lambda X: np.full(len(X), y.mean())

    model = from_callable(
        lambda X: X["a"].to_numpy(), classes=[0, 1], output="proba", refit=train, native="polars"
    )
    assert model.can_refit
    fresh = model.refit(X, np.array([0, 0, 0, 1]), 5)
    np.testing.assert_allclose(fresh.predict_proba(X)[:, 1], 0.25)
    assert seen == [(pl.DataFrame, 4, 5)]
    with pytest.raises(NotApplicable, match="refit="):
        from_callable(len).refit(X, Y01, 0)
    broken = from_callable(len, refit=lambda X, y, seed: 3)
    with pytest.raises(ModelError, match="must give a function"):
        broken.refit(X, Y01, 0)


def test_wrong_arguments_are_told():
    with pytest.raises(InputError, match="needs a function"):
        from_callable(3)
    with pytest.raises(InputError, match="output must be"):
        from_callable(len, output="probs")
    with pytest.raises(InputError, match="differ from each other"):
        from_callable(len, classes=[1, 1])
    wide = from_callable(lambda X: X["a"] * 5, classes=[0, 1], output="proba")
    with pytest.raises(ModelError, match=r"from 0 to 1; it gave 0.5 to 4.5"):
        wide.predict_proba(X)
    narrow = from_callable(lambda X: X["a"], classes=[0, 1, 2], output="proba")
    with pytest.raises(ModelError, match="one column of probabilities for 3 classes"):
        narrow.predict(X)
