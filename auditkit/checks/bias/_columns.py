"""Columns: a feature of any kind as codes with words, numbers cut at their quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks import _common as common
from auditkit.methods.groups import codes_of
from auditkit.methods.slices import quantile_codes

if TYPE_CHECKING:
    from auditkit.dataset import Dataset

__all__ = ["Column", "coded", "frames_of"]

_MOST_VALUES = 200


@dataclass(frozen=True, slots=True)
class Column:
    """A feature as codes.

    Attributes
    ----------
    name : str
        Its name.
    codes : ndarray of int, shape (n,)
        From 0; codes from ``len(labels)`` on stand for values that are too rare to be named.
    labels : list of str
        "sex=Female", "age 25 to under 40", "age missing".
    """

    name: str
    codes: np.ndarray
    labels: list[str]


def frames_of(data: Dataset, *, beside: bool) -> dict[str, Any]:
    """Return the model's inputs as columns by name, and, if asked for, the features beside them."""
    columns = {str(c): data.X[c] for c in data.X.columns}
    extra = (data.sensitive_features, data.control_features) if beside else ()
    for frame in extra:
        if frame is not None:
            columns |= {str(c): frame[c] for c in frame.columns if str(c) not in columns}
    return columns


def coded(name: str, column: Any, bins: int, fewest: int = 1) -> Column:
    """Return a column as codes, numbers of more than `bins` values cut into so many bins.

    Parameters
    ----------
    name : str
        Its name.
    column : pandas.Series of shape (n,)
        Values of any kind.
    bins : int
        Bins of a number.
    fewest : int
        Records a value must have to be named.
    """
    if common.is_number(column, bins):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        codes, edges = quantile_codes(values, bins)
        words = [f"{edge:.4g}" for edge in edges]
        if len(set(words)) < len(words):
            words = [repr(float(edge)) for edge in edges]
        middle = [f"{name} {low} to under {high}" for low, high in pairwise(words)]
        ends = (
            [f"{name} under {words[0]}", *middle, f"{name} {words[-1]} or more"] if words else [f"{name} any"]
        )
        return Column(name, codes, [*ends, f"{name} missing"])
    raw, values_of = codes_of({name: column})
    counts = np.bincount(raw, minlength=len(values_of))
    order = np.argsort(-counts, kind="stable")
    named = int(min((counts >= fewest).sum(), _MOST_VALUES))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.minimum(np.arange(len(order)), named)
    return Column(name, place[raw], [f"{name}={values_of[i][0]}" for i in order[:named]])
