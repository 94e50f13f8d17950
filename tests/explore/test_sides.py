"""Sides: changes with their ends, held against known populations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from auditkit.checks._common import Grouping
from auditkit.checks.mitigation._mitigated import Yardstick
from auditkit.explore import _sides as sides


def yard(codes: Any, truth: Any, constraint: Any = "demographic_parity") -> Yardstick:
    k = int(np.max(codes)) + 1
    return Yardstick(
        Grouping("g", [f"g={i}" for i in range(k)], np.asarray(codes)), np.asarray(truth), constraint, 0.95
    )


def test_shares_by_hand() -> None:
    first, second = np.array([True, True, False, False]), np.array([True, False, False, False])
    found = sides.shares("accuracy", "higher", first, second, 0.95, 1)
    assert (found.first[0], found.second[0]) == (0.5, 0.25)
    assert found.change == -0.25
    assert found.gain[0] == -0.25
    assert found.verdict == "cannot be told"
    turned = sides.shares("errors", "lower", first, second, 0.95, 1)
    assert turned.gain == (0.25, -found.high, -found.low)
    assert (
        found.said()
        == f"accuracy 50.0% to 25.0% (-25.0 [{100 * found.low:+.1f}, {100 * found.high:+.1f}] points)"
    )


def test_more_figures_make_wider_ends() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 200)) < 0.5
    one, many = (sides.shares("x", "higher", first, second, 0.95, k) for k in (1, 50))
    assert many.low < one.low < one.change < one.high < many.high
    assert sides.strict(0.95, 50) == pytest.approx(0.999)


def test_a_gap_of_few_changed_records_is_no_surer_than_its_groups() -> None:
    codes = np.repeat([0, 1], 500)
    first = np.concatenate([np.arange(500) < 300, np.arange(500) < 200])
    second = first.copy()
    second[:3] = False  # three records of the favoured group
    found = sides.gaps("gap", first, second, yard(codes, first), 1, np.random.default_rng(0))
    assert (found.first[0], found.second[0]) == pytest.approx((0.2, 0.194))
    # the change of group 0, exact (3 of 500 lost, none won), and of group 1 (none), put together by distances
    from auditkit.statistics import paired_differences_at_once

    ends = [paired_differences_at_once([0], [lost], 500, 0.95) for lost in (3, 0)]
    below = np.hypot(-0.006 - float(ends[0].low[0]), float(ends[1].high[0]))
    above = np.hypot(float(ends[0].high[0]) + 0.006, -float(ends[1].low[0]))
    assert found.low <= -0.006 - below + 1e-12
    assert found.high >= -0.006 + above - 1e-12
    assert found.verdict == "cannot be told"


def test_a_gap_that_is_undefined_is_no_change() -> None:
    codes, truth = np.array([0, 0, 1, 1]), np.array([True, False, False, False])
    found = sides.gaps(
        "gap", truth, ~truth, yard(codes, truth, "equalized_odds"), 1, np.random.default_rng(0)
    )
    assert np.isnan(found.change)
    assert (found.low, found.high) == (-1.0, 1.0)
    assert found.verdict == "cannot be told"
    assert found.method


def drawn(
    rng: np.random.Generator, n: int, groups: int, rates: tuple[Any, Any], flip: float
) -> tuple[Any, Any, Any]:
    """Return groups and two sets of decisions with these rates in the population, alike in most records."""
    codes, luck = rng.integers(groups, size=n), rng.random(n)
    again = np.where(rng.random(n) < flip, rng.random(n), luck)
    return codes, luck < np.asarray(rates[0])[codes], again < np.asarray(rates[1])[codes]


# groups, the rates of each side, and how much of the luck is drawn anew
WORLDS = {
    "a gap closed": (2, ((0.7, 0.3), (0.5, 0.5)), 0.1),
    "a gap halved": (2, ((0.7, 0.3), (0.6, 0.4)), 0.1),
    "few records changed": (2, ((0.6, 0.4), (0.59, 0.4)), 0.0),
    "three groups": (3, ((0.7, 0.5, 0.3), (0.6, 0.5, 0.4)), 0.05),
    "nothing changed": (2, ((0.6, 0.4), (0.6, 0.4)), 0.05),
}


def missed(name: str, reps: int, seed: int, family: int = 1, n: int = 800) -> int:
    groups, rates, flip = WORLDS[name]
    true = np.ptp(rates[1]) - np.ptp(rates[0])
    out = 0
    for rep in range(reps):
        rng = np.random.default_rng([seed, rep])
        codes, first, second = drawn(rng, n, groups, rates, flip)
        found = sides.gaps("gap", first, second, yard(codes, first), family, rng)
        out += not found.low <= true <= found.high
    return out


@pytest.mark.parametrize("name", WORLDS)
def test_changes_of_gaps_hold_the_truth(name: str) -> None:
    assert missed(name, 60, 1) <= stats.binom.ppf(0.999, 60, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("family", [1, 20])
def test_changes_of_gaps_hold_the_truth_at_the_stated_rate(name: str, family: int) -> None:
    assert missed(name, 800, 2, family) <= stats.binom.ppf(0.999, 800, 0.05 / family)


@pytest.mark.slow
@pytest.mark.parametrize("family", [1, 40])
@pytest.mark.parametrize("flip", [0.004, 0.2])
def test_changes_of_shares_hold_the_truth_at_the_stated_rate(flip: float, family: int) -> None:
    out = 0
    for rep in range(4000):
        rng = np.random.default_rng([3, rep])
        _, first, second = drawn(rng, 300, 1, ((0.8,), (0.76,)), flip)
        found = sides.shares("x", "higher", first, second, 0.95, family)
        out += not found.low <= -0.04 <= found.high
    assert out <= stats.binom.ppf(0.999, 4000, 0.05 / family)
