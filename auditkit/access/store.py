"""Store: an evidence store held to its layout: every file that too many may read or change, with the line that mends it."""

from __future__ import annotations

import os
import re
import shlex
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.access.layout import FOLDERS, STORE, read_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditkit.access.layout import Folder, Store

__all__ = ["Deviation", "check"]

_KEY = (b"PRIVATE KEY-----", b"AGE-SECRET-KEY-")
_SECRET = re.compile(rb"[0-9a-fA-F]{32,64}\s*")  # of a restricted layer, or a token
_HEAD = 4_096  # bytes of a file that are looked at for a private key
_SETS = 0o6000
_PRIVATE = "holds a private key"


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
    unseen : bool
        Whether it only says that something could not be looked at.
    """

    path: str
    what: str
    mend: str
    unseen: bool = False


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
    try:
        found += [
            Deviation(name, "is in no folder of the layout: nothing says who may read it", "")
            for name in sorted(one.name for one in place.iterdir())
            if name not in names and name != STORE
        ]
    except OSError as error:
        found += [_unseen(".", error)]
    for folder in FOLDERS:
        expected = _Expected(
            folder, _gid_of(store, folder), store.groups.get(folder.group, ""), _uid(store.key_holder)
        )
        found += _of_folder(place, expected)
    told = {replace(one, path=one.path.encode("utf-8", "backslashreplace").decode()): None for one in found}
    return sorted(told, key=lambda one: (one.path, one.what))


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
    yield from _of_holder(".", place, about, _uid(store.key_holder))
    yield from _of_holder(STORE, place / STORE, (place / STORE).stat(), _uid(store.key_holder))
    for one in (place, place / STORE):
        if _has_acl(one):
            yield _acl(one.relative_to(place).as_posix(), one)
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
                yield Deviation("..", f"{one} can be changed by anybody, who may put another store in this place", f"chmod o-w {_quoted(one)}")  # fmt: skip


def _of_folder(place: Path, expected: _Expected) -> Iterator[Deviation]:
    top = place / expected.folder.name
    try:
        about = top.lstat()
    except OSError:
        yield Deviation(
            expected.folder.name, "is not there", f"mkdir -m {expected.folder.mode:o} {_quoted(top)}"
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
        except FileNotFoundError:
            continue  # it went while the check ran
        except OSError as error:
            yield _unseen(folder.relative_to(place).as_posix(), error)
            continue
        for one in below:
            if _is_folder(one):
                todo.append(Path(one.path))
            else:
                yield from _entry(place, Path(one.path), expected)


def _is_folder(one: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # what is so with it is told with the entry
        return one.is_dir(follow_symlinks=False)
    return False


def _unseen(short: str, error: OSError) -> Deviation:
    return Deviation(
        short, f"could not be looked at ({error.strerror}): run the check as its owner", "", unseen=True
    )


def _entry(place: Path, path: Path, expected: _Expected) -> Iterator[Deviation]:
    short = path.relative_to(place).as_posix()
    try:
        about = path.lstat()
    except FileNotFoundError:
        return  # it went while the check ran
    except OSError as error:
        yield _unseen(short, error)
        return
    if stat.S_ISLNK(about.st_mode):
        yield _link(place, path, short)
        return
    is_folder = stat.S_ISDIR(about.st_mode)
    if not is_folder and not stat.S_ISREG(about.st_mode):
        yield Deviation(short, "is a pipe, socket or device, which holds no evidence", f"rm {_quoted(path)}")
        return
    folder = expected.folder
    mode, most = stat.S_IMODE(about.st_mode), folder.mode if is_folder else folder.file_mode
    if folder.name == "keys" and path.suffix == ".pub" and not is_folder:
        most = 0o644
    if not is_folder and folder.name != "keys" and (kind := _key_in(path)):
        yield Deviation(
            short, f"{kind}, outside keys: make a new one, as others may have read this, and take it away", ""
        )
        if kind == _PRIVATE:
            return  # no mode would be right
    yield from _mode(short, path, mode, most, is_folder=is_folder, name=folder.name)
    yield from _owner(short, path, about, expected, is_folder=is_folder)
    if not is_folder and about.st_nlink > 1:
        yield Deviation(short, f"has {about.st_nlink} names: another may lie where more people reach it", f"find / -xdev -samefile {_quoted(path)}")  # fmt: skip
    if _has_acl(path):
        yield _acl(short, path)


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
    name = expected.folder.name
    if name in ("keys", "public", "review") or short == name:  # in the others a group writes
        yield from _of_holder(short, path, about, expected.holder)
    if name != "keys" and expected.gid is not None and about.st_gid != expected.gid:
        again = f" && {_chmod(expected.folder.mode, path)}" if is_folder else ""
        yield Deviation(short, f"is of another group than {expected.group}", f"chgrp {shlex.quote(expected.group)} {_quoted(path)}{again}")  # fmt: skip


def _of_holder(short: str, path: Path, about: os.stat_result, holder: int | None) -> Iterator[Deviation]:
    """Yield what is another's, who may change it and its mode; root may anyhow, but reads no key that way."""
    root = 0 if short.partition("/")[0] != "keys" else holder
    if holder is not None and about.st_uid not in (holder, root):
        yield Deviation(short, "is not the key holder's: whose it is may change it, and its mode", f"chown {holder} {_quoted(path)}")  # fmt: skip


def _acl(short: str, path: Path) -> Deviation:
    return Deviation(short, "has an access control list beside its mode, which may let others in", f"setfacl -b {_quoted(path)}")  # fmt: skip


def _link(place: Path, path: Path, short: str) -> Deviation:
    mend = f"rm {_quoted(path)}"
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


def _key_in(path: Path) -> str:
    """Return in words what key the beginning of a file is; empty for none. A pipe that took its place since is not waited for."""
    with suppress(OSError):
        place = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(place, "rb") as file:
            head = file.read(_HEAD) or b""
        if any(word in head for word in _KEY):
            return _PRIVATE
        if _SECRET.fullmatch(head):
            return "holds nothing but what looks like a key of a restricted layer or a token"
    return ""


def _has_acl(path: Path) -> bool:
    if not hasattr(os, "listxattr"):
        return False
    with suppress(OSError):
        return any(one.startswith("system.posix_acl") for one in os.listxattr(path, follow_symlinks=False))
    return False


def _chmod(mode: int, path: Path) -> str:
    return f"chmod {mode:04o} {_quoted(path)}"


def _quoted(path: Path) -> str:
    """Return a path as a shell takes it: escaped as in $'...' where it would steer a terminal, or is no text, so that the printed line is the one to run."""
    if str(path).isprintable():
        return shlex.quote(str(path))
    plain = frozenset(range(0x20, 0x7F)) - frozenset(b"'\\")
    return "$'" + "".join(chr(one) if one in plain else f"\\x{one:02x}" for one in os.fsencode(path)) + "'"


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
