"""Layout: the folders of an evidence store, and who may do what in each: public reader, auditor, reviewer, key holder."""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.errors import InputError, did_you_mean
from auditkit.files import write_whole
from auditkit.reading import toml_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DOES_NOT_PROTECT", "FOLDERS", "STORE", "Folder", "Store", "init", "read_store"]

STORE = "store.toml"
_GROUP = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@-]{0,63}\$?")

DOES_NOT_PROTECT = (
    "against root, or whoever administers the machine or the network file system: they read and change everything",
    "against the owner of a file, who may change its mode at any time",
    "backups and copies: what left the store has the rights of the place it went to",
    "against whoever reads a file while they may, and remembers it",
    "what is sent over a network, or a disk that is taken out: encrypt both, and seal restricted layers (auditkit pack make --restricted-key)",
    "that a file is what it was: signatures and digests show that (auditkit verify), modes do not",
)
"""What file modes do not protect."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the store.

    Attributes
    ----------
    name : str
        Below the store.
    what : str
        What lies in it, and for whom.
    group : str
        "auditors" or "reviewers"; empty where the group has no rights.
    mode, file_mode : int
        Of it and folders below, and the most that a file in it may have.
    """

    name: str
    what: str
    group: str
    mode: int
    file_mode: int


FOLDERS = (
    Folder("public", "public layers of packs and public keys, for anybody to read", "auditors", 0o2755, 0o644),
    Folder("restricted", "reports, snapshots and restricted layers, in which auditors work", "auditors", 0o2770, 0o660),
    Folder("review", "what an auditor puts before reviewers, who read it", "reviewers", 0o2750, 0o640),
    Folder("decisions", "decisions and signatures of reviewers", "reviewers", 0o2770, 0o660),
    Folder("keys", "private keys and keys of restricted layers, of their holder alone", "", 0o700, 0o600),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Store:
    """An evidence store.

    Attributes
    ----------
    root : pathlib.Path
        Where.
    groups : dict of str to str
        "auditors" and "reviewers" to groups of this machine.
    key_holder : str
        The user whose keys lie in it.
    """

    root: Path
    groups: Mapping[str, str]
    key_holder: str


def init(root: str | os.PathLike[str], *, auditors: str, reviewers: str) -> Store:
    """Make an evidence store: five folders with their groups and modes. The user who makes it holds the keys.

    Parameters
    ----------
    root : path
        A folder that is not there, or is empty.
    auditors, reviewers : str
        Groups of this machine that the user is in, so that no right of root is needed.

    Raises
    ------
    InputError
        If the folder holds something, a group does not exist, or the user is not in it.
    """
    place = Path(root)
    _needs_posix()
    groups = {"auditors": auditors, "reviewers": reviewers}
    ids = {role: _gid(name, role) for role, name in groups.items()}
    holder = _user(os.getuid())
    try:
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
        if any(place.iterdir()):
            raise InputError(f"{place} is not empty: give a folder that is not there yet")
        place.chmod(0o755)
        for folder in FOLDERS:
            made = place / folder.name
            made.mkdir(mode=0o700)
            if folder.group:
                os.chown(made, -1, ids[folder.group])
            made.chmod(folder.mode)  # after chown, which takes the setgid bit away
    except PermissionError as error:
        raise InputError(
            f"cannot make the store at {place}: {error.strerror}: the folder must be yours"
        ) from None
    except OSError as error:
        raise InputError(f"cannot make the store at {place}: {error.strerror}") from None
    said = [
        f"# An evidence store: who may do what. auditkit store check {json.dumps(place.name)} holds it to this."
    ]
    said += [f"{role} = {json.dumps(name)}" for role, name in groups.items()]
    said += [f"key_holder = {json.dumps(holder)}"]
    write_whole(place / STORE, ("\n".join(said) + "\n").encode()).chmod(0o644)
    return Store(place, groups, holder)


def read_store(root: str | os.PathLike[str]) -> Store:
    """Return an evidence store that was made before.

    Raises
    ------
    InputError
        If it is none, or its file names something else.
    """
    _needs_posix()
    place = Path(root)
    file = place / STORE
    if file.is_symlink() or not file.is_file():
        raise InputError(f"{place} is no evidence store: auditkit store init makes one")
    try:
        content = tomllib.loads(toml_text(file, "file of a store"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{file} is not TOML: {str(error)[:200]}") from None
    keys = ("auditors", "reviewers", "key_holder")
    for key in content:
        if key not in keys:
            raise InputError(f"{file}: no key {key[:40]!r} is known.{did_you_mean(key[:40], keys)}")
    for key in keys:
        if not isinstance(content.get(key), str) or not _GROUP.fullmatch(content[key]):
            raise InputError(
                f"{file}: expected {key} = a name of a {'user' if key == 'key_holder' else 'group'}"
            )
    return Store(place, {key: content[key] for key in keys[:2]}, content["key_holder"])


def _gid(name: str, role: str) -> int:
    import grp

    own = {os.getegid(), *os.getgroups()}
    try:
        found = grp.getgrnam(name).gr_gid
    except KeyError:
        found = -1
    if found < 0 or (found not in own and os.geteuid() != 0):
        mine = ", ".join(sorted(filter(None, map(_group_name, own))))
        why = "is not one that you are in" if found >= 0 else "does not exist on this machine"
        raise InputError(f"the group {name!r} for the {role} {why}. Yours: {mine}")
    return found


def _group_name(gid: int) -> str:
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return ""


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _needs_posix() -> None:
    if os.name != "posix":
        raise InputError("an evidence store rests on POSIX modes and groups, which this system does not have")
