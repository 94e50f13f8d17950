"""Power and sample size against textbook values, each other, and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import power_proportions_2indep

from auditkit import statistics as ak
from auditkit.errors import InputError


def test_sample_size_by_hand():
    # Fleiss: ((1.959964 sqrt(2 pbar qbar) + 0.841621 sqrt(p1 q1 + p2 q2)) / d)^2
    for p1, p2, power in [(0.5, 0.6, 0.8), (0.1, 0.2, 0.8), (0.3, 0.25, 0.9)]:
        z, zb, mean = 1.959963985, scipy_stats.norm.ppf(power), (p1 + p2) / 2
        n = (
            (z * math.sqrt(2 * mean * (1 - mean)) + zb * math.sqrt(p1 * (1 - p1) + p2 * (1 - p2))) / (p1 - p2)
        ) ** 2
        assert float(ak.n_for_difference(p1, p2 - p1, power=power)) == math.ceil(n)


def test_power_agrees_with_statsmodels():
    for p1, p2, n1, n2 in [(0.5, 0.6, 200, 200), (0.1, 0.3, 80, 40), (0.7, 0.65, 1000, 3000)]:
        # statsmodels measures p1 against a base rate p2; its ratio is n2 / n1, its other tail is negligible here
        expected = power_proportions_2indep(p1 - p2, p2, n1, ratio=n2 / n1, alpha=0.05, return_results=False)
        assert float(ak.power_for_difference(p1, p2, n1, n2)) == pytest.approx(expected, abs=2e-3)


def test_power_is_what_the_z_test_has():
    rng = np.random.default_rng(1)
    trials = 20_000
    p = ak.two_proportion_z(rng.binomial(388, 0.5, trials), 388, rng.binomial(388, 0.6, trials), 388).p_value
    assert (p < 0.05).mean() == pytest.approx(float(ak.power_for_difference(0.5, 0.6, 388, 388)), abs=0.015)


@given(st.floats(0.02, 0.98), st.floats(0.01, 0.5), st.floats(0.5, 0.95))
@settings(max_examples=80, deadline=None)
def test_sample_size_is_the_smallest_that_suffices(p1, difference, power):
    n = float(ak.n_for_difference(p1, difference, power=power))
    if math.isnan(n):
        assert p1 + difference > 1
        return
    p2 = min(p1 + difference, 1)
    assert ak.power_for_difference(p1, p2, n, n) >= power - 1e-9
    if n > 1:
        assert ak.power_for_difference(p1, p2, n - 1, n - 1) <= power + 1e-9


@given(st.integers(1, 4000), st.integers(1, 4000), st.floats(0, 1))
@settings(max_examples=80, deadline=None)
def test_detectable_difference_is_just_detectable(n1, n2, p):
    apart = float(ak.detectable_difference(n1, n2, p))
    sign = 1 if p <= 0.5 else -1
    if math.isnan(apart):
        assert ak.power_for_difference(p, 1.0 if p <= 0.5 else 0.0, n1, n2) < 0.8
        return
    assert ak.power_for_difference(p, np.clip(p + sign * apart, 0, 1), n1, n2) >= 0.8 - 1e-6


def test_more_rows_see_smaller_differences():
    apart = ak.detectable_difference([30, 100, 1000], [30, 100, 1000], 0.3)
    assert (np.diff(apart) < 0).all()
    assert np.isnan(ak.detectable_difference(2, 2, 0.5))
    assert np.isinf(ak.n_for_difference(0.5, 0.0))


def test_hanley_mcneil_by_hand_and_against_the_null_variance():
    # the Mann-Whitney variance under the null is (m + n + 1) / (12 m n)
    assert float(ak.auc_standard_error(0.5, 70, 50)) == pytest.approx(math.sqrt(121 / (12 * 70 * 50)))
    # the published example: AUC 0.893, 51 abnormal and 58 normal, standard error 0.0323 by the exponential formula
    q1, q2 = 0.893 / 1.107, 2 * 0.893**2 / 1.893
    variance = 0.893 * 0.107 + 50 * (q1 - 0.893**2) + 57 * (q2 - 0.893**2)
    assert float(ak.auc_standard_error(0.893, 51, 58)) == pytest.approx(math.sqrt(variance / (51 * 58)))


def test_auc_sizes_are_inverse_to_each_other():
    for area in (0.51, 0.55, 0.7, 0.95):
        n = float(ak.n_for_auc(area))
        assert float(ak.detectable_auc(n, n)) <= area + 1e-9
        assert not float(ak.detectable_auc(n - 1, n - 1)) <= area - 1e-9
    assert np.isinf(ak.n_for_auc(0.5))
    assert float(ak.n_for_auc(0.3)) == float(ak.n_for_auc(0.7))
    assert np.isnan(ak.detectable_auc(1, 1))
    assert np.isnan(ak.detectable_auc(0, 50))


def test_auc_power_is_what_delong_has():
    rng = np.random.default_rng(3)
    n = 300
    area = float(ak.detectable_auc(n, n))
    shift = math.sqrt(2) * scipy_stats.norm.ppf(area)
    labels = np.r_[np.ones(n), np.zeros(n)]
    seen = np.mean(
        [ak.auc(np.r_[rng.normal(shift, 1, n), rng.normal(0, 1, n)], labels).low > 0.5 for _ in range(500)]
    )
    assert seen == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ak.n_for_difference(1.2, 0.1),
        lambda: ak.n_for_difference(0.2, 0.1, power=80),
        lambda: ak.power_for_difference(0.2, 1.1, 5, 5),
        lambda: ak.detectable_difference(-1, 5, 0.5),
        lambda: ak.detectable_difference(5, 5, 0.5, power=0),
        lambda: ak.n_for_auc(2),
        lambda: ak.detectable_auc(10, 10, level=0),
        lambda: ak.auc_standard_error(0.5, -1, 2),
    ],
)
def test_unusable_input_is_refused(call):
    with pytest.raises(InputError):
        call()
