"""Columns: what each column of a table says of people, as counts; no value leaves this module."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import binom

from auditkit.nouns import counted
from auditkit.progress import step
from auditkit.scanning._column_names import demographic_column, numbered_column, place_column
from auditkit.scanning._patterns import PATTERNS
from auditkit.scanning.personal import find_personal, fits, personal_column, special_column
from auditkit.scanning.tables.texts import are_free_text
from auditkit.scanning.tables.values import are_dates, are_numbers, can_be

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import pandas as pd

__all__ = ["QUASI", "ColumnFound", "few_words", "quasi_looking", "scan_columns"]

_MOST = 20_000  # different values of a column that are looked at
_LONGEST = 20_000  # signs of a value that are looked at
_SURE = 1e-4  # chance at which values that fit by accident are no longer believed in
_BY_FORM = frozenset(["br_cpf", "fr_nir", "iban", "ip_address", "it_codice_fiscale", "uk_nino", "us_ssn"])
"""Kinds whose spelling is so much their own that one value in it, found in text, is enough."""

_CODE = re.compile(r"[0-9a-fA-F]{32,128}")
_FEW = 10  # different values that a column may have and be a category
_OWN, _ENOUGH = 0.95, 50  # share of records that differ, and records, from which each has a value of its own

QUASI = frozenset({"birth date", "postcode", "place"})
"""Kinds of column that help to recognise a person and name nobody alone."""


@dataclass(frozen=True, slots=True)
class ColumnFound:
    """What one column says of people.

    Attributes
    ----------
    name : str
        Of the column.
    rows, known, different : int
        Records, those with a value, and different values.
    by_name : str or None
        What its name says; see `personal_column`.
    special : str or None
        The special category its name says; see `special_column`.
    kinds : dict of str to int
        Records by the kind of personal data that their value is, or holds; a kind is there only if chance does not explain it.
    doubtful : dict of str to int
        The same for kinds that so few values, or so many candidates, may fit by chance.
    within : bool
        Whether what was found stands in longer text.
    looked_at : int
        Different values that were looked at.
    row_names : bool
        Whether nearly every record has a value of its own, as numbers of persons and rows have; told from 50 records on.
    measured : bool
        Whether the values are dates, or numbers that the column's name does not call numbers of something: they describe, and differ by that.
    fitting : bool
        Whether the values can be what the name says of a person.
    located : bool
        Whether the values are numbers with fractions, one of its own in nearly every record, and the name says a place.
    free_text : bool
        Whether the values are mostly of several words, and differ. Names of people are not looked for in them.
    coded : bool
        Whether the values have the form of pseudonyms: 32 or more hexadecimal digits. Whether a key was used cannot be seen.
    """

    name: str
    rows: int
    known: int
    different: int
    by_name: str | None
    special: str | None
    kinds: dict[str, int]
    doubtful: dict[str, int]
    within: bool
    looked_at: int
    row_names: bool
    measured: bool
    fitting: bool
    located: bool
    free_text: bool
    coded: bool

    @property
    def identifies(self) -> bool:
        """Whether the column names or finds people by itself: by its values, by its name, or by a value of its own in nearly every record.

        A name alone does not do where the column is a category (`category`). Dates of birth, postcodes and places name nobody alone, however many
        differ, and numbers and dates that only measure something do not either.
        """
        if self.kinds or self.coded or self.by_name in QUASI:
            return bool(self.kinds)
        if self.by_name is not None:
            return self.known > 0 and not self.category
        return self.row_names and not self.measured

    @property
    def category(self) -> bool:
        """Whether its name says a person and its values do not: they are few, and cannot be what it says.

        A column named "telephone" that says yes or no finds nobody.
        """
        named = self.by_name is not None and self.by_name not in QUASI
        few = self.different <= _FEW and 2 * self.different < self.known
        return named and few and not (self.kinds or self.fitting or self.coded)

    @property
    def unclear(self) -> bool:
        """Whether nearly every record has a value of its own that measures nothing, in fewer records than tell a name from a description."""
        few = 0 < self.known < _ENOUGH and self.looked_at > 0 and self.different >= _OWN * self.known
        return few and not (
            self.measured or self.identifies or self.helps or self.category or self.coded or self.free_text
        )

    @property
    def helps(self) -> bool:
        """Whether it helps to recognise a person together with others, as its name says."""
        if self.identifies:
            return False
        named = self.by_name in QUASI or self.special is not None or demographic_column(self.name)
        return named or (self.located and not self.category)


def quasi_looking(found: Iterable[ColumnFound], but: Collection[str | None] = ()) -> list[str]:
    """Return the columns whose names say that they help to recognise a person: what is guessed where nobody named any.

    Parameters
    ----------
    found : iterable of ColumnFound
        From `scan_columns`.
    but : collection of str
        Columns of which something else is known.
    """
    return [one.name for one in found if one.helps and one.name not in but]


def few_words(one: ColumnFound) -> str:
    """Return why a column is a `category`, in words: what its name says, and how many values it has that cannot be that."""
    return f"{one.name} ({one.by_name} by its name; {counted(one.different, 'different value')}, not of that form)"


def scan_columns(frame: pd.DataFrame) -> tuple[ColumnFound, ...]:
    """Return what each column says of people, by its name and by its values.

    A value counts if its form and its check digits are those of a kind (`auditkit.scanning.personal`). Where the form is not its own, and random values of that form pass as often as
    one in ten, a column counts only if more values pass than chance gives (binomial, 1 in 10,000). Columns of numbers with fractions, dates and
    truth values are looked at by name only. Of a column with more than 20,000 different values so many are looked at, evenly spaced over the
    rows.

    Parameters
    ----------
    frame : DataFrame of shape (n, d)
        Any table.

    Returns
    -------
    tuple of ColumnFound
        In the order of the columns.

    Examples
    --------
    >>> import pandas as pd
    >>> found = scan_columns(pd.DataFrame({"contact": ["ana@uni-ulm.de", "none"], "income": [10.5, 20.25]}))
    >>> found[0].kinds, found[0].identifies, found[1].identifies
    ({'email': 1}, True, False)
    """
    found = []
    for j, name in enumerate(frame.columns):
        found.append(_column(str(name), frame.iloc[:, j]))
        step((j + 1) / frame.shape[1], f"{j + 1} of {frame.shape[1]} columns")
    return tuple(found)


def _column(name: str, column: pd.Series[Any]) -> ColumnFound:
    import pandas as pd

    known = column.dropna()
    counts = _words(known)
    different = int(known.map(str).nunique()) if counts is None else len(counts)
    texts = {} if counts is None else _spaced(counts)
    by_name = personal_column(name)
    kinds, doubtful, within = _kinds(texts)
    dates = pd.api.types.is_datetime64_any_dtype(known.dtype) or are_dates(texts)
    own = len(known) >= _ENOUGH and different >= _OWN * len(known)
    return ColumnFound(
        name=name,
        rows=len(column),
        known=len(known),
        different=different,
        by_name=by_name,
        special=special_column(name),
        kinds=kinds,
        doubtful=doubtful,
        within=within,
        looked_at=len(texts),
        row_names=(dates or bool(texts)) and own,
        measured=dates or (are_numbers(texts) and not numbered_column(name)),
        fitting=by_name is not None and can_be(by_name, texts),
        located=own and counts is None and pd.api.types.is_float_dtype(known.dtype) and place_column(name),
        free_text=not dates and are_free_text(texts),
        coded=_coded(texts),
    )


def _coded(texts: dict[str, int]) -> bool:
    return bool(texts) and sum(_CODE.fullmatch(text) is not None for text in texts) >= _OWN * len(texts)


def _words(known: pd.Series[Any]) -> dict[str, int] | None:
    """Return the different values as text with how many records have each; None for what is looked at by name only."""
    import pandas as pd

    kinds = pd.api.types
    dtype = known.dtype
    if (
        kinds.is_bool_dtype(dtype)
        or kinds.is_datetime64_any_dtype(dtype)
        or kinds.is_timedelta64_dtype(dtype)
    ):
        return None
    if kinds.is_float_dtype(dtype):
        numbers = known.to_numpy(dtype=float)
        if (
            not np.isfinite(numbers).all()
            or (numbers != np.rint(numbers)).any()
            or (np.abs(numbers) > 2**53).any()
        ):
            return None
        known = known.astype("int64")
    counted = known.map(str).value_counts(sort=False)
    return {str(word): int(n) for word, n in counted.items()}


def _spaced(counts: dict[str, int]) -> dict[str, int]:
    words = list(counts)
    if len(words) <= _MOST:
        return counts
    return {words[i]: counts[words[i]] for i in np.linspace(0, len(words) - 1, _MOST).astype(int)}


def _kinds(texts: dict[str, int]) -> tuple[dict[str, int], dict[str, int], bool]:
    """Return records by kind, those that chance may explain, and whether what is sure stands in longer text."""
    records: dict[str, int] = {}
    values: dict[str, int] = {}
    whole: dict[str, int] = {}
    spelt: set[str] = set()
    for text, n in texts.items():
        short = text[:_LONGEST]
        alone = set(fits(short))
        hits = {hit.kind for hit in find_personal(short)}
        spelt |= hits & _BY_FORM
        for kind in alone | hits:
            records[kind] = records.get(kind, 0) + n
            values[kind] = values.get(kind, 0) + 1
            whole[kind] = whole.get(kind, 0) + (kind in alone)
    sure: dict[str, int] = {}
    doubtful: dict[str, int] = {}
    for pattern in PATTERNS:
        m = values.get(pattern.kind, 0)
        if m:
            accident = 0.0
            if pattern.chance < 1.0 and pattern.kind not in spelt:
                tried = sum(_shaped(pattern, text) for text in texts)
                accident = float(binom.sf(m - 1, max(tried, m), pattern.chance))
            (sure if accident < _SURE else doubtful)[pattern.kind] = records[pattern.kind]
    # a Swedish number is also nine other digits of somewhere: the kind that fits most values speaks for the column
    best = max((records[kind] for kind in sure), default=0)
    for kind in [kind for kind in sure if 10 * records[kind] < best]:
        doubtful[kind] = sure.pop(kind)
    within = any(2 * whole[kind] < values[kind] for kind in sure) if sure else False
    return sure, doubtful, within


def _shaped(pattern: Any, text: str) -> bool:
    """Return whether a value has the form of a kind, whatever its check digits say."""
    short = text[:_LONGEST].strip()
    return pattern.form.search(short) is not None or (
        pattern.bare is not None and pattern.bare.fullmatch(short) is not None
    )
