"""Artifact: a model file described in TOML, to be looked into and never opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from auditkit.loading.schema import Part, validated
from auditkit.loading.tables import find_file
from auditkit.targets.artifact import ModelFile

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["files", "load", "modules", "read", "runs_code"]


class ArtifactFile(Part):
    """The subject file of a model file."""

    name: str | None = Field(default=None, min_length=1)
    path: str = Field(min_length=1)


def read(content: dict[str, Any], file: Path) -> ArtifactFile:
    """Return what stands in it."""
    return validated(ArtifactFile, content, file)


def files(said: ArtifactFile, folder: Path) -> dict[str, Path]:
    """Return the file it names."""
    return {"path": folder / said.path}


def runs_code(said: ArtifactFile) -> bool:  # noqa: ARG001 - the contract
    """Say no: the file is read, and never opened."""
    return False


def modules(said: ArtifactFile) -> tuple[str, ...]:  # noqa: ARG001 - the contract
    """Return none: nothing of it runs."""
    return ()


def load(said: ArtifactFile, folder: Path, stem: str) -> ModelFile:
    """Return the target."""
    return ModelFile.from_path(find_file(folder / said.path, "model"), name=said.name or stem)
