"""Gradient attacks reach what the closed form says of linear models, stay within what is allowed, and repeat themselves."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from auditkit.errors import InputError, NotApplicable
from auditkit.methods.evasion import apgd, ensemble, fgsm, linear_minimal_distance, pgd
from auditkit.methods.evasion.gradients.apgd import checkpoints
from auditkit.methods.evasion.gradients.ball import Ball, settle
from auditkit.methods.evasion.gradients.differentiable import CountedSlopes, loss_of
from auditkit.methods.evasion.gradients.engine import NumpyEngine
from auditkit.methods.feature_space import FeatureSpace
from auditkit.predictors import as_predictor

NAMES = tuple("abcde")
SCALE = np.array([1.0, 10.0, 0.1, 1.0, 1.0])


def space_of(d=5, **given):
    names = NAMES[:d]
    parts = {
        "kind": ("continuous",) * d, "low": np.full(d, -np.inf), "high": np.full(d, np.inf), "step": np.zeros(d),
        "n_categories": np.zeros(d), "mutable": np.ones(d, bool), "direction": np.zeros(d), "scale": SCALE[:d],
    }  # fmt: skip
    return FeatureSpace(names, **{**parts, **given})


def data(n=120, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5)) * SCALE
    signal = X[:, 0] + X[:, 1] / 10 + 0.4 * rng.normal(size=n)
    return pd.DataFrame(X, columns=list(NAMES)), np.digitize(signal, [0.0] if classes == 2 else [-0.7, 0.7])


def bound(estimator, X, y, columns=NAMES):
    task = "binary" if len(np.unique(y)) == 2 else "multiclass"
    model = as_predictor(estimator.fit(X, y), task=task, labels=np.unique(y))
    return model, model.differentiable(X, list(columns)), np.searchsorted(np.unique(y), model.predict(X))


def rng(seed=0):
    return np.random.default_rng(seed)


# the closed form ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize(
    "last", [LogisticRegression(), RidgeClassifier(), LinearSVC(), SGDClassifier(random_state=0)], ids=lambda e: type(e).__name__
)  # fmt: skip
@pytest.mark.parametrize(
    "front", [(), (StandardScaler(),), (MinMaxScaler(),)], ids=["bare", "standard", "minmax"]
)
def test_two_classes_of_a_linear_model_are_flipped_exactly_beyond_their_distance(norm, last, front):
    X, y = data()
    model, slopes, own = bound(make_pipeline(*front, last), X, y)
    fitted = model.estimator[-1]
    per_unit = SCALE.copy()
    Z = X.to_numpy()
    if front:
        Z = np.asarray(model.estimator[0].transform(X))
        per_unit = SCALE * (Z[1] - Z[0]) / (X.to_numpy()[1] - X.to_numpy()[0])
    exact = linear_minimal_distance(fitted.coef_, fitted.intercept_, Z, norm, scale=per_unit)
    radius = float(np.median(exact))
    attack = pgd if norm == "l1" else apgd
    found = attack(slopes, X, own, space_of(), radius, norm=norm, rng=rng(), steps=40)
    clear = np.abs(exact - radius) > 0.01 * radius
    assert (found.success == (exact <= radius))[clear].all()
    assert 0.3 < found.success.mean() < 0.7
    assert (found.distance[found.success] >= exact[found.success] * (1 - 1e-6)).all()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_one_step_of_the_fast_gradient_method_is_enough_for_a_linear_model(norm):
    X, y = data()
    model, slopes, own = bound(LogisticRegression(), X, y)
    exact = linear_minimal_distance(model.estimator.coef_, model.estimator.intercept_, X, norm, scale=SCALE)
    radius = float(np.median(exact)) * 1.001
    found = fgsm(slopes, X, own, space_of(), radius, norm=norm)
    assert (found.success == (exact <= radius)).all()
    assert (found.gradients == 1).all()
    assert found.distance[found.success] == pytest.approx(radius)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_many_classes_of_a_linear_model_are_flipped_by_the_targeted_ratio(norm):
    X, y = data(classes=3)
    model, slopes, own = bound(make_pipeline(StandardScaler(), LogisticRegression()), X, y)
    scaler, fitted = model.estimator
    Z = scaler.transform(X)
    exact = linear_minimal_distance(fitted.coef_, fitted.intercept_, Z, norm, scale=SCALE / scaler.scale_)
    radius = float(np.median(exact))
    found, attacks = ensemble(slopes, X, own, space_of(), radius, norm=norm, rng=rng(), steps=40)
    clear = np.abs(exact - radius) > 0.02 * radius
    assert (found.success == (exact <= radius))[clear].all()
    assert [one.name for one in attacks] == ["APGD, cross-entropy", "APGD, targeted difference of logits"]
    assert set(attacks[1].rows) == set(np.flatnonzero(~attacks[0].result.success))
    assert found.gradients.sum() == sum(one.result.gradients.sum() for one in attacks)


def test_the_slopes_of_a_perceptron_are_those_of_small_differences():
    X, y = data(classes=3)
    for activation in ("identity", "relu", "tanh", "logistic"):
        front = ColumnTransformer([("n", StandardScaler(), list("abcd")), ("c", OneHotEncoder(), ["e"])])
        frame = X.assign(e=np.where(X["e"] > 0, "up", "down"))
        net = MLPClassifier((7, 6), activation=activation, random_state=0, max_iter=15, tol=1)
        _, slopes, own = bound(make_pipeline(front, net), frame, y, columns=list("abcd"))
        values, every = frame[list("abcd")].to_numpy(), np.arange(len(frame))
        for name in ("ce", "margin", "dlr"):
            loss = loss_of(name, 3)
            _, _, found = slopes.pull(values, every, loss, own)
            for j in range(4):
                step = np.zeros(4)
                step[j] = 1e-6 * SCALE[j]
                up = loss(slopes.scores(values + step, every), own)[0]
                down = loss(slopes.scores(values - step, every), own)[0]
                assert np.quantile(np.abs(found[:, j] - (up - down) / (2 * step[j])), 0.95) < 1e-6 / SCALE[j]


@pytest.mark.parametrize("name", ["ce", "margin", "dlr", "targeted"])
def test_losses_grow_as_the_label_is_lost_and_ratios_know_no_scale(name):
    scores = np.array([[3.0, 1.0, 0.5, -2.0], [0.0, 2.0, 1.5, 0.2]])
    y = np.array([0, 1])
    asked = np.column_stack([y, [1, 2]]) if name == "targeted" else y
    value, slopes = loss_of(name, 4)(scores, asked)
    assert (slopes[[0, 1], y] < 0).all()
    expected = {
        "ce": np.log(np.exp(scores).sum(1)) - [3.0, 2.0],
        "margin": [-2.0, -0.5],
        "dlr": [-2.0 / 2.5, -0.5 / 1.8],
        "targeted": [-2.0 / (3 - (0.5 - 2.0) / 2), -0.5 / (2 - (0.2 + 0.0) / 2)],
    }[name]
    assert value == pytest.approx(np.asarray(expected))
    if name in ("dlr", "targeted"):
        assert loss_of(name, 4)(1000 * scores, asked)[0] == pytest.approx(value)
    assert slopes.sum(axis=1) == pytest.approx(0, abs=1e-12)  # a constant on all scores changes nothing


def test_a_row_the_model_is_sure_of_still_has_a_slope():
    _, slopes = loss_of("ce", 2)(np.array([[0.0, 60.0]]), np.array([1]))
    assert slopes[0, 0] == pytest.approx(np.exp(-60.0))
    assert slopes[0, 1] == pytest.approx(-np.exp(-60.0))


def test_checkpoints_are_those_of_the_paper():
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(10)[0] == 3


# what is allowed ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["linf", "l2", "l1"]), st.floats(0.05, 3), st.integers(0, 10**6))
def test_projection_is_inside_repeats_itself_and_leaves_what_is_inside(norm, radius, seed):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(6, 5)) * SCALE
    X[0, 0] = np.nan
    space = space_of(
        low=-2 * SCALE, high=1.5 * SCALE, direction=np.array([0, 1, -1, 0, 0]), mutable=draw.random(5) < 0.9
    )
    if not (space.mutable).any():
        return
    ball = Ball.of(NumpyEngine(), X, space, radius, norm)
    change = draw.normal(size=ball.low.shape) * 3 * radius
    held = ball.project(change)
    size = {"linf": np.abs(held).max(1), "l2": np.linalg.norm(held, axis=1), "l1": np.abs(held).sum(1)}[norm]
    assert (size <= radius * (1 + 1e-9)).all()
    assert (held >= ball.low - 1e-12).all()
    assert (held <= ball.high + 1e-12).all()
    assert ball.project(held) == pytest.approx(held, abs=1e-9)
    rows = settle(X, held, space, radius, norm)
    assert not space.violations(X, rows).any()
    assert (space.distance(X, rows, norm) <= radius).all()
    drawn = ball.drawn(draw)
    assert ball.project(drawn) == pytest.approx(drawn, abs=1e-9)
    along = ball.steepest(draw.normal(size=change.shape), held)
    length = {"linf": np.abs(along).max(1), "l2": np.linalg.norm(along, axis=1), "l1": np.abs(along).sum(1)}[
        norm
    ]
    assert (length <= 1 + 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["linf", "l2", "l1"]), st.floats(0.3, 4), st.integers(0, 10**6))
def test_whole_numbers_stay_whole_and_within_the_radius(norm, radius, seed):
    draw = np.random.default_rng(seed)
    X = np.column_stack([draw.integers(0, 20, 8), draw.integers(0, 9, 8), *draw.normal(size=(3, 8))]).astype(
        float
    )
    space = space_of(
        kind=("integer", "integer", "continuous", "continuous", "continuous"), step=np.array([1.0, 1, 0, 0.25, 0]),
        low=np.array([0.0, 0, -9, -9, -9]), high=np.array([20.0, 9, 9, 9, 9]), scale=np.array([3.0, 0.7, 1, 0.5, 1]),
    )  # fmt: skip
    change = draw.normal(size=X.shape) * radius
    rows = settle(X, change, space, radius, norm)
    assert not space.violations(X, rows).any()
    assert (space.distance(X, rows, norm) <= radius).all()


def test_categories_fixed_columns_directions_missing_values_and_rules_are_kept():
    X, y = data(n=80)
    X["e"] = (X["e"] > 0).astype(float)
    X.loc[:9, "d"] = np.nan
    filled = make_pipeline(ColumnTransformer([("d", "passthrough", list(NAMES))]), LogisticRegression())
    model = as_predictor(filled.fit(X.fillna(0), y), task="binary", labels=np.array([0, 1]))
    space = space_of(
        kind=("continuous", "integer", "continuous", "continuous", "categorical"), step=np.array([0.0, 1, 0, 0, 0]),
        n_categories=np.array([0, 0, 0, 0, 2]), mutable=np.array([True, True, False, False, True]), direction=np.array([1, 0, 0, 0, 0]),
        rules=(lambda before, after: after[:, 0] + after[:, 1] / 10 <= 1.0,),
    )  # fmt: skip
    whole = X.fillna(0).assign(b=np.rint(X["b"]))
    slopes = model.differentiable(whole, ["a", "b"])
    own = model.predict(whole)
    for attack in (pgd, apgd):
        found = attack(slopes, whole, own, space, 1.0, rng=rng(), norm="linf", steps=30)
        rows = found.adversarial
        assert 0.1 < found.success.mean() < 1
        assert not space.violations(whole, rows).any()
        moved = rows - whole.to_numpy()
        assert (moved[:, [2, 3, 4]] == 0).all()
        assert (moved[:, 0] >= 0).all()
        assert (rows[:, 1] == np.rint(rows[:, 1])).all()
        hit = found.success
        assert (rows[hit, 0] + rows[hit, 1] / 10 <= 1.0).all()
        assert (model.predict(pd.DataFrame(rows, columns=list(NAMES)))[hit] != own[hit]).all()


def test_a_missing_value_stays_missing():
    X, y = data(n=60)

    X.loc[:19, "a"] = np.nan
    _, slopes, own = bound(make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), X, y)
    found = pgd(slopes, X, own, space_of(), 1.5, rng=rng(), norm="l2", steps=20)
    assert np.isnan(found.adversarial[:20, 0]).all()
    assert found.success[:20].any()
    assert not np.isnan(found.adversarial[20:]).any()


# the result --------------------------------------------------------------------------------------------


def test_success_is_what_the_model_answers_when_it_is_asked_again():
    X, y = data()
    _, slopes, own = bound(LogisticRegression(), X, y)
    asked = []

    def stubborn(rows):
        asked.append(rows)
        return own if len(rows) == len(own) and len(asked) == 1 else own[: len(rows)] * 0 + 1

    found = pgd(slopes, X, own, space_of(), 2.0, rng=rng(), steps=10, ask_labels=stubborn)
    assert len(asked) == 2
    repeated = found.reason == "the model did not repeat its answer"
    assert repeated.any()
    assert not found.success[repeated].any()
    assert (found.distance[repeated] == np.inf).all()


def test_rows_with_another_label_are_not_attacked():
    X, y = data()
    _, slopes, own = bound(LogisticRegression(), X, y)
    wrong = own != y
    found = apgd(slopes, X, y, space_of(), 0.5, rng=rng(), steps=10)
    assert wrong.any()
    assert np.isnan(found.distance[wrong]).all()
    assert not found.success[wrong].any()
    assert (found.reason[wrong] == "had another label").all()
    assert (found.gradients[wrong] == 0).all()


def test_climbs_side_by_side_save_passes_and_every_gradient_is_counted():
    X, y = data(classes=3)
    _, slopes, own = bound(LogisticRegression(), X, y)
    asked = []
    counted = CountedSlopes(slopes, asked.append)
    shared = {"rng": rng(), "steps": 10, "restarts": 3}
    found = apgd(counted, X, own, space_of(), 1e-7, loss="targeted", targets=2, **shared)
    assert not found.success.any()
    assert (
        found.gradients == 6 * 11
    ).all()  # two targets, three starts, a gradient at each start and after each step
    assert (
        found.calls == len(asked) == 2 + 11 + 11
    )  # labels, targets, the first climb, the five others at once
    assert found.queries.sum() == sum(asked)


@pytest.mark.parametrize("attack", [pgd, apgd, ensemble])
def test_a_seed_settles_the_attack_and_budgets_hold(attack):
    X, y = data(classes=3)
    _, slopes, own = bound(LogisticRegression(), X, y)
    one, two = (attack(slopes, X, own, space_of(), 0.3, rng=rng(5), steps=12, restarts=2) for _ in range(2))
    one, two = (x[0] if attack is ensemble else x for x in (one, two))
    for name in ("adversarial", "success", "distance", "queries", "gradients"):
        assert np.array_equal(getattr(one, name), getattr(two, name), equal_nan=True)
    most = {pgd: 2 * 12, apgd: 2 * 13, ensemble: 2 * 13 * 3}[attack]
    assert one.gradients.max() == most
    assert one.gradients[one.success].min() < most  # a row is left alone once it is flipped


@pytest.mark.parametrize(
    ("attack", "options"),
    [
        (pgd, {"norm": "l0"}), (pgd, {"steps": 0}), (pgd, {"loss": "targeted"}), (pgd, {"loss": "odd"}), (apgd, {"norm": "l1"}),
        (apgd, {"steps": 1}),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(attack, options):
    X, y = data(n=40)
    _, slopes, own = bound(LogisticRegression(), X, y)
    with pytest.raises(InputError):
        attack(slopes, X, own, space_of(), 0.3, rng=rng(), **options)


def test_a_model_bound_to_other_columns_is_told():
    X, y = data(n=40)
    _, slopes, own = bound(LogisticRegression(), X, y, columns=["a", "b"])
    with pytest.raises(InputError, match="bind it to these"):
        pgd(slopes, X, own, space_of(), 0.3, rng=rng())


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (DecisionTreeClassifier(), "gives no gradients in closed form"),
        (make_pipeline(PolynomialFeatures(), LogisticRegression(max_iter=3000)), "not affine"),
    ],
)
def test_models_without_slopes_say_what_to_do(model, words):
    X, y = data(n=60)
    held = as_predictor(model.fit(X / SCALE, y), task="binary", labels=np.array([0, 1]))
    with pytest.raises(NotApplicable, match=words):
        held.differentiable(X / SCALE, list(NAMES))
