"""Steps: projected gradient steps within the ball, by an attacker who is given slopes of a loss, whatever they are slopes of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit import progress
from auditkit.errors import InputError
from auditkit.methods.evasion._oracle import Oracle
from auditkit.methods.evasion.result import AttackResult, reference_labels
from auditkit.methods.feature_space import FeatureSpace, Norm, as_matrix, norm_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["gradient_steps"]

Floats = NDArray[np.float64]

_MARGIN = 1e-9  # relative; keeps float rounding from putting a row outside the radius
_STEPS = 20  # of one start, or as many as the budget has


def gradient_steps(
    ask_labels: Callable[[Floats], NDArray[Any]],
    slopes: Callable[[Floats, NDArray[np.intp], NDArray[Any]], Floats],
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    radius: float,
    *,
    norm: Norm = "l2",
    targets: ArrayLike | None = None,
    rng: np.random.Generator,
    max_calls: int = 100,
) -> AttackResult:
    """Follow the slopes of a loss within the ball, first from the row itself, then from random starts.

    Projected gradient descent (Madry et al. 2018, arXiv 1706.06083). The slopes may be those of a stand-in: of a step that has
    none passed over, or of a random answer averaged over its draws (Athalye, Carlini and Wagner 2018, arXiv 1802.00420), so that
    a defence is attacked through itself. Categories stay.

    Parameters
    ----------
    ask_labels : callable
        Takes rows (m, d), gives a label each.
    slopes : callable
        Takes rows (m, d), which of `X` they are, (m,), and labels, (m,); gives the slopes of the loss of these labels by the cells,
        (m, d).
    X : array (n, d)
        Rows to attack.
    y : array (n,)
        The labels to get away from. Rows that have another label already are not attacked, see `decision_search`.
    space : FeatureSpace
        What may change.
    radius : float
        Largest change, in standardised units.
    norm : {"l1", "l2", "linf"}
        How a row's costs are added up. For "l1" a step goes along the steepest column.
    targets : array (n, k), optional
        Other labels of each row, the likeliest first: every second start goes down the loss of one of them, in turn, instead of up that of
        `y` (Kurakin, Goodfellow and Bengio 2017, arXiv 1611.01236).
    rng : numpy.random.Generator
        Of the starts.
    max_calls : int
        Calls at most, labels and slopes counted alike, at least 5.

    Returns
    -------
    AttackResult
        ``distance`` is that of the row found, not the smallest.

    Raises
    ------
    InputError
        If shapes or options do not fit, or for "l0".
    """
    X = as_matrix(X, "X", len(space.names))
    labels = reference_labels(y, len(X))
    others = labels[:, None] if targets is None else np.asarray(targets)
    if others.ndim != 2 or len(others) != len(X) or not others.shape[1]:
        raise InputError(f"targets: expected labels for each of {len(X)} rows, got shape {others.shape}")
    if max_calls < 5 or not radius > 0 or norm not in ("l1", "l2", "linf"):
        raise InputError(
            f"expected max_calls >= 5, radius > 0 and norm 'l1', 'l2' or 'linf'; got {max_calls}, {radius}, {norm!r}"
        )
    model = Oracle(ask_labels, max_calls - 1)  # the last call re-measures
    attacked = np.zeros(len(X), dtype=bool)
    if len(X):
        attacked = np.asarray(model.ask(X) == labels)
    free = space.mutable & ~space.categorical & np.isfinite(X)
    best, queries, left = X.copy(), np.ones(len(X), dtype=np.int64), attacked.copy()
    u, turn, steps = np.zeros_like(X), 0, max(1, min(_STEPS, model.left // 2))
    while model.left >= 2 and left.any():
        rows = np.flatnonzero(left)
        if turn % steps == 0 and turn:
            u[rows] = _held(rng.uniform(-1, 1, size=(len(rows), X.shape[1])) * free[rows], norm)
        progress.step(model.calls / max_calls, f"gradient steps: {len(rows)} rows left")
        model.calls += 1
        start = turn // steps
        down = targets is not None and start % 2 == 1
        named = others[rows, start // 2 % others.shape[1]] if down else labels[rows]
        slope = (
            np.nan_to_num(slopes(_moved(X[rows], u[rows], space, radius, norm), rows, named)) * space.scale
        )
        slope = -slope if down else slope
        u[rows] = _held(u[rows] + 2.5 / steps * _steepest(np.where(free[rows], slope, 0.0), norm), norm)
        now = _moved(X[rows], u[rows], space, radius, norm)
        hit = (model.ask(now) != labels[rows]) & space.changed(X[rows], now).any(axis=1)
        queries[rows] += 2
        best[rows[hit]], left[rows[hit]] = now[hit], False
        turn += 1
    tried = attacked & ~left
    success = np.zeros(len(X), dtype=bool)
    if tried.any():
        success[tried] = model.ask(best[tried]) != labels[tried]
        queries[tried] += 1
    length = space.distance(X, best, norm)
    success &= ~space.violations(X, best).any(axis=1) & (length <= radius)
    reason = np.where(success, "", np.where(attacked, "nothing found within the radius", "had another label"))
    distance = np.where(success, length, np.where(attacked, np.inf, np.nan))
    return AttackResult(np.where(success[:, None], best, X), success, distance, queries, model.calls, reason)


def _moved(X: Floats, u: Floats, space: FeatureSpace, radius: float, norm: Norm) -> Floats:
    """Return the allowed rows nearest to where the steps are, (m, d); numbers on a grid are rounded towards the original if need be."""
    change = u * radius * (1 - _MARGIN) * space.scale
    there = space.project(X, X + change)
    far = space.distance(X, there, norm) > radius
    if far.any():
        grid = np.where(space.step > 0, space.step, 1.0)
        inwards = np.where(space.step > 0, np.trunc(change / grid) * grid, change)
        there[far] = space.project(X[far], X[far] + inwards[far])
        still = space.distance(X, there, norm) > radius
        there[still] = X[still]
    return there


def _steepest(slope: Floats, norm: Norm) -> Floats:
    """Return the direction of unit length along which a loss rises most, (m, d)."""
    if norm == "linf":
        return np.sign(slope)
    if norm == "l1":
        top = np.abs(slope).argmax(axis=1)
        return np.where(np.arange(slope.shape[1]) == top[:, None], np.sign(slope), 0.0)
    length = norm_of(np.abs(slope), "l2")[:, None]
    return np.divide(slope, length, out=np.zeros_like(slope), where=length > 0)


def _held(u: Floats, norm: Norm) -> Floats:
    """Return points of the unit ball, (m, d): the nearest, for "l1" the one on the way to the middle."""
    if norm == "linf":
        return np.clip(u, -1.0, 1.0)
    return u / np.maximum(norm_of(np.abs(u), norm)[:, None], 1.0)
