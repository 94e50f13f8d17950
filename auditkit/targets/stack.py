"""Stack: installed packages, and files that configure machine-learning servers, under audit by themselves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from auditkit.errors import InputError
from auditkit.scanning.stack import shipped
from auditkit.targets.base import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.scanning.advisories import Advisories

__all__ = ["Stack", "installed_here"]


@dataclass(frozen=True, eq=False)
class Stack(Target):
    """Installed packages and configuration files.

    Parameters
    ----------
    name : str
        How the report calls it.
    installed : mapping of str to str
        Packages with their versions; `installed_here` gives those of this environment.
    files : mapping of str to bytes
        Configuration files by the name that findings tell.
    advisories : Advisories, optional
        What is known of packages; auditkit's own dated table when left out.
    left_out : str
        What of a list of packages is not looked at, and why, in words; empty where all is.
    lines : mapping of str to int
        The line of that list that a package stands on, where there is a list.

    Raises
    ------
    InputError
        If there is neither a package nor a file.

    Examples
    --------
    >>> Stack("lab", {"joblib": "1.1.0"})
    Stack(lab: 1 package, 0 files; Audit([...]).run(stack) to audit)
    """

    kind: ClassVar[str] = "stack"

    name: str
    installed: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    advisories: Advisories = field(default_factory=shipped, repr=False)
    left_out: str = field(default="", repr=False)
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.installed and not self.files:
            raise InputError(
                "a stack needs packages or files: Stack('lab', installed_here()), or files={name: content}"
            )
        for name, content in self.files.items():
            if not isinstance(content, bytes):
                raise InputError(f"files: expected the bytes of {name!r}, got {type(content).__name__}")

    def __repr__(self) -> str:
        packages, files = len(self.installed), len(self.files)
        return (
            f"Stack({self.name}: {packages} {'package' if packages == 1 else 'packages'}, {files} {'file' if files == 1 else 'files'}; "
            "Audit([...]).run(stack) to audit)"
        )

    def describe(self) -> dict[str, Any]:
        """Return what was looked at, and by which table; nothing of what was found."""
        listed = "\n".join(f"{name}=={version}" for name, version in sorted(self.installed.items()))
        facts = {
            "Packages": len(self.installed),
            "Configuration files": len(self.files),
            "Advisories": f"{self.advisories.name}, {self.advisories.date or 'without a date'}",
        }
        facts |= {"Left out": self.left_out} if self.left_out else {}
        parts = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        if self.installed:
            parts["packages"] = hashlib.sha256(listed.encode()).hexdigest()
        return {"name": str(self.name), "kind": self.kind, "facts": facts, "parts": parts}


def installed_here() -> dict[str, str]:
    """Return the packages of this environment with their versions, in the order of their names."""
    from importlib.metadata import distributions

    found = {
        str(one.metadata["Name"]): str(one.version)
        for one in distributions()
        if one.metadata and one.metadata["Name"]
    }
    return dict(sorted(found.items(), key=lambda one: one[0].casefold()))
