"""Tally: what is kept of a window, in whole numbers, so that no order of reading changes it and no row is."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.monitoring.cells import Column, as_numbers, as_words
from auditkit.statistics.control_limits import Sums

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from auditkit.monitoring.plan import LogPart

__all__ = ["BINS", "QUANTITIES", "Rows", "Scheme", "Tally", "rows_of"]

BINS = 2000
"""Bins of a score from 0 to 1: the area under a ROC curve takes rows of one bin as ties, and says by how much that may be off."""
QUANTITIES = ("log_loss", "residual", "slope")
"""Means that are kept with their squares and cubes."""
_UNIT = 2**24  # of a whole number that stands for a value: sums do not depend on their order
_NEAREST = 1e-3  # to 0 and 1, for logarithms: one row cannot outweigh all others
NO = -1


@dataclass(frozen=True)
class Scheme:
    """How rows are counted under one reference: cells of the inputs, groups, and why a column is left out."""

    columns: dict[str, Column]
    groups: dict[str, Column]
    left_out: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "columns": [one.to_dict() for one in self.columns.values()],
            "groups": [one.to_dict() for one in self.groups.values()],
            "left_out": self.left_out,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Scheme:
        """Return it from plain JSON."""
        columns, groups = (
            {one["name"]: Column.from_dict(one) for one in data[key]} for key in ("columns", "groups")
        )
        return cls(columns, groups, data["left_out"])


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one block, encoded: -1 stands for what is not known."""

    score: npt.NDArray[np.float64]
    selected: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    missing: npt.NDArray[np.bool_]
    cells: dict[str, npt.NDArray[np.int64]]
    groups: dict[str, npt.NDArray[np.int64]]

    def of(self, rows: npt.NDArray[Any]) -> Rows:
        """Return some of them."""
        return Rows(
            self.score[rows], self.selected[rows], self.label[rows], self.missing[rows],
            {name: codes[rows] for name, codes in self.cells.items()},
            {name: codes[rows] for name, codes in self.groups.items()},
        )  # fmt: skip


def rows_of(frame: pd.DataFrame, log: LogPart, scheme: Scheme) -> Rows:
    """Return a block, encoded."""
    n = len(frame)
    score = np.full(n, np.nan)
    if log.score is not None:
        score = as_numbers(frame[log.score])
        score = np.where((score >= 0) & (score <= 1), score, np.nan)
    if log.decision is not None:
        selected = _marks(frame[log.decision], log.positive)
    else:
        selected = np.where(np.isnan(score), NO, score >= log.threshold).astype(np.int64)
    label = np.full(n, NO) if log.label is None else _marks(frame[log.label], log.positive)
    there = [name for name in log.inputs if name in frame]
    missing = frame[there].isna().any(axis=1).to_numpy(dtype=bool) if there else np.zeros(n, dtype=bool)
    cells = {name: one.encode(frame[name]) for name, one in scheme.columns.items()}
    groups = {name: one.encode(frame[name]) for name, one in scheme.groups.items()}
    return Rows(score, selected, label, missing, cells, groups)


def _marks(column: pd.Series[Any], positive: object) -> npt.NDArray[np.int64]:
    """Return 1 where a value is the positive one, 0 where it is another, -1 where it is missing."""
    missing = column.isna().to_numpy()
    yes = as_words(column).str.casefold().eq(str(positive).casefold()).to_numpy(dtype=bool, na_value=False)
    if not isinstance(positive, bool):
        with contextlib.suppress(ValueError):
            yes = yes | (as_numbers(column) == float(str(positive)))
    return np.where(missing, NO, yes).astype(np.int64)


class Tally:
    """Counts of one window.

    Attributes
    ----------
    scheme : Scheme
        How its rows are counted.
    rows, missing, decided, selected, labelled, positive, correct, answered : int
        Rows; those with an input missing; those with a decision, and of them the positive ones; those with a label, and of them the positive ones; of rows with both, the
        ones where they agree, and how many there are.
    score : ndarray of int, shape (3, BINS)
        Rows by label (0, 1, not known) and bin of the score.
    sums : dict of str to list of int
        Of each of `QUANTITIES` the sums of values, squares and cubes over rows with score and label.
    cells : dict of str to ndarray of int
        Rows in each cell of each input.
    groups : dict of str to ndarray of int, shape (groups, 6)
        Rows with a decision, positive decisions; among true positives rows and positive decisions; among true negatives likewise.
    first, last : int or None
        Seconds of the earliest and the latest row.
    """

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self.rows = self.missing = self.decided = self.selected = 0
        self.labelled = self.positive = self.correct = self.answered = 0
        self.score = np.zeros((3, BINS), dtype=np.int64)
        self.sums = {name: [0, 0, 0] for name in QUANTITIES}
        self.cells = {name: np.zeros(one.cells, dtype=np.int64) for name, one in scheme.columns.items()}
        self.groups = {name: np.zeros((one.cells, 6), dtype=np.int64) for name, one in scheme.groups.items()}
        self.first: int | None = None
        self.last: int | None = None

    @property
    def unanswered(self) -> int:
        """Rows without a decision, and without a score that gives one."""
        return self.rows - self.decided

    def add(self, rows: Rows, seconds: npt.NDArray[np.int64] | None = None) -> None:
        """Count rows."""
        decided, known = rows.selected >= 0, rows.label >= 0
        both = decided & known
        self.rows += rows.label.size
        self.missing += int(rows.missing.sum())
        self.decided += int(decided.sum())
        self.selected += int((rows.selected == 1).sum())
        self.labelled += int(known.sum())
        self.positive += int((rows.label == 1).sum())
        self.answered += int(both.sum())
        self.correct += int((rows.selected == rows.label)[both].sum())
        self._scores(rows)
        for name, codes in rows.cells.items():
            self.cells[name] += np.bincount(codes, minlength=self.cells[name].size)
        for name, codes in rows.groups.items():
            self._group(name, codes, rows)
        if seconds is not None and seconds.size:
            early, late = int(seconds.min()), int(seconds.max())
            self.first = early if self.first is None else min(early, self.first)
            self.last = late if self.last is None else max(late, self.last)

    def _scores(self, rows: Rows) -> None:
        there = ~np.isnan(rows.score)
        bins = np.minimum((rows.score[there] * BINS).astype(np.int64), BINS - 1)
        label = np.where(rows.label[there] < 0, 2, rows.label[there])
        self.score += np.bincount(label * BINS + bins, minlength=3 * BINS).reshape(3, BINS)
        known = there & (rows.label >= 0)
        p, y = rows.score[known], rows.label[known].astype(float)
        held = np.clip(p, _NEAREST, 1 - _NEAREST)
        values = {
            "log_loss": -np.where(y == 1, np.log(held), np.log1p(-held)),
            "residual": y - p,
            "slope": (y - p) * np.log(held / (1 - held)),
        }
        for name, value in values.items():
            for power in range(3):
                self.sums[name][power] += int(np.rint(value ** (power + 1) * _UNIT).astype(np.int64).sum())

    def _group(self, name: str, codes: npt.NDArray[np.int64], rows: Rows) -> None:
        table, k = self.groups[name], self.groups[name].shape[0]
        decided, yes = rows.selected >= 0, rows.selected == 1
        for at, truth in ((0, decided), (2, decided & (rows.label == 1)), (4, decided & (rows.label == 0))):
            table[:, at] += np.bincount(codes[truth], minlength=k)
            table[:, at + 1] += np.bincount(codes[truth & yes], minlength=k)

    def moments(self, name: str) -> Sums:
        """Return the moments of a quantity over rows with score and label."""
        n = int(self.score[:2].sum())
        return Sums(float(n), *(one / _UNIT for one in self.sums[name]))

    def plus(self, other: Tally) -> None:
        """Add the counts of another window under the same scheme."""
        for name in ("rows", "missing", "decided", "selected", "labelled", "positive", "correct", "answered"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.score = self.score + other.score
        for quantity, sums in other.sums.items():
            self.sums[quantity] = [a + b for a, b in zip(self.sums[quantity], sums, strict=True)]
        for column, counts in other.cells.items():
            self.cells[column] = self.cells[column] + counts
        for feature, table in other.groups.items():
            self.groups[feature] = self.groups[feature] + table
        times = [one for one in (self.first, other.first) if one is not None]
        self.first = min(times, default=None)
        self.last = max((one for one in (self.last, other.last) if one is not None), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON, bins without rows left out."""
        kept = (
            "rows",
            "missing",
            "decided",
            "selected",
            "labelled",
            "positive",
            "correct",
            "answered",
            "first",
            "last",
        )
        at = np.flatnonzero(self.score.ravel())
        return {
            **{name: getattr(self, name) for name in kept},
            "score": [at.tolist(), self.score.ravel()[at].tolist()],
            "sums": self.sums,
            "cells": {name: counts.tolist() for name, counts in self.cells.items()},
            "groups": {name: table.tolist() for name, table in self.groups.items()},
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any], scheme: Scheme) -> Tally:
        """Return it from plain JSON."""
        made = cls(scheme)
        for name, value in data.items():
            if name == "score":
                flat = made.score.ravel()
                flat[np.asarray(value[0], dtype=np.int64)] = value[1]
            elif name == "sums":
                made.sums = {key: list(map(int, value[key])) for key in QUANTITIES}
            elif name in ("cells", "groups"):
                held = getattr(made, name)
                for key in held:
                    held[key] = np.asarray(value[key], dtype=np.int64).reshape(held[key].shape)
            else:
                setattr(made, name, value)
        return made


def mean_of_bins(score: npt.NDArray[np.int64]) -> float:
    """Return the mean score of counted rows, each at the middle of its bin; ``nan`` without rows."""
    counts = score.reshape(-1, BINS).sum(axis=0)
    return float(counts @ ((np.arange(BINS) + 0.5) / BINS) / counts.sum()) if counts.sum() else math.nan
