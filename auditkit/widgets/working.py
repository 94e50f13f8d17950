"""Working: something that takes a while, in a thread, and the buttons and bar by which a person follows it."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as w
from traitlets import Any as AnyTrait

from auditkit import progress, shared
from auditkit.errors import Cancelled, InputError
from auditkit.widgets.ongoing import BUSY, Ongoing
from auditkit.widgets.parts import button, problem, said, status

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Going", "Preparing", "Work", "while_idle"]


def while_idle(checks: Ongoing) -> None:
    """See that no checks run, which want the same processors as what is about to be prepared.

    Raises
    ------
    InputError
        If some do.
    """
    if checks.busy:
        raise InputError("checks are running: prepare this once they ended, or cancel them")


class Work(Ongoing):
    """One piece of work at a time, in a thread, that says how far it is and stops when asked.

    Attributes
    ----------
    result : object
        What came of it; None before.
    """

    result = AnyTrait()

    def start(self, make: Callable[[], Any], *, seed: int, instead: str = "") -> None:
        """Begin.

        Parameters
        ----------
        make : callable
            Makes the result; it stops at its next `progress.step` when cancelled.
        seed : int
            Of the audit it belongs to, so that it shares what the audit's checks made.
        instead : str, optional
            What is so if it is cancelled, in a sentence, where more comes of it than a result, as files do: what is made before
            it heard of the cancel then stands, and is said to.

        Raises
        ------
        InputError
            If it is at work already.
        """
        if self.busy:
            raise InputError("this is being made already: wait, or cancel")
        self._begin(partial(self._make, make, seed, instead), "auditkit-work")

    def _make(
        self, make: Callable[[], Any], seed: int, instead: str, stop: threading.Event
    ) -> tuple[str, str]:
        def heard(fraction: float | None, what: str) -> None:
            if stop.is_set():
                raise Cancelled("stopped by the person who started it")
            self._say(fraction or 0.0, what)

        try:
            with progress.listening(heard), shared.within(seed):
                made = make()
            late = stop.is_set()
            if late and not instead:
                raise Cancelled("stopped by the person who started it")  # noqa: TRY301 - ended as any other stop
        except Cancelled:
            return "cancelled", f"Cancelled. {instead}".strip()
        self.result, self.fraction = made, 1.0
        return "done", "It was done before the cancel was heard." if late else ""


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
        self.run = button(label, tooltip, start, self.failed, icon="play", button_style="primary")
        self.cancel = button(
            "Cancel", "Stop what is running", cancel, self.failed, icon="stop", disabled=True
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

    def failed(self, why: str) -> None:
        """Show what went wrong."""
        self.trouble.value = problem(why)


class Preparing(Going):
    """The buttons and bar of a piece of work that is not begun while checks run, which want the same processors.

    Parameters
    ----------
    checks : Ongoing
        What may be running besides: a session.
    work : Work
        What is followed.
    label, tooltip, start
        As of `Going`.
    """

    def __init__(
        self, checks: Ongoing, work: Work, label: str, tooltip: str, *, start: Callable[[], None]
    ) -> None:
        self._checks, self._work = checks, work
        super().__init__(label, tooltip, start=start, cancel=work.cancel)
        self._turn = (
            threading.Lock()
        )  # either tells it in a thread of its own; what is read is shown before the next
        work.observe(self._look, ["state", "fraction", "message"])
        checks.observe(self._look, "state")
        self._look()

    def close(self) -> None:
        """Close it, and listen no more: parts of one record come and go while the session stays."""
        with suppress(ValueError):  # closed before
            self._checks.unobserve(self._look, "state")
        super().close()

    def _look(self, _: Any = None) -> None:
        checks, work = self._checks, self._work
        with self._turn:
            self.follow(work.state, work.fraction, work.message)
            if checks.busy and not work.busy:
                self.run.disabled = True
                told = f"Checks are running: press {self.run.description} once they ended."
                self.state.value += said(told, kind="ak-help")
