"""Standing: how a batch stands, what was accepted, and whether what it left is as it was written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from auditkit.batch.folder import existing_batch, in_use, locked_folder
from auditkit.batch.journal import Journal, JournalError, read_entries
from auditkit.batch.outcomes import ends
from auditkit.batch.pages import last_accepted
from auditkit.batch.planned import OF_AUDITS, UNPLANNED, planned
from auditkit.batch.store import Store
from auditkit.errors import InputError
from auditkit.judging import verdict_over
from auditkit.noting import logged_in

if TYPE_CHECKING:
    import os

    from auditkit.batch.journal import Entry
    from auditkit.batch.planned import Planned

__all__ = ["accept", "faults", "held", "standing"]

_OPEN = ("broke", "started", "not_run")


@dataclass(frozen=True, slots=True)
class _Stands:
    """How an audit stands: its verdict, "broke", "started" or "not_run"; what the entry says; whether it was started again beside a result."""

    word: str
    data: dict[str, Any]
    again: bool = False


def standing(out: str | os.PathLike[str], *, now: datetime | None = None) -> dict[str, Any]:
    """Return how the audits that the last run was asked for stand by the journal, as plain JSON. Nothing is written.

    Each stands as the result that holds says: the last one on its inputs of that run. Audits that the plan has no longer are not in it.

    Parameters
    ----------
    out : path
        The folder of the batch; one that runs now may be asked too.
    now : datetime.datetime, optional
        For the schedule, aware of its zone; the time when left out.

    Raises
    ------
    InputError
        If there is no batch, or its journal was changed.
    """
    folder = existing_batch(out)
    running = in_use(folder)  # before the journal is read: one that ends meanwhile is told with what it wrote
    entries = read_entries(folder)
    asked = planned(entries)
    found = _stands(asked, entries)
    verdicts = ["undecided" if one.word in _OPEN else one.word for one in found.values()]
    accepted, when = last_accepted(entries), asked.due(entries, now or datetime.now(UTC))
    return {
        "out": str(folder),
        "plan": asked.plan or None,
        "running": running,
        "entries": len(entries),
        "verdict": verdict_over(verdicts),  # type: ignore[arg-type]  # as the gate said of each
        "counts": dict(Counter(one.word for one in found.values())),
        "audits": [
            {"name": name, "outcome": one.word, "why": one.data.get("why", ""), "at": one.data.get("at", "")}
            for name, one in found.items()
        ],
        "again": [name for name, one in found.items() if one.again],
        "accepted": None if accepted is None else {k: accepted[k] for k in ("by", "at", "reason")},
        "due": None if when is None else when.due,
        "next": None if when is None else when.following.isoformat(timespec="seconds"),
        "schedule": None if asked.schedule is None else asked.schedule.words(),
        "remarks": [*([] if asked.told else [UNPLANNED]), *_not_as_written(Store(folder), found)],
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
        If there is no reason, nothing to accept, an audit of the plan has no outcome, or its result is not there as it was written.
    """
    if not reason.strip():
        raise InputError('say why it is accepted: --reason "reviewed by model risk, 3 open points known"')
    with locked_folder(existing_batch(out)) as folder, Journal(folder) as journal:
        found = _stands(planned(journal.entries), journal.entries)
        if not any(one.word not in ("started", "not_run") for one in found.values()):
            raise InputError(f"{folder}: no audit has an outcome yet; run the batch first")
        if going := [name for name, one in found.items() if one.word in ("started", "not_run")]:
            was = "was started and" if found[going[0]].word == "started" else "was not started and"
            more = f"; so have {len(going) - 1} more" if len(going) > 1 else ""
            raise InputError(f"{folder}: {going[0]!r} {was} has no outcome{more}: run the batch again first")
        if wrong := _not_as_written(Store(folder), found):
            raise InputError(f"{folder}: {wrong[0]}")
        said = {
            "by": by or logged_in(),
            "reason": reason,
            "audits": {name: one.word for name, one in found.items()},
            "not_met": {name: one.data["not_met"] for name, one in found.items() if one.data.get("not_met")},
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


def _not_as_written(store: Store, found: dict[str, _Stands]) -> list[str]:
    """Return which results that audits stand by are not there as the journal says; of each its list of files and its record are read."""
    wrong = [
        name
        for name, one in found.items()
        if "result" in one.data and not store.speaks(one.data["folder"], one.data["result"])
    ]
    if not wrong:
        return []
    more = f" and of {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return [
        f"the result of {wrong[0]!r}{more} is not as it was written: `auditkit verify` says in what, and the batch, run again, makes it anew"
    ]


def _stands(asked: Planned, entries: tuple[Entry, ...]) -> dict[str, _Stands]:
    """Return how each audit stands, in the order of the plan."""
    last: dict[tuple[str, str], Entry] = {}
    for one in entries:
        if one.kind in OF_AUDITS:
            last[one.data["name"], one.data["key"]] = one
    found = {}
    for name, entry in ends(asked.keys, entries).items():
        newest = last.get((name, asked.keys[name]))
        begun = newest is not None and newest.kind == "started"
        if entry is not None and not (begun and entry.kind == "broke"):
            word = entry.kind if entry.kind == "broke" else str(entry.data["verdict"])
            found[name] = _Stands(word, entry.data, begun)
        else:
            found[name] = _Stands("started" if begun else "not_run", newest.data if newest and begun else {})
    return found
