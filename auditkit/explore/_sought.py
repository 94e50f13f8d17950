"""Sought: thresholds of the groups that were tried for a notion, kept where nothing that was tried beats them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from auditkit.evidence import Table
from auditkit.methods.group_thresholds import alike, frontier, gap_of, rates_of

if TYPE_CHECKING:
    from auditkit.methods.group_thresholds import Notion, ScoresByGroup

__all__ = ["FOUND", "SINGLE", "Sought", "within_reach"]

FOUND, SINGLE = "best found", "best single threshold"
"""Series of the trade-off: what was found for each gap, and the most accurate of what one threshold for all gives."""

_STRENGTHS = 9
_DRAWN = 60
_NEAR = 0.01  # gaps so little above the smallest are taken for as small


@dataclass(frozen=True, slots=True)
class Sought:
    """What nothing that was tried beats, by ascending gap and by ascending accuracy at once.

    Attributes
    ----------
    cuts : ndarray of shape (points, groups)
        Thresholds of the groups.
    gap, accuracy : ndarray of shape (points,)
        Of all records.
    single : tuple of float
        Threshold, gap and accuracy of the most accurate single threshold for all that was tried; ``nan`` where there is none.
    """

    cuts: np.ndarray
    gap: np.ndarray
    accuracy: np.ndarray
    single: tuple[float, float, float] = (math.nan, math.nan, math.nan)

    @classmethod
    def nothing(cls, groups: int) -> Self:
        """Return that nothing was found: accuracy is not known, or the gap is nowhere defined."""
        return cls(np.empty((0, groups)), np.empty(0), np.empty(0))

    @classmethod
    def among(cls, by_group: ScoresByGroup, grid: np.ndarray, notion: Notion, least_share: float) -> Self:
        """Try each threshold of a grid for everybody, and the groups brought together from there in steps.

        Thresholds that select less than `least_share` of all records, or leave less out, count only where there are no others.
        """
        totals = by_group.totals[..., 0]
        # at strength 0 every group stays at the one threshold
        tried = [alike(by_group, grid, notion, float(strength)) for strength in np.linspace(0, 1, _STRENGTHS)]
        cuts, took = (np.concatenate(parts) for parts in zip(*tried, strict=True))
        gap = gap_of(took, totals, notion)
        accuracy = rates_of(took, totals)["accuracy"][0].sum(axis=-1) / totals.sum()
        chosen = _chosen(took, totals, least_share)
        fit = np.isfinite(gap) & chosen
        best = frontier(np.where(fit if fit.any() else True, gap, np.nan), accuracy)
        return cls(cuts[best], gap[best], accuracy[best], _single(cuts, gap, accuracy, fit, grid.size))

    def equalised(self) -> np.ndarray | None:
        """Return the most accurate thresholds whose gap is no more than a hundredth above the smallest; None where nothing was found."""
        near = np.flatnonzero(self.gap <= self.gap[:1].sum() + _NEAR)
        return self.cuts[near[-1]] if near.size else None

    def table(self, notion: Notion, size: float) -> Table:
        """Return accuracy against the gap, and beneath it the best single threshold."""
        words = notion.replace("_", " ")
        at = np.unique(np.linspace(0, self.gap.size - 1, min(self.gap.size, _DRAWN)).round().astype(int))
        threshold, gap, accuracy = self.single
        known = [*zip(self.gap[at], self.accuracy[at], [FOUND] * at.size, strict=True)]
        known += [] if math.isnan(threshold) else [(gap, accuracy, SINGLE)]
        nothing = (math.nan,) * len(known)
        columns = {
            "x": tuple(float(one[0]) for one in known),
            "value": tuple(float(one[1]) for one in known),
            "low": nothing,
            "high": nothing,
            "n": (round(size),) * len(known),
            "series": tuple(one[2] for one in known),
        }
        labels = {"x": f"gap of {words}", "value": "accuracy of all records"}
        return Table(
            f"What {words} costs: accuracy against the gap", columns, "curve", labels, self._summary(words)
        )

    def _summary(self, words: str) -> str:
        threshold, gap, accuracy = self.single
        said = f"The highest accuracy that was found for each gap of {words}, by thresholds of the groups that were brought together in steps."
        if not math.isnan(threshold):
            said += (
                f" The best single threshold is the most accurate one for all groups alike, {threshold:.3g}: accuracy {accuracy:.1%} at a gap of "
                f"{100 * gap:.1f} percentage points. Measure the cost of a narrower gap from there: what is gained over where the "
                "thresholds stood at first comes from moving all groups together."
            )
        return f"{said} All this was picked on these records, so it flatters: on others it will be somewhat lower."


def within_reach(grid: np.ndarray, steps: int) -> np.ndarray:
    """Return thresholds moved down to the next of so many steps from 0 to 1, where a dial stands; as they are where scores lie closer.

    Examples
    --------
    >>> within_reach(np.array([0.12345, 0.5, 0.66667]), 1000).tolist()
    [0.123, 0.5, 0.666]
    >>> within_reach(np.array([0.0001, 0.0002, 0.0003]), 1000).tolist()
    [0.0001, 0.0002, 0.0003]
    """
    down = np.floor(grid * steps)
    down -= down / steps > grid  # the product was rounded up
    found = np.unique(down / steps)
    return found if 2 * found.size >= grid.size else grid


def _single(
    cuts: np.ndarray, gap: np.ndarray, accuracy: np.ndarray, fit: np.ndarray, points: int
) -> tuple[float, float, float]:
    """Return the most accurate of the first so many, where all groups have one threshold; of equally accurate ones that of the narrowest gap."""
    able = np.flatnonzero(fit[:points])
    if not able.size:
        return (math.nan, math.nan, math.nan)
    best = able[np.lexsort((gap[able], -accuracy[able]))[0]]
    return float(cuts[best, 0]), float(gap[best]), float(accuracy[best])


def _chosen(took: np.ndarray, totals: np.ndarray, least_share: float) -> np.ndarray:
    """Return whether somebody is selected and somebody is not: everybody or nobody is alike without a choice."""
    share = took.sum(axis=(1, 2)) / totals.sum()
    return np.asarray((share >= least_share) & (share <= 1 - least_share))
