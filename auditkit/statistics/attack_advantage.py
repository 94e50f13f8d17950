"""Advantage: how much more often an attack names members than others, at a threshold that was not picked to look good."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from auditkit.errors import InputError
from auditkit.statistics._arguments import FloatArray, as_level, as_scores
from auditkit.statistics.intervals import newcombe

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Advantage", "advantage"]


@dataclass(frozen=True, slots=True)
class Advantage:
    """True positive rate less false positive rate of an attack at one threshold.

    Attributes
    ----------
    value, low, high : float
        The difference, within [-1, 1], and its interval; ``nan`` and [-1, 1] where a kind has no rows to measure on.
    p_value : float
        One-sided, of so many members among the records named if who is a member were drawn by lot (hypergeometric,
        exact at this threshold); ``nan`` with the value.
    threshold : float
        A record is named when its score is at least this; ``nan`` where naming nobody looked best, and nobody is.
    n_pos, n_neg : int
        Members and others it was measured on.
    chosen_on : int
        Records the threshold was chosen on, others than those; 0 where it was given.
    """

    value: float
    low: float
    high: float
    p_value: float
    threshold: float
    n_pos: int
    n_neg: int
    chosen_on: int

    @property
    def n(self) -> int:
        """Records it was measured on."""
        return self.n_pos + self.n_neg


def advantage(
    scores: npt.ArrayLike,
    member: npt.ArrayLike,
    level: float = 0.95,
    *,
    rng: np.random.Generator | None = None,
    threshold: float | None = None,
) -> Advantage:
    """Return the membership advantage (Yeom et al. 2018), Pr[named | member] - Pr[named | other].

    The largest difference over all thresholds is biased upward: with scores that say nothing it is the statistic of Kolmogorov and
    Smirnov, never below 0, and 0.09 on average for 100 records of each kind. So the threshold is chosen on a random half of the members
    and of the others, and the difference is measured on the other halves, where the chosen threshold is as good as given in
    advance. The interval is that of Newcombe 1998 for two independent proportions. It is about the attack at this
    threshold, a lower bound of the largest difference in the population.

    Parameters
    ----------
    scores : array_like of shape (n,)
        Higher says member; infinities are allowed, nan is not.
    member : array_like of bool, shape (n,)
        Who is one.
    level : float
        Two-sided confidence level.
    rng : numpy.random.Generator, optional
        Draws the halves. Needed unless `threshold` is given.
    threshold : float, optional
        Where the attack fixes it by itself, as "answered rightly" does: then all records are measured on. Never
        one that was read off these scores.

    Returns
    -------
    Advantage
        Of several thresholds that are equally good the highest is taken, and naming nobody where no other does better than that.

    Raises
    ------
    InputError
        On nan scores or a nan threshold, lengths that differ, labels of other kinds, or neither `rng` nor `threshold`.

    References
    ----------
    Yeom et al. 2018, "Privacy Risk in Machine Learning: Analyzing the Connection to Overfitting", IEEE CSF.

    Examples
    --------
    >>> found = advantage([1, 1, 1, 0, 1, 0, 0, 0], [True] * 4 + [False] * 4, threshold=1)
    >>> found.value, found.n, round(found.p_value, 4)
    (0.5, 8, 0.2429)
    >>> rng = np.random.default_rng(0)
    >>> advantage(np.arange(400), np.arange(400) >= 200, rng=rng).value > 0.9
    True
    """
    members, others = as_scores(scores, member)
    as_level(level)
    chosen_on = 0
    if threshold is None:
        if rng is None:
            raise InputError(
                "the threshold is chosen on one half of the records: pass rng=np.random.default_rng(0) to draw it, or "
                "threshold= where the attack fixes it by itself"
            )
        (for_choice, members), (for_choice_too, others) = _halves(members, rng), _halves(others, rng)
        threshold = _best_threshold(for_choice, for_choice_too)
        chosen_on = for_choice.size + for_choice_too.size
    elif math.isnan(threshold):
        raise InputError(
            "threshold is nan: give a number, or rng= to have one chosen on one half of the records"
        )
    m, n = members.size, others.size
    found, false = int((members >= threshold).sum()), int((others >= threshold).sum())
    ends = newcombe(found, m, false, n, level)
    value = found / m - false / n if m and n else math.nan
    tail = stats.hypergeom.sf(found - 1, m + n, m, found + false) if m and n else math.nan
    p_value = float(np.clip(tail, 0.0, 1.0))
    return Advantage(value, float(ends[0]), float(ends[1]), p_value, float(threshold), m, n, chosen_on)


def _halves(values: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return a random half to choose on and the rest, the larger where they differ, to measure on."""
    order = rng.permutation(values.size)
    half = values.size // 2
    return values[order[:half]], values[order[half:]]


def _best_threshold(members: FloatArray, others: FloatArray) -> float:
    """Return the highest of the thresholds with the largest difference of rates; ``nan``, which names nobody, where none is above 0."""
    if not members.size or not others.size:
        return math.nan
    distinct = np.unique(np.concatenate([members, others]))[::-1]
    rates = [1 - np.searchsorted(np.sort(part), distinct, "left") / part.size for part in (members, others)]
    # in whole numbers, so that equal differences are equal
    found = np.rint((rates[0] - rates[1]) * members.size * others.size)
    best = int(found.argmax())
    return float(distinct[best]) if found[best] > 0 else math.nan
