"""Table parts: what stands beside a table under audit: the population it is held against, and where it came from."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from auditkit.errors import InputError, did_you_mean

__all__ = ["Margin", "Parent", "Reference"]

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Margin:
    """How a population divides into groups, by one feature or by several together.

    Attributes
    ----------
    features : tuple of str
        What divides it; columns of the table.
    groups : tuple of tuple of str
        For each group its value of each feature, as text.
    weights : tuple of float
        People, or shares, of each group; only their proportions count.
    size : int, optional
        Records that the figures rest on; None where they are known and not estimated.

    Raises
    ------
    InputError
        If there are fewer than two groups, one comes twice, or weights are no amounts of people.
    """

    features: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    weights: tuple[float, ...]
    size: int | None = None

    def __post_init__(self) -> None:
        word = " × ".join(self.features)
        if len(set(self.features)) < len(self.features):
            raise InputError(f"the reference divides by {word}: each feature once")
        if len(self.groups) < 2 or len(self.groups) != len(self.weights):
            raise InputError(
                f"the reference for {word} has {len(self.groups)} groups: at least 2 are compared"
            )
        if len(set(self.groups)) < len(self.groups):
            raise InputError(f"the reference for {word} names a group twice")
        if not all(math.isfinite(w) and w >= 0 for w in self.weights) or not sum(self.weights) > 0:
            raise InputError(f"the reference for {word} needs counts or shares of at least 0, and some above")
        if self.size is not None and self.size < 1:
            raise InputError(f"the reference for {word} rests on at least 1 record; got {self.size}")

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of each group in the population."""
        total = sum(self.weights)
        return tuple(w / total for w in self.weights)


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of the people a table stands for.

    Attributes
    ----------
    margins : tuple of Margin
        One for each way of dividing them.
    source : str
        Where the figures are from, as people say it.
    digest : str
        sha256 of their file; empty where they stand in the subject file.
    """

    margins: tuple[Margin, ...]
    source: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        if not self.margins:
            raise InputError(
                'a reference holds figures: path = "FILE", or shares.FEATURE = {GROUP = SHARE, ...}'
            )

    @property
    def features(self) -> tuple[str, ...]:
        """Every feature it divides by."""
        return tuple(dict.fromkeys(name for one in self.margins for name in one.features))


@dataclass(frozen=True, slots=True)
class Parent:
    """Something a table was made from, as people say it, and whether its file is what they say.

    Attributes
    ----------
    name : str
        What it is called here.
    parents : tuple of str
        Names of what it was made from itself; empty for a source.
    said : str
        sha256 that it should have; empty where nobody said.
    found : str
        sha256 that its file has; empty where there is no file.
    path : str
        Of its file, as named; empty where none is named.
    made_by, source, licence, collected, basis : str
        How it was made, where it came from, under which licence, when it was collected, and on which basis people's data are used.
    """

    name: str
    parents: tuple[str, ...] = ()
    said: str = ""
    found: str = ""
    path: str = ""
    made_by: str = ""
    source: str = ""
    licence: str = ""
    collected: str = ""
    basis: str = ""

    def __post_init__(self) -> None:
        for digest in (self.said, self.found):
            if digest and not _DIGEST.fullmatch(digest):
                raise InputError(
                    f"lineage {self.name!r}: sha256 is 64 hexadecimal digits in small letters; got {digest[:80]!r}"
                )

    @staticmethod
    def checked(lineage: tuple[Parent, ...]) -> tuple[Parent, ...]:
        """Return a lineage of which every name stands for one entry, and none comes from itself.

        Raises
        ------
        InputError
            If a name comes twice, an entry names one that is not there, or a circle is closed.
        """
        names = [one.name for one in lineage]
        twice = sorted({one for one in names if names.count(one) > 1})
        if twice:
            raise InputError(f"lineage: names stand for one entry each; these come twice: {', '.join(twice)}")
        by_name = {one.name: one for one in lineage}
        for one in lineage:
            for word in one.parents:
                if word not in by_name:
                    raise InputError(
                        f"lineage {one.name!r}: from names {word!r}, which has no entry.{did_you_mean(word, names)}"
                    )
        settled: set[str] = set()
        while len(settled) < len(names):
            more = {one.name for one in lineage if one.name not in settled and set(one.parents) <= settled}
            if not more:
                left = ", ".join(sorted(set(names) - settled))
                raise InputError(f"lineage: nothing is made from itself; these go in a circle: {left}")
            settled |= more
        return lineage
