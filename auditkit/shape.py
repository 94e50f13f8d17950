"""Shape: whether data read from JSON have the form a schema asks for, and if not, where."""

from __future__ import annotations

import math
import re
import reprlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    Problem: TypeAlias = tuple[str, str]
    Schema: TypeAlias = Mapping[str, Any]

__all__ = ["MAX_DEPTH", "misfit", "short"]

MAX_DEPTH = 64
"""Levels of lists and objects in each other; no report has more than a dozen."""

_LARGEST = sys.float_info.max

_WORDS = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_BRIEF = reprlib.Repr()
_BRIEF.maxlevel, _BRIEF.maxstring, _BRIEF.maxother, _BRIEF.maxlist, _BRIEF.maxdict = 2, 60, 60, 3, 3


def misfit(data: Any, schema: Schema) -> str | None:
    """Return the first place where data and schema differ, and how; None if there is none.

    Reads the keywords of JSON Schema (draft 2020-12) that auditkit's own schemas use. Not a number and the infinities,
    which are no JSON, are no numbers here.

    Parameters
    ----------
    data : any
        What ``json.loads`` gave.
    schema : mapping
        A schema; references point into its own ``$defs``.

    Examples
    --------
    >>> misfit({"n": [3, -1]}, {"properties": {"n": {"items": {"type": "integer", "minimum": 0}}}})
    'n[1]: expected at least 0, got -1'
    """
    if wrong := _unusable(data):
        return f"(top): {wrong}"
    for place, what in _problems(data, schema, schema, ""):
        return f"{place.removeprefix('.') or '(top)'}: {what}"
    return None


def short(value: Any) -> str:
    """Return a value in few characters, whatever it is."""
    try:
        return _BRIEF.repr(value)
    except (ValueError, RecursionError):  # a number of more digits than may be written
        return f"a very large {type(value).__name__}"


def _unusable(data: Any) -> str | None:
    """Say what no reader copes with, wherever it is: nests without end, whole numbers that no float can hold."""
    level = [data]
    for _ in range(MAX_DEPTH):
        inner = [
            v
            for one in level
            for v in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
        ]
        if any(type(v) is int and abs(v) > _LARGEST for v in inner):
            return f"numbers lie within {_LARGEST:.3g} of 0 at most"
        level = [v for v in inner if isinstance(v, (dict, list))]
        if not level:
            return None
    return f"nested deeper than {MAX_DEPTH} levels"


def _problems(data: Any, schema: Schema, root: Schema, place: str) -> Iterator[Problem]:
    if "$ref" in schema:
        yield from _problems(data, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, place)
    yield from _of_value(data, schema, place)
    if isinstance(data, dict):
        yield from _of_object(data, schema, root, place)
    elif isinstance(data, list) and "items" in schema:
        for i, one in enumerate(data):
            yield from _problems(one, schema["items"], root, f"{place}[{i}]")
    if "anyOf" in schema:
        yield from _of_choices(data, schema["anyOf"], root, place)
    for part in schema.get("allOf", ()):
        yield from _problems(data, part, root, place)
    if "if" in schema:
        fits = next(_problems(data, schema["if"], root, place), None) is None
        yield from _problems(data, schema.get("then" if fits else "else", {}), root, place)


def _of_value(data: Any, schema: Schema, place: str) -> Iterator[Problem]:
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(_is(data, kind) for kind in kinds):
            yield place, f"expected {' or '.join(_WORDS[kind] for kind in kinds)}, got {short(data)}"
            return
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if allowed is not None and not any(type(data) is type(one) and data == one for one in allowed):
        yield place, f"expected {' or '.join(map(repr, allowed))}, got {short(data)}"
    if isinstance(data, str):
        if len(data) < schema.get("minLength", 0):
            yield place, "expected some text, got none"
        if "pattern" in schema and not re.search(schema["pattern"], data):
            yield place, f"expected text like {schema['pattern']}, got {short(data)}"
    elif _is(data, "number"):
        yield from _of_number(data, schema, place)


def _of_number(data: float, schema: Schema, place: str) -> Iterator[Problem]:
    for keyword, words, holds in (
        ("minimum", "at least", data >= schema.get("minimum", data)),
        ("maximum", "at most", data <= schema.get("maximum", data)),
        ("exclusiveMinimum", "more than", "exclusiveMinimum" not in schema or data > schema["exclusiveMinimum"]),
        ("exclusiveMaximum", "less than", "exclusiveMaximum" not in schema or data < schema["exclusiveMaximum"]),
    ):  # fmt: skip
        if not holds:
            yield place, f"expected {words} {schema[keyword]}, got {short(data)}"


def _of_object(data: dict[Any, Any], schema: Schema, root: Schema, place: str) -> Iterator[Problem]:
    for name in schema.get("required", ()):
        if name not in data:
            yield place, f"{name!r} is missing"
    known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name, one in data.items():
        if not isinstance(name, str):
            yield place, f"expected names that are text, got {short(name)}"
        elif name in known:
            yield from _problems(one, known[name], root, place + _step(name))
        elif more is False:
            yield place, f"{short(name)} is not known here"
        elif more is not True:
            yield from _problems(one, more, root, place + _step(name))


def _of_choices(data: Any, choices: list[Schema], root: Schema, place: str) -> Iterator[Problem]:
    """Say what is wrong with the choice that was meant: the one whose misfit lies deepest."""
    found = []
    for one in choices:
        wrong = next(_problems(data, one, root, place), None)
        if wrong is None:
            return
        found.append(wrong)
    yield max(found, key=lambda wrong: len(wrong[0]))


def _is(data: Any, kind: str) -> bool:
    if kind in ("integer", "number"):
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            return False
        return isinstance(data, int) or (math.isfinite(data) and (kind == "number" or data.is_integer()))
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    return isinstance(data, types[kind])


def _step(name: str) -> str:
    return f".{name}" if name.isidentifier() and len(name) <= 60 else f"[{short(name)}]"
