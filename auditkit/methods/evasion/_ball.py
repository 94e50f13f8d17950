"""Ball: the rows within a radius of the original, in any norm, and the way into it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.methods.feature_space import FeatureSpace, Norm, norm_of

__all__ = ["NormBall"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

INSIDE = 1 - 1e-9  # keeps float rounding from putting a row outside the radius
GRID_STEPS = 3  # rounds of taking numbers on a grid one step back


@dataclass(frozen=True)
class NormBall:
    """The allowed rows within a radius.

    Attributes
    ----------
    space : FeatureSpace
        What may change, and what a change costs.
    radius : float or array (n,)
        Of the ball, in the units of the space; or of the ball of each row.
    norm : {"l1", "l2", "linf", "l0"}
        How costs are added up.
    """

    space: FeatureSpace
    radius: float | Floats
    norm: Norm

    @property
    def reach(self) -> float:
        """How far one number alone may go, in standardised units; 1 where changes are only counted."""
        return 1.0 if self.norm == "l0" else float(np.max(self.radius)) * INSIDE

    def holds(self, X: Floats, rows: Floats) -> Bools:
        """Return which rows lie within the radius, (n,)."""
        return np.asarray(self.space.distance(X, rows, self.norm) <= self.radius)

    def into(self, X: Floats, rows: Floats) -> Floats:
        """Return the rows projected into the space and the ball; the original where that fails. Missing cells stay missing.

        Numbers are shrunk towards the original, what is on a grid steps back; categories that cost more than the radius alone
        are reverted, and with "l0" the changes that cost least are dropped.
        """
        space = self.space
        moved = space.project(X, np.where(np.isnan(X), X, rows))
        whole = np.where(space.categorical, space.cost(X, moved), 0.0)
        over = norm_of(whole, self.norm) > self.radius
        moved = np.where(over[:, None] & space.categorical, X, moved)
        if self.norm == "l0":
            cost = space.cost(X, moved)
            rank = np.argsort(-cost, axis=1).argsort(axis=1)
            moved = space.project(
                X, np.where((rank >= np.reshape(np.floor(self.radius), (-1, 1))) & (cost > 0), X, moved)
            )
        else:
            moved = space.project(X, self._shrunk(X, moved))
        for _ in range(GRID_STEPS):
            out = ~self.holds(X, moved)[:, None] & (space.step > 0) & ~space.categorical
            if not out.any():
                break
            near = np.abs(moved - X) <= space.step
            back = np.where(near, X, moved - np.sign(moved - X) * space.step)
            moved = space.project(X, np.where(out, back, moved))
        return np.where(self.holds(X, moved)[:, None], moved, X)

    def _shrunk(self, X: Floats, moved: Floats) -> Floats:
        """Return rows whose numbers are drawn towards the original until they fit beside the changed categories."""
        coded = self.space.categorical
        cost = self.space.cost(X, moved)
        limit = self.radius * INSIDE
        if self.norm == "linf":
            keep = np.minimum(1.0, np.reshape(limit, (-1, 1)) / np.maximum(cost, 1e-300))
        else:
            whole = norm_of(np.where(coded, cost, 0.0), self.norm)
            left = limit - whole if self.norm == "l1" else np.sqrt(np.maximum(limit**2 - whole**2, 0.0))
            numbers = norm_of(np.where(coded, 0.0, cost), self.norm)
            keep = np.minimum(1.0, np.maximum(left, 0.0) / np.maximum(numbers, 1e-300))[:, None]
        return np.where(coded | np.isnan(X), moved, X + keep * (moved - X))
