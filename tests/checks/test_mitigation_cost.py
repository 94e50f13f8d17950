"""What a remedy took from accuracy is told as a cost, and as a gain where it is one."""

from __future__ import annotations

import pytest

from auditkit.checks.mitigation._cost import at_what_cost
from auditkit.evidence import Interval, Measurement


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.012, 0.001, 0.022, "at a cost of 1.2 [0.1, 2.2] points of accuracy"),
        (-0.012, -0.022, -0.001, "with a gain of 1.2 [0.1, 2.2] points of accuracy"),
        (-0.012, -0.022, 0.001, "at a cost of -1.2 [-2.2, 0.1] points of accuracy"),
    ],
)
def test_a_gain_is_no_cost(value, low, high, said):
    cost = Measurement("accuracy_cost", value, 100, Interval(low, high, 0.95, "t"))
    assert at_what_cost(cost) == said


def test_without_an_interval_it_is_a_cost():
    assert (
        at_what_cost(Measurement("accuracy_cost", -0.5, 2, reason="few rows"))
        == "at a cost of -50.0 points of accuracy"
    )
