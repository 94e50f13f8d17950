"""Written: a catalogue as its file says it, held to its form."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads annotations
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from auditkit.errors import InputError, did_you_mean
from auditkit.targets.base import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic_core import ErrorDetails

__all__ = ["Entry", "File", "read"]

_T = TypeVar("_T")

LONGEST = 300
"""Characters of an id, a name or a title."""

Short = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=r"\S")]
Text = Annotated[str, Field(max_length=2000)]
How = Literal["source", "secondary", "source and secondary", "memory", "own"]


class Entry(BaseModel):
    """What every table of a catalogue has."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Short
    title: Short
    replaces: bool = False

    def made(self, kind: Callable[..., _T], **more: Any) -> _T:
        """Return the value that this says, lists as tuples."""
        given = self.model_dump(exclude={"replaces"})
        plain = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
        return kind(**{**plain, **more})


class _Topic(Entry):
    checks: list[Short] = []
    also: list[Short] = []
    dimensions: list[Short] = []
    metrics: list[Short] = []
    rests_on: Literal["checks", "any", "judged"] = "checks"
    forms: list[Short] = []
    evidence: Text = ""
    today: Text = ""


class _Framework(Entry):
    name: Short
    edition: Short
    checked: How = "own"
    applies: dict[Short, date] = {}
    status: Text = ""
    note: Text = ""
    kinds: list[Short] = []

    @field_validator("kinds")
    @classmethod
    def _known(cls, given: list[str]) -> list[str]:
        for one in given:
            if one not in KINDS:
                raise ValueError(f"{one!r} is no kind of target.{did_you_mean(one, KINDS)}")
        return given


class _Control(Entry):
    framework: Short
    topics: list[Short] = []
    strength: Literal["direct", "partial", "record"]
    evidence: list[Text] = []
    checked: How | None = None
    note: Text = ""
    aliases: list[Short] = []

    @field_validator("strength")
    @classmethod
    def _has_topics(cls, given: str, info: Any) -> str:
        if given != "record" and not info.data.get("topics"):
            raise ValueError(
                f'"{given}" needs topics, as in topics = ["bias"]; without any it is strength = "record"'
            )
        return given


class File(BaseModel):
    """A catalogue as its file says it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Text = ""
    disclaimer: Text = ""
    topic: list[_Topic] = []
    framework: list[_Framework] = []
    control: list[_Control] = []


_INSIDE: Mapping[str, type[BaseModel]] = {"topic": _Topic, "framework": _Framework, "control": _Control}


def read(content: Mapping[str, Any], name: str) -> File:
    """Return a catalogue as its file says it.

    Raises
    ------
    InputError
        If a key is unknown or missing, or a value is of the wrong type.
    """
    try:
        return File.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{name}: {_first(_told(error), content)}") from None


def _told(error: ValidationError) -> ErrorDetails:
    """Return the mistake to tell: a key that is not known before one that is missing, since the one is the other misspelt."""
    return min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")


def _first(first: ErrorDetails, content: Mapping[str, Any]) -> str:
    place = first["loc"]
    where = ".".join(str(p + 1) if isinstance(p, int) else str(p) for p in place)
    if first["type"] == "extra_forbidden":
        model = _INSIDE.get(str(place[0]), File) if len(place) > 1 else File
        return f"no key {where!r}.{did_you_mean(str(place[-1]), model.model_fields)}"
    if len(place) == 1 and place[0] in _INSIDE and isinstance(content.get(str(place[0])), dict):
        return f"[{where}] is one table; write [[{where}]], with two brackets, over each"
    if first["type"] == "missing":
        return f"{where} is missing"
    shown = repr(first["input"])
    said = first["msg"].removeprefix("Value error, ")
    return f"{where}: {said[:1].lower()}{said[1:]}, got {shown[:100]}"
