"""Encoded: what stands in base64, or in the percent signs of a data address, within a text; and what of it is a picture."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["content_of", "encoded_in", "is_picture", "words_of"]

_LETTERS = r"[A-Za-z0-9+/_-]"
_BREAK = r"[ \t]*(?:\\r)?(?:\\n|\r?\n)[ \t]*"
_RUN = re.compile(rf"{_LETTERS}{{16,}}+(?:{_BREAK}{_LETTERS}++(?=={{0,2}}(?:[\s\\\"'<]|$)))*+={{0,2}}")
"""Letters of base64, sixteen or more, with the lines that follow where these hold nothing else."""

_BREAKS = re.compile(_BREAK)
_URI = re.compile(r"data:[\w.+/-]{0,80}(?:;[\w.=+-]{1,40}){0,4},([^\s\"'<>]*%[0-9A-Fa-f]{2}[^\s\"'<>]*)")
_CAPITAL, _SMALL = re.compile("[A-Z]"), re.compile("[a-z]")  # base64 of text has both
_STRETCH = re.compile(rb"[\t\n\r\x20-\x7e]{16,}")
_URLSAFE = str.maketrans("-_", "+/")
_PICTURES = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF", b"%PDF", b"BM", b"\x00\x00\x01\x00", b"OggS", b"ID3", b"wOFF", b"wOF2",
    b"OTTO", b"\x00\x01\x00\x00", b"II*\x00", b"MM\x00*", b"\x1aE\xdf\xa3", b"fLaC",
)  # fmt: skip


def is_picture(content: bytes) -> bool:
    """Return whether bytes begin as a picture, a sound, a font or a page does, and are no text."""
    begins = content.startswith(_PICTURES) or content[4:8] == b"ftyp"
    return begins and words_of(content) is None


def words_of(content: bytes) -> str | None:
    r"""Return the text that bytes are, in UTF-8 or in UTF-16 without a mark; None where they are none.

    Examples
    --------
    >>> words_of(b"caf\xc3\xa9"), words_of("abc".encode("utf-16-le")), words_of(b"\xff\x00")
    ('café', 'abc', None)
    """
    wide = len(content) > 3 and not any(content[1:64:2]) and all(content[:64:2])
    try:
        words = content.decode("utf-16-le" if wide else "utf-8")
    except UnicodeDecodeError:
        return None
    return words if all(one.isprintable() or one.isspace() for one in words) else None


def content_of(letters: str, offset: int = 0) -> bytes:
    """Return the bytes of base64 letters, read from one of the first four on; letters at the end that make no byte are left out."""
    part = letters[offset:].translate(_URLSAFE).rstrip("=")
    part = part[: len(part) - (len(part) % 4 == 1)]
    return binascii.a2b_base64(part + "=" * (-len(part) % 4))


def encoded_in(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and what they say of the stretches of a text that are encoded.

    Of base64 that is no text as a whole, what it says are the stretches of sixteen printable letters or more. It may begin at any letter, since a
    path or a name may stand right before it. What decodes to a picture is left out.
    """
    for run in _RUN.finditer(text):
        if _CAPITAL.search(run[0]) and _SMALL.search(run[0]) and (said := _said(run[0])):
            yield run.start(), run.end(), said
    if "data:" in text:
        for uri in _URI.finditer(text):
            yield uri.start(1), uri.end(1), unquote(uri[1])


def _said(run: str) -> str:
    letters = _BREAKS.sub("", run)
    whole = content_of(letters)
    if (words := words_of(whole)) is not None:
        return words
    if is_picture(whole):
        return ""
    found = [one for offset in range(4) for one in _STRETCH.findall(content_of(letters, offset))]
    return "\n".join(one.decode("ascii") for one in found)
