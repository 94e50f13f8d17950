"""Flips: how far the output moves when one feature alone is set to another value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import asked, table
from auditkit.methods.attributions._columns import column_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["flip"]


def flip(
    ask: Callable[[NDArray[Any]], ArrayLike],
    X: NDArray[Any],
    column: int,
    values: Sequence[Any],
    *,
    batch_rows: int = 65_536,
) -> NDArray[np.float64]:
    """Return how much each row's output changes when one feature is set to each other value.

    Only the column itself is changed: reliance through other features that carry the same information is
    not seen.

    Parameters
    ----------
    ask : callable
        Maps (rows, d) to one output a row, or `k`.
    X : numpy.ndarray of shape (n, d)
        The rows.
    column : int
        The feature, for instance the sensitive one.
    values : sequence
        The values that were observed; at least two different ones. A missing value may be among them.
    batch_rows : int
        Rows of one call, at most.

    Returns
    -------
    numpy.ndarray of float, shape (n,) or (n, k)
        Mean over the values that are not the row's own of the absolute change in output.

    Raises
    ------
    InputError
        If the column is not there, there are fewer than two values, or an output is not finite.

    References
    ----------
    Kusner et al. 2017, "Counterfactual Fairness", NeurIPS, in its simplest form: no causal model, the
    feature alone changes.

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [1.0, 1.0]])
    >>> flip(lambda Z: 0.25 * Z[:, 0] + Z[:, 1], X, 0, [0.0, 1.0]).tolist()
    [0.25, 0.25]
    """
    import pandas as pd

    rows = table("X", X)
    (group,) = column_groups([column], rows.shape[1])
    own = rows[:, group[0]]
    missing = np.asarray(pd.isna(own))
    present = list(dict.fromkeys(value for value in values if not pd.isna(value)))
    absent = [value for value in values if pd.isna(value)][:1]
    if len(present) + len(absent) < 2:
        raise InputError(
            f"a flip needs at least two different values of column {column}, got {list(values)!r}"
        )
    usual = asked(ask, rows, batch_rows)
    change, tried = np.zeros_like(usual), np.zeros(len(rows))
    for value in present + absent:
        same = missing.copy() if pd.isna(value) else ~missing
        if not pd.isna(value):
            same[~missing] = own[~missing] == value
        others = np.flatnonzero(~same)
        for start in range(0, len(others), batch_rows):
            some = others[start : start + batch_rows]
            changed = rows[some]
            changed[:, group[0]] = value
            change[some] += np.abs(asked(ask, changed, batch_rows) - usual[some])
        tried[others] += 1
    return np.asarray((change.T / tried).T)
