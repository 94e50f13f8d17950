"""Options of which one would do nothing beside the other are refused before any work; all others go together."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from auditkit.batch import run as module
from auditkit.batch.run import run_batch
from auditkit.cli import app, batching, due
from auditkit.cli.together import BATCH, DUE
from auditkit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

# option -> what is given
OF_BATCH: dict[str, list[str]] = {
    "--dry-run": ["--dry-run"],
    "--force": ["--force"],
    "--only": ["--only", "failed"],
    "--dask": ["--dask", "tcp://127.0.0.1:9"],
    "--pdf": ["--pdf"],
    "--remote": ["--remote", "memory://bucket"],
    "--jobs": ["--jobs", "2"],
    "--json": ["--json"],
    "--out": ["--out", "elsewhere"],
    "--keep-answers": ["--keep-answers"],
}
OF_RUN: dict[str, list[str]] = {
    "--subject": ["--subject", "toy.toml"],
    "-p": ["-p", "a=1"],
    "--policy": ["--policy", "policy.toml"],
    "--seed": ["--seed", "1"],
    "--cache": ["--cache", "kept"],
    "--code": ["--code"],
    "--keep-answers": ["--keep-answers"],
    "--pdf": ["--pdf"],
    "--remote": ["--remote", "memory://bucket"],
    "--dask": ["--dask", "tcp://127.0.0.1:9"],
    "--jobs": ["--jobs", "2"],
    "--json": ["--json"],
    "--alert": ["--alert", "alerts.jsonl"],
}


def options(name: str) -> set[str]:
    """Return the options that a command has, by the first of their names."""
    command: Any = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    return {one.opts[0] for one in command.params if one.param_type_name == "option"}


def call(*args: Any) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(one) for one in args])
    return done.exit_code, done.stderr


def test_every_option_is_in_these_tables() -> None:
    assert options("batch") == set(OF_BATCH)
    assert options("run") == {*OF_RUN, "--out", "--due", "--alert-on"}


@pytest.mark.parametrize("pair", list(itertools.combinations(OF_BATCH, 2)), ids=" ".join)
def test_two_options_of_a_batch_go_together_or_are_refused_before_work(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reached: list[str] = []

    def stop(*_: Any, **__: Any) -> Any:
        reached.append("work")
        raise InputError("as far as this")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(batching, "_preview", stop)
    monkeypatch.setattr("auditkit.batch.plan.load_plan", stop)
    code, why = call("batch", "plan.toml", *OF_BATCH[pair[0]], *OF_BATCH[pair[1]])
    refused = pair in BATCH or pair[::-1] in BATCH
    assert (code, reached) == (2, [] if refused else ["work"])
    if refused:
        assert pair[0] in why
        assert pair[1] in why
        assert "leave" in why or "give" in why


@pytest.mark.parametrize("option", OF_RUN)
def test_an_option_of_a_run_goes_with_due_or_is_refused_with_what_to_type(
    option: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reached: list[str] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(due, "assess", lambda *_, **__: reached.append("work") or 0)
    code, why = call("run", "--due", "plan.toml", "--out", "out", *OF_RUN[option])
    if ("--due", option) in DUE:
        assert (code, reached) == (2, [])
        assert f"{option} cannot be given with --due" in why
        if option in ("--pdf", "--remote", "--dask"):
            assert f"`auditkit batch PLAN --out DIR {' '.join(OF_RUN[option])}`" in why
    else:
        assert (code, reached) == (0, ["work"])


def test_a_single_run_has_no_cluster_and_says_what_has(tmp_path: Path) -> None:
    code, why = call("run", "bias", "--subject", "a.toml", "--out", tmp_path / "o", "--dask", "tcp://a:1")
    assert (code, "auditkit batch PLAN --out DIR --dask tcp://a:1" in why) == (2, True)


def test_in_python_too(place: Path, write_plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from auditkit.batch.plan import load_plan

    monkeypatch.setattr(module, "locked_folder", lambda *_: pytest.fail("a folder was opened"))
    with pytest.raises(InputError, match="give one of the two"):
        run_batch(load_plan(write_plan()), place / "out", force=True, only="failed")
