"""Evasion: the smallest allowed change of a row that changes the model's decision, searched for in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit import progress
from auditkit.errors import InputError, did_you_mean
from auditkit.methods._decision import Oracle, Search
from auditkit.methods.feature_space import FeatureSpace, Norm, as_matrix, norm_of

__all__ = ["AttackResult", "decision_search", "linear_minimal_distance", "random_search"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
AskLabels = Callable[[Floats], NDArray[Any]]
AskScores = Callable[[Floats], Floats]

PROPOSALS = 8  # candidates a row has in one call
MARGIN = 1e-9  # relative; keeps float rounding from putting a row outside the radius


@dataclass(frozen=True, eq=False)
class AttackResult:
    """What an attack achieved: an upper bound on each row's distance to a changed decision.

    Parameters
    ----------
    adversarial : array (n, d)
        The changed rows; the original row where nothing was found.
    success : array of bool (n,)
        Whether the model, asked again about the final row, gives another label, and the row is allowed and within
        the radius.
    distance : array (n,)
        Standardised distance of ``adversarial``; ``inf`` where nothing was found, nan where the row did not have
        the reference label to begin with (it was not attacked). Never 0.
    queries : array of int (n,)
        Rows the model was asked about on each row's behalf.
    calls : int
        Calls to the model, the checks before and after included.
    reason : array of str (n,)
        Why a row is no success, empty for successes.
    """

    adversarial: Floats
    success: Bools
    distance: Floats
    queries: NDArray[np.int64]
    calls: int
    reason: NDArray[np.str_]


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
    labels = _labels(y, len(X))
    if max_calls < 5 or proposals < 2 or (radius is not None and not radius > 0):
        raise InputError(
            f"expected max_calls >= 5, proposals >= 2 and radius > 0, got {max_calls}, {proposals} and {radius}"
        )
    norm_of(np.zeros((1, 1)), norm)
    model = Oracle(ask_labels, max_calls - 1)  # the last call re-measures
    search = Search(model, X, labels, space, norm=norm, radius=radius, rng=rng, width=proposals)
    if len(X):
        search.run(pool)
    return _settle(search, radius)


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
    proposals : int
        Candidates of each row in one call.

    Returns
    -------
    AttackResult
        ``distance`` is the "linf" distance of the space, in which a changed category counts 1.

    Raises
    ------
    InputError
        If shapes or options do not fit.
    """
    X = as_matrix(X, "X", len(space.names))
    labels = _labels(y, len(X))
    if max_calls < 3 or proposals < 1 or category_changes < 0 or not radius > 0:
        raise InputError(
            "expected max_calls >= 3, proposals >= 1, category_changes >= 0 and radius > 0, "
            f"got {max_calls}, {proposals}, {category_changes} and {radius}"
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"y: expected the reference class as a column number of the scores, got {labels.dtype}"
        )
    ball = _Ball(space, radius, category_changes)
    model = Oracle(ask_scores, max_calls - 1, axes=2)
    queries = np.ones(len(X), dtype=np.int64)
    best, margin = X.copy(), np.full(len(X), np.inf)
    if len(X):
        margin = _margin(model.ask(X), labels)
    attacked = np.isfinite(margin) & (margin >= 0)
    while model.left:
        rows = np.flatnonzero(attacked & (margin >= 0))
        if not len(rows):
            break
        done = model.calls / max_calls
        progress.step(done, f"random search: {len(rows)} rows left")
        candidates = np.stack([ball.propose(X[rows], best[rows], done, rng, first=model.calls == 1)
                               for _ in range(proposals)])  # fmt: skip
        found = _margin(model.ask(candidates.reshape(-1, X.shape[1])), np.tile(labels[rows], proposals))
        found = found.reshape(proposals, -1)
        queries[rows] += proposals
        winner = found.argmin(axis=0)
        lower = found[winner, np.arange(len(rows))] < margin[rows]
        best[rows[lower]] = candidates[winner, np.arange(len(rows))][lower]
        margin[rows[lower]] = found[winner, np.arange(len(rows))][lower]
    final = np.full(len(X), np.inf)
    if attacked.any():
        final[attacked] = _margin(model.ask(best[attacked]), labels[attacked])
        queries[attacked] += 1
    success = attacked & (final < 0) & ~space.violations(X, best).any(axis=1) & ball.holds(X, best)
    reason = np.where(success, "", np.where(attacked, "nothing found within the radius", "had another label"))
    distance = np.where(success, space.distance(X, best, "linf"), np.where(attacked, np.inf, np.nan))
    return AttackResult(np.where(success[:, None], best, X), success, distance, queries, model.calls, reason)


def linear_minimal_distance(
    coef: ArrayLike,
    intercept: ArrayLike,
    X: ArrayLike,
    norm: Norm = "l2",
    *,
    scale: ArrayLike | None = None,
) -> Floats:
    """Return each row's exact distance to the decision boundary of a linear model, (n,).

    The distance is |w.x + b| over the dual norm of w (Hein and Andriushchenko 2017, arXiv 1705.08475), for more than
    two classes the smallest of it over the other classes.

    Parameters
    ----------
    coef : array (d,), (1, d) or (n_classes, d)
        Weights; one row for two classes.
    intercept : float or array (n_classes,)
        As scikit-learn's ``intercept_``.
    X : array (n, d)
        Rows, all features free to move, without missing values.
    norm : {"l1", "l2", "linf"}
        The norm of the change.
    scale : array (d,), optional
        A feature's standardised unit, as in `FeatureSpace`; 1 by default.

    Returns
    -------
    array (n,)
        Never negative; ``inf`` where no change helps.

    Raises
    ------
    InputError
        If shapes do not fit, or for "l0".

    Examples
    --------
    >>> linear_minimal_distance([3.0, 4.0], 0.0, [[5.0, 0.0]])
    array([3.])
    """
    weights = np.atleast_2d(np.asarray(coef, dtype=float))
    X = as_matrix(X, "X", weights.shape[1])
    offsets = np.broadcast_to(np.asarray(intercept, dtype=float).ravel(), len(weights))
    duals: dict[str, Norm] = {"l1": "linf", "l2": "l2", "linf": "l1"}
    if norm not in duals:
        raise InputError(
            f"the closed form needs norm 'l1', 'l2' or 'linf', got {norm!r}.{did_you_mean(norm, duals)}"
        )
    units = np.ones(X.shape[1]) if scale is None else np.asarray(scale, dtype=float)
    scores = X @ weights.T + offsets
    if len(weights) == 1:
        gaps, slopes = np.abs(scores), np.abs(weights * units)[None]
    else:
        own = scores.argmax(axis=1)
        gaps = scores.max(axis=1, keepdims=True) - scores
        slopes = np.abs((weights[:, None] - weights[None]) * units)[own]
        gaps[np.arange(len(X)), own] = np.inf
    steepness = norm_of(slopes, duals[norm])
    flat = np.broadcast_to(steepness == 0, gaps.shape)
    return np.asarray(np.where(flat, np.inf, gaps / np.where(steepness == 0, 1.0, steepness)).min(axis=1))


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
    )


def _labels(y: ArrayLike, n: int) -> NDArray[Any]:
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise InputError(f"y: expected one reference label for each of {n} rows, got shape {labels.shape}")
    return labels


def _margin(scores: NDArray[Any], y: NDArray[Any]) -> Floats:
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
