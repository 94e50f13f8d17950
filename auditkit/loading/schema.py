"""SubjectFile: what may stand in a subject file, and how a mistake in one is told."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from auditkit.errors import InputError, did_you_mean
from auditkit.loading.tables import find_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = [
    "DataPart",
    "LimitsPart",
    "ModelPart",
    "Part",
    "PredictionsPart",
    "SubjectFile",
    "read_content",
    "read_model",
    "validated",
]

_T = TypeVar("_T", bound="BaseModel")

Scalar = bool | int | float | str
Text = str


class Part(BaseModel):
    """A table of keys; no others are taken."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PredictionsPart(Part):
    """Recorded predictions: where they are, and which columns hold what.

    Attributes
    ----------
    path : str
        Predictions of the test rows, in their order.
    train_path : str, optional
        Predictions of the training rows.
    label : str, optional
        Column of predicted labels or values.
    score : str or list of str, optional
        Column of the probability of the positive label, or one column a class.
    classes : list, optional
        The labels, in the order of the score columns.
    """

    path: str = Field(min_length=1)
    train_path: str | None = None
    label: str | None = None
    score: list[Text] | None = None
    classes: list[Scalar] | None = None

    @field_validator("score", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class LimitsPart(Part):
    """What the process of a model may take, where it differs from `auditkit.sandbox.limits.Limits`."""

    seconds: float | None = Field(default=None, gt=0)
    training_seconds: float | None = Field(default=None, gt=0)
    memory_gib: float | None = Field(default=None, gt=0)
    require: list[Literal["memory", "files", "network"]] = []


class ModelPart(Part):
    """The model: exactly one of ``path``, ``python`` and ``predictions``."""

    path: str | None = Field(default=None, min_length=1)
    python: str | None = None
    predictions: PredictionsPart | None = None
    sha256: str | None = None
    trusted: list[Text] = []
    limits: LimitsPart | None = None

    @field_validator("predictions", mode="before")
    @classmethod
    def _a_path_alone(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


class DataPart(Part):
    """Rows of a split. The training split takes from the test split what it leaves out, the path aside."""

    path: str = Field(min_length=1)
    target: str | None = None
    positive: Scalar | None = None
    sensitive: list[Text] | None = None
    exclude: list[Text] | None = None
    control: list[Text] | None = None
    weight: str | None = Field(default=None, min_length=1)
    bands: dict[str, int | list[float]] | None = None
    where: dict[str, list[Scalar]] | None = None

    @field_validator("sensitive", "exclude", "control", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("where", mode="before")
    @classmethod
    def _one_value_is_a_list(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: wanted if isinstance(wanted, list) else [wanted] for name, wanted in value.items()}


class Splits(Part):
    """The rows."""

    test: DataPart
    train: DataPart | None = None


class FeaturePart(Part):
    """What an attacker can do to one feature, where it differs from the draft."""

    mutable: bool | None = None
    direction: Literal["both", "up", "down"] | None = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    unit: float | None = None
    cost: float | None = None


class ThreatPart(Part):
    """What an attacker may do to a row."""

    norm: Literal["l1", "l2", "linf", "l0"] | None = None
    radius: float | None = None
    units: Literal["standardised", "raw"] | None = None
    immutable: list[Text] | None = None
    together: list[list[Text]] | None = None
    order: dict[str, list[Scalar]] | None = None
    rules: list[Text] | None = None
    features: dict[str, FeaturePart] | None = None


class SubjectFile(Part):
    """A subject file."""

    name: str | None = Field(default=None, min_length=1)
    task: Literal["binary", "multiclass", "regression"] | None = None
    positive: Scalar | None = None
    model: ModelPart
    data: Splits
    threat: ThreatPart | None = None


_KEYS: dict[tuple[str, ...], type[BaseModel]] = {
    (): SubjectFile,
    ("model",): ModelPart,
    ("model", "predictions"): PredictionsPart,
    ("model", "limits"): LimitsPart,
    ("data",): Splits,
    ("data", "test"): DataPart,
    ("data", "train"): DataPart,
    ("threat",): ThreatPart,
}
_EXPECTED = {
    "string_type": "a string",
    "list_type": "a list",
    "dict_type": "a table of keys",
    "model_type": "a table of keys",
    "model_attributes_type": "a table of keys",
    "string_too_short": "a string that is not empty",
}


def read_content(path: str | Path) -> tuple[dict[str, Any], Path]:
    """Return what stands in a subject file, as TOML, and where it is.

    Raises
    ------
    InputError
        If it is not there, or is no TOML.
    """
    file = find_file(path, "subject")
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig")), file
    except UnicodeDecodeError:
        raise InputError(f"{file}: not UTF-8 text; a subject file is TOML") from None
    except ValueError as error:  # TOMLDecodeError is one; a whole number of thousands of digits gives another
        raise InputError(f"{file}: not valid TOML: {error}") from None
    except RecursionError:
        raise InputError(f"{file}: not valid TOML: nested too deep") from None


def validated(form: type[_T], content: dict[str, Any], file: Path) -> _T:
    """Return the content of a file in its form.

    Parameters
    ----------
    form : type of pydantic.BaseModel
        What may stand in it; derive it from `Part`, which takes no other keys.
    content : dict
        As TOML gave it.
    file : path
        Where it is, for messages.

    Raises
    ------
    InputError
        Naming the file, the key, what was expected and what came; all mistakes at once.
    """
    try:
        return form.model_validate(content)
    except ValidationError as error:
        keys: Mapping[tuple[str, ...], type[BaseModel]] = _KEYS if form is SubjectFile else {(): form}
        found = list(dict.fromkeys(_sentence(one, keys) for one in error.errors()))
        raise InputError(f"{file}: " + "; ".join(found)) from None


def read_model(content: dict[str, Any], file: Path) -> SubjectFile:
    """Return the content of the file of a model with its rows.

    Raises
    ------
    InputError
        As `validated`; and if keys do not go together.
    """
    said = validated(SubjectFile, content, file)
    _check(said, file)
    return said


def _check(said: SubjectFile, file: Path) -> None:
    model = said.model
    given = [key for key in ("path", "python", "predictions") if getattr(model, key) is not None]
    if len(given) != 1:
        came = " and ".join(f"model.{key}" for key in given) or "none of them"
        raise InputError(
            f"{file}: expected exactly one of model.path, model.python, model.predictions; got {came}"
        )
    if given != ["path"]:
        for key in ("sha256", "trusted", "limits"):
            if getattr(model, key):
                raise InputError(f"{file}: model.{key} belongs to model.path, and model.{given[0]} is given")
    if said.data.test.target is None:
        columns = "the column that holds the true labels or values"
        raise InputError(f"{file}: data.test.target is missing; expected {columns}")
    if said.positive is not None and said.data.test.positive not in (None, said.positive):
        raise InputError(
            f"{file}: positive is {said.positive!r} at the top and {said.data.test.positive!r} in data.test: give one"
        )


def _sentence(error: ErrorDetails, keys: Mapping[tuple[str, ...], type[BaseModel]]) -> str:
    steps = [str(step) for step in error["loc"] if not _is_tag(step)]
    key = ".".join(steps)
    kind, came = error["type"], error["input"]
    if kind == "extra_forbidden":
        inside = keys.get(tuple(steps[:-1]))
        hint = did_you_mean(steps[-1], inside.model_fields) if inside else ""
        return f"no key {key!r}.{hint}".rstrip(".")
    if kind == "missing":
        inside = keys.get(tuple(steps[:-1]))
        what = "a table of keys" if tuple(steps) in keys else "a string"
        return f"{key} is missing; expected {what}" if inside else f"{key} is missing"
    if kind == "literal_error":
        words = tuple(re.findall(r"'([^']*)'", error["ctx"]["expected"]))
        return f"{key}: expected one of {', '.join(words)}; got {came!r}.{did_you_mean(str(came), words)}"
    expected = (
        "a string, number or boolean"
        if "Scalar" in str(error["loc"]) or _is_scalar(steps)
        else _EXPECTED.get(kind)
    )
    return f"{key}: expected {expected or error['msg']}; got {_shown(came)}"


def _is_tag(step: int | str) -> bool:
    return step in ("bool", "int", "float", "str")


def _is_scalar(steps: list[str]) -> bool:
    return steps[-1] == "positive" or "where" in steps or (len(steps) > 1 and steps[-2] == "classes")


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 80 else text[:77] + '...'} ({type(value).__name__})"
