"""The conditional difference against statsmodels, and against known expectations."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from auditkit.errors import InputError
from auditkit.methods.conditional import residual_difference


def test_it_is_the_regression_of_residuals_with_a_robust_error():
    rng = np.random.default_rng(0)
    y, g, y_hat, g_hat = rng.random((4, 400))
    expected = sm.OLS(y - y_hat, g - g_hat).fit(cov_type="HC0")
    found = residual_difference(y, g, y_hat, g_hat)
    assert found.value == pytest.approx(expected.params[0])
    assert found.se == pytest.approx(expected.bse[0])


def test_the_expected_error_is_that_of_labels_that_vary_as_expected():
    """Over many draws of labels by their expectations the value has this standard error, whatever came out once."""
    rng = np.random.default_rng(5)
    g = np.repeat([1.0, 0.0], [40, 360])
    share, g_hat = rng.uniform(0.02, 0.1, 400), np.full(400, 0.1)
    drawn = (rng.random((4000, 400)) < share).astype(float)
    values = [residual_difference(y, g, share, g_hat).value for y in drawn]
    none = residual_difference(np.zeros(400), g, share, g_hat)
    assert none.se_expected == pytest.approx(np.std(values), rel=0.05)
    assert none.se < none.se_expected / 3
    assert np.isnan(residual_difference(share, g, share, g_hat).se_expected)


@pytest.mark.parametrize("effect", [0.0, 0.2])
def test_with_the_true_expectations_it_covers_the_effect(effect):
    inside = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        x = rng.random(500)
        share = 0.2 + 0.6 * x
        g = rng.random(500) < share
        y = rng.random(500) < 0.1 + 0.6 * x + effect * g
        found = residual_difference(y, g, 0.1 + 0.6 * x + effect * share, share)
        inside += abs(found.value - effect) < 1.96 * found.se
    assert inside >= 276  # 95% less three standard errors


def test_overlap_says_what_is_left_to_compare():
    g = np.repeat([0.0, 1.0], 50)
    assert residual_difference(g, g, np.full(100, 0.5), np.full(100, 0.5)).overlap == 1
    settled = residual_difference(g, g, np.full(100, 0.5), g)
    assert np.isnan(settled.value)
    assert settled.overlap == 0
    with pytest.raises(InputError, match="equally long"):
        residual_difference([1.0], [1.0, 0.0], [0.5], [0.5])
