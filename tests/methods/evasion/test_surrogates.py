"""Copies decide as their teacher does; the worst case on linear scores is the closed form; chance goes as far as the attack."""

from __future__ import annotations

import numpy as np
import pytest

from auditkit.errors import InputError
from auditkit.methods.evasion import margin_search, random_changes, surrogate_scores
from auditkit.methods.feature_space import FeatureSpace


def space_of(d, **changes):
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


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_on_linear_scores_the_lowest_margin_is_the_closed_form(norm):
    rng = np.random.default_rng(0)
    scale = rng.uniform(0.5, 3, 6)
    w, X, space = rng.normal(size=6), rng.normal(size=(40, 6)), space_of(6, scale=scale)
    scores = lambda rows: np.column_stack([np.zeros(len(rows)), rows @ w])  # noqa: E731
    y = scores(X).argmax(axis=1)
    moved = margin_search(scores, X, y, space, 0.7, rng=np.random.default_rng(0), norm=norm)
    dual = {"l2": np.linalg.norm(w * scale), "linf": np.abs(w * scale).sum(), "l1": np.abs(w * scale).max()}[
        norm
    ]
    fallen = np.where(y == 1, 1, -1) * ((X - moved) @ w)
    np.testing.assert_allclose(fallen, 0.7 * dual, rtol=0.01)
    assert (fallen <= 0.7 * dual * (1 + 1e-9)).all()
    assert (space.distance(X, moved, norm) <= 0.7).all()


@pytest.mark.parametrize("kind", ["linear", "trees"])
def test_a_copy_decides_as_its_teacher_does(kind):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(600, 2)), rng.integers(0, 3, 600)])
    X[5, 0] = np.nan
    space = space_of(
        3,
        kind=["continuous", "continuous", "categorical"],
        n_categories=[0, 0, 3],
        low=[-9, -9, 0],
        high=[9, 9, 2],
    )
    y = np.where(X[:, 2] == 1, 2, (np.nan_to_num(X[:, 0]) + X[:, 1] > 0).astype(int))
    scores = surrogate_scores(X[:500], y[:500], space, 4, kind)
    found = scores(X[500:])
    assert found.shape == (100, 4)
    assert np.mean(found.argmax(axis=1) == y[500:]) > 0.85
    assert (found[:, 3] == -50).all()  # a class that no row had
    np.testing.assert_array_equal(found, surrogate_scores(X[:500], y[:500], space, 4, kind)(X[500:]))


def test_what_a_copy_cannot_be_made_of_is_said():
    with pytest.raises(InputError, match="Did you mean 'trees'"):
        surrogate_scores(np.zeros((4, 1)), [0, 1, 0, 1], space_of(1), 2, "tree")
    with pytest.raises(InputError, match="two different labels"):
        surrogate_scores(np.zeros((4, 1)), [0, 0, 0, 0], space_of(1), 2, "linear")


@pytest.mark.parametrize("norm", ["l1", "l2", "linf", "l0"])
def test_chance_goes_as_far_as_the_attack_and_is_allowed(norm):
    rng = np.random.default_rng(0)
    kind = ["continuous"] * 4 + ["integer", "categorical", "categorical"]
    space = space_of(
        7, kind=kind, n_categories=[0, 0, 0, 0, 0, 4, 4], step=[0, 0, 0, 0, 1, 0, 0], low=[-5] * 4 + [-20, 0, 0],
        high=[5] * 4 + [20, 3, 3], direction=[1, 0, 0, 0, 0, 0, 0], scale=[1, 1, 1, 1, 2, 1, 1],
    )  # fmt: skip
    X = np.column_stack(
        [rng.normal(size=(80, 4)), rng.integers(-5, 5, 80), rng.integers(0, 4, (80, 2))]
    ).astype(float)
    like = X.copy()
    like[:, 1] += 0.5
    like[:40, 6] = (like[:40, 6] + 1) % 4
    radius = {"l1": 1.6, "l2": 1.3, "linf": 1.0, "l0": 2.0}[norm]
    moved = random_changes(X, like, space, radius, rng=np.random.default_rng(1), norm=norm)
    assert not space.violations(X, moved).any()
    got, wanted = space.distance(X, moved, norm), space.distance(X, like, norm)
    assert (got <= radius).all()
    assert (got <= wanted * (1 + 1e-5)).all()
    assert np.median(got / wanted) > 0.99
    codes = space.changed(X, moved)[:, 5:].sum(axis=1)
    assert (codes[:40] == 1).mean() > 0.9
    assert (codes[40:] == 0).all()
    np.testing.assert_array_equal(random_changes(X, X, space, radius, rng=rng, norm=norm), X)
