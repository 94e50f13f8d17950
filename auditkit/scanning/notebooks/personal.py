"""Personal data in notebooks: what has the form and the check digits of it, and what a shown column holds by its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditkit.scanning.notebooks.hits import Hit
from auditkit.scanning.notebooks.strings import strings_of
from auditkit.scanning.notebooks.tables import cells_of
from auditkit.scanning.notebooks.views import MARK, joined, views_of
from auditkit.scanning.personal import KINDS, find_personal, personal_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from auditkit.scanning.notebooks.hits import Named
    from auditkit.scanning.notebooks.leaves import Leaf
    from auditkit.scanning.notebooks.views import View

__all__ = ["PERSONAL", "column_rule", "fits_column", "personal_in"]

_BY_COLUMN = {
    "name": "names of people",
    "email": "e-mail addresses",
    "phone": "phone numbers",
    "address": "postal addresses",
    "birth date": "dates of birth",
    "national number": "numbers given by a state",
    "licence": "numbers of licences",
    "bank account": "bank accounts",
    "payment card": "payment cards",
}
"""Kinds of column that are told. Others of `personal_column`, such as postcodes and places, describe houses as often as people."""

PERSONAL: dict[str, str] = {
    **KINDS,
    **{
        f"column_{kind.replace(' ', '_')}": f"a column of {words}, by its name"
        for kind, words in _BY_COLUMN.items()
    },
    "named_by_model": "a name that a language model (presidio) finds",
}
"""Rules of personal data, each in words."""

_WORD, _GOES_ON = re.compile(r"(?<![\w-])\S"), re.compile(r"[\w-]")
_EMPTY = {
    "nan",
    "none",
    "nat",
    "<na>",
    "null",
    "true",
    "false",
    "yes",
    "no",
    "unknown",
    "object",
    "string",
    "...",
    MARK,
}


def personal_in(leaves: Sequence[Leaf], named: Named | None = None) -> list[Hit]:
    """Return personal data in some texts of a notebook.

    Parameters
    ----------
    leaves : sequence of Leaf
        All texts of the notebook.
    named : callable, optional
        Takes a text and gives the stretches of it that a language model names people or places in (`presidio.names`).

    Returns
    -------
    list of Hit
        Some may overlap. What a column of a shown table holds is one hit; values of it are found once more in other outputs of the cell.
    """
    found: list[Hit] = []
    for number, leaf in enumerate(leaves):
        if leaf.form in ("binary", "id"):
            continue
        strings = strings_of(leaf.text) if leaf.form == "code" else None
        for view in (one for one in views_of(leaf.text) if not one.joined):
            for rule, start, end in _in_view(leaf, view, named):
                pieces = view.raw(start, end)
                if strings is None or _in_strings(pieces, strings):
                    found.append(_hit(number, pieces, rule, view.text[start:end]))
    columns = list(_in_columns(leaves))
    return found + columns + list(_shown_again(columns, leaves))


def _hit(leaf: int, pieces: tuple[tuple[int, int], ...], rule: str, value: str, count: int = 1) -> Hit:
    return Hit(leaf, pieces, "personal", rule, value, 3, count)


def _in_strings(pieces: Sequence[tuple[int, int]], strings: Sequence[tuple[int, int, str]]) -> bool:
    """Return whether a stretch of code lies in a string or a comment: ``A@b.dot`` is no address."""
    return any(start <= pieces[0][0] and pieces[-1][1] <= end for start, end, _ in strings)


def _in_view(leaf: Leaf, view: View, named: Named | None) -> Iterator[tuple[str, int, int]]:
    text, shift = view.text, 0
    if leaf.key and leaf.form in ("json", "number"):  # the key tells what a number is
        text, shift = f"{leaf.key}: {text}", len(leaf.key) + 2
    for one in find_personal(text):
        if one.start >= shift:
            yield one.kind, one.start - shift, one.end - shift
    if named is not None and leaf.form in ("text", "json", "base64"):
        yield from (("named_by_model", start, end) for start, end in named(view.text))


def column_rule(name: str) -> str | None:
    """Return the rule of personal data that a column of this name falls under; None for any other.

    Examples
    --------
    >>> column_rule("firstName"), column_rule("E-Mail"), column_rule("age"), column_rule("name")
    ('column_name', 'column_email', None, None)
    """
    kind = personal_column(name) if 0 < len(name) <= 60 else None
    if kind not in _BY_COLUMN or name.strip().casefold() in (
        "name",
        "names",
    ):  # models, checks and cities have names too
        return None
    return f"column_{kind.replace(' ', '_')}"


def fits_column(rule: str, value: str) -> bool:
    """Return whether a value under such a name can be what the name says: a column "telephone" may hold "yes" and "no".

    Examples
    --------
    >>> fits_column("column_phone", "yes"), fits_column("column_phone", "030 123456"), fits_column("column_name", "Ada")
    (False, True, True)
    """
    bare = value.strip()
    if not bare or bare.casefold() in _EMPTY:
        return False
    if rule == "column_email":
        return "@" in bare
    if rule in ("column_name", "column_address"):
        return any(one.isalpha() for one in bare)
    return sum(one.isdigit() for one in bare) >= 4


def _in_columns(leaves: Sequence[Leaf]) -> Iterator[Hit]:
    """Yield the columns of shown tables, and the keys of shown JSON, whose name says that they hold personal data."""
    by_key: dict[tuple[int | None, str, str], list[tuple[int, Leaf]]] = {}
    for number, leaf in enumerate(leaves):
        if leaf.form in ("text", "base64"):
            columns: dict[tuple[int, int], list[tuple[str, str, tuple[tuple[int, int], ...]]]] = {}
            for cell in cells_of(leaf.text):
                rule = column_rule(cell.name)
                if rule and fits_column(rule, cell.text):
                    columns.setdefault((cell.table, cell.column), []).append((rule, cell.text, cell.pieces))
            for cells in columns.values():
                pieces = joined([one for _, _, pieces in cells for one in pieces])
                values = "\n".join(text for _, text, _ in cells)
                yield _hit(number, pieces, cells[0][0], values, len(cells))
        elif leaf.form in ("json", "number") and leaf.place.part.startswith("output") and leaf.key:
            rule = column_rule(leaf.key)
            if rule and fits_column(rule, leaf.text):
                by_key.setdefault((leaf.place.cell, leaf.place.part, rule), []).append((number, leaf))
    for (_, _, rule), group in by_key.items():
        for number, leaf in group:
            yield _hit(number, ((0, len(leaf.text)),), rule, leaf.text)


def _shown_again(columns: Sequence[Hit], leaves: Sequence[Leaf]) -> Iterator[Hit]:
    """Yield values of such columns that another output of the same cell shows: a table is often there as HTML and as text."""
    by_cell: dict[int | None, dict[str, dict[str, str]]] = {}
    for one in columns:
        words = by_cell.setdefault(leaves[one.leaf].place.cell, {})
        for value in filter(_telling, one.value.split("\n")):
            words.setdefault(value[:4], {})[value] = one.kind
    for number, leaf in enumerate(leaves):
        words = by_cell.get(leaf.place.cell, {})
        if words and leaf.place.part.startswith("output") and leaf.form in ("text", "json"):
            for start, end, rule in _words_in(leaf.text, words):
                yield _hit(number, ((start, end),), rule, leaf.text[start:end])


def _words_in(text: str, words: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[int, int, str]]:
    for begin in _WORD.finditer(text):
        at = begin.start()
        for value, rule in words.get(text[at : at + 4], {}).items():
            if text.startswith(value, at) and not _GOES_ON.match(text, at + len(value)):
                yield at, at + len(value), rule


def _telling(value: str) -> bool:
    return len(value) >= 4 and not re.fullmatch(r"[\d.]{1,7}", value)
