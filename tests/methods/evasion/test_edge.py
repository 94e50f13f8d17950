"""Edge: rows it finds are allowed, and on linear models many fall within the radius and none beyond."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.methods.evasion import edge_search, linear_minimal_distance
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


@given(st.integers(0, 10_000), st.sampled_from(NORMS), st.floats(0.1, 3))
def test_what_is_found_is_allowed_and_within_the_radius(seed, norm, radius):
    X, space = mixed(seed)
    rng = np.random.default_rng(seed)
    one = edge_search(
        lambda rows: rng.integers(2, size=len(rows)), X, np.zeros(len(X), int), space, radius, norm=norm, rng=rng,
        max_calls=6, proposals=3,
    )  # fmt: skip
    assert not space.violations(X, one.adversarial).any()
    far = space.distance(X, one.adversarial, norm)
    assert (far[one.success] <= radius).all()
    assert (far[one.success] > 0).all()
    assert (far[~one.success] == 0).all()
    assert one.distance[one.success] == pytest.approx(far[one.success])
    assert (one.reason == "")[one.success].all()


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_the_edge_finds_many_rows_within_the_radius_and_none_beyond(norm):
    X, w, space, ask = linear()
    exact = linear_minimal_distance(w, 0.0, X, norm)
    found = edge_search(ask, X, ask(X), space, 0.5, norm=norm, rng=np.random.default_rng(0), max_calls=60)
    assert not found.success[exact > 0.5].any()
    assert found.success[exact < 0.25].mean() > 0.9
    assert found.calls <= 60


def test_rows_with_another_label_are_not_attacked():
    X, _w, space, ask = linear()
    y = 1 - ask(X)
    rng = np.random.default_rng(0)
    for found in (
        edge_search(ask, X, y, space, 0.5, rng=rng, max_calls=5),
        edge_search(ask, X[:0], y[:0], space, 0.5, rng=rng, max_calls=5),
    ):
        assert not found.success.any()
        assert np.isnan(found.distance).all()
        assert found.calls <= 1


def test_options_that_do_not_fit_are_refused():
    X, _w, space, ask = linear()
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="max_calls >= 3"):
        edge_search(ask, X, ask(X), space, 0.5, rng=rng, max_calls=2)
    with pytest.raises(InputError, match="no norm"):
        edge_search(ask, X, ask(X), space, 0.5, rng=rng, norm="l3")
