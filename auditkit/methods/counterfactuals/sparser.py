"""Sparser: a changed row made simpler, input by input, as long as the model gives the wanted answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from auditkit.methods.evasion._oracle import Oracle
    from auditkit.methods.feature_space import FeatureSpace

__all__ = ["put_back", "shrunk"]

Floats = NDArray[np.float64]

_PARTS = 8  # places asked about between the original and the changed number, in one call
_MANY, _BLOCKS = 16, 8  # more inputs than this go back in so many blocks before they go one by one
_ROUNDS = 3  # of dividing what is left; the rest is 1/729 of the way


def put_back(model: Oracle, X: Floats, rows: Floats, space: FeatureSpace) -> Floats:
    """Return rows with every input put back that the wanted answer does not need, the costliest first.

    The sparsity step of Mothilal, Sharma and Tan (2020, "Explaining machine learning classifiers through diverse
    counterfactual explanations"), for categories as well as for numbers: inputs go back one after another, all rows in
    one call; where many were changed, first in blocks.

    Parameters
    ----------
    model : Oracle
        Takes rows (m, d), gives whether each has the wanted answer; one call an input, as long as calls are left.
    X, rows : arrays (m, d)
        The originals, and changed rows that have the wanted answer.
    space : FeatureSpace
        What is allowed; a row that putting back would make break a rule keeps the change.
    """
    kept = rows.copy()
    widest = int(space.changed(X, rows).sum(axis=1).max(initial=0))
    if widest > _MANY:  # several at once, where most will not be needed
        kept = _back(model, X, kept, space, -(-widest // _BLOCKS))
    return _back(model, X, kept, space, 1)


def _back(model: Oracle, X: Floats, rows: Floats, space: FeatureSpace, size: int) -> Floats:
    """Return rows with blocks of so many inputs put back, each block once."""
    kept = rows.copy()
    order = np.argsort(-space.cost(X, rows), axis=1, kind="stable")
    many = space.changed(X, rows).sum(axis=1)
    for place in range(0, int(many.max(initial=0)), size):
        if model.left <= 0:
            break
        at = np.flatnonzero(many > place)
        block = order[at, place : place + size]
        trial = kept[at].copy()
        np.put_along_axis(trial, block, np.take_along_axis(X[at], block, axis=1), axis=1)
        may = _may(space, X[at], trial)
        if may.any():
            there = at[may]
            good = model.ask(trial[may]).astype(bool)
            kept[there[good]] = trial[may][good]
    return kept


def shrunk(model: Oracle, X: Floats, rows: Floats, space: FeatureSpace) -> Floats:
    """Return rows whose changed numbers lie as near the original as the wanted answer lets them, one number after another.

    Least cost among the changes of the same inputs (Wachter, Mittelstadt and Russell 2017), by dividing the way of each number; exact
    up to 1/729 of the way where the answer changes once along it.

    Parameters
    ----------
    model, X, rows, space
        As for `put_back`; three calls a changed number at most.
    """
    kept = rows.copy()
    numbers = ~space.categorical & ~np.isnan(X)
    cost = np.where(space.changed(X, rows) & numbers, space.cost(X, rows), 0.0)
    order = np.argsort(-cost, axis=1, kind="stable")
    many = (cost > 0).sum(axis=1)
    for place in range(int(many.max(initial=0))):
        at = np.flatnonzero(many > place)
        column = order[at, place]
        low = np.zeros(len(at))  # nearest part of the way that was not enough, and least that was
        high = np.ones(len(at))
        whole = kept[at, column]
        for _ in range(_ROUNDS):
            if model.left <= 0:
                return kept
            low, high = _divided(model, X, kept, space, (at, column, whole), (low, high))
    return kept


def _divided(
    model: Oracle,
    X: Floats,
    kept: Floats,
    space: FeatureSpace,
    which: tuple[NDArray[np.intp], NDArray[np.intp], Floats],
    ends: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:
    """Ask about places between two ends of the way of one number of each row; keep the nearest that is enough."""
    (at, column, whole), (low, high) = which, ends
    turn = np.arange(len(at))
    parts = np.arange(1, _PARTS + 1)[:, None] / (_PARTS + 1)
    share = low + parts * (high - low)  # (parts, m), nearest first
    tries = np.repeat(kept[at][None], _PARTS, axis=0)
    start = X[at, column]
    tries[:, turn, column] = start + share * (whole - start)
    tries = space.project(X[at], tries)
    # a rule that is broken puts the whole row back, and a grid may put the number back
    moved = space.changed(X[at], tries)
    may = moved[:, turn, column] & (np.abs(tries - kept[at])[:, turn, column] > 0)
    good = np.zeros(may.shape, dtype=bool)
    if may.any():
        good[may] = model.ask(tries[may]).astype(bool)
    nearer = np.abs(tries[:, turn, column] - start) < np.abs(kept[at, column] - start)
    good &= nearer
    found = good.any(axis=0)
    first = good.argmax(axis=0)
    kept[at[found]] = tries[first[found], turn[found]]
    below = np.where(first > 0, share[np.maximum(first - 1, 0), turn], low)
    return np.where(found, below, share[-1]), np.where(found, share[first, turn], high)


def _may(space: FeatureSpace, X: Floats, rows: Floats) -> NDArray[np.bool_]:
    changed = space.changed(X, rows).any(axis=1)
    return np.asarray(changed & ~space.violations(X, rows).any(axis=1))
