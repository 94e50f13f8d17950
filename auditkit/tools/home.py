"""Home: the folder that holds the environments of tools, and what is in it."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import NotApplicable

if TYPE_CHECKING:
    from auditkit.tools.tool import Tool

__all__ = ["STAMP", "VARIABLE", "Installed", "home_folder", "look", "needs_tool", "python_of"]

STAMP = "auditkit-tool.json"
VARIABLE = "AUDITKIT_TOOLS"
_LARGEST_STAMP = 1_000_000


@dataclass(frozen=True, slots=True)
class Installed:
    """A tool's environment.

    Attributes
    ----------
    folder : pathlib.Path
        Where it is.
    python : pathlib.Path
        Its interpreter.
    stamp : dict
        What it was made of: ``requirements``, ``python``, ``freeze`` (every release in it), ``auditkit``.
    current : bool
        Whether it was made of what this version of auditkit pins.
    """

    folder: Path
    python: Path
    stamp: dict[str, Any]
    current: bool


def home_folder(home: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of all tools: the one given, else that of ``AUDITKIT_TOOLS``, else the user's data folder."""
    given = home or os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("auditkit", appauthor=False) / "tools"


def python_of(folder: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def look(tool: Tool, home: str | os.PathLike[str] | None = None) -> Installed | None:
    """Return a tool's environment, or None where there is none that was completed."""
    folder = home_folder(home) / tool.name
    stamp: Any = None
    with suppress(OSError, ValueError), (folder / STAMP).open("rb") as file:
        stamp = json.loads(file.read(_LARGEST_STAMP))
    python = python_of(folder)
    if not isinstance(stamp, dict) or not python.exists():
        return None
    return Installed(folder, python, stamp, stamp.get("requirements") == list(tool.requirements))


def needs_tool(tool: Tool, home: str | os.PathLike[str] | None = None) -> Installed:
    """Return a tool's environment.

    Raises
    ------
    NotApplicable
        Where it is not installed, or of other releases than are pinned; the message says what installs it.
    """
    found = look(tool, home)
    if found is None:
        raise NotApplicable(f"{tool.name} {tool.version} is not installed: {tool.install_command}")
    if not found.current:
        raise NotApplicable(
            f"{tool.name} is installed with other releases than {tool.version} needs: {tool.install_command}"
        )
    return found
