"""Forked processes end with their own code, and say what went wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from auditkit.batch.forked import _Forked, can_fork
from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not can_fork(), reason="forks on Linux only")

BREAKS = """
import os
from auditkit.batch import nursery
def breaks():
    raise OSError("no process is left")
nursery.die_with_parent = breaks
os._exit(os.waitstatus_to_exitcode(os.waitpid(nursery._fork({"id": "x"}, ()), 0)[1]))
"""
BREAKS_AS_KERNEL = """
import json, os, sys
from auditkit.batch import forked
reading, writing = os.pipe()
if os.fork() == 0:
    os.close(writing)
    forked._be_kernel(reading)
said = {"log": sys.argv[1], "environment": {}, "cwd": sys.argv[1] + "/nowhere", "connection_file": "x"}
os.close(reading)
os.write(writing, json.dumps(said).encode())
os.close(writing)
os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""
THREADS = """
import json, os, psutil, sys
from threadpoolctl import threadpool_info
import sklearn.linear_model
family = [psutil.Process(), *psutil.Process().parents()[:2]]  # the kernel, its worker, the nursery
listens = [c.laddr.port for one in family for c in one.net_connections("inet") if c.status == psutil.CONN_LISTEN]
json.dump([listens, [one["num_threads"] for one in threadpool_info()]], open({path!r}, "w"))
"""


def test_a_worker_that_cannot_begin_says_why() -> None:
    done = subprocess.run([sys.executable, "-c", BREAKS], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "OSError: no process is left" in done.stderr


def test_a_kernel_that_cannot_begin_says_why_in_its_log(tmp_path: Path) -> None:
    log = tmp_path / "kernel.log"
    command = [sys.executable, "-c", BREAKS_AS_KERNEL, str(log)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    assert "NotADirectoryError" in log.read_text()


@pytest.mark.kernel
def test_libraries_in_a_kernel_use_as_many_threads_as_are_its_share_and_it_opens_no_port(
    place: Path, write_plan: Any, warm: Any
) -> None:
    (place / "look.py").write_text(THREADS.format(path=str(place / "threads.json")))
    plan = load_plan(
        write_plan(f"parameters = {{ action = 'do:exec(open(\"{place / 'look.py'}\").read())' }}")
    )
    (one,) = run_batch(plan, place / "out", crew=warm).outcomes  # one thread each
    assert one.word == "pass", one.why
    listens, threads = json.loads((place / "threads.json").read_text())
    assert set(threads) == {1}
    assert listens == []


@pytest.mark.parametrize(
    ("code", "ends"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 15)", -15)]
)
def test_waiting_gives_the_code_a_process_ended_with(code: str, ends: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", code])
    assert _Forked(process.pid).wait() == ends
    process.wait()
