"""Decisions: the nearest allowed row with another label, searched for by an attacker who sees labels only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError
from auditkit.methods.evasion._oracle import Oracle
from auditkit.methods.evasion._search import Search
from auditkit.methods.evasion.result import AttackResult, reference_labels
from auditkit.methods.feature_space import FeatureSpace, Norm, as_matrix, norm_of

__all__ = ["decision_search"]

AskLabels = Callable[[NDArray[np.float64]], NDArray[Any]]
PROPOSALS = 8  # candidates a row has in one call


def decision_search(
    ask_labels: AskLabels,
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    pool: ArrayLike,
    *,
    rng: np.random.Generator,
    max_calls: int = 200,
    radius: float | None = None,
    norm: Norm = "l2",
    proposals: int = PROPOSALS,
    goal: float | None = None,
    narrow: int | None = None,
    patience: int | None = None,
    tolerance: float = 0.02,
) -> AttackResult:
    """Search for the nearest allowed row with another label, seeing labels only.

    Every step asks the model once, about a few candidates of every row together. Starts are pool rows of another
    label, projected into each row's allowed set. Features are then reverted and bisected towards the original, most
    expensive first (the pointwise attack of Schott et al. 2019, arXiv 1805.09190), each feature is tried alone, and
    the boundary is walked with random feature subsets (Brendel et al. 2018, arXiv 1712.04248).

    Parameters
    ----------
    ask_labels : callable
        Takes rows (m, d), gives labels (m,).
    X : array (n, d)
        Rows to attack; categories as codes, missing as nan.
    y : array (n,)
        The reference labels. Give the model's own predictions to attack every row. Given true labels, rows that are
        already misclassified are not attacked: they come back without success, at distance nan.
    space : FeatureSpace
        What may change.
    pool : array (p, d)
        Rows to start from, best from training data.
    rng : numpy.random.Generator
        Source of every draw.
    max_calls : int
        Calls to the model at most, at least 5.
    radius : float, optional
        With a radius a row is left alone once it is within; ``distance`` is then not the smallest that could be found.
    norm : {"l1", "l2", "linf", "l0"}
        How a row's costs are added up.
    proposals : int
        Candidates of each row in one call.
    goal : float, optional
        Distance within which a flip counts for ``first``; the radius when left out.
    narrow : int, optional
        Candidates of each row in one call of the steps that follow one line or one feature, from 2 to ``proposals``, which
        it is when left out. The walk's lines then halve what is left of the way in place of dividing it evenly.
    patience : int, optional
        Queries of the walk after which a row rests whose distance has not fallen by more than ``tolerance``; what it has not
        asked is not spent, so that ``max_calls`` and ``proposals`` are the most it may cost. No row rests when left out.
    tolerance : float
        Share of its distance, from 0 to below 1, by which a row must have come nearer within ``patience`` queries.

    Returns
    -------
    AttackResult
        A failed search says that this search found nothing, not that nothing is there. The first call asks about
        ``X``, the second about ``pool``; the pool's rows are in no row's ``queries``.

    Raises
    ------
    InputError
        If shapes or options do not fit.

    Notes
    -----
    Memory is near 20 x ``proposals`` x n x d floats: sample rows before attacking a large table.
    """
    X = as_matrix(X, "X", len(space.names))
    pool = as_matrix(pool, "pool", len(space.names))
    labels = reference_labels(y, len(X))
    if max_calls < 5 or proposals < 2 or (radius is not None and not radius > 0):
        raise InputError(
            f"expected max_calls >= 5, proposals >= 2 and radius > 0, got {max_calls}, {proposals} and {radius}"
        )
    if (
        not (narrow is None or 2 <= narrow <= proposals)
        or not (patience is None or patience >= 1)
        or not 0 <= tolerance < 1
    ):
        raise InputError(
            f"expected narrow from 2 to proposals ({proposals}), patience >= 1 and tolerance from 0 to below 1, got {narrow}, {patience} "
            f"and {tolerance}"
        )
    norm_of(np.zeros((1, 1)), norm)
    model = Oracle(ask_labels, max_calls - 1)  # the last call re-measures
    goal = radius if goal is None else goal
    search = Search(
        model, X, labels, space, norm=norm, radius=radius, rng=rng, width=proposals,
        goal=np.inf if goal is None else goal, narrow=narrow, patience=patience, tolerance=tolerance,
    )  # fmt: skip
    if len(X):
        search.run(pool)
    return _settle(search, radius)


def _settle(search: Search, radius: float | None) -> AttackResult:
    """Ask about the final rows once more, and say of each what became of it."""
    X, found = search.X, np.isfinite(search.distance)
    hit = np.zeros(len(X), dtype=bool)
    if found.any():
        hit[found] = search.model.ask(search.best[found]) != search.y[found]
        search.queries[found] += 1
    valid = found & hit & ~search.space.violations(X, search.best).any(axis=1)
    distance = search.space.distance(X, search.best, search.norm)
    near = valid & (distance <= (np.inf if radius is None else radius))
    reason = np.select(
        [near, valid, found, search.attacked],
        ["", "found beyond the radius only", "the model did not repeat its answer", "nothing found"],
        "had another label",
    )
    return AttackResult(
        adversarial=np.where(valid[:, None], search.best, X),
        success=near,
        distance=np.where(valid, distance, np.where(search.attacked, np.inf, np.nan)),
        queries=search.queries,
        calls=search.model.calls,
        reason=reason,
        first=search.first,
    )
