"""Answers: what a person wrote, held to what was asked; what is wrong is told, what is missing is named."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from auditkit.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditkit.forms.asked import Column, Question

__all__ = ["LONGEST", "MOST_ROWS", "Held", "held"]

LONGEST, MOST_ROWS = 20_000, 500
"""Characters of a text; rows, people and choices of an answer."""


class Held:
    """What one answer is, in plain JSON values, and what is wrong or missing in it.

    Attributes
    ----------
    value : Any
        The answer; None where there is none.
    wrong : list of str
        Mistakes, in words, without the question's name.
    open : list of str
        What is missing inside it: cells of rows, as ``[2].owner``.
    """

    __slots__ = ("open", "value", "wrong")

    def __init__(self, value: Any = None, wrong: str = "") -> None:
        self.value = value
        self.wrong = [wrong] if wrong else []
        self.open: list[str] = []


def held(given: Any, asked: Question | Column) -> Held:
    """Return an answer held to what was asked; an empty text or list is no answer.

    Examples
    --------
    >>> from auditkit.forms import load_kind
    >>> tier = next(one for one in load_kind("intended_use").questions() if one.id == "tier")
    >>> held("mush", tier).wrong
    ["cannot be 'mush'. Did you mean 'much'?"]
    """
    if given is None or given == [] or (isinstance(given, str) and not given.strip()):
        return Held()
    return _BY_ANSWER[asked.answer](given, asked)


def _text(given: Any, _asked: Any) -> Held:
    if not isinstance(given, str):
        return Held(wrong=f'needs words between quotes: "...", got {_shown(given)}')
    if len(given) > LONGEST:
        return Held(
            wrong=f"has {len(given):,} characters; {LONGEST:,} at most. Put the rest into a document and name it"
        )
    return Held("\n".join(line.rstrip() for line in given.strip().splitlines()))


def _choice(given: Any, asked: Any) -> Held:
    if isinstance(given, str) and given.strip() in asked.options:
        return Held(given.strip())
    return Held(wrong=f"cannot be {_shown(given)}.{did_you_mean(str(given), asked.options)}")


def _choices(given: Any, asked: Any) -> Held:
    if not isinstance(given, list):
        return Held(wrong=f'needs a list: ["{asked.options[0]}", ...], got {_shown(given)}')
    found = [_choice(one, asked) for one in given if one != ""]
    chosen = {one.value for one in found}
    made = Held([one for one in asked.options if one in chosen] or None)
    made.wrong = [words for one in found for words in one.wrong]
    return made


def _date(given: Any, _asked: Any) -> Held:
    if isinstance(given, date) and not isinstance(given, datetime):
        return Held(given.isoformat())
    if isinstance(given, str):
        try:
            return Held(date.fromisoformat(given.strip()).isoformat())
        except ValueError:
            pass
    return Held(wrong=f"needs a day: 2026-11-29, got {_shown(given)}")


def _moment(given: Any, _asked: Any) -> Held:
    found = given
    if isinstance(given, str):
        try:
            found = datetime.fromisoformat(given.strip())
        except ValueError:
            found = None
    if isinstance(found, datetime) and found.tzinfo is not None:
        return Held(found.isoformat())
    return Held(
        wrong=f"needs a day and a time with its offset: 2026-11-29T14:05:00+01:00, or Z for UTC, got {_shown(given)}"
    )


def _number(given: Any, asked: Any) -> Held:
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        return Held(wrong=f"needs a number, got {_shown(given)}")
    if abs(given) > 10**15:
        return Held(wrong=f"is too large: {_shown(given)}")
    if asked.at_least is not None and given < asked.at_least:
        return Held(wrong=f"is {asked.at_least:g} at least, got {given:g}")
    if asked.at_most is not None and given > asked.at_most:
        return Held(wrong=f"is {asked.at_most:g} at most, got {given:g}")
    return Held(int(given) if float(given).is_integer() else given)


def _yes_no(given: Any, _asked: Any) -> Held:
    if isinstance(given, bool):
        return Held(given)
    hint = {"yes": " Write true", "no": " Write false"}.get(str(given).strip().casefold(), "")
    return Held(wrong=f"needs true or false, without quotes, got {_shown(given)}.{hint}".rstrip("."))


def _people(given: Any, _asked: Any) -> Held:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        return Held(wrong=f'needs a list of names: ["Maria Rossi, head of credit risk"], got {_shown(given)}')
    if len(given) > MOST_ROWS or any(len(one) > 300 for one in given):
        return Held(wrong=f"is too long: {MOST_ROWS} names of 300 characters at most")
    return Held([" ".join(one.split()) for one in given if one.strip()] or None)


def _rows(given: Any, asked: Any) -> Held:
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        return Held(wrong=f"needs rows, each under its own [[...{asked.id}]], got {_shown(given)}")
    if len(given) > MOST_ROWS:
        return Held(wrong=f"has {len(given):,} rows; {MOST_ROWS} at most")
    made, rows = Held(), []
    for at, one in enumerate(given, start=1):
        row = _row(one, asked, at, made)
        if row:
            rows.append(row)
    made.value = rows or None
    if not rows:
        made.open.clear()
    return made


def _row(given: Mapping[str, Any], asked: Any, at: int, into: Held) -> dict[str, Any]:
    """Return a row with its cells in the order of the columns; add what is wrong and missing."""
    names = [column.id for column in asked.columns]
    into.wrong += [
        f"[{at}] has no column {key!r}.{did_you_mean(key, names)}" for key in given if key not in names
    ]
    cells = {column: held(given.get(column.id), column) for column in asked.columns}
    into.wrong += [f"[{at}].{column.id} {words}" for column, cell in cells.items() for words in cell.wrong]
    row = {column.id: cell.value for column, cell in cells.items() if cell.value is not None}
    if row:
        into.open += [
            f"[{at}].{column.id}"
            for column, cell in cells.items()
            if column.required and cell.value is None and not cell.wrong
        ]
    return row


def _shown(given: Any) -> str:
    said = given.isoformat() if isinstance(given, (date, datetime)) else repr(given)
    return said if len(said) <= 80 else f"{said[:80]} ..."


_BY_ANSWER: Mapping[str, Callable[[Any, Any], Held]] = {
    "text": _text,
    "choice": _choice,
    "choices": _choices,
    "date": _date,
    "moment": _moment,
    "number": _number,
    "yes_no": _yes_no,
    "people": _people,
    "rows": _rows,
}
