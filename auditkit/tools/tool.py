"""Tool: an external program, what its environment must hold, and what it is allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from auditkit.errors import InputError

__all__ = ["Limits", "Tool"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use.

    Attributes
    ----------
    seconds : float
        From start to end; then the program and all it started are ended.
    memory : int
        Bytes of address space. Held on Linux; other platforms may not hold it.
    output : int
        Bytes of all files it writes.
    """

    seconds: float = 900.0
    memory: int = 8 * 2**30
    output: int = 2**30

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.memory > 0 and self.output > 0):
            raise InputError(f"limits are above 0, got {self}")


@dataclass(frozen=True, slots=True)
class Tool:
    """An external program that auditkit can run in an environment of its own.

    Attributes
    ----------
    name : str
        What people type: "privacy-meter".
    what : str
        What it is, in one sentence.
    distribution, version : str
        As the package index names them.
    requirements : tuple of str
        What pip installs, pinned exactly; the distribution itself among them.
    pythons : tuple of (int, int)
        The first Python it needs, and the first it does not run on.
    licence : str
        Its licence, as an SPDX identifier.
    size : str
        How much disk it takes, in words.
    script : pathlib.Path
        The stand-alone script that asks it. It is called with a folder: it reads ``in.npz`` there and writes `outputs`.
        With ``--check`` after the folder it imports the program and writes nothing.
    outputs : tuple of str
        The files it writes into that folder.
    environment : tuple of (str, str)
        Environment variables it wants besides the few that every run is given.
    from_source : tuple of str
        Distributions of which there are no wheels: their set-up code runs when they are installed.
    limits : Limits
        What a run may use when nothing else is said.
    check : str
        Name of the check that runs it.
    """

    name: str
    what: str
    distribution: str
    version: str
    requirements: tuple[str, ...]
    pythons: tuple[tuple[int, int], tuple[int, int]]
    licence: str
    size: str
    script: Path
    outputs: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    from_source: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    check: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InputError(f"a tool's name is small letters, digits and dashes, got {self.name!r}")
        loose = [one for one in self.requirements if "==" not in one or one.startswith("-")]
        if loose or not self.requirements:
            raise InputError(f"{self.name}: requirements are pinned exactly, as in 'name==1.0'; got {loose}")
        if any(Path(name).name != name for name in self.outputs):
            raise InputError(f"{self.name}: outputs are names of files, got {self.outputs}")

    @property
    def install_command(self) -> str:
        """What installs it."""
        return f"auditkit tools install {self.name}"

    def argv(self, python: Path, folder: Path, *words: str, reach: str = "") -> list[str]:
        """Return the command line of one run: the launcher, which holds the limits, and then the script."""
        limits = self.limits
        launcher = Path(__file__).with_name("launcher.py")
        held = [str(limits.memory), str(limits.output), str(int(limits.seconds) + 1), reach or "-"]
        # -I: no variable and no folder of the user's changes what is imported
        return [str(python), "-I", str(launcher), *held, str(self.script), str(folder), *words]
