"""Intervals against statsmodels, scipy and hand-worked cases; properties for all counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from auditkit import statistics as ak
from auditkit.errors import InputError
from auditkit.statistics.intervals import mover_ratio, wilson

CASES = [(0, 1), (1, 1), (0, 7), (3, 7), (7, 7), (1, 500), (250, 500), (499, 500), (12, 34_567)]
PAIRS = [(56, 70, 48, 80), (9, 10, 3, 10), (5, 56, 0, 29), (0, 10, 0, 20), (10, 10, 0, 20), (7, 9, 200, 1000)]
ONE_SAMPLE = {"wilson": ak.wilson, "beta": ak.clopper_pearson, "jeffreys": ak.jeffreys}


@st.composite
def counts(draw, most=3000):
    n = draw(st.integers(1, most))
    return draw(st.integers(0, n)), n


levels = st.floats(0.01, 0.9999)


@pytest.mark.parametrize("method", ["wilson", "beta"])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_one_proportion_agrees_with_statsmodels(method, level):
    for x, n in CASES:
        low, high = ONE_SAMPLE[method](x, n, level)
        expected = proportion_confint(x, n, alpha=1 - level, method=method)
        assert (float(low), float(high)) == pytest.approx(expected, abs=1e-12)


def test_jeffreys_agrees_with_statsmodels_inside_and_is_closed_at_the_edges():
    for x, n in CASES:
        low, high = ak.jeffreys(x, n)
        expected_low, expected_high = proportion_confint(x, n, method="jeffreys")
        assert float(low) == (0.0 if x == 0 else pytest.approx(expected_low, abs=1e-12))
        assert float(high) == (1.0 if x == n else pytest.approx(expected_high, abs=1e-12))


def test_clopper_pearson_of_none_is_the_closed_form():
    # (1 - p)^n = alpha / 2
    assert float(ak.clopper_pearson(0, 100).high) == pytest.approx(1 - 0.025 ** (1 / 100), abs=1e-14)


def test_newcombe_agrees_with_statsmodels():
    for case in PAIRS:
        low, high = ak.newcombe(*case)
        assert (float(low), float(high)) == pytest.approx(
            confint_proportions_2indep(*case, compare="diff", method="newcomb"), abs=1e-12
        )


def test_newcombe_reproduces_the_published_table():
    # Newcombe 1998, table II, method 10: cases (a), (c), (e), (h) as printed
    printed = {
        (56, 70, 48, 80): (0.0524, 0.3339),
        (6, 7, 2, 7): (0.0582, 0.8062),
        (5, 56, 0, 29): (-0.0381, 0.1926),
        (10, 10, 0, 10): (0.6075, 1.0000),
    }
    for case, ends in printed.items():
        assert tuple(np.round(ak.newcombe(*case), 4).tolist()) == ends


def test_katz_agrees_with_statsmodels_where_no_count_is_at_an_edge():
    for case in [(40, 100, 50, 100), (3, 20, 9, 400), (56, 70, 48, 80)]:
        low, high = ak.katz_ratio(*case)
        expected = confint_proportions_2indep(*case, compare="ratio", method="log")
        assert (float(low), float(high)) == pytest.approx(expected, rel=1e-12)


def test_katz_at_the_edges_is_never_a_point():
    low, high = ak.katz_ratio(
        [0, 5, 0, 20, 3], [20, 20, 20, 20, 0 + 3], [5, 0, 0, 20, 0], [20, 20, 20, 20, 0]
    )
    assert low[0] == 0
    assert 0 < high[0] < np.inf
    assert low[1] > 0
    assert np.isinf(high[1])
    assert np.isnan([low[2], high[2], low[4], high[4]]).all()
    assert low[3] < 1 < high[3]


def test_no_rows_bound_nothing():
    for interval in ONE_SAMPLE.values():
        assert tuple(map(float, interval(0, 0))) == (0.0, 1.0)
    assert tuple(map(float, ak.newcombe(0, 0, 3, 5))) == (-1.0, 1.0)
    assert np.isinf(ak.mean_interval([0, 3], [0, 9], [0, 1])).all()


def test_mean_interval_agrees_with_scipy():
    values = np.random.default_rng(3).normal(5, 2, size=(4, 17))
    expected = scipy_stats.t.interval(0.9, 16, values.mean(1), scipy_stats.sem(values, axis=1))
    of_values = ak.mean_interval_of(values, 0.9)
    of_sums = ak.mean_interval(values.sum(1), (values**2).sum(1), 17, 0.9)
    np.testing.assert_allclose(of_values, expected, rtol=1e-12)
    np.testing.assert_allclose(of_sums, expected, rtol=1e-10)


def test_a_large_mean_costs_no_digits_of_the_spread():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    near, far = ak.mean_interval_of(values), ak.mean_interval_of(values + 1e9)
    assert float(far.high - far.low) == pytest.approx(float(near.high - near.low), rel=1e-6)


@pytest.mark.parametrize("interval", ONE_SAMPLE.values(), ids=ONE_SAMPLE)
@given(counts(), levels)
@settings(max_examples=60, deadline=None)
def test_one_proportion_properties(interval, xn, level):
    x, n = xn
    low, high = interval(x, n, level)
    wider = interval(x, n, (1 + level) / 2)
    mirrored = interval(n - x, n, level)
    assert 0 <= low <= x / n + 1e-12
    assert x / n - 1e-12 <= high <= 1
    assert wider.low <= low + 1e-12
    assert wider.high >= high - 1e-12
    np.testing.assert_allclose([1 - mirrored.high, 1 - mirrored.low], [low, high], atol=1e-9)


@given(counts(), counts(), levels)
@settings(max_examples=100, deadline=None)
def test_newcombe_properties(first, second, level):
    low, high = ak.newcombe(*first, *second, level)
    swapped = ak.newcombe(*second, *first, level)
    difference = first[0] / first[1] - second[0] / second[1]
    assert -1 <= low <= difference + 1e-12
    assert difference - 1e-12 <= high <= 1
    np.testing.assert_allclose([-swapped.high, -swapped.low], [low, high], atol=1e-12)


@given(counts(), counts(), levels)
@settings(max_examples=100, deadline=None)
def test_katz_properties(first, second, level):
    low, high = ak.katz_ratio(*first, *second, level)
    swapped = ak.katz_ratio(*second, *first, level)
    if first[0] == 0 and second[0] == 0:
        assert np.isnan([low, high]).all()
        return
    ratio = np.inf if second[0] == 0 else first[0] / first[1] * second[1] / second[0]
    assert 0 <= low <= ratio * (1 + 1e-12)
    assert ratio * (1 - 1e-12) <= high
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose([1 / swapped.high, 1 / swapped.low], [low, high], rtol=1e-9)


@pytest.mark.parametrize("bad", [(-1, 5), (6, 5), (np.nan, 5), (1, np.inf)])
def test_impossible_counts_are_refused(bad):
    with pytest.raises(InputError):
        ak.wilson(*bad)


@pytest.mark.parametrize("level", [0, 1, 95, -0.1])
def test_a_level_is_between_0_and_1(level):
    with pytest.raises(InputError, match=r"type level=0\.95"):
        ak.clopper_pearson(1, 2, level)


def test_swapped_sums_are_refused():
    with pytest.raises(InputError, match="no real values"):
        ak.mean_interval(sums=385, sumsqs=55, n=10)


@pytest.mark.parametrize(("interval", "least"), [(ak.wilson, 0.92), (ak.clopper_pearson, 0.95)])
def test_coverage_is_right_exactly(interval, least):
    # summed over all outcomes, not simulated; Clopper-Pearson covers everywhere, Wilson on average
    n = 50
    rates = np.linspace(0.05, 0.95, 181)[:, None]
    x = np.arange(n + 1)
    low, high = interval(x, n)
    covered = (scipy_stats.binom.pmf(x, n, rates) * ((low <= rates) & (rates <= high))).sum(1)
    assert covered.min() >= least
    assert covered.mean() >= 0.948


def test_the_ends_of_a_ratio_solve_its_equation():
    p, q = np.array([0.3, 0.0, 0.8]), np.array([0.6, 0.5, 0.4])
    n = np.array([100, 40, 55])
    own, others = wilson(p * n, n), wilson(q * n, n)
    low, high = mover_ratio(p, own, q, others)
    for end, near, far in ((low, own.low, others.high), (high, own.high, others.low)):
        np.testing.assert_allclose((p - end * q) ** 2, (p - near) ** 2 + end**2 * (q - far) ** 2, atol=1e-12)
    assert low[1] == 0 < high[1]
    assert mover_ratio(p[:1], own, np.zeros(1), wilson(0, [50])).high[0] == np.inf
