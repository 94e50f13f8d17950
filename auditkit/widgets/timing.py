"""Timing: how long what is ticked is likely to take, told beside Run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w

from auditkit.check import registry, resolve
from auditkit.estimating import Estimate, estimates, pace_of
from auditkit.subject import Subject
from auditkit.widgets.parts import said
from auditkit.widgets.working import Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.widgets.session import Session

__all__ = ["Likely", "Timing", "begin", "expect", "pacing"]


def pacing(session: Session) -> Work:
    """Return the work that times the model of a session: one for all views of its subject."""
    shelf = session.subject.memory if isinstance(session.subject, Subject) else session.shelf
    work: Work = shelf.setdefault(("pace",), Work())
    return work


def begin(session: Session) -> None:
    """Time the model in the background, if there is one and it was not timed yet; it is asked about few rows."""
    if session.subject.kind != "model":
        return
    work = pacing(session)
    if work.state in ("idle", "failed"):
        work.start(lambda: pace_of(session.as_subject), seed=session.seed)


def expect(session: Session, dimension: str) -> Estimate | None:
    """Return how long a start would last with the ticks and settings as they are; None while the model's pace is not known.

    A check that ran under these settings is expected to take what it took.
    """
    pace = pacing(session).result
    if pace is None:
        return None
    codes = set(session.missing()) if not dimension else {check.code for check in session.of(dimension)}
    checks = [check for check in session.checks if check.code in codes - session.left_out]
    plan = [(check, session.settings[check.code]) for check in checks]
    found = estimates(plan, session.as_subject, pace, lasted=_lasted(session))
    return sum(found.values(), Estimate(0.0, 0.0)) if found else None


def _lasted(session: Session) -> Mapping[str, float]:
    """Return what checks took that were run under the settings as they are."""
    if session.report is None:
        return {}
    times: dict[str, float] = session.report.provenance.get("timings", {})
    return {one.check: times[one.check] for one in session.current() if one.check in times}


class Likely(w.HTML):  # type: ignore[misc]
    """One line beneath "Prepare", where preparing is the work of checks; it follows their settings, and asks nothing of the model.

    Parameters
    ----------
    session : Session
        Whose settings; of a check that is none of its own, what the check does when nothing is given.
    codes : tuple of str
        Of the checks.
    """

    def __init__(self, session: Session, codes: tuple[str, ...]) -> None:
        self.session = session
        self._checks = [check for check in registry().checks if check.code in codes]
        super().__init__()
        session.observe(self._follow, "settings")
        pacing(session).observe(self._follow, "state")
        self._follow()

    def _follow(self, _: Any = None) -> None:
        settings, pace = self.session.settings, pacing(self.session).result
        told = ""
        if pace is not None:
            plan = [(check, settings.get(check.code) or resolve(check, {})) for check in self._checks]
            found = estimates(plan, self.session.as_subject, pace).values()
            told = f"Estimate of time: {sum(found, Estimate(0.0, 0.0)).words}."
        elif pacing(self.session).busy:
            told = "Estimate of time: not known yet, the model is being timed."
        self.value = said(told, kind="ak-help") if told else ""


class Timing(w.HTML):  # type: ignore[misc]
    """One line beside Run; it follows ticks and settings, and asks nothing of the model.

    Parameters
    ----------
    session : Session
        What is run.
    dimension : str
        What the Run button starts; empty for all that is missing.
    """

    def __init__(self, session: Session, dimension: str) -> None:
        self.session, self.dimension = session, dimension
        super().__init__()
        session.observe(self._follow, ["settings", "left_out", "report"])
        pacing(session).observe(self._follow, "state")
        self._follow()

    def _follow(self, _: Any = None) -> None:
        found = expect(self.session, self.dimension)
        told = "" if found is None else f"Estimate of time: {found.words}."
        if found is not None and self.session.executor is not None:
            told = f"{told} That is for one check after the other; the executor may be sooner."
        work = pacing(self.session)
        if work.busy:
            told = "Estimate of time: not known yet, the model is being timed."
        elif work.state == "failed":
            told = f"Estimate of time: not known; timing the model failed. {work.message}"
        self.value = said(told) if told else ""
