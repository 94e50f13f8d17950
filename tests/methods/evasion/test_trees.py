"""Trees: minimal changes against every change there is, and against the mixed-integer program."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from auditkit.errors import InputError, NotApplicable
from auditkit.methods.evasion import decision_search
from auditkit.methods.evasion.trees import cells_of, read_classifier, tree_minimal_distance
from auditkit.methods.evasion.trees.bound import leaf_distances, single_bound
from auditkit.methods.feature_space import FeatureSpace
from auditkit.methods.trees import Tree, TreeModel

NORMS = ["l1", "l2", "linf", "l0"]
NAMES = ["whole", "kind", "odd"]


def needed(name):
    if os.environ.get("CI") != "true":
        return pytest.importorskip(name, reason=f"{name} is optional")
    return __import__(name)


def models(seed=0):
    lightgbm, xgboost = needed("lightgbm"), needed("xgboost")
    return {
        "tree": DecisionTreeClassifier(max_depth=5, random_state=seed),
        "forest": RandomForestClassifier(5, max_depth=4, random_state=seed, n_jobs=1),
        "extra": ExtraTreesClassifier(5, max_depth=4, random_state=seed, n_jobs=1),
        "boosting": GradientBoostingClassifier(n_estimators=5, random_state=seed),
        "histogram": HistGradientBoostingClassifier(max_iter=5, random_state=seed),
        "lightgbm": lightgbm.LGBMClassifier(
            n_estimators=5, num_leaves=6, verbose=-1, n_jobs=1, random_state=seed
        ),
        "xgboost": xgboost.XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1, random_state=seed),
    }


def grid_rows(n, seed):
    """Rows of a whole number 0..8, a category of 3, and odd numbers 1..9, with classes that hang on all."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(0, 9, n), rng.integers(0, 3, n), 2 * rng.integers(0, 5, n) + 1]).astype(
        float
    )
    score = X[:, 0] * np.where(X[:, 1] == 1, 1, -1) + X[:, 2] + rng.normal(size=n)
    return X, score


GRID = FeatureSpace(
    names=tuple(NAMES),
    kind=("integer", "categorical", "integer"),
    low=np.array([0, 0, 1]), high=np.array([8, 2, 9]), step=np.array([1, 0, 2]), n_categories=np.array([0, 3, 0]),
    mutable=np.ones(3, bool), direction=np.zeros(3, int), scale=np.array([2.0, 1.0, 3.0]),
    category_cost=np.array([1.0, 0.7, 1.0]),
)  # fmt: skip
EVERY = np.array(list(itertools.product(range(9), range(3), range(1, 10, 2))), dtype=float)
PLAIN = np.zeros(3, dtype=bool)


def read(model, X, space=GRID, scattered=PLAIN, front=lambda rows: rows):
    found, scores = read_classifier(model)
    return cells_of(found.based_on(scores(front(X)), front(X)), front, space, X, scattered)


def by_enumeration(answer, space, X, y, norm, every=EVERY):
    """Return each row's least distance to an allowed row of another label, among all rows there are."""
    labels, out = answer(every), []
    for row, own in zip(X, y, strict=True):
        before = np.tile(row, (len(every), 1))
        allowed = ~space.violations(before, every).any(axis=1) & (labels != own)
        length = space.distance(before, every, norm)
        out.append(length[allowed].min(initial=np.inf))
    return np.array(out)


# the same model ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["tree", "forest", "extra", "boosting", "histogram", "lightgbm", "xgboost"])
def test_the_trees_that_were_read_answer_as_the_model_does(name, classes):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(500, 4))
    X[rng.random(X.shape) < 0.1] = (
        np.nan if name in ("histogram", "lightgbm", "xgboost", "tree", "forest") else 0.0
    )
    y = np.digitize(np.nan_to_num(X[:, 0] + X[:, 1] * X[:, 2]), [0, 1][: classes - 1])
    model = models()[name].fit(X, y)
    found, scores = read_classifier(model)
    found = found.based_on(scores(X[:100]), X[:100])
    new = rng.normal(size=(2000, 4)) * 2
    new[rng.random(new.shape) < 0.1] = np.nan if np.isnan(X).any() else 1.0
    np.testing.assert_allclose(found.scores(new), scores(new), atol=2 * found.slack)
    ordered = np.sort(found.scores(new), axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 2 * found.slack
    assert clear.mean() > 0.7
    assert (found.scores(new).argmax(axis=1)[clear] == model.predict(new)[clear]).all()
    space = FeatureSpace.infer(new, ["continuous"] * 4, list("abcd"))
    cells = cells_of(found, lambda rows: rows, space, new, np.zeros(4, dtype=bool))
    np.testing.assert_allclose(cells.scores(new), found.scores(new), atol=1e-12)
    edge = np.nan_to_num(new[:1], nan=0.5)  # and rows on and just beyond every edge
    for j, some in enumerate(cells.edges):
        for values in (some, np.nextafter(some, np.inf)):
            at = edge[np.zeros(len(some), dtype=int)].copy()
            at[:, j] = values
            np.testing.assert_allclose(cells.scores(at), found.scores(at), atol=1e-12)


def test_native_boosters_are_read_too():
    lightgbm, xgboost = needed("lightgbm"), needed("xgboost")
    X, score = grid_rows(300, 0)
    y = (score > 3).astype(int)
    light = lightgbm.train(
        {"objective": "binary", "verbose": -1, "num_threads": 1}, lightgbm.Dataset(X, y), 5
    )
    extreme = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(X, y), 5)
    for one in (light, extreme):
        found, scores = read_classifier(one)
        found = found.based_on(scores(X), X)
        np.testing.assert_allclose(found.scores(EVERY), scores(EVERY), atol=2 * found.slack)


def test_early_stopping_leaves_the_later_rounds_out():
    xgboost = needed("xgboost")
    X, score = grid_rows(400, 0)
    y = (score + 6 * np.random.default_rng(0).normal(size=400) > 3).astype(int)
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=5, n_jobs=1)
    model.fit(X[:200], y[:200], eval_set=[(X[200:], y[200:])], verbose=False)
    found, scores = read_classifier(model)
    assert len(found.trees) == model.best_iteration + 1 < 60
    found = found.based_on(scores(X), X)
    np.testing.assert_allclose(found.scores(EVERY), scores(EVERY), atol=2 * found.slack)


def test_numbers_on_a_threshold_in_single_precision_are_read_as_the_model_reads_them():
    # between two numbers of single precision the models round; the edge lies where rounding turns
    for name in ("tree", "xgboost", "histogram", "lightgbm"):
        X = np.repeat([[0.1], [0.3]], 40, axis=0)
        model = models()[name].fit(X, np.repeat([0, 1], 40))
        space = FeatureSpace.infer(X, ["continuous"], ["a"])
        (edge,) = read(model, X, space, np.zeros(1, dtype=bool)).edges[0]
        assert model.predict([[edge]]) == [0]
        assert model.predict([[np.nextafter(edge, 1)]]) == [1]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    threshold=st.floats(-1e6, 1e6),
    shift=st.floats(-1e3, 1e3),
    scale=st.floats(1e-3, 1e3),
    single=st.booleans(),
)
def test_an_edge_is_the_last_number_whose_code_goes_left(threshold, shift, scale, single):
    split = Tree(np.array([0, -1, -1]), np.array([threshold, 0, 0]), np.array([1, -1, -1]), np.array([2, -1, -1]), np.zeros(3, bool),
                 np.array([[0, 0], [1.0, 0], [0, 1.0]]), np.array([2.0, 1, 1]))  # fmt: skip
    model = TreeModel((split,), np.zeros(2), 1, single, 1e-12)
    front = lambda rows: (rows - shift) / scale  # noqa: E731
    X = np.array([[-1e12], [1e12]])
    space = FeatureSpace.infer(X, ["continuous"], ["a"])
    (edges,) = cells_of(model, front, space, X, np.zeros(1, dtype=bool)).edges
    around = np.array([[edges[0]], [np.nextafter(edges[0], np.inf)]])
    assert model.scores(front(around)).argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize("model", [
    LogisticRegression(),
    "categories of lightgbm",
    "an initial model",
])  # fmt: skip
def test_what_is_no_sum_of_trees_over_numbers_is_refused(model):
    X, score = grid_rows(200, 0)
    y = (score > 3).astype(int)
    if model == "categories of lightgbm":
        model = needed("lightgbm").LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1, min_child_samples=1)
        model.set_params(cat_smooth=0, min_data_per_group=1)
        model.fit(X, X[:, 1] == 1, categorical_feature=[1])
    elif model == "an initial model":
        model = GradientBoostingClassifier(n_estimators=3, init=LogisticRegression()).fit(X, y)
    else:
        model.fit(X, y)
    with pytest.raises(NotApplicable, match=r"no sum of trees|split on categories|not in the trees"):
        read(model, X)


# the minimal change ------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    name=st.sampled_from(["tree", "forest", "extra", "boosting", "histogram", "lightgbm", "xgboost"]),
    norm=st.sampled_from(NORMS),
    classes=st.sampled_from([2, 3]),
    mutable=st.tuples(*[st.booleans()] * 3),
    direction=st.tuples(st.sampled_from([-1, 0, 1]), st.sampled_from([-1, 0, 1])),
    ends=st.sampled_from([(0, 8), (2, 6)]),
)
def test_merging_finds_the_least_of_all_allowed_changes(seed, name, norm, classes, mutable, direction, ends):
    X, score = grid_rows(150, seed)
    y = np.digitize(score, [2, 6][: classes - 1])
    model = models(seed)[name].fit(X, y)
    space = replace(
        GRID,
        mutable=np.array(mutable),
        direction=np.array([direction[0], 0, direction[1]]),
        low=np.array([ends[0], 0, 1]),
        high=np.array([ends[1], 2, 9]),
    )
    rows = X[:12]
    labels = model.predict(rows)
    cells = read(model, rows, space)
    found = tree_minimal_distance(cells, model.predict, rows, labels, norm=norm)
    exact = by_enumeration(model.predict, space, rows, labels, norm)
    np.testing.assert_allclose(found.upper, exact, rtol=1e-9)
    np.testing.assert_allclose(found.lower, exact, rtol=1e-9)
    assert found.proved.all()
    held = np.isfinite(found.upper)
    assert (model.predict(found.adversarial)[held] != labels[held]).all()
    assert not space.violations(rows, found.adversarial).any()
    cheap = single_bound(cells, leaf_distances(cells, cells.costs(rows)[0], norm), labels.astype(int))
    assert (cheap <= exact * (1 + 1e-9)).all()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ["tree", "forest", "xgboost"])
def test_the_program_gives_the_same_least_change(name, norm):
    X, score = grid_rows(150, 3)
    model = models()[name].fit(X, np.digitize(score, [2, 6]))
    rows = X[:6]
    labels = model.predict(rows)
    cells = read(model, rows)
    exact = by_enumeration(model.predict, GRID, rows, labels, norm)
    found = tree_minimal_distance(cells, model.predict, rows, labels, norm=norm, work=0, nodes=2000)
    if name != "tree":  # where there is one tree nothing is merged
        assert set(found.how) <= {"program", "one leaf at a time"}
    assert (found.lower <= exact * (1 + 1e-9)).all()
    np.testing.assert_allclose(found.upper[found.proved], exact[found.proved], rtol=1e-9)
    assert found.proved.mean() >= 0.8


@pytest.mark.parametrize("norm", NORMS)
def test_continuous_features_are_crossed_at_their_thresholds(norm):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 3))
    model = RandomForestClassifier(4, max_depth=3, random_state=0).fit(X, X[:, 0] + X[:, 1] * X[:, 2] > 0)
    space = FeatureSpace.infer(X, ["continuous"] * 3, list("abc"))
    rows, answer = X[:10], lambda Z: model.predict(Z).astype(int)
    cells = read(model, rows, space)
    found = tree_minimal_distance(cells, answer, rows, answer(rows), norm=norm)
    assert found.proved.all()
    # a second way: either side of every threshold, and the row's own value, in every combination
    cuts = [
        np.concatenate([t.tree_.threshold[t.tree_.feature == j] for t in model.estimators_]) for j in range(3)
    ]
    for i, row in enumerate(rows):
        sides = [np.concatenate([c - 1e-6, c + 1e-6, [row[j]]]) for j, c in enumerate(cuts)]
        every = np.array(list(itertools.product(*[np.unique(np.clip(s, X[:, j].min(), X[:, j].max()))
                                                  for j, s in enumerate(sides)])))  # fmt: skip
        (exact,) = by_enumeration(answer, space, row[None], answer(row[None]), norm, every)
        assert found.upper[i] == pytest.approx(exact, abs=1e-5)
        assert found.upper[i] <= exact


def test_a_coding_is_followed_back_to_the_features():
    # what stands before the model: a scaled number, one column for each category, a number rounded to single precision
    rng = np.random.default_rng(0)
    X, score = grid_rows(300, 7)
    y = (score > 3).astype(int)

    def front(rows):
        hot = rows[:, [1]] == np.arange(3)
        return np.column_stack([(rows[:, 0] - 4.1) / 2.7, hot, np.float32(rows[:, 2] / 3)])

    model = HistGradientBoostingClassifier(max_iter=8).fit(front(X), y)
    rows = X[rng.integers(300, size=20)]
    cells = read(model, rows, front=front)
    labels = model.predict(front(rows))
    found = tree_minimal_distance(cells, lambda Z: model.predict(front(Z)), rows, labels, norm="l1")
    exact = by_enumeration(lambda Z: model.predict(front(Z)), GRID, rows, labels, "l1")
    np.testing.assert_allclose(found.upper, exact)
    np.testing.assert_allclose(found.lower, exact)


def test_features_of_separate_values_may_be_coded_in_any_order():
    X, score = grid_rows(300, 7)

    def front(rows):
        return np.column_stack(
            [np.array([3, 1, 4, 1.5, 9, 2, 6, 5, 3.5])[rows[:, 0].astype(int)], rows[:, 1:]]
        )

    model = DecisionTreeClassifier(random_state=0).fit(front(X), score > 3)
    rows, answer = X[:20], lambda Z: model.predict(front(Z)).astype(int)
    # the code of 0 is 3, of 1 it is 1: not in order, and read in order the answer would be wrong
    cells = read(model, rows, front=front, scattered=np.array([True, False, False]))
    found = tree_minimal_distance(cells, answer, rows, answer(rows), norm="l2")
    np.testing.assert_allclose(found.lower, by_enumeration(answer, GRID, rows, answer(rows), "l2"))


def test_columns_that_mix_features_or_fall_are_refused():
    X, score = grid_rows(200, 0)
    for front, why in (
        (lambda rows: rows[:, [0, 1]] + rows[:, [2, 2]], "from two columns"),
        (lambda rows: -rows, "falls where"),
    ):
        model = DecisionTreeClassifier(random_state=0).fit(front(X), score > 3)
        with pytest.raises(NotApplicable, match=why):
            read(model, X, front=front)


def test_missing_values_stay_or_are_filled_in_at_their_cost():
    X, score = grid_rows(300, 1)
    X[::3, 0] = np.nan
    model = HistGradientBoostingClassifier(max_iter=5).fit(X, score > np.nanmedian(score))
    rows = X[:18]
    answer = lambda Z: model.predict(Z).astype(int)  # noqa: E731
    found = tree_minimal_distance(read(model, rows), answer, rows, answer(rows), norm="l1")
    every = np.concatenate([EVERY, np.column_stack([np.full(len(EVERY), np.nan), EVERY[:, 1:]])])
    exact = by_enumeration(answer, GRID, rows, answer(rows), "l1", every)
    np.testing.assert_allclose(found.upper, exact)
    np.testing.assert_allclose(found.lower, exact)


def test_bounds_hold_where_the_work_is_not_enough_and_say_so():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6))
    y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
    model = RandomForestClassifier(30, max_depth=6, random_state=0).fit(X, y)
    space = FeatureSpace.infer(X, ["continuous"] * 6, list("abcdef"))
    rows = X[:10]
    labels = model.predict(rows)
    cells = read(model, rows, space, np.zeros(6, dtype=bool))
    lower = [
        tree_minimal_distance(cells, model.predict, rows, labels, work=work, norm="l2").lower
        for work in (0, 300, 20_000)
    ]
    assert (lower[0] <= lower[1] * (1 + 1e-12)).all()
    attack = decision_search(model.predict, rows, labels, space, X, rng=rng, max_calls=200, norm="l2")
    for one in lower:
        assert (one <= attack.distance * (1 + 1e-9)).all()
    short = tree_minimal_distance(cells, model.predict, rows, labels, work=300, norm="l2")
    assert "not settled: too many boxes" in short.how
    assert not short.proved[short.how == "not settled: too many boxes"].any()


def test_within_a_reach_no_more_is_looked_for():
    X, score = grid_rows(150, 3)
    model = models()["forest"].fit(X, (score > 3).astype(int))
    rows, labels = X[:20], model.predict(X[:20])
    cells = read(model, rows)
    whole = tree_minimal_distance(cells, model.predict, rows, labels, norm="l2")
    short = tree_minimal_distance(cells, model.predict, rows, labels, norm="l2", within=1.0)
    near = whole.upper <= 1.0
    np.testing.assert_array_equal(short.upper[near], whole.upper[near])
    assert (short.lower[~near] > 1.0).all()
    assert np.isinf(short.upper[~near]).all()


def test_a_rule_takes_changes_away_and_leaves_the_lower_bound():
    X, score = grid_rows(150, 3)
    model = models()["tree"].fit(X, (score > 3).astype(int))
    bound = replace(GRID, rules=(lambda before, after: after[:, 0] <= after[:, 2],))
    rows, labels = X[:30], model.predict(X[:30])
    found = tree_minimal_distance(read(model, rows, bound), model.predict, rows, labels, norm="l1")
    free = by_enumeration(model.predict, GRID, rows, labels, "l1")
    kept = by_enumeration(model.predict, bound, rows, labels, "l1")
    assert (free <= kept).all()
    assert (found.lower <= kept + 1e-9).all()
    assert (found.upper >= kept - 1e-9).all()
    assert not bound.violations(rows, found.adversarial).any()
    np.testing.assert_allclose(found.upper[found.proved], kept[found.proved])


def test_rows_of_another_label_are_left_out_and_options_are_held():
    X, score = grid_rows(150, 3)
    model = models()["tree"].fit(X, (score > 3).astype(int))
    cells = read(model, X)
    found = tree_minimal_distance(cells, model.predict, X, 1 - model.predict(X))
    assert np.isnan(found.lower).all()
    assert set(found.how) == {"had another label"}
    with pytest.raises(InputError, match="within > 0"):
        tree_minimal_distance(cells, model.predict, X, model.predict(X), within=0)
    with pytest.raises(InputError, match="no norm named"):
        tree_minimal_distance(cells, model.predict, X, model.predict(X), norm="l3")
    empty = tree_minimal_distance(cells, model.predict, X[:0], np.array([], dtype=int))
    assert len(empty.lower) == 0


@pytest.mark.parametrize("norm", NORMS)
def test_what_an_attack_has_found_ends_the_search_and_is_proved_or_beaten(norm):
    X, score = grid_rows(150, 3)
    model = models()["forest"].fit(X, (score > 3).astype(int))
    rows, labels = X[:20], model.predict(X[:20])
    cells = read(model, rows)
    exact = by_enumeration(model.predict, GRID, rows, labels, norm)
    for known in (exact, exact * 1.7, np.full(20, np.inf)):
        found = tree_minimal_distance(cells, model.predict, rows, labels, norm=norm, known=known)
        np.testing.assert_allclose(found.upper, exact, rtol=1e-9)
        np.testing.assert_allclose(found.lower, exact, rtol=1e-9)
    # a distance at which nothing turns is not believed: the bound stands beyond it
    short = exact / 2
    found = tree_minimal_distance(cells, model.predict, rows, labels, norm=norm, known=short)
    assert (found.lower > short * (1 + 2e-6)).all() or norm == "l0"


@pytest.mark.parametrize("norm", NORMS)
def test_nothing_is_certified_across_zero_where_the_model_reads_tiny_numbers_as_zero(norm):
    """LightGBM splits a column of both signs at -1e-35 and takes numbers of that size for 0: the flip lies beyond."""
    lightgbm = needed("lightgbm")
    rng = np.random.default_rng(0)
    x = np.r_[-np.linspace(0.5, 3, 100), np.zeros(20), np.linspace(0.5, 3, 100)]
    table = np.column_stack([x, rng.normal(size=220)])
    model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1).fit(table, (x < 0).astype(int))
    space = FeatureSpace.infer(table, ["continuous"] * 2, ["x", "w"])
    X = np.array([[1.0, 0.0], [0.5, 0.0]])
    got = tree_minimal_distance(read(model, X, space), model.predict, X, model.predict(X), norm=norm)
    truth = np.ones(2) if norm == "l0" else X[:, 0] / space.scale[0]
    assert (model.predict(np.column_stack([np.full(2, -1e-30), X[:, 1]])) != model.predict(X)).all()
    assert (got.lower <= truth * (1 + 1e-6)).all()
