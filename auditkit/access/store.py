"""Store: an evidence store held to its layout: every file that too many may read or change, with the line that mends it."""

from __future__ import annotations

import os
import re
import shlex
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.access.layout import FOLDERS, STORE, read_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditkit.access.layout import Folder, Store

__all__ = ["Deviation", "check"]

_KEY = (b"PRIVATE KEY-----", b"AGE-SECRET-KEY-")
_SECRET = re.compile(rb"[0-9a-f]{64}\s*")  # of a restricted layer, or a token
_HEAD = 4_096  # bytes of a file that are looked at for a private key
_SETS = 0o6000


@dataclass(frozen=True, slots=True)
class Deviation:
    """What differs from the layout.

    Attributes
    ----------
    path : str
        Below the store.
    what : str
        What is so, and why it matters.
    mend : str
        The line that mends it, to be run by its owner or root; empty where a person has to decide.
    """

    path: str
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class _Expected:
    """What a folder asks of all in it, with names as numbers."""

    folder: Folder
    gid: int | None
    group: str
    holder: int | None


def check(root: str | os.PathLike[str]) -> list[Deviation]:
    """Hold a store to its layout, by what the file system tells of each file; nothing is changed.

    Parameters
    ----------
    root : path
        The store.

    Returns
    -------
    list of Deviation
        In the order of their paths.

    Raises
    ------
    InputError
        If it is no store.
    """
    store = read_store(root)
    place = store.root.resolve()
    found = [*_above(place), *_of_root(store, place)]
    names = {one.name for one in FOLDERS}
    found += [
        Deviation(name, "is in no folder of the layout: nothing says who may read it", "")
        for name in sorted(one.name for one in place.iterdir())
        if name not in names and name != STORE
    ]
    for folder in FOLDERS:
        expected = _Expected(
            folder, _gid_of(store, folder), store.groups.get(folder.group, ""), _uid(store.key_holder)
        )
        found += _of_folder(place, expected)
    return sorted(dict.fromkeys(found), key=lambda one: (one.path, one.what))


def _of_root(store: Store, place: Path) -> Iterator[Deviation]:
    if store.groups["auditors"] == store.groups["reviewers"]:
        yield Deviation(
            STORE, "auditors and reviewers are one group: a reviewer may change what they review", ""
        )
    about = place.stat()
    if about.st_mode & 0o022:
        yield Deviation(
            ".", "others than its owner may put folders of their own in its place", _chmod(0o755, place)
        )
    for role, name in store.groups.items():
        if _gid(name) is None:
            yield Deviation(STORE, f"the group {name} of the {role} does not exist on this machine", "")
    if _uid(store.key_holder) is None:
        yield Deviation(STORE, f"the key holder {store.key_holder} does not exist on this machine", "")
    file = (place / STORE).stat()
    if file.st_mode & 0o022:
        yield Deviation(
            STORE, "others than its owner may change who may do what", _chmod(0o644, place / STORE)
        )


def _above(place: Path) -> Iterator[Deviation]:
    """Yield folders above in which anybody may put another store in the place of this one."""
    for one in place.parents:
        with suppress(OSError):
            mode = one.stat().st_mode
            if mode & 0o002 and not mode & stat.S_ISVTX:
                yield Deviation("..", f"{one} can be changed by anybody, who may put another store in this place", f"chmod o-w {shlex.quote(str(one))}")  # fmt: skip


def _of_folder(place: Path, expected: _Expected) -> Iterator[Deviation]:
    top = place / expected.folder.name
    try:
        about = top.lstat()
    except OSError:
        yield Deviation(
            expected.folder.name, "is not there", f"mkdir -m {expected.folder.mode:o} {shlex.quote(str(top))}"
        )
        return
    if not stat.S_ISDIR(about.st_mode):
        yield Deviation(expected.folder.name, "is no folder: it leads elsewhere, or holds one file", "")
        return
    todo = [top]
    while todo:
        folder = todo.pop()
        yield from _entry(place, folder, expected)
        try:
            below = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            short = folder.relative_to(place).as_posix()
            yield Deviation(
                short, f"could not be looked into ({error.strerror}): run the check as its owner", ""
            )
            continue
        for one in below:
            if one.is_dir(follow_symlinks=False):
                todo.append(Path(one.path))
            else:
                yield from _entry(place, Path(one.path), expected)


def _entry(place: Path, path: Path, expected: _Expected) -> Iterator[Deviation]:
    about, short = path.lstat(), path.relative_to(place).as_posix()
    if stat.S_ISLNK(about.st_mode):
        yield _link(place, path, short)
        return
    is_folder = stat.S_ISDIR(about.st_mode)
    if not is_folder and not stat.S_ISREG(about.st_mode):
        yield Deviation(
            short, "is a pipe, socket or device, which holds no evidence", f"rm {shlex.quote(str(path))}"
        )
        return
    folder = expected.folder
    mode, most = stat.S_IMODE(about.st_mode), folder.mode if is_folder else folder.file_mode
    if folder.name == "keys" and path.suffix == ".pub" and not is_folder:
        most = 0o644
    if not is_folder and folder.name != "keys" and _holds_key(path):
        yield Deviation(
            short,
            "holds a private key or a token, outside keys: make a new one, as others may have read this",
            f"rm {shlex.quote(str(path))}",
        )
        return  # no mode would be right
    yield from _mode(short, path, mode, most, is_folder=is_folder, name=folder.name)
    yield from _owner(short, path, about, expected, is_folder=is_folder)
    if not is_folder and about.st_nlink > 1:
        yield Deviation(short, f"has {about.st_nlink} names: another may lie where more people reach it", f"find / -xdev -samefile {shlex.quote(str(path))}")  # fmt: skip
    if _has_acl(path):
        yield Deviation(short, "has an access control list beside its mode, which may let others in", f"setfacl -b {shlex.quote(str(path))}")  # fmt: skip


def _mode(short: str, path: Path, mode: int, most: int, *, is_folder: bool, name: str) -> Iterator[Deviation]:
    mend = _chmod(most, path)
    over = mode & ~most & 0o777
    who = {
        0o004: "read by anybody",
        0o002: "changed by anybody",
        0o040: "read by its group",
        0o020: "changed by its group",
    }
    told = [words for bit, words in who.items() if over & bit]
    if told:
        yield Deviation(
            short, f"can be {' and '.join(told)} (mode {mode:04o}, {name} allows {most:04o})", mend
        )
    elif over & 0o011 and (is_folder or over & 0o111):
        yield Deviation(short, f"can be {'entered' if is_folder else 'run'} by others (mode {mode:04o}, {name} allows {most:04o})", mend)  # fmt: skip
    if mode & _SETS & ~most:
        yield Deviation(short, f"runs, or makes files, with the rights of another (mode {mode:04o})", mend)
    if is_folder and most & stat.S_ISGID and not mode & stat.S_ISGID:
        yield Deviation(
            short, "does not hand its group on: files that are made in it belong to another (no setgid)", mend
        )
    lacks = most & ~mode & (0o055 if is_folder else 0o044)
    if lacks and name != "keys" and not told:
        yield Deviation(
            short, f"cannot be read by all who should (mode {mode:04o}, {name} gives {most:04o})", mend
        )


def _owner(
    short: str, path: Path, about: os.stat_result, expected: _Expected, *, is_folder: bool
) -> Iterator[Deviation]:
    if expected.folder.name == "keys":
        if expected.holder is not None and about.st_uid != expected.holder:
            yield Deviation(
                short, "is not the key holder's", f"chown {expected.holder} {shlex.quote(str(path))}"
            )
        return
    if expected.gid is not None and about.st_gid != expected.gid:
        again = f" && {_chmod(expected.folder.mode, path)}" if is_folder else ""
        yield Deviation(short, f"is of another group than {expected.group}", f"chgrp {shlex.quote(expected.group)} {shlex.quote(str(path))}{again}")  # fmt: skip


def _link(place: Path, path: Path, short: str) -> Deviation:
    mend = f"rm {shlex.quote(str(path))}"
    try:
        to = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return Deviation(short, "is a link to nothing: whoever makes that decides what is read here", mend)
    if not to.is_relative_to(place):
        return Deviation(short, "is a link that leads out of the store: what is there has other rights", mend)
    if to.relative_to(place).parts[:1] != path.relative_to(place).parts[:1]:
        return Deviation(
            short, "is a link into another folder of the store, which other people may read", mend
        )
    return Deviation(short, "is a link: copy the file, so that a pack can hold it", mend)


def _holds_key(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        head = file.read(_HEAD)
        return any(word in head for word in _KEY) or _SECRET.fullmatch(head) is not None
    return False


def _has_acl(path: Path) -> bool:
    if not hasattr(os, "listxattr"):
        return False
    with suppress(OSError):
        return any(one.startswith("system.posix_acl") for one in os.listxattr(path, follow_symlinks=False))
    return False


def _chmod(mode: int, path: Path) -> str:
    return f"chmod {mode:04o} {shlex.quote(str(path))}"


def _gid_of(store: Store, folder: Folder) -> int | None:
    return _gid(store.groups[folder.group]) if folder.group else None


def _gid(name: str) -> int | None:
    import grp

    with suppress(KeyError):
        return grp.getgrnam(name).gr_gid
    return None


def _uid(name: str) -> int | None:
    import pwd

    with suppress(KeyError):
        return pwd.getpwnam(name).pw_uid
    return int(name) if name.isdecimal() else None
