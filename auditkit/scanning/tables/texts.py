"""Texts: columns that people write freely, and words of one column that stand in the text of another, as counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from auditkit.scanning.tables.values import says_nothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

__all__ = ["are_free_text", "records_that_name"]

_WORD = re.compile(r"[^\W\d_]+")
_LONGEST = 20_000  # signs of a value that are looked at
_FEW = 10  # different texts that a column may have and be a category, where there are many records
_BEFORE_NAMES = (
    "dr prof professor dipl ing med mag mr mrs ms miss mister sir madam herr herrn frau fräulein monsieur madame mme señor señora sig signora "
    "dhr mevr"
)
_TITLES = frozenset(_BEFORE_NAMES.split())
_SHORT = 2  # letters of a word that is taken only as it is written: "Do" is a name, and "do" is none


def are_free_text(values: Mapping[str, int]) -> bool:
    """Return whether values are mostly of several words, and differ: what people write, not what they choose from.

    At least half of the different values that say something have two words or more. Of the records with such a value, those values are at least
    half in number; or a tenth, where there are more than ten.

    Parameters
    ----------
    values : mapping of str to int
        The different values, with how many records have each.

    Examples
    --------
    >>> are_free_text({"called Anna Weber twice": 1, "wants it in red": 1, "none": 9}), are_free_text({"full time": 40, "part time": 20})
    (True, False)
    """
    telling = [one for one in values if not says_nothing(one)]
    several = [one for one in telling if len(_WORD.findall(one[:_LONGEST])) > 1]
    if not several or 2 * len(several) < len(telling):
        return False
    records = sum(values[one] for one in several)
    return 2 * len(several) >= records or (len(several) > _FEW and 10 * len(several) >= records)


def records_that_name(columns: Iterable[pd.Series[Any]], texts: pd.Series[Any]) -> int:
    """Return how many records of a text hold a word of other columns as a whole word, in small or capital letters.

    Parameters
    ----------
    columns : iterable of Series
        Columns of names. Words of two letters are looked for as they are written; titles, words in small letters beside others ("von"), and what says
        nothing, as "unknown", are left out.
    texts : Series
        Where they are looked for.

    Examples
    --------
    >>> import pandas as pd
    >>> records_that_name([pd.Series(["Weber", "Li", "-"])], pd.Series(["called WEBER", "li", "Webers", None, "Ms Li"]))
    2
    """
    known = {word for column in columns for value in _different(column) for word in _names(value)}
    return sum(n for text, n in _different(texts).items() if not known.isdisjoint(_words(text)))


def _different(column: pd.Series[Any]) -> dict[str, int]:
    counts = column.dropna().map(str).value_counts(sort=False)
    return {str(word): int(n) for word, n in counts.items()}


def _names(value: str) -> set[str]:
    """Return the words of a name, without titles, and without "von" and the like."""
    found = _WORD.findall(value[:_LONGEST])
    small = (
        {one.casefold() for one in found if one[0].islower()}
        if any(one[0].isupper() for one in found)
        else set()
    )
    return {one for one in _words(value) if one.casefold() not in _TITLES | small}


def _words(text: str) -> set[str]:
    if says_nothing(text):
        return set()
    found = _WORD.findall(text[:_LONGEST])
    return {one if len(one) == _SHORT else one.casefold() for one in found if len(one) >= _SHORT}
