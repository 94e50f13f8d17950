"""Standing: how a batch stands, what was accepted, and whether what it left is as it was written."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from auditkit.batch.folder import existing_batch, locked_folder
from auditkit.batch.journal import Journal, JournalError, read_entries
from auditkit.batch.pages import last_accepted
from auditkit.batch.store import Store
from auditkit.errors import InputError
from auditkit.judging import verdict_over
from auditkit.noting import logged_in

if TYPE_CHECKING:
    import os

    from auditkit.batch.journal import Entry

__all__ = ["accept", "faults", "held", "standing"]


def standing(out: str | os.PathLike[str]) -> dict[str, Any]:
    """Return how the audits of a batch stand by its journal, as plain JSON. Nothing is written.

    Parameters
    ----------
    out : path
        The folder of the batch; one that runs now may be asked too.

    Raises
    ------
    InputError
        If there is no batch, or its journal was changed.
    """
    folder = existing_batch(out)
    entries = read_entries(folder)
    last = _last(entries)
    words = {name: _word(one) for name, one in last.items()}
    verdicts = ["undecided" if word in ("broke", "started") else word for word in words.values()]
    accepted = last_accepted(entries)
    return {
        "out": str(folder),
        "entries": len(entries),
        "verdict": verdict_over(verdicts),  # type: ignore[arg-type]  # as the gate said of each
        "counts": dict(Counter(words.values())),
        "audits": [
            {
                "name": name,
                "outcome": words[name],
                "why": one.data.get("why", ""),
                "at": one.data.get("at", ""),
            }
            for name, one in last.items()
        ],
        "accepted": None if accepted is None else {k: accepted[k] for k in ("by", "at", "reason")},
    }


def accept(out: str | os.PathLike[str], *, reason: str, by: str = "") -> dict[str, Any]:
    """Accept a batch as it stands: later ones are shown against it. No verdict changes by that.

    Parameters
    ----------
    out : path
        The folder of the batch.
    reason : str
        Why.
    by : str
        Who accepts it; whoever is logged in when left out.

    Raises
    ------
    InputError
        If there is no reason, nothing to accept, or an audit of it never ended.
    """
    if not reason.strip():
        raise InputError('say why it is accepted: --reason "reviewed by model risk, 3 open points known"')
    with locked_folder(existing_batch(out)) as folder, Journal(folder) as journal:
        last = _last(journal.entries)
        words = {name: _word(one) for name, one in last.items()}
        if not words:
            raise InputError(f"{folder}: no audit has an outcome yet; run the batch first")
        if going := [name for name, word in words.items() if word == "started"]:
            raise InputError(
                f"{folder}: {going[0]!r} was started and has no outcome: run the batch again first"
            )
        said = {
            "by": by or logged_in(),
            "reason": reason,
            "audits": words,
            "not_met": {name: one.data["not_met"] for name, one in last.items() if one.data.get("not_met")},
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        return journal.append("accepted", said).data


def faults(out: str | os.PathLike[str]) -> list[str]:
    """Return what is not as the batch left it, one sentence each: the journal, and every file of every result it speaks of.

    Raises
    ------
    InputError
        If there is no batch.
    """
    folder = existing_batch(out)
    try:
        entries = read_entries(folder)
    except JournalError as error:
        return [str(error)]
    store, found = Store(folder), []
    for name, digest in _results(entries).items():
        try:
            if store.digest(store.folder / name) != digest:
                found.append(f"{store.folder / name}: its list of files is not the one the journal names")
                continue
            store.read(store.folder / name)
        except OSError as error:
            found.append(f"{store.folder / name}: cannot be read: {error.strerror or error}")
        except InputError as error:
            found.append(str(error))
    return found


def held(out: str | os.PathLike[str]) -> int:
    """Return how many results the journal of a batch speaks of.

    Raises
    ------
    InputError
        If there is no batch, or its journal was changed.
    """
    return len(_results(read_entries(existing_batch(out))))


def _results(entries: tuple[Entry, ...]) -> dict[str, str]:
    """Return the folder of each result that was kept, and the digest of its list of files."""
    return {one.data["folder"]: one.data["result"] for one in entries if one.kind in ("done", "adopted")}


def _last(entries: tuple[Entry, ...]) -> dict[str, Entry]:
    """Return the last entry on each audit, in the order in which they came first."""
    found: dict[str, Entry] = {}
    for one in entries:
        if one.kind not in ("accepted", "finished"):
            found[one.data["name"]] = one
    return found


def _word(entry: Entry) -> str:
    return str(entry.data["verdict"]) if entry.kind in ("done", "adopted") else entry.kind
