"""Edge: rows drawn at the edge of the allowed ball, by an attacker who sees labels only and takes the largest steps there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit import progress
from auditkit.errors import InputError
from auditkit.methods.evasion._oracle import Oracle
from auditkit.methods.evasion._settled import settled
from auditkit.methods.evasion.result import AttackResult, reference_labels
from auditkit.methods.feature_space import FeatureSpace, Norm, as_matrix, norm_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["edge_rows", "edge_search"]

Floats = NDArray[np.float64]

_MARGIN = 1e-9  # relative; keeps float rounding from putting a row outside the radius


def edge_search(
    ask_labels: Callable[[Floats], NDArray[Any]],
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    radius: float,
    *,
    norm: Norm = "l2",
    rng: np.random.Generator,
    max_calls: int = 50,
    proposals: int = 8,
) -> AttackResult:
    """Draw rows at a distance of `radius` until one has another label.

    No answer steers the draws, so that a model whose scores or labels do not move under small changes hides nothing from them: what
    masks the slope alone shows here (Athalye, Carlini and Wagner 2018, "Obfuscated gradients give a false sense of security",
    arXiv 1802.00420). Changes go through one column, a few, or all.

    Parameters
    ----------
    ask_labels : callable
        Takes rows (m, d), gives a label each.
    X, y, space, norm, rng, proposals
        As for `decision_search`.
    radius : float
        Size of the change, in standardised units.
    max_calls : int
        Calls to the model at most, at least 3.

    Returns
    -------
    AttackResult
        ``distance`` is that of the row found, not the smallest.

    Raises
    ------
    InputError
        If shapes or options do not fit.
    """
    X = as_matrix(X, "X", len(space.names))
    labels = reference_labels(y, len(X))
    if max_calls < 3 or proposals < 1 or not radius > 0:
        raise InputError(
            f"expected max_calls >= 3, proposals >= 1 and radius > 0, got {max_calls}, {proposals} and {radius}"
        )
    norm_of(np.zeros((1, 1)), norm)
    model = Oracle(ask_labels, max_calls - 1)  # the last call re-measures
    attacked = np.zeros(len(X), dtype=bool)
    if len(X):
        attacked = np.asarray(model.ask(X) == labels)
    best, queries, left = X.copy(), np.ones(len(X), dtype=np.int64), attacked.copy()
    while model.left and left.any():
        rows = np.flatnonzero(left)
        progress.step(model.calls / max_calls, f"search at the edge: {len(rows)} rows left")
        tiled = np.tile(X[rows], (proposals, 1))
        drawn = edge_rows(tiled, space, radius, norm, rng)
        hit = (model.ask(drawn) != np.tile(labels[rows], proposals)) & space.changed(tiled, drawn).any(axis=1)
        hit = hit.reshape(proposals, -1)
        queries[rows] += proposals
        found = hit.any(axis=0)
        best[rows[found]] = drawn.reshape(proposals, len(rows), -1)[hit.argmax(axis=0), np.arange(len(rows))][
            found
        ]
        left[rows[found]] = False
    tried = attacked & ~left
    again = space.distance(X, best, norm) <= radius
    if tried.any():
        again[tried] &= model.ask(best[tried]) != labels[tried]
        queries[tried] += 1
    return settled(
        X, best, attacked, tried, again, space, norm,
        missed="nothing found at the radius", queries=queries, calls=model.calls,
    )  # fmt: skip


def edge_rows(X: Floats, space: FeatureSpace, radius: float, norm: Norm, rng: np.random.Generator) -> Floats:
    """Return one allowed row each, drawn as far away as the radius goes; a row whose draw ended beyond it comes back unchanged.

    Parameters
    ----------
    X : array (n, d)
        Rows.
    space : FeatureSpace
        What may change.
    radius : float
        Size of the change, in standardised units.
    norm : {"l1", "l2", "linf", "l0"}
        How a row's costs are added up.
    rng : numpy.random.Generator
        Source of every draw.

    References
    ----------
    Draws that no answer steers: Athalye, Carlini and Wagner 2018, as in `edge_search`.
    """
    n, d = X.shape
    share = rng.choice([1.0 / d, min(1.0, 3.0 / d), 0.5, 1.0], size=(n, 1))
    chosen = (rng.random((n, d)) < share) & space.mutable
    chosen[np.arange(n), rng.choice(np.flatnonzero(space.mutable), size=n) if space.mutable.any() else 0] = (
        True
    )
    coded, numbers = chosen & space.categorical, chosen & ~space.categorical
    if norm == "l0":  # as many columns as the radius counts
        order = np.where(chosen, rng.random((n, d)), 2.0).argsort(axis=1).argsort(axis=1)
        keep = chosen & (order < int(radius))
        coded, numbers = coded & keep, numbers & keep
    elif norm != "linf":  # at most one category: it takes its cost off what is left for numbers
        first = np.where(coded, rng.random((n, d)), 2.0).argmin(axis=1)
        coded &= np.arange(d) == first[:, None]
    coded &= (space.category_cost <= radius) | (norm == "l0")
    spent = np.where(coded, space.category_cost, 0.0)
    left = {
        "l1": np.maximum(radius - spent.sum(axis=1), 0),
        "l2": np.sqrt(np.maximum(radius**2 - np.square(spent).sum(axis=1), 0)),
    }.get(norm, np.full(n, radius))
    sign = rng.choice([-1.0, 1.0], size=(n, d))
    way = np.where(space.direction != 0, space.direction, sign)
    size = np.where(rng.random((n, 1)) < 0.5, 1.0, rng.random((n, d))) * numbers
    if norm == "l0":  # a changed number may go anywhere in its range
        low, high = (np.where(np.isfinite(end), end, X) for end in (space.low, space.high))
        moved = np.where(numbers, low + (high - low) * rng.random((n, d)), X)
    else:
        length = norm_of(size, norm)[:, None]
        unit = np.divide(size, length, out=np.zeros_like(size), where=length > 0)
        step = unit * (left * (1 - _MARGIN))[:, None] * space.scale
        whole = np.where(space.step > 0, space.step, 1.0)
        step = np.where(space.step > 0, np.floor(step / whole + 1e-9) * whole, step)  # never rounded outwards
        moved = np.where(numbers, X + way * step, X)
    codes = np.floor(rng.random((n, d)) * np.maximum(space.n_categories, 1))
    drawn = space.project(X, np.where(coded, codes, moved))
    return np.where((space.distance(X, drawn, norm) <= radius)[:, None], drawn, X)
