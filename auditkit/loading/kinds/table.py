"""Table: a table of records described in TOML, with the file beside it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pydantic import Field

from auditkit.errors import InputError
from auditkit.loading.schema import Part, Text, validated
from auditkit.loading.tables import find_file, read_table
from auditkit.targets.table import Table

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TableFile", "files", "load", "modules", "read", "runs_code", "table_at"]


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
    """

    name: str | None = Field(default=None, min_length=1)
    path: str = Field(min_length=1)
    quasi_identifiers: list[Text] = Field(default_factory=list)
    confidential: str | None = None


def read(content: dict[str, Any], file: Path) -> TableFile:
    """Return what stands in the file of a table."""
    return validated(TableFile, content, file)


def files(said: TableFile, folder: Path) -> dict[str, Path]:
    """Return the table it names."""
    return {"path": folder / said.path}


def runs_code(said: TableFile) -> bool:  # noqa: ARG001 - the contract of a kind
    """Say that reading a table runs nothing."""
    return False


def modules(said: TableFile) -> tuple[str, ...]:  # noqa: ARG001 - the contract of a kind
    """Return none: nothing of it runs."""
    return ()


def load(said: TableFile, folder: Path, stem: str) -> Table:
    """Return the table."""
    return table_at(
        folder / said.path,
        name=said.name or stem,
        quasi_identifiers=said.quasi_identifiers,
        confidential=said.confidential,
    )


def table_at(
    path: Path, *, name: str, quasi_identifiers: list[str] | None = None, confidential: str | None = None
) -> Table:
    """Return the table in a file, with the digest of the file.

    Raises
    ------
    InputError
        If it cannot be read as a table, or a named column is none of it.
    """
    file = find_file(path, "table")
    frame = read_table(file)
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    try:
        return Table(name, frame, tuple(quasi_identifiers or ()), confidential, digest)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
