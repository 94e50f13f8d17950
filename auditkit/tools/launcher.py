"""Launcher: sets limits on the process that it is, then becomes the script named. Stand-alone; imports nothing heavy."""

from __future__ import annotations

import os
import runpy
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["launch"]

_REFUSED = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")


def launch(words: list[str]) -> None:
    """Run ``memory output seconds reach script folder ...`` under these limits, in this process.

    Parameters
    ----------
    words : list of str
        Bytes of memory, bytes of a file, seconds on each processor, the one address it may connect to ("127.0.0.1:8000", or "-" for
        none); then the script and its arguments.
    """
    memory, output, seconds = (int(word) for word in words[:3])
    _limit(memory, output, seconds)
    sys.addaudithook(_only(words[3]))
    sys.argv = words[4:]
    runpy.run_path(words[4], run_name="__main__")


def _limit(memory: int, output: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has none
        return
    wanted = {
        "RLIMIT_AS": memory,
        "RLIMIT_FSIZE": output,
        "RLIMIT_CPU": seconds * (os.cpu_count() or 1),
        "RLIMIT_CORE": 0,
    }
    for name, value in wanted.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):  # a platform that does not hold this one; the others still hold
            continue


def _only(reach: str) -> Callable[[str, tuple[Any, ...]], None]:
    """Return a hook that refuses every connection but those to one address."""
    host, _, port = reach.rpartition(":")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event not in _REFUSED:
            return
        if host and event == "socket.connect" and args[1] == (host, int(port)):
            return
        if host and event == "socket.getaddrinfo" and args[0] in (host, host.encode()):
            return
        raise PermissionError(f"{event}: a tool of auditkit reaches no network")

    return hook


if __name__ == "__main__":
    launch(sys.argv[1:])
