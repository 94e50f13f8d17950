"""Writing: a form as TOML that a person can fill in, each question as a comment above its answer."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditkit.forms.asked import Column, Kind, Question

__all__ = ["to_toml"]

_WIDTH = 110
_EXPECTED = {
    "text": "words",
    "date": "a day: 2026-11-29",
    "moment": "a day and a time: 2026-11-29T14:05:00+01:00",
    "number": "a number",
    "yes_no": "true or false",
    "people": 'a list of names: ["Maria Rossi, head of credit risk"]',
    "rows": "rows, each under its own header",
}
_EMPTY = {"choices": "[]", "people": "[]", "text": '"""\n"""'}


def to_toml(
    kind: Kind, subject: str, answers: Mapping[str, Any] | None = None, *, named: str | None = None
) -> str:
    """Return a form as TOML, with the answers that are there and room for those that are not.

    Parameters
    ----------
    kind : Kind
        What is asked.
    subject : str
        What it is about.
    answers : mapping, optional
        Id of a question to its answer, in plain JSON values, as `Form.answers` has them.
    named : str, optional
        How the file is to name the kind; its name, or the path it was read from, when left out.

    Examples
    --------
    >>> from auditkit.forms import load_kind
    >>> print(to_toml(load_kind("oversight"), "credit").splitlines()[0])
    # Human oversight, edition 2026-11
    """
    given = answers or {}
    lines = [f"# {kind.title}, edition {kind.edition}", *_comment(kind.why), ""]
    lines += [f"form = {_string(named or kind.file or kind.kind)}", f"edition = {_string(kind.edition)}"]
    lines += [
        "# what it is about: the name of the model, as its subject file has it",
        f"subject = {_string(subject)}",
    ]
    for section in kind.sections:
        lines += ["", "", f"# {'-' * 20} {section.title}", f"[{section.id}]"]
        tables = [one for one in section.questions if one.answer == "rows"]
        for one in section.questions:
            if one not in tables:
                lines += ["", *_asked(one), f"{one.id} = {_value(given.get(one.id), one)}"]
        for one in tables:  # a key after [[...]] would belong to its row
            lines += ["", *_asked(one), *_rows(given.get(one.id), one, f"{section.id}.{one.id}")]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for part in text.splitlines() for line in textwrap.wrap(part, _WIDTH)]


def _asked(one: Question) -> Iterator[str]:
    """Give the lines above an answer: the question, its help, what is expected, and when it is asked."""
    yield from _comment(one.words)
    if one.help:
        yield from _comment(one.help)
    when = "" if one.required else "; may be left out"
    said = f"({_expected(one)}{when})"
    if one.options and len(said) > _WIDTH:  # an option in two lines could not be copied
        yield f"# ({_how_many(one)} of{when}:"
        yield from (f"#   {_string(option)}" for option in one.options)
        yield "# )"
    else:
        yield from _comment(said)
    for name, wanted in one.asked_if.items():
        words = " or ".join(str(w).lower() if isinstance(w, bool) else _string(w) for w in wanted)
        yield from _comment(f"(only if {name} is {words})")


def _expected(one: Question | Column) -> str:
    if one.options:
        return f"{_how_many(one)} of: {', '.join(map(_string, one.options))}"
    return _EXPECTED[one.answer]


def _how_many(one: Question | Column) -> str:
    return "one" if one.answer == "choice" else "any"


def _value(given: Any, one: Question | Column) -> str:
    if given is None:
        return _EMPTY.get(one.answer, '""')
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, list):
        return f"[{', '.join(_string(str(part)) for part in given)}]"
    if one.answer in ("date", "moment", "number"):
        return str(given)
    text = str(given)
    return _long(text) if one.answer == "text" else _string(text)


def _rows(given: Any, one: Question, place: str) -> Iterator[str]:
    for row in given or ():
        yield f"[[{place}]]"
        for column in one.columns:
            if column.id in row:
                yield f"{column.id} = {_value(row[column.id], column)}"
        yield ""
    if not given:
        yield f"# [[{place}]]"
        for column in one.columns:
            more = "" if column.required else "; may be left out"
            empty = _EMPTY.get(column.answer, '""') if column.answer != "text" else '""'
            yield f"# {column.id} = {empty}  # {column.words} ({_expected(column)}{more})"


def _string(text: str) -> str:
    """Return a basic string of TOML: JSON's escapes are among its own, but for the delete character."""
    return json.dumps(_sound(text), ensure_ascii=False).replace("\x7f", "\\u007f")


def _long(text: str) -> str:
    """Return a string of several lines where it is long; a line feed stays, all else that does not print is escaped."""
    if "\n" not in text and len(text) < 80:
        return _string(text)
    lines = [_string(line)[1:-1] for line in text.split("\n")]
    return '"""\n' + "\n".join(lines) + '\n"""'


def _sound(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
