"""Store: the results of a batch, each a folder that appears whole, named by what it is the result of."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from auditkit.batch.keys import SHORT, canonical
from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ANSWERS", "RESULT", "Store"]

RESULT = "result.json"
REPORT = "report.json"
ANSWERS = "report.answers.npz"
"""What the model said of single records; for the owner of the folder alone."""

_UNFINISHED = ".unfinished-"


class Store:
    """The folder ``results`` of a batch.

    Parameters
    ----------
    out : pathlib.Path
        The folder of the batch, whose lock the caller holds.

    Notes
    -----
    An audit is run in a folder of its own beside the results. When it is complete its files are listed with their digests in
    ``result.json``, all are synced, and the folder is renamed. So what has a name is whole.
    """

    def __init__(self, out: Path) -> None:
        self.folder = out / "results"

    def path(self, name: str, key: str) -> Path:
        """Return where the result of an audit is, or is to be."""
        return self.folder / f"{name}-{key[:SHORT]}"

    def unfinished(self) -> Path:
        """Make a folder for an audit that starts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        made = self.folder / f"{_UNFINISHED}{secrets.token_hex(6)}"
        made.mkdir()
        return made

    def keep(self, folder: Path, about: dict[str, Any]) -> tuple[Path, str]:
        """Give a complete folder its name; return the path, and the digest of its ``result.json``.

        What stood there before is replaced: it was the result of the same key.
        """
        if (folder / ANSWERS).is_file():
            (folder / ANSWERS).chmod(0o600)  # it may have come over a network
        files = {
            one.relative_to(folder).as_posix(): _digest(one) for one in _files(folder) if one.name != RESULT
        }
        text = (canonical({**about, "files": files}) + "\n").encode()
        with (folder / RESULT).open("wb") as file:
            file.write(text)
        for one in [*_files(folder), folder]:
            _sync(one)
        target = self.path(about["name"], about["key"])
        if target.exists():
            target.rename(self.folder / f"{_UNFINISHED}{secrets.token_hex(6)}")
        folder.rename(target)
        _sync(self.folder)
        return target, hashlib.sha256(text).hexdigest()

    def drop(self, folder: Path) -> None:
        """Remove the folder of an audit that broke."""
        shutil.rmtree(folder, ignore_errors=True)

    def read(self, folder: Path) -> dict[str, Any]:
        """Return what ``result.json`` says, after holding every file against its digest.

        Raises
        ------
        InputError
            If a file is missing, was changed or was added.
        """
        try:
            said: dict[str, Any] = json.loads((folder / RESULT).read_bytes())
            listed = dict(said["files"])
            there = {one.relative_to(folder).as_posix() for one in _files(folder)} - {RESULT}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder}: its {RESULT} cannot be read: {error}") from None
        for name in sorted(there ^ set(listed)):
            raise InputError(f"{folder}: {name} is {'missing' if name in listed else 'not of the result'}")
        for name, digest in listed.items():
            if _digest(folder / name) != digest:
                raise InputError(f"{folder}: {name} was changed after it was written")
        return said

    def whole(self, folder: Path, digest: str, *, answers: bool = False) -> bool:
        """Whether a result is the one of a digest, and its files are as they were written; what a reader added does not count.

        With `answers` it must hold those of single records too, or say why there are none.

        Raises
        ------
        OSError
            If a file cannot be read.
        """
        text = (folder / RESULT).read_bytes()
        if hashlib.sha256(text).hexdigest() != digest:
            return False
        listed = json.loads(text)["files"]
        whole = all(_digest(folder / name) == one for name, one in listed.items())
        return whole and (not answers or ANSWERS in listed or _has_none(folder))

    def speaks(self, name: str, digest: str) -> bool:
        """Whether a result's list of files is the one of a digest, and its record is as that lists it; its other files are not read."""
        folder = self.folder / name
        try:
            text = (folder / RESULT).read_bytes()
            listed = json.loads(text)["files"]
            return hashlib.sha256(text).hexdigest() == digest and listed[REPORT] == _digest(folder / REPORT)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def holds_answers(self, name: str) -> bool:
        """Whether a result holds the answers of single records, or says why there are none: another run would not give them."""
        try:
            return (self.folder / name / ANSWERS).is_file() or _has_none(self.folder / name)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False  # it is not whole, and is run again

    def digest(self, folder: Path) -> str:
        """Return the digest of a result's ``result.json``."""
        return _digest(folder / RESULT)

    def complete(self) -> Iterator[Path]:
        """Yield the folders that have a name."""
        if self.folder.is_dir():
            yield from sorted(
                one
                for one in self.folder.iterdir()
                if one.is_dir() and not one.name.startswith(".") and (one / RESULT).is_file()
            )

    def sweep(self) -> int:
        """Remove the folders of audits that did not end; return how many."""
        stale = [one for one in self.folder.glob(f"{_UNFINISHED}*") if one.is_dir() and not one.is_symlink()]
        for one in stale:
            shutil.rmtree(one, ignore_errors=True)
        return len(stale)


def _files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    if path.is_dir() and os.name != "posix":
        return  # only POSIX opens a folder to sync it
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _has_none(folder: Path) -> bool:
    """Whether the report of a result says why there are no answers of single records: another run would not give them."""
    about = json.loads((folder / REPORT).read_text("utf-8"))["provenance"].get("answers") or {}
    return "reason" in about
