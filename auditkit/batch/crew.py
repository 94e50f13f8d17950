"""Crew: who runs the audits of a batch: processes forked from a warm one, or started anew."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from auditkit.batch.forked import can_fork
from auditkit.batch.worker import environment
from auditkit.errors import AuditkitError
from auditkit.runner.sockets import sweep

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Crew", "ForkCrew", "Left", "SpawnCrew", "default_crew", "end_tree"]

_RESTARTS = 5
_DYING = 2.0  # seconds that killed processes are waited for


@dataclass(frozen=True, slots=True)
class Left:
    """A worker that is gone.

    Attributes
    ----------
    id : str
        Of its job.
    code : int
        Its exit code; minus the signal that ended it.
    why : str
        Where it ended by no fault of its own: what happened.
    """

    id: str
    code: int
    why: str = ""


class Crew(Protocol):
    """Who runs audits. A job is what `worker.job_of` returns and an ``id``; its outcome is in its folder."""

    def start(self, job: Mapping[str, Any]) -> None:
        """Begin a job; returns at once."""

    def wait(self, seconds: float) -> list[Left]:
        """Return the workers that are gone, after some seconds at most."""

    def begun(self, id_: str) -> bool:
        """Whether a job has a process, so that its time counts."""

    def pid(self, id_: str) -> int | None:
        """Return the process of a job, where it is on this machine and has begun."""

    def kill(self, id_: str) -> None:
        """End a job and all that it started."""

    def close(self) -> None:
        """End all jobs."""


def default_crew(jobs: int) -> Crew:
    """Return the crew for this machine: forked where that is safe."""
    threads = max(1, _processors() // jobs)
    return ForkCrew(threads) if can_fork() else SpawnCrew(threads)


def _processors() -> int:
    """Return how many processors this process may use, which in a container can be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_tree(pid: int) -> None:
    """Kill a process and all that came from it."""
    import psutil

    try:
        top = psutil.Process(pid)
        every = [top, *top.children(recursive=True)]
    except psutil.Error:
        every = []
    for one in every:
        with suppress(psutil.Error):
            one.kill()
    until = time.monotonic() + _DYING
    while any(map(_runs, every)) and time.monotonic() < until:
        time.sleep(0.002)
    sweep()  # a worker that is killed leaves the sockets of its kernel


def _runs(process: Any) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


class _Here:
    """What crews of this machine share: the process of each job, which is None until it is known."""

    def __init__(self, threads: int = 1) -> None:
        self._environment = environment(threads)
        self._running: dict[str, int | None] = {}
        self._unstarted: list[Left] = []

    def begun(self, id_: str) -> bool:
        """Whether a job has a process, so that its time counts."""
        return self._running.get(id_) is not None

    def pid(self, id_: str) -> int | None:
        """Return the process of a job, where it is on this machine and has begun."""
        return self._running.get(id_)

    def kill(self, id_: str) -> None:
        """End a job and all that it started."""
        if (pid := self._running.get(id_)) is not None:
            end_tree(pid)

    def _python(self, module: str, stdout: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - a module of this package
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=stdout,
            env=self._environment,
            start_new_session=os.name == "posix",
        )

    def _told(self) -> list[Left]:
        """Return the jobs that no process could be made for, once."""
        told, self._unstarted = self._unstarted, []
        return told

    def _cannot_start(self, id_: str, error: OSError) -> None:
        self._running.pop(id_, None)
        self._unstarted.append(Left(id_, 1, f"could not be started ({error.strerror or error})"))


class SpawnCrew(_Here):
    """A Python started anew for each audit: slower, and works everywhere.

    Parameters
    ----------
    threads : int
        Threads that numerical libraries may use in each worker.
    """

    def __init__(self, threads: int = 1) -> None:
        super().__init__(threads)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, job: Mapping[str, Any]) -> None:
        """Begin a job; returns at once."""
        try:
            process = self._python("auditkit.batch.worker", subprocess.DEVNULL)
        except OSError as error:
            self._cannot_start(job["id"], error)
            return
        self._processes[job["id"]], self._running[job["id"]] = process, process.pid
        with suppress(BrokenPipeError):
            assert process.stdin is not None  # noqa: S101 - a pipe was asked for
            process.stdin.write(json.dumps(dict(job)).encode())
            process.stdin.close()

    def wait(self, seconds: float) -> list[Left]:
        """Return the workers that are gone, after some seconds at most."""
        until = time.monotonic() + seconds
        while True:
            gone = [Left(name, p.returncode) for name, p in self._processes.items() if p.poll() is not None]
            if gone or self._unstarted or time.monotonic() >= until:
                for one in gone:
                    del self._processes[one.id], self._running[one.id]
                return [*self._told(), *gone]
            time.sleep(0.02)

    def close(self) -> None:
        """End all jobs."""
        for process in self._processes.values():
            end_tree(process.pid)
            process.wait()
        self._processes.clear()
        self._running.clear()


class ForkCrew(_Here):
    """Workers forked from a process that has imported everything (`nursery`); a new one is made if it dies.

    Parameters
    ----------
    threads : int
        Threads that numerical libraries may use in each worker.
    """

    def __init__(self, threads: int = 1) -> None:
        super().__init__(threads)
        self._process: subprocess.Popen[bytes] | None = None
        self._rest, self._made, self._ready = b"", 0, False

    def start(self, job: Mapping[str, Any]) -> None:
        """Begin a job; returns at once."""
        try:
            nursery = self._nursery()
        except OSError as error:
            self._cannot_start(job["id"], error)
            return
        self._running[job["id"]] = None
        with suppress(BrokenPipeError):  # it died: told by `wait`
            assert nursery.stdin is not None  # noqa: S101 - a pipe was asked for
            nursery.stdin.write(json.dumps(dict(job)).encode() + b"\n")
            nursery.stdin.flush()

    def wait(self, seconds: float) -> list[Left]:
        """Return the workers that are gone, after some seconds at most."""
        if self._unstarted:
            return self._told()
        if self._process is None or self._process.stdout is None:
            time.sleep(seconds)
            return []
        with selectors.DefaultSelector() as watch:
            watch.register(self._process.stdout, selectors.EVENT_READ)
            if not watch.select(seconds):
                return []
        data = os.read(self._process.stdout.fileno(), 2**16)
        if not data:
            return self._lost()
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [left for line in lines if (left := self._heard(json.loads(line))) is not None]

    def close(self) -> None:
        """End all jobs."""
        if self._process is not None:
            for name in list(self._running):
                self.kill(name)
            if self._process.stdin is not None:
                with suppress(BrokenPipeError):
                    self._process.stdin.close()
            end_tree(self._process.pid)  # one that still imports does not look at its pipe
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None
        self._running.clear()

    def _nursery(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            if self._made > _RESTARTS:
                raise AuditkitError(
                    f"the process that workers are forked from died {self._made} times; see whether memory suffices, and give fewer --jobs"
                )
            self._made, self._rest, self._ready = self._made + 1, b"", False
            self._process = self._python("auditkit.batch.nursery", subprocess.PIPE)
        return self._process

    def _heard(self, said: dict[str, Any]) -> Left | None:
        if "ready" in said:
            self._ready, self._made = True, 1
        elif "started" in said:
            self._running[said["started"]] = said["pid"]
        elif "ended" in said:
            self._running.pop(said["ended"], None)
            return Left(said["ended"], said["code"], said.get("why", ""))
        return None

    def _lost(self) -> list[Left]:
        """Return all jobs of a nursery that died, after ending what is left of them."""
        for name in list(self._running):
            self.kill(name)
        gone = [
            Left(name, -signal.SIGKILL, "ended because the process it was forked from died,")
            for name in self._running
        ]
        self._running.clear()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()
        self._process = None
        return gone
