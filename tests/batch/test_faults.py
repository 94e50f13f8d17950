"""Faults: whatever goes wrong, an audit is done, or broke with words that say why; the rest of the batch goes on, and can be run again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from auditkit.batch import run as module
from auditkit.batch.crew import ForkCrew, SpawnCrew, default_crew
from auditkit.batch.forked import can_fork
from auditkit.batch.journal import JOURNAL, JournalError
from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch
from auditkit.batch.standing import faults, standing
from auditkit.errors import AuditkitError, InputError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.kernel]


def in_the_kernel(action: str, template: str = "") -> Any:
    def prepare(place: Path) -> str:
        path = str(place / "test.csv")
        return f"grid = {{ action = ['', '{action.format(path=path)}'] }}\n{template}"

    return prepare


# what happens inside one of two audits -> how its outcome begins to say so
INSIDE = {
    "kernel killed": (in_the_kernel("die"), "the kernel died"),
    "kernel leaves": (in_the_kernel("exit"), "the kernel died"),
    "a cell fails": (in_the_kernel("raise"), "cell 3 failed: RuntimeError: on purpose"),
    "time limit": (in_the_kernel("sleep", "limits = { seconds = 30 }"), "it ran longer than its limit of 30 seconds"),
    "memory limit": (in_the_kernel("memory", "limits = { memory = '2 GiB' }"), "MiB of memory, and its limit is 2,048 MiB"),
    "a file goes away while it runs": (in_the_kernel("remove:{path}"), "data.test.path"),
}  # fmt: skip


@pytest.mark.parametrize("what", INSIDE)
def test_one_audit_breaks_and_the_other_is_done(place: Path, write_plan: Any, what: str) -> None:
    prepare, told = INSIDE[what]
    result = run_batch(load_plan(write_plan(prepare(place))), place / "out")
    good, bad = result.outcomes
    assert (good.word, bad.word) == ("pass", "broke"), (good.why, bad.why)
    assert told in bad.why
    assert result.verdict == "undecided"
    assert faults(place / "out") == []
    assert "No report" in (place / "out" / "index.html").read_text()


def test_data_that_change_while_an_audit_runs_are_not_believed(place: Path, write_plan: Any) -> None:
    plan = load_plan(write_plan(f"parameters = {{ action = 'append:{place / 'toy.toml'}' }}"))
    (one,) = run_batch(plan, place / "out").outcomes
    assert one.word in ("broke", "not_run")
    events = standing(place / "out")["audits"]
    assert "was changed while it ran" in events[0]["why"]


@pytest.mark.parametrize("crew", [ForkCrew, SpawnCrew])
def test_a_worker_that_is_killed_is_told_and_run_again(place: Path, write_plan: Any, crew: Any) -> None:
    if crew is ForkCrew and not can_fork():
        pytest.skip("forks on Linux only")
    plan = load_plan(write_plan())

    class Killing(crew):
        def wait(self, seconds: float) -> Any:
            for name in list(self._running):
                if pid := self.pid(name):
                    os.kill(pid, signal.SIGKILL)
            return super().wait(seconds)

    used = Killing()
    (one,) = run_batch(plan, place / "out", crew=used).outcomes
    assert one.word == "broke"
    assert "was killed by SIGKILL" in one.why
    (again,) = run_batch(plan, place / "out").outcomes
    assert again.word == "pass"


@pytest.mark.skipif(not can_fork(), reason="forks on Linux only")
def test_a_nursery_that_is_killed_is_made_anew(place: Path, write_plan: Any) -> None:
    plan = load_plan(write_plan("grid = { model_performance__level = [0.9, 0.95] }"))

    class Killing(ForkCrew):
        killed = False

        def wait(self, seconds: float) -> Any:
            if not self.killed and self._process is not None:
                self.killed = True
                self._process.kill()
            return super().wait(seconds)

    first, second = run_batch(plan, place / "out", crew=Killing()).outcomes
    assert first.word == "broke"
    assert "forked from died" in first.why
    assert second.word == "pass"


def truncate(out: Path) -> None:
    data = (out / JOURNAL).read_bytes()
    (out / JOURNAL).write_bytes(data[: len(data) // 2])


def flip(out: Path) -> None:
    data = bytearray((out / JOURNAL).read_bytes())
    data[-20] ^= 4
    (out / JOURNAL).write_bytes(data)


REFUSED = {
    "truncated journal": (truncate, JournalError, "cannot be believed"),
    "flipped journal": (flip, JournalError, "cannot be believed"),
    "empty journal": (lambda out: (out / JOURNAL).write_bytes(b""), JournalError, "cannot be believed"),
    "missing journal": (lambda out: (out / JOURNAL).unlink(), JournalError, "is missing"),
    "missing head": (lambda out: (out / "journal.head").unlink(), JournalError, "head is missing"),
    "damaged head": (lambda out: (out / "journal.head").write_text("{"), JournalError, "head is damaged"),
}


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Recorded:
        """A crew whose workers end at once, having done nothing."""

        def __init__(self, *_: Any) -> None:
            self.ids: list[str] = []

        def start(self, job: Any) -> None:
            self.ids.append(job["id"])

        def wait(self, _seconds: float) -> Any:
            from auditkit.batch.crew import Left

            gone, self.ids = [Left(one, 1) for one in self.ids], []
            return gone

        def begun(self, _id: str) -> bool:
            return True

        def pid(self, _id: str) -> None:
            return None

        def kill(self, _id: str) -> None: ...

        def close(self) -> None: ...

    monkeypatch.setattr(module, "default_crew", Recorded)


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("what", REFUSED)
def test_a_journal_that_was_changed_is_refused_and_results_stay(
    place: Path, write_plan: Any, what: str
) -> None:
    spoil, error, told = REFUSED[what]
    plan, out = load_plan(write_plan()), place / "out"
    run_batch(plan, out)
    before = sorted(out.rglob("*.html"))
    spoil(out)
    with pytest.raises(error, match=told):
        run_batch(plan, out)
    assert faults(out)
    assert sorted(out.rglob("*.html")) == before


@pytest.mark.usefixtures("nothing_runs")
class TestFolders:
    def test_a_worker_that_leaves_nothing_is_told(self, place: Path, write_plan: Any) -> None:
        (one,) = run_batch(load_plan(write_plan()), place / "out").outcomes
        assert "ended with code 1 before it had an outcome" in one.why

    def test_two_writers(self, place: Path, write_plan: Any) -> None:
        plan, out = load_plan(write_plan()), place / "out"
        out.mkdir()
        with FileLock(out / ".auditkit.lock"), pytest.raises(InputError, match="another batch writes to"):
            run_batch(plan, out)
        run_batch(plan, out)

    def test_out_is_a_file_an_address_or_below_a_file(self, place: Path, write_plan: Any) -> None:
        plan = load_plan(write_plan())
        (place / "file").write_text("")
        for out in (place / "file", place / "file" / "x", "s3://bucket/x", "a\x1bb", ""):
            with pytest.raises(InputError):
                run_batch(plan, out)

    def test_a_read_only_folder(self, place: Path, write_plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        plan, out = load_plan(write_plan()), place / "out"
        out.mkdir()
        if os.geteuid():
            out.chmod(0o500)
        else:  # nothing is read-only to root
            import tempfile

            def refuse(**_: Any) -> None:
                raise PermissionError(13, "Permission denied")

            monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
        with pytest.raises(InputError, match="cannot write to"):
            run_batch(plan, out)
        monkeypatch.undo()
        out.chmod(0o700)

    def test_a_clock_that_steps_back_moves_no_order(
        self, place: Path, write_plan: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan, out = load_plan(write_plan()), place / "out"
        times = iter(
            ["2030-01-01T00:00:00+00:00", "1999-01-01T00:00:00+00:00", "1970-01-01T00:00:00+00:00"] * 4
        )
        monkeypatch.setattr(module, "_now", lambda: next(times))
        run_batch(plan, out)
        run_batch(plan, out)
        assert standing(out)["entries"] == 6  # started, done and finished; started no more and finished twice
        assert faults(out) == []

    @pytest.mark.parametrize("missing", ["said.csv", "test.csv", "toy.toml", "policy.toml", "tiny.ipynb"])
    def test_an_input_that_is_gone_is_told_before_anything_starts(
        self, place: Path, write_plan: Any, missing: str
    ) -> None:
        file = write_plan()
        plan = load_plan(file)
        (place / missing).unlink()
        with pytest.raises(InputError, match=missing):
            load_plan(file)
        with pytest.raises(InputError, match=missing):
            run_batch(plan, place / "out")

    @pytest.mark.parametrize(
        "content", ["", "{}", "[]", "\0", '{"cells": 3}', '{"cells": [], "metadata": {}, "nbformat": 3}']
    )
    def test_a_bad_template_is_told_before_anything_starts(
        self, place: Path, write_plan: Any, content: str
    ) -> None:
        file = write_plan()
        (place / "tiny.ipynb").write_text(content)
        with pytest.raises(InputError, match=r"tiny\.ipynb"):
            load_plan(file)

    @pytest.mark.parametrize("jobs", [0, -1, True, 1.5, "2"])
    def test_a_number_of_jobs_that_is_none(self, place: Path, write_plan: Any, jobs: Any) -> None:
        with pytest.raises(InputError, match="jobs must be"):
            run_batch(load_plan(write_plan()), place / "out", jobs=jobs)


def test_a_result_that_was_changed_is_found_and_made_again_where_its_list_is(
    place: Path, write_plan: Any
) -> None:
    plan, out = load_plan(write_plan()), place / "out"
    (one,) = run_batch(plan, out).outcomes
    folder = out / "results" / one.folder
    (folder / "report.html").write_text("changed")
    (told,) = faults(out)
    assert "report.html was changed" in told
    (folder / "result.json").unlink()
    (again,) = run_batch(plan, out).outcomes
    assert again.word == "pass"
    assert faults(out) == []
    shutil.rmtree(folder)
    (third,) = run_batch(plan, out).outcomes
    assert third.word == "pass"


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
    assert standing(out)["entries"] == 2  # adopted, finished


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


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_batch_that_is_told_to_end_ends_with_all_its_processes(
    place: Path, write_plan: Any, number: int, code: int
) -> None:
    import psutil

    file = write_plan("parameters = { action = 'sleep' }")
    command = [sys.executable, "-m", "auditkit", "batch", str(file), "--out", str(place / "out")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 300
    while not list((place / "out").glob("results/.unfinished-*/.auditkit-*")) and time.monotonic() < until:
        time.sleep(0.1)
    family = psutil.Process(process.pid).children(recursive=True)
    assert family
    process.send_signal(number)
    _, said = process.communicate(timeout=300)
    assert process.returncode == code, said
    assert "Traceback" not in said
    _gone, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    assert [one["outcome"] for one in standing(place / "out")["audits"]] == ["started"]


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
