"""Held out or not: what is said where test rows are training rows, have one label, or a column without a value."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from auditkit import Audit
from auditkit.checks import _common as common
from auditkit.errors import InputError
from auditkit.subject import Dataset, Subject


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(5)
    X = pd.DataFrame(rng.normal(size=(600, 3)), columns=list("abc"))
    y = np.where(X["a"] + rng.normal(size=600) > 0, "good", "bad")
    return X, y, rng.choice(["F", "M"], 600)


def data(rows, at, **changed):
    X, y, sex = rows
    return Dataset(X.iloc[at].assign(**changed), y[at], {"sex": sex[at]})


def subject(rows, test, train, model=None):
    model = model or DecisionTreeClassifier(random_state=0).fit(train.X, train.y)
    return Subject("s", model, test, train, positive="good")


def observed(one, *checks):
    report = Audit(list(checks)).run(one, seed=0)
    return [report.of(check) for check in checks]


def test_the_same_rows_are_not_taken_as_both_splits(rows):
    train, again = data(rows, np.arange(300)), data(rows, np.arange(300))
    for test in (train, again):
        with pytest.raises(InputError, match="train and test are the same 300 rows: give as test rows"):
            subject(rows, test, train)


def test_rows_that_the_model_has_seen_are_not_called_held_out(rows):
    # all 300 test rows are training rows in another order, so no digest tells
    one = subject(rows, data(rows, np.arange(300)[::-1]), data(rows, np.arange(300)))
    (found,) = observed(one, "model_performance")
    gap = found.measurement("train_test_gap")
    assert np.isnan(gap.value)
    assert gap.reason.startswith("300 of 300 test rows equal a training row")
    assert "held-out" not in found.says
    assert "300 of 300 test rows equal a training row" in found.says
    statuses = {f.status for f in Audit(["model_performance"]).run(one).findings if f.judged}
    assert statuses == {"inconclusive"}


def test_rows_that_were_held_out_are_called_so(rows):
    (found,) = observed(
        subject(rows, data(rows, np.arange(300, 600)), data(rows, np.arange(300))), "model_performance"
    )
    assert " on 300 held-out rows is " in found.says
    assert common.seen_rows(subject(rows, data(rows, np.arange(250, 550)), data(rows, np.arange(300)))) == 50


def test_inputs_of_few_values_do_not_make_rows_seen():
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"a": rng.integers(0, 2, 800), "b": rng.integers(0, 2, 800)})
    y = rng.integers(0, 2, 800)
    train, test = Dataset(X[:400], y[:400]), Dataset(X[400:], y[400:])
    one = Subject("s", LogisticRegression().fit(train.X, train.y), test, train)
    assert common.seen_rows(one) == 400
    assert common.not_held_out(one) == ""


def test_test_rows_of_one_class_are_told_by_every_check_that_needs_two(rows):
    good = np.flatnonzero(rows[1] == "good")
    train = data(rows, np.arange(300))
    one = subject(rows, data(rows, good[good >= 300]), train)
    checks = ["AK001", "AK102", "AK103", "AK104", "AK105", "AK110"]
    for found in observed(one, *checks):
        assert any(note.startswith("All test labels are 'good':") for note in found.notes), found.check
    assert common.one_class(subject(rows, data(rows, np.arange(300, 600)), train)) == ()


def test_a_column_that_lost_its_values_is_refused_by_name(rows):
    train = data(rows, np.arange(300))
    with pytest.raises(
        InputError,
        match=r"test: column 'b' has no value in any of 300 rows; in the training rows 'b' has one in 300",
    ):
        subject(rows, data(rows, np.arange(300, 600), b=np.nan), train)


def test_a_model_that_takes_no_missing_value_meets_an_empty_column_at_once(rows):
    train = data(rows, np.arange(300))
    model = LogisticRegression().fit(train.X, train.y)
    with pytest.raises(
        InputError, match=r"column 'b' has no value in any of 300 rows, and the model takes none"
    ):
        Subject("s", model, data(rows, np.arange(300, 600), b=np.nan), positive="good")


def test_an_empty_column_that_the_model_takes_is_a_note(rows):
    train = data(rows, np.arange(300))
    model = HistGradientBoostingClassifier(max_iter=5).fit(train.X, train.y)
    one = Subject("s", model, data(rows, np.arange(300, 600), b=np.nan), positive="good")
    (found,) = observed(one, "model_performance")
    assert "The column 'b' has no value in any of 300 test rows." in found.notes


def test_no_sentence_names_a_number_without_its_interval(rows):
    one = subject(rows, data(rows, np.arange(300, 600)), data(rows, np.arange(300)))
    X, _, sex = rows
    coded = (sex == "M").astype(int)
    train = Dataset(X[:300].assign(sex=coded[:300]), rows[1][:300], ["sex"])
    test = Dataset(X[300:].assign(sex=coded[300:]), rows[1][300:], ["sex"])
    one = Subject("s", LogisticRegression().fit(train.X, train.y), test, train, positive="good")
    accuracy, reliance, attack = observed(one, "model_performance", "sensitive_reliance", "decision_attack")
    gap = accuracy.measurement("train_test_gap")
    assert f"trained on is {common.with_ends(gap)}." in accuracy.says
    assert f"moves the output by {common.with_ends(reliance.measurements[0])} on average" in reliance.says
    rate = attack.measurement("attack_success_rate")
    assert common.share_with_ends(rate) in attack.says
    assert rate.interval is not None
    assert " [" in common.share_with_ends(rate)
