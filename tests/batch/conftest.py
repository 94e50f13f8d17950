from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from auditkit.batch import run
from auditkit.batch.forked import can_fork

if TYPE_CHECKING:
    from collections.abc import Iterator


def _load(stem: str) -> Any:
    """Load a module beside this one under a name of its own, by which tests import it."""
    name = f"auditkit_tests_{stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{stem}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


Canned = _load("crews").Canned
Warm = _load("crews").Warm

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


@pytest.fixture(scope="session")
def warm() -> Iterator[Any]:
    """The crew that batches share."""
    crew = Warm()
    yield crew
    crew.end()


@pytest.fixture(scope="module", autouse=True)
def _share_a_crew(warm: Any) -> Iterator[None]:
    """Have batches that are not given a crew share one, where processes are forked."""
    with pytest.MonkeyPatch.context() as patch:
        if can_fork():
            patch.setattr(run, "default_crew", lambda _jobs: warm)
        yield


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


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers end at once, having done nothing."""
    monkeypatch.setattr(run, "default_crew", lambda *_: Canned(idle=True))


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Workers leave a small result at once; the crews that were used, in order."""
    used: list[Any] = []
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
def idle_crew() -> Any:
    """Workers that end at once, having done nothing."""
    return Canned(idle=True)
