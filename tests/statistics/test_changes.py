"""Changes: intervals of a difference when only two estimates were kept."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from auditkit.errors import InputError
from auditkit.statistics import paired_difference, wilson
from auditkit.statistics.changes import Estimate, change, rate_change, rate_change_of_same_records


def student(values):
    """Return the mean of values with Student's interval, as the estimate a report would hold."""
    n, mean = len(values), float(np.mean(values))
    half = stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, n)


def test_two_independent_means_of_one_size_give_the_interval_of_a_hand_calculation():
    # standard errors 0.03 and 0.04 add up to 0.05; with 10,001 records Student is as good as normal
    t = stats.t.ppf(0.975, 10_000)
    one = Estimate(1.0, 1.0 - 0.03 * t, 1.0 + 0.03 * t, 10_001)
    other = Estimate(1.2, 1.2 - 0.04 * t, 1.2 + 0.04 * t, 10_001)
    found = change(one, other, same_records=False)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.2 - 0.05 * t, 0.2 + 0.05 * t))
    assert found.p_value == pytest.approx(2 * stats.t.sf(4, 10_000))
    same = change(one, other, same_records=True)
    assert (same.low, same.high) == pytest.approx((0.2 - 0.07 * t, 0.2 + 0.07 * t))


def test_the_sign_of_a_change_is_now_less_before():
    up = change(Estimate(0.1, 0.05, 0.2, 50), Estimate(0.5, 0.4, 0.6, 50), same_records=False)
    down = change(Estimate(0.5, 0.4, 0.6, 50), Estimate(0.1, 0.05, 0.2, 50), same_records=False)
    assert up.low > 0 > down.high
    assert (up.low, up.high) == pytest.approx((-down.high, -down.low))
    assert up.p_value == pytest.approx(down.p_value)


def test_the_interval_leaves_nought_out_just_when_the_p_value_is_below_its_level():
    rng = np.random.default_rng(0)
    for _ in range(200):
        one, other = (student(rng.normal(size=30)) for _ in range(2))
        found = change(one, other, same_records=False)
        assert (found.low > 0 or found.high < 0) == (found.p_value < 0.05)


def test_an_estimate_without_ends_is_refused():
    with pytest.raises(InputError, match="finite value between ends"):
        change(Estimate(0.1, -math.inf, 1, 5), Estimate(0.1, 0, 1, 5), same_records=False)


def test_rates_of_different_records_are_newcombes_and_fishers():
    low1, high1 = wilson(80, 100)
    low2, high2 = wilson(60, 100)
    found = rate_change((80, 100), (60, 100))
    assert found.low == pytest.approx(-0.2 - math.hypot(0.6 - low2, high1 - 0.8))
    assert found.high == pytest.approx(-0.2 + math.hypot(high2 - 0.6, 0.8 - low1))
    assert found.p_value == pytest.approx(stats.fisher_exact([[80, 20], [60, 40]]).pvalue)


@pytest.mark.parametrize(("before", "after", "n"), [(7, 4, 9), (0, 3, 8), (5, 5, 5), (3, 3, 12), (12, 2, 12)])
def test_no_pairing_that_the_counts_allow_has_a_wider_interval(before, after, n):
    found = rate_change_of_same_records(before, after, n)
    for lost in range(n + 1):
        won = lost - (before - after)
        if won < 0 or lost > before or won > n - before:
            continue  # these counts of right answers do not come about this way
        low, high = paired_difference(lost, won, n)
        assert found.low <= -high + 1e-12
        assert found.high >= -low - 1e-12


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.9])
def test_type_one_errors_on_the_same_records_stay_below_the_level_whatever_the_dependence(correlation):
    rng, alarms, runs = np.random.default_rng(1), {"rate": 0, "mean": 0}, 2000
    mixed = np.linalg.cholesky([[1, correlation], [correlation, 1]])
    for _ in range(runs):
        x, y = mixed @ rng.normal(size=(2, 80))
        alarms["mean"] += change(student(x), student(y), same_records=True).p_value <= 0.05
        found = rate_change_of_same_records(int((x > -0.8).sum()), int((y > -0.8).sum()), 80)
        alarms["rate"] += found.p_value <= 0.05
    for name, n in alarms.items():
        assert stats.binomtest(n, runs, 0.05, alternative="greater").pvalue > 0.001, name


@pytest.mark.parametrize("n", [4, 12, 200])
def test_type_one_errors_on_different_records(n):
    rng, runs = np.random.default_rng(2), 3000
    p = [
        change(student(rng.normal(size=n)), student(rng.normal(size=n)), same_records=False).p_value
        for _ in range(runs)
    ]
    for level in (0.05, 0.005):
        alarms = int((np.array(p) <= level).sum())
        assert stats.binomtest(alarms, runs, level, alternative="greater").pvalue > 0.001


def test_a_change_that_is_there_is_seen():
    rng = np.random.default_rng(3)
    seen = [
        change(student(rng.normal(size=200)), student(rng.normal(0.5, size=200)), same_records=False).p_value
        < 0.01
        for _ in range(100)
    ]
    assert np.mean(seen) > 0.95
