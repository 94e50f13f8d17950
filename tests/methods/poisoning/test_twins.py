"""Twins are found where they were put, and chance is held to its rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import binom, fisher_exact

from auditkit.errors import InputError
from auditkit.methods.poisoning import leaky, twins
from auditkit.methods.poisoning.excess import excess


def test_nearest_rows_are_those_of_every_distance():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(40, 3)), rng.normal(size=(70, 3))
    far, at = twins.nearest_between(A, B)
    every = cdist(A, B)
    assert far == pytest.approx(every.min(axis=1))
    assert (at == every.argmin(axis=1)).all()


def test_equal_rows_far_from_the_origin_lie_at_distance_0():
    B = 1e4 + np.random.default_rng(0).normal(size=(50, 4))
    assert twins.nearest_between(B[:5], B)[0].tolist() == [0.0] * 5


def test_near_twins_hold_their_level_on_exchangeable_rows_and_find_copies():
    low = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        low += twins.near_twins(rng.random(60), rng.random(80), 0.05).p_value <= 0.05
    assert low <= binom.ppf(0.9995, 400, 0.05)
    copied = np.concatenate([np.zeros(12), rng.random(48)])
    assert twins.near_twins(copied, rng.random(80), 0.05).p_value < 0.05


def test_the_p_value_of_near_twins_is_the_share_of_orders():
    # 1 of 3 independent rows is the radius: all 3 rows nearer than all 4 others in 3! 4! of 7! orders
    found = twins.near_twins([0.0, 0.1, 0.2], [1.0, 2.0, 3.0, 4.0])
    assert found.p_value == pytest.approx(1 / 35)
    assert found.near.all()


def test_ties_count_as_not_near():
    assert not twins.near_twins([1.0, 1.0], [1.0, 1.0]).near.any()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), min_size=1, max_size=12),
       st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), min_size=1, max_size=12))  # fmt: skip
def test_contradicting_rows_are_those_found_one_by_one(some, others):
    (k, y), (m, z) = zip(*some, strict=True), zip(*others, strict=True)
    by_hand = [any(b == a and w != v for b, w in others) for a, v in some]
    assert twins.contradicting(k, y, m, z).tolist() == by_hand


def test_robust_units_put_an_outlier_aside_and_a_category_one_apart():
    table = np.array([[0.0, 0], [1.0, 1], [2.0, 0], [3.0, 1], [1000.0, np.nan]])
    out = twins.robust_units(table, [False, True], table)
    assert out[1, 0] - out[0, 0] == pytest.approx(1.349 / 2)  # quartiles 1 and 3
    assert np.linalg.norm(out[0, 1:] - out[1, 1:]) == pytest.approx(1)
    with pytest.raises(InputError, match="same columns"):
        twins.robust_units(table, [False], table)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_excess_is_fishers_test(a, b, c, d):
    found = excess(a, a + b, c, c + d)
    if a + b and c + d:
        assert found.p_value == pytest.approx(fisher_exact([[a, b], [c, d]], "greater").pvalue, abs=1e-9)
        assert found.low <= found.value <= found.high
    else:
        assert np.isnan(found.value)
        assert found.p_value == 1


def test_bins_keep_categories_and_cut_numbers():
    assert leaky.bins_of([0, 2, np.nan, 9], [0, 1, 2], categorical=True).tolist() == [1, 3, 0, 0]
    bins = leaky.bins_of(np.arange(100.0), np.arange(100.0), categorical=False, most=4)
    assert np.bincount(bins).tolist() == [0, 25, 25, 25, 25]


def test_rates_of_a_bin_that_nobody_has_are_those_of_all():
    assert leaky.class_rates([0, 0, 0, 0], [0, 1, 1, 1], [5], 2).tolist() == [[0.25, 0.75]]
