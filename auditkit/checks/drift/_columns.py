"""Columns: each input and sensitive feature of the training and of the test rows, in the same cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge, Gt
from typing_extensions import Doc

from auditkit.checks import _common as common
from auditkit.checks._sweeps import space_of
from auditkit.statistics.drift import (
    Apart,
    Stability,
    ks_distance,
    merged_cells,
    population_stability,
    rows_for_stability,
)

if TYPE_CHECKING:
    from auditkit.evidence import Measurement
    from auditkit.subject import Subject

__all__ = [
    "Column",
    "Drifted",
    "Fewest",
    "MattersPsi",
    "columns_of",
    "drifted",
    "in_cells",
    "measured_psi",
    "test_of",
    "too_few",
]

Fewest = Annotated[
    int, Ge(20), Doc("Rows of a sample below which no verdict is given, and the rows needed are said.")
]
MattersPsi = Annotated[
    float, Gt(0), Doc("The stability index that matters; rows needed are those that would show it.")
]

_BANDS = 10
_FEW_VALUES = 20  # a number of no more values is compared value by value


class Column(NamedTuple):
    """A column of both samples: its numbers where it has some, and the cell of each row."""

    name: str
    numbers: tuple[np.ndarray, np.ndarray] | None
    before: np.ndarray
    after: np.ndarray


class Drifted(NamedTuple):
    """How far a column moved: the index, the distance of its numbers, the p-value of "drawn alike", and the cells compared."""

    name: str
    stability: Stability
    apart: Apart | None
    p_value: float
    cells: int
    n: int


def columns_of(subject: Subject, most: int, rng: np.random.Generator) -> tuple[list[Column], int]:
    """Return the inputs, `most` at most, and the sensitive features that are none; and how many inputs were left out."""
    train, test = subject.split("train"), subject.test
    found: list[Column] = []
    left_out = 0
    if test.X.shape[1]:
        codec, space = space_of(subject)
        old, new = codec.encode(train.X), codec.encode(test.X)
        drawn = common.draw(old.shape[1], most, rng)
        left_out = old.shape[1] - len(drawn)
        for j in drawn:
            coded = bool(space.categorical[j])
            found.append(in_cells(space.names[j], old[:, j], new[:, j], coded=coded))
    inside = set(map(str, test.X.columns))
    for name in test.sensitive_names:
        if name in inside or name not in train.sensitive_names:
            continue
        pair = [_groups(data.sensitive_features[name]) for data in (train, test)]
        codes = np.unique(np.concatenate(pair), return_inverse=True)[1].astype(float)
        n = len(train)
        found.append(in_cells(name, codes[:n], codes[n:], coded=True))
    return found, left_out


def in_cells(name: str, before: np.ndarray, after: np.ndarray, *, coded: bool) -> Column:
    """Return a column in cells: the values of a category, bands of about equal size of the first sample's numbers, and missing."""
    known = [part[~np.isnan(part)] for part in (before, after)]
    few = coded or len(np.unique(np.concatenate(known))) <= _FEW_VALUES
    if few:
        values = np.unique(np.concatenate(known))
        cells = [
            np.where(np.isnan(part), len(values), np.searchsorted(values, part)) for part in (before, after)
        ]
        k = len(values) + 1
    else:
        source = known[0] if known[0].size else known[1]
        edges = np.unique(np.quantile(source, np.arange(1, _BANDS) / _BANDS, method="lower"))
        cells = [
            np.where(np.isnan(part), len(edges) + 1, np.searchsorted(edges, part, side="left"))
            for part in (before, after)
        ]
        k = len(edges) + 2
    old, new = (np.bincount(part.astype(np.int64), minlength=k) for part in cells)
    to = merged_cells(old, new)
    first, second = (to[part.astype(np.int64)] for part in cells)
    return Column(name, None if coded else (known[0], known[1]), first, second)


def drifted(column: Column, level: float) -> Drifted:
    """Return how far a column moved. Numbers are tested both by distance and by cells, and the smaller p-value counts twice."""
    k = int(max(column.before.max(), column.after.max())) + 1
    index = population_stability(
        np.bincount(column.before, minlength=k), np.bincount(column.after, minlength=k), level
    )
    apart, p = None, index.p_value
    n = len(column.before) + len(column.after)
    if column.numbers and all(part.size for part in column.numbers):
        apart = ks_distance(*column.numbers, level)
        p = min(1.0, 2 * float(np.fmin(apart.p_value, p)))
    return Drifted(column.name, index, apart, 1.0 if np.isnan(p) else p, k, n)


def test_of(found: Drifted) -> str:
    """Return how the p-value of a column was made."""
    if found.apart is None:
        return "chi-square of the cells"
    return "Kolmogorov-Smirnov and chi-square of the cells, the smaller doubled"


def too_few(before: int, after: int, fewest: int, what: str = "rows") -> str:
    """Return why nothing is said of two samples; empty where they are large enough."""
    if min(before, after) >= fewest:
        return ""
    return f"{before:,} training and {after:,} test {what}: at least {fewest:,} of each are needed"


def needed(cells: int, matters: float, fewest: int, level: float) -> int:
    """Return the rows in all, half of them of each sample, that would show an index that matters."""
    return int(2 * max(rows_for_stability(matters, max(cells, 2), level), fewest))


def measured_psi(
    metric: str, found: Drifted, level: float, matters: float, fewest: int, **more: str | None
) -> Measurement:
    """Return the index of a column as a measurement; ``n_needed`` where the noise hides an index that matters."""
    index = found.stability
    if np.isnan(index.value):
        return common.measured(
            metric,
            np.nan,
            found.n,
            None,
            level,
            "",
            reason="no two of its values are common enough to compare",
            **more,
        )
    rows = needed(found.cells, matters, fewest, level)
    said = f"{common.number(index.plain)} with the noise of sampling left in, {common.number(index.noise)} on average; {found.cells} cells"
    return common.measured(
        metric,
        index.value,
        found.n,
        (index.low, index.high),
        level,
        "noncentral chi-square and delta",
        p_value=found.p_value,
        p_method=test_of(found),
        reason=said,
        n_needed=rows if index.high - index.low > matters and found.n < rows else None,
        **more,
    )


def _groups(column: Any) -> np.ndarray:
    """Return the values of a sensitive feature as words; a missing one is a word too."""
    import pandas as pd

    series = pd.Series(column)
    return np.where(series.isna(), "\0missing", series.astype(str).to_numpy(dtype=object)).astype(str)
