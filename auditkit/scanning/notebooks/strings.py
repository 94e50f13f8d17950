"""Strings: where the strings and comments of Python code stand, and the name or the key that each is given to."""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from typing import TYPE_CHECKING

from auditkit.scanning.notebooks.code import PYTHON_MAGICS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["strings_of", "without_annotations"]

_CLOSES = {")": "(", "]": "[", "}": "{"}
_NAME = re.compile(r"[^\W\d_]+\d{0,3}(?:[_.-](?:[^\W\d_]+\d{0,3}|\d+))*")
_GIVEN = re.compile(r"\s*[A-Za-z_][\w.,\s]{0,80}=\s{0,3}(?=[!%])")
_CALL = "f("  # how the bracket of a call is noted
_ANNOTATED = re.compile(
    r"(?:^[\s>\d.-]{0,40}+(?:self\.)?|[(,*;]\s{0,3})[A-Za-z_]\w{0,60}"
    r"(\s{0,3}:\s{0,3}(?:[A-Za-z_][\w.]{0,60}(?:\[[^\n=]{0,80}?\])?|([\"'])[^\"'\n]{1,80}\2)(?:\s?\|\s?[A-Za-z_][\w.]{0,60}(?:\[[^\n=|]{0,80}?\])?){0,4}\s{0,3})=(?!=)"
)


def strings_of(source: str) -> list[tuple[int, int, str]] | None:
    """Return start, end and what stands before each string and comment of Python code; None where it is not Python.

    What stands before is the name or string that the string is given to: ``password`` for ``password = "..."``, ``d["password"] = "..."`` and
    ``setattr(c, "password", "...")``. Members of a list, a set or a tuple are given to nothing, unless they read as a password.
    Lines of magic commands and of the shell count as comments.
    """
    magic = re.match(r"\s*%%(\w*)", source)
    if magic is not None and magic[1] not in PYTHON_MAGICS:
        return None
    lines = _without_commands(source.split("\n"))
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    found: list[tuple[int, int, str]] = []
    before: list[tokenize.TokenInfo] = []
    around: list[str] = []
    notes = _Annotations()
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline):
            start, end = (starts[row - 1] + column for row, column in (token.start, token.end))
            if token.type == tokenize.STRING:
                named = notes.name(len(around)) if before and before[-1].string == "=" else ""
                found.append((start, end, named or _given_to(before, token.string, around)))
            elif token.type == tokenize.COMMENT:
                found.append((start, end, ""))
            notes.see(token, before, len(around))
            _enter(token, before, around)
            before = [*before[-4:], token]
    except (tokenize.TokenError, SyntaxError, IndexError):
        return None
    return found


def without_annotations(line: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a line of code without the types of its names, and where each was cut out of it.

    Examples
    --------
    >>> without_annotations("def f(word: str = 'x', n: int = 1)")
    ("def f(word= 'x', n= 1)", [(10, 16), (24, 30)])
    """
    cuts = [found.span(1) for found in _ANNOTATED.finditer(line)] if ":" in line and "=" in line else []
    parts, at = [], 0
    for start, end in cuts:
        parts.append(line[at:start])
        at = end
    return "".join([*parts, line[at:]]), cuts


class _Annotations:
    """The names of ``name: type = value``, in the bracket that is open: those that begin a statement or are arguments of a function."""

    def __init__(self) -> None:
        self._open: dict[int, str] = {}

    def see(self, token: tokenize.TokenInfo, before: Sequence[tokenize.TokenInfo], depth: int) -> None:
        """Note a token: a colon after a name begins a type, and the end of the statement or of the argument ends it."""
        if token.type == tokenize.NEWLINE or token.string in (",", ";", ")", "]", "}"):
            self._open = {at: name for at, name in self._open.items() if at < depth}
        elif token.string == ":":
            self._open.pop(depth, None)
            words = [one for one in before if one.type not in (tokenize.NL, tokenize.COMMENT)]
            name = words.pop() if words else None
            while len(words) > 1 and words[-1].string == "." and words[-2].type == tokenize.NAME:
                del words[-2:]
            begins = not words or words[-1].string in ("(", ",", "*", ";", "") or words[-1].string.isspace()
            if (
                name is not None
                and name.type == tokenize.NAME
                and begins
                and not keyword.iskeyword(name.string)
            ):
                self._open[depth] = name.string

    def name(self, depth: int) -> str:
        """Return the name whose type stands before, empty where there is none."""
        return self._open.get(depth, "")


def _without_commands(lines: Sequence[str]) -> list[str]:
    """Return lines as long as they are, with commands in them as comments: ``%env``, ``!ls``, ``files = !ls``, and the lines that they go on in."""
    made: list[str] = []
    goes_on = False
    for line in lines:
        at = 0 if goes_on or line.lstrip()[:1] in ("%", "!", "?") else _given(line)
        made.append(f"{line[:at]}#{line[at + 1 :]}" if line and at is not None else line)
        goes_on = at is not None and line.endswith("\\")
    return made


def _given(line: str) -> int | None:
    found = _GIVEN.match(line)
    return None if found is None else found.end()


def _enter(token: tokenize.TokenInfo, before: Sequence[tokenize.TokenInfo], around: list[str]) -> None:
    """Note the bracket that a token opens or closes."""
    if token.type != tokenize.OP:
        return
    if token.string in _CLOSES:
        if around:
            around.pop()
    elif token.string in _CLOSES.values():
        last = before[-1] if before else None
        called = last is not None and (
            (last.type == tokenize.NAME and not keyword.iskeyword(last.string)) or last.string in (")", "]")
        )
        around.append(_CALL if called and token.string == "(" else token.string)


def _given_to(before: Sequence[tokenize.TokenInfo], value: str, around: Sequence[str]) -> str:
    words = [
        one
        for one in before
        if one.type not in (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.COMMENT)
    ]
    if not words or words[-1].string not in ("=", ":", "==", "!=", ","):
        return ""
    rest = [one for one in words[:-1] if one.string not in ("]", ")")]
    if not rest or (words[-1].string == "," and rest[-1].type != tokenize.STRING):
        return ""
    if words[-1].string == "," and around and around[-1] != _CALL and not _reads_as_password(value):
        return ""
    return rest[-1].string if rest[-1].type in (tokenize.NAME, tokenize.STRING) else ""


def _reads_as_password(literal: str) -> bool:
    """Return whether a member of a list is more than a word, a name or a phrase: "Winter2024", and not "sha256" or "two words"."""
    value = literal.lstrip("rbfuRBFU").strip("\"'")
    if len(value) < 8 or any(one.isspace() for one in value) or _NAME.fullmatch(value):
        return False
    return any(one.isdigit() for one in value) and any(one.isalpha() for one in value)
