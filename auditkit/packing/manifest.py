"""Manifest: every file of a pack with its sha256, in one canonical form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from auditkit.envelopes import canonical, parsed, sha256
from auditkit.errors import InputError
from auditkit.shape import misfit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MANIFEST", "ROLES", "Manifest", "canonical", "parsed", "proper", "sha256", "signature_file"]

MANIFEST = "manifest.json"
SCHEMA = "auditkit.pack/1.0"
ROLES = ("author", "reviewer")

_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_HEX = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_FILE = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "sha256": _HEX, "bytes": {"type": "integer", "minimum": 0}},
    "required": ["path", "sha256", "bytes"],
    "additionalProperties": False,
}
_SHAPE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "schema": {"const": SCHEMA},
        "k": {"type": "integer", "minimum": 2},
        "roles": {"type": "array", "items": {"enum": list(ROLES)}},
        "files": {"type": "array", "items": _FILE},
    },
    "required": ["schema", "k", "roles", "files"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a pack holds.

    Attributes
    ----------
    files : dict of str to str
        Path of each file to its sha256, sorted by path.
    sizes : dict of str to int
        Path of each file to its size in bytes.
    k : int
        The smallest count that its public layer shows.
    roles : tuple of str
        Who must sign: "author", and "reviewer" where two persons are asked for.
    """

    files: dict[str, str]
    sizes: dict[str, int]
    k: int
    roles: tuple[str, ...]

    @classmethod
    def of(cls, files: Mapping[str, bytes], *, k: int, roles: tuple[str, ...]) -> Self:
        """Return the manifest of these files."""
        for path in files:
            if not proper(path):
                raise InputError(
                    f"{path!r} is no path of a pack: letters, digits, '.', '_' and '-' in names, parted by '/'"
                )
        ordered = sorted(files)
        return cls(
            {path: sha256(files[path]) for path in ordered},
            {path: len(files[path]) for path in ordered},
            k,
            roles,
        )

    def to_bytes(self) -> bytes:
        """Return the canonical form: what is signed."""
        rows = [{"path": p, "sha256": d, "bytes": self.sizes[p]} for p, d in self.files.items()]
        return canonical({"schema": SCHEMA, "k": self.k, "roles": list(self.roles), "files": rows})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises
        ------
        InputError
            If it is anything else, down to the byte.
        """
        read = parsed(data, "the manifest")
        if wrong := misfit(read, _SHAPE):
            raise InputError(f"the manifest is damaged: {wrong}")
        paths = [one["path"] for one in read["files"]]
        if bad := [path for path in paths if not proper(path)]:
            raise InputError(f"the manifest names {bad[0]!r}, which is no path inside a pack")
        if paths != sorted(set(paths)):
            raise InputError("the files of the manifest are not in order, or one is there twice")
        if tuple(read["roles"]) not in (ROLES[:1], ROLES):
            raise InputError(
                "the manifest is damaged: a pack asks for an author, or an author and a reviewer"
            )
        files = {one["path"]: one["sha256"] for one in read["files"]}
        return cls(
            files, {one["path"]: one["bytes"] for one in read["files"]}, read["k"], tuple(read["roles"])
        )


def proper(path: str) -> bool:
    """Whether a path may stand in a pack: relative, plain letters, no name that begins with a dot.

    Examples
    --------
    >>> proper("public/report.json"), proper("../report.json"), proper("/etc/passwd")
    (True, False, False)
    """
    return len(path) <= 200 and _PATH.fullmatch(path) is not None


def signature_file(role: str) -> str:
    """Return where the envelope of a role lies."""
    return f"signatures/{role}.dsse.json"
