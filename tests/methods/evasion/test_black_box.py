"""Attacks find what is there, at the distance it is at, and never claim what is not."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from auditkit import progress
from auditkit.errors import Cancelled, InputError
from auditkit.methods.evasion import decision_search, linear_minimal_distance, random_search
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


class Counting:
    """A model that counts its calls and rows, and checks that it is asked in batches."""

    def __init__(self, function):
        self.function, self.calls, self.rows = function, 0, 0

    def __call__(self, rows):
        self.calls, self.rows = self.calls + 1, self.rows + len(rows)
        return self.function(rows)


def linear(seed, d, n=200):
    rng = np.random.default_rng(seed)
    w, b, scale = rng.normal(size=d), 0.3, rng.uniform(0.2, 5, d)
    X = rng.normal(size=(n, d)) * scale
    return X, w / scale, b, unit_space(d, scale=scale), lambda rows: (rows @ (w / scale) + b > 0).astype(int)


# the closed form


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_closed_form_is_where_the_label_turns(norm):
    X, w, b, space, label = linear(0, 4)
    exact = linear_minimal_distance(w, b, X, norm, scale=space.scale)
    g = w * space.scale * -np.sign(X @ w + b)[:, None]
    best = {"l1": np.where(np.abs(g) == np.abs(g).max(axis=1, keepdims=True), np.sign(g), 0),
            "l2": g / np.linalg.norm(g, axis=1, keepdims=True), "linf": np.sign(g)}[norm]  # fmt: skip
    step = best * space.scale * exact[:, None]
    assert np.all(label(X + 0.999 * step) == label(X))
    assert np.all(label(X + 1.001 * step) != label(X))
    np.testing.assert_allclose(space.distance(X, X + step, norm), exact)
    directions = np.random.default_rng(1).normal(size=(500, 1, 4))
    directions /= space.distance(np.zeros((500, 4)), directions[:, 0] * space.scale, norm)[:, None, None]
    inside = X + 0.999 * exact[:, None] * space.scale * directions
    assert np.all(label(inside.reshape(-1, 4)).reshape(500, -1) == label(X))


def test_closed_form_of_many_classes_agrees_with_optimisers():
    rng = np.random.default_rng(2)
    W, b, x = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3)
    own = int(np.argmax(W @ x + b))
    linf, l2 = [], []
    for other in set(range(4)) - {own}:
        g, gap = W[own] - W[other], (W[own] - W[other]) @ x + b[own] - b[other]
        # least t with |delta_i| <= t and g.delta <= -gap
        bounds = np.block(
            [[np.eye(3), -np.ones((3, 1))], [-np.eye(3), -np.ones((3, 1))], [g[None], np.zeros((1, 1))]]
        )
        linf.append(linprog([0, 0, 0, 1], bounds, [0] * 6 + [-gap], bounds=[(None, None)] * 4).fun)
        found = minimize(lambda v: v @ v, -g, jac=lambda v: 2 * v, method="SLSQP",
                         constraints={"type": "ineq", "fun": lambda v, g=g, gap=gap: -gap - g @ v})  # fmt: skip
        l2.append(np.sqrt(found.fun))
    np.testing.assert_allclose(linear_minimal_distance(W, b, [x], "linf"), min(linf), rtol=1e-6)
    np.testing.assert_allclose(linear_minimal_distance(W, b, [x], "l2"), min(l2), rtol=1e-4)


def test_closed_form_of_two_rows_of_weights_equals_that_of_their_difference():
    X, w, b, _, _ = linear(3, 4)
    two = linear_minimal_distance(np.stack([w, 3 * w]), [b, -b], X, "l1")
    np.testing.assert_allclose(two, linear_minimal_distance(2 * w, -2 * b, X, "l1"))


def test_closed_form_where_nothing_helps_is_infinite():
    np.testing.assert_array_equal(linear_minimal_distance([0.0, 0.0], 1.0, [[1.0, 2.0]]), [np.inf])
    with pytest.raises(InputError, match="'l0'"):
        linear_minimal_distance([1.0], 0, [[1.0]], "l0")


# label-only search


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
@pytest.mark.parametrize("d", [2, 5, 8])
def test_search_comes_close_to_the_exact_minimum_and_never_below(norm, d):
    X, w, b, space, label = linear(d, d)
    model = Counting(label)
    result = decision_search(
        model, X[:100], label(X[:100]), space, X, rng=np.random.default_rng(0), norm=norm
    )
    ratio = result.distance / linear_minimal_distance(w, b, X[:100], norm, scale=space.scale)
    assert result.success.all()
    assert ratio.min() >= 1 - 1e-9
    assert np.median(ratio) <= 1.05
    assert np.quantile(ratio, 0.9) <= 1.15
    assert np.all(label(result.adversarial) != label(X[:100]))
    np.testing.assert_allclose(space.distance(X[:100], result.adversarial, norm), result.distance)
    assert model.calls == result.calls <= 200
    assert model.rows == result.queries.sum() + len(X)  # the pool's own labels are no row's


def test_sparse_search_finds_single_features():
    label = lambda rows: ((rows[:, 0] > 1) | (rows[:, 1:].sum(axis=1) > 3)).astype(int)  # noqa: E731
    X = np.random.default_rng(4).normal(size=(300, 5))
    X0 = X[label(X) == 0][:60]
    result = decision_search(
        label, X0, np.zeros(60, dtype=int), unit_space(5), X, rng=np.random.default_rng(0), norm="l0"
    )
    assert np.all(result.distance == 1)  # feature 0 alone always suffices


def test_search_agrees_with_every_row_of_a_small_table_tried():
    rng = np.random.default_rng(5)
    space = FeatureSpace(
        names=list("abcd"), kind=["integer", "integer", "categorical", "categorical"], low=[0, 0, 0, 0], high=[9, 20, 0, 0],
        step=[1, 2, 0, 0], n_categories=[0, 0, 4, 3], mutable=[True, True, True, False], direction=[0, 1, 0, 0],
        scale=[2.0, 5.0, 1.0, 1.0], rules=(lambda before, after: after[:, 1] + after[:, 0] <= 24,),
    )  # fmt: skip

    def label(rows):  # a small tree
        a, b, c, e = rows.T
        return np.where(
            c == 2, (a > 6) | (b >= 12), np.where(e == 1, (a + b > 17), (a < 2) & (b > 7))
        ).astype(int)

    every = np.array(list(itertools.product(range(10), range(0, 21, 2), range(4), range(3))), dtype=float)
    X = every[rng.choice(len(every), 80, replace=False)]
    X = X[X[:, 0] + X[:, 1] <= 24]
    y = label(X)
    for norm in ("l1", "l2", "l0"):
        result = decision_search(label, X, y, space, every[::7], rng=rng, norm=norm, max_calls=120)
        before = np.repeat(X, len(every), axis=0)
        after = np.tile(every, (len(X), 1))
        allowed = ~space.violations(before, after).any(axis=1) & (label(after) != np.repeat(y, len(every)))
        length = (
            np.where(allowed, space.distance(before, after, norm), np.inf).reshape(len(X), -1).min(axis=1)
        )
        np.testing.assert_array_equal(np.isinf(result.distance), np.isinf(length))
        there = np.isfinite(length)
        assert there.sum() > 20
        assert np.all(result.distance[there] >= length[there] - 1e-9)
        assert np.mean(result.distance[there] <= length[there] + 1e-9) >= 0.93
        assert not space.violations(X, result.adversarial).any()


def twin(margin):
    """Return rows that one feature decides, at this margin on either side, and the model that does so."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(120, 4))
    X[:, 2] = rng.choice([-1, 1], 120) * margin * rng.uniform(1, 1.2, 120)
    return X, lambda rows: np.where(rows[:, 2] > 0, "yes", "no")


def test_guilty_twin_falls_within_the_radius():
    X, label = twin(0.05)
    result = decision_search(label, X, label(X), unit_space(4), X, rng=np.random.default_rng(0), radius=0.2)
    assert result.success.all()
    assert np.all((result.distance > 0.05) & (result.distance <= 0.2))
    assert set(result.reason) == {""}
    assert result.calls < 30  # a row within the radius is left alone


def test_innocent_twin_does_not():
    X, label = twin(2.0)
    result = decision_search(label, X, label(X), unit_space(4), X, rng=np.random.default_rng(0), radius=0.2)
    assert not result.success.any()
    assert np.all(result.distance >= 2.0)
    assert set(result.reason) == {"found beyond the radius only"}


def test_an_attack_that_cannot_start_has_failed_at_infinity():
    X, label = twin(0.05)
    stuck = unit_space(4, mutable=np.array([True, True, False, True]))  # the deciding feature cannot change
    for model, space, pool in [
        (label, stuck, X),
        (lambda rows: np.repeat("yes", len(rows)), unit_space(4), X[:0]),
    ]:
        y = model(X)
        result = decision_search(model, X, y, space, pool, rng=np.random.default_rng(0), max_calls=30)
        assert not result.success.any()
        assert np.all(result.distance == np.inf)
        assert set(result.reason) == {"nothing found"}
        np.testing.assert_array_equal(result.adversarial, X)


def test_without_a_pool_the_ranges_give_the_start():
    X, label = twin(0.5)
    result = decision_search(label, X, label(X), unit_space(4), X[:0], rng=np.random.default_rng(0))
    assert result.success.all()


def test_immutable_and_one_way_features_are_kept_by_the_attack():
    X, w, b, space, label = linear(7, 5)
    space = dataclasses.replace(space, mutable=[True, False, True, True, True], direction=[0, 0, 1, -1, 0])
    result = decision_search(label, X, label(X), space, X, rng=np.random.default_rng(0), max_calls=60)
    moved = result.adversarial - X
    assert result.success.mean() > 0.9
    assert np.all(moved[:, 1] == 0)
    assert moved[:, 2].min() >= 0 >= moved[:, 3].max()
    # exact with features free one way only: the dual norm of the weights that help
    g = -np.sign(X @ w + b)[:, None] * w * space.scale
    helps = np.where(space.direction == 0, g, np.where(space.direction * g > 0, g, 0)) * space.mutable
    exact = np.abs(X @ w + b) / np.linalg.norm(helps, axis=1)
    ratio = (result.distance / exact)[result.success]
    assert ratio.min() >= 1 - 1e-9
    assert np.median(ratio) <= 1.15


def test_missing_values_stay_unless_filled_in():
    X, label = twin(0.05)
    X[::2, 0] = np.nan
    result = decision_search(label, X, label(X), unit_space(4), X, rng=np.random.default_rng(0), max_calls=60)
    assert result.success.all()
    assert np.isnan(result.adversarial[::2, 0]).mean() > 0.9  # filling in costs 1 and does not help
    assert np.median(result.distance) < 0.1


def test_rows_with_another_label_already_are_not_attacked():
    X, label = twin(0.05)
    y = label(X)
    y[:3] = np.where(y[:3] == "yes", "no", "yes")
    result = decision_search(label, X, y, unit_space(4), X, rng=np.random.default_rng(0), max_calls=20)
    assert set(result.reason[:3]) == {"had another label"}
    assert np.all(np.isnan(result.distance[:3]) & ~result.success[:3])
    assert result.success[3:].all()
    numbers = decision_search(
        label, X, np.zeros(len(X)), unit_space(4), X, rng=np.random.default_rng(0), max_calls=20
    )
    assert not numbers.success.any()  # labels of another type never look like a successful attack


def test_success_is_measured_again_at_the_end():
    X, label = twin(0.05)
    model = Counting(label)

    def wavering(rows):  # true to itself until the last call
        answer = model(rows)
        return label(X[:1]).repeat(len(rows)) if model.calls == 20 else answer

    rows = X[label(X) == label(X[:1])]
    result = decision_search(
        wavering, rows, label(rows), unit_space(4), X, rng=np.random.default_rng(0), max_calls=20
    )
    assert result.calls == 20
    assert not result.success.any()
    assert set(result.reason) == {"the model did not repeat its answer"}
    assert np.all(result.distance == np.inf)


@pytest.mark.parametrize("max_calls", [5, 6, 10, 37, 100])
def test_budget_is_held_and_a_larger_one_does_no_worse(max_calls):
    X, _, _, space, label = linear(8, 6)
    model = Counting(label)
    result = decision_search(model, X, label(X), space, X, rng=np.random.default_rng(0), max_calls=max_calls)
    assert result.calls == model.calls <= max_calls
    more = decision_search(label, X, label(X), space, X, rng=np.random.default_rng(0), max_calls=150)
    assert np.median(more.distance) < np.median(result.distance)


def test_one_seed_gives_one_result():
    X, _, _, space, label = linear(9, 4)
    first, second = (
        decision_search(label, X, label(X), space, X, rng=np.random.default_rng(3), max_calls=40)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.adversarial, second.adversarial)
    np.testing.assert_array_equal(first.queries, second.queries)


def test_search_says_how_far_it_is_and_stops_when_asked():
    X, _, _, space, label = linear(10, 4)
    heard = []
    with progress.listening(lambda fraction, what: heard.append(fraction)):
        decision_search(label, X, label(X), space, X, rng=np.random.default_rng(0), max_calls=40)
    assert heard == sorted(heard)
    assert 0 < heard[0] < heard[-1] <= 1

    def stop(fraction, what):
        raise Cancelled

    with progress.listening(stop), pytest.raises(Cancelled):
        decision_search(label, X, label(X), space, X, rng=np.random.default_rng(0))


# search by scores


def scores_of(w, b):
    def scores(rows):
        z = rows @ w + b
        return np.column_stack([-z, z])

    return scores


@pytest.mark.parametrize("d", [3, 10])
def test_random_search_succeeds_where_the_closed_form_says_it_can_and_nowhere_else(d):
    X, w, b, space, label = linear(11, d)
    exact = linear_minimal_distance(w, b, X, "linf", scale=space.scale)
    radius = float(np.median(exact))
    model = Counting(scores_of(w, b))
    result = random_search(model, X, label(X), space, radius, rng=np.random.default_rng(0), max_calls=100)
    assert not result.success[exact > radius].any()
    assert result.success[exact < 0.9 * radius].mean() >= 0.95
    assert np.all(result.distance[result.success] <= radius)
    assert np.all(label(result.adversarial)[result.success] != label(X)[result.success])
    assert model.calls == result.calls <= 100
    assert model.rows == result.queries.sum()
    assert set(result.reason[~result.success]) == {"nothing found within the radius"}
    assert np.all(result.distance[~result.success] == np.inf)


def test_random_search_changes_as_many_categories_as_it_may():
    space = unit_space(4, kind=["integer", "categorical", "categorical", "continuous"], low=[0, 0, 0, -9],
                       high=[9, 0, 0, 9], step=[1, 0, 0, 0], n_categories=[0, 5, 5, 0], scale=[2.0, 1, 1, 1])  # fmt: skip

    def scores(rows):
        good = (rows[:, 1] == 3) + 1.0 * (rows[:, 2] == 4) + 0.1 * rows[:, 0]
        return np.column_stack([np.full(len(rows), 1.5), good])

    X, y = np.zeros((40, 4)), np.zeros(40, dtype=int)
    for allowed, expected in [(0, 0), (1, 0), (2, 40)]:  # one category and 1 of age reach 1.1, two reach 2
        result = random_search(
            scores, X, y, space, 0.5, rng=np.random.default_rng(0), category_changes=allowed
        )
        assert result.success.sum() == expected
        assert np.all((result.adversarial != X)[:, 1:3].sum(axis=1) <= allowed)
        assert set(np.unique(result.adversarial[:, 0])) <= {
            0.0,
            1.0,
        }  # 0.5 units of 2, on the grid of integers
    narrow = random_search(scores, X, y, space, 0.3, rng=np.random.default_rng(0), category_changes=2)
    assert np.all(narrow.adversarial[:, 0] == 0)  # a whole step is 0.5


def test_random_search_leaves_categories_that_cost_too_much():
    space = unit_space(3, kind=["categorical", "categorical", "continuous"], low=[0, 0, -9], high=[0, 0, 9], step=[0, 0, 0],
                       n_categories=[4, 4, 0], scale=[1, 1, 1], category_cost=[2.0, 0.3, 1.0])  # fmt: skip
    asked = []

    def scores(rows):
        asked.append(rows.copy())
        return np.column_stack([np.full(len(rows), 0.5), np.isin(rows[:, 0], (1, 2)) | (rows[:, 1] == 3)])

    X, y = np.zeros((30, 3)), np.zeros(30, dtype=int)
    free = random_search(scores, X, y, space, 0.5, rng=np.random.default_rng(0), category_changes=2)
    assert (free.adversarial[:, 0] != 0).any()
    asked.clear()
    held = random_search(
        scores, X, y, space, 0.5, rng=np.random.default_rng(0), category_changes=2, category_radius=0.5
    )
    assert (np.concatenate(asked)[:, 0] == 0).all()
    assert held.success.all()
    assert (held.adversarial[:, 1] == 3).all()
    assert (held.distance <= 0.5).all()


def test_random_search_leaves_ties_constant_models_and_missing_cells():
    X = np.random.default_rng(12).normal(size=(20, 3))
    X[:, 1] = np.nan
    y = np.zeros(20, dtype=int)
    even = random_search(
        lambda rows: np.ones((len(rows), 2)), X, y, unit_space(3), 1.0, rng=np.random.default_rng(0)
    )
    assert not even.success.any()
    brittle = random_search(lambda rows: np.column_stack([np.abs(rows[:, 0] - X[0, 0]) < 1e-6, 0.5 * np.ones(len(rows))]),
                            X[:1], y[:1], unit_space(3), 0.1, rng=np.random.default_rng(0))  # fmt: skip
    assert brittle.success.all()
    assert np.isnan(brittle.adversarial[0, 1])
    other = random_search(lambda rows: np.tile([0.0, 1.0], (len(rows), 1)), X, y, unit_space(3), 1.0,
                          rng=np.random.default_rng(0))  # fmt: skip
    assert set(other.reason) == {"had another label"}
    assert np.isnan(other.distance).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda s, f, r: decision_search(f, np.zeros((2, 2)), [0], s, np.zeros((1, 2)), rng=r),
            "each of 2 rows",
        ),
        (
            lambda s, f, r: decision_search(f, np.zeros((2, 3)), [0, 0], s, np.zeros((1, 2)), rng=r),
            "2 columns",
        ),
        (
            lambda s, f, r: decision_search(
                f, np.zeros((1, 2)), [0], s, np.zeros((1, 2)), rng=r, max_calls=4
            ),
            ">= 5",
        ),
        (
            lambda s, f, r: decision_search(f, np.zeros((1, 2)), [0], s, np.zeros((1, 2)), rng=r, radius=0),
            "radius > 0",
        ),
        (
            lambda s, f, r: decision_search(f, np.zeros((1, 2)), [0], s, np.zeros((1, 2)), rng=r, norm="l3"),
            "norm named",
        ),
        (
            lambda s, f, r: decision_search(
                lambda x: f(x)[:, None], np.zeros((1, 2)), [0], s, np.zeros((1, 2)), rng=r
            ),
            "labels",
        ),
        (
            lambda s, f, r: decision_search(
                lambda x: f(x)[1:], np.zeros((1, 2)), [0], s, np.zeros((1, 2)), rng=r
            ),
            "1 rows",
        ),
        (lambda s, f, r: random_search(f, np.zeros((1, 2)), [0], s, 1.0, rng=r), "scores"),
        (
            lambda s, f, r: random_search(lambda x: x * np.nan, np.zeros((1, 2)), [0], s, 1.0, rng=r),
            "nan scores",
        ),
        (
            lambda s, f, r: random_search(lambda x: x, np.zeros((1, 2)), [2], s, 1.0, rng=r),
            "each reference class",
        ),
        (lambda s, f, r: random_search(lambda x: x, np.zeros((1, 2)), ["a"], s, 1.0, rng=r), "column number"),
        (lambda s, f, r: random_search(lambda x: x, np.zeros((1, 2)), [0], s, 0.0, rng=r), "radius > 0"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(InputError, match=message):
        call(unit_space(2), lambda rows: np.zeros(len(rows), dtype=int), np.random.default_rng(0))


def test_no_rows_give_no_rows():
    none, rng = np.zeros((0, 2)), np.random.default_rng(0)
    labels = decision_search(lambda rows: np.zeros(len(rows)), none, [], unit_space(2), none, rng=rng)
    scores = random_search(lambda rows: rows, none, np.zeros(0, dtype=int), unit_space(2), 1.0, rng=rng)
    assert labels.adversarial.shape == scores.adversarial.shape == (0, 2)
    assert labels.calls == scores.calls == 0
