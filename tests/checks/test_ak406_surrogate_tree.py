"""AK406: a small tree that imitates the model, and how far it can be believed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, r2_score

from auditkit import Audit, Dataset, Subject
from auditkit.checks.explainability import surrogate_tree
from auditkit.data import make_credit, make_multiclass, make_regression


def run(subject, seed=0, **params):
    return surrogate_tree(subject, rng=np.random.default_rng(seed), **params)


def made(labels, n=2000, seed=0, train=True):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    X["kind"] = rng.choice(["red", "green", "blue"], n)
    half = n // 2
    test, first = (Dataset(part.reset_index(drop=True), labels(part)) for part in (X[half:], X[:half]))
    return Subject("made", labels, test, first if train else None, positive=labels(X)[0])


def rule(f):
    return np.where((f["kind"] == "red") & (f["a"] > 0.5), "no", "yes")


def xor(f):
    return np.where((f[list("abcd")] > 0).sum(axis=1) % 2 == 1, "odd", "even")


def test_a_model_that_is_two_rules_is_imitated_and_said_in_its_words():
    found = run(made(rule))
    assert found.measurement("surrogate_skill").value > 0.95
    assert found.says.startswith("A tree of")
    rules = found.tables["rules"].columns
    no = [words for words, then in zip(rules["if"], rules["then"], strict=True) if then == "no"]
    assert any("kind is red" in words and "a above 0." in words for words in no)
    assert sum(rules["share of rows"]) == pytest.approx(1)


def test_a_model_that_no_small_tree_imitates_is_said_loudly():
    found = run(made(xor))
    assert found.measurement("surrogate_skill").interval.high < 0.5
    assert found.says.startswith("The rules do not say what the model does")
    assert "these are not the model's rules" in found.tables["rules"].summary


def test_how_often_the_usual_answer_agrees_is_said_in_numbers():
    rare = lambda f: np.where((f[list("abc")] > 0).sum(axis=1) % 4 == 3, "odd", "even")  # noqa: E731
    said = run(made(rule)).says
    share = (rule(made(rule).test.X) == "yes").mean()
    assert f"always saying 'yes' does so in {share:.1%}, and of its errors the tree avoids" in said
    worse = [found for s in range(6) if (found := run(made(rare, n=160, seed=s), smallest=2, leaves=4))]
    below = [found for found in worse if found.measurement("surrogate_skill").value < 0]
    for found in below:
        assert "; always saying 'even' agrees with the model more often (" in found.says
        assert "avoids -" not in found.says
    assert below


def test_a_tree_is_never_believed_of_a_model_it_does_not_imitate_nor_doubted_of_one_that_is_a_tree():
    loud = [run(made(xor, n=400, seed=s)).says.startswith("The rules do not") for s in range(15)]
    quiet = [run(made(rule, n=1000, seed=s)).says.startswith("A tree") for s in range(15)]
    assert all(loud)
    assert sum(quiet) >= 14


@pytest.mark.parametrize("train", [True, False])
def test_fidelity_is_that_on_rows_the_tree_has_not_seen(train):
    found = run(made(rule, train=train), leaves=2)
    n = 1000 if train else 500
    assert found.measurement("surrogate_fidelity").n == n
    assert ("training rows" if train else "test rows") in found.notes[0]
    fidelity, skill = (found.measurement(f"surrogate_{m}").value for m in ("fidelity", "skill"))
    assert fidelity <= 1
    assert skill <= fidelity


def test_the_numbers_are_those_of_sklearn():
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    subject = make_regression(n_train=400, n_test=300)
    model, train, test = subject.model.inner.estimator, subject.train.X, subject.test.X
    tree = DecisionTreeRegressor(max_leaf_nodes=8, min_samples_leaf=20, random_state=0)
    tree.fit(train, model.predict(train))
    found = run(subject)
    # the constant guess is the mean of the rows the tree was grown on
    said, guess = model.predict(test), model.predict(train).mean()
    loss, constant = (said - tree.predict(test)) ** 2, (said - guess) ** 2
    assert found.measurement("surrogate_fidelity").value == pytest.approx(1 - loss.mean() / constant.mean())
    assert found.measurement("surrogate_fidelity").value == pytest.approx(
        r2_score(said, tree.predict(test)), abs=0.01
    )
    subject = make_multiclass(n_train=400, n_test=300)
    model, train, test = subject.model.inner.estimator, subject.train.X, subject.test.X
    tree = DecisionTreeClassifier(max_leaf_nodes=8, min_samples_leaf=20, random_state=0)
    tree.fit(train, model.predict(train))
    agree = accuracy_score(model.predict(test), tree.predict(test))
    assert run(subject).measurement("surrogate_fidelity").value == pytest.approx(agree)


def test_columns_of_words_and_gaps_are_said_as_the_analyst_knows_them():
    found = run(make_credit(n_train=600, n_test=400), leaves=6)
    words = " ".join(found.tables["rules"].columns["if"])
    assert "_" not in words.replace("years_employed", "")
    assert min(found.tables["rules"].columns["n"]) >= 20
    growth = found.tables["growth"].columns
    assert list(growth["x"]) == sorted(set(growth["x"]))


def test_rows_that_the_tree_was_grown_on_are_told():
    subject = made(rule)
    same = Subject(
        "same", subject.model.inner, subject.train.take(np.arange(200)), subject.train, positive="yes"
    )
    assert any("equal a training row" in note for note in run(same).notes)
    assert not any("equal a training row" in note for note in run(subject).notes)


def test_a_model_that_says_one_thing_has_nothing_to_imitate():
    X = pd.DataFrame({"a": np.arange(80.0)})
    subject = Subject("one", lambda f: np.ones(len(f)), Dataset(X, np.arange(80.0)), task="regression")
    finding, *_ = Audit(["surrogate_tree"]).run(subject).findings
    assert finding.status == "not_applicable"
    few = Subject("few", lambda f: f["a"].to_numpy(), Dataset(X[:10], np.arange(10.0)), task="regression")
    finding, *_ = Audit(["surrogate_tree"]).run(few).findings
    assert "too few to halve" in finding.reason
