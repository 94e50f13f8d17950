"""Personal data in text: numbers whose form and check digits agree, addresses of people, and names of columns that hold them.

What has a checksum is told from other digits by it. Where check digits agree with one random number in ten, the number is told only in the spelling
that people write it in, or beside a word that names it. What is found is a place and a kind, never the text itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditkit.scanning._column_names import personal_column, special_column
from auditkit.scanning._patterns import PATTERNS, Pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

__all__ = ["KINDS", "Hit", "find_personal", "fits", "personal_column", "special_column"]

KINDS: dict[str, str] = {one.kind: one.words for one in PATTERNS}
"""Kinds of personal data that have a pattern, each in words."""

_NEAR = 48


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A place where personal data stands.

    Attributes
    ----------
    start, end : int
        Where, in characters: ``text[start:end]``.
    kind : str
        One of `KINDS`.
    """

    start: int
    end: int
    kind: str


def find_personal(text: str) -> tuple[Hit, ...]:
    """Return the places in a text that hold personal data by their form and their check digits.

    Places do not overlap: of two that do, the one that begins first stands, and of two that begin together the longer.

    Parameters
    ----------
    text : str
        Any text; time and memory grow with its length.

    Returns
    -------
    tuple of Hit
        In the order of the text.

    Examples
    --------
    >>> find_personal("pay to DE89 3704 0044 0532 0130 00, or write to ana@uni-ulm.de")
    (Hit(start=7, end=34, kind='iban'), Hit(start=48, end=62, kind='email'))
    >>> find_personal("ratio 0.4111111111111111, and someone@example.com")  # digits of a fraction; a name kept for examples
    ()
    """
    found = sorted(
        (hit for one in PATTERNS for hit in _hits(one, text)), key=lambda hit: (hit.start, -hit.end)
    )
    kept: list[Hit] = []
    for hit in found:
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return tuple(kept)


def fits(value: str) -> tuple[str, ...]:
    """Return the kinds whose form and check digits a whole value has, also in the bare spelling that tables use.

    One value says little: nine random digits fit a Dutch citizen number one time in eleven. `Pattern.chance` is how often; a column of
    which most values fit is another matter.

    Examples
    --------
    >>> fits("111222333"), fits("4111111111111111"), fits("oak")
    (('nl_bsn',), ('payment_card',), ())
    """
    bare = value.strip()
    return tuple(one.kind for one in PATTERNS if one.fits(bare)) if 0 < len(bare) <= 320 else ()


def _hits(pattern: Pattern, text: str) -> Iterator[Hit]:
    for found in pattern.form.finditer(text):
        end = pattern.ends(found[0])
        if end is None or (end < len(found[0]) and found[0][end].isalnum()):
            continue
        if pattern.beside is None or _beside(pattern.beside, text, found.start()):
            yield Hit(found.start(), found.start() + end, pattern.kind)


def _beside(word: re.Pattern[str], text: str, start: int) -> bool:
    return word.search(text, max(0, start - _NEAR), start) is not None
