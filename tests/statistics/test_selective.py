"""Selective prediction: areas and accuracies are those of the definition, and their intervals hold for few errors too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from auditkit.errors import InputError
from auditkit.statistics import (
    accuracy_at_coverage,
    aurc,
    calibration_change,
    reliability,
    risk_coverage,
    wilson,
)

RNG = np.random.default_rng
CASES = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=40)


@given(CASES, st.integers(0, 1000))
def test_the_curve_is_the_mean_over_orders_of_tied_rows(rows, seed):
    sure, wrong = np.array(rows, dtype=float).T
    rng, curves = RNG(seed), []
    for _ in range(400):
        order = np.lexsort((rng.random(len(sure)), -sure))
        curves.append(np.cumsum(wrong[order]) / np.arange(1, len(sure) + 1))
    found = risk_coverage(sure, wrong)
    spread = np.std(curves, axis=0) / 20
    assert (np.abs(found.risk - np.mean(curves, axis=0)) <= 5 * spread + 1e-9).all()
    assert aurc(sure, wrong).value == pytest.approx(found.risk.mean())
    assert found.coverage[-1] == 1
    assert found.risk[-1] == pytest.approx(wrong.mean())


@given(CASES)
def test_a_constant_confidence_gives_the_error_rate_and_any_growing_function_the_same_area(rows):
    sure, wrong = np.array(rows, dtype=float).T
    assert aurc(np.zeros(len(wrong)), wrong).value == pytest.approx(wrong.mean())
    assert aurc(np.exp(sure), wrong) == aurc(sure, wrong)
    found = aurc(sure, wrong)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_areas_and_accuracies_by_hand():
    # risks 0, 0, 1/3, 2/4
    assert aurc([4, 3, 2, 1], [0, 0, 1, 1]).value == pytest.approx((1 / 3 + 1 / 2) / 4)
    # a perfect order of error rate r: r + (1 - r) ln(1 - r) (Geifman, Uziel and El-Yaniv 2019)
    wrong = np.arange(20_000) >= 15_000
    assert aurc(-np.arange(20_000), wrong).value == pytest.approx(0.25 + 0.75 * np.log(0.75), abs=1e-4)
    kept = accuracy_at_coverage([5, 4, 3, 2, 1], [0, 1, 0, 0, 1], 0.8)
    assert kept.value == pytest.approx(3 / 4)
    assert (kept.low, kept.high) == pytest.approx([float(end) for end in wilson(3, 4)])
    # two rows tie at the edge, one of them is wrong, half of them are kept
    assert accuracy_at_coverage([5, 4, 4, 1], [0, 0, 1, 1], 0.5).value == pytest.approx(1 - 0.5 / 2)


def test_without_errors_the_area_is_nil_and_its_interval_is_not():
    found = aurc(np.arange(100.0), np.zeros(100))
    assert found.value == found.low == 0
    assert 0 < found.high < 0.3
    assert np.isnan(aurc([], []).value)
    assert np.isnan(accuracy_at_coverage([], []).value)
    assert len(risk_coverage([], []).risk) == 0


def worlds(kind, n, rng):
    sure = rng.uniform(0.5, 1, n)
    error = {"calibrated": 1 - sure, "cannot tell": np.full(n, 0.2), "rare": np.full(n, 0.004),
             "sharp": np.where(sure < 0.6, 0.4, 0.005)}[kind]  # fmt: skip
    return sure, error


@pytest.mark.parametrize("n", [100, 500])
@pytest.mark.parametrize("kind", ["calibrated", "cannot tell", "rare", "sharp"])
def test_intervals_hold_given_the_confidences(kind, n):
    rng, trials = RNG(0), 300
    area = kept = 0
    for _ in range(trials):
        sure, error = worlds(kind, n, rng)
        wrong = rng.random(n) < error
        a, k = aurc(sure, wrong), accuracy_at_coverage(sure, wrong)
        area += a.low <= risk_coverage(sure, error).risk.mean() <= a.high
        order = np.argsort(-sure)[: round(0.8 * n)]
        kept += k.low <= 1 - error[order].mean() <= k.high
    assert min(area, kept) >= binom.ppf(0.001, trials, 0.95)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: risk_coverage([0.5, np.nan], [0, 1]), "finite"),
        (lambda: risk_coverage([0.5], [0, 1]), "one answer a row"),
        (lambda: accuracy_at_coverage([0.5], [0], 0.0), "coverage"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()


@pytest.mark.parametrize(("shift", "n"), [(0.0, 500), (0.15, 500), (0.15, 3000)])
def test_a_change_of_calibration_is_covered_and_no_change_raises_no_alarm(shift, n):
    rng, trials, held, alarms = RNG(1), 200, 0, 0
    for _ in range(trials):
        p = rng.uniform(0.2, 0.8, n)
        draw = rng.random(n)
        found = calibration_change(reliability(p, draw < p), reliability(p, draw < p - shift))
        held += found.low <= shift <= found.high
        alarms += found.low > 0
    assert held >= binom.ppf(0.001, trials, 0.95)
    if n == 3000:
        assert alarms > 0.9 * trials
    if not shift:
        assert alarms <= binom.ppf(0.999, trials, 0.025)


def test_a_change_without_rows_is_undefined():
    none = reliability([], [])
    found = calibration_change(none, none)
    assert np.isnan(found.value)
    assert (found.low, found.high) == (-1, 1)
