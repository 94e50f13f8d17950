"""Search: for each row several different allowed rows with the wanted answer, the sparsest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit import progress
from auditkit.errors import InputError
from auditkit.methods.counterfactuals.sparser import put_back, shrunk
from auditkit.methods.evasion._oracle import Oracle
from auditkit.methods.evasion.decision import decision_search
from auditkit.methods.evasion.features import feature_search
from auditkit.methods.feature_space import FeatureSpace, Norm, as_matrix, norm_of

__all__ = ["Counterfactuals", "counterfactuals"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Ask = Callable[[Floats], NDArray[Any]]

FEWEST_CALLS = 5
_VALUES = 8  # of a number, tried alone
_CODES = 24  # of a category, tried alone
_STARTS = 6  # wanted rows of the pool that a row starts from
_POOL = 300  # wanted rows of the pool that are looked at
_AT_ONCE = 50_000  # rows in one call
_TOGETHER = 3.0  # inputs that the search by scores may change


@dataclass(frozen=True, eq=False)
class Counterfactuals:
    """Changed rows that have the wanted answer; all arrays have one entry a changed row.

    Attributes
    ----------
    of : ndarray of int, shape (m,)
        The row each is a change of; in order, and of one row the sparsest first.
    rows : ndarray of shape (m, d)
        The changed rows.
    inputs : ndarray of int, shape (m,)
        How many inputs were changed.
    cost : ndarray of shape (m,)
        What the change costs, in the units of the space.
    calls, asked : int
        Calls to the model, and rows it was asked about.
    """

    of: Ints
    rows: Floats
    inputs: Ints
    cost: Floats
    calls: int
    asked: int


def counterfactuals(
    ask: Ask,
    X: ArrayLike,
    space: FeatureSpace,
    pool: ArrayLike,
    *,
    rng: np.random.Generator,
    scores: Ask | None = None,
    several: int = 3,
    norm: Norm = "l1",
    most: float = np.inf,
    max_calls: int = 150,
) -> Counterfactuals:
    """Search for allowed rows with the wanted answer: few inputs changed first, then at little cost, several that differ.

    Counterfactuals are those of Wachter, Mittelstadt and Russell (2017, "Counterfactual explanations without opening the black box"), within
    what a person can do as in Ustun, Spangher and Liu (2019, "Actionable recourse in linear classification"), several for each row as in
    Mothilal, Sharma and Tan (2020, "Explaining machine learning classifiers through diverse counterfactual explanations"). Starts are
    every input alone, over its values; the searches of `auditkit.methods.evasion`; and pool rows with the wanted answer. Of each, inputs
    are put back one at a time and numbers drawn to the original. Where several are wanted, the search goes on without the inputs
    that were used.

    Parameters
    ----------
    ask : callable
        Takes rows (m, d), gives whether each has the wanted answer, (m,).
    X : array (n, d)
        Rows that do not have it; one that has gets no counterfactual.
    space : FeatureSpace
        What may change.
    pool : array (p, d)
        Rows to start from, best training rows.
    rng : numpy.random.Generator
        Source of every draw.
    scores : callable, optional
        Takes rows, gives (m, 2): how far other answers and the wanted one are likely, the larger one being the answer.
    several : int
        Different ones for each row at most; the cheapest of all is kept besides.
    norm : {"l1", "l2", "linf", "l0"}
        How a row's costs are added up.
    most : float
        Largest cost.
    max_calls : int
        Calls to the model at most, at least 5.

    Returns
    -------
    Counterfactuals
        Each is allowed, and the model was asked about it as it is. A row without any may have one that was not found, and a
        change found need not be the least.

    Raises
    ------
    InputError
        If shapes or options do not fit.
    """
    X, pool = as_matrix(X, "X", len(space.names)), as_matrix(pool, "pool", len(space.names))
    if max_calls < FEWEST_CALLS or several < 1 or not most > 0:
        raise InputError(
            f"expected max_calls >= {FEWEST_CALLS}, several >= 1 and most > 0, got {max_calls}, {several} and {most}"
        )
    norm_of(np.zeros((1, 1)), norm)
    model = _Counting(ask, max_calls - 1)  # the last call re-measures
    if not len(X):
        return _selected(model, X, np.zeros(0, dtype=np.intp), X, space, (several, norm, most))
    short = np.flatnonzero(~model.ask(X).astype(bool))
    wanted = _wanted(model, pool, rng)
    at, found = _first(model, X, short, space, wanted, rng, scores, norm, max_calls)
    for done in range(1, several):
        progress.step(done / several, "looking for other ways")
        if model.left <= 2 or not len(wanted):
            break
        used = _used(space, X, at, found)
        more_at, more = _from_pool(model, X, short, space, wanted, norm, used)
        if not len(more_at):
            break
        more = _simpler(model, X[more_at], more, space)
        at, found = np.concatenate([at, more_at]), np.concatenate([found, more])
    return _selected(model, X, at, found, space, (several, norm, most))


@dataclass
class _Counting(Oracle):
    """The model, its calls and the rows it was asked about."""

    asked: int = 0

    def ask(self, rows: Floats) -> NDArray[Any]:
        self.asked += len(rows)
        return super().ask(rows)


def _wanted(model: _Counting, pool: Floats, rng: np.random.Generator) -> Floats:
    if not len(pool):
        return pool
    good = np.flatnonzero(model.ask(pool).astype(bool))
    return pool[np.sort(rng.choice(good, _POOL, replace=False))] if len(good) > _POOL else pool[good]


def _first(
    model: _Counting,
    X: Floats,
    short: Ints,
    space: FeatureSpace,
    wanted: Floats,
    rng: np.random.Generator,
    scores: Ask | None,
    norm: Norm,
    max_calls: int,
) -> tuple[Ints, Floats]:
    """Return the changed rows of every kind of start, made simpler."""
    parts = [_alone(model, X, short, space, wanted)]
    if len(wanted):
        parts.append(_from_pool(model, X, short, space, wanted, norm, None))
    parts += _searched(model, X, short, space, wanted, rng, scores, norm, max_calls // 5)
    at, found = (np.concatenate(one) for one in zip(*parts, strict=True))
    return at, _simpler(model, X[at], found, space)


def _simpler(model: _Counting, X: Floats, rows: Floats, space: FeatureSpace) -> Floats:
    return shrunk(model, X, put_back(model, X, rows, space), space)


def _searched(
    model: _Counting,
    X: Floats,
    short: Ints,
    space: FeatureSpace,
    wanted: Floats,
    rng: np.random.Generator,
    scores: Ask | None,
    norm: Norm,
    each: int,
) -> list[tuple[Ints, Floats]]:
    """Return what the searches of an attacker find, each within its share of the calls."""
    found = []
    start, zeros = X[short], np.zeros(len(short), dtype=np.int64)
    each = min(each, model.left // 3)
    if each >= 5 and len(short):
        got = decision_search(
            lambda rows: model.answer(rows).astype(int), start, zeros, space, wanted, rng=rng, norm=norm, max_calls=each
        )  # fmt: skip
        model.calls, model.asked = model.calls + got.calls, model.asked + int(got.queries.sum()) + len(wanted)
        found.append((short[got.success], got.adversarial[got.success]))
    if scores is not None and each >= 4 and len(short):
        got = feature_search(
            scores, start, zeros, space, _TOGETHER, rng=rng, norm="l0", max_calls=min(each, model.left - 2)
        )
        model.calls, model.asked = model.calls + got.calls, model.asked + int(got.queries.sum())
        found.append(_good(model, X, short[got.success], got.adversarial[got.success], space))
    return found


def _alone(
    model: _Counting, X: Floats, short: Ints, space: FeatureSpace, wanted: Floats
) -> tuple[Ints, Floats]:
    """Try every input alone, over its values; keep for each row and input the nearest value that is enough."""
    tries = [(j, value) for j in np.flatnonzero(space.mutable) for value in _values(space, int(j), wanted, X)]
    at, rows, column = [], [], []
    step = max(1, _AT_ONCE // max(len(short), 1))
    for first in range(0, len(tries), step):
        if model.left <= 2 or not len(short):
            break
        some = tries[first : first + step]
        candidates = np.repeat(X[short][None], len(some), axis=0)
        for place, (j, value) in enumerate(some):
            candidates[place, :, j] = value
        candidates = space.project(X[short], candidates)
        may = space.changed(X[short], candidates).any(axis=-1)
        good = np.zeros(may.shape, dtype=bool)
        if may.any():
            good[may] = model.ask(candidates[may]).astype(bool)
        which, row = np.nonzero(good)
        at.append(short[row])
        rows.append(candidates[which, row])
        column.append(np.array([j for j, _ in some], dtype=np.intp)[which])
    if not at:
        return np.zeros(0, dtype=np.intp), np.zeros((0, X.shape[1]))
    of, found, through = np.concatenate(at), np.concatenate(rows), np.concatenate(column)
    order = np.lexsort([space.distance(X[of], found, "l1"), through, of])
    _, nearest = np.unique(of[order] * X.shape[1] + through[order], return_index=True)
    return of[order][nearest], found[order][nearest]


def _values(space: FeatureSpace, j: int, wanted: Floats, X: Floats) -> list[float]:
    """Return the values one input is tried at: its categories, or the ends of its range and quantiles of rows."""
    if space.categorical[j]:
        return [float(code) for code in range(min(int(space.n_categories[j]), _CODES))]
    known = np.concatenate([wanted[:, j], X[:, j]])
    known = known[np.isfinite(known)]
    ends = [float(end) for end in (space.low[j], space.high[j]) if np.isfinite(end)]
    inner = np.quantile(known, np.linspace(0, 1, _VALUES - 2)).tolist() if known.size else []
    return sorted({*ends, *inner})


def _from_pool(
    model: _Counting,
    X: Floats,
    short: Ints,
    space: FeatureSpace,
    wanted: Floats,
    norm: Norm,
    used: NDArray[np.bool_] | None,
) -> tuple[Ints, Floats]:
    """Start from the nearest wanted rows, moved into what is allowed and without the inputs used."""
    many = min(_STARTS, len(wanted))
    at, rows = [], []
    step = max(1, 2_000_000 // (len(wanted) * X.shape[1]))
    for first in range(0, len(short), step):
        some = short[first : first + step]
        tries = np.repeat(wanted[:, None], len(some), axis=1)
        tries = np.where(np.isnan(tries), X[some], tries)
        if used is not None:
            tries = np.where(used[some], X[some], tries)
        tries = space.project(X[some], tries)
        far = space.distance(X[some], tries, norm)
        nearest = np.argsort(np.where(far > 0, far, np.inf), axis=0, kind="stable")[:many]
        turn = np.broadcast_to(np.arange(len(some)), nearest.shape)
        there = np.take_along_axis(far, nearest, axis=0) > 0
        at.append(some[turn[there]])
        rows.append(tries[nearest[there], turn[there]])
    if not at or model.left <= 0:
        return np.zeros(0, dtype=np.intp), np.zeros((0, X.shape[1]))
    return _good(model, X, np.concatenate(at), np.concatenate(rows), space)


def _good(model: _Counting, X: Floats, at: Ints, rows: Floats, space: FeatureSpace) -> tuple[Ints, Floats]:
    """Return those that are allowed and have the wanted answer; one call."""
    may = ~space.violations(X[at], rows).any(axis=1) & space.changed(X[at], rows).any(axis=1)
    at, rows = at[may], rows[may]
    if not len(at):
        return at, rows
    good = model.ask(rows).astype(bool)
    return at[good], rows[good]


def _used(space: FeatureSpace, X: Floats, at: Ints, found: Floats) -> NDArray[np.bool_]:
    """Return for each row the inputs of its sparsest change, and of every change of one input, (n, d)."""
    used = np.zeros(X.shape, dtype=bool)
    changed = space.changed(X[at], found)
    many = changed.sum(axis=1)
    least = np.full(len(X), X.shape[1] + 1)
    np.minimum.at(least, at, many)
    np.logical_or.at(used, at, changed & (many == least[at])[:, None])
    return used


def _selected(
    model: _Counting, X: Floats, at: Ints, found: Floats, space: FeatureSpace, how: tuple[int, Norm, float]
) -> Counterfactuals:
    """Ask once more about all, and choose for each row the sparsest, the cheapest and others through other inputs."""
    several, norm, most = how
    if len(at):
        at, found = _good(model, X, at, found, space)
    changed = space.changed(X[at], found)
    inputs, cost = changed.sum(axis=1), space.distance(X[at], found, norm)
    order = np.lexsort([cost, inputs, at])
    order = order[cost[order] <= most]
    chosen: list[int] = []
    for own in np.split(order, np.flatnonzero(np.diff(at[order])) + 1):
        chosen += _different(own.tolist(), changed, inputs, cost, several)
    return Counterfactuals(
        at[chosen], found[chosen], inputs[chosen].astype(np.intp), cost[chosen], model.calls, model.asked
    )


def _different(
    own: list[int], changed: NDArray[np.bool_], inputs: Any, cost: Floats, several: int
) -> list[int]:
    """Return the sparsest, others that do without all inputs of one that was taken, and the cheapest; sparsest first."""
    taken: list[int] = []
    for one in own:
        if len(taken) < several and not any((changed[one] | ~changed[other]).all() for other in taken):
            taken.append(one)
    if own:
        cheapest = min(own, key=lambda one: (cost[one], inputs[one]))
        if cost[cheapest] < min(cost[one] for one in taken):
            taken.append(cheapest)
    return sorted(taken, key=lambda one: (inputs[one], cost[one]))
