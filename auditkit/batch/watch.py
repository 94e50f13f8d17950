"""Watch: what an audit takes, held against its limits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditkit.batch.plan import Limits

__all__ = ["Watch"]


class Watch:
    """Time by a clock that never steps, and resident memory of a process and all that came from it.

    Parameters
    ----------
    limits : Limits
        What it may take.

    Notes
    -----
    Memory is looked at as often as `over` is asked, some ten times a second: what is taken and given back between two looks is
    not seen. Pages that forked processes share count in each of them.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._began: float | None = None
        self.peak = 0

    def seconds(self) -> float:
        """Return how long it has run."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def begin(self) -> None:
        """Start the clock, if it does not run yet: before, the audit waits for its process."""
        self._began = time.monotonic() if self._began is None else self._began

    def over(self, pid: int | None) -> str:
        """Return in words which limit is passed; empty if none is."""
        seconds, memory = self._limits.seconds, self._limits.memory
        if seconds is not None and self.seconds() > seconds:
            return (
                f"it ran longer than its limit of {seconds:g} seconds: raise limits.seconds, or ask for less"
            )
        if pid is not None:
            self.peak = max(self.peak, _resident(pid))
        if memory is not None and self.peak > memory:
            return (
                f"its processes took {self.peak / 2**20:,.0f} MiB of memory, and its limit is {memory / 2**20:,.0f} MiB: "
                "raise limits.memory, or ask for less"
            )
        return ""


def _resident(pid: int) -> int:
    import psutil

    total = 0
    try:
        top = psutil.Process(pid)
        every = [top, *top.children(recursive=True)]
    except psutil.Error:
        return 0
    for one in every:
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue
    return total
