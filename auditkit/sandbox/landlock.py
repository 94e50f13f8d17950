"""Landlock: the kernel's way for a process to give up files, sockets and signals for good (Linux 5.13 and later)."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["restrict", "version"]

# numbers of the system calls, the same on every architecture; from the kernel's public headers
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_ALL_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_FROM_FIVE = (1 << 16) - 1
_TCP = 0b11  # bind and connect
_SCOPES = 0b11  # abstract sockets and signals, outside the process's own


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """Return the version of Landlock that this kernel enforces; 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))), 0)


def restrict(readable: Iterable[str]) -> int:
    """Let this process read only below some paths, write and execute nothing, and open no TCP connection.

    It holds for this thread and all that it starts, and cannot be taken back. `PR_SET_NO_NEW_PRIVS` must be set before.

    Parameters
    ----------
    readable : iterable of str
        Files and folders; what does not exist is passed over.

    Returns
    -------
    int
        The version of Landlock that holds now; 0 where the kernel has none, and nothing changed.
    """
    found = version()
    if found < 1:
        return 0
    libc = _libc()
    rules = _Rules(_ALL_FILES.get(found, _FROM_FIVE), _TCP if found >= 4 else 0, _SCOPES if found >= 6 else 0)
    size = 8 if found < 4 else 16 if found < 6 else 24
    place = int(libc.syscall(_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0)))
    if place < 0:
        return 0
    try:
        for path in dict.fromkeys(readable):
            _allow(libc, place, path)
        return found if libc.syscall(_RESTRICT, ctypes.c_int(place), ctypes.c_uint32(0)) == 0 else 0
    finally:
        os.close(place)


def _allow(libc: ctypes.CDLL, place: int, path: str) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = _READ_FILE | (_READ_FOLDER if os.path.isdir(path) else 0)  # noqa: PTH112 - of an open descriptor's path
        rule = _Beneath(allowed, folder)
        libc.syscall(
            _ADD, ctypes.c_int(place), ctypes.c_int(_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0)
        )
    finally:
        os.close(folder)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
