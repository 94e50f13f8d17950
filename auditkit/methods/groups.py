"""Groups: which one each row belongs to, for one sensitive feature or several, and what its rows add up to."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["codes_of", "group_confusion", "group_sums"]

_MISSING = "missing"


def codes_of(
    columns: Mapping[str, Any], *, bin_edges: Mapping[str, Sequence[float]] | None = None
) -> tuple[NDArray[np.int64], tuple[tuple[str, ...], ...]]:
    """Return which group each row belongs to, and what the groups are.

    Parameters
    ----------
    columns : mapping of str to array_like of shape (n,)
        Sensitive features; with several, the groups are their intersections. Arrays or pandas series.
    bin_edges : mapping of str to increasing sequence of float, optional
        For numeric features: ``{"age": [25, 40]}`` gives "under 25", "25 to under 40" and "40 or more".

    Returns
    -------
    codes : numpy.ndarray of int, shape (n,)
        Group of each row.
    labels : tuple of tuple of str
        For each group its value of each feature, in the order of `columns`. Only groups with rows, sorted by
        value. Missing values are a group of their own, "missing", last. Values that read the same,
        1 and "1", are one group.

    Raises
    ------
    InputError
        If there is no column, lengths differ, or bin edges do not fit.

    Examples
    --------
    >>> codes, labels = codes_of({"sex": ["f", "m", None], "age": [30, 61, 30]}, bin_edges={"age": [60]})
    >>> codes.tolist(), labels
    ([0, 1, 2], (('f', 'under 60'), ('m', '60 or more'), ('missing', 'under 60')))
    """
    edges = dict(bin_edges or {})
    unknown = next((name for name in edges if name not in columns), None)
    if unknown is not None:
        raise InputError(f"bin_edges names no sensitive feature {unknown!r}.{did_you_mean(unknown, columns)}")
    if not columns:
        raise InputError("no sensitive feature given: name at least one column")
    codes: NDArray[np.int64] | None = None
    labels: list[tuple[str, ...]] = [()]
    for name, values in columns.items():
        own, names = _binned(name, values, edges[name]) if name in edges else factorise(name, values)
        if codes is None:
            codes = np.zeros(own.size, dtype=np.int64)
        if own.size != codes.size:
            raise InputError(
                f"sensitive feature {name!r} has {own.size} rows, the ones before it {codes.size}"
            )
        codes, labels = _combined(codes, labels, own, names)
    return codes if codes is not None else np.zeros(0, dtype=np.int64), tuple(labels)


def group_confusion(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    group_codes: ArrayLike,
    n_groups: int,
    sample_weight: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Count true and false negatives and positives of every group in one pass over the rows.

    Parameters
    ----------
    y_true, y_pred : array_like of shape (n,)
        True and predicted labels: boolean, or 0 and 1 with 1 the positive class.
    group_codes : array_like of int, shape (n,)
        Group of each row, from 0 to ``n_groups - 1``: see `codes_of`.
    n_groups : int
        Number of groups; one that no row belongs to has counts of 0.
    sample_weight : array_like of shape (n,), optional
        Weights, at least 0; the cells then hold sums of weights.

    Returns
    -------
    numpy.ndarray of float, shape (n_groups, 4)
        Columns tn, fp, fn, tp. Whole numbers without weights.

    Raises
    ------
    InputError
        If lengths differ, labels are not binary, codes are out of range, or a weight is negative.

    Examples
    --------
    >>> group_confusion([0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1], 2).tolist()
    [[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]]
    """
    codes = _group_codes(group_codes, n_groups)
    truth, answer = binary_labels("y_true", y_true, codes.size), binary_labels("y_pred", y_pred, codes.size)
    weights = None if sample_weight is None else row_weights(sample_weight, codes.size)
    cell = codes * 4
    cell += 2 * truth.astype(np.int64)
    cell += answer
    counts = np.bincount(cell, weights=weights, minlength=4 * n_groups)
    return counts.reshape(n_groups, 4).astype(np.float64)


def group_sums(
    values: ArrayLike,
    group_codes: ArrayLike,
    n_groups: int | None = None,
    sample_weight: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Sum a number by group: predictions, errors, squared errors of a regression.

    Parameters
    ----------
    values : array_like of shape (n,)
        One finite number a row.
    group_codes : array_like of int, shape (n,)
        Group of each row.
    n_groups : int, optional
        Number of groups; by default the largest code plus one.
    sample_weight : array_like of shape (n,), optional
        Weights, at least 0.

    Returns
    -------
    numpy.ndarray of float, shape (n_groups, 3)
        Columns: rows (or sum of weights), sum, sum of squared deviations from the group's own mean. The mean
        is the second over the first; the third over the first less one is the unweighted variance.

    Raises
    ------
    InputError
        If lengths differ, a value is not finite, codes are out of range, or a weight is negative.

    Examples
    --------
    >>> group_sums([1.0, 3.0, 5.0], [0, 0, 1]).tolist()
    [[2.0, 4.0, 2.0], [1.0, 5.0, 0.0]]
    """
    raw = np.asarray(group_codes)
    total = n_groups if n_groups is not None else (int(raw.max()) + 1 if raw.size else 0)
    codes = _group_codes(raw, total)
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != codes.shape or not np.isfinite(numbers).all():
        raise InputError(f"values must be {codes.size} finite numbers, got shape {numbers.shape}")
    weights = np.ones(codes.size) if sample_weight is None else row_weights(sample_weight, codes.size)
    rows = np.bincount(codes, weights=weights, minlength=total)
    sums = np.bincount(codes, weights=weights * numbers, minlength=total)
    # around the group's own mean: sums of raw squares cancel where the spread is small beside the mean
    means = np.divide(sums, rows, out=np.zeros(total), where=rows > 0)
    spread = np.bincount(codes, weights=weights * np.square(numbers - means[codes]), minlength=total)
    return np.column_stack([rows, sums, spread])


def _combined(
    codes: NDArray[np.int64], labels: list[tuple[str, ...]], own: NDArray[np.int64], names: list[str]
) -> tuple[NDArray[np.int64], list[tuple[str, ...]]]:
    # renumbered after every feature, so that the product never outgrows rows times values
    joint = codes * len(names) + own
    combinations = len(labels) * len(names)
    if combinations <= max(codes.size, 1024):  # counting beats sorting
        pairs = np.flatnonzero(np.bincount(joint, minlength=combinations))
        number = np.zeros(combinations, dtype=np.int64)
        number[pairs] = np.arange(pairs.size)
        combined = number[joint]
    else:
        pairs, combined = np.unique(joint, return_inverse=True)
    found = [(*labels[pair // len(names)], names[pair % len(names)]) for pair in pairs.tolist()]
    return combined.astype(np.int64), found


def factorise(name: str, values: Any) -> tuple[NDArray[np.int64], list[str]]:
    """Return the code of each row, an array of its own, and what the codes stand for; missing values last.

    Values of an ordered categorical come in its order, others sorted.
    """
    import pandas as pd

    series = values if isinstance(values, pd.Series) else pd.Series(_column(name, values))
    raw, uniques = pd.factorize(series)
    keys = list(uniques)
    if isinstance(series.dtype, pd.CategoricalDtype) and series.dtype.ordered:
        present = set(keys)
        texts = list(dict.fromkeys(_text(key) for key in series.dtype.categories if key in present))
    else:
        texts = _in_order([_text(key) for key in keys], keys)
    place = {text: position for position, text in enumerate(texts)}
    if (raw < 0).any():
        texts.append(_MISSING if _MISSING not in place else f"{_MISSING} (no value)")
    # the last entry serves the code -1, a missing value
    lookup = np.array([place[_text(key)] for key in keys] + [len(texts) - 1], dtype=np.int64)
    return lookup[raw], texts


def _binned(name: str, values: ArrayLike, edges: Sequence[float]) -> tuple[NDArray[np.int64], list[str]]:
    import pandas as pd

    cuts = np.asarray(edges, dtype=np.float64)
    if cuts.ndim != 1 or cuts.size == 0 or not np.isfinite(cuts).all() or not (np.diff(cuts) > 0).all():
        raise InputError(f"bin_edges of {name!r} must be finite and increasing, got {list(edges)!r}")
    try:
        column = pd.to_numeric(pd.Series(_column(name, values)))
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(f"bin_edges given for {name!r}, which is not numeric: {error}") from error
    missing = np.isnan(numbers)
    codes = np.searchsorted(cuts, numbers, side="right").astype(np.int64)
    codes[missing] = cuts.size + 1
    names = [_text(cut) for cut in cuts]
    middle = [f"{low} to under {high}" for low, high in pairwise(names)]
    return codes, [f"under {names[0]}", *middle, f"{names[-1]} or more", _MISSING]


def _column(name: str, values: Any) -> NDArray[Any]:
    # a list with None or mixed types must stay as it is, not become text
    array = values if hasattr(values, "dtype") else np.array(list(values), dtype=object)
    if getattr(array, "ndim", 1) != 1:
        raise InputError(f"sensitive feature {name!r} must be one value a row, got shape {array.shape}")
    return array


def _in_order(texts: list[str], keys: list[Any]) -> list[str]:
    numeric = all(isinstance(key, (int, float, np.number)) and not isinstance(key, bool) for key in keys)
    order = sorted(range(len(keys)), key=(lambda i: float(keys[i])) if numeric else (lambda i: texts[i]))
    return list(dict.fromkeys(texts[i] for i in order))


def _text(value: object) -> str:
    # whole numbers read back from a column with gaps are floats; 1.0 and 1 are one group
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _group_codes(group_codes: ArrayLike, n_groups: int) -> NDArray[np.int64]:
    codes = np.asarray(group_codes)
    if codes.ndim != 1 or not np.issubdtype(codes.dtype, np.integer):
        raise InputError(
            f"group codes must be whole numbers, one a row; got {codes.dtype} of shape {codes.shape}"
        )
    if codes.size and not (codes.min() >= 0 and codes.max() < n_groups):
        raise InputError(f"group codes must be from 0 to {n_groups - 1}, got {codes.min()} to {codes.max()}")
    return codes.astype(np.int64, copy=False)


def binary_labels(name: str, labels: ArrayLike, n: int) -> NDArray[Any]:
    """Return labels checked to be boolean or 0 and 1; raise InputError otherwise."""
    given = np.asarray(labels)
    if given.shape != (n,):
        raise InputError(f"{name} must hold one label for each of the {n} rows, got shape {given.shape}")
    if given.dtype != np.bool_ and not (given.dtype.kind in "iufO" and ((given == 0) | (given == 1)).all()):
        raise InputError(
            f"{name} must be boolean or 0 and 1, with 1 the positive class; got {given.dtype} values"
        )
    return given if given.dtype.kind in "iub" else given.astype(np.int64)


def scored_rows(
    scores: ArrayLike,
    group_codes: ArrayLike,
    n_groups: int,
    positive: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64] | None]:
    """Return scores, groups, truth and weights of records, checked; without truth all are negative.

    Raises
    ------
    InputError
        If lengths differ, a score is not finite, a code is out of range, or a weight is negative.
    """
    values, codes = np.asarray(scores, dtype=np.float64), _group_codes(group_codes, n_groups)
    if values.shape != codes.shape or not np.isfinite(values).all():
        raise InputError(f"scores must be finite, one a record of {codes.shape}; got shape {values.shape}")
    truth = np.zeros(values.size, dtype=bool) if positive is None else np.asarray(positive).astype(bool)
    if truth.shape != values.shape:
        raise InputError(f"positive must be one a record, {values.size} in all; got shape {truth.shape}")
    return values, codes, truth, None if sample_weight is None else row_weights(sample_weight, values.size)


def row_weights(sample_weight: ArrayLike, n: int) -> NDArray[np.float64]:
    """Return weights checked to be one number of at least 0 a row; raise InputError otherwise."""
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n,) or not (np.isfinite(weights) & (weights >= 0)).all():
        raise InputError(f"sample_weight must be {n} numbers of at least 0, got shape {weights.shape}")
    return weights
