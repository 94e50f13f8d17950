"""Tests of no difference against statsmodels and scipy."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.contingency_tables import Table
from statsmodels.stats.proportion import proportions_ztest

from auditkit import statistics as ak
from auditkit.errors import InputError


def test_z_agrees_with_statsmodels():
    for x1, n1, x2, n2 in [(40, 100, 55, 100), (1, 9, 300, 1000), (5, 5, 1, 8)]:
        z, p = proportions_ztest([x1, x2], [n1, n2])
        ours = ak.two_proportion_z(x1, n1, x2, n2)
        assert (float(ours.statistic), float(ours.p_value)) == pytest.approx((z, p), rel=1e-12)


def test_z_squared_is_chi_square_without_yates():
    z = ak.two_proportion_z(40, 100, 55, 100)
    chi = ak.chi_square([[40, 60], [55, 45]])
    assert float(z.statistic) ** 2 == pytest.approx(chi.statistic)
    assert float(z.p_value) == pytest.approx(chi.p_value)


def test_z_is_undefined_when_all_rows_are_alike_or_missing():
    result = ak.two_proportion_z([0, 5, 0], [5, 5, 0], [0, 7, 3], [7, 7, 7])
    assert np.isnan(result.statistic).all()
    assert np.isnan(result.p_value).all()


def test_z_keeps_its_level():
    rng = np.random.default_rng(5)
    trials = 20_000
    p = ak.two_proportion_z(rng.binomial(300, 0.3, trials), 300, rng.binomial(500, 0.3, trials), 500).p_value
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / trials) + 0.002)


def test_chi_square_agrees_with_statsmodels():
    table = np.array([[10, 20, 30], [20, 25, 5]])
    expected = Table(table, shift_zeros=False).test_nominal_association()
    ours = ak.chi_square(table)
    assert (ours.statistic, ours.p_value, ours.df) == pytest.approx(
        (expected.statistic, expected.pvalue, expected.df)
    )


def test_yates_by_hand():
    a, b, c, d = 8, 2, 1, 5
    n = a + b + c + d
    by_hand = n * (abs(a * d - b * c) - n / 2) ** 2 / ((a + b) * (c + d) * (a + c) * (b + d))
    assert ak.chi_square([[a, b], [c, d]], yates=True).statistic == pytest.approx(by_hand)


def test_empty_rows_and_columns_say_nothing():
    assert ak.chi_square([[10, 0, 20], [0, 0, 0], [15, 0, 5]]) == ak.chi_square([[10, 20], [15, 5]])
    assert math.isnan(ak.chi_square([[10, 20], [0, 0]]).p_value)


def test_fisher_by_summing_the_hypergeometric():
    for a, b, c, d in [(3, 1, 1, 3), (8, 2, 1, 5), (0, 5, 6, 1), (12, 30, 25, 11)]:
        support = np.arange(max(0, a + c - (c + d)), min(a + b, a + c) + 1)
        chances = scipy_stats.hypergeom.pmf(support, a + b + c + d, a + b, a + c)
        here = scipy_stats.hypergeom.pmf(a, a + b + c + d, a + b, a + c)
        by_hand = chances[chances <= here * (1 + 1e-7)].sum()
        assert float(ak.fisher_exact([[a, b], [c, d]]).p_value) == pytest.approx(by_hand, rel=1e-9)


def test_fisher_with_an_empty_margin_is_undefined():
    assert np.isnan(ak.fisher_exact([[0, 5], [0, 3]])).all()


def test_permutation_agrees_with_every_permutation():
    labels, groups = np.array([1, 1, 1, 0, 0, 0, 0, 1, 0]), np.repeat([0, 1, 2], 3)

    def statistic(outcomes):
        x = np.bincount(groups, outcomes)
        return scipy_stats.chi2_contingency([x, 3 - x], correction=False).statistic

    observed = statistic(labels)
    placed = [
        statistic(np.isin(np.arange(9), ones).astype(int)) for ones in itertools.combinations(range(9), 4)
    ]
    exact = np.mean(np.array(placed) >= observed - 1e-9)
    ours = ak.permutation_test(
        np.bincount(groups, labels), [3, 3, 3], rng=np.random.default_rng(0), replicates=20_000
    )
    assert ours.statistic == pytest.approx(observed)
    assert ours.p_value == pytest.approx(exact, abs=3 * math.sqrt(exact * (1 - exact) / 20_000))


def test_permutation_of_nothing_is_undefined():
    assert math.isnan(ak.permutation_test([3, 3], [3, 3], rng=np.random.default_rng(0)).p_value)


@pytest.mark.parametrize("table", [[1, 2, 3], [[1, -2], [3, 4]], [[np.nan, 2], [3, 4]]])
def test_an_unusable_table_is_refused(table):
    with pytest.raises(InputError):
        ak.chi_square(table)


@pytest.mark.parametrize("table", [[[1, 2, 3], [4, 5, 6]], [[1.5, 2], [3, 4]]])
def test_fisher_takes_two_by_two_whole_counts(table):
    with pytest.raises(InputError, match="2 x 2"):
        ak.fisher_exact(table)
