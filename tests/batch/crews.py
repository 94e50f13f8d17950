"""Crews of tests: audits that end at once, as they are told, without a kernel; and processes forked from one that many batches share."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.batch.crew import ForkCrew, Left
from auditkit.batch.worker import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable


class Canned:
    """A crew whose workers leave a small result at once.

    Its audits come to `verdict`, with `not_met`; or they `broke`; or, where it is `idle`, the workers end having done nothing. `before` is called when one
    starts. It counts how often it was closed.
    """

    def __init__(
        self,
        verdict: str = "pass",
        *not_met: dict[str, str],
        broke: bool = False,
        idle: bool = False,
        before: Callable[[], Any] | None = None,
    ) -> None:
        failed = len(not_met)
        self.said: dict[str, Any] = {
            "ended": "done", "verdict": verdict, "counts": {"pass": 2, "fail": failed}, "not_met": list(not_met), "seconds": 1.0,
        }  # fmt: skip
        if broke:
            why = "a record of Maria Muster, 071-22-8891"
            self.said = {"ended": "broke", "kind": "notebook", "why": why, "seconds": 1.0}
        self.idle = idle
        self.started: list[str] = []
        self.closed = 0
        self._left: list[Left] = []
        self._before = before

    def start(self, job: Any) -> None:
        if self._before is not None:
            self._before()
        self.started.append(job["name"])
        self._left.append(Left(job["id"], 1 if self.idle else 0))
        if self.idle:
            return
        folder = Path(job["folder"])
        with suppress(OSError):  # of a full disk
            (folder / "report.json").write_text(f"result of {job['name']}: {self.said['ended']}")
            (folder / ENDED).write_text(json.dumps(self.said))

    def wait(self, _seconds: float) -> list[Left]:
        left, self._left = self._left, []
        return left

    def begun(self, _id: str) -> bool:
        return True

    def pid(self, _id: str) -> None:
        return None

    def kill(self, _id: str) -> None: ...

    def close(self) -> None:
        self.closed += 1


class Warm(ForkCrew):
    """The crew of this machine, but what its processes are forked from outlives a batch: imports that take seconds are made once for many tests."""

    def start(self, job: Any) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._lost()
        super().start(job)

    def close(self) -> None:
        """End all jobs, and wait until they are gone."""
        while self._running:
            for name in list(self._running):
                self.kill(name)
            self.wait(0.1)

    def end(self) -> None:
        super().close()
