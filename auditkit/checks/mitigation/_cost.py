"""Cost: what a remedy took from accuracy, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditkit.evidence import Measurement

__all__ = ["at_what_cost"]


def at_what_cost(cost: Measurement) -> str:
    """Return "at a cost of 1.2 [0.1, 2.2] points of accuracy"; a gain where the whole interval lies below 0."""
    ends = cost.interval
    gained = ends is not None and ends.high < 0
    sign = -1 if gained else 1
    span = ""
    if ends is not None:
        low, high = sorted((sign * ends.low, sign * ends.high))
        span = f" [{100 * low:.1f}, {100 * high:.1f}]"
    value = f"{100 * sign * cost.value:.1f}{span} points of accuracy"
    return f"with a gain of {value}" if gained else f"at a cost of {value}"
