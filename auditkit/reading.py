"""Reading: a file that others may have made, read whole and once; and its name, in one line."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from auditkit.errors import InputError

__all__ = ["LARGEST_MODEL", "kind_of_place", "name_shown", "read_bounded", "toml_text"]

LARGEST_MODEL = 8 * 2**30
"""Bytes of a model file, or of weights, that are read."""

_KINDS = {
    stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}  # fmt: skip


def read_bounded(path: str | os.PathLike[str], most: int, what: str) -> bytes:
    """Return the bytes of a regular file; nothing else is waited for, and no more is read than may be.

    Parameters
    ----------
    path : path
        The file; a link is followed.
    most : int
        Bytes at most.
    what : str
        What is expected, in words: "model file".

    Raises
    ------
    InputError
        If it is not there, cannot be read, is no regular file, or is longer.
    """
    shown = name_shown(path)
    wait_for_none = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)  # a pipe would be waited for
    try:
        place = os.open(
            path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | wait_for_none
        )
    except OSError as error:
        if kind := kind_of_place(path):
            raise InputError(f"{shown} is {kind}; expected a {what}") from None
        raise InputError(f"cannot read the {what} {shown}: {error.strerror}") from None
    try:
        found = os.fstat(place)
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{shown} is {_kind(found.st_mode)}; expected a {what}")
        if found.st_size > most:
            raise InputError(_too_long(shown, what, most, f"{found.st_size:,} bytes"))
        with os.fdopen(place, "rb", closefd=False) as file:
            data = file.read(most + 1)
    except OSError as error:
        raise InputError(f"cannot read the {what} {shown}: {error.strerror}") from None
    finally:
        os.close(place)
    if len(data) > most:  # it grew, or says no size, as the kernel's own files do
        raise InputError(_too_long(shown, what, most, "more"))
    return data


def toml_text(path: str | os.PathLike[str], what: str) -> str:
    """Return the text of a TOML file.

    Parameters
    ----------
    path : path
        The file.
    what : str
        What it is called in an error: "policy file".

    Raises
    ------
    InputError
        If it is missing, or not UTF-8.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"no {what} at {file}")
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not TOML: it is not UTF-8 text ({error.reason})") from None


def kind_of_place(path: str | os.PathLike[str]) -> str:
    """Return in words what stands at a path that is no regular file; empty for one, and where there is nothing."""
    with suppress(OSError, ValueError):
        mode = Path(path).stat().st_mode
        return "" if stat.S_ISREG(mode) else _kind(mode)
    return ""


def name_shown(path: str | os.PathLike[str]) -> str:
    r"""Return a path in one line: line breaks, and all else that does not print, as escapes.

    Examples
    --------
    >>> print(name_shown("m\n::error::x.skops"))
    m\n::error::x.skops
    """
    return "".join(ch if ch.isprintable() else ch.encode("unicode_escape").decode() for ch in os.fspath(path))


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "no regular file")


def _too_long(shown: str, what: str, most: int, held: str) -> str:
    return f"{shown}: {held}; of a {what} at most {most:,} bytes are read"
