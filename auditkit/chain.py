"""Chain: each entry's digest holds the one before, so that an entry that was changed, moved or dropped is seen."""

from __future__ import annotations

import hashlib

__all__ = ["START", "link"]

START = "0" * 64
"""What stands before the first entry."""


def link(before: str, body: str) -> str:
    """Return the digest of an entry: SHA-256 of the digest before it, a line feed, and its text.

    Parameters
    ----------
    before : str
        Digest of the entry before, `START` for the first.
    body : str
        The entry in the one form that is hashed.

    Examples
    --------
    >>> first = link(START, "a")
    >>> link(first, "b") == link(START, "b")
    False
    """
    return hashlib.sha256(f"{before}\n{body}".encode()).hexdigest()
