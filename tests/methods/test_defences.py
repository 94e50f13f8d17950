"""Defences: levels and distances by hand, and a gate that turns ordinary rows away as rarely as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from scipy.spatial.distance import cdist
from sklearn.preprocessing import KBinsDiscretizer

from auditkit.errors import InputError
from auditkit.methods.defences import (
    bin_levels,
    coordinates,
    fewest_rows,
    nearest_distance,
    reject_threshold,
    squeezed,
)

columns = hnp.arrays(float, st.integers(1, 60), elements=st.floats(-1e6, 1e6, width=32))


def test_levels_are_medians_of_bins_of_equal_counts():
    # 1..8 in four bins of two: (1, 2), (3, 4), (5, 6), (7, 8)
    assert bin_levels(range(1, 9), 4).tolist() == [1.5, 3.5, 5.5, 7.5]
    assert bin_levels(range(1, 9), 4, whole=True).tolist() == [1, 3, 5, 7]
    assert bin_levels([5, np.nan, 5, 7], 3).tolist() == [5, 7]  # few values are kept
    assert bin_levels([np.nan], 3).tolist() == []
    with pytest.raises(InputError, match="at least 1"):
        bin_levels([1.0], 0)


def test_bins_are_those_of_the_field():
    x = np.random.default_rng(0).gamma(2, size=500)
    theirs = KBinsDiscretizer(
        8, encode="ordinal", strategy="quantile", quantile_method="linear", subsample=None
    )
    bins = theirs.fit_transform(x[:, None])[:, 0]
    assert bin_levels(x, 8) == pytest.approx([np.median(x[bins == k]) for k in range(8)])


@given(columns, st.integers(1, 12))
def test_squeezing_gives_the_nearest_level_and_twice_is_once(column, levels):
    few = bin_levels(column, levels)
    assert 1 <= len(few) <= levels
    once = squeezed(column, few)
    assert set(once) <= set(few)
    assert np.abs(once - column) == pytest.approx(np.abs(column[:, None] - few).min(axis=1))
    assert (squeezed(once, few) == once).all()


def test_squeezing_leaves_missing_values_and_columns_without_levels():
    assert np.isnan(squeezed([np.nan], [1.0])).all()
    assert squeezed([3.0], []).tolist() == [3.0]


def test_distances_are_those_of_all_pairs():
    rng = np.random.default_rng(1)
    Q, P = rng.normal(size=(40, 5)) + 1e4, rng.normal(size=(60, 5)) + 1e4
    assert nearest_distance(Q, P) == pytest.approx(cdist(Q, P).min(axis=1))
    assert nearest_distance(P, P) == pytest.approx(0)
    with pytest.raises(InputError, match="a point"):
        nearest_distance(Q, P[:0])


def test_a_unit_of_a_number_and_another_category_are_steps_of_one():
    table = [[0.0, 0], [2.0, 0], [0.0, 1], [0.0, np.nan], [np.nan, 0]]
    there = coordinates(table, [2.0, 1.0], [0, 3])
    assert cdist(there, there)[0] == pytest.approx([0, 1, 1, 1, 1])
    assert coordinates(np.zeros((2, 0)), [], []).shape == (2, 0)
    with pytest.raises(InputError, match="one scale and size"):
        coordinates([[1.0]], [1.0, 2.0], [0])


def test_the_threshold_is_the_conformal_quantile():
    # n = 39 and 5%: the ceil(40 * 0.95) = 38th smallest
    assert reject_threshold(np.arange(1, 40)[::-1], 0.05) == 38
    assert reject_threshold([*range(37), np.inf, np.inf], 0.05) == np.inf
    for rate in (0.01, 0.05, 0.1, 0.3):
        enough = next(n for n in range(1, 2000) if np.ceil((n + 1) * (1 - rate) - 1e-9) <= n)
        assert fewest_rows(rate) == enough
        with pytest.raises(InputError, match=f"at least {enough}"):
            reject_threshold(range(enough - 1), rate)
    for rate in (0.0, 1.0):
        with pytest.raises(InputError, match="between 0 and 1"):
            reject_threshold([1.0], rate)


@pytest.mark.parametrize(("n", "rate"), [(19, 0.05), (59, 0.05), (30, 0.2)])
def test_ordinary_rows_are_turned_away_as_rarely_as_stated(n, rate):
    """The distance to the nearest of fixed rows, calibrated on n rows; a new row is above with 1 - k / (n + 1) exactly."""
    rng = np.random.default_rng(n)
    draws, known = 4000, rng.normal(size=(50, 3))
    rows = rng.normal(size=(draws * (n + 1), 3))
    far = nearest_distance(rows, known).reshape(draws, n + 1)
    above = sum(float(one[-1]) > reject_threshold(one[:-1], rate) for one in far)
    exact = 1 - np.ceil((n + 1) * (1 - rate) - 1e-9) / (n + 1)
    assert exact <= rate + 1e-9
    low, high = stats.binom.ppf([0.0005, 0.9995], draws, exact)
    assert low <= above <= high
