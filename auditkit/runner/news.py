"""News: what a running audit says of itself, one JSON line an event, from the kernel to whoever waits for it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from auditkit.audit import Completed, Finished, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from auditkit.audit import Event, Started

__all__ = ["News", "follow", "of_event", "tell"]


@dataclass(frozen=True, slots=True)
class News:
    """One event of an audit, in plain values.

    Attributes
    ----------
    kind : {"started", "progress", "finished", "completed"}
        What happened.
    index, total : int
        Place of the check in the plan, from 0, and the number of checks.
    code, title : str
        Which check; empty when all are done.
    fraction : float or None
        Done so far of this check, from 0 to 1, where it said so.
    what : str
        A few words: "refit 3 of 8", or how the check ended.
    name : str
        The check's name, as it is typed.
    numbers : int or None
        How many numbers a check that ended has measured.
    seconds : float or None
        How long a check that ended took.
    """

    kind: Literal["started", "progress", "finished", "completed"]
    index: int = 0
    total: int = 0
    code: str = ""
    title: str = ""
    fraction: float | None = None
    what: str = ""
    name: str = ""
    numbers: int | None = None
    seconds: float | None = None


def of_event(event: Event) -> News:
    """Return an event of `Audit.stream` as news."""
    if isinstance(event, Completed):
        return News("completed", what=event.report.verdict)
    about: dict[str, Any] = {
        "index": event.index,
        "total": event.total,
        "code": event.check.code,
        "title": event.check.title,
        "name": event.check.name,
    }
    return _of_check(event, about)


def _of_check(event: Started | Progress | Finished, about: dict[str, Any]) -> News:
    if isinstance(event, Progress):
        return News("progress", **about, fraction=event.fraction, what=event.what)
    if isinstance(event, Finished):
        found = event.evidence
        return News(
            "finished",
            **about,
            fraction=1.0,
            what=found.outcome,
            numbers=len(found.measurements),
            seconds=round(event.seconds, 3),
        )
    return News("started", **about)


def tell(path: Path, event: Event) -> None:
    """Append an event to a file of news."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(of_event(event))) + "\n")


def follow(path: Path) -> Iterator[tuple[News, ...]]:
    """Yield, each time it is asked, the news that came since; forever.

    Parameters
    ----------
    path : pathlib.Path
        A file that `tell` writes to; it need not be there yet.
    """
    at = 0
    while True:
        lines: list[bytes] = []
        if path.is_file():
            with path.open("rb") as file:
                file.seek(at)
                lines = [line for line in file if line.endswith(b"\n")]  # the last may be half-written
        at += sum(map(len, lines))
        yield tuple(News(**json.loads(line)) for line in lines)
