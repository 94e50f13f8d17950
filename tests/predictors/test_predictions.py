"""Predictions alone, and the contract every predictor is held to."""

import time

import numpy as np
import pandas as pd
import pytest

from auditkit.errors import InputError, NotApplicable
from auditkit.predictors import Counted, ModelError, from_callable, from_predictions

X = pd.DataFrame({"a": np.arange(5.0)})


def test_scores_become_labels_at_the_threshold():
    recorded = from_predictions(scores=[0.1, 0.5, 0.9], classes=["no", "yes"], threshold=0.6)
    labels, proba = recorded.recorded("test", 3)
    assert labels.tolist() == ["no", "no", "yes"]
    np.testing.assert_allclose(proba[:, 1], [0.1, 0.5, 0.9])


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({}, "need labels= or scores="),
        ({"scores": [0.1, np.nan], "classes": [0, 1]}, "1 of 2 recorded scores are NaN"),
        ({"scores": [0.1, 0.2]}, "scores need classes="),
        ({"scores": [1.5], "classes": [0, 1]}, "from 0 to 1"),
        ({"scores": [[0.1, 0.2, 0.7]], "classes": [0, 1]}, "3 score columns for 2 classes"),
        ({"labels": [0.0, np.nan]}, "1 of 2 recorded predictions are NaN"),
        ({"labels": [0, None], "classes": [0, 1]}, "1 of 2 recorded predictions are NaN or missing"),
        (
            {"labels": [0, 7, 1], "classes": [0, 1]},
            r"test rows hold labels \[7\] that are not of the classes \[0, 1\]",
        ),
        (
            {"labels": ["0", "1"], "classes": [0, 1]},
            r"labels \['0', '1'\] that are none of the classes \[0, 1\]",
        ),
        (
            {"labels": [0, 1], "scores": [0.2, 0.8], "classes": ["no", "yes"]},
            r"none of the classes \['no', 'yes'\]: write them .*map\({0: 'no', 1: 'yes'}\)",
        ),
        (
            {"labels": [0], "train_labels": [2], "classes": [0, 1]},
            r"recorded predictions of the train rows hold labels \[2\]",
        ),
        (
            {"labels": [0, 1], "scores": [0.2], "classes": [0, 1]},
            "2 recorded labels and 1 recorded scores: give one of each",
        ),
        ({"labels": [[0, 1]]}, r"one a row, shape \(n,\); got shape \(1, 2\)"),
        ({"scores": np.zeros((2, 2, 2)), "classes": [0, 1]}, r"shape \(n,\) or \(n, k\)"),
        ({"scores": [[2.0, -1.0]], "classes": [0, 1]}, "numbers from -1 to 2, which are no probabilities"),
        (
            {"scores": [[0.5, 0.5], [0.3, 0.3]], "classes": [0, 1]},
            r"do not sum to 1 \(1 of 2; the first sums to 0.6\)",
        ),
    ],
)
def test_what_cannot_be_recorded_is_told(given, match):
    with pytest.raises(InputError, match=match):
        from_predictions(**given)


def test_there_is_no_model_to_ask():
    recorded = from_predictions(labels=[0, 1])
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        recorded.predict(X)
    with pytest.raises(NotApplicable, match="no recorded predictions of the train rows"):
        recorded.recorded("train", 2)
    with pytest.raises(InputError, match="2 recorded predictions for 3"):
        recorded.recorded("test", 3)


def test_calls_are_batched_and_counted_and_those_of_a_refit_too():
    model = Counted(
        from_callable(
            lambda X: X["a"] / 9, classes=[0, 1], output="proba", refit=lambda X, y, s: lambda X: X["a"] * 0
        ),
        2,
    )
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], X["a"] / 9)
    model.refit(X, np.zeros(5), 0).predict(X)
    assert model.cost() == {"model_calls": 6, "model_rows": 10, "refits": 1}


@pytest.mark.parametrize(
    ("give", "match"),
    [
        (lambda X: np.full((len(X), 2), np.nan), "answered NaN or infinity for 5 of 5 rows"),
        (lambda X: np.zeros((2, 2)), r"with shape \(5, 2\); it gave \(2, 2\)"),
        (lambda X: np.zeros((len(X), 3)), "3 probability columns for 2 classes"),
        (lambda X: np.tile([3.0, -2.0], (len(X), 1)), r"gave numbers from -2 to 3.*softmax"),
        (lambda X: np.tile([0.6, 0.6], (len(X), 1)), r"do not sum to 1 \(5 of 5; the first sums to 1.2\)"),
        (lambda X: 1 / 0, "failed on 5 rows: ZeroDivisionError"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_the_models_error(give, match):
    with pytest.raises(ModelError, match=match):
        Counted(from_callable(give, classes=[0, 1], output="proba")).predict_proba(X)


def test_recorded_labels_may_be_a_column_and_another_type_of_the_same_number():
    for labels in ([[0], [1]], [0.0, 1.0], [False, True], pd.DataFrame({"said": [0, 1]})):
        said, _ = from_predictions(labels=labels, classes=[0, 1]).recorded("test", 2)
        assert said.shape == (2,)
        assert said.tolist() == [0, 1]
    _, proba = from_predictions(scores=[[0.25], [0.5]], classes=[0, 1]).recorded("test", 2)
    assert proba.tolist() == [[0.75, 0.25], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("say", "classes", "match"),
    [
        (
            lambda X: np.full(len(X), 7),
            [0, 1],
            r"answered labels \[7\] that are none of the classes \[0, 1\]",
        ),
        (lambda X: (X["a"] > 2).astype(int) * 2, [0, 1], r"labels \[2\] that are not of the classes"),
        (lambda X: np.full(len(X), "1"), [0, 1], r"labels \['1'\] that are none of the classes \[0, 1\]"),
        (
            lambda X: np.full(len(X), 1),
            ["no", "yes"],
            r"labels \[1\] that are none of the classes \['no', 'yes'\]",
        ),
    ],
)
def test_a_label_outside_the_classes_is_the_models_error(say, classes, match):
    with pytest.raises(ModelError, match=match):
        Counted(from_callable(say, classes=classes, output="labels")).predict(X)


def test_sums_in_single_precision_are_probabilities():
    rng = np.random.default_rng(0)
    proba = rng.random((200, 1000)).astype(np.float32)
    proba /= proba.sum(axis=1, keepdims=True)
    assert from_predictions(scores=proba, classes=range(1000)).recorded("test", 200)[1].shape == (200, 1000)


def test_a_million_labels_are_held_against_the_classes_quickly():
    words = np.array(["granted", "refused"])[np.random.default_rng(0).integers(0, 2, 1_000_000)]
    start = time.perf_counter()
    from_predictions(labels=words, classes=["granted", "refused"])
    assert time.perf_counter() - start < 2
