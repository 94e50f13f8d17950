"""References: which rows each reference model is trained on, and what the models that did not see a row say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import codes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["complementary_halves", "out_mean"]


def complementary_halves(
    n: int, count: int, rng: np.random.Generator, *, strata: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Draw training halves in complementary pairs, so that every row is in for exactly half of them.

    Parameters
    ----------
    n : int
        Rows to share out; at least 2.
    count : int
        Reference models; even and at least 2. Masks ``2i`` and ``2i + 1`` are each other's complement.
    rng : numpy.random.Generator
        Where the halves are drawn from.
    strata : array_like of shape (n,), optional
        Class labels or groups to share out evenly too, so that a rare class is not missing from a half.

    Returns
    -------
    numpy.ndarray of bool, shape (count, n)
        True where the row is in the training half of that model. The sizes of a pair differ by at most one.

    Raises
    ------
    InputError
        If `n` is below 2, `count` is odd or below 2, or `strata` is not one value a row.

    References
    ----------
    Carlini et al. 2022, "Membership Inference Attacks From First Principles", IEEE S&P.

    Examples
    --------
    >>> halves = complementary_halves(6, 4, np.random.default_rng(0))
    >>> halves.sum(axis=0).tolist(), halves.sum(axis=1).tolist()
    ([2, 2, 2, 2, 2, 2], [3, 3, 3, 3])
    """
    if n < 2:
        raise InputError(f"complementary halves need at least 2 rows, got {n}")
    if count < 2 or count % 2:
        raise InputError(f"count must be an even number of at least 2 (halves come in pairs), got {count}")
    kinds = np.zeros(n, dtype=np.int64) if strata is None else _codes(strata, n)
    halves = np.zeros((count, n), dtype=np.bool_)
    for first in range(0, count, 2):
        # neighbours in this order share a stratum, so taking every other one halves each stratum
        order = np.lexsort((rng.random(n), kinds))
        halves[first, order[int(rng.integers(2)) :: 2]] = True
        halves[first + 1] = ~halves[first]
    return halves


def out_mean(values: ArrayLike, member_mask: ArrayLike) -> NDArray[np.float64]:
    """Average each row's value over the models that were not trained on it.

    Parameters
    ----------
    values : array_like of shape (k, n)
        What each of `k` models says of each of `n` rows: a probability, a signal.
    member_mask : array_like of bool, shape (k, n)
        True where the model was trained on the row; all False for population rows that no model saw.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        Mean over the models where the mask is False.

    Raises
    ------
    InputError
        If the shapes differ, the mask is not boolean, a used value is not finite, or a row was in the
        training data of every model.

    Examples
    --------
    >>> out_mean([[0.9, 0.2], [0.5, 0.4]], [[True, False], [False, False]]).round(3).tolist()
    [0.5, 0.3]
    """
    table, mask = np.asarray(values, dtype=np.float64), np.asarray(member_mask)
    if table.ndim != 2 or table.shape != mask.shape:
        hint = " Is one of them transposed?" if table.shape == mask.shape[::-1] else ""
        raise InputError(
            f"values and member_mask must both be (models, rows), got {table.shape} and {mask.shape}.{hint}"
        )
    if mask.dtype != np.bool_:
        raise InputError(f"member_mask must be boolean (True = trained on the row), got {mask.dtype}")
    out = ~mask
    counts = out.sum(axis=0)
    if table.shape[0] == 0 or (counts == 0).any():
        raise InputError(
            f"{int((counts == 0).sum())} of {table.shape[1]} rows were in the training data of every model: "
            "leave those rows out, or add the complementary model"
        )
    means = np.sum(table, axis=0, where=out) / counts
    if not np.isfinite(means).all():
        raise InputError("values must be finite where a model did not see the row; leave a failed model out")
    return np.asarray(means, dtype=np.float64)


def _codes(strata: ArrayLike, n: int) -> NDArray[np.int64]:
    labels = np.asarray(strata)
    if labels.shape != (n,):
        raise InputError(f"strata must hold one value for each of the {n} rows, got shape {labels.shape}")
    return codes(labels)
