"""Mixes are the worst within their budget, as an optimiser finds them too; tilts and ratios move rows as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import norm

from auditkit.errors import InputError
from auditkit.methods import reweighing

RNG = np.random.default_rng
COST = {
    "kl": lambda q, p: float(np.sum(q * np.log(np.maximum(q, 1e-300) / p))),
    "chi2": lambda q, p: float(np.sum((q - p) ** 2 / p)),
}


@pytest.mark.parametrize("divergence", reweighing.DIVERGENCES)
@pytest.mark.parametrize("budget", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_the_worst_mix_is_that_of_an_optimiser(divergence, budget, seed):
    rng = RNG(seed)
    p, v = rng.dirichlet(np.full(6, 3)), rng.random(6)
    found = reweighing.worst_mix(p, v, budget, divergence)
    held = [{"type": "eq", "fun": lambda q: q.sum() - 1},
            {"type": "ineq", "fun": lambda q: budget - COST[divergence](q, p)}]  # fmt: skip
    best = minimize(lambda q: q @ v, p, bounds=[(0, 1)] * 6, constraints=held, method="SLSQP",
                    options={"ftol": 1e-12, "maxiter": 500})  # fmt: skip
    assert found @ v == pytest.approx(best.fun, abs=1e-6)
    assert COST[divergence](found, p) == pytest.approx(budget, rel=1e-6)


def test_a_small_chi_square_budget_costs_the_root_of_the_variance():
    p, v = np.array([0.3, 0.5, 0.2]), np.array([0.9, 0.8, 0.7])
    spread = np.sqrt(p @ v**2 - (p @ v) ** 2)
    assert p @ v - reweighing.worst_mix(p, v, 0.01, "chi2") @ v == pytest.approx(0.1 * spread)


@given(
    st.integers(0, 10_000), st.sampled_from(reweighing.DIVERGENCES), st.sampled_from([1e-3, 0.1, 1.0, 50.0])
)
@settings(deadline=None, max_examples=60)
def test_a_mix_keeps_its_budget_and_never_raises_the_mean(seed, divergence, budget):
    rng = RNG(seed)
    k = int(rng.integers(1, 8))
    p, v = rng.dirichlet(np.ones(k)) + 1e-6, np.round(rng.random(k), 1)
    p /= p.sum()
    found = reweighing.worst_mix(p, v, budget, divergence)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    assert found @ v <= p @ v + 1e-12
    assert COST[divergence](found, p) <= budget * (1 + 1e-6) + 1e-9
    if budget == 50:  # enough to leave nothing but the worst cells
        worst = v == v.min()
        assert divergence == "chi2" or found[worst].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0.5, 0.5], [1.0, 0.0], 0.0), "budget"),
        (([0.5, 0.5], [1.0, 0.0], 0.1, "hellinger"), "no divergence named"),
        (([0.5, 0.0], [1.0, 0.0], 0.1), "shares above 0"),
        (([0.5], [1.0, 0.0], 0.1), "one finite value each"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        reweighing.worst_mix(*arguments)


@pytest.mark.parametrize("tilt", [-0.5, 0.5, 1.0])
def test_a_tilt_moves_a_normal_column_by_so_many_deviations(tilt):
    x = 50 + 10 * norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    weights = reweighing.tilted_weights(x, tilt)
    mean = weights @ x / weights.sum()
    assert mean == pytest.approx(50 + 10 * tilt, rel=0.01)
    assert np.sqrt(weights @ (x - mean) ** 2 / weights.sum()) == pytest.approx(10, rel=0.02)
    assert weights.mean() == pytest.approx(1)
    # a heavy tail changes nothing: ranks are tilted
    np.testing.assert_allclose(reweighing.tilted_weights(np.exp(x / 5), tilt), weights)


def test_missing_values_and_ties_keep_the_middle():
    scores = reweighing.normal_scores([1.0, 1.0, np.nan, 5.0, 5.0])
    assert scores[2] == 0
    assert scores[0] == scores[1] == pytest.approx(-scores[3])
    assert scores[3] == scores[4]
    assert reweighing.normal_scores([np.nan, np.nan]).tolist() == [0, 0]


def test_cells_are_bands_of_numbers_and_codes_of_categories():
    x = np.append(np.arange(100.0), np.nan)
    cells, words = reweighing.column_cells(x, coded=False)
    assert np.bincount(cells).tolist() == [20] * 5 + [1]
    assert words == ["<= 19", "> 19 to 39", "> 39 to 59", "> 59 to 79", "> 79", "missing"]
    assert all((x[cells == i] <= e).all() for i, e in enumerate([19, 39, 59, 79, 99]))
    cells, words = reweighing.column_cells([0, 2, 2, np.nan, 7], coded=True)
    assert (cells.tolist(), words) == ([0, 1, 1, 3, 2], ["code 0", "code 2", "code 7", "missing"])
    cells, words = reweighing.column_cells([0, 2, 2, 7, 7, 7], coded=True, most=2)
    assert (cells.tolist(), words) == ([2, 0, 0, 1, 1, 1], ["code 2", "code 7", "others"])
    assert reweighing.column_cells([3.0, 3.0], coded=False)[1] == ["any value"]
    # half of all values are one: no empty band
    cells, words = reweighing.column_cells([0.0] * 6 + [1, 2, 3, 4], coded=False)
    assert set(cells) == set(range(len(words)))


def test_a_picked_mix_weighs_what_it_saw_and_leaves_the_rest():
    cell, value = np.repeat([0, 1], 100), np.repeat([1.0, 0.0], 100)
    found = reweighing.picked_mix(cell, value, 3, 0.1)
    assert found.weights[2] == 1
    assert found.weights[1] > 1 > found.weights[0]
    assert 0.5 * found.weights[:2].sum() == pytest.approx(1)
    drawn = (100 + 10 * 0.5) / 110  # ten average rows are added to each cell
    assert found.loss == pytest.approx((0.5 - 0.5 * found.weights[0]) * (2 * drawn - 1))
    with pytest.raises(InputError, match="a cell and a value"):
        reweighing.picked_mix([0, 1], [1.0], 2, 0.1)


def test_odds_of_a_known_classifier_are_the_ratio_of_densities():
    rng = RNG(0)
    x = rng.normal(0, 1, 50_000)
    target, sample = norm.pdf(x, 0.5, 1), norm.pdf(x, 0, 1)
    share = 0.25
    chance = share * target / (share * target + (1 - share) * sample)
    weights = reweighing.density_ratio(chance, share)
    assert weights.mean() == pytest.approx(1)
    np.testing.assert_allclose(weights, target / sample, rtol=0.02)
    assert weights @ x / len(x) == pytest.approx(0.5, abs=0.02)
