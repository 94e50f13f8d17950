"""Folder: where a trend lies, held by one run at a time, and what the last run left there."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from auditkit.monitoring.plan import MonitorPlan
    from auditkit.monitoring.state import State
    from auditkit.monitoring.times import Calendar

__all__ = ["FILES", "Before", "held_folder"]

FILES = {"page": "trend.html", "record": "trend.json", "table": "trend.csv", "state": "state.json"}
_LOCK = ".monitor.lock"
_LOOK = 0.5  # seconds
_SHOWN = 5


class Before:
    """The record of the last run, against which nothing may be lost without a word.

    Attributes
    ----------
    record : dict
        As ``trend.json`` held it; empty where there is none that can be read.
    """

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record

    def check_windows(self, plan: MonitorPlan, state: State, calendar: Calendar | None) -> None:
        """Refuse a log that no longer holds whole windows of the last run: their verdicts would be gone.

        Raises
        ------
        InputError
            Naming them.
        """
        said = self.record.get("plan") or {}
        same = {"every": plan.windows.every, "rows": plan.windows.rows, "zone": plan.log.zone}
        if any(said.get(key) != value for key, value in same.items()):
            return
        there = {window_label(key, plan, calendar) for key, one in state.windows.items() if one.rows}
        gone = [
            str(one["window"])
            for one in self.record.get("windows", [])
            if one["rows"] and one["window"] not in there
        ]
        if gone:
            raise InputError(
                f"the log no longer holds {len(gone):,} windows that the last run judged ({gone[0]} to {gone[-1]}), and it had to be read from the start: "
                "their verdicts would be lost. Put their rows back, or give another folder and keep this one"
            )

    def vanished(self, alarms: list[dict[str, Any]]) -> list[str]:
        """Return, in a sentence, the alarms of the last run that nobody answered for and that are none now."""
        now = {(one["chart"], one["window"]) for one in alarms}
        gone = [
            f"{one['chart']} in {one['window']}"
            for one in self.record.get("alarms", [])
            if not one["accepted"] and (one["chart"], one["window"]) not in now
        ]
        if not gone:
            return []
        more = f" and {len(gone) - _SHOWN:,} more" if len(gone) > _SHOWN else ""
        return [
            f"Alarms of the last run that nobody answered for are none now, since the log, its reference or the plan is another: {', '.join(gone[:_SHOWN])}{more}."
        ]


def window_label(key: int, plan: MonitorPlan, calendar: Calendar | None) -> str:
    """Return how a window is called."""
    return (
        calendar.label(key) if calendar is not None else f"rows {key * int(plan.windows.rows or 0) + 1:,} on"
    )


@contextmanager
def held_folder(out: Path, plan: Path) -> Iterator[Before]:
    """Make the folder if need be, and hold it against another run; one that holds the trend of another plan is refused.

    Raises
    ------
    InputError
        If it cannot be used, or another run holds it.
    """
    from filelock import FileLock, Timeout

    if out.exists() and not out.is_dir():
        raise InputError(f"--out takes a folder; {out} is a file")
    _read(out, plan)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / _LOCK)
        lock.acquire(timeout=_LOOK)
    except Timeout:
        raise InputError(
            f"another run of auditkit monitor writes to {str(out)!r}: wait until it has ended, or give another --out"
        ) from None
    except OSError as error:
        raise InputError(f"{out} cannot be written to: {error.strerror}") from None
    try:
        yield _read(out, plan)
    finally:
        lock.release()


def _read(out: Path, plan: Path) -> Before:
    before = out / FILES["record"]
    if not before.is_file():
        return Before({})
    try:
        said = json.loads(before.read_text("utf-8"))
    except ValueError:
        said = {}
    named = said.get("plan", {}).get("file") if isinstance(said, dict) else None
    if named != plan.name:
        raise InputError(
            f"{before} is of another plan ({named!r}, not {plan.name!r}): give --out another folder, or move that file away"
        )
    return Before(said)
