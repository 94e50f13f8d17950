"""Contract: what answers must be, from a model or from a record: labels among the classes, probabilities that are some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["label_trouble", "proba_trouble", "range_trouble", "shown"]

_RANGE = 1e-6
_SUM = 1e-3  # single precision over many classes stays within, scores that are no probabilities do not


def label_trouble(labels: np.ndarray, classes: np.ndarray) -> str:
    """Return in words how labels and classes disagree; empty where every label is one of the classes.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        1, 1.0 and True are the same label; 1 and "1" are not.
    classes : ndarray of shape (k,)
        What they may be.
    """
    import pandas as pd

    known = set(classes.tolist())
    seen = pd.unique(labels.astype(object) if labels.dtype.kind == "U" else labels).tolist()
    strange = [value for value in seen if value not in known]
    if not strange:
        return ""
    none = len(strange) == len(seen)
    return (
        f"labels {shown(seen if none else strange)} that are {'none' if none else 'not'} of the classes "
        f"{shown(classes.tolist())}"
    )


def proba_trouble(proba: np.ndarray) -> str:
    """Return in words why an array of shape (n, k) holds no class probabilities; empty where it may.

    Every number must lie from 0 to 1 (to 1e-6), and every row sum to 1 (to 1e-3).
    """
    if not proba.size:
        return ""
    if outside := range_trouble(proba):
        return outside
    sums = proba.sum(axis=1, dtype=float)
    off = np.abs(sums - 1) > _SUM
    if off.any():
        return f"rows that do not sum to 1 ({int(off.sum())} of {len(proba)}; the first sums to {sums[off][0]:g})"
    return ""


def range_trouble(numbers: np.ndarray) -> str:
    """Return in words that numbers lie outside 0 to 1 (to 1e-6), of any shape; empty where none do."""
    if not numbers.size:
        return ""
    low, high = float(numbers.min()), float(numbers.max())
    if low >= -_RANGE and high <= 1 + _RANGE:
        return ""
    held = f"nothing but {low:g}" if low == high else f"numbers from {low:g} to {high:g}"
    return f"{held}, which {'is no probability' if low == high else 'are no probabilities'}"


def shown(values: Sequence[Any], most: int = 5) -> str:
    """Return the first values as a list in words.

    Examples
    --------
    >>> shown([0, 1, 2], most=2)
    '[0, 1, ...]'
    """
    listed = [repr(v.item() if isinstance(v, np.generic) else v) for v in values[:most]]
    return f"[{', '.join([*listed, '...'] if len(values) > most else listed)}]"
