"""Group thresholds: a threshold on the score for each group, what it selects, and which thresholds make the groups alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from auditkit.errors import InputError
from auditkit.methods.groups import scored_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["NOTIONS", "RATES", "Notion", "ScoresByGroup", "alike", "frontier", "gap_of", "rates_of"]

Notion = Literal[
    "demographic_parity", "equal_opportunity", "predictive_equality", "equalized_odds", "predictive_parity"
]
NOTIONS: tuple[Notion, ...] = get_args(Notion)

RATES: dict[Notion, tuple[str, ...]] = {
    "demographic_parity": ("selection_rate",),
    "equal_opportunity": ("true_positive_rate",),
    "predictive_equality": ("false_positive_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "predictive_parity": ("positive_predictive_value",),
}
"""The rates that each notion wants equal."""


@dataclass(frozen=True, slots=True)
class ScoresByGroup:
    """Scores sorted within each group and true label, so that any threshold is answered by looking it up.

    Attributes
    ----------
    scores : tuple of tuple of ndarray
        Of each group, the ascending scores of its truly negative and of its truly positive records.
    above : tuple of tuple of ndarray, each of shape (m + 1, 2)
        What the records at each place and after it weigh, and their squared weights; counts, twice, where none have weights.
    """

    scores: tuple[tuple[NDArray[np.float64], ...], ...]
    above: tuple[tuple[NDArray[np.float64], ...], ...]

    @classmethod
    def of(
        cls,
        scores: ArrayLike,
        group_codes: ArrayLike,
        n_groups: int,
        positive: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> ScoresByGroup:
        """Sort the records once.

        Parameters
        ----------
        scores : array_like of shape (n,)
            Finite numbers.
        group_codes : array_like of int, shape (n,)
            Group of each record, from 0 to ``n_groups - 1``.
        n_groups : int
            Number of groups.
        positive : array_like of bool, shape (n,), optional
            Who is truly positive; without it all records count as negative.
        sample_weight : array_like of shape (n,), optional
            At least 0.

        Raises
        ------
        InputError
            If lengths differ, a score is not finite, or a code is out of range.

        Examples
        --------
        >>> sorted_ = ScoresByGroup.of([0.2, 0.8, 0.5], [0, 0, 1], 2, [False, True, True])
        >>> sorted_.selected([0.5, 0.6])[..., 0].tolist()
        [[0.0, 1.0], [0.0, 0.0]]
        """
        values, codes, truth, weights = scored_rows(scores, group_codes, n_groups, positive, sample_weight)
        cells = codes * 2 + truth
        order = np.lexsort((values, cells))
        ends = np.cumsum(np.bincount(cells, minlength=2 * n_groups))[:-1]
        ascending = np.split(values[order], ends)
        weighed = [None] * (2 * n_groups) if weights is None else np.split(weights[order], ends)
        above = [_above(part, w) for part, w in zip(ascending, weighed, strict=True)]
        pairs = range(0, 2 * n_groups, 2)
        return cls(
            tuple((ascending[i], ascending[i + 1]) for i in pairs),
            tuple((above[i], above[i + 1]) for i in pairs),
        )

    @property
    def totals(self) -> NDArray[np.float64]:
        """What all records of each group weigh, shape (groups, 2, 2): by true label, and by weight and squared weight."""
        return np.array([[part[0] for part in group] for group in self.above])

    @property
    def records(self) -> NDArray[np.int64]:
        """Records of each group, shape (groups, 2): truly negative and truly positive."""
        return np.array([[part.size for part in group] for group in self.scores], dtype=np.int64)

    def selected(self, thresholds: ArrayLike) -> NDArray[np.float64]:
        """Return what is selected at thresholds of each group: where ``score >= threshold``.

        Parameters
        ----------
        thresholds : array_like of shape (..., groups)
            One a group.

        Returns
        -------
        numpy.ndarray of shape (..., groups, 2, 2)
            By true label (negative, positive), and by weight and squared weight.

        Raises
        ------
        InputError
            If there is not one threshold a group, or one is not a number.
        """
        at = np.asarray(thresholds, dtype=np.float64)
        if at.ndim == 0 or at.shape[-1] != len(self.scores) or np.isnan(at).any():
            raise InputError(f"expected {len(self.scores)} thresholds, one a group; got {thresholds!r}")
        found = np.empty((*at.shape, 2, 2))
        for g, (sorted_, above) in enumerate(zip(self.scores, self.above, strict=True)):
            for label in (0, 1):
                found[..., g, label, :] = above[label][np.searchsorted(sorted_[label], at[..., g], "left")]
        return found


def _above(scores: NDArray[np.float64], weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return what the records from each place on weigh, plain and squared, shape (m + 1, 2)."""
    each = np.ones_like(scores) if weights is None else weights
    both = np.stack([each, each**2], axis=1)
    return np.concatenate([np.cumsum(both[::-1], axis=0)[::-1], np.zeros((1, 2))])


def rates_of(
    selected: ArrayLike, totals: ArrayLike
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return successes and trials of each rate, by its name.

    Parameters
    ----------
    selected : array_like of shape (..., groups, 2)
        Selected records, truly negative and truly positive, or their weights.
    totals : array_like of shape (groups, 2)
        All records, likewise.

    Returns
    -------
    dict of str to (ndarray, ndarray)
        ``selection_rate``, ``true_positive_rate``, ``false_positive_rate``, ``positive_predictive_value``, ``accuracy``; each of
        shape (..., groups).

    Examples
    --------
    >>> hits, trials = rates_of([[1, 3]], [[4, 6]])["accuracy"]
    >>> hits.tolist(), trials.tolist()
    ([6.0], [10.0])
    """
    took, every = np.asarray(selected, dtype=np.float64), np.asarray(totals, dtype=np.float64)
    every = np.broadcast_to(every, took.shape)
    all_took, size = took.sum(axis=-1), every.sum(axis=-1)
    return {
        "selection_rate": (all_took, size),
        "true_positive_rate": (took[..., 1], every[..., 1]),
        "false_positive_rate": (took[..., 0], every[..., 0]),
        "positive_predictive_value": (took[..., 1], all_took),
        "accuracy": (took[..., 1] + every[..., 0] - took[..., 0], size),
    }


def gap_of(selected: ArrayLike, totals: ArrayLike, notion: Notion) -> NDArray[np.float64]:
    """Return how far the groups are from a notion of fairness: the widest difference of the rates it wants equal.

    Parameters
    ----------
    selected, totals
        As in `rates_of`.
    notion : {"demographic_parity", "equal_opportunity", "predictive_equality", "equalized_odds", "predictive_parity"}
        Equal selection rates, true positive rates, false positive rates, both of these, or precision.

    Returns
    -------
    numpy.ndarray of shape (...)
        0 where all are equal; ``nan`` where a group has no rate.

    References
    ----------
    Hardt, Price & Srebro 2016, "Equality of opportunity in supervised learning"; Chouldechova 2017, "Fair prediction with disparate
    impact".

    Examples
    --------
    >>> float(gap_of([[1, 3], [2, 2]], [[4, 4], [4, 4]], "equal_opportunity"))
    0.25
    """
    return np.max([np.ptp(rate, axis=-1) for rate in _wanted(selected, totals, notion)], axis=0)  # type: ignore[no-any-return]


def _wanted(selected: ArrayLike, totals: ArrayLike, notion: Notion) -> list[NDArray[np.float64]]:
    if notion not in RATES:
        raise InputError(f"no notion {notion!r}: choose from {', '.join(NOTIONS)}")
    counted = rates_of(selected, totals)
    with np.errstate(invalid="ignore", divide="ignore"):
        return [counted[name][0] / counted[name][1] for name in RATES[notion]]


def alike(
    by_group: ScoresByGroup, grid: ArrayLike, notion: Notion, strength: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return thresholds of the groups that bring the rates of a notion together, a set for each operating point.

    An operating point is one threshold for everybody. There the rates of all records together are what each group is brought to,
    by the threshold of its own whose rates come nearest. Thresholds are not randomised, so that equality can be missed by what a single
    record, or a tie, makes; for equalised odds it is missed where the groups' ROC curves do not meet.

    Parameters
    ----------
    by_group : ScoresByGroup
        The records.
    grid : array_like of shape (points,)
        Thresholds to choose from, ascending; each is an operating point too.
    notion : str
        As in `gap_of`.
    strength : float
        How far each group goes: 0 stays at the one threshold, 1 goes all the way.

    Returns
    -------
    thresholds : ndarray of shape (points, groups)
        One set for each operating point.
    selected : ndarray of shape (points, groups, 2)
        What they select, truly negative and truly positive.

    References
    ----------
    Hardt, Price & Srebro 2016, "Equality of opportunity in supervised learning", without their randomisation.
    """
    cuts = np.asarray(grid, dtype=np.float64)
    groups = len(by_group.scores)
    totals = by_group.totals[..., 0]
    tried = by_group.selected(np.repeat(cuts[:, None], groups, axis=1))[..., 0]  # points, groups, labels
    together = tried.sum(axis=1, keepdims=True)
    own = _wanted(tried, totals, notion)
    everybody = _wanted(together, totals.sum(axis=0, keepdims=True), notion)
    missed = np.zeros((cuts.size, cuts.size, groups))  # operating point, threshold tried, group
    for rate, whole in zip(own, everybody, strict=True):
        aim = whole + (1 - strength) * np.where(np.isnan(rate), 0.0, rate - whole)  # points, groups
        off = np.abs(rate[None, :, :] - aim[:, None, :])
        missed = np.maximum(missed, np.where(np.isnan(off), np.inf, off))
    # of equally near ones the threshold next to the operating point
    distance = np.abs(np.arange(cuts.size)[None, :] - np.arange(cuts.size)[:, None])[..., None]
    place = np.argmin(np.round(missed, 12) + 1e-9 * distance / cuts.size, axis=1)
    return cuts[place], np.take_along_axis(tried, place[..., None], axis=0)


def frontier(gaps: ArrayLike, gains: ArrayLike) -> NDArray[np.int64]:
    """Return the places of what is best for its gap: nothing else has a gap as small and gains more. By ascending gap.

    Parameters
    ----------
    gaps, gains : array_like of shape (n,)
        Smaller, and larger, is better; ``nan`` is left out.

    Examples
    --------
    >>> frontier([0.3, 0.1, 0.2, 0.1], [0.9, 0.7, 0.6, 0.8]).tolist()
    [3, 0]
    """
    gap, gain = np.asarray(gaps, dtype=np.float64), np.asarray(gains, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(gap) & np.isfinite(gain))
    order = known[np.lexsort((-gain[known], gap[known]))]
    best = np.maximum.accumulate(gain[order])
    first = np.r_[True, best[1:] > best[:-1]] if order.size else np.zeros(0, dtype=bool)
    return order[first].astype(np.int64)
