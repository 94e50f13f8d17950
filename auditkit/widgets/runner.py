"""Runner: the buttons and the bar by which the checks of a session are run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.render.text import words
from auditkit.widgets.parts import said
from auditkit.widgets.timing import Timing
from auditkit.widgets.working import Going

if TYPE_CHECKING:
    from auditkit.widgets.session import Session

__all__ = ["Runner"]


class Runner(Going):
    """Run, Cancel, how far it is, and what went wrong; of a dimension, or of all that is missing.

    Parameters
    ----------
    session : Session
        What runs.
    dimension : str
        What the Run button starts; empty for all that is missing.
    label, tooltip : str
        Of the Run button.
    ready : callable, optional
        Called before a run; an InputError keeps it from starting and is shown.
    """

    def __init__(
        self, session: Session, dimension: str, *, label: str, tooltip: str, ready: Any = None
    ) -> None:
        self.session, self.dimension, self._ready = session, dimension, ready
        super().__init__(label, tooltip, start=self._start, cancel=session.cancel)
        self.timing = Timing(session, dimension)
        buttons, *more = self.children
        self.set_trait("children", (buttons, self.timing, *more))
        session.observe(self._follow, ["state", "fraction", "message", "report", "settings", "left_out"])
        self._follow()

    def _start(self) -> None:
        self.trouble.value = ""
        if self._ready is not None:
            self._ready()
        self.session.start(self.dimension)

    def _follow(self, _: Any = None) -> None:
        session = self.session
        mine = session.active == self.dimension and session.state != "idle"
        message = session.message
        if session.busy and not mine:  # Cancel here stops what was started elsewhere: say what that is
            what = f"{words(session.active).capitalize()} is" if session.active else "All checks are"
            message = f"{what} running: {message}"
        self.follow(session.state, session.fraction, message, mine=mine or session.busy)
        if not self.dimension and not session.busy and session.report is not None and not session.missing():
            self.run.disabled = True
            self.state.value += said("Nothing is missing: every chosen check was run.", kind="ak-help")
