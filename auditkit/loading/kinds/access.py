"""Access: a snapshot of a hub described in TOML, with the file beside it. No hub is asked: `auditkit access snapshot` does that."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from pydantic import Field

from auditkit.hub.decisions import read_decisions
from auditkit.hub.snapshot import of_text
from auditkit.loading.schema import Part, Text, validated
from auditkit.loading.tables import find_file
from auditkit.reading import read_bounded
from auditkit.targets.access import Access

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from auditkit.hub.snapshot import Snapshot

__all__ = ["AccessFile", "access_at", "files", "load", "modules", "read", "runs_code", "snapshot_at"]

_LARGEST = 512 * 1024 * 1024  # bytes of a snapshot


class AccessFile(Part):
    """What stands in the subject file of a hub.

    Attributes
    ----------
    name : str, optional
        How the report calls it; that of the subject file when left out.
    snapshot : str
        What ``auditkit access snapshot`` wrote.
    before : str, optional
        Decisions of an earlier review.
    roles : dict, optional
        Scopes of roles, which the hub's API does not tell: ``culling = ["list:users", "admin:servers"]``.
    """

    name: str | None = Field(default=None, min_length=1)
    snapshot: str = Field(min_length=1)
    before: str | None = Field(default=None, min_length=1)
    roles: dict[str, list[Text]] = Field(default_factory=dict)


def read(content: dict[str, Any], file: Path) -> AccessFile:
    """Return what stands in the file of a hub."""
    return validated(AccessFile, content, file)


def files(said: AccessFile, folder: Path) -> dict[str, Path]:
    """Return the files it names, by key."""
    named = {"snapshot": said.snapshot, "before": said.before}
    return {key: folder / name for key, name in named.items() if name}


def runs_code(said: AccessFile) -> bool:  # noqa: ARG001 - the contract of a kind
    """Say that reading a snapshot runs nothing."""
    return False


def modules(said: AccessFile) -> tuple[str, ...]:  # noqa: ARG001 - the contract of a kind
    """Return none: nothing of it runs."""
    return ()


def load(said: AccessFile, folder: Path, stem: str) -> Access:
    """Return the hub."""
    return access_at(
        folder / said.snapshot,
        name=said.name or stem,
        before=None if said.before is None else folder / said.before,
        roles={name: tuple(scopes) for name, scopes in said.roles.items()},
    )


def access_at(
    path: Path,
    *,
    name: str,
    before: Path | None = None,
    roles: Mapping[str, tuple[str, ...]] | None = None,
) -> Access:
    """Return the hub in a snapshot file.

    Parameters
    ----------
    path : pathlib.Path
        The snapshot.
    name : str
        How the report calls it.
    before : pathlib.Path, optional
        Decisions of an earlier review.
    roles : mapping of str to tuple of str, optional
        Scopes of roles, beside those that the snapshot holds.

    Raises
    ------
    InputError
        If a file is not there, or is no snapshot or no decisions.
    """
    snapshot = snapshot_at(path)
    if roles:
        snapshot = dataclasses.replace(snapshot, roles={**snapshot.roles, **roles})
    return Access(name, snapshot, None if before is None else read_decisions(find_file(before, "decisions")))


def snapshot_at(path: Path) -> Snapshot:
    """Return the snapshot in a file.

    Raises
    ------
    InputError
        If it is not there, or is none.
    """
    file = find_file(path, "snapshot")
    return of_text(read_bounded(file, _LARGEST, "snapshot").decode("utf-8", "replace"), str(file))
