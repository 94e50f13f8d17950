"""Table parts: a schema, the figures of a population, and a lineage, read from files; nothing of them is run."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import ConfigDict, Field

from auditkit.errors import InputError
from auditkit.loading.schema import Part, Text, read_content, validated
from auditkit.loading.tables import find_file, read_table
from auditkit.scanning.tables.schema import ColumnRule, Schema
from auditkit.scanning.tables.typed import text_of
from auditkit.targets.table_parts import Margin, Parent, Reference

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LineagePart", "ReferencePart", "digest_of", "lineage", "read_schema", "reference", "schema_text"]

_MOST_GROUPS = 500


class RulePart(Part):
    """What is said of one column; see `auditkit.scanning.tables.schema.ColumnRule`."""

    type: Literal["integer", "number", "text", "category", "date", "boolean"] | None = None
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    categories: list[bool | int | float | str] | None = None
    pattern: str | None = None
    missing: bool = True
    unique: bool = False
    optional: bool = False


class SchemaFile(Part):
    """What stands in the file of a schema."""

    columns: dict[str, RulePart]
    keys: list[list[Text]] = Field(default_factory=list)
    closed: bool = False


class ReferencePart(Part):
    """What is known of the people a table stands for: a table of counts, or shares written down.

    Attributes
    ----------
    path : str, optional
        A table: a column each for features of the audited table, and one of counts.
    count : str, optional
        Its column of counts, weights or shares; each row is one record when left out.
    features : list of str, optional
        Columns to divide by; all others than `count` when left out.
    size : int, optional
        Records the figures rest on; when left out they are known, or with rows for records as many as there are.
    shares : dict
        By feature the share of each group.
    source : str
        Where the figures are from.
    """

    path: str | None = Field(default=None, min_length=1)
    count: str | None = Field(default=None, min_length=1)
    features: list[Text] | None = None
    size: int | None = Field(default=None, ge=1)
    shares: dict[str, dict[str, int | float]] = Field(default_factory=dict)
    source: str = ""


class LineagePart(Part):
    """One thing a table was made from; see `auditkit.targets.table_parts.Parent`."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = Field(min_length=1)
    path: str | None = Field(default=None, min_length=1)
    sha256: str | None = None
    parents: list[Text] = Field(default_factory=list, alias="from")
    made_by: str = ""
    source: str = ""
    licence: str = ""
    collected: str = ""
    basis: str = ""


def digest_of(file: Path) -> str:
    """Return the sha256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_schema(path: Path) -> Schema:
    """Return the schema in a TOML file, with its digest.

    Raises
    ------
    InputError
        Naming the file and the key.
    """
    content, file = read_content(find_file(path, "schema"))
    said = validated(SchemaFile, content, file)
    try:
        rules = {name: _rule(one) for name, one in said.columns.items()}
        return Schema(rules, tuple(map(tuple, said.keys)), said.closed, digest_of(file))
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def _rule(one: RulePart) -> ColumnRule:
    words = one.model_dump()
    if one.categories is not None:
        words["categories"] = tuple(text_of(value) for value in one.categories)
    return ColumnRule(**words)


def schema_text(schema: Schema) -> str:
    """Return a schema as TOML that `read_schema` reads.

    Examples
    --------
    >>> print(schema_text(Schema({"age": ColumnRule("integer", 0.0, 120.0, missing=False)})))
    [columns."age"]
    type = "integer"
    minimum = 0
    maximum = 120
    missing = false
    <BLANKLINE>
    """
    lines: list[str] = []
    if schema.closed:
        lines.append("closed = true")
    if schema.keys:
        lines.append(f"keys = {_toml([list(key) for key in schema.keys])}")
    for name, rule in schema.columns.items():
        lines += [*([""] if lines else []), f"[columns.{_toml(name)}]"]
        for key in ("type", "minimum", "maximum", "categories", "pattern", "missing", "unique", "optional"):
            value = getattr(rule, key)
            if value is not None and value != {"missing": True, "unique": False, "optional": False}.get(key):
                lines.append(f"{key} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def reference(said: ReferencePart, folder: Path) -> Reference:
    """Return the figures of a population.

    Raises
    ------
    InputError
        If there are none, or they are no counts of groups.
    """
    margins = [_written(name, groups, said.size) for name, groups in said.shares.items()]
    digest = ""
    if said.path is not None:
        file = find_file(folder / said.path, "reference")
        digest = digest_of(file)
        margins.append(_counted(said, file))
    return Reference(tuple(margins), said.source, digest)


def _written(name: str, groups: dict[str, int | float], size: int | None) -> Margin:
    return Margin((name,), tuple((word,) for word in groups), tuple(map(_weight, groups.values())), size)


def _weight(given: float) -> float:
    return float(given) if abs(given) <= sys.float_info.max else math.inf  # which a margin refuses


def _counted(said: ReferencePart, file: Path) -> Margin:
    frame = read_table(file)
    frame.columns = frame.columns.map(str)
    names = said.features or [one for one in frame.columns if one != said.count]
    for word in (*names, *([] if said.count is None else [said.count])):
        if word not in frame.columns:
            raise InputError(
                f"{file}: the reference has no column {word!r}; it has {', '.join(frame.columns[:20])}"
            )
    if said.count in names or len(set(names)) < len(names):
        raise InputError(
            f"{file}: features are named once each, and {said.count or 'a count'} is none of them"
        )
    gaps = frame[names].isna().any(axis=1)
    if said.count is None:
        frame = frame[~gaps]  # records, as those of the table: one without a value is of no group
    elif gaps.any():
        raise InputError(
            f"{file}: row {int(np.flatnonzero(gaps)[0]) + 1} names no group by {' × '.join(names)}; an empty field, NA, None and the like "
            "are missing values: write the group out, as in the table"
        )
    keys = [tuple(map(text_of, row)) for row in frame[names].itertuples(index=False, name=None)]
    weights = [1.0] * len(frame) if said.count is None else frame[said.count].tolist()
    sums: dict[tuple[str, ...], float] = {}
    for key, weight in zip(keys, weights, strict=True):
        if isinstance(weight, (bool, str)):
            raise InputError(f"{file}: {said.count} holds counts, weights or shares; got {weight!r}")
        sums[key] = sums.get(key, 0.0) + float(weight)
    if len(sums) > _MOST_GROUPS:
        raise InputError(
            f"{file}: {len(sums):,} groups by {' × '.join(names)}; expected at most {_MOST_GROUPS}: name fewer features"
        )
    size = len(frame) if said.count is None and said.size is None else said.size
    return Margin(tuple(names), tuple(sums), tuple(sums.values()), size)


def lineage(said: list[LineagePart], folder: Path) -> tuple[Parent, ...]:
    """Return what a table was made from, with the digest that each named file has; a file that is not there has none."""
    found = []
    for one in said:
        file = None if one.path is None else folder / one.path
        own = digest_of(file) if file is not None and file.is_file() else ""
        found.append(
            Parent(
                one.name,
                tuple(one.parents),
                (one.sha256 or "").strip().lower().removeprefix("sha256:"),
                own,
                one.path or "",
                one.made_by,
                one.source,
                one.licence,
                one.collected,
                one.basis,
            )
        )
    return tuple(found)
