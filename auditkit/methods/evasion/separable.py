"""Separable: bounds on the minimal change for models whose score is a sum of one term a feature, within what a space allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError
from auditkit.methods.evasion.result import reference_labels
from auditkit.methods.evasion.trees.distance import MinimalDistance
from auditkit.methods.feature_space import FeatureSpace, Norm, as_matrix, norm_of

if TYPE_CHECKING:
    from auditkit.methods.evasion.additive import AdditiveScore

__all__ = ["additive_minimal_distance"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
AskLabels = Callable[[Floats], NDArray[Any]]
ROUNDING = 1e-9  # relative; a lower bound is that much lower, a change that much larger


@dataclass(frozen=True, eq=False)
class _Moves:
    """What each feature can do against the margin of each row to one class: slide at a rate up to a cap, or jump at a price.

    Attributes
    ----------
    rate, cap : array (n, d)
        Margin lost for each unit of cost, and the most units.
    gain, price : array (n, d)
        Margin lost by the best jump, and its cost; 0 and 1 where there is none.
    to : array (n, d)
        Where the jump leads.
    """

    rate: Floats
    cap: Floats
    gain: Floats
    price: Floats
    to: Floats


def additive_minimal_distance(
    score: AdditiveScore,
    margins: ArrayLike,
    ask_labels: AskLabels,
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    *,
    norm: Norm = "l2",
) -> MinimalDistance:
    """Return bounds on each row's minimal change to another label of an additive model, such as a linear one.

    Numbers that move within a box make a fractional knapsack: for "l1" the steepest first, for "linf" all at once, for "l2" the
    projection on a half-space cut with a box, for "l0" the largest gains first. These are exact (Dantzig 1957 for "l1"; Hein and
    Andriushchenko 2017, arXiv 1705.08475, without the box). Categories and grids are let take part in fractions, which gives a lower bound; they are then
    rounded, and the model is asked, which gives an upper one.

    Parameters
    ----------
    score : AdditiveScore
        The model.
    margins : array (n, k)
        Its score of each class for each row.
    ask_labels : callable
        The model: takes rows (m, d), gives classes as columns of the scores (m,).
    X : array (n, d)
        Rows.
    y : array of int (n,)
        The reference class of each. Rows to which the model gives another are left out.
    space : FeatureSpace
        What may change.
    norm : {"l1", "l2", "linf", "l0"}
        The norm of the change.

    Returns
    -------
    MinimalDistance
        ``proved`` where the bounds differ by rounding only. Lower bounds leave out cross-feature rules.

    Raises
    ------
    InputError
        If shapes do not fit.
    """
    X = as_matrix(X, "X", len(space.names))
    labels, given = reference_labels(y, len(X)), np.asarray(margins, dtype=float)
    norm_of(np.zeros((1, 1)), norm)
    if given.shape != (len(X), score.slope.shape[1]):
        raise InputError(f"margins: expected the score of each class for each row, got shape {given.shape}")
    n, classes = given.shape
    calls = 1 if n else 0
    here = np.asarray(ask_labels(X)) == labels if n else np.zeros(0, dtype=bool)
    lower, upper, best = np.full(n, np.inf), np.full(n, np.inf), X.copy()
    rows = np.arange(n)
    for other in range(classes):
        at = here & (labels != other)
        if not at.any():
            continue
        need = np.where(at, given[rows, labels.astype(int)] - given[:, other], np.inf)
        moves = _moves(score, X, labels.astype(int), other, space)
        # two margins, each off by that much
        bound, _, _ = _least(moves, np.maximum(need - 2 * score.error, 0.0), norm)
        _, slide, jump = _least(moves, np.maximum(need + 2 * score.error, 0.0), norm)
        lower = np.where(at, np.minimum(lower, bound), lower)
        tried = space.project(X, _applied(moves, X, slide, jump, score, labels.astype(int), other, space))
        length = space.distance(X, tried, norm)
        worth = at & np.isfinite(bound) & (length > 0) & (length < upper)
        if worth.any():
            calls += 1
            flipped = worth.copy()
            flipped[worth] = np.asarray(ask_labels(tried[worth])) != labels[worth]
            best[flipped], upper[flipped] = tried[flipped], length[flipped]
    lower = np.where(here, np.minimum(lower, _filled_in(score, X, space, norm)) * (1 - ROUNDING), np.nan)
    upper = np.where(here, upper, np.nan)
    near = np.isinf(lower) | (upper <= lower * (1 + 1e-6) + 1e-12)
    how = np.where(near, "closed form", "between a relaxation and its rounding")
    return MinimalDistance(
        np.fmin(lower, upper), upper, best, here & near, np.where(here, how, "had another label"), calls
    )


def _filled_in(score: AdditiveScore, X: Floats, space: FeatureSpace, norm: Norm) -> Floats:
    """Return the least that filling in a number of a range without an end costs a row, (n,): it can do anything to the score."""
    endless = np.isinf(space.low) | np.isinf(space.high)
    works = space.mutable & endless & ~space.categorical & (np.ptp(score.slope, axis=1) > 0)
    cost = np.ones(len(works)) if norm == "l0" else np.asarray(space.category_cost, dtype=float)
    return np.asarray(np.where(np.isnan(X) & works, cost, np.inf).min(axis=1, initial=np.inf))


def _moves(score: AdditiveScore, X: Floats, y: NDArray[np.intp], other: int, space: FeatureSpace) -> _Moves:
    """Return what each feature of each row can do against its class and for the other."""
    n, d = X.shape
    rows = np.arange(n)
    fall = score.slope[:, [other]] - score.slope  # what one unit adds to the other class over each
    per_unit = fall[:, y].T * space.scale
    up = per_unit > 0
    missing = np.isnan(X)
    with np.errstate(invalid="ignore"):
        room = np.where(up, np.maximum(space.high, X) - X, X - np.minimum(space.low, X)) / space.scale
        # a row beyond the range may only come back into it, and passes what lies between
        way = np.where(up, space.direction >= 0, space.direction <= 0)
    free = space.mutable & way & ~missing & ~space.categorical
    cap = np.where(free, np.maximum(room, 0.0), 0.0)
    gain, to = np.zeros((n, d)), X.copy()
    price = np.broadcast_to(space.category_cost, (n, d)).copy()
    for j, table in enumerate(score.tables):
        if not space.mutable[j]:
            continue
        if table is not None:
            known = table[: int(space.n_categories[j])]
            value = known[:, [other]] - known  # (codes, k)
            own = np.where(missing[:, j], len(table) - 1, np.nan_to_num(X[:, j])).astype(int)
            now = table[own, other] - table[own, y]
            each = value[:, y].T - now[:, None]
            best = each.argmax(axis=1)
            gain[:, j], to[:, j] = np.maximum(each[rows, best], 0.0), best
        elif missing[:, j].any() and space.direction[j] == 0:
            ends = score.filled[j][:, [other]] - score.filled[j]
            each = ends[:, y].T
            best = each.argmax(axis=1)
            jump = np.where(missing[:, j], np.maximum(each[rows, best], 0.0), 0.0)
            gain[:, j] = np.nan_to_num(jump)
            to[:, j] = np.where(missing[:, j], np.array([space.low[j], space.high[j]])[best], X[:, j])
    return _Moves(np.where(free, np.abs(per_unit), 0.0), cap, gain, price, to)


def _least(moves: _Moves, need: Floats, norm: Norm) -> tuple[Floats, Floats, Floats]:
    """Return the least distance at which the need is met, jumps taken in part, and the slides (in units) and jumps (in parts)."""
    reach = (_most(moves) + moves.gain).sum(axis=1)
    possible = reach >= need * (1 - ROUNDING)
    wanted = np.where(np.isfinite(need), np.minimum(need, reach), 0.0)
    solve = {"l1": _by_rate, "l2": _by_projection, "linf": _by_level, "l0": _by_gain}[norm]
    slide, jump, length = solve(moves, wanted)
    return np.where(possible, length, np.inf), slide, jump


def _most(moves: _Moves) -> Floats:
    """Return the margin that each slide can take away, (n, d)."""
    ends = np.isfinite(moves.cap)
    size = np.where(ends, moves.rate * np.where(ends, moves.cap, 0.0), 1e300)
    return np.where(moves.rate > 0, size, 0.0)


def _by_gain(moves: _Moves, need: Floats) -> tuple[Floats, Floats, Floats]:
    total = _most(moves) + moves.gain
    order = np.argsort(-total, axis=1, kind="stable")
    ordered = np.take_along_axis(total, order, axis=1)
    before = _so_far(ordered)
    taken = np.zeros(total.shape)
    np.put_along_axis(
        taken, order, ((before < need[:, None] * (1 - ROUNDING)) & (ordered > 0)).astype(float), axis=1
    )
    # a slide without an end goes as far as it needs to by itself
    alone = np.where(moves.rate > 0, need[:, None] / np.where(moves.rate > 0, moves.rate, 1.0), 0.0)
    return taken * np.where(np.isfinite(moves.cap), moves.cap, alone), taken, taken.sum(axis=1)


def _so_far(ordered: Floats) -> Floats:
    """Return the sum of what stands before each, (n, d); nothing is taken off a sum again, which a huge size would swallow."""
    return np.concatenate([np.zeros((len(ordered), 1)), np.cumsum(ordered, axis=1)[:, :-1]], axis=1)


def _by_rate(moves: _Moves, need: Floats) -> tuple[Floats, Floats, Floats]:
    rate = np.concatenate([moves.rate, moves.gain / moves.price], axis=1)
    size = np.concatenate([_most(moves), moves.gain], axis=1)
    order = np.argsort(-rate, axis=1, kind="stable")
    ordered = np.take_along_axis(size, order, axis=1)
    before = _so_far(ordered)
    part = np.empty(size.shape)
    np.put_along_axis(part, order, np.clip(need[:, None] - before, 0.0, ordered), axis=1)
    cost = np.where(rate > 0, part / np.where(rate > 0, rate, 1.0), 0.0)
    d = moves.rate.shape[1]
    jump = np.where(moves.gain > 0, part[:, d:] / np.where(moves.gain > 0, moves.gain, 1.0), 0.0)
    return cost[:, :d], jump, cost.sum(axis=1)


def _by_level(moves: _Moves, need: Floats) -> tuple[Floats, Floats, Floats]:
    """All features move up to one level: find it, first among where something changes, then between."""
    levels = np.sort(np.concatenate([moves.cap, np.where(moves.gain > 0, moves.price, 0.0)], axis=1), axis=1)
    levels = np.where(np.isfinite(levels), levels, 1e300)

    def lost(level: Floats) -> Floats:
        slid = moves.rate * np.minimum(moves.cap, level[:, None])
        return np.asarray((slid + np.where(moves.price <= level[:, None], moves.gain, 0.0)).sum(axis=1))

    high = np.full(len(need), np.nan)
    low = np.zeros(len(need))
    for column in levels.T:
        enough = lost(column) >= need
        high = np.where(np.isnan(high) & enough, column, high)
        low = np.where(np.isnan(high), column, low)
    high = np.where(np.isnan(high), levels[:, -1], high)
    speed = np.where(moves.cap > low[:, None], moves.rate, 0.0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = low + np.where(speed > 0, (need - lost(low)) / speed, np.inf)
    level = np.clip(between, low, high)
    level = np.where(need <= 0, 0.0, level)
    slide = np.minimum(moves.cap, level[:, None])
    jump = ((moves.gain > 0) & (moves.price <= level[:, None])).astype(float)
    return np.where(moves.rate > 0, slide, 0.0), jump, level


def _by_projection(moves: _Moves, need: Floats) -> tuple[Floats, Floats, Floats]:
    """Every slide is its rate times one multiplier, up to its cap; jumps enter by gain over squared price. Bisect the multiplier."""
    d = moves.rate.shape[1]
    worth = moves.gain / moves.price**2  # margin for each unit of squared cost

    def parts(multiplier: Floats) -> tuple[Floats, Bools]:
        return np.minimum(moves.cap, moves.rate * multiplier[:, None]), worth * multiplier[:, None] * 2 >= 1

    def lost(multiplier: Floats) -> Floats:
        slide, jump = parts(multiplier)
        return np.asarray((moves.rate * slide + np.where(jump, moves.gain, 0.0)).sum(axis=1))

    low, high = np.full(len(need), -80.0), np.full(len(need), 80.0)
    for _ in range(90):
        middle = (low + high) / 2
        enough = lost(np.exp(middle)) >= need
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    multiplier = np.exp(high)
    slide, jump = parts(multiplier)
    over = lost(multiplier) - need
    # the jump that came last is taken in part: a unit of margin costs the same there as on every slide
    last = jump & (worth * np.exp(low)[:, None] * 2 < 1)
    size = np.where(last, moves.gain, 0.0).sum(axis=1)
    spare = np.clip(np.where(size > 0, over / np.where(size > 0, size, 1.0), 0.0), 0.0, 1.0)
    part = np.where(last, 1 - spare[:, None], jump.astype(float))
    length = np.sqrt(
        (slide**2).sum(axis=1) + (part * np.where(moves.gain > 0, moves.price, 0.0) ** 2).sum(axis=1)
    )
    return slide, np.where(moves.gain > 0, part, 0.0).reshape(-1, d), length


def _applied(
    moves: _Moves, X: Floats, slide: Floats, jump: Floats, score: AdditiveScore, y: NDArray[np.intp], other: int,
    space: FeatureSpace,
) -> Floats:  # fmt: skip
    """Return the rows after slides and jumps, on the far side of the grid; a jump is taken where any part of it was."""
    way = np.sign((score.slope[:, [other]] - score.slope)[:, y].T)
    size = np.minimum(slide * (1 + 2 * ROUNDING) + np.where(slide > 0, 1e-12, 0.0), moves.cap)
    with np.errstate(invalid="ignore", over="ignore"):
        moved = X + way * size * space.scale
        width, anchor = (
            np.where(space.step > 0, space.step, 1.0),
            np.where(np.isfinite(space.low), space.low, 0.0),
        )
        steps = (moved - anchor) / width
        whole = anchor + width * np.where(way > 0, np.ceil(steps - 1e-9), np.floor(steps + 1e-9))
    moved = np.where((space.step > 0) & (slide > 0), whole, moved)
    return np.where((jump > 1e-9) & (moves.gain > 0), moves.to, moved)
