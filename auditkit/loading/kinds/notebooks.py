"""Notebooks: some of them described in TOML, by their paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from auditkit.loading.schema import Part, validated
from auditkit.targets.notebooks import lists_beside, notebook_paths, read_notebooks

if TYPE_CHECKING:
    from pathlib import Path

    from auditkit.targets.notebooks import Notebooks

__all__ = ["NotebooksFile", "files", "load", "modules", "read", "runs_code"]


class NotebooksFile(Part):
    """What a subject file of notebooks holds.

    Attributes
    ----------
    name : str, optional
        How the report calls them; the file's name when left out.
    paths : list of str
        Notebooks, and folders of them.
    requirements : list of str, optional
        Lists of requirements; left out, those beside the notebooks.
    advisories : str, optional
        A folder of OSV files.
    checkpoints : bool
        Whether folders of checkpoints are read, too.
    presidio : bool
        Whether a language model looks for names as well.
    """

    name: str | None = None
    paths: list[str] = Field(min_length=1)
    requirements: list[str] | None = None
    advisories: str | None = None
    checkpoints: bool = False
    presidio: bool = False


def read(content: dict[str, Any], file: Path) -> NotebooksFile:
    """Return what stands in the file."""
    return validated(NotebooksFile, content, file)


def files(said: NotebooksFile, folder: Path) -> dict[str, Path]:
    """Return the notebooks, lists and advisories that are read, by key."""
    found, _ = notebook_paths([folder / one for one in said.paths], checkpoints=said.checkpoints)
    lists = lists_beside(found) if said.requirements is None else [folder / one for one in said.requirements]
    known = [] if said.advisories is None else sorted((folder / said.advisories).rglob("*.json"))
    every = {"paths": found, "requirements": lists, "advisories": known}
    return {f"{key}: {_short(one, folder)}": one for key, paths in every.items() for one in paths}


def _short(path: Path, folder: Path) -> str:
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def modules(said: NotebooksFile) -> tuple[str, ...]:  # noqa: ARG001 - every kind is asked alike
    """Return that it runs no code of any module."""
    return ()


def runs_code(said: NotebooksFile) -> bool:  # noqa: ARG001 - as above
    """Say that reading notebooks runs nothing of them."""
    return False


def load(said: NotebooksFile, folder: Path, stem: str) -> Notebooks:
    """Return the notebooks."""
    return read_notebooks(
        [folder / one for one in said.paths],
        name=said.name or stem,
        base=folder,
        requirements=None if said.requirements is None else [folder / one for one in said.requirements],
        advisories=None if said.advisories is None else folder / said.advisories,
        checkpoints=said.checkpoints,
        presidio=said.presidio,
    )
