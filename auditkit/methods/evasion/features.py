"""Features: a row with another label within a radius of any norm, searched for by scores, feature by feature."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit import progress
from auditkit.errors import InputError
from auditkit.methods.evasion._ball import NormBall
from auditkit.methods.evasion._oracle import Oracle
from auditkit.methods.evasion._settled import settled
from auditkit.methods.evasion.result import AttackResult, reference_columns
from auditkit.methods.evasion.scores import PROPOSALS, AskScores, margin
from auditkit.methods.feature_space import FeatureSpace, Norm, as_matrix

__all__ = ["feature_search", "margin_search"]

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

LONE = 0.5  # share of the calls that trying features alone may take
VALUES = 6  # values of one feature tried alone, at most


def feature_search(
    ask_scores: AskScores,
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    radius: float,
    *,
    rng: np.random.Generator,
    norm: Norm = "l2",
    max_calls: int = 200,
    proposals: int = PROPOSALS,
) -> AttackResult:
    """Search by scores for a row with another label within a radius, one feature after another and then together.

    Every step asks the model once, about a few candidates of every row together. Each feature is tried alone, as far as the
    radius lets it go (coordinate-wise differences: Chen et al. 2017, arXiv 1708.03999). What lowered the margin is put together
    as the norm makes best: features with the largest gain first (Papernot et al. 2016, arXiv 1511.07528), in proportion to the
    gain for "l2". Then a few coordinates at a time are moved, and kept where the margin falls (Guo et al. 2019, arXiv 1905.07121).
    Missing cells stay missing.

    Parameters
    ----------
    ask_scores, X, y, space, rng, proposals
        As for `random_search`.
    radius : float
        Largest change of a row, in the units of the space.
    norm : {"l1", "l2", "linf", "l0"}
        How a row's costs are added up.
    max_calls : int
        Calls to the model at most, at least 4.

    Returns
    -------
    AttackResult
        A row is left alone once it is flipped: ``distance`` is within the radius, not the smallest.

    Raises
    ------
    InputError
        If shapes or options do not fit.
    """
    X = as_matrix(X, "X", len(space.names))
    labels = reference_columns(y, len(X))
    if max_calls < 4 or proposals < 1 or not radius > 0:
        raise InputError(
            f"expected max_calls >= 4, proposals >= 1 and radius > 0, got {max_calls}, {proposals} and {radius}"
        )
    model = Oracle(ask_scores, max_calls - 1, axes=2)  # the last call re-measures
    climb = _Climb(model, X, labels, NormBall(space, radius, norm), rng, proposals)
    if len(X):
        climb.run()
    return climb.settled()


def margin_search(
    ask_scores: AskScores,
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    radius: float,
    *,
    rng: np.random.Generator,
    norm: Norm = "l2",
    max_calls: int = 60,
    proposals: int = PROPOSALS,
) -> Floats:
    """Return for each row the allowed one within the radius that has the lowest margin found, (n, d).

    The steps of `feature_search`, which stops at the first flip; this goes on, for a flip of a model that is only like the one
    asked (Papernot et al. 2016, arXiv 1605.07277). On linear scores and free numbers the result is the exact worst case.

    Parameters
    ----------
    ask_scores, X, y, space, radius, rng, norm, max_calls, proposals
        As for `feature_search`; rows with another label are moved too.

    Raises
    ------
    InputError
        If shapes or options do not fit.
    """
    X = as_matrix(X, "X", len(space.names))
    labels = reference_columns(y, len(X))
    model = Oracle(ask_scores, max_calls, axes=2)
    climb = _Climb(model, X, labels, NormBall(space, radius, norm), rng, proposals, goal=-np.inf)
    if len(X):
        climb.run()
    return climb.best


class _Climb:
    """The row with the lowest margin found so far for each row, and what was learnt of its features."""

    def __init__(
        self,
        model: Oracle,
        X: Floats,
        y: NDArray[Any],
        ball: NormBall,
        rng: np.random.Generator,
        width: int,
        goal: float = 0.0,
    ) -> None:
        self.model, self.X, self.y, self.ball, self.rng, self.width = model, X, y, ball, rng, width
        self.goal = goal  # a row whose margin is below it is left alone
        self.best, self.lowest = X.copy(), np.full(len(X), np.inf)
        self.queries, self.first = np.zeros(len(X), dtype=np.int64), np.full(len(X), np.inf)
        self.gain = np.zeros(X.shape)  # what a feature alone takes from the margin, at most
        self.alone = X.copy()  # the value at which it does

    def run(self) -> None:
        self.lowest = margin(self.model.ask(self.X), self.y)
        self.queries += 1
        self.start = self.lowest.copy()
        self.attacked = self.lowest >= self.goal
        self._lone()
        self._together()
        while self.model.left and len(rows := self._open()):
            before = self.model.calls
            self._offer(rows, self._proposals(rows))
            if self.model.calls == before:
                return

    def settled(self) -> AttackResult:
        """Ask about the final rows once more, and say of each what became of it."""
        n = len(self.X)
        attacked = self.lowest >= 0 if not n else self.attacked
        held = attacked & (self.lowest < 0)
        again = self.ball.holds(self.X, self.best)
        if held.any():
            again[held] &= margin(self.model.ask(self.best[held]), self.y[held]) < 0
            self.queries[held] += 1
        return settled(
            self.X, self.best, attacked, held, again, self.ball.space, self.ball.norm,
            missed="nothing found within the radius", queries=self.queries, calls=self.model.calls, first=self.first,
        )  # fmt: skip

    def _open(self) -> Rows:
        return np.flatnonzero(self.attacked & (self.lowest >= self.goal))

    def _offer(self, rows: Rows, candidates: Floats) -> tuple[Floats, Floats]:
        """Ask about candidates (k, m, d) within the ball that differ; keep what lowers the margin.

        Returns
        -------
        tuple of arrays
            The candidates as they were asked about (k, m, d), and their margins (k, m), infinite where not asked.
        """
        k, m, d = candidates.shape
        before = np.tile(self.X[rows], (k, 1))
        valid = self.ball.into(before, candidates.reshape(-1, d))
        found = np.full(k * m, np.inf)
        worth = self.ball.space.changed(before, valid).any(axis=1)
        worth &= self.ball.space.changed(np.tile(self.best[rows], (k, 1)), valid).any(axis=1)
        if worth.any() and self.model.left:
            progress.step(self.model.calls / (self.model.limit + 1), f"feature search: {m} rows left")
            found[worth] = margin(self.model.ask(valid[worth]), np.tile(self.y[rows], k)[worth])
            self.queries[rows] += worth.reshape(k, m).sum(axis=0)
        valid, found = valid.reshape(k, m, d), found.reshape(k, m)
        winner, at = found.argmin(axis=0), np.arange(m)
        lower = found[winner, at] < self.lowest[rows]
        self.best[rows[lower]] = valid[winner, at][lower]
        self.lowest[rows[lower]] = found[winner, at][lower]
        flipped = rows[(self.lowest[rows] < 0) & np.isinf(self.first[rows])]
        self.first[flipped] = self.queries[flipped]
        return valid, found

    def _lone(self) -> None:
        """Try the features alone, in an order of chance, several values in one call."""
        space = self.ball.space
        plan: list[tuple[int, int]] = []
        for j in self.rng.permutation(np.flatnonzero(space.mutable)).tolist():
            many = int(space.n_categories[j]) if space.categorical[j] else 2 + 2 * (self.ball.norm == "l0")
            plan += [(j, value) for value in range(min(many, VALUES))]
        for at in range(0, len(plan), self.width):
            rows = self._open()
            if self.model.calls > LONE * self.model.limit or not len(rows):
                return
            part = plan[at : at + self.width]
            tried = np.repeat(self.X[rows][None], len(part), axis=0)
            for place, (j, value) in enumerate(part):
                tried[place, :, j] = self._value(rows, j, value)
            valid, found = self._offer(rows, tried)
            for place, (j, _) in enumerate(part):
                gain = self.start[rows] - found[place]
                better = gain > self.gain[rows, j]
                self.gain[rows[better], j] = gain[better]
                self.alone[rows[better], j] = valid[place, better, j]

    def _value(self, rows: Rows, j: int, value: int) -> Floats:
        """Return the values of one feature to try: another code, or an end of what the radius allows."""
        space, own = self.ball.space, self.X[rows, j]
        if space.categorical[j]:
            some = int(space.n_categories[j])
            if some <= VALUES:
                return np.full(len(rows), float(value))
            return np.floor(self.rng.random(len(rows)) * some)
        if self.ball.norm == "l0":
            low = space.low[j] if np.isfinite(space.low[j]) else own - 10 * space.scale[j]
            high = space.high[j] if np.isfinite(space.high[j]) else own + 10 * space.scale[j]
            share = (0.0, 1.0)[value] if value < 2 else self.rng.random(len(rows))
            return np.asarray(low + (high - low) * share + 0 * own)
        return np.asarray(own + (1 - 2 * value) * self.ball.reach * space.scale[j])

    def _together(self) -> None:
        """Change the features of the largest gain together: the best one, two, four, ... and all."""
        rows = self._open()
        if not len(rows):
            return
        d = self.X.shape[1]
        order = np.argsort(-self.gain[rows], axis=1).argsort(axis=1)
        counts = np.unique(np.rint(np.geomspace(1, d, self.width)).astype(int))
        tried = []
        for count in counts:
            used = (order < count) & (self.gain[rows] > 0)
            gain = np.where(used, self.gain[rows], 0.0)
            most = np.maximum(gain.max(axis=1, keepdims=True), 1e-300)
            # l2: a linear margin falls most along its gradient; the others take each feature as far as the ball lets it
            share = gain / most if self.ball.norm == "l2" else used.astype(float)
            moved = self.X[rows] + share * (self.alone[rows] - self.X[rows])
            tried.append(np.where(self.ball.space.categorical & used, self.alone[rows], moved))
        self._offer(rows, np.stack(tried))

    def _proposals(self, rows: Rows) -> Floats:
        """Return candidates (k, m, d): a few coordinates of the best row set anew, the rest giving way to the radius."""
        space, (m, d), k = self.ball.space, (len(rows), self.X.shape[1]), self.width
        free = np.where(space.mutable, 1.0, 0.0)
        liked = self.gain[rows] / np.maximum(self.gain[rows].max(axis=1, keepdims=True), 1e-300) + 0.3
        few = self.rng.choice([1.0, 2.0, 4.0], size=(k, m, 1))
        weight = free * liked
        chance = few * weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
        chosen = self.rng.random((k, m, d)) < chance
        if self.ball.norm == "l0":
            low = np.where(np.isfinite(space.low), space.low, self.X[rows] - 10 * space.scale)
            high = np.where(np.isfinite(space.high), space.high, self.X[rows] + 10 * space.scale)
            numbers = low + (high - low) * self.rng.random((k, m, d))
        else:
            step = self.rng.choice([1.0, 0.5, 0.2], size=(k, m, 1)) * self.ball.reach
            numbers = self.best[rows] + step * self.rng.choice([-1.0, 1.0], size=(k, m, d)) * space.scale
        codes = np.floor(self.rng.random((k, m, d)) * np.maximum(space.n_categories, 1))
        back = self.rng.random((k, m, d)) < 0.25  # to the original: room for other changes
        new = np.where(back, self.X[rows], np.where(space.categorical, codes, numbers))
        return np.where(chosen, new, self.best[rows])
