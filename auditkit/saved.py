"""Saved: the file of a report, read, and held to the published schema."""

from __future__ import annotations

import copy
import functools
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

from auditkit.errors import InputError
from auditkit.shape import misfit, short

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["SCHEMA", "each", "hold", "read", "schema"]

_T = TypeVar("_T")

SCHEMA = "auditkit.report/1.0"

_LONGEST = 300  # characters of a message about a damaged report: it may quote what is in there


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a saved report."""
    return copy.deepcopy(_schema())


def read(target: Path) -> Any:
    """Return what stands in a file that should be a report.

    Raises
    ------
    InputError
        If the file is not there, or is no JSON; a page or a notebook is told as such.
    """
    if not target.is_file():
        raise InputError(f"no report at {target}: give the path of a report.json")
    _refuse_its_neighbours(target)
    try:
        return json.loads(target.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{target} is not JSON: {error}") from None


def hold(data: Any) -> None:
    """Hold data to the schema.

    Raises
    ------
    InputError
        If it is no report of a schema this version reads, or is damaged.
    """
    _readable(data.get("schema") if isinstance(data, dict) else None)
    if wrong := misfit(data, _schema()):
        raise InputError(f"this report is damaged: {wrong}")


def each(read: Callable[[Any], _T], items: list[Any], place: str) -> tuple[_T, ...]:
    """Read every item; one that has its form and yet makes no sense is named."""
    found = []
    for i, one in enumerate(items):
        try:
            found.append(read(one))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            said = str(error) if len(str(error)) <= _LONGEST else f"{str(error)[:_LONGEST]} ..."
            raise InputError(f"this report is damaged: {place}[{i}]: {said}") from error
    return tuple(found)


@functools.cache
def _schema() -> dict[str, Any]:
    text = (files("auditkit") / "schemas" / "report-1.0.schema.json").read_text("utf-8")
    return dict(json.loads(text))


def _refuse_its_neighbours(path: Path) -> None:
    """Refuse the two other files of a run by what they are; they lie beside the one that is meant."""
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = "an HTML page" if start.startswith(b"<") else "a notebook" if path.suffix == ".ipynb" else ""
    if kind:
        beside = path.with_name("report.json")
        hint = f" The record is beside it: {beside}" if beside.is_file() else ""
        raise InputError(f"give report.json (got {kind}: {path}).{hint}")


def _readable(found: Any) -> None:
    """Refuse what is no report, and what a later version wrote: it may say what this one cannot read."""
    name, _, version = found.partition("/") if isinstance(found, str) else ("", "", "")
    if name == "auditkit.report" and re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,4}", version):
        if version == "1.0":
            return
        if tuple(map(int, version.split("."))) > (1, 0):
            raise InputError(
                f"this report was written by a later auditkit (schema {version}): read it with that one, or a later one"
            )
    got = "no key 'schema'" if found is None else f"schema {short(found)}"
    raise InputError(
        f"expected a report of schema {SCHEMA!r}, got {got}: give the report.json that auditkit run or Report.save wrote"
    )


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
