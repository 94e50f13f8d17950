"""Neighbours against scikit-learn, agreement against Zemel's formula and a loop, its interval in simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from auditkit.errors import InputError
from auditkit.methods import neighbours
from auditkit.methods.neighbours import agreement, nearest, standardised


@pytest.mark.parametrize("block", [neighbours._BLOCK, 700])
def test_neighbours_are_scikit_learns(block, monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK", block)
    X = np.random.default_rng(0).normal(size=(300, 4))
    queries = np.arange(0, 300, 3)
    expected = NearestNeighbors(n_neighbors=7).fit(X).kneighbors(X[queries])[1]
    found = nearest(queries, X, 6)
    for i, row in enumerate(found):
        assert set(row) == set(expected[i]) - {queries[i]}


def test_a_copy_is_a_neighbour_and_the_record_itself_is_not():
    found = nearest([0, 1], np.array([[1.0], [1.0], [9.0]]), 1)
    assert found.tolist() == [[1], [0]]


def test_agreement_is_zemels_consistency():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(200, 3)), rng.integers(0, 2, 200)
    near = nearest(np.arange(200), X, 5)
    expected = 1 - np.abs(y - y[near].mean(axis=1)).mean()
    assert agreement(np.arange(200), near, y).value == pytest.approx(expected, abs=1e-12)


def test_the_variance_is_that_of_a_loop_over_pairs_of_pairs():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(25, 2)), rng.integers(0, 3, 25)
    near = nearest(np.arange(25), X, 3)
    found = agreement(np.arange(25), near, y)
    pairs = [(i, j, float(y[i] == y[j]) - found.value) for i in range(25) for j in near[i]]
    total = sum(c * d for i, j, c in pairs for k, m, d in pairs if {i, j} & {k, m})
    assert found.se == pytest.approx(np.sqrt(max(total, 0)) / len(pairs))
    others = [(y == y[i]).sum() - 1 for i in range(25)]
    assert found.chance == pytest.approx(np.mean(others) / 24)


@pytest.mark.parametrize(("n", "k", "share"), [(300, 5, 0.3), (1000, 5, 0.1)])
def test_the_interval_covers_where_the_naive_one_does_not(n, k, share):
    X = np.random.default_rng(3).normal(size=(n, 3))
    near, truth = nearest(np.arange(n), X, k), share**2 + (1 - share) ** 2
    inside = naive = 0
    for seed in range(300):
        y = np.random.default_rng(seed).random(n) < share
        found = agreement(np.arange(n), near, y)
        inside += abs(found.value - truth) < 1.96 * found.se
        rows = (y[near] == y[:, None]).mean(axis=1)
        naive += abs(found.value - truth) < 1.96 * rows.std() / np.sqrt(n)
    assert inside >= stats.binom.ppf(0.001, 300, 0.93)
    assert naive < 0.85 * 300


def test_coordinates_make_a_category_one_step():
    table = np.array([[0.0, 0.0], [10.0, 1.0], [20.0, np.nan], [np.nan, 1.0]])
    found = standardised(table, [False, True])
    assert found.shape == (4, 2 + 3)
    spread = np.std([0, 10, 20])
    assert found[1, 0] - found[0, 0] == pytest.approx(10 / spread)
    assert found[3].tolist()[:2] == [0.0, 1.0]  # at the mean, and marked
    away = found[:, 2:]
    assert np.linalg.norm(away[0] - away[1]) == pytest.approx(1)
    assert np.linalg.norm(away[0] - away[2]) == pytest.approx(1)
    assert standardised(np.ones((3, 1)), [False]).shape == (3, 0)


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="k from 1"):
        nearest([0], np.zeros((3, 1)), 3)
    with pytest.raises(InputError, match="one flag a column"):
        standardised(np.zeros((3, 2)), [True])
    with pytest.raises(InputError, match="neighbours of shape"):
        agreement([0, 1], [[1]], [0, 1])
    assert np.isnan(agreement([0], [[1]], [0, 1], [False]).value)
