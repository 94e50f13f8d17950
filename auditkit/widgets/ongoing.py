"""Ongoing: what takes a while, in a thread, says how far it is, and can be cancelled; without a line about how it looks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from traitlets import Enum, Float, HasTraits, Unicode

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BUSY", "STATES", "Ongoing"]

BUSY = ("running", "stopping")
STATES = ("idle", *BUSY, "done", "cancelled", "failed")


class Ongoing(HasTraits):
    """One thing at a time that is done in a thread.

    A subclass begins by `_begin`, looks whether it is asked to stop, and comes to its end by `_end`, whatever happened.

    Attributes
    ----------
    state : {"idle", "running", "stopping", "done", "cancelled", "failed"}
        What it is doing.
    fraction : float
        How much is done, 0 to 1.
    message : str
        A sentence on the state; when it failed, why.
    """

    state = Enum(STATES, default_value="idle")
    fraction = Float(0.0)
    message = Unicode()
    stopping = "Stopping at the next step"
    """What is said once it was asked to stop."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._turn = threading.RLock()  # cancelling and ending must not cross
        self._over = False  # whether it came to its end, of which observers may still be told

    @property
    def busy(self) -> bool:
        """Whether it is at work."""
        return self.state in BUSY

    def cancel(self) -> None:
        """Ask it to stop at its next step; what came to its end stays ended, however long its pictures take."""
        with self._turn:
            if self.state == "running" and not self._over:
                self.message, self.state = self.stopping, "stopping"
                self._stop.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing runs; return whether that came to be in time."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.busy

    def _begin(self, work: Callable[[threading.Event], None], name: str) -> None:
        """Do something in a thread of this name; it is given what is set once it is to stop."""
        self._stop, self._over = threading.Event(), False
        self.fraction, self.message, self.state = 0.0, "Starting", "running"
        self._thread = threading.Thread(target=work, args=(self._stop,), name=name, daemon=True)
        self._thread.start()

    def _say(self, fraction: float, message: str) -> None:
        """Say how far it is, never less far than before; nothing once it was asked to stop."""
        with self._turn:
            if self.state == "running":
                self.fraction = max(self.fraction, min(1.0, fraction))
                self.message = message or self.message

    def _end(self, state: str, message: str) -> None:
        with self._turn:
            self._over = True
        # told outside: observers may draw for a while, and nobody who cancels shall wait for them
        self.message, self.state = message, state
