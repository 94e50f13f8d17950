"""Expected gradients against integrals by hand, and what they are not: Shapley values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from auditkit.errors import InputError
from auditkit.methods.attributions import enumerated_shapley, expected_gradients


def table(seed, n, d=3):
    return np.random.default_rng(seed).normal(size=(n, d))


def curved(Z):
    return np.tanh(Z[:, 0] + Z[:, 1] * Z[:, 2])


def curved_slopes(Z):
    out = 1 - curved(Z) ** 2
    return np.column_stack([out, out * Z[:, 2], out * Z[:, 1]])


def by_hand(x, z, j):
    def along(a):
        return curved_slopes((z + a * (x - z))[np.newaxis])[0, j] * (x - z)[j]

    return quad(along, 0, 1)[0]


def test_values_are_the_integrals_within_the_stated_error():
    X, background = table(0, 4), table(1, 12)
    got = expected_gradients(curved, curved_slopes, X, background, np.random.default_rng(0), rounds=256)
    right = [[np.mean([by_hand(x, z, j) for z in background]) for j in range(3)] for x in X]
    miss = np.abs(got.values - right)
    assert got.standard_error.max() < 0.001
    assert (miss / got.standard_error).max() < 4
    assert np.isclose(got.base, curved(background).mean())
    np.testing.assert_allclose(
        got.completeness, np.abs(got.base + got.values.sum(axis=1) - curved(X)), atol=1e-12
    )


def test_the_errors_cover():
    X, background = table(0, 1), table(1, 5)
    right = np.array([np.mean([by_hand(X[0], z, j) for z in background]) for j in range(3)])
    rng, inside = np.random.default_rng(2), []
    for _ in range(200):
        got = expected_gradients(curved, curved_slopes, X, background, rng, rounds=32)
        inside.append(np.abs(got.values[0] - right) <= 1.96 * got.standard_error[0])
    assert np.mean(inside) > 0.93  # on the large side by construction


def test_products_of_two_agree_with_shapley_and_of_three_by_another_rule():
    X, background = np.array([[1.0, 2.0, 3.0]]), np.zeros((1, 3))
    pair, pair_slopes = (
        lambda Z: Z[:, 0] * Z[:, 1],
        lambda Z: np.column_stack([Z[:, 1], Z[:, 0], 0 * Z[:, 0]]),
    )
    rng = np.random.default_rng(0)
    got = expected_gradients(pair, pair_slopes, X, background, rng, rounds=400)
    np.testing.assert_allclose(got.values, enumerated_shapley(pair, X, background).values, atol=1e-3)
    # x^2 y from 0 along the diagonal: 2/3 of it is owed to x (its degree), Shapley halves it
    power = lambda Z: Z[:, 0] ** 2 * Z[:, 1]  # noqa: E731
    slopes = lambda Z: np.column_stack([2 * Z[:, 0] * Z[:, 1], Z[:, 0] ** 2, 0 * Z[:, 0]])  # noqa: E731
    got = expected_gradients(power, slopes, X, background, rng, rounds=400)
    np.testing.assert_allclose(got.values, [[4 / 3, 2 / 3, 0]], atol=1e-3)
    np.testing.assert_allclose(enumerated_shapley(power, X, background).values, [[1, 1, 0]], atol=1e-12)


def test_it_stops_at_the_error_that_was_asked_for():
    X, background = table(0, 3), table(1, 20)
    rough, fine = (
        expected_gradients(
            curved, curved_slopes, X, background, np.random.default_rng(0), rounds=4096, target_error=e
        )
        for e in (0.05, 0.002)
    )
    assert 4 <= rough.rounds < fine.rounds < 4096
    assert max(fine.standard_error.max(), fine.completeness.max()) <= 0.002
    assert fine.rows <= 3 + 20 + (2 * fine.rounds - 4) * 60  # 4 points, 8, ..., of rows that are not finished


def test_several_outputs_and_small_batches():
    two = lambda Z: np.column_stack([curved(Z), 2 * Z[:, 0]])  # noqa: E731
    of_two = lambda Z: np.stack(  # noqa: E731
        [curved_slopes(Z), np.tile([2.0, 0.0, 0.0], (len(Z), 1))], axis=2
    )
    X, background = table(0, 5), table(1, 7)
    whole, parts = (
        expected_gradients(two, of_two, X, background, np.random.default_rng(0), rounds=8, batch_rows=batch)
        for batch in (65_536, 10)
    )
    np.testing.assert_allclose(whole.values, parts.values, atol=1e-12)
    np.testing.assert_allclose(whole.values[:, 0, 1], 2 * (X[:, 0] - background[:, 0].mean()), atol=1e-12)
    assert whole.completeness.shape == (5, 2)


def test_what_cannot_be_used_is_refused():
    X, rng = table(0, 2), np.random.default_rng(0)
    with pytest.raises(InputError, match="two ends"):
        expected_gradients(curved, curved_slopes, np.full((1, 3), np.nan), X, rng)
    with pytest.raises(InputError, match="rounds"):
        expected_gradients(curved, curved_slopes, X, X, rng, rounds=2)
    with pytest.raises(InputError, match="slopes must give"):
        expected_gradients(curved, curved, X, X, rng)
