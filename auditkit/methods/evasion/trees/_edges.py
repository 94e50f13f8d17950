"""Edges: where along a feature a tree model's splits lie, found on the model's own coding of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auditkit.errors import AuditkitError, NotApplicable

if TYPE_CHECKING:
    from auditkit.methods.feature_space import FeatureSpace
    from auditkit.methods.trees import TreeModel

__all__ = ["Front", "edges_of", "held"]

Floats = NDArray[np.float64]
Front = Callable[[Floats], Floats]
FAR = 1e290  # where a feature has no end
FAR_WHOLE = 2.0**31 - 2
PARTS = 16  # into which what is left is cut with one question


def held(front: Front) -> Front:
    """Return a coding that says in a sentence why it cannot code."""

    def ask(rows: Floats) -> Floats:
        try:
            return front(rows)
        except AuditkitError:
            raise
        except Exception as error:
            raise NotApplicable(
                f"what stands before the model refuses a value that the threat model allows: {type(error).__name__}: "
                f"{str(error)[:200]}"
            ) from error

    return ask


def edges_of(
    model: TreeModel, ask: Front, space: FeatureSpace, X: Floats, points: tuple[Floats | None, ...]
) -> tuple[NDArray[np.intp], tuple[Floats, ...]]:
    """Return for each column of the model's input the feature it follows from, -1 for none, and the edges of each feature.

    An edge is the greatest number whose code is at most a split's threshold.

    Raises
    ------
    NotApplicable
        If a column follows from two features, or falls where its feature rises.
    """
    d = X.shape[1]
    ends = np.array([_ends(space, X[:, j], j) for j in range(d)]).reshape(d, 2)
    source = np.full(model.width, -1, dtype=np.intp)
    first = ask(X[:1])[0]
    outer: dict[int, Floats] = {}
    for j in range(d):
        given = points[j]
        tried = ends[j] if given is None else given
        rows = np.tile(X[0], (len(tried) + 1, 1))
        rows[:-1, j] = tried
        codes = ask(rows[:-1])
        known = np.vstack([codes, first[None]])
        if np.isnan(X[:, j]).any():
            rows[-1, j] = np.nan
            known = np.vstack([known, ask(rows[-1:])])
        moves = ~((known == known[0]) | (np.isnan(known) & np.isnan(known[0]))).all(axis=0)
        if (moves & (source >= 0)).any():
            raise NotApplicable("a column of the model's input follows from two columns of the data")
        source[moves] = j
        if given is None:
            outer[j] = codes
            if (codes[1] < codes[0]).any():
                raise NotApplicable("a column of the model's input falls where the column of the data rises")
    wanted = [_wanted(model, source, outer, j) if points[j] is None else [] for j in range(d)]
    return source, _bisected(ask, X[0], ends, wanted)


def _ends(space: FeatureSpace, x: Floats, j: int) -> tuple[float, float]:
    known = x[~np.isnan(x)]
    far = FAR_WHOLE if space.kind[j] == "integer" else FAR
    low = float(space.low[j]) if np.isfinite(space.low[j]) else -far
    high = float(space.high[j]) if np.isfinite(space.high[j]) else far
    return min([low, *known.tolist()]), max([high, *known.tolist()])


def _wanted(
    model: TreeModel, source: NDArray[np.intp], outer: dict[int, Floats], j: int
) -> list[tuple[int, float]]:
    """Return the splits (column, threshold) that lie between the ends of a feature."""
    columns = set(np.flatnonzero(source == j).tolist())
    found = {
        (int(column), float(threshold))
        for tree in model.trees
        for column, threshold in zip(tree.feature, tree.threshold, strict=True)
        if int(column) in columns and outer[j][0, column] <= threshold < outer[j][1, column]
    }
    return sorted(found)


def _bisected(
    ask: Front, row: Floats, ends: Floats, wanted: list[list[tuple[int, float]]]
) -> tuple[Floats, ...]:
    """Return the edges of each feature, found among all numbers there are; one question serves all features."""
    m, d = max(map(len, wanted), default=0), len(wanted)
    low, high = np.tile(_ranks(ends[:, 0]), (m, 1)), np.tile(_ranks(ends[:, 1]), (m, 1))
    places = [
        (i, j, column, threshold)
        for j, some in enumerate(wanted)
        for i, (column, threshold) in enumerate(some)
    ]
    if not places:
        return tuple(np.empty(0) for _ in range(d))
    i, j, column = (np.array([place[k] for place in places]) for k in range(3))
    threshold = np.array([place[3] for place in places])
    a, b = low[i, j], high[i, j]
    while (b.view(np.uint64) - a.view(np.uint64) > 1).any():
        width = b.view(np.uint64) - a.view(
            np.uint64
        )  # right also where the difference passes the largest integer
        step = np.maximum(width // PARTS, 1)
        parts = np.arange(1, PARTS, dtype=np.uint64)[:, None] * step
        inside = parts < width
        tried = (a.view(np.uint64) + np.where(inside, parts, 0)).view(np.int64)
        rows = np.tile(row, (PARTS - 1, m, 1))
        rows[:, i, j] = _numbers(tried)
        codes = ask(rows.reshape(-1, d)).reshape(PARTS - 1, m, -1)
        below = inside & (codes[:, i, column] <= threshold)
        passed = below.sum(axis=0).astype(np.uint64) * step
        # the next point was tried too, unless all were passed or it lay beyond
        left = (passed < (PARTS - 1) * step) & (passed + step < width)
        low_end = a.view(np.uint64) + passed
        a, b = low_end.view(np.int64), np.where(left, low_end + step, b.view(np.uint64)).view(np.int64)
    found = _numbers(a)
    return tuple(np.unique(found[j == one]) for one in range(d))


def _ranks(numbers: Floats) -> NDArray[np.int64]:
    """Return the place of floating-point numbers among all of them, in order."""
    bits = (numbers + 0.0).view(np.int64)
    return np.where(bits >= 0, bits, np.int64(-(2**63)) - bits)


def _numbers(ranks: NDArray[np.int64]) -> Floats:
    return np.where(ranks >= 0, ranks, np.int64(-(2**63)) - ranks).astype(np.int64).view(np.float64)
