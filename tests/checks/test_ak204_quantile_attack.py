"""Quantile regression finds what hides behind difficulty, at its planted size, and is quiet where there is no leak."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from auditkit.checks.membership import population_attack, quantile_attack
from auditkit.checks.membership.quantile import MOST_LEVELS, _coded
from auditkit.data import make_credit, make_leaky, make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def attack(subject, seed=0, **options):
    return quantile_attack(subject, rng=np.random.default_rng(seed), **options)


def recorded(rng, n, delta=0.0):
    """Recorded scores beside features: a word says how hard a record is; members' log-odds lie `delta` spreads higher."""

    def side(extra):
        frame = pd.DataFrame({"city": rng.choice(["Bonn", "Graz", "Riga"], n), "x": rng.normal(size=n)})
        y = rng.integers(2, size=n)
        log_odds = (
            frame["city"].map({"Bonn": -4.0, "Graz": 0.0, "Riga": 4.0}).to_numpy()
            + rng.normal(size=n)
            + extra
        )
        own = 1 / (1 + np.exp(-log_odds))
        return Dataset(frame, y), np.where(y == 1, own, 1 - own)

    (train, train_scores), (test, scores) = side(delta), side(0.0)
    model = from_predictions(scores=scores, train_scores=train_scores, classes=[0, 1])
    return Subject("recorded", model, test, train)


# guilty ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delta", [1.0, 2.0])
def test_a_planted_shift_is_found_at_its_size_beside_what_difficulty_hides(delta):
    # among records of one kind members lie delta spreads higher: the area of two normals that far apart
    subject = recorded(np.random.default_rng(0), 2000, delta)
    area = attack(subject).measurement("attack_auc")
    assert norm.cdf(delta / math.sqrt(2)) - 0.05 < area.value < norm.cdf(delta / math.sqrt(2)) + 0.03
    plain = population_attack(subject, rng=np.random.default_rng(0)).measurement("attack_auc")
    assert area.interval.low > plain.interval.high
    assert area.bound == "lower"


@pytest.mark.parametrize("m", [1.0, 0.5])
def test_planted_memory_is_found_at_its_size(m):
    planted = make_leaky(memorise=m)
    found = attack(planted.subject)
    assert found.measurement("attack_auc").value == pytest.approx(planted.size["auc"], abs=0.06)
    assert found.measurement("tpr_at_1pct_fpr").interval.low > 0.05


def test_a_grown_tree_is_found():
    planted = make_leaky(kind="tree")
    area = attack(planted.subject).measurement("attack_auc")
    assert area.value == pytest.approx(planted.size["auc"], abs=0.05)


def test_an_overfit_regression_is_found_by_its_errors():
    plain = make_regression(n_train=400, n_test=400)
    for model, leaks in ((DecisionTreeRegressor(random_state=0), True), (LinearRegression(), False)):
        subject = Subject(
            "s", model.fit(plain.train.X, plain.train.y), plain.test, plain.train, task="regression"
        )
        found = attack(subject)
        assert (found.measurement("attack_auc").interval.low > 0.9) == leaks
        assert "squared error" in " ".join(found.notes)


# innocent ----------------------------------------------------------------------------------------------


def test_the_clean_twin_is_quiet():
    area = attack(make_leaky(memorise=0.0).subject).measurement("attack_auc")
    assert area.interval.low <= 0.5 <= area.interval.high


def false_alarms(n, draws):
    outside = above = 0
    for s in range(draws):
        rng = np.random.default_rng(s)
        X = rng.normal(size=(3 * n, 3))
        y = (rng.random(3 * n) < 1 / (1 + np.exp(-3 * X[:, 0]))).astype(int)
        model = DecisionTreeClassifier(min_samples_leaf=5, random_state=0).fit(X[:n], y[:n])
        subject = Subject("s", model, Dataset(X[n : 2 * n], y[n : 2 * n]), Dataset(X[2 * n :], y[2 * n :]))
        found = attack(subject, seed=1000 + s)
        ends = found.measurement("attack_auc").interval
        outside += ends is None or not ends.low <= 0.5 <= ends.high
        rate = found.measurement("tpr_at_1pct_fpr").interval
        above += rate is not None and rate.low > 0.05
    return outside, above


def test_false_alarms_are_as_rare_as_stated_although_scores_share_their_regressions():
    outside, above = false_alarms(100, 60)
    assert outside <= binom.ppf(0.999, 60, 0.05)
    assert above <= binom.ppf(0.999, 60, 0.025)


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 400])
def test_false_alarms_over_many_draws(n):
    outside, above = false_alarms(n, 400)
    assert outside <= binom.ppf(0.999, 400, 0.05)
    assert above <= binom.ppf(0.999, 400, 0.025)


def test_swapped_splits_are_undecided_and_not_passed():
    subject = recorded(np.random.default_rng(0), 600, -2.0)
    area = attack(subject).measurement("attack_auc")
    assert np.isnan(area.value)
    assert "are train and test swapped" in area.reason


# rows and columns --------------------------------------------------------------------------------------


def test_half_of_the_test_rows_are_the_population_and_none_is_attacked():
    assert attack(recorded(np.random.default_rng(0), 301)).rows == {
        "members": 301, "non_members": 151, "population": 150, "how": "drawn at random",
    }  # fmt: skip
    assert attack(recorded(np.random.default_rng(0), 300), rows=60).rows["population"] == 60


def test_categories_are_numbered_by_how_common_they_are_and_the_rest_is_missing():
    known = np.column_stack([np.repeat([7.0, 3.0, np.nan], [2, 3, 1]), np.arange(6.0)])
    asked = np.array([[3.0, 1.0], [7.0, 2.0], [5.0, 3.0], [np.nan, 4.0]])
    known, asked = _coded(known, asked, np.array([True, False]))
    np.testing.assert_array_equal(known[:, 0], [1, 1, 0, 0, 0, np.nan])
    np.testing.assert_array_equal(asked, [[0, 1], [1, 2], [np.nan, 3], [np.nan, 4]])
    many = np.repeat(np.arange(300.0), 2)[:, None]
    assert np.nanmax(_coded(many.copy(), many.copy(), np.array([True]))[0]) == MOST_LEVELS - 1


def test_columns_with_hundreds_of_words_infinite_numbers_and_gaps_are_taken():
    rng = np.random.default_rng(0)
    subject = recorded(rng, 400, 1.0)
    for data in (subject.train, subject.test):
        data.X["id"] = [f"id {i}" for i in rng.integers(600, size=400)]
        data.X["wide"] = np.where(rng.random(400) < 0.1, np.inf, rng.normal(size=400))
        data.X["gaps"] = np.where(rng.random(400) < 0.3, np.nan, rng.normal(size=400))
    assert attack(subject).measurement("attack_auc").interval.low > 0.5


def test_pipelines_with_words_and_three_classes_are_attacked():
    for subject in (make_credit(n_train=200, n_test=200), make_multiclass(n_train=200, n_test=200)):
        assert attack(subject).measurement("attack_auc").interval.low < 0.6


def test_the_seed_decides_and_nothing_else():
    subject = recorded(np.random.default_rng(0), 200, 1.0)
    one, two, other = (attack(subject, seed=s).to_dict() for s in (1, 1, 2))
    assert one == two
    assert one["measurements"] != other["measurements"]


def test_refusals_are_in_words():
    rng = np.random.default_rng(0)
    model = from_predictions(scores=rng.random(100), train_scores=rng.random(100), classes=[0, 1])
    blind = [Dataset(None, rng.integers(2, size=100)) for _ in range(2)]
    with pytest.raises(NotApplicable, match="the data set has no features"):
        attack(Subject("s", model, *blind))
    with pytest.raises(NotApplicable, match=r"39 rows of population, of which at least 40 are needed"):
        attack(recorded(rng, 79))
    plain = recorded(rng, 100)
    with pytest.raises(NotApplicable, match="no training data"):
        attack(Subject("s", plain.model.inner, plain.test))
    labels = from_predictions(labels=plain.test.y, train_labels=plain.train.y, classes=[0, 1])
    with pytest.raises(NotApplicable, match="no probabilities"):
        attack(Subject("s", labels, plain.test, plain.train))
