"""Values: whether those of a column can be what its name says, and whether they measure something or name it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["are_dates", "are_numbers", "can_be", "says_nothing"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEARLY = 0.95  # share of the values that speaks for all
_LONGEST = 320  # signs of a value that are looked at
_SAYS_NOTHING = _words(
    "nan none null nil na n/a nat <na> - -- ? . * *** x xx xxx true false yes no y n t f ja nein j oui non o si sì s sim nao não tak nie 0 1 "
    "unknown unbekannt inconnu desconocido sconosciuto onbekend missing fehlt keine kein anonym anonymous redacted removed"
)
"""Words that a column of any kind may hold where it says whether there is something, or that there is nothing."""

_NUMBER = re.compile(
    r"[+-]?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:[.,' ]\d{3})+)(?:[.,]\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII
)  # 007 is none: its zeros are letters
_DATE = re.compile(
    r"(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d{2}))(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)


def _letters(value: str) -> int:
    return sum(one.isalpha() for one in value)


def _digits(value: str) -> int:
    return sum(one.isdigit() for one in value)


def _of_digits(value: str) -> bool:
    return _digits(value) >= 4


_FORMS: dict[str, Callable[[str], bool]] = {
    "name": lambda value: _letters(value) >= 2,
    "email": lambda value: "@" in value,
    "address": lambda value: _letters(value) >= 2 and _digits(value) >= 1,
    "licence": lambda value: _letters(value) + _digits(value) >= 4 and _digits(value) >= 1,
    "number of a person": lambda value: len(value) >= 2 and _digits(value) >= 1,
}


def can_be(kind: str, values: Iterable[str]) -> bool:
    """Return whether values can be what a column's name says: at least half of those that say more than yes, no or nothing.

    Parameters
    ----------
    kind : str
        From `personal_column`. Numbers of other kinds have four digits at least.
    values : iterable of str
        The different values.

    Examples
    --------
    >>> can_be("name", ["Eva", "Ben", "unknown"]), can_be("phone", ["yes", "none"]), can_be("phone", ["0731 50241", "none"])
    (True, False, True)
    """
    form = _FORMS.get(kind, _of_digits)
    bare = [one[:_LONGEST].strip() for one in values]
    telling = [one for one in bare if not says_nothing(one)]
    fitting = sum(form(one) for one in telling)
    return 0 < len(telling) <= 2 * fitting


def says_nothing(value: str) -> bool:
    """Return whether a value says no more than yes, no or nothing.

    Examples
    --------
    >>> says_nothing(" Unknown"), says_nothing(""), says_nothing("Eva")
    (True, True, False)
    """
    bare = value.strip()
    return not bare or bare.casefold() in _SAYS_NOTHING


def are_numbers(values: Iterable[str]) -> bool:
    """Return whether nearly all values are numbers as people write them: with a point or a comma, and no zeros before.

    Examples
    --------
    >>> are_numbers(["3452,39", "1.250,00", "7"]), are_numbers(["007", "012"])
    (True, False)
    """
    return _nearly_all(_NUMBER, values)


def are_dates(values: Iterable[str]) -> bool:
    """Return whether nearly all values are written as dates, with or without a time of day.

    Examples
    --------
    >>> are_dates(["1984-02-29", "29.2.1984", "2/29/1984 10:30"]), are_dates(["1984", "29.2."])
    (True, False)
    """
    return _nearly_all(_DATE, values)


def _nearly_all(form: re.Pattern[str], values: Iterable[str]) -> bool:
    fitting = [form.fullmatch(one[:_LONGEST].strip()) is not None for one in values]
    return bool(fitting) and sum(fitting) >= _NEARLY * len(fitting)
