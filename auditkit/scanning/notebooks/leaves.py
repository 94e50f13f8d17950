"""Leaves: every text of a notebook, with the place it stands at. Nothing is left out because its key is not known."""

from __future__ import annotations

import base64
import binascii
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from auditkit.scanning.notebooks.encoded import is_picture, words_of
from auditkit.scanning.notebooks.passwords import is_number_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Form", "Leaf", "Path", "Place", "leaves_of"]

Form = Literal["code", "text", "json", "number", "key", "id", "base64", "binary"]
Path: TypeAlias = tuple[str | int, ...]

_SHOWN_MIMES = {
    "application/javascript", "application/json", "application/pdf", "application/vnd.dataresource+json", "application/vnd.jupyter.widget-view+json",
    "application/vnd.plotly.v1+json", "application/vnd.vegalite.v5+json", "image/gif", "image/jpeg", "image/png", "image/svg+xml",
    "image/webp", "text/html", "text/latex", "text/markdown", "text/plain",
}  # fmt: skip
"""Mime types that may be named in a finding. Another one is text of the notebook, which may itself hold a secret."""

_KEY = 8  # letters from which a key or a number can hold anything of interest


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a notebook something stands; no word of the notebook is in it.

    Attributes
    ----------
    cell : int or None
        Number of the cell, the first being 1; None outside cells.
    part : str
        "source", "output 2, error", "output 1, text/html", "metadata", "attachment 1", ...
    line : int
        Line of the part, the first being 1. Of JSON as it stands indented, one value a line.
    """

    cell: int | None
    part: str
    line: int = 1

    def __str__(self) -> str:
        return f"{'notebook' if self.cell is None else f'cell {self.cell}'}, {self.part}, line {self.line}"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One text of a notebook.

    Attributes
    ----------
    path : tuple
        Keys and positions that lead to it in the JSON; of a key, those that lead to its value.
    text : str
        What it says; base64 that holds text is decoded.
    form : str
        "code" (source of a code cell), "text" (prose, markup and output), "json" (a text in JSON), "number" (a whole one of eight digits or more, or of six under a word for a password), "key" (of an object), "id" (of a cell),
        "base64" (text that was encoded), "binary" (pictures and the like, which are not read).
    place : Place
        Where it begins.
    key : str
        The key under which a value of JSON stands. It is text of the notebook: never shown.
    """

    path: Path = field(repr=False)  # no text of a notebook is in what may reach a traceback
    text: str = field(repr=False)
    form: Form
    place: Place
    key: str = field(default="", repr=False)


def leaves_of(notebook: Mapping[str, Any]) -> list[Leaf]:
    """Return every text of a notebook, in its order.

    Parameters
    ----------
    notebook : mapping
        The JSON of a notebook of format 4. Sources may be text or lists of lines.

    Returns
    -------
    list of Leaf
        Whole numbers of eight digits or more are among them; other numbers, and short keys, are not.
    """
    return list(_notebook(notebook))


def _notebook(notebook: Mapping[str, Any]) -> Iterator[Leaf]:
    for key, value in notebook.items():
        if key == "cells" and isinstance(value, list):
            for number, cell in enumerate(value, 1):
                path = ("cells", number - 1)
                yield from (
                    _cell(cell, path, number)
                    if isinstance(cell, dict)
                    else _json(cell, path, number, "of another form")
                )
        else:
            yield from _key(key, (key,), Place(None, "key"))
            yield from _json(value, (key,), None, "metadata" if key == "metadata" else "other keys")


def _cell(cell: Mapping[str, Any], path: Path, number: int) -> Iterator[Leaf]:
    for key, value in cell.items():
        at = (*path, key)
        if key == "source" and (text := _joined(value)) is not None:
            form: Form = "code" if cell.get("cell_type") == "code" else "text"
            yield Leaf(at, text, form, Place(number, "source"))
        elif key == "outputs" and isinstance(value, list):
            for count, output in enumerate(value, 1):
                yield from _output(output, (*at, count - 1), number, f"output {count}")
        elif key == "attachments" and isinstance(value, dict):
            yield from _attachments(value, at, number)
        elif key == "id" and isinstance(value, str):
            yield Leaf(at, value, "id", Place(number, "id"))
        else:
            yield from _key(key, at, Place(number, "key"))
            yield from _json(value, at, number, "metadata" if key == "metadata" else "other keys")


def _output(output: Any, path: Path, cell: int, part: str) -> Iterator[Leaf]:
    if not isinstance(output, dict):
        yield from _json(output, path, cell, part)
        return
    kind = output.get("output_type")
    for key, value in output.items():
        at = (*path, key)
        if key == "traceback" and isinstance(value, list) and all(isinstance(one, str) for one in value):
            line = 1
            for count, text in enumerate(value):
                yield Leaf((*at, count), text, "text", Place(cell, f"{part}, error", line))
                line += text.count("\n") + 1
        elif kind == "stream" and key == "text" and (text := _joined(value)) is not None:
            name = output.get("name")
            yield Leaf(
                at, text, "text", Place(cell, f"{part}, {name if name in ('stdout', 'stderr') else 'stream'}")
            )
        elif key == "data" and isinstance(value, dict):
            for mime, content in value.items():
                yield from _mime(mime, content, (*at, mime), cell, part)
        else:
            yield from _key(key, at, Place(cell, part))
            said = "error" if kind == "error" else "metadata" if key == "metadata" else "other keys"
            yield from _json(value, at, cell, f"{part}, {said}")


def _attachments(value: Mapping[str, Any], path: Path, cell: int) -> Iterator[Leaf]:
    for count, (name, bundle) in enumerate(value.items(), 1):
        part, at = f"attachment {count}", (*path, name)
        yield from _key(name, at, Place(cell, f"{part}, name"))
        if isinstance(bundle, dict):
            for mime, content in bundle.items():
                yield from _mime(mime, content, (*at, mime), cell, part)
        else:
            yield from _json(bundle, at, cell, part)


def _mime(mime: str, value: Any, path: Path, cell: int, part: str) -> Iterator[Leaf]:
    shown = f"{part}, {mime if mime in _SHOWN_MIMES else 'another mime type'}"
    if mime not in _SHOWN_MIMES:
        yield from _key(mime, path, Place(cell, shown))
    text = None if mime == "application/json" or mime.endswith("+json") else _joined(value)
    if text is None:
        yield from _json(value, path, cell, shown)
        return
    decoded = _decoded(text)
    form: Form = "text" if decoded is None else "binary" if isinstance(decoded, bytes) else "base64"
    yield Leaf(path, decoded if isinstance(decoded, str) else text, form, Place(cell, shown))


def _decoded(text: str) -> str | bytes | None:
    """Return what base64 holds, text or a picture; None for what is not base64, or holds neither."""
    packed = "".join(text.split())
    if len(packed) < 8 or len(packed) % 4:
        return None
    try:
        content = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return None
    if is_picture(content):
        return content
    return words_of(content)


def _json(value: Any, path: Path, cell: int | None, part: str) -> Iterator[Leaf]:
    yield from _values(value, path, cell, part, "", itertools.count(1))


def _values(
    value: Any, path: Path, cell: int | None, part: str, key: str, line: Iterator[int]
) -> Iterator[Leaf]:
    here = next(line)
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _key(str(name), (*path, name), Place(cell, part, here))
            yield from _values(one, (*path, name), cell, part, str(name), line)
    elif isinstance(value, list):
        for count, one in enumerate(value):
            yield from _values(one, (*path, count), cell, part, key, line)
    elif isinstance(value, str):
        yield Leaf(path, value, "json", Place(cell, part, here), key)
    elif _is_whole(value) and (len(text := f"{value:.0f}") >= _KEY or is_number_of(key, text)):
        yield Leaf(path, text, "number", Place(cell, part, here), key)
    if isinstance(value, (dict, list)) and value:
        next(line)


def _is_whole(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _key(key: str, path: Path, place: Place) -> Iterator[Leaf]:
    if len(key) >= _KEY:
        yield Leaf(path, key, "key", place)


def _joined(value: Any) -> str | None:
    """Return text that may stand as a list of lines; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "".join(value)
    return None
