"""AK109: a planted proxy is found at its size; inputs that say nothing of the feature are at chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from auditkit import Dataset, Subject
from auditkit.checks.bias import proxies
from auditkit.data import make_proxy
from auditkit.methods.proxies import boosted_classes
from auditkit.predictors import from_predictions


def observe(subject, seed=0, **options):
    return proxies(subject, rng=np.random.default_rng(seed), **options)


@pytest.mark.parametrize("strength", [0.3, 0.8])
def test_a_planted_proxy_is_found_at_its_size(strength):
    evidence = observe(make_proxy(strength=strength, n=4000, seed=1).subject)
    # of two values that agree with probability (1 + strength) / 2, that is also the AUC
    expected = (1 + strength) / 2
    for metric, group in (
        ("proxy_auc", "sex from district"),
        ("joint_proxy_auc", "sex from all inputs together"),
    ):
        m = evidence.measurement(metric, group)
        assert m.interval.low <= expected <= m.interval.high
        assert m.interval.low > 0.5
        assert m.bound == "lower"
    assert evidence.measurement("proxy_auc", "sex from income").interval.low < 0.5
    # the answer carries what the district says
    assert evidence.measurement("score_proxy_auc").interval.low > 0.5
    assert evidence.measurement("joint_proxy_auc").p_value < 1e-10


def test_the_innocent_twin_is_at_chance():
    evidence = observe(make_proxy(strength=0, n=2000, seed=3).subject)
    assert all(m.interval.low <= 0.5 for m in evidence.measurements)
    assert all(abs(m.value - 0.5) < 0.06 for m in evidence.measurements)


def recorded(rng, n, k):
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.choice(list("uvwxyz"), n)})
    data = Dataset(X, rng.integers(0, 2, n), {"g": rng.integers(0, k, n)})
    return Subject("r", from_predictions(labels=rng.integers(0, 2, n)), data, positive=1)


@pytest.mark.parametrize("k", [2, 5])
def test_features_at_random_raise_no_more_alarms_than_stated(k):
    alarms = tests = 0
    for seed in range(8):
        found = observe(recorded(np.random.default_rng([seed, k]), 300, k), seed, folds=2).measurements
        alarms += sum(m.interval.low > 0.5 for m in found)
        tests += len(found)
    assert alarms <= stats.binom.ppf(0.999, tests, 0.05)


def test_the_strongest_of_many_inputs_at_random_is_not_said_to_give_the_feature_away():
    alarms, n = 0, 300
    for seed in range(40):
        rng = np.random.default_rng(seed)
        data = Dataset(
            pd.DataFrame(rng.normal(size=(n, 20))), rng.integers(0, 2, n), {"g": rng.choice(["a", "b"], n)}
        )
        evidence = observe(
            Subject("r", from_predictions(labels=np.resize([0, 1], n)), data, positive=1), seed, rows=50
        )
        single = [m for m in evidence.measurements if m.metric == "proxy_auc"]
        assert all(m.interval.method.endswith("Bonferroni over 20 inputs") for m in single)
        alarms += max(m.interval.low for m in single) > 0.5
        if all(m.interval.low <= 0.5 for m in evidence.measurements):
            assert "g is not shown to be predicted beyond chance, AUC" in evidence.says
    assert alarms <= stats.binom.ppf(0.999, 40, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 3, 8])
@pytest.mark.parametrize("n", [200, 2000])
def test_features_at_random_raise_no_more_alarms_than_stated_on_a_grid(n, k):
    alarms = np.zeros(4)
    for seed in range(200):
        found = observe(recorded(np.random.default_rng([seed, k, n]), n, k), seed).measurements
        alarms += [m.interval.low > 0.5 for m in found]
    assert alarms.max() <= stats.binom.ppf(0.999, 200, 0.05)


def test_the_shuffled_copy_stands_beside_and_is_at_chance():
    table = observe(make_proxy(strength=0.8, n=2000).subject).tables["sex"].frame()
    shuffled = table[table["series"] == "shuffled"]
    assert ((shuffled["low"] < 0.5) & (shuffled["high"] > 0.5)).all()
    assert set(shuffled["label"]) == {"all inputs together", "the model's answer", "district", "income"}


def test_a_number_is_predicted_by_its_variance():
    rng = np.random.default_rng(4)
    age = rng.normal(40, 10, 3000)
    tenure = age + rng.normal(0, 10, 3000)  # half of the variance, were it linear and not in 20 bins
    data = Dataset({"tenure": tenure, "noise": rng.normal(size=3000)}, rng.integers(0, 2, 3000), {"age": age})
    evidence = observe(Subject("n", from_predictions(labels=rng.integers(0, 2, 3000)), data, positive=1))
    m = evidence.measurement("proxy_r2", "age from tenure")
    assert m.interval.low <= 0.49 <= m.interval.high
    assert evidence.measurement("proxy_r2", "age from noise").interval.low < 0
    assert evidence.measurement("joint_proxy_r2").interval.low > 0.35
    assert evidence.measurement("score_proxy_r2").interval.low < 0


def test_of_several_groups_the_one_given_away_is_named():
    rng = np.random.default_rng(5)
    race = rng.choice(list("abcd"), 2000)
    X = pd.DataFrame({"zip": np.where(race == "c", rng.integers(0, 2, 2000), rng.integers(0, 10, 2000))})
    subject = Subject(
        "g", from_predictions(labels=np.resize([0, 1], 2000)), Dataset(X, np.resize([0, 1], 2000), {"race": race}),
        positive=1,
    )  # fmt: skip
    m = observe(subject).measurement("proxy_auc", "race from zip")
    assert m.reason == "race=c against all others"
    assert "Bonferroni over 4 groups" in m.interval.method


def test_the_feature_itself_is_no_proxy_and_small_groups_are_left_out():
    rng = np.random.default_rng(6)
    X = pd.DataFrame({"sex": np.repeat(["f", "m", "x"], [140, 150, 10]), "v": rng.normal(size=300)})
    subject = Subject("s", lambda f: f["v"].to_numpy() > 0, Dataset(X, rng.random(300) < 0.5, ["sex"]))
    evidence = observe(subject)
    assert {m.group for m in evidence.measurements} == {
        "sex from v", "sex from the model's answer", "sex from all inputs together"
    }  # fmt: skip
    assert any("sex=x" in note for note in evidence.notes)
    assert evidence.measurement("proxy_auc").n == 290


def test_what_cannot_be_predicted_says_why():
    y = np.resize([0, 1], 60)
    data = Dataset(None, y, {"g": ["a"] * 55 + ["b"] * 5})
    (m,) = observe(Subject("p", from_predictions(labels=y), data, positive=1)).measurements
    assert np.isnan(m.value)
    assert "fewer than two groups" in m.reason


def test_a_column_without_a_value_and_groups_of_one_are_no_trouble():
    rng = np.random.default_rng(0)
    n = 200
    once = np.where(
        np.arange(n) == 7, 3.0, np.nan
    )  # the folds that leave it out have a column without a value
    X = pd.DataFrame({"empty": np.nan, "once": once, "c": rng.choice(list("xy"), n)})
    data = Dataset(X, rng.integers(2, size=n), {"g": rng.choice(["f", "m"], n)})
    subject = Subject("s", from_predictions(labels=data.y), data, positive=1)
    joint = observe(subject).measurement("joint_proxy_auc")
    assert joint.interval.low <= 0.5 <= joint.interval.high
    shares = boosted_classes(
        rng.normal(size=(90, 2)), [False, False], np.arange(90) % 60, np.arange(90) % 3, seed=0
    )
    assert np.allclose(shares.sum(axis=1), 1)
