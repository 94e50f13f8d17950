"""Faults around a batch: in its journal, its folder, its results, its disk; all without a kernel. Each ends done, or in words with the state kept."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from auditkit.batch import run as module
from auditkit.batch.folder import existing_batch
from auditkit.batch.journal import JOURNAL, Journal, JournalError, read_entries
from auditkit.batch.plan import load_plan
from auditkit.batch.run import BatchError, run_batch
from auditkit.batch.standing import accept, faults, standing
from auditkit.errors import AuditkitError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HEAD = "journal.head"
TWO = "grid = { model_performance__level = [0.9, 0.95] }"
pytestmark = pytest.mark.usefixtures("canned")


def cut(path: Path, part: float = 0.5) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-20] ^= 4
    path.write_bytes(data)


def tell(path: Path, *statements: str) -> None:
    """Change a journal as after a kill, when nothing holds the digest of the whole file."""
    head = json.loads((path.parent / HEAD).read_text())
    head.pop("file", None)
    (path.parent / HEAD).write_text(json.dumps(head, sort_keys=True, separators=(",", ":")) + "\n")
    with sqlite3.connect(path) as db:
        for one in statements:
            db.execute(one)
    db.close()


def other_program(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE notes (text)")
    db.close()


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def of_another_batch(path: Path) -> None:
    other = path.parent.parent / "other"
    other.mkdir()
    with Journal(other) as journal:
        journal.append("broke", {"name": "x", "key": "y", "why": ""})
    shutil.copy(other / path.name, path)


JOURNALS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "truncated": (JOURNAL, cut),
    "flipped": (JOURNAL, flip),
    "empty": (JOURNAL, lambda p: p.write_bytes(b"")),
    "full of zeros": (JOURNAL, lambda p: p.write_bytes(bytes(p.stat().st_size))),
    "of text": (JOURNAL, lambda p: p.write_text("no journal")),
    "missing": (JOURNAL, lambda p: p.unlink()),
    "a folder": (JOURNAL, as_folder),
    "of another program": (JOURNAL, other_program),
    "of another batch": (JOURNAL, of_another_batch),
    "with an entry dropped": (JOURNAL, lambda p: tell(p, "DELETE FROM entries WHERE seq = 2")),
    "cut at its end": (JOURNAL, lambda p: tell(p, "DELETE FROM entries WHERE seq > 1")),
    "with entries in another order": (JOURNAL, lambda p: tell(p, "UPDATE entries SET seq = 99 WHERE seq = 1", "UPDATE entries SET seq = 1 WHERE seq = 2", "UPDATE entries SET seq = 2 WHERE seq = 99")),
    "with an entry twice": (JOURNAL, lambda p: tell(p, "INSERT INTO entries SELECT 99, body, digest FROM entries WHERE seq = 4")),
    "with fewer columns": (JOURNAL, lambda p: tell(p, "ALTER TABLE entries DROP COLUMN digest")),
    "with another name of its table": (JOURNAL, lambda p: tell(p, "ALTER TABLE entries RENAME TO entries_2")),
    "whose head is missing": (HEAD, lambda p: p.unlink()),
    "whose head is damaged": (HEAD, lambda p: p.write_text("{")),
    "whose head is a folder": (HEAD, as_folder),
    "whose head is of a later version": (HEAD, lambda p: p.write_text('{"digest":"x","form":2,"seq":4}\n')),
}  # fmt: skip


@pytest.mark.parametrize("what", JOURNALS)
def test_a_journal_that_was_changed_is_refused_and_nothing_starts(
    place: Path, write_plan: Any, canned: Any, what: str
) -> None:
    name, spoil = JOURNALS[what]
    plan, out = load_plan(write_plan(TWO)), place / "out"
    run_batch(plan, out)
    good = {one: (out / one).read_bytes() for one in (JOURNAL, HEAD)}
    results = {p: p.read_bytes() for p in (out / "results").rglob("*") if p.is_file()}
    spoil(out / name)
    with pytest.raises(JournalError, match=r"cannot be believed|is missing"):
        run_batch(plan, out)
    assert faults(out)
    assert len(canned) == 1
    assert results == {p: p.read_bytes() for p in (out / "results").rglob("*") if p.is_file()}
    for one, content in good.items():  # what the words say to do
        if (out / one).is_dir():
            (out / one).rmdir()
        (out / one).write_bytes(content)
    assert run_batch(plan, out).counts["pass"] == 2
    assert len(canned) == 1


def test_a_log_of_the_journal_that_is_missing_after_a_kill_is_told(place: Path, write_plan: Any) -> None:
    plan, out = load_plan(write_plan(TWO)), place / "out"
    run_batch(plan, out)
    killed = place / "killed"
    with Journal(out) as journal:
        journal.append("started", {"name": "x", "key": "y"})
        shutil.copytree(out, killed)
    (killed / f"{JOURNAL}-wal").unlink()
    with pytest.raises(JournalError, match="ends at entry 6"):
        run_batch(plan, killed)


RESULTS: dict[str, Callable[[Path], Any]] = {
    "truncated report": lambda p: cut(p / "report.json"),
    "flipped report": lambda p: flip(p / "report.json") if (p / "report.json").stat().st_size > 20 else None,
    "missing report": lambda p: (p / "report.json").unlink(),
    "truncated list": lambda p: cut(p / "result.json"),
    "empty list": lambda p: (p / "result.json").write_bytes(b""),
    "missing list": lambda p: (p / "result.json").unlink(),
    "report that is a folder": lambda p: as_folder(p / "report.json"),
    "missing folder": shutil.rmtree,
    "file in place of the folder": lambda p: (shutil.rmtree(p), p.write_text("")),
    "folder with another name": lambda p: p.rename(p.with_name("moved")),
}


@pytest.mark.parametrize("what", RESULTS)
def test_a_result_that_is_not_as_it_was_written_is_found_and_made_again(
    place: Path, write_plan: Any, canned: Any, what: str
) -> None:
    plan, out = load_plan(write_plan(TWO)), place / "out"
    first, _ = run_batch(plan, out).outcomes
    RESULTS[what](out / "results" / first.folder)
    assert faults(out)
    again = run_batch(plan, out)
    assert again.counts["pass"] == 2
    assert canned[1].started == [first.audit.name]
    assert faults(out) == []


def test_what_a_reader_adds_to_a_result_and_a_copy_of_it_are_left_alone(
    place: Path, write_plan: Any, canned: Any
) -> None:
    plan, out = load_plan(write_plan(TWO)), place / "out"
    first, _ = run_batch(plan, out).outcomes
    folder = out / "results" / first.folder
    shutil.copytree(folder, out / "results" / "my copy")
    (out / "results" / "my copy" / "result.json").write_text(
        (folder / "result.json").read_text().replace('"seconds":0.1', '"seconds":0.2')
    )
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "report.ipynb").write_text("{}")
    run_batch(plan, out)
    assert len(canned) == 1
    assert (folder / ".ipynb_checkpoints" / "report.ipynb").exists()
    assert standing(out)["entries"] == 7  # the plan, two runs, each finished: the copy was not adopted


class TestFolder:
    def test_two_writers(self, place: Path, write_plan: Any) -> None:
        plan, out = load_plan(write_plan()), place / "out"
        out.mkdir()
        with FileLock(out / ".auditkit.lock"), pytest.raises(InputError, match="another batch writes to"):
            run_batch(plan, out)
        assert run_batch(plan, out).verdict == "pass"

    def test_a_lock_that_a_dead_process_held(self, place: Path, write_plan: Any) -> None:
        out = place / "out"
        out.mkdir()
        code = "import sys, time; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire(); print('held', flush=True); time.sleep(600)"
        command = [sys.executable, "-c", code, str(out / ".auditkit.lock")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "held\n"
                with pytest.raises(InputError, match="another batch writes to"):
                    run_batch(load_plan(write_plan()), out)
            finally:
                process.kill()
        assert run_batch(load_plan(write_plan()), out).verdict == "pass"

    @pytest.mark.parametrize("what", ["a file", "below a file", "a loop of links", "too long", "an address"])
    def test_an_out_that_is_no_folder(self, place: Path, write_plan: Any, what: str) -> None:
        (place / "file").write_text("")
        (place / "loop").symlink_to(place / "loop")
        out = {
            "a file": place / "file", "below a file": place / "file" / "x", "a loop of links": place / "loop",
            "too long": place / ("x" * 300), "an address": "s3://bucket/x",
        }[what]  # fmt: skip
        with pytest.raises(InputError, match=r"--out|path on this machine"):
            run_batch(load_plan(write_plan()), out)

    def test_a_path_that_sqlite_cannot_open(self, place: Path, write_plan: Any) -> None:
        plan = load_plan(write_plan())
        with pytest.raises(BatchError, match=r"cannot open the journal.*give a shorter --out"):
            run_batch(plan, place.joinpath(*["x" * 200] * 8))
        assert run_batch(plan, place / ("x" * 200)).verdict == "pass"

    @pytest.mark.parametrize("what", ["a file", "a loop of links"])
    def test_results_that_are_no_folder(self, place: Path, write_plan: Any, what: str) -> None:
        plan, out = load_plan(write_plan()), place / "out"
        out.mkdir()
        results = out / "results"
        _ = results.write_text("mine") if what == "a file" else results.symlink_to(results)
        with pytest.raises(BatchError, match=r"results: .*run the batch again"):
            run_batch(plan, out)
        results.unlink()
        assert run_batch(plan, out).verdict == "pass"

    @pytest.mark.parametrize("what", ["removed", "a file"])
    def test_a_folder_that_goes_away_while_it_runs(self, place: Path, write_plan: Any, what: str) -> None:
        plan, out = load_plan(write_plan(TWO)), place / "out"

        def go(news: Any) -> None:
            if news.kind == "started":
                shutil.rmtree(out)
                if what == "a file":
                    out.write_text("")

        with pytest.raises(BatchError, match="cannot go on"):
            run_batch(plan, out, progress=go)
        if what == "a file":
            out.unlink()
        assert run_batch(plan, out).counts["pass"] == 2
        assert faults(out) == []

    def test_results_that_go_away_while_it_runs(self, place: Path, write_plan: Any) -> None:
        plan, out, gone = load_plan(write_plan(TWO)), place / "out", []

        def go(news: Any) -> None:
            if news.kind == "started" and not gone:
                gone.append(news.name)
                shutil.rmtree(out / "results")

        result = run_batch(plan, out, progress=go)
        assert [one.word for one in result.outcomes] == ["broke", "pass"]
        assert run_batch(plan, out).counts["pass"] == 2

    @pytest.mark.parametrize("days", [-400, 400])
    def test_a_clock_that_steps(
        self, place: Path, write_plan: Any, monkeypatch: pytest.MonkeyPatch, days: int
    ) -> None:
        plan, out, own = load_plan(write_plan(TWO)), place / "out", time.time

        def step(news: Any) -> None:
            if news.kind == "ended":
                monkeypatch.setattr(time, "time", lambda: own() + days * 86_400)
                monkeypatch.setattr(module, "_now", lambda: f"{2026 + days // 365}-01-01T00:00:00+00:00")

        assert run_batch(plan, out, progress=step).counts["pass"] == 2
        assert run_batch(plan, out).counts["pass"] == 2
        assert standing(out)["entries"] == 7  # the plan, two started, two done, and each run finished
        assert faults(out) == []

    @pytest.mark.skipif(not hasattr(time, "tzset"), reason="time zones are set so on POSIX only")
    def test_a_time_zone_that_changes(
        self, place: Path, write_plan: Any, monkeypatch: pytest.MonkeyPatch, canned: Any
    ) -> None:
        plan, out = load_plan(write_plan(TWO)), place / "out"
        try:
            for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
                monkeypatch.setenv("TZ", zone)
                time.tzset()
                assert run_batch(plan, out).counts["pass"] == 2
        finally:
            monkeypatch.undo()
            time.tzset()
        assert len(canned) == 1
        assert {one.data["at"][-6:] for one in read_entries(out)} == {"+00:00"}

    @pytest.mark.skipif(os.name != "posix", reason="masks of POSIX")
    @pytest.mark.parametrize("mask", [0o077, 0o000])
    def test_any_mask_of_permissions(self, place: Path, write_plan: Any, mask: int) -> None:
        before = os.umask(mask)
        try:
            assert run_batch(load_plan(write_plan()), place / "out").verdict == "pass"
        finally:
            os.umask(before)
        assert (place / "out" / "index.html").stat().st_mode & mask == 0

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

    def test_data_that_change_between_plan_and_run_are_those_that_are_audited(
        self, place: Path, write_plan: Any, canned: Any
    ) -> None:
        plan, out = load_plan(write_plan()), place / "out"
        run_batch(plan, out)
        (place / "test.csv").write_text((place / "test.csv").read_text() + "100,0\n")
        run_batch(plan, out)
        assert [one.started for one in canned] == [["toy-tiny"]] * 2
        assert len(list((out / "results").iterdir())) == 2  # the old result stays

    @pytest.mark.parametrize("what", ["said.csv", "toy.toml", "policy.toml"])
    def test_an_input_that_is_a_folder(self, place: Path, write_plan: Any, what: str) -> None:
        file = write_plan()
        as_folder(place / what)
        with pytest.raises(InputError, match=what):
            load_plan(file)

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

    def test_nothing_to_accept(self, place: Path) -> None:
        (place / "out").mkdir()
        for ask in (lambda: accept(place / "out", reason="x"), lambda: existing_batch(place / "out")):
            with pytest.raises(InputError, match="holds no batch"):
                ask()


@contextmanager
def mounted(at: Path, options: str) -> Iterator[None]:
    """Mount a small file system, or skip where that is not allowed."""
    at.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)], capture_output=True, check=False)  # fmt: skip
    if done.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


def fill_up(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


@pytest.mark.skipif(shutil.which("mount") is None, reason="needs mount")
class TestDisk:
    @pytest.mark.parametrize("when", ["before", "started", "ended", "last"])
    def test_a_disk_that_fills_up(self, place: Path, write_plan: Any, when: str) -> None:
        """Before anything, at a result, at the entry on it or the next start, and at the pages."""
        out, plan, ends = place / "small", load_plan(write_plan(TWO)), []

        def fill(news: Any) -> None:
            ends.extend([news] if news.kind == "ended" else [])
            if news.kind == when or (when == "last" and len(ends) == 2):
                fill_up(out)

        with mounted(out, "size=1m"):
            if when == "before":
                fill_up(out)
            with pytest.raises(AuditkitError, match=r"No space left|disk is full"):
                run_batch(plan, out, progress=fill)
            (out / "filler").unlink()
            done = sum(one.kind == "done" for one in read_entries(out))
            assert done == {"before": 0, "started": 0, "ended": 1, "last": 2}[when]
            assert run_batch(plan, out).counts["pass"] == 2
            assert sum(one.kind in ("done", "adopted") for one in read_entries(out)) == 2
            assert faults(out) == []

    def test_no_names_left_for_files(self, place: Path, write_plan: Any) -> None:
        out, plan = place / "few", load_plan(write_plan(TWO))
        with mounted(out, "size=8m,nr_inodes=8"):
            with pytest.raises(AuditkitError, match="No space left"):
                run_batch(plan, out)
            subprocess.run(["mount", "-o", "remount,nr_inodes=100", str(out)], check=True)
            assert run_batch(plan, out).counts["pass"] == 2
            assert faults(out) == []

    def test_a_folder_that_is_read_only(self, place: Path, write_plan: Any) -> None:
        out, plan = place / "ro", load_plan(write_plan(TWO))
        with mounted(out, "size=8m"):
            run_batch(plan, out)
            subprocess.run(["mount", "-o", "remount,ro", str(out)], check=True)
            with pytest.raises(InputError, match="Read-only file system"):
                run_batch(plan, out)
            assert faults(out) == []  # asking writes nothing
            assert standing(out)["verdict"] == "pass"
