"""Tables: the ones a notebook shows, as HTML, as text and as Markdown, each cell with its column and its stretch of the raw text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditkit.scanning.notebooks.views import View, html_text

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Cell", "cells_of"]

_TABLE = re.compile(r"<table\b.*?(?:</table\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_ROW = re.compile(r"<tr\b[^<>]*>(.*?)(?=<tr\b|</tr\s*>|</table|\Z)", re.DOTALL | re.IGNORECASE)
_CELL = re.compile(
    r"<(t[hd])\b[^<>]*>(.*?)(?=<t[hdr]\b|</t[hdr]\s*>|</tbody|</thead|</table|\Z)", re.DOTALL | re.IGNORECASE
)
_WORDS = re.compile(r"\S+(?: \S+)*")
_PIPES = re.compile(r"^[^|\n]*\|[^\n]*$", re.MULTILINE)
_RULE = re.compile(r"[\s|:+]*-[\s|:+-]*")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a shown table.

    Attributes
    ----------
    table, column : int
        Which of the tables of the text, and which column, from 0.
    name : str
        What stands over the column.
    text : str
        What the cell says.
    pieces : tuple of (int, int)
        Its stretches of the raw text.
    """

    table: int
    column: int
    name: str = field(repr=False)
    text: str = field(repr=False)
    pieces: tuple[tuple[int, int], ...]


def cells_of(text: str) -> list[Cell]:
    r"""Return the cells of every table in a text that have a column with a name.

    Examples
    --------
    >>> [(one.name, one.text) for one in cells_of("| a | b |\n|---|---|\n| 1 | 2 |")]
    [('a', '1'), ('b', '2')]
    """
    found: list[Cell] = []
    if "<t" in text or "<T" in text:
        for number, table in enumerate(_TABLE.finditer(text)):
            found.extend(_of_html(text, number, *table.span()))
    if "|" in text:
        found.extend(_of_pipes(text, 1000))
    if "\n" in text and "<" not in text[:200]:
        found.extend(_of_columns(text, 2000))
    return found


def _of_html(text: str, number: int, start: int, end: int) -> Iterator[Cell]:
    names: list[str] = []
    for row in _ROW.finditer(text, start, end):
        cells = list(_CELL.finditer(text, *row.span(1)))
        heads = [one[1].lower() == "th" for one in cells]
        if cells and all(heads):
            names = [html_text(one[2]).text.strip() for one in cells]
            continue
        if not names and cells:  # a table without heads: its first row names the columns
            names = [html_text(one[2]).text.strip() for one in cells]
            continue
        for column, (cell, head) in enumerate(zip(cells, heads, strict=True)):
            if not head and column < len(names) and names[column]:
                yield _cell(number, column, names[column], html_text(cell[2]), cell.start(2))


def _cell(table: int, column: int, name: str, view: View, offset: int) -> Cell:
    start = len(view.text) - len(view.text.lstrip())
    said = view.text.strip()
    pieces = view.raw(start, start + len(said))
    return Cell(table, column, name, said, tuple((offset + a, offset + b) for a, b in pieces))


def _of_pipes(text: str, first: int) -> Iterator[Cell]:
    table, names, head, after = first, list[str](), "", -1
    for row in _PIPES.finditer(text):
        follows = row.start() == after
        if follows and _RULE.fullmatch(row[0]):
            names, table = [said for said, _ in _piped(head, 0)], table + 1
        elif follows and names:
            for column, (said, start) in enumerate(_piped(row[0], row.start())):
                if said and column < len(names) and names[column]:
                    yield Cell(table, column, names[column], said, ((start, start + len(said)),))
        else:
            names, head = [], row[0]
        after = row.end() + 1


def _piped(row: str, offset: int) -> list[tuple[str, int]]:
    parts, at = [], offset
    for part in row.split("|"):
        parts.append((part.strip(), at + len(part) - len(part.lstrip())))
        at += len(part) + 1
    return parts[1:] if row.lstrip().startswith("|") else parts


def _of_columns(text: str, first: int) -> Iterator[Cell]:
    """Yield the cells of tables as pandas prints them: each column ends where its name ends."""
    ends: list[tuple[str, int]] = []
    table, at = first, 0
    for line in text.split("\n"):
        words = list(_WORDS.finditer(line))
        if line.startswith("  ") and words and not ends:
            ends = [(one[0], one.end()) for one in words]
            table += 1
        elif not line.strip() or not line[:1].strip():
            ends = []
        elif ends and any(line[end : end + 1].strip() for _, end in ends):
            ends = []  # a letter where a column should end: no such table
        elif ends:
            since = len(line.split("  ", 1)[0])
            for column, (name, end) in enumerate(ends):
                part = line[since:end]
                said = part.strip()
                if said:
                    start = at + since + len(part) - len(part.lstrip())
                    yield Cell(table, column, name, said, ((start, start + len(said)),))
                since = max(end, since)
        at += len(line) + 1
