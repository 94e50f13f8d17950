"""Processes: a program started without a shell, watched, and ended with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Ended", "TimedOut", "last_words", "watched"]

_LISTEN = 0.2  # seconds between two looks
_GRACE = 2.0  # seconds between the request to end and the end
_SHOWN = 400  # characters of a program's last words


class TimedOut(Exception):  # noqa: N818 - how a run ended
    """The program ran longer than it was allowed."""


class Ended(Exception):  # noqa: N818 - how a run ended
    """The program was ended for a reason that the message gives."""


def watched(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    seconds: float,
    each: Callable[[float], None],
) -> int:
    """Run a program to its end and return its exit code.

    Parameters
    ----------
    argv : sequence of str
        The program and its arguments; no shell reads them.
    folder : pathlib.Path
        Where it runs.
    environment : mapping of str to str
        All the environment variables it sees.
    log : pathlib.Path
        Receives what it prints; it has no input.
    seconds : float
        How long it may take.
    each : callable
        Called several times a second with the seconds passed; what it raises ends the program.

    Returns
    -------
    int
        Below 0 where a signal ended it.

    Raises
    ------
    TimedOut
        If it took longer.
    OSError
        If it could not be started.
    """
    start = time.monotonic()
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - no shell, and the program is named by a catalogue
            list(argv),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not _has_ended(process):
            passed = time.monotonic() - start
            if passed > seconds:
                raise TimedOut
            each(passed)
            time.sleep(min(_LISTEN, 0.01 + passed / 10))
    finally:
        _end(process)
    return int(process.returncode)


def last_words(log: Path) -> str:
    """Return the end of what a program printed, as plain text on one line."""
    try:
        with log.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - 8 * _SHOWN, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    plain = "".join(c if c.isprintable() else "?" for c in " | ".join(lines[-3:]))
    return plain[-_SHOWN:]


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the program ended; where the platform can tell, its number stays taken until `_end`."""
    if process.returncode is not None:
        return True
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return process.poll() is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program if it still runs, and whatever it started; first by request, then for certain."""
    if process.returncode is None and not _has_ended(process):
        _signal(process, certain=False)
        until = time.monotonic() + _GRACE
        while time.monotonic() < until and not _has_ended(process):
            time.sleep(0.02)
    if (
        process.returncode is None
    ):  # not yet collected, so its number, and that of its group, is still its own
        _signal(process, certain=True)
        process.wait()


def _signal(process: subprocess.Popen[bytes], *, certain: bool) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL if certain else signal.SIGTERM)
