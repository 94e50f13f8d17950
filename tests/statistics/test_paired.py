"""Paired differences hold their level where Wald's does not, and refuse what cannot be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, multinomial, norm

from auditkit.errors import InputError
from auditkit.statistics import (
    clopper_pearson,
    paired_difference,
    paired_differences_at_once,
    paired_gap,
    paired_gap_p_value,
    paired_p_value,
)


def by_hand(lost, won, n, level):
    p, q = (lost + 1) / (n + 2), (won + 1) / (n + 2)
    half = norm.ppf(0.5 + level / 2) * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return max(p - q - half, -1), min(p - q + half, 1)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 80), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_it_is_the_formula_of_the_paper(lost, won, same, level):
    n = lost + won + same
    low, high = paired_difference(lost, won, n, level)
    if n == 0:
        assert (low, high) == (-1, 1)
        return
    np.testing.assert_allclose((low, high), by_hand(lost, won, n, level))
    assert -1 <= low <= high <= 1
    if n > 1:  # near the ends the shrunken centre stays within reach of the estimate
        assert low <= (lost - won) / n <= high
    other = paired_difference(won, lost, n, level)
    np.testing.assert_allclose((low, high), (-other.high, -other.low))


def covered(n, lose, win):
    """Return the exact chance that the interval holds the true difference, over all counts."""
    b, c = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    possible = b + c <= n
    b, c = b[possible], c[possible]
    weight = multinomial.pmf(np.column_stack([b, c, n - b - c]), n, [lose, win, 1 - lose - win])
    low, high = paired_difference(b, c, n)
    return weight[(low <= lose - win + 1e-12) & (lose - win - 1e-12 <= high)].sum()


@pytest.mark.parametrize("n", [20, 50, 150])
@pytest.mark.parametrize(
    ("lose", "win"), [(0.05, 0.05), (0.1, 0.02), (0.3, 0.1), (0.02, 0.0), (0.4, 0.4), (0.25, 0.05)]
)
def test_it_holds_its_level(n, lose, win):
    # exact, by enumeration; Bonett and Price report coverage near or above the nominal 0.95
    assert covered(n, lose, win) >= 0.93


def test_on_average_it_holds_its_level():
    rng = np.random.default_rng(0)
    chances = [covered(40, *p[:2]) for p in rng.dirichlet([1, 1, 4], 40)]
    assert np.mean(chances) == pytest.approx(0.955, abs=0.01)


def test_no_change_is_no_certainty():
    low, high = paired_difference(0, 0, 100)
    assert low < 0 < high
    wide = paired_difference(0, 0, 10)
    assert wide.high - wide.low > high - low


def test_counts_broadcast():
    found = paired_difference([1, 2, 3], 0, [[10], [20]])
    assert found.low.shape == (2, 3)
    np.testing.assert_allclose(found.high[1, 2], by_hand(3, 0, 20, 0.95)[1])


@pytest.mark.parametrize("bad", [(-1, 0, 10), (0, -1, 10), (6, 5, 10), (float("nan"), 0, 10)])
def test_impossible_counts_are_refused(bad):
    with pytest.raises(InputError, match="lost"):
        paired_difference(*bad)


def test_an_impossible_level_is_refused():
    with pytest.raises(InputError):
        paired_difference(1, 1, 10, level=1.5)


# two samples -------------------------------------------------------------------------------------------


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_that_of_scipy(lost, won):
    wanted = binomtest(lost, lost + won, 0.5, alternative="greater").pvalue if lost + won else 1.0
    assert paired_p_value(lost, won) == pytest.approx(wanted)


def test_a_gap_adds_the_variances_of_its_two_samples():
    one, other = (40, 10, 300), (12, 9, 150)
    ends = [paired_difference(*sample) for sample in (one, other)]
    value = [(40 - 10) / 300, (12 - 9) / 150]
    low, high = paired_gap(one, other)
    assert low == pytest.approx(
        value[0] - value[1] - np.hypot(value[0] - ends[0].low, ends[1].high - value[1])
    )
    assert high == pytest.approx(
        value[0] - value[1] + np.hypot(ends[0].high - value[0], value[1] - ends[1].low)
    )
    turned = paired_gap(other, one)
    np.testing.assert_allclose((turned.low, turned.high), (-high, -low))


def test_a_gap_of_large_samples_is_walds_and_its_test_agrees():
    one, other = (4000, 1000, 30_000), (900, 850, 15_000)
    value = 0.1 - 50 / 15_000
    spread = np.sqrt(sum((b + c - (b - c) ** 2 / n) / n**2 for b, c, n in (one, other)))
    low, high = paired_gap(one, other)
    assert (low, high) == pytest.approx((value - 1.96 * spread, value + 1.96 * spread), abs=2e-4)
    near = (60, 40, 1000), (50, 40, 1000)
    spread = np.sqrt(sum((b + c - (b - c) ** 2 / n) / n**2 for b, c, n in near))
    assert paired_gap_p_value(*near) == pytest.approx(norm.sf(0.01 / spread), abs=0.005)


def test_without_records_a_gap_is_unknown():
    assert tuple(paired_gap((0, 0, 0), (3, 1, 10))) == (-2, 2)
    assert paired_gap_p_value((0, 0, 0), (3, 1, 10)) == 1


@pytest.mark.parametrize("sizes", [(50, 50), (200, 60)])
@pytest.mark.parametrize(
    "chances", [((0.1, 0.1), (0.02, 0.02)), ((0.3, 0.05), (0.1, 0.05)), ((0.01, 0.0), (0.02, 0.02))]
)
def test_the_interval_of_a_gap_holds_its_level_and_its_test_too(sizes, chances):
    rng = np.random.default_rng(7)
    draws = 2000
    samples = [
        rng.multinomial(n, [p, q, 1 - p - q], size=draws)[:, :2].tolist()
        for n, (p, q) in zip(sizes, chances, strict=True)
    ]
    truth = (chances[0][0] - chances[0][1]) - (chances[1][0] - chances[1][1])
    pairs = [((*a, sizes[0]), (*b, sizes[1])) for a, b in zip(*samples, strict=True)]
    inside = sum(ends.low <= truth <= ends.high for ends in (paired_gap(*pair) for pair in pairs))
    assert inside / draws >= 0.935
    if truth == 0:
        assert np.mean([paired_gap_p_value(*pair) <= 0.05 for pair in pairs]) <= 0.065


def test_one_difference_at_once_without_wins_is_the_exact_interval_and_its_mirror():
    low, high = paired_differences_at_once(7, 0, 50)
    exact = clopper_pearson(7, 50), clopper_pearson(0, 50)
    # no correlation where one rate is 0: distances add as squares (Zou and Donner)
    assert low == pytest.approx(7 / 50 - np.hypot(7 / 50 - exact[0].low, exact[1].high))
    assert high == pytest.approx(exact[0].high)
    other = paired_differences_at_once(0, 7, 50)
    np.testing.assert_allclose((low, high), (-other.high, -other.low))


def test_more_differences_at_once_make_each_interval_wider_and_no_rows_say_nothing():
    one, many = (paired_differences_at_once([10] * k, [3] * k, 100) for k in (1, 40))
    assert many.low[0] < one.low[0]
    assert many.high[0] > one.high[0]
    assert [float(end) for end in paired_differences_at_once(0, 0, 0)] == [-1, 1]
    with pytest.raises(InputError, match="lost"):
        paired_differences_at_once([3], [3], 5)


@pytest.mark.parametrize("many", [5, 100])
@pytest.mark.parametrize("rates", [(0.0, 0.3, 0.03), (0.05, 0.05, 0.05), (0.002, 0.002, 0.002)])
def test_all_differences_and_the_largest_are_covered_at_once(many, rates):
    rng, trials, n = np.random.default_rng(0), 300, 300
    p, q = np.linspace(rates[0], rates[1], many), rates[2]
    missed, missed_largest = 0, 0
    for _ in range(trials):
        counts = np.array([rng.multinomial(n, [a, q, 1 - a - q]) for a in p])
        low, high = paired_differences_at_once(counts[:, 0], counts[:, 1], n)
        missed += bool(((low > p - q) | (high < p - q)).any())
        missed_largest += not low.max() <= (p - q).max() <= high.max()
    # the 0.999 quantile of a binomial with 0.05
    assert missed <= binom.ppf(0.999, trials, 0.05)
    assert missed_largest <= binom.ppf(0.999, trials, 0.05)
