"""Edge and steps: rows they find are allowed, and on linear models exactly those fall that lie within the radius."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.methods.evasion import edge_search, gradient_steps, linear_minimal_distance
from auditkit.methods.feature_space import FeatureSpace

NORMS = ("l1", "l2", "linf", "l0")


def mixed(seed, n=40):
    rng = np.random.default_rng(seed)
    X = np.column_stack(
        [rng.normal(size=n), rng.integers(0, 30, n), rng.integers(0, 3, n), rng.normal(size=n)]
    ).astype(float)
    X[0, 0] = np.nan
    kinds, names = ["continuous", "integer", "categorical", "continuous"], ["a", "b", "c", "d"]
    return X, FeatureSpace.infer(X, kinds, names, immutable=["d"], direction={"b": 1})


def linear(seed=0, n=80, d=4):
    rng = np.random.default_rng(seed)
    X, w = rng.normal(size=(n, d)), rng.normal(size=d)
    wide = FeatureSpace(
        tuple("abcd"), ("continuous",) * d, np.full(d, -9.0), np.full(d, 9.0), np.zeros(d), np.zeros(d, int),
        np.ones(d, bool), np.zeros(d, int), np.ones(d),
    )  # fmt: skip
    return X, w, wide, lambda rows: (rows @ w > 0).astype(int)


def slopes_of(w, y):
    return lambda rows, at, named: np.where(named == 1, -1.0, 1.0)[:, None] * w * np.ones((len(rows), 1))


@given(st.integers(0, 10_000), st.sampled_from(NORMS), st.floats(0.1, 3))
def test_what_is_found_is_allowed_and_within_the_radius(seed, norm, radius):
    X, space = mixed(seed)
    rng = np.random.default_rng(seed)
    found = [
        edge_search(
            lambda rows: rng.integers(2, size=len(rows)), X, np.zeros(len(X), int), space, radius, norm=norm,
            rng=rng, max_calls=6, proposals=3,
        )
    ]  # fmt: skip
    if norm != "l0":
        found.append(
            gradient_steps(
                lambda rows: rng.integers(2, size=len(rows)), lambda rows, at, named: rng.normal(size=rows.shape), X,
                np.zeros(len(X), int), space, radius, norm=norm, rng=rng, max_calls=9,
            )
        )  # fmt: skip
    for one in found:
        assert not space.violations(X, one.adversarial).any()
        far = space.distance(X, one.adversarial, norm)
        assert (far[one.success] <= radius).all()
        assert (far[one.success] > 0).all()
        assert (far[~one.success] == 0).all()
        assert one.distance[one.success] == pytest.approx(far[one.success])
        assert (one.reason == "")[one.success].all()


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_steps_flip_exactly_the_rows_of_a_linear_model_within_the_radius(norm):
    X, w, space, ask = linear()
    y, radius = ask(X), 0.5
    exact = linear_minimal_distance(w, 0.0, X, norm)
    found = gradient_steps(
        ask, slopes_of(w, y), X, y, space, radius, norm=norm, rng=np.random.default_rng(0), max_calls=60
    )
    clear = np.abs(exact - radius) > 0.01  # steps end near the edge, not on it
    assert (found.success == (exact < radius))[clear].all()
    assert 10 < found.success.sum() < 70
    assert found.calls <= 60


def test_a_start_towards_another_label_finds_what_no_start_away_finds():
    """Away from 0 the loss rises to the left, where a wall is; label 2 lies to the right."""
    X, space = np.zeros((5, 4)), linear()[2]

    def ask(rows):
        return np.where(rows[:, 0] > 0.4, 2, 0)

    def slopes(rows, at, named):
        return -np.ones((len(rows), 1)) * np.eye(4)[0]

    y, options = np.zeros(5, int), {"norm": "linf", "max_calls": 90}
    away = gradient_steps(ask, slopes, X, y, space, 0.5, rng=np.random.default_rng(0), **options)
    assert not away.success.any()
    towards = gradient_steps(
        ask, slopes, X, y, space, 0.5, rng=np.random.default_rng(0), targets=np.full((5, 1), 2), **options
    )
    assert towards.success.all()
    with pytest.raises(InputError, match="labels for each of 5 rows"):
        gradient_steps(ask, slopes, X, y, space, 0.5, rng=np.random.default_rng(0), targets=[2])


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_the_edge_finds_many_rows_within_the_radius_and_none_beyond(norm):
    X, w, space, ask = linear()
    exact = linear_minimal_distance(w, 0.0, X, norm)
    found = edge_search(ask, X, ask(X), space, 0.5, norm=norm, rng=np.random.default_rng(0), max_calls=60)
    assert not found.success[exact > 0.5].any()
    assert found.success[exact < 0.25].mean() > 0.9
    assert found.calls <= 60


def test_slopes_that_are_hidden_hide_nothing_from_the_edge():
    X, _w, space, ask = linear()
    blind = gradient_steps(
        ask, lambda rows, at, named: np.zeros(rows.shape), X, ask(X), space, 0.5, rng=np.random.default_rng(0), max_calls=20
    )  # fmt: skip
    seen = edge_search(ask, X, ask(X), space, 0.5, rng=np.random.default_rng(0), max_calls=20)
    assert blind.success.sum() == 0
    assert seen.success.sum() > 10


def test_rows_with_another_label_are_not_attacked():
    X, w, space, ask = linear()
    y = 1 - ask(X)
    rng = np.random.default_rng(0)
    for found in (
        edge_search(ask, X, y, space, 0.5, rng=rng, max_calls=5),
        gradient_steps(ask, slopes_of(w, y), X, y, space, 0.5, rng=rng, max_calls=5),
        edge_search(ask, X[:0], y[:0], space, 0.5, rng=rng, max_calls=5),
    ):
        assert not found.success.any()
        assert np.isnan(found.distance).all()
        assert found.calls <= 1


def test_options_that_do_not_fit_are_refused():
    X, w, space, ask = linear()
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="max_calls >= 3"):
        edge_search(ask, X, ask(X), space, 0.5, rng=rng, max_calls=2)
    with pytest.raises(InputError, match="no norm"):
        edge_search(ask, X, ask(X), space, 0.5, rng=rng, norm="l3")
    with pytest.raises(InputError, match="norm 'l1', 'l2' or 'linf'"):
        gradient_steps(ask, slopes_of(w, ask(X)), X, ask(X), space, 0.5, rng=rng, norm="l0")
