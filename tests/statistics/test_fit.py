"""Fit to shares of a population: values by hand, another implementation, and coverage and false-alarm rates by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from auditkit.errors import InputError
from auditkit.statistics.fit import fit_to_shares, ratios_to_shares

RNG = np.random.default_rng


def test_by_hand_and_against_scipy():
    found = fit_to_shares([60, 30, 10], [0.5, 0.3, 0.2], rng=RNG(0))
    assert found.distance == pytest.approx(0.1)  # 10 of 100 records too many in the first group
    assert found.p_value == pytest.approx(stats.chisquare([60, 30, 10], [50, 30, 20]).pvalue)
    two = fit_to_shares([60, 40], [0.5, 0.5], size=200, rng=RNG(0))
    assert two.p_value == pytest.approx(
        stats.chi2_contingency([[60, 40], [100, 100]], correction=False).pvalue
    )
    ratios, bounds, _ = ratios_to_shares([60, 30, 10], [0.5, 0.3, 0.2])
    assert ratios.tolist() == pytest.approx([1.2, 1.0, 0.5])
    exact = stats.binomtest(10, 100).proportion_ci(1 - 0.05 / 3, method="exact")
    assert (bounds.low[2] * 0.2, bounds.high[2] * 0.2) == pytest.approx((exact.low, exact.high))


def test_groups_at_the_edge():
    assert fit_to_shares([9, 1], [1.0, 0.0], rng=RNG(0)).p_value == 0.0
    ratios, bounds, p = ratios_to_shares([10, 0], [0.9, 0.1])
    assert (ratios[1], bounds.low[1]) == (0.0, 0.0)
    assert bounds.high[1] > 1
    assert 0.5 < p[1] <= 1
    assert np.isnan(ratios_to_shares([10, 1], [1.0, 0.0])[0][1])


@pytest.mark.parametrize(
    ("n", "shares", "size"),
    [(60, (0.7, 0.2, 0.07, 0.03), None), (60, (0.7, 0.2, 0.07, 0.03), 90), (800, (0.4, 0.3, 0.2, 0.1), None)],
)
def test_a_draw_of_the_population_is_called_another_no_more_often_than_said_and_the_intervals_cover(
    n, shares, size
):
    rng, p, runs = RNG(1), np.array(shares), 400
    alarms = covered = within = 0
    for _ in range(runs):
        counts = rng.multinomial(n, p)
        told = p if size is None else rng.multinomial(size, p) / size
        found = fit_to_shares(counts, told, size, rng=rng, draws=199)
        alarms += found.p_value <= 0.05
        within += found.low == 0.0
        _, bounds, _ = ratios_to_shares(counts, told, size)
        known = np.isfinite(bounds.low)
        covered += bool(((bounds.low <= 1) & (bounds.high >= 1))[known].all())
    # 20 of 400 expected at 5%; more than 33 have a chance of 0.2%
    assert alarms <= 33
    assert runs - covered <= 33
    assert runs - within <= 8  # the interval of the distance is conservative


@pytest.mark.parametrize(
    ("counts", "shares", "told"),
    [
        ([1], [1.0], "at least 2 groups"),
        ([1.5, 2], [0.5, 0.5], "whole"),
        ([1, 2], [0.5, 0.6], "sum to 1"),
        ([0, 0], [0.5, 0.5], "of some record"),
    ],
)
def test_what_cannot_be_is_told(counts, shares, told):
    for call in (lambda: fit_to_shares(counts, shares, rng=RNG(0)), lambda: ratios_to_shares(counts, shares)):
        with pytest.raises(InputError, match=told):
            call()
