"""Changes: how far a quantity moved between two audits, when only the two estimates and their intervals were kept."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import as_counts, as_level
from auditkit.statistics.hypothesis_tests import fisher_exact
from auditkit.statistics.intervals import newcombe
from auditkit.statistics.paired import paired_difference

__all__ = ["Change", "Estimate", "change", "rate_change", "rate_change_of_same_records"]


class Estimate(NamedTuple):
    """A value with its interval, the level of it, and the records (or trials) it rests on."""

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95


class Change(NamedTuple):
    """The second value less the first, with an interval and the two-sided p-value of "no change"."""

    value: float
    low: float
    high: float
    p_value: float
    method: str


def change(before: Estimate, after: Estimate, *, same_records: bool, level: float = 0.95) -> Change:
    """Return the change between two estimates of which only the intervals are known.

    The doubt of each is recovered from the distance between its value and the end of its own interval on the side that matters (Zou
    and Donner 2008, "Construction of confidence limits about effect measures: a general approach", Statistics in
    Medicine 27). Estimates on different records are taken to be independent, and the distances are added as squares. Estimates on
    the same records depend on each other in a way the two intervals do not show; the distances themselves are then added, which
    holds for any dependence and is the widest there is.

    Parameters
    ----------
    before, after : Estimate
        Each with finite ends. Where the value lies outside its interval, the interval is stretched to take it in.
    same_records : bool
        Whether both rest on the same records.
    level : float
        Confidence level of the interval of the change.

    Returns
    -------
    Change
        The p-value takes the distances to grow as the quantiles of Student's t do, with the degrees of freedom of the smaller sample:
        no slower than those of the interval they came from. It is ``nan`` where two values differ and neither interval has a width
        that could tell whether that is noise.

    Raises
    ------
    InputError
        If a number is not finite, or ends are not in order.

    Examples
    --------
    >>> found = change(Estimate(0.80, 0.76, 0.84, 400), Estimate(0.70, 0.67, 0.73, 900), same_records=False)
    >>> [round(x, 3) for x in found[:3]], found.p_value < 0.001
    ([-0.1, -0.15, -0.05], True)
    """
    for one in (before, after):
        if not all(map(math.isfinite, one)) or one.low > one.high:
            raise InputError(f"an estimate needs a finite value between ends in order; got {tuple(one)}")
    df = max(min(before.n, after.n) - 1, 1)
    t, moved = _quantile(level, df), after.value - before.value
    join = _added if same_records else math.hypot
    down = join(_unit(after, "low"), _unit(before, "high"))
    up = join(_unit(after, "high"), _unit(before, "low"))
    towards_nought = down if moved > 0 else up
    p = 1.0
    if moved != 0:
        p = float(2 * special.stdtr(df, -abs(moved) / towards_nought)) if towards_nought > 0 else math.nan
    method = "distances added, for any dependence" if same_records else "MOVER, independent records"
    return Change(moved, moved - t * down, moved + t * up, p, method)


def rate_change(before: tuple[int, int], after: tuple[int, int], level: float = 0.95) -> Change:
    """Return the change between two rates of different records: Newcombe's interval, Fisher's exact p-value.

    Parameters
    ----------
    before, after : tuple of (int, int)
        Successes and records.
    level : float
        Confidence level.

    Examples
    --------
    >>> found = rate_change((80, 100), (60, 100))
    >>> [round(x, 3) for x in found[:4]]
    [-0.2, -0.319, -0.073, 0.003]
    """
    (k, n), (j, m) = before, after
    low, high = newcombe(j, m, k, n, level)
    p = float(fisher_exact([[k, n - k], [j, m - j]]).p_value)
    return Change(_rate(j, m) - _rate(k, n), float(low), float(high), p, "Newcombe, Fisher exact")


def rate_change_of_same_records(before: int, after: int, n: int, level: float = 0.95) -> Change:
    """Return the change between two rates of the same records, whichever records changed.

    How many records changed is not known, only the two counts. They allow at most ``min(before, n - after)`` to have fallen out and
    as many less the net change to have come in; the interval for paired rates (Bonett and Price 2012) is taken there, where
    it is widest. That is an interval for any pairing the counts allow.

    Parameters
    ----------
    before, after : int
        Successes.
    n : int
        Records, the same both times.
    level : float
        Confidence level.

    Raises
    ------
    InputError
        On impossible counts.

    Examples
    --------
    >>> found = rate_change_of_same_records(800, 740, 1000)
    >>> [round(x, 3) for x in found[:3]], round(found.p_value, 4)
    ([-0.06, -0.102, -0.018], 0.0051)
    """
    as_counts([before, after], n)
    lost = min(before, n - after)
    won = lost - (before - after)
    low, high = paired_difference(lost, won, n, level)
    p, q = (lost + 1) / (n + 2), (won + 1) / (n + 2)
    spread = math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    p_value = float(2 * special.ndtr(-abs(p - q) / spread)) if lost != won else 1.0
    moved = (after - before) / n if n else math.nan
    return Change(moved, -float(high), -float(low), p_value, "Bonett-Price at the most discordant records")


def _rate(k: float, n: float) -> float:
    return k / n if n else float(np.nan)


def _added(one: float, other: float) -> float:
    return one + other


def _unit(one: Estimate, end: str) -> float:
    """Return the distance from a value to an end of its interval, in units of a standard error."""
    away = one.value - one.low if end == "low" else one.high - one.value
    return max(away, 0.0) / _quantile(one.level, max(one.n - 1, 1))


def _quantile(level: float, df: int) -> float:
    return float(special.stdtrit(df, 0.5 + as_level(level) / 2))
