"""Effects: average curves, what rows differ by, and interactions, against closed forms and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import partial_dependence as by_sklearn

from auditkit.errors import InputError
from auditkit.methods import effects


def correlated(rng, n, r=0.6):
    z = rng.normal(size=(n, 2))
    return np.column_stack([z[:, 0], r * z[:, 0] + np.sqrt(1 - r**2) * z[:, 1]])


def product(Z):
    return Z[:, 0] * Z[:, 1]


def test_partial_dependence_and_the_curves_of_rows_equal_those_of_sklearn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    model = RandomForestRegressor(20, random_state=0).fit(X, X[:, 0] * X[:, 1])
    expected = by_sklearn(model, X, [1], kind="both", grid_resolution=9, percentiles=(0, 1), method="brute")
    found = effects.partial_dependence(model.predict, X, 1, expected["grid_values"][0], batch_rows=200)
    np.testing.assert_allclose(found.average[:, 0], expected["average"][0], atol=1e-12, rtol=0)
    each = expected["individual"][0]
    np.testing.assert_allclose(
        found.rows[:, :, 0], each - each.mean(axis=1, keepdims=True), atol=1e-12, rtol=0
    )


def test_accumulated_effects_by_hand():
    # two bins; steps of x0 * x1: (0, 1] rows 0 1 with x1 = 2 4, mean 3; (1, 3] row 2 with x1 = 5, 2 * 5
    X = np.array([[0.0, 2.0], [1.0, 4.0], [3.0, 5.0]])
    found = effects.accumulated_effects(product, X, 0, [0.0, 1.0, 3.0])
    raw = np.array([0.0, 3.0, 13.0])
    centre = (2 * 1.5 + 1 * 8.0) / 3
    np.testing.assert_allclose(found.value[:, 0], raw - centre, atol=1e-12)
    assert found.travel == pytest.approx(3 + 10)


def test_accumulated_effects_of_a_sum_are_its_part_and_of_a_product_follow_the_correlation():
    X = correlated(np.random.default_rng(1), 200_000)
    edges = np.linspace(-1.5, 1.5, 13)
    plain = effects.accumulated_effects(lambda Z: Z[:, 0] ** 2 + 3 * Z[:, 1], X, 0, edges).value[:, 0]
    np.testing.assert_allclose(np.diff(plain), np.diff(edges**2), atol=1e-9)
    # d/dx0 of x0 * x1 is x1, of mean 0.6 x0 among rows near x0: the curve is 0.3 x0**2; partial dependence is flat
    bent = effects.accumulated_effects(product, X, 0, edges).value[:, 0]
    np.testing.assert_allclose(np.diff(bent), np.diff(0.3 * edges**2), atol=0.02)
    flat = effects.partial_dependence(product, X[:2000], 0, edges).curve().value[:, 0]
    assert np.ptp(flat) < 0.15


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(20, 200))
@settings(max_examples=25, deadline=None)
def test_every_bin_holds_rows_and_curves_are_centred(seed, bins, n):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 30, n).astype(float) if seed % 2 else rng.normal(size=n)
    grid = effects.grid_of(values, bins)
    assert len(grid) <= bins + 1
    assert set(grid) <= set(values)
    inside = values[(values >= grid[0]) & (values <= grid[-1])]
    counts = np.histogram(inside, np.r_[grid[0], np.nextafter(grid[1:], np.inf)])[0]
    assert counts.sum() == len(inside)
    assert len(grid) == 2 or counts.min() >= 10
    weights = effects.grid_weights(values, grid)
    assert weights.sum() == pytest.approx(1)
    X = np.column_stack([values, rng.normal(size=n)])
    assert weights @ effects.accumulated_effects(product, X, 0, grid).value == pytest.approx(0, abs=1e-9)
    pdp = effects.partial_dependence(product, X, 0, grid, weights=weights)
    assert weights @ pdp.curve().value == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("n", [20, 60, 100, 3000])
def test_neither_end_of_a_grid_is_the_extreme_of_one_record(n):
    values = np.random.default_rng(n).permutation(n).astype(float)
    grid = effects.grid_of(values, 16)
    assert (values <= grid[0]).sum() >= max(5, n // 100)
    assert (values >= grid[-1]).sum() >= max(5, n // 100)


def test_the_influence_of_rows_gives_the_variance_of_the_curve():
    edges = np.array([-1.5, -0.5, 0.5, 1.5])
    curves, errors = [], []
    for seed in range(300):
        found = effects.accumulated_effects(product, correlated(np.random.default_rng(seed), 200), 0, edges)
        curves.append(found.value[:, 0])
        errors.append(found.influence[:, :, 0].var(axis=0, ddof=1) / found.n)
    ratio = np.mean(errors, axis=0) / np.var(curves, axis=0, ddof=1)
    assert (ratio > 0.8).all()
    assert (ratio < 1.35).all()


def test_the_range_covers_and_does_not_see_an_effect_where_the_average_is_flat():
    edges = np.array([-1.5, -0.75, 0.0, 0.75, 1.5])
    hits = zero = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 2))
        flat = effects.accumulated_effects(product, X, 0, edges)
        zero += effects.curve_range(flat, [1.0], rng=rng, draws=300).low == 0
        steep = effects.accumulated_effects(lambda Z: product(Z) + Z[:, 0], X, 0, edges)
        found = effects.curve_range(steep, [1.0], rng=rng, draws=300)
        hits += found.low <= 3.0 <= found.high
    assert min(hits, zero) >= stats.binom.ppf(0.001, 120, 0.95) - 2


def test_a_curve_without_noise_has_a_range_without_width():
    X = np.random.default_rng(0).normal(size=(60, 2))
    found = effects.accumulated_effects(lambda Z: 2 * Z[:, 0], X, 0, [-1.0, 0.0, 1.0])
    assert effects.curve_range(found, [4.0], rng=np.random.default_rng(0)) == pytest.approx((1.0, 1.0, 1.0))


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_heterogeneity_is_the_closed_form_and_covered(slope):
    # curves of rows are (slope + x1) x0: of their variance the average explains slope**2 / (slope**2 + 1)
    truth, values, hits = 1 / (1 + slope**2), [], 0
    for seed in range(150):
        X = np.random.default_rng(seed).normal(size=(200, 2))
        pdp = effects.partial_dependence(lambda Z: slope * Z[:, 0] + product(Z), X, 0, np.linspace(-1, 1, 5))
        found = effects.heterogeneity(pdp)
        values.append(found.value)
        hits += found.low <= truth <= found.high + 1e-12
    assert np.mean(values) == pytest.approx(truth, abs=0.02)
    assert hits >= stats.binom.ppf(0.001, 150, 0.94)
    if slope == 1:  # rows with x1 below -1 run against the average
        assert found.opposite / found.n == pytest.approx(stats.norm.cdf(-1), abs=0.08)


def test_a_sum_has_no_heterogeneity_and_a_model_that_does_not_read_an_input_none_that_is_defined():
    X = np.random.default_rng(0).normal(size=(50, 2))
    pdp = effects.partial_dependence(lambda Z: Z[:, 0] ** 2 + Z[:, 1], X, 0, [0.0, 1.0, 2.0])
    found = effects.heterogeneity(pdp)
    assert (found.value, found.low, found.high, found.opposite) == (0, 0, 0, 0)
    assert np.isnan(
        effects.heterogeneity(effects.partial_dependence(lambda Z: Z[:, 1], X, 0, [0.0, 1.0])).value
    )


def interact(ask, X, background, variance):
    pieces = effects.pieces_of(ask, X, background, [(0, 1), (0,), (1,)], batch_rows=700)
    return effects.interaction(*pieces.output, pieces.plain, variance)


def test_a_product_gives_the_h_squared_of_theory():
    # x1 x2 with means mu: what only both make is (x1 - mu)(x2 - mu), of variance 1 in 1 + 2 mu**2
    values, strengths, hits = [], [], 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X, behind = rng.normal(0.5, 1, size=(100, 3)), rng.normal(0.5, 1, size=(100, 3))
        found = interact(lambda Z: product(Z) + 5 * Z[:, 2], X, behind, 26.5)
        values.append(found.h_squared)
        strengths.append(found.strength**2 * 26.5)
        hits += found.h_low <= 1 / 1.5 <= found.h_high
    assert np.mean(values) == pytest.approx(1 / 1.5, abs=0.04)
    assert np.mean(strengths) == pytest.approx(1, abs=0.08)
    assert hits >= stats.binom.ppf(0.001, 100, 0.91)


def test_the_plain_formula_of_friedman_is_met_up_to_what_the_background_adds():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))

    def dependence(columns):
        means = []
        for row in X:
            Z = X.copy()
            Z[:, columns] = row[columns]
            means.append(product(Z).mean())
        return np.array(means) - np.mean(means)

    both, first, second = dependence([0, 1]), dependence([0]), dependence([1])
    expected = ((both - first - second) ** 2).sum() / (both**2).sum()
    assert interact(product, X, X, 1.0).h_squared == pytest.approx(expected, abs=0.08)


def test_inputs_that_do_not_interact_give_exactly_0_whatever_else_interacts():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, behind = rng.normal(1, 1, size=(30, 4)), rng.normal(1, 1, size=(25, 4))
        found = interact(lambda Z: np.exp(Z[:, 0]) * Z[:, 2] + np.sin(Z[:, 1] * Z[:, 3]), X, behind, 1.0)
        assert (found.h_squared, found.strength, found.low, found.high) == (0, 0, 0, 0)


def test_rounding_of_a_large_output_is_no_interaction():
    rng = np.random.default_rng(0)
    X, behind = rng.normal(1, 1, size=(30, 4)), rng.normal(1, 1, size=(25, 4))
    found = interact(lambda Z: 1e8 + np.exp(Z[:, 0]) + Z[:, 1] / 3 + Z[:, 2] * Z[:, 3], X, behind, 9.0)
    assert found.strength == 0


def test_where_two_inputs_do_nearly_nothing_the_ratio_is_not_defined():
    rng = np.random.default_rng(0)
    X, behind = rng.normal(size=(30, 3)), rng.normal(size=(25, 3))
    found = interact(lambda Z: 1e-3 * product(Z) + Z[:, 2], X, behind, 1.0)
    assert np.isnan(found.h_squared)
    assert found.strength == pytest.approx(1e-3, rel=0.6)


def test_the_total_effect_is_that_of_jansen():
    # x0 + x0 x1 with variances 1: total effect of x0 is 1 + 1, of x1 is 1
    X, behind = (np.random.default_rng(s).normal(size=(300, 2)) for s in (0, 1))
    got = effects.total_effects(effects.pieces_of(lambda Z: Z[:, 0] + product(Z), X, behind, [(0,), (1,)]))
    np.testing.assert_allclose(got, [2, 1], atol=0.35)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda X: effects.grid_of(X[:, 0], 0), "at least 1 bin"),
        (lambda X: effects.accumulated_effects(product, X, 0, [1.0, 1.0]), "increasing"),
        (lambda X: effects.accumulated_effects(product, X, 0, [0.0, 90.0, 91.0]), "no row"),
        (lambda X: effects.partial_dependence(product, X, 0, []), "grid"),
        (lambda X: effects.partial_dependence(product, X, 0, [1.0], weights=[-1.0]), "weight"),
        (lambda X: effects.pieces_of(product, X, X[:, :1], [(0,)]), "one width"),
        (lambda X: interact(product, X[:1], X, 1.0), "two rows"),
    ],
)
def test_what_cannot_be_is_said(call, says):
    with pytest.raises(InputError, match=says):
        call(np.random.default_rng(0).normal(size=(40, 2)))
