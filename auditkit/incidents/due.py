"""Due: what is to be told by when, seen from a moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from auditkit.errors import InputError, did_you_mean
from auditkit.incidents.clocks import CHECKED, MOMENTS, NEEDS, Clock, clocks, framework_name
from auditkit.incidents.times import ends, left, zone_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

__all__ = ["Due", "due_times"]

State = Literal["at once", "runs", "overdue", "told", "not started", "not the case", "not yet law"]


@dataclass(frozen=True, slots=True)
class Due:
    """One clock, seen from a moment.

    Attributes
    ----------
    clock : Clock
        Which.
    start : datetime or None
        The moment it runs from; None where that has not come.
    due : datetime or None
        When it ends; None where it has not started, or is at once.
    state : {"at once", "runs", "overdue", "told", "not started", "not the case", "not yet law"}
        How it stands. A clock of a law that did not apply on the day it would have started is "not yet law"; one that needs what the record
        says is not concerned, or in whose place a later moment sets another, is "not the case".
    words : str
        That in words.
    told : datetime or None
        When the notice was given, as far as that was said.
    """

    clock: Clock
    start: datetime | None
    due: datetime | None
    state: State
    words: str
    told: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        at = {key: getattr(self, key) for key in ("start", "due", "told")}
        moments = {key: None if value is None else value.isoformat() for key, value in at.items()}
        about = self.clock.to_dict() | {
            "framework_name": framework_name(self.clock.framework),
            "checked_words": CHECKED[self.clock.checked],
        }
        return {"clock": about, **moments, "state": self.state, "words": self.words}


def due_times(
    moments: Mapping[str, datetime],
    *,
    now: datetime,
    frameworks: tuple[str, ...] = (),
    told: Mapping[str, datetime] | None = None,
    holidays: Collection[date] = (),
    lacking: Collection[str] = (),
) -> tuple[Due, ...]:
    """Return how every clock stands.

    Parameters
    ----------
    moments : mapping of str to datetime
        The moments known, by a key of `auditkit.incidents.clocks.MOMENTS`; each with its time zone.
    now : datetime
        Seen from when.
    frameworks : tuple of str
        Only clocks of these; all when left out.
    told : mapping of str to datetime, optional
        When a notice was given, by the id of its clock. A clock that runs after it is counted from then.
    holidays : collection of date
        Left out of business days.
    lacking : collection of str
        What is not concerned, of `auditkit.incidents.clocks.NEEDS`.

    Raises
    ------
    InputError
        If a moment, a framework or a clock is not known, or a moment has no time zone.
    """
    given = dict(told or {})
    every = clocks()
    for what, names, known in (
        ("moment", moments, MOMENTS),
        ("clock", given, {one.id: one for one in every.clocks}),
    ):
        for name in names:
            if name not in known:
                raise InputError(f"no {what} named {name!r}.{did_you_mean(name, known)}")
    for name, at in {**moments, **given, "now": now}.items():
        if at.tzinfo is None:
            raise InputError(f"{name} must have a time zone; got {at.isoformat()}")
    wanted = {one.id for one in every.of(frameworks)}
    found: dict[str, Due] = {}
    notices = _notices(every.clocks, {name: at for name, at in given.items() if at <= now})
    for one in every.clocks:
        due = _due(one, _start(one, moments, notices, found), now, notices.get(one.id), holidays)
        due = _kept(due, moments)
        if (noted := given.get(one.id)) is not None and noted > now:
            words = f"{due.words}; a notice is noted for {_said(noted)}, which has not come: check it"
            due = replace(due, words=words)
        if one.needs in lacking and due.state in ("at once", "runs", "overdue", "not started"):
            due = replace(
                due, state="not the case", words=f"by the record no {NEEDS[one.needs]} are concerned"
            )
        found[one.id] = due
    return tuple(due for name, due in found.items() if name in wanted)


def _start(
    one: Clock, moments: Mapping[str, datetime], told: Mapping[str, datetime], found: Mapping[str, Due]
) -> datetime | None:
    if not one.after:
        return moments.get(one.start)
    if one.after in told:
        return told[one.after]
    before = [due for due in found.values() if one.after in (due.clock.id, due.clock.same)]
    ends_ = [due.due for due in before if due.due is not None and due.state != "not the case"]
    return min(ends_, default=found[one.after].due)


def _notices(every: Collection[Clock], told: Mapping[str, datetime]) -> dict[str, datetime]:
    """Return when each notice was given, by every clock that asks for it."""
    found = dict(told)
    for one in every:
        if one.same and (at := found.get(one.id) or found.get(one.same)):
            found.setdefault(one.id, at)
            found.setdefault(one.same, at)
    return found


def _kept(due: Due, moments: Mapping[str, datetime]) -> Due:
    """Return how a clock stands where a later moment, such as a late classification, sets another in its place."""
    later = moments.get(due.clock.unless)
    if later is None or due.due is None or later <= due.due:
        return due
    if due.told is not None:
        return replace(due, words=f"told {_said(due.told)}")
    if due.state not in ("runs", "overdue"):
        return due
    return replace(
        due,
        state="not the case",
        words=f"{MOMENTS[due.clock.unless]} only later, {_said(later)}: the clock from then counts",
    )


def _said(at: datetime) -> str:
    return at.isoformat(timespec="minutes")


def _due(
    one: Clock, start: datetime | None, now: datetime, told: datetime | None, holidays: Collection[date]
) -> Due:
    if start is not None and not one.after and start > now:
        return Due(
            one, None, None, "not started", f"the moment given, {_said(start)}, has not come: check it"
        )
    due = None
    if start is not None and one.count is not None and one.unit is not None:
        start = start.astimezone(zone_of(one.zone)) if one.zone else start
        closes = {} if one.closes is None else {"closes": one.closes}
        due = ends(start, one.count, one.unit, holidays, **closes)
    if told is not None:
        late = due is not None and told > due
        words = f"told {_said(told)}" + (
            f", {left(due, told).removesuffix(' overdue')} late" if late and due is not None else ""
        )
        return Due(one, start, due, "told", words, told)
    if start is None:
        since = f"{one.after} is given" if one.after else MOMENTS[one.start]
        return Due(one, None, None, "not started", f"runs from when {since}")
    if start.date() < (one.disputed or one.applies):
        return Due(one, start, due, "not yet law", f"applies from {one.applies.isoformat()}")
    doubt = f", if it applies already: some read from {one.disputed}, others from {one.applies}"
    doubt = doubt if start.date() < one.applies else ""
    if due is None:
        return Due(one, start, None, "at once", f"without undue delay{doubt}")
    return Due(one, start, due, "runs" if due >= now else "overdue", left(due, now) + doubt)
