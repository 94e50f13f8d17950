"""Rounding: a value as the public form gives it, with no more digits than its interval carries."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from auditkit.packing.counts import OUTCOMES, counted, number_of
from auditkit.ranges import range_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditkit.evidence import Interval, Measurement
    from auditkit.finding import Finding
    from auditkit.packing.labels import Labels

__all__ = ["following", "is_count", "rounded"]

_MANTISSAS = (1, 2, 5, 10)
_TO_EACH_SIDE = Decimal("1.5")  # steps: half of one for the rounding, and one for the interval


def is_count(m: Measurement) -> bool:
    """Whether a value is a count, or the share of decisions of a kind: what suppression has weighed to the record, and is shown to the record.

    Examples
    --------
    >>> from auditkit.evidence import Measurement
    >>> [is_count(Measurement(name, value, 100)) for name, value in (("accuracy", 0.75), ("auc", 0.75), ("twins", 12))]
    [True, False, True]
    """
    if m.metric in OUTCOMES:
        return counted(m) is not None
    return m.interval is None and number_of(m) is not None


def following(shown: Iterable[Measurement], labels: Labels) -> frozenset[tuple[frozenset[str], float]]:
    """Return what anybody works out from the shares of groups that are shown: by features, the largest difference and ratio of each."""
    rates: dict[tuple[str, frozenset[str]], list[float]] = defaultdict(list)
    for m in shown:
        cell = labels.cell(m.group) if m.group else None
        if cell and m.metric in OUTCOMES and is_count(m):
            rates[m.metric, frozenset(feature for feature, _ in cell)].append(m.value)
    found = set()
    for (_, features), values in rates.items():
        least, most = min(values), max(values)
        ratios = (least / most, most / least) if least > 0 else (0.0,)
        if len(values) > 1:
            found |= {(features, round(one, 12)) for one in (most - least, *ratios)}
    return frozenset(found)


def rounded(m: Measurement, *, k: int, rows: int | None, judged: Iterable[Finding] = ()) -> Measurement:
    """Return a measurement with its value to the nearest step, and an interval of one and a half steps to each side.

    The step is 1, 2 or 5 times a power of ten, the least that is neither below the longer side of the interval nor below a share of `k` of
    the records. So the interval holds the one that was measured, and tells the step alone. It ends at a limit where the status says that
    the measured one does; a value without an interval stays on its side of every limit.

    Parameters
    ----------
    m : Measurement
        In full.
    k : int
        Smallest count that may be shown.
    rows : int or None
        Records there are; `m.n` may count pairs of them. None where `m.n` counts what there is: files, packages, replies.
    judged : iterable of Finding
        What was judged of it, in full.

    Examples
    --------
    >>> from auditkit.evidence import Interval, Measurement
    >>> made = rounded(Measurement("auc", 0.81274, 1000, Interval(0.787, 0.838, 0.95, "delong")), k=10, rows=1000)
    >>> made.value, made.interval.low, made.interval.high
    (0.8, 0.725, 0.875)
    """
    if math.isnan(m.value):
        return m
    step = _step(m, k / max(m.n if rows is None else min(m.n, rows), 1))
    value = m.value if math.isinf(m.value) else float(_nearest(m.value, step))
    if m.interval is None:
        return replace(m, value=_unsigned(_on_its_side(m.value, value, judged)))
    low, high = _ends(m.metric, m.interval, value, step)
    low, high = _within(m.interval, low, high, judged)
    if m.interval.low <= m.value <= m.interval.high:
        value = min(max(value, low), high)
    low, value, high = map(_unsigned, (low, value, high))
    return replace(m, value=value, interval=replace(m.interval, low=low, high=high))


def _unsigned(value: float) -> float:
    """Return a value whose zero has no sign: -0.0 would say on which side the full one lies."""
    return value + 0.0


def _step(m: Measurement, share: float) -> Decimal:
    sides = (m.value - m.interval.low, m.interval.high - m.value) if m.interval else ()
    side = max((one for one in sides if math.isfinite(one)), default=0.0)
    size = 1.0 if range_of(m.metric) else abs(m.value) if side > 0 else max(1.0, abs(m.value))
    least = max(size * share if math.isfinite(size) else 0.0, side) or share
    power = math.floor(math.log10(least)) - 1
    steps = (Decimal(one).scaleb(at) for at in range(power, power + 4) for one in _MANTISSAS)
    return next(one for one in steps if one >= Decimal(least))


def _nearest(value: float, step: Decimal) -> Decimal:
    return (Decimal(value) / step).to_integral_value(ROUND_HALF_EVEN) * step


def _ends(metric: str, interval: Interval, value: float, step: Decimal) -> tuple[float, float]:
    if math.isinf(value):
        low, high = -math.inf, math.inf
    else:
        middle, away = Decimal(repr(value)), _TO_EACH_SIDE * step
        low = float(middle - away) if math.isfinite(interval.low) else interval.low
        high = float(middle + away) if math.isfinite(interval.high) else interval.high
    # the last digit of a float may be a hair within
    low, high = min(low, interval.low), max(high, interval.high)
    least, most = range_of(metric) or (-math.inf, math.inf)
    return (
        least if low < least <= interval.low else low,
        most if high > most >= interval.high else high,
    )


def _limits(judged: Iterable[Finding]) -> list[tuple[str, float | None, float | None]]:
    """Return the status of each finding before waivers, with the limits it was held to."""
    return [
        (one.was or one.status, one.criterion.at_least, one.criterion.at_most)
        for one in judged
        if one.criterion is not None
    ]


def _within(full: Interval, low: float, high: float, judged: Iterable[Finding]) -> tuple[float, float]:
    """Return the ends, drawn in to where the statuses say that those of the full report lie."""
    for status, at_least, at_most in _limits(judged):
        if status == "pass" and at_most is not None and full.high <= at_most:
            high = min(high, at_most)
        if status == "pass" and at_least is not None and full.low >= at_least:
            low = max(low, at_least)
        if status == "fail" and at_most is not None and full.low > at_most:
            low = max(low, math.nextafter(at_most, math.inf))
        if status == "fail" and at_least is not None and full.high < at_least:
            high = min(high, math.nextafter(at_least, -math.inf))
    return low, high


def _on_its_side(full: float, value: float, judged: Iterable[Finding]) -> float:
    """Return a value without an interval, moved no further than to the limit between it and the full one."""
    for _, at_least, at_most in _limits(judged):
        if at_most is not None:
            value = min(value, at_most) if full <= at_most else max(value, math.nextafter(at_most, math.inf))
        if at_least is not None:
            value = (
                max(value, at_least) if full >= at_least else min(value, math.nextafter(at_least, -math.inf))
            )
    return value
