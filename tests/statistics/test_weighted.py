"""Effective sizes: exact where weights are equal, and as wide as the simulated spread where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from auditkit.errors import InputError
from auditkit.statistics.gaps import largest_gap
from auditkit.statistics.weighted import effective_counts, group_moments, kish_size


@pytest.mark.parametrize("weight", [1.0, 0.3, 1e6])
def test_equal_weights_are_counts(weight):
    x, n = np.array([0.0, 3.0, 10.0]), np.array([5.0, 7.0, 10.0])
    successes, trials = effective_counts(weight * x, weight * n, weight**2 * x, weight**2 * n)
    assert successes == pytest.approx(x, rel=1e-12)
    assert trials == pytest.approx(n, rel=1e-12)
    assert kish_size(np.full(7, weight)) == pytest.approx(7)


def test_no_weight_is_no_row_and_impossible_sums_are_refused():
    assert [float(part) for part in effective_counts(0, 0, 0, 0)] == [0.0, 0.0]
    assert kish_size([0.0, 0.0]) == 0
    with pytest.raises(InputError, match="at most those of all"):
        effective_counts(3.0, 2.0, 1.0, 1.0)


def spread_of_weighted_rate(weights, chance, draws=4000):
    """Return the simulated standard deviation of a weighted rate over rows drawn anew, and the stated one."""
    rng = np.random.default_rng(0)
    rates, stated = [], []
    for _ in range(draws):
        kind = rng.integers(len(weights), size=400)
        w, hit = np.asarray(weights)[kind], rng.random(400) < np.asarray(chance)[kind]
        x, n = effective_counts((w * hit).sum(), w.sum(), (w * w * hit).sum(), (w * w).sum())
        rate = x / n
        rates.append(rate)
        stated.append(np.sqrt(rate * (1 - rate) / n))
    return np.std(rates), np.mean(stated)


def test_the_stated_spread_is_the_simulated_one():
    simulated, stated = spread_of_weighted_rate([1.0, 5.0], [0.4, 0.4])
    assert stated == pytest.approx(simulated, rel=0.05)


def test_weights_that_go_along_with_the_outcome_do_not_make_it_too_narrow():
    simulated, stated = spread_of_weighted_rate([1.0, 5.0], [0.05, 0.6])
    assert 0.97 * simulated <= stated <= 1.2 * simulated


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_moments_are_those_of_numpy(shift):
    rng = np.random.default_rng(1)
    values, codes = rng.normal(size=300) + shift, rng.integers(3, size=300)
    plain = group_moments(values, codes, 3)
    even = group_moments(values, codes, 3, np.full(300, 2.5))
    weights = rng.uniform(0.1, 3, size=300)
    weighted = group_moments(values, codes, 3, weights)
    for g in range(3):
        part, w = values[codes == g], weights[codes == g]
        assert plain.mean[g] == pytest.approx(part.mean(), rel=1e-12)
        assert plain.spread[g] / (plain.size[g] - 1) == pytest.approx(part.var(ddof=1), rel=1e-7)
        assert even.size[g] == pytest.approx(len(part), rel=1e-9)
        assert even.spread[g] == pytest.approx(plain.spread[g], rel=1e-7)
        assert weighted.mean[g] == pytest.approx(np.average(part, weights=w), rel=1e-12)
        assert weighted.size[g] <= kish_size(w) + 1e-9


def test_a_group_without_weight_has_no_mean():
    found = group_moments([1.0, 2.0, 3.0], np.array([0, 0, 1]), 2, [1.0, 1.0, 0.0])
    assert np.isnan(found.mean).tolist() == [False, True]
    assert found.size.tolist() == [2.0, 0.0]


def test_groups_taken_together_are_worth_no_more_than_all_show():
    # weights of 3 for successes, 1 for the rest; the third group drew none of them
    hits, misses = np.array([5.0, 10.0, 0.0]), np.array([45.0, 40.0, 20.0])
    sums = 3 * hits, 3 * hits + misses, 9 * hits, 9 * hits + misses
    alone, together = effective_counts(*sums), effective_counts(*sums, together=True)
    h, m = hits.sum(), misses.sum()
    rate = 3 * h / (3 * h + m)
    linear = rate * (1 - rate) * (3 * h + m) ** 2 / (9 * h * (1 - rate) ** 2 + m * rate**2)
    kish = (3 * h + m) ** 2 / (9 * h + m)
    assert alone[1][2] == pytest.approx(20)
    assert together[1][2] == pytest.approx(20 * linear / kish)
    assert (together[1] <= alone[1] + 1e-12).all()
    assert together[0] / together[1] == pytest.approx(alone[0] / alone[1])
    plain = np.array([3.0, 4.0]), np.array([10.0, 12.0])
    even = effective_counts(2 * plain[0], 2 * plain[1], 4 * plain[0], 4 * plain[1], together=True)
    assert [part.tolist() for part in even] == [pytest.approx(part) for part in plain]


@pytest.mark.parametrize("sizes", [(50,) * 8, (100,) * 8, (20,) * 7 + (5000,), (100, 100)])
@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.0])
def test_weights_along_with_the_outcome_raise_no_more_alarms_than_stated(sizes, sigma):
    """Once up to 17 % of such tables left out 0, and over half where a group of 5,000 stood by."""
    rng, n, trials = np.random.default_rng([len(sizes), int(10 * sigma)]), np.array(sizes), 200
    codes, off = np.repeat(np.arange(n.size), n), 0
    for _ in range(trials):
        said = rng.random(codes.size) < 0.1
        w = np.exp(said + sigma * rng.standard_normal(codes.size))
        sums = [np.bincount(codes, part, minlength=n.size) for part in (w * said, w, w * w * said, w * w)]
        off += largest_gap(*effective_counts(*sums, together=True)).low > 0
    assert off <= stats.binom.ppf(1 - 1e-4, trials, 0.05)
