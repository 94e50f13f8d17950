"""Forked processes end with their own code, and say what went wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

from auditkit.batch.forked import _Forked, can_fork

pytestmark = pytest.mark.skipif(not can_fork(), reason="forks on Linux only")

BREAKS = """
import os
from auditkit.batch import nursery
def breaks():
    raise OSError("no process is left")
nursery.fork_kernel = breaks
os._exit(os.waitstatus_to_exitcode(os.waitpid(nursery._fork({"id": "x"}, ()), 0)[1]))
"""


def test_a_worker_that_cannot_begin_says_why() -> None:
    done = subprocess.run([sys.executable, "-c", BREAKS], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "OSError: no process is left" in done.stderr


@pytest.mark.parametrize(
    ("code", "ends"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 15)", -15)]
)
def test_waiting_gives_the_code_a_process_ended_with(code: str, ends: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", code])
    assert _Forked(process.pid).wait() == ends
    process.wait()
