"""Permutation: how much the loss of a model rises when a feature is shuffled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import table
from auditkit.methods.attributions._columns import column_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["permutation_importance"]


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
    original = table("X", X)
    if len(original) < 2 or repeats < 1 or batch_rows < 1:
        raise InputError(
            "shuffling needs at least 2 rows, 1 repeat and batches of 1 row; "
            f"got {len(original)}, {repeats} and {batch_rows}"
        )
    groups = column_groups(columns, original.shape[1])
    rows = np.arange(len(original))
    usual = _losses(predict_loss, original, rows, batch_rows)
    rises = np.zeros((len(groups), len(original)))
    jobs = [index for index in range(len(groups)) for _ in range(repeats)]
    copies = max(1, batch_rows // len(original))
    for start in range(0, len(jobs), copies):
        some = jobs[start : start + copies]
        stack = np.tile(original, (len(some), 1))
        for place, index in enumerate(some):
            block = stack[place * len(original) : (place + 1) * len(original)]
            block[:, groups[index]] = original[rng.permutation(len(original))][:, groups[index]]
        losses = _losses(predict_loss, stack, np.tile(rows, len(some)), batch_rows)
        np.add.at(rises, some, losses.reshape(len(some), -1) - usual)
    return rises / repeats


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
