"""Matched pairs against loops, and their standard error in simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from auditkit.errors import InputError
from auditkit.methods.matched import donors, related_mean


@given(st.integers(0, 1000), st.integers(2, 4))
def test_a_donor_is_the_nearest_other_record_of_its_group(seed, k):
    rng = np.random.default_rng(seed)
    X, codes = rng.integers(0, 4, size=(30, 2)).astype(float), np.arange(30) % k
    found = donors(X, codes, k, rng)
    far = ((X[:, None] - X[None]) ** 2).sum(axis=2)
    np.fill_diagonal(far, np.inf)
    for i in range(30):
        for g in range(k):
            assert codes[found[i, g]] == g
            assert found[i, g] != i
            assert far[i, found[i, g]] == far[i, codes == g].min()


def test_equally_near_records_serve_in_turn():
    found = donors(np.zeros((400, 1)), np.arange(400) % 2, 2, np.random.default_rng(0))
    assert np.bincount(found[:, 0], minlength=400).max() < 10


def test_the_variance_counts_pairs_that_share_a_record_together():
    rng = np.random.default_rng(1)
    values, records = rng.normal(size=40), rng.integers(0, 25, size=(40, 3))
    away, total = values - values.mean(), 0.0
    for i in range(40):
        for j in range(40):
            total += away[i] * away[j] * bool(set(records[i]) & set(records[j]))
    mean, se = related_mean(values, records)
    assert mean == pytest.approx(values.mean())
    assert se == pytest.approx(np.sqrt(max(total, away @ away)) / 40)
    assert np.isnan(related_mean([], np.zeros((0, 2), dtype=int))[0])


@pytest.mark.parametrize("k", [2, 5])
def test_where_nothing_goes_with_the_group_the_interval_leaves_out_0_as_often_as_stated(k):
    """Values of donors of other groups less those of the own: what AK112 calls the excess."""
    alarms, draws = 0, 300
    for seed in range(draws):
        rng = np.random.default_rng([seed, k])
        n = 300
        X, codes, word = rng.normal(size=(n, 2)), np.resize(np.arange(k), n), rng.random(n) < 0.4
        at = donors(X, codes, k, rng)
        said = (word[at] != word[:, None]).astype(float)
        own = said[np.arange(n), codes]
        away = (said.sum(axis=1) - own) / (k - 1) - own
        mean, se = related_mean(away, np.column_stack([np.arange(n), at]))
        alarms += abs(mean) > stats.norm.ppf(0.975) * se
    assert alarms <= stats.binom.ppf(1 - 1e-3, draws, 0.05)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="groups of at least two"):
        donors(np.zeros((3, 1)), [0, 0, 1], 2, np.random.default_rng(0))
    with pytest.raises(InputError, match="one row of records"):
        related_mean([1.0], [[0], [1]])
