"""Values are those of the definition, over all orders of the rows, and add up to what all rows do together."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.methods.poisoning.knn_shapley import knn_shapley, values_by_query


def utility(chosen, right, k):
    """Return the share of right labels among the k nearest of the chosen places, which are in order of distance."""
    return sum(right[i] for i in sorted(chosen)[:k]) / k


def by_definition(right, k):
    n = len(right)
    total = np.zeros(n)
    orders = list(permutations(range(n)))
    for order in orders:
        for j, i in enumerate(order):
            total[i] += utility(order[: j + 1], right, k) - utility(order[:j], right, k)
    return total / len(orders)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=6), st.integers(1, 8))
def test_values_are_the_mean_over_all_orders(right, k):
    X = np.arange(1.0, len(right) + 1)[:, None]
    found = knn_shapley(X, right, [[0.0]], [1], k=k)
    assert found == pytest.approx(by_definition(right, k))


def test_values_add_up_to_what_all_rows_do():
    rng = np.random.default_rng(0)
    X, y, Q, z = (
        rng.normal(size=(80, 3)),
        rng.integers(0, 3, 80),
        rng.normal(size=(50, 3)),
        rng.integers(0, 3, 50),
    )
    near = np.argsort(((Q[:, None] - X[None]) ** 2).sum(axis=2), axis=1)[:, :5]
    assert knn_shapley(X, y, Q, z).sum() == pytest.approx((y[near] == z[:, None]).mean())


def test_blocks_are_the_whole(monkeypatch):
    from auditkit.methods.poisoning import knn_shapley as module

    rng = np.random.default_rng(0)
    given_ = (
        rng.normal(size=(40, 2)),
        rng.integers(0, 2, 40),
        rng.normal(size=(30, 2)),
        rng.integers(0, 2, 30),
    )
    whole = np.concatenate(list(values_by_query(*given_)))
    monkeypatch.setattr(module, "_BLOCK", 100)
    assert np.concatenate(list(values_by_query(*given_))) == pytest.approx(whole)


def test_mislabelled_rows_are_worth_least():
    rng = np.random.default_rng(0)
    X, Q = rng.normal(size=(400, 2)), rng.normal(size=(300, 2))
    y, z = (X[:, 0] > 0).astype(int), (Q[:, 0] > 0).astype(int)
    wrong = rng.random(400) < 0.1
    values = knn_shapley(X, np.where(wrong, 1 - y, y), Q, z)
    lowest = np.argsort(values)[: wrong.sum()]
    assert wrong[lowest].mean() > 0.7


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="same columns"):
        knn_shapley([[0.0]], [1], [[0.0, 1.0]], [1])
    with pytest.raises(InputError, match="k of at least 1"):
        knn_shapley([[0.0]], [1], [[0.0]], [1], k=0)
