"""Table: a table of records described in TOML, with the file beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field

from auditkit.errors import InputError
from auditkit.loading.schema import Part, Text, validated
from auditkit.loading.table_parts import (
    LineagePart,
    ReferencePart,
    digest_of,
    lineage,
    read_schema,
    reference,
)
from auditkit.loading.tables import find_file, read_table
from auditkit.targets.table import Table

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SplitsPart", "TableFile", "files", "load", "modules", "read", "runs_code", "table_at"]


class SplitsPart(Part):
    """Parts of a table: told by a column, or in files of their own.

    Attributes
    ----------
    column : str, optional
        Column that names the part of each record.
    files : dict of str to str
        Other parts, by name.
    train : str
        Name of the part to learn from; with files, that of the table itself.
    """

    column: str | None = Field(default=None, min_length=1)
    files: dict[str, Text] = Field(default_factory=dict)
    train: str = Field(default="train", min_length=1)


class TableFile(Part):
    """What stands in the subject file of a table.

    Attributes
    ----------
    name : str, optional
        How the report calls it; that of the subject file when left out.
    path : str
        The table: parquet, Arrow or CSV.
    quasi_identifiers : list of str
        Columns by which a person might be recognised.
    confidential : str, optional
        Column that nobody should learn of a person.
    target : str, optional
        Column of labels.
    sensitive : list of str
        Columns along which groups are compared.
    time : str, optional
        Column that says when a record came to be.
    splits : SplitsPart, optional
        Which records are learnt from, and which are held out.
    rules : str, optional
        File of a schema; its key is ``schema``.
    reference : ReferencePart, optional
        What is known of the people the table stands for.
    lineage : list of LineagePart
        What it was made from.
    """

    model_config = ConfigDict(populate_by_name=True)

    name: str | None = Field(default=None, min_length=1)
    path: str = Field(min_length=1)
    quasi_identifiers: list[Text] = Field(default_factory=list)
    confidential: str | None = None
    target: str | None = None
    sensitive: list[Text] = Field(default_factory=list)
    time: str | None = None
    splits: SplitsPart | None = None
    rules: str | None = Field(default=None, min_length=1, alias="schema")
    reference: ReferencePart | None = None
    lineage: list[LineagePart] = Field(default_factory=list)


def read(content: dict[str, Any], file: Path) -> TableFile:
    """Return what stands in the file of a table."""
    return validated(TableFile, content, file)


def files(said: TableFile, folder: Path) -> dict[str, Path]:
    """Return the table it names, and what it names beside it; of a lineage the files that are there, for one may be gone or elsewhere."""
    found = {"path": folder / said.path}
    if said.splits is not None:
        found |= {f"splits.files.{name}": folder / path for name, path in said.splits.files.items()}
    if said.rules is not None:
        found["schema"] = folder / said.rules
    if said.reference is not None and said.reference.path is not None:
        found["reference.path"] = folder / said.reference.path
    beside = {f"lineage.{one.name}": folder / one.path for one in said.lineage if one.path is not None}
    return found | {key: file for key, file in beside.items() if file.is_file()}


def runs_code(said: TableFile) -> bool:  # noqa: ARG001 - the contract of a kind
    """Say that reading a table runs nothing."""
    return False


def modules(said: TableFile) -> tuple[str, ...]:  # noqa: ARG001 - the contract of a kind
    """Return none: nothing of it runs."""
    return ()


def load(said: TableFile, folder: Path, stem: str) -> Table:
    """Return the table."""
    parts = said.splits or SplitsPart()
    other = {name: find_file(folder / path, "table") for name, path in parts.files.items()}
    return table_at(
        folder / said.path,
        name=said.name or stem,
        quasi_identifiers=said.quasi_identifiers,
        confidential=said.confidential,
        target=said.target,
        sensitive=tuple(said.sensitive),
        time=said.time,
        split=parts.column,
        splits={name: read_table(file) for name, file in other.items()},
        digests={name: digest_of(file) for name, file in other.items()},
        learnt=parts.train,
        schema=None if said.rules is None else read_schema(folder / said.rules),
        reference=None if said.reference is None else reference(said.reference, folder),
        lineage=lineage(said.lineage, folder),
    )


def table_at(
    path: Path,
    *,
    name: str,
    quasi_identifiers: list[str] | None = None,
    confidential: str | None = None,
    **beside: Any,
) -> Table:
    """Return the table in a file, with the digest of the file; `beside` is what else `Table` takes.

    Raises
    ------
    InputError
        If it cannot be read as a table, or a named column is none of it.
    """
    file = find_file(path, "table")
    frame = read_table(file)
    try:
        return Table(name, frame, tuple(quasi_identifiers or ()), confidential, digest_of(file), **beside)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
