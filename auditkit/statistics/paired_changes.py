"""Paired changes: how far a quantity moved between two audits of the same records, whose answers were kept both times."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level
from auditkit.statistics.changes import Change
from auditkit.statistics.paired import paired_difference
from auditkit.statistics.paired_roc import paired_auc_difference

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["mcnemar_mid_p", "paired_auc_change", "paired_mean_change", "paired_rate_change"]


def mcnemar_mid_p(lost: int, won: int) -> float:
    """Return the two-sided mid-p value of McNemar's test: as many records changed one way as the other.

    The exact test of the discordant records (McNemar 1947), less half the chance of what was seen: the exact one rejects far too seldom, and
    the mid-p version keeps its level (Fagerland, Lydersen and Laake 2013, "The McNemar test for binary matched-pairs data: mid-p and
    asymptotic are better than exact conditional", BMC Medical Research Methodology 13).

    Parameters
    ----------
    lost, won : int
        Records that were a success only before, and only after.

    Returns
    -------
    float
        1 where no record is discordant.

    Raises
    ------
    InputError
        On negative counts.

    Examples
    --------
    >>> round(mcnemar_mid_p(3, 0), 6)  # two sides of 1/8, less half of them
    0.125
    """
    if min(lost, won) < 0:
        raise InputError(f"expected counts of at least 0, got lost={lost} and won={won}")
    few, n = min(lost, won), lost + won
    if lost == won:
        return 1.0
    seen = math.exp(
        special.gammaln(n + 1) - special.gammaln(few + 1) - special.gammaln(n - few + 1) - n * math.log(2)
    )
    return float(min(2 * special.bdtr(few, n, 0.5) - seen, 1.0))


def paired_rate_change(before: npt.ArrayLike, after: npt.ArrayLike, level: float = 0.95) -> Change:
    """Return the change of a rate from the answers of the same records: Bonett and Price's interval, McNemar's mid-p value.

    Parameters
    ----------
    before, after : array_like of bool, shape (n,)
        Whether each record was a success, in the same order.
    level : float
        Confidence level.

    Raises
    ------
    InputError
        If there are no records, or their numbers differ.

    Examples
    --------
    >>> found = paired_rate_change([1, 1, 1, 0, 1, 1, 0, 1], [1, 0, 0, 0, 1, 0, 0, 1])
    >>> found.value, round(found.p_value, 3)
    (-0.375, 0.125)
    """
    was, now = np.asarray(before).astype(bool), np.asarray(after).astype(bool)
    _same(was, now)
    lost, won = int((was & ~now).sum()), int((~was & now).sum())
    low, high = paired_difference(won, lost, was.size, level)
    method = "Bonett-Price, McNemar mid-p, from the pairs"
    return Change((won - lost) / was.size, float(low), float(high), mcnemar_mid_p(lost, won), method)


def paired_mean_change(
    before: npt.ArrayLike, after: npt.ArrayLike, level: float = 0.95, *, most: float = math.inf
) -> Change:
    """Return the change of a mean from the values of the same records: Student's t on their differences.

    Where all differences are alike they show no spread, which is no proof that there is none. Of values that lie at most `most` apart, the
    interval is then that of rows not seen: at most 1 - (alpha/2)**(1/n) of all records differ otherwise. Of others it cannot be told.

    Parameters
    ----------
    before, after : array_like, shape (n,)
        A value a record, in the same order.
    level : float
        Confidence level.
    most : float
        How far two values can lie apart; infinite where there is no bound.

    Returns
    -------
    Change
        With ``nan`` p-value and infinite ends where the differences are all alike and have no bound, or there are fewer than two records.

    Raises
    ------
    InputError
        If there are no records, their numbers differ, or a value is not finite.

    Examples
    --------
    >>> found = paired_mean_change([0.1, 0.4, 0.2, 0.3], [0.2, 0.4, 0.4, 0.4])
    >>> [round(x, 3) for x in found[:4]]
    [0.1, -0.03, 0.23, 0.092]
    """
    was, now = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    _same(was, now)
    if not (np.isfinite(was).all() and np.isfinite(now).all()):
        raise InputError("a mean needs finite values")
    away, n = now - was, was.size
    value, tail = float(away.mean()), (1 - as_level(level)) / 2
    method = "Student's t of the pairs"
    if n > 1 and np.ptp(away) > 0:
        se = float(away.std(ddof=1)) / math.sqrt(n)
        half = float(special.stdtrit(n - 1, 1 - tail)) * se
        p = float(2 * special.stdtr(n - 1, -abs(value) / se))
        return Change(value, value - half, value + half, p, method)
    if not math.isfinite(most):
        return Change(value, -math.inf, math.inf, math.nan, method)
    unseen = 1 - tail ** (1 / n)
    p = 1.0 if value == 0 else min(1.0, 2 * 0.5**n)
    ends = value * (1 - unseen) - most * unseen, value * (1 - unseen) + most * unseen
    return Change(value, *ends, p, "exact, all pairs differ alike")


def paired_auc_change(
    before: npt.ArrayLike, after: npt.ArrayLike, labels: npt.ArrayLike, level: float = 0.95
) -> Change:
    """Return the change of an AUC from the scores of the same records, with DeLong's covariance of the two.

    The interval is that of `paired_auc_difference`; the p-value is that of DeLong, DeLong and Clarke-Pearson 1988.

    Parameters
    ----------
    before, after : array_like, shape (n,)
        Scores of the same records, each on a scale of its own; higher says positive.
    labels : array_like, shape (n,)
        0 or 1, or booleans; at least two of each.
    level : float
        Confidence level.

    Returns
    -------
    Change
        With ``nan`` p-value where the two areas differ and have no spread.

    Raises
    ------
    InputError
        As `paired_auc_difference`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1], 200)
    >>> good = rng.normal(size=400) + 2 * labels
    >>> found = paired_auc_change(good, good + rng.normal(size=400), labels)
    >>> found.high < 0, found.p_value < 0.001
    (True, True)
    """
    found = paired_auc_difference(after, before, labels, level)
    p = 1.0
    if found.value != 0:
        p = float(2 * special.ndtr(-abs(found.value) / found.se)) if found.se > 0 else math.nan
    return Change(found.value, found.low, found.high, p, "DeLong, from the pairs")


def _same(was: FloatArray | npt.NDArray[np.bool_], now: FloatArray | npt.NDArray[np.bool_]) -> None:
    if was.ndim != 1 or was.shape != now.shape or not was.size:
        raise InputError(
            f"both must be of the same records, at least one; got shapes {was.shape} and {now.shape}"
        )
