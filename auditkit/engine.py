"""Engine: where the checks of an audit run, here or in any executor; each of them ends in evidence."""

from __future__ import annotations

import copy
import json
import pickle
import queue
import threading
import time
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
)
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import progress, shared, spread
from auditkit.check import Check, find
from auditkit.errors import Cancelled, InputError, NotApplicable, in_words
from auditkit.evidence import Evidence
from auditkit.report import schema
from auditkit.shape import misfit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TypeAlias

    from auditkit.targets import Target

    Observed: TypeAlias = tuple[Evidence, float]

__all__ = ["STOPS", "Finished", "Progress", "Started", "Step", "in_executor", "observe", "place_of", "serial"]


STOPS = (KeyboardInterrupt, GeneratorExit)
"""What ends an audit. All else breaks one check alone, also what is no Exception, such as a panic in compiled Rust."""


@dataclass(frozen=True, slots=True)
class Started:
    """A check began (in an executor: was handed in). `index` is its place in the plan, `total` how many run now."""

    index: int
    total: int
    check: Check


@dataclass(frozen=True, slots=True)
class Progress:
    """A running check said how far it is: `fraction` never falls, and is None for a mere sign of life."""

    index: int
    total: int
    check: Check
    fraction: float | None
    what: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A check ended, with evidence; also when it is not applicable or ended in an error.

    `whole` is the reason with the values that the evidence leaves out, for the person at the screen; empty where it leaves out none.
    """

    index: int
    total: int
    check: Check
    evidence: Evidence
    seconds: float
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A check with its resolved parameters, at its place in the plan.

    Attributes
    ----------
    index : int
        Its place.
    check : Check
        What runs.
    params : dict
        Every parameter, resolved.
    root : int
        The seed of the whole audit.
    kept : pathlib.Path or None
        A folder for what later audits may take up again.
    """

    index: int
    check: Check
    params: dict[str, Any]
    root: int
    kept: Path | None = None

    def __reduce__(self) -> Any:
        # Only the function travels to another process; what is known of it is read off there again.
        return _step_again, (
            self.index,
            self.check.function,
            self.params,
            self.root,
            self.kept,
        )

    @property
    def seed(self) -> np.random.SeedSequence:
        """Its own branch of the audit's random numbers, which goes by its code and not by the rest of the plan."""
        return shared.branch(self.root, self.check.code)

    @property
    def branch(self) -> str:
        """The name of that branch: root seed and code."""
        return f"{self.root}/{self.check.code}"

    def broke(self, reason: str) -> Evidence:
        """Return the evidence of a step that could not be run to its end."""
        return Evidence(self.check.code, params=self.params, seed=self.branch, outcome="error", reason=reason)


def _step_again(
    index: int,
    function: Callable[..., Evidence],
    params: dict[str, Any],
    root: int,
    kept: Path | None,
) -> Step:
    return Step(index, find(function)[0], params, root, kept)


def observe(step: Step, subject: Target) -> Observed:
    """Run one check; whatever happens, evidence comes out, and the seconds it took.

    Raises
    ------
    Cancelled
        If whoever listens to its progress asked it to stop.
    """
    clock = time.monotonic()
    own = subject.counted()
    common: dict[str, Any] = {"check": step.check.code, "params": step.params, "seed": step.branch}
    try:
        with shared.within(step.root, step.kept):
            found = step.check.function(
                own, rng=np.random.default_rng(step.seed), **copy.deepcopy(step.params)
            )
        _hold_to_contract(step.check, found)
        evidence = replace(found, **common, cost=own.cost())
    except (Cancelled, *STOPS):
        raise
    except NotApplicable as missing:
        evidence = Evidence(**common, outcome="not_applicable", reason=str(missing))
    except BaseException as error:  # noqa: BLE001 - a check may break in any way; the others stand
        evidence = step.broke(in_words(error))
    return evidence, time.monotonic() - clock


def serial(steps: list[Step], subject: Target) -> Iterator[Started | Progress | Finished]:
    """Run one check after the other, in a worker thread, so that a running check can report and be stopped.

    Their parts go where `spread.over` says, outside of this.
    """
    for step in steps:
        yield Started(step.index, len(steps), step.check)
        said: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        stop = threading.Event()
        worker = threading.Thread(
            target=_work, args=(step, subject, said, stop, spread.where()), name=step.check.code, daemon=True
        )
        worker.start()
        try:
            while (heard := said.get())[0] == "progress":
                yield Progress(step.index, len(steps), step.check, *heard[1])
            yield Finished(step.index, len(steps), step.check, *_ended(step, *heard))
        finally:
            stop.set()
            worker.join()


def in_executor(steps: list[Step], subject: Target, executor: Executor) -> Iterator[Started | Finished]:
    """Hand all checks in and yield them as they end; one that kills its worker does not take the others along.

    A check that spreads runs in a thread here, and hands in its parts: in a worker it would wait for workers.
    """
    waiting: dict[Future[Observed], Step] = {}
    parcel, stop = _Parcel(subject), threading.Event()
    submit = parcel.submit if isinstance(executor, ProcessPoolExecutor) else _submit
    total, dropped = len(steps), []
    threads = ThreadPoolExecutor(max(sum(step.check.spreads for step in steps), 1), "auditkit")
    try:
        for step in steps:
            if step.check.spreads:
                waiting[threads.submit(_spreading, step, subject, executor, stop)] = step
            else:
                waiting[submit(executor, step, subject)] = step
            yield Started(step.index, total, step.check)
        for future in as_completed(waiting):
            step = waiting[future]
            if isinstance(executor, ProcessPoolExecutor) and isinstance(future.exception(), BrokenExecutor):
                dropped.append(step)
                continue
            yield Finished(step.index, total, step.check, *_result(future, step))
        for step in dropped:
            yield Finished(step.index, total, step.check, *_alone(executor, parcel, step, subject))
    finally:
        stop.set()
        for future in waiting:
            future.cancel()
        threads.shutdown()


def place_of(executor: Executor | None) -> str:
    """Return by name where checks run and, where these run one after the other, what their parts are sent to."""
    if executor is not None:
        return type(executor).__name__
    parts = spread.where()
    return "serial" if parts is None else f"serial, parts in {type(parts).__name__}"


def _spreading(step: Step, subject: Target, executor: Executor, stop: threading.Event) -> Observed:
    def listener(_fraction: float | None, _what: str) -> None:
        if stop.is_set():
            raise Cancelled("stopped by the person who started it")

    with progress.listening(listener), spread.over(executor):
        return observe(step, subject)


def _work(
    step: Step,
    subject: Target,
    said: queue.SimpleQueue[tuple[str, Any]],
    stop: threading.Event,
    executor: Executor | None,
) -> None:
    last, far = 0.0, 0.0

    def listener(fraction: float | None, what: str) -> None:
        nonlocal last, far
        if stop.is_set():
            raise Cancelled("stopped by the person who started it")
        if fraction is not None:
            far = max(far, min(fraction, 1.0))
        if (now := time.monotonic()) - last > 0.05:
            last = now
            said.put(("progress", (None if fraction is None else far, what)))

    try:
        with progress.listening(listener), spread.over(executor):
            said.put(("done", observe(step, subject)))
    except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
        said.put(("failed", error))


def _ended(step: Step, kind: str, what: Any) -> Observed:
    if kind == "done":
        return what  # type: ignore[no-any-return]
    if isinstance(what, STOPS):
        raise what
    return step.broke(in_words(what)), 0.0


def _submit(executor: Executor, step: Step, subject: Target) -> Future[Observed]:
    try:
        return executor.submit(observe, step, subject)
    except Exception as error:  # noqa: BLE001 - refused, broken, or not to be sent: a finding of this check alone
        return _failed(error)


class _Parcel:
    """A subject packed once for other processes.

    Packing it here, and unpacking it inside the worker's call, keeps what cannot be sent or rebuilt an error of
    the check; the pool would hang or break over it.
    """

    def __init__(self, subject: Target) -> None:
        self.subject = subject
        self.packed: bytes | None = None

    def submit(self, executor: Executor, step: Step, _subject: Target) -> Future[Observed]:
        try:
            if self.packed is None:
                self.packed = pickle.dumps(self.subject, protocol=5)
            return executor.submit(_unpacked, pickle.dumps(step, protocol=5), self.packed)
        except BrokenExecutor as error:
            return _failed(error)
        except STOPS:
            raise
        except BaseException as error:  # noqa: BLE001 - objects refuse to be pickled in many ways
            return _failed(
                InputError(f"cannot be sent to another process ({in_words(error)}): {spread.MODULE}")
            )


def _unpacked(step: bytes, subject: bytes) -> Observed:
    try:
        ours, theirs = pickle.loads(step), pickle.loads(subject)  # noqa: S301 - packed by the parent process
    except STOPS:
        raise
    except BaseException as error:  # noqa: BLE001 - what is missing there shows itself in many ways
        raise InputError(
            f"cannot be rebuilt in another process ({in_words(error)}): {spread.MODULE}"
        ) from None
    return observe(ours, theirs)


def _alone(executor: Executor, parcel: _Parcel, step: Step, subject: Target) -> Observed:
    """Run a step that a broken pool dropped in a process of its own: only who broke it breaks again."""
    with spread.single(executor) as pool:
        return _result(parcel.submit(pool, step, subject), step)


def _failed(error: Exception) -> Future[Observed]:
    future: Future[Observed] = Future()
    future.set_exception(error)
    return future


def _result(future: Future[Observed], step: Step) -> Observed:
    try:
        return future.result()
    except STOPS:
        raise
    except BaseException as error:  # noqa: BLE001 - a worker may die in any way; the others stand
        died = "a worker died (crash, or out of memory); " if isinstance(error, BrokenExecutor) else ""
        return step.broke(died + in_words(error)), 0.0


def _hold_to_contract(check: Check, found: Any) -> None:
    if not isinstance(found, Evidence):
        raise InputError(f"{check.name} must return Evidence, got {type(found).__name__}")
    odd = sorted({m.metric for m in found.measurements} - set(check.metrics))
    if odd:
        raise InputError(f"{check.name} gave metrics it does not declare: {', '.join(odd)}")
    try:
        written = json.dumps(found.to_dict(), allow_nan=False)
        same = json.dumps(Evidence.from_dict(json.loads(written)).to_dict(), allow_nan=False) == written
    except Exception as error:
        raise InputError(f"{check.name} gave evidence that cannot be saved: {in_words(error)}") from error
    if not same:
        raise InputError(f"{check.name} gave evidence that does not read back as it was saved")
    if wrong := misfit(json.loads(written), {"$ref": "#/$defs/evidence", "$defs": schema()["$defs"]}):
        raise InputError(f"{check.name} gave evidence that does not fit the schema of a report: {wrong}")
