"""Nursing: a process that has imported what models need, and forks one child for each; the child gives up its rights after that.

It holds no data and no model. Imports take seconds, a fork takes milliseconds.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any

__all__ = ["main"]

_LOOK = 20.0  # seconds between two looks whether the parent is still there
_WAIT = 5.0  # seconds that a child that closed its pipe may take to be gone


def main(place: int) -> None:
    """Serve the parent at the other end of a socket until it is gone; then end, with every child that is left."""
    living: set[int] = set()
    try:
        _serve(place, living)
    finally:
        for pid in living:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        os._exit(0)  # at once: a farewell of all that was imported takes time


def _serve(place: int, living: set[int]) -> None:
    sock = socket.socket(fileno=place)
    sock.settimeout(_LOOK)
    parent = os.getppid()
    codes: dict[int, int] = {}
    while True:
        try:
            data, fds, _, _ = socket.recv_fds(sock, 2**20, 2)
        except TimeoutError:
            if os.getppid() != parent:
                return
            continue
        if not data:
            return
        message: dict[str, Any] = json.loads(data)
        if message["do"] == "start":
            _reap(codes, living)
            reply: dict[str, Any] = {"pid": _start(message, fds, sock)}
            living.add(reply["pid"])
        else:
            reply = {"code": _code(message["pid"], codes, living)}
        sock.sendall(json.dumps(reply).encode())


def _start(message: dict[str, Any], fds: list[int], sock: socket.socket) -> int:
    for name in message["imports"]:
        with suppress(ImportError):
            importlib.import_module(name)
    pid = os.fork()
    if pid:
        for one in fds:
            os.close(one)
        return pid
    try:
        sock.close()
        os.setsid()
        for one, standard in zip(fds, (0, 1), strict=True):
            os.dup2(one, standard)
            os.close(one)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        from auditkit.sandbox.child import main as serve

        sys.path[:] = message["path"]
        serve(message["serve"], message["memory"], message["readable"], message["modules"])
    finally:
        os._exit(0)


def _code(pid: int, codes: dict[int, int], living: set[int]) -> int | None:
    """Return how a child ended, below 0 by a signal; None where it has not."""
    until = time.monotonic() + _WAIT
    while pid not in codes and time.monotonic() < until:
        _reap(codes, living)
        if pid not in codes:
            time.sleep(0.01)
    return codes.pop(pid, None)


def _reap(codes: dict[int, int], living: set[int]) -> None:
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            codes[pid] = os.waitstatus_to_exitcode(status)
            living.discard(pid)
