import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from auditkit.errors import InputError
from auditkit.methods.feature_space import FeatureSpace
from auditkit.methods.label_only import noise_robustness, noisy_copies
from auditkit.methods.membership import gap
from auditkit.statistics import auc


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=9), st.integers(0, 15))
def test_the_score_is_the_share_of_right_answers_and_nothing_for_a_wrong_one(copies, pattern):
    correct = [bool(pattern >> i & 1) for i in range(4)]
    got = noise_robustness(correct, copies)
    for i in range(4):
        right = 1 + sum(copy[i] for copy in copies)
        assert got[i] == pytest.approx(right / (1 + len(copies)) if correct[i] else 0.0)


def test_it_refines_the_gap():
    rng = np.random.default_rng(0)
    correct, copies = rng.random(200) < 0.7, rng.random((8, 200)) < 0.6
    score = noise_robustness(correct, copies)
    assert score[gap(correct) == 1].min() > score[gap(correct) == 0].max()


def test_the_gap_reaches_the_area_its_definition_says():
    # right for 90% of members and 70% of others: AUC = 1/2 + (0.9 - 0.7) / 2
    correct, member = np.repeat([True, False, True, False], [900, 100, 700, 300]), np.arange(2000) < 1000
    assert auc(gap(correct), member).value == pytest.approx(0.6, abs=1e-12)


def test_the_planted_leak_is_found_at_its_known_size_and_sign():
    # all records answered rightly; copies stay right with 0.9 for members, 0.75 for others: two binomials of 10
    n, r = 20_000, 10
    rng = np.random.default_rng(1)
    member = np.arange(n) % 2 == 0
    copies = rng.random((r, n)) < np.where(member, 0.9, 0.75)
    score = noise_robustness(np.ones(n, dtype=bool), copies)
    chance = [binom.pmf(np.arange(r + 1), r, p) for p in (0.9, 0.75)]
    expected = sum(
        a * b * (1.0 if i > j else 0.5 if i == j else 0.0)
        for i, a in enumerate(chance[0])
        for j, b in enumerate(chance[1])
    )
    assert math.isclose(sum(chance[0]), 1.0)
    assert auc(score, member).value == pytest.approx(expected, abs=0.012)


def test_without_a_leak_the_interval_covers_one_half_as_often_as_it_says():
    rng = np.random.default_rng(2)
    member = np.arange(200) % 2 == 0
    found = [
        auc(noise_robustness(rng.random(200) < 0.8, rng.random((6, 200)) < 0.8), member) for _ in range(300)
    ]
    # binomial(300, 0.95): 0.912 is three standard deviations down
    assert np.mean([one.low <= 0.5 <= one.high for one in found]) >= 0.912


@pytest.mark.parametrize(
    ("correct", "copies", "message"),
    [
        ([1, 0], [[True, False]], "correct must be"),
        ([True, False], [[1, 0]], "boolean table"),
        ([True, False], [[True], [False]], r"\(copies, 2\)"),
        ([True, False], np.zeros((0, 2), dtype=bool), "at least one copy"),
    ],
    ids=["numbers", "number copies", "transposed", "no copies"],
)
def test_misuse_is_an_error(correct, copies, message):
    with pytest.raises(InputError, match=message):
        noise_robustness(correct, copies)


KINDS = ["continuous", "integer", "categorical", "categorical"]


def table(rng, n):
    parts = rng.normal(size=n), rng.integers(0, 9, n), rng.choice(3, n, p=[0.6, 0.3, 0.1]), np.full(n, np.nan)
    return np.column_stack(parts).astype(float)


def copies_of(X, population, strength, seed=0):
    space = FeatureSpace.infer(population, KINDS, list("abcd"), n_categories={"d": 2})
    return space, noisy_copies(X, space, population, np.random.default_rng(seed), strength)


def test_numbers_move_by_the_spread_and_categories_are_drawn_as_often_as_stated():
    rng = np.random.default_rng(0)
    population, X = table(rng, 500), table(rng, 40_000)
    X[:, 0], X[:, 2], X[:, 3] = 0.0, 2.0, 1.0
    space, got = copies_of(X, population, 0.2)
    assert np.std(got[:, 0]) == pytest.approx(0.2 * space.scale[0], rel=0.03)
    # a fifth is drawn anew, and comes out as it was as often as the population holds it
    common = (population[:, 2] == 2).mean()
    assert (got[:, 2] != 2).mean() == pytest.approx(0.2 * (1 - common), abs=0.01)
    assert (got[:, 3] == 1).all()  # the population has no value of it to draw


@given(st.floats(0, 3), st.integers(0, 99))
def test_whole_numbers_stay_whole_ranges_are_kept_and_gaps_stay(strength, seed):
    rng = np.random.default_rng(seed)
    population, X = table(rng, 50), table(rng, 20)
    X[0, 0], X[1, 1] = np.nan, 30.0  # missing; out of the population's range
    space, got = copies_of(X, population, strength, seed)
    assert np.isnan(got[0, 0])
    assert (got[:, 1] == np.rint(got[:, 1])).all()
    low, high = np.fmin(space.low, X)[:, :2], np.fmax(space.high, X)[:, :2]
    inside = (got[:, :2] >= low) & (got[:, :2] <= high)
    assert (inside | np.isnan(got[:, :2])).all()
    assert np.isin(got[:, 2], [0, 1, 2]).all()
    if strength == 0:
        np.testing.assert_array_equal(got, X)


def test_noise_without_a_population_is_an_error():
    space = FeatureSpace.infer([[0.0], [1.0]], ["continuous"], ["a"])
    with pytest.raises(InputError, match="the population is empty"):
        noisy_copies([[0.5]], space, np.zeros((0, 1)), np.random.default_rng(0), 0.1)
