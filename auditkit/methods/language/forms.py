"""Forms: other ways of writing the same date or street."""

from __future__ import annotations

import re

from auditkit.methods.language.encodings import folded
from auditkit.methods.language.words import MONTHS

__all__ = ["dates_in", "street_turned"]

_SHORT = {name[:3].lower(): number for number, name in enumerate(MONTHS, 1)}
_NAME = rf"({'|'.join(_SHORT)})[a-z]{{0,6}}"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})[-/. ]{1,2}(\d{1,2})[-/. ]{1,2}(\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})[-/. ]{1,2}(\d{1,2})[-/. ]{1,2}(\d{4})(?!\d)")
_DAY_FIRST = re.compile(rf"(?<!\d){_DAY}(?: day)?(?: of)?[-., ]{{0,2}}{_NAME}[-., ]{{0,2}}(\d{{4}})(?!\d)")
_MONTH_FIRST = re.compile(rf"\b{_NAME}[-. ]{{0,2}}(?:the )?{_DAY}[., ]{{1,2}}(?:in )?(\d{{4}})(?!\d)")
_STREET = re.compile(r"(\d+[a-z]?)\s+(\D+)")


def dates_in(text: str) -> frozenset[tuple[int, int, int]]:
    """Return the dates that a folded text tells, as year, month and day; where day and month may be either, both.

    Examples
    --------
    >>> sorted(dates_in("may 5, 1980; the 6th of june 1981; 1982-07-08"))
    [(1980, 5, 5), (1981, 6, 6), (1982, 7, 8)]
    >>> sorted(dates_in("3/4/1980"))
    [(1980, 3, 4), (1980, 4, 3)]
    """
    found = {(y, m, d) for y, m, d in _YEAR_FIRST.findall(text)}
    for first, second, year in _YEAR_LAST.findall(text):
        found |= {(year, first, second), (year, second, first)}
    found |= {(y, str(_SHORT[m]), d) for d, m, y in _DAY_FIRST.findall(text)}
    found |= {(y, str(_SHORT[m]), d) for m, d, y in _MONTH_FIRST.findall(text)}
    dates = {(int(y), int(m), int(d)) for y, m, d in found}
    return frozenset((y, m, d) for y, m, d in dates if 1 <= m <= 12 and 1 <= d <= 31)


def street_turned(street: str) -> re.Pattern[str] | None:
    """Return a pattern of a street with its number behind the name, for folded text; None where it does not begin with a number.

    Examples
    --------
    >>> bool(street_turned("12 Mill Lane").search("mill lane, no. 12")), bool(street_turned("12 Mill Lane").search("mill lane 123"))
    (True, False)
    """
    parts = _STREET.fullmatch(folded(street))
    if parts is None:
        return None
    name = r"\W{1,3}".join(map(re.escape, parts[2].split()))
    return re.compile(rf"\b{name}\W{{1,3}}(?:(?:no|nr|number|house)\W{{1,3}})?{parts[1]}\b")
