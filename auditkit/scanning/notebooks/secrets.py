"""Secrets: what in a notebook has the form of a key, a token or a password, wherever it stands."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from auditkit.scanning.notebooks.addresses import logins_in
from auditkit.scanning.notebooks.commands import SHELL_CELL, commanded_in, is_command
from auditkit.scanning.notebooks.hits import Hit
from auditkit.scanning.notebooks.passwords import is_number_of, loose_in, passwords_in, spelt_out, typed_in
from auditkit.scanning.notebooks.plugins import (
    BASE64,
    HEX,
    KEYWORD,
    PRIVATE_KEY,
    Line,
    keyword_in,
    random_in,
    secret_types,
    structured_in,
)
from auditkit.scanning.notebooks.quiet import MANY, SECRET_WORD, is_hex_digest, is_of_another, is_placeholder
from auditkit.scanning.notebooks.strings import strings_of, without_annotations
from auditkit.scanning.notebooks.tables import cells_of
from auditkit.scanning.notebooks.views import MARK, views_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from auditkit.scanning.notebooks.leaves import Leaf
    from auditkit.scanning.notebooks.views import View

__all__ = ["secrets_in"]

_ORDER = {KEYWORD: 1, HEX: 2, BASE64: 2}  # a plugin of one service says more
_WINDOW, _STEP = (
    4000,
    3500,
)  # letters of a long line that are asked about at once: patterns may look ahead quadratically
_BEGIN = re.compile(
    r"(?:(?<!-)-{2,}[ ]?)?BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?(?:\s?-{2,5})?|PuTTY-User-Key-File-[23]"
)
_END = re.compile(
    r"END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?(?:\s?-{2,5})?|Private-MAC:\s?[0-9a-fA-F]+"
)
_LINES = re.compile(r"(?:(?:[\s\"'+,\\]|\\n|\d+:? )*[A-Za-z0-9+/=]{16,76}(?![A-Za-z0-9+/=]))*")
_LONGEST_KEY = 20_000
_LOGIN = "Basic Auth Credentials"
_RUN = re.compile(r"[A-Za-z0-9]{16,}")
_BODY = re.compile(r"[A-Za-z0-9+/=]{16,}")
_QUOTED = re.compile(r"[\"']([A-Za-z0-9+/_=-]{20,128})[\"']")
_STRING = re.compile(r"^[A-Za-z]{0,2}('''|\"\"\"|'|\")")
_LIBRARY = 20_000  # letters of a line from which it is, with few blanks, a library or data, where only tokens of known form are looked for


def secrets_in(leaves: Sequence[Leaf]) -> list[Hit]:
    """Return every secret in some texts of a notebook, and every other place where one of them stands, or a piece of one.

    Parameters
    ----------
    leaves : sequence of Leaf
        All texts of the notebook.

    Returns
    -------
    list of Hit
        Some may overlap.
    """
    secret_types()  # tells what to install, also where no text asks for a plugin
    views = [() if leaf.form in ("binary", "number") else views_of(leaf.text) for leaf in leaves]
    found: list[Hit] = []
    known: dict[tuple[str, str, str], list[Hit]] = {}  # data repeats its texts by the thousand
    for number, leaf in enumerate(leaves):
        alike = (leaf.form, leaf.key, leaf.text)
        if alike not in known:
            known[alike] = list(_in_leaf(number, leaf, views[number]))
        found += [replace(hit, leaf=number) for hit in known[alike]]
    found += _typed(leaves)
    return found + list(_elsewhere(found, views))


def _typed(leaves: Sequence[Leaf]) -> Iterator[Hit]:
    """Yield what was typed into fields for passwords: the state of widgets, which notebooks keep, holds it."""
    fields = {leaf.path[:-1]: leaf.text for leaf in leaves if leaf.key == "model_name"}
    labels: dict[tuple[str | int, ...], str] = {}
    for leaf in leaves:
        if leaf.key in ("description", "placeholder") and leaf.path[-2:-1] == ("state",):
            labels[leaf.path[:-2]] = f"{labels.get(leaf.path[:-2], '')} {leaf.text}"
    for number, leaf in enumerate(leaves):
        owner = leaf.path[:-2]
        if leaf.path[-2:] == ("state", "value") and owner in fields:  # noqa: SIM102 - the question is one of its own
            if typed_in(fields[owner], labels.get(owner, ""), leaf.text, MARK):
                yield _hit(number, ((0, len(leaf.text)),), KEYWORD, leaf.text)


@dataclass(frozen=True, slots=True)
class _Found:
    kind: str
    start: int
    end: int


def _in_leaf(number: int, leaf: Leaf, views: Sequence[View]) -> Iterator[Hit]:
    if leaf.form == "number" and is_number_of(leaf.key, leaf.text):
        yield _hit(number, ((0, len(leaf.text)),), KEYWORD, leaf.text)
    strings = strings_of(leaf.text) if leaf.form == "code" else None
    for place, view in enumerate(views):
        held = strings if place == 0 else None
        for one in _in_view(leaf, view, held):
            yield _hit(number, view.raw(one.start, one.end), one.kind, view.text[one.start : one.end])
    if leaf.form in ("text", "code", "base64"):
        yield from _in_tables(number, leaf)


def _hit(leaf: int, pieces: tuple[tuple[int, int], ...], kind: str, value: str) -> Hit:
    return Hit(leaf, pieces, "secret", kind, value, _ORDER.get(kind, 0))


def _in_view(leaf: Leaf, view: View, strings: Sequence[tuple[int, int, str]] | None) -> Iterator[_Found]:
    yield from _keys(view.text)
    alike = _lengths(view.text)
    before = f'"{leaf.key}": ' if leaf.key else ""
    at = 0
    code = leaf.form == "code" and not view.decoded
    cell = code and SHELL_CELL.match(leaf.text) is not None
    shell = cell
    for line in view.text.split("\n"):
        library = view.joined or (len(line) > _LIBRARY and line.count(" ") < len(line) / 25)
        for start in range(0, max(len(line) - (_WINDOW - _STEP), 1), _STEP):
            part = Line(line[start : start + _WINDOW], before)
            for kind, a, b in _in_line(leaf, part, alike, library=library, code=code, shell=shell):
                one = _Found(kind, at + start + a, at + start + b)
                number = view.text[one.start : one.end].isdigit()  # stands in code without quotes
                if strings is None or kind != KEYWORD or number or _is_a_string(one, strings):
                    yield one
        shell = cell or (line.endswith("\\") and (shell or is_command(line)))  # it goes on in the next
        at += len(line) + 1
    if strings:
        yield from (_Found(KEYWORD, start, end) for start, end in _assigned(view.text, strings))
        yield from (_Found(KEYWORD, start, end) for start, end in loose_in(view.text, strings))
    if leaf.form == "json" and leaf.key and "\n" not in view.text:
        yield from _of_key(leaf.key, view.text, before)


def _keys(text: str) -> Iterator[_Found]:
    """Yield private keys from their first line to their last; where there is no last, with the lines of letters that follow."""
    last = _END.search(text)
    for begin in _BEGIN.finditer(text):
        while last is not None and last.start() < begin.end():
            last = _END.search(text, last.end())
        if last is not None and last.end() - begin.start() <= _LONGEST_KEY:
            yield _Found(PRIVATE_KEY, begin.start(), last.end())
        else:
            follow = _LINES.match(text, begin.end())
            yield _Found(PRIVATE_KEY, begin.start(), follow.end() if follow else begin.end())


def _in_line(
    leaf: Leaf, line: Line, alike: Mapping[int, int], *, library: bool, code: bool, shell: bool
) -> Iterator[tuple[str, int, int]]:
    yield from structured_in(line)
    yield from ((_LOGIN, start, end) for start, end in logins_in(line.text))
    if leaf.form in ("key", "id"):
        return
    yield from ((KEYWORD, start, end) for start, end in passwords_in(line.text, library=library))
    if library:
        return
    yield from ((KEYWORD, *span) for span in commanded_in(line.text, code=code, shell=shell))
    yield from ((KEYWORD, *span) for span in keyword_in(line, code=code))
    yield from ((KEYWORD, *span) for span in _annotated(line, code=code))
    yield from random_in(line, alike)


def _annotated(line: Line, *, code: bool) -> Iterator[tuple[int, int]]:
    """Yield start and end of values that are given to a name with a type: ``password: str = "..."`` is as without it."""
    text, cuts = without_annotations(line.text)
    if not cuts:
        return
    for start, end in (*passwords_in(text), *keyword_in(replace(line, text=text), code=code)):
        more = 0
        for a, b in cuts:
            more += b - a if a <= start + more else 0
        yield start + more, end + more


def _of_key(key: str, text: str, before: str) -> Iterator[_Found]:
    """Yield the whole of a value of JSON whose key, or whose letters, say that it is a secret."""
    quoted, key = Line(f'"{text}"', before), spelt_out(key)
    for kind, start, end in random_in(quoted, {}):
        yield _Found(kind, start - 1, end - 1)
    if len(text) <= 300 and (told := list(keyword_in(Line(f'"{key}": "{text}"'), code=True))):
        shift = len(key) + 5
        yield from (_Found(KEYWORD, max(a - shift, 0), b - shift) for a, b in told if b > shift)


def _in_tables(number: int, leaf: Leaf) -> Iterator[Hit]:
    cells = cells_of(leaf.text)
    values = {(one.table, one.column, one.text) for one in cells}
    sizes = Counter((table, column, len(text)) for table, column, text in values)
    for cell in cells:
        name = spelt_out(cell.name)
        named = Line(f'{name} = "{cell.text}"')
        shift = len(name) + 4
        others = sizes[cell.table, cell.column, len(cell.text)] - 1
        told = [(KEYWORD, *span) for span in keyword_in(named, code=True)]
        told += list(random_in(named, {len(cell.text): others}))
        if any(a == shift and b == shift + len(cell.text) for _, a, b in told):
            yield _hit(number, cell.pieces, told[0][0], cell.text)


def _lengths(text: str) -> Mapping[int, int]:
    """Return how many other quoted strings of a length there are in a text."""
    found = list(_QUOTED.finditer(text))
    values = {one[1] for one in found}
    others = {size: count - 1 for size, count in Counter(map(len, values)).items()}
    for one, other in pairwise(found):  # digests in a list: two are enough
        if is_hex_digest(one[1]) and is_hex_digest(other[1]) and len(one[1]) == len(other[1]):
            between = text[one.end() : other.start()] if other.start() - one.end() < 200 else "-"
            if between.strip() == ",":
                others[len(one[1])] = max(others[len(one[1])], MANY)
    return others


def _inside(source: str, start: int, end: int) -> tuple[int, int] | None:
    """Return where the letters of a string literal begin and end."""
    opening = _STRING.match(source[start:end])
    if opening is None:
        return None
    return start + opening.end(), end - len(opening[1])


def _is_a_string(one: _Found, strings: Sequence[tuple[int, int, str]]) -> bool:
    return any(start <= one.start and one.end <= end for start, end, _ in strings)


def _assigned(source: str, strings: Sequence[tuple[int, int, str]]) -> Iterator[tuple[int, int]]:
    """Yield the string literals that are given to a name with a word for a secret."""
    for start, end, name in strings:
        # "token" alone names words of a text far more often than secrets
        told = SECRET_WORD.search(re.sub(r"(?i)token(?!\w*(?:secret|key))", "", name))
        inner = _inside(source, start, end) if told else None
        if inner is not None and len(name) <= 60 and not is_placeholder(source[slice(*inner)]):
            value = source[slice(*inner)]
            other = is_of_another(value, name.strip("\"'"))
            if "\n" not in value and len(value) <= 200 and not (set("{}") & set(value)) and not other:
                yield inner


def _elsewhere(found: Sequence[Hit], views: Sequence[Sequence[View]]) -> Iterator[Hit]:
    """Yield every place where a known secret stands once more, whole or in pieces of eight letters or more."""
    whole: dict[str, dict[str, str]] = {}  # by its first eight letters
    grams: dict[str, str] = {}
    for hit in found:
        parts = _BODY.findall(hit.value) if hit.kind == PRIVATE_KEY else [hit.value.strip()]
        for part in parts:
            if len(part) >= 8:
                whole.setdefault(part[:8], {})[part] = hit.kind
            grams.update((gram, hit.kind) for gram in _grams(part, random=hit.kind not in (KEYWORD, _LOGIN)))
    if whole:
        for number, of_leaf in enumerate(views):
            for view in of_leaf:
                for start, end, kind in _known(view.text, whole, grams):
                    yield _hit(number, view.raw(start, end), kind, view.text[start:end])


def _grams(value: str, *, random: bool) -> Iterator[str]:
    """Yield every eight letters of a secret that tell of it: all in its long runs where it is random, else what is more than a word."""
    runs = [one.span() for one in _RUN.finditer(value)] if random else []
    for at in range(len(value) - 7):
        gram = value[at : at + 8]
        if _telling(gram) or any(start <= at and at + 8 <= end for start, end in runs):
            yield gram


def _telling(gram: str) -> bool:
    """Return whether eight letters are more than a word: only such are looked for, or "password" would be found in prose."""
    letters = [one for one in gram if one.isalnum()]
    if len(letters) < 7:
        return False
    mixed = any(one.isdigit() for one in gram) and any(one.isalpha() for one in gram)
    cased = sum(a.islower() and b.isupper() for a, b in pairwise(gram))
    return mixed or cased >= 2


def _known(
    text: str, whole: Mapping[str, Mapping[str, str]], grams: Mapping[str, str]
) -> Iterator[tuple[int, int, str]]:
    start = end = told = -1
    kind = ""
    for at in range(len(text) - 7):
        eight = text[at : at + 8]
        if eight in whole and at >= told:
            fitting = [one for one in whole[eight].items() if text.startswith(one[0], at)]
            if fitting:
                value, of = max(fitting, key=lambda one: len(one[0]))
                told = at + len(value)
                yield at, told, of
        if eight in grams:
            if at > end:
                if start >= 0:
                    yield start, end, kind
                start, kind = at, grams[eight]
            end = at + 8
    if start >= 0:
        yield start, end, kind
