"""SubjectFile: what may stand in a subject file, and how a mistake in one is told."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from auditkit.errors import InputError, did_you_mean
from auditkit.loading.tables import find_file

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = ["DataPart", "ModelPart", "PredictionsPart", "SubjectFile", "read_subject_file"]

Scalar = bool | int | float | str
Text = str


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PredictionsPart(_Part):
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


class ModelPart(_Part):
    """The model: exactly one of ``path``, ``python`` and ``predictions``."""

    path: str | None = Field(default=None, min_length=1)
    python: str | None = None
    predictions: PredictionsPart | None = None
    sha256: str | None = None
    trusted: list[Text] = []

    @field_validator("predictions", mode="before")
    @classmethod
    def _a_path_alone(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


class DataPart(_Part):
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


class Splits(_Part):
    """The rows."""

    test: DataPart
    train: DataPart | None = None


class FeaturePart(_Part):
    """What an attacker can do to one feature, where it differs from the draft."""

    mutable: bool | None = None
    direction: Literal["both", "up", "down"] | None = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    unit: float | None = None
    cost: float | None = None


class ThreatPart(_Part):
    """What an attacker may do to a row."""

    norm: Literal["l1", "l2", "linf", "l0"] | None = None
    radius: float | None = None
    units: Literal["standardised", "raw"] | None = None
    immutable: list[Text] | None = None
    together: list[list[Text]] | None = None
    order: dict[str, list[Scalar]] | None = None
    rules: list[Text] | None = None
    features: dict[str, FeaturePart] | None = None


class SubjectFile(_Part):
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


def read_subject_file(path: str | Path) -> tuple[SubjectFile, Path]:
    """Read and validate a subject file.

    Parameters
    ----------
    path : path
        A TOML file.

    Returns
    -------
    SubjectFile, Path
        What stands in it, and where it is.

    Raises
    ------
    InputError
        Naming the file, the key, what was expected and what came; all mistakes at once.
    """
    file = find_file(path, "subject")
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError(f"{file}: not UTF-8 text; a subject file is TOML") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file}: not valid TOML: {error}") from None
    except RecursionError:
        raise InputError(f"{file}: not valid TOML: nested too deep") from None
    try:
        said = SubjectFile.model_validate(content)
    except ValidationError as error:
        found = list(dict.fromkeys(_sentence(one) for one in error.errors()))
        raise InputError(f"{file}: " + "; ".join(found)) from None
    _check(said, file)
    return said, file


def _check(said: SubjectFile, file: Path) -> None:
    model = said.model
    given = [key for key in ("path", "python", "predictions") if getattr(model, key) is not None]
    if len(given) != 1:
        came = " and ".join(f"model.{key}" for key in given) or "none of them"
        raise InputError(
            f"{file}: expected exactly one of model.path, model.python, model.predictions; got {came}"
        )
    if given != ["path"]:
        for key in ("sha256", "trusted"):
            if getattr(model, key):
                raise InputError(f"{file}: model.{key} belongs to model.path, and model.{given[0]} is given")
    if said.data.test.target is None:
        columns = "the column that holds the true labels or values"
        raise InputError(f"{file}: data.test.target is missing; expected {columns}")
    if said.positive is not None and said.data.test.positive not in (None, said.positive):
        raise InputError(
            f"{file}: positive is {said.positive!r} at the top and {said.data.test.positive!r} in data.test: give one"
        )


def _sentence(error: ErrorDetails) -> str:
    steps = [str(step) for step in error["loc"] if not _is_tag(step)]
    key = ".".join(steps)
    kind, came = error["type"], error["input"]
    if kind == "extra_forbidden":
        inside = _KEYS.get(tuple(steps[:-1]))
        hint = did_you_mean(steps[-1], inside.model_fields) if inside else ""
        return f"no key {key!r}.{hint}".rstrip(".")
    if kind == "missing":
        inside = _KEYS.get(tuple(steps[:-1]))
        what = "a table of keys" if tuple(steps) in _KEYS else "a string"
        return f"{key} is missing; expected {what}" if inside else f"{key} is missing"
    if kind == "literal_error":
        words = ("binary", "multiclass", "regression")
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
