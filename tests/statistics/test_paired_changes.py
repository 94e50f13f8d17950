"""Changes of the same records: against statsmodels and by hand, and how often they hold and alarm."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.weightstats import DescrStatsW

from auditkit.errors import InputError
from auditkit.statistics import (
    auc,
    mcnemar_mid_p,
    paired_auc_change,
    paired_mean_change,
    paired_rate_change,
    rate_change_of_same_records,
)


class TestMcNemar:
    @pytest.mark.parametrize(
        ("lost", "won"), [(0, 0), (3, 0), (0, 7), (5, 5), (12, 3), (40, 61), (900, 1000)]
    )
    def test_it_is_the_exact_p_of_statsmodels_less_the_chance_of_what_was_seen(self, lost, won):
        exact = float(mcnemar([[10, lost], [won, 20]], exact=True).pvalue)
        chance = stats.binom.pmf(lost, lost + won, 0.5) if lost != won else 0.0
        assert mcnemar_mid_p(lost, won) == pytest.approx(min(exact - chance, 1.0), abs=1e-12)

    @given(st.integers(0, 300), st.integers(0, 300))
    def test_it_is_a_probability_and_knows_no_side(self, lost, won):
        p = mcnemar_mid_p(lost, won)
        assert 0 < p <= 1
        assert p == pytest.approx(mcnemar_mid_p(won, lost))

    def test_counts_below_nought_are_refused(self):
        with pytest.raises(InputError, match="at least 0"):
            mcnemar_mid_p(-1, 2)

    @pytest.mark.parametrize("n", [10, 40, 200])
    def test_it_keeps_its_level_summed_over_all_tables(self, n):
        lost = np.arange(n + 1)
        alarms = [mcnemar_mid_p(int(k), int(n - k)) <= 0.05 for k in lost]
        assert (
            0.02 < stats.binom.pmf(lost, n, 0.5)[alarms].sum() <= 0.056
        )  # Fagerland et al.: about 5%, never far above


class TestRates:
    def test_value_and_interval_by_hand(self):
        before, after = [1] * 12 + [0] * 8, [1] * 8 + [0] * 4 + [1] + [0] * 7
        found = paired_rate_change(before, after)  # 4 lost, 1 won of 20
        p, q = 2 / 22, 5 / 22  # one added to each
        half = 1.959964 * math.sqrt((p + q - (p - q) ** 2) / 22)
        assert found.value == pytest.approx(-3 / 20)
        assert (found.low, found.high) == pytest.approx((p - q - half, p - q + half), abs=1e-6)
        assert found.p_value == pytest.approx(2 * stats.binom.cdf(1, 5, 0.5) - stats.binom.pmf(1, 5, 0.5))

    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
    def test_to_turn_the_sides_turns_the_change(self, pairs):
        before, after = zip(*pairs, strict=True)
        one, other = paired_rate_change(before, after), paired_rate_change(after, before)
        assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))
        assert one.p_value == pytest.approx(other.p_value)
        assert one.low <= one.value <= one.high or len(pairs) < 10

    def test_it_shows_what_the_widest_pairing_does_not(self):
        before = np.arange(1000) < 800
        after = before.copy()
        after[780:800] = False
        told, wide = paired_rate_change(before, after), rate_change_of_same_records(800, 780, 1000)
        assert told.high < 0
        assert told.p_value < 0.001
        assert wide.low < 0 < wide.high

    def test_other_records_are_refused(self):
        for pair in (([1, 0], [1]), ([], [])):
            with pytest.raises(InputError, match="same records"):
                paired_rate_change(*pair)

    @pytest.mark.parametrize(
        ("n", "churn", "moved"), list(itertools.product((60, 300), (0.04, 0.2), (0.0, 0.03)))
    )
    def test_coverage_and_false_alarms(self, n, churn, moved):
        up, down = churn / 2, churn / 2 + moved
        rng = np.random.default_rng([n, int(1000 * churn), int(1000 * moved)])
        tables = rng.multinomial(n, [0.7 - down, down, up, 0.3 - up], size=2000)
        covered = alarms = 0
        for both, lost, won, none in tables.tolist():
            before = np.repeat([True, True, False, False], [both, lost, won, none])
            after = np.repeat([True, False, True, False], [both, lost, won, none])
            found = paired_rate_change(before, after)
            covered += found.low <= -moved <= found.high
            alarms += found.p_value <= 0.05
        assert covered / 2000 > 0.94
        if not moved:
            assert alarms / 2000 < 0.06


class TestMeans:
    def test_it_is_the_paired_t_of_statsmodels(self):
        rng = np.random.default_rng(0)
        before = rng.normal(size=50)
        after = before + rng.normal(0.1, 0.3, size=50)
        found, ours = DescrStatsW(after - before), paired_mean_change(before, after)
        assert (ours.low, ours.high) == pytest.approx(found.tconfint_mean())
        assert ours.p_value == pytest.approx(found.ttest_mean()[1])

    def test_pairs_that_all_differ_alike_leave_room_for_rows_not_seen(self):
        same = [0.1, 0.2, 0.3, 0.4]
        found = paired_mean_change(same, same, most=1.0)
        unseen = 1 - 0.025 ** (1 / 4)
        assert (found.value, found.low, found.high, found.p_value) == pytest.approx((0, -unseen, unseen, 1))
        assert math.isnan(paired_mean_change(same, same).p_value)

    def test_what_is_not_finite_is_refused(self):
        with pytest.raises(InputError, match="finite"):
            paired_mean_change([math.nan, 1], [1, 2])

    def test_coverage_of_brier_scores(self):
        covered, moved = 0, _true_brier()
        for seed in range(600):
            rng = np.random.default_rng(seed)
            chance = rng.beta(2, 2, size=200)
            truth = rng.random(200) < chance
            said = np.clip(chance + rng.normal(0, 0.1, size=200), 0, 1)
            worse = np.clip(chance + rng.normal(0.05, 0.15, size=200), 0, 1)
            found = paired_mean_change((said - truth) ** 2, (worse - truth) ** 2)
            covered += found.low <= moved <= found.high
        assert 0.93 < covered / 600 < 0.97


def _true_brier():
    """Return the change in the population: E(worse - chance)^2 - E(said - chance)^2, since truth is drawn from the chance."""
    rng = np.random.default_rng(99)
    chance = rng.beta(2, 2, size=1_000_000)
    said = np.clip(chance + rng.normal(0, 0.1, size=chance.size), 0, 1)
    worse = np.clip(chance + rng.normal(0.05, 0.15, size=chance.size), 0, 1)
    return float(((worse - chance) ** 2 - (said - chance) ** 2).mean())


class TestAreas:
    def test_the_value_is_the_difference_of_the_two(self):
        rng = np.random.default_rng(0)
        labels = rng.random(200) < 0.4
        before, after = (rng.normal(size=200) + k * labels for k in (2.0, 1.0))
        found = paired_auc_change(before, after, labels)
        assert found.value == pytest.approx(auc(after, labels).value - auc(before, labels).value)
        assert found.high < 0

    def test_the_same_ranking_has_not_changed(self):
        rng = np.random.default_rng(0)
        scores, labels = rng.normal(size=80), np.arange(80) % 2
        found = paired_auc_change(scores, 3 * scores + 1, labels)
        assert (found.value, found.p_value) == (0, 1)
        assert found.low < 0 < found.high

    def test_false_alarms_of_models_alike(self):
        alarms = 0
        for seed in range(400):
            rng = np.random.default_rng(seed)
            labels = rng.random(300) < 0.3
            shared = rng.normal(size=300) + 1.2 * labels
            before, after = (shared + 0.3 * rng.normal(size=300) for _ in range(2))
            found = paired_auc_change(before, after, labels)
            alarms += found.p_value <= 0.05 and not found.low <= 0 <= found.high
        assert alarms / 400 < 0.08  # 5% and three standard errors of 400 draws
