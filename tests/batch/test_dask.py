from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from auditkit.batch import dask, run, watch
from auditkit.batch.dask import DaskCrew
from auditkit.batch.folder import BatchError
from auditkit.batch.journal import read_entries
from auditkit.batch.keys import made_of
from auditkit.batch.plan import Limits, load_plan
from auditkit.batch.run import run_batch
from auditkit.batch.standing import faults, standing
from auditkit.batch.worker import job_of
from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from auditkit.batch.plan import Plan
    from auditkit.batch.run import BatchResult

distributed = (
    pytest.importorskip("distributed", reason="dask[distributed] is optional")
    if not os.environ.get("CI")
    else __import__("distributed")
)

pytestmark = [pytest.mark.kernel, pytest.mark.filterwarnings("default")]

PYTHON = [sys.executable, "-m"]
QUIET: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@dataclass(frozen=True)
class There:
    plan: Plan
    result: BatchResult
    left: list[psutil.Process]

    def of(self, action: str) -> Any:
        return [one for one in self.result.outcomes if one.audit.parameters["action"] == action]


@pytest.fixture(scope="module")
def there(client: Any, tmp_path_factory: pytest.TempPathFactory, refill_once: Any) -> There:
    """One batch on the cluster: two settings, and two audits that reach a limit; to this process each seems to take days."""
    place = refill_once(tmp_path_factory.mktemp("there"))
    grid = "grid = { action = ['', 'sleep', 'memory'], model_performance__level = [0.9, 0.95] }"
    (place / "plan.toml").write_text(
        f'policy = "policy.toml"\n[[subject]]\nfile = "toy.toml"\n[[template]]\nname = "tiny.ipynb"\n{grid}'
    )
    limits = {"": Limits(seconds=900), "sleep": Limits(seconds=2), "memory": Limits(memory=2**30)}
    plan = load_plan(place / "plan.toml")
    audits = tuple(
        replace(one, limits=limits[one.parameters["action"]])
        for one in plan.audits
        if one.parameters["action"] == "" or one.parameters["model_performance__level"] == 0.9
    )
    plan, clock = replace(plan, audits=audits), time.monotonic
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: clock() * 100_000))
        result = run_batch(plan, place / "out", jobs=2, crew=DaskCrew(client, audits))
    return There(plan, result, below(client))


def test_a_batch_on_a_cluster_gives_what_it_gives_here(there: There, tmp_path: Path) -> None:
    from auditkit.report import load_report

    plan = replace(
        there.plan, audits=tuple(one for one in there.plan.audits if one.parameters["action"] == "")
    )
    here = run_batch(plan, tmp_path / "here", jobs=2)
    assert len(here.outcomes) == 2
    for one, other in zip(there.of(""), here.outcomes, strict=True):
        assert one.word == other.word == "pass", one.why
        assert one.folder == other.folder
        a, b = (
            load_report(out / "results" / one.folder / "report.json") for out in (there.result.out, here.out)
        )
        assert a.stable_dict() == b.stable_dict()
    assert faults(there.result.out) == []


def test_time_is_counted_where_the_audit_runs_and_not_from_its_handing_over(there: There) -> None:
    for one in there.of(""):  # the clock of this process said that they took longer than their limit
        assert one.word == "pass", one.why


@pytest.mark.parametrize(
    ("action", "words"),
    [("sleep", "ran longer than its limit of 2 seconds"), ("memory", "its limit is 1,024 MiB")],
)
def test_limits_hold_on_the_worker_and_its_processes_are_ended(there: There, action: str, words: str) -> None:
    (broke,) = there.of(action)
    assert words in broke.why
    assert f"(on {socket.gethostname()})" in broke.why
    assert broke.memory
    assert broke.seconds
    assert all(one.memory for one in there.of(""))
    assert there.left == []


def below(client: Any) -> list[psutil.Process]:
    """Return the processes that audits have on the workers of this machine."""
    return [
        one
        for pid in client.run(os.getpid).values()
        for one in psutil.Process(pid).children(recursive=True)
        if "auditkit.batch.worker" in " ".join(one.cmdline())
    ]


def test_an_audit_whose_worker_is_lost_is_run_by_another(place: Path, write_plan: Any, client: Any) -> None:
    class Losing(DaskCrew):
        lost = False

        def wait(self, seconds: float) -> Any:
            at_work = [where for where in self._client.processing().values() if where]
            if at_work and not self.lost:
                self.lost = True
                pids = self._client.run(os.getpid)
                address = next(w for w, tasks in self._client.processing().items() if tasks)
                os.kill(pids[address], signal.SIGKILL)
            return super().wait(seconds)

    crew = Losing(client)
    (one,) = run_batch(load_plan(write_plan()), place / "out", crew=crew).outcomes
    assert crew.lost
    assert one.word == "pass", one.why


def test_no_scheduler_is_told_in_words() -> None:
    with pytest.raises(InputError, match="no Dask scheduler answers at"):
        DaskCrew("nonsense://nowhere")


def test_a_file_that_changes_while_an_audit_runs_there_is_seen_there(
    place: Path, write_plan: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what this process sees afterwards is not asked
    monkeypatch.setattr(run, "key_of", lambda _audit, _digests: "0" * 64)
    plan = load_plan(write_plan(f"parameters = {{ action = 'append:{place / 'toy.toml'}' }}"))
    (one,) = run_batch(plan, place / "out", crew=DaskCrew(client)).outcomes
    assert one.word == "broke"
    assert "was changed while it ran" in one.why
    assert f"(on the worker {socket.gethostname()}: subject)" in one.why


def test_an_audit_is_not_run_where_something_else_would_be_audited(
    place: Path, write_plan: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(audit: Any, digests: Any) -> Any:
        made = made_of(audit, digests)
        return {**made, "seed": 7, "versions": {**made["versions"], "numpy": "0.1"}}

    monkeypatch.setattr(dask, "made_of", elsewhere)
    (one,) = run_batch(load_plan(write_plan()), place / "out", crew=DaskCrew(client)).outcomes
    assert one.word == "broke"
    assert f"versions.numpy (0.1, {np.__version__})" in one.why
    assert "Put the same files and packages there" in one.why


def test_a_file_that_went_before_an_audit_is_handed_over_is_told(
    place: Path, write_plan: Any, client: Any
) -> None:
    class Late(DaskCrew):
        def start(self, job: Any) -> None:
            (place / "said.csv").unlink()
            super().start(job)

    (one,) = run_batch(load_plan(write_plan()), place / "out", crew=Late(client)).outcomes
    assert "could not be handed over (cannot read" in one.why


def test_what_is_given_up_is_ended_on_its_worker(place: Path, write_plan: Any, client: Any) -> None:
    (audit,) = load_plan(write_plan("parameters = { action = 'sleep' }")).audits
    folder = place / "there"
    folder.mkdir()
    crew = DaskCrew(client)
    crew.start({**job_of(audit, folder), "id": "one"})
    until(lambda: bool(below(client)))
    crew.close()
    until(lambda: not below(client))


def until(true: Any) -> None:
    """Wait for a state; pytest's own limit of time ends what never comes."""
    while not true():
        time.sleep(0.1)


def test_a_limit_of_memory_is_refused_where_a_worker_has_none(
    place: Path, write_plan: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    audits = load_plan(write_plan("limits = { memory = '2 GiB' }")).audits
    bare = {"workers": {"tcp://a:1": {"memory_limit": 2**30}, "tcp://b:2": {"memory_limit": 0}}}
    monkeypatch.setattr(client, "scheduler_info", lambda **_: bare)
    with pytest.raises(InputError, match=r"tcp://b:2 has none.*Start workers with --memory-limit"):
        DaskCrew(client, audits)
    DaskCrew(client, load_plan(write_plan()).audits)  # no limit, nothing to hold


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A scheduler in a process of its own, and the file by which workers find it."""
    said = tmp_path / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(said)]
    process = subprocess.Popen([*PYTHON, "distributed.cli.dask_scheduler", *options], **QUIET)
    until(said.exists)
    yield process, said
    process.terminate()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_crew_sees_that_its_scheduler_is_gone(scheduler: Any, number: int) -> None:
    process, said = scheduler
    crew = DaskCrew(json.loads(said.read_text())["address"])
    try:
        assert crew.wait(0) == []
        process.send_signal(number)
        until(lambda: not crew._joined())
        with pytest.raises(
            BatchError, match=r"is gone. Every audit that had ended is kept: run the batch again"
        ):
            crew.wait(0)
    finally:
        crew.close()


def test_a_scheduler_that_is_lost_ends_the_batch_in_words_and_it_goes_on_later(
    place: Path, write_plan: Any, scheduler: Any
) -> None:
    process, said = scheduler
    flag, out = place / "flag", place / "out"
    waits = f"do:while not os.path.exists('{flag}'): time.sleep(0.1)"
    file = write_plan(f'grid = {{ action = ["", "{waits}"] }}')
    plan = load_plan(file)
    run_batch(replace(plan, audits=plan.audits[:1]), out)
    options = ["--no-dashboard", "--no-nanny", "--nthreads", "1", "--scheduler-file", str(said)]
    worker = subprocess.Popen([*PYTHON, "distributed.cli.dask_worker", *options], **QUIET)
    try:
        address = json.loads(said.read_text())["address"]
        command = [*PYTHON, "auditkit", "batch", str(file), "--out", str(out), "--dask", address]
        batch = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until(lambda: len(of("started", out)) == 2)
        process.kill()
        _, words = batch.communicate()
        assert batch.returncode == 3, words
        assert f"the Dask scheduler at {address} is gone" in words
        assert "run the batch again" in words
        assert "Traceback" not in words
    finally:
        worker.terminate()
        worker.wait()
    assert [one["outcome"] for one in standing(out)["audits"]] == ["pass", "started"]
    flag.touch()
    again = run_batch(plan, out)
    assert [one.word for one in again.outcomes] == ["pass", "pass"], [one.why for one in again.outcomes]
    first, second = (one.name for one in plan.audits)
    assert of("started", out) == [first, second, second]
    assert faults(out) == []


def of(kind: str, out: Path) -> list[str]:
    return [one.data["name"] for one in read_entries(out) if one.kind == kind]
