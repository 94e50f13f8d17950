"""Calibration: whether what is predicted with probability p comes true in a share p of cases.

The expected calibration error of a finite sample is above 0 even for perfect probabilities, the more so the fewer rows and the more
bins. Here each bin's share of noise is taken out, and the interval and the test allow for it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level
from auditkit.statistics.gaps import Gap, range_critical, undefined
from auditkit.statistics.intervals import wilson
from auditkit.statistics.no_difference import range_tail
from auditkit.statistics.weighted import effective_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["CalibrationError", "Reliability", "calibration_error", "largest_calibration_gap", "reliability"]

_SMALLEST = 1e-12
_FEWEST = 5.0  # expected cases of either class in a bin: Cochran's rule for the chi-square approximation
_HARDLY = 0.5  # expected cases: five come of so few by luck in one bin of 5,000


class Reliability(NamedTuple):
    """Bins of one group, lowest scores first; all of shape (bins,).

    Attributes
    ----------
    score, rate : ndarray
        Mean score, and share that came true.
    low, high : ndarray
        Wilson's interval of the share.
    n : ndarray
        Rows.
    share : ndarray
        The bin's part of all rows, by weight.
    noise, chance : ndarray
        Variance of rate less score: as observed, and if the scores were exact.
    worth : ndarray
        Equally weighted rows that would be as uncertain; `n` without weights.
    """

    score: FloatArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    n: FloatArray
    share: FloatArray
    noise: FloatArray
    chance: FloatArray
    worth: FloatArray


class CalibrationError(NamedTuple):
    """The expected calibration error of one group over its bins.

    Attributes
    ----------
    value : float
        With the bins' noise taken out; in [0, 1].
    low, high : float
        Interval.
    plain : float
        As usually computed, biased upward.
    p_value : float
        Of the hypothesis that the scores are exact.
    """

    value: float
    low: float
    high: float
    plain: float
    p_value: float


def reliability(
    scores: npt.ArrayLike,
    truth: npt.ArrayLike,
    bins: int = 10,
    level: float = 0.95,
    weights: npt.ArrayLike | None = None,
) -> Reliability:
    """Return the reliability of probabilities, in bins of about equal size.

    Neighbouring bins are joined until each expects five cases of either class, so there may be fewer than asked for. A bin in which
    five cases came of which not half of one was expected stands by itself: joined, it would hide that the scores are far too sure.

    Parameters
    ----------
    scores : array_like, shape (rows,)
        Probabilities.
    truth : array_like, shape (rows,)
        Whether it came true: booleans, or 0 and 1.
    bins : int
        At most so many bins.
    level : float
        Of Wilson's intervals.
    weights : array_like, shape (rows,), optional
        At least 0; intervals then use effective sizes.

    Returns
    -------
    Reliability
        Without bins where there are no rows.

    Raises
    ------
    InputError
        If scores are not probabilities, or lengths differ.

    Examples
    --------
    >>> found = reliability([0.2] * 50 + [0.6] * 50, [1] * 10 + [0] * 40 + [1] * 20 + [0] * 30, bins=2)
    >>> found.score.round(2).tolist(), found.rate.tolist()
    ([0.2, 0.6], [0.2, 0.4])
    """
    p, y = np.asarray(scores, dtype=float), np.asarray(truth, dtype=float)
    if p.ndim != 1 or p.shape != y.shape or not ((p >= 0) & (p <= 1)).all():
        raise InputError(
            f"scores must be probabilities, one a row, with as many labels; got {p.shape} and {y.shape}"
        )
    w: FloatArray = np.ones(p.size) if weights is None else np.asarray(weights, dtype=float)
    if not w.any():
        return Reliability(*(np.zeros(0) for _ in Reliability._fields))
    edges = np.unique(np.quantile(p, np.arange(1, bins) / bins, method="higher"))
    at = np.searchsorted(edges, p, side="right")

    def total(part: FloatArray) -> FloatArray:
        return np.bincount(at, part, minlength=edges.size + 1).astype(float)

    columns = np.stack(
        [
            total(part)
            for part in (w, w * w, w * p, w * y, w * w * y, w * w * p * (1 - p), (w > 0).astype(float))
        ]
    )
    mass, squares, said, true, true_squares, exact, n = _joined(columns)
    hits, trials = effective_counts(true, mass, true_squares, squares)
    low, high = wilson(hits, trials, level)
    noise, chance = _noise(hits / trials, trials), exact / mass**2
    return Reliability(said / mass, true / mass, low, high, n, mass / mass.sum(), noise, chance, trials)


def _noise(rate: FloatArray, size: FloatArray) -> FloatArray:
    smooth = (rate * size + 2) / (size + 4)  # Agresti and Coull: a bin all alike has a spread too
    return smooth * (1 - smooth) / (size + 4)


def _joined(columns: FloatArray) -> FloatArray:
    """Join neighbouring bins until each expects enough of either class, as many as its effective rows make."""
    done: list[FloatArray] = []
    now = np.zeros(len(columns))
    for column in columns.T:
        now = now + column
        if _enough(now):
            done.append(now)
            now = np.zeros(len(columns))
    if now[0] > 0:
        if done:
            done[-1] = done[-1] + now
        else:
            done.append(now)
    return np.stack(done, axis=1)


def _enough(column: FloatArray) -> bool:
    mass, squares, said = column[:3]
    if squares == 0:
        return False
    size, rate, seen = mass**2 / squares, said / mass, column[3] / mass
    expected, came = (rate, seen) if rate < 0.5 else (1 - rate, 1 - seen)
    # joined with others, a bin of what was held for impossible and came all the same would be averaged away
    return bool(size * expected >= _FEWEST or (size * expected < _HARDLY and size * came >= _FEWEST))


def calibration_error(found: Reliability, level: float = 0.95) -> CalibrationError:
    """Return the expected calibration error of bins, with the noise taken out, its interval and a test.

    The value: the plain error, times the root of the part of the squared distances that noise does not explain (their
    expected noise is one squared standard error a bin). The interval: the range of the error over all true rates that the
    bins together are compatible with (a chi-square ball). The test: Pearson's statistic of the bins against the scores; the
    interval leaves out 0 only where it rejects.

    Parameters
    ----------
    found : Reliability
        From `reliability`.
    level : float
        Two-sided confidence level.

    Returns
    -------
    CalibrationError
        ``nan`` with [0, 1] where there are no bins.

    References
    ----------
    Kumar, Liang and Ma 2019, "Verified Uncertainty Calibration", NeurIPS, on the bias; Hosmer and Lemeshow 1980 on the test.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(2000)
    >>> error = calibration_error(reliability(p, rng.random(2000) < p))
    >>> error.value < error.plain < 0.05, error.low
    (True, 0.0)
    """
    tail = as_level(level)
    if not found.n.size:
        return CalibrationError(math.nan, 0.0, 1.0, math.nan, math.nan)
    away, w, noise = np.abs(found.rate - found.score), found.share, found.noise
    plain = float(w @ away)
    value = float(_without_noise(away, w, noise))
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(away > 1e-12, away**2 / found.chance, 0.0)
    p_value = float(stats.chi2.sf(each.sum(), each.size))
    radius = float(stats.chi2.ppf(tail, each.size))
    high = min(plain + math.sqrt(radius * float(w**2 @ noise)), 1.0)
    low = _least(away, w, noise, radius) if p_value <= 1 - tail else 0.0
    return CalibrationError(value, min(low, value), max(high, value), plain, p_value)


def _without_noise(away: FloatArray, share: FloatArray, noise: FloatArray) -> FloatArray:
    """Return the error of bins in the last axis, with the noise taken out."""
    signal = (away**2 / noise).sum(-1)  # of which as much as there are bins is expected from noise alone
    with np.errstate(divide="ignore"):
        return np.asarray((away * share).sum(-1) * np.sqrt(np.maximum(1 - away.shape[-1] / signal, 0.0)))


def largest_calibration_gap(
    found: Sequence[Reliability], level: float = 0.95, *, rng: np.random.Generator, replicates: int = 999
) -> Gap:
    """Return the largest difference of calibration error between any two groups, with an interval that survives the picking.

    A bootstrap of the bins' counts; the rows are not read again. For the interval each group's outcomes are drawn with its own distances of
    rates from scores, drawn in to the error that is left when the noise is taken out; the largest studentised deviation over all pairs gives the
    critical value (max-t; Romano and Wolf 2005), never less than the studentised range's. For the test they are drawn with distances
    drawn in or out until all groups have one error, the mean of theirs: each keeps its shape and its noise. The interval begins at
    0 wherever the test does not reach the level, and ends no sooner than the plain errors allow.

    Parameters
    ----------
    found : sequence of Reliability
        One a group, each with rows.
    level : float
        Simultaneous confidence level.
    rng : numpy.random.Generator
        Source of randomness.
    replicates : int
        Draws of each kind, at least 100.

    Returns
    -------
    Gap
        ``nan`` with a note below two groups.

    Raises
    ------
    InputError
        On too few replicates, or a group without rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(0.2, 0.7, 1000)
    >>> groups = [reliability(p, rng.random(1000) < p + shift) for shift in (0.0, 0.15)]
    >>> gap = largest_calibration_gap(groups, rng=rng)
    >>> gap.low > 0.05, gap.lowest_index, gap.p_value <= 0.01
    (True, 0, True)
    """
    k, method = len(found), f"max-t bootstrap of bins, {replicates} draws, {len(found)} groups"
    if k < 2:
        return undefined(method, level, f"A gap needs at least two groups with rows, got {k}.")
    if replicates < 100 or not all(one.n.size for one in found):
        raise InputError(f"a gap needs groups with rows, and at least 100 replicates, got {replicates}")
    errors_of = [calibration_error(one, level) for one in found]
    value, plain = (np.array([getattr(one, name) for one in errors_of]) for name in ("value", "plain"))
    least = np.array([one.value if one.p_value <= 1 - level else 0.0 for one in errors_of])
    rows = np.array([one.worth.sum() for one in found])
    one_error = np.full(k, float(np.average(value, weights=rows)))
    first, second = np.triu_indices(k, 1)
    own, alike = (
        drawn[:, first] - drawn[:, second]
        for errors in (value, one_error)
        for drawn in (
            np.stack([_drawn(*one, rng, replicates) for one in zip(found, errors, strict=True)], 1) - errors,
        )
    )
    apart = value[first] - value[second]
    p_value = _one_error(apart, alike, k)
    half, bias = _half_widths(own, k, level)
    seen = np.abs(apart - bias)
    # taking the noise out takes too much from an error that is there, and leaves some where none is
    far = np.maximum(plain[first] - least[second], plain[second] - least[first])
    near = int((seen - half).argmax())
    low = min(float((seen - half)[near]), float(np.ptp(value))) if p_value <= 1 - level else 0.0
    two = sorted((int(first[near]), int(second[near])), key=lambda g: value[g])
    return Gap(
        float(np.ptp(value)), max(low, 0.0), min(float((np.maximum(seen, far) + half).max()), 1.0), p_value, level, method,
        "bootstrap of groups with one error", int(value.argmin()), int(value.argmax()), k,
        surest=(two[0], two[1]) if low > 0 else None,
    )  # fmt: skip


def _one_error(apart: FloatArray, alike: FloatArray, groups: int) -> float:
    """Return the p-value of the pair farthest apart among draws of groups with one error."""
    null = np.vstack([apart, alike])  # the data are one more draw
    farthest = (np.abs(null) / np.maximum(null.std(axis=0), _SMALLEST)).max(axis=1)
    drawn = float((farthest >= farthest[0] * (1 - 1e-9)).mean())
    return max(drawn, range_tail(float(farthest[0]), groups))  # never less than if the errors were normal


def _half_widths(own: FloatArray, groups: int, level: float) -> tuple[FloatArray, FloatArray]:
    """Return how far each pair's interval reaches either way, and how far its draws lie off on average."""
    bias = own.mean(axis=0)
    se = np.maximum(own.std(axis=0), _SMALLEST)
    critical = float(np.quantile((np.abs(own - bias) / se).max(axis=1), level))
    return se * max(critical, range_critical(as_level(level), groups)), bias


def _drawn(found: Reliability, error: float, rng: np.random.Generator, replicates: int) -> FloatArray:
    """Return the errors of as many draws of one group, its distances scaled to a true error, of shape (replicates,)."""
    away = _smoothed(found)
    plain = float(found.share @ np.abs(away))
    true = np.clip(found.score + away * (error / plain if plain else 0.0), 0.0, 1.0)
    size = np.maximum(np.round(found.worth), 1.0)
    rate = rng.binomial(size.astype(np.int64), true, size=(replicates, size.size)) / size
    return _without_noise(np.abs(rate - found.score), found.share, _noise(rate, size))


def _smoothed(found: Reliability) -> FloatArray:
    """Return the distances of rates from scores, drawn to their mean by as much as noise alone would scatter them (James and Stein).

    Drawn as they were seen, noise would come in twice: bins that happen to lie near 0 vary too little.
    """
    away, precise = found.rate - found.score, 1 / found.noise
    mean = float((precise * away).sum() / precise.sum())
    scatter = float((precise * (away - mean) ** 2).sum())
    kept = max(1 - (away.size - 1) / scatter, 0.0) if scatter else 0.0
    return np.asarray(mean + kept * (away - mean))


def _least(away: FloatArray, w: FloatArray, noise: FloatArray, radius: float) -> float:
    """Return the smallest weighted sum of distances within the ball: each drawn in by as much as it costs (Lagrange)."""
    if float((away**2 / noise).sum()) <= radius:
        return 0.0
    pull = w * noise
    few, many = 0.0, float((away / pull).max())
    for _ in range(100):
        middle = (few + many) / 2
        moved = np.minimum(middle * pull, away)
        if float((moved**2 / noise).sum()) < radius:
            few = middle
        else:
            many = middle
    return float(w @ np.maximum(away - few * pull, 0.0))
