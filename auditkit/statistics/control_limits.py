"""Control limits: how far one window of a log may lie from a reference by chance, where the reference is a sample too.

A chart that takes the mean of a finite reference for the truth alarms too often, the more so the larger the windows are beside it (Jensen et al. 2006).
Here every limit is that of a two-sample test inverted: it allows for the rows of the window and for those of the reference. Rates
are tested exactly. Means and areas take the variance and the skewness of both samples together, since rates of false alarm are small, and far out in a tail a normal
distribution is wrong first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from auditkit.statistics._arguments import FloatArray

__all__ = ["Moved", "Part", "Sums", "mean_moved", "rate_moved"]

_ROUND = 1e-4  # a skewness below which the normal tail is as good
_REACH = 15.0  # standard deviations of a count beyond which nothing is summed
_TINY = 1e-300


class Sums(NamedTuple):
    """Rows of a sample and their moments about 0: sums of the values, their squares and their cubes."""

    n: float
    first: float
    second: float
    third: float

    @property
    def mean(self) -> float:
        """Mean; ``nan`` without rows."""
        return self.first / self.n if self.n else math.nan

    def central(self) -> tuple[float, float]:
        """Return the unbiased variance and the third central moment."""
        m = self.mean
        square = max(self.second / self.n - m * m, 0.0)
        cube = self.third / self.n - 3 * m * self.second / self.n + 2 * m**3
        return square * self.n / max(self.n - 1, 1), cube

    def with_(self, other: Sums) -> Sums:
        """Return the moments of both samples together."""
        return Sums(*(a + b for a, b in zip(self, other, strict=True)))


class Part(NamedTuple):
    """What one window says of a statistic, for a chart over several.

    Attributes
    ----------
    value : float
        Of the window.
    size : float
        What it counts among windows: rows.
    variance, third : float
        Second and third cumulant of the value, under the moments of window and reference together.
    reference : float
        Value of the reference.
    reference_variance, reference_third : float
        Cumulants of that.
    """

    value: float
    size: float
    variance: float
    third: float
    reference: float
    reference_variance: float
    reference_third: float


class Moved(NamedTuple):
    """Where a window lies beside the reference.

    Attributes
    ----------
    value, reference : float
        Of the window and of the reference.
    low, high : float
        Control limits: by chance the value lies beyond one of them with at most the error rate asked for.
    p_value : float
        Of "drawn alike"; at most that rate exactly where the value lies beyond a limit.
    """

    value: float
    reference: float
    low: float
    high: float
    p_value: float


def skewed_tail(z: float, skewness: float) -> float:
    """Return how likely a standardised value of this skewness lies at z or above, by Pearson's type III (a shifted gamma).

    The third moment is what permutation distributions are commonly approximated by (Mielke and Berry 2007, "Permutation Methods", ch. 2).

    Examples
    --------
    >>> round(skewed_tail(1.959964, 0.0), 4), round(skewed_tail(1.0, 2.0), 4)  # normal; exponential: exp(-2)
    (0.025, 0.1353)
    """
    if abs(skewness) < _ROUND:
        return float(special.ndtr(-z))
    shape = 4 / skewness**2
    at = shape + 2 * z / skewness
    if at <= 0:
        return 1.0 if skewness > 0 else 0.0
    return float(special.gammaincc(shape, at) if skewness > 0 else special.gammainc(shape, at))


def skewed_quantile(tail: float, skewness: float) -> float:
    """Return the standardised value above which a share `tail` lies; the inverse of `skewed_tail`.

    Examples
    --------
    >>> round(skewed_quantile(0.025, 0.0), 3), round(skewed_quantile(0.1353353, 2.0), 3)
    (1.96, 1.0)
    """
    if abs(skewness) < _ROUND:
        return float(-special.ndtri(tail))
    shape = 4 / skewness**2
    inverse = special.gammainccinv if skewness > 0 else special.gammaincinv
    return float((inverse(shape, tail) - shape) * skewness / 2)


def moved(
    value: float, reference: float, variance: float, third: float, alpha: float, step: float = 0.0
) -> Moved:
    """Return where a value lies whose distance from the reference has this variance and third cumulant.

    The skewness counts only on the side where it makes the tail longer; on the other the normal tail stands, which is then too long rather than
    too short. `step` is the distance between two values that are possible, of which half is taken off.

    Examples
    --------
    >>> found = moved(0.5, 0.0, 0.04, 0.0, 0.05)
    >>> round(found.p_value, 4), round(found.high, 2)
    (0.0124, 0.39)
    """
    sd = math.sqrt(max(variance, 0.0))
    if not sd > 0:
        same = math.isclose(value, reference, abs_tol=1e-12)
        return Moved(value, reference, reference, reference, 1.0 if same else 0.0)
    skewness = third / sd**3
    up, down = max(skewness, 0.0), max(-skewness, 0.0)
    away = value - reference
    z = max(abs(away) - step / 2, 0.0) / sd
    p = min(1.0, 2 * skewed_tail(z, up if away > 0 else down))
    low, high = (step / 2 + sd * skewed_quantile(alpha / 2, side) for side in (down, up))
    return Moved(value, reference, reference - low, reference + high, p)


def mean_part(window: Sums, reference: Sums) -> Part:
    """Return a mean of a window as a part, its cumulants from both samples together."""
    square, cube = window.with_(reference).central()
    n, m = window.n, reference.n
    return Part(
        window.mean, n, square / n, cube / n**2, reference.mean, square / m, cube / m**2
    )  # fmt: skip


def mean_moved(window: Sums, reference: Sums, alpha: float) -> Moved:
    """Return where the mean of a window lies beside that of the reference.

    The test asks whether the rows of the window are drawn like those of the reference: its variance is that of all rows together, as in a permutation
    test, of which this is the approximation by three moments.

    Parameters
    ----------
    window, reference : Sums
        Each of at least two rows.
    alpha : float
        Error rate, of both sides together.

    Raises
    ------
    InputError
        If a sample has fewer than two rows, or the rate is none.

    Examples
    --------
    >>> window, reference = Sums(100, 60.0, 60.0, 60.0), Sums(1000, 500.0, 500.0, 500.0)
    >>> found = mean_moved(window, reference, 0.01)
    >>> found.value, round(found.high, 3), round(found.p_value, 3)
    (0.6, 0.635, 0.057)
    """
    as_rate(alpha)
    if window.n < 2 or reference.n < 2:
        raise InputError(f"a mean needs two rows of either sample; got {window.n:.0f} and {reference.n:.0f}")
    return part_moved(mean_part(window, reference), alpha)


def part_moved(one: Part, alpha: float) -> Moved:
    """Return where one window lies beside the reference."""
    variance, third = one.variance + one.reference_variance, one.third - one.reference_third
    return moved(one.value, one.reference, variance, third, alpha)


def hypergeometric(n: int, m: int, total: int) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return the counts that n of n + m rows may hold of `total`, and how likely each is; those far out are left away.

    Examples
    --------
    >>> counts, p = hypergeometric(2, 2, 2)
    >>> counts.tolist(), p.round(3).tolist()
    ([0, 1, 2], [0.167, 0.667, 0.167])
    """
    every = n + m
    mean = n * total / every
    sd = math.sqrt(max(mean * (m / every) * (every - total) / max(every - 1, 1), 0.0))
    reach = _REACH * sd + 60
    low = max(0, total - m, math.floor(mean - reach))
    high = min(n, total, math.ceil(mean + reach))
    x = np.arange(low, high + 1, dtype=np.int64)
    log = -(
        special.gammaln(x + 1) + special.gammaln(n - x + 1)
        + special.gammaln(total - x + 1) + special.gammaln(m - total + x + 1)
    )  # fmt: skip
    p = np.exp(log - log.max())
    return x, p / p.sum()


def _tails(x: int, n: int, successes: int, m: int) -> tuple[float, float]:
    """Return how likely so few, and so many, of both samples' successes fall into the window."""
    counts, p = hypergeometric(n, m, x + successes)
    if x < counts[0] or x > counts[-1]:
        return (_TINY, 1.0) if x < counts[0] else (1.0, _TINY)
    at = int(x - counts[0])
    return float(p[: at + 1].sum()), float(p[at:].sum())


def rate_moved(x: int, n: int, successes: int, m: int, alpha: float) -> Moved:
    """Return where the rate of a window lies beside that of the reference, by Fisher's exact test, both sides doubled.

    Parameters
    ----------
    x, n : int
        Successes and rows of the window.
    successes, m : int
        Those of the reference.
    alpha : float
        Error rate, of both sides together.

    Returns
    -------
    Moved
        The limits stand half a row beyond the last count that is not out of the way.

    Raises
    ------
    InputError
        On impossible counts.

    Examples
    --------
    >>> found = rate_moved(30, 100, 200, 1000, 0.01)
    >>> found.value, round(found.low, 3), round(found.high, 3), round(found.p_value, 3)
    (0.3, 0.095, 0.315, 0.032)
    """
    as_rate(alpha)
    if not (0 <= x <= n and 0 <= successes <= m and n > 0 and m > 0):
        raise InputError(f"expected counts of {n} and {m} rows; got {x} and {successes}")
    p = min(1.0, 2 * min(_tails(x, n, successes, m)))
    centre = round(n * successes / m)
    low = _last(centre, 0, lambda at: _tails(at, n, successes, m)[0] > alpha / 2)
    high = _last(centre, n, lambda at: _tails(at, n, successes, m)[1] > alpha / 2)
    return Moved(x / n, successes / m, max((low - 0.5) / n, 0.0), min((high + 0.5) / n, 1.0), p)


def rate_part(x: float, n: float, successes: float, m: float) -> Part:
    """Return a rate of a window as a part, its cumulants those of all rows together."""
    p = (x + successes) / (n + m)
    square = p * (1 - p) * (n + m) / max(n + m - 1, 1)
    cube = p * (1 - p) * (1 - 2 * p)
    return Part(x / n, n, square / n, cube / n**2, successes / m, square / m, cube / m**2)


def _last(start: int, end: int, holds: Callable[[int], bool]) -> int:
    """Return the last whole number on the way from start to end at which something holds that stops holding once."""
    inside, outside = start, end
    if holds(end):
        return end
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        if holds(middle):
            inside = middle
        else:
            outside = middle
    return inside


def as_rate(alpha: float) -> None:
    """Refuse what is no error rate."""
    if not 0 < alpha < 1:
        raise InputError(f"an error rate lies between 0 and 1; got {alpha!r}: type alpha=0.0027")
