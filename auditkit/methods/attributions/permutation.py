"""Permutation: how much the loss of a model rises when a feature is shuffled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import table
from auditkit.methods.attributions._columns import column_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Shuffled", "permutation_importance", "shuffled"]


@dataclass(frozen=True, eq=False)
class Shuffled:
    """What shuffling each feature does to the loss.

    Attributes
    ----------
    rises : ndarray of shape (features, n)
        Rise in loss of each row, with the value of another row in place of its own, averaged over shuffles.
    given : ndarray of shape (features, n)
        Rise in loss of the rows that got the value of each row, averaged over shuffles.
    standard_error : ndarray of shape (features,)
        Of the mean rise, over rows in both roles, and the shuffling.
    square : ndarray of shape (features,)
        Mean square of the single rises, over rows and shuffles; where these are -1, 0 or 1, the share that changed.
    """

    rises: NDArray[np.float64]
    given: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    square: NDArray[np.float64]


def permutation_importance(
    predict_loss: Callable[[NDArray[Any], NDArray[np.intp]], ArrayLike],
    X: NDArray[Any],
    *,
    columns: Sequence[int | Sequence[int]] | None = None,
    repeats: int = 5,
    rng: np.random.Generator,
    batch_rows: int = 65_536,
) -> NDArray[np.float64]:
    """Return how much each row's loss rises when a feature is shuffled among the rows.

    Parameters
    ----------
    predict_loss : callable
        ``predict_loss(Z, rows)`` gives the loss of each row of `Z`, whose label is that of row ``rows[i]`` of
        `X`: with labels `y`, compare the answers for `Z` with ``y[rows]``.
    X : numpy.ndarray of shape (n, d)
        The rows, of any dtype.
    columns : sequence of int or of sequences of int, optional
        One entry a feature; several columns in one entry are shuffled together (a one-hot block, proxies).
        By default each column by itself.
    repeats : int
        Shuffles of each feature, averaged.
    rng : numpy.random.Generator
        Where the shuffles are drawn from; the batch size does not change them.
    batch_rows : int
        Rows of one call, at most.

    Returns
    -------
    numpy.ndarray of float, shape (len(columns), n)
        Rise in loss of each row, in the unit of the loss; its mean over rows is the permutation importance.

    Raises
    ------
    InputError
        If there are fewer than two rows, a column is not there, or a loss is not one finite number a row.

    References
    ----------
    Breiman 2001, "Random Forests"; Fisher, Rudin & Dominici 2019, "All Models are Wrong, but Many are
    Useful", JMLR.

    Examples
    --------
    >>> X, y = np.array([[0.0, 5.0], [1.0, 6.0], [2.0, 7.0]]), np.array([0.0, 1.0, 2.0])
    >>> rise = permutation_importance(
    ...     lambda Z, rows: (Z[:, 0] - y[rows]) ** 2, X, rng=np.random.default_rng(0)
    ... )
    >>> bool(rise[0].mean() > 0), rise[1].tolist()
    (True, [0.0, 0.0, 0.0])
    """
    return shuffled(predict_loss, X, columns=columns, repeats=repeats, rng=rng, batch_rows=batch_rows).rises


def shuffled(
    predict_loss: Callable[[NDArray[Any], NDArray[np.intp]], ArrayLike],
    X: NDArray[Any],
    *,
    columns: Sequence[int | Sequence[int]] | None = None,
    repeats: int = 5,
    rng: np.random.Generator,
    batch_rows: int = 65_536,
) -> Shuffled:
    """Return how much the loss rises when a feature is shuffled, with its standard error.

    A rise belongs to two rows: the one that is asked about, and the one that gave its value. Other rows would be others in both
    roles, so the variance has a part of each, of their covariance, and of what is left, which alone falls with more shuffles
    (components of variance of a two-sample statistic; Hoeffding 1948). The spread of the rises over rows alone leaves out the second.

    Parameters
    ----------
    predict_loss, X, columns, repeats, rng, batch_rows
        As in `permutation_importance`.

    Raises
    ------
    InputError
        As `permutation_importance`.

    References
    ----------
    Hoeffding 1948, "A class of statistics with asymptotically normal distribution", Annals of Mathematical Statistics 19; Breiman 2001.

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0])
    >>> found = shuffled(lambda Z, rows: (Z[:, 0] - y[rows]) ** 2, X, rng=np.random.default_rng(0))
    >>> bool(np.isclose(found.rises.mean(), found.given.mean()))
    True
    """
    original = table("X", X)
    if len(original) < 2 or repeats < 1 or batch_rows < 1:
        raise InputError(
            "shuffling needs at least 2 rows, 1 repeat and batches of 1 row; "
            f"got {len(original)}, {repeats} and {batch_rows}"
        )
    groups = column_groups(columns, original.shape[1])
    n = len(original)
    rows = np.arange(n)
    usual = _losses(predict_loss, original, rows, batch_rows)
    rises, given, squares = (np.zeros((len(groups), n)) for _ in range(3))
    jobs = [index for index in range(len(groups)) for _ in range(repeats)]
    copies = max(1, batch_rows // n)
    for start in range(0, len(jobs), copies):
        some = jobs[start : start + copies]
        stack = np.tile(original, (len(some), 1))
        orders = [rng.permutation(n) for _ in some]
        for place, index in enumerate(some):
            block = stack[place * n : (place + 1) * n]
            block[:, groups[index]] = original[orders[place]][:, groups[index]]
        losses = _losses(predict_loss, stack, np.tile(rows, len(some)), batch_rows)
        rise = losses.reshape(len(some), -1) - usual
        for place, index in enumerate(some):
            rises[index] += rise[place]
            given[index, orders[place]] += rise[place]
            squares[index] += rise[place] ** 2
    rises, given = rises / repeats, given / repeats
    square = squares.mean(axis=1) / repeats
    return Shuffled(rises, given, _errors(rises, given, square, repeats), square)


def _errors(
    rises: NDArray[np.float64], given: NDArray[np.float64], square: NDArray[np.float64], repeats: int
) -> NDArray[np.float64]:
    """Return the standard error of each mean rise from the components of variance."""
    n = rises.shape[1]
    total = (square - rises.mean(axis=1) ** 2) * n / (n - 1)
    a, b = rises.var(axis=1, ddof=1), given.var(axis=1, ddof=1)
    mean = rises.mean(axis=1)
    together = ((rises - mean[:, None]) * (given - mean[:, None])).sum(axis=1) / (n - 1)
    if repeats == 1:
        variance = total + 2 * together
    else:
        # a = own + (from + rest) / repeats; b = from + (own + rest) / repeats; total = own + from + rest
        more = repeats / (repeats - 1)
        own = np.maximum((a - total / repeats) * more, 0.0)
        other = np.maximum((b - total / repeats) * more, 0.0)
        rest = np.maximum(total - own - other, 0.0)
        variance = own + other + rest / repeats + 2 * together
    return np.asarray(np.sqrt(np.maximum(variance, 0.0) / n))


def _losses(
    predict_loss: Callable[[NDArray[Any], NDArray[np.intp]], ArrayLike],
    Z: NDArray[Any],
    rows: NDArray[np.intp],
    batch_rows: int,
) -> NDArray[np.float64]:
    parts = []
    for start in range(0, len(Z), batch_rows):
        some = slice(start, start + batch_rows)
        losses = np.asarray(predict_loss(Z[some], rows[some]), dtype=np.float64)
        if losses.shape != rows[some].shape or not np.isfinite(losses).all():
            raise InputError(
                f"predict_loss must give one finite number for each of {len(rows[some])} rows, "
                f"got shape {losses.shape}"
            )
        parts.append(losses)
    return np.concatenate(parts)
