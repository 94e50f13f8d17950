"""Divided: the groups of kept answers, found by the words that a report has for them."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Divided"]

_DEPTH = 3  # features crossed at most, as in the checks
_MOST = 100  # groups of a division that are compared


class Divided:
    """Rows divided by each sensitive feature, and by up to three of them together.

    Parameters
    ----------
    groups : mapping
        By feature the code of each row and the words of the codes.
    """

    def __init__(self, groups: Mapping[str, tuple[np.ndarray, tuple[str, ...]]]) -> None:
        self._groups = dict(groups)
        sets = [part for size in range(1, _DEPTH + 1) for part in combinations(self._groups, size)]
        self._divisions = {" × ".join(names): names for names in sets}
        self._found: dict[str, tuple[np.ndarray, list[str]] | None] = {}

    def codes(self, name: str | None) -> tuple[np.ndarray, list[str]] | None:
        """Return the group of each row and the labels of the groups that have rows; None where it is no division, or one of too many groups."""
        if name not in self._divisions:
            return None
        if name not in self._found:
            self._found[name] = self._divide(self._divisions[name])
        return self._found[name]

    def group(self, label: str) -> tuple[str, int] | None:
        """Return the division that has a group of this label, and the group's code; None where none has."""
        for name, features in self._divisions.items():
            if not all(f"{feature}=" in label for feature in features):
                continue
            found = self.codes(name)
            if found is not None and label in found[1]:
                return name, found[1].index(label)
        return None

    def rows(self, label: str) -> np.ndarray | None:
        """Return which rows are in a group; None where there is no such group."""
        found = self.group(label)
        codes = None if found is None else self.codes(found[0])
        return None if found is None or codes is None else codes[0] == found[1]

    def _divide(self, features: tuple[str, ...]) -> tuple[np.ndarray, list[str]] | None:
        words = [self._groups[name][1] for name in features]
        joint = np.zeros(len(self._groups[features[0]][0]), dtype=np.int64)
        for name, own in zip(features, words, strict=True):
            joint = joint * len(own) + self._groups[name][0]
        there, codes = np.unique(joint, return_inverse=True)
        if len(there) > _MOST:
            return None
        places = np.unravel_index(there, [len(own) for own in words])
        each = [[own[at] for at in place] for own, place in zip(words, places, strict=True)]
        labels = [
            ", ".join(f"{n}={v}" for n, v in zip(features, one, strict=True))
            for one in zip(*each, strict=True)
        ]
        return codes, labels
