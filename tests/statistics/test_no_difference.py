"""Tests of no difference: by enumeration, beside scipy, and at their level on groups that are alike."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from auditkit.errors import InputError
from auditkit.statistics import (
    gap_bounds,
    largest_distance,
    largest_gap,
    largest_mean_distance,
    largest_mean_gap,
    smallest_mean_ratio,
    smallest_ratio,
    welch_anova,
)
from auditkit.statistics.no_difference import (
    floored,
    means_alike,
    range_tail,
    rates_alike,
    rates_near_overall,
    widened,
)
from auditkit.statistics.weighted import group_moments


def most(trials, rate):
    """The number of `trials` that a true `rate` exceeds once in ten thousand."""
    return stats.binom.ppf(1 - 1e-4, trials, rate)


@pytest.mark.parametrize("groups", [2, 3, 8, 40])
@pytest.mark.parametrize("width", [0.5, 3.0, 5.5])
def test_range_tail_is_scipys_studentised_range(groups, width):
    expected = stats.studentized_range.sf(width, groups, np.inf)
    assert range_tail(width / math.sqrt(2), groups) == pytest.approx(expected, rel=1e-8, abs=1e-12)


def test_range_tail_far_out_is_that_of_the_pairs():
    # where two groups alone can lie so far apart, the pairs exclude each other
    assert range_tail(20.0, 40) == pytest.approx(780 * 2 * stats.norm.sf(20), rel=1e-4)
    assert (range_tail(0.0, 5), range_tail(math.inf, 5)) == (pytest.approx(1), 0)


def test_rates_alike_is_the_largest_of_pooled_distances():
    x, n = np.array([30, 35, 60, 20]), np.array([100, 90, 140, 80])
    p = x.sum() / n.sum()
    farthest = max(
        abs(x[i] / n[i] - x[j] / n[j]) / math.sqrt(p * (1 - p) * (1 / n[i] + 1 / n[j]))
        for i, j in itertools.combinations(range(4), 2)
    )
    expected = stats.studentized_range.sf(math.sqrt(2) * farthest, 4, np.inf)
    assert rates_alike(x, n) == (pytest.approx(expected, rel=1e-7), "studentised range")


def tables_with_margins(n, total):
    """Every table of the given margins and how likely it is where the groups are alike."""
    for x in itertools.product(*(range(k + 1) for k in n)):
        if sum(x) == total:
            yield np.array(x), math.prod(map(math.comb, n, x)) / math.comb(sum(n), total)


def distance(x, n):
    return max(
        abs(x[i] / n[i] - x[j] / n[j]) / math.sqrt(1 / n[i] + 1 / n[j])
        for i, j in itertools.combinations(range(len(n)), 2)
    )


@pytest.mark.parametrize("n", [(6, 6, 6), (4, 7, 9)])
def test_a_permutation_is_the_share_of_all_tables(n):
    observed = np.array([0, 3, 5])
    exact = sum(
        share for x, share in tables_with_margins(n, 8) if distance(x, n) >= distance(observed, n) - 1e-12
    )
    drawn = rates_alike(observed, n, rng=np.random.default_rng(0), replicates=20_000)
    assert drawn.p_value == pytest.approx(exact, abs=0.007)
    assert drawn.method == "permutation, 20000 tables"


def test_near_overall_is_fishers_test_of_the_farthest_group():
    x, n = np.array([2, 3, 9]), np.array([10, 11, 12])
    each = []
    for g in range(3):
        off = abs(x[g] - n[g] * 14 / 33)
        each.append(
            sum(
                share
                for t, share in tables_with_margins(tuple(n), 14)
                if abs(t[g] - n[g] * 14 / 33) >= off - 1e-9
            )
        )
    assert rates_near_overall(x, n).p_value == pytest.approx(3 * min(each), rel=1e-9)
    two = rates_near_overall([30, 45], [100, 100])
    assert two == rates_alike([30, 45], [100, 100])


def test_counts_that_are_not_whole_are_not_permuted():
    rng = np.random.default_rng(0)
    small, large = ([1.5, 2.5, 4.0], [9.5, 9.0, 9.0]), ([30.5, 40.0, 60.0], [90.5, 90.0, 90.0])
    for test in (rates_alike, rates_near_overall):
        # as means, with the spread of 0 and 1, and the skewness of the rate of all, 8 / 27.5
        rate, n = np.array(small[0]) / small[1], np.array(small[1])
        skewness = (1 - 16 / 27.5) / math.sqrt(8 / 27.5 * 19.5 / 27.5)
        means = means_alike(rate, rate * (1 - rate) * n / (n - 1), n, skewness)
        assert test(*small, rng=rng).p_value == pytest.approx(means.p_value)
        assert test(*small, rng=rng).method.endswith("of weighted rows")
        assert test([0.0, 15.5], [20.5, 20.5]).p_value < 0.01  # a rate of 0 shows no spread of its own
        tiny = test([0.0, 1.5], [1.5, 1.5], rng=rng)
        assert math.isnan(tiny.p_value)
        assert "weighted" in tiny.method
        assert test(*large).p_value < 0.001
    for gap in (largest_gap([0, 0, 1.7], [1.7, 40.5, 1.7]), largest_distance([0, 0, 1.7], [1.7, 40.5, 1.7])):
        assert math.isnan(gap.p_value)
        assert gap.low == 0  # without a test nothing is left out
    assert rates_near_overall(*large).p_value == pytest.approx(
        rates_near_overall(np.round(large[0]), np.round(large[1])).p_value, rel=0.6
    )


def test_means_of_two_groups_are_welchs():
    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 1, 12), rng.normal(1, 3, 40)
    given = [np.array([f(a), f(b)]) for f in (np.mean, lambda v: v.var(ddof=1), len)]
    assert means_alike(*given).p_value == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)


def test_skewness_widens_only_the_short_side():
    mean, variance, n = np.array([0.5, 1.0, 1.5]), np.array([0.6, 1.0, 0.8]), np.full(3, 50.0)
    wide = widened(mean, variance, n, 2.0)
    # the mean of all, by precision: (0.5 / 0.6 + 1 + 1.5 / 0.8) / (1 / 0.6 + 1 + 1 / 0.8); v = 0.6 + 0.75 x 2 x (that - 0.5) sqrt(v)
    centre = (0.5 / 0.6 + 1 + 1.5 / 0.8) / (1 / 0.6 + 1 + 1 / 0.8)
    assert wide[0] == pytest.approx(0.6 + 1.5 * (centre - 0.5) * math.sqrt(wide[0]))
    assert wide[2] == pytest.approx(variance[2])
    mirrored = widened(-mean, variance, n, -2.0)
    assert mirrored == pytest.approx(wide)
    assert widened(mean, variance, n, 0.0) == pytest.approx(variance)
    # the wider of two groups decides the distance: 4 / ((4 + 2.5) / 2) times three quarters of it are added
    wide = widened(np.array([0.0, 1.0]), np.array([4.0, 2.5]), np.full(2, 50.0), 2.0)
    assert wide[0] == pytest.approx(4 + 2 * 0.75 * (8 / 6.5) * (4 / 6.5) * math.sqrt(wide[0]))


def test_skewed_values_are_given_half_the_spread_within_the_groups():
    variance, n = np.array([0.0, 0.1, 2.0]), np.array([21.0, 21.0, 41.0])
    # (20 x 0.1 + 40 x 2) / 80, of which a half
    assert floored(variance, n, 3.0) == pytest.approx([0.5125, 0.5125, 2.0])
    assert floored(variance, n, -0.2) == pytest.approx([0.25625, 0.25625, 2.0])  # half as skewed as it takes
    assert floored(variance, n, 0.0) == pytest.approx(variance)
    # the group of no spread is far off, and can be tested
    assert 0 < means_alike(np.array([0.0, 0.0, 1.0]), variance, n, 3.0).p_value < 0.01
    assert math.isnan(means_alike(np.array([0.0, 0.0, 1.0]), variance, n).p_value)
    assert math.isnan(welch_anova(np.array([0.0, 0.0, 1.0]), variance, n).p_value)
    assert welch_anova(np.array([0.0, 0.0, 1.0]), variance, n, skewness=3.0).p_value < 0.01


def missed(rng, low, high, k):
    p = rng.uniform(low, high, k)
    return (rng.random(k) < p) - p


RARE = {
    "calibration": lambda rng, k: missed(rng, 0.02, 0.08, k),
    "brier": lambda rng, k: missed(rng, 0.01, 0.1, k) ** 2,
    "leaf": lambda rng, k: np.where(rng.random(k) < 0.05, 0.9, 0.1 + 0.01 * rng.random(k)),
    "target": lambda rng, k: 10.0 * (rng.random(k) < 0.1) + 0.05 * rng.standard_normal(k),
    "not rare": lambda rng, k: 1.0 * (rng.random(k) < 0.22) + 1e-9 * rng.random(k),
}


@pytest.mark.parametrize("name", RARE)
@pytest.mark.parametrize(
    "sizes", [(20, 5000), (20,) * 7 + (5000,), (20,) * 19 + (5000,), (50,) * 7 + (3000,)]
)
def test_false_alarms_of_rare_events_beside_one_large_group(name, sizes):
    """A small group that drew no rare event shows no spread; once it seemed to lie off in up to 95 % of tables."""
    rng, n, trials = np.random.default_rng(len(sizes)), np.array(sizes), 150
    codes, found = np.repeat(np.arange(n.size), n), np.zeros(4)
    for _ in range(trials):
        one = group_moments(RARE[name](rng, codes.size), codes, n.size)
        variance, squares = one.spread / (n - 1), one.spread + one.mean**2 * n
        found += [
            largest_mean_gap(one.mean * n, squares, n, skewness=one.skewness).low > 0,
            smallest_mean_ratio(one.mean, variance, n, skewness=one.skewness).high < 1,
            largest_mean_distance(one.mean, variance, n).low > 0,
            welch_anova(one.mean, variance, n, skewness=one.skewness).p_value <= 0.05,
        ]
    assert found.max() <= most(trials, 0.05)


def test_skewness_of_moments_is_scipys_within_groups():
    rng = np.random.default_rng(5)
    values, codes = rng.exponential(size=400), np.zeros(400, dtype=int)
    found = group_moments(values, codes, 1)
    assert found.skewness == pytest.approx(stats.skew(values))
    assert group_moments(rng.normal(size=400), codes, 1).skewness == 0
    # shifted and stretched groups of one shape have its skewness
    half = group_moments(np.r_[values, 10 * values + 5], np.repeat([0, 1], 400), 2)
    assert half.skewness == pytest.approx(stats.skew(values))
    weighted = group_moments(values, codes, 1, np.full(400, 3.0))
    assert weighted.skewness == pytest.approx(stats.skew(values))
    assert weighted.cubes == pytest.approx(found.cubes)


# cells where the bounds alone raise 7 to 8 % false alarms, or the expected counts stand just at 5 or just below
WORST = [(2, 25, 0.02), (3, 30, 0.15), (5, 20, 0.2), (16, 25, 0.5), (20, 20, 0.5), (25, 30, 0.5)]


@pytest.mark.parametrize(("k", "n", "base"), WORST)
def test_false_alarms_of_rates_in_the_worst_cells(k, n, base):
    rng, trials = np.random.default_rng([k, n]), 500
    sizes = np.full(k, n) if k > 2 else np.array([n, 5000])
    alarms = 0
    for _ in range(trials):
        gap = largest_gap(rng.binomial(sizes, base), sizes, rng=rng, replicates=299)
        alarms += gap.low > 0
    assert alarms <= most(trials, 0.055)


DRAWS = {
    "exponential": lambda rng, k: rng.exponential(size=k) - 1,
    "lognormal": lambda rng, k: np.exp(rng.standard_normal(k)) - math.exp(0.5),
    "squared": lambda rng, k: rng.standard_normal(k) ** 2 - 1,
    "normal": lambda rng, k: rng.standard_normal(k),
}


def mean_alarms(name, n, spread, trials, rng):
    codes, alarms = np.repeat(np.arange(n.size), n), 0
    for _ in range(trials):
        found = group_moments(DRAWS[name](rng, n.sum()) * spread[codes], codes, n.size)
        squares = found.spread + found.mean**2 * n
        alarms += largest_mean_gap(found.mean * n, squares, n, skewness=found.skewness).low > 0
    return alarms


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("k", [2, 8, 40])
def test_false_alarms_of_skewed_means(name, k):
    n, trials = np.geomspace(20, 200, k).astype(int), 200
    assert mean_alarms(name, n, np.ones(k), trials, np.random.default_rng(k)) <= most(trials, 0.055)


@pytest.mark.parametrize("name", ["lognormal", "squared"])
@pytest.mark.parametrize("k", [2, 3])
def test_false_alarms_of_small_groups_of_uneven_spread(name, k):
    alarms = mean_alarms(name, np.full(k, 20), np.linspace(4, 1, k), 400, np.random.default_rng(k))
    assert alarms <= most(400, 0.065)


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("spread", [1, 4])
@pytest.mark.parametrize("k", [2, 3, 8, 20, 40])
@pytest.mark.parametrize("top", [20, 200, 5000])
def test_false_alarms_of_means_over_the_grid(name, k, top, spread):
    n, trials = np.geomspace(20, top, k).astype(int), 1000
    alarms = mean_alarms(name, n, np.linspace(spread, 1, k), trials, np.random.default_rng([k, top]))
    assert alarms <= most(trials, 0.065)


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 3, 5, 8, 12, 16, 20, 25, 30, 40])
@pytest.mark.parametrize("kind", [20, 25, 30, 50, 100, 500, 5000, "mixed"])
def test_false_alarms_of_rates_over_the_grid(k, kind):
    rng, trials = np.random.default_rng([k, 5]), 2000
    n = np.full(k, kind) if kind != "mixed" else np.geomspace(20, 5000, k).astype(int)
    for base in (0.02, 0.05, 0.1, 0.2, 0.35, 0.5):
        gap = ratio = 0
        tables = rng.binomial(n, base, size=(trials, k))
        for x in tables[gap_bounds(tables, n)[1] > 0]:  # the interval is never shorter than its bounds
            found = largest_gap(x, n, rng=rng, replicates=499)
            gap += found.low > 0
            ratio += smallest_ratio(x, n, tested=found).high < 1
        assert max(gap, ratio) <= most(trials, 0.06), base


def test_one_group_off_is_seen_more_often_than_by_chi_square():
    rng, seen, spread = np.random.default_rng(1), 0, 0
    true = np.r_[np.full(39, 0.5), 0.7]
    for x in rng.binomial(100, true, size=(200, 40)):
        seen += rates_alike(x, np.full(40, 100)).p_value <= 0.05
        spread += stats.chi2_contingency([x, 100 - x]).pvalue <= 0.05
    assert seen > 1.25 * spread


@pytest.mark.parametrize("test", [rates_alike, rates_near_overall])
@pytest.mark.parametrize(("x", "n"), [([1], [3]), ([1, 2], [0, 3]), ([4, 2], [3, 3]), ([[1, 2]], [[3, 3]])])
def test_unusable_counts_are_refused(test, x, n):
    with pytest.raises(InputError):
        test(x, n)


def test_all_alike_is_certain():
    assert rates_alike([0, 0, 0], [5, 5, 5]) == (1.0, "all rows alike")
    assert rates_near_overall([5, 5, 5], [5, 5, 5]).p_value == 1
