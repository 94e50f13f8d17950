"""A sparing label-only search asks less, comes as near, and lets rows rest by its stated rule and no other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from auditkit.errors import InputError
from auditkit.methods.evasion import decision_search, linear_minimal_distance
from auditkit.methods.feature_space import FeatureSpace

SPARING = {"narrow": 5, "patience": 100, "tolerance": 0.02}


def space_of(d, **changes):
    parts = {
        "names": [f"f{i}" for i in range(d)], "kind": ["continuous"] * d, "low": np.full(d, -9.0), "high": np.full(d, 9.0),
        "step": np.zeros(d), "n_categories": np.zeros(d), "mutable": np.ones(d, dtype=bool), "direction": np.zeros(d),
        "scale": np.ones(d),
    }  # fmt: skip
    return FeatureSpace(**(parts | changes))


def forest_like(seed=0, d=8):
    """Return rows and a model of boxes, as a sum of small trees is."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(400, d))
    columns, cuts, signs = rng.integers(d, size=(60, 2)), rng.normal(size=(60, 2)), rng.choice([-1, 1], 60)

    def label(rows):
        inside = (rows[:, columns] > cuts).all(axis=2)
        return (inside @ signs > 0).astype(int)

    return X, label


class Diary:
    """A model that writes down, for each row, what was asked on its behalf, call by call; the last column names the row."""

    def __init__(self, label):
        self.label, self.calls = label, []

    def __call__(self, rows):
        answer = self.label(rows[:, :-1])
        self.calls.append((rows.copy(), answer))
        return answer


def named(X, space):
    """Return rows with their number as a last column that cannot change, and their space."""
    d = X.shape[1]
    more = {key: np.append(getattr(space, key), value) for key, value in
            {"low": 0, "high": len(X), "step": 0, "n_categories": 0, "mutable": False, "direction": 0, "scale": 1}.items()}  # fmt: skip
    return np.column_stack([X, np.arange(len(X))]), space_of(d + 1, **more)


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_with_fewer_questions_it_comes_as_close_to_the_exact_minimum(norm):
    rng = np.random.default_rng(1)
    w, b, X = rng.normal(size=8), 0.3, rng.normal(size=(100, 8))
    label = lambda rows: (rows @ w + b > 0).astype(int)  # noqa: E731
    plain, sparing = (
        decision_search(label, X, label(X), space_of(8), X, rng=np.random.default_rng(0), norm=norm, max_calls=80, proposals=15, **how)
        for how in ({}, SPARING)
    )  # fmt: skip
    exact = linear_minimal_distance(w, b, X, norm, scale=np.ones(8))
    assert sparing.queries.mean() < 0.8 * plain.queries.mean()
    assert sparing.success.all()
    assert (sparing.distance / exact).min() >= 1 - 1e-9
    assert np.median(sparing.distance / exact) <= 1.05 * np.median(plain.distance / exact)
    assert np.all(label(sparing.adversarial) != label(X))


def test_on_boxes_it_comes_nearly_as_near_with_fewer_questions():
    X, label = forest_like()
    rows = X[:100]
    plain, sparing = (
        decision_search(label, rows, label(rows), space_of(8), X, rng=np.random.default_rng(0), max_calls=80, proposals=15, **how)
        for how in ({}, SPARING)
    )  # fmt: skip
    assert sparing.queries.mean() < 0.75 * plain.queries.mean()
    assert np.median(sparing.distance) <= 1.1 * np.median(plain.distance)
    np.testing.assert_allclose(
        space_of(8).distance(rows, sparing.adversarial), sparing.distance
    )  # re-measured


def asked_of(diary, row, y, X):
    """Return the distance held after each of a row's questions but those of first look, pool and last call."""
    held, best = [], np.inf
    for rows, answer in diary.calls[2:-1]:
        mine = rows[:, -1] == row
        far = np.linalg.norm(rows[mine, :-1] - X[row], axis=1)
        flips = far[answer[mine] != y[row]]
        held += [best] * (int(mine.sum()) - 1)  # what a call found is known at its end
        best = min(best, flips.min(initial=np.inf))
        if mine.any():
            held.append(best)
    return np.array(held)


def test_a_row_rests_only_when_its_last_questions_brought_too_little():
    X, label = forest_like(2)
    rows, space = named(X[:40], space_of(8))
    y, patience, tolerance = label(X[:40]), 60, 0.05
    diary = Diary(label)
    found = decision_search(
        diary, rows, y, space, np.column_stack([X, np.zeros(len(X))]), rng=np.random.default_rng(0), max_calls=150,
        patience=patience, tolerance=tolerance,
    )  # fmt: skip
    assert found.calls < 150  # all rest before the budget is spent
    for row in range(40):
        held = asked_of(diary, row, y, X)
        assert len(held) + 2 == found.queries[row]
        enough = np.flatnonzero(held <= held[-1] / (1 - tolerance) + 1e-12)[0]
        assert len(held) - 1 - enough >= patience


@pytest.mark.parametrize("tolerance", [0.0, 0.02, 0.5])
def test_budget_is_a_maximum_and_patience_spends_no_more(tolerance):
    X, label = forest_like(3)
    how = {"rng": np.random.default_rng(0), "max_calls": 60, "patience": 40, "tolerance": tolerance}
    rested = decision_search(label, X[:60], label(X[:60]), space_of(8), X, **how)
    whole = decision_search(
        label, X[:60], label(X[:60]), space_of(8), X, rng=np.random.default_rng(0), max_calls=60
    )
    assert rested.calls <= 60
    assert rested.queries.sum() < whole.queries.sum()
    assert np.median(rested.distance) <= 1.25 * np.median(whole.distance)


def test_a_looser_tolerance_or_less_patience_asks_less():
    X, label = forest_like(4)
    spent = {
        (patience, tolerance): decision_search(
            label, X[:60], label(X[:60]), space_of(8), X, rng=np.random.default_rng(0), max_calls=200,
            patience=patience, tolerance=tolerance,
        ).queries.mean()
        for patience, tolerance in itertools.product([30, 200], [0.0, 0.3])
    }  # fmt: skip
    assert spent[30, 0.3] < spent[200, 0.3] < spent[200, 0.0]
    assert spent[30, 0.3] < spent[30, 0.0]


def test_one_seed_gives_one_sparing_result():
    X, label = forest_like(5)
    first, second = (
        decision_search(label, X[:50], label(X[:50]), space_of(8), X, rng=np.random.default_rng(3), max_calls=60, **SPARING)
        for _ in range(2)
    )  # fmt: skip
    np.testing.assert_array_equal(first.adversarial, second.adversarial)
    np.testing.assert_array_equal(first.queries, second.queries)


def test_sparing_success_of_a_model_that_wavers_is_asked_again():
    X, label = forest_like(6)
    noise = np.random.default_rng(0)

    def wavering(rows):  # one answer in ten is another
        return label(rows) ^ (noise.random(len(rows)) < 0.1)

    last = []

    def kept(rows):
        last.append((rows, wavering(rows)))
        return last[-1][1]

    y = label(X[:80])
    found = decision_search(
        kept, X[:80], y, space_of(8), X, rng=np.random.default_rng(1), max_calls=40, **SPARING
    )
    assert "the model did not repeat its answer" in found.reason
    answers = {row.tobytes(): answer for row, answer in zip(*last[-1], strict=True)}
    for row in np.flatnonzero(found.success):
        assert answers[found.adversarial[row].tobytes()] != y[row]


def test_narrow_steps_still_try_every_category():
    space = space_of(
        2, kind=["categorical", "continuous"], n_categories=[8, 0], low=[0, -9], high=[0, 9], step=[0, 0]
    )
    X = np.column_stack([np.zeros(40), np.random.default_rng(7).normal(size=40)])
    label = lambda rows: (rows[:, 0] == 6).astype(int)  # noqa: E731  # one category of eight turns the answer
    pool = np.column_stack([np.full(5, 6.0), np.full(5, 8.0)])
    found = decision_search(
        label, X, label(X), space, pool, rng=np.random.default_rng(0), max_calls=40, proposals=8, narrow=2
    )
    assert np.all(found.distance == 1)


def test_a_radius_is_kept_by_a_sparing_search():
    X, label = forest_like(8)
    found = decision_search(
        label, X[:60], label(X[:60]), space_of(8), X, rng=np.random.default_rng(0), radius=0.5, **SPARING
    )
    assert np.all(found.distance[found.success] <= 0.5)
    assert np.all(found.distance[found.reason == "found beyond the radius only"] > 0.5)


@pytest.mark.parametrize(
    "how", [{"narrow": 1}, {"narrow": 0}, {"narrow": 9}, {"patience": 0}, {"tolerance": 1.0}, {"tolerance": -0.1}, {"tolerance": np.nan}]
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(how):
    X, label = forest_like(9)
    with pytest.raises(InputError, match=r"narrow from 2 to proposals \(8\), patience >= 1 and tolerance"):
        decision_search(label, X[:5], label(X[:5]), space_of(8), X, rng=np.random.default_rng(0), **how)
