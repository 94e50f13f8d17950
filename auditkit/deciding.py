"""Deciding: how many records would settle what an interval leaves open."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditkit.evidence import Measurement
    from auditkit.finding import Criterion

__all__ = ["BEGINS_AT", "ENDS_AT", "records_to_decide"]

# what a reason says before naming the groups, or the rate, that an end of the interval rests on where the value rests on others
BEGINS_AT, ENDS_AT = "the interval begins at", "the interval ends at"

_MOST = 10**9
_WHOLE = ((0.0, 1.0), (-1.0, 1.0))  # intervals that say nothing
_PROPORTIONS = ("wilson", "clopper-pearson", "jeffreys")
_MARGIN = 1.08  # score intervals shrink a little slower than the root, and one that just touches the limit decides nothing


def records_to_decide(m: Measurement, c: Criterion) -> float | None:
    """Return how many records would decide a criterion that the interval reaches across, if the value stayed.

    The interval is drawn in around the value as one over the root of the records, until it no longer reaches the limit: ratios on the
    log scale, single proportions by the arcsine of their root, all else as it is. An end that is held at "no gap", or
    at the end of what is possible, is taken to lie as far off as the other.

    Parameters
    ----------
    m : Measurement
        With an interval that takes in a limit.
    c : Criterion
        The limits.

    Returns
    -------
    float or None
        Records of the kind that `m` counts, mixed as these, a whole number; infinite where the value lies at a limit, or so near that a
        thousand million would not do. None where more such records decide nothing (a group or class is missing, or only
        the other side of a bound would tell), or where the interval does not show how fast it would shrink: the end in question rests
        on other groups than the value, as the reason then says.

    Examples
    --------
    >>> from auditkit.evidence import Interval, Measurement
    >>> from auditkit.finding import Criterion
    >>> gap = Measurement("selection_rate_difference", 0.06, 100, Interval(0.0, 0.14, 0.95, "newcombe"))
    >>> records_to_decide(gap, Criterion("selection_rate_difference", at_most=0.1))
    467.0
    """
    if m.interval is None or not math.isfinite(m.value) or m.n <= 0:
        return None
    if (m.interval.low, m.interval.high) in _WHOLE and not m.missing:
        return None
    limits = [limit for limit in (c.at_most, c.at_least) if limit is not None and math.isfinite(limit)]
    if m.value in limits:
        return math.inf
    meets = (c.at_most is None or m.value < c.at_most) and (c.at_least is None or m.value > c.at_least)
    if meets:
        if m.missing:
            return None
        asked = limits
    else:
        over = c.at_most is not None and m.value > c.at_most
        if m.bound == ("upper" if over else "lower"):
            return None
        asked = [limit for limit in (c.at_most if over else c.at_least,) if limit is not None]
    needs = [_needed(m, limit) for limit in asked]
    return None if not needs or None in needs else max(n for n in needs if n is not None)


def _needed(m: Measurement, limit: float) -> float | None:
    if m.interval is None:
        return None
    value, target = _scaled(m, m.value), _scaled(m, limit)
    low, high = _scaled(m, m.interval.low), _scaled(m, m.interval.high)
    below, above = value - low, high - value
    near, far, end = (above, below, m.interval.high) if target > value else (below, above, m.interval.low)
    if (ENDS_AT if target > value else BEGINS_AT) in (m.reason or ""):
        return None
    if end in (0.0, 1.0) or not math.isfinite(near):  # held there: by the test, or by what is possible
        near = max(near, far) if math.isfinite(near) and math.isfinite(far) else min(near, far)
    if not (math.isfinite(near) and math.isfinite(target) and math.isfinite(end)):
        return None
    away = abs(target - value)
    times = max(_MARGIN * near / away, 1.0) if away else math.inf
    if times > _MOST:  # its square may be no number any more
        return math.inf
    n = m.n * times**2
    return float(math.ceil(n)) if n <= _MOST else math.inf


def _scaled(m: Measurement, number: float) -> float:
    """Return a number on the scale on which the interval of its metric is about even."""
    words = m.metric.split("_")
    if ("ratio" in words or "odds" in words) and m.value > 0 and "difference" not in words:
        return math.log(number) if number > 0 else -math.inf
    proportion = m.interval is not None and m.interval.method in _PROPORTIONS
    return 2 * math.asin(math.sqrt(min(max(number, 0.0), 1.0))) if proportion else number
