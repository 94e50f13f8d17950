"""Associations: against scipy, by hand, and quiet by chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from auditkit.errors import InputError
from auditkit.methods.associations import associations, clusters


def test_two_numbers_give_spearman_over_the_rows_where_both_are_known():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    X[:, 1] -= 2 * X[:, 0]
    X[::7, 0] = np.nan
    known = ~np.isnan(X[:, 0])
    expected = abs(stats.spearmanr(X[known, 0], X[known, 1]).statistic)
    assert associations(X, [False, False])[0, 1] == pytest.approx(expected)
    full = X[known]  # ranked all at once
    assert associations(full, [False, False])[0, 1] == pytest.approx(expected)


def test_two_categories_give_the_corrected_v_by_hand():
    # counts 30 10 / 10 30: phi**2 = 0.25; corrected 0.25 - 1/79; sides 2 - 1/79 - 1
    X = np.repeat([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [30, 10, 10, 30], axis=0)
    expected = np.sqrt((0.25 - 1 / 79) / (1 - 1 / 79))
    assert associations(X, [True, True])[0, 1] == pytest.approx(expected)


def test_a_missing_category_is_one_of_its_own():
    X = np.array([[np.nan, 0.0], [1.0, 1.0]] * 20)
    assert associations(X, [True, True])[0, 1] == pytest.approx(1)


def test_a_number_and_a_category_give_the_corrected_correlation_ratio():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, 90)
    X = np.column_stack([rng.normal(size=90) + group, group])
    ranks = stats.rankdata(X[:, 0])
    f = stats.f_oneway(*(ranks[group == g] for g in range(3))).statistic
    expected = np.sqrt(1 - 89 / (2 * f + 87))  # 1 - (within / 87) / (total / 89)
    assert associations(X, [False, True])[0, 1] == pytest.approx(expected)


def test_columns_that_have_nothing_to_do_with_each_other_form_no_group():
    alarms = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X = np.column_stack([rng.normal(size=(60, 3)), rng.integers(0, 12, (60, 2))])
        close = associations(X, [False, False, False, True, True])
        alarms += bool(clusters(close, 0.7))
    assert alarms == 0


def test_every_two_of_a_group_go_together():
    close = np.array([[1, 0.8, 0.5, 0], [0.8, 1, 0.8, 0], [0.5, 0.8, 1, 0], [0, 0, 0, 1.0]])
    assert clusters(close, 0.7) in ([[0, 1]], [[1, 2]])  # 0 and 2 do not
    assert clusters(close, 0.5) == [[0, 1, 2]]
    assert clusters(close, 0.8) in ([[0, 1]], [[1, 2]])  # the limit itself counts
    assert clusters(close[:1, :1], 0.5) == []


def test_a_column_of_one_value_goes_with_none():
    X = np.column_stack([np.ones(9), np.arange(9), np.zeros(9), np.full(9, np.nan)])
    np.testing.assert_array_equal(associations(X, [False, False, True, False]), np.eye(4))


def test_what_cannot_be_is_said():
    with pytest.raises(InputError, match="one kind"):
        associations(np.ones((3, 2)), [True])
    with pytest.raises(InputError, match="above 0"):
        clusters(np.eye(2), 0.0)
