"""Launcher: sets limits on the process that it is, then becomes the script named. Stand-alone; imports nothing heavy."""

from __future__ import annotations

import os
import runpy
import sys

__all__ = ["launch"]

_REFUSED = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")


def launch(words: list[str]) -> None:
    """Run ``memory output seconds script folder ...`` under these limits, in this process.

    Parameters
    ----------
    words : list of str
        Bytes of memory, bytes of a file, seconds on each processor; then the script and its arguments.
    """
    memory, output, seconds = (int(word) for word in words[:3])
    _limit(memory, output, seconds)
    sys.addaudithook(_offline)
    sys.argv = words[3:]
    runpy.run_path(words[3], run_name="__main__")


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


def _offline(event: str, _args: tuple[object, ...]) -> None:
    if event in _REFUSED:
        raise PermissionError(f"{event}: a tool of auditkit reaches no network")


if __name__ == "__main__":
    launch(sys.argv[1:])
