"""Calibration error: what perfect scores show, what planted errors show, and how often the interval is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve

from auditkit.errors import InputError
from auditkit.statistics import wilson
from auditkit.statistics.calibration import calibration_error, largest_calibration_gap, reliability


def error_of(p, y, level=0.95, weights=None):
    return calibration_error(reliability(p, y, weights=weights), level)


def test_bins_are_scikit_learns():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, size=3000)
    y = rng.random(3000) < p
    found = reliability(p, y)
    rate, score = calibration_curve(y, p, n_bins=10, strategy="quantile")
    assert found.score == pytest.approx(score, abs=2e-3)
    assert found.rate == pytest.approx(rate, abs=5e-3)  # one row may fall on the other side of an edge
    low, high = wilson(found.rate * found.n, found.n)
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)
    assert found.n.sum() == 3000
    plain = np.average(np.abs(found.rate - found.score), weights=found.n)
    assert calibration_error(found).plain == pytest.approx(plain, rel=1e-12)


def test_bins_too_thin_are_joined():
    found = reliability(np.full(60, 0.05), np.arange(60) < 3)
    assert found.n.tolist() == [60]
    rng = np.random.default_rng(0)
    p = rng.beta(1, 30, size=400)
    found = reliability(p, rng.random(400) < p)
    assert 1 <= found.n.size < 10
    assert (found.n[:-1] * found.score[:-1] >= 5).all()


@pytest.mark.parametrize("n", [60, 300, 3000])
def test_exact_scores_raise_no_more_alarms_than_stated_and_little_bias(n):
    rng = np.random.default_rng(n)
    small = off = 0
    values, plain = [], []
    for _ in range(500):
        p = rng.beta(2, 3, size=n)
        found = error_of(p, rng.random(n) < p)
        small += found.p_value < 0.05
        off += found.low > 0
        values.append(found.value)
        plain.append(found.plain)
    most = stats.binom.ppf(1 - 1e-4, 500, 0.05)
    assert small <= most
    assert off <= most
    assert np.mean(values) < 0.6 * np.mean(plain)


@pytest.mark.parametrize("shift", [0.05, 0.15])
@pytest.mark.parametrize("n", [300, 3000])
def test_a_planted_error_is_covered(n, shift):
    rng = np.random.default_rng([n, int(100 * shift)])
    inside, values = 0, []
    for _ in range(300):
        p = rng.uniform(0.2, 0.6, size=n)
        found = error_of(p, rng.random(n) < p + shift)
        inside += found.low <= shift <= found.high
        values.append(found.value)
    assert inside >= stats.binom.ppf(1e-4, 300, 0.95)
    assert np.mean(values) == pytest.approx(shift, abs=0.02)
    if n == 3000 and shift == 0.15:
        assert found.low > 0.08
        assert found.p_value < 1e-6


def test_equal_weights_change_nothing_and_a_row_twice_is_not_two_rows():
    rng = np.random.default_rng(0)
    p = rng.random(800)
    y = rng.random(800) < p**1.3
    plain, even = error_of(p, y), error_of(p, y, weights=np.full(800, 3.0))
    assert np.array(even) == pytest.approx(np.array(plain), rel=1e-6)
    mixed = error_of(p, y, weights=rng.choice([1.0, 8.0], size=800))
    assert mixed.high - mixed.low > plain.high - plain.low


def test_bad_scores_are_refused_and_nothing_is_undefined():
    with pytest.raises(InputError, match="probabilities"):
        reliability([1.2], [1])
    with pytest.raises(InputError, match="as many labels"):
        reliability([0.2, 0.3], [1])
    nothing = error_of([0.2], [1], weights=[0.0])
    assert np.isnan(nothing.value)
    assert (nothing.low, nothing.high) == (0.0, 1.0)


def groups_of(rng, sizes, shifts, sigma=0.0):
    """Return bins of groups whose scores lie so far below what comes true."""
    found = []
    for n, shift in zip(sizes, shifts, strict=True):
        p = rng.uniform(0.2, 0.7, n)
        weights = rng.lognormal(sigma=sigma, size=n) if sigma else None
        found.append(reliability(p, rng.random(n) < p + shift, weights=weights))
    return found


@pytest.mark.parametrize(
    ("sizes", "shift", "sigma"),
    [([200] * 2, 0.0, 0.0), ([50, 2000], 0.0, 0.0), ([200] * 8, 0.0, 0.0), ([1000] * 2, 0.03, 0.0), ([200] * 8, 0.1, 0.0), ([200] * 2, 0.1, 1.0)],
)  # fmt: skip
def test_groups_with_one_calibration_error_raise_no_more_alarms_than_stated(sizes, shift, sigma):
    trials, alarms = 150, 0
    for seed in range(trials):
        rng = np.random.default_rng([seed, len(sizes)])
        gap = largest_calibration_gap(
            groups_of(rng, sizes, [shift] * len(sizes), sigma), rng=rng, replicates=400
        )
        alarms += gap.p_value <= 0.05
        assert gap.low == 0 or gap.p_value <= 0.05
        assert gap.low <= gap.value <= gap.high
    assert alarms <= stats.binom.ppf(1 - 1e-3, trials, 0.05)


@pytest.mark.parametrize(("n", "shift", "least"), [(200, 0.15, 0.35), (500, 0.15, 0.9), (1000, 0.1, 0.85)])
def test_a_group_that_is_off_is_found_and_its_gap_covered(n, shift, least):
    trials, found, covered = 60, 0, 0
    for seed in range(trials):
        rng = np.random.default_rng([seed, n])
        gap = largest_calibration_gap(groups_of(rng, [n, n], [0.0, shift]), rng=rng, replicates=400)
        found += gap.low > 0 and (gap.lowest_index, gap.highest_index) == (0, 1)
        covered += gap.low <= shift <= gap.high
    assert found >= least * trials
    assert covered >= stats.binom.ppf(1e-3, trials, 0.95)


def test_a_gap_of_calibration_needs_two_groups_with_rows_and_enough_draws():
    rng = np.random.default_rng(0)
    one, two = groups_of(rng, [100, 100], [0.0, 0.0])
    assert np.isnan(largest_calibration_gap([one], rng=rng).value)
    with pytest.raises(InputError, match="100 replicates"):
        largest_calibration_gap([one, two], rng=rng, replicates=10)
    with pytest.raises(InputError, match="groups with rows"):
        largest_calibration_gap([one, reliability([], [])], rng=rng)
