"""Privacy bounds: how large the epsilon of differential privacy must be, given how well somebody guessed who was in.

A training procedure is (epsilon, delta)-differentially private when one record more or less changes the chance of any
outcome by a factor of at most exp(epsilon), plus delta. Guesses bound epsilon from below only: a better attack may show more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, special

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level
from auditkit.statistics.intervals import clopper_pearson

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "EpsilonBound",
    "one_run_epsilon",
    "one_run_p_value",
    "two_sample_epsilon",
]


@dataclass(frozen=True, slots=True)
class EpsilonBound:
    """A lower bound on epsilon.

    Attributes
    ----------
    low : float
        With confidence `level`, epsilon is at least this. 0 says that nothing was shown, not that nothing leaks.
    estimate : float
        Epsilon of the mechanism that would be guessed as well as this on average; infinite when no guess was wrong,
        ``nan`` without guesses.
    most : float
        The bound had every guess been right: more than this, so few guesses cannot show.
    level : float
        One-sided confidence level.
    delta : float
        The delta for which the bound holds.
    n : int
        Guesses, or trials of both samples.
    """

    low: float
    estimate: float
    most: float
    level: float
    delta: float
    n: int


def two_sample_epsilon(
    true_positives: int,
    members: int,
    false_positives: int,
    nonmembers: int,
    *,
    delta: float = 0.0,
    level: float = 0.95,
) -> EpsilonBound:
    """Return the bound from an attack's two error rates over repeated trainings (Jagielski et al. 2020; Nasr et al. 2021).

    Under (epsilon, delta)-differential privacy ``TPR <= exp(epsilon) FPR + delta`` and
    ``TNR <= exp(epsilon) FNR + delta``. The larger of the two epsilons is taken. Both need only a lower bound of TPR and an
    upper bound of FPR (TNR is 1 - FPR, FNR is 1 - TPR), so that two exact one-sided limits, each wrong with probability
    (1 - level) / 2, hold for both directions at once; no further correction is due.

    The trials must be independent: each one a training of its own, with the record or without, and one guess about it at a
    threshold fixed beforehand. Members and others of *one* trained model are no such trials, for all their scores hang
    on the same training; use `privacy_guesses.paired_guesses` and `one_run_epsilon` there.

    Parameters
    ----------
    true_positives, members : int
        Trainings with the record that the attack called "in", and all trainings with it.
    false_positives, nonmembers : int
        The same for trainings without it.
    delta : float
        At least 0 and below 1.
    level : float
        One-sided confidence level.

    Returns
    -------
    EpsilonBound

    Raises
    ------
    InputError
        Unless the counts are possible, ``0 <= delta < 1`` and ``0 < level < 1``.

    References
    ----------
    Jagielski, Ullman & Oprea 2020, "Auditing Differentially Private Machine Learning", arXiv 2006.07709.
    Nasr et al. 2021, "Adversary Instantiation", arXiv 2101.04535. Both directions: Kairouz, Oh & Viswanath 2015.

    Examples
    --------
    >>> round(two_sample_epsilon(90, 100, 10, 100).low, 3)
    1.542
    """
    hits, n_in = _counts(true_positives, members, "true_positives", "members")
    alarms, n_out = _counts(false_positives, nonmembers, "false_positives", "nonmembers")
    delta = _as_delta(delta)

    def bound(right: int, wrong: int) -> float:
        tpr = float(clopper_pearson(right, n_in, level).low)
        fpr = float(clopper_pearson(wrong, n_out, level).high)
        return _either_way(tpr, fpr, delta)

    known = n_in > 0 and n_out > 0
    estimate = _either_way(hits / n_in, alarms / n_out, delta) if known else math.nan
    return EpsilonBound(bound(hits, alarms), estimate, bound(n_in, 0), level, delta, n_in + n_out)


def one_run_epsilon(
    correct: int, guesses: int, records: int, *, delta: float = 0.0, level: float = 0.95
) -> EpsilonBound:
    """Return the bound from guesses about many records of a single training (Steinke, Nasr and Jagielski 2023).

    Each of `records` records went in or stayed out by a fair coin of its own. Somebody who sees only what the training
    gave out, and not the coins, guesses about some of them. Under differential privacy the number of right guesses is
    dominated by a binomial with rate exp(epsilon) / (1 + exp(epsilon)), but for a term in delta: see `one_run_p_value`.

    What must be fixed before the coins are looked at: how many guesses are made, or a rule for it that sees the model's
    answers only. Whoever tries many numbers of guesses and keeps the best finds "leaks" where there are none: in a quarter
    of models that leak nothing, with 50 numbers tried on 1,000 records. To try k of them, take each at level
    ``1 - (1 - level) / k``.

    An ordinary split into training and test rows of fixed sizes tosses no coins: one record in is another out, and the
    guesses hang together. Two records of two always fall "both right" or "both wrong", where coins would
    give 1/4 each. `privacy_guesses.paired_guesses` makes coins of such a split; epsilon then is that of *exchanging* a record.

    Parameters
    ----------
    correct, guesses : int
        Right guesses and all guesses; abstentions are neither.
    records : int
        Records that had a coin, abstentions included; matters where delta is above 0.
    delta : float
        At least 0 and below 1; the bound is 0 soon where ``records * delta`` is not small.
    level : float
        One-sided confidence level.

    Returns
    -------
    EpsilonBound

    Raises
    ------
    InputError
        Unless ``0 <= correct <= guesses <= records``, ``0 <= delta < 1`` and ``0 < level < 1``.

    References
    ----------
    Steinke, Nasr & Jagielski 2023, "Privacy Auditing with One (1) Training Run", arXiv 2305.08846, corollary 5.4.

    Examples
    --------
    >>> round(one_run_epsilon(75, 100, 100).low, 3), round(one_run_epsilon(75, 100, 1000, delta=1e-4).low, 3)
    (0.702, 0.673)
    """
    right, made, total = _one_run(correct, guesses, records)
    delta, tail = _as_delta(delta), 1 - as_level(level)
    estimate = _log_odds(right / made, 1 - right / made) if made else math.nan
    low, most = (_inverted(v, made, total, delta, tail) for v in (right, made))
    return EpsilonBound(low, max(estimate, 0.0), most, level, delta, made)


def one_run_p_value(
    correct: int, guesses: int, records: int, *, epsilon: float = 0.0, delta: float = 0.0
) -> float:
    """Return the most that the chance of so many right guesses can be under (epsilon, delta)-differential privacy.

    ``P[W >= v] + 2 m delta max_i P[v - i <= W < v] / i`` for a binomial W of `guesses` trials at rate
    exp(epsilon) / (1 + exp(epsilon)), v right guesses and m records (Steinke, Nasr and Jagielski 2023, corollary 5.4).

    Parameters
    ----------
    correct, guesses, records : int
        As in `one_run_epsilon`.
    epsilon, delta : float
        What is claimed of the training. With both 0: that it leaks nothing.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    InputError
        Unless ``0 <= correct <= guesses <= records``, ``epsilon >= 0`` and ``0 <= delta < 1``.

    Examples
    --------
    >>> round(one_run_p_value(75, 100, 100, epsilon=float(np.log(3))), 3)
    0.553
    """
    right, made, total = _one_run(correct, guesses, records)
    if not epsilon >= 0.0:
        raise InputError(f"epsilon must be at least 0, got {epsilon!r}")
    return min(_tail_bound(right, made, total, epsilon, _as_delta(delta)), 1.0)


def _either_way(tpr: float, fpr: float, delta: float) -> float:
    """Return the epsilon that TPR and FPR ask for, from positives or from negatives; at least 0."""
    return max(0.0, _log_odds(tpr - delta, fpr), _log_odds(1 - fpr - delta, 1 - tpr))


def _log_odds(most: float, least: float) -> float:
    if most <= 0.0:
        return -math.inf
    return math.log(most / least) if least > 0.0 else math.inf


def _tail_bound(right: int, made: int, total: int, epsilon: float, delta: float) -> float:
    rate = float(special.expit(epsilon))
    # P[W >= v] as an incomplete beta function keeps its digits where 1 - P[W < v] has none
    beyond = float(special.betainc(right, made - right + 1, rate)) if right else 1.0
    if delta == 0.0 or right == 0:
        return beyond
    below = np.cumsum(_binomial(np.arange(right - 1, -1, -1), made, epsilon))
    return beyond + 2 * total * delta * float((below / np.arange(1, right + 1)).max())


def _binomial(k: NDArray[np.int64], n: int, epsilon: float) -> FloatArray:
    """Return the chances of k successes in n at the rate whose log odds are `epsilon`."""
    ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.asarray(np.exp(ways + k * epsilon - n * np.logaddexp(0.0, epsilon)))


def _inverted(right: int, made: int, total: int, delta: float, tail: float) -> float:
    """Return the smallest epsilon at which so many right guesses are no longer rarer than `tail`."""
    if _tail_bound(right, made, total, 0.0, delta) >= tail:
        return 0.0
    # without delta the tail is an incomplete beta function of the rate; the second call is 1 - rate, in full precision
    rate = float(special.betaincinv(right, made - right + 1, tail))
    rest = float(special.betainccinv(made - right + 1, right, tail))
    above = max(0.0, _log_odds(rate, rest))
    if delta == 0.0:
        return above

    def excess(epsilon: float) -> float:
        return _tail_bound(right, made, total, epsilon, delta) - tail

    # delta only adds to the tail, so the root lies below the one without it
    return float(optimize.brentq(excess, 0.0, above, xtol=1e-10)) if excess(above) > 0.0 else above


def _counts(successes: int, n: int, name: str, whole: str) -> tuple[int, int]:
    if not 0 <= successes <= n:
        raise InputError(f"{name} must be from 0 to {whole}, got {successes} of {n}")
    return int(successes), int(n)


def _one_run(correct: int, guesses: int, records: int) -> tuple[int, int, int]:
    if not 0 <= correct <= guesses <= records:
        raise InputError(
            f"expected 0 <= correct <= guesses <= records, got correct={correct}, guesses={guesses}, records={records}"
        )
    return int(correct), int(guesses), int(records)


def _as_delta(delta: float) -> float:
    if not 0.0 <= delta < 1.0:
        raise InputError(f"delta must be at least 0 and below 1, got {delta!r}: type delta=1e-5")
    return float(delta)
