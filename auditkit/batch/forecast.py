"""Forecast: how long the audits of a plan are likely to take, from what reading the plan has loaded anyway."""

from __future__ import annotations

import heapq
import os
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from auditkit.batch.asking import asking, speed_of, timed
from auditkit.estimating import Estimate, Pace, estimates, pace_of
from auditkit.targets import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditkit.audit import Audit
    from auditkit.batch.asking import Reply
    from auditkit.batch.plan import PlannedAudit
    from auditkit.subject import Subject
    from auditkit.targets import Target
    from auditkit.targets.language_model import LanguageModel

__all__ = ["MOST_TIMED", "Forecast", "in_all", "lasted_before"]

MOST_TIMED = 20
"""Subjects whose models are timed at most; each takes about a second."""

_AROUND = (1.0, 6.0)
"""Seconds that a notebook and its page take besides the checks."""
_AGAIN = 1.5  # a second run on the same inputs may be so many times as long or as short


@dataclass
class Forecast:
    """Estimates of the audits of a plan; `load_plan` shows it each audit, by `see`."""

    _seen: dict[str, tuple[Audit | None, Target | None]] = field(default_factory=dict)
    _paces: dict[int, Pace] = field(default_factory=dict)
    _replies: dict[int, Reply] = field(default_factory=dict)

    def see(self, planned: PlannedAudit, audit: Audit | None, subject: Target | None) -> None:
        """Take note of an audit, and of its subject where that was loaded."""
        self._seen[planned.name] = audit, subject

    def of(self, planned: PlannedAudit) -> Estimate:
        """Return how long an audit is expected to take in a process of its own; its model is asked about few rows, once a subject."""
        if planned.name not in self._seen:
            return Estimate(0.0, 0.0, ("checks and subjects were not looked at",))
        audit, subject = self._seen[planned.name]
        if subject is None:
            why = f"{planned.subject} is opened only when it runs: its files are large, or its model runs code or is pinned by digest"
            return Estimate(0.0, 0.0, (why,))
        if audit is None:
            return Estimate(0.0, 0.0, (f"the template {planned.template_name} names no checks",))
        if subject.kind == "language_model":
            return self._of_questions(audit, cast("LanguageModel", subject))
        if subject.kind != "model":
            return Estimate(
                0.0,
                0.0,
                (
                    f"{planned.subject} is {KINDS[subject.kind]}: how long its checks take is known for models and language models only",
                ),
            )
        model = cast("Subject", subject)
        pace = self._pace(model)
        if pace is None:
            return Estimate(
                0.0, 0.0, (f"{planned.subject} was not timed: {MOST_TIMED} subjects of a plan are",)
            )
        checks = estimates(audit.plan, model, pace).values()
        low, high = _AROUND
        return sum(checks, Estimate(low * pace.speed, high * pace.speed))

    def _of_questions(self, audit: Audit, target: LanguageModel) -> Estimate:
        """Return how long the checks of a language model are expected to take; it is greeted once a subject, an endpoint never."""
        if id(target) not in self._replies:
            known = len(self._replies) < MOST_TIMED
            self._replies[id(target)] = (
                timed(target) if known else f"{MOST_TIMED} subjects of a plan are timed"
            )
        speed = speed_of()
        low, high = _AROUND
        return asking(audit.plan, self._replies[id(target)], speed) + Estimate(low * speed, high * speed)

    def _pace(self, subject: Subject) -> Pace | None:
        if id(subject) not in self._paces:
            if len(self._paces) >= MOST_TIMED:
                return None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the notebook shows them
                self._paces[id(subject)] = pace_of(subject)
        return self._paces[id(subject)]


def lasted_before(seconds: float) -> Estimate:
    """Return what is expected of an audit that took so long on the same inputs."""
    return Estimate(seconds / _AGAIN, seconds * _AGAIN)


def in_all(each: Iterable[Estimate], jobs: int) -> Estimate:
    """Return how long audits are expected to take together, started in this order, so many at a time.

    More at a time than this machine has processors are not sooner done.

    Examples
    --------
    >>> in_all([Estimate(2.0, 4.0), Estimate(6.0, 9.0)], 1).words
    '8 to 15 s'
    """
    every = list(each)
    lanes = min(jobs, os.cpu_count() or 1)
    low, high = (_end([getattr(one, side) for one in every], lanes) for side in ("low", "high"))
    unknown = dict.fromkeys(why for one in every for why in one.unknown)
    return Estimate(low, high, tuple(unknown))


def _end(seconds: list[float], lanes: int) -> float:
    """Return when the last of these has ended, each begun as soon as a lane is free."""
    free = [0.0] * lanes
    for one in seconds:
        heapq.heappush(free, heapq.heappop(free) + one)
    return max(free)
