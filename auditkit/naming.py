"""Naming: options of a check that hold names or row numbers, looked up before anything runs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from auditkit.subject import Subject

__all__ = ["NameOf", "RowNumbers", "inputs_of", "no_plan", "sensitive_of", "type_this"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RowNumbers:
    """A note on an option: its value is a list of row numbers of the test rows, from 0.

    Attributes
    ----------
    most : int
        How many are taken.

    Examples
    --------
    >>> RowNumbers(most=2).planned("records", {"records": [3, 3]})
    Traceback (most recent call last):
    auditkit.errors.InputError: records: row 3 stands there twice; type records=[3]
    """

    most: int

    def whole(self, option: str, value: Any) -> None:
        """Raise InputError for a list that holds what is no whole number: `True` is none, though Python counts it as one."""
        for row in value if isinstance(value, (list, tuple)) else ():
            digits = isinstance(row, str) and row.strip().isdecimal()
            number = type(row) is not bool and isinstance(row, Real) and row % 1 == 0
            if not digits and not number:
                raise InputError(
                    f"{option}: expected row numbers, whole and from 0, got {row!r}; type {option}=[0] for the first row"
                )

    def planned(self, option: str, params: Mapping[str, Any]) -> None:
        """Raise InputError for no row, too many, or one twice."""
        rows = params[option]
        if rows is None:
            return
        once = list(dict.fromkeys(rows))
        if not rows:
            raise InputError(f"{option}: expected row numbers, got none; type {option}=[0], or leave it out")
        if len(once) < len(rows):
            twice = next(row for row in once if rows.count(row) > 1)
            raise InputError(f"{option}: row {twice} stands there twice; type {option}={once}")
        if len(rows) > self.most:
            raise InputError(
                f"{option}: expected {self.most} rows at most, got {len(rows)}; type {option}={rows[: self.most]}, and ask again "
                "for the others"
            )

    def met(self, option: str, params: Mapping[str, Any], subject: Subject) -> None:
        """Raise InputError for a row the test rows do not have; the message says where its index label stands."""
        rows, n = params[option] or [], len(subject.test)
        for row in rows:
            if not 0 <= row < n:
                new = [n + one if one == row else one for one in rows]
                tip = (
                    f"type {option}={new}"
                    if -n <= row < 0
                    else f"if {row} is the label of an index, type {option}=[X.index.get_loc({row})] with your table X"
                )
                raise InputError(
                    f"{option}: expected row numbers of the test rows, from 0 to {n - 1}, got {row}; {tip}"
                )


def no_plan(plan: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    """Raise InputError where `auditkit.check`, which marks functions, is called as if it ran a check.

    Examples
    --------
    >>> no_plan(("AK401",), {"records": [3]})
    Traceback (most recent call last):
    auditkit.errors.InputError: check(...) marks a function of your own; to run one: Audit({'AK401': {'records': [3]}}).run(subject)
    """
    if plan or options:
        words = [one for one in plan if isinstance(one, str)][:1] or ["AK401"]
        raise InputError(
            f"check(...) marks a function of your own; to run one: Audit({ {words[0]: dict(options)}!r}).run(subject)"
        )


def inputs_of(subject: Subject) -> list[str]:
    """Return the columns that the model reads."""
    return [str(column) for column in subject.test.X.columns]


def sensitive_of(subject: Subject) -> list[str]:
    """Return the sensitive features."""
    return list(subject.test.sensitive_names)


def type_this(option: str, value: Any, read: Callable[[Any], Any]) -> str:
    """Return what to type for a list without brackets, or with too many, or a share in percent, as the end of an error; empty where that is not it.

    Examples
    --------
    >>> type_this("columns", "ab", lambda value: [word.upper() for word in value])
    "; type columns=['AB']"
    """
    tries: list[Any] = [[value], *_in_percent(value)]
    if isinstance(value, str) and "," in value:
        tries.insert(0, [part.strip() for part in value.split(",")])
    if isinstance(value, (list, tuple)) and len(value) == 1:
        tries.append(value[0])
    for one in tries:
        with suppress(ValueError):  # of which that of pydantic is one
            return f"; type {option}={read(one)!r}"
    return ""


def _in_percent(value: Any) -> list[float]:
    """Return the share that a value is in percent, where it may be one: "95%", or 95."""
    try:
        number = float(value.strip().removesuffix("%") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        return []
    return [number / 100] if 1 < number <= 100 else []
