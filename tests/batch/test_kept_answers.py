"""Answers of single records in a batch: which results satisfy a plan that asks for them, and who may read them."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from auditkit.batch.dask import DaskCrew
from auditkit.batch.journal import read_entries
from auditkit.batch.keys import Digests, key_of
from auditkit.batch.pages import texts
from auditkit.batch.plan import load_plan
from auditkit.batch.preview import preview
from auditkit.batch.run import run_batch
from auditkit.batch.standing import faults
from auditkit.batch.store import Store
from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.report import load_report
from auditkit.row_answers import digest_of

if TYPE_CHECKING:
    from pathlib import Path

NAME = "report.answers.npz"


def started(out: Path) -> int:
    return sum(one.kind == "started" for one in read_entries(out))


def test_a_plan_says_so_for_all_templates_or_for_one(write_plan: Any) -> None:
    def asks(**parts: str) -> list[bool]:
        return [one.keep_answers for one in load_plan(write_plan(**parts)).audits]

    assert asks() == [False]
    assert asks(head="keep_answers = true") == [True]
    assert asks(template="keep_answers = true") == [True]
    assert asks(template="keep_answers = false", head="keep_answers = true") == [False]
    with pytest.raises(InputError, match=r"keep_answers: .*boolean"):
        load_plan(write_plan(head='keep_answers = "yes"'))


def test_the_flag_asks_for_all_and_changes_no_key(write_plan: Any) -> None:
    plan = load_plan(write_plan())
    (audit,), (asking,) = plan.audits, plan.keeping_answers().audits
    assert (audit.keep_answers, asking.keep_answers) == (False, True)
    assert key_of(audit, Digests()) == key_of(asking, Digests())


@pytest.mark.kernel
def test_a_result_without_answers_does_not_satisfy_a_plan_that_asks_and_one_with_them_satisfies_any(
    write_plan: Any, place: Path
) -> None:
    plan, out = load_plan(write_plan()), place / "out"
    first = run_batch(plan, out)
    folder = out / "results" / first.outcomes[0].folder
    assert not (folder / NAME).exists()
    assert [one["would"] for one in preview(plan, out)["audits"]] == ["keep"]
    assert [one["would"] for one in preview(plan.keeping_answers(), out)["audits"]] == ["run"]

    asked = run_batch(plan.keeping_answers(), out)
    assert asked.outcomes[0].folder == first.outcomes[0].folder
    assert started(out) == 2
    about = load_report(folder / "report.json").provenance["answers"]
    assert about["sha256"] == digest_of((folder / NAME).read_bytes())
    assert NAME in json.loads((folder / "result.json").read_text())["files"]
    if os.name == "posix":
        assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o600

    for one in (plan, plan.keeping_answers()):  # either is satisfied by what is there now
        assert [row["would"] for row in preview(one, out)["audits"]] == ["keep"]
        assert [o.result for o in run_batch(one, out).outcomes] == [asked.outcomes[0].result]
    assert started(out) == 2
    assert faults(out) == []

    assert NAME not in (out / "index.html").read_text()
    assert not [name for name in texts(out, asked.outcomes) if NAME in name]

    (
        folder / NAME
    ).unlink()  # a result that lost a file is run again, also where nobody asks for that file now
    assert run_batch(plan.keeping_answers(), out).verdict == "pass"
    assert started(out) == 3


@pytest.mark.kernel
def test_the_command_line_asks_with_a_flag(write_plan: Any, place: Path) -> None:
    write_plan()
    told = CliRunner().invoke(
        app, ["batch", str(place / "plan.toml"), "--out", str(place / "out"), "--keep-answers"]
    )
    assert told.exit_code == 0, told.output
    assert len(list((place / "out" / "results").glob(f"*/{NAME}"))) == 1


def test_what_comes_over_a_network_is_for_the_owner_too(tmp_path: Path) -> None:
    class Done:
        def result(self) -> tuple[dict[str, bytes], int]:
            return {NAME: b"answers", "report.json": b"{}", "tables/a.csv": b"x"}, 0

    crew = DaskCrew.__new__(DaskCrew)
    crew._running = {"a": (Done(), tmp_path)}
    assert crew._left("a").code == 0
    assert (tmp_path / "tables" / "a.csv").read_bytes() == b"x"
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_due_takes_the_word_of_the_plan(place: Path) -> None:
    told = CliRunner().invoke(app, ["run", "--due", "plan.toml", "--out", str(place), "--keep-answers"])
    assert told.exit_code == 2
    assert "--keep-answers cannot be given with --due" in told.output


def test_a_result_that_says_why_there_are_none_satisfies_a_plan_that_asks(tmp_path):
    def kept(provenance):
        folder = tmp_path / str(len(provenance))
        folder.mkdir()
        (folder / "report.json").write_text(json.dumps({"provenance": provenance}))
        store = Store(tmp_path)
        about = {"files": {"report.json": hashlib.sha256((folder / "report.json").read_bytes()).hexdigest()}}
        (folder / "result.json").write_text(json.dumps(about))
        return store.whole(
            folder, hashlib.sha256((folder / "result.json").read_bytes()).hexdigest(), answers=True
        )

    assert kept({"answers": {"reason": "the model gave none"}})
    assert not kept({})
    store = Store(tmp_path)
    store.folder = tmp_path
    assert [store.holds_answers(name) for name in ("1", "0", "gone")] == [True, False, False]
