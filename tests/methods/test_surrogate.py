"""Surrogate: rules are those of the tree, fidelity is that of theory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import r2_score
from sklearn.tree import DecisionTreeRegressor

from auditkit.errors import InputError
from auditkit.methods import surrogate


def test_a_tree_of_numbers_is_that_of_sklearn():
    X = np.random.default_rng(0).normal(size=(300, 3))
    y = X[:, 0] * X[:, 1]
    ours = surrogate.grow(X, y, [False] * 3, classes=False, leaves=6, smallest=10)
    theirs = DecisionTreeRegressor(max_leaf_nodes=6, min_samples_leaf=10, random_state=0).fit(X, y)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.leaves == 6


def holds(condition, row, names, categories):
    """Read a condition as a person would."""
    name, _, rest = condition.partition(" ")
    j = names.index(name)
    value = row[j]
    if rest in ("is missing", "is other than missing"):
        return np.isnan(value) == (rest == "is missing")
    if rest.startswith("is"):
        word = "missing" if np.isnan(value) else categories[j][int(value)]
        inside = word in rest.removeprefix("is ").removeprefix("other than ").split(" or ")
        return inside != rest.startswith("is other than")
    if np.isnan(value):
        return rest.endswith("or missing")
    words = rest.removesuffix(" or missing").split(" ")
    ok = True
    if "above" in words:
        ok &= value > float(words[words.index("above") + 1])
    if "up" in words:
        ok &= value <= float(words[words.index("up") + 2])
    return ok


@pytest.mark.parametrize("seed", range(4))
def test_the_rules_in_words_say_what_the_tree_says(seed):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=300), rng.integers(0, 4, 300), rng.integers(0, 9, 300)]).astype(
        float
    )
    X[rng.random(300) < 0.1, 0] = np.nan
    X[rng.random(300) < 0.1, 1] = np.nan
    y = ((np.nan_to_num(X[:, 0], nan=2) > 0.3) ^ (X[:, 1] == 2) ^ np.isnan(X[:, 1])).astype(int) + (
        X[:, 2] > 6
    )
    names, categories = ["size", "colour", "age"], [(), ("red", "blue", "green", "grey"), ()]
    tree = surrogate.grow(X, y, [False, True, False], classes=True, leaves=12, smallest=5)
    rules = tree.rules(names, categories, repr)
    assert sum(rule.n for rule in rules) == 300
    assert sum(rule.share for rule in rules) == pytest.approx(1)
    said = tree.predict(X)
    for row, answer in zip(X, said, strict=True):
        fits = [rule for rule in rules if all(holds(c, row, names, categories) for c in rule.conditions)]
        assert [rule.answer for rule in fits] == [answer]


def test_missing_is_said_only_of_inputs_that_have_gaps():
    X = np.arange(100.0)[:, None]
    (low, high) = surrogate.grow(X, X[:, 0] > 70, [False], classes=True).rules(["age"], [()])
    assert {low.conditions, high.conditions} == {("age up to 70.5",), ("age above 70.5",)}


def test_numbers_without_end_are_the_largest():
    X = np.r_[np.arange(40.0), np.full(40, np.inf)][:, None]
    (one, other) = surrogate.grow(X, np.isinf(X[:, 0]), [False], classes=True).rules(["age"], [()])
    assert {one.answer, other.answer} == {0, 1}


def test_skill_is_r_squared_for_squared_errors():
    rng = np.random.default_rng(0)
    y, said = rng.normal(size=(2, 80))
    said = y + said / 2
    found = surrogate.skill((y - said) ** 2, (y - y.mean()) ** 2)
    assert found.value == pytest.approx(r2_score(y, said))


def test_the_interval_of_the_skill_covers():
    hits = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        y, noise = rng.normal(size=200), rng.normal(size=200) / 2
        found = surrogate.skill(noise**2, (y + noise) ** 2)
        hits += found.low <= 0.8 <= found.high
    assert hits >= stats.binom.ppf(0.001, 300, 0.94)


def test_a_constant_that_is_never_wrong_leaves_no_skill():
    assert np.isnan(surrogate.skill([0, 0], [0, 0]).value)


def test_what_cannot_be_is_said():
    with pytest.raises(InputError, match="one kind a column"):
        surrogate.grow(np.ones((4, 2)), [0, 1, 0, 1], [False], classes=True)
    with pytest.raises(InputError, match="two losses"):
        surrogate.skill([1.0], [1.0, 2.0])


def test_a_rule_also_holds_for_a_category_the_tree_was_not_grown_on():
    X = np.repeat([[0.0], [1.0]], 20, axis=0)
    tree = surrogate.grow(X, X[:, 0], [True], classes=True)
    (blue, red) = sorted(rule.conditions[0] for rule in tree.rules(["colour"], [("red", "blue")]))
    assert (blue, red) == ("colour is blue", "colour is red")
    names, categories = ["colour"], [("red", "blue", "green")]
    rules = tree.rules(names, categories)
    for code in (0.0, 1.0, 2.0):
        row = np.array([code])
        fits = [rule for rule in rules if holds(rule.conditions[0], row, names, categories)]
        assert [rule.answer for rule in fits] == [tree.predict(row[None])[0]]


def test_a_cut_that_parts_missing_numbers_from_the_rest_is_said_so():
    rng = np.random.default_rng(0)
    X = np.where(rng.random((200, 1)) < 0.3, np.nan, rng.normal(size=(200, 1)))
    tree = surrogate.grow(X, np.isnan(X[:, 0]), [False], classes=True)
    assert {rule.conditions: rule.answer for rule in tree.rules(["age"], [()])} == {
        ("age is other than missing",): 0.0,
        ("age is missing",): 1.0,
    }
    y = np.isnan(X[:, 0]) + 2 * (X[:, 0] > 0.5)
    tree = surrogate.grow(X, y, [False], classes=True)
    said = {rule.conditions[0] for rule in tree.rules(["age"], [()], repr)}
    assert len(said) == 3
    assert not any("inf" in one or "∞" in one for one in said)
    for row in X:
        fits = [
            rule for rule in tree.rules(["age"], [()], repr) if holds(rule.conditions[0], row, ["age"], [()])
        ]
        assert [rule.answer for rule in fits] == [tree.predict(row[None])[0]]
