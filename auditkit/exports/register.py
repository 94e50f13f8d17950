"""Register: which models were audited, an entry an audit, in a file that is only added to and whose entries hold each other in a chain."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.chain import START, link
from auditkit.errors import InputError
from auditkit.files import write_whole
from auditkit.packing.manifest import canonical
from auditkit.shape import misfit, short

if TYPE_CHECKING:
    import os

__all__ = ["Register", "RegisterError", "append", "entry_schema", "read_register"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LARGEST = 500_000_000  # bytes of a register that are read
_WAIT = 10.0  # seconds for another writer


class RegisterError(InputError):
    """A register cannot be believed; the message says where it breaks."""


@dataclass(frozen=True)
class Register:
    """A register, verified.

    Attributes
    ----------
    path : pathlib.Path
        Its file.
    entries : tuple of dict
        In order, after `entry_schema`.
    digests : tuple of str
        Of each entry, with all before it. Whoever notes the last one elsewhere can tell later that nothing before it was changed.
    """

    path: Path
    entries: tuple[dict[str, Any], ...]
    digests: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Register({self.path.name}: {len(self.entries)} audits of {len({one['model']['name'] for one in self.entries})} models)"

    @property
    def digest(self) -> str:
        """Of the last entry, with all before it."""
        return self.digests[-1] if self.digests else START

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"entries": list(self.entries), "digest": self.digest}


@functools.cache
def entry_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of an entry."""
    text = (files("auditkit") / "schemas" / "register-entry-1.0.schema.json").read_text("utf-8")
    return dict(json.loads(text))


def read_register(path: str | os.PathLike[str], *, expect: str | None = None) -> Register:
    """Read a register and follow its chain.

    Parameters
    ----------
    path : path
        The file; beside it lies ``NAME.head``, which says how many entries there are and what the last digest is.
    expect : str, optional
        A digest that was noted before; it must be that of some entry.

    Raises
    ------
    RegisterError
        If an entry was changed, moved, dropped or cut off, or none has the digest that is expected.
    InputError
        If there is no such file, or what is expected is no digest.
    """
    file, noted = Path(path).resolve(), None if expect is None else expect.strip().lower()
    if noted is not None and not _DIGEST.fullmatch(noted):
        # an empty variable in a script must not read as "expect nothing"
        raise InputError(
            f"expected a digest of 64 hexadecimal digits, as auditkit register list prints it; got {expect!r}"
        )
    if not file.is_file() and not _head_of(file).is_file():
        raise InputError(f"no register at {path}: auditkit register add REPORT --to {path} begins one")
    found = _followed(file)
    if noted is not None and noted not in found.digests:
        raise _broken(
            file,
            f"no entry has the digest {short(noted)} that was noted: entries were changed, or this is another register",
        )
    return found


def append(path: str | os.PathLike[str], entry: dict[str, Any]) -> Register:
    """Add an entry, and return the register with it; a file that is not there is begun.

    Raises
    ------
    RegisterError
        If what is there cannot be believed: nothing is added to it.
    InputError
        If the folder is not there, the entry is not as `entry_schema` asks, its report is in the register already, or another process writes to it.
    """
    from filelock import FileLock, Timeout

    file = Path(path).resolve()
    if not file.parent.is_dir() or file.is_dir():
        why = f"{path} is a folder" if file.is_dir() else f"no folder {file.parent} to keep a register in"
        raise InputError(f"{why}: give a file in a folder that is there, such as register.jsonl")
    if wrong := misfit(entry, entry_schema()):
        raise ValueError(f"the entry does not fit the schema of a register: {wrong}")
    lock = FileLock(file.with_name(f".{file.name}.lock"))
    try:
        lock.acquire(timeout=_WAIT)
    except Timeout:
        raise InputError(f"another process writes to {file}: try again when it has ended") from None
    try:
        return _added(file, entry)
    finally:
        lock.release()


def _added(file: Path, entry: dict[str, Any]) -> Register:
    known = _followed(file)
    report = entry["audit"]["report"]
    for place, one in enumerate(known.entries, start=1):
        if one["audit"]["report"] == report:
            raise InputError(
                f"the report is in the register already, as entry {place}: nothing is added twice, and no entry is changed"
            )
    if not known.entries:
        # a process that is killed after its first entry must not leave one that no head speaks of
        write_whole(_head_of(file), canonical({"digest": START, "entries": 0}))
    digest = link(known.digest, _body(entry))
    before = file.read_bytes() if file.is_file() else b""
    write_whole(file, before + canonical({"digest": digest, "entry": entry}))
    made = Register(file, (*known.entries, entry), (*known.digests, digest))
    # a process that is killed before this leaves a head that is one entry behind, which is in order
    write_whole(_head_of(file), canonical({"digest": digest, "entries": len(made.entries)}))
    return made


def _body(entry: dict[str, Any]) -> str:
    return canonical(entry).decode()


def _head_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.head")


def _followed(file: Path) -> Register:
    """Return the register as it is now; an empty one where there is none."""
    head = _head(file)
    entries: list[dict[str, Any]] = []
    digests: list[str] = []
    for place, line in enumerate(_lines(file), start=1):
        entry, digest = _entry(file, place, line, digests[-1] if digests else START)
        entries.append(entry)
        digests.append(digest)
    if head is None:
        if entries:
            raise _broken(file, f"{_head_of(file).name} is missing, so that nobody can tell whether entries were cut off")  # fmt: skip
        return Register(file, (), ())
    count, last = head
    if count > len(entries):
        raise _broken(file, f"it ends at entry {len(entries)}, and {_head_of(file).name} speaks of {count}")
    if count and digests[count - 1] != last:
        raise _broken(file, f"{_head_of(file).name} names another entry {count}")
    return Register(file, tuple(entries), tuple(digests))


def _lines(file: Path) -> list[bytes]:
    if not file.is_file():
        return []
    if file.stat().st_size > _LARGEST:
        raise _broken(file, f"it is larger than {_LARGEST:,} bytes")
    text = file.read_bytes()
    if text and not text.endswith(b"\n"):
        raise _broken(file, "its last entry is not whole")
    return text.splitlines(keepends=True)


def _entry(file: Path, place: int, line: bytes, before: str) -> tuple[dict[str, Any], str]:
    try:
        said = json.loads(line)
        whole = isinstance(said, dict) and set(said) == {"digest", "entry"} and canonical(said) == line
    except (ValueError, RecursionError):
        whole = False
    if not whole or said["digest"] != link(before, _body(said["entry"])):
        raise _broken(file, f"entry {place} is not as it was written, or one before it was dropped")
    if wrong := misfit(said["entry"], entry_schema()):
        raise _broken(file, f"entry {place} is none that auditkit writes: {wrong}")
    return said["entry"], said["digest"]


def _head(file: Path) -> tuple[int, str] | None:
    try:
        text = _head_of(file).read_bytes()
        said = json.loads(text)
        if canonical(said) == text and set(said) == {"digest", "entries"}:
            count, digest = said["entries"], said["digest"]
            if type(count) is int and count >= 0 and isinstance(digest, str):
                return count, digest
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, RecursionError):
        pass
    raise _broken(file, f"{_head_of(file).name} is damaged")


def _broken(file: Path, why: str) -> RegisterError:
    return RegisterError(
        f"the register {file} cannot be believed: {why}. Put back a copy of it and of {_head_of(file).name}"
    )
