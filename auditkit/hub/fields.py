"""Fields: values of a hub's answers read one by one, each of the type it must have, with the place of one that is not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from auditkit.errors import InputError

__all__ = ["Record", "each_once", "records"]

_LONGEST = 10_000  # characters of a name
_NOTE = 500  # characters of a note that are kept
_MOST = 1_000  # names in a list


class Record:
    """One JSON object of an answer, and where it stands.

    Parameters
    ----------
    data : object
        What came.
    where : str
        Its place, in words: "users[3]". The content of a field is never told, as others wrote it.

    Raises
    ------
    InputError
        If it is no object; each method, if a field is missing or of another type.
    """

    __slots__ = ("data", "where")

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, Mapping):
            raise _wrong(where, "an object", data)
        self.data: Mapping[str, Any] = data
        self.where = where

    def has(self, key: str) -> bool:
        """Whether the field is there, null or not."""
        return key in self.data

    def text(self, key: str, *, empty: bool = False) -> str:
        """Return a text that must be there; null is empty where `empty` is allowed."""
        value = self._there(key) if not empty else self.data.get(key, "")
        if value is None and empty:
            return ""
        if not isinstance(value, str):
            raise _wrong(f"{self.where}.{key}", "text", value)
        if not value and not empty:
            raise InputError(f"{self.where}.{key}: expected text, got none")
        if len(value) > _LONGEST:
            raise InputError(
                f"{self.where}.{key}: expected at most {_LONGEST:,} characters, got {len(value):,}"
            )
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InputError(f"{self.where}.{key}: expected text, got half of a character") from None
        return value

    def note(self, key: str) -> str:
        """Return what somebody typed: cut where it is long, as nobody's note may keep a hub from being read; empty for null."""
        value = self.data.get(key)
        if not isinstance(value, str | None):
            raise _wrong(f"{self.where}.{key}", "text or null", value)
        told = (value or "").encode("utf-8", "replace").decode()
        return told if len(told) <= _NOTE else told[: _NOTE - 1] + "…"

    def flag(self, key: str) -> bool:
        """Return a truth value; a missing one, or null, is false."""
        value = self.data.get(key)
        if not isinstance(value, bool | None):
            raise _wrong(f"{self.where}.{key}", "true or false", value)
        return bool(value)

    def names(self, key: str) -> tuple[str, ...] | None:
        """Return a list of texts, sorted; None where the field is not there."""
        if key not in self.data:
            return None
        value = self.data[key]
        if not isinstance(value, list):
            raise _wrong(f"{self.where}.{key}", "a list of text", value)
        if len(value) > _MOST * 100:
            raise InputError(
                f"{self.where}.{key}: expected at most {_MOST * 100:,} names, got {len(value):,}"
            )
        listed = Record({str(i): one for i, one in enumerate(value)}, f"{self.where}.{key}")
        return tuple(sorted(listed.text(str(i)) for i in range(len(value))))

    def time(self, key: str) -> datetime | None:
        """Return a time in UTC; None for null or where it is not there."""
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise _wrong(f"{self.where}.{key}", "a time or null", value)
        try:
            read = datetime.fromisoformat(value)
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        except (ValueError, OverflowError):
            raise InputError(
                f"{self.where}.{key}: expected a time as 2026-11-29T12:00:00Z, got other text"
            ) from None

    def part(self, key: str) -> Record | None:
        """Return an object in a field; None for null or where it is not there."""
        value = self.data.get(key)
        return None if value is None else Record(value, f"{self.where}.{key}")

    def _there(self, key: str) -> Any:
        if key not in self.data:
            raise InputError(f"{self.where}: the field {key!r} is missing")
        return self.data[key]


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object of which no key stands there twice, so that no reader sees another value than this one does.

    Raises
    ------
    InputError
        If one does.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InputError("an object holds a key twice, so that one value hides another")
    return found


def records(value: object, where: str, most: int) -> list[Record]:
    """Return the objects of a list.

    Parameters
    ----------
    value : object
        What came.
    where : str
        Its place.
    most : int
        How many may stand in it.

    Raises
    ------
    InputError
        If it is no list of objects, or a longer one.
    """
    if not isinstance(value, list):
        raise _wrong(where, "a list", value)
    if len(value) > most:
        raise InputError(f"{where}: expected at most {most:,} entries, got {len(value):,}")
    return [Record(one, f"{where}[{i}]") for i, one in enumerate(value)]


def _wrong(where: str, expected: str, value: object) -> InputError:
    came = {dict: "an object", list: "a list", str: "text", bool: "a truth value", type(None): "null"}
    return InputError(f"{where}: expected {expected}, got {came.get(type(value), 'a number')}")
