"""A PDF or a copy elsewhere that fails: the verdict is said all the same, and keeps its exit code."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from auditkit_tests_crews import Canned  # loaded from beside this file, see conftest.py
from papermill import iorw
from typer.testing import CliRunner

from auditkit.batch import run as module
from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch
from auditkit.cli import app
from auditkit.runner import run as one_run
from auditkit.runner.copies import CopyError
from auditkit.runner.pdf import BROWSER, PrintError
from auditkit.runner.remote import RemoteError

if TYPE_CHECKING:
    from pathlib import Path

GAP = {"finding": "00000000000000aa", "check": "AK101", "metric": "demographic_parity_difference"}
# the gate's verdict -> the exit code without, and with a copy that is missing
CODES = {"fail": (1, 1), "undecided": (3, 3), "pass": (0, 3), "not_judged": (0, 3)}


class Store:
    """Keeps what is written, or refuses it."""

    full = True

    def __init__(self) -> None:
        self.files: list[str] = []

    def write(self, _text: str, path: str) -> None:
        if self.full:
            raise OSError("no room")
        self.files.append(path)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr(iorw.papermill_io, "_handlers", [*iorw.papermill_io._handlers])
    iorw.papermill_io.register("memory://", made)
    return made


@pytest.fixture
def no_printer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser that cannot print."""
    if os.name != "posix":
        pytest.skip("a shell script stands in for the browser")
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv(BROWSER, str(program))


def call(*args: Any) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(one) for one in args])
    return done.exit_code, done.stdout, done.stderr


def gated(monkeypatch: pytest.MonkeyPatch, verdict: str) -> None:
    not_met = [GAP] if verdict == "fail" else []
    monkeypatch.setattr(module, "default_crew", lambda *_: Canned(verdict, *not_met))
    # such a crew leaves no page of an audit that could be sent
    monkeypatch.setattr("auditkit.batch.pages.texts", lambda out, _: {"index.html": out / "index.html"})


@pytest.mark.parametrize("verdict", CODES)
def test_a_copy_that_fails_hides_no_verdict_and_turns_a_0_into_3(
    place: Path, write_plan: Any, store: Store, monkeypatch: pytest.MonkeyPatch, verdict: str
) -> None:
    gated(monkeypatch, verdict)
    given = ["batch", write_plan(), "--out", place / "out"]
    without, with_copy = CODES[verdict]
    code, said, why = call(*given, "--remote", "memory://bucket")
    assert (code, said.startswith(f"{verdict}: 1 {verdict.replace('_', ' ')}")) == (with_copy, True)
    assert "could not be written: OSError: no room. Nothing is lost" in why
    code, said, _ = call(*given, "--remote", "memory://bucket", "--json")
    told = json.loads(said)
    assert (told["verdict"], told["exit_code"], code) == (verdict, with_copy, with_copy)
    assert "no room" in told["error"]
    store.full = False
    code, said, why = call(*given, "--remote", "memory://bucket", "--json")
    assert (code, "error" in json.loads(said), why) == (without, False, "")


@pytest.mark.usefixtures("no_printer")
def test_what_cannot_be_printed_keeps_no_copy_from_being_sent(
    place: Path, write_plan: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gated(monkeypatch, "fail")
    given = ["batch", write_plan(), "--out", place / "out", "--pdf", "--remote", "memory://bucket"]
    code, said, why = call(*given)
    assert (code, said.startswith("fail: 1 fail")) == (1, True)
    assert "Run the batch again to print what is missing" in why
    assert "no room" in why
    store.full = False
    code, said, why = call(*given)
    assert (code, store.files) == (1, ["memory://bucket/index.html"])
    assert "the page to memory://bucket/index.html" in said
    assert "Run the batch again to print what is missing" in why


def test_in_python_the_error_has_the_result(
    place: Path, write_plan: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gated(monkeypatch, "fail")
    plan = load_plan(write_plan())
    with pytest.raises(CopyError, match="no room") as failed:
        run_batch(plan, place / "out", remote="memory://bucket")
    assert failed.value.result.verdict == "fail"
    assert isinstance(failed.value.__cause__, RemoteError)


@pytest.mark.kernel
@pytest.mark.parametrize(("limit", "codes"), [(0.5, (0, 3)), (0.99, (1, 1))])
def test_one_run_says_its_verdict_too(
    place: Path, store: Store, monkeypatch: pytest.MonkeyPatch, limit: float, codes: tuple[int, int]
) -> None:
    def no_page(*_: Any, **__: Any) -> None:
        raise PrintError("the page could not be printed")

    monkeypatch.setattr(one_run, "browser", lambda: "browser")
    monkeypatch.setattr(one_run, "print_page", no_page)
    policy = place / "policy.toml"
    policy.write_text(policy.read_text().replace("0.5", str(limit)))
    given = ["run", place / "tiny.ipynb", "--subject", place / "toy.toml", "--out", place / "out"]
    given += ["--policy", policy, "--remote", "memory://bucket", "--pdf", "--json"]
    code, said, why = call(*given)
    told = json.loads(said)
    assert (code, told["exit_code"], told["verdict"]) == (
        codes[1],
        codes[1],
        "pass" if limit == 0.5 else "fail",
    )
    assert "the page could not be printed" in why
    assert "no room" in told["error"]
    store.full = False
    code, said, _ = call(*[one for one in given if one != "--pdf"])
    assert (code, json.loads(said).get("error")) == (codes[0], None)
