"""Disguise: an input that gives a sensitive feature away altogether, under another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit import progress
from auditkit.frames import Codec
from auditkit.methods.groups import codes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditkit.dataset import Dataset

__all__ = ["disguise", "protected", "settling"]

_FIRST = 5000  # rows that refute most columns; only what they leave open is looked at in all rows


def disguise(codes: np.ndarray, groups: np.ndarray, said: Callable[[int], None]) -> int | None:
    """Return the first column from which the sensitive feature follows without exception, or that is a part of it.

    A copy, a recoding, an indicator of one of its values, or a number that it is a banding of.

    Parameters
    ----------
    codes : ndarray of shape (n, d)
        The inputs as numbers; ``nan`` is a value of its own.
    groups : ndarray of int, shape (n,)
        The sensitive feature, as codes.
    said : callable
        Told the number of each column before it is looked at.
    """
    return next(_disguises(codes, groups, said), None)


def settling(data: Dataset, name: str, codes: np.ndarray, place: tuple[int, int] = (0, 1)) -> Iterator[str]:
    """Yield the inputs from which a sensitive feature follows without exception, or that are a part of it, in order.

    Parameters
    ----------
    data : Dataset
        Whose sensitive features are looked at.
    name : str
        The sensitive feature.
    codes : ndarray of shape (n, d)
        The inputs as numbers.
    place : (int, int)
        Which of how many features this is, for whoever listens to the progress.
    """
    columns = [str(c) for c in data.X.columns]
    frame = data.sensitive_features
    groups = codes_of({name: frame[frame.columns[data.sensitive_names.index(name)]]})[0]

    def said(j: int) -> None:
        progress.step((place[0] + j / len(columns)) / place[1], f"does {columns[j]} give {name} away")

    yield from (columns[j] for j in _disguises(codes, groups, said))


def protected(data: Dataset) -> dict[str, str]:
    """Return the inputs that are a sensitive feature, by name or in disguise, in their order, and of each why."""
    if not data.sensitive_names:
        return {}
    codes = Codec.of(data.X).encode(data.X)
    columns = [str(c) for c in data.X.columns]
    held = {name: "a sensitive feature" for name in data.sensitive_names if name in columns}
    for name in data.sensitive_names:
        for column in settling(data, name, codes):
            held.setdefault(column, f"gives {name} away")
    return {name: held[name] for name in columns if name in held}


def _disguises(codes: np.ndarray, groups: np.ndarray, said: Callable[[int], None]) -> Iterator[int]:
    k = len(np.unique(groups))
    if k < 2:
        return
    n = len(groups)
    first = np.unique(np.linspace(0, n - 1, min(n, _FIRST)).astype(int))
    for j in range(codes.shape[1]):
        said(j)
        if _possible(codes[first, j], groups[first], n) and _gives_away(codes[:, j], groups, k):
            yield j


def _possible(values: np.ndarray, groups: np.ndarray, n: int) -> bool:
    """Whether a part of the rows leaves any of the relations open. What breaks in a part is broken in the whole."""
    distinct, pairs, _ = _counted(values, groups)
    k = len(np.unique(groups))
    follows = pairs == distinct and distinct <= n // 5
    indicator = pairs == k and distinct <= 2
    return follows or indicator or (pairs == distinct and _in_bands(values, groups, k))


def _gives_away(values: np.ndarray, groups: np.ndarray, k: int) -> bool:
    distinct, pairs, n = _counted(values, groups)
    if pairs == distinct and 2 <= distinct <= n // 5:
        return True
    if pairs == k and distinct == 2:
        return True
    return distinct >= k and pairs == distinct and n >= 5 * k and _in_bands(values, groups, k)


def _counted(values: np.ndarray, groups: np.ndarray) -> tuple[int, int, int]:
    """Return how many values there are, how many pairs of value and group, and how many rows."""
    import pandas as pd

    codes, known = pd.factorize(values, use_na_sentinel=False)
    pairs = pd.unique(codes.astype(np.int64) * (int(groups.max()) + 1) + groups)
    return len(known), len(pairs), len(values)


def _in_bands(values: np.ndarray, groups: np.ndarray, k: int) -> bool:
    """Whether the groups lie one after the other along the values; for values that each have one group."""
    order = np.argsort(values, kind="stable")
    return bool(1 + np.count_nonzero(np.diff(groups[order])) == k)
