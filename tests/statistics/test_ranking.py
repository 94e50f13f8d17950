"""Ranking: weighted AUC beside scikit-learn's, and the gap of several AUCs by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from auditkit.errors import InputError
from auditkit.statistics import auc
from auditkit.statistics.ranking import largest_auc_gap, simultaneous_level, weighted_auc


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


@pytest.mark.parametrize(("k", "n"), [(2, 40), (5, 60), (10, 300)])
def test_groups_alike_raise_no_more_alarms_than_stated(k, n):
    rng = np.random.default_rng([k, n])
    off = small = 0
    level = simultaneous_level(0.95, k)
    for _ in range(300):
        groups = [drawn(rng, n) for _ in range(k)]
        gap = largest_auc_gap([auc(*one, level) for one in groups])
        off += gap.low > 0
        small += gap.p_value < 0.05
    most = stats.binom.ppf(1 - 1e-4, 300, 0.05)
    assert off <= most
    assert small <= most + 6  # logits of 40 rows are not quite normal


def test_a_true_gap_is_covered_and_found():
    rng = np.random.default_rng(1)
    true = stats.norm.cdf(1.5 / np.sqrt(2)) - stats.norm.cdf(0.5 / np.sqrt(2))
    inside = found = 0
    level = simultaneous_level(0.95, 3)
    for _ in range(200):
        groups = [drawn(rng, 400, apart) for apart in (0.5, 1.0, 1.5)]
        gap = largest_auc_gap([auc(*one, level) for one in groups])
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
