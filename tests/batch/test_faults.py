"""Faults: whatever goes wrong, an audit is done, or broke with words that say why; the rest of the batch goes on, and can be run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from auditkit.batch.crew import ForkCrew, SpawnCrew, default_crew
from auditkit.batch.forked import can_fork
from auditkit.batch.journal import JOURNAL
from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch
from auditkit.batch.standing import faults, standing
from auditkit.errors import AuditkitError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.kernel]


def once(crew: Any, patch: pytest.MonkeyPatch, act: Callable[[], bool]) -> None:
    """Have a crew act before it waits, until it could."""
    own, done = crew.wait, []

    def wait(seconds: float) -> Any:
        if not done and act():
            done.append(1)
        return own(seconds)

    patch.setattr(crew, "wait", wait)


@pytest.mark.parametrize("how", ["forked", "anew"])
def test_a_worker_that_is_killed_is_told_and_run_again(
    place: Path, write_plan: Any, warm: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "forked" and not can_fork():
        pytest.skip("forks on Linux only")
    plan, crew = load_plan(write_plan()), warm if how == "forked" else SpawnCrew()

    def kill() -> bool:
        pids = [pid for name in crew._running if (pid := crew.pid(name))]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return bool(pids)

    with monkeypatch.context() as patch:
        once(crew, patch, kill)
        (one,) = run_batch(plan, place / "out", crew=crew).outcomes
    assert one.word == "broke"
    assert "was killed by SIGKILL" in one.why
    (again,) = run_batch(plan, place / "out").outcomes
    assert again.word == "pass"


@pytest.mark.skipif(not can_fork(), reason="forks on Linux only")
def test_a_nursery_that_is_killed_is_made_anew(
    place: Path, write_plan: Any, warm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = load_plan(write_plan("grid = { model_performance__level = [0.9, 0.95] }"))

    def kill() -> bool:
        if warm._process is not None:
            warm._process.kill()
        return warm._process is not None

    with monkeypatch.context() as patch:
        once(warm, patch, kill)
        first, second = run_batch(plan, place / "out", crew=warm).outcomes
    assert first.word == "broke"
    assert "forked from died" in first.why
    assert second.word == "pass"


def test_a_result_that_was_complete_when_the_batch_was_killed_is_adopted(
    place: Path, write_plan: Any
) -> None:
    plan, out = load_plan(write_plan()), place / "out"
    run_batch(plan, out)
    for name in (JOURNAL, "journal.head"):  # as if it had been killed before the entry
        (out / name).unlink()
    (one,) = run_batch(plan, out).outcomes
    assert one.word == "pass"
    assert [e["outcome"] for e in standing(out)["audits"]] == ["pass"]
    assert standing(out)["entries"] == 3  # planned, adopted, finished


def test_a_full_disk_ends_the_batch_in_words_and_it_goes_on_with_room(place: Path, write_plan: Any) -> None:
    out = place / "small"
    out.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=120k", "tmpfs", str(out)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        plan = load_plan(write_plan())
        told = ""
        try:
            told = run_batch(plan, out).outcomes[0].why
        except (AuditkitError, OSError) as error:
            told = str(error)
        assert "space" in told or "full" in told
        subprocess.run(["mount", "-o", "remount,size=64m", str(out)], check=True)
        (one,) = run_batch(plan, out).outcomes
        assert one.word == "pass"
    finally:
        subprocess.run(["umount", "-l", str(out)], check=True)


HEARD = {
    "SIGTERM": ([signal.SIGTERM], 143),
    "SIGINT": ([signal.SIGINT], 130),
    "SIGINT twice": ([signal.SIGINT, signal.SIGINT], 130),
    "SIGHUP": ([signal.SIGHUP], -signal.SIGHUP),
}


# the real processes of a batch, but what they are forked from imports nothing, and an audit waits beside its kernel
LIGHT = """\
import pathlib, subprocess, sys, time
if sys.argv[1:] == ["nursery"]:
    from auditkit.batch import nursery, worker
    def work(job, ready):
        ready()
        (pathlib.Path(job["folder"]) / ".auditkit-light").mkdir()
        time.sleep(600)
    nursery._warm, worker.work = (lambda: None), work
    nursery.main()
from auditkit.batch import crew
def python(self, module, stdout):
    command = [sys.executable, __file__, module.rpartition(".")[2]]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, env=self._environment, start_new_session=True)
crew._Here._python = python
from auditkit.cli import main
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("what", HEARD)
def test_a_batch_that_is_told_to_end_ends_with_all_its_processes(
    place: Path, write_plan: Any, what: str
) -> None:
    import psutil

    numbers, code = HEARD[what]
    file = write_plan("parameters = { action = 'sleep' }")
    (place / "light.py").write_text(LIGHT)
    light = can_fork() and what != "SIGTERM"  # one of them with all that a batch imports
    command = [sys.executable, *([str(place / "light.py")] if light else ["-m", "auditkit"])]
    command += ["batch", str(file), "--out", str(place / "out")]
    heard = lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)  # noqa: E731 - under nohup it is ignored, and a batch then goes on
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heard)
    until = time.monotonic() + 300
    while not list((place / "out").glob("results/.unfinished-*/.auditkit-*")) and time.monotonic() < until:
        time.sleep(0.1)
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= (3 if can_fork() else 1), family  # what is forked from, a worker, a kernel
    for number in numbers:
        process.send_signal(number)
    _, said = process.communicate(timeout=300)
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert what not in ("SIGTERM", "SIGINT") or f"To go on: auditkit batch {file} --out" in said
    _gone, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    assert [one["outcome"] for one in standing(place / "out")["audits"]] == ["started"]


# the first worker of a nursery cannot be forked, nor the kernel of the second: the count goes on in its copy
REFUSES = """\
import os, sys
if "nursery" in " ".join(sys.orig_argv):
    own, nursery, seen = os.fork, os.getpid(), []
    def fork():
        seen.append(1)
        if len(seen) == 1 or (len(seen) == 3 and os.getpid() != nursery):
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return own()
    os.fork = fork
"""


@pytest.mark.skipif(not can_fork(), reason="forks on Linux only")
def test_an_audit_that_no_process_is_left_for_is_told_and_the_others_go_on(
    place: Path, write_plan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = load_plan(write_plan("grid = { model_performance__level = [0.9, 0.95, 0.99] }"))
    (place / "site").mkdir()
    (place / "site" / "sitecustomize.py").write_text(REFUSES)
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(place / "site"), prepend=os.pathsep)
        first, second, third = run_batch(plan, place / "out", crew=default_crew(1)).outcomes
    assert (first.word, second.word, third.word) == ("broke", "broke", "pass"), (first.why, second.why)
    assert "could not be started (Resource temporarily unavailable)" in first.why
    assert "no process for the kernel: Resource temporarily unavailable" in second.why
    assert run_batch(plan, place / "out").counts["pass"] == 3


@pytest.mark.parametrize("crew", [ForkCrew, SpawnCrew])
def test_a_crew_that_no_process_can_be_made_for_is_told(
    place: Path, write_plan: Any, monkeypatch: pytest.MonkeyPatch, crew: Any
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(12, "Cannot allocate memory")

    plan, used = load_plan(write_plan()), crew()
    monkeypatch.setattr(subprocess, "Popen", refuse)
    (one,) = run_batch(plan, place / "out", crew=used).outcomes
    assert "could not be started (Cannot allocate memory)" in one.why


def test_a_reader_that_leaves_and_names_of_any_letters_end_no_batch(place: Path, write_plan: Any) -> None:
    odd = place / "a b{c}%d$HOME é\N{SNOWMAN}"
    write_plan()
    odd.mkdir()
    for one in list(place.iterdir()):
        if one.is_file():
            one.rename(odd / one.name)
    command = [sys.executable, "-m", "auditkit", "batch", "plan.toml", "--out", "out"]
    # where only ASCII is known, those letters are refused in words, before anything is written
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    refused = subprocess.run(command, capture_output=True, cwd=odd, env=ascii_only, check=False)
    assert refused.returncode == 2
    assert b"hidden character" in refused.stderr
    assert not (odd / "out").exists()
    with subprocess.Popen(command, cwd=odd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        process.stdout.close()  # as `2>&1 | head` does
    assert process.returncode == 141
    assert faults(odd / "out") == []
    assert standing(odd / "out")["verdict"] == "pass"


def test_the_crew_of_this_machine_is_forked_where_that_is_safe() -> None:
    assert type(default_crew(2)) is (ForkCrew if can_fork() else SpawnCrew)


def test_the_news_of_a_worker_are_no_part_of_its_result(place: Path, write_plan: Any) -> None:
    (one,) = run_batch(load_plan(write_plan()), place / "out").outcomes
    listed = json.loads((place / "out" / "results" / one.folder / "result.json").read_text())["files"]
    assert set(listed) - {name for name in listed if name.startswith("tables/")} == {
        "report.html",
        "report.ipynb",
        "report.json",
    }
