"""Shapley values of trees equal those of shap, of the boosters themselves, and of a walk through all sets of features."""

from __future__ import annotations

import math
import warnings
from itertools import combinations

import lightgbm
import numpy as np
import pytest
import shap
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from auditkit.errors import InputError, NotApplicable
from auditkit.methods.attributions import leaf_tables, product_law, tree_shapley
from auditkit.methods.trees import Tree, TreeModel, read_trees

# shap's own note on the shape it returns
pytestmark = pytest.mark.filterwarnings("ignore:LightGBM binary classifier with TreeExplainer")
N, D = 260, 5


def rows(seed=0, n=N, d=D, gaps=False):
    """Numbers that single precision holds, in steps of 1/16: halfway between two of them is held as well."""
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(n, d)) * 16) / 16
    X[rng.random((n, d)) < 0.15 * gaps] = np.nan
    return X


def target(X, task, seed=1):
    level = np.nan_to_num(X[:, 0]) + np.nan_to_num(X[:, 1] * X[:, 2], nan=0.7)
    level += 0.3 * np.random.default_rng(seed).normal(size=len(X))
    return {
        "regression": level,
        "binary": (level > 0).astype(int),
        "multiclass": np.digitize(level, [-0.6, 0.6]),
    }[task]


def fitted(model, task, gaps=False):
    X = rows(gaps=gaps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, target(X, task)), X


def kept(values, base):
    """Bring what shap gives into (n, d, k) and (k,)."""
    values, base = np.asarray(values), np.asarray(base, dtype=float).reshape(-1)
    values = values[:, :, np.newaxis] if values.ndim == 2 else values
    return values, base[-values.shape[2] :]


LIGHT = {"verbose": -1, "n_jobs": 1, "min_child_samples": 4}
MODELS = [
    (lambda: DecisionTreeClassifier(max_depth=5, random_state=0), "binary multiclass"),
    (lambda: DecisionTreeRegressor(random_state=0), "regression"),
    (lambda: RandomForestClassifier(6, random_state=0), "binary multiclass"),
    (lambda: RandomForestRegressor(6, max_depth=6, random_state=0), "regression"),
    (lambda: ExtraTreesClassifier(6, max_depth=7, random_state=0), "binary multiclass"),
    (lambda: ExtraTreesRegressor(6, max_depth=7, random_state=0), "regression"),
    (lambda: GradientBoostingClassifier(n_estimators=8, max_depth=4, random_state=0), "binary multiclass"),
    (lambda: GradientBoostingRegressor(n_estimators=8, max_depth=4, random_state=0), "regression"),
    (lambda: HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=4), "binary multiclass"),
    (lambda: HistGradientBoostingRegressor(max_iter=8, min_samples_leaf=4), "regression"),
    (lambda: lightgbm.LGBMClassifier(n_estimators=8, **LIGHT), "binary multiclass"),
    (lambda: lightgbm.LGBMRegressor(n_estimators=8, **LIGHT), "regression"),
    (lambda: xgboost.XGBClassifier(n_estimators=8, max_depth=5, n_jobs=1), "binary multiclass"),
    (lambda: xgboost.XGBRegressor(n_estimators=8, max_depth=5, n_jobs=1), "regression"),
]
CASES = [
    pytest.param(make, task, gaps, id=f"{type(make()).__name__}-{task}{'-gaps' * gaps}")
    for make, tasks in MODELS
    for task in tasks.split()
    for gaps in (False, True)
    # gradient boosting refuses missing values
    if not (gaps and type(make()).__name__.startswith("Gradient"))
]


# shap refuses gradient boosting of several classes
WITH_SHAP = [case for case in CASES if case.id != "GradientBoostingClassifier-multiclass"]


@pytest.mark.parametrize(("make", "task", "gaps"), WITH_SHAP)
def test_paths_equal_shap_and_add_up(make, task, gaps):
    model, X = fitted(make(), task, gaps)
    trees = read_trees(model)
    found = tree_shapley(trees, X)
    explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    expected, base = kept(explainer.shap_values(X, check_additivity=False), explainer.expected_value)
    # XGBoost's own contributions are in single precision
    near = 3e-6 if "XGB" in type(model).__name__ else 1e-9
    np.testing.assert_allclose(found.values, expected, atol=near)
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, trees.scores(X), atol=1e-9)
    # a constant apart: what the library adds to the trees
    off = found.base - base
    np.testing.assert_allclose(trees.scores(X) - off, outputs(model, X), atol=10 * near)


def outputs(model, X):
    """Return what the model says, in the unit of its trees."""
    if hasattr(model, "booster_"):
        out = model.predict(X, raw_score=True)
    elif hasattr(model, "get_booster"):
        out = model.predict(X, output_margin=True)
    elif hasattr(model, "decision_function"):
        out = model.decision_function(X)
    elif hasattr(model, "classes_"):
        out = model.predict_proba(X)
    else:
        out = model.predict(X)
    return np.asarray(out, dtype=float).reshape(len(X), -1)


@pytest.mark.parametrize(("make", "task", "gaps"), WITH_SHAP)
def test_interventional_values_equal_shap_and_add_up(make, task, gaps):
    model, X = fitted(make(), task, gaps)
    behind, shown = X[:30], X[30:110]
    trees = read_trees(model)
    found = tree_shapley(trees, shown, behind)
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, trees.scores(shown), atol=1e-9)
    np.testing.assert_allclose(found.base, trees.scores(behind).mean(axis=0), atol=1e-12)
    explainer = shap.TreeExplainer(model, behind, feature_perturbation="interventional")
    expected, _ = kept(explainer.shap_values(shown, check_additivity=False), explainer.expected_value)
    # shap keeps single precision on the way
    np.testing.assert_allclose(found.values, expected, atol=1e-6)


def enumerated(game, d):
    """Return the Shapley values of a game on sets of features, from its definition."""
    told = {chosen: game(set(chosen)) for size in range(d + 1) for chosen in combinations(range(d), size)}
    found = []
    for j in range(d):
        value = 0.0
        for chosen, without in told.items():
            if j not in chosen:
                weight = math.factorial(len(chosen)) * math.factorial(d - 1 - len(chosen)) / math.factorial(d)
                value = value + weight * (told[tuple(sorted({*chosen, j}))] - without)
        found.append(value)
    return np.stack(found)


def walked(tree, row, known, node=0):
    """Return the value of a tree if only some features are known: both ways, by the shares of the training rows."""
    if tree.feature[node] < 0:
        return tree.value[node]
    below = tree.left[node], tree.right[node]
    if tree.feature[node] in known:
        left = tree.goes_left(node, np.array([row[tree.feature[node]]]))[0]
        return walked(tree, row, known, below[0] if left else below[1])
    return sum(tree.cover[one] / tree.cover[node] * walked(tree, row, known, one) for one in below)


@pytest.mark.parametrize(("make", "task", "gaps"), CASES)
def test_both_games_equal_their_enumeration_with_the_models_own_answers(make, task, gaps):
    model, X = fitted(make(), task, gaps)
    trees = read_trees(model)
    shown, behind = X[:3], X[40:52]
    paths = tree_shapley(trees, shown)
    mixed = tree_shapley(trees, shown, behind)
    near = 1e-5 if "XGB" in type(model).__name__ else 1e-9
    for i, row in enumerate(shown):

        def by_paths(known, row=row):
            return sum(walked(tree, row, known) for tree in trees.trees)

        def by_background(known, row=row):
            asked = behind.copy()
            asked[:, sorted(known)] = row[sorted(known)]
            return outputs(model, asked).mean(axis=0)

        np.testing.assert_allclose(paths.values[i], enumerated(by_paths, D), atol=1e-9)
        np.testing.assert_allclose(mixed.values[i], enumerated(by_background, D), atol=near)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_a_leafs_table_is_the_definition_under_any_law(d):
    law = np.random.default_rng(d).dirichlet(np.ones(1 << d), size=2)
    tables = leaf_tables(law)
    for own in range(1 << d):
        for which in range(2):

            def reached(known, own=own, which=which):
                mask = sum(1 << j for j in known)
                return sum(
                    chance
                    for other, chance in enumerate(law[which])
                    if (own & mask) | (other & ~mask & ((1 << d) - 1)) == (1 << d) - 1
                )

            np.testing.assert_allclose(tables[which, :, own], enumerated(reached, d), atol=1e-14)


@pytest.mark.parametrize("d", [9, 13])
def test_a_large_table_adds_up(d):
    share = np.random.default_rng(0).random((1, d))
    share[0, :2] = 0.0, 1.0
    total = leaf_tables(product_law(share))[0].sum(axis=0)
    expected = np.full(1 << d, -share.prod())
    expected[-1] += 1
    np.testing.assert_allclose(total, expected, atol=1e-12)


def one_tree(feature, threshold, left, right, value, cover, missing=None):
    m = len(feature)
    return Tree(
        np.array(feature), np.array(threshold, dtype=float), np.array(left), np.array(right),
        np.zeros(m, dtype=bool) if missing is None else np.array(missing), np.array(value, dtype=float)[:, np.newaxis],
        np.array(cover, dtype=float),
    )  # fmt: skip


def summed(*trees, width):
    return TreeModel(trees, np.zeros(1), width, single=False, slack=1e-9)


def test_two_questions_and_two_halves_by_hand():
    # x0 <= 0 gives 0; else x1 <= 0 gives 2, else 4; half of the rows go each way
    tree = one_tree(
        [0, -1, 1, -1, -1], [0] * 5, [1, -1, 3, -1, -1], [2, -1, 4, -1, -1], [0, 0, 0, 2, 4], [8, 4, 4, 2, 2]
    )
    found = tree_shapley(summed(tree, width=3), [[1.0, 1.0, 7.0]])
    # nothing known 1.5, x0 known 3, x1 known 2, both known 4
    assert found.base.tolist() == [1.5]
    np.testing.assert_allclose(found.values[0, :, 0], [1.75, 0.75, 0.0], atol=1e-15)


def test_a_question_asked_twice_is_one_condition():
    # 0 < x0 <= 1 gives 1, else 0; of 10 rows 6 are above 0, of these 3 at most 1
    tree = one_tree(
        [0, -1, 0, -1, -1],
        [0, 0, 1, 0, 0],
        [1, -1, 3, -1, -1],
        [2, -1, 4, -1, -1],
        [0, 0, 0, 1, 0],
        [10, 4, 6, 3, 3],
    )
    found = tree_shapley(summed(tree, width=1), [[-1.0], [0.5], [2.0]])
    np.testing.assert_allclose(found.values[:, 0, 0], [-0.3, 0.7, -0.3], atol=1e-15)


def test_trees_of_one_leaf_and_constant_trees_only_move_the_base():
    leaf = one_tree([-1], [0], [-1], [-1], [2.5], [4])
    same = one_tree([0, -1, -1], [0] * 3, [1, -1, -1], [2, -1, -1], [0, 1.5, 1.5], [4, 3, 1])
    for background in (None, [[3.0, 4.0]]):
        found = tree_shapley(summed(leaf, same, width=2), [[1.0, 2.0], [-1.0, np.nan]], background)
        assert found.base.tolist() == [4.0]
        np.testing.assert_allclose(found.values, 0.0, atol=1e-15)
        alone = tree_shapley(summed(leaf, width=2), [[1.0, 2.0]], background)
        assert (alone.base.tolist(), alone.values.tolist()) == ([2.5], [[[0.0], [0.0]]])


@pytest.mark.parametrize("model", [lightgbm.LGBMClassifier(n_estimators=3, **LIGHT), xgboost.XGBClassifier(n_estimators=3), HistGradientBoostingClassifier(max_iter=3), DecisionTreeClassifier()], ids=lambda m: type(m).__name__)  # fmt: skip
def test_a_model_that_found_nothing_gives_zeros(model):
    X = np.zeros((40, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, np.arange(40) % 2)
    trees = read_trees(model)
    assert not tree_shapley(trees, X).values.any()
    assert not tree_shapley(trees, X, X[:3]).values.any()


@st.composite
def grown(draw):
    """A random tree on 3 features in which questions repeat, with covers, and rows with missing values on its thresholds."""
    size = draw(st.integers(1, 7))
    feature, threshold, left, right, missing = [-1], [0.0], [-1], [-1], [False]
    open_ = [0]
    for _ in range(size):
        at = open_.pop(draw(st.integers(0, len(open_) - 1)))
        feature[at], threshold[at] = draw(st.integers(0, 2)), float(draw(st.integers(-2, 2)))
        missing[at] = draw(st.booleans())
        left[at], right[at] = len(feature), len(feature) + 1
        open_ += [left[at], right[at]]
        for _side in range(2):
            (
                feature.append(-1),
                threshold.append(0.0),
                left.append(-1),
                right.append(-1),
                missing.append(False),
            )
    value = [draw(st.integers(-4, 4)) if f < 0 else 0 for f in feature]
    cover = np.zeros(len(feature))
    for at in reversed(range(len(feature))):
        cover[at] = draw(st.integers(1, 5)) if feature[at] < 0 else cover[left[at]] + cover[right[at]]
    number = st.sampled_from([-3.0, -2.0, -1.0, 0.0, 0.5, 2.0, 3.0, np.nan])
    table = st.lists(st.tuples(number, number, number), min_size=1, max_size=4)
    return one_tree(feature, threshold, left, right, value, cover, missing), draw(table), draw(table)


@settings(max_examples=60, deadline=None)
@given(grown(), grown())
def test_random_trees_equal_their_enumeration(first, second):
    (one, X, behind), (other, _, _) = first, second
    model = summed(one, other, width=3)
    X, behind = np.array(X), np.array(behind)
    paths, mixed = tree_shapley(model, X), tree_shapley(model, X, behind)
    for i, row in enumerate(X):

        def by_paths(known, row=row):
            return sum(walked(tree, row, known) for tree in model.trees)

        def by_background(known, row=row):
            asked = behind.copy()
            asked[:, sorted(known)] = row[sorted(known)]
            return model.scores(asked).mean(axis=0)

        np.testing.assert_allclose(paths.values[i], enumerated(by_paths, 3), atol=1e-12)
        np.testing.assert_allclose(mixed.values[i], enumerated(by_background, 3), atol=1e-12)
    for found in (paths, mixed):
        np.testing.assert_allclose(found.values.sum(axis=1) + found.base, model.scores(X), atol=1e-12)


@pytest.mark.parametrize("n", [1, 300, 40_000])
def test_how_many_rows_are_asked_at_once_does_not_matter(n):
    model, X = fitted(lightgbm.LGBMRegressor(n_estimators=5, **LIGHT), "regression", gaps=True)
    trees = read_trees(model)
    whole = tree_shapley(trees, X, X[:20])
    some = tree_shapley(trees, np.resize(X, (n, D)), X[:20])
    np.testing.assert_allclose(some.values, np.resize(whole.values, (n, D, 1)), atol=1e-12)


def test_what_it_does_not_take():
    leaf = one_tree([-1], [0], [-1], [-1], [2.5], [1])
    empty = one_tree([0, -1, -1], [0] * 3, [1, -1, -1], [2, -1, -1], [0, 1, 2], [0, 0, 0])
    with pytest.raises(InputError, match="at least one row"):
        tree_shapley(summed(leaf, width=2), np.empty((0, 2)))
    with pytest.raises(InputError, match="at least one row"):
        tree_shapley(summed(leaf, width=2), [[1.0, 2.0]], np.empty((0, 2)))
    with pytest.raises(InputError, match="2 columns"):
        tree_shapley(summed(leaf, width=2), [[1.0]])
    with pytest.raises(NotApplicable, match="no training row"):
        tree_shapley(summed(empty, width=1), [[1.0]])
