"""Kinds: how each kind of target is written in a subject file. A module a kind; its name is what the key ``kind`` says."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Protocol, cast

from auditkit.errors import InputError, did_you_mean
from auditkit.loading.schema import read_content
from auditkit.loading.told_apart import refuse_another

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

    from auditkit.targets import Target

__all__ = ["Kind", "Written", "read_subject_file"]


class Kind(Protocol):
    """What a module of this package holds; `Any` stands for what its `read` gives."""

    def read(self, content: dict[str, Any], file: Path) -> BaseModel:
        """Return what stands in a subject file, validated; InputError naming file and key otherwise."""

    def files(self, said: Any, folder: Path) -> dict[str, Path]:
        """Return the files it names that are read, by key; they need not be there."""

    def load(self, said: Any, folder: Path, stem: str) -> Target:
        """Return the target. `stem` is its name where the file gives none."""

    def runs_code(self, said: Any) -> bool:
        """Say whether loading it runs code of the user's, or opens what is trusted by digest alone."""

    def modules(self, said: Any) -> tuple[str, ...]:
        """Return the names of modules whose code it runs."""


class Written:
    """A subject file as read.

    Attributes
    ----------
    kind : str
        One of `auditkit.targets.KINDS`.
    said : pydantic.BaseModel
        What stands in it.
    file : pathlib.Path
        Where it is.
    """

    __slots__ = ("_how", "file", "kind", "said")

    def __init__(self, kind: str, how: Kind, said: BaseModel, file: Path) -> None:
        self.kind, self._how, self.said, self.file = kind, how, said, file

    def files(self) -> dict[str, Path]:
        """Return the files it names, by key."""
        return self._how.files(self.said, self.file.parent)

    def load(self, folder: Path | None = None) -> Target:
        """Return the target; relative paths count from `folder`, that of the file when left out."""
        return self._how.load(self.said, self.file.parent if folder is None else folder, self.file.stem)

    @property
    def runs_code(self) -> bool:
        """Whether loading it runs code of the user's, or opens what is trusted by digest alone."""
        return self._how.runs_code(self.said)

    @property
    def modules(self) -> tuple[str, ...]:
        """The names of modules whose code it runs."""
        return self._how.modules(self.said)


def read_subject_file(path: str | Path) -> Written:
    """Read and validate a subject file of any kind.

    Raises
    ------
    InputError
        Naming the file, the key, what was expected and what came; all mistakes at once.
    """
    content, file = read_content(path)
    refuse_another(content, file, "subject file")
    kind = content.pop("kind", "model")
    known = sorted(one.name for one in iter_modules(__path__))
    if kind not in known:
        raise InputError(
            f"{file}: kind: expected one of {', '.join(known)}; got {kind!r}.{did_you_mean(str(kind), known)}"
        )
    how = cast("Kind", import_module(f"{__name__}.{kind}"))
    return Written(kind, how, how.read(content, file), file)
