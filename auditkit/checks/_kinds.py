"""Kinds: what attacked records can be told apart by, where an attack is counted class by class and group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.checks import _common as common

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditkit.dataset import Dataset

__all__ = ["FEWEST", "kinds"]

FEWEST = 10  # records of a kind, below which nothing is said of it
_MOST = 20  # values of one feature that are told apart


def kinds(
    *parts: tuple[Dataset, np.ndarray], classes: bool = True
) -> Iterator[tuple[str, list[str], np.ndarray]]:
    """Yield the class and each sensitive feature that has two to twenty values: name, values, and which one each record has.

    Parameters
    ----------
    *parts : tuple of Dataset and ndarray of int
        Where the records come from, and which rows of it they are; one part after the other.
    classes : bool
        Whether answers are classes.
    """
    for name, values in _told(parts, classes=classes):
        labels, codes = np.unique(values, return_inverse=True)
        if 2 <= len(labels) <= _MOST:
            yield name, labels.tolist(), codes


def _told(
    parts: tuple[tuple[Dataset, np.ndarray], ...], *, classes: bool
) -> Iterator[tuple[str, np.ndarray]]:
    if classes:
        y = np.concatenate([data.y[rows] for data, rows in parts])
        yield "class", np.array([f"class={label}" for label in y.tolist()])
    for name in parts[-1][0].sensitive_names:
        if all(name in data.sensitive_names for data, _ in parts):
            found = []
            for data, rows in parts:
                (groups,) = common.groupings(data, [name], intersections=False)
                found.append(np.array(groups.labels)[groups.codes[rows]])
            yield name, np.concatenate(found)
