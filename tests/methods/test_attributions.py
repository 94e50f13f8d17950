import itertools
import math

import numpy as np
import pytest
import shap
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance as sklearn_importance
from sklearn.linear_model import LinearRegression, LogisticRegression

from auditkit.errors import InputError
from auditkit.methods import attributions
from auditkit.methods.attributions import flip, linear_shap, permutation_importance, sampled_shapley


def exact(ask, X, background):
    """Shapley values from the definition: every subset, averaged over the whole background."""
    n, d = X.shape

    def worth(subset):
        out = []
        for row in X:
            mixed = background.copy()
            mixed[:, list(subset)] = row[list(subset)]
            out.append(np.asarray(ask(mixed), dtype=float).mean(axis=0))
        return np.array(out)

    worths = {s: worth(s) for size in range(d + 1) for s in itertools.combinations(range(d), size)}
    values = np.zeros((n, d, *worths[()].shape[1:]))
    for j in range(d):
        for s, without in worths.items():
            if j not in s:
                weight = math.factorial(len(s)) * math.factorial(d - len(s) - 1) / math.factorial(d)
                values[:, j] += weight * (worths[tuple(sorted((*s, j)))] - without)
    return values


def bumpy(Z):
    Z = np.asarray(Z, dtype=float)
    return Z[:, 0] * Z[:, 1] + np.maximum(Z[:, 2], 0) * (Z[:, 3] > 0) + 0.5 * Z[:, 0]


def two_outputs(Z):
    return np.column_stack([bumpy(Z), np.sin(Z[:, 0] + Z[:, 3])])


def table(seed, n, d=4):
    return np.random.default_rng(seed).normal(size=(n, d))


# permutation importance ----------------------------------------------------------------------------------


def squared(y):
    return lambda Z, rows: (2 * Z[:, 0] + Z[:, 1] - y[rows]) ** 2


def test_importance_of_a_linear_model_is_twice_the_variance_it_explains():
    # for independent columns E[(b x' - b x)^2] = 2 b^2 var(x); standard deviation of the estimate below 0.15
    X = table(0, 4000, 3)
    rise = permutation_importance(squared(2 * X[:, 0] + X[:, 1]), X, rng=np.random.default_rng(1), repeats=5)
    assert rise.shape == (3, 4000)
    np.testing.assert_allclose(rise.mean(axis=1), [8.0, 2.0, 0.0], atol=0.6)
    assert (rise[2] == 0).all()


def test_importance_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 4))
    y = X @ [1.0, 0.5, 0.0, -2.0] + rng.normal(scale=0.3, size=1500)
    model = LinearRegression().fit(X, y)
    theirs = sklearn_importance(model, X, y, scoring="neg_mean_squared_error", n_repeats=20, random_state=0)
    ours = permutation_importance(lambda Z, rows: (model.predict(Z) - y[rows]) ** 2, X, rng=rng, repeats=20)
    np.testing.assert_allclose(ours.mean(axis=1), theirs.importances_mean, rtol=0.05, atol=1e-3)


@pytest.mark.parametrize("batch_rows", [1, 7, 40, 100, 10_000])
def test_the_batch_size_changes_neither_numbers_nor_limits(batch_rows):
    X, sizes = table(0, 40, 3), []

    def loss(Z, rows):
        sizes.append(len(Z))
        return squared(X[:, 2])(Z, rows)

    got = permutation_importance(loss, X, rng=np.random.default_rng(5), repeats=3, batch_rows=batch_rows)
    usual = permutation_importance(squared(X[:, 2]), X, rng=np.random.default_rng(5), repeats=3)
    np.testing.assert_allclose(got, usual, rtol=1e-12, atol=1e-12)
    assert max(sizes) <= batch_rows
    assert sum(sizes) == 40 * (1 + 3 * 3)


def test_columns_of_a_group_are_shuffled_together():
    # the loss is 0 as long as the two columns of the block agree
    block = np.arange(50.0)
    X = np.column_stack([block, block, table(0, 50, 1)])
    rise = permutation_importance(
        lambda Z, rows: np.abs(Z[:, 0] - Z[:, 1]), X, columns=[[0, 1], 0, 2], rng=np.random.default_rng(0)
    )
    assert (rise[0] == 0).all()
    assert rise[1].mean() > 1
    assert (rise[2] == 0).all()


def test_the_table_is_left_as_it_was_and_objects_are_welcome():
    X = np.array([["a", 1], ["b", 2], ["c", 3]], dtype=object)
    before = X.copy()
    rise = permutation_importance(
        lambda Z, rows: (Z[:, 0] != before[rows, 0]).astype(float),
        X,
        rng=np.random.default_rng(0),
        repeats=20,
    )
    assert (before == X).all()
    assert rise[0].mean() > 0.3
    assert (rise[1] == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"X": np.ones((1, 2))}, "at least 2 rows"),
        ({"X": np.ones(3)}, "table of rows"),
        ({"columns": [2]}, "from 0 to 1"),
        ({"columns": [[]]}, "at least one an entry"),
        ({"repeats": 0}, "1 repeat"),
        ({"predict_loss": lambda Z, rows: np.ones((len(Z), 2))}, "one finite number"),
        ({"predict_loss": lambda Z, rows: np.full(len(Z), np.nan)}, "one finite number"),
    ],
)
def test_importance_refuses_unusable_input(options, message):
    good = {"predict_loss": lambda Z, rows: Z[:, 0], "X": np.ones((3, 2)), "rng": np.random.default_rng(0)}
    with pytest.raises(InputError, match=message):
        permutation_importance(**(good | options))


# closed forms --------------------------------------------------------------------------------------------


def test_mean_abs_and_its_standard_error():
    values = table(0, 30, 3)
    mean, error = attributions.mean_abs(values)
    np.testing.assert_allclose(mean, [np.mean(np.abs(column)) for column in values.T])
    np.testing.assert_allclose(error, [np.std(np.abs(c), ddof=1) / np.sqrt(30) for c in values.T])
    assert np.isnan(attributions.mean_abs([[1.0, 2.0]])[1]).all()
    with pytest.raises(InputError, match="at least one row"):
        attributions.mean_abs(np.zeros((0, 3)))


def test_linear_values_equal_the_definition_and_shap():
    coef, X, background = np.array([1.0, -2.0, 0.5, 3.0]), table(0, 6), table(1, 20)
    got = linear_shap(coef, X, background.mean(axis=0))
    np.testing.assert_allclose(got, exact(lambda Z: Z @ coef, X, background), atol=1e-12)
    theirs = shap.LinearExplainer((coef, 0.0), shap.maskers.Independent(background)).shap_values(X)
    np.testing.assert_allclose(got, theirs, atol=1e-9)


def test_linear_values_of_several_outputs():
    coef, X, background = table(2, 3), table(0, 5), table(1, 20)
    got = linear_shap(coef, X, background.mean(axis=0))
    np.testing.assert_allclose(got, exact(lambda Z: Z @ coef.T, X, background), atol=1e-12)
    with pytest.raises(InputError, match="coef must be"):
        linear_shap(coef, X[:, :3], background.mean(axis=0))


def test_additivity_error_by_hand():
    assert attributions.additivity_error([[1.0, 2.0], [0.0, 1.0]], 1.0, [4.0, 1.0]).tolist() == [0.0, 1.0]
    values = np.zeros((2, 3, 2))
    got = attributions.additivity_error(values, [1.0, 2.0], np.array([[1.0, 2.0], [0.5, 2.5]]))
    assert got.tolist() == [[0.0, 0.0], [0.5, 0.5]]
    with pytest.raises(InputError, match="do not explain"):
        attributions.additivity_error(values, 0.0, [1.0, 2.0])
    with pytest.raises(InputError, match="base of shape"):
        attributions.additivity_error(values, [1.0, 2.0, 3.0], np.ones((2, 2)))


# sampled Shapley values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [bumpy, two_outputs])
def test_the_average_estimate_is_the_exact_value(ask):
    X, background = table(0, 5), table(1, 6)
    got = sampled_shapley(ask, X, background, np.random.default_rng(2), permutations=6000)
    truth = exact(ask, X, background)
    assert got.values.shape == got.standard_error.shape == truth.shape
    z = (got.values - truth) / np.maximum(got.standard_error, 1e-12)
    # up to 40 values
    assert np.abs(z).max() < 4
    assert got.standard_error.max() < 0.05


def test_agrees_with_shaps_exact_explainer():
    X, background = table(0, 4), table(1, 10)
    y = (bumpy(background) > 0).astype(int)
    model = RandomForestClassifier(10, random_state=0).fit(background, y)
    ask = lambda Z: model.predict_proba(Z)[:, 1]  # noqa: E731
    theirs = shap.ExactExplainer(ask, shap.maskers.Independent(background, max_samples=10))(X)
    got = sampled_shapley(ask, X, background, np.random.default_rng(0), permutations=1000)
    np.testing.assert_allclose(got.values, theirs.values, atol=5 * got.standard_error.max())
    np.testing.assert_allclose(got.base, theirs.base_values[0], atol=1e-12)


def test_a_linear_model_is_exact_after_one_round_of_the_background():
    coef, X, background = np.array([1.0, -2.0, 0.5, 3.0]), table(0, 7), table(1, 5)
    got = sampled_shapley(lambda Z: Z @ coef, X, background, np.random.default_rng(0), permutations=10)
    np.testing.assert_allclose(got.values, linear_shap(coef, X, background.mean(axis=0)), atol=1e-12)


def test_two_features_need_one_pair_of_orders_for_each_background_row():
    X, background = table(0, 9, 2), table(1, 5, 2)
    ask = lambda Z: Z[:, 0] * np.exp(Z[:, 1])  # noqa: E731
    got = sampled_shapley(ask, X, background, np.random.default_rng(0), permutations=10)
    np.testing.assert_allclose(got.values, exact(ask, X, background), atol=1e-12)


@pytest.mark.parametrize("rounds", [1, 3])
def test_values_add_up_after_whole_rounds_of_the_background(rounds):
    X, background = table(0, 8), table(1, 6)
    got = sampled_shapley(two_outputs, X, background, np.random.default_rng(0), permutations=2 * 6 * rounds)
    assert attributions.additivity_error(got.values, got.base, two_outputs(X)).max() < 1e-12


def test_a_feature_without_influence_gets_exactly_nothing():
    got = sampled_shapley(lambda Z: Z[:, 1] ** 2, table(0, 5), table(1, 7), np.random.default_rng(0))
    assert (got.values[:, [0, 2, 3]] == 0).all()
    assert (got.standard_error[:, [0, 2, 3]] == 0).all()


@pytest.mark.parametrize("n", [1, 13])
@pytest.mark.parametrize("batch_rows", [1, 5, 50, 100_000])
def test_the_batch_size_changes_neither_values_nor_the_cost(n, batch_rows):
    sizes = []

    def ask(Z):
        sizes.append(len(Z))
        return bumpy(Z)

    X, background = table(0, n), table(1, 6)
    got = sampled_shapley(
        ask, X, background, np.random.default_rng(3), permutations=20, batch_rows=batch_rows
    )
    usual = sampled_shapley(bumpy, X, background, np.random.default_rng(3), permutations=20)
    np.testing.assert_allclose(got.values, usual.values, atol=1e-12)
    np.testing.assert_allclose(got.standard_error, usual.standard_error, atol=1e-9)
    assert max(sizes) <= batch_rows
    assert (got.calls, got.rows) == (len(sizes), sum(sizes))
    assert got.rows == n + 6 + 20 * (4 - 1) * n


def test_calls_are_few():
    got = sampled_shapley(bumpy, table(0, 200), table(1, 50), np.random.default_rng(0), permutations=100)
    assert got.calls == 2 + math.ceil(100 * 3 * 200 / (54 * 200 * 6))  # 54 pairs of orders of 200 rows a call


@pytest.mark.parametrize("target", [None, 1e-9, 0.3])
@pytest.mark.parametrize("batch_rows", [1, 7, 100, 1000, 65_536])
def test_no_more_calls_are_made_than_foretold(target, batch_rows):
    for seed, (n, m, permutations) in enumerate([(1, 1, 2), (13, 6, 20), (40, 30, 400), (60, 3, 90)]):
        X, background = table(seed, n).round(), table(seed + 9, m).round()  # rounded: some values agree
        same = {"permutations": permutations, "batch_rows": batch_rows}
        got = sampled_shapley(bumpy, X, background, np.random.default_rng(0), target_error=target, **same)
        foretold = attributions.sampled_calls(X, background, targeted=target is not None, **same)
        assert got.calls <= foretold
        if target is None and batch_rows > 7:
            assert foretold <= 2 * got.calls + 2
        got = attributions.enumerated_shapley(bumpy, X, background, batch_rows=batch_rows)
        assert got.calls == attributions.enumerated_calls(X, background, batch_rows=batch_rows)


def test_sampling_stops_at_the_error_that_was_asked_for():
    X, background = table(0, 3), table(1, 10)
    three = lambda Z: Z[:, 0] * Z[:, 1] * Z[:, 2]  # noqa: E731 - pairs alone are exact after a round
    rough, fine = (
        sampled_shapley(
            three, X, background, np.random.default_rng(0), permutations=20_000, target_error=error
        )
        for error in (0.3, 0.03)
    )
    assert rough.permutations < fine.permutations < 20_000
    assert fine.standard_error.max() <= 0.03
    capped = sampled_shapley(
        bumpy, X, background, np.random.default_rng(0), permutations=6, target_error=1e-9
    )
    assert capped.permutations == 6


def test_standard_errors_cover_without_the_help_of_the_background():
    # one background row: pairs are independent, and the stated error has to be the real one
    X, background = table(0, 1), table(1, 1)
    truth = exact(bumpy, X, background)
    rng = np.random.default_rng(4)
    estimates = [sampled_shapley(bumpy, X, background, rng, permutations=60) for _ in range(400)]
    inside = [np.abs(e.values - truth) <= 1.96 * e.standard_error + 1e-12 for e in estimates]
    assert np.mean(inside) > 0.91


def test_one_feature_and_object_tables():
    X, background = np.array([["b"], ["a"]], dtype=object), np.array([["a"], ["a"], ["b"]], dtype=object)
    got = sampled_shapley(
        lambda Z: (Z[:, 0] == "b").astype(float), X, background, np.random.default_rng(0), permutations=6
    )
    np.testing.assert_allclose(got.values, [[2 / 3], [-1 / 3]], atol=1e-12)
    assert np.isnan(
        sampled_shapley(
            bumpy, table(0, 1), table(1, 2), np.random.default_rng(0), permutations=2
        ).standard_error
    ).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"background": np.ones((2, 3))}, "X has 2 columns and background 3"),
        ({"background": np.ones((0, 2))}, "background must be a table"),
        ({"permutations": 5}, "even"),
        ({"target_error": 0.0}, "positive"),
        ({"batch_rows": 0}, "batch_rows"),
        ({"ask": lambda Z: np.full(len(Z), np.nan)}, "not finite"),
        ({"ask": lambda Z: np.ones(3)}, "answer of shape"),
    ],
)
def test_sampling_refuses_unusable_input(change, message):
    good = {
        "ask": lambda Z: Z[:, 0],
        "X": np.ones((2, 2)),
        "background": np.ones((2, 2)),
        "rng": np.random.default_rng(0),
    }
    with pytest.raises(InputError, match=message):
        sampled_shapley(**(good | change))


# flipping a feature --------------------------------------------------------------------------------------


def test_flip_averages_over_the_other_values():
    # output 0, 1, 4 for the codes 0, 1, 2: from 0 the changes are 1 and 4, from 1 they are 1 and 3, from 2: 4 and 3
    X = np.array([[0.0], [1.0], [2.0]])
    assert flip(lambda Z: Z[:, 0] ** 2, X, 0, [0, 1, 2]).tolist() == [2.5, 2.0, 3.5]


def test_flip_of_a_logistic_model_is_the_change_of_its_probability():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(2, size=300), rng.normal(size=300)]).astype(float)
    model = LogisticRegression().fit(X, rng.random(300) < 1 / (1 + np.exp(-X[:, 0] - X[:, 1])))
    got = flip(model.predict_proba, X, 0, [0.0, 1.0], batch_rows=17)
    logit = X[:, 1] * model.coef_[0, 1] + model.intercept_[0]
    expected = np.abs(1 / (1 + np.exp(-logit - model.coef_[0, 0])) - 1 / (1 + np.exp(-logit)))
    assert got.shape == (300, 2)
    np.testing.assert_allclose(got[:, 1], expected, atol=1e-12)
    np.testing.assert_allclose(got[:, 0], expected, atol=1e-12)


def test_flip_does_not_see_an_unused_feature_and_leaves_the_table_alone():
    X = table(0, 20)
    X[:, 2] = np.arange(20) % 2
    before = X.copy()
    assert (flip(lambda Z: Z[:, 0], X, 2, [0.0, 1.0]) == 0).all()
    assert (before == X).all()


@pytest.mark.parametrize("gap", [None, float("nan")])
def test_a_missing_value_is_a_value_like_any_other(gap):
    X = np.array([["f"], [gap], ["m"]], dtype=object)
    points = {"f": 0.0, "m": 1.0}
    got = flip(lambda Z: np.array([points.get(v, 3.0) for v in Z[:, 0]]), X, 0, ["f", gap, "m", "f"])
    assert got.tolist() == [2.0, 2.5, 1.5]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [(3, [0, 1], "from 0 to 1"), (0, [1, 1], "two different values"), (0, [], "two different")],
)
def test_flip_refuses_unusable_input(column, values, message):
    with pytest.raises(InputError, match=message):
        flip(lambda Z: Z[:, 0], np.ones((2, 2)), column, values)
