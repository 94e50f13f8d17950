"""Confinement: what a child process gives up before it sees a byte of an untrusted file."""

from __future__ import annotations

import ctypes
import importlib
import sys
from contextlib import suppress
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

from auditkit.sandbox import landlock
from auditkit.sandbox.opens import refuse_others
from auditkit.sandbox.places import importable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["confine"]

_NO_NEW_PRIVS, _DUMPABLE = 38, 4
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_OPEN_FILES = 256
_OF_THE_SYSTEM = (
    "/usr", "/lib", "/lib64", "/lib32", "/nix/store", "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/proc/self", "/proc/cpuinfo",
    "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup", "/dev/null", "/dev/zero",
    "/dev/urandom", "/dev/random",
)  # fmt: skip


def confine(memory: int, readable: Sequence[str], modules: Sequence[str] = ()) -> dict[str, Any]:
    """Give up what this process does not need: it keeps its open pipes, and reads of some folders.

    Parameters
    ----------
    memory : int
        Bytes of address space.
    readable : sequence of str
        What it must still read, beside the system's libraries; `auditkit.sandbox.places` says what Python needs.
    modules : sequence of str
        Code that its owner trusts, and that is imported before files are given up; the folder it lies in is not read after that.

    Returns
    -------
    dict
        What holds now: "limits", "privileges", "network" (whether the process has no network at all), "landlock" (a version, or 0) and
        "opens" (whether the interpreter refuses other files).
    """
    held: dict[str, Any] = {"limits": _limits(memory), "privileges": False, "network": False, "landlock": 0}
    if sys.platform.startswith("linux"):
        held |= _of_linux()
    for name in modules:
        with suppress(Exception):  # what cannot be imported is told when the file asks for it
            importlib.import_module(name)
    places = [*_OF_THE_SYSTEM, *readable]
    sys.path[:] = [entry for entry in sys.path if importable(entry, readable)]
    # lists the folders: one whose packages alone may be read cannot be listed later
    PathFinder.find_spec("no_module_of_this_name")
    held["landlock"] = landlock.restrict(places)
    refuse_others(places)
    return {**held, "opens": True}


def _of_linux() -> dict[str, bool]:
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123 - a kernel's file
        file.write("1000")  # where memory runs out, this process goes first
    libc = ctypes.CDLL(None, use_errno=True)
    privileges = libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    libc.prctl(_DUMPABLE, 0, 0, 0, 0)
    return {"privileges": privileges, "network": libc.unshare(_NEW_USER | _NEW_NET) == 0}


def _limits(memory: int) -> bool:
    """Hold the process to its memory, and to files of no size; return whether the platform can."""
    try:
        import resource
    except ImportError:  # not on Windows
        return False
    wanted = {"RLIMIT_AS": memory, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0, "RLIMIT_NOFILE": _OPEN_FILES}
    for name, most in wanted.items():
        with suppress(OSError, ValueError):
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(number, (allowed, allowed))
    return sys.platform.startswith("linux")
