"""Adverse impact: how a group's selections compare with those of the most selected group."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy import optimize, special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_counts, as_level
from auditkit.statistics.gaps import range_critical
from auditkit.statistics.hypothesis_tests import fisher_exact, two_proportion_z
from auditkit.statistics.intervals import Bounds, jeffreys_at, mover_ratio, wilson_at

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Anova", "anova", "bayes_factor", "picked_p_value", "ratio_to_reference"]

_GRID = np.linspace(-9.0, 9.0, 2001)
_DENSITY = np.exp(-(_GRID**2) / 2) / math.sqrt(2 * math.pi) * (_GRID[1] - _GRID[0])
_FAR_TAIL = 1e-9


class Anova(NamedTuple):
    """One-way analysis of variance: the test, and the share of the variance that lies between the groups."""

    statistic: float
    p_value: float
    df_between: int
    df_within: int
    eta_squared: float
    low: float
    high: float


def bayes_factor(table: npt.ArrayLike, *, group_sizes: Literal["random", "fixed"] = "random") -> FloatArray:
    """Return the Bayes factor against independence of a table of groups by outcomes, with uniform priors.

    Above 1 the counts speak for a dependence of outcome on group, below 1 for independence; 3 says that they are three times as
    probable under dependence.

    With ``group_sizes="random"`` all cells are one multinomial draw: uniform over the cells' probabilities against uniform
    over the margins. This is Albert's factor, and the one of audit-AI. Its two priors disagree on how large groups are, so
    that the sizes alone move it: by about ``6 r (1 - r)`` in a 2 x 2 table with a share r of the rows in one
    group, 1/17 at one in a hundred. ``"fixed"`` takes the sizes as given and compares one rate for each group with one
    rate for all (Gunel and Dickey's independent multinomials), which is what was asked.

    Parameters
    ----------
    table : array_like, shape (..., groups, outcomes)
        Counts; at least two groups and two outcomes.
    group_sizes : {"random", "fixed"}
        What the factor takes as given.

    Returns
    -------
    ndarray of float, shape (...)
        Positive, infinite where it overflows; 1 for a table without counts.

    Raises
    ------
    InputError
        On negative or non-finite counts, or fewer than two groups or outcomes.

    References
    ----------
    Albert 2007, "Bayesian Computation with R", chapter 8; Gunel & Dickey 1974, "Bayes factors for independence in
    contingency tables", Biometrika 61.

    Examples
    --------
    >>> round(float(bayes_factor([[50, 50], [50, 50]])), 4)
    0.2616
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim < 2 or min(counts.shape[-2:]) < 2 or not (np.isfinite(counts) & (counts >= 0)).all():
        raise InputError("a Bayes factor needs counts of at least two groups and two outcomes, 0 or more")
    if group_sizes not in ("random", "fixed"):
        raise InputError(f"group_sizes must be 'random' or 'fixed', got {group_sizes!r}")
    rows, columns = counts.sum(axis=-1), counts.sum(axis=-2)
    if group_sizes == "fixed":
        log = _log_dirichlet(counts).sum(axis=-1) - _log_dirichlet(columns)
    else:
        cells = counts.reshape(*counts.shape[:-2], -1)
        log = _log_dirichlet(cells) - _log_dirichlet(rows) - _log_dirichlet(columns)
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(log))


def _log_dirichlet(counts: FloatArray) -> FloatArray:
    """Return the log of the mean likelihood of an order of draws, over uniformly distributed probabilities."""
    k = counts.shape[-1]
    within = special.gammaln(counts + 1).sum(axis=-1) - special.gammaln(counts.sum(axis=-1) + k)
    return np.asarray(within + special.gammaln(k))


def ratio_to_reference(
    successes: npt.ArrayLike, n: npt.ArrayLike, reference: int, level: float = 0.95
) -> tuple[FloatArray, Bounds]:
    """Return each group's rate over that of the reference group, with intervals that hold for a picked reference.

    MOVER-R (Donner and Zou 2012) at the studentised range's critical value for all pairs of groups, so that the
    reference may be the group that happened to have the highest rate: the pairs of `ratio_bounds`. These alone leave out 1 for groups that are
    alike in up to 9% of tables of many small groups; so an interval reaches 1 wherever Fisher's exact test, for a picked pair
    (`picked_p_value`), does not reach the level. Of counts that are not whole (weighted rows) the test is z.

    Parameters
    ----------
    successes, n : array_like, shape (groups,)
        Counts; every group has rows.
    reference : int
        Place of the group to compare with.
    level : float
        Confidence level, of all pairs at once.

    Returns
    -------
    ratio : ndarray, shape (groups,)
        1 for the reference; ``nan`` where its rate and the group's are 0, infinite where only its is.
    bounds : Bounds
        Within [0, inf]; exactly 1 for the reference.

    Raises
    ------
    InputError
        On impossible counts, a group without rows, fewer than two groups, or no such reference.

    Examples
    --------
    >>> ratio, (low, high) = ratio_to_reference([30, 60], [100, 100], 1)
    >>> float(ratio[0]), round(float(low[0]), 2), round(float(high[0]), 2)
    (0.5, 0.35, 0.7)
    """
    x, size = as_counts(successes, n)
    if x.ndim != 1 or x.size < 2 or (size == 0).any() or not 0 <= reference < x.size:
        raise InputError(
            "a ratio to a reference needs at least two groups with rows, the reference among them"
        )
    z, rate = range_critical(as_level(level), x.size), x / size
    least, most = wilson_at(x, size, z) if x.size == 2 else jeffreys_at(x, size, float(special.ndtr(-z)))
    limits = Bounds(least, most)
    low, high = mover_ratio(rate, limits, rate[reference], Bounds(least[reference], most[reference]))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = rate / rate[reference]
    apart = np.flatnonzero((high < 1) | (low > 1))
    alike = apart[_pair_p_values(x, size, reference, apart) > 1 - level]
    low[alike], high[alike] = np.minimum(low[alike], 1.0), np.maximum(high[alike], 1.0)
    ratio[reference] = low[reference] = high[reference] = 1.0
    return ratio, Bounds(low, high)


def _pair_p_values(
    x: FloatArray, size: FloatArray, reference: int, places: npt.NDArray[np.intp]
) -> FloatArray:
    """Return Fisher's p-value of these groups against the reference for a picked pair; of weighted counts that of z."""
    against = x[reference], size[reference]
    if any((part != np.round(part)).any() for part in (x, size)):
        raw = two_proportion_z(x[places], size[places], *against).p_value
    else:
        pairs = [[[x[g], size[g] - x[g]], [against[0], against[1] - against[0]]] for g in places]
        raw = np.array([float(fisher_exact(pair).p_value) for pair in pairs])
    return picked_p_value(raw, x.size)


def picked_p_value(p_value: npt.ArrayLike, groups: int) -> FloatArray:
    """Return the p-value of a pair of groups as it stands after the pair was picked among all of `groups`.

    The p-value is read as a two-sided normal one and held against the range of as many normal values (Tukey); in
    the far tail Bonferroni's bound over all pairs, which it approaches from below.

    Parameters
    ----------
    p_value : array_like
        Two-sided, of one pair alone.
    groups : int
        Groups the pair was picked from, at least 2; with 2 nothing changes.

    Returns
    -------
    ndarray of float
        At least `p_value`, at most 1; ``nan`` stays.

    Examples
    --------
    >>> float(picked_p_value(0.04, 2)), round(float(picked_p_value(0.04, 5)), 3)
    (0.04, 0.241)
    """
    raw = np.asarray(p_value, dtype=np.float64)
    if groups <= 2:
        return raw
    apart = -special.ndtri(raw / 2)[..., np.newaxis] * math.sqrt(2)
    # the chance that all lie within the range above the lowest of them, summed over where that one lies
    with np.errstate(invalid="ignore"):
        within = (special.ndtr(_GRID + apart) - special.ndtr(_GRID)) ** (groups - 1)
        tail = 1 - groups * (_DENSITY * within).sum(axis=-1)
    bound = np.minimum(groups * (groups - 1) / 2 * raw, 1.0)
    return np.asarray(np.where(bound < _FAR_TAIL, bound, np.clip(tail, raw, bound)))


def anova(sums: npt.ArrayLike, spreads: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> Anova:
    """Return the one-way analysis of variance of a number over groups, from sums.

    It takes the spread as equal in all groups; where sizes and spreads differ, Welch's test (`welch_anova`) keeps its
    level and this one does not.

    Parameters
    ----------
    sums, spreads, n : array_like, shape (groups,)
        Of each group: the sum of its values, the sum of squared deviations from its own mean (`group_sums`), its rows.
        Groups without rows are left out.
    level : float
        Confidence level of the interval of eta squared, by inverting the noncentral F distribution (Steiger 2004).

    Returns
    -------
    Anova
        ``nan`` with fewer than two groups, no more rows than groups, or no spread within any group. `eta_squared` is
        biased upward, by about (groups - 1) / rows.

    Raises
    ------
    InputError
        On non-finite or negative spreads or counts.

    Examples
    --------
    >>> result = anova([6.0, 15.0], [2.0, 2.0], [3, 3])  # 1, 2, 3 against 4, 5, 6
    >>> result.statistic, round(result.p_value, 4), round(result.eta_squared, 3)
    (13.5, 0.0213, 0.771)
    """
    total, spread, size = (np.asarray(part, dtype=np.float64) for part in (sums, spreads, n))
    if (
        not all(np.isfinite(part).all() for part in (total, spread, size))
        or min(spread.min(), size.min()) < 0
    ):
        raise InputError("sums, spreads and n must be finite, spreads and n of 0 or more")
    total, spread, size = total[size > 0], spread[size > 0], size[size > 0]
    between, within = total.size - 1, int(size.sum()) - total.size
    inside = float(spread.sum())
    means = total / size
    # equal values leave a spread of rounding errors
    rounding = float((size * (1e-12 * means) ** 2).sum())
    if between < 1 or within < 1 or inside <= rounding:
        return Anova(math.nan, math.nan, max(between, 0), max(within, 0), math.nan, math.nan, math.nan)
    outside = float((size * (means - total.sum() / size.sum()) ** 2).sum())
    f = (outside / between) / (inside / within)
    low, high = _noncentrality(f, between, within, as_level(level))
    rows, share = float(size.sum()), outside / (outside + inside)
    # an F below its own lower tail would have an empty interval
    ends = min(low / (low + rows), share), max(high / (high + rows), share)
    return Anova(f, float(special.fdtrc(between, within, f)), between, within, share, *ends)


def _noncentrality(f: float, between: int, within: int, level: float) -> tuple[float, float]:
    """Return the noncentralities at which the observed F lies at either end of the central part."""
    ends = []
    for target in (0.5 + level / 2, 0.5 - level / 2):

        def above(size: float, target: float = target) -> float:
            return float(special.ncfdtr(between, within, size, f)) - target

        if special.fdtr(between, within, f) <= target:
            ends.append(0.0)
            continue
        most = max(1.0, 2 * between * f)
        while above(most) > 0:
            most *= 2
        ends.append(float(optimize.brentq(above, 0.0, most, xtol=1e-10, rtol=1e-12)))
    return ends[0], ends[1]
