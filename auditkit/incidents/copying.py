"""Copying: a file copied byte by byte, read again, and made read-only."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from auditkit.errors import InputError
from auditkit.reading import name_shown

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Copied", "copy_file", "digest_of", "files_below", "read_only"]

_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that was verified.

    Attributes
    ----------
    size : int
        Bytes.
    sha256 : str
        Of the source as it was read, and of the copy as it was read back.
    modified : str
        When the source was last changed, by its file system.
    grew : bool
        Whether it went on growing: the copy ends where the source ended when it was opened.
    """

    size: int
    sha256: str
    modified: str
    grew: bool = False


def copy_file(source: Path, target: Path, *, growing: bool = False) -> Copied:
    """Copy a regular file to a place where nothing is; the copy is read back and held against what was read.

    Parameters
    ----------
    source : pathlib.Path
        A regular file, and no link.
    target : pathlib.Path
        In a folder that is there.
    growing : bool
        Whether it may grow meanwhile, as a log does: what was there when it was opened is copied.

    Raises
    ------
    InputError
        If the source is no regular file, changed while it was copied, or the copy reads differently.
    OSError
        If it cannot be read or written.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    place = os.open(source, flags)
    with os.fdopen(place, "rb") as file:
        before = os.fstat(place)
        if not stat.S_ISREG(before.st_mode):
            raise InputError(f"{name_shown(source)} is no regular file, and is not copied")
        digest, size = hashlib.sha256(), 0
        with target.open("xb") as out:
            while block := file.read(min(_BLOCK, before.st_size - size) if growing else _BLOCK):
                digest.update(block)
                size += len(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        after = os.fstat(place)
    grew = growing and size == before.st_size < after.st_size
    same = (before.st_size, before.st_mtime_ns) == (
        after.st_size,
        after.st_mtime_ns,
    ) and size == after.st_size
    if not (same or grew):
        raise InputError(
            f"{name_shown(source)} changed while it was copied: stop what writes to it, and freeze again"
        )
    read_back = digest_of(target)
    if read_back != digest.hexdigest():
        raise InputError(
            f"the copy of {name_shown(source)} reads differently than it was written: look at this disk"
        )
    modified = datetime.fromtimestamp(after.st_mtime, UTC).isoformat(timespec="seconds")
    return Copied(size, read_back, modified, grew)


def digest_of(path: Path) -> str:
    """Return the sha256 of a file, which is read in blocks and followed through no link."""
    place = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(place, "rb") as file:
        digest = hashlib.sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def files_below(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the regular files below a folder, and what is none: links, pipes, sockets, devices. No link is followed.

    Raises
    ------
    OSError
        If a folder cannot be read: what is in it would be left out unsaid.
    """
    files: list[Path] = []
    others: list[Path] = []
    for here, folders, names in os.walk(folder, followlinks=False, onerror=_refused):
        place = folder.__class__(here)
        linked = [name for name in folders if (place / name).is_symlink()]
        others += [place / name for name in linked]
        folders[:] = sorted(set(folders) - set(linked))
        for name in sorted(names):
            mode = (place / name).lstat().st_mode
            (files if stat.S_ISREG(mode) else others).append(place / name)
    return sorted(files), sorted(others)


def _refused(error: OSError) -> None:
    raise error


def read_only(folder: Path) -> None:
    """Take away the right to write to a folder, and to all below it: files 0444, folders 0555."""
    for here, _, names in os.walk(folder, topdown=False):
        place = folder.__class__(here)
        for name in names:
            (place / name).chmod(0o444)
        place.chmod(0o555)
