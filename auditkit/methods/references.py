"""References: which rows each reference model is trained on, and what the models that did not see a row say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import codes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Moments", "aligned", "complementary_halves", "in_mean", "moments", "out_mean"]

_BLOCK = 1_000_000  # signals held at a time beside those given
_LARGEST = 1e150  # its square is still a number


class Moments(NamedTuple):
    """How the models of one side speak of each row.

    Attributes
    ----------
    models, mean, scatter : numpy.ndarray of shape (n,)
        How many there are, their mean, and the sum of squared differences from it; 0 where all say the same.
    """

    models: NDArray[np.float64]
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]

    def pooled(self) -> float:
        """Return the standard deviation within a row, pooled over rows; ``nan`` where no row has two models."""
        freedom = float(np.maximum(self.models - 1.0, 0.0).sum())
        return float(np.sqrt(self.scatter.sum() / freedom)) if freedom > 0 else float("nan")


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
    table, mask = aligned(values, member_mask)
    out = ~mask
    counts = out.sum(axis=0)
    if table.shape[0] == 0 or (counts == 0).any():
        raise InputError(
            f"{int((counts == 0).sum())} of {table.shape[1]} rows were in the training data of every model: "
            "leave those rows out, or add the complementary model"
        )
    means = np.sum(table, axis=0, where=out, dtype=np.float64) / counts
    if not np.isfinite(means).all():
        raise InputError("values must be finite where a model did not see the row; leave a failed model out")
    return np.asarray(means, dtype=np.float64)


def in_mean(values: ArrayLike, member_mask: ArrayLike) -> NDArray[np.float64]:
    """Average each row's value over the models that were trained on it.

    Parameters
    ----------
    values, member_mask : array_like of shape (k, n)
        As in `out_mean`.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        Mean over the models where the mask is True.

    Raises
    ------
    InputError
        As `out_mean`, and if a row was in the training data of no model.

    Examples
    --------
    >>> in_mean([[0.9, 0.2], [0.5, 0.4]], [[True, False], [True, True]]).round(3).tolist()
    [0.7, 0.4]
    """
    table, mask = aligned(values, member_mask)
    counts = mask.sum(axis=0)
    if table.shape[0] == 0 or (counts == 0).any():
        raise InputError(
            f"{int((counts == 0).sum())} of {table.shape[1]} rows were in the training data of no model: "
            "leave those rows out, add the complementary model, or attack offline"
        )
    means = np.sum(table, axis=0, where=mask, dtype=np.float64) / counts
    if not np.isfinite(means).all():
        raise InputError("values must be finite where a model saw the row; leave a failed model out")
    return np.asarray(means, dtype=np.float64)


def moments(values: ArrayLike, use: ArrayLike) -> Moments:
    """Return number, mean and scatter of each row's values over the models marked in `use`, block by block.

    Values are first put on a grid of about 2**-51 of the largest sum, so that rows which hold the same values from
    different models come out the same to the last bit.

    Parameters
    ----------
    values : array_like of shape (k, n)
        What each of `k` models says of each of `n` rows.
    use : array_like of bool, shape (k, n)
        Which values count; the others are not read.

    Returns
    -------
    Moments
        Mean ``nan`` and scatter 0 for a row without a value.

    Raises
    ------
    InputError
        If the shapes differ, the mask is not boolean, or a value that counts is not finite.

    Examples
    --------
    >>> found = moments([[1.0, 5.0], [3.0, 7.0]], [[True, True], [True, False]])
    >>> found.mean.tolist(), found.scatter.tolist(), found.pooled()
    ([2.0, 5.0], [2.0, 0.0], 1.4142135623730951)
    """
    table, mask = aligned(values, use)
    k, n = table.shape
    blocks = [slice(start, start + _BLOCK // max(k, 1) + 1) for start in range(0, n, _BLOCK // max(k, 1) + 1)]
    largest = max((np.max(np.abs(table[:, b]), where=mask[:, b], initial=0.0) for b in blocks), default=0.0)
    if not largest < _LARGEST:
        raise InputError("values must be finite wherever they count; leave a failed model out")
    step, square_step = _grid(float(largest), k), _grid(4.0 * float(largest) ** 2, k)
    count, mean, scatter = mask.sum(axis=0).astype(np.float64), np.empty(n), np.empty(n)
    for part in blocks:
        used = mask[:, part]
        some = np.rint(np.where(used, table[:, part], 0.0) / step) * step
        with np.errstate(invalid="ignore"):
            mean[part] = some.sum(axis=0) / count[part]
        apart = np.where(used, some - mean[part], 0.0)
        scatter[part] = (np.rint(np.square(apart) / square_step) * square_step).sum(axis=0)
    return Moments(count, mean, scatter)


def _grid(largest: float, count: int) -> float:
    """Return a step so coarse that `count` multiples of it, none above `largest`, add up exactly in any order.

    Models in another order then give the same sum to the last bit, and equal values a scatter of 0. The step is below
    ``count * largest / 2**51``.
    """
    if largest * count == 0.0:
        return 1.0
    return float(np.ldexp(1.0, max(int(np.ceil(np.log2(largest * count))) - 52, -1000)))


def aligned(values: ArrayLike, member_mask: ArrayLike) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Return both as arrays of shape (k, n), the values as floats; raise `InputError` where they are not."""
    table, mask = np.asarray(values), np.asarray(member_mask)
    if table.ndim != 2 or table.shape != mask.shape:
        hint = " Is one of them transposed?" if table.shape == mask.shape[::-1] else ""
        raise InputError(
            f"values and member_mask must both be (models, rows), got {table.shape} and {mask.shape}.{hint}"
        )
    if mask.dtype != np.bool_:
        raise InputError(f"member_mask must be boolean (True = trained on the row), got {mask.dtype}")
    return (table if table.dtype.kind == "f" else table.astype(np.float64)), mask


def _codes(strata: ArrayLike, n: int) -> NDArray[np.int64]:
    labels = np.asarray(strata)
    if labels.shape != (n,):
        raise InputError(f"strata must hold one value for each of the {n} rows, got shape {labels.shape}")
    return codes(labels)
