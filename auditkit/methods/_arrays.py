"""Arrays: what the methods ask of the numbers they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["TINY", "asked", "codes", "in_unit", "rounded", "same_length", "table", "tables", "vector"]

TINY = float(np.finfo(np.float64).tiny)
_ONE = 1.0 + 1e-6  # a softmax in single precision overshoots by its rounding


def vector(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return `values` as a finite vector, or say what is wrong with the argument called `name`."""
    result = np.asarray(values, dtype=np.float64)
    if result.ndim != 1:
        raise InputError(f"{name} must be one value a row, got shape {result.shape}")
    finite = np.isfinite(result)
    if not finite.all():
        raise InputError(f"{name} holds {int((~finite).sum())} values that are not finite")
    return result


def rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep 40 bits: the same numbers added in another order differ in the last bits, and are to tie all the same."""
    digits, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.rint(np.ldexp(digits, 40)), exponent - 40))


def in_unit(name: str, values: NDArray[np.float64]) -> None:
    """Raise unless every value is a probability; ``nan`` is not."""
    if values.size and not (values.min() >= 0.0 and values.max() <= _ONE):
        raise InputError(f"{name} must be probabilities from 0 to 1, got {values.min()} to {values.max()}")


def same_length(name: str, one: NDArray[np.float64], other_name: str, other: NDArray[np.float64]) -> None:
    """Raise unless two vectors are of one length."""
    if one.size != other.size:
        raise InputError(f"{name} and {other_name} must be of one length, got {one.size} and {other.size}")


def codes(labels: NDArray[np.generic]) -> NDArray[np.int64]:
    """Give the distinct labels the numbers 0, 1, ...; labels of mixed types are compared as text."""
    plain = labels.astype(str) if labels.dtype == object else labels
    numbers: NDArray[np.int64] = np.unique(plain, return_inverse=True)[1].astype(np.int64)
    return numbers


def table(name: str, X: NDArray[Any]) -> NDArray[Any]:
    """Return `X` as a table of rows and columns, at least one of each."""
    result = np.asarray(X)
    if result.ndim != 2 or 0 in result.shape:
        raise InputError(f"{name} must be a table of rows and columns, got shape {result.shape}")
    return result


def tables(X: NDArray[Any], background: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both as tables with the same columns."""
    rows, others = table("X", X), table("background", background)
    if rows.shape[1] != others.shape[1]:
        raise InputError(f"X has {rows.shape[1]} columns and background {others.shape[1]}")
    return rows, others


def asked(
    ask: Callable[[NDArray[Any]], ArrayLike], rows: NDArray[Any], batch_rows: int
) -> NDArray[np.float64]:
    """Ask the model about the rows, `batch_rows` at a time; the answer is (n,) or (n, k) and finite."""
    if batch_rows < 1:
        raise InputError(f"batch_rows must be at least 1, got {batch_rows}")
    parts = []
    for start in range(0, len(rows), batch_rows):
        some = rows[start : start + batch_rows]
        answer = np.asarray(ask(some), dtype=np.float64)
        if answer.ndim not in (1, 2) or len(answer) != len(some):
            raise InputError(
                f"asked about {len(some)} rows, the model gave an answer of shape {answer.shape}"
            )
        if not np.isfinite(answer).all():
            raise InputError(
                f"the model's answer holds {int((~np.isfinite(answer)).sum())} values that are not finite"
            )
        parts.append(answer)
    return np.concatenate(parts)
