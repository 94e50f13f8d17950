"""Accidents happen at the strength asked for, where asked for, and no more."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

from auditkit.errors import InputError
from auditkit.methods import corruption
from auditkit.methods.feature_space import FeatureSpace

NAMES = ["age", "income", "job", "sex", "flag"]
KINDS = ["integer", "continuous", "categorical", "categorical", "categorical"]


def table(n=400, seed=0, gaps=0.1):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(18, 91, n), rng.lognormal(3, 1, n), rng.integers(0, 7, n), rng.integers(0, 2, n),
                         np.zeros(n)]).astype(float)  # fmt: skip
    X[rng.random(X.shape) < gaps] = np.nan
    return X, FeatureSpace.infer(X, KINDS, NAMES, immutable=["sex"])


def same(a, b):
    return (a == b) | (np.isnan(a) & np.isnan(b))


@pytest.mark.parametrize("name", corruption.NAMES)
@given(seed=st.integers(0, 2**32 - 1), gaps=st.sampled_from([0, 0.3, 1]))
@settings(max_examples=20, deadline=None)
def test_strength_zero_is_the_identity_and_immutables_are_left_alone(name, seed, gaps):
    X, _ = table(30, seed, gaps)
    space = table()[1]
    before = X.copy()
    np.testing.assert_array_equal(corruption.corrupt(name, X, space, np.random.default_rng(seed), 0.0), X)
    strong = corruption.corrupt(name, X, space, np.random.default_rng(seed), 1.0)
    np.testing.assert_array_equal(strong[:, 3], X[:, 3])
    assert same(strong, X)[:, ~corruption.applicable(name, space)].all()
    np.testing.assert_array_equal(X, before)  # the input is never written to


@pytest.mark.parametrize("name", corruption.NAMES)
def test_one_generator_state_gives_one_table(name):
    X, space = table()
    first, second = (corruption.corrupt(name, X, space, np.random.default_rng(5), 0.3) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not same(first, X).all()


@pytest.mark.parametrize("name", ["missing", "category_swap", "unit_slip"])
@pytest.mark.parametrize("rate", [0.01, 0.2, 0.9, 1.0])
def test_rates_are_as_asked(name, rate):
    X, space = table(20_000)
    after = corruption.corrupt(name, X, space, np.random.default_rng(1), rate)
    can = np.broadcast_to(corruption.applicable(name, space), X.shape) & ~np.isnan(X)
    hit = ~same(after, X)
    assert not hit[~can].any()
    assert binomtest(int(hit.sum()), int(can.sum()), rate).pvalue > 1e-4


@pytest.mark.parametrize("name", ["missing", "category_swap", "unit_slip"])
def test_what_is_hit_at_one_rate_is_hit_alike_at_every_higher_rate(name):
    X, space = table()
    tables = [after for _, after in corruption.sweep(name, X, space, np.random.default_rng(2))]
    for weaker, stronger in pairwise(tables):
        hit = ~same(weaker, X)
        assert same(weaker, stronger)[hit].all()
        assert (~same(stronger, X)).sum() > hit.sum()


@pytest.mark.parametrize("clip", [True, False])
def test_noise_grows_with_its_strength_in_every_cell(clip):
    X, space = table()
    tables = [corruption.noise(X, space, np.random.default_rng(3), s, clip=clip) for s in (0, 0.1, 0.4, 1.0)]
    for weaker, stronger in pairwise(tables):
        assert np.all(np.nan_to_num(np.abs(stronger - X) - np.abs(weaker - X)) >= 0)


def test_noise_has_the_spread_asked_for():
    X, space = table(20_000, gaps=0)
    after = corruption.noise(X, space, np.random.default_rng(4), 0.5, clip=False)
    z = (after - X)[:, 1] / (0.5 * space.scale[1])
    assert 1e-4 < chi2.cdf(np.sum(z**2), len(z)) < 1 - 1e-4
    np.testing.assert_allclose(
        np.std((after - X)[:, 0]) / space.scale[0], 0.5, rtol=0.03
    )  # rounded, so nearly
    assert np.all(after[:, 0] == np.rint(after[:, 0]))
    np.testing.assert_array_equal(after[:, 2:], X[:, 2:])


def test_noise_stays_in_range_and_missing_stays_missing():
    X, space = table()
    X[0, :2] = [120.0, -5.0]  # outside before: not pulled in, not pushed out
    after = corruption.noise(X, space, np.random.default_rng(5), 3.0)
    low, high = np.fmin(space.low, X)[:, :2], np.fmax(space.high, X)[:, :2]
    present = ~np.isnan(X[:, :2])
    assert np.all((after[:, :2] >= low)[present] & (after[:, :2] <= high)[present])
    np.testing.assert_array_equal(np.isnan(after), np.isnan(X))


def test_swapped_categories_are_other_known_ones_equally_likely():
    X, space = table(20_000, gaps=0)
    X[0, 2] = 11.0  # a code outside the vocabulary
    after = corruption.category_swap(X, space, np.random.default_rng(6), 1.0)
    assert set(np.unique(after[:, 2])) == set(range(7))
    assert not np.any(after[:, 2] == X[:, 2])
    started = X[:, 2] == 3
    counts = np.bincount(after[started, 2].astype(int), minlength=7)[[0, 1, 2, 4, 5, 6]]
    expected = started.sum() / 6
    assert np.sum((counts - expected) ** 2 / expected) < chi2.ppf(1 - 1e-4, 5)


def test_unit_slips_by_hand():
    space = table()[1]
    X = np.tile([40.0, 12.5, 1.0, 0.0, 0.0], (200, 1))
    after = corruption.unit_slip(X, space, np.random.default_rng(7), 1.0)
    assert set(after[:, 0]) == {40_000.0, 0.0}  # 0.04 years rounds to 0
    assert set(after[:, 1]) == {12_500.0, 0.0125}
    assert set(corruption.unit_slip(X, space, np.random.default_rng(7), 1.0, factor=10)[:, 0]) == {400.0, 4.0}


def test_rounding_by_hand():
    space = FeatureSpace.infer([[0.0, 0], [10.0, 10]], ["continuous", "integer"], ["a", "b"])
    width = 0.5 * space.scale[0]  # quartiles 2.5 and 7.5: 0.5 * 5 / 1.349 = 1.8532
    after = corruption.rounding([[4.0, 4], [np.nan, 9]], space, np.random.default_rng(0), 0.5)
    np.testing.assert_allclose(width, 2.5 / 1.349)
    np.testing.assert_allclose(after, [[2 * width, 4], [np.nan, 9]])  # 4 / 1.85 = 2.16; 3.71 -> 4; 9.27 -> 9
    X, space = table()
    moved = np.abs(corruption.rounding(X, space, np.random.default_rng(0), 0.7) - X)
    assert np.nanmax(moved[:, 1]) <= 0.35 * space.scale[1] * (1 + 1e-9)
    assert np.nanmax(moved[:, 0]) <= 0.35 * space.scale[0] + 0.5


def test_columns_say_where_and_override_what_cannot_be_attacked():
    X, space = table()
    after = corruption.missing(X, space, np.random.default_rng(8), 1.0, ["sex"])
    assert np.isnan(after[:, 3]).all()
    np.testing.assert_array_equal(np.delete(after, 3, axis=1), np.delete(X, 3, axis=1))
    np.testing.assert_array_equal(corruption.applicable("noise", space), [1, 1, 0, 0, 0])
    np.testing.assert_array_equal(
        corruption.applicable("category_swap", space), [0, 0, 1, 0, 0]
    )  # flag has one value
    np.testing.assert_array_equal(corruption.applicable("missing", space, ["sex"]), [0, 0, 0, 1, 0])


def test_columns_do_not_change_each_other():
    X, space = table()
    both = corruption.noise(X, space, np.random.default_rng(9), 0.5)
    one = corruption.noise(X, space, np.random.default_rng(9), 0.5, ["income"])
    np.testing.assert_array_equal(one[:, 1], both[:, 1])


def test_every_grid_starts_at_nothing_and_rises():
    for grid in corruption.SEVERITIES.values():
        assert grid[0] == 0
        assert list(grid) == sorted(set(grid))


def test_bad_input_says_what_is_wrong():
    X, space = table(10)
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"strength from 0 to 1, got 1\.5"):
        corruption.missing(X, space, rng, 1.5)
    with pytest.raises(InputError, match="from 0 to inf, got nan"):
        corruption.noise(X, space, rng, np.nan)
    with pytest.raises(InputError, match="Did you mean 'income'"):
        corruption.noise(X, space, rng, 0.1, ["imcome"])
    with pytest.raises(InputError, match="Did you mean 'missing'"):
        list(corruption.sweep("mising", X, space, rng))
    with pytest.raises(InputError, match="factor above 0"):
        corruption.unit_slip(X, space, rng, 0.1, factor=0)
    assert corruption.noise(np.zeros((0, 5)), space, rng, 0.1).shape == (0, 5)
