"""Harmful rows are found where they were put, held against test rows that stand in for training rows, and a poisoned group is missed gladly."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from auditkit.checks.poisoning import training_influence
from auditkit.data import make_credit, make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def look(subject, seed=0, **options):
    return training_influence(subject, rng=np.random.default_rng(seed), **options)


def whole(found, metric):
    return next(m for m in found.measurements if m.metric == metric and m.group is None)


def flipped(share, *, seed=0, n=500, only=None, slope=3.0):
    """Return a subject with a share of the training labels flipped, of one source if so, and which."""
    rng = np.random.default_rng(seed)

    def draw():
        X = pd.DataFrame(rng.normal(size=(n, 2)), columns=["a", "b"])
        y = (rng.random(n) < 1 / (1 + np.exp(-slope * X["a"]))).to_numpy().astype(int)
        return X, y, np.where(rng.random(n) < 0.3, "bought", "own")

    (X, y, g), (Z, z, h) = draw(), draw()
    wrong = (rng.random(n) < share) & ((g == only) | (only is None))
    told = np.where(wrong, 1 - y, y)
    model = DecisionTreeClassifier(max_leaf_nodes=16, random_state=0).fit(X, told)
    return Subject("flipped", model, Dataset(Z, z, {"source": h}), Dataset(X, told, {"source": g})), wrong


def test_flipped_rows_are_worth_least_and_more_of_them_do_harm_than_of_test_rows():
    subject, wrong = flipped(0.2)
    found = look(subject, examples=10_000)
    gap = whole(found, "harmful_share_excess")
    assert gap.p_value < 1e-3
    assert gap.value > 0.05
    lowest = np.array(found.tables["positions"].columns["training row"])
    assert wrong[lowest[:50]].mean() > 2 * wrong.mean()
    assert len(lowest) == round(whole(found, "harmful_share").value * 500)


def test_a_poisoned_source_is_named_worth_less_and_missed_gladly():
    found = look(flipped(0.9, only="bought")[0])
    assert "source=bought" in found.says or "class=" in found.says
    assert found.measurement("harmful_share_excess", "source=bought").p_value < 1e-6
    worth = {g: found.measurement("group_row_value", g) for g in ("source=bought", "source=own")}
    assert worth["source=bought"].interval.high < worth["source=own"].interval.low
    assert found.measurement("left_out_accuracy_change", "source=bought").interval.low > 0
    assert found.measurement("left_out_accuracy_change", "source=own").interval.high < 0
    by_lot = found.tables["left_out"].columns
    assert by_lot["series"].count("as many rows at random") == 2


def test_the_mean_row_is_worth_the_accuracy_of_the_neighbours():
    subject, _ = flipped(0.0, n=200)
    found = look(subject)
    value = whole(found, "group_row_value").value
    # valued are 200 training and 100 test rows: over all of them values add up to the accuracy; over training rows nearly so
    assert 0.6 < value < 1.0
    # 200 training rows and half of the test rows are valued, and one unit is one part in as many
    m, valued = whole(found, "group_row_value"), 200 + len(subject.test) // 2
    assert f"a row of 1 adds 1/{valued:,} to the accuracy" in m.reason
    assert (
        found.tables["worth"].labels["value"] == f"Mean value of a row (1 adds 1/{valued:,} to the accuracy)"
    )
    assert "lower the accuracy of a 5-nearest-neighbours classifier" in found.says
    parts = [found.measurement("group_row_value", f"class={c}").value for c in (0, 1)]
    share = subject.train.y.mean()
    assert (1 - share) * parts[0] + share * parts[1] == pytest.approx(value)


def test_clean_training_rows_are_quiet_at_the_stated_rate():
    low, n = {None: 0, "class=1": 0, "source=bought": 0}, 80
    for seed in range(n):
        subject, _ = flipped(0.0, seed=seed, n=150, slope=1.0)
        still = from_callable(lambda X: (X["a"] > 0).astype(int), classes=[0, 1], output="labels")
        found = look(Subject("clean", still, subject.test, subject.train), seed)
        for m in found.measurements:
            if m.metric == "harmful_share_excess" and m.group in low:
                low[m.group] += m.p_value is not None and m.p_value <= 0.05
    assert max(low.values()) <= binom.ppf(0.9995, n, 0.05), low


def test_rows_that_are_found_again_are_no_more_harmful_for_being_training_rows():
    """Of rows with the same inputs the first is valued otherwise than the next: which is first must not hang on the split."""
    low, n = {None: 0, "class=1": 0}, 40
    for seed in range(n):
        rng = np.random.default_rng(seed)
        tables = [pd.DataFrame(rng.integers(0, 2, (200, 3)), columns=list("abc")) for _ in range(2)]
        test, train = (Dataset(X, (rng.random(200) < 0.35 + 0.3 * X["a"]).astype(int)) for X in tables)
        still = from_callable(lambda X: X["a"].to_numpy(), classes=[0, 1], output="labels")
        found = look(Subject("found again", still, test, train), seed)
        for m in found.measurements:
            if m.metric == "harmful_share_excess" and m.group in low:
                low[m.group] += m.p_value is not None and m.p_value <= 0.05
    assert max(low.values()) <= binom.ppf(0.9995, n, 0.05), low


def test_leaving_out_a_group_of_a_clean_subject_changes_little_and_the_interval_says_so():
    plain, _ = flipped(0.0)
    model = LogisticRegression().fit(plain.train.X, plain.train.y)
    found = look(Subject("clean", model, plain.test, plain.train))
    for label in ("source=bought", "source=own"):
        m = found.measurement("left_out_accuracy_change", label)
        assert m.interval.low <= 0.02
        assert abs(m.value) < 0.05


def test_other_models_and_tables_are_valued():
    for subject in (make_credit(n_train=150, n_test=100), make_multiclass(n_train=150, n_test=100)):
        assert 0 < whole(look(subject), "harmful_share").value < 1


def test_a_model_that_cannot_be_trained_again_and_missing_groups_are_said():
    subject, _ = flipped(0.1, n=100)
    ask = from_callable(lambda X: (X["a"] > 0).astype(int), classes=[0, 1], output="labels")
    assert "cannot be trained again" in look(Subject("s", ask, subject.test, subject.train)).notes[-1]
    plain = Subject("s", LogisticRegression().fit(subject.train.X, subject.train.y),
                    Dataset(subject.test.X, subject.test.y), Dataset(subject.train.X, subject.train.y))  # fmt: skip
    assert "no sensitive features" in look(plain).notes[-1]


def test_a_group_that_holds_a_class_alone_is_not_left_out():
    subject, _ = flipped(0.0, n=100)
    who = np.where(subject.train.y == 1, "A", "B")
    train = Dataset(subject.train.X, subject.train.y, {"who": who})
    m = look(Subject("s", subject.model.inner, subject.test, train)).measurement(
        "left_out_accuracy_change", "who=A"
    )
    assert np.isnan(m.value)
    assert "are left to compare" in m.reason


def test_what_is_missing_is_said():
    with pytest.raises(NotApplicable, match="regression"):
        look(make_regression(n_train=60, n_test=60))
    plain = make_credit(n_train=60, n_test=60)
    with pytest.raises(NotApplicable, match="no training data"):
        look(Subject("s", plain.model.inner, plain.test, positive="repaid"))
    rng = np.random.default_rng(0)
    model = from_predictions(scores=rng.random(50), train_scores=rng.random(50), classes=[0, 1])
    with pytest.raises(NotApplicable, match="no features"):
        look(Subject("s", model, *[Dataset(None, rng.integers(2, size=50)) for _ in range(2)]))
