"""Separable: minimal changes of linear models against every change there is, and against a convex program."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from auditkit.errors import InputError, NotApplicable
from auditkit.methods.evasion import linear_minimal_distance
from auditkit.methods.evasion.additive import additive_score
from auditkit.methods.evasion.separable import additive_minimal_distance
from auditkit.methods.feature_space import FeatureSpace

NORMS = ["l1", "l2", "linf", "l0"]


def linear(weights, offset=0.0, tables=()):
    """Return scores and labels of a linear model of numbers, with a table for each category after them."""
    weights = np.atleast_2d(np.asarray(weights, dtype=float))

    def scores(rows):
        count = weights.shape[1]
        out = np.nan_to_num(rows[:, :count], nan=0.5) @ weights.T + offset
        for at, table in enumerate(tables):
            out = out + np.asarray(table)[rows[:, count + at].astype(int)]
        return np.column_stack([np.zeros(len(out)), out]) if out.shape[1] == 1 else out

    return scores, lambda rows: scores(rows).argmax(axis=1)


def found(scores, labels, X, space, norm):
    return additive_minimal_distance(
        additive_score(scores, X, space), scores(X), labels, X, labels(X), space, norm=norm
    )


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_without_ends_it_is_the_closed_form(norm, classes):
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(50, 4)), rng.normal(size=(classes, 4))
    space = FeatureSpace.infer(X, ["continuous"] * 4, list("abcd"))
    space = replace(space, low=np.full(4, -np.inf), high=np.full(4, np.inf))
    got = found(*linear(weights), X, space, norm)
    exact = linear_minimal_distance(weights, np.zeros(classes), X, norm, scale=space.scale)
    np.testing.assert_allclose(got.lower, exact, rtol=1e-6)
    np.testing.assert_allclose(got.upper, exact, rtol=1e-6)
    assert got.proved.all()


@pytest.mark.parametrize("norm", NORMS)
def test_filling_in_a_number_without_an_end_is_worth_anything(norm):
    """The missing value counts 0.5, so that the score is 1.5; filled in with -10 it is negative, at the cost of filling in."""
    X = np.array([[np.nan, 1.0], [0.5, 1.0]])
    space = FeatureSpace.infer(np.array([[0.0, 0.0], [1.0, 1.0]]), ["continuous"] * 2, ["a", "b"])
    space = replace(
        space,
        low=np.full(2, -np.inf),
        high=np.full(2, np.inf),
        scale=np.ones(2),
        category_cost=np.array([0.3, 1.0]),
    )
    got = found(*linear([1.0, 1.0]), X, space, norm)
    assert got.lower[0] <= (1.0 if norm == "l0" else 0.3)
    assert got.lower[1] == pytest.approx(
        {"l1": 1.5, "l2": 1.5 / np.sqrt(2), "linf": 0.75, "l0": 1.0}[norm], rel=1e-5
    )


def test_a_range_without_an_end_beside_one_with_ends_makes_no_bound_too_high():
    X = np.array([[0.0, 0.0]])
    space = FeatureSpace(
        names=("a", "b"), kind=("continuous",) * 2, low=np.array([0, -np.inf]), high=np.array([1, np.inf]),
        step=np.zeros(2), n_categories=np.zeros(2), mutable=np.ones(2), direction=np.zeros(2), scale=np.ones(2),
    )  # fmt: skip
    got = found(*linear([4.0, 1.0], -5.0), X, space, "l1")
    # the steeper gives 4 of 5 for 1, the other the last for 1
    assert got.lower[0] == pytest.approx(2.0)
    assert got.upper[0] == pytest.approx(2.0)


def test_a_column_without_ends_is_changed_to_a_number_that_can_be_written():
    X = np.array([[0.0, 0.0]])
    space = FeatureSpace(
        names=("a", "b"), kind=("continuous",) * 2, low=np.full(2, -np.inf), high=np.full(2, np.inf),
        step=np.zeros(2), n_categories=np.zeros(2), mutable=np.ones(2), direction=np.zeros(2), scale=np.full(2, 1e10),
    )  # fmt: skip
    got = found(*linear([1.0, 2.0], -5.0), X, space, "l0")
    assert got.upper[0] == 1
    assert got.lower[0] == pytest.approx(1)
    assert np.isfinite(got.adversarial).all()
    assert np.abs(got.adversarial).max() < 6


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    norm=st.sampled_from(["l1", "l2", "linf"]),
    mutable=st.tuples(*[st.booleans()] * 3),
    direction=st.tuples(*[st.sampled_from([-1, 0, 1])] * 3),
)
def test_within_a_box_it_is_what_a_convex_program_finds(seed, norm, mutable, direction):
    rng = np.random.default_rng(seed)
    X, weights = rng.uniform(-1, 1, size=(4, 3)), rng.normal(size=3)
    space = FeatureSpace(
        names=("a", "b", "c"), kind=("continuous",) * 3, low=np.full(3, -1.2), high=np.full(3, 1.1),
        step=np.zeros(3), n_categories=np.zeros(3), mutable=np.array(mutable), direction=np.array(direction),
        scale=rng.uniform(0.5, 2, 3),
    )  # fmt: skip
    scores, labels = linear(weights, 0.2)
    got = found(scores, labels, X, space, norm)
    for i, row in enumerate(X):
        side = 1 if labels(X)[i] else -1
        low = np.where(space.mutable & (space.direction <= 0), space.low - row, 0) / space.scale
        high = np.where(space.mutable & (space.direction >= 0), space.high - row, 0) / space.scale
        w, gap = -side * weights * space.scale, side * scores(X)[i, 1]
        best = np.where(w > 0, w * high, w * low).sum()
        if best < gap:
            assert np.isinf(got.lower[i])
            assert np.isinf(got.upper[i])
            continue
        if norm == "l2":
            exact = np.sqrt(minimize(lambda u: u @ u, np.where(w > 0, high, low), jac=lambda u: 2 * u, method="SLSQP",
                                     bounds=list(zip(low, high, strict=True)), options={"ftol": 1e-14, "maxiter": 500},
                                     constraints={"type": "ineq", "fun": lambda u, w=w, g=gap: w @ u - g}).fun)  # fmt: skip
        else:
            size = 3 if norm == "l1" else 1
            spread = np.eye(3) if norm == "l1" else np.ones((3, 1))
            sides = np.block([[np.eye(3), -spread], [-np.eye(3), -spread], [-w[None], np.zeros((1, size))]])
            exact = linprog(np.append(np.zeros(3), np.ones(size)), sides, np.append(np.zeros(6), -gap),
                            bounds=[*zip(low, high, strict=True), *[(0, None)] * size]).fun  # fmt: skip
        assert got.lower[i] == pytest.approx(exact, rel=1e-4, abs=1e-7)
        assert got.upper[i] == pytest.approx(exact, rel=1e-4, abs=1e-7) or best < gap * (1 + 1e-6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    norm=st.sampled_from(NORMS),
    classes=st.sampled_from([1, 3]),
    fixed=st.integers(0, 4),
)
def test_whole_numbers_and_categories_lie_between_the_bounds(seed, norm, classes, fixed):
    rng = np.random.default_rng(seed)
    weights, tables = rng.normal(size=(classes, 2)), rng.normal(size=(2, 3, classes)) * 2
    space = FeatureSpace(
        names=("a", "b", "c", "d"), kind=("integer", "integer", "categorical", "categorical"),
        low=np.array([0, 1, 0, 0]), high=np.array([6, 9, 2, 2]), step=np.array([1, 2, 0, 0]),
        n_categories=np.array([0, 0, 3, 3]), mutable=np.arange(4) != fixed, direction=np.zeros(4),
        scale=np.array([2.0, 3.0, 1, 1]), category_cost=np.array([1.0, 1.0, 0.8, 1.3]),
    )  # fmt: skip
    every = np.array(list(itertools.product(range(7), range(1, 10, 2), range(3), range(3))), dtype=float)
    scores, labels = linear(weights, -weights @ np.array([3, 5.0]), tables)
    X = every[rng.integers(len(every), size=15)]
    got = found(scores, labels, X, space, norm)
    own = labels(every)
    for i, row in enumerate(X):
        before = np.tile(row, (len(every), 1))
        there = ~space.violations(before, every).any(axis=1) & (own != labels(row[None]))
        exact = space.distance(before, every, norm)[there].min(initial=np.inf)
        assert got.lower[i] <= exact * (1 + 1e-9)
        assert got.upper[i] >= exact * (1 - 1e-9)
        if got.proved[i]:
            assert got.upper[i] == pytest.approx(exact) or np.isinf(exact)


def test_missing_values_are_filled_in_at_their_cost():
    X = np.array([[np.nan, 1.0], [0.2, 1.0], [0.9, 0.0]])
    space = FeatureSpace.infer(
        np.array([[0.0, 0], [1, 1], [0.5, 0.5]]), ["continuous"] * 2, ["a", "b"], immutable=["b"]
    )
    scores, labels = linear(
        [1.0, 0.0], -0.7
    )  # missing counts as 0.5: the answer is 0, and 1 after filling in
    got = found(scores, labels, X, space, "l1")
    np.testing.assert_allclose(got.upper, [1.0, 0.5 / space.scale[0], 0.2 / space.scale[0]], rtol=1e-6)
    # in part, a filled-in value would cost less: the lower bound takes it so
    assert got.lower[0] == pytest.approx(0.2 / 0.5)
    assert not got.proved[0]


def test_what_is_no_sum_is_refused_and_shapes_are_held():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    space = FeatureSpace.infer(X, ["continuous"] * 2, ["a", "b"])
    with pytest.raises(NotApplicable, match="no sum of one term"):
        additive_score(lambda rows: np.column_stack([rows[:, 0] * rows[:, 1], rows[:, 0]]), X, space)
    scores, labels = linear([1.0, 1.0])
    with pytest.raises(InputError, match="margins"):
        additive_minimal_distance(additive_score(scores, X, space), X[:3], labels, X, labels(X), space)


def test_rows_of_another_label_are_left_out():
    X = np.random.default_rng(0).normal(size=(30, 2))
    space = FeatureSpace.infer(X, ["continuous"] * 2, ["a", "b"])
    scores, labels = linear([1.0, 1.0])
    got = additive_minimal_distance(
        additive_score(scores, X, space), scores(X), labels, X, 1 - labels(X), space
    )
    assert np.isnan(got.lower).all()
    assert np.isnan(got.upper).all()
