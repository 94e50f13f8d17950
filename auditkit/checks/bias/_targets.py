"""Targets: a sensitive feature as what is predicted from the inputs, and how well one input does it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from auditkit.checks import _common as common
from auditkit.methods import proxies as method
from auditkit.statistics.cross_validated import cross_validated_auc, cross_validated_r2

if TYPE_CHECKING:
    from auditkit.statistics import Auc

__all__ = ["BINS", "Result", "Target", "each_level", "explained", "from_one", "largest", "target_of"]

BINS = 20
_FEWEST = 20


@dataclass(frozen=True, slots=True)
class Target:
    """A sensitive feature as what is predicted: groups, or a number.

    Attributes
    ----------
    name : str
        Its name.
    rows : ndarray of int
        Rows of a known value, in a group that is large enough.
    groups : ndarray of int, shape (len(rows),)
        Codes; all 0 for a number.
    labels : list of str
        Of the groups; empty for a number.
    numbers : ndarray of float or None
        The values of a number.
    folds : ndarray of int, shape (len(rows),)
        Fold of each row.
    """

    name: str
    rows: np.ndarray
    groups: np.ndarray
    labels: list[str]
    numbers: np.ndarray | None
    folds: np.ndarray

    def shuffled(self, rng: np.random.Generator) -> Target:
        """Return the same with the feature dealt to other rows: what is left is chance."""
        order = rng.permutation(len(self.rows))
        numbers = None if self.numbers is None else self.numbers[order]
        return Target(self.name, self.rows, self.groups[order], self.labels, numbers, self.folds[order])

    def part(self, rows: np.ndarray) -> Target:
        """Return the rows at these places."""
        numbers = None if self.numbers is None else self.numbers[rows]
        return Target(self.name, self.rows[rows], self.groups[rows], self.labels, numbers, self.folds[rows])


Result = tuple[float, float, float, float | None, int, str]
"""Value, ends, p-value, records, and which group."""


def target_of(
    grouping: common.Grouping, column: Any, folds: int, rng: np.random.Generator
) -> tuple[Target | None, str]:
    """Return what is to be predicted, or None; and what was left out, or why there is nothing."""
    if common.is_number(column, BINS):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        rows = np.flatnonzero(np.isfinite(values))
        if len(rows) < _FEWEST:
            return None, f"{len(rows)} records have a value: too few to predict it"
        out = (
            f"{len(values) - len(rows):,} records without a value are left out"
            if len(rows) < len(values)
            else ""
        )
        codes = np.zeros(len(rows), dtype=np.int64)
        dealt = method.even_folds(codes, folds, rng)
        return Target(grouping.name, rows, codes, [], values[rows], dealt), out
    if grouping.too_many:
        return None, grouping.too_many
    large = np.flatnonzero(grouping.sizes >= max(_FEWEST, 2 * folds))
    if len(large) < 2:
        return (
            None,
            f"fewer than two groups of {grouping.name} have {max(_FEWEST, 2 * folds)} records or more",
        )
    small = [label for g, label in enumerate(grouping.labels) if g not in large]
    place = np.full(len(grouping.labels), -1)
    place[large] = np.arange(len(large))
    rows = np.flatnonzero(place[grouping.codes] >= 0)
    groups = place[grouping.codes[rows]]
    labels = [grouping.labels[g] for g in large]
    out = (
        f"left out, for too few records: {'; '.join(small[:5])}{'; ...' if len(small) > 5 else ''}"
        if small
        else ""
    )
    return Target(grouping.name, rows, groups, labels, None, method.even_folds(groups, folds, rng)), out


def from_one(target: Target, codes: np.ndarray, level: float) -> Result:
    """Measure one input."""
    values = codes[target.rows]
    if target.numbers is not None:
        predicted, baseline = method.encoded_values(values, target.numbers, target.folds)
        return explained(target.numbers - predicted, target.numbers - baseline, level)
    cells = method.encoded_cells(values, target.groups, target.folds)
    fold = np.broadcast_to(np.arange(len(cells.counts))[:, None], cells.counts.shape[:2]).ravel()
    every = cells.counts.sum(axis=2)
    k = len(target.labels)
    each = [
        cross_validated_auc(
            cells.scores[..., g].ravel(),
            cells.counts[..., g].ravel(),
            (every - cells.counts[..., g]).ravel(),
            fold,
            each_level(level, k),
        )
        for g in range(k)
    ]
    return largest(each, target)


def each_level(level: float, k: int) -> float:
    """Return the level of one group's interval, so that all hold together; two groups are one comparison."""
    return level if k == 2 else 1 - (1 - level) / k


def largest(each: list[Auc], target: Target) -> Result:
    """Return the largest AUC over groups, with ends and a p-value that hold for the largest."""
    known = [(g, one) for g, one in enumerate(each) if not math.isnan(one.value)]
    if not known:
        return math.nan, 0.0, 1.0, None, len(target.rows), ""
    top, best = max(known, key=lambda pair: pair[1].value)
    z = [(one.value - 0.5) / one.se for _, one in known if not math.isnan(one.se) and one.se > 0]
    tests = 1 if len(target.labels) == 2 else len(target.labels)
    p = min(1.0, tests * float(special.ndtr(-max(z)))) if z else None
    which = (
        " and ".join(target.labels) if len(target.labels) == 2 else f"{target.labels[top]} against all others"
    )
    ends = max(one.low for _, one in known), max(one.high for _, one in known)
    return best.value, *ends, p, len(target.rows), which


def explained(errors: np.ndarray, baseline: np.ndarray, level: float) -> Result:
    found = cross_validated_r2(errors, baseline, level)
    p = float(special.ndtr(-found.value / found.se)) if found.se > 0 else None
    return found.value, found.low, found.high, p, found.n, ""
