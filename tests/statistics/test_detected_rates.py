"""Rates of tries by case, and less a detector's errors: by hand, and by how often they cover."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from auditkit.errors import InputError
from auditkit.statistics import clustered_rate, corrected_rate, wilson


def test_one_try_a_case_is_wilson_at_a_size_for_few_cases():
    found = clustered_rate([1] * 6 + [0] * 14, [1] * 20)
    # one try a case: the design effect is k / (k - 1), by which the tries are divided; then (z / t) squared
    size = 19 * (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 19)) ** 2
    assert found.n_effective == pytest.approx(size)
    low, high = wilson(0.3 * size, size)
    assert (found.value, found.low, found.high) == pytest.approx((0.3, float(low), float(high)))


def test_equal_tries_of_a_case_count_once():
    once = clustered_rate([1] * 6 + [0] * 14, [1] * 20)
    thrice = clustered_rate([3] * 6 + [0] * 14, [3] * 20)
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


def test_independent_tries_count_nearly_all():
    rng = np.random.default_rng(0)
    found = clustered_rate(rng.binomial(10, 0.4, 400), [10] * 400)
    assert 3400 < found.n_effective <= 4000


def test_without_a_hit_each_case_counts_once():
    found = clustered_rate([0] * 40, [5] * 40)
    size = 40 * (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 39)) ** 2
    assert (found.low, found.n_effective) == (0.0, pytest.approx(size))
    assert found.high == pytest.approx(float(wilson(0, size).high))


def test_few_cases_say_nothing():
    assert (clustered_rate([1], [3]).low, clustered_rate([1], [3]).high) == (0.0, 1.0)
    none = clustered_rate([], [])
    assert math.isnan(none.value)
    assert none.note == "no try was made"
    assert clustered_rate([1, 0, 0], [2, 2, 0]).value == 0.25, "a case without a try is left out"


def test_the_correction_is_that_of_rogan_and_gladen():
    found = corrected_rate(0.3, 200, (90, 100), (95, 100))
    assert found.value == pytest.approx((0.30 + 0.95 - 1) / (0.90 + 0.95 - 1))
    assert corrected_rate(0.02, 200, (90, 100), (95, 100)).value == 0.0
    assert corrected_rate(0.99, 200, (90, 100), (95, 100)).value == 1.0


def test_the_interval_by_the_delta_method_for_large_samples():
    """At large n the interval is the estimate with the delta method's variance."""
    rate, n, of = 0.4, 10_000.0, 10_000
    found = corrected_rate(rate, n, (9000, of), (9500, of))
    j, p = 0.85, found.value
    variance = (rate * 0.6 / n + p**2 * 0.9 * 0.1 / of + (1 - p) ** 2 * 0.95 * 0.05 / of) / j**2
    half = stats.norm.ppf(0.975) * math.sqrt(variance)
    assert (found.low, found.high) == pytest.approx((p - half, p + half), abs=3e-4)


@pytest.mark.parametrize(("se", "sp"), [((5, 10), (5, 10)), ((0, 0), (9, 10)), ((1, 10), (9, 10))])
def test_a_detector_no_better_than_chance_corrects_nothing(se, sp):
    found = corrected_rate(0.3, 100, se, sp)
    assert math.isnan(found.value)
    assert (found.low, found.high) == (0.0, 1.0)
    assert "no better than chance" in found.note


@given(st.floats(0, 1), st.floats(0, 500), st.integers(1, 60), st.integers(1, 60), st.data())
def test_the_ends_hold_the_value(rate, n, of, others, data):
    hits, passes = data.draw(st.integers(0, of)), data.draw(st.integers(0, others))
    found = corrected_rate(rate, n, (hits, of), (passes, others))
    assert 0 <= found.low <= found.high <= 1
    assert math.isnan(found.value) or found.low <= found.value <= found.high


def test_wrong_counts_are_refused():
    with pytest.raises(InputError):
        corrected_rate(1.2, 10, (1, 2), (1, 2))
    with pytest.raises(InputError):
        corrected_rate(0.5, 10, (3, 2), (1, 2))
    with pytest.raises(InputError):
        clustered_rate([2], [1])


def covered_share(cases, rate, between, audits):
    """Return how often the interval holds the rate: 3 tries a case, a detector right on 90% and 95%, known from 33 and 31 texts.

    `between` is how alike the tries of a case are: 0 not at all, 1 wholly.
    """
    rng = np.random.default_rng([cases, int(rate * 10), int(between * 10)])
    covered = 0
    for _ in range(audits):
        if between in (0.0, 1.0):
            own = np.full(cases, rate) if between == 0 else (rng.random(cases) < rate).astype(float)
        else:
            own = rng.beta(rate * (1 / between - 1), (1 - rate) * (1 / between - 1), cases)
        true = rng.binomial(3, own)
        seen = rng.binomial(true, 0.9) + rng.binomial(3 - true, 0.05)
        counted = clustered_rate(seen, np.full(cases, 3))
        se, sp = int(rng.binomial(33, 0.9)), int(rng.binomial(31, 0.95))
        found = corrected_rate(counted.value, counted.n_effective, (se, 33), (sp, 31))
        covered += found.low <= rate <= found.high
    return covered / audits


@pytest.mark.parametrize("between", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.7])
def test_intervals_cover(rate, between):
    # of 500 audits, four standard errors below 95%
    assert covered_share(40, rate, between, 500) >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / 500)


@pytest.mark.slow
def test_intervals_cover_in_every_case_that_the_documentation_speaks_of():
    """docs/language_models.md and docs/statistics.md name the least of these."""
    cases = [(n, 0.0, 0.0) for n in (20, 40, 100)]
    cases += [
        (n, rate, alike) for n in (20, 40, 100) for rate in (0.1, 0.3, 0.7) for alike in (0.0, 0.3, 1.0)
    ]
    shares = {case: covered_share(*case, 10_000) for case in cases}
    least = min(shares, key=shares.get)
    assert least == (40, 0.7, 1.0)
    assert 0.954 <= shares[least] < 0.955
