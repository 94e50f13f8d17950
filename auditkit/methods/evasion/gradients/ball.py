"""Ball: the changes a gradient attack may make to each row, in standardised units, and the way back to rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditkit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from auditkit.methods.evasion.gradients.engine import Engine
    from auditkit.methods.feature_space import FeatureSpace, Norm

__all__ = ["Ball", "free_columns", "outside", "settle"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]

NORMS = ("linf", "l2", "l1")
MARGIN = 1e-9  # relative; keeps float rounding from putting a row outside the radius
SPARSE = 0.01  # share of the columns an l1 step moves: the quantile 0.99 of Tramer and Boneh 2019


def free_columns(space: FeatureSpace) -> Bools:
    """Return the columns a gradient attack moves, (d,): numbers that may change; categories stay as they are."""
    return np.asarray(space.mutable & ~space.categorical & (space.high > space.low))


@dataclass(frozen=True, eq=False)
class Ball:
    """The changes allowed to m rows: a box within the ranges and directions, cut by a norm's ball.

    Changes are arrays (m, k) of the engine, k the free columns, in standardised units; 0 is no change.

    Attributes
    ----------
    engine : Engine
        The library of the arrays.
    norm, radius : str, float
        The ball.
    start : array (m, k)
        The rows' own values, in the columns' units.
    unit : array (k,)
        One standardised unit of each column.
    low, high : array (m, k)
        The box.
    """

    engine: Engine
    norm: Norm
    radius: float
    start: Any
    unit: Any
    low: Any
    high: Any

    @classmethod
    def of(cls, engine: Engine, X: Floats, space: FeatureSpace, radius: float, norm: Norm) -> Ball:
        """Return the ball around rows (n, d) of a space.

        Raises
        ------
        InputError
            If the norm has no gradient step, or the radius is not above 0.
        """
        if norm not in NORMS:
            raise InputError(
                f"a gradient attack needs norm {NORMS}, got {norm!r}.{did_you_mean(norm, NORMS)}"
            )
        if not 0 < radius < np.inf:
            raise InputError(f"expected a finite radius above 0, got {radius}")
        low, high = _box(X, space, radius)
        free = free_columns(space)
        arrays = (engine.array(one[:, free]) for one in (X, low, high))
        start, low, high = arrays
        return cls(engine, norm, float(radius), start, engine.array(space.scale[free]), low, high)

    def take(self, rows: Rows | Bools) -> Ball:
        """Return the ball around some of the rows."""
        chosen = self.engine.array(np.asarray(rows))
        return replace(self, start=self.start[chosen], low=self.low[chosen], high=self.high[chosen])

    def rows(self, change: Any) -> Any:
        """Return the rows' values with a change, in the columns' units."""
        return self.start + change * self.unit

    def zeros(self) -> Any:
        """Return no change."""
        return self.low * 0.0

    def drawn(self, rng: np.random.Generator) -> Any:
        """Return a random change: uniform in the ball, then held in the box."""
        m, k = self.low.shape
        if self.norm == "linf":
            made = rng.uniform(-self.radius, self.radius, size=(m, k))
        else:
            made = rng.standard_normal((m, k)) if self.norm == "l2" else rng.laplace(size=(m, k))
            size = np.sqrt((made**2).sum(1)) if self.norm == "l2" else np.abs(made).sum(1)
            length = self.radius * rng.random(m) ** (1 / max(k, 1))
            made *= (length / np.maximum(size, 1e-300))[:, None]
        return self.project(self.engine.array(made))

    def project(self, change: Any) -> Any:
        """Return the change held in the box, then in the ball; both hold afterwards, for the box contains 0."""
        held = self.engine.clip(change, self.low, self.high)
        if self.norm == "linf":
            return held
        if self.norm == "l2":
            size = (held * held).sum(1) ** 0.5
            over = size > self.radius
            factor = self.engine.where(over, self.radius / (size + (~over) * 1.0), size * 0.0 + 1.0)
            return held * factor[:, None]
        return self._into_l1(held)

    def steepest(self, gradient: Any, change: Any) -> Any:
        """Return the step of length 1 along which the loss grows fastest; columns at their end in its direction stay."""
        if self.norm == "linf":
            return self.engine.sign(gradient)
        stuck = ((gradient > 0) & (change >= self.high)) | ((gradient < 0) & (change <= self.low))
        slope = gradient * (~stuck)
        if self.norm == "l2":
            top = abs(slope).sum(1)  # first to a scale at which a square does not vanish
            slope = slope / (top + (top == 0) * 1.0)[:, None]
            size = (slope * slope).sum(1) ** 0.5
            return slope / (size + (size == 0) * 1.0)[:, None]
        k = slope.shape[1]
        least = self.engine.falling(abs(slope))[:, max(int(np.ceil(SPARSE * k)), 1) - 1]
        chosen = self.engine.sign(slope) * (abs(slope) >= least[:, None])
        count = abs(chosen).sum(1)
        return chosen / (count + (count == 0) * 1.0)[:, None]

    def _into_l1(self, held: Any) -> Any:
        """Return the nearest change whose absolute values sum to the radius at most (Duchi et al. 2008)."""
        size = abs(held)
        over = size.sum(1) > self.radius
        ordered = self.engine.falling(size)
        counts = self.engine.array(np.arange(1, held.shape[1] + 1, dtype=float))
        level = (ordered.cumsum(1) - self.radius) / counts
        last = (ordered > level).sum(1) - 1
        least = level[self.engine.array(np.arange(len(held))), self.engine.where(last < 0, last * 0, last)]
        shrunk = size - least[:, None]
        cut = self.engine.sign(held) * (shrunk * (shrunk > 0))
        return self.engine.where(over[:, None], cut, held)


def outside(X: Floats, space: FeatureSpace) -> Bools:
    """Return which cells of free columns lie out of their range, (n, d): they may stay, or move into it, and nowhere between."""
    with np.errstate(invalid="ignore"):
        return np.asarray(free_columns(space) & ((space.low > X) | (space.high < X)))


def _box(X: Floats, space: FeatureSpace, radius: float) -> tuple[Floats, Floats]:
    """Return the least and greatest change of every cell, (n, d), in standardised units; 0 and 0 for a missing value."""
    missing = np.isnan(X)
    with np.errstate(invalid="ignore"):
        low = np.where(missing, 0.0, (space.low - X) / space.scale)
        high = np.where(missing, 0.0, (space.high - X) / space.scale)
    stays = (
        (low > radius)
        | (high < -radius)
        | ((space.direction > 0) & (high < 0))
        | ((space.direction < 0) & (low > 0))
    )
    low = np.where(stays | (space.direction > 0), 0.0, np.minimum(low, 0.0))
    high = np.where(stays | (space.direction < 0), 0.0, np.maximum(high, 0.0))
    return np.maximum(low, -radius), np.minimum(high, radius)


def settle(X: Floats, change: Floats, space: FeatureSpace, radius: float, norm: Norm) -> Floats:
    """Return allowed rows (n, d) for changes (n, k) of the free columns, within the radius.

    Numbers go to the nearest value of their grid, and those out of range into it; where a row is then out of the radius, every grid
    cell goes to the next value towards the original, and then what was out of range stays there. A row that breaks a rule comes back as the original.

    Parameters
    ----------
    X : array (n, d)
        The originals.
    change : array (n, k)
        Changes, in standardised units.
    space : FeatureSpace
        What is allowed.
    radius, norm : float, str
        How far.
    """
    free = free_columns(space)
    moved = X.copy()
    length = {
        "linf": np.abs(change).max(1, initial=0.0),
        "l2": np.sqrt((change**2).sum(1)),
        "l1": np.abs(change).sum(1),
    }
    size = length[norm]
    shrink = np.where(size > radius, radius / np.maximum(size, radius), 1.0) * (1 - MARGIN)
    with np.errstate(invalid="ignore"):
        target = X[:, free] + change * shrink[:, None] * space.scale[free]
    moved[:, free] = np.where(change == 0, X[:, free], target)
    near = space.project(X, moved)
    over = space.distance(X, near, norm) > radius
    for inner in (_inwards, _staying):
        if over.any():
            # in "linf" a cell alone is out of the radius, and the others keep their place
            far = space.cost(X[over], near[over]) > (radius if norm == "linf" else 0.0)
            moved[over] = np.where(far, inner(X[over], moved[over], space), moved[over])
            near[over] = space.project(X[over], moved[over])
            over = space.distance(X, near, norm) > radius
    near[over] = X[over]
    return near


def _staying(X: Floats, moved: Floats, space: FeatureSpace) -> Floats:
    """Return rows whose cells that were out of range stay there."""
    return np.where(outside(X, space), X, moved)


def _inwards(X: Floats, moved: Floats, space: FeatureSpace) -> Floats:
    """Return cells on a grid moved to its next value towards the original."""
    anchor = np.where(np.isfinite(space.low), space.low, 0.0)
    width = np.where(space.step > 0, space.step, 1.0)
    with np.errstate(invalid="ignore"):
        steps = (moved - anchor) / width
        inner = np.where(moved > X, np.floor(steps), np.ceil(steps))
        held = anchor + inner * width
        past = np.where(moved > X, held < X, held > X)
    back = np.where(past, X, held)
    return np.where((space.step > 0) & (moved != X), back, moved)
