"""Lines: where in the file of a notebook, which is JSON, a line of a cell stands."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import count, takewhile
from typing import TYPE_CHECKING, Any

from auditkit.scanning.notebooks.leaves import leaves_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditkit.scanning.notebooks.leaves import Leaf, Path

__all__ = ["Lines", "Region"]

_BLANK = re.compile(r"[ \t\r\n]*+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"')
_PLAIN = re.compile(r"[^\s,\]}]++")
_SIGN = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|[^\\]")
_NEW_LINES = (r"\n", r"\u000a", r"\u000A")
_SKIP = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of one line of a file.

    Attributes
    ----------
    line : int
        The first being 1.
    start, end : int
        Columns in code points, the first being 1; `end` is the one after the last.
    """

    line: int
    start: int
    end: int


class Lines:
    """Where the texts of a notebook stand in its file.

    Parameters
    ----------
    content : bytes
        The file.
    notebook : mapping
        Its JSON, as `read_notebook` gives it. Of one that was read from an older format, no place is known.
    """

    def __init__(self, content: bytes, notebook: Mapping[str, Any]) -> None:
        self._text = content.decode("utf-8-sig")
        self._notebook = notebook
        self._parts: dict[tuple[int | None, str], list[Leaf]] = {}
        for leaf in leaves_of(notebook):
            self._parts.setdefault((leaf.place.cell, leaf.place.part), []).append(leaf)

    def regions(
        self, places: Iterable[tuple[int | None, str, int]]
    ) -> dict[tuple[int | None, str, int], Region]:
        """Return where places (cell, part, line of the part) stand in the file; those that are not known are left out."""
        asked = {place: leaf for place in places if (leaf := self._leaf(*place)) is not None}
        spans: dict[Path, tuple[int, int]] = {}
        _walk(self._text, 0, (), _Asked(frozenset(leaf.path for leaf in asked.values())), spans)
        found = {}
        for place, leaf in asked.items():
            span = spans.get(leaf.path)
            if span is not None and leaf.form in ("code", "text"):
                span = _line(self._text, leaf.path, place[2] - leaf.place.line, spans)
            if span is not None:
                found[place] = self._region(*span)
        return found

    def _leaf(self, cell: int | None, part: str, line: int) -> Leaf | None:
        known = [one for one in self._parts.get((cell, part), ()) if one.place.line <= line]
        return max(known, key=lambda one: (one.place.line, one.form != "key"), default=None)

    def _region(self, start: int, end: int) -> Region:
        begin = self._text.rfind("\n", 0, start) + 1
        return Region(self._text.count("\n", 0, start) + 1, start - begin + 1, end - begin + 1)


class _Asked:
    """Paths that are asked for, and those that lead to one."""

    def __init__(self, paths: frozenset[Path]) -> None:
        self.paths = paths
        self.ways = {path[:size] for path in paths for size in range(len(path) + 1)}


def _walk(text: str, at: int, path: Path, asked: _Asked, spans: dict[Path, tuple[int, int]]) -> int:
    """Note where the values under some paths stand, and return where a value ends. Everything else is stepped over by the decoder."""
    at = _end(_BLANK, text, at)
    if path not in asked.ways and not any(path[:size] in asked.paths for size in range(len(path))):
        return _SKIP.raw_decode(text, at)[1]
    if text[at] not in "{[":
        end = _end(_STRING if text[at] == '"' else _PLAIN, text, at)
        spans[path] = (at, end)
        return end
    spans[path] = (at, at + 1)
    keyed, closes = text[at] == "{", "}" if text[at] == "{" else "]"
    at, number = _end(_BLANK, text, at + 1), 0
    while text[at] != closes:
        step: str | int = number
        if keyed:
            end = _end(_STRING, text, at)
            step = json.loads(text[at:end])
            at = _end(_BLANK, text, end) + 1
        at = _end(_BLANK, text, _walk(text, at, (*path, step), asked, spans))
        number += 1
        if text[at] == ",":
            at = _end(_BLANK, text, at + 1)
    return at + 1


def _end(form: re.Pattern[str], text: str, at: int) -> int:
    found = form.match(text, at)
    return at if found is None else found.end()


def _line(text: str, path: Path, after: int, spans: Mapping[Path, tuple[int, int]]) -> tuple[int, int]:
    """Return where the line begins that comes so many lines after the first of a text, or of a list of texts that are one."""
    found = spans[path]
    single = text[found[0]] == '"'
    members = (spans[(*path, number)] for number in takewhile(lambda at: (*path, at) in spans, count()))
    for start, end in [found] if single else members:
        lines = _lines(text, start + 1, end - 1)
        found = lines[min(after, len(lines) - 1)]
        if after < len(lines) - 1 or (after == len(lines) - 1 and found[0] < found[1]):
            break
        after -= len(lines) - 1
    return found


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return where the lines stand that a string in JSON holds, each without the sign that ends it."""
    found, begin = [], start
    for sign in _SIGN.finditer(text, start, end):
        if sign[0] in _NEW_LINES:
            found.append((begin, sign.start()))
            begin = sign.end()
    return [*found, (begin, end)]
