"""Opens: files and programs refused by the interpreter itself, for good; beside Landlock, and where the kernel has none."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["refuse_others"]

_LOOKS = frozenset({"open", "os.listdir", "os.scandir"})
_NEVER = frozenset({
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork", "os.forkpty", "pty.spawn",
    "os.kill", "os.killpg", "signal.pthread_kill", "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.utime",
    "os.setxattr", "os.removexattr", "sqlite3.connect", "ftplib.connect", "smtplib.connect", "urllib.Request",
})  # fmt: skip
"""What a model has no need of; the interpreter tells its hooks of each before it does it."""


def refuse_others(readable: Iterable[str]) -> None:
    """Have the interpreter open files below some paths alone, and start, send, remove and rename nothing. It cannot be taken back.

    It holds what Python code asks for. What a library written in C opens by itself, the interpreter does not see; Landlock does.

    Parameters
    ----------
    readable : iterable of str
        Files and folders.
    """
    allowed = tuple({os.path.realpath(one).rstrip(os.sep) for one in readable})
    below = tuple(one + os.sep for one in allowed)
    resolved = os.path.realpath

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in _NEVER:
            raise PermissionError(1, f"a model has no need of {event}")
        if event in _LOOKS and args and not isinstance(args[0], int):
            place = resolved(os.fsdecode("." if args[0] is None else args[0]))
            if place not in allowed and not place.startswith(below):
                raise PermissionError(13, "a model may not read it", place)

    sys.addaudithook(hook)
