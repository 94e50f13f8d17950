"""Naming: options of a check that hold names, looked up before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from auditkit.subject import Subject

__all__ = ["NameOf", "inputs_of", "sensitive_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NameOf:
    """A note on an option: its value is a name, or a list of names, of what is known before the check runs.

    Attributes
    ----------
    what : str
        What the names are of, in words: "defence".
    among : callable, optional
        Takes all options of the check, gives the names; None where they cannot be known here, and the check itself must tell.
        A plan is held to them when it is made.
    of : callable, optional
        Takes the subject, gives its names; none where there is nothing to name. A plan is held to them when it is run.

    Examples
    --------
    >>> metal = NameOf(what="metal", among=lambda _: ["gold", "silver"])
    >>> metal.planned("metals", {"metals": ["gold", "slver"]})
    Traceback (most recent call last):
    auditkit.errors.InputError: metals: 'slver' is no metal. Did you mean 'silver'?
    """

    what: str
    among: Callable[[Mapping[str, Any]], Iterable[str] | None] | None = None
    of: Callable[[Subject], Iterable[str]] | None = None

    def planned(self, option: str, params: Mapping[str, Any]) -> None:
        """Raise InputError if an option names what is not known when a plan is made."""
        if self.among is not None and params[option] is not None:
            self._refuse(option, params[option], self.among(params))

    def met(self, option: str, params: Mapping[str, Any], subject: Subject) -> None:
        """Raise InputError if an option names what the subject does not have."""
        if self.of is not None and params[option] is not None:
            self._refuse(option, params[option], list(self.of(subject)) or None)

    def _refuse(self, option: str, value: Any, known: Iterable[str] | None) -> None:
        words = None if known is None else list(known)
        for word in [value] if isinstance(value, str) else value:
            if words is not None and word not in words:
                raise InputError(f"{option}: {word!r} is no {self.what}.{did_you_mean(word, words)}")


def inputs_of(subject: Subject) -> list[str]:
    """Return the columns that the model reads."""
    return [str(column) for column in subject.test.X.columns]


def sensitive_of(subject: Subject) -> list[str]:
    """Return the sensitive features."""
    return list(subject.test.sensitive_names)
