"""Journaled: one side of a comparison that is the folder of a batch: the results that hold, as its journal names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditkit.batch.journal import JOURNAL, read_entries
from auditkit.batch.outcomes import ends
from auditkit.batch.planned import UNPLANNED, planned
from auditkit.batch.store import Store
from auditkit.render.text import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from auditkit.batch.journal import Entry

__all__ = ["Current", "current", "is_batch"]

_NAMED = 20


class Current:
    """What holds in a batch.

    Attributes
    ----------
    reports : dict
        The path of the report of each audit of the plan, by its name.
    older : dict
        How many results of other inputs the folder keeps of an audit.
    lost : dict
        Why an audit of the plan has no report, by its name.
    remarks : list of str
        What else is to be said, without which side it is of.
    """

    def __init__(self) -> None:
        self.reports: dict[str, Path] = {}
        self.older: dict[str, int] = {}
        self.lost: dict[str, str] = {}
        self.remarks: list[str] = []


def is_batch(folder: Path) -> bool:
    """Whether a journal is there."""
    return any((folder / name).is_file() for name in (JOURNAL, "journal.head"))


def current(folder: Path) -> Current:
    """Return what holds of the audits that the last run of a batch was asked for.

    Raises
    ------
    InputError
        If its journal was changed.
    """
    entries = read_entries(folder)
    asked, store, found = planned(entries), Store(folder), Current()
    kept = {one.data["folder"]: one.data["name"] for one in entries if one.kind in ("done", "adopted")}
    begun = {(e.data["name"], e.data["key"]) for e in entries if e.kind == "started"}
    used = set()
    for name, entry in ends(asked.keys, entries).items():
        if entry is None:
            was = (name, asked.keys[name]) in begun
            found.lost[name] = "it was started and has no outcome" if was else "it was not run"
        elif entry.kind == "broke":
            found.lost[name] = f"it broke: {one_line(entry.data['why'])}"
        elif not _whole(store, entry):
            found.lost[name] = "its result is gone or not as it was written; run the batch again"
        else:
            found.reports[name] = store.folder / entry.data["folder"] / "report.json"
        if entry is not None and entry.kind != "broke":
            used.add(entry.data["folder"])
        found.older[name] = sum(one == name for place, one in kept.items() if place not in used)
    dropped = dict.fromkeys(
        name for place, name in kept.items() if place not in used and name not in asked.keys
    )
    if dropped:
        more = f" and {len(dropped) - _NAMED} more" if len(dropped) > _NAMED else ""
        found.remarks.append(
            f"has results of audits that its plan asks for no longer, which are not compared: {', '.join(list(dropped)[:_NAMED])}{more}"
        )
    if not asked.told:
        found.remarks.append(f"is of an earlier auditkit: {UNPLANNED}")
    return found


def _whole(store: Store, entry: Entry) -> bool:
    try:
        return store.whole(store.folder / entry.data["folder"], entry.data["result"])
    except OSError:
        return False
