"""Stratified tables against statsmodels, printed examples and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from auditkit.errors import InputError
from auditkit.statistics.stratified import breslow_day, mantel_haenszel

MUSSELS = np.array(  # McDonald and Siebenaller 1989, as in McDonald's Handbook of Biological Statistics
    [[[56, 40], [69, 77]], [[61, 57], [257, 301]], [[73, 71], [65, 79]], [[71, 55], [48, 48]]]
)


def drawn(seed, strata=5):
    return np.random.default_rng(seed).integers(1, 60, size=(strata, 2, 2))


def theirs(tables):
    return StratifiedTable(np.moveaxis(tables.astype(float), 0, -1))


@pytest.mark.parametrize("tables", [MUSSELS, *(drawn(s, 2 + s) for s in range(8))])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_pooled_odds_are_statsmodels(tables, level):
    ours, other = mantel_haenszel(tables, level), theirs(tables)
    assert ours.odds_ratio == pytest.approx(other.oddsratio_pooled, rel=1e-12)
    assert (ours.low, ours.high) == pytest.approx(other.oddsratio_pooled_confint(1 - level), rel=1e-10)
    test = other.test_null_odds()
    assert (ours.statistic, ours.p_value) == pytest.approx((test.statistic, test.pvalue), rel=1e-9)
    corrected = mantel_haenszel(tables, level, correction=True)
    test = other.test_null_odds(correction=True)
    if ours.statistic > 1:  # statsmodels lets the correction overshoot 0
        assert corrected.statistic == pytest.approx(test.statistic, rel=1e-9)
    assert corrected.statistic <= ours.statistic


@pytest.mark.parametrize("tables", [MUSSELS, *(drawn(s, 2 + s) for s in range(8))])
@pytest.mark.parametrize("tarone", [True, False])
def test_homogeneity_is_statsmodels(tables, tarone):
    ours, test = breslow_day(tables, tarone=tarone), theirs(tables).test_equal_odds(adjust=tarone)
    assert (ours.statistic, ours.p_value) == pytest.approx((test.statistic, test.pvalue), rel=1e-8)
    assert (ours.df, ours.tarone) == (len(tables) - 1, tarone)


def test_the_figures_printed_for_the_mussels():
    assert mantel_haenszel(MUSSELS).odds_ratio == pytest.approx(1.3174848702393571)
    assert mantel_haenszel(MUSSELS).statistic == pytest.approx(5.320927767938446)
    assert breslow_day(MUSSELS, tarone=False).statistic == pytest.approx(0.5294859090315444)


def test_strata_that_say_nothing_change_nothing():
    silent = [[[0, 0], [3, 4]], [[5, 0], [6, 0]], [[0, 5], [0, 6]], [[0, 0], [0, 0]], [[1, 0], [0, 0]]]
    more = np.concatenate([MUSSELS, silent])
    assert mantel_haenszel(more) == mantel_haenszel(MUSSELS)
    assert breslow_day(more) == breslow_day(MUSSELS)
    assert mantel_haenszel(silent).strata == 0
    assert math.isnan(mantel_haenszel(silent).p_value)
    assert math.isnan(breslow_day(silent).p_value)


def test_one_table_is_its_own_odds_ratio():
    pooled = mantel_haenszel([[[10, 20], [30, 15]]])
    assert pooled.odds_ratio == pytest.approx(10 * 15 / (20 * 30))
    # one table: Robins, Breslow and Greenland's variance is Woolf's
    half = 1.959963984540054 * math.sqrt(1 / 10 + 1 / 20 + 1 / 30 + 1 / 15)
    assert pooled.high == pytest.approx(pooled.odds_ratio * math.exp(half))
    assert math.isnan(breslow_day([[[10, 20], [30, 15]]]).statistic)


@pytest.mark.parametrize(("table", "ratio"), [([[0, 10], [5, 5]], 0.0), ([[10, 0], [5, 5]], math.inf)])
def test_a_ratio_at_an_edge_has_a_test_and_no_bound(table, ratio):
    pooled = mantel_haenszel([table, table])
    assert (pooled.odds_ratio, pooled.low, pooled.high) == (ratio, 0.0, math.inf)
    assert pooled.p_value < 0.01
    assert math.isnan(breslow_day([table, table]).p_value)


def test_equal_odds_of_one_are_no_special_case():
    tables = np.array([[[10, 20], [20, 40]], [[30, 10], [60, 20]]])
    assert mantel_haenszel(tables).odds_ratio == pytest.approx(1)
    assert breslow_day(tables).statistic == pytest.approx(0, abs=1e-12)


def test_margins_where_the_quadratic_turns_around():
    tables = np.array([[[50, 40], [60, 1]], [[45, 30], [70, 1]]])  # many selected, a ratio far below 1
    ours, test = breslow_day(tables), theirs(tables).test_equal_odds(adjust=True)
    assert ours.statistic == pytest.approx(test.statistic, rel=1e-8)


def strata_of(rng, odds, n=150):
    """Return one table a stratum at these odds ratios; base rates and mixes differ between strata."""
    tables = []
    for i, ratio in enumerate(odds):
        base, share = (0.2, 0.4, 0.6, 0.7)[i % 4], (0.3, 0.5, 0.7)[i % 3]
        odd = ratio * base / (1 - base)
        group, other = round(n * share), n - round(n * share)
        x, y = rng.binomial(group, odd / (1 + odd)), rng.binomial(other, base)
        tables.append([[x, group - x], [y, other - y]])
    return np.array(tables)


def test_both_tests_keep_their_level():
    rng = np.random.default_rng(0)
    draws = 1500
    tables = [strata_of(rng, [1.0] * 4) for _ in range(draws)]
    pooled = [mantel_haenszel(t) for t in tables]
    most = stats.binom.ppf(0.999, draws, 0.05)
    assert sum(p.p_value < 0.05 for p in pooled) <= most
    assert sum(not p.low <= 1 <= p.high for p in pooled) <= most
    assert sum(breslow_day(t).p_value < 0.05 for t in tables) <= most


def test_a_common_ratio_is_covered_and_an_uncommon_one_is_seen():
    rng = np.random.default_rng(1)
    pooled = [mantel_haenszel(strata_of(rng, [0.5] * 4)) for _ in range(400)]
    assert sum(p.low <= 0.5 <= p.high for p in pooled) >= stats.binom.ppf(0.001, 400, 0.95)
    assert sum(p.p_value < 0.05 for p in pooled) > 380
    seen = [breslow_day(strata_of(rng, [0.3, 3.0, 0.3, 3.0])).p_value < 0.05 for _ in range(100)]
    assert sum(seen) > 95


@pytest.mark.parametrize("tables", [[[1, 2], [3, 4]], [[[1, 2, 3], [4, 5, 6]]], [[[1, -2], [3, 4]]]])
def test_what_is_no_stack_of_tables_is_refused(tables):
    with pytest.raises(InputError):
        mantel_haenszel(tables)
