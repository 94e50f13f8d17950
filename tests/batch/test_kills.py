"""Kills: a batch whose processes are killed at random loses nothing, does nothing twice, and ends with what an unkilled one has."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from auditkit.batch.forked import can_fork
from auditkit.batch.journal import read_entries
from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch
from auditkit.batch.standing import faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not can_fork(), reason="workers are forked on Linux only, and SIGKILL is of POSIX"),
]

VICTIMS = ("batch", "nursery", "worker", "kernel")  # each is the child of the one before
# fields of a notebook and a report that are times, or of papermill's own cell and random
TIMES = {"started", "seconds", "start_time", "end_time", "duration", "execution"}


def levels(n: int) -> str:
    """Return a grid of so many settings."""
    return f"grid = {{ model_performance__level = {[round(0.5 + 0.4 * (i + 1) / (n + 1), 6) for i in range(n)]} }}"


def masked(value: Any) -> Any:
    """Return JSON with its times, and nothing else, replaced."""
    if isinstance(value, list):
        return [masked(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "injected-parameters" in value.get("metadata", {}).get("tags", ()):
        value = {**value, "id": "injected"}
    found = {k: "then" if k in TIMES else masked(v) for k, v in value.items()}
    return found | ({"timings": sorted(value["timings"])} if "timings" in value else {})


def kept(out: Path, timeless: Callable[..., str]) -> dict[str, Any]:
    """Return every file of every result, times aside, in the order in which it was written."""
    found: dict[str, Any] = {}
    for file in sorted(one for one in (out / "results").rglob("*") if one.is_file()):
        name = file.relative_to(out).as_posix()
        if file.name == "report.html":
            report = json.loads(file.with_name("report.json").read_text())
            found[name] = timeless(file.read_text(), report)
        elif file.name == "report.ipynb":
            report = json.loads(file.with_name("report.json").read_text())
            text = json.dumps(masked(json.loads(file.read_text())))
            found[name] = text.replace(report["provenance"]["started"][:10], "that day")
        elif file.name == "report.json":
            found[name] = json.dumps(masked(json.loads(file.read_text())))
        elif file.name == "result.json":  # the digests of the files, held against them by `faults`
            said = json.loads(file.read_text())
            found[name] = {k: v for k, v in said.items() if k not in ("files", "seconds", "memory")} | {"files": sorted(said["files"])}  # fmt: skip
        else:
            found[name] = file.read_bytes()
    return found


def victims(batch: subprocess.Popen[bytes], kind: str) -> list[psutil.Process]:
    """Return the processes of a kind, as they are now."""
    try:
        level = [psutil.Process(batch.pid)]
        for _ in range(VICTIMS.index(kind)):
            level = [child for one in level for child in one.children()]
    except psutil.Error:
        return []
    return level


def results(out: Path) -> int:
    return len(list((out / "results").glob("toy*"))) if (out / "results").exists() else 0


class Hunt:
    """Runs a batch again and again and kills a process of it at random moments."""

    def __init__(self, place: Path, seed: int) -> None:
        self.out, self.rng, self.kills = place / "out", random.Random(seed), Counter[str]()
        self.command = [sys.executable, "-m", "auditkit", "batch", str(place / "plan.toml"), "--out", str(self.out), "--jobs", "2", "--json"]  # fmt: skip

    def run(self, kills: int) -> None:
        """Kill so many times, then let it run to its end."""
        batch = None
        while self.kills.total() < kills:
            if batch is None or batch.poll() is not None:
                batch = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.strike(batch, self.rng.choices(VICTIMS, (4, 2, 3, 3))[0])
        if batch is not None:
            batch.wait(600)
        ended = subprocess.run(self.command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def strike(self, batch: subprocess.Popen[bytes], kind: str) -> None:
        """Kill one of a kind, some way into its work: after the next result or two, or none, and a moment."""
        goal, until = results(self.out) + self.rng.choice([0, 0, 1, 2]), time.monotonic() + 300
        while batch.poll() is None and time.monotonic() < until:
            found = victims(batch, kind)
            if found and results(self.out) >= goal:
                time.sleep(self.rng.random() * 0.7)
                found = victims(batch, kind)
                if found:
                    one = self.rng.choice(found)
                    try:
                        one.kill()
                    except psutil.NoSuchProcess:
                        continue
                    self.kills[kind] += 1
                    if kind == "batch":
                        batch.wait()
                    else:
                        psutil.wait_procs([one], timeout=60)
                    return
            time.sleep(0.02)


def nothing_lost_nothing_doubled(place: Path, hunt: Hunt, n: int, timeless: Callable[..., str]) -> None:
    entries = read_entries(hunt.out)
    ends = Counter(one.data["name"] for one in entries if one.kind in ("done", "adopted"))
    assert len(ends) == n
    assert set(ends.values()) == {1}
    assert faults(hunt.out) == []
    assert not list((hunt.out / "results").glob(".unfinished-*"))
    killed = hunt.out.rename(place / "killed")
    calm = run_batch(load_plan(place / "plan.toml"), hunt.out, jobs=2)  # the same paths
    assert calm.counts["pass"] == n
    assert set(ends) == {one.audit.name for one in calm.outcomes}
    one, other = kept(killed, timeless), kept(calm.out, timeless)
    assert sorted(one) == sorted(other)
    for name, content in one.items():
        assert content == other[name], name
    assert sum(name.endswith("report.html") for name in one) == n


def test_a_batch_killed_at_random_loses_nothing_and_does_nothing_twice(
    write_plan: Any, place: Path, timeless: Callable[..., str]
) -> None:
    write_plan(levels(8))
    hunt = Hunt(place, seed=5)
    hunt.run(6)
    assert hunt.kills.total() == 6
    nothing_lost_nothing_doubled(place, hunt, 8, timeless)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_hundred_kills_over_two_hundred_audits(
    write_plan: Any, place: Path, timeless: Callable[..., str]
) -> None:
    write_plan(levels(200))
    hunt = Hunt(place, seed=1)
    hunt.run(100)
    sys.stderr.write(f"{dict(hunt.kills)}\n")
    assert hunt.kills.total() >= 100
    assert min(hunt.kills[one] for one in VICTIMS) >= 5
    nothing_lost_nothing_doubled(place, hunt, 200, timeless)
