"""FeatureSpace: which features of a table can change, how far, which way, and what a change costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError, did_you_mean
from auditkit.methods._feature_draft import draft

__all__ = ["FeatureSpace", "Kind", "Norm", "Rule", "as_matrix", "norm_of"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Kind = Literal["continuous", "integer", "categorical"]
Norm = Literal["l1", "l2", "linf", "l0"]
Rule = Callable[[Floats, Floats], Bools]

KINDS = ("continuous", "integer", "categorical")
NORMS = ("l1", "l2", "linf", "l0")
GRID_TOLERANCE = 1e-9  # of one step: what float arithmetic leaves on a value that was put on the grid


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """The tabular threat model: the set of rows an original row may be turned into.

    Tables are float matrices; a categorical column holds codes 0 .. n_categories-1 and a missing value is nan.
    A cell equal to the original is always allowed, also where the original itself is out of range.

    Parameters
    ----------
    names : sequence of str, length d
        The columns.
    kind : sequence of {"continuous", "integer", "categorical"}, length d
        What a column holds.
    low, high : array (d,)
        Least and greatest allowed value, in the column's unit; infinite where open. Unused for categories.
    step : array (d,)
        Width of the grid a changed value must lie on, counted from ``low`` (from 0 where ``low`` is infinite);
        0 is no grid. An integer column needs a whole number of at least 1.
    n_categories : array of int (d,)
        Size of the vocabulary; 0 for columns that are not categorical.
    mutable : array of bool (d,)
        False for what cannot change.
    direction : array of int (d,)
        +1 only upwards, -1 only downwards, 0 both ways.
    scale : array (d,)
        One standardised unit, in the column's unit.
    rules : tuple of callables
        Cross-feature rules: each takes ``(original, changed)``, both (n, d), and gives a boolean (n,), True
        where the changed row keeps the rule. An unchanged row is never held against a rule.
    category_cost : array (d,), or float
        What a changed category costs, and a missing value filled in.

    Raises
    ------
    InputError
        If the parts do not fit together.

    Notes
    -----
    A missing value may be filled in (cost 1) where the column may move both ways; a present value may not be
    made missing.

    Examples
    --------
    >>> space = FeatureSpace.infer([[20, 0], [30, 1], [40, 1]], ["integer", "categorical"], ["age", "sex"],
    ...                            immutable=["sex"])
    >>> space.project([[25.0, 0.0]], [[99.4, 1.0]])
    array([[40.,  0.]])
    """

    names: tuple[str, ...]
    kind: tuple[Kind, ...]
    low: Floats
    high: Floats
    step: Floats
    n_categories: NDArray[np.int64]
    mutable: Bools
    direction: NDArray[np.int64]
    scale: Floats
    rules: tuple[Rule, ...] = ()
    category_cost: Floats = 1.0  # type: ignore[assignment]  # one number is that of every column

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(str(name) for name in self.names))
        object.__setattr__(self, "kind", tuple(self.kind))
        object.__setattr__(self, "rules", tuple(self.rules))
        types: dict[str, Any] = {"low": float, "high": float, "step": float, "n_categories": np.int64,
                                 "mutable": bool, "direction": np.int64, "scale": float, "category_cost": float}  # fmt: skip
        for field, dtype in types.items():
            values = np.array(getattr(self, field), dtype=dtype)
            if field == "category_cost" and not values.ndim:
                values = np.full(len(self.names), values)
            if values.shape != (len(self.names),):
                raise InputError(
                    f"FeatureSpace {field}: expected one value for each of the {len(self.names)} names, "
                    f"got shape {values.shape}"
                )
            values.flags.writeable = False
            object.__setattr__(self, field, values)
        _validate(self)

    @classmethod
    def infer(
        cls,
        X: ArrayLike,
        kinds: Sequence[str],
        names: Sequence[str],
        *,
        immutable: Sequence[str] = (),
        direction: Mapping[str, int] | None = None,
        n_categories: Mapping[str, int] | None = None,
        rules: Sequence[Rule] = (),
    ) -> FeatureSpace:
        """Draft the space from data: observed ranges, robust spread, integers on their grid.

        Parameters
        ----------
        X : array (n, d)
            The rows ranges are read from, best the training rows.
        kinds, names : sequences of str, length d
            What each column holds, and is called.
        immutable : sequence of str
            Columns that cannot change. A column with no observed value is immutable too.
        direction : mapping of str to int, optional
            +1 or -1 for columns that move one way only.
        n_categories : mapping of str to int, optional
            The vocabulary's size where it is known; else the greatest code seen, and one.
        rules : sequence of callables
            Cross-feature rules, as for the class.

        Returns
        -------
        FeatureSpace
            ``scale`` is the interquartile range / 1.349, the standard deviation where that is 0, 1 where both are.

        Raises
        ------
        InputError
            If shapes, names, kinds or codes do not fit.
        """
        names = [str(name) for name in names]
        X = as_matrix(X, "X", len(names))
        if len(kinds) != len(names) or not len(X):
            raise InputError(
                f"FeatureSpace.infer: expected rows and one kind for each of {len(names)} names, "
                f"got {len(X)} rows and {len(kinds)} kinds"
            )
        direction, n_categories = dict(direction or {}), dict(n_categories or {})
        for word in (*immutable, *direction, *n_categories):
            _known(word, names)
        drafts = [
            draft(X[:, j], kind, name, n_categories.get(name))
            for j, (name, kind) in enumerate(zip(names, kinds, strict=True))
        ]
        low, high, step, size, seen, scale = (np.array(part) for part in zip(*drafts, strict=True))
        return cls(
            names=tuple(names),
            kind=cast("tuple[Kind, ...]", tuple(kinds)),
            low=low,
            high=high,
            step=step,
            n_categories=size,
            mutable=seen & ~np.isin(names, list(immutable)),
            direction=np.array([direction.get(name, 0) for name in names]),
            scale=scale,
            rules=tuple(rules),
        )

    @cached_property
    def categorical(self) -> Bools:
        """Which columns hold codes, (d,)."""
        coded = np.array([kind == "categorical" for kind in self.kind], dtype=bool)
        coded.flags.writeable = False
        return coded

    @cached_property
    def _coded(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.categorical)

    @cached_property
    def _gridded(self) -> NDArray[np.intp]:
        return np.flatnonzero((self.step > 0) & ~self.categorical)

    @cached_property
    def _anchor(self) -> Floats:
        """Where each column's grid is counted from, (d,)."""
        return np.where(np.isfinite(self.low), self.low, 0.0)

    def columns(self, names: Sequence[str]) -> Bools:
        """Return the columns called ``names`` as a mask (d,); InputError where one is unknown."""
        if isinstance(names, str):
            raise InputError(f"columns: expected a list of names, got the text {names!r}; type [{names!r}]")
        for name in names:
            _known(name, self.names)
        return np.asarray(np.isin(self.names, list(names)))

    def changed(self, original: ArrayLike, candidate: ArrayLike) -> Bools:
        """Return which cells differ, in the candidates' shape; missing equals missing."""
        before, after = self._pair(original, candidate)
        differs = before != after
        missing = np.isnan(before)
        return np.asarray(differs & ~(missing & np.isnan(after)) if missing.any() else differs)

    def violations(self, original: ArrayLike, candidate: ArrayLike) -> Bools:
        """Return the changed cells that the space does not allow, in the candidates' shape.

        A row that breaks a cross-feature rule has all its changed cells marked.
        """
        before, after = self._pair(original, candidate)
        changed = self.changed(before, after)
        bad = changed & ~self._cell_allowed(before, after)
        for kept in self._rules_kept(before, after):
            bad |= changed & ~kept[..., None]
        return bad

    def project(self, original: ArrayLike, candidate: ArrayLike) -> Floats:
        """Return the candidates moved into the set their originals may be turned into, in the candidates' shape.

        Numbers are clipped and put on their grid; a cell that still is not allowed goes back to its original, and
        so does the whole row where a cross-feature rule is broken. Idempotent.

        Parameters
        ----------
        original : array (n, d)
            The rows.
        candidate : array (n, d) or (k, n, d)
            What each is turned into, or k tries of each; so too for the other methods that compare two tables.
        """
        before, after = self._pair(original, candidate)
        with np.errstate(invalid="ignore", over="ignore"):
            moved = np.minimum(np.maximum(after, self.low), self.high)
            if (at := self._gridded).size:
                moved[..., at] = self._on_grid(moved[..., at], at)
        if (at := self._coded).size:
            moved[..., at] = after[..., at]
        allowed = self._cell_allowed(before, moved)
        allowed &= self.changed(before, after)
        moved = np.where(allowed, moved, before)
        kept = self._rules_kept(before, moved)
        return np.where(np.all(kept, axis=0)[..., None], moved, before) if kept else moved

    def cost(self, original: ArrayLike, candidate: ArrayLike) -> Floats:
        """Return what each cell's change costs in standardised units, in the candidates' shape.

        A changed category costs its ``category_cost``, and so does a missing value filled in.
        """
        before, after = self._pair(original, candidate)
        with np.errstate(invalid="ignore", over="ignore"):
            size = np.abs(after - before)
            size /= self.scale
        whole = np.isnan(size)  # of a missing value, and of infinity less infinity
        if self._coded.size or whole.any():
            whole = self.categorical | np.isnan(before) | np.isnan(after)
            size = np.where(whole, self.category_cost, size)
            return np.where(self.changed(before, after), size, 0.0)
        return size

    def distance(self, original: ArrayLike, candidate: ArrayLike, norm: Norm = "l2") -> Floats:
        """Return the norm of each row's costs, (n,) or (k, n): "l1", "l2", "linf", or "l0", the number of changed cells."""
        return norm_of(self.cost(original, candidate), norm)

    def _pair(self, original: ArrayLike, candidate: ArrayLike) -> tuple[Floats, Floats]:
        before = as_matrix(original, "original", len(self.names))
        if isinstance(candidate, np.ndarray) and candidate.ndim == 3 and candidate.shape[1:] == before.shape:
            return before, candidate.astype(np.float64, copy=False)
        after = as_matrix(candidate, "candidate", len(self.names))
        if before.shape != after.shape:
            raise InputError(
                f"expected original and candidate of one shape, got {before.shape} and {after.shape}"
            )
        return before, after

    def _on_grid(self, numbers: Floats, at: NDArray[np.intp]) -> Floats:
        """Return numbers within the range of the columns ``at``, on their grid."""
        anchor, width, high = self._anchor[at], self.step[at], self.high[at]
        last = np.floor((high - anchor) / width + GRID_TOLERANCE)
        return np.minimum(anchor + width * np.minimum(np.rint((numbers - anchor) / width), last), high)

    def _cell_allowed(self, before: Floats, after: Floats) -> Bools:
        """Return which cells may be so, as if all were changed; in the candidates' shape."""
        with np.errstate(invalid="ignore", over="ignore"):
            allowed = np.isfinite(after)
            allowed &= after >= self.low
            allowed &= after <= self.high
            if (at := self._gridded).size:
                steps = (after[..., at] - self._anchor[at]) / self.step[at]
                slack = np.maximum(GRID_TOLERANCE, 4 * np.finfo(float).eps * np.abs(steps))
                allowed[..., at] &= ~(np.abs(steps - np.rint(steps)) > slack)
            if (at := self._coded).size:
                codes = after[..., at]
                allowed[..., at] = (codes >= 0) & (codes < self.n_categories[at]) & (codes == np.rint(codes))
            if self.direction.any() or not np.isfinite(before).all():
                way = (after - before) * self.direction >= 0
                allowed &= np.where(np.isnan(before), self.direction == 0, way)
        allowed &= self.mutable
        return allowed

    def _rules_kept(self, before: Floats, after: Floats) -> list[Bools]:
        if not self.rules:
            return []
        shape = after.shape[:-1]
        before = before if before.shape == after.shape else np.tile(before, (len(after), 1))
        after = after.reshape(before.shape)
        kept = [np.asarray(rule(before, after)) for rule in self.rules]
        for answer in kept:
            if answer.shape != (len(before),) or answer.dtype != bool:
                raise InputError(
                    f"a cross-feature rule must give a boolean for each of {len(before)} rows, "
                    f"got {answer.dtype} of shape {answer.shape}"
                )
        return [answer.reshape(shape) for answer in kept]


def as_matrix(X: ArrayLike, what: str, d: int) -> Floats:
    """Return X as floats (n, d), or say what is wrong with it."""
    try:
        matrix: Floats = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: expected numbers (categories as codes, missing as nan): {error}") from None
    if matrix.ndim != 2 or matrix.shape[1] != d:
        raise InputError(f"{what}: expected a table with {d} columns, got shape {matrix.shape}")
    return matrix


def norm_of(costs: Floats, norm: Norm) -> Floats:
    """Return the norm over the last axis of non-negative costs."""
    if norm == "l1":
        return np.asarray(costs.sum(axis=-1))
    if norm == "l2":
        return np.asarray(np.sqrt(np.square(costs).sum(axis=-1)))
    if norm == "linf":
        return np.asarray(costs.max(axis=-1, initial=0.0))
    if norm == "l0":
        return np.asarray((costs > 0).sum(axis=-1).astype(float))
    raise InputError(f"no norm named {norm!r}.{did_you_mean(norm, NORMS)}")


def _known(word: str, names: Sequence[str]) -> None:
    if word not in names:
        raise InputError(f"no column named {word!r}.{did_you_mean(word, names)}")


def _validate(space: FeatureSpace) -> None:
    names = space.names
    if len(set(names)) != len(names):
        raise InputError(
            f"FeatureSpace names: expected each once, got {sorted({n for n in names if names.count(n) > 1})}"
        )
    if len(space.kind) != len(names):
        raise InputError(
            f"FeatureSpace kind: expected one for each of {len(names)} names, got {len(space.kind)}"
        )
    for kind in space.kind:
        if kind not in KINDS:
            raise InputError(f"no kind of column named {kind!r}.{did_you_mean(kind, KINDS)}")
    coded = space.categorical
    whole = np.array([kind == "integer" for kind in space.kind], dtype=bool)
    faults = {
        "low must not be above high": ~coded & ~(space.low <= space.high),
        "step must be 0 or more": ~(space.step >= 0) | ~np.isfinite(space.step),
        "an integer column's step must be a whole number of at least 1": whole
        & ((space.step < 1) | (space.step != np.rint(space.step))),
        "an integer column's low must be whole": whole
        & np.isfinite(space.low)
        & (space.low != np.rint(space.low)),
        "a categorical column needs n_categories of 0 or more, others 0": (space.n_categories < 0)
        | (~coded & (space.n_categories != 0)),
        "a mutable categorical column needs n_categories of 1 or more": coded
        & space.mutable
        & (space.n_categories < 1),
        "direction must be -1, 0 or +1": ~np.isin(space.direction, (-1, 0, 1)),
        "categories have no order: direction must be 0": coded & (space.direction != 0),
        "scale must be above 0 and finite": ~(space.scale > 0) | ~np.isfinite(space.scale),
        "category_cost must be above 0 and finite": ~(space.category_cost > 0)
        | ~np.isfinite(space.category_cost),
    }
    for message, where in faults.items():
        if where.any():
            raise InputError(f"FeatureSpace: {message}; not so in {', '.join(np.array(names)[where][:5])}")
