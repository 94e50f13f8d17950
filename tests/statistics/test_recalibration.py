"""Slopes of recalibration: beside statsmodels, by hand, and covering."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binom

from auditkit.errors import InputError
from auditkit.statistics.recalibration import linear_recalibration, logistic_recalibration


def drawn(n=400, slope=0.7, seed=0):
    rng = np.random.default_rng(seed)
    logit = 1.5 * rng.normal(size=n)
    return logit, rng.random(n) < expit(0.3 + slope * logit), rng.uniform(0.5, 2, n)


def test_the_logistic_slope_is_statsmodels():
    logit, true, _ = drawn()
    found = logistic_recalibration(expit(logit), true)
    wanted = sm.GLM(true.astype(float), sm.add_constant(logit), family=sm.families.Binomial()).fit(
        cov_type="HC0"
    )
    assert (found.intercept, found.slope) == pytest.approx(tuple(wanted.params), abs=1e-8)
    assert (found.low, found.high) == pytest.approx(tuple(wanted.conf_int()[1]), abs=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_linear_slope_is_statsmodels(weighted):
    x, _, w = drawn()
    y = 0.5 * x + np.random.default_rng(1).normal(size=len(x)) * (1 + np.abs(x))
    weights = w if weighted else None
    found = linear_recalibration(x, y, weights=weights)
    model = sm.WLS(y, sm.add_constant(x), weights=w if weighted else 1.0)
    wanted = model.fit(cov_type="HC3", use_t=True)
    assert (found.intercept, found.slope) == pytest.approx(tuple(wanted.params), abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(wanted.conf_int()[1]), abs=1e-9)


def test_a_weight_of_two_is_a_row_twice_but_not_twice_as_sure():
    logit, true, _ = drawn(n=100)
    twice = np.r_[np.arange(100), np.arange(50)]
    weights = np.where(np.arange(100) < 50, 2.0, 1.0)
    one = logistic_recalibration(expit(logit), true, weights=weights)
    other = logistic_recalibration(expit(logit[twice]), true[twice])
    assert (one.slope, one.intercept) == pytest.approx((other.slope, other.intercept), abs=1e-8)
    assert one.high - one.low > other.high - other.low


@pytest.mark.parametrize(("n", "slope", "base"), [(100, 1.0, 0.0), (400, 0.5, -2.0)])
def test_the_interval_covers(n, slope, base):
    draws, covered = 500, 0
    rng = np.random.default_rng(n)
    for _ in range(draws):
        logit = 1.2 * rng.normal(size=n) + base
        found = logistic_recalibration(expit(logit), rng.random(n) < expit(slope * logit))
        covered += found.low <= slope <= found.high
    assert binom.ppf(0.001, draws, 0.935) <= covered


@pytest.mark.parametrize(
    ("scores", "truth", "reason"),
    [
        ([0.2, 0.3, 0.8, 0.9], [0, 0, 1, 1], "without an error"),
        ([0.2, 0.3, 0.8], [1, 1, 1], "never came"),
        ([0.4, 0.4, 0.4], [1, 0, 1], "every score is the same"),
        ([], [], "never came"),
    ],
)
def test_no_line_is_said_with_its_reason(scores, truth, reason):
    found = logistic_recalibration(scores, truth)
    assert math.isnan(found.slope)
    assert reason in found.reason


def test_no_line_through_two_rows_or_one_prediction():
    assert "three rows" in linear_recalibration([1, 2], [1, 2]).reason
    assert "every prediction" in linear_recalibration([1, 1, 1], [1, 2, 3]).reason


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_any_probabilities_give_a_line_or_a_reason(rows):
    scores, truth = zip(*rows, strict=True)
    found = logistic_recalibration(scores, truth)
    assert bool(found.reason) == math.isnan(found.slope)
    if not found.reason:
        assert found.low <= found.slope <= found.high


def test_what_is_no_probability_is_refused():
    with pytest.raises(InputError, match="probabilities"):
        logistic_recalibration([1.2, 0.1], [0, 1])
    with pytest.raises(InputError, match="as many"):
        linear_recalibration([1.0, 2.0], [1.0])


def test_welchs_interval_is_scipys():
    from scipy import stats

    from auditkit.statistics.welch import mean_difference

    rng = np.random.default_rng(0)
    one, other = rng.normal(size=12), 3 * rng.normal(size=30) + 1
    spreads = tuple(float(((part - part.mean()) ** 2).sum()) for part in (one, other))
    found = mean_difference((one.mean(), other.mean()), spreads, (12, 30), 0.9)
    wanted = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.9)
    assert found == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    assert mean_difference((1.0, 0.0), (0.0, 0.0), (5, 5)) == (1.0, 1.0)
    assert mean_difference((1.0, 0.0), (0.0, 1.0), (1, 5)) == (-math.inf, math.inf)
    with pytest.raises(InputError, match="not negative"):
        mean_difference((1.0, 0.0), (-1.0, 1.0), (5, 5))
