"""The search by scores reaches what the radius allows, in every norm, and never more; queries are those that were asked."""

from __future__ import annotations

import numpy as np
import pytest

from auditkit.errors import InputError
from auditkit.methods.evasion import decision_search, feature_search, linear_minimal_distance, random_search
from auditkit.methods.feature_space import FeatureSpace


def unit_space(d, **changes):
    parts = {
        "names": [f"f{i}" for i in range(d)],
        "kind": ["continuous"] * d,
        "low": np.full(d, -np.inf),
        "high": np.full(d, np.inf),
        "step": np.zeros(d),
        "n_categories": np.zeros(d),
        "mutable": np.ones(d, dtype=bool),
        "direction": np.zeros(d),
        "scale": np.ones(d),
    }
    return FeatureSpace(**(parts | changes))


class Spy:
    """A model that counts its calls, and the rows of each."""

    def __init__(self, function):
        self.function, self.sizes = function, []

    def __call__(self, rows):
        self.sizes.append(len(rows))
        return self.function(rows)


def logistic(seed, d, n=120):
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.2, 5, d)
    w, X = rng.normal(size=d) / scale, rng.normal(size=(n, d)) * scale

    def ask(rows):
        p = 1 / (1 + np.exp(-(rows @ w + 0.3)))
        return np.stack([1 - p, p], axis=1)

    return X, w, unit_space(d, scale=scale), ask


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
@pytest.mark.parametrize("d", [3, 12])
def test_a_linear_model_is_flipped_where_its_boundary_is_within_the_radius_and_nowhere_else(norm, d):
    X, w, space, ask = logistic(d, d)
    y = ask(X).argmax(axis=1)
    exact = linear_minimal_distance(w, 0.3, X, norm, scale=space.scale)
    radius = float(np.median(exact))
    found = feature_search(ask, X, y, space, radius, rng=np.random.default_rng(0), norm=norm, max_calls=60)
    assert not found.success[exact > radius].any()
    assert found.success[exact <= 0.98 * radius].all()
    assert (found.distance[found.success] >= exact[found.success] * (1 - 1e-9)).all()
    assert (found.distance[found.success] <= radius).all()
    np.testing.assert_allclose(
        space.distance(X, found.adversarial, norm)[found.success], found.distance[found.success]
    )
    assert (ask(found.adversarial).argmax(axis=1) != y)[found.success].all()


def test_the_least_number_of_features_is_found():
    # f0 lifts the score by 3 at its end, two others by 2 each: one change suffices where f0 may move, else two
    def ask(rows):
        z = 3.0 * rows[:, 0] + 2.0 * (rows[:, 1] + rows[:, 2]) - 2.5
        p = 1 / (1 + np.exp(-z))
        return np.stack([1 - p, p], axis=1)

    X, y = np.zeros((5, 4)), np.zeros(5, dtype=int)
    space = unit_space(4, low=np.zeros(4), high=np.ones(4))
    held = unit_space(4, low=np.zeros(4), high=np.ones(4), mutable=[False, True, True, True])

    def distances(space, radius):
        rng = np.random.default_rng(0)
        return feature_search(ask, X, y, space, radius, rng=rng, norm="l0", max_calls=40).distance

    assert (distances(space, 1) == 1).all()
    assert np.isinf(distances(held, 1)).all()
    assert (distances(held, 2) == 2).all()


def test_categories_whole_numbers_ranges_and_rules_are_kept():
    rng = np.random.default_rng(1)
    space = FeatureSpace(
        names=list("abcd"), kind=["integer", "integer", "categorical", "continuous"], low=[0, 0, 0, -1], high=[9, 20, 0, 1],
        step=[1, 2, 0, 0], n_categories=[0, 0, 9, 0], mutable=[True, True, True, False], direction=[0, 1, 0, 0],
        scale=[2.0, 5.0, 1.0, 1.0], rules=(lambda before, after: after[:, 1] + after[:, 0] <= 24,),
    )  # fmt: skip

    def ask(rows):
        a, b, c, _ = rows.T
        p = np.clip(0.03 * a + 0.02 * b + 0.3 * (c == 7), 0, 1)
        return np.stack([1 - p, p], axis=1)

    X = np.column_stack(
        [rng.integers(0, 10, 80), 2 * rng.integers(0, 8, 80), rng.integers(0, 9, 80), rng.normal(size=80)]
    )
    X = X[X[:, 0] + X[:, 1] <= 24].astype(float)
    X[3, 0] = np.nan
    X = X[np.isfinite(X).all(axis=1)]
    y = ask(X).argmax(axis=1)
    for norm, radius in (("l2", 1.8), ("l1", 2.5), ("linf", 1.2), ("l0", 2)):
        asked = []

        def spied(rows, asked=asked):
            asked.append(rows)
            return ask(rows)

        found = feature_search(
            spied, X, y, space, radius, rng=np.random.default_rng(0), norm=norm, max_calls=60
        )
        assert found.success.any()
        assert not space.violations(X, found.adversarial).any()
        assert (found.distance[found.success] <= radius).all()
        everything = np.concatenate(asked)
        assert (everything[:, :3] == np.rint(everything[:, :3])).all()
        assert ((everything[:, 0] >= 0) & (everything[:, 0] <= 9)).all()


def test_a_missing_value_stays_missing():
    def ask(rows):
        p = np.clip(0.4 + 0.3 * np.nan_to_num(rows[:, 0]) + 0.2 * rows[:, 1], 0, 1)
        return np.stack([1 - p, p], axis=1)

    X = np.array([[np.nan, 0.0], [0.0, 0.0]])
    found = feature_search(ask, X, [0, 0], unit_space(2), 1.0, rng=np.random.default_rng(0))
    assert found.success.all()
    assert np.isnan(found.adversarial[0, 0])


@pytest.mark.parametrize("budget", [4, 10, 40])
def test_the_budget_is_kept_and_the_queries_are_those_that_were_asked(budget):
    X, _, space, ask = logistic(5, 6)
    y = ask(X).argmax(axis=1)
    spy = Spy(ask)
    found = feature_search(spy, X, y, space, 0.2, rng=np.random.default_rng(0), max_calls=budget)
    assert len(spy.sizes) == found.calls <= budget
    assert sum(spy.sizes) == found.queries.sum()
    assert max(spy.sizes) <= 8 * len(X)
    assert (found.first[found.success] <= found.queries[found.success]).all()
    assert np.isinf(found.first[~found.success]).all()


def test_no_model_is_flipped_beyond_the_radius_and_the_seed_decides():
    X, w, space, ask = logistic(6, 5)
    y = ask(X).argmax(axis=1)
    short = 0.99 * float(linear_minimal_distance(w, 0.3, X, scale=space.scale).min())
    for seed in range(5):
        quiet = feature_search(ask, X, y, space, short, rng=np.random.default_rng(seed), max_calls=30)
        assert not quiet.success.any()
        assert np.isinf(quiet.distance).all()
        np.testing.assert_array_equal(quiet.adversarial, X)
    one, two = (
        feature_search(ask, X, y, space, 0.5, rng=np.random.default_rng(3), max_calls=30) for _ in range(2)
    )
    np.testing.assert_array_equal(one.adversarial, two.adversarial)


def test_it_needs_no_more_queries_than_squares_on_a_forest():
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 8))
    model = RandomForestClassifier(30, random_state=0).fit(
        X[:400], (X[:400] @ rng.normal(size=8) > 0).astype(int)
    )
    rows = X[400:460]
    y = model.predict(rows)
    found = [
        search(
            model.predict_proba,
            rows,
            y,
            unit_space(8),
            0.4,
            rng=np.random.default_rng(0),
            max_calls=40,
            **more,
        )
        for search, more in ((feature_search, {"norm": "linf"}), (random_search, {}))
    ]
    assert found[0].success.mean() >= found[1].success.mean() - 0.05
    assert np.median(found[0].first) <= np.median(found[1].first)


def test_the_queries_at_the_first_flip_are_those_of_the_step_that_found_it():
    # the label turns at 1; the pool's only other row is at 2, so the first start is a flip within 3
    label = lambda rows: (rows[:, 0] > 1).astype(int)  # noqa: E731
    X = np.zeros((4, 1))
    for goal, most in ((3.0, 10), (None, 10), (0.9, np.inf)):
        found = decision_search(
            label,
            X,
            np.zeros(4, dtype=int),
            unit_space(1),
            [[2.0]],
            rng=np.random.default_rng(0),
            max_calls=40,
            goal=goal,
        )
        assert found.success.all()
        assert (found.first <= most).all() if np.isfinite(most) else np.isinf(found.first).all()


def test_what_does_not_fit_is_said():
    _, _, space, ask = logistic(0, 3)
    with pytest.raises(InputError, match="radius > 0"):
        feature_search(ask, np.zeros((2, 3)), [0, 0], space, 0.0, rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="column number"):
        feature_search(ask, np.zeros((2, 3)), [0.0, 0.0], space, 1.0, rng=np.random.default_rng(0))
