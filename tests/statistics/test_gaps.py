"""Largest gaps: the trap, the simulations, and each part worked out a second way."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from auditkit import statistics as ak
from auditkit.errors import InputError
from auditkit.statistics.gaps import range_critical
from auditkit.statistics.intervals import jeffreys_at


def naive_gap_interval(rng, successes, n, replicates=400, level=0.95):
    """The percentile bootstrap of max - min: what everybody writes first, and what the package must not do."""
    rates = rng.binomial(n, successes / n, size=(replicates, len(successes))) / n
    return np.quantile(rates.max(1) - rates.min(1), [(1 - level) / 2, (1 + level) / 2])


def at_most(share, trials, rate):
    """Whether `share` of `trials` is consistent with a true rate of at most `rate` (three binomial errors)."""
    return share <= rate + 3 * math.sqrt(rate * (1 - rate) / trials)


def at_least(share, trials, rate):
    return share >= rate - 3 * math.sqrt(rate * (1 - rate) / trials)


def sizes_of(kind, groups):
    return np.full(groups, kind) if isinstance(kind, int) else np.geomspace(20, 5000, groups).astype(int)


def test_trap_the_naive_interval_finds_a_gap_where_there_is_none_and_ours_does_not():
    rng = np.random.default_rng(20)
    n, trials = np.full(8, 50), 200
    tables = rng.binomial(n, 0.3, size=(trials, 8))
    naive = np.array([naive_gap_interval(rng, x, n) for x in tables])
    _, low, _ = ak.gap_bounds(tables, n)
    assert (naive[:, 0] > 0).mean() > 0.99  # it never says "no gap"
    assert (naive[:, 0] > 0.1).mean() > 0.9  # and claims a tenth at the least
    assert at_most((low > 0).mean(), trials, 0.05)


FAST = [(2, 20), (2, "mixed"), (3, 50), (8, 20), (8, 1000), (8, "mixed"), (40, 20), (40, "mixed")]
WIDE = list(itertools.product((2, 3, 5, 8, 15, 40), (20, 50, 200, 1000, 5000, "mixed")))


def assert_false_alarms(groups, kind, trials):
    rng = np.random.default_rng([groups, trials])
    n = sizes_of(kind, groups)
    for base in (0.05, 0.1, 0.2, 0.35, 0.5):
        tables = rng.binomial(n, base, size=(trials, groups))
        assert at_most((ak.gap_bounds(tables, n)[1] > 0).mean(), trials, 0.065), (groups, kind, base)
        assert at_most((ak.ratio_bounds(tables, n)[2] < 1).mean(), trials, 0.065), (groups, kind, base)


def assert_coverage(groups, kind, trials):
    rng = np.random.default_rng([groups, trials, 1])
    n = sizes_of(kind, groups)
    for base in (0.05, 0.1, 0.2, 0.35, 0.5):
        true = base * np.linspace(0.5, 1, groups)
        tables = rng.binomial(n, true, size=(trials, groups))
        _, low, high = ak.gap_bounds(tables, n)
        assert at_least(((low <= base / 2) & (base / 2 <= high)).mean(), trials, 0.94), (groups, kind, base)
        _, low, high = ak.ratio_bounds(tables, n)
        assert at_least(((low <= 0.5) & (high >= 0.5)).mean(), trials, 0.94), (groups, kind, base)


@pytest.mark.parametrize(("groups", "kind"), FAST)
def test_false_alarms_on_groups_that_do_not_differ(groups, kind):
    assert_false_alarms(groups, kind, trials=1000 if groups < 40 else 400)


@pytest.mark.parametrize(("groups", "kind"), FAST)
def test_coverage_of_the_true_gap_and_ratio(groups, kind):
    assert_coverage(groups, kind, trials=1000 if groups < 40 else 400)


@pytest.mark.slow
@pytest.mark.parametrize(("groups", "kind"), WIDE)
def test_wide_grid(groups, kind):
    trials = 8000 if groups < 40 else 3000
    assert_false_alarms(groups, kind, trials)
    assert_coverage(groups, kind, trials)


def test_power_one_group_apart_is_seen():
    rng = np.random.default_rng(4)
    true = np.r_[np.full(7, 0.5), 0.3]
    n = np.full(8, 500)
    tables = rng.binomial(n, true, size=(300, 8))
    assert (ak.gap_bounds(tables, n)[1] > 0).mean() > 0.95


@pytest.mark.parametrize("case", [((30, 55), (100, 90)), ((0, 4), (20, 30)), ((12, 12), (12, 40))])
def test_two_groups_are_newcombes_interval(case):
    (a, b), (m, n) = case
    low, high = ak.newcombe(b, n, a, m)
    gap = ak.largest_gap([a, b], [m, n])
    if gap.highest_index == 0:
        low, high = -high, -low
    assert gap.low == pytest.approx(max(float(low), 0), abs=1e-12)
    assert gap.high == pytest.approx(float(max(high, -low)), abs=1e-12)
    assert gap.method == "newcombe, 2 groups"


def test_three_groups_by_a_loop_over_pairs():
    x, n = np.array([3, 40, 90]), np.array([25, 100, 150])
    z = scipy_stats.studentized_range.ppf(0.9, 3, np.inf) / math.sqrt(2)
    low = scipy_stats.beta.ppf(scipy_stats.norm.sf(z), x + 0.5, n - x + 0.5)
    high = scipy_stats.beta.isf(scipy_stats.norm.sf(z), x + 0.5, n - x + 0.5)
    p = x / n
    lows, highs, ratio_lows, ratio_highs = [], [], [], []
    for i, j in itertools.permutations(range(3), 2):
        lows.append(p[i] - p[j] - math.hypot(p[i] - low[i], high[j] - p[j]))
        highs.append(p[i] - p[j] + math.hypot(high[i] - p[i], p[j] - low[j]))
        # the ratio R at which p_i - R p_j lies one combined distance from 0, by bisection
        for sign, ends in ((1, ratio_lows), (-1, ratio_highs)):
            a, b = 0.0, 1e4
            for _ in range(200):
                r = (a + b) / 2
                near, far = (p[i] - low[i], high[j] - p[j]) if sign > 0 else (high[i] - p[i], p[j] - low[j])
                beyond = p[i] - r * p[j] - sign * math.hypot(near, r * far) < 0
                a, b = (a, r) if beyond else (r, b)
            ends.append(a)
    gap, ratio = ak.largest_gap(x, n, 0.9), ak.smallest_ratio(x, n, 0.9)
    assert (gap.low, gap.high) == pytest.approx((max(lows), max(highs)), abs=1e-10)
    assert (ratio.low, ratio.high) == pytest.approx((min(ratio_lows), min(ratio_highs)), abs=1e-10)
    assert (gap.lowest_index, gap.highest_index, ratio.lowest_index) == (0, 2, 0)
    assert ratio.value == pytest.approx((3 / 25) / (90 / 150))


tables = st.integers(2, 9).flatmap(
    lambda k: st.lists(
        st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
        min_size=k,
        max_size=k,
    )
)


@given(tables, st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None)
def test_properties(pairs, shuffler):
    x, n = np.array(pairs).T
    gap, ratio = ak.largest_gap(x, n), ak.smallest_ratio(x, n)
    assert 0 <= gap.low <= gap.value + 1e-12
    assert gap.value - 1e-12 <= gap.high <= 1
    assert ak.largest_gap(x, n, 0.99).low <= gap.low
    assert ak.largest_gap(x, n, 0.99).high >= gap.high
    mirrored = ak.largest_gap(n - x, n)
    assert (mirrored.low, mirrored.high) == pytest.approx((gap.low, gap.high), abs=1e-9)
    order = list(range(len(x)))
    shuffler.shuffle(order)
    shuffled = ak.largest_gap(x[order], n[order])
    assert (shuffled.low, shuffled.high) == pytest.approx((gap.low, gap.high), abs=1e-12)
    if not x.any():
        assert math.isnan(ratio.value)
        return
    assert 0 <= ratio.low <= ratio.value + 1e-12
    assert ratio.value - 1e-12 <= ratio.high <= 1
    # the two agree on whether there is a difference at all
    if abs(gap.low) > 1e-9:
        assert ratio.high < 1
    elif ratio.high < 1 - 1e-9:
        assert gap.low > -1e-9


def test_a_rate_of_zero_is_a_ratio_of_zero_with_an_upper_end():
    ratio = ak.smallest_ratio([0, 2500], [5000, 5000])
    assert (ratio.value, ratio.low) == (0, 0)
    assert 0 < ratio.high < 0.01
    assert ak.smallest_ratio([0, 2], [20, 20]).high == 1


def test_no_success_anywhere_is_undefined_and_says_so():
    ratio = ak.smallest_ratio([0, 0, 0], [10, 20, 30])
    assert math.isnan(ratio.value)
    assert "0 / 0" in ratio.note
    assert ratio.lowest_index == -1


def test_groups_without_rows_are_named_and_places_kept():
    gap = ak.largest_gap([0, 10, 0, 60], [0, 100, 0, 100])
    assert (gap.lowest_index, gap.highest_index, gap.groups) == (1, 3, 2)
    assert gap.note == "2 of 4 groups left out: no rows. "
    alone = ak.largest_gap([0, 10], [0, 100])
    assert math.isnan(alone.value)
    assert "at least two groups with rows, got 1" in alone.note


def test_p_value_of_two_groups_is_chi_square_or_a_permutation_or_a_reason():
    large = ak.largest_gap([40, 55], [100, 100])
    expected = scipy_stats.chi2_contingency([[40, 55], [60, 45]], correction=False).pvalue
    assert (large.p_value, large.p_method) == (pytest.approx(expected), "chi-square")
    small = ak.largest_gap([0, 6], [6, 6])
    assert math.isnan(small.p_value)
    assert "no rng" in small.p_method
    drawn = ak.largest_gap([0, 6], [6, 6], rng=np.random.default_rng(1))
    # 2 of the C(12, 6) = 924 splits are as far apart
    assert drawn.p_value == pytest.approx(2 / 924, abs=0.0025)
    assert ak.largest_gap([0, 0], [6, 6]).p_value == 1


def test_an_interval_leaves_no_gap_only_where_the_test_does():
    rng = np.random.default_rng(2)
    found = []
    for k, n, base in ((2, 20, 0.1), (3, 25, 0.15), (20, 20, 0.5), (40, 60, 0.3)):
        for _ in range(60):
            x = rng.binomial(n, np.r_[np.full(k - 1, base), min(base + 0.3, 0.9)])
            gap = ak.largest_gap(x, np.full(k, n), rng=rng)
            ratio = ak.smallest_ratio(x, np.full(k, n), tested=gap)
            assert (ratio.p_value, ratio.p_method) == (gap.p_value, gap.p_method)
            assert gap.p_value <= 0.05 or (gap.low, ratio.high) == (0, 1)
            found.append(gap.low > 0)
    assert 0.1 < np.mean(found) < 0.9  # both happened


def test_permutation_p_value_keeps_its_level():
    rng = np.random.default_rng(11)
    trials = 300
    p = [
        ak.permutation_test(rng.binomial(12, 0.2, 6), np.full(6, 12), rng=rng, replicates=199).p_value
        for _ in range(trials)
    ]
    assert at_most(np.mean(np.array(p) <= 0.05), trials, 0.05)


def games_howell_by_hand(groups, level):
    low = high = 0.0
    for a, b in itertools.combinations(groups, 2):
        va, vb = np.var(a, ddof=1) / len(a), np.var(b, ddof=1) / len(b)
        df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
        half = scipy_stats.studentized_range.ppf(level, len(groups), df) * math.sqrt((va + vb) / 2)
        apart = abs(np.mean(a) - np.mean(b))
        low, high = max(low, apart - half), max(high, apart + half)
    return low, high


def sums_of(groups):
    return [[f(g) for g in groups] for f in (np.sum, lambda g: np.sum(np.square(g)), len)]


def test_mean_gap_agrees_with_games_howell_by_hand_and_is_never_narrower():
    rng = np.random.default_rng(8)
    groups = [rng.normal(m, s, k) for m, s, k in ((0, 1, 8), (0.5, 3, 25), (4, 2, 60), (1, 1, 200))]
    gap = ak.largest_mean_gap(*sums_of(groups))
    low, high = games_howell_by_hand(groups, 0.95)
    assert (gap.low, gap.high) == pytest.approx((low, high), rel=0.01)
    assert gap.low <= low + 1e-6
    assert gap.high >= high - 1e-6
    # the farthest pair: Welch's t at its normal distance, held against the range of four
    tails = [
        scipy_stats.ttest_ind(a, b, equal_var=False).pvalue / 2 for a, b in itertools.combinations(groups, 2)
    ]
    width = math.sqrt(2) * scipy_stats.norm.isf(min(tails))
    assert gap.p_value == pytest.approx(scipy_stats.studentized_range.sf(width, 4, np.inf), abs=1e-9)


def test_mean_gap_of_two_groups_is_welchs_interval():
    a, b = np.random.default_rng(2).normal(0, 1, 12), np.random.default_rng(3).normal(2, 4, 30)
    gap = ak.largest_mean_gap(*sums_of([a, b]))
    welch = scipy_stats.ttest_ind(b, a, equal_var=False)
    interval = welch.confidence_interval(0.95)
    assert (gap.low, gap.high) == pytest.approx((max(interval.low, 0), interval.high), abs=1e-10)
    assert gap.p_value == pytest.approx(welch.pvalue, rel=1e-9)


@pytest.mark.parametrize("groups", [2, 10])
def test_mean_gap_false_alarms_and_coverage(groups):
    rng = np.random.default_rng(groups)
    n = np.linspace(10, 80, groups).astype(int)
    spread = np.linspace(4, 1, groups)  # the small groups vary most: where the pooled t test fails
    trials, alarms, covered = 400, 0, 0
    for _ in range(trials):
        noise = [rng.normal(0, s, k) for s, k in zip(spread, n, strict=True)]
        alarms += ak.largest_mean_gap(*sums_of(noise)).low > 0
        noise[-1] = noise[-1] + 2.0
        gap = ak.largest_mean_gap(*sums_of(noise))
        covered += gap.low <= 2.0 <= gap.high
    assert at_most(alarms / trials, trials, 0.055)
    assert at_least(covered / trials, trials, 0.95)


def test_mean_gap_of_tiny_and_constant_groups():
    gap = ak.largest_mean_gap([1, 5, 5], [1, 13, 25], [1, 2, 1])
    assert math.isnan(gap.value)
    assert "fewer than two rows" in gap.note
    constant = ak.largest_mean_gap([2, 4], [2, 8], [2, 2])
    assert (constant.value, constant.low, constant.high) == (1, 1, 1)
    assert "all equal" in constant.note
    assert math.isnan(constant.p_value)


def test_harmonic_interpolation_is_close_and_never_below():
    from auditkit.statistics.mean_gaps import range_criticals

    for df in (1.5, 4.4, 9.1, 17.0, 45.0, 90.0, 4000.0):
        exact = range_critical(0.95, 6, df)
        ours = float(range_criticals(0.95, 6, np.array([df]))[0])
        assert exact - 1e-6 <= ours <= exact * (1.01 if df > 2 else 1.25)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ak.gap_bounds([1, 2], [0, 3]),
        lambda: ak.gap_bounds([1], [3]),
        lambda: ak.largest_gap([[1, 2]], [[3, 3]]),
        lambda: ak.largest_gap([5, 2], [3, 3]),
        lambda: ak.largest_gap([1, 2], [3, 3], level=1.5),
        lambda: ak.largest_mean_gap([[1.0]], [[1.0]], [[2]]),
        lambda: ak.permutation_test([1.5, 2], [3, 3], rng=np.random.default_rng(0)),
    ],
)
def test_unusable_input_is_refused(call):
    with pytest.raises(InputError):
        call()


def test_the_near_end_of_the_interval_names_the_groups_it_is_about():
    """Nobody of two lies farthest from the highest rate; of large groups it is known better."""
    hits, n = np.array([0, 50, 90, 55]), np.array([2, 100, 100, 100])
    rng = np.random.default_rng(0)
    gap, ratio = ak.largest_gap(hits, n, rng=rng), ak.smallest_ratio(hits, n, rng=rng)
    assert (gap.lowest_index, gap.highest_index) == (0, 2)
    assert gap.surest == ratio.surest == (1, 2)
    ends = {}
    for i in range(4):  # a second way: each pair alone, at the critical value of all
        for j in range(4):
            if i != j:
                z = range_critical(0.95, 4)
                low, high = jeffreys_at(hits[[i, j]], n[[i, j]], float(scipy_stats.norm.sf(z)))
                rate = hits / n
                ends[i, j] = rate[j] - rate[i] - np.hypot(rate[j] - low[1], high[0] - rate[i])
    assert max(ends, key=ends.get) == gap.surest
    assert gap.low == pytest.approx(max(ends.values()))


def test_where_no_gap_is_shown_none_is_named():
    assert ak.largest_gap([5, 6, 7], [20, 20, 20], rng=np.random.default_rng(0)).surest is None
    assert ak.largest_gap([10, 40], [50, 50]).surest == (0, 1)
