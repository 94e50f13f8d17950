"""Decisions: who decided what, when and why, in a chain to which entries are only added."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from auditkit.batch.keys import canonical
from auditkit.chain import START, link
from auditkit.errors import InputError, did_you_mean
from auditkit.incidents.clocks import MOMENTS
from auditkit.incidents.settings import read_settings
from auditkit.incidents.times import moment as read_moment
from auditkit.incidents.times import zone_of

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

__all__ = ["LOG", "Decision", "decide", "decisions"]

LOG = "decisions.jsonl"
LONGEST = 4_000
"""Characters of one text of an entry."""

_LARGEST = 16 * 2**20
_KEYS = {"seq", "time", "who", "decision", "why", "moment"}


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of the log.

    Attributes
    ----------
    seq : int
        Its place, from 1.
    time : str
        When it was taken, ISO 8601 with an offset, in the words of whoever wrote it down.
    who, decision, why : str
        By whom, what, and the reason.
    moment : str
        The moment it fixes, from which clocks run ("material"); mostly empty.
    digest : str
        Of this entry and all before it.
    """

    seq: int
    time: str
    who: str
    decision: str
    why: str
    moment: str
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def decide(
    folder: Path, *, who: str, decision: str, why: str, at: str | datetime | None = None, moment: str = ""
) -> Decision:
    """Add a decision to the log of an incident; it is on the disk when this returns.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the incident.
    who, decision, why : str
        By whom, what, and the reason.
    at : str or datetime, optional
        When; now when left out. Without an offset it is in the zone of the incident's settings.
    moment : str
        A moment that the decision fixes, from which clocks run; see `auditkit.incidents.clocks.MOMENTS`.

    Raises
    ------
    InputError
        If a text is empty or too long, a moment is not known or has no time zone, or the log was changed.
    OSError
        If it cannot be written.
    """
    from filelock import FileLock

    said = {"who": who, "decision": decision, "why": why}
    for name, text in said.items():
        if not text.strip() or len(text) > LONGEST:
            raise InputError(f"{name} needs words, {LONGEST:,} characters at most; got {len(text.strip()):,}")
    if moment and moment not in MOMENTS:
        raise InputError(f"no moment named {moment!r}.{did_you_mean(moment, MOMENTS)}")
    taken = datetime.now(UTC) if at is None else read_moment(at, _zone(folder), "--at")
    entry = {
        **{k: v.strip() for k, v in said.items()},
        "time": taken.isoformat(timespec="seconds"),
        "moment": moment,
    }
    with FileLock(folder / f".{LOG}.lock"):
        before = decisions(folder)
        body = {"seq": len(before) + 1, **entry}
        digest = link(before[-1].digest if before else START, canonical(body))
        _append(folder / LOG, canonical({**body, "digest": digest}) + "\n")
    return Decision(digest=digest, **body)  # type: ignore[arg-type]


def _zone(folder: Path) -> tzinfo | None:
    named = read_settings(folder).zone
    return zone_of(named) if named else None


def decisions(folder: Path) -> tuple[Decision, ...]:
    """Return the log of an incident, in order, its chain followed.

    Raises
    ------
    InputError
        Naming the first entry that was changed, dropped or added in between. Entries cut off at the end are not missed: write the last digest down
        elsewhere.
    """
    from auditkit.reading import read_bounded

    path = folder / LOG
    if not path.exists():
        return ()
    found: list[Decision] = []
    digest = START
    text = read_bounded(path, _LARGEST, "decision log").decode("utf-8", "replace")
    for at, line in enumerate(text.splitlines(), 1):
        one = _entry(line, at, path)
        digest = link(digest, canonical({key: getattr(one, key) for key in _KEYS}))
        if one.digest != digest or one.seq != at:
            raise InputError(
                f"{path}: entry {at} does not follow from those before it: it, or one before it, was changed, dropped or put in"
            )
        found.append(one)
    return tuple(found)


def _entry(line: str, at: int, path: Path) -> Decision:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    whole = isinstance(said, dict) and set(said) == _KEYS | {"digest"}
    if not whole or not all(isinstance(v, int if k == "seq" else str) for k, v in said.items()):
        raise InputError(
            f"{path}: line {at} is no entry of a decision log: it was changed, or cut while it was written"
        )
    return Decision(**said)


def _append(path: Path, line: str) -> None:
    there = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), 0o644)
    with os.fdopen(there, "ab") as file:
        file.write(line.encode())
        file.flush()
        os.fsync(file.fileno())
