"""Shapley values by sampling: what each feature adds to the output, averaged over the orders of adding them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import tables
from auditkit.methods.attributions._asking import Asker, differing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

__all__ = ["ShapleyEstimate", "sampled_calls", "sampled_shapley"]

_FIRST_LOOK = 8  # pairs before a standard error is believed
_AGAIN = 32  # background rows met again before these tell the error: fewer may all agree by luck
PARTS = 20
"""Parts of the background whose values are kept."""
_CELLS = 4_000_000  # numbers kept of one block of rows: 32 MB


@dataclass(frozen=True, slots=True)
class ShapleyEstimate:
    """Shapley values and how well they are known.

    Attributes
    ----------
    values, standard_error : numpy.ndarray of float, shape (n, d) or (n, d, k)
        Estimates in the unit of the output, and the standard error of each from sampling; ``nan`` after a
        single pair of orders.
    base : numpy.ndarray of float, shape () or (k,)
        Mean output over the background rows.
    permutations : int
        Orders used for the row that needed most.
    calls, rows : int
        Calls to the model, and rows asked in them.
    behind : numpy.ndarray of float, shape (g, n, d) or (g, n, d, k)
        The values with a part of the background only, every g-th of its rows, at most 20 parts: how far they lie apart tells what
        another background would change.
    """

    values: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    base: NDArray[np.float64]
    permutations: int
    calls: int
    rows: int
    behind: NDArray[np.float64]


def sampled_shapley(
    ask: Callable[[NDArray[Any]], ArrayLike],
    X: NDArray[Any],
    background: NDArray[Any],
    rng: np.random.Generator,
    *,
    permutations: int = 64,
    target_error: float | None = None,
    batch_rows: int = 65_536,
) -> ShapleyEstimate:
    """Estimate the Shapley values of any model by drawing orders in which features take the row's value.

    The value of a set of features is the mean output with those features from the row and the rest from a
    background row (interventional). Each order is used forwards and backwards (antithetic, exact for
    interactions of two) with one background row; every row goes through the whole background before it meets a
    background row again, and every background row counts alike. A feature in which the two rows agree takes no
    step, so that no row is asked twice along an order.

    Parameters
    ----------
    ask : callable
        Maps (rows, d) to one output a row, or `k`.
    X : numpy.ndarray of shape (n, d)
        The rows to explain.
    background : numpy.ndarray of shape (m, d)
        Rows that stand for "feature not known".
    rng : numpy.random.Generator
        Where the orders are drawn from; the batch size does not change them.
    permutations : int
        Orders for each row, at most; even. Costs ``permutations * (d - 1)`` rows of the model for each row, less
        where values agree.
    target_error : float, optional
        A row is finished as soon as none of its standard errors is larger, in the unit of the output, be it
        underrated by luck (its upper limit at 90% counts). Looked at 32 pairs of orders after the first round of the
        background (or after 8 pairs, where there is no whole round), and whenever half as many again are done.
    batch_rows : int
        Rows of one call, at most.

    Returns
    -------
    ShapleyEstimate
        From one round of the background on (``2 m`` permutations) the values add up to output minus base exactly;
        before that the miss is of the size of the standard errors. From 32 pairs after the first round on, the standard
        errors come from background rows that were met again; until then they hold the differences between background
        rows as well, and err on the large side.

    Raises
    ------
    InputError
        If the tables do not fit, `permutations` is odd or below 2, or an output is not finite.

    References
    ----------
    Štrumbelj & Kononenko 2014, "Explaining prediction models and individual predictions with feature
    contributions", KAIS; Mitchell et al. 2022, "Sampling Permutations for Shapley Value Estimation", JMLR,
    for antithetic orders.

    Examples
    --------
    >>> X, background = np.array([[1.0, 2.0]]), np.array([[0.0, 0.0], [2.0, 2.0]])
    >>> shapley = sampled_shapley(
    ...     lambda Z: Z[:, 0] * Z[:, 1], X, background, np.random.default_rng(0), permutations=4
    ... )
    >>> shapley.values.tolist(), float(shapley.base)
    ([[-0.5, 0.5]], 2.0)
    """
    rows, others = tables(X, background)
    if permutations < 2 or permutations % 2:
        raise InputError(f"permutations must be even and at least 2 (they come in pairs), got {permutations}")
    if target_error is not None and not target_error > 0:
        raise InputError(f"target_error must be positive, got {target_error}")
    asker = Asker(ask, batch_rows)
    at_row, at_other = asker.about(rows), asker.about(others)
    step = _together(others, int(np.prod(at_row.shape[1:])))
    parts = [
        _Block(asker, (rows[a : a + step], at_row[a : a + step]), (others, at_other)).run(
            rng, permutations // 2, target_error
        )
        for a in range(0, len(rows), step)
    ]
    values, error, behind, pairs = zip(*parts, strict=True)
    return ShapleyEstimate(
        np.concatenate(values), np.concatenate(error), np.asarray(at_other.mean(axis=0)), 2 * max(pairs), asker.calls, asker.rows,
        np.concatenate(behind, axis=1),
    )  # fmt: skip


def sampled_calls(
    X: NDArray[Any],
    background: NDArray[Any],
    *,
    permutations: int,
    targeted: bool = True,
    outputs: int = 1,
    batch_rows: int = 65_536,
) -> int:
    """Return how often `sampled_shapley` calls the model at most.

    Parameters
    ----------
    X, background, permutations, batch_rows
        As in `sampled_shapley`.
    targeted : bool
        Whether a target error is given: each look at the errors may leave a call that is not full.
    outputs : int
        Outputs of the model for a row.

    Examples
    --------
    >>> sampled_calls(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0], [2.0, 2.0]]), permutations=4)
    3
    """
    rows, others = tables(X, background)
    pairs, m = permutations // 2, len(others)
    ends = sorted({*_looks(pairs, m, 1.0 if targeted else None), *range(m, pairs, m)})
    visits = np.diff([0, *ends])
    step, calls = _together(others, outputs), ceil(len(rows) / batch_rows) + ceil(m / batch_rows)
    for a in range(0, len(rows), step):
        asks = _asks(rows[a : a + step], others)
        most, one = int(asks.max(axis=1).sum()), int(asks.max())
        if most > batch_rows:  # a call ends where the next path does not fit
            split = (
                ceil(most / (batch_rows - one + 1))
                if one <= batch_rows
                else len(asks) * ceil(one / batch_rows)
            )
            calls += pairs * split
        elif most:
            calls += int(np.ceil(visits / (batch_rows // most)).sum())
    return calls


def _together(others: NDArray[Any], outputs: int) -> int:
    """Return how many rows are explained together."""
    return max(1, _CELLS // (others.size * outputs))


def _asks(rows: NDArray[Any], others: NDArray[Any]) -> NDArray[np.intp]:
    """Return about how many rows an order there and back asks for each row and background row, (n, m)."""
    apart = np.stack([differing(rows, other[np.newaxis]).sum(axis=1) for other in others], axis=1)
    return np.asarray(2 * np.maximum(apart - 1, 0))


class _Block:
    """Some rows on their way through the background: sums of what each feature gained, by row and background row."""

    def __init__(
        self,
        asker: Asker,
        explained: tuple[NDArray[Any], NDArray[np.float64]],
        background: tuple[NDArray[Any], NDArray[np.float64]],
    ) -> None:
        self.asker, self.explained, self.background = asker, explained, background
        (rows, at_row), (others, _) = explained, background
        self.n, self.d, self.m = len(rows), rows.shape[1], len(others)
        shape = (self.d, *at_row.shape[1:])
        self.sums = np.zeros((self.n, self.m, *shape))
        self.squares = np.zeros((self.n, *shape))
        self.visits = np.zeros((self.n, self.m))
        self.done = np.zeros(self.n, dtype=np.intp)
        self.asks = _asks(rows, others)
        self.held: NDArray[np.intp] | None = None

    def run(
        self, rng: np.random.Generator, pairs: int, target_error: float | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]:
        """Return values, standard errors, values with parts of the background, and pairs of orders for the row that needed most."""
        # its own generator, so that the orders are drawn alike whatever fits into a batch
        walk = _walk(self.n, self.m, np.random.default_rng(rng.integers(2**63)))
        active = np.arange(self.n)
        done = 0
        for goal in _looks(pairs, self.m, target_error):
            while done < goal:
                # no further than the round goes: each background row is met once
                met = self._next(walk, active, min(goal - done, self.m - done % self.m))
                self._take(active, met, np.argsort(rng.random((*met.shape, self.d)), axis=2))
                done += len(met)
            if target_error is not None and done >= min(_FIRST_LOOK, pairs):
                largest = self.error().reshape(self.n, -1).max(axis=1) * self._caution()
                active = active[~(largest[active] <= target_error)]
                if not len(active):
                    break
        parts = np.stack([self.values(slice(part, None, PARTS)) for part in range(min(PARTS, self.m))])
        return self.values(), self.error(), parts, int(self.done.max())

    def values(self, some: slice = slice(None)) -> NDArray[np.float64]:
        """Return the mean over background rows of the mean gain with each; of those that were met (``nan`` if none was)."""
        visits = self.visits[:, some]
        each = self.sums[:, some] / visits.clip(1).reshape(*visits.shape, *([1] * (self.sums.ndim - 2)))
        met = (visits > 0).sum(axis=1)
        met = np.where(met, met, np.nan)
        return np.asarray(each.sum(axis=1) / met.reshape(self.n, *([1] * (each.ndim - 2))))

    def error(self) -> NDArray[np.float64]:
        """Return the standard error of each value."""
        wide = (self.n, *([1] * (self.squares.ndim - 1)))
        done = self.done.reshape(wide)
        free = np.maximum(self.visits - 1, 0).sum(axis=1).reshape(wide)
        within = self.squares - (np.square(self.sums) / self._spread(np.maximum(self.visits, 1))).sum(axis=1)
        overall = self.squares - np.square(self.sums.sum(axis=1)) / done
        inverse = (1 / np.maximum(self.visits, 1)).sum(axis=1).reshape(wide) / self.m**2
        with np.errstate(divide="ignore", invalid="ignore"):
            twice = np.maximum(within, 0) / free * inverse
            once = np.where(done > 1, np.maximum(overall, 0) / (done - 1) / done, np.nan)
        known = free >= _AGAIN
        return np.asarray(np.sqrt(np.where(known, twice, once)))

    def _caution(self) -> NDArray[np.float64]:
        """Return by how much an error may have been underrated by luck: its upper limit at 90%, of normal deviations."""
        from scipy.stats import chi2

        free = np.maximum(self.visits - 1, 0).sum(axis=1)
        free = np.where(free >= _AGAIN, free, np.maximum(self.done - 1, 1))
        return np.asarray(np.sqrt(free / chi2.ppf(0.1, free)))

    def _spread(self, visits: NDArray[np.float64]) -> NDArray[np.float64]:
        return visits.reshape(self.n, self.m, *([1] * (self.sums.ndim - 2)))

    def _next(
        self, walk: Iterator[NDArray[np.intp]], active: NDArray[np.intp], most: int
    ) -> NDArray[np.intp]:
        """Return the background rows that are met next, as many of each row's as one call has room for but at least one, (visits, rows)."""
        met: list[NDArray[np.intp]] = []
        room = self.asker.batch_rows
        while len(met) < most:
            around = next(walk) if self.held is None else self.held
            room -= int(self.asks[active, around[active]].sum())
            self.held = around if met and room < 0 else None
            if self.held is not None:
                break
            met.append(around[active])
        return np.stack(met)

    def _take(self, active: NDArray[np.intp], met: NDArray[np.intp], order: NDArray[np.intp]) -> None:
        """Walk each order, (visits, rows, d), forwards and backwards, and add up what each feature gained."""
        (rows, at_row), (others, at_other) = self.explained, self.background
        row, other = np.broadcast_to(active, met.shape).ravel(), met.ravel()
        flat = order.reshape(-1, self.d)
        parts, begin, rows_to = [], 0, self.asks[row, other].cumsum()
        while begin < len(row):
            room = self.asker.batch_rows + (rows_to[begin - 1] if begin else 0)
            some = slice(begin, max(begin + 1, int(np.searchsorted(rows_to, room, side="right"))))
            begin = some.stop
            ends = (np.tile(row[some], 2), np.tile(other[some], 2))
            gains = _gains(
                self.asker,
                (rows[ends[0]], at_row[ends[0]]),
                (others[ends[1]], at_other[ends[1]]),
                np.concatenate([flat[some], flat[some, ::-1]]),
            )
            half = len(gains) // 2
            parts.append((gains[:half] + gains[half:]) / 2)
        gains = np.concatenate(parts).reshape(*met.shape, *self.squares.shape[1:])
        self.sums[active[np.newaxis], met] += gains
        self.squares[active] += np.square(gains).sum(axis=0)
        self.visits[active[np.newaxis], met] += 1
        self.done[active] += len(met)


def _walk(n: int, m: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Yield which background row each row meets next: a shuffled round from a random start."""
    start = rng.integers(m, size=n)
    while True:
        around = rng.permutation(m)
        for step in range(m):
            yield around[(start + step) % m]


def _gains(
    asker: Asker,
    own: tuple[NDArray[Any], NDArray[np.float64]],
    other: tuple[NDArray[Any], NDArray[np.float64]],
    order: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Return what each feature adds as the features of `other` take the values of `own`, one by one in an order.

    Only rows that differ from the one before, and from both ends, are asked about.
    """
    (rows, high), (others, low) = own, other
    apart = np.take_along_axis(differing(rows, others), order, axis=1)
    taken = apart.cumsum(axis=1)  # features taken that change something
    total = taken[:, -1]
    asks = apart & (taken < total[:, np.newaxis])
    path, step = np.nonzero(asks)
    place = np.empty(order.shape, dtype=np.int32)
    np.put_along_axis(place, order, np.arange(order.shape[1], dtype=np.int32)[np.newaxis], axis=1)
    start = np.concatenate([[0], np.cumsum(total + 1)[:-1]])
    answers = np.empty((int((total + 1).sum()), *low.shape[1:]))
    answers[start], answers[start + total] = low, high
    if len(path):
        if asks[:, :-1].all():  # every step but the last, as where all values differ
            steps = np.arange(order.shape[1] - 1, dtype=np.int32)[:, np.newaxis]
            mixed = np.where(place[:, np.newaxis] <= steps, rows[:, np.newaxis], others[:, np.newaxis])
            mixed = mixed.reshape(-1, order.shape[1])
        else:
            mixed = np.where(place[path] <= step[:, np.newaxis], rows[path], others[path])
        answers[start[path] + taken[path, step]] = asker.about(mixed)
    path, step = np.nonzero(apart)
    after = start[path] + taken[path, step]
    gains = np.zeros((*order.shape, *low.shape[1:]))
    gains[path, order[path, step]] = answers[after] - answers[after - 1]
    return gains


def _looks(pairs: int, m: int, target_error: float | None) -> Iterator[int]:
    """Yield after how many pairs of orders to look at the errors."""
    look = m + _AGAIN if m > 1 and pairs > m else _FIRST_LOOK
    while target_error is not None and look < pairs:
        yield look
        look += max(1, look // 2)
    yield pairs
