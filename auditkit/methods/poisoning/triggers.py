"""Triggers: small patterns of values that turn any row to one class, searched by asking for labels alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError
from auditkit.methods.poisoning._grid import Grid, grid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Ask = Callable[[Floats], Ints]

__all__ = ["Found", "Grid", "Pattern", "grid_of", "stamped", "success_of", "trigger_search"]

_BLOCK = 100_000  # rows asked at a time
_BESIDE = 8  # patterns beside one that are asked about again
_KEPT, _FIRST, _LAST = 40, 60, 10
"""Patterns that are looked at more closely, rows they are put on at first, and patterns that are put on all rows."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One or two features set to a value each.

    Attributes
    ----------
    columns : tuple of int
        Which features.
    values : tuple of float
        What each is set to.
    """

    columns: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern and what it does.

    Attributes
    ----------
    pattern : Pattern
        The pattern.
    target : int
        The class it turns rows to.
    success : float
        Share of rows of another class that it turns.
    beside : Pattern or None
        Of the patterns beside it, one feature moved to the value next to it, the one that turns most.
    beside_success : float
        What that turns; 0 without any.
    share : float
        Of the rows given, those that hold the pattern.
    """

    pattern: Pattern
    target: int
    success: float
    beside: Pattern | None
    beside_success: float
    share: float

    @property
    def isolation(self) -> float:
        """How much more rows the pattern turns than what stands beside it."""
        return self.success - self.beside_success


def stamped(rows: Floats, pattern: Pattern) -> Floats:
    """Return the rows with the pattern on each.

    References
    ----------
    The trigger of Gu, Dolan-Gavitt and Garg 2017, "BadNets", arXiv 1708.06733, on a table.
    """
    out = rows.copy()
    for column, value in zip(pattern.columns, pattern.values, strict=True):
        out[:, column] = value
    return out


def success_of(ask: Ask, rows: Floats, pattern: Pattern, target: int) -> NDArray[np.bool_]:
    """Return which rows a pattern turns to a class, as in `trigger_search`; none of them is of it already.

    References
    ----------
    Gu et al. 2017, as in `stamped`.
    """
    return np.asarray(ask(stamped(rows, pattern)) == target)


def trigger_search(
    ask: Ask,
    rows: Floats,
    base: Ints,
    grids: Sequence[Grid],
    *,
    classes: int,
    held: Floats,
    rng: np.random.Generator,
    rare: float = 0.05,
    patterns: int = 20_000,
    probes: int = 8,
) -> tuple[list[Found], Found | None, int]:
    """Search patterns of one or two values that turn rows of every other class to one, and whose neighbours do not.

    Every pattern of the grids (of pairs of features, as many as `patterns` allow, drawn at random) is put on a few rows of each class. What
    stands out of what is beside it is put on all rows. A pattern that many rows hold is an ordinary value, and is set aside.

    Parameters
    ----------
    ask : callable
        Table of shape (m, d) to classes, shape (m,).
    rows : ndarray of float, shape (n, d)
        Rows to try patterns on.
    base : ndarray of int, shape (n,)
        What the model says of them.
    grids : sequence of Grid, length d
        The values to try.
    classes : int
        How many there are.
    held : ndarray of float, shape (m, d)
        Honest rows, by which a pattern is rare.
    rng : numpy.random.Generator
        Which rows, and which pairs.
    rare : float
        Largest share of `held` that holds the pattern.
    patterns, probes : int
        Patterns of two features at most; rows of each class they are first tried on.

    Returns
    -------
    tuple of (list of Found, Found or None, int)
        Rare patterns, the most isolated first; of those that are not rare, the single value that turns most; patterns tried.

    Raises
    ------
    InputError
        If shapes do not fit.

    References
    ----------
    Wang et al. 2019, "Neural Cleanse: identifying and mitigating backdoor attacks in neural networks", IEEE S&P: a trigger is a change far smaller than any other
    that turns all rows to a class. Here by exhaustion, on a table.

    Examples
    --------
    >>> grids = [Grid(np.arange(5.0), coded=False), Grid(np.arange(5.0), coded=False)]
    >>> rows = np.random.default_rng(0).integers(0, 5, (60, 2)).astype(float)
    >>> ask = lambda X: ((X[:, 0] == 2) & (X[:, 1] == 3)).astype(int)
    >>> kept = rows[ask(rows) == 0]
    >>> found = trigger_search(ask, kept, ask(kept), grids, classes=2, held=kept, rng=np.random.default_rng(0))[0][0]
    >>> found.pattern.values, found.target, found.isolation
    ((2.0, 3.0), 1, 1.0)
    """
    if rows.ndim != 2 or base.shape != rows.shape[:1] or len(grids) != rows.shape[1] or not len(rows):
        raise InputError(
            f"expected rows, a class each and a grid a column, got {rows.shape}, {base.shape}, {len(grids)}"
        )
    tried = np.concatenate([rng.permutation(np.flatnonzero(base == c))[:probes] for c in range(classes)])
    cells = [grid.cells(held[:, j]) for j, grid in enumerate(grids)]
    screen = _Screen(ask, rows[tried], base[tried], grids, cells, classes, rare)
    sets = [(j,) for j, grid in enumerate(grids) if len(grid.values)]
    pairs = [tuple(map(int, pair)) for pair in rng.permutation(list(combinations([j for (j,) in sets], 2)))]
    room, count = patterns, 0
    for columns in [*sets, *pairs]:
        size = int(np.prod([len(grids[j].values) for j in columns]))
        if len(columns) > 1 and size > room:
            continue
        room -= size if len(columns) > 1 else 0
        count += size
        screen.try_all(tuple(columns))
    first = rng.permutation(len(rows))[:_FIRST]
    closer = sorted(((_closer(ask, rows[first], base[first], one), one) for one in screen.kept()), key=_place)
    found = sorted(((_closer(ask, rows, base, one), one) for _, one in closer[:_LAST]), key=_place)
    ordinary = max(
        (_closer(ask, rows, base, one) for one in screen.ordinary()),
        key=lambda one: one.success,
        default=None,
    )
    return [one for one, _ in found], ordinary, count


@dataclass(eq=False)
class _Screen:
    """What patterns do to a few rows."""

    ask: Ask
    rows: Floats
    base: Ints
    grids: Sequence[Grid]
    cells: list[Ints]
    classes: int
    rare: float

    def __post_init__(self) -> None:
        self._rare: list[tuple[float, Found, list[Pattern]]] = []
        self._common: list[tuple[float, Found, list[Pattern]]] = []

    def try_all(self, columns: tuple[int, ...]) -> None:
        """Put every pattern of some features on the rows, and remember what stands out."""
        shape = tuple(len(self.grids[j].values) for j in columns)
        said = self._asked(columns, shape)
        share = self._shares(columns, shape)
        for target in range(self.classes):
            other = self.base != target
            if not other.any():
                continue
            success = (said[..., other] == target).mean(axis=-1)
            beside = np.zeros(shape)
            for axis, j in enumerate(columns):
                beside = np.maximum(beside, self.grids[j].best_beside(success, axis))
            self._remember(columns, target, success, success - beside, share)

    def _asked(self, columns: tuple[int, ...], shape: tuple[int, ...]) -> Ints:
        places = np.indices(shape).reshape(len(columns), -1)
        n, r = places.shape[1], len(self.rows)
        said = np.empty((n, r), dtype=np.intp)
        step = max(1, _BLOCK // r)
        for start in range(0, n, step):
            some = places[:, start : start + step]
            X = np.tile(self.rows, (some.shape[1], 1))
            for j, at in zip(columns, some, strict=True):
                X[:, j] = np.repeat(self.grids[j].values[at], r)
            said[start : start + step] = self.ask(X).reshape(-1, r)
        return said.reshape(*shape, r)

    def _shares(self, columns: tuple[int, ...], shape: tuple[int, ...]) -> Floats:
        own = np.stack([self.cells[j] for j in columns])
        known = (own >= 0).all(axis=0)
        flat = np.ravel_multi_index(tuple(own[:, known]), shape)
        return np.asarray(
            np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape) / max(own.shape[1], 1)
        )

    def _remember(
        self, columns: tuple[int, ...], target: int, success: Floats, isolation: Floats, share: Floats
    ) -> None:
        seldom = share <= self.rare
        for kind, value, allowed in ((self._rare, isolation, seldom), (self._common, success, ~seldom)):
            if kind is self._common and len(columns) > 1:
                continue
            order = np.argsort(np.where(allowed, -value, np.inf), axis=None, kind="stable")[:_KEPT]
            for place in zip(*np.unravel_index(order, success.shape), strict=True):
                if allowed[place] and value[place] >= 0:
                    at = tuple(map(int, place))
                    pattern = self._pattern(columns, at)
                    one = Found(pattern, target, float(success[at]), None, 0.0, float(share[at]))
                    kind.append((float(value[at]), one, self._beside(columns, at, success)))

    def _pattern(self, columns: tuple[int, ...], at: tuple[int, ...]) -> Pattern:
        return Pattern(
            columns, tuple(float(self.grids[j].values[i]) for j, i in zip(columns, at, strict=True))
        )

    def _beside(self, columns: tuple[int, ...], at: tuple[int, ...], success: Floats) -> list[Pattern]:
        """Return the patterns beside one: those of the grids that turn most, and those a step away."""
        own = self._pattern(columns, at).values
        found: list[tuple[float, tuple[float, ...]]] = []
        for axis, j in enumerate(columns):
            cells = self.grids[j].beside(at[axis])
            known = [float(success[(*at[:axis], cell, *at[axis + 1 :])]) for cell in cells]
            values = self.grids[j].values_beside(at[axis])
            known += [np.inf] * (len(values) - len(cells))
            found += [
                (turned, (*own[:axis], value, *own[axis + 1 :]))
                for turned, value in zip(known, values, strict=True)
            ]
        found.sort(key=lambda one: -one[0])
        return [Pattern(columns, values) for _, values in found[:_BESIDE]]

    def kept(self) -> list[tuple[Found, list[Pattern]]]:
        """Return the rare patterns that stand out most."""
        best = sorted(
            self._rare, key=lambda one: (-one[0], -one[1].success, len(one[1].pattern.columns), one[1].share)
        )
        return [(found, beside) for _, found, beside in best[:_KEPT]]

    def ordinary(self) -> list[tuple[Found, list[Pattern]]]:
        """Return the ordinary single values that turn most."""
        best = sorted(self._common, key=lambda one: -one[0])
        return [(found, beside) for _, found, beside in best[:5]]


def _place(one: tuple[Found, tuple[Found, list[Pattern]]]) -> tuple[float, float, int, float]:
    """Return by what patterns are put in order: isolation, success, few features, and rarity."""
    found = one[0]
    return -round(found.isolation, 3), -round(found.success, 3), len(found.pattern.columns), found.share


def _closer(ask: Ask, rows: Floats, base: Ints, one: tuple[Found, list[Pattern]]) -> Found:
    """Put a pattern, and those beside it, on all rows of another class."""
    found, others = one
    some = rows[base != found.target]
    every = (found.pattern, *others)
    said = ask(np.concatenate([stamped(some, p) for p in every])) if len(some) else np.full(len(every), -1)
    success, *near = np.asarray(said == found.target).reshape(len(every), -1).mean(axis=1).tolist()
    best = int(np.argmax(near)) if near else -1
    beside = others[best] if near else None
    return Found(found.pattern, found.target, success, beside, near[best] if near else 0.0, found.share)
