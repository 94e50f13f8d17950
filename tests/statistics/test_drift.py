"""Drift: the stability index, the distance of distribution functions, and what chance brings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from auditkit.errors import InputError
from auditkit.statistics.drift import ks_distance, merged_cells, population_stability, rows_for_stability


def test_the_index_is_that_of_a_hand_calculation():
    # half a row in each cell: p = 30.5/101 and 70.5/101, q = 50.5/101 and 50.5/101
    p, q = np.array([30.5, 70.5]) / 101, np.array([0.5, 0.5])
    by_hand = (q[0] - p[0]) * math.log(q[0] / p[0]) + (q[1] - p[1]) * math.log(q[1] / p[1])
    found = population_stability([30, 70], [50, 50])
    assert found.plain == pytest.approx(by_hand)
    assert found.noise == pytest.approx(1 / 100 + 1 / 100)
    assert found.value == pytest.approx(by_hand - 0.02)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=2, max_size=8))
def test_side_by_side_with_scipys_chi_square(pairs):
    before, after = (np.array(part) for part in zip(*pairs, strict=True))
    if not before.sum() or not after.sum():
        return
    found = population_stability(before, after)
    seen = before + after > 0
    assert found.low <= found.value <= found.high
    if seen.sum() > 1:
        theirs = stats.chi2_contingency([before[seen], after[seen]], correction=False).pvalue
        assert found.p_value == pytest.approx(theirs, abs=1e-12)


def test_side_by_side_with_scipys_two_sample_test():
    rng = np.random.default_rng(0)
    for n, m in ((50, 80), (3000, 900)):
        x, y = rng.normal(size=n), rng.normal(0.2, size=m)
        found, theirs = ks_distance(x, y), stats.ks_2samp(x, y, method="exact" if n < 2000 else "asymp")
        assert (found.value, found.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
        assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(("shift", "n", "m"), [(0.0, 300, 200), (0.3, 3000, 2000), (1.0, 1000, 400)])
def test_the_interval_covers_and_the_noise_is_out_of_the_value(shift, n, m):
    rng, runs = np.random.default_rng(1), 600
    p = np.full(10, 0.1)
    q = p * np.exp(shift * np.linspace(-1, 1, 10))
    q /= q.sum()
    true = float(((q - p) * np.log(q / p)).sum())
    found = [population_stability(rng.multinomial(n, p), rng.multinomial(m, q)) for _ in range(runs)]
    covered = sum(one.low <= true <= one.high for one in found)
    assert stats.binomtest(covered, runs, 0.95, alternative="less").pvalue > 0.001
    # the value is cut off at 0, so that a little of the noise is left where nothing drifted
    assert np.mean([one.value for one in found]) < true + 0.4 * found[0].noise
    assert np.mean([one.plain for one in found]) > true + 0.8 * found[0].noise


def test_type_one_errors_of_index_and_distance():
    rng, runs = np.random.default_rng(2), 1000
    p = np.array([0.5, 0.3, 0.15, 0.05])
    index = sum(
        population_stability(rng.multinomial(200, p), rng.multinomial(150, p)).p_value <= 0.05
        for _ in range(runs)
    )
    away = sum(ks_distance(rng.normal(size=80), rng.normal(size=60)).p_value <= 0.05 for _ in range(runs))
    for alarms in (index, away):
        assert stats.binomtest(alarms, runs, 0.05, alternative="greater").pvalue > 0.001


def test_the_band_of_the_distance_covers():
    rng, true = np.random.default_rng(3), 2 * stats.norm.cdf(0.25) - 1  # two normals half a deviation apart
    found = [ks_distance(rng.normal(size=100), rng.normal(0.5, size=150)) for _ in range(300)]
    assert all(one.low <= true <= one.high for one in found)  # it is wide


def test_rows_that_are_needed_show_the_index_as_often_as_is_said():
    n = int(rows_for_stability(0.1, 10))
    rng, p = np.random.default_rng(4), np.full(10, 0.1)
    steps = np.linspace(-1, 1, 10)

    def moved(by):
        q = p * np.exp(by * steps)
        return q / q.sum()

    low, high = 0.0, 2.0
    for _ in range(60):  # the tilt whose index is 0.1
        middle = (low + high) / 2
        q = moved(middle)
        low, high = (middle, high) if ((q - p) * np.log(q / p)).sum() < 0.1 else (low, middle)
    seen = np.mean(
        [
            population_stability(rng.multinomial(n, p), rng.multinomial(n, moved(low))).p_value <= 0.05
            for _ in range(600)
        ]
    )
    assert 0.74 < seen < 0.86


def test_a_value_that_is_new_is_seen_and_has_a_finite_index():
    found = population_stability([1000, 0], [950, 50])
    assert math.isfinite(found.high)
    assert found.low > 0


def test_rare_cells_are_taken_together():
    assert merged_cells([50, 1, 40, 2], [60, 0, 30, 9]).tolist() == [0, 2, 1, 2]
    # together they are too few still: they join the smallest of the others
    assert merged_cells([500, 1, 400], [600, 0, 300]).tolist() == [0, 1, 1]
    assert merged_cells([1, 1], [1, 1]).tolist() == [0, 0]


def test_what_does_not_fit_is_refused():
    for counts in (([1, 2], [1]), ([-1, 2], [1, 1]), ([0, 0], [1, 1])):
        with pytest.raises(InputError):
            population_stability(*counts)
    with pytest.raises(InputError):
        ks_distance([1.0, math.nan], [1.0])
    with pytest.raises(InputError):
        rows_for_stability(0, 10)
    assert math.isnan(population_stability([5], [5]).value)
