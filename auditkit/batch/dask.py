"""Dask: the audits of a batch as tasks of a cluster that shares the files of the subjects."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.batch.crew import Left
from auditkit.batch.elsewhere import run_here
from auditkit.batch.folder import BatchError
from auditkit.batch.keys import Digests, made_of
from auditkit.batch.plan import PlannedAudit
from auditkit.batch.store import ANSWERS
from auditkit.batch.worker import plain
from auditkit.errors import InputError, needs
from auditkit.files import write_whole
from auditkit.runner.cluster import forget_old_clients

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["DaskCrew"]

_TRIES = 3
_LOOK = 0.02


class DaskCrew:
    """Workers of a dask.distributed cluster; each audit is one task, in a Python of its own there.

    Parameters
    ----------
    client : distributed.Client or str
        A client, which stays open; or the address of a scheduler.
    audits : iterable of PlannedAudit, optional
        What is to be run. Given them, limits that the cluster could not hold are refused now.

    Notes
    -----
    The files that a plan names must be at the same paths on every worker: each holds them, and its packages, against what the key of the audit
    is made of here, before and after. Results come back over the network and are written here, by the one writer of the batch. A
    task whose worker is lost is given to another, a few times. Limits hold there (`elsewhere.run_here`).

    Raises
    ------
    InputError
        If distributed is not installed, no scheduler answers, or an audit has a limit of memory and a worker has none.
    """

    def __init__(self, client: Any, audits: Iterable[PlannedAudit] = ()) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise needs("dask[distributed]", "dask", "--dask") from None
        self._own = isinstance(client, str)
        if self._own:
            forget_old_clients()
        try:
            self._client: Any = _join(Client, client) if self._own else client
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(f"no Dask scheduler answers at {client!r}: {error}") from None
        self._running: dict[str, tuple[Any, Path]] = {}
        self._refused: list[Left] = []
        self._digests = Digests()
        self._address = client if self._own else self._client.scheduler.address
        try:
            self._see(audits)
        except InputError:
            self.close()
            raise

    def start(self, job: Mapping[str, Any]) -> None:
        """Begin a job; returns at once."""
        self._connected()
        try:
            made = plain(made_of(PlannedAudit.from_dict(job), self._digests))
        except InputError as error:
            self._refused.append(Left(job["id"], 1, f"could not be handed over ({error})"))
            return
        told = {**job, "made_of": made, "day": self._digests.day.isoformat()}
        future = self._client.submit(
            run_here, told, pure=False, retries=_TRIES, key=f"auditkit-{job['id']}-{time.time_ns()}"
        )
        self._running[job["id"]] = (future, Path(job["folder"]))

    def wait(self, seconds: float) -> list[Left]:
        """Return the workers that are gone, after some seconds at most.

        Raises
        ------
        BatchError
            If the scheduler is gone.
        """
        until = time.monotonic() + seconds
        while True:
            self._connected()
            ended = [name for name, (future, _) in self._running.items() if future.done()]
            if ended or self._refused or time.monotonic() >= until:
                told, self._refused = self._refused, []
                return [*told, *map(self._left, ended)]
            time.sleep(_LOOK)

    def begun(self, id_: str) -> bool:  # noqa: ARG002 - as every crew
        """Return False: time is counted, and limits are held, where the audit runs."""
        return False

    def pid(self, id_: str) -> None:  # noqa: ARG002 - as every crew
        """Return None: the process is on another machine."""
        return

    def kill(self, id_: str) -> None:
        """Give a job up; its worker ends its processes."""
        if id_ in self._running:
            self._running[id_][0].cancel(force=True)

    def close(self) -> None:
        """Give all jobs up, and leave a cluster that was joined by its address."""
        for future, _ in self._running.values() if self._joined() else ():
            with suppress(Exception):
                future.cancel(force=True)
        self._running.clear()
        if self._own:
            with suppress(Exception):
                self._client.close()

    def _see(self, audits: Iterable[PlannedAudit]) -> None:
        """Refuse a limit of memory where workers have none: what an audit hands out runs in them, and would have none."""
        limited = [one.name for one in audits if one.limits.memory is not None]
        workers = self._client.scheduler_info(n_workers=-1)["workers"] if limited else {}
        bare = sorted(str(address) for address, one in workers.items() if not one.get("memory_limit"))
        if bare:
            raise InputError(
                f"{limited[0]} has a limit of memory, and the Dask worker {bare[0]} has none: reference models that an audit hands out are trained in "
                "the workers. Start workers with --memory-limit, or take limits.memory out of the plan"
            )

    def _joined(self) -> bool:
        """Whether the client still hears the scheduler; one that says good-bye leaves it as it was, with its line closed."""
        line = self._client.scheduler_comm
        return self._client.status == "running" and line is not None and not line.closed()

    def _connected(self) -> None:
        if not self._joined():
            raise BatchError(
                f"the Dask scheduler at {self._address} is gone. Every audit that had ended is kept: run the batch again when a scheduler answers"
            )

    def _left(self, name: str) -> Left:
        future, folder = self._running.pop(name)
        try:
            files, code = future.result()
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            self._connected()  # a scheduler that is gone takes all along, and is no fault of this one
            return Left(name, 1, f"was lost by the cluster ({type(error).__name__}: {error})")
        for path, content in files.items():
            target = folder / path
            target.parent.mkdir(exist_ok=True)
            write_whole(target, content, private=path == ANSWERS)
        return Left(name, code)


def _join(connect: Any, address: str) -> Any:
    return connect(address, timeout="20s", set_as_default=False)
