"""What a row may be turned into, and what it costs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.methods.feature_space import FeatureSpace

NAN = np.nan


def make(**changes):
    parts = {
        "names": ("age", "income", "job"),
        "kind": ("integer", "continuous", "categorical"),
        "low": [18, 0.0, 0],
        "high": [90, 100.0, 0],
        "step": [1, 0, 0],
        "n_categories": [0, 0, 3],
        "mutable": [True, True, True],
        "direction": [0, 0, 0],
        "scale": [10.0, 20.0, 1.0],
    }
    return FeatureSpace(**(parts | changes))


@st.composite
def cases(draw):
    """Draw a space, rows that need not lie in it, and candidates of any sort."""
    d, n = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    kind = draw(st.lists(st.sampled_from(["continuous", "integer", "categorical"]), min_size=d, max_size=d))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    coded = np.array([k == "categorical" for k in kind])
    whole = np.array([k == "integer" for k in kind])
    low = np.round(rng.normal(0, 10, d)) + np.where(whole, 0, rng.choice([0, 0.137], d))
    low, high = np.where(rng.random(d) < 0.2, -np.inf, low), low + rng.choice([0, 3.3, 17, np.inf], d)
    space = FeatureSpace(
        names=[f"f{i}" for i in range(d)],
        kind=kind,
        low=low,
        high=high,
        step=np.where(whole, rng.integers(1, 4, d), np.where(coded, 0, rng.choice([0, 0.05], d))),
        n_categories=np.where(coded, rng.integers(1, 5, d), 0),
        mutable=rng.random(d) < 0.7,
        direction=np.where(coded, 0, rng.integers(-1, 2, d)),
        scale=rng.uniform(0.1, 10, d),
        rules=draw(st.sampled_from([(), (lambda before, after: ~(after[:, 0] > 2),)])),
    )
    original = np.where(coded, rng.integers(0, 5, (n, d)), rng.normal(0, 15, (n, d)))
    original = np.where(whole & (rng.random((n, d)) < 0.7), np.rint(original), original)
    original[rng.random((n, d)) < 0.15] = NAN
    odd = rng.choice([NAN, np.inf, -np.inf, 1e18, -1e18, 0.5, 1e-300], (n, d))
    near = original + rng.normal(0, 5, (n, d))
    candidate = np.where(
        rng.random((n, d)) < 0.2, odd, np.where(rng.random((n, d)) < 0.5, near, np.rint(near))
    )
    return space, original, candidate


@given(cases())
@settings(max_examples=300, deadline=None)
def test_projection_is_valid_idempotent_and_leaves_the_immutable(case):
    space, original, candidate = case
    projected = space.project(original, candidate)
    assert not space.violations(original, projected).any()
    np.testing.assert_array_equal(space.project(original, projected), projected)
    np.testing.assert_array_equal(projected[:, ~space.mutable], original[:, ~space.mutable])
    np.testing.assert_array_equal(np.isnan(projected) & ~np.isnan(original), False)


@given(cases())
@settings(max_examples=200, deadline=None)
def test_valid_candidates_and_originals_stay_as_they_are(case):
    space, original, candidate = case
    np.testing.assert_array_equal(space.project(original, original), original)
    assert not space.violations(original, original).any()
    valid = ~space.violations(original, candidate).any(axis=1)
    projected = space.project(original, candidate)
    np.testing.assert_allclose(projected[valid], candidate[valid], rtol=1e-9, atol=1e-9)


@given(cases())
@settings(max_examples=100, deadline=None)
def test_several_candidates_of_a_row_are_judged_as_each_alone(case):
    space, original, candidate = case
    tries = np.stack([candidate, original, candidate[::-1]])
    for method in (space.project, space.violations, space.changed, space.cost, space.distance):
        alone = np.stack([method(original, one) for one in tries])
        np.testing.assert_array_equal(method(original, tries), alone)


@given(cases())
@settings(max_examples=100, deadline=None)
def test_norms_are_ordered(case):
    space, original, candidate = case
    projected = space.project(original, candidate)
    l0, l1, l2, linf = (space.distance(original, projected, norm) for norm in ("l0", "l1", "l2", "linf"))
    assert np.all((linf <= l2 * (1 + 1e-9)) & (l2 <= l1 * (1 + 1e-9)) & (l1 <= l0 * linf * (1 + 1e-9)))


@pytest.mark.parametrize(
    ("space", "before", "after", "bad"),
    [
        (make(), [30, 50, 1], [31, 50.5, 2], [0, 0, 0]),
        (make(mutable=[False, True, False]), [30, 50, 1], [31, 50.5, 2], [1, 0, 1]),
        (make(), [30, 50, 1], [91, -0.1, 3], [1, 1, 1]),
        (make(direction=[1, -1, 0]), [30, 50, 1], [29, 51, 1], [1, 1, 0]),
        (make(direction=[1, -1, 0]), [30, 50, 1], [31, 49, 1], [0, 0, 0]),
        (make(), [30, 50, 1], [30.5, 50, 0.5], [1, 0, 1]),
        (make(step=[5, 0, 0]), [30, 50, 1], [28, 50, 1], [0, 0, 0]),  # the grid counts from 18
        (make(step=[5, 0, 0]), [30, 50, 1], [35, 50, 1], [1, 0, 0]),
        (make(), [30, 50, 1], [NAN, NAN, NAN], [1, 1, 1]),
        (make(), [NAN, NAN, NAN], [30, 50, 1], [0, 0, 0]),
        (make(direction=[1, 0, 0]), [NAN, NAN, NAN], [30, 50, 1], [1, 0, 0]),
        (make(), [95, 200, 7], [95, 200, 7], [0, 0, 0]),  # as found in the data, out of range but unchanged
        (make(), [95, 200, 7], [94, 150, 8], [1, 1, 1]),
    ],
)
def test_violations_by_hand(space, before, after, bad):
    np.testing.assert_array_equal(space.violations([before], [after])[0], np.array(bad, dtype=bool))


def test_a_broken_rule_marks_the_changed_cells_and_restores_the_row():
    space = make(rules=(lambda before, after: after[:, 1] <= after[:, 0],))
    before, after = [[30.0, 20.0, 1.0], [30.0, 50.0, 1.0]], [[30.0, 40.0, 2.0], [30.0, 50.0, 1.0]]
    np.testing.assert_array_equal(
        space.violations(before, after), [[False, True, True], [False, False, False]]
    )
    np.testing.assert_array_equal(space.project(before, after), before)


def test_distance_by_hand():
    # age 20 / 10 = 2, income 20 / 20 = 1, job changed = 1
    before, after = [[30, 50, 0]], [[50, 30, 2]]
    for norm, expected in {"l1": 4.0, "l2": np.sqrt(6.0), "linf": 2.0, "l0": 3.0}.items():
        np.testing.assert_allclose(make().distance(before, after, norm), [expected])
    np.testing.assert_array_equal(make().cost([[NAN, NAN, NAN]], [[NAN, 40, 1]]), [[0, 1, 1]])


def test_inferred_space_by_hand():
    X = np.column_stack(
        [np.arange(9.0), np.repeat([0.5, 1.5], [8, 1]), np.full(9, 7.0), np.arange(9) % 3, np.full(9, NAN)]
    )
    kinds = ["integer", "continuous", "integer", "categorical", "continuous"]
    space = FeatureSpace.infer(
        X, kinds, list("abcde"), immutable=["b"], direction={"a": 1}, n_categories={"d": 5}
    )
    # a: quartiles 2 and 6; b: quartiles equal, so the deviation of eight 0 and one 1; c: constant
    np.testing.assert_allclose(space.scale, [4 / 1.349, np.sqrt(8) / 9, 1, 1, 1])
    np.testing.assert_array_equal(space.low[:4], [0, 0.5, 7, 0])
    np.testing.assert_array_equal(space.high[:3], [8, 1.5, 7])
    np.testing.assert_array_equal(space.step, [1, 0, 1, 0, 0])
    np.testing.assert_array_equal(space.n_categories, [0, 0, 0, 5, 0])
    np.testing.assert_array_equal(space.mutable, [True, False, True, True, False])  # e has no observed range
    np.testing.assert_array_equal(space.direction, [1, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"names": ("age", "age", "job")}, "each once"),
        ({"kind": ("integer", "continous", "categorical")}, "Did you mean 'continuous'"),
        ({"kind": ("integer",)}, "one for each of 3 names"),
        ({"low": [18, 0.0]}, "low: expected one value for each"),
        ({"low": [18, 200.0, 0]}, "low must not be above high; not so in income"),
        ({"low": [18, NAN, 0]}, "not so in income"),
        ({"step": [0.5, 0, 0]}, "whole number of at least 1; not so in age"),
        ({"step": [1, -1, 0]}, "step must be 0 or more; not so in income"),
        ({"n_categories": [0, 0, 0]}, "1 or more; not so in job"),
        ({"direction": [0, 2, 0]}, "-1, 0 or"),
        ({"direction": [0, 0, 1]}, "no order"),
        ({"scale": [10, 0, 1]}, "scale must be above 0"),
    ],
)
def test_bad_specifications_say_what_is_wrong(changes, message):
    with pytest.raises(InputError, match=message):
        make(**changes)


def test_bad_input_says_what_is_wrong():
    space = make()
    with pytest.raises(InputError, match="3 columns, got shape"):
        space.project([[1.0, 2.0]], [[1.0, 2.0]])
    with pytest.raises(InputError, match="of one shape"):
        space.distance([[1.0, 2.0, 0]], np.zeros((2, 3)))
    with pytest.raises(InputError, match="expected numbers"):
        space.distance([["a", 2.0, 0]], [["a", 2.0, 0]])
    with pytest.raises(InputError, match="Did you mean 'linf'"):
        space.distance(np.zeros((1, 3)), np.zeros((1, 3)), "l-inf")
    with pytest.raises(InputError, match="Did you mean 'income'"):
        space.columns(["incom"])
    with pytest.raises(InputError, match=r"type \['income'\]"):
        space.columns("income")
    with pytest.raises(InputError, match="boolean for each of 1 rows"):
        make(rules=(lambda before, after: True,)).violations([[30, 50, 1]], [[31, 50, 1]])
    with pytest.raises(InputError, match=r"integer and holds 0\.5"):
        FeatureSpace.infer([[0.5]], ["integer"], ["a"])
    with pytest.raises(InputError, match="codes from 0, got -1"):
        FeatureSpace.infer([[-1.0]], ["categorical"], ["a"])
    with pytest.raises(InputError, match="0 rows and 1 kinds"):
        FeatureSpace.infer(np.zeros((0, 1)), ["integer"], ["a"])
    with pytest.raises(InputError, match="no column named 'b'"):
        FeatureSpace.infer([[1.0]], ["integer"], ["a"], immutable=["b"])


def test_the_space_is_a_value():
    space = make()
    with pytest.raises(ValueError, match="read-only"):
        space.low[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        space.low = np.zeros(3)
    assert dataclasses.replace(space, mutable=[False] * 3).project([[30, 50, 1]], [[31, 51, 2]]).tolist() == [
        [30, 50, 1]
    ]
