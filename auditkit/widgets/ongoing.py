"""Ongoing: what takes a while, in a thread, says how far it is, and can be cancelled; without a line about how it looks."""

from __future__ import annotations

import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from traitlets import All, Enum, EventHandler, Float, HasTraits, Unicode

from auditkit.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BUSY", "STATES", "Ongoing"]

BUSY = ("running", "stopping")
STATES = ("idle", *BUSY, "done", "cancelled", "failed")


@dataclass(frozen=True, slots=True)
class _Apart:
    """Who listens, kept apart from the work and from the others who listen: what goes wrong in drawing is shown, and stops neither."""

    handler: Callable[[Any], Any]

    def __call__(self, change: Any) -> None:
        try:
            self.handler(change)
        except Exception:  # noqa: BLE001 - of whoever listens, in any way
            traceback.print_exc()  # a kernel shows it beneath the cell


class Ongoing(HasTraits):
    """One thing at a time that is done in a thread.

    A subclass begins by `_begin` with what is to be done, which looks whether it is asked to stop; it comes to its end whatever happened.
    An error of an observer is printed with its traceback, and changes no state.

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

    def observe(self, handler: Any, names: Any = All, type: Any = "change") -> None:  # noqa: A002 - as traitlets has it
        """Call a handler after each change, as traitlets does; an error of the handler is shown, and the others hear it all the same."""
        super().observe(_apart(handler), names, type)

    def unobserve(self, handler: Any, names: Any = All, type: Any = "change") -> None:  # noqa: A002 - as traitlets has it
        """Call a handler no longer."""
        super().unobserve(_apart(handler), names, type)

    @property
    def busy(self) -> bool:
        """Whether it is at work."""
        return self.state in BUSY

    def cancel(self) -> None:
        """Ask it to stop at its next step; what came to its end stays ended, however long its pictures take."""
        with self._turn:
            if self.state == "running" and not self._over:
                self._stop.set()
                self.message, self.state = self.stopping, "stopping"

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing runs; return whether that came to be in time."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.busy

    def _begin(self, work: Callable[[threading.Event], tuple[str, str]], name: str) -> None:
        """Do something in a thread of this name; it is given what is set once it is to stop, and returns the state it ends in, and the words."""
        self._stop, self._over = threading.Event(), False
        self.fraction, self.message, self.state = 0.0, "Starting", "running"
        self._thread = threading.Thread(target=self._do, args=(work, self._stop), name=name, daemon=True)
        self._thread.start()

    def _do(self, work: Callable[[threading.Event], tuple[str, str]], stop: threading.Event) -> None:
        try:
            state, message = work(stop)
        except Cancelled:
            state, message = "cancelled", "Cancelled."
        except Exception as error:  # noqa: BLE001 - shown to the person who waits; it would be lost in a thread
            state, message = "failed", self._told(error)
        except BaseException as error:  # noqa: BLE001 - sys.exit() ends a thread without a word, and who waits would wait for ever
            state, message = "failed", f"the model's code ended the thread: {error!r}"
        self._end(state, message)

    def _told(self, error: Exception) -> str:
        """Return an error in words for the person who waits."""
        return str(error) or type(error).__name__

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


def _apart(handler: Any) -> Any:
    # an EventHandler is a method of the class itself, which traitlets finds by its name
    return handler if handler is None or isinstance(handler, EventHandler) else _Apart(handler)
