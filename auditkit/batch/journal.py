"""Journal: what happened in a batch, in order, in a chain that shows any entry that was changed, dropped or cut off."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from auditkit.batch.keys import canonical
from auditkit.errors import InputError
from auditkit.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["JOURNAL", "START", "Entry", "Journal", "JournalError", "link", "read_entries"]

JOURNAL, _HEAD = "journal.sqlite", "journal.head"
START = "0" * 64
_LOOKS, _PAUSE = 50, 0.02
_TABLE = "CREATE TABLE IF NOT EXISTS entries (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, digest TEXT NOT NULL) STRICT"


class JournalError(InputError):
    """The journal of a batch cannot be believed; the message says where it breaks and what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    Attributes
    ----------
    seq : int
        Its place, from 1.
    kind : str
        "planned", "started", "done", "broke", "adopted", "accepted", "finished".
    data : dict
        Plain JSON.
    """

    seq: int
    kind: str
    data: dict[str, Any]


class Journal:
    """An open journal; one writer at a time, which the folder's lock sees to.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the batch.

    Raises
    ------
    JournalError
        If what is there was cut, changed, or is no journal.
    OSError
        If it cannot be opened or written to.

    Notes
    -----
    Each entry is one transaction in SQLite (write-ahead log, full sync). Its digest is the SHA-256 of the digest before and of the entry as
    canonical JSON. The file ``journal.head`` holds the last place and digest, so that entries cut off at the end are missed; after an orderly end it
    holds the digest of the whole file as well. A process killed between the two leaves a head that is one entry behind, which is in order.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        entries, head = _verified(folder)
        self._entries = entries
        self._seq, self._digest = head
        try:
            self._db = sqlite3.connect(folder / JOURNAL, isolation_level=None)
        except sqlite3.Error as error:  # a path of some 500 characters and more, to name one reason
            raise OSError(
                f"cannot open the journal {folder / JOURNAL}: {error}; give a shorter --out"
            ) from None
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_TABLE)
            self._write_head()
        except sqlite3.Error as error:
            self._db.close()
            raise _broken(folder, str(error)) from None
        except OSError:
            self._db.close()
            raise

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, in order."""
        return tuple(self._entries)

    def append(self, kind: str, data: dict[str, Any]) -> Entry:
        """Add an entry; it is on the disk when this returns.

        Raises
        ------
        OSError
            If it cannot be written; the journal is as it was.
        """
        body = canonical({"kind": kind, "data": data})
        digest = link(self._digest, body)
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT INTO entries VALUES (?, ?, ?)", (self._seq + 1, body, digest))
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise OSError(f"cannot write to the journal {self._folder / JOURNAL}: {error}") from None
        self._seq, self._digest = self._seq + 1, digest
        entry = Entry(self._seq, kind, json.loads(body)["data"])
        self._entries.append(entry)
        self._write_head()
        return entry

    def close(self) -> None:
        """Fold the log into the file, and note the digest of all of it."""
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()
        if not _logged(self._folder):
            with suppress(OSError, JournalError):
                self._write_head(whole=_file_digest(self._folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write_head(self, whole: str = "") -> None:
        said = {"seq": self._seq, "digest": self._digest, **({"file": whole} if whole else {})}
        write_whole(self._folder / _HEAD, (canonical(said) + "\n").encode())


def read_entries(folder: Path) -> tuple[Entry, ...]:
    """Return the entries of a journal, verified; nothing is written. None where no batch was run.

    Raises
    ------
    JournalError
        As `Journal`.
    """
    return tuple(_verified(folder)[0])


def _verified(folder: Path) -> tuple[list[Entry], tuple[int, str]]:
    """Return the entries and the end of the chain, after following all of it.

    The head and the database are two files, which a writer moves one after the other. So what does not fit is looked at again where
    one of them moved meanwhile: what was cut or changed stays as it is.
    """
    for _ in range(_LOOKS):
        before = _moved(folder)
        try:
            return _followed(folder)
        except JournalError:
            if _moved(folder) == before:
                raise
        time.sleep(_PAUSE)
    return _followed(folder)


def _moved(folder: Path) -> list[tuple[int, int, int] | None]:
    """Return what tells a file that was written to meanwhile."""
    found: list[tuple[int, int, int] | None] = []
    for name in (_HEAD, JOURNAL, f"{JOURNAL}-wal"):
        try:
            stat = (folder / name).stat()
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
        except OSError:
            found.append(None)
    return found


def _followed(folder: Path) -> tuple[list[Entry], tuple[int, str]]:
    """Return the entries and the end of the chain, as both files are now; the head first, since a writer moves it last."""
    head, file = _head(folder), folder / JOURNAL
    if not file.exists():
        if head is not None and head["seq"]:
            raise _broken(folder, f"it is missing, and {_HEAD} speaks of {head['seq']} entries")
        return [], (0, START)
    whole = None if head is None else head.get("file")
    if whole and not _logged(folder) and whole != _file_digest(folder):
        raise _broken(folder, "its bytes are not those that the last batch left")
    seq, digest, entries, met = 0, START, [], head is None or head["seq"] == 0
    for place, body, linked in _rows(folder):
        seq += 1
        if place != seq or not isinstance(body, str) or linked != link(digest, body):
            raise _broken(folder, f"entry {seq} is not as it was written")
        digest = linked
        entries.append(_entry(folder, seq, body))
        if head is not None and head["seq"] == seq:
            if head["digest"] != digest:
                raise _broken(folder, f"{_HEAD} names another entry {seq}")
            met = True
    if not met:
        raise _broken(folder, f"it ends at entry {seq}, and {_HEAD} speaks of {head['seq'] if head else 0}")
    if head is None and entries:
        raise _broken(folder, f"{_HEAD} is missing, so that nobody can tell whether entries were cut off")
    return entries, (seq, digest)


def _rows(folder: Path) -> Iterator[tuple[Any, Any, Any]]:
    # without a log nobody writes, and a plain reader would leave files of its own behind
    how = "mode=ro" if _logged(folder) else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{(folder / JOURNAL).absolute().as_uri()}?{how}", uri=True)) as db:
            if not db.execute("SELECT name FROM sqlite_master WHERE name = 'entries'").fetchone():
                return
            found = db.execute("PRAGMA integrity_check").fetchone()[0]
            if found != "ok":
                raise _broken(folder, str(found).splitlines()[0])
            yield from db.execute("SELECT seq, body, digest FROM entries ORDER BY seq")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _broken(folder, str(error)) from None


def _logged(folder: Path) -> bool:
    """Whether entries are in the log beside the database; whoever writes can remove it at any moment."""
    try:
        return (folder / f"{JOURNAL}-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


def _head(folder: Path) -> dict[str, Any] | None:
    try:
        text = (folder / _HEAD).read_bytes()
        said = json.loads(text)
        whole = set(said) <= {"seq", "digest", "file"} and text == (canonical(said) + "\n").encode()
        if whole and isinstance(said["seq"], int) and isinstance(said["digest"], str):
            return dict(said)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _broken(folder, f"{_HEAD} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise _broken(folder, f"{_HEAD} is damaged")


def _entry(folder: Path, seq: int, body: str) -> Entry:
    try:
        said = json.loads(body)
        return Entry(seq, str(said["kind"]), dict(said["data"]))
    except (ValueError, KeyError, TypeError):
        raise _broken(folder, f"entry {seq} cannot be read") from None


def link(before: str, body: str) -> str:
    """Return the digest of an entry in a chain: of the digest before and the entry in canonical form."""
    return hashlib.sha256(f"{before}\n{body}".encode()).hexdigest()


def _file_digest(folder: Path) -> str:
    try:
        with (folder / JOURNAL).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _broken(folder, f"it cannot be read: {error.strerror or error}") from None


def _broken(folder: Path, why: str) -> JournalError:
    return JournalError(
        f"the journal {folder / JOURNAL} cannot be believed: {why}. The results beside it are left as they are; "
        f"put back a copy of {JOURNAL} and {_HEAD}, or give another --out"
    )
