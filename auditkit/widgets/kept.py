"""Kept: the checks of a run that ended already, and the report of them while the others still run."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from auditkit.audit import Audit, Completed, Finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditkit.evidence import Evidence
    from auditkit.report import Report
    from auditkit.targets import Target

__all__ = ["Kept"]

SHARE = 0.05  # of the time of a run that judging and showing it meanwhile may take
PAUSE = 0.5  # seconds between two reports, at least


class Kept:
    """What of a run ended so far.

    To judge and show all again takes time, so a report is due only after a pause twenty times as long as the last one took.

    Parameters
    ----------
    audit : Audit
        The plan of the run.
    subject : Subject or another Target
        What is audited.
    seed : int
        Root of all random numbers.
    before : iterable of Evidence
        What was measured before under the same settings; it stays until its check ended again.
    """

    def __init__(self, audit: Audit, subject: Target, seed: int, before: Iterable[Evidence]) -> None:
        self._audit, self._subject, self._seed = audit, subject, seed
        self._evidence = {e.check: e for e in before}
        self._timings: dict[str, float] = {}
        self._new, self._next = False, 0.0

    @property
    def ended(self) -> int:
        """How many checks of the run ended."""
        return len(self._timings)

    @property
    def due(self) -> bool:
        """Whether there is something new, and it is time to show it."""
        return self._new and time.monotonic() >= self._next

    def add(self, event: Finished) -> None:
        """Keep a check that ended."""
        self._evidence[event.evidence.check] = event.evidence
        self._timings[event.evidence.check] = round(event.seconds, 3)
        self._new = True

    def take(self) -> Report | None:
        """Return the report of all that is kept, judged together; None where nothing ended since the last."""
        if not self._new:
            return None
        self._new = False
        with self.clocked():
            events = self._audit.stream(
                self._subject, seed=self._seed, only=(), known=tuple(self._evidence.values())
            )
            report = next(event.report for event in events if isinstance(event, Completed))
        return replace(report, provenance={**report.provenance, "timings": dict(self._timings)})

    @contextmanager
    def clocked(self) -> Iterator[None]:
        """Count what is done within as a cost of showing."""
        clock = time.monotonic()
        yield
        now = time.monotonic()
        self._next = max(self._next, now + PAUSE) + (now - clock) / SHARE

    def done(self, total: int) -> str:
        """Return in words that a run of `total` checks came to its end, and how many of them broke."""
        broke = sum(self._evidence[code].outcome == "error" for code in self._timings)
        if total == 1:
            return f"Done: 1 check was run{', and ended in an error' if broke else ''}."
        return f"Done: {total} checks were run{f', {broke} of which ended in an error' if broke else ''}."

    def told(self, total: int) -> str:
        """Return in words what of a run of `total` checks is kept."""
        if not self.ended:
            return "No check had ended. What was measured before stands."
        return f"{self.ended} of {total} checks had ended and are kept. What was measured before stands."
