"""Trees: sums of trees explained for many rows at once, as far as they are splits of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from auditkit.errors import NotApplicable
from auditkit.methods.attributions import tables_pay, tree_shapley
from auditkit.methods.trees import read_trees

__all__ = ["by_tables"]

_FEW = 4  # rows, below which tables never pay: the trees are not even read


def by_tables(
    model: Any, rows: np.ndarray, output: np.ndarray, background: np.ndarray | None = None
) -> tuple[np.ndarray, Any, str] | None:
    """Return values, base and the explainer's name; None if the trees are not read here, or their library is sooner done.

    Parameters
    ----------
    model : estimator or booster
        Anything; `read_trees` says what is read.
    rows : ndarray (n, d)
        What the model reads.
    output : ndarray (n,) or (n, k)
        What it says of them, in the unit of its trees.
    background : ndarray (b, d), optional
        For interventional values; no library's own explainer is then waited for, however few the rows.
    """
    if background is None and len(rows) < _FEW:
        return None
    try:
        trees = read_trees(model)
        if background is None and not tables_pay(trees, len(rows)):
            return None
        found = tree_shapley(trees, rows, background)
    except NotApplicable:
        return None
    values, base = found.values, found.base
    off = output.reshape(len(rows), -1) - (values.sum(axis=1) + base)
    added = np.median(off, axis=0)
    if not np.abs(off - added).max() <= trees.slack:
        return None  # it answers otherwise than its trees do, by more than a constant
    base = base + added
    name = (
        "exact tree paths (tables of leaves, path-dependent)"
        if background is None
        else "exact trees, interventional (tables of leaves, against the background rows)"
    )
    return (values[:, :, 0], base[0], name) if output.ndim == 1 else (values, base, name)
