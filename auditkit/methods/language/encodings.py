"""Encodings: ways to disguise a text, and the plain readings that a disguised text may have."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ENCODINGS", "compact", "folded", "readings"]

_LEET = str.maketrans("aeiost", "431057")
_SHAPES = (
    ("a", "а"),
    ("c", "с"),
    ("e", "е"),
    ("i", "і"),
    ("o", "о"),
    ("p", "р"),
    ("s", "ѕ"),
    ("x", "х"),
    ("y", "у"),
)
"""Latin letters, and Cyrillic ones of the same shape."""
_LOOKALIKE = str.maketrans(dict(_SHAPES))
_LATIN = str.maketrans({there: here for here, there in _SHAPES})
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_GROUPS = re.compile(r"[A-Za-z0-9+/_\s-]+")
_FEWEST = 12  # digits of base64 in groups that are read
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){6,}")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _rot13(text: str) -> str:
    return codecs.encode(text, "rot13")


def _leetspeak(text: str) -> str:
    return text.lower().translate(_LEET)


def _homoglyphs(text: str) -> str:
    return text.translate(_LOOKALIKE)


def _zero_width(text: str) -> str:
    return "\u200b".join(text)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "base64": _base64,
    "rot13": _rot13,
    "leetspeak": _leetspeak,
    "homoglyphs": _homoglyphs,
    "zero width": _zero_width,
}
"""Disguises by name: base64, rot13 and leetspeak as in Wei et al. 2023 (arXiv:2307.02483), look-alike letters and unseen
characters as in Boucher et al. 2022 (arXiv:2106.09898)."""


def folded(text: str) -> str:
    """Return a text as it reads: unseen characters gone, look-alike letters in Latin, small, spaces single.

    Examples
    --------
    >>> folded("Fa\u200blc\u043en  AMBER")
    'falcon amber'
    """
    seen = _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    return " ".join(seen.casefold().translate(_LATIN).split())


def compact(text: str) -> str:
    """Return the letters and digits of a text, folded, without what stands between them.

    Examples
    --------
    >>> compact("K e s t r e l - 48-21")
    'kestrel4821'
    """
    return "".join(c for c in folded(text) if c.isalnum())


def readings(text: str) -> tuple[str, ...]:
    """Return the folded text and what it says when read backwards, by rot13, or decoded from base64 or hexadecimal digits.

    Parameters
    ----------
    text : str
        All of it is looked at.

    Returns
    -------
    tuple of str
        The plain reading first; no reading twice.

    Examples
    --------
    >>> readings("aGVsbG8gdGhlcmU=")[-1]
    'hello there'
    """
    seen = _UNSEEN.sub("", text)
    found = [seen, seen[::-1], _rot13(seen), *_decoded(seen)]
    return tuple(dict.fromkeys(folded(one) for one in found))


def _decoded(text: str) -> list[str]:
    """Return what runs of base64 or hexadecimal digits hold, where that is text."""
    found = [_text_of(base64.urlsafe_b64decode, _padded(run)) for run in _BASE64.findall(text)]
    found += [_text_of(bytes.fromhex, re.sub("[ :]", "", run)) for run in _HEX.findall(text)]
    return [one for one in found if one] + _joined(text)


def _joined(text: str) -> list[str]:
    """Return what base64 says that is written in groups or over lines; where the digits begin is not known, so from each of four places on.

    Words before the digits come out as nonsense: what is looked for stands in one of the four between nonsense.
    """
    groups = [run.split() for run in _GROUPS.findall(text)]
    runs = ["".join(many).replace("+", "-").replace("/", "_") for many in groups if len(many) > 1]
    runs = [run for run in runs if len(run) >= _FEWEST]
    return ["\n".join(_bytes_of(run[start:]) for run in runs) for start in range(4)] if runs else []


def _bytes_of(digits: str) -> str:
    whole = digits[: len(digits) // 4 * 4]
    rest = digits[len(whole) :]
    tail = rest + "=" * (4 - len(rest)) if len(rest) > 1 else ""
    return base64.urlsafe_b64decode(whole + tail).decode("utf-8", "replace")


def _padded(run: str) -> str:
    digits = run.rstrip("=").replace("+", "-").replace("/", "_")
    return digits + "=" * (-len(digits) % 4)


def _text_of(decode: Callable[[str], bytes], digits: str) -> str | None:
    try:
        plain = decode(digits).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return plain if plain and all(c.isprintable() or c.isspace() for c in plain) else None
