"""MonitorPlan: what may stand in a plan of monitoring, and how a mistake in one is told."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - pydantic reads the annotations
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from auditkit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import os

    from pydantic_core import ErrorDetails

__all__ = ["FAMILIES", "MonitorPlan", "load_monitor_plan", "span"]

Family: TypeAlias = Literal[
    "inputs", "missing", "scores", "decisions", "performance", "calibration", "fairness", "volume"
]
FAMILIES: tuple[Family, ...] = (
    "inputs",
    "missing",
    "scores",
    "decisions",
    "performance",
    "calibration",
    "fairness",
    "volume",
)
"""Families of charts, in the order of the page."""

_SPAN = re.compile(r"\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)\s*([A-Za-z]+)\s*")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_ALARMS = re.compile(r"\s*([0-9]{1,4}(?:\.[0-9]{1,4})?)\s+(?:per|a|an|each)\s+([0-9]*)\s*([A-Za-z]+)\s*")
_PER_YEAR = {"day": 365.25, "week": 365.25 / 7, "month": 12.0, "year": 1.0}
_SHOWN = 80
_OTHER_MODELS = (
    "task",
    "prediction",
    "predictions",
    "predicted",
    "target",
    "classes",
    "scores",
    "regression",
)
_TWO = (
    "Models with two answers are watched: score is the probability of the positive label, decision the answer. "
    "Regression is not, and of several classes one at a time"
)

Word = Annotated[str, Field(min_length=1, max_length=300)]


def span(words: str) -> int:
    """Return the seconds of a length of time.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> span("2 days"), span("36 hours")
    (172800, 129600)
    """
    found = _SPAN.fullmatch(words)
    unit = found[2].lower().removesuffix("s") if found else ""
    if not found or unit not in _SECONDS:
        raise ValueError('expected a length of time such as "2 days" or "36 hours"')
    return round(float(found[1]) * _SECONDS[unit])


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LogPart(_Part):
    """Where the log is, and which column holds what."""

    files: Word | Annotated[list[Word], Field(min_length=1, max_length=1000)]
    time: Word | None = None
    zone: Word = "UTC"
    score: Word | None = None
    decision: Word | None = None
    threshold: float = Field(default=0.5, ge=0, le=1)
    label: Word | None = None
    positive: str | int | bool | None = None
    sensitive: Annotated[list[Word], Field(max_length=20)] = []
    inputs: Annotated[list[Word], Field(max_length=300)] = []
    silent_after: Word | None = None

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

    @field_validator("silent_after")
    @classmethod
    def _a_span(cls, value: str | None) -> str | None:
        span(value or "1 day")
        return value


class WindowsPart(_Part):
    """What one point of a chart is made of."""

    every: Literal["day", "week", "month"] | None = None
    rows: Annotated[int, Field(ge=20, le=10**8)] | None = None
    min_rows: Annotated[int, Field(ge=20, le=10**8)] = 100
    min_group: Annotated[int, Field(ge=5, le=10**8)] = 30
    min_labelled: float = Field(default=0.5, ge=0, le=1)
    late: Word = "0 days"
    label_delay: Word = "0 days"

    @field_validator("late", "label_delay")
    @classmethod
    def _a_span(cls, value: str) -> str:
        span(value)
        return value


class ReferencePart(_Part):
    """What every window is held against."""

    file: Word | None = None
    first: Annotated[int, Field(ge=1, le=1000)] | None = None


class LimitsPart(_Part):
    """How often an alarm may be a false one, and what the rows are worth."""

    false_alarms: float | str = 0.0027
    smoothing: float = Field(default=0.2, gt=0, le=1)
    design_effect: float = Field(default=1.0, ge=1, le=1000)
    charts: Annotated[list[Family], Field(min_length=1)] = [*FAMILIES]

    @field_validator("false_alarms")
    @classmethod
    def _a_rate(cls, value: float | str) -> float | str:
        if isinstance(value, str):
            found = _ALARMS.fullmatch(value)
            if not found or found[3].lower().removesuffix("s") not in (*_PER_YEAR, "window"):
                raise ValueError('expected a rate such as "1 per year", "1 per 370 windows" or 0.0027')
        elif not 0 < value <= 0.2:
            raise ValueError("expected a rate a window above 0 and at most 0.2, as in 0.0027")
        return value

    def rate(self, every: str | None) -> float:
        """Return how often a window may bring a false alarm.

        Raises
        ------
        ValueError
            If it is said by time, and windows are by rows; or if it is no rate.
        """
        if not isinstance(self.false_alarms, str):
            return float(self.false_alarms)
        found = _ALARMS.fullmatch(self.false_alarms)
        number, of, unit = float(found[1]), float(found[2] or 1), found[3].lower().removesuffix("s")  # type: ignore[index]
        if unit != "window" and every is None:
            raise ValueError(
                'limits.false_alarms: windows are by rows, so say it by windows, as in "1 per 370 windows"'
            )
        windows = of if unit == "window" else of / _PER_YEAR[unit] * _PER_YEAR[every or "day"]
        rate = number / windows
        if not 0 < rate <= 0.2:
            raise ValueError(
                f"limits.false_alarms: that is {rate:.3g} a window; expected above 0 and at most 0.2"
            )
        return rate


class ReleasePart(_Part):
    """A model that was put to use, with what speaks for it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    since: dt.date | dt.datetime = Field(alias="from")
    name: Word | None = None
    report: Word | None = None
    pack: Word | None = None
    keys: Annotated[list[Word], Field(max_length=20)] = []
    approved_by: Word | None = None
    reference: Word | None = None


class AcceptedPart(_Part):
    """Alarms that somebody answered for; they stay on the page and decide nothing."""

    until: dt.date
    chart: Word | None = None
    by: Word
    why: Word


class MonitorPlan(_Part):
    """A plan of monitoring."""

    name: Word | None = None
    log: LogPart
    windows: WindowsPart
    reference: ReferencePart
    limits: LimitsPart = LimitsPart()
    release: Annotated[list[ReleasePart], Field(max_length=500)] = []
    accepted: Annotated[list[AcceptedPart], Field(max_length=1000)] = []


_INSIDE: dict[str, type[BaseModel]] = {
    "log": LogPart,
    "windows": WindowsPart,
    "reference": ReferencePart,
    "limits": LimitsPart,
    "release": ReleasePart,
    "accepted": AcceptedPart,
}
_MISSING = {
    "log": ': [log] and files = "log/*.csv" say where the log is',
    "windows": ': [windows] and every = "week" say what a point of a chart is',
    "reference": ': [reference] and file = "reference.parquet", or first = 8, say what windows are held against',
    "files": ', as in files = "log/*.csv"',
    "from": ", as in from = 2026-10-01",
    "by": ": say who answers for it",
    "why": ": say why the alarms are accepted",
}


def load_monitor_plan(path: str | os.PathLike[str]) -> MonitorPlan:
    """Read and validate a plan.

    Parameters
    ----------
    path : path
        A TOML file; ``docs/monitoring.md`` describes its keys.

    Raises
    ------
    InputError
        Naming the file and, for every mistake at once, the key, what was expected and what came.
    """
    file = Path(path)
    try:
        content = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError(f"{file}: not UTF-8 text; a plan is TOML") from None
    except OSError as error:
        raise InputError(
            f"no plan at {str(file)!r}: {error.strerror}; docs/monitoring.md shows one"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: not valid TOML: {error}") from None
    if "template" in content or "subject" in content:
        raise InputError(f"{file}: a plan of audits, not of monitoring: auditkit batch {file} --out DIR")
    try:
        plan = MonitorPlan.model_validate(content)
    except ValidationError as error:
        found = list(dict.fromkeys(_sentence(one) for one in error.errors()))
        raise InputError("\n".join(f"{file}: {one}" for one in found)) from None
    if wrong := _wrong(plan):
        raise InputError("\n".join(f"{file}: {one}" for one in wrong))
    return plan


def _wrong(plan: MonitorPlan) -> list[str]:
    """Return what does not go together."""
    log, windows, reference = plan.log, plan.windows, plan.reference
    said = []
    if (windows.every is None) == (windows.rows is None):
        said.append('windows: give every = "day", "week" or "month", or rows = 1000, and not both')
    if (reference.file is None) == (reference.first is None):
        said.append('reference: give file = "reference.parquet" or first = 8 (windows), and not both')
    if windows.every and log.time is None:
        said.append('log.time is missing: windows by time need it, as in time = "time"')
    if log.score is None and log.decision is None:
        said.append('log: give score = "score", decision = "decision", or both: what the model said')
    if log.positive is None and (log.label is not None or log.decision is not None):
        said.append('log.positive is missing: which value of label and decision is "yes", as in positive = 1')
    if log.silent_after and log.time is None:
        said.append("log.silent_after needs log.time")
    own = [log.time, log.score, log.decision, log.label]
    twice = {name for name in own if name and own.count(name) > 1}
    twice |= {name for name in log.inputs if name in own or log.inputs.count(name) > 1}
    said += [f"log: the column {name!r} is named for two things" for name in sorted(twice)]
    try:
        plan.limits.rate(windows.every)
    except ValueError as error:
        said.append(str(error))
    if windows.rows and any(one.reference for one in plan.release):
        said.append("release: reference needs windows by time")
    for i, one in enumerate(plan.release, start=1):
        if one.keys and not one.pack:
            said.append(f"release.{i}: keys belong to a pack")
    return said


def _sentence(error: ErrorDetails) -> str:
    steps = [
        one
        for one in error["loc"]
        if not (isinstance(one, str) and one.startswith(("list[", "constrained", "function-")))
    ]
    key = ".".join(str(step + 1) if isinstance(step, int) else step for step in steps)
    if error["type"] == "extra_forbidden":
        named = [step for step in steps[:-1] if step in _INSIDE]
        model = _INSIDE[str(named[-1])] if named else MonitorPlan
        known = [one.alias or name for name, one in model.model_fields.items()]
        said = f"no key {key!r}.{did_you_mean(str(steps[-1]), known)}".rstrip(".")
        return f"{said}. {_TWO}" if str(steps[-1]).lower() in _OTHER_MODELS else said
    if error["type"] == "missing":
        return f"{key} is missing{_MISSING.get(str(steps[-1]), '')}"
    if error["type"] == "list_type" and steps[-1] in ("release", "accepted"):
        return f"[{key}] is one table; write [[{key}]], with two brackets, over each"
    if key == "reference.first" and error["type"] == "int_type":
        return f"reference.first: expected how many windows at the beginning of the log, as in first = 8; got {error['input']!a}"
    said = str(error["msg"]).removeprefix("Value error, ")
    shown = ascii(error["input"])
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
    word = error["input"] if isinstance(error["input"], str) else ""
    options: tuple[str, ...] = (
        FAMILIES if "charts" in steps else ("day", "week", "month") if steps[-1] == "every" else ()
    )
    hint = did_you_mean(word, options) if word and options else ""
    return f"{key}: {said[:1].lower()}{said[1:]}; got {shown}{'.' if hint else ''}{hint}".rstrip()
