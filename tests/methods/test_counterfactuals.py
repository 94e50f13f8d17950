"""Counterfactuals: what is found is allowed, wanted, sparse, and as cheap as the closed form says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.methods.counterfactuals import counterfactuals
from auditkit.methods.feature_space import FeatureSpace

WEIGHTS = np.array([1.0, -2.0, 0.5, 0.0, 0.1])


def linear(rows):
    return rows @ WEIGHTS > 0


def refused(n, seed=0):
    pool = np.random.default_rng(seed).normal(size=(400, 5))
    space = FeatureSpace.infer(pool, ["continuous"] * 5, list("abcde"))
    return pool[~linear(pool)][:n], space, pool


def search(ask, X, space, pool, seed=0, **options):
    return counterfactuals(ask, X, space, pool, rng=np.random.default_rng(seed), **options)


def best(got, n):
    """Return the least cost of each row; infinite where nothing was found."""
    cost = np.full(n, np.inf)
    np.minimum.at(cost, got.of, got.cost)
    return cost


def test_the_least_cost_of_a_linear_model_is_found():
    X, space, pool = refused(80)
    got = search(linear, X, space, pool)
    # by hand: in l1 the whole margin goes to the input that takes away most of it for one unit, as far as its range reaches
    need = -(X @ WEIGHTS)
    rate = np.abs(WEIGHTS) * space.scale
    room = np.where(WEIGHTS > 0, space.high - X, X - space.low) / space.scale
    order = np.argsort(-rate)
    left, exact = need.copy(), np.zeros(len(X))
    for j in order[:4]:
        step = np.minimum(left / rate[j], room[:, j])
        left, exact = left - step * rate[j], exact + step
    assert np.allclose(left, 0)
    found = best(got, len(X))
    assert (found >= exact * (1 - 1e-9)).all(), "nothing is cheaper than the cheapest there is"
    assert np.median(found / exact) < 1.01
    assert (found / exact).max() < 1.2


def test_one_input_is_enough_wherever_one_is():
    X, space, pool = refused(80)
    got = search(linear, X, space, pool)
    reach = np.where(WEIGHTS > 0, space.high - X, X - space.low) * np.abs(WEIGHTS)
    one = (reach > -(X @ WEIGHTS)[:, None]).any(axis=1)
    first = np.unique(got.of, return_index=True)[1]
    assert (got.inputs[first][one] == 1).all()


def test_a_box_needs_every_input_that_lies_outside():
    pool = np.random.default_rng(1).random((600, 3))
    space = FeatureSpace.infer(pool, ["continuous"] * 3, list("abc"))

    def ask(rows):
        return (rows > 0.6).all(axis=1)

    X = pool[~ask(pool)][:100]
    got = search(ask, X, space, pool)
    first = np.unique(got.of, return_index=True)[1]
    assert len(first) == 100
    # the only way: every input below goes to the edge of the box
    assert (got.inputs[first] == (X <= 0.6).sum(axis=1)).all()
    exact = (np.maximum(0.6 - X, 0) / space.scale).sum(axis=1)
    assert best(got, 100) == pytest.approx(exact, rel=0.02, abs=0.01)


def test_ways_of_a_row_go_through_different_inputs():
    X, space, pool = refused(60)
    got = search(linear, X, space, pool, several=3)
    assert np.bincount(got.of).max() > 1
    sets = {}
    for row, changed in zip(got.of.tolist(), space.changed(X[got.of], got.rows), strict=True):
        sets.setdefault(row, []).append(frozenset(np.flatnonzero(changed).tolist()))
    assert all(len(set(own)) == len(own) for own in sets.values())


def test_only_one_way_is_no_other():
    X, space, pool = refused(40)
    got = search(linear, X, space, pool, several=1)
    assert np.bincount(got.of).max() <= 2, "the sparsest, and the cheapest where it is another"


def test_nothing_is_found_where_nothing_is():
    X, space, pool = refused(30)
    got = search(lambda rows: np.zeros(len(rows), dtype=bool), X, space, pool)
    assert len(got.of) == 0
    got = search(lambda rows: np.ones(len(rows), dtype=bool), X, space, pool)
    assert len(got.of) == 0, "rows that have the wanted answer need none"


def test_calls_stay_within_the_budget():
    X, space, pool = refused(30)
    for budget in (5, 10, 20, 150):
        calls = 0

        def ask(rows):
            nonlocal calls
            calls += 1
            return linear(rows)

        got = search(ask, X, space, pool, max_calls=budget)
        assert calls == got.calls <= budget


def test_a_wide_table_is_made_sparse_within_the_budget():
    pool = np.random.default_rng(0).normal(size=(300, 80))
    space = FeatureSpace.infer(pool, ["continuous"] * 80, [f"x{j}" for j in range(80)])

    def ask(rows):
        return (rows[:, 0] > 0.5) & (rows[:, 1] > 0.5)

    X = pool[~ask(pool)][:40]
    got = search(ask, X, space, pool, max_calls=100)
    first = np.unique(got.of, return_index=True)[1]
    assert len(first) == 40
    assert (got.inputs[first] == (X[:, :2] <= 0.5).sum(axis=1)).all()


def test_the_same_seed_finds_the_same():
    X, space, pool = refused(30)
    one, two = (search(linear, X, space, pool, seed=4) for _ in range(2))
    assert np.array_equal(one.rows, two.rows)
    assert np.array_equal(one.of, two.of)


def test_costs_above_the_largest_do_not_count():
    X, space, pool = refused(60)
    got = search(linear, X, space, pool, most=0.3)
    free = best(search(linear, X, space, pool), 60)
    assert got.cost.max() <= 0.3
    assert set(got.of.tolist()) == set(np.flatnonzero(free <= 0.3).tolist())


def test_options_that_do_not_fit_are_refused():
    X, space, pool = refused(5)
    with pytest.raises(InputError, match="max_calls"):
        search(linear, X, space, pool, max_calls=3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_what_is_found_is_allowed_and_wanted(seed):
    rng = np.random.default_rng(seed)
    pool = np.column_stack(
        [rng.normal(size=120), rng.integers(0, 6, 120), rng.integers(0, 3, 120), rng.normal(size=120)]
    ).astype(float)
    pool[rng.random(120) < 0.1, 0] = np.nan
    space = FeatureSpace.infer(
        pool,
        ["continuous", "integer", "categorical", "continuous"],
        list("abcd"),
        immutable=["d"] if seed % 2 else [],
        direction={"b": int(rng.choice([-1, 0, 1]))},
        rules=[lambda old, new: new[:, 1] <= 4] if seed % 3 else [],
    )
    w = rng.normal(size=4)

    def ask(rows):
        return np.nan_to_num(rows) @ w + (rows[:, 2] == 1) > 0.5

    X = pool[~ask(pool)][:25]
    got = search(ask, X, space, pool, seed=seed, max_calls=60)
    assert not space.violations(X[got.of], got.rows).any()
    assert ask(got.rows).all()
    assert (got.inputs >= 1).all()
    assert np.array_equal(got.inputs, space.changed(X[got.of], got.rows).sum(axis=1))
    assert got.cost == pytest.approx(space.distance(X[got.of], got.rows, "l1"))


@pytest.mark.parametrize("kind", ["tree", "forest", "boosting"])
def test_trees_are_turned_near_the_exact_least_change(kind):
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    from auditkit.methods import evasion

    model = {
        "tree": DecisionTreeClassifier(max_depth=5, random_state=0),
        "forest": RandomForestClassifier(8, max_depth=4, random_state=0),
        "boosting": GradientBoostingClassifier(n_estimators=20, random_state=0),
    }[kind]
    pool = np.random.default_rng(0).normal(size=(500, 4))
    y = ((pool[:, 0] + pool[:, 1] * pool[:, 2] > 0.5) & (pool[:, 3] > -0.5)).astype(int)
    model.fit(pool, y)
    space = FeatureSpace.infer(pool, ["continuous"] * 4, list("abcd"))
    X = pool[model.predict(pool) == 0][:40]
    got = search(lambda rows: model.predict(rows) == 1, X, space, pool, scores=model.predict_proba)
    trees, scores = evasion.read_classifier(model)
    cells = evasion.cells_of(
        trees.based_on(scores(X), X), lambda rows: rows, space, X, np.zeros(4, dtype=bool)
    )
    inputs = np.full(40, np.inf)
    np.minimum.at(inputs, got.of, got.inputs)
    for norm, found in (("l0", inputs), ("l1", best(got, 40))):
        exact = evasion.tree_minimal_distance(cells, model.predict, X, np.zeros(40, dtype=int), norm=norm)
        assert (found >= exact.lower * (1 - 1e-6)).all(), "nothing is nearer than the nearest there is"
        assert exact.proved.all()
        assert (found / exact.upper).mean() < 1.1
        assert (found / exact.upper < 1.01).mean() > 0.8
