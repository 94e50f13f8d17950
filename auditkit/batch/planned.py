"""Planned: what a batch was asked for last, as its journal has it: the key of each audit, and when the plan is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from auditkit.batch.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditkit.batch.journal import Entry, Journal
    from auditkit.batch.plan import Plan
    from auditkit.batch.schedule import Standing

__all__ = ["OF_AUDITS", "UNPLANNED", "Planned", "last_run", "note", "planned"]

OF_AUDITS = ("started", "done", "adopted", "broke")
"""Kinds of entries that name an audit."""
UNPLANNED = (
    "its journal does not say which audits the last run was asked for: each stands as it was last seen, also on other inputs and where the plan "
    "has it no longer; run the batch again to know"
)


@dataclass(frozen=True, slots=True)
class Planned:
    """What the last run was asked for.

    Attributes
    ----------
    plan : str
        The name of the plan; empty where the journal does not say.
    keys : dict
        The key of each audit by its name, in the order of the plan.
    schedule : Schedule or None
        When the plan is due, where it said so.
    told : bool
        Whether the journal says what was asked for. One of an earlier auditkit does not: then `keys` are those each name had last.
    """

    plan: str
    keys: dict[str, str]
    schedule: Schedule | None = None
    told: bool = True

    def due(self, entries: Iterable[Entry], now: datetime) -> Standing | None:
        """Return how the schedule stands; None without one."""
        if self.schedule is None:
            return None
        last = last_run(entries, self.plan)
        return self.schedule.standing(None if last is None else datetime.fromisoformat(last["began"]), now)


def note(journal: Journal, plan: Plan, keys: Mapping[str, str]) -> None:
    """Say in the journal what a run is asked for; nothing is added where the entry before says the same."""
    said = {
        "plan": plan.name,
        "audits": [[one.name, keys[one.name]] for one in plan.audits],
        "schedule": None if plan.schedule is None else _plain(plan.schedule),
    }
    before = next((one.data for one in reversed(journal.entries) if one.kind == "planned"), {})
    if any(before.get(name) != value for name, value in said.items()):
        journal.append("planned", {**said, "at": datetime.now(UTC).isoformat(timespec="seconds")})


def planned(entries: Iterable[Entry]) -> Planned:
    """Return what the last run was asked for."""
    every = tuple(entries)
    said = next((one.data for one in reversed(every) if one.kind == "planned"), None)
    if said is not None:
        when = said.get("schedule")
        return Planned(said["plan"], dict(said["audits"]), None if when is None else _schedule(when))
    keys: dict[str, str] = {}
    for one in every:
        if one.kind in OF_AUDITS:
            keys[one.data["name"]] = one.data["key"]
    return Planned("", keys, told=False)


def last_run(entries: Iterable[Entry], plan: str) -> dict[str, Any] | None:
    """Return the last run of a plan that came to its end: the last in the journal, whatever the clocks said."""
    return next(
        (e.data for e in reversed(tuple(entries)) if e.kind == "finished" and e.data["plan"] == plan), None
    )


def _plain(one: Schedule) -> dict[str, Any]:
    return {
        "count": one.count, "unit": one.unit, "at": one.at.isoformat(), "since": one.since.isoformat(), "zone": one.zone,
    }  # fmt: skip


def _schedule(said: Mapping[str, Any]) -> Schedule:
    return Schedule(
        said["count"],
        said["unit"],
        time.fromisoformat(said["at"]),
        date.fromisoformat(said["since"]),
        said["zone"],
    )
