"""Views: a text as a person reads it, without colours, tags and escapes, and where each letter stands in the raw text."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unicodedata import normalize

from auditkit.scanning.notebooks.encoded import content_of, encoded_in, is_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["MARK", "View", "html_text", "joined", "views_of"]

MARK = "[redacted]"
"""What stands in a redacted copy where something stood."""

_BLANK = "\ufffc"  # what no pattern matches: in place of a mark, and of pictures in base64
_PICTURE = re.compile(r"data:[\w.+/-]{0,80}(?:;[\w.=+-]{1,40}){0,4};base64,([A-Za-z0-9+/_-]+={0,2})")
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_TAG = re.compile(
    r"<(script|style)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|</?[A-Za-z][^<>]*>", re.DOTALL | re.IGNORECASE
)
_INLINE = re.compile(r"</?(?:a|b|i|em|strong|span|code|font|mark|u|s|small|sub|sup|tt|wbr)\b", re.IGNORECASE)
_ESCAPE = re.compile(
    r"""\\(?:(["'\\nrt/])|(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|U([0-9a-fA-F]{8}))|([0-7]{3}))"""
)
_TWICE = re.compile(r"\\\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[\"'])")
_ODD = re.compile(
    "[\u00ad\u180e\u200b-\u200d\u2060\ufeff\uff0d\uff10-\uff19\uff21-\uff3a\uff3f\uff41-\uff5a\U0001d400-\U0001d7ff]"
)
"""Letters without a width, and those that only look like another: full width, mathematical."""

_WRAPPED = re.compile(r"(?<=[A-Za-z0-9_.+/=-]{8})\r?\n(?=[A-Za-z0-9_.+/=-]{4})")
_DEEPEST = 3  # how often what was encoded is read once more


@dataclass(frozen=True, slots=True)
class View:
    """A text as it is read.

    Attributes
    ----------
    text : str
        What is read.
    starts, ends : sequence of int, optional
        Where each of its letters begins and ends in the raw text; None where they are the same.
    decoded : bool
        Whether it was encoded: then it is no code, whatever the raw text is.
    joined : bool
        Whether lines were put together: then only tokens of known form tell anything.
    """

    text: str
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None
    decoded: bool = False
    joined: bool = False

    def raw(self, start: int, end: int) -> tuple[tuple[int, int], ...]:
        """Return the pieces of the raw text that a stretch of this view was read from."""
        if self.starts is None or self.ends is None:
            return ((start, end),)
        return joined(zip(self.starts[start:end], self.ends[start:end], strict=True))


def joined(
    pieces: Iterator[tuple[int, int]] | Sequence[tuple[int, int]], gap: int = 0
) -> tuple[tuple[int, int], ...]:
    """Return pieces in order, those that touch or overlap as one.

    Examples
    --------
    >>> joined([(4, 6), (0, 2), (2, 3), (5, 5)])
    ((0, 3), (4, 6))
    """
    found: list[tuple[int, int]] = []
    for start, end in sorted(one for one in pieces if one[1] > one[0]):
        if found and start <= found[-1][1] + gap:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def views_of(text: str) -> tuple[View, ...]:
    """Return the views of a text: as it is, without what a reader does not see where it holds any, and what is encoded in it.

    Marks of redaction and pictures in base64 are blanked in all of them, letter by letter, so that nothing is found in them. What is encoded has the
    extent of all that encodes it: it can only be taken out whole.
    """
    return tuple(_views(text, 0))


def _views(text: str, depth: int) -> list[View]:
    raw = _blanked(text)
    found = [View(raw)]
    if "\x1b" in raw:
        found.append(_without(raw, _ANSI, lambda _: ""))
    if "&" in raw and _ENTITY.search(raw):
        found.append(_without(raw, _ENTITY, lambda one: html.unescape(one[0])))
    if "<" in raw and _TAG.search(raw):
        found.append(html_text(raw))
    if "\\" in raw and _ESCAPE.search(raw):
        once = _without(raw, _ESCAPE, _unescaped)
        found.append(once)
        if _TWICE.search(raw):
            found.append(_through(once, _without(once.text, _ESCAPE, _unescaped)))
    if not raw.isascii() and _ODD.search(raw):
        found.append(
            _without(
                raw,
                _ODD,
                lambda one: normalize("NFKC", one[0]) if one[0].isalnum() or one[0] in "\uff0d\uff3f" else "",
            )
        )
    known: set[str] = set()
    for view in list(found) if depth < _DEEPEST else ():
        inner = _decoded(view.text)
        if inner is not None and inner.text not in known:
            known.add(inner.text)
            found += [_through(view, _through(inner, one)) for one in _views(inner.text, depth + 1)]
    if "\n" in raw and _WRAPPED.search(raw):
        found.append(replace(_without(raw, _WRAPPED, lambda _: ""), joined=True))
    return found


def _blanked(text: str) -> str:
    """Return a text with signs that nothing is found in for marks of redaction and pictures."""
    text = text.replace(MARK, _BLANK * len(MARK))
    if ";base64," not in text:
        return text
    return _PICTURE.sub(lambda one: _BLANK * len(one[0]) if is_picture(content_of(one[1])) else one[0], text)


def _unescaped(one: re.Match[str]) -> str:
    if one[1]:
        return {"n": "\n", "r": "\r", "t": "\t"}.get(one[1], one[1])
    digits = one[2] or one[3] or one[4] or one[5]
    number = int(digits, 16) if digits else int(one[6], 8)
    return chr(number) if number <= 0x10FFFF else one[0]


def _decoded(text: str) -> View | None:
    """Return what is encoded in a text, a line or more for each stretch; None where nothing is."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end, said in encoded_in(text):
        parts.append(f"{said}\n")
        starts += [start] * (len(said) + 1)
        ends += [*[end] * len(said), start]  # the new line between two has no extent
    return View("".join(parts), starts, ends, decoded=True) if parts else None


def _through(outer: View, inner: View) -> View:
    """Return a view of a view as one of the raw text."""
    made = replace(inner, decoded=outer.decoded or inner.decoded)
    if outer.starts is None or outer.ends is None:
        return made
    if inner.starts is None or inner.ends is None:
        return replace(made, starts=outer.starts, ends=outer.ends)
    pairs = [
        (outer.starts[a], outer.ends[b - 1]) if b > a else (0, 0)
        for a, b in zip(inner.starts, inner.ends, strict=True)
    ]
    return replace(made, starts=[a for a, _ in pairs], ends=[b for _, b in pairs])


def html_text(raw: str) -> View:
    """Return what a page of HTML says: tags away, a new line at each that ends a line or a cell, entities as their letters."""
    both = re.compile(f"{_TAG.pattern}|{_ENTITY.pattern}", _TAG.flags)

    def reads(one: re.Match[str]) -> str:
        if one[0].startswith("&"):
            return html.unescape(one[0])
        return "" if _INLINE.match(one[0]) else "\n"

    return _without(raw, both, reads)


def _without(raw: str, pattern: re.Pattern[str], reads: Callable[[re.Match[str]], str]) -> View:
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for one in pattern.finditer(raw):
        letters.append(raw[at : one.start()])
        starts.extend(range(at, one.start()))
        ends.extend(range(at + 1, one.start() + 1))
        words = reads(one)
        letters.append(words)
        # a line that a tag stands for is no letter of the text: it has no extent, and is not redacted
        end = one.start() if words == "\n" and one[0].startswith("<") else one.end()
        starts.extend([one.start()] * len(words))
        ends.extend([end] * len(words))
        at = one.end()
    letters.append(raw[at:])
    starts.extend(range(at, len(raw)))
    ends.extend(range(at + 1, len(raw) + 1))
    return View("".join(letters), starts, ends)
