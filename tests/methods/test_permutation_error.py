"""Permutation: the standard error is that of other rows and other shuffles, for single columns and groups."""

from __future__ import annotations

import numpy as np
import pytest

from auditkit.methods.attributions import permutation_importance, shuffled


def drawn(seed, n=150):
    """Return rows and a loss that hangs on the row asked about, the row shuffled in, and both."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    X[:, 1] = 0.8 * X[:, 0] + 0.6 * X[:, 1]
    y = X[:, 0] + X[:, 1] ** 2 + X[:, 2]
    return X, lambda Z, rows: np.abs(Z[:, 0] + Z[:, 1] ** 2 + Z[:, 2] - y[rows])


@pytest.mark.parametrize("repeats", [1, 2, 10])
def test_the_standard_error_is_the_spread_over_draws(repeats):
    means, errors = [], []
    for seed in range(400):
        X, loss = drawn(seed)
        found = shuffled(loss, X, columns=[0, 1, [0, 1]], repeats=repeats, rng=np.random.default_rng(seed))
        means.append(found.rises.mean(axis=1))
        errors.append(found.standard_error**2)
    ratio = np.mean(errors, axis=0) / np.var(means, axis=0, ddof=1)
    assert (np.abs(ratio - 1) < 0.25).all(), ratio


def test_the_rises_are_those_of_permutation_importance_and_belong_to_two_rows():
    X, loss = drawn(0)
    found = shuffled(loss, X, columns=[[0, 2], 1], repeats=4, rng=np.random.default_rng(1), batch_rows=200)
    same = permutation_importance(loss, X, columns=[[0, 2], 1], repeats=4, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(found.rises, same)
    np.testing.assert_allclose(found.given.mean(axis=1), found.rises.mean(axis=1))


def test_a_column_the_loss_does_not_read_has_no_error():
    X, _ = drawn(0)
    found = shuffled(lambda Z, rows: Z[:, 0] ** 2, X, columns=[1], rng=np.random.default_rng(1))
    assert found.standard_error.tolist() == [0]
