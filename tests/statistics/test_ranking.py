"""Ranking: weighted AUC beside scikit-learn's, and the gap of several AUCs by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from auditkit.errors import InputError
from auditkit.statistics import auc
from auditkit.statistics.ranking import largest_auc_gap, weighted_auc


def drawn(rng, n, apart=1.0):
    y = np.arange(n) % 2
    return (rng.normal(size=n) + apart * y).round(1), y


@pytest.mark.parametrize("seed", range(5))
def test_the_weighted_value_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    scores, y = drawn(rng, 300)
    weights = rng.uniform(0, 3, size=300) * (rng.random(300) < 0.9)
    found = weighted_auc(scores, y, weights)
    assert found.value == pytest.approx(roc_auc_score(y, scores, sample_weight=weights), abs=1e-12)
    assert found.low < found.value < found.high


def test_equal_weights_are_delongs():
    scores, y = drawn(np.random.default_rng(0), 200)
    even, plain = weighted_auc(scores, y, np.full(200, 2.0)), auc(scores, y)
    assert (even.value, even.low, even.high, even.se) == pytest.approx(
        (plain.value, plain.low, plain.high, plain.se), rel=1e-12
    )


def test_the_stated_weighted_error_is_the_simulated_one():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(800):
        scores, y = drawn(rng, 200)
        found.append(weighted_auc(scores, y, rng.choice([1.0, 5.0], size=200)))
    assert np.mean([one.se for one in found]) == pytest.approx(np.std([one.value for one in found]), rel=0.08)


@pytest.mark.parametrize(("k", "n"), [(2, 20), (2, 40), (5, 60), (10, 300), (40, 50)])
@pytest.mark.parametrize("weighted", [False, True])
def test_groups_alike_raise_no_more_alarms_than_stated(k, n, weighted):
    rng = np.random.default_rng([k, n, weighted])
    trials = 300 if k < 40 else 100
    small = 0
    for _ in range(trials):
        groups = [drawn(rng, n) for _ in range(k)]
        each = [weighted_auc(*one, rng.lognormal(size=n)) if weighted else auc(*one) for one in groups]
        gap = largest_auc_gap(each)
        small += gap.p_value <= 0.05
        assert (gap.low > 0) == (gap.p_value <= 0.05)
    assert small <= stats.binom.ppf(1 - 1e-4, trials, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("k", "n", "trials", "sigma"),
    [(2, 5000, 400, 0.0), (20, 1000, 200, 0.0), (8, 60, 800, 1.0), (8, 200, 800, 1.0), (8, 1000, 500, 1.0), (20, 400, 200, 1.0)],
)  # fmt: skip
def test_false_alarms_stay_below_seven_in_a_hundred(k, n, trials, sigma):
    rng = np.random.default_rng([k, n])
    off = 0
    for _ in range(trials):
        each = []
        for _ in range(k):
            y = np.arange(n) < 0.3 * n
            scores, weights = rng.normal(size=n) + y, rng.lognormal(sigma=sigma, size=n)
            each.append(weighted_auc(scores, y, weights) if sigma else auc(scores, y))
        off += largest_auc_gap(each).p_value <= 0.05
    assert off <= stats.binom.ppf(0.999, trials, 0.05)


def test_the_p_value_is_the_level_at_which_the_interval_reaches_zero():
    rng = np.random.default_rng(3)
    for k, weighted in ((2, False), (4, False), (4, True)):
        groups = [drawn(rng, 200, 0.5 + g / k) for g in range(k)]
        each = [weighted_auc(*one, rng.lognormal(size=200)) if weighted else auc(*one) for one in groups]
        p_value = largest_auc_gap(each).p_value
        assert 1e-6 < p_value < 0.9
        assert largest_auc_gap(each, 1 - p_value * 1.02).low > 0
        assert largest_auc_gap(each, 1 - p_value * 0.98).low == 0


def test_two_groups_have_the_square_and_add_interval():
    rng = np.random.default_rng(5)
    one, two = auc(*drawn(rng, 100, 0.5)), auc(*drawn(rng, 150, 1.5))
    gap = largest_auc_gap([one, two])
    assert gap.low == pytest.approx(gap.value - np.hypot(two.value - two.low, one.high - one.value))
    assert gap.high == pytest.approx(gap.value + np.hypot(two.high - two.value, one.value - one.low))


def test_perfect_and_empty_rankings_keep_an_open_interval_and_a_p_value():
    perfect, chance = auc([1, 2, 3, 4] * 5, [0, 0, 1, 1] * 5), auc([1] * 20, [0, 1] * 10)
    gap = largest_auc_gap([perfect, chance])
    assert 0 < gap.low < gap.value == 0.5 <= gap.high
    assert 0 < gap.p_value <= 0.05
    gap = largest_auc_gap([auc([1, 2, 3], [0, 0, 1]), perfect])  # one record of a class
    assert (gap.low, gap.high, gap.p_value) == (0.0, 1.0, 1.0)


def test_a_true_gap_is_covered_and_found():
    rng = np.random.default_rng(1)
    true = stats.norm.cdf(1.5 / np.sqrt(2)) - stats.norm.cdf(0.5 / np.sqrt(2))
    inside = found = 0
    for _ in range(200):
        groups = [drawn(rng, 400, apart) for apart in (0.5, 1.0, 1.5)]
        gap = largest_auc_gap([auc(*one) for one in groups])
        inside += gap.low <= true <= gap.high
        found += gap.low > 0 and (gap.lowest_index, gap.highest_index) == (0, 2)
    assert inside >= stats.binom.ppf(1e-4, 200, 0.95)
    assert found > 190


def test_one_class_only_is_left_out():
    rng = np.random.default_rng(0)
    alone = auc([0.1, 0.2], [1, 1])
    gap = largest_auc_gap([auc(*drawn(rng, 50)), alone])
    assert np.isnan(gap.value)
    assert "one class only" in gap.note
    assert np.isnan(weighted_auc([0.1, 0.2], [1, 0], [1.0, 0.0]).value)
    with pytest.raises(InputError, match="at least 0"):
        weighted_auc([0.1, 0.2], [1, 0], [1.0, -1.0])
