"""Scores: a row with another label within a radius, searched for by an attacker who sees scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit import progress
from auditkit.errors import InputError
from auditkit.methods.evasion._oracle import Oracle
from auditkit.methods.evasion._settled import settled
from auditkit.methods.evasion.result import AttackResult, reference_columns
from auditkit.methods.feature_space import FeatureSpace, as_matrix

__all__ = ["margin", "random_search"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
AskScores = Callable[[Floats], Floats]

PROPOSALS = 8  # candidates a row has in one call
MARGIN = 1e-9  # relative; keeps float rounding from putting a row outside the radius


def random_search(
    ask_scores: AskScores,
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    radius: float,
    *,
    rng: np.random.Generator,
    max_calls: int = 200,
    category_changes: int = 0,
    category_radius: float = np.inf,
    proposals: int = PROPOSALS,
) -> AttackResult:
    """Search by scores for a row with another label within an L-infinity radius.

    The Square Attack of Andriushchenko et al. 2020 (arXiv 1912.00049) for tables: random feature subsets are set to
    plus or minus the radius, fewer features as the search goes on, and what lowers the margin is kept. Missing cells
    stay missing.

    Parameters
    ----------
    ask_scores : callable
        Takes rows (m, d), gives one score a class, (m, n_classes); the label is the largest.
    X : array (n, d)
        Rows to attack.
    y : array of int (n,)
        The reference class of each row, as a column of the scores. Rows that have another label already are not
        attacked, see `decision_search`.
    space : FeatureSpace
        What may change.
    radius : float
        Largest change of a number, in standardised units.
    rng : numpy.random.Generator
        Source of every draw.
    max_calls : int
        Calls to the model at most, at least 3.
    category_changes : int
        How many categories of a row may change, apart from the radius.
    category_radius : float
        Largest cost of a changed category; those that cost more stay.
    proposals : int
        Candidates of each row in one call.

    Returns
    -------
    AttackResult
        ``distance`` is the "linf" distance of the space, in which a changed category counts its cost.

    Raises
    ------
    InputError
        If shapes or options do not fit.
    """
    X = as_matrix(X, "X", len(space.names))
    labels = reference_columns(y, len(X))
    if max_calls < 3 or proposals < 1 or category_changes < 0 or not radius > 0:
        raise InputError(
            "expected max_calls >= 3, proposals >= 1, category_changes >= 0 and radius > 0, "
            f"got {max_calls}, {proposals}, {category_changes} and {radius}"
        )
    dear = space.categorical & (space.category_cost > category_radius)
    if dear.any():
        space = replace(space, mutable=space.mutable & ~dear)
    ball = _Ball(space, radius, category_changes)
    model = Oracle(ask_scores, max_calls - 1, axes=2)
    queries, first = np.ones(len(X), dtype=np.int64), np.full(len(X), np.inf)
    best, lowest = X.copy(), np.full(len(X), np.inf)
    if len(X):
        lowest = margin(model.ask(X), labels)
    attacked = np.isfinite(lowest) & (lowest >= 0)
    while model.left:
        rows = np.flatnonzero(attacked & (lowest >= 0))
        if not len(rows):
            break
        done = model.calls / max_calls
        progress.step(done, f"random search: {len(rows)} rows left")
        candidates = np.stack([ball.propose(X[rows], best[rows], done, rng, first=model.calls == 1)
                               for _ in range(proposals)])  # fmt: skip
        found = margin(model.ask(candidates.reshape(-1, X.shape[1])), np.tile(labels[rows], proposals))
        found = found.reshape(proposals, -1)
        queries[rows] += proposals
        winner = found.argmin(axis=0)
        lower = found[winner, np.arange(len(rows))] < lowest[rows]
        best[rows[lower]] = candidates[winner, np.arange(len(rows))][lower]
        lowest[rows[lower]] = found[winner, np.arange(len(rows))][lower]
        first[rows[lowest[rows] < 0]] = queries[rows[lowest[rows] < 0]]
    again = ball.holds(X, best)
    if attacked.any():
        again[attacked] &= margin(model.ask(best[attacked]), labels[attacked]) < 0
        queries[attacked] += 1
    return settled(
        X, best, attacked, attacked & (lowest < 0), again, space, "linf",
        missed="nothing found within the radius", queries=queries, calls=model.calls, first=first,
    )  # fmt: skip


def margin(scores: NDArray[Any], y: NDArray[Any]) -> Floats:
    """Return the score of the reference class less the best other, (n,); below 0 is another label."""
    if np.isnan(scores).any():
        raise InputError("the model gave nan scores; expected numbers for every row")
    if scores.shape[1] < 2 or (len(y) and not 0 <= y.min() <= y.max() < scores.shape[1]):
        raise InputError(
            f"expected scores (rows, classes) with a column for each reference class, got shape {scores.shape}"
        )
    others = np.array(scores, dtype=float)
    own = others[np.arange(len(y)), y]
    others[np.arange(len(y)), y] = -np.inf
    return np.asarray(own - others.max(axis=1))


@dataclass
class _Ball:
    """The rows within a radius of the original, and draws from among them."""

    space: FeatureSpace
    radius: float
    categories: int

    def holds(self, X: Floats, rows: Floats) -> Bools:
        cost, coded = self.space.cost(X, rows), self.space.categorical
        return np.asarray(
            (cost[:, ~coded] <= self.radius).all(axis=1)
            & ((cost[:, coded] > 0).sum(axis=1) <= self.categories)
        )

    def into(self, X: Floats, rows: Floats) -> Floats:
        """Project into the space; a number rounded out of the radius takes a step back, or returns to the original."""
        coded = self.space.categorical
        moved = self.space.project(X, rows)
        for _ in range(2):
            over = (self.space.cost(X, moved) > self.radius) & ~coded
            back = np.where(self.space.step > 0, moved - np.sign(moved - X) * self.space.step, X)
            moved = self.space.project(X, np.where(over, back, moved))
        over = (self.space.cost(X, moved) > self.radius) & ~coded
        return self.space.project(X, np.where(over | np.isnan(X), X, moved))

    def propose(
        self, X: Floats, best: Floats, done: float, rng: np.random.Generator, *, first: bool
    ) -> Floats:
        """Return one candidate a row: a random subset of its cells set anew, a smaller one the further it is."""
        shape, coded = X.shape, self.space.categorical
        share = 1.0 if first else max(0.5 * (1 - done) ** 2, 1.0 / shape[1])
        chosen = rng.random(shape) < share
        chosen[np.arange(len(X)), rng.integers(shape[1], size=len(X))] = True
        pull = rng.choice([-1.0, 1.0], size=shape) * np.where(
            rng.random(shape) < 0.75, 1.0, rng.random(shape)
        )
        numbers = X + pull * self.radius * (1 - MARGIN) * self.space.scale
        codes = np.floor(rng.random(shape) * np.maximum(self.space.n_categories, 1))
        drawn = np.where(chosen, np.where(coded, codes, numbers), best)
        order = (
            np.where(coded & self.space.changed(X, drawn), rng.random(shape), 2.0)
            .argsort(axis=1)
            .argsort(axis=1)
        )
        return self.into(X, np.where(coded & (order >= self.categories), X, drawn))
