"""Scratch: a folder for a run's unfinished files, inside the output folder, gone when the run ends."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["scratch_folder", "sweep"]

_PREFIX, _SUFFIX, _OWNER = ".auditkit-", ".tmp", "owner.json"
_A_DAY = 86_400.0


@contextmanager
def scratch_folder(out: Path) -> Iterator[Path]:
    """Make a folder beside the outputs, so that a finished file is only renamed; remove it at the end."""
    sweep(out)
    folder = Path(tempfile.mkdtemp(dir=out, prefix=_PREFIX, suffix=_SUFFIX))
    try:
        owner = {"pid": os.getpid(), "host": socket.gethostname()}
        (folder / _OWNER).write_text(json.dumps(owner), encoding="utf-8")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(out: Path) -> None:
    """Remove the scratch folders of runs that were killed; those of runs still going are left alone."""
    for folder in out.glob(f"{_PREFIX}*{_SUFFIX}"):
        if folder.is_dir() and not folder.is_symlink() and _is_stale(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_stale(folder: Path) -> bool:
    try:
        owner = json.loads((folder / _OWNER).read_text(encoding="utf-8"))
        if os.name == "posix" and owner["host"] == socket.gethostname():
            return not _alive(int(owner["pid"]))
        return time.time() - folder.stat().st_mtime > _A_DAY
    except (OSError, ValueError, KeyError, TypeError):
        return False  # not ours, or just being made


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
