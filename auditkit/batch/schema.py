"""PlanFile: what may stand in a plan of audits, and how a mistake in one is told."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from auditkit.batch.schedule import FIRST, Schedule, period
from auditkit.errors import InputError, did_you_mean
from auditkit.loading.told_apart import refuse_another

if TYPE_CHECKING:
    import os

    from pydantic_core import ErrorDetails

__all__ = [
    "ExcludePart",
    "LimitsPart",
    "PlanFile",
    "SchedulePart",
    "SubjectPart",
    "TemplatePart",
    "read_plan_file",
]

_UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([A-Za-z]*)\s*")
_SPAN = re.compile(r"\s*([0-9]{1,7}(?:\.[0-9]{1,6})?)\s*([A-Za-z]*)\s*")
_SECONDS = {
    "": 1,
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
}
_SAME = {
    "timeout": "seconds",
    "time": "seconds",
    "max_seconds": "seconds",
    "ram": "memory",
    "mem": "memory",
    "seed": "seeds",
}
_SHOWN = 80
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")

Word = Annotated[str, Field(min_length=1, max_length=200)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]


def _in_seconds(words: str) -> int:
    """Return how many seconds words such as "10 minutes" mean; those of an hour where that is not known."""
    found = _SPAN.fullmatch(words)
    unit = found[2].lower() if found else "?"
    factor = _SECONDS.get(unit) or _SECONDS.get(unit.removesuffix("s"))
    return max(1, round(float(found[1]) * factor)) if found and factor else 3600


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LimitsPart(_Part):
    """What one audit may take: seconds of time, bytes of memory."""

    seconds: float | None = Field(default=None, gt=0, le=10**7, allow_inf_nan=False)
    memory: int | None = Field(default=None, ge=2**20, le=2**50)

    @field_validator("seconds", mode="before")
    @classmethod
    def _whole_seconds(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(f"expected a number of seconds, as in seconds = {_in_seconds(value)}")  # noqa: TRY004 - pydantic takes no TypeError
        return float(value) if type(value) is int and abs(value) < 10**9 else value

    @field_validator("memory", mode="before")
    @classmethod
    def _with_a_unit(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = _SIZE.fullmatch(value)
        if found is None or found[2] not in _UNITS:
            raise ValueError('expected a size such as "2 GiB" or "512 MiB"')
        return int(float(found[1]) * _UNITS[found[2]])


class SchedulePart(_Part):
    """When the plan is due, for ``auditkit run --due``."""

    every: str
    at: dt.time = dt.time(0)
    since: dt.date = FIRST
    zone: str = "UTC"
    force: bool = False

    @field_validator("every")
    @classmethod
    def _a_period(cls, value: str) -> str:
        period(value)
        return value

    @field_validator("at", mode="before")
    @classmethod
    def _a_time_of_day(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = _TIME.fullmatch(value)
        if found is None:
            raise ValueError('expected a time of day such as "02:30"')
        return dt.time(int(found[1]), int(found[2]))

    @field_validator("since")
    @classmethod
    def _a_day_of_our_time(cls, value: dt.date) -> dt.date:
        if not FIRST <= value < dt.date(2200, 1, 1):
            raise ValueError(f"expected a day from {FIRST} to 2199-12-31")
        return value

    @field_validator("zone")
    @classmethod
    def _a_zone_that_is_there(cls, value: str) -> str:
        from zoneinfo import available_timezones

        if value not in (known := available_timezones()):
            close = did_you_mean(value, known)
            raise ValueError(
                f'expected the name of a time zone, such as "Europe/Zurich"{close if "?" in close else ""}'
            )
        return value

    def schedule(self) -> Schedule:
        """Return the moments that it names."""
        return Schedule(*period(self.every), at=self.at, since=self.since, zone=self.zone)


class SubjectPart(_Part):
    """One subject file, or all that a pattern finds."""

    file: Word
    name: Word | None = None
    policy: Word | None = None
    tags: list[Word] = []


class TemplatePart(_Part):
    """One template, with parameters the same for all its audits, and a grid of those that vary."""

    name: Word
    parameters: dict[str, Any] = {}
    grid: dict[str, Annotated[list[Any], Field(min_length=1, max_length=1000)]] = {}
    policy: Word | None = None
    keep_answers: bool | None = None
    limits: LimitsPart | None = None
    tags: list[Word] = []


class ExcludePart(_Part):
    """Audits that are left out: all that fit what is named here."""

    subject: Word | None = None
    template: Word | None = None
    seed: Seed | None = None
    parameters: dict[str, Any] = {}
    why: Word


class PlanFile(_Part):
    """A plan: every subject under every template."""

    name: Word | None = None
    policy: Word | None = None
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=1000)] | None = None
    jobs: Annotated[int, Field(ge=1, le=1024)] | None = None
    keep_answers: bool = False
    tags: list[Word] = []
    limits: LimitsPart = LimitsPart()
    schedule: SchedulePart | None = None
    subject: Annotated[list[SubjectPart], Field(min_length=1)]
    template: Annotated[list[TemplatePart], Field(min_length=1)]
    exclude: list[ExcludePart] = []


_INSIDE: dict[str, type[BaseModel]] = {
    "subject": SubjectPart,
    "template": TemplatePart,
    "exclude": ExcludePart,
    "limits": LimitsPart,
    "schedule": SchedulePart,
}


def read_plan_file(path: str | os.PathLike[str]) -> PlanFile:
    """Read and validate a plan.

    Parameters
    ----------
    path : path
        A TOML file; ``docs/batches.md`` describes its keys.

    Raises
    ------
    InputError
        Naming the file and, for every mistake at once, the key, what was expected and what came.
    """
    file = Path(path)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file}: not UTF-8 text; a plan is TOML") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"no plan at {str(file)!r}: {why}; `auditkit plan init` writes one") from None
    try:
        content = tomllib.loads(text)
        refuse_another(content, file, "plan")
        return PlanFile.model_validate(content)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{file}: not valid TOML: {error}") from None
    except ValidationError as error:
        found = list(dict.fromkeys(_sentence(one) for one in error.errors()))
        raise InputError("\n".join(f"{file}: {one}" for one in found)) from None


def _sentence(error: ErrorDetails) -> str:
    steps = error["loc"]
    key = ".".join(str(step + 1) if isinstance(step, int) else step for step in steps)
    if error["type"] == "extra_forbidden":
        known, word = _model(steps[:-1]).model_fields, str(steps[-1])
        return (
            f"no key {key!r}.{did_you_mean(_SAME[word] if _SAME.get(word) in known else word, known)}".rstrip(
                "."
            )
        )
    if error["type"] == "missing":
        example = {
            "subject": ': a plan has at least one [[subject]] with file = "subject.toml"',
            "template": ': a plan has at least one [[template]] with name = "bias"',
            "every": ': say how often, as in every = "1 day"',
            "why": ": say why these audits are left out",
        }
        return f"{key} is missing{example.get(str(steps[-1]), '')}"
    if error["type"] == "list_type" and steps[-1] in _INSIDE and isinstance(error["input"], dict):
        return f"[{key}] is one table; write [[{key}]], with two brackets, over each"
    if error["type"] == "list_type" and isinstance(error["input"], (str, bool, int, float)):
        came = error["input"]
        one = repr(came) if type(came) is float else json.dumps(came, ensure_ascii=False)
        if len(one) <= _SHOWN:
            return f"{key}: expected a list, got {one}: type {steps[-1]} = [{one}]"
    said, asks, meant = str(error["msg"]).removeprefix("Value error, ").partition(" Did you mean")
    shown = ascii(error["input"])
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
    return f"{key}: {said[:1].lower()}{said[1:]}; got {shown}{'.' if asks else ''}{asks}{meant}"


def _model(steps: tuple[int | str, ...]) -> type[BaseModel]:
    """Return what may stand where an unknown key stands."""
    named = [step for step in steps if isinstance(step, str) and step in _INSIDE]
    return _INSIDE[named[-1]] if named else PlanFile
