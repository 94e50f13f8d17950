"""Addresses: passwords in addresses of databases and servers, also with signs that ought to be escaped there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditkit.scanning.notebooks.passwords import is_password
from auditkit.scanning.notebooks.quiet import is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["logins_in"]

_BEGINS = re.compile(r"[A-Za-z0-9]://(?P<user>[^\s\"'`<>:/@?#]{0,64}):(?=[^\s\"'`<>@])")
_REST = re.compile(r"[^\s\"'`<>]{1,200}")
_HOST = re.compile(r"@(?=[A-Za-z0-9_\[{$%](?!ha256:))")
_PORT = re.compile(r"\d{1,5}(?:[/?#]|$)")


def logins_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of the passwords in addresses: up to the last ``@`` that a host follows.

    Examples
    --------
    >>> line = "mysql+pymysql://root:Pa$$w0rd#99@db.example.com/x?contact=me@example.com"
    >>> [line[start:end] for start, end in logins_in(line)]
    ['Pa$$w0rd#99']
    >>> list(logins_in("http://localhost:8080/@me postgresql://user:***@host/db"))
    []
    """
    for begin in _BEGINS.finditer(text):
        rest = _REST.match(text, begin.end())
        if rest is None or _PORT.match(rest[0]):
            continue
        held = rest[0].partition("://")[0]  # of two addresses, the first
        first = held.find("@")
        asked = held.find("?", first) if first >= 0 else -1
        ats = [one.start() for one in _HOST.finditer(held[:asked] if asked >= 0 else held)]
        value = held[: ats[-1]] if ats else ""
        if len(value) >= 4 and not _stands_for(value):
            yield begin.end(), begin.end() + len(value)


def _stands_for(value: str) -> bool:
    """Return whether a value is no password: one that is put in, or the path of an address without one."""
    return is_placeholder(value) or ("/" in value and not is_password(value)) or "{" in value
