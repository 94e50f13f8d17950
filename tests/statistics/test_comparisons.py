"""Groups against everybody, and ratios of means: values by fairlearn's definition, intervals by simulation."""

from __future__ import annotations

import fairlearn.metrics as fl
import numpy as np
import pytest
from scipy import stats

from auditkit.errors import InputError
from auditkit.statistics import largest_gap, newcombe, smallest_mean_ratio, smallest_ratio
from auditkit.statistics.comparisons import (
    largest_distance,
    largest_mean_distance,
    smallest_mean_ratio_to_overall,
    smallest_ratio_to_overall,
)


def frame_of(values, codes, function=fl.mean_prediction):
    return fl.MetricFrame(metrics=function, y_true=values, y_pred=values, sensitive_features=codes)


@pytest.mark.parametrize("seed", range(5))
def test_values_are_fairlearns(seed):
    rng = np.random.default_rng(seed)
    codes, k = rng.integers(4, size=300), 4
    said = rng.random(300) < 0.2 + 0.1 * codes
    x, n = np.bincount(codes, said, k), np.bincount(codes, minlength=k)
    frame = frame_of(said * 1.0, codes)
    assert largest_distance(x, n).value == pytest.approx(frame.difference(method="to_overall"), abs=1e-12)
    assert smallest_ratio_to_overall(x, n).value == pytest.approx(frame.ratio(method="to_overall"), abs=1e-12)
    values = rng.gamma(3, size=300) + codes
    frame = frame_of(values, codes)
    parts = [values[codes == g] for g in range(k)]
    m, v = np.array([p.mean() for p in parts]), np.array([p.var(ddof=1) for p in parts])
    assert largest_mean_distance(m, v, n).value == pytest.approx(
        frame.difference(method="to_overall"), abs=1e-12
    )
    assert smallest_mean_ratio(m, v, n).value == pytest.approx(frame.ratio(), abs=1e-12)
    assert smallest_mean_ratio_to_overall(m, v, n).value == pytest.approx(
        frame.ratio(method="to_overall"), abs=1e-12
    )


def test_two_groups_are_one_comparison():
    low, high = newcombe(60, 100, 20, 50)
    gap = largest_distance([60, 20], [100, 50])
    # the smaller group is farther from all: its distance is two thirds of the difference
    assert (gap.low, gap.high) == pytest.approx((low * 2 / 3, high * 2 / 3), abs=1e-12)
    assert gap.lowest_index == gap.highest_index == 1
    assert gap.p_value == pytest.approx(largest_gap([60, 20], [100, 50]).p_value)
    assert (smallest_ratio_to_overall([60, 20], [100, 50]).high < 1) == (
        smallest_ratio([60, 20], [100, 50]).high < 1
    )


@pytest.mark.parametrize(("k", "n"), [(2, 40), (5, 30), (12, 200)])
def test_rates_cover_and_raise_no_alarm(k, n):
    rng = np.random.default_rng([k, n])
    off = off_ratio = covered = 0
    sizes, true = np.full(k, n), np.linspace(0.3, 0.6, k)
    for _ in range(400):
        same = rng.binomial(sizes, 0.3)
        off += largest_distance(same, sizes).low > 0
        off_ratio += smallest_ratio_to_overall(same, sizes).high < 1
        apart = rng.binomial(sizes, true)
        gap, ratio = largest_distance(apart, sizes), smallest_ratio_to_overall(apart, sizes)
        covered += gap.low <= 0.15 <= gap.high
        covered += ratio.low <= 0.3 / 0.45 <= ratio.high
    most = stats.binom.ppf(1 - 1e-4, 400, 0.05)
    assert max(off, off_ratio) <= most
    assert 800 - covered <= 2 * most


@pytest.mark.parametrize(("k", "n"), [(2, 30), (6, 60)])
def test_means_cover_and_raise_no_alarm(k, n):
    rng = np.random.default_rng([k, n])
    misses = np.zeros(5)
    for _ in range(400):
        for shift in (0.0, 1.0):
            true = 4 + shift * np.linspace(0, 1, k)
            values = rng.normal(true, 1, size=(n, k))
            given = values.mean(0), values.var(0, ddof=1), np.full(k, n)
            distance, ratio = largest_mean_distance(*given), smallest_mean_ratio(*given)
            whole = smallest_mean_ratio_to_overall(*given)
            away = np.abs(true - true.mean()).max()
            misses[0] += not distance.low <= away <= distance.high
            misses[1] += not ratio.low <= true.min() / true.max() <= ratio.high
            least = min((true / true.mean()).min(), (true.mean() / true).min())
            misses[2] += not whole.low <= least <= whole.high
    assert misses.max() <= stats.binom.ppf(1 - 1e-4, 800, 0.05)


@pytest.mark.parametrize("sizes", [(20, 500), (20, 100, 500), (20,) * 8])
def test_skewed_means_raise_no_more_alarms_than_stated(sizes):
    rng, n, off = np.random.default_rng(len(sizes)), np.array(sizes), 0
    for _ in range(400):
        parts = [np.exp(rng.standard_normal(k)) for k in sizes]
        off += largest_mean_distance([p.mean() for p in parts], [p.var(ddof=1) for p in parts], n).low > 0
    assert off <= stats.binom.ppf(1 - 1e-4, 400, 0.05)


def test_shares_are_those_of_the_weights():
    plain = largest_distance([10, 20], [50, 50], shares=[3, 1])
    assert plain.value == pytest.approx(abs(0.4 - (0.75 * 0.2 + 0.25 * 0.4)))
    with pytest.raises(InputError, match="one number of at least 0 a group"):
        largest_distance([10, 20], [50, 50], shares=[1, -1])


@pytest.mark.parametrize(("x", "n"), [([0, 0], [5, 5]), ([3, 0], [5, 0])])
def test_the_undefined_says_why(x, n):
    ratio = smallest_ratio_to_overall(x, n)
    assert np.isnan(ratio.value)
    assert ratio.note
    assert np.isnan(smallest_mean_ratio([-1.0, 1.0], [1.0, 1.0], [9, 9]).value)


def test_one_empty_rate_is_a_ratio_of_nothing():
    ratio = smallest_ratio_to_overall([0, 30, 30], [60, 60, 60])
    assert (ratio.value, ratio.low) == (0.0, 0.0)
    assert 0 < ratio.high < 1
