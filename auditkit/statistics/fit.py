"""Fit: whether the groups of a sample have the shares of a population, known or estimated, and by what ratio each is short of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special, stats

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level
from auditkit.statistics.intervals import Bounds, clopper_pearson, mover_ratio

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Fit", "fit_to_shares", "ratios_to_shares"]

_EXPECTED = 5.0
_TIE = 1e-9


class Fit(NamedTuple):
    """How far a sample lies from the shares of a population.

    Attributes
    ----------
    distance, low, high : float
        Total variation: the share of records that would have to be of another group; with an interval that holds for any number of records.
    p_value : float
        Of the test that the sample is a draw of the population.
    p_method : str
        How it was made.
    """

    distance: float
    low: float
    high: float
    p_value: float
    p_method: str


def fit_to_shares(
    counts: npt.ArrayLike, shares: npt.ArrayLike, size: int | None = None, level: float = 0.95, *, rng: np.random.Generator, draws: int = 4999
) -> Fit:  # fmt: skip
    """Test whether a sample is a draw of a population of given shares.

    Pearson's chi-square where all expected counts reach 5, else as many samples drawn (Phipson and Smyth 2010). Where the shares rest on `size` records
    themselves, it is the test that two samples are alike, with tables of the same margins drawn. The interval of the distance is that of Weissman et al.
    2003: conservative, and valid at any size.

    Parameters
    ----------
    counts : array_like, shape (groups,)
        Records of each group.
    shares : array_like, shape (groups,)
        Of the population; they sum to 1.
    size : int, optional
        Records that the shares rest on; None where they are known.
    level : float
        Confidence level.
    rng : numpy.random.Generator
        Of the samples drawn.
    draws : int
        How many.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        On impossible counts or shares.

    References
    ----------
    Pearson 1900; Phipson and Smyth 2010; Weissman, Ordentlich, Seroussi, Verdu and Weinberger 2003, "Inequalities for the L1 deviation of the empirical distribution".

    Examples
    --------
    >>> found = fit_to_shares([50, 50], [0.5, 0.5], rng=np.random.default_rng(0))
    >>> found.distance, found.p_value
    (0.0, 1.0)
    >>> round(fit_to_shares([70, 30], [0.5, 0.5], rng=np.random.default_rng(0)).p_value, 6)
    6.3e-05
    """
    x, p = _checked(counts, shares)
    n, k = float(x.sum()), len(x)
    distance = 0.5 * float(np.abs(x / n - p).sum())
    reach = _radius(n, k, level) + (0.0 if size is None else _radius(size, k, level))
    p_value, method = _test(x, p, size, rng, draws)
    return Fit(distance, max(distance - reach, 0.0), min(distance + reach, 1.0), p_value, method)


def _radius(n: float, groups: int, level: float) -> float:
    """Return within what the total variation of n records of so many groups lies."""
    return 0.5 * math.sqrt(
        2 * (groups * math.log(2) + math.log1p(-(2.0 ** (1 - groups))) - math.log(1 - as_level(level))) / n
    )


def _test(
    x: FloatArray, p: FloatArray, size: int | None, rng: np.random.Generator, draws: int
) -> tuple[float, str]:
    n = int(x.sum())
    if size is None:
        expected = n * p
        if (x[p == 0] > 0).any():
            return 0.0, "a group that the population does not have"
        kept = p > 0
        away = _pearson(x[kept], expected[kept])
        if expected[kept].min() >= _EXPECTED:
            return float(special.chdtrc(int(kept.sum()) - 1, away)), "Pearson's chi-square"
        drawn = rng.multinomial(n, p[kept], size=draws)
        return _above(away, _pearson(drawn, expected[kept])), f"Pearson's statistic, {draws} samples drawn"
    other = np.rint(size * p)
    both = x + other
    kept = both > 0
    x, other, both = x[kept], other[kept], both[kept]
    if len(both) < 2:
        return 1.0, "one group"
    share = n / float(both.sum())
    own, theirs = both * share, both * (1 - share)
    away = _pearson(x, own) + _pearson(other, theirs)
    if min(own.min(), theirs.min()) >= _EXPECTED:
        return float(special.chdtrc(len(both) - 1, away)), "chi-square of two samples"
    drawn = rng.multivariate_hypergeometric(both.astype(np.int64), n, size=draws, method="marginals")
    return _above(
        away, _pearson(drawn, own) + _pearson(both - drawn, theirs)
    ), f"chi-square of two samples, {draws} tables drawn"


def _pearson(x: npt.ArrayLike, expected: FloatArray) -> FloatArray:
    return np.asarray(((np.asarray(x, dtype=float) - expected) ** 2 / expected).sum(axis=-1))


def _above(seen: FloatArray, drawn: FloatArray) -> float:
    return float((1 + (drawn >= seen - _TIE).sum()) / (1 + len(drawn)))


def ratios_to_shares(
    counts: npt.ArrayLike, shares: npt.ArrayLike, size: int | None = None, level: float = 0.95
) -> tuple[FloatArray, Bounds, FloatArray]:
    """Return by what ratio the share of each group is that of the population, with intervals that hold for all groups at once.

    Parameters
    ----------
    counts, shares, size, level
        As in `fit_to_shares`.

    Returns
    -------
    ratios : ndarray, shape (groups,)
        ``nan`` for a group the population does not have.
    bounds : Bounds
        Simultaneous: exact binomial intervals (Clopper and Pearson 1934) at Bonferroni's level; where the shares are estimated, joined by the method of variance
        estimates recovery (Donner and Zou 2012).
    p_values : ndarray, shape (groups,)
        Two-sided, that the group has the share of the population: exact binomial, or Fisher's exact test; times the number of groups.

    Raises
    ------
    InputError
        On impossible counts or shares.

    Examples
    --------
    >>> ratios, bounds, p = ratios_to_shares([20, 80], [0.5, 0.5])
    >>> ratios.tolist(), bounds.high.round(3).tolist(), bool((p < 1e-6).all())
    ([0.4, 1.6], [0.61, 1.764], True)
    """
    x, p = _checked(counts, shares)
    n, k = float(x.sum()), len(x)
    within = 1 - (1 - as_level(level)) / k
    ends = clopper_pearson(x, n, within)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(p > 0, x / n / p, np.nan)
        if size is None:
            bounds = Bounds(np.where(p > 0, ends.low / p, np.nan), np.where(p > 0, ends.high / p, np.nan))
            raw = [
                float(stats.binomtest(int(a), int(n), float(b)).pvalue) if b > 0 else (0.0 if a else 1.0)
                for a, b in zip(x, p, strict=True)
            ]
        else:
            other = np.rint(size * p)
            bounds = mover_ratio(x / n, ends, p, clopper_pearson(other, size, within))
            raw = [_fisher(a, n, b, float(size)) for a, b in zip(x, other, strict=True)]
    return ratios, bounds, np.minimum(np.asarray(raw) * k, 1.0)


def _fisher(a: float, n: float, b: float, m: float) -> float:
    return float(stats.fisher_exact([[int(a), int(n - a)], [int(b), int(m - b)]]).pvalue)


def _checked(counts: npt.ArrayLike, shares: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, p = np.asarray(counts, dtype=float), np.asarray(shares, dtype=float)
    if x.ndim != 1 or x.shape != p.shape or len(x) < 2:
        raise InputError(
            f"expected counts and shares of at least 2 groups, got shapes {x.shape} and {p.shape}"
        )
    if (x < 0).any() or (x != np.rint(x)).any() or not x.sum() > 0:
        raise InputError("counts are whole, at least 0, and of some record")
    if (p < 0).any() or not math.isclose(float(p.sum()), 1.0, rel_tol=1e-6):
        raise InputError(f"shares are at least 0 and sum to 1; they sum to {float(p.sum())}")
    return x, p
