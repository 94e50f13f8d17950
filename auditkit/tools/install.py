"""Install: an environment of its own for a tool, made whole or not at all. The one thing here that uses the network."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from auditkit._version import __version__
from auditkit.errors import ToolError
from auditkit.files import write_whole
from auditkit.tools.home import STAMP, Installed, home_folder, look, needs_tool, python_of
from auditkit.tools.processes import TimedOut, last_words, watched
from auditkit.tools.run import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from auditkit.tools.tool import Tool

__all__ = ["check", "install", "remove"]

_LONGEST = 7200.0  # seconds
_PARTIAL = ".partial"
_NOT_PIPS = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "VIRTUAL_ENV")


def install(
    tool: Tool,
    home: str | os.PathLike[str] | None = None,
    *,
    options: Sequence[str] = (),
    each: Callable[[float], None] = lambda _passed: None,
) -> Installed:
    """Make the environment of a tool, with pip and the index it is set up for; do nothing where it is there.

    The environment is made under another name and renamed when it is complete, so that an install that was killed
    leaves nothing that looks installed. What such an install left is removed by the next.

    Parameters
    ----------
    tool : Tool
        What to install.
    home : path-like, optional
        Folder of all tools; see `home_folder`.
    options : sequence of str
        Further options of ``pip install``: ``--no-index``, ``--find-links``.
    each : callable
        Called several times a second with the seconds passed; what it raises ends the install.

    Returns
    -------
    Installed

    Raises
    ------
    ToolError
        If this Python does not fit, or an install step fails; the message ends with what pip last said.
    """
    there = look(tool, home)
    if there is not None and there.current:
        return there
    low, high = tool.pythons
    if not low <= sys.version_info[:2] < high:
        raise ToolError(
            f"{tool.name} {tool.version} runs on Python {low[0]}.{low[1]} to before {high[0]}.{high[1]}; "
            f"this is {sys.version_info[0]}.{sys.version_info[1]}"
        )
    folder = home_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder, tool)
    made = folder / f".{tool.name}.{os.getpid()}.{secrets.token_hex(4)}{_PARTIAL}"
    try:
        _make(tool, made, options, each)
        _put(made, folder / tool.name)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return needs_tool(tool, home)


def check(tool: Tool, home: str | os.PathLike[str] | None = None) -> Installed:
    """Start a tool in its environment and let it import what it needs.

    Raises
    ------
    NotApplicable
        If it is not installed.
    ToolError
        If it does not start; the message ends with what it last said.
    """
    found = needs_tool(tool, home)
    ask(tool, {}, lambda _folder: None, home=home, words=("--check",))
    return found


def remove(tool: Tool, home: str | os.PathLike[str] | None = None) -> bool:
    """Remove a tool's environment and what unfinished installs left; return whether there was anything.

    Raises
    ------
    OSError
        If it cannot be removed.
    """
    folder = home_folder(home)
    own, found = folder / tool.name, False
    if own.is_symlink():
        own.unlink()
        found = True
    elif own.exists():
        aside = folder / f".{tool.name}.{os.getpid()}.{secrets.token_hex(4)}{_PARTIAL}"
        own.rename(aside)  # at once: half an environment never looks installed
        shutil.rmtree(aside)
        found = True
    return _sweep(folder, tool) > 0 or found


def _make(tool: Tool, made: Path, options: Sequence[str], each: Callable[[float], None]) -> None:
    log = made.with_suffix(".log")
    python = python_of(made)
    pip = [str(python), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    # wheels only, but for the few that have none: nothing of a package runs before it is asked to
    only = ["--only-binary", ":all:", *(f"--no-binary={name}" for name in tool.from_source)]
    wanted = ["install", *only, "--no-warn-script-location", *options, *tool.requirements]
    try:
        _step(tool, [sys.executable, "-I", "-m", "venv", str(made)], log, each, "its environment")
        _step(tool, [*pip, *wanted], log, each, "pip")
        _step(tool, [*pip, "check"], log, each, "pip check")
        log.unlink()
        _step(tool, [*pip, "freeze", "--all"], log, each, "pip freeze")
        stamp = {
            "tool": tool.name,
            "requirements": list(tool.requirements),
            "freeze": log.read_text("utf-8", "replace").split("\n")[:-1],
            "python": ".".join(map(str, sys.version_info[:3])),
            "auditkit": __version__,
        }
        write_whole(made / STAMP, json.dumps(stamp, indent=1).encode())
    finally:
        log.unlink(missing_ok=True)


def _step(tool: Tool, argv: list[str], log: Path, each: Callable[[float], None], what: str) -> None:
    """Run one step; pip keeps the index, proxy and certificates the user gave it, and nothing that moves its target."""
    environment = {
        k: v for k, v in os.environ.items() if k not in _NOT_PIPS and not k.startswith(("PYTHON", "CONDA"))
    }
    try:
        code = watched(argv, folder=log.parent, environment=environment, log=log, seconds=_LONGEST, each=each)
    except TimedOut:
        raise ToolError(
            f"{tool.name} was not installed: {what} took longer than {_LONGEST:g} seconds"
        ) from None
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolError(f"{tool.name} was not installed: {what} could not be started ({error})") from None
    if code != 0:
        raise ToolError(f"{tool.name} was not installed: {what} failed. It last said: {last_words(log)}")


def _put(made: Path, target: Path) -> None:
    """Rename the finished environment to its place; one of other releases makes room first."""
    aside = made.with_name(f"{made.name.removesuffix(_PARTIAL)}.old{_PARTIAL}")
    if target.exists() or target.is_symlink():
        target.rename(aside)
    try:
        made.rename(target)
    except OSError:
        if not target.exists() and aside.exists():
            aside.rename(target)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _sweep(folder: Path, tool: Tool) -> int:
    """Remove what installs left that nobody is at any more; return how many."""
    found = 0
    for left in [*folder.glob(f".{tool.name}.*{_PARTIAL}"), *folder.glob(f".{tool.name}.*.log")]:
        owner = left.name.removeprefix(f".{tool.name}.").split(".")[0]
        if owner.isdigit() and int(owner) != os.getpid() and _runs(int(owner)):
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
        found += 1
    return found


def _runs(pid: int) -> bool:
    if sys.platform == "win32":  # a signal would end it there
        return True
    with suppress(ProcessLookupError, OverflowError):
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True
        return True
    return False
