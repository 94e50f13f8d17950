from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from auditkit.batch import run
from auditkit.batch.crew import Left

PARAMETERS = 'subject_file = "s.toml"\npolicy_file = None\nseed = 0\nout_dir = "."\nmodel_performance__level = 0.95\naction = ""'
# what a test can have the kernel do before it audits
ACT = """\
import os, signal, time
if action == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if action == "exit":
    os._exit(7)
if action == "raise":
    raise RuntimeError("on purpose")
if action == "sleep":
    time.sleep(600)
if action == "memory":
    held = bytearray(3 * 2**30)
    for at in range(0, len(held), 4096):
        held[at] = 1
    time.sleep(600)
if action.startswith("do:"):
    exec(action.removeprefix("do:"))
if action.startswith("append:"):
    with open(action.removeprefix("append:"), "a") as file:
        file.write("\\n# changed\\n")
if action.startswith("remove:"):
    os.remove(action.removeprefix("remove:"))
"""
AUDIT = """\
import auditkit as ak
from auditkit.runner.notebook import observe, show
audit = ak.Audit({"model_performance": {"level": model_performance__level}}, criteria=ak.load_policy(policy_file))
report = observe(audit, ak.load_subject(subject_file), seed=seed, out_dir=out_dir)
show(report, "verdict")"""
SUBJECT = """
name = "toy"
positive = 1
[model.predictions]
path = "said.csv"
label = "said"
[data.test]
path = "test.csv"
target = "true"
"""
POLICY = """
[[criterion]]
metric = "accuracy"
at_least = 0.5
why = "a test"
"""


def cell(source: str, at: int) -> dict[str, Any]:
    tags = {"tags": ["parameters"]} if at == 0 else {}
    return {
        "cell_type": "code", "id": f"cell-{at}", "execution_count": None, "metadata": tags, "outputs": [], "source": source,
    }  # fmt: skip


def template(*sources: str) -> str:
    return json.dumps(
        {
            "cells": [cell(source, at) for at, source in enumerate(sources)],
            "metadata": {"auditkit": {"checks": ["model_performance"], "title": "tiny"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def fill(folder: Path, name: str = "toy", before: str = "") -> Path:
    """Write a subject of recorded predictions (90 of 100 right), a template that can misbehave, and a policy it meets."""
    rows = [f"{i},{i % 2}" for i in range(100)]
    (folder / f"{before}test.csv").write_text("\n".join(["x,true", *rows]) + "\n")
    said = [str(i % 2 if i >= 10 else 1 - i % 2) for i in range(100)]
    (folder / f"{before}said.csv").write_text("\n".join(["said", *said]) + "\n")
    subject = SUBJECT.replace('"said.csv"', f'"{before}said.csv"').replace(
        '"test.csv"', f'"{before}test.csv"'
    )
    (folder / f"{name}.toml").write_text(subject)
    (folder / "policy.toml").write_text(POLICY)
    (folder / "tiny.ipynb").write_text(template(PARAMETERS, ACT, AUDIT))
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with all that a batch needs but a plan."""
    return fill(tmp_path)


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for all tests of a module, with a plan of two audits: one passes, the other breaks."""
    folder = fill(tmp_path_factory.mktemp("shared"))
    (folder / "plan.toml").write_text(
        'policy = "policy.toml"\n[[subject]]\nfile = "toy.toml"\n[[template]]\nname = "tiny.ipynb"\n'
        "grid = { action = ['', 'raise'] }\n"
    )
    return folder


class Canned:
    """A crew whose workers leave a small result at once, without a kernel; or nothing, where `idle`."""

    def __init__(self, *, idle: bool = False) -> None:
        self.idle = idle
        self.ids: list[str] = []
        self.started: list[str] = []

    def start(self, job: Any) -> None:
        self.ids.append(job["id"])
        self.started.append(job["name"])
        if self.idle:
            return
        folder = Path(job["folder"])
        with suppress(OSError):
            (folder / "report.json").write_text(f"result of {job['name']}")
            said = {"ended": "done", "verdict": "pass", "counts": {"pass": 1}, "not_met": [], "seconds": 0.1}
            (folder / "ended.json").write_text(json.dumps(said))

    def wait(self, _seconds: float) -> Any:
        gone, self.ids = [Left(one, 1 if self.idle else 0) for one in self.ids], []
        return gone

    def begun(self, _id: str) -> bool:
        return True

    def pid(self, _id: str) -> None:
        return None

    def kill(self, _id: str) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers end at once, having done nothing."""
    monkeypatch.setattr(run, "default_crew", lambda *_: Canned(idle=True))


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> list[Canned]:
    """Workers leave a small result at once; the crews that were used, in order."""
    used: list[Canned] = []
    monkeypatch.setattr(run, "default_crew", lambda *_: used.append(Canned()) or used[-1])
    return used


@pytest.fixture
def write_plan(place: Path) -> Any:
    """Write a plan of the toy subject under the tiny template, with what a test adds."""

    def write(template: str = "", head: str = "", tail: str = "") -> Path:
        file = place / "plan.toml"
        file.write_text(
            f'policy = "policy.toml"\n{head}\n[[subject]]\nfile = "toy.toml"\n'
            f'[[template]]\nname = "tiny.ipynb"\n{template}\n{tail}\n'
        )
        return file

    return write


@pytest.fixture(scope="session")
def refill_once() -> Any:
    """What writes a subject, as `fill` does, for fixtures that many tests share."""
    return fill


@pytest.fixture
def idle_crew() -> Canned:
    """Workers that end at once, having done nothing."""
    return Canned(idle=True)
