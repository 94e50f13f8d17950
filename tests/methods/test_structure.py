"""Structure: counts by hand on small models, and the same counts taken a second way on larger ones."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn import (
    calibration,
    ensemble,
    gaussian_process,
    impute,
    kernel_approximation,
    kernel_ridge,
    linear_model,
    model_selection,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)
from threadpoolctl import threadpool_limits

from auditkit.errors import InputError, NotApplicable
from auditkit.methods.structure import structure

N = 120
_RNG = np.random.default_rng(5)
X = _RNG.normal(size=(N, 3))
Y = (X[:, 0] + _RNG.normal(size=N) > 0).astype(int)
Y3 = Y + (X[:, 1] > 0.8)
FLAT = {"verbose": -1, "n_jobs": 1}


def sizes_of(ends):
    return [np.unique(column, return_counts=True)[1] for column in np.asarray(ends).reshape(N, -1).T]


def check_leaves(found, sizes, k=5):
    flat = np.concatenate(sizes)
    assert (found.trees, found.leaves, found.smallest_leaf) == (len(sizes), flat.size, flat.min())
    assert (found.leaves_below, found.leaves_below_share) == (
        (flat < k).sum(),
        pytest.approx((flat < k).mean()),
    )
    shares = [one[one < k].sum() / one.sum() for one in sizes]
    assert found.rows_below_share == pytest.approx(np.mean(shares))


def test_a_tree_by_hand():
    # x below 2.5: labels 0 0, above: 1 0 1 1; grown out: {0, 1}, {3}, {4}, {5, 6}
    rows = np.array([[0.0], [1.0], [3.0], [4.0], [5.0], [6.0]])
    fitted = tree.DecisionTreeClassifier().fit(rows, [0, 0, 1, 0, 1, 1])
    found = structure(fitted, 6, k=2)
    assert (found.model, found.families) == ("DecisionTreeClassifier", ("trees",))
    assert (found.trees, found.leaves, found.smallest_leaf, found.leaves_below) == (1, 4, 1, 2)
    assert found.leaves_below_share == 0.5
    assert found.rows_below_share == pytest.approx(2 / 6)
    # three thresholds and four rates; six rows less seven numbers
    assert (found.parameters, found.residual_degrees_of_freedom) == (7, -1)
    assert found.parameters_per_row == pytest.approx(7 / 6)
    assert found.stored_rows == 0
    pruned = structure(tree.DecisionTreeClassifier(max_depth=1).fit(rows, [0, 0, 1, 0, 1, 1]), 6, k=2)
    assert (pruned.leaves, pruned.smallest_leaf, pruned.leaves_below, pruned.rows_below_share) == (
        2,
        2,
        0,
        0.0,
    )


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (tree.DecisionTreeRegressor(max_depth=4), Y),
        (tree.ExtraTreeClassifier(random_state=0, max_depth=6), Y3),
        (ensemble.RandomForestClassifier(5, bootstrap=False, max_features=1, random_state=0), Y),
        (ensemble.GradientBoostingClassifier(n_estimators=4, random_state=0), Y3),
        (lightgbm.LGBMClassifier(n_estimators=4, min_child_samples=3, **FLAT), Y3),
        (lightgbm.LGBMRegressor(n_estimators=4, min_child_samples=3, **FLAT), Y),
        (xgboost.XGBRegressor(n_estimators=4, n_jobs=1), Y),
    ],
    ids=lambda part: type(part).__name__,
)
def test_leaves_are_those_that_the_rows_end_in(model, y):
    fitted = model.fit(X, y)
    ends = fitted.predict(X, pred_leaf=True) if isinstance(fitted, lightgbm.LGBMModel) else fitted.apply(X)
    found = structure(fitted, N)
    check_leaves(found, sizes_of(ends))
    assert found.families == ("trees",)
    assert found.reason == ""


def test_a_bootstrapped_forest_counts_the_distinct_rows_of_its_samples():
    fitted = ensemble.RandomForestClassifier(4, random_state=0).fit(X, Y)
    sizes = []
    for one, drawn in zip(fitted.estimators_, fitted.estimators_samples_, strict=True):
        sizes.append(np.unique(one.apply(X[np.unique(drawn)].astype(np.float32)), return_counts=True)[1])
    check_leaves(structure(fitted, N), sizes)


def test_a_histogram_booster():
    with threadpool_limits(1):  # threads wait for each other where the cores are shared
        fitted = ensemble.HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=4).fit(X, Y3)
    found = structure(fitted, N)
    trees = [one for rounds in fitted._predictors for one in rounds]
    assert found.trees == 9
    assert found.leaves == sum(one.get_n_leaf_nodes() for one in trees)
    assert found.smallest_leaf >= 4
    # a tree of L leaves has L - 1 thresholds
    assert found.parameters == 2 * found.leaves - 9


def test_parameters_of_trees():
    classes = tree.DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, Y3)
    leaves = classes.get_n_leaves()
    assert structure(classes, N).parameters == (leaves - 1) + leaves * 2
    values = tree.DecisionTreeRegressor(max_depth=2).fit(X, X[:, :2])
    assert structure(values, N).parameters == (values.get_n_leaves() - 1) + values.get_n_leaves() * 2


@pytest.mark.parametrize("dressed", [True, False])
def test_xgboost_needs_the_rows_unless_every_second_derivative_is_one(dressed):
    fitted = xgboost.XGBClassifier(n_estimators=3, max_depth=3, n_jobs=1).fit(X, Y)
    model = fitted if dressed else fitted.get_booster()
    blind = structure(model, N)
    assert (blind.smallest_leaf, blind.leaves_below, blind.trees) == (None, None, 3)
    assert np.isnan(blind.rows_below_share)
    assert "give X" in blind.reason
    seen = structure(model, N, X=X)
    check_leaves(seen, sizes_of(fitted.apply(X)))
    assert seen.leaves == blind.leaves
    weighted = xgboost.XGBRegressor(n_estimators=2, n_jobs=1).fit(X, Y, sample_weight=_RNG.random(N))
    assert structure(weighted, N).smallest_leaf is None


def test_the_rows_reach_a_model_at_the_end_of_a_pipeline():
    piped = pipeline.make_pipeline(
        preprocessing.StandardScaler(), xgboost.XGBClassifier(n_estimators=2, n_jobs=1)
    )
    piped.fit(X, Y)
    check_leaves(structure(piped, N, X=X), sizes_of(piped[-1].apply(piped[:-1].transform(X))))


def test_native_boosters_and_linear_ones():
    fitted = lightgbm.LGBMClassifier(n_estimators=3, **FLAT).fit(X, Y)
    assert structure(fitted.booster_, N).smallest_leaf == structure(fitted, N).smallest_leaf
    stump = lightgbm.LGBMClassifier(n_estimators=2, min_child_samples=100, **FLAT).fit(X, Y)
    assert (structure(stump, N).leaves, structure(stump, N).smallest_leaf) == (structure(stump, N).trees, N)
    linear = xgboost.XGBRegressor(booster="gblinear", n_estimators=2, n_jobs=1).fit(X, Y)
    assert (structure(linear, N).families, structure(linear, N).parameters) == (("linear model",), 4)


@pytest.mark.parametrize(
    ("model", "stored"),
    [
        (neighbors.KNeighborsClassifier(3), N),
        (neighbors.RadiusNeighborsRegressor(2.0), N),
        (neighbors.KNeighborsRegressor(3, algorithm="kd_tree"), N),
        (neighbors.KernelDensity(), N),
        (kernel_ridge.KernelRidge(kernel="rbf"), N),
        (gaussian_process.GaussianProcessRegressor(optimizer=None), N),
        (gaussian_process.GaussianProcessClassifier(optimizer=None), N),
        (pipeline.make_pipeline(impute.KNNImputer(), linear_model.LinearRegression()), N),
        (pipeline.make_pipeline(kernel_approximation.Nystroem(n_components=17), linear_model.Ridge()), 17),
        (linear_model.LogisticRegression(), 0),
    ],
    ids=lambda part: type(part).__name__,
)  # fmt: skip
def test_models_that_carry_training_rows(model, stored):
    found = structure(model.fit(X, Y), N)
    assert (found.stored_rows, found.stored_share) == (stored, stored / N)
    assert (found.leaves, found.smallest_leaf, found.leaves_below) == (0, None, None)


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_support_vectors_are_training_rows(kernel):
    fitted = svm.SVC(kernel=kernel).fit(X, Y)
    found = structure(fitted, N)
    assert found.families == ("kernel machine",)
    assert found.stored_rows == len(fitted.support_)
    assert (X[fitted.support_] == fitted.support_vectors_).all()
    assert found.parameters == len(fitted.support_) + 1


@pytest.mark.parametrize(
    ("model", "y", "parameters"),
    [
        (linear_model.LogisticRegression(), Y, 4),
        (linear_model.LogisticRegression(), Y3, 12),
        (linear_model.LinearRegression(), Y, 4),
        (svm.LinearSVC(), Y3, 12),
        (naive_bayes.GaussianNB(), Y, 2 * 3 + 2 * 3 + 2),
        (neural_network.MLPClassifier((4,), max_iter=2000, tol=0.1), Y, 3 * 4 + 4 + 4 + 1),
    ],
    ids=lambda part: type(part).__name__,
)
def test_parameters_per_row(model, y, parameters):
    found = structure(model.fit(X, y), N)
    assert (found.parameters, found.residual_degrees_of_freedom) == (parameters, N - parameters)
    assert found.parameters_per_row == pytest.approx(parameters / N)


def test_models_within_models():
    grown = tree.DecisionTreeClassifier(min_samples_leaf=7, random_state=0)
    leaves = structure(grown.fit(X, Y), N).smallest_leaf
    searched = model_selection.GridSearchCV(grown, {"max_depth": [None]}, cv=2).fit(X, Y)
    assert structure(searched, N).smallest_leaf == leaves
    calibrated = calibration.CalibratedClassifierCV(linear_model.LogisticRegression(), cv=3).fit(X, Y)
    assert structure(calibrated, N).parameters == 3 * 4
    bagged = ensemble.BaggingClassifier(grown, 3, bootstrap=False).fit(X, Y)
    assert (structure(bagged, N).trees, structure(bagged, N).smallest_leaf) == (3, leaves)
    voting = ensemble.VotingClassifier(
        [
            ("near", neighbors.KNeighborsClassifier()),
            ("grown", grown),
            ("line", linear_model.LogisticRegression()),
        ]
    ).fit(X, Y)
    found = structure(voting, N)
    assert found.families == ("nearest neighbours", "trees", "linear model")
    assert (found.stored_rows, found.smallest_leaf) == (N, leaves)
    stacked = ensemble.StackingClassifier([("grown", grown)], linear_model.LogisticRegression(), cv=2).fit(
        X, Y
    )
    assert structure(stacked, N).families == ("trees", "linear model")
    half = ensemble.VotingClassifier([("x", xgboost.XGBClassifier(n_estimators=2)), ("grown", grown)]).fit(
        X, Y
    )
    assert structure(half, N).smallest_leaf is None
    assert structure(half, N, X=X).smallest_leaf >= 1


class Weight:
    def __init__(self, n):
        self.n = n

    def numel(self):
        return self.n


class Module:
    def state_dict(self):
        return {}

    def parameters(self):
        return iter([Weight(12), Weight(3)])


def test_a_module_with_torch_manners():
    found = structure(Module(), 10)
    assert (found.families, found.parameters, found.residual_degrees_of_freedom) == (
        ("neural network",),
        15,
        -5,
    )


@pytest.mark.parametrize("model", [object(), lambda rows: rows, preprocessing.StandardScaler().fit(X)], ids=["object", "function", "scaler"])  # fmt: skip
def test_what_is_not_known_is_not_applicable(model):
    with pytest.raises(NotApplicable, match="supported are"):
        structure(model, N)


@pytest.mark.parametrize("bad", [{"n_rows": 0}, {"n_rows": 5, "k": 0}], ids=["rows", "k"])
def test_arguments_out_of_range(bad):
    with pytest.raises(InputError, match="at least 1"):
        structure(linear_model.LinearRegression().fit(X, Y), **bad)
