"""Partway: what a change looks like that is not made in full, at so much of its distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError
from auditkit.methods.feature_space import FeatureSpace, Norm, as_matrix

__all__ = ["partway"]

Floats = NDArray[np.float64]
_ROUNDING = 1e-9


def partway(
    original: ArrayLike, changed: ArrayLike, space: FeatureSpace, share: float, *, norm: Norm = "l2"
) -> Floats:
    """Return rows on the way from originals to changed rows, no farther than a share of the whole distance.

    Numbers go that share of their way, rounded towards the original where they lie on a grid. What cannot be done by halves (a
    category, a missing value filled in, any column where columns are counted) is done whole as soon as it fits, cheapest first. A row
    that would break a rule between columns stays where it was.

    Parameters
    ----------
    original, changed : array (n, d)
        The rows, and what an attack made of them.
    space : FeatureSpace
        What may change.
    share : float
        How much of each row's distance, from 0 to 1; at 1 the changed rows come back.
    norm : {"l1", "l2", "linf", "l0"}
        How a row's costs are added up.

    Raises
    ------
    InputError
        If the share is not from 0 to 1.

    Examples
    --------
    >>> space = FeatureSpace.infer([[0, 0], [10, 8]], ["continuous", "integer"], ["a", "b"])
    >>> partway([[0, 0]], [[10, 5]], space, 0.5, norm="linf")
    array([[5., 2.]])
    """
    if not 0 <= share <= 1:
        raise InputError(f"share: expected a part of the way from 0 to 1, got {share!r}")
    before = as_matrix(original, "original", len(space.names))
    after = as_matrix(changed, "changed", len(space.names))
    if share == 1:
        return after.copy()
    budget = share * space.distance(before, after, norm) * (1 + _ROUNDING)
    whole = np.isnan(before) | np.isnan(after) | space.categorical | (norm == "l0")
    rows = _slid(before, np.where(whole, before, after), space, share)
    jumps = space.changed(before, after) & whole
    price = np.where(jumps, space.cost(before, after), np.inf)
    order = np.argsort(price, axis=1, kind="stable")
    every = np.arange(len(before))
    for place in range(int(jumps.sum(axis=1).max(initial=0))):
        column = order[:, place]
        tried = rows.copy()
        tried[every, column] = after[every, column]
        fits = jumps[every, column] & (space.distance(before, tried, norm) <= budget)
        rows[fits] = tried[fits]
    return space.project(before, rows)


def _slid(before: Floats, after: Floats, space: FeatureSpace, share: float) -> Floats:
    """Return numbers moved a share of their way, and not farther by rounding."""
    with np.errstate(invalid="ignore"):
        way = after - before
        rows = space.project(before, np.where(way == 0, before, before + share * way))
        far = np.abs(rows - before) > share * np.abs(way) * (1 + _ROUNDING)
        back = rows - np.sign(way) * space.step
        return np.where(far, np.where((back - before) * np.sign(way) > 0, back, before), rows)
