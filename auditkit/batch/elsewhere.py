"""Elsewhere: an audit of a batch on a worker of a cluster: watched there, held to its limits there, and ended with its task."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.batch.crew import end_tree
from auditkit.batch.plan import Limits
from auditkit.batch.watch import Watch
from auditkit.batch.worker import ENDED, NEWS, environment
from auditkit.runner.cluster import CLUSTER

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["run_here"]

_ENDING = ("closing", "closed", "failed")
_LOOK = 0.1  # seconds between two looks at what it takes and at what became of its task


def run_here(job: dict[str, Any]) -> tuple[dict[str, bytes], int]:
    """Run a job in a new Python on this machine; return its files by name, and its exit code.

    It is a task of a Dask worker. Its limits count from here: the time from the start of that Python, the memory of that and of all that
    comes from it. When the task is given up, or its worker closes, they are ended. The task leaves its place among those at work when the
    audit first hands out tasks of its own, so that these find one, also where there is one thread in all.
    """
    task = _Task()
    with tempfile.TemporaryDirectory(prefix="auditkit-") as place:
        folder = Path(place) / "out"
        folder.mkdir()
        asked = Path(place) / "asked"
        process = _started({**job, "folder": str(folder)}, task.cluster(asked, job.get("made_of") or {}))
        told, peak = _watched(process, Limits(**job.get("limits", {})), task, asked)
        if told:
            said = {"ended": "broke", "kind": "limit", **told, "memory": peak}
            return {ENDED: json.dumps(said).encode()}, 0
        names = [one for one in sorted(folder.rglob("*")) if one.is_file() and one.name != NEWS]
        files = {one.relative_to(folder).as_posix(): one.read_bytes() for one in names}
        if ENDED in files:
            files[ENDED] = json.dumps({**json.loads(files[ENDED]), "memory": peak}).encode()
        return files, process.returncode


def _started(job: Mapping[str, Any], cluster: Mapping[str, str]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "auditkit.batch.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**environment(1), **cluster},
        start_new_session=os.name == "posix",
    )
    with suppress(BrokenPipeError):  # it died: its exit code says so
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        process.stdin.write(json.dumps(job).encode())
        process.stdin.close()
    return process


def _watched(
    process: subprocess.Popen[bytes], limits: Limits, task: _Task, asked: Path
) -> tuple[dict[str, Any], int]:
    """Wait for a process; return why it was ended, empty where it ended by itself, and the most memory that was seen."""
    watch = Watch(limits)
    watch.begin()
    try:
        while True:
            why = watch.over(process.pid)
            if why:
                where = f" (on {socket.gethostname()})"
                return {"why": f"{why}{where}", "seconds": round(watch.seconds(), 3)}, watch.peak
            if task.given_up():
                return {"why": "it was given up", "seconds": round(watch.seconds(), 3)}, watch.peak
            if asked.exists():
                task.step_aside()
            try:
                process.wait(_LOOK)
            except subprocess.TimeoutExpired:
                continue
            return {}, watch.peak
    finally:
        if process.poll() is None:
            end_tree(process.pid)
            process.wait()


class _Task:
    """What the worker of a task says of it; nothing outside a worker."""

    def __init__(self) -> None:
        from distributed import get_worker

        self._aside = False
        try:
            self._worker: Any = get_worker()
            self._key = self._worker.get_current_task()
        except ValueError:
            self._worker = None

    def cluster(self, asked: Path, made: Mapping[str, Any]) -> dict[str, str]:
        """Return the variables that tell the kernel of an audit where it may hand tasks, and what a worker needs to take one."""
        if self._worker is None:
            return {}
        needed = {**made.get("versions", {}), **made.get("uses", {}).get("packages", {})}
        said = {
            "address": self._worker.scheduler.address,
            "asked": str(asked),
            "releases": needed,
            "own": sorted(made.get("uses", {}).get("code", {})),
        }
        return {CLUSTER: json.dumps(said)}

    def given_up(self) -> bool:
        """Whether nobody waits for the task any longer."""
        if self._worker is None:
            return False
        state = self._worker.state.tasks.get(self._key)
        return state is None or state.state == "cancelled" or self._worker.status.name in _ENDING

    def step_aside(self) -> None:
        """Let the worker begin another task beside this one, once."""
        if self._worker is None or self._aside:
            return
        from distributed import secede

        self._aside = True
        leave: Any = secede
        leave()
