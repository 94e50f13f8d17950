"""ModelFile: a model file before anybody opens it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from auditkit.errors import InputError
from auditkit.reading import LARGEST_MODEL, name_shown, read_bounded
from auditkit.scanning.artifacts import Scan, scan_artifact
from auditkit.targets.base import Target

if TYPE_CHECKING:
    import os
    from typing import Self

__all__ = ["ModelFile"]


@dataclass(frozen=True)
class ModelFile(Target):
    r"""A model file: its bytes, which are read and never run.

    Parameters
    ----------
    name : str
        How the report calls it.
    data : bytes
        The file.
    file_name : str
        What the file is called, without its folder.

    Examples
    --------
    >>> file = ModelFile("credit", b"cos\\nsystem\\n.", "credit.pkl")
    >>> file.scan.trust
    'refused'
    """

    kind: ClassVar[str] = "artifact"
    name: str
    data: bytes = field(repr=False)
    file_name: str = "model"

    @classmethod
    def from_path(cls, path: str | os.PathLike[str], *, name: str | None = None) -> Self:
        """Read a file.

        Raises
        ------
        InputError
            If it is not there, cannot be read, is a pipe or a device, or is larger than auditkit reads.
        """
        file = Path(path)
        if file.is_dir():
            raise InputError(f"{name_shown(file)} is a folder; name the model file in it")
        return cls(name or file.name, read_bounded(file, LARGEST_MODEL, "model file"), file.name)

    @cached_property
    def scan(self) -> Scan:
        """What the file is and asks for; read once."""
        return scan_artifact(self.data)

    def describe(self) -> dict[str, Any]:
        """Return what was looked at: the file's name, size, format and digest."""
        facts = {"File": self.file_name, "Size": f"{len(self.data):,} bytes", "Format": self.scan.form}
        return {
            "name": str(self.name),
            "kind": self.kind,
            "facts": facts,
            "parts": {self.file_name: self.scan.digest},
        }
