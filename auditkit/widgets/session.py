"""Session: what a guided audit knows, without a line about how it looks."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from traitlets import Dict, Set, Unicode

from auditkit import progress
from auditkit.audit import Audit, Completed, Finished, Progress, fits_kind
from auditkit.check import DIMENSIONS, Check, resolve
from auditkit.durations import lasted
from auditkit.errors import InputError, did_you_mean
from auditkit.report import VOLATILE, Report
from auditkit.subject import Subject
from auditkit.targets import KINDS, Target
from auditkit.widgets.kept import Kept
from auditkit.widgets.offers import offered
from auditkit.widgets.ongoing import Ongoing
from auditkit.widgets.record import Record

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from concurrent.futures import Executor
    from pathlib import Path

    from auditkit.audit import Event
    from auditkit.evidence import Evidence

__all__ = ["Session"]


class Session(Ongoing, Record):
    """A guided audit of one subject, in parts that add up to the audit made at once.

    Checks run in a thread, so the kernel stays free; views observe the traits below. Every part runs at its place in
    one plan, so the report holds the numbers that ``Audit(...).run(subject, seed=seed)`` gives.

    Parameters
    ----------
    subject : Subject or another Target
        What to audit.
    checks : names, codes, dimensions or check functions, optional
        As for `Audit`; every installed check when left out.
    criteria : Policy or iterable of Criterion, optional
        What is required; the default policy when left out.
    seed : int, default 0
        Root of all random numbers.
    executor : concurrent.futures.Executor, optional
        Where checks run; in this process when left out.

    Attributes
    ----------
    state : {"idle", "running", "stopping", "done", "cancelled", "failed"}
        What the session is doing.
    fraction : float
        How much of the running part is done, 0 to 1.
    message : str
        A sentence on the state; when it failed, why.
    active : str
        The dimension that runs or ran last; empty for all of them.
    dimension : str
        The dimension looked at.
    settings : dict of str to dict
        Parameters of each check by its code, resolved.
    left_out : set of str
        Codes that are not to be run.
    report : Report or None
        All that was measured so far, judged together.
    whole : dict of str to str
        By the code of a check that ran, its reason with the values of records that the report leaves out; empty where it leaves out none.
    notes, waivers : tuple
        What the analyst added, in order, see `Record`.
    author : str
        Who signs notes and waivers; whoever is logged in at first.

    Raises
    ------
    InputError
        If the subject is none, there are no checks for its kind, or a check or criterion does not exist.
    """

    stopping = "Stopping at the next step of the running check"
    active = Unicode()
    dimension = Unicode()
    settings = Dict()
    left_out = Set()

    def __init__(
        self,
        subject: Target,
        checks: Any = None,
        *,
        criteria: Any = None,
        seed: int = 0,
        executor: Executor | None = None,
    ) -> None:
        if not isinstance(subject, Target):
            raise InputError(
                f"expected a Subject(name, model, test=Dataset(X, y)), or another Target; got {type(subject).__name__}"
            )
        super().__init__()
        self.subject, self.seed, self.executor = subject, seed, executor
        plan = Audit(_everything(subject.kind) if checks is None else checks, criteria)
        fits_kind(subject.kind, subject.name, [check for check, _ in plan.plan])
        self.criteria = plan.criteria
        self.checks: tuple[Check, ...] = tuple(dict.fromkeys(check for check, _ in plan.plan))
        self.settings = {check.code: params for check, params in plan.plan}
        self.dimensions: tuple[str, ...] = _in_order({check.dimension for check in self.checks})
        self.dimension = self.dimensions[0]
        self.whole: dict[str, str] = {}
        self.shelf: dict[Any, Any] = {}  # what views of it share

    def __repr__(self) -> str:
        return f"Session({self.subject.name}: {self.state}; .start({self.dimension!r}) to run, .report for what was measured)"

    @property
    def as_subject(self) -> Subject:
        """What is audited, where that is a model with its rows.

        Raises
        ------
        InputError
            If it is something else.
        """
        if not isinstance(self.subject, Subject):
            raise InputError(
                f"expected a model with its rows; {self.subject.name!r} is {KINDS[self.subject.kind]}"
            )
        return self.subject

    @property
    def planned(self) -> tuple[Check, ...]:
        """The checks that are to be run or were: what is left out and was not measured is no part of the audit."""
        kept = {e.check for e in self.current()} | ({check.code for check in self.checks} - self.left_out)
        return tuple(check for check in self.checks if check.code in kept)

    @property
    def audit(self) -> Audit:
        """The plan as set now; ``.run(subject, seed=seed)`` gives the report of all parts at once."""
        plan = {check.function: self.settings[check.code] for check in self.planned}
        return Audit(plan, self.criteria, self.waivers)

    def of(self, dimension: str) -> tuple[Check, ...]:
        """Return the checks of a dimension; all for an empty word.

        Raises
        ------
        InputError
            If this session has no such dimension.
        """
        if dimension and dimension not in self.dimensions:
            raise InputError(f"no dimension {dimension!r} here.{did_you_mean(dimension, self.dimensions)}")
        return tuple(check for check in self.checks if dimension in ("", check.dimension))

    def one(self, check: object) -> Check:
        """Return the check of this session that is meant by a code, a name, a marked function, or itself.

        Raises
        ------
        InputError
            If this session has no such check; the message names the closest.
        """
        asked = getattr(check, "__auditkit__", check)
        for known in self.checks:
            if asked in (known, known.code, known.name):
                return known
        words = [word for known in self.checks for word in (known.code, known.name)]
        given = asked.code if isinstance(asked, Check) else asked
        raise InputError(f"no check {given!r} here.{did_you_mean(str(given), words)}")

    def set(self, check: object, /, **params: Any) -> None:
        """Change parameters of a check, given by its code or name; the others keep their values.

        Raises
        ------
        InputError
            If there is no such check, a parameter does not exist or a value does not fit; nothing changes then.
        """
        about = self.one(check)
        self.settings = {
            **self.settings, about.code: resolve(about, {**self.settings[about.code], **params})
        }  # fmt: skip

    def options(self, check: Check) -> dict[str, tuple[str, ...]]:
        """Return what the subject offers for parameters of a check that name columns, by parameter."""
        return offered(self.subject, check)

    def include(self, check: object, *, run: bool) -> None:
        """Say whether a check, given by its code or name, is to be run.

        Raises
        ------
        InputError
            If there is no such check.
        """
        code = self.one(check).code
        self.left_out = self.left_out - {code} if run else self.left_out | {code}

    def current(self) -> tuple[Evidence, ...]:
        """Return the evidence that was observed under the settings as they are now."""
        if self.report is None:
            return ()
        return tuple(e for e in self.report.evidence if e.params == self.settings.get(e.check))

    def stale(self, dimension: str = "") -> tuple[str, ...]:
        """Return the codes whose settings changed after they ran."""
        measured = {e.check for e in self.report.evidence} if self.report else set()
        now = {e.check for e in self.current()}
        return tuple(check.code for check in self.of(dimension) if check.code in measured - now)

    def missing(self) -> tuple[str, ...]:
        """Return the codes that are to be run and were not, or not under these settings."""
        now = {e.check for e in self.current()}
        return tuple(check.code for check in self.checks if check.code not in now | self.left_out)

    def start(self, dimension: str = "") -> None:
        """Run the checks of a dimension in the background; for an empty word all that are missing.

        What cannot be run is said in `message`, with the state "failed".

        Raises
        ------
        InputError
            If checks are running, or there is no such dimension.
        """
        if self.busy:
            raise InputError("checks are running: wait for them, or cancel")
        codes = {check.code for check in self.of(dimension)} - self.left_out
        codes &= set(codes if dimension else self.missing())
        self.active, self.fraction = dimension, 0.0
        if not codes:
            self._end(
                "failed",
                "No check is chosen: tick one."
                if dimension
                else "Nothing is missing: every chosen check was run.",
            )
            return
        try:
            known = [e for e in self.current() if e.check not in codes]
            audit, kept = self.audit, Kept(self.audit, self.subject, self.seed, self.current())
            events = audit.stream(
                self.subject, seed=self.seed, executor=self.executor, only=codes, known=known
            )
        except InputError as error:
            self._end("failed", str(error))
            return
        self._begin(partial(self._follow, events, len(codes), kept), "auditkit-session")

    def settled(self) -> Report:
        """Return the report of the plan as it stands now: without what was measured under other settings.

        Raises
        ------
        InputError
            If nothing was measured yet.
        """
        while True:
            report = self.measured()
            known = [check["code"] for check in report.provenance["plan"]]
            if not self.stale() and known == [check.code for check in self.planned]:
                return report
            events = self.audit.stream(self.subject, seed=self.seed, only=(), known=self.current())
            made = next(event.report for event in events if isinstance(event, Completed))
            times = {key: report.provenance[key] for key in VOLATILE if key in report.provenance}
            with self._one:
                if self.report is report:  # else checks ended or a note was added meanwhile: once more
                    self.adopt(replace(made, provenance={**made.provenance, **times}))
                    return self.measured()

    def export(self, folder: str | Path) -> tuple[Path, Path, Path]:
        """Write ``report.json``, ``report.html`` and ``template.ipynb`` into a folder, made if need be; return the paths.

        The page is the one that ``auditkit run template.ipynb`` makes of the same subject, but for notes and times.
        How far it is, is said by `progress.step`.

        Raises
        ------
        InputError
            If nothing was measured yet, or the folder cannot be written.
        """
        from auditkit.runner.studio_report import write_report

        progress.step(0.0, "judging what was measured")
        report = self.settled()
        return write_report(report, self.template(), folder)

    def template(self, title: str = "") -> dict[str, Any]:
        """Return a notebook, as JSON, that runs this audit as it is set: a template for `auditkit run` and papermill.

        Parameters
        ----------
        title : str, optional
            For the head of the page; made from the dimensions when left out.
        """
        from auditkit.runner.drafts import as_template

        return as_template(self.audit, seed=self.seed, title=title)

    def save_template(self, path: str | Path, title: str = "") -> Path:
        """Write `template` to a file, whole or not at all; return its path.

        Raises
        ------
        InputError
            If the path does not end in .ipynb, or cannot be written.
        """
        from auditkit.runner.studio_report import write_template

        return write_template(self.template(title), path)

    def code(self) -> str:
        """Return the lines of Python that run this audit as it is set."""
        from auditkit.runner.drafts import as_code

        return as_code(self.audit, seed=self.seed)

    def _follow(
        self, events: Iterator[Event], total: int, kept: Kept, stop: threading.Event
    ) -> tuple[str, str]:
        clock = time.monotonic()
        report = self._through(events, total, kept, stop)
        if report is None:
            self._keep(kept)
            return "cancelled", f"Cancelled. {kept.told(total)}"
        self._merge(report)
        self.fraction = 1.0
        return "done", f"{kept.done(total)} It took {lasted(time.monotonic() - clock)}."

    def _told(self, error: Exception) -> str:
        return f"{type(error).__name__}: {error}"

    def _through(
        self, events: Iterator[Event], total: int, kept: Kept, stop: threading.Event
    ) -> Report | None:
        """Consume the stream, and keep each check as it ends; None if it was closed half-way."""
        with closing(events):  # type: ignore[type-var]
            for event in events:
                if isinstance(event, Completed):
                    return event.report
                if isinstance(event, Finished):
                    kept.add(event)
                    self.whole = {**self.whole, event.check.code: event.whole}
                if stop.is_set():
                    return None
                self._note(event, kept.ended, total)
                if kept.due:
                    self._keep(kept)
        return None

    def _keep(self, kept: Kept) -> None:
        """Take what ended so far into the report."""
        report = kept.take()
        if report is not None:
            with kept.clocked():
                self._merge(report)

    def _merge(self, report: Report) -> None:
        """Take a report as the one so far; what was timed before stays."""
        with self._one:
            before = self.report.provenance.get("timings", {}) if self.report else {}
            ran = {e.check for e in report.evidence}
            times = {**before, **report.provenance["timings"]}
            whole = {"timings": {code: spent for code, spent in times.items() if code in ran}}
            self.adopt(replace(report, provenance={**report.provenance, **whole}))

    def _note(self, event: Event, finished: int, total: int) -> None:
        if isinstance(event, Completed):
            return
        part, message = 0.0, ""
        if isinstance(event, Progress):
            part = event.fraction or 0.0
        if not isinstance(event, Finished):
            what = f": {event.what}" if isinstance(event, Progress) and event.what else ""
            message = f"{event.check.title}{what} (check {min(finished + 1, total)} of {total})"
        self._say((finished + part) / total, message)


def _everything(kind: str) -> list[Any]:
    from auditkit.check import registry

    return [check.function for check in registry().about(kind)]


def _in_order(dimensions: set[str]) -> tuple[str, ...]:
    order = list(DIMENSIONS)
    return tuple(sorted(dimensions, key=lambda d: (order.index(d) if d in order else len(order), d)))
