from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from auditkit.batch.crew import ForkCrew, SpawnCrew
from auditkit.batch.forked import can_fork
from auditkit.batch.journal import read_entries
from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch
from auditkit.batch.standing import accept, faults, standing
from auditkit.errors import InputError
from auditkit.judging import verdict, verdict_over
from auditkit.report import load_report

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.kernel

EXIT_KILLED = -signal.SIGKILL


def levels(n: int) -> str:
    """Return a grid of so many settings."""
    return f"grid = {{ model_performance__level = {[round(0.5 + 0.4 * (i + 1) / (n + 1), 6) for i in range(n)]} }}"


def kept(out: Path) -> dict[str, tuple[Any, ...]]:
    """Return what each result says, times and host aside: the record, and every cell of the notebook with its outputs."""
    found = {}
    for folder in sorted((out / "results").iterdir()):
        report = load_report(folder / "report.json").stable_dict()
        cells = json.loads((folder / "report.ipynb").read_text())["cells"]
        told = [(one["source"], one.get("outputs")) for one in cells]
        # the views in the outputs carry the provenance with its times
        told = [(source, sorted(o.get("output_type", "") for o in outputs or ())) for source, outputs in told]
        found[folder.name] = (json.dumps(report, sort_keys=True), json.dumps(told))
    return found


def of(kind: str, out: Path) -> list[str]:
    return [one.data["name"] for one in read_entries(out) if one.kind == kind]


FORKED = pytest.param(ForkCrew, marks=pytest.mark.skipif(not can_fork(), reason="forks on Linux only"))


@pytest.mark.parametrize("crew", [FORKED, SpawnCrew])
def test_a_batch_runs_once_and_is_then_kept_until_an_input_changes(
    write_plan: Any, place: Path, crew: Any
) -> None:
    plan, out = load_plan(write_plan("grid = { model_performance__level = [0.9, 0.95] }")), place / "out"
    heard: list[Any] = []
    result = run_batch(plan, out, jobs=2, crew=crew(), progress=heard.append)
    assert result.verdict == "pass", [one.why for one in result.outcomes]
    assert result.counts["pass"] == 2
    assert sorted(one.name for one in heard if one.kind == "ended") == ["toy-tiny-p1", "toy-tiny-p2"]
    assert faults(out) == []
    assert {p.name for p in out.iterdir() if not p.name.startswith(".")} == {
        "index.html", "audits.csv", "junit.xml", "findings.sarif", "summary.md", "measurements.parquet", "journal.sqlite", "journal.head", "results",
    }  # fmt: skip
    folder = out / "results" / result.outcomes[0].folder
    assert {"report.html", "report.ipynb", "report.json", "result.json"} <= {p.name for p in folder.iterdir()}
    report = load_report(folder / "report.json")
    (accuracy,) = [m for m in report.evidence[0].measurements if m.metric == "accuracy" and not m.group]
    assert accuracy.value == pytest.approx(0.9)  # 90 of 100 by construction
    assert accuracy.interval.level == 0.9

    again = run_batch(plan, out, crew=crew())
    assert again.outcomes == result.outcomes
    assert len(of("started", out)) == 2

    (place / "policy.toml").write_text((place / "policy.toml").read_text().replace("0.5", "0.99"))
    stricter = run_batch(load_plan(place / "plan.toml"), out, crew=crew())
    assert stricter.verdict == "fail"
    assert len(of("started", out)) == 4


def test_what_was_accepted_is_what_later_batches_are_shown_against(write_plan: Any, place: Path) -> None:
    out = place / "out"
    run_batch(load_plan(write_plan()), out)
    with pytest.raises(InputError, match="say why"):
        accept(out, reason=" ")
    accept(out, reason="reviewed <b>", by="maria")
    (place / "policy.toml").write_text((place / "policy.toml").read_text().replace("0.5", "0.99"))
    run_batch(load_plan(place / "plan.toml"), out)
    page = (out / "index.html").read_text()
    assert "1 worse" in page
    assert "reviewed &lt;b&gt;" in page
    assert standing(out)["verdict"] == "fail"
    assert standing(out)["accepted"]["by"] == "maria"


def test_only_failed_starts_what_broke_and_nothing_else(write_plan: Any, place: Path) -> None:
    out = place / "out"
    plan = load_plan(write_plan("grid = { action = ['', 'raise'] }"))
    first = run_batch(plan, out, jobs=2)
    assert [one.word for one in first.outcomes] == ["pass", "broke"]
    assert "on purpose" in first.outcomes[1].why
    assert first.verdict == "undecided"
    run_batch(plan, out, only="failed")
    assert of("started", out).count("toy-tiny-p1") == 1
    assert of("started", out).count("toy-tiny-p2") == 2


def test_the_gate_over_audits_says_what_the_gate_says_of_all_their_findings() -> None:
    from itertools import product

    from auditkit.finding import UNJUDGED, Criterion, Finding

    limit = Criterion("accuracy", at_least=0.5)
    one_of = {
        "fail": Finding("AK001", "fail", criterion=limit),
        "undecided": Finding("AK001", "inconclusive", criterion=limit),
        "pass": Finding("AK001", "pass", criterion=limit),
        "not_judged": Finding("AK001", "not_applicable", reason=UNJUDGED),
    }
    for words in product(one_of, repeat=3):
        assert verdict_over(words) == verdict([one_of[word] for word in words])
    assert verdict_over([]) == verdict([])


def killed_again_and_again(place: Path, n: int, kills: int, seed: int, jobs: int) -> tuple[Path, int]:
    """Run a plan of `n` audits, killing it at random moments so many times, then to its end; return its folder and the kills."""
    out, plan, rng, done = place / "killed", place / "plan.toml", random.Random(seed), 0
    command = [
        sys.executable,
        "-m",
        "auditkit",
        "batch",
        str(plan),
        "--out",
        str(out),
        "--jobs",
        str(jobs),
        "--json",
    ]
    while done < kills:
        before = len(list((out / "results").glob("toy*"))) if out.exists() else 0
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # a moment is a state of the work, not of a clock: somewhere after the next result or two, or the first start
        goal, until = before + rng.choice([0, 1, 1, 2]), time.monotonic() + 300
        while process.poll() is None and time.monotonic() < until:
            there = len(list((out / "results").glob("toy*"))) if (out / "results").exists() else 0
            begun = (out / "results").exists() and any((out / "results").glob(".unfinished-*/.auditkit-*"))
            if there > goal or (there == goal and begun and rng.random() < 0.05):
                break
            time.sleep(rng.random() * 0.05)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        done += process.wait() == EXIT_KILLED
        if len(list((out / "results").glob("toy*"))) == n:
            break
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return out, done


def nothing_lost_nothing_doubled(place: Path, out: Path, n: int) -> None:
    calm = run_batch(load_plan(place / "plan.toml"), place / "calm", jobs=2)
    assert calm.counts["pass"] == n
    assert kept(out) == kept(calm.out)
    ends = of("done", out) + of("adopted", out)
    assert sorted(ends) == sorted(one.audit.name for one in calm.outcomes)
    assert faults(out) == []
    assert not list((out / "results").glob(".unfinished-*"))


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_a_batch_killed_at_random_loses_nothing_and_does_nothing_twice(write_plan: Any, place: Path) -> None:
    write_plan(levels(8))
    out, kills = killed_again_and_again(place, 8, 4, seed=5, jobs=2)
    assert kills >= 2
    nothing_lost_nothing_doubled(place, out, 8)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_a_hundred_kills_over_two_hundred_audits(write_plan: Any, place: Path) -> None:
    write_plan(levels(200))
    out, kills = killed_again_and_again(place, 200, 100, seed=1, jobs=2)
    assert kills >= 100
    nothing_lost_nothing_doubled(place, out, 200)
