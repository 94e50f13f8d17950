"""Folder: the place of a batch, for one writer at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from auditkit.errors import AuditkitError, InputError
from auditkit.runner.paths import local_path, writable_folder

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["BatchError", "FolderBusy", "existing_batch", "in_use", "in_words", "locked_folder"]

_LOCK = ".auditkit.lock"
_LOOK = (
    0.25  # seconds that a writer waits for who only looks whether somebody writes, and who looks for another
)


class BatchError(AuditkitError):
    """A batch could not go on; what it had done is kept, and the next run takes it up."""


class FolderBusy(InputError):  # noqa: N818 - a state that ends by itself
    """Another batch runs in the folder."""


@contextmanager
def in_words(out: str | os.PathLike[str]) -> Iterator[None]:
    """Say what to do where the system refuses."""
    try:
        yield
    except OSError as error:
        at = f"{error.filename}: " if error.filename else ""
        raise BatchError(
            f"the batch in {str(out)!r} cannot go on: {at}{error.strerror or error}. What is in the journal stays: "
            "make room, or the folder writable, and run the batch again"
        ) from None


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
        lock.acquire(timeout=_LOOK)
    except Timeout:
        raise FolderBusy(
            f"another batch writes to {str(folder)!r}: wait until it has ended, or give another --out"
        ) from None
    try:
        yield folder
    finally:
        lock.release()


def in_use(folder: Path) -> bool | None:
    """Return whether a batch runs in a folder now, on this machine or another that its locks reach; None where that cannot be told."""
    from filelock import FileLock, Timeout

    if not (folder / _LOCK).exists():
        return False
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=_LOOK)
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return None
    lock.release()
    return False


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
