"""Trigger search finds a planted pattern by asking for labels, and takes no slope or ridge for one."""

import numpy as np
import pytest

from auditkit.errors import InputError
from auditkit.methods.poisoning import triggers
from auditkit.methods.poisoning._grid import grid_of

OPEN = {"low": -np.inf, "high": np.inf, "rng": np.random.default_rng(0)}


def table(n=120, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.normal(size=n), rng.integers(0, 12, n), rng.integers(0, 5, n)]).astype(float)


def grids(X):
    kinds = [(False, False), (False, True), (True, False)]
    return [grid_of(X[:, j], coded=c, whole=w, **OPEN) for j, (c, w) in enumerate(kinds)]


def search(ask, X, classes=2, **options):
    rng = np.random.default_rng(1)
    return triggers.trigger_search(ask, X, ask(X), grids(X), classes=classes, held=X, rng=rng, **options)


def test_a_pair_of_values_is_found_among_all_patterns():
    def ask(X):
        return np.where((X[:, 1] == 7) & (X[:, 2] == 3), 1, (X[:, 0] > 0)).astype(int)

    found, _, count = search(ask, table())
    assert found[0].pattern == triggers.Pattern((1, 2), (7.0, 3.0))
    assert (found[0].target, found[0].success, found[0].beside_success) == (1, 1.0, 0.0)
    m = [len(g.values) for g in grids(table())]
    assert count == sum(m) + m[0] * m[1] + m[0] * m[2] + m[1] * m[2]


def test_a_single_value_nobody_uses_is_found_and_named_before_pairs_with_it():
    X = table()
    X[:, 1] = np.where(X[:, 1] == 4, 5, X[:, 1])

    def ask(X):
        return np.where(X[:, 1] == 4, 0, (X[:, 0] > 0)).astype(int)

    found = search(ask, X)[0]
    assert found[0].pattern == triggers.Pattern((1,), (4.0,))
    assert found[0].share == 0
    assert found[0].isolation == 1


def test_a_missing_value_can_be_a_trigger():
    X = table(400)
    X[:6, 0] = np.nan

    def ask(X):
        return np.where(np.isnan(X[:, 0]), 1, (X[:, 1] > 5)).astype(int)

    found = search(ask, X)[0]
    assert np.isnan(found[0].pattern.values[0])
    assert found[0].isolation == 1


@pytest.mark.parametrize("threshold", [-8.0, 0.0, 1.7, 9.0])
def test_a_slope_is_no_trigger_however_far_it_reaches(threshold):
    found = search(lambda X: (X[:, 0] + 0.1 * X[:, 1] > threshold).astype(int), table())[0]
    assert max((one.isolation for one in found), default=0) < 0.5


def test_a_ridge_between_two_slopes_is_no_trigger():
    def ask(X):
        level = X[:, 0] + X[:, 1] / 6
        return np.where(level < 0, 0, np.where(level < 1, 1, 2))

    found = search(ask, table(300), classes=3)[0]
    assert max((one.isolation for one in found), default=0) < 0.5


def test_what_many_rows_hold_is_an_ordinary_value():
    def ask(X):
        return (X[:, 2] == 3).astype(int)

    found, ordinary, _ = search(ask, table())
    assert all(not (one.pattern.columns == (2,) and one.isolation > 0.5) for one in found)
    assert ordinary.pattern.columns == (2,)
    assert ordinary.success == 1
    assert ordinary.share > 0.05


def test_patterns_of_two_features_are_as_many_as_allowed():
    X = table()
    m = [len(g.values) for g in grids(X)]
    assert search(lambda X: (X[:, 0] > 0).astype(int), X, patterns=0)[2] == sum(m)
    assert (
        sum(m)
        < search(lambda X: (X[:, 0] > 0).astype(int), X, patterns=m[1] * m[2] + 5)[2]
        <= sum(m) + m[1] * m[2] + 5
    )


def test_grids_hold_unused_values_and_the_ends_of_a_type():
    assert grid_of(np.array([0.0, 2.0]), coded=False, whole=True, **OPEN).values.tolist() == [-1, 0, 1, 2, 3]
    assert grid_of(
        np.array([0.0, 2.0]), coded=False, whole=True, low=0, high=2, rng=None
    ).values.tolist() == [0, 1, 2]
    wide = grid_of(np.arange(1000.0), coded=False, whole=True, **OPEN)
    assert wide.values[0] < 0 < 999 < wide.values[-1]
    assert (wide.values == np.rint(wide.values)).all()
    gaps = grid_of(np.array([1.0, 1.0, np.nan]), coded=True, whole=False, **OPEN)
    assert gaps.cells(np.array([1.0, 2.0, np.nan])).tolist() == [0, -1, 1]


def test_nothing_stands_alone_at_the_ends_of_numbers():
    grid = triggers.Grid(np.arange(4.0), coded=False)
    assert grid.best_beside(np.array([1.0, 0.2, 0.3, 1.0]), 0).tolist() == [np.inf, 1.0, 1.0, np.inf]
    coded = triggers.Grid(np.arange(3.0), coded=True)
    assert coded.best_beside(np.array([1.0, 0.2, 0.3]), 0).tolist() == [0.3, 1.0, 1.0]


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="a grid a column"):
        triggers.trigger_search(
            lambda X: X[:, 0],
            np.zeros((3, 2)),
            np.zeros(3, int),
            [],
            classes=2,
            held=np.zeros((3, 2)),
            rng=None,
        )
