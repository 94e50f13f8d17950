"""Policy files: criteria in TOML."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auditkit.errors import InputError, did_you_mean
from auditkit.finding import Criterion, Policy, Severity, Unmeasured
from auditkit.loading.shipped import policy_place, shipped_name, shipped_policies
from auditkit.loading.told_apart import refuse_another
from auditkit.reading import toml_text
from auditkit.waiver import Waiver

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

__all__ = ["default_policy", "load_policy", "read_policy"]

_T = TypeVar("_T")

Limit = Annotated[float, Field(allow_inf_nan=False)]


class _CriterionFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    metric: str
    at_most: Limit | None = None
    at_least: Limit | None = None
    severity: Severity = "medium"
    group: str | None = None
    check: str | None = None
    why: str = ""
    who: str = ""


class _WaiverFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str
    by: str
    until: Any
    finding: str = ""
    metric: str | None = None
    group: str | None = None
    check: str | None = None
    subject: str | None = None


class _PolicyFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = ""
    description: str = ""
    unmeasured: Unmeasured = "undecided"
    criterion: Annotated[list[_CriterionFile], Field(min_length=1)]
    waiver: list[_WaiverFile] = []


@cache
def default_policy() -> Policy:
    """Return the policy that holds when nobody gives another. It explains each of its limits."""
    return _read(shipped_policies()["default"].text, "the default policy")


def load_policy(path: str | os.PathLike[str] | None = None) -> Policy:
    """Read a policy file.

    Parameters
    ----------
    path : path or str, optional
        A TOML file of ``[[criterion]]`` tables, and of ``[[waiver]]`` tables where something is accepted although it is not met;
        or the name of a policy that comes with auditkit ("lending"). A file of that name that exists is what is meant.
        auditkit's default policy when left out.

    Raises
    ------
    InputError
        If the file is missing, is no TOML, or has an unknown key, a wrong type or an impossible limit. A metric that
        no check gives is refused by the `Audit` that is to use it: it knows its checks.

    Examples
    --------
    >>> load_policy("lending").name
    'auditkit lending'
    """
    if path is None:
        return default_policy()
    file = policy_place(path)
    named = shipped_name(file)
    return _read(toml_text(file, "policy file"), f"the policy {named}" if named else str(file), file.name)


def read_policy(text: str, name: str) -> Policy:
    """Return the policy in a text, as `load_policy` reads it of a file; `name` stands in errors, and where the text has none.

    Raises
    ------
    InputError
        If it is no policy.
    """
    return _read(text, name, name)


def _read(text: str, name: str, called: str = "") -> Policy:
    try:
        content = tomllib.loads(text)
        refuse_another(content, name, "policy")
        parsed = _PolicyFile.model_validate(content)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{name} is not TOML: {error}") from None
    except ValidationError as error:
        raise InputError(f"{name}: {_first(error)}") from None
    criteria = _each(Criterion, parsed.criterion, f"{name}, criterion")
    waivers = _each(Waiver, parsed.waiver, f"{name}, waiver")
    return Policy(criteria, parsed.name or called or name, parsed.description, parsed.unmeasured, waivers)


def _each(kind: Callable[..., _T], tables: Sequence[BaseModel], place: str) -> tuple[_T, ...]:
    made = []
    for i, one in enumerate(tables, 1):
        try:
            made.append(kind(**one.model_dump()))
        except InputError as error:
            raise InputError(f"{place} {i}: {error}") from None
    return tuple(made)


def _first(error: ValidationError) -> str:
    first: Any = error.errors()[0]
    where = ".".join(str(p + 1) if isinstance(p, int) else p for p in first["loc"])
    if first["type"] == "extra_forbidden":
        inside: dict[str, type[BaseModel]] = {"criterion": _CriterionFile, "waiver": _WaiverFile}
        model = _PolicyFile if len(first["loc"]) == 1 else inside[str(first["loc"][0])]
        return f"no key {where!r}.{did_you_mean(str(first['loc'][-1]), model.model_fields)}"
    if first["type"] == "missing" and first["loc"][0] == "waiver":
        return f"{where} is missing: a [[waiver]] says a reason, by whom, until which day, and the finding or the metric"
    if first["type"] == "missing":
        return f"{where} is missing: a policy is a list of [[criterion]] tables with metric and at_most or at_least"
    if first["loc"] in (("criterion",), ("waiver",)) and isinstance(first["input"], dict):
        return f"[{where}] is one table; write [[{where}]], with two brackets, over each: a policy is a list of them"
    return f"{where}: {first['msg'].lower()}, got {first['input']!r}"
