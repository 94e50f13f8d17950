"""Torch inputs: rows of a table as the numbers a module takes, and how those change with the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError, ModelError, NotApplicable, in_words

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["numbers", "prepared", "shaped", "slopes"]

_SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler")


def numbers(X: pd.DataFrame, kind: str) -> np.ndarray:
    """Return columns of numbers as floats, shape (n, d); a missing value is NaN.

    Raises
    ------
    InputError
        If a column holds something else.
    """
    import pandas as pd

    odd = [
        f"{name!r} ({dtype})"
        for name, dtype in X.dtypes.items()
        if not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype))
    ]
    if odd:
        raise InputError(
            f"{kind} takes numbers, and X has columns that are none: {', '.join(odd[:5])}. Give from_torch(..., prepare=) the "
            "fitted transformer, or a function from rows to an array of floats"
        )
    return X.to_numpy(dtype=float, na_value=np.nan)


def prepared(prepare: Any, X: pd.DataFrame, kind: str) -> np.ndarray:
    """Return what a fitted transformer or a function makes of rows, floats of shape (n, ...).

    Raises
    ------
    ModelError
        If it gives another number of rows, or no numbers.
    """
    transform = getattr(prepare, "transform", prepare)
    # a transformer that was fitted on an array knows no names, and warns of them
    nameless = hasattr(prepare, "n_features_in_") and not hasattr(prepare, "feature_names_in_")
    out = transform(X.to_numpy() if nameless else X)
    out = out.toarray() if hasattr(out, "toarray") else np.asarray(out)
    try:
        out = out.astype(float)
    except (TypeError, ValueError) as error:
        raise ModelError(f"prepare of {kind} must give numbers: {in_words(error)}") from None
    if out.ndim < 2 or len(out) != len(X):
        raise ModelError(
            f"prepare of {kind} must give {len(X)} rows with shape ({len(X)}, d); it gave {out.shape}"
        )
    return np.asarray(out)


def shaped(rows: np.ndarray, shape: tuple[int, ...] | None, kind: str) -> np.ndarray:
    """Return rows of numbers in the shape of one input each, ``(n, *shape)``.

    Raises
    ------
    InputError
        If a row has another number of values.
    """
    if shape is None:
        return rows
    have, want = int(np.prod(rows.shape[1:])), int(np.prod(shape))
    if have != want:
        raise InputError(f"{kind}: shape={shape} takes {want} values a row, and a row has {have}")
    return rows.reshape(len(rows), *shape)


def slopes(prepare: Any, kind: str) -> np.ndarray | float:
    """Return how much each prepared number grows when its column grows by one, shape (d,), or 1.

    Parameters
    ----------
    prepare : transformer, callable or None
        What prepares the rows.
    kind : str
        The model in words.

    Raises
    ------
    NotApplicable
        If it is no scaler that treats every column by itself, by one factor everywhere.
    """
    if prepare is None:
        return 1.0
    name = type(prepare).__name__
    clips = bool(getattr(prepare, "clip", False))
    if name in _SCALERS and type(prepare).__module__.startswith("sklearn.preprocessing") and not clips:
        if prepare.scale_ is None:
            return 1.0
        scale = np.asarray(prepare.scale_, dtype=float)
        return scale if name == "MinMaxScaler" else 1 / scale
    what = f"{name}(clip=True)" if clips else getattr(prepare, "__name__", name)
    raise NotApplicable(
        f"this model ({kind}) gives no gradient by the columns of X: they reach it through prepare={what}, which is no scaler "
        f"of single columns ({', '.join(_SCALERS)}); give X as the module takes it"
    )
