"""Equivalence: which records cannot be told apart by what can be known of a person.

Columns from which a person might be recognised (age, place, occupation) are *quasi-identifiers*; records that agree in all of
them form an *equivalence class*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError, did_you_mean
from auditkit.methods.groups import codes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "class_numbers",
    "class_sizes",
    "column_codes",
    "combined",
    "equivalence_classes",
    "quantile_edges",
]


def equivalence_classes(
    columns: Mapping[str, Any], *, bin_edges: Mapping[str, Sequence[float]] | None = None
) -> NDArray[np.int64]:
    """Return the equivalence class of each record: records that agree in all columns.

    Parameters
    ----------
    columns : mapping of str to array_like of shape (n,)
        The quasi-identifiers: arrays, lists or pandas series. A missing value is a value of its own.
    bin_edges : mapping of str to increasing sequence of float, optional
        For numeric columns: ``{"age": [25, 40]}`` tells apart below 25, 25 to below 40, and 40 or more.

    Returns
    -------
    ndarray of int, shape (n,)
        From 0 to the number of classes less one.

    Raises
    ------
    InputError
        If there is no column, lengths differ, or bin edges do not fit.

    Examples
    --------
    >>> equivalence_classes({"sex": ["f", "m", "f"], "age": [31, 28, 39]}, bin_edges={"age": [30]}).tolist()
    [0, 1, 0]
    """
    if not columns:
        raise InputError("no quasi-identifier given: name at least one column")
    classes: NDArray[np.int64] | None = None
    for codes in column_codes(columns, bin_edges=bin_edges).values():
        classes = codes if classes is None else combined(classes, codes)
    return np.zeros(0, dtype=np.int64) if classes is None else classes


def column_codes(
    columns: Mapping[str, Any], *, bin_edges: Mapping[str, Sequence[float]] | None = None
) -> dict[str, NDArray[np.int64]]:
    """Return each column as whole numbers 0, 1, ... one for each value; missing values get the last.

    Parameters
    ----------
    columns, bin_edges
        As in `equivalence_classes`.

    Returns
    -------
    dict of str to ndarray of int, shape (n,)

    Raises
    ------
    InputError
        If lengths differ or bin edges do not fit.

    Examples
    --------
    >>> column_codes({"place": ["x", None, "y", "x"]})["place"].tolist()
    [0, 2, 1, 0]
    """
    edges = dict(bin_edges or {})
    unknown = next((name for name in edges if name not in columns), None)
    if unknown is not None:
        raise InputError(f"bin_edges names no column {unknown!r}.{did_you_mean(unknown, columns)}")
    found: dict[str, NDArray[np.int64]] = {}
    for name, values in columns.items():
        if name in edges:
            found[name] = codes_of({name: values}, bin_edges={name: edges[name]})[0]
        else:
            found[name] = _codes(name, values)
        first = next(iter(found))
        if found[name].size != found[first].size:
            raise InputError(
                f"column {name!r} has {found[name].size} rows, {first!r} has {found[first].size}"
            )
    return found


def quantile_edges(values: ArrayLike, bins: int) -> tuple[float, ...]:
    """Return edges that cut numbers into about equally filled bins; fewer bins where values tie.

    Parameters
    ----------
    values : array_like of shape (n,)
        Numbers; missing ones are left out.
    bins : int
        At least 2.

    Raises
    ------
    InputError
        If `bins` is below 2 or nothing but missing values is given.

    Examples
    --------
    >>> quantile_edges([1, 2, 3, 4, 5, 6, 7, 8], 4)
    (3.0, 5.0, 7.0)
    """
    numbers = np.asarray(values, dtype=np.float64)
    numbers = np.sort(numbers[np.isfinite(numbers)])
    if bins < 2 or not numbers.size:
        raise InputError(
            f"quantile_edges needs at least one number and two bins, got {numbers.size} and {bins}"
        )
    places = np.arange(1, bins) * numbers.size // bins
    edges = np.unique(numbers[places])
    return tuple(edges[edges > numbers[0]].tolist())


def combined(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the classes of two columns together, renumbered so that their number never outgrows the records.

    Parameters
    ----------
    one, other : ndarray of int, shape (n,)
        From 0, few beside the records: their product must fit 64 bits.

    Examples
    --------
    >>> combined(np.array([0, 0, 1]), np.array([0, 1, 0])).tolist()
    [0, 1, 2]
    """
    width = int(other.max()) + 1 if other.size else 1
    joint = one * width + other
    most = (int(one.max()) + 1) * width if one.size else 0
    if most <= max(4 * joint.size, 1024):  # counting beats sorting
        filled = np.flatnonzero(np.bincount(joint, minlength=most))
        number = np.zeros(most, dtype=np.int64)
        number[filled] = np.arange(filled.size)
        return np.asarray(number[joint])
    return np.asarray(np.unique(joint, return_inverse=True)[1], dtype=np.int64)


def class_numbers(classes: ArrayLike) -> NDArray[np.int64]:
    """Return classes checked to be whole numbers from 0, one a record."""
    rows = np.asarray(classes)
    if not rows.size and rows.ndim == 1:
        return np.zeros(0, dtype=np.int64)
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or rows.min() < 0:
        raise InputError(
            f"classes must be whole numbers from 0, one a record, got {rows.dtype} of shape {rows.shape}: "
            "type equivalence_classes({name: values, ...})"
        )
    return rows.astype(np.int64, copy=False)


def class_sizes(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of records of each class that has any."""
    sizes = np.bincount(rows)
    return np.asarray(sizes[sizes > 0])


def _codes(name: str, values: Any) -> NDArray[np.int64]:
    import pandas as pd

    # a list with None or mixed types must stay as it is, not become text
    given = values if hasattr(values, "dtype") else np.array([*values, None], dtype=object)[:-1]
    if getattr(given, "ndim", 1) != 1:
        raise InputError(f"column {name!r} must be one value a record, got shape {given.shape}")
    try:
        codes, known = pd.factorize(pd.Series(given))
    except TypeError as error:
        raise InputError(f"the values of column {name!r} cannot be compared: {error}") from error
    return np.asarray(np.where(codes < 0, len(known), codes), dtype=np.int64)
