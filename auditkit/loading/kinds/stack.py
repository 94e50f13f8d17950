"""Stack: installed packages and configuration files described in TOML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from auditkit.errors import InputError
from auditkit.loading.schema import Part, Text, validated
from auditkit.loading.tables import find_file
from auditkit.reading import read_bounded
from auditkit.scanning.osv import of_folder
from auditkit.scanning.stack import shipped
from auditkit.scanning.stack.requirements import Pinned, pinned_in
from auditkit.targets.stack import Stack, installed_here

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["StackFile", "files", "load", "modules", "read", "runs_code", "stack_at"]

_MOST = 64 * 1024 * 1024  # bytes of one configuration file


class StackFile(Part):
    """What stands in the subject file of a stack.

    Attributes
    ----------
    name : str, optional
        How the report calls it; that of the subject file when left out.
    files : list of str
        Configuration files and scripts that start servers.
    requirements : str, optional
        A list of pinned packages (``name==version``, as ``pip freeze`` prints); the packages of this environment when left out.
    osv : str, optional
        A folder of OSV files; auditkit's own table when left out.
    """

    name: str | None = Field(default=None, min_length=1)
    files: list[Text] = Field(default_factory=list)
    requirements: str | None = Field(default=None, min_length=1)
    osv: str | None = Field(default=None, min_length=1)


def read(content: dict[str, Any], file: Path) -> StackFile:
    """Return what stands in the file of a stack."""
    return validated(StackFile, content, file)


def files(said: StackFile, folder: Path) -> dict[str, Path]:
    """Return the files it names, by key, and those of a folder of OSV files."""
    named = {f"files[{at}]": folder / one for at, one in enumerate(said.files)}
    named |= {} if said.requirements is None else {"requirements": folder / said.requirements}
    known = [] if said.osv is None else sorted((folder / said.osv).rglob("*.json"))
    return named | {f"osv: {one.relative_to(folder / str(said.osv))}": one for one in known}


def runs_code(said: StackFile) -> bool:  # noqa: ARG001 - the contract of a kind
    """Say that reading configuration runs nothing."""
    return False


def modules(said: StackFile) -> tuple[str, ...]:  # noqa: ARG001 - the contract of a kind
    """Return none: nothing of it runs."""
    return ()


def load(said: StackFile, folder: Path, stem: str) -> Stack:
    """Return the stack."""
    return stack_at(
        said.name or stem,
        [folder / one for one in said.files],
        names=said.files,
        requirements=None if said.requirements is None else folder / said.requirements,
        osv=None if said.osv is None else folder / said.osv,
    )


def stack_at(
    name: str,
    paths: Sequence[Path],
    *,
    names: Sequence[str] | None = None,
    requirements: Path | None = None,
    osv: Path | None = None,
) -> Stack:
    """Return the packages and files as a stack.

    Raises
    ------
    InputError
        If a file is not there or too large, or the requirements pin nothing.
    """
    content: dict[str, bytes] = {}
    for path, label in zip(paths, names or [str(one) for one in paths], strict=True):
        file = find_file(path, "configuration")
        content[label] = read_bounded(file, _MOST, "configuration file")
    pinned = None if requirements is None else _pinned(find_file(requirements, "requirements"))
    installed = installed_here() if pinned is None else pinned.versions
    table = shipped() if osv is None else of_folder(osv, installed)
    left_out = (
        f"{requirements.name}: {pinned.left_out}" if requirements and pinned and pinned.left_out else ""
    )
    return Stack(name, installed, content, table, left_out, {} if pinned is None else pinned.lines)


def _pinned(file: Path) -> Pinned:
    found = pinned_in(read_bounded(file, _MOST, "list of requirements").decode("utf-8-sig", "replace"))
    if not found.versions:
        raise InputError(f"{file}: no line pins a package (name==version): give what pip freeze prints")
    return found
