"""What an output is, in words: of two classes the label it is about is named wherever the unit is."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from auditkit import Audit, Dataset, Subject
from auditkit.checks.explainability._explanation import in_words, label_of, named
from auditkit.predictors import from_callable

VOTE = "1 where the model says 'good', else 0"


def rows():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(120, 3)), columns=["months", "amount", "age"])
    return X, np.where(X["months"] + 0.3 * X["age"] > 0, "good", "bad")


def subject(model, positive="good"):
    X, y = rows()
    return Subject("t", model.fit(X, y) if hasattr(model, "fit") else model, Dataset(X, y), positive=positive)


def says_a_label(X):
    return np.where(X["months"] > 0, "good", "bad")


def evidence(given, check="shap_importance", **params):
    (found,) = Audit({check: params}).run(given, seed=0).evidence
    assert found.outcome == "observed", found.reason
    return found


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (RandomForestClassifier(8, max_depth=3, random_state=0), "probability of 'good'"),
        (LogisticRegression(), "log odds of 'good'"),
        (LinearSVC(random_state=0), "decision value of 'good'"),
        (LGBMClassifier(n_estimators=5, sigmoid=3.0, verbose=-1, n_jobs=1), "raw score of 'good'"),
        (from_callable(says_a_label), VOTE),
    ],
)
def test_the_label_an_output_is_about_is_named_on_every_axis_and_in_every_sentence(model, word):
    found = evidence(subject(model), rows=100, background=20, records=[0])
    of = found.tables
    assert of["importance"].labels["value"] == f"Mean |SHAP value| ({word})"
    assert of["swarm"].labels["value"] == f"SHAP value ({word})"
    assert of["part by months"].labels["value"] == f"mean SHAP value ({word})"
    assert of["record_A"].labels["value"].startswith(word)
    assert of["record_A"].summary.startswith(f"{word[0].upper()}{word[1:]}: from ")
    unit = "Unit: log odds: 0.7 more doubles the odds of 'good', 0.7 less halves them."
    assert (unit if word.startswith("log odds") else f"Unit: {word}.") in found.notes
    if not word.startswith("probability"):
        assert found.says.endswith(f"unit: {word}.")


def test_the_other_label_is_named_where_it_is_the_positive_one():
    model = RandomForestClassifier(8, max_depth=3, random_state=0)
    one, other = (
        evidence(subject(model, positive), rows=40, background=20, records=[0]).tables["record_A"]
        for positive in ("good", "bad")
    )
    assert one.labels["value"] == "probability of 'good'"
    assert other.labels["value"] == "probability of 'bad'"
    assert one.columns["value"][-1] + other.columns["value"][-1] == pytest.approx(1)


def test_each_record_of_several_classes_names_the_class_that_is_shown():
    X, _ = rows()
    y = np.digitize(X["months"], [-0.5, 0.5])
    given = Subject("t", RandomForestClassifier(8, max_depth=3, random_state=0).fit(X, y), Dataset(X, y))
    answers, at = given.answers().labels, [int(np.flatnonzero(y == label)[0]) for label in (0, 2)]
    found = evidence(given, rows=40, background=20, records=at)
    for letter, row in zip("AB", at, strict=True):
        table = found.tables[f"record_{letter}"]
        word = f"probability of '{answers[row]}'"
        assert table.labels["value"] == f"{word}, the class the model chooses"
        assert table.summary.startswith(f"P{word[1:]}: from ")
    assert found.tables["importance"].labels["value"] == "Mean |SHAP value| (probability)"
    assert "Unit: probability." in found.notes


def test_the_values_of_a_regression_are_about_no_label():
    X, _ = rows()
    model = RandomForestRegressor(8, max_depth=3, random_state=0).fit(X, 3 * X["months"])
    given = Subject("t", model, Dataset(X, 3 * X["months"]), task="regression")
    found = evidence(given, rows=100, background=20, records=[0])
    assert found.tables["record_A"].labels["value"] == "value"
    assert found.tables["record_A"].summary.startswith("From ")
    assert found.tables["importance"].labels["value"] == "Mean |SHAP value| (value)"
    assert "Unit: value." in found.notes
    assert label_of(given) is None
    assert named("raw score", None) == "raw score"
    assert in_words("log odds", None) == "Unit: log odds: 0.7 more doubles the odds, 0.7 less halves them."


def test_effects_and_interactions_name_the_label_too():
    forest = subject(RandomForestClassifier(8, max_depth=3, random_state=0))
    found = evidence(forest, "input_effects", rows=30, examples=2)
    curves = [t for t in found.tables.values() if t.title.startswith("How the output changes")]
    assert {t.labels["value"] for t in curves} == {"Change of the probability of 'good' from its mean"}
    assert found.tables["what_if"].labels["output"] == "output (probability of 'good')"
    logs = evidence(subject(LogisticRegression()), "input_interactions", rows=20, background=20)
    assert "Output: log odds of 'good'." in logs.notes
    votes = evidence(subject(from_callable(says_a_label)), "input_interactions", rows=20, background=20)
    assert f"Output: {VOTE}." in votes.notes
