"""Run a batch: what the plan asks for and the folder does not hold yet, each audit in a process, and every outcome in the journal."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from auditkit.batch.crew import default_crew
from auditkit.batch.folder import BatchError, in_words, locked_folder
from auditkit.batch.journal import Journal
from auditkit.batch.keys import CHANGED, Digests, key_of
from auditkit.batch.outcomes import latest
from auditkit.batch.planned import OF_AUDITS, note
from auditkit.batch.result import BatchNews, BatchResult
from auditkit.batch.store import Store
from auditkit.batch.watch import Watch
from auditkit.batch.worker import ENDED, NEWS, job_of
from auditkit.errors import InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from auditkit.batch.crew import Crew, Left
    from auditkit.batch.outcomes import Outcome
    from auditkit.batch.plan import Plan, PlannedAudit
    from auditkit.runner.remote import Remote

__all__ = ["BatchError", "BatchNews", "BatchResult", "finish", "run_batch", "run_held"]

_TICK = 0.1
_STAGGER = 0.05
_BESIDE = (ENDED, NEWS)


def run_batch(
    plan: Plan,
    out: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    crew: Crew | None = None,
    force: bool = False,
    only: Literal["failed"] | None = None,
    pdf: bool = False,
    remote: str | None = None,
    progress: Callable[[BatchNews], None] | None = None,
) -> BatchResult:
    """Run the audits of a plan that the folder holds no result of, and write the pages over all of them.

    Parameters
    ----------
    plan : Plan
        As `load_plan` returns it.
    out : path
        The folder of the batch; made if it is not there. A batch that was ended early goes on there.
    jobs : int, optional
        Audits at a time; as the plan says when left out, else 1.
    crew : Crew, optional
        Who runs them; processes of this machine when left out. It is closed at the end.
    force : bool
        Run audits again whose results are there.
    only : {"failed"}, optional
        Start only those that broke when they were last started, and those whose results are gone or not as they were written.
    pdf : bool
        Whether to print every report to ``pdf/NAME-KEY.pdf`` too, where it was not printed before, with an installed Chromium.
    remote : str, optional
        An address such as ``s3://bucket/prefix``, to which a copy of the pages and of every report of the plan is sent.
    progress : callable, optional
        Told each `BatchNews`.

    Raises
    ------
    InputError
        If an argument or the folder cannot be used, another batch runs in it, or its journal was changed. Nothing was started then.
    CopyError
        If a report could not be printed, or a copy could not be sent; the batch in `out` is whole, and the error has its `result`.
    BatchError
        If the folder can no longer be written to, or no process can be made. What had an outcome is kept.
    """
    from auditkit.runner.pdf import browser
    from auditkit.runner.remote import remote as remote_of

    with ExitStack() as unused:
        if crew is not None:
            unused.callback(crew.close)
        at_once = _at_once(plan, jobs)
        if only not in (None, "failed"):
            raise InputError(f"only takes 'failed'; got {only!r}")
        if force and only:
            raise InputError(
                "force runs all audits again, and only='failed' those that broke: give one of the two"
            )
        place = None if remote is None else remote_of(remote)
        program = browser() if pdf else None
        with in_words(out), locked_folder(out) as folder, Journal(folder) as journal:
            unused.pop_all()  # closed by `run_held` from here
            options: Any = {
                "crew": crew,
                "force": force,
                "only": only,
                "program": program,
                "progress": progress,
            }
            result = run_held(plan, folder, journal, jobs=at_once, **options)
            finish(plan, journal, result)
            return _copied(result, folder, place)


def _at_once(plan: Plan, jobs: int | None) -> int:
    found = jobs if jobs is not None else plan.jobs or 1
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise InputError(f"jobs must be a whole number from 1; got {jobs!r}")
    return found


def _copied(result: BatchResult, folder: Path, place: Remote | None) -> BatchResult:
    """Send copies, also where a report could not be printed, and say what is missing when all that can be done is done."""
    from auditkit.batch.pages import texts
    from auditkit.runner.copies import CopyError
    from auditkit.runner.remote import RemoteError

    missing, cause = [], None
    if result.unprinted:
        many = f"{result.unprinted[0]}; {len(result.unprinted)} in all"
        missing.append(f"{many}. Run the batch again to print what is missing")
    if place is not None:
        try:
            result = replace(result, sent=place.send(texts(folder, result.outcomes), folder))
        except RemoteError as error:
            missing.append(str(error))
            cause = error
    if missing:
        raise CopyError("\n".join(missing), result) from cause
    return result


def run_held(
    plan: Plan,
    folder: Path,
    journal: Journal,
    *,
    jobs: int,
    crew: Crew | None = None,
    force: bool = False,
    only: Literal["failed"] | None = None,
    program: Path | None = None,
    progress: Callable[[BatchNews], None] | None = None,
    began: str = "",
) -> BatchResult:
    """Run a batch in a folder whose lock and journal the caller holds; `finish` says that it came to its end. A crew is closed, whatever happens.

    Parameters
    ----------
    plan, jobs, crew, force, only, progress
        As for `run_batch`.
    folder, journal
        Held by the caller.
    program : pathlib.Path, optional
        The browser that prints the reports.
    began : str
        When, in UTC; now when left out.
    """
    from auditkit.batch.pages import write_pages
    from auditkit.batch.printing import print_reports

    began = began or _now()
    with ExitStack() as stack, in_words(folder):
        if crew is not None:
            stack.callback(crew.close)
        batch = _Batch(plan, folder, journal, progress or (lambda _news: None))
        note(journal, plan, batch.keys)
        batch.take_up()
        todo = batch.choose(force=force, only=only)
        if todo:
            if crew is None:
                crew = default_crew(jobs)
                stack.callback(crew.close)
            batch.crew = crew
            batch.work(todo, jobs)
        outcomes = batch.outcomes()
        unprinted = () if program is None else tuple(print_reports(folder, outcomes, program, jobs))
        result = BatchResult(folder, outcomes, began, unprinted=unprinted)
        write_pages(plan, folder, result, journal.entries)
        return result


def finish(plan: Plan, journal: Journal, result: BatchResult) -> None:
    """Note in the journal that every audit of the plan has an outcome, and which findings are not met; later runs are held against it."""
    if any(one.ended == "not_run" for one in result.outcomes):
        return
    said = {"plan": plan.name, "began": result.began, "at": _now()}
    unmet = {one.audit.name: list(one.not_met) for one in result.outcomes if one.not_met}
    words = {one.audit.name: one.word for one in result.outcomes}
    journal.append("finished", {**said, "verdict": result.verdict, "audits": words, "not_met": unmet})


@dataclass
class _Running:
    audit: PlannedAudit
    key: str
    folder: Path
    watch: Watch
    told: str = ""


@dataclass
class _Batch:
    plan: Plan
    out: Path
    journal: Journal
    tell: Callable[[BatchNews], None]
    crew: Crew | None = None
    digests: Digests = field(default_factory=Digests)
    running: dict[str, _Running] = field(default_factory=dict)
    done: int = 0

    def __post_init__(self) -> None:
        self.store = Store(self.out)
        self.keys = {one.name: key_of(one, self.digests) for one in self.plan.audits}

    def take_up(self) -> None:
        """Sweep what did not end, and take into the journal what was complete when the batch was killed."""
        self.store.sweep()
        known = {one.data.get("result") for one in self.journal.entries if one.kind in ("done", "adopted")}
        last = {
            (one.data["name"], one.data["key"]): one.kind
            for one in self.journal.entries
            if one.kind in OF_AUDITS
        }
        for folder in self.store.complete():
            digest = self.store.digest(folder)
            if digest in known:
                continue
            try:
                said = self.store.read(folder)
            except InputError:
                continue  # not as it was written: it counts as not there, and is replaced when its audit is run
            about = str(said.get("name")), str(said.get("key"))
            if folder != self.store.path(*about):
                continue  # a copy under another name
            if last.get(about, "started") != "started":
                continue  # nothing was under way: somebody put it in the place of what the journal names
            kept = {
                k: said.get(k) for k in ("name", "key", "verdict", "counts", "not_met", "seconds", "memory")
            }
            self.journal.append("adopted", {**kept, "folder": folder.name, "result": digest, "at": _now()})

    def choose(self, *, force: bool, only: str | None) -> list[PlannedAudit]:
        """Return the audits to start, after telling of those whose results are there."""
        todo = []
        for audit, outcome in zip(self.plan.audits, self.outcomes(), strict=True):
            whole = outcome.ended == "done" and self._whole(outcome)
            start = force or not whole
            if only == "failed":  # a result that is gone or was changed is none either
                start = outcome.ended != "not_run" and not whole
            if start:
                todo.append(audit)
            else:
                self.done += 1
                self._say("kept", audit, outcome.word)
        return todo

    def work(self, todo: Sequence[PlannedAudit], at_once: int) -> None:
        """Run these, so many at a time; starts are a little apart, so that kernels do not all start at once."""
        waiting, crew, last = list(reversed(todo)), self._crew(), 0.0
        while waiting or self.running:
            if waiting and len(self.running) < at_once and time.monotonic() - last >= _STAGGER:
                self._start(waiting.pop())
                last = time.monotonic()
            room = waiting and len(self.running) < at_once
            for left in crew.wait(_STAGGER if room else _TICK):
                self._end(left)
            for name, one in self.running.items():
                if crew.begun(name):
                    one.watch.begin()
                if why := one.watch.over(crew.pid(name)):
                    crew.kill(name)
                    one.told = why
                self._progress(one)

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return one outcome an audit, from the journal."""
        return latest(self.plan.audits, self.keys, self.journal.entries)

    def _whole(self, outcome: Outcome) -> bool:
        """Whether every file of a result is as it was written."""
        try:
            folder, asked = self.store.folder / outcome.folder, outcome.audit.keep_answers
            return self.store.whole(folder, outcome.result, answers=asked)
        except OSError:
            return False

    def _crew(self) -> Crew:
        if self.crew is None:
            raise InputError("this batch has no crew")
        return self.crew

    def _start(self, audit: PlannedAudit) -> None:
        folder = self.store.unfinished()
        key = self.keys[audit.name]
        self.journal.append("started", {"name": audit.name, "key": key, "at": _now()})
        self.running[folder.name] = _Running(audit, key, folder, Watch(audit.limits))
        self._crew().start({**job_of(audit, folder), "id": folder.name})
        self._say("started", audit, "")

    def _end(self, left: Left) -> None:
        one = self.running.pop(left.id, None)
        if one is None:
            return
        said = self._outcome(one, left)
        memory = said.get("memory", one.watch.peak)
        about = {"name": one.audit.name, "key": one.key, "seconds": said.get("seconds"), "memory": memory}
        self.done += 1
        if said["ended"] == "done":
            about |= {k: said[k] for k in ("verdict", "counts", "not_met")}
            for name in _BESIDE:
                (one.folder / name).unlink(missing_ok=True)
            kept, digest = self.store.keep(one.folder, about)
            self.journal.append("done", {**about, "folder": kept.name, "result": digest, "at": _now()})
            self._say("ended", one.audit, said["verdict"])
        else:
            self.store.drop(one.folder)
            self.journal.append("broke", {**about, "kind": said["kind"], "why": said["why"], "at": _now()})
            self._say("ended", one.audit, f"broke: {said['why']}")

    def _outcome(self, one: _Running, left: Left) -> dict[str, Any]:
        """Return how an audit ended, from what its worker wrote, how that went, and whether the files stayed the same."""
        seconds = round(one.watch.seconds(), 3)
        broke = {"ended": "broke", "seconds": seconds}
        if one.told:
            return {**broke, "kind": "limit", "why": one.told}
        try:
            said: dict[str, Any] = json.loads((one.folder / ENDED).read_bytes())
        except (OSError, ValueError):
            why = left.why or _words(left.code)
            return {**broke, "kind": "killed", "why": f"its process {why} before it had an outcome"}
        if said["ended"] != "done":
            return said
        try:
            same = key_of(one.audit, self.digests) == one.key
        except InputError as error:
            return {**broke, "kind": "changed", "why": f"a file it rests on went away while it ran: {error}"}
        if not same:
            return {**broke, "kind": "changed", "why": CHANGED}
        return said

    def _progress(self, one: _Running) -> None:
        try:
            said = json.loads((one.folder / NEWS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return  # not begun, or just being written
        fraction = said["done"] / said["total"] if said["total"] else 0.0
        self._say("progress", one.audit, f"{said['title']} {said['what']}".strip(), fraction)

    def _say(self, kind: Any, audit: PlannedAudit, what: str, fraction: float = 0.0) -> None:
        self.tell(BatchNews(kind, audit.name, what, self.done, len(self.plan.audits), fraction))


def _words(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    import signal

    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")
