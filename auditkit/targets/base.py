"""Target: what every kind of thing under audit has in common, so that one audit, one report and one gate serve them all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from typing import Self

__all__ = ["KINDS", "TEMPLATES", "Target"]

KINDS: dict[str, str] = {
    "model": "a model with its rows",
    "artifact": "a model file",
    "notebooks": "notebooks",
    "language_model": "a language model",
    "stack": "installed software and its configuration",
    "table": "a table of records",
    "access": "accounts and rights on a hub",
}
"""Kinds of target, each in words. A check names the one it asks about."""

TEMPLATES: dict[str, str] = {
    "model": "full",
    "artifact": "artifact",
    "notebooks": "notebooks",
    "language_model": "llm",
    "stack": "stack",
    "table": "table",
    "access": "access",
}
"""The template that an error names for each kind: the one that holds most of its checks."""


class Target(ABC):
    """Something under audit.

    A kind is a frozen dataclass that derives from this. It can be sent to other processes by pickle.

    Attributes
    ----------
    kind : str
        One of `KINDS`. Checks marked with another kind are refused before anything runs.
    name : str
        How the report calls it.
    """

    __slots__ = ()

    kind: ClassVar[str] = ""
    name: str

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return what the report says of it; plain JSON values.

        Kinds other than a model give ``name``, ``kind``, ``facts`` (what was looked at, as pairs of a word and its value, for the first
        screen) and ``parts`` (sha256 of everything that was looked at, by its name). Nothing that was found in it belongs here.
        """

    def counted(self) -> Self:
        """Return the same target with fresh counters of what it is asked."""
        return self

    def cost(self) -> dict[str, int]:
        """Return what was asked of it since it was `counted`; empty where nothing is asked."""
        return {}

    def warm(self) -> None:  # noqa: B027 - most kinds have nothing to prepare
        """Do once what all checks share, before they are sent anywhere. It does not raise: what fails here fails again in each check."""
