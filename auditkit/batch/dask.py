"""Dask: the audits of a batch as tasks of a cluster that shares the files of the subjects."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.batch.crew import Left
from auditkit.batch.worker import environment
from auditkit.errors import InputError, needs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DaskCrew", "run_here"]

_TRIES = 3


class DaskCrew:
    """Workers of a dask.distributed cluster; each audit is one task, in a Python of its own there.

    Parameters
    ----------
    client : distributed.Client or str
        A client, which stays open; or the address of a scheduler.

    Notes
    -----
    The files that a plan names must be at the same paths on every worker; results come back over the network and are written here, by the
    one writer of the batch. A task whose worker is lost is given to another, a few times. Limits of time hold, from
    the moment a task is handed over; memory is for the cluster's own limits, and is not watched here.

    Raises
    ------
    InputError
        If distributed is not installed, or no scheduler answers.
    """

    def __init__(self, client: Any) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise needs("dask[distributed]", "dask", "--dask") from None
        self._own = isinstance(client, str)
        try:
            self._client: Any = _joined(Client, client) if self._own else client
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(f"no Dask scheduler answers at {client!r}: {error}") from None
        self._running: dict[str, tuple[Any, Path]] = {}

    def start(self, job: Mapping[str, Any]) -> None:
        """Begin a job; returns at once."""
        future = self._client.submit(
            run_here, dict(job), pure=False, retries=_TRIES, key=f"auditkit-{job['id']}-{time.time_ns()}"
        )
        self._running[job["id"]] = (future, Path(job["folder"]))

    def wait(self, seconds: float) -> list[Left]:
        """Return the workers that are gone, after some seconds at most."""
        until = time.monotonic() + seconds
        while True:
            ended = [name for name, (future, _) in self._running.items() if future.done()]
            if ended or time.monotonic() >= until:
                return [self._left(name) for name in ended]
            time.sleep(0.02)

    def begun(self, id_: str) -> bool:
        """Whether a job was handed over."""
        return id_ in self._running

    def pid(self, id_: str) -> None:  # noqa: ARG002 - as every crew
        """Return None: the process is on another machine."""
        return

    def kill(self, id_: str) -> None:
        """Give a job up; its worker ends it when the task is released."""
        if id_ in self._running:
            self._running[id_][0].cancel(force=True)

    def close(self) -> None:
        """Give all jobs up, and leave a cluster that was joined by its address."""
        for future, _ in self._running.values():
            with suppress(Exception):
                future.cancel(force=True)
        self._running.clear()
        if self._own:
            self._client.close()

    def _left(self, name: str) -> Left:
        future, folder = self._running.pop(name)
        try:
            files, code = future.result()
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            return Left(name, 1, f"was lost by the cluster ({type(error).__name__}: {error})")
        for path, content in files.items():
            target = folder / path
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
        return Left(name, code)


def _joined(connect: Any, address: str) -> Any:
    return connect(address, timeout="20s", set_as_default=False)


def run_here(job: dict[str, Any]) -> tuple[dict[str, bytes], int]:
    """Run a job in a new Python on this machine; return its files by name, and its exit code."""
    with tempfile.TemporaryDirectory(prefix="auditkit-") as place:
        folder = Path(place)
        done = subprocess.run(
            [sys.executable, "-m", "auditkit.batch.worker"],
            input=json.dumps({**job, "folder": place}).encode(),
            stdout=subprocess.DEVNULL,
            env=environment(1),
            check=False,
        )
        names = [one for one in sorted(folder.rglob("*")) if one.is_file()]
        return {one.relative_to(folder).as_posix(): one.read_bytes() for one in names}, done.returncode
