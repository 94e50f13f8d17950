"""Written: a kind of form as its file says it, held to its shape; every mistake is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auditkit.errors import InputError, did_you_mean
from auditkit.forms.asked import Answer, Column, Kind, Question, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["read"]

Word = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
Short = Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S")]
Long = Annotated[str, Field(max_length=2000)]
CellAnswer = Literal["text", "choice", "date", "moment", "number", "yes_no"]

KEPT = ("form", "edition", "subject")
"""Keys of a form's file that are no section."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: Word
    words: Short
    required: bool = True
    options: list[Short] = []
    at_least: float | None = None
    at_most: float | None = None


class _Column(_Part):
    answer: CellAnswer = "text"


class _Question(_Part):
    help: Long = ""
    answer: Answer = "text"
    asked_if: dict[Word, str | bool | list[str]] = {}
    column: list[_Column] = []


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: Word
    title: Short
    controls: dict[Short, list[Short]] = {}
    question: list[_Question]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Word
    title: Short
    edition: Short
    why: Long = ""
    section: list[_Section]


_KEYS: Mapping[str, type[BaseModel]] = {"section": _Section, "question": _Question, "column": _Column}


def read(content: Mapping[str, Any], where: str, *, file: str) -> Kind:
    """Return a kind as its file says it.

    Raises
    ------
    InputError
        With every mistake: a key that is unknown or missing, a value of the wrong type, an id that is twice there, options of what is no
        choice, a condition on what is not asked before.
    """
    try:
        written = _File.model_validate(content)
    except ValidationError as error:
        raise _refused(where, [_said(one) for one in error.errors()]) from None
    if wrong := list(_mistakes(written)):
        raise _refused(where, wrong)
    sections = tuple(
        Section(
            one.id,
            one.title,
            tuple(map(_question, one.question)),
            tuple((framework, id_) for framework, ids in one.controls.items() for id_ in ids),
        )
        for one in written.section
    )
    return Kind(written.kind, written.title, written.edition, written.why, sections, file)


def _refused(where: str, wrong: list[str]) -> InputError:
    return InputError(f"{where} is no kind of form:\n" + "\n".join(f"  {one}" for one in wrong))


def _said(one: Any) -> str:
    place = [str(p + 1) if isinstance(p, int) else str(p) for p in one["loc"]]
    where = ".".join(place) or "the file"
    if one["type"] == "extra_forbidden":
        inside = next((p for p in reversed(one["loc"][:-1]) if p in _KEYS), "")
        return f"no key {where!r}.{did_you_mean(place[-1], _KEYS.get(str(inside), _File).model_fields)}"
    if one["type"] == "missing":
        return f"{where} is missing"
    said = one["msg"].removeprefix("Value error, ")
    return f"{where}: {said[:1].lower()}{said[1:]}, got {repr(one['input'])[:80]}"


def _question(one: _Question) -> Question:
    wanted = {
        name: tuple(value) if isinstance(value, list) else (value,) for name, value in one.asked_if.items()
    }
    columns = tuple(Column(**{**c.model_dump(), "options": tuple(c.options)}) for c in one.column)
    given = one.model_dump(exclude={"column"})
    return Question(**{**given, "options": tuple(one.options), "asked_if": wanted, "columns": columns})


def _mistakes(written: _File) -> Iterator[str]:
    sections = [one.id for one in written.section]
    yield from (f"the section {id_!r} is there twice" for id_ in _twice(sections))
    yield from (
        f"no section can be named {id_!r}: it is a key of a form's file" for id_ in sections if id_ in KEPT
    )
    before: dict[str, _Question] = {}
    for section in written.section:
        if not section.question:
            yield f"the section {section.id!r} asks nothing"
        for one in section.question:
            if one.id in before:
                yield f"the question {one.id!r} is there twice: an id is used once in a form"
            yield from _of_part(one, f"the question {one.id!r}")
            yield from _of_columns(one)
            yield from _of_condition(one, before)
            before[one.id] = one


def _of_part(one: _Part, where: str) -> Iterator[str]:
    answer = getattr(one, "answer", "text")
    if answer in ("choice", "choices") and len(one.options) < 2:
        yield f"{where} is a choice and needs options, two at least"
    if one.options and answer not in ("choice", "choices"):
        yield f'{where} has options and answer = "{answer}"; say answer = "choice" or "choices"'
    yield from (f"{where} has the option {id_!r} twice" for id_ in _twice(one.options))
    if (one.at_least is not None or one.at_most is not None) and answer != "number":
        yield f'{where} has an end and answer = "{answer}"; say answer = "number"'


def _of_columns(one: _Question) -> Iterator[str]:
    if one.answer == "rows" and not one.column:
        yield f"the question {one.id!r} is answered by rows and needs [[section.question.column]]"
    if one.column and one.answer != "rows":
        yield f'the question {one.id!r} has columns and answer = "{one.answer}"; say answer = "rows"'
    yield from (
        f"the question {one.id!r} has the column {id_!r} twice" for id_ in _twice([c.id for c in one.column])
    )
    for column in one.column:
        yield from _of_part(column, f"the column {column.id!r} of {one.id!r}")


def _of_condition(one: _Question, before: Mapping[str, _Question]) -> Iterator[str]:
    for name, value in one.asked_if.items():
        where = f"the question {one.id!r}: asked_if {name!r}"
        other = before.get(name)
        if other is None:
            yield f"{where} is no question before it.{did_you_mean(name, before)}"
        elif other.answer == "yes_no":
            if not isinstance(value, bool):
                yield f"{where} is answered by yes or no; write true or false"
        elif other.answer in ("choice", "choices"):
            for word in value if isinstance(value, list) else [value]:
                if word not in other.options:
                    yield f"{where} cannot be {word!r}.{did_you_mean(str(word), other.options)}"
        else:
            yield f"{where} is neither a choice nor yes or no"


def _twice(words: list[str]) -> list[str]:
    return sorted({one for one in words if words.count(one) > 1})
