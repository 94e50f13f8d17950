"""Folder: the place of a batch, for one writer at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from auditkit.errors import InputError
from auditkit.runner.paths import local_path, writable_folder

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["FolderBusy", "existing_batch", "locked_folder"]

_LOCK = ".auditkit.lock"


class FolderBusy(InputError):  # noqa: N818 - a state that ends by itself
    """Another batch runs in the folder."""


@contextmanager
def locked_folder(out: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the folder of a batch, made if it is not there, that nobody else writes to meanwhile.

    Raises
    ------
    InputError
        If it cannot be written to, or another batch runs in it (`FolderBusy`).
    """
    from filelock import FileLock, Timeout

    folder = writable_folder(out)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FolderBusy(
            f"another batch writes to {str(folder)!r}: wait until it has ended, or give another --out"
        ) from None
    try:
        yield folder
    finally:
        lock.release()


def existing_batch(out: str | os.PathLike[str]) -> Path:
    """Return the folder of a batch that was run.

    Raises
    ------
    InputError
        If there is none.
    """
    from auditkit.batch.journal import JOURNAL

    folder = local_path(out, "the folder")
    if not any((folder / name).is_file() for name in (JOURNAL, "journal.head")):
        raise InputError(
            f"{str(folder)!r} holds no batch: give the folder that `auditkit batch PLAN --out` wrote to"
        )
    return folder.resolve()
