"""What the tests of model files share: real estimators that were fitted, and a marker that hostile files would touch."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn import (
    calibration,
    cluster,
    compose,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    dummy,
    ensemble,
    feature_selection,
    gaussian_process,
    impute,
    kernel_approximation,
    kernel_ridge,
    linear_model,
    mixture,
    model_selection,
    multiclass,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    semi_supervised,
    svm,
    tree,
)  # fmt: skip
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer


@pytest.fixture(scope="session")
def marked(tmp_path_factory):
    """One folder for the marks of all hostile files, so that each file is made once."""
    return tmp_path_factory.mktemp("marked")


@pytest.fixture
def marker(marked):
    """A place that every hostile file would touch; a test fails where one did."""
    yield marked / "ran"
    left = sorted(one.name for one in marked.iterdir())
    for name in left:
        (marked / name).rename(
            marked.with_name(f"{marked.name}-{name}-{time.time_ns()}")
        )  # the next test starts clean
    assert left == [], "something in a file ran"


def rows() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"a": rng.normal(size=80), "b": rng.exponential(size=80), "c": rng.integers(0, 4, 80).astype(float)}
    )
    y = (X["a"] + 0.3 * rng.normal(size=80) > 0).astype(int).to_numpy()
    return X, y, (X["a"] * 2 + X["b"]).to_numpy()


def unfitted():
    """Return estimators by name: (estimator, is a regressor)."""
    boosters = {"n_estimators": 4, "verbose": -1, "min_child_samples": 5, "n_jobs": 1}
    lin, pre, ens = linear_model, preprocessing, ensemble
    small = lin.LogisticRegression()
    classifiers = [
        small, lin.LogisticRegressionCV(Cs=2, cv=2, l1_ratios=(0,), use_legacy_attributes=False), lin.SGDClassifier(loss="log_loss"), lin.RidgeClassifier(), lin.RidgeClassifierCV(),
        lin.Perceptron(), svm.SVC(), svm.NuSVC(), svm.LinearSVC(), tree.DecisionTreeClassifier(max_depth=3), tree.ExtraTreeClassifier(max_depth=3),
        ens.RandomForestClassifier(4), ens.ExtraTreesClassifier(4), ens.GradientBoostingClassifier(n_estimators=4),
        ens.HistGradientBoostingClassifier(max_iter=4), ens.AdaBoostClassifier(n_estimators=3), ens.BaggingClassifier(n_estimators=3),
        ens.VotingClassifier([("l", small), ("n", naive_bayes.GaussianNB())]), ens.StackingClassifier([("l", small), ("t", tree.DecisionTreeClassifier())], cv=2),
        naive_bayes.GaussianNB(), naive_bayes.BernoulliNB(), neighbors.KNeighborsClassifier(), neighbors.KNeighborsClassifier(algorithm="kd_tree"),
        neighbors.KNeighborsClassifier(algorithm="ball_tree", metric="manhattan"), neighbors.NearestCentroid(),
        neighbors.RadiusNeighborsClassifier(radius=50.0), discriminant_analysis.LinearDiscriminantAnalysis(),
        discriminant_analysis.QuadraticDiscriminantAnalysis(), neural_network.MLPClassifier(hidden_layer_sizes=(4,), max_iter=20), gaussian_process.GaussianProcessClassifier(),
        dummy.DummyClassifier(), calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=2), calibration.CalibratedClassifierCV(small, method="isotonic", cv=2),
        multiclass.OneVsRestClassifier(small), multiclass.OneVsOneClassifier(small), semi_supervised.LabelPropagation(),
        model_selection.GridSearchCV(small, {"C": [0.1, 1]}, cv=2), model_selection.FixedThresholdClassifier(small, threshold=0.4),
        model_selection.TunedThresholdClassifierCV(small, cv=2, thresholds=5), LGBMClassifier(**boosters),
        pipeline.make_pipeline(pre.StandardScaler(), small), pipeline.make_pipeline(pre.MinMaxScaler(), pre.PolynomialFeatures(2), small),
        pipeline.make_pipeline(pre.QuantileTransformer(n_quantiles=10), small), pipeline.make_pipeline(pre.PowerTransformer(), small),
        pipeline.make_pipeline(pre.KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), small), pipeline.make_pipeline(pre.SplineTransformer(), small),
        pipeline.make_pipeline(impute.SimpleImputer(), small), pipeline.make_pipeline(impute.KNNImputer(), small),
        pipeline.make_pipeline(decomposition.PCA(2), small), pipeline.make_pipeline(decomposition.KernelPCA(2), small),
        pipeline.make_pipeline(feature_selection.SelectKBest(k=2), small), pipeline.make_pipeline(feature_selection.SelectFromModel(small), small),
        pipeline.make_pipeline(kernel_approximation.Nystroem(n_components=5), small), pipeline.make_pipeline(pre.FunctionTransformer(np.abs), small),
        pipeline.make_pipeline(compose.make_column_transformer((pre.OneHotEncoder(), ["c"]), (pre.RobustScaler(), ["a"]), remainder="passthrough"), small),
        pipeline.make_pipeline(compose.make_column_transformer((pre.OrdinalEncoder(), ["c"]), remainder="drop"), small),
        pipeline.make_pipeline(pipeline.FeatureUnion([("p", decomposition.PCA(1)), ("s", pre.StandardScaler())]), small),
        pipeline.make_pipeline(pre.TargetEncoder(cv=2), small), pipeline.make_pipeline(cluster.KMeans(3, n_init=1), small),
    ]  # fmt: skip
    regressors = [
        lin.LinearRegression(), lin.Ridge(), lin.Lasso(), lin.ElasticNetCV(cv=2), lin.BayesianRidge(), lin.HuberRegressor(), lin.PoissonRegressor(),
        lin.QuantileRegressor(), lin.RANSACRegressor(), lin.SGDRegressor(), svm.SVR(), tree.DecisionTreeRegressor(max_depth=3), ens.RandomForestRegressor(4),
        ens.GradientBoostingRegressor(n_estimators=4), ens.HistGradientBoostingRegressor(max_iter=4), neighbors.KNeighborsRegressor(),
        neural_network.MLPRegressor(hidden_layer_sizes=(4,), max_iter=20), gaussian_process.GaussianProcessRegressor(), kernel_ridge.KernelRidge(),
        cross_decomposition.PLSRegression(2), dummy.DummyRegressor(), LGBMRegressor(**boosters),
        compose.TransformedTargetRegressor(lin.LinearRegression(), transformer=pre.StandardScaler()),
        model_selection.RandomizedSearchCV(lin.Ridge(), {"alpha": [0.1, 1]}, n_iter=2, cv=2),
    ]  # fmt: skip
    return [(one, False) for one in classifiers] + [(one, True) for one in regressors]


def xgboost_ones():
    xgboost = pytest.importorskip("xgboost")
    return [
        (xgboost.XGBClassifier(n_estimators=3, n_jobs=1), False),
        (xgboost.XGBRegressor(n_estimators=3, n_jobs=1), True),
    ]


@pytest.fixture(scope="session")
def fitted():
    """Fitted estimators, each with its answers: [(name, estimator, answers)]."""
    X, y, value = rows()
    out = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one, regression in [*unfitted(), *xgboost_ones()]:
            made = clone(one).fit(X, value - value.min() + 0.1 if regression else y)
            out.append((repr(one)[:60], made, made.predict(X)))
        words = [f"word{i % 7} other{i % 3}" for i in range(40)]
        text = pipeline.make_pipeline(TfidfVectorizer(), linear_model.LogisticRegression()).fit(
            words, [i % 2 for i in range(40)]
        )
        out.append(("text", text, text.predict(words)))
        strings = X.assign(d=np.where(X["a"] > 0, "high", "low"))
        encoded = pipeline.make_pipeline(
            compose.make_column_transformer(
                (preprocessing.OneHotEncoder(handle_unknown="ignore"), ["d"]), remainder="passthrough"
            ),
            linear_model.LogisticRegression(),
        ).fit(strings, np.where(y, "yes", "no"))
        out.append(("strings", encoded, encoded.predict(strings)))
        out.append(
            (
                "mixture",
                mixture.GaussianMixture(2, random_state=0).fit(X),
                mixture.GaussianMixture(2, random_state=0).fit(X).predict(X),
            )
        )
    return out
