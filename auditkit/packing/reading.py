"""Reading: the files of a pack, from a folder or a zip archive, as bytes; writing them likewise."""

from __future__ import annotations

import io
import os
import secrets
import shutil
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.errors import InputError
from auditkit.files import write_whole
from auditkit.packing.manifest import proper
from auditkit.reading import read_bounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Contents", "add_file", "archive", "read_pack", "write_pack"]

_LARGEST = 2_000_000_000  # bytes of a pack in all
_MOST = 20_000  # files
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first day a zip archive can name


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in a pack.

    Attributes
    ----------
    files : dict of str to bytes
        Regular files by their path, with '/'.
    strange : tuple of (str, str)
        What should not be there at all: its path, and what it is.
    """

    files: dict[str, bytes]
    strange: tuple[tuple[str, str], ...] = ()


def read_pack(path: str | os.PathLike[str]) -> Contents:
    """Return what lies in a pack. Links are told and never followed.

    Raises
    ------
    InputError
        If there is neither a folder nor a zip archive, or it is too large.
    """
    place = Path(path)
    if place.is_symlink() or not (place.is_dir() or place.is_file()):
        raise InputError(
            f"no evidence pack at {place}: give the folder or the .zip that auditkit pack make wrote"
        )
    return _of_folder(place) if place.is_dir() else _of_archive(place)


def write_pack(path: str | os.PathLike[str], files: Mapping[str, bytes]) -> Path:
    """Write a new pack, whole or not at all: a zip archive if the name ends so, else a folder.

    Raises
    ------
    InputError
        If something is there already, or the folder above is not.
    """
    target = Path(path)
    if os.path.lexists(target):
        raise InputError(f"{target} is there already: give another name, or move it away")
    if not target.parent.is_dir():
        raise InputError(f"the folder {target.parent} is not there: make it first, or give another name")
    if target.suffix == ".zip":
        return write_whole(target, archive(files))
    beside = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        for name in sorted(files):
            file = beside / name
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, files[name])
        beside.rename(target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return target


def add_file(path: str | os.PathLike[str], name: str, content: bytes, contents: Contents) -> None:
    """Add one file to a pack that was read as `contents`."""
    place = Path(path)
    if place.is_dir():
        (place / name).parent.mkdir(exist_ok=True)
        write_whole(place / name, content)
    else:
        write_whole(place, archive({**contents.files, name: content}))


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return files as a zip archive: the same files always give the same bytes, whoever packs them when."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as out:
        for path in sorted(files):
            about = zipfile.ZipInfo(path, _EPOCH)
            about.create_system, about.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            out.writestr(about, files[path])
    return made.getvalue()


def _of_folder(root: Path) -> Contents:
    files: dict[str, bytes] = {}
    strange: list[tuple[str, str]] = []
    total = 0
    for entry, path in _walk(root, ""):
        about = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(about.st_mode):
            strange.append((path, "an empty folder"))
            continue
        if not stat.S_ISREG(about.st_mode):
            strange.append((path, "a link" if stat.S_ISLNK(about.st_mode) else "no regular file"))
            continue
        total += about.st_size
        if total > _LARGEST or len(files) >= _MOST:
            raise InputError(
                f"{root} holds more than {_LARGEST:,} bytes or {_MOST:,} files: no evidence pack does"
            )
        there = os.open(entry.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(there, "rb") as file:
            files[path] = file.read()
    return Contents(files, tuple(strange))


def _walk(folder: Path, before: str) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Give every entry that is no folder with others in it, and its path."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            path = f"{before}{entry.name}"
            inner = list(_walk(Path(entry.path), f"{path}/")) if entry.is_dir(follow_symlinks=False) else []
            yield from inner or [(entry, path)]


def _of_archive(path: Path) -> Contents:
    data = read_bounded(path, _LARGEST, "evidence pack")
    files: dict[str, bytes] = {}
    strange: list[tuple[str, str]] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as held:
            entries = held.infolist()
            if len(entries) > _MOST or sum(one.file_size for one in entries) > len(data):
                raise InputError(f"{path} holds more than its size allows: no evidence pack is compressed")
            for one in entries:
                if (
                    not proper(one.filename)
                    or one.filename in files
                    or one.compress_type != zipfile.ZIP_STORED
                ):
                    strange.append((one.filename, "an entry that no pack has"))
                else:
                    files[one.filename] = held.read(one)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        if isinstance(error, InputError):
            raise
        if not data.startswith(b"PK") and not zipfile.is_zipfile(io.BytesIO(data)):
            raise InputError(f"{path} is no zip archive: give the folder or the .zip of a pack") from None
        return Contents(files, (*strange, (path.name, f"a damaged archive ({type(error).__name__})")))
    if not strange and archive(files) != data:
        strange.append((path.name, "an archive that auditkit did not write so: it was changed"))
    return Contents(files, tuple(strange))
