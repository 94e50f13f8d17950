"""Names: of those who sign, as they read; two that look alike are one name."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["LONGEST", "as_read", "unfit"]

LONGEST = 200
"""Characters of a name."""

_CAPITALS = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX")
"""Capitals of Greek to the Latin ones of their shape; those of Cyrillic go as their small letters do."""
_SMALL = str.maketrans(
    "аеорсухіјѕһԁԛԝвкмнтгαηικνορτυχωıłøđħ" + "0135|",
    "aeopcyxijshdqwbkmhtranikvoptuxwilodh" + "olesl",
)
"""Small letters of Cyrillic, Greek and barred Latin, and digits, to the small Latin letter of their shape."""
_I_FOR_L = re.compile("(?<=[a-z])I")
_UNSEEN = ("C", "Zl", "Zp")  # categories: controls, formats, unassigned and private ones, ends of lines


def as_read(name: str) -> str:
    """Return what of a name an eye tells apart: letters and digits without case, accents, order of the words, and alphabet.

    Examples
    --------
    >>> as_read("Rossi, Mari\u0430") == as_read("MARIA  ROSSI") == as_read("Maria R\u00f3ssi.")
    True
    >>> as_read("Maria Rossi") == as_read("Mario Rossi")
    False
    """
    letters = _I_FOR_L.sub("l", unicodedata.normalize("NFKC", name).translate(_CAPITALS))
    letters = unicodedata.normalize("NFKD", letters.casefold())
    kept = "".join(c for c in letters if unicodedata.category(c) not in ("Mn", "Cf", "Cc"))
    shapes = kept.translate(_SMALL)
    words = "".join(c if c.isalnum() else " " for c in shapes).split()
    return " ".join(sorted(words))


def unfit(name: str) -> str:
    """Return why nobody can sign by this name, in words; empty if one can.

    Examples
    --------
    >>> unfit("Mar\u200bia"), unfit("Maria")
    ('it has a character that cannot be seen (U+200B)', '')
    """
    hidden = next((c for c in name if unicodedata.category(c).startswith(_UNSEEN)), None)
    if hidden is not None:
        return f"it has a character that cannot be seen (U+{ord(hidden):04X})"
    if len(name) > LONGEST:
        return f"it has {len(name):,} characters, and {LONGEST} at most are taken"
    return "" if as_read(name) else "it has no letter"
