"""Working: something that takes a while, in a thread, and the buttons and bar by which a person follows it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import ipywidgets as w
from traitlets import Any as AnyTrait
from traitlets import Enum, Float, HasTraits, Unicode

from auditkit import progress, shared
from auditkit.errors import Cancelled, InputError
from auditkit.widgets.parts import button, problem, status

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BUSY", "STATES", "Going", "Work"]

BUSY = ("running", "stopping")
STATES = ("idle", *BUSY, "done", "cancelled", "failed")


class Work(HasTraits):
    """One piece of work at a time, in a thread, that says how far it is and stops when asked.

    Attributes
    ----------
    state : {"idle", "running", "stopping", "done", "cancelled", "failed"}
        What it is doing.
    fraction : float
        How much is done, 0 to 1.
    message : str
        A sentence on the state; when it failed, why.
    result : object
        What came of it; None before.
    """

    state = Enum(STATES, default_value="idle")
    fraction = Float(0.0)
    message = Unicode()
    result = AnyTrait()

    def __init__(self) -> None:
        super().__init__()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._turn = threading.RLock()  # cancelling and ending must not cross
        self._over = False  # whether it came to its end, of which observers may still be told

    @property
    def busy(self) -> bool:
        """Whether it is at work."""
        return self.state in BUSY

    def start(self, make: Callable[[], Any], *, seed: int) -> None:
        """Begin.

        Parameters
        ----------
        make : callable
            Makes the result; it stops at its next `progress.step` when cancelled.
        seed : int
            Of the audit it belongs to, so that it shares what the audit's checks made.

        Raises
        ------
        InputError
            If it is at work already.
        """
        if self.busy:
            raise InputError("this is being made already: wait, or cancel")
        self._stop, self._over = threading.Event(), False
        stop = self._stop
        self.fraction, self.message, self.state = 0.0, "Starting", "running"
        self._thread = threading.Thread(
            target=self._make, args=(make, seed, stop), name="auditkit-work", daemon=True
        )
        self._thread.start()

    def cancel(self) -> None:
        """Ask it to stop at its next step; what came to its end stays ended, however long its pictures take."""
        with self._turn:
            if self.state == "running" and not self._over:
                self.message, self.state = "Stopping at the next step", "stopping"
                self._stop.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it ends; return whether that came to be in time."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.busy

    def _make(self, make: Callable[[], Any], seed: int, stop: threading.Event) -> None:
        def heard(fraction: float | None, what: str) -> None:
            if stop.is_set():
                raise Cancelled("stopped by the person who started it")
            self._say(fraction, what)

        try:
            with progress.listening(heard), shared.within(seed):
                made = make()
            if stop.is_set():
                raise Cancelled("stopped by the person who started it")  # noqa: TRY301 - ended as any other stop
            self.result, self.fraction = made, 1.0
            self._end("done", "")
        except Cancelled:
            self._end("cancelled", "Cancelled.")
        except Exception as error:  # noqa: BLE001 - shown to the person who waits; it would be lost in a thread
            self._end("failed", str(error) or type(error).__name__)

    def _say(self, fraction: float | None, what: str) -> None:
        with self._turn:
            if self.state == "running":
                self.fraction = max(self.fraction, min(1.0, fraction or 0.0))
                self.message = what or self.message

    def _end(self, state: str, message: str) -> None:
        with self._turn:
            self._over = True
        # told outside: observers may draw for a while, and nobody who cancels shall wait for them
        self.message, self.state = message, state


class Going(w.VBox):  # type: ignore[misc]
    """A button that starts, one that cancels, a bar that moves, and what went wrong.

    Parameters
    ----------
    label, tooltip : str
        Of the button that starts.
    start, cancel : callable
        What they do; an error of `start` is shown.
    """

    def __init__(
        self, label: str, tooltip: str, *, start: Callable[[], None], cancel: Callable[[], None]
    ) -> None:
        self.trouble = w.HTML()
        self.run = button(label, tooltip, start, self._failed, icon="play", button_style="primary")
        self.cancel = button(
            "Cancel", "Stop what is running", cancel, self._failed, icon="stop", disabled=True
        )
        self.bar = w.FloatProgress(min=0.0, max=1.0, layout=w.Layout(width="18rem", visibility="hidden"))
        self.state = w.HTML()
        super().__init__([w.HBox([self.run, self.cancel, self.bar]), self.state, self.trouble])

    def follow(self, state: str, fraction: float, message: str, *, mine: bool = True) -> None:
        """Show how far it is; `mine` is whether this is what was started here, and not only something that keeps it from starting."""
        busy = state in BUSY
        self.run.disabled = busy
        self.cancel.disabled = state != "running"
        self.bar.layout.visibility = "visible" if mine and busy else "hidden"
        self.bar.value = fraction if mine else 0.0
        failed = mine and state == "failed"
        about = f"{message}, {fraction:.0%}" if state == "running" else message
        self.state.value = status(about) if mine and not failed else ""
        self.trouble.value = problem(message) if failed else ("" if busy else self.trouble.value)

    def _failed(self, why: str) -> None:
        self.trouble.value = problem(why)
