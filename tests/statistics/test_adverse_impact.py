"""Bayes factor, ratios to a picked reference and analysis of variance, against integration, scipy and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats
from statsmodels.stats.oneway import anova_oneway

from auditkit import statistics as ak
from auditkit.errors import InputError
from auditkit.methods.groups import group_sums
from auditkit.statistics.adverse_impact import anova, bayes_factor, picked_p_value, ratio_to_reference

TABLES = [[[3, 5], [6, 2]], [[0, 4], [3, 1]], [[7, 7], [7, 7]], [[1, 9], [0, 3]]]

# Bayes factor


def cell_integral(table):
    """Return the mean likelihood over the simplex of the four cells, by integration over three of them."""
    (a, b), (c, d) = table
    value, _ = integrate.tplquad(
        lambda z, y, x: x**a * y**b * z**c * (1 - x - y - z) ** d,
        0, 1, 0, lambda x: 1 - x, 0, lambda x, y: 1 - x - y, epsrel=1e-6, epsabs=0,
    )  # fmt: skip
    return 6 * value  # the uniform density on the simplex is 3!


def margin_integral(table):
    """Return the mean likelihood under independence, over uniform row and column shares."""
    (a, b), (c, d) = table
    rows, _ = integrate.quad(lambda r: r ** (a + b) * (1 - r) ** (c + d), 0, 1)
    columns, _ = integrate.quad(lambda s: s ** (a + c) * (1 - s) ** (b + d), 0, 1)
    return rows * columns


@pytest.mark.parametrize("table", TABLES[:2])
def test_albert_by_integration(table):
    assert float(bayes_factor(table)) == pytest.approx(
        cell_integral(table) / margin_integral(table), rel=1e-5
    )


@pytest.mark.parametrize("table", TABLES)
def test_fixed_sizes_by_integration(table):
    (a, b), (c, d) = table

    def one(x, y):
        return integrate.quad(lambda p: p**x * (1 - p) ** y, 0, 1)[0]

    expected = one(a, b) * one(c, d) / one(a + c, b + d)
    assert float(bayes_factor(table, group_sizes="fixed")) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("table", "printed"), [([[50, 50], [50, 50]], 0.26162148804907587)])
def test_the_figure_that_audit_ai_prints(table, printed):
    assert float(bayes_factor(table)) == pytest.approx(printed, rel=1e-10)


def test_group_sizes_alone_move_alberts_factor():
    n1, n2 = 100, 9900
    table = [[30, 70], [3000, 6900]]
    ratio = float(bayes_factor(table) / bayes_factor(table, group_sizes="fixed"))
    n = n1 + n2
    assert ratio == pytest.approx(6 * (n1 + 1) * (n2 + 1) / ((n + 2) * (n + 3)), rel=1e-9)
    assert ratio == pytest.approx(1 / 17, rel=0.02)


def test_factors_of_many_tables_and_more_groups():
    rng = np.random.default_rng(0)
    tables = rng.integers(0, 40, size=(3, 4, 5, 2))
    assert bayes_factor(tables).shape == (3, 4)
    assert float(bayes_factor(tables)[1, 2]) == pytest.approx(float(bayes_factor(tables[1, 2])))
    assert float(bayes_factor(np.zeros((2, 2)))) == pytest.approx(1)
    assert float(bayes_factor([[1e6, 0], [0, 1e6]])) == math.inf
    # the order of groups and the naming of outcomes change nothing
    assert bayes_factor([[3, 9], [8, 2]]) == pytest.approx(bayes_factor([[2, 8], [9, 3]]))


@pytest.mark.parametrize("group_sizes", ["random", "fixed"])
def test_a_factor_above_three_is_rare_where_groups_are_alike(group_sizes):
    # P(BF >= 3) <= 1/3 under the null by Markov's inequality whatever the prior; here far less
    rng = np.random.default_rng(1)
    x = rng.binomial(200, 0.3, size=(20_000, 2))
    tables = np.stack([x, 200 - x], axis=-1)
    assert (bayes_factor(tables, group_sizes=group_sizes) > 3).mean() < 0.02


@pytest.mark.parametrize("table", [[[1, 2]], [[1], [2]], [[-1, 2], [3, 4]], [[math.nan, 1], [1, 1]]])
def test_a_bayes_factor_refuses_what_is_no_table(table):
    with pytest.raises(InputError):
        bayes_factor(table)
    with pytest.raises(InputError, match="group_sizes"):
        bayes_factor([[1, 2], [3, 4]], group_sizes="none")


# ratio to a reference


def test_two_groups_take_the_interval_of_the_smallest_ratio():
    ratio, (low, high) = ratio_to_reference([30, 60], [100, 120], 1)
    value, least, most = ak.ratio_bounds([30, 60], [100, 120])
    assert (ratio[0], low[0], high[0]) == pytest.approx((float(value), float(least), float(most)))
    assert (ratio[1], low[1], high[1]) == (1, 1, 1)


def test_the_pairs_together_give_the_interval_of_the_smallest_ratio():
    x, n = np.array([30, 45, 12, 80]), np.array([100, 90, 40, 210])
    pairs = [ratio_to_reference(x, n, reference) for reference in range(4)]
    _, least, most = ak.ratio_bounds(x, n)
    others = ~np.eye(4, dtype=bool)
    assert min(one[1].low[others[i]].min() for i, one in enumerate(pairs)) == pytest.approx(float(least))
    assert min(one[1].high[others[i]].min() for i, one in enumerate(pairs)) == pytest.approx(float(most))


def test_rates_of_zero():
    ratio, (low, high) = ratio_to_reference([0, 5, 0], [10, 10, 20], 1)
    assert (ratio[0], low[0]) == (0, 0)
    assert 0 < high[2] < high[0] == 1  # Fisher's p of 0 / 10 against 5 / 10 is 0.03, 0.08 for a picked pair
    ratio, (low, high) = ratio_to_reference([0, 5], [10, 10], 0)
    assert (ratio[1], high[1]) == (math.inf, math.inf)
    ratio, (low, high) = ratio_to_reference([0, 0], [10, 10], 0)
    assert math.isnan(ratio[1])
    assert (low[1], high[1]) == (0, math.inf)


@pytest.mark.parametrize("k", [2, 3, 8])
def test_a_picked_reference_raises_no_more_alarms_than_stated(k):
    rng = np.random.default_rng(k)
    draws, alarms, small = 1500, 0, 0
    for _ in range(draws):
        x = rng.binomial(150, 0.3, size=k)
        top = int(x.argmax())
        _, (_, high) = ratio_to_reference(x, np.full(k, 150), top)
        alarms += bool((np.delete(high, top) < 1).any())
        raw = ak.two_proportion_z(x, 150, x[top], 150).p_value
        small += bool((picked_p_value(np.delete(raw, top), k) < 0.05).any())
    assert alarms <= stats.binom.ppf(0.999, draws, 0.05)
    assert small <= stats.binom.ppf(0.999, draws, 0.05)
    assert alarms >= 0.02 * draws  # and it is no empty promise


@pytest.mark.parametrize(("k", "n", "rate"), [(20, 20, 0.5), (20, 40, 0.1), (8, 20, 0.9), (2, 30, 0.5)])
def test_ratios_of_small_groups_alike_leave_out_one_no_more_often_than_stated(k, n, rate):
    rng = np.random.default_rng([k, n])
    draws, alarms = 400, 0
    for _ in range(draws):
        x = rng.binomial(n, rate, size=k)
        if not x.any():
            continue
        top = int(x.argmax())
        _, (low, high) = ratio_to_reference(x, np.full(k, n), top)
        alarms += bool((np.delete(high, top) < 1).any() or (np.delete(low, top) > 1).any())
    assert alarms <= stats.binom.ppf(0.999, draws, 0.05)


@pytest.mark.parametrize("seed", range(4))
def test_a_ratio_leaves_out_one_only_where_the_picked_test_does(seed):
    rng = np.random.default_rng(seed)
    for _ in range(30):
        n = rng.integers(5, 60, size=6)
        x = rng.binomial(n, rng.choice([0.2, 0.5, 0.8], size=6))
        reference = int(rng.integers(6))
        if not x[reference]:
            continue
        _, (low, high) = ratio_to_reference(x, n, reference)
        top = x[reference], n[reference] - x[reference]
        for g in set(range(6)) - {reference}:
            raw = ak.fisher_exact([[x[g], n[g] - x[g]], top]).p_value
            if high[g] < 1 or low[g] > 1:
                assert picked_p_value(raw, 6) <= 0.05


def test_weighted_counts_are_held_against_z():
    _, (_, high) = ratio_to_reference([10.5, 52.5], [100.25, 100.25], 1)
    assert high[0] < 1
    p_value = ak.two_proportion_z(40.5, 100.25, 52.5, 100.25).p_value
    _, (_, high) = ratio_to_reference([40.5, 52.5], [100.25, 100.25], 1)
    assert (high[0] < 1) == (p_value <= 0.05)


@pytest.mark.parametrize("k", [3, 5, 20])
@pytest.mark.parametrize("p", [0.9, 0.5, 0.04, 1e-4, 1e-8])
def test_picking_is_the_studentised_range(k, p):
    expected = stats.studentized_range.sf(stats.norm.isf(p / 2) * math.sqrt(2), k, np.inf)
    assert float(picked_p_value(p, k)) == pytest.approx(expected, rel=1e-5)


def test_picking_at_the_ends():
    assert picked_p_value([0.0, 1.0], 5).tolist() == [0.0, 1.0]
    assert np.isnan(picked_p_value(math.nan, 5))
    assert float(picked_p_value(1e-200, 4)) == pytest.approx(6e-200)


@pytest.mark.parametrize(("x", "n", "reference"), [([1], [2], 0), ([1, 2], [2, 0], 0), ([1, 1], [2, 2], 2)])
def test_a_reference_must_be_there(x, n, reference):
    with pytest.raises(InputError):
        ratio_to_reference(x, n, reference)


# analysis of variance


def drawn(sizes, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    return rng.normal(5, 2, codes.size) + shift * codes, codes


def of(values, codes, level=0.95):
    n, sums, spreads = group_sums(values, codes).T
    return anova(sums, spreads, n, level)


@pytest.mark.parametrize("sizes", [(20, 30), (5, 50, 8), (1, 4, 9, 30)])
def test_anova_is_scipys(sizes):
    values, codes = drawn(sizes, 0.3)
    expected = stats.f_oneway(*(values[codes == g] for g in range(len(sizes))))
    ours = of(values, codes)
    assert (ours.statistic, ours.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-10)
    assert (ours.df_between, ours.df_within) == (len(sizes) - 1, sum(sizes) - len(sizes))


def test_anova_is_statsmodels_too_and_far_from_zero():
    values, codes = drawn((40, 60, 30), 0.5, 3)
    expected = anova_oneway(values, codes, use_var="equal")
    assert of(values, codes).statistic == pytest.approx(expected.statistic, rel=1e-10)
    assert of(values + 1e8, codes).statistic == pytest.approx(expected.statistic, rel=1e-4)


def test_the_interval_of_eta_squared_inverts_the_noncentral_f():
    values, codes = drawn((40, 60, 30), 0.5, 3)
    ours = of(values, codes)
    for end, target in ((ours.low, 0.975), (ours.high, 0.025)):
        noncentrality = 130 * end / (1 - end)
        assert stats.ncf.cdf(ours.statistic, 2, 127, noncentrality) == pytest.approx(target, abs=1e-6)
    large = of(*drawn((300_000, 300_000), 2.0))
    assert large.low < large.eta_squared < large.high
    assert large.high - large.low < 0.005


def test_eta_squared_covers():
    truth = 0.05  # group means 5 and 5 + 2a, spread 2: eta^2 = a^2 / (a^2 + 4) with a = shift / 2
    shift = 2 * math.sqrt(4 * truth / (1 - truth))
    inside = 0
    for seed in range(400):
        ours = of(*drawn((100, 100), shift, seed))
        inside += ours.low <= truth <= ours.high
    assert stats.binom.ppf(0.001, 400, 0.95) <= inside


def test_alike_groups_reach_down_to_zero():
    values, codes = drawn((100, 100), 0.0, 1)
    assert of(values, codes).low == 0


@pytest.mark.parametrize(
    "groups", [([3.0], [1.0], [3]), ([1.0, 2.0], [0.0, 0.0], [1, 1]), ([1.0, 2.0], [0.0, 0.0], [3, 3])]
)
def test_anova_without_anything_to_compare(groups):
    assert math.isnan(anova(*groups).p_value)


def test_groups_alike_beyond_chance_have_an_interval_around_their_value():
    ours = anova([3.0, 3.0 + 1e-3], [1.0, 1.0], [30, 30])
    assert 0 == ours.low < ours.eta_squared <= ours.high < 1e-3


def test_values_that_differ_by_rounding_only_have_no_spread():
    assert math.isnan(of(np.full(40, 0.7), np.arange(40) % 2).p_value)


def test_empty_groups_are_left_out():
    assert anova([1.0, 0.0, 9.0], [1.0, 0.0, 2.0], [3, 0, 4]) == anova([1.0, 9.0], [1.0, 2.0], [3, 4])


def test_anova_refuses_impossible_sums():
    for bad in ([-1.0, 1.0], [math.nan, 1.0]):
        with pytest.raises(InputError):
            anova([1.0, 2.0], bad, [3, 3])
