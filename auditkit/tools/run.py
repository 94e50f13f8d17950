"""Run: one question to an external program, in a scratch folder, under limits; its answer or why there is none."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from auditkit import progress
from auditkit.errors import InputError, ToolError
from auditkit.tools.home import needs_tool
from auditkit.tools.processes import Ended, TimedOut, last_words, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from auditkit.tools.home import Installed
    from auditkit.tools.tool import Limits, Tool

__all__ = ["MEMORY_IS_HELD", "ask"]

T = TypeVar("T")

MEMORY_IS_HELD = sys.platform.startswith("linux")
"""Whether this platform holds a process to its address space."""

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_LOOPBACK = re.compile(r"127\.0\.0\.1:[1-9][0-9]{0,4}")
_HOMES = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP")
_FOLDERS = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "MPLCONFIGDIR")
_KEPT = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # what an interpreter needs to start at all


def ask(
    tool: Tool,
    arrays: Mapping[str, np.ndarray],
    read: Callable[[Path], T],
    *,
    home: str | os.PathLike[str] | None = None,
    limits: Limits | None = None,
    words: tuple[str, ...] = (),
    reach: str = "",
    secrets: Mapping[str, str] | None = None,
) -> T:
    """Hand arrays to a tool, wait for it, and read what it wrote.

    Parameters
    ----------
    tool : Tool
        The program.
    arrays : mapping of str to ndarray
        Written to ``in.npz``; no objects.
    read : callable
        Called with the folder that holds the tool's outputs; what it returns is returned.
    home : path-like, optional
        Folder of all tools.
    limits : Limits, optional
        Those of the tool when not given.
    words : tuple of str
        Further arguments of its script.
    reach : str
        The one address it may connect to, on this machine: "127.0.0.1:8000". None when left out.
    secrets : mapping of str to str, optional
        Environment variables of this run alone, such as the token of that address; they stand in no file and no command line.

    Returns
    -------
    object
        What `read` made of the output.

    Raises
    ------
    NotApplicable
        If the tool is not installed.
    ToolError
        If it crashes, takes too long, too much memory or disk, or writes nothing that can be read.
    Cancelled
        If whoever listens asked to stop; the program is ended first.
    """
    if reach and not _LOOPBACK.fullmatch(reach):
        raise InputError(
            f"a tool reaches at most one address of this machine, as 127.0.0.1:8000; got {reach!r}"
        )
    place = needs_tool(tool, home)
    allowed = tool if limits is None else replace(tool, limits=limits)
    with tempfile.TemporaryDirectory(prefix="auditkit-tool-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch) / "data"
        folder.mkdir()
        _write(folder / "in.npz", arrays)
        _run(allowed, place, Path(scratch), folder, words, reach, secrets or {})
        return _read(allowed, folder, read, words)


def _run(
    tool: Tool,
    place: Installed,
    scratch: Path,
    folder: Path,
    words: tuple[str, ...],
    reach: str,
    secrets: Mapping[str, str],
) -> None:
    log, limits = scratch / "printed", tool.limits
    (scratch / "home").mkdir()
    before = _bytes_of(scratch)

    def each(passed: float) -> None:
        if _bytes_of(scratch) - before > limits.output:
            raise Ended(f"wrote more than the {limits.output:,} bytes it may write")
        progress.step(None, f"{tool.name} runs: {passed:.0f} s")

    try:
        code = watched(
            tool.argv(place.python, folder, *words, reach=reach),
            folder=scratch / "home",
            environment=_environment(tool, scratch / "home") | dict(secrets),
            log=log,
            seconds=limits.seconds,
            each=each,
        )
    except TimedOut:
        raise ToolError(f"{tool.name} was ended: it ran longer than {limits.seconds:g} seconds") from None
    except Ended as why:
        raise ToolError(f"{tool.name} was ended: it {why}") from None
    except OSError as error:
        raise ToolError(f"{tool.name} could not be started ({error}): {tool.install_command}") from None
    if code != 0:
        raise ToolError(f"{tool.name} {_how(code, tool)}. It last said: {last_words(log) or 'nothing'}")
    if _bytes_of(scratch) - before > limits.output:
        raise ToolError(f"{tool.name} wrote more than the {limits.output:,} bytes it may write")


def _read(tool: Tool, folder: Path, read: Callable[[Path], T], words: tuple[str, ...]) -> T:
    if not words:
        for name in tool.outputs:
            found = folder / name
            if found.is_symlink() or not found.is_file():
                raise ToolError(f"{tool.name} ended without an error but left no file {name}")
    try:
        return read(folder)
    except InputError as error:
        raise ToolError(f"{tool.name} wrote what cannot be read: {error}") from None


def _write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    import numpy as np

    plain = {name: np.asarray(values) for name, values in arrays.items()}
    if objects := [name for name, values in plain.items() if values.dtype.hasobject]:
        raise InputError(f"a tool is given numbers, booleans and text; {', '.join(objects)} holds objects")
    with path.open("wb") as file:
        np.savez(file, **plain)  # type: ignore[arg-type]


def _environment(tool: Tool, home: Path) -> dict[str, str]:
    """Return all a tool sees: nothing of the user's own, no proxy, no token, no search path for modules."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    folders = dict.fromkeys((*_HOMES, *_FOLDERS), str(home))
    return {
        **kept,
        **folders,
        **dict.fromkeys(_ONE_THREAD, "1"),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        **dict(tool.environment),
    }


def _how(code: int, tool: Tool) -> str:
    if code >= 0:
        return f"ended with exit code {code} (it may use {tool.limits.memory / 2**30:.3g} GiB of memory)"
    name = str(-code)
    with suppress(ValueError):
        name = signal.Signals(-code).name
    return f"was ended by the system ({name}; it may use {tool.limits.memory / 2**30:.3g} GiB of memory)"


def _bytes_of(folder: Path) -> int:
    total = 0
    for parent, _folders, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                total += (Path(parent) / name).lstat().st_size
    return total
