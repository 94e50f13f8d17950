"""Prototypes: chosen as the definition says, by brute force and in cases that are known by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.methods.prototypes import (
    criticisms,
    discrepancy,
    kernel,
    kernel_width,
    nearest_of,
    prototypes,
)


def mmd_by_pairs(K, chosen):
    """Return the squared discrepancy as a sum over pairs, from the definition."""
    n, m = len(K), len(chosen)
    a = sum(K[i, j] for i in range(n) for j in range(n)) / n**2
    b = sum(K[i, j] for i in range(n) for j in chosen) / (n * m)
    c = sum(K[i, j] for i in chosen for j in chosen) / m**2
    return a - 2 * b + c


def cloud(n, seed, d=2):
    points = np.random.default_rng(seed).normal(size=(n, d))
    return kernel(points, kernel_width(points))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_every_step_is_the_best_there_is(seed, k):
    K = cloud(12, seed)
    chosen = prototypes(K, k).tolist()
    assert discrepancy(K, chosen) == pytest.approx(mmd_by_pairs(K, chosen))
    for m in range(k):
        others = [mmd_by_pairs(K, [*chosen[:m], j]) for j in range(12) if j not in chosen[:m]]
        assert mmd_by_pairs(K, chosen[: m + 1]) == pytest.approx(min(others), abs=1e-12)


def test_the_choice_of_fewer_is_the_beginning():
    K = cloud(40, 1)
    assert prototypes(K, 3).tolist() == prototypes(K, 8).tolist()[:3]


def test_greedy_is_near_the_best_pair():
    K = cloud(15, 3)
    best = min(mmd_by_pairs(K, list(pair)) for pair in combinations(range(15), 2))
    assert discrepancy(K, prototypes(K, 2)) <= best * 2 + 1e-9


def test_each_of_three_clusters_is_stood_for():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(at, 0.1, (n, 2)) for at, n in ((0, 60), (10, 30), (20, 30))])
    chosen = prototypes(kernel(points, 1.0), 3)
    assert sorted(np.searchsorted([60, 90], chosen, side="right").tolist()) == [0, 1, 2]
    assert chosen[0] < 60, "the largest comes first"


def test_all_points_stand_for_themselves():
    K = cloud(6, 0)
    assert sorted(prototypes(K, 20).tolist()) == list(range(6))
    assert discrepancy(K, prototypes(K, 20)) == pytest.approx(0, abs=1e-12)


def test_the_first_criticism_is_where_prototypes_stand_worst():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 0.1, (50, 2)), rng.normal(8, 0.1, (12, 2))])
    K = kernel(points, 1.0)
    first = prototypes(K, 1)
    assert first[0] < 50
    badly = np.abs(K.mean(axis=1) - K[:, first].mean(axis=1))
    badly[first] = -1
    # the first criticism has no other to be unlike: it is where the two means differ most
    assert criticisms(K, first, 1)[0] == badly.argmax()


def test_criticisms_follow_the_determinant():
    K = cloud(10, 5)
    stands = prototypes(K, 2)
    found = criticisms(K, stands, 3).tolist()
    badly = np.abs(K.mean(axis=1) - K[:, stands].mean(axis=1))

    def worth(some):
        return badly[some].sum() + np.linalg.slogdet(K[np.ix_(some, some)])[1]

    for m in range(3):
        others = [j for j in range(10) if j not in stands and j not in found[:m]]
        best = max(others, key=lambda j: worth([*found[:m], j]))
        assert found[m] == best


def test_equal_points_are_criticised_once():
    K = kernel(np.array([[0.0], [0.0], [5.0], [5.0], [5.0]]), 1.0)
    assert len(criticisms(K, prototypes(K, 1), 4)) <= 2


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_the_nearest_are_those_of_scikit_learn(seed, k):
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(seed)
    queries, points = rng.normal(size=(20, 3)), rng.normal(size=(30, 3))
    theirs = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(queries, return_distance=False)
    assert np.array_equal(nearest_of(queries, points, k), theirs)


def test_the_width_is_the_median_distance():
    # the distances of 0, 1, 3 are 1, 2, 3
    assert kernel_width([[0.0], [1.0], [3.0]]) == pytest.approx(2.0)
    assert kernel_width([[1.0], [1.0]]) == 1.0
    assert kernel([[0.0], [2.0]], 2.0)[0, 1] == pytest.approx(np.exp(-0.5))


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="square"):
        prototypes(np.zeros((2, 3)), 1)
    with pytest.raises(InputError, match="at least one"):
        criticisms(np.eye(3), [], 1)
    with pytest.raises(InputError, match="k from 1"):
        nearest_of([[0.0]], [[1.0]], 2)
