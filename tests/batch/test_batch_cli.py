"""The commands of a batch, on one batch that is run once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from auditkit.batch.journal import read_entries
from auditkit.batch.result import BatchNews, BatchResult
from auditkit.cli import app

pytestmark = pytest.mark.kernel


def call(*args: Any) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(one) for one in args])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def batch(shared_place: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of a batch of which one audit passed and the other broke, and what its command said."""
    out = shared_place / "out"
    code, said, _ = call("batch", shared_place / "plan.toml", "--out", out, "--jobs", 2, "--json")
    assert code == 3  # an audit without a report leaves it undecided
    return out, json.loads(said)


@pytest.fixture
def copy(batch: tuple[Path, Any], tmp_path: Path) -> Path:
    """A batch that a test may change."""
    return shutil.copytree(batch[0], tmp_path / "copy")


def test_a_plan_is_begun_and_not_written_over(shared_place: Path) -> None:
    code, said, _ = call("plan", "init", shared_place / "begun.toml", "--json")
    assert (code, json.loads(said)) == (0, {"plan": str(shared_place / "begun.toml")})
    assert 'file = "toy.toml"' in (shared_place / "begun.toml").read_text()
    code, _, why = call("plan", "init", shared_place / "begun.toml")
    assert code == 2
    assert "is there already" in why
    (shared_place / "begun.toml").unlink()


def test_a_plan_without_a_subject_file_says_so(shared_place: Path, tmp_path: Path) -> None:
    code, said, _ = call("plan", "init", tmp_path / "begun.toml")
    assert (code, "No subject file is beside it or one folder below" in said) == (0, True)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "toy.toml").write_text((shared_place / "toy.toml").read_text())
    code, said, _ = call("plan", "init", tmp_path / "other.toml")
    assert (code, "No subject file" in said, "--dry-run" in said) == (0, False, True)


def test_a_dry_run_says_what_would_run_and_starts_nothing(shared_place: Path) -> None:
    code, said, _ = call("batch", shared_place / "plan.toml", "--out", shared_place / "dry", "--dry-run")
    assert code == 0
    assert "2 of 2 audits would run, 1 at a time." in said
    assert "Estimate of time:" in said
    assert "as in the template" in said  # the seed, and the parameters where none is given
    assert "None" not in said
    assert "{" not in said
    code, said, _ = call(
        "batch", shared_place / "plan.toml", "--out", shared_place / "dry", "--dry-run", "--json"
    )
    assert [one["would"] for one in json.loads(said)["audits"]] == ["run", "run"]
    assert not (shared_place / "dry").exists()


def test_a_plan_with_a_mistake_is_refused(shared_place: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text((shared_place / "plan.toml").read_text().replace("grid", "gird"))
    for more in ((), ("--dry-run",)):
        code, _, why = call("batch", tmp_path / "wrong.toml", "--out", tmp_path / "out", *more)
        assert code == 2
        assert "Did you mean 'grid'?" in why
    assert not (tmp_path / "out").exists()


def test_a_batch_says_how_each_audit_ended(batch: tuple[Path, dict[str, Any]]) -> None:
    out, said = batch
    assert (said["verdict"], said["exit_code"]) == ("undecided", 3)
    assert {k: n for k, n in said["counts"].items() if n} == {"pass": 1, "broke": 1}
    good, bad = said["audits"]
    assert (good["outcome"], bad["outcome"]) == ("pass", "broke")
    assert "on purpose" in bad["why"]
    assert (out / "results" / good["folder"] / "report.html").is_file()
    assert said["html"] == str(out / "index.html")


def test_status_says_how_a_batch_stands(batch: tuple[Path, Any]) -> None:
    code, said, _ = call("status", batch[0])
    assert code == 3
    assert "undecided: 1 pass, 1 broke" in said
    code, said, _ = call("status", batch[0], "--verify", "--json")
    assert code == 3
    assert json.loads(said)["faults"] == []
    code, _, why = call("status", batch[0].parent)
    assert code == 2
    assert "holds no batch" in why


def test_a_batch_is_accepted_with_a_reason(copy: Path) -> None:
    code, _, why = call("accept", copy, "--reason", " ")
    assert (code, "say why it is accepted" in why) == (2, True)
    code, said, _ = call("accept", copy, "--reason", "reviewed", "--by", "Maria", "--json")
    accepted = json.loads(said)
    assert (code, accepted["by"], accepted["reason"]) == (0, "Maria", "reviewed")
    assert sorted(accepted["audits"].values()) == ["broke", "pass"]
    assert read_entries(copy)[-1].kind == "accepted"
    assert json.loads(call("status", copy, "--json")[1])["accepted"]["by"] == "Maria"


def test_verify_takes_a_batch_and_says_so(copy: Path) -> None:
    code, said, _ = call("verify", copy)
    assert code == 0
    assert said.startswith("A batch: 1 result and the journal: nothing differs")
    code, said, _ = call("verify", copy, "--json")
    assert code == 0
    assert json.loads(said) == {"found": "batch", "ok": True, "problems": [], "results": 1}


def test_what_differs_in_a_batch_is_found(copy: Path) -> None:
    page = next(copy.glob("results/*/report.html"))
    page.write_bytes(page.read_bytes() + b" ")
    code, said, _ = call("verify", copy, "--json")
    (problem,) = json.loads(said)["problems"]
    assert (code, "report.html was changed after it was written" in problem) == (1, True)
    code, _, why = call("status", copy, "--verify")
    assert (code, "report.html was changed" in why) == (1, True)  # as of `verify`
    code, said, _ = call("status", copy, "--verify", "--json")
    assert (code, json.loads(said)["exit_code"], json.loads(said)["faults"]) == (1, 1, [problem])
    (copy / "journal.sqlite").unlink()
    code, said, _ = call("verify", copy)
    assert code == 1
    assert said.startswith("A batch: 1 problem\n")


def test_what_is_asked_of_a_pack_is_refused_of_a_batch(copy: Path) -> None:
    code, _, why = call("verify", copy, "--any-key", "--require", "author")
    assert code == 2
    assert "--any-key, --require: for an evidence pack" in why
    (copy / "manifest.json").write_text("{}")
    code, _, why = call("verify", copy)
    assert code == 2
    assert "manifest of an evidence pack and the journal of a batch" in why


@pytest.mark.parametrize(
    ("news", "said"),
    [
        ([("kept", "pass")] * 5, "; 5 kept, nothing run\n"),
        ([("kept", "pass"), ("kept", "not_run"), ("started", ""), ("ended", "pass")], "; 1 kept, 1 run\n"),
        ([("started", ""), ("ended", "pass")], "no audit yet\n"),
    ],
)
def test_how_many_results_were_kept_is_said(
    shared_place: Path, monkeypatch: pytest.MonkeyPatch, news: list[Any], said: str
) -> None:
    def run(_plan: Any, out: Any, *, progress: Any, **_order: Any) -> BatchResult:
        for kind, what in news:
            progress(BatchNews(kind, "credit", what, 0, len(news)))
        return BatchResult(Path(out), ())

    monkeypatch.setattr("auditkit.batch.run.run_batch", run)
    assert said in call("batch", shared_place / "plan.toml", "--out", shared_place / "kept")[1]


def test_a_batch_that_is_interrupted_says_how_to_go_on(
    shared_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_given: Any, **_order: Any) -> BatchResult:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditkit.batch.run.run_batch", run)
    given = ["batch", shared_place / "plan.toml", "--out", "a night"]
    told = f"is kept in a night. To go on: auditkit batch {shared_place / 'plan.toml'} --out 'a night'"
    code, said, why = call(*given)
    assert (code, said, why) == (130, "", f"Interrupted: what had an outcome by then {told}\n")
    assert call(*given, "--jobs", 2)[2].endswith(f"{told}, with the other options as before\n")
    assert call(*given, "--force")[2].endswith("; --force runs all of it again\n")


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands in for the browser")
def test_reports_are_printed_once_and_again_when_they_are_new(
    shared_place: Path, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "browser"
    program.write_text(
        f'#!/bin/sh\necho run >> {tmp_path}/runs\nfor a; do case $a in --print-to-pdf=*) printf "%%PDF" > "${{a#*=}}";; esac; done\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("AUDITKIT_CHROMIUM", str(program))
    given = ["batch", shared_place / "plan.toml", "--out", copy, "--pdf"]

    def runs() -> int:
        return (tmp_path / "runs").read_text().count("run")

    assert call(*given)[0] == 3  # of the audit that breaks; the other is kept, and printed
    (printed,) = (copy / "pdf").iterdir()
    assert printed.stem == next((copy / "results").iterdir()).name
    assert f'href="pdf/{printed.name}"' in (copy / "index.html").read_text()
    call(*given)
    assert runs() == 1
    new = printed.stat().st_mtime + 10_000
    os.utime(copy / "results" / printed.stem / "report.html", (new, new))
    call(*given[:-1])
    assert 'href="pdf/' not in (copy / "index.html").read_text()  # a PDF of another report is not offered
    call(*given)
    assert runs() == 2
    program.write_text("#!/bin/sh\nexit 1\n")
    code, _, why = call(*given)
    assert (code, "Run the batch again to print what is missing" in why) == (3, True)
    assert call("verify", copy)[0] == 0
    monkeypatch.setenv("AUDITKIT_CHROMIUM", "no-such-program")
    code, _, why = call(*given)
    assert (code, "there is no program of that name" in why) == (2, True)


@pytest.mark.skipif(os.name != "posix", reason="the page has a loop of a shell")
def test_the_loop_of_the_page_signs_each_result_once(copy: Path, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "batches.md").read_text("utf-8")
    loop = page.partition("## Signing a whole night")[2].split("```")[1]
    (tmp_path / "reports").mkdir()
    copy.rename(tmp_path / "reports" / "nightly")
    assert call("pack", "keygen", tmp_path / "keys" / "author")[0] == 0
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for _ in range(2):  # what is packed already is left alone
        done = subprocess.run(
            ["sh", "-c", loop], cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    (pack,) = (tmp_path / "packs" / "nightly").iterdir()
    (result,) = (tmp_path / "reports" / "nightly" / "results").iterdir()
    assert pack.name == result.name
    assert (pack / "signatures" / "author.dsse.json").is_file()
    assert not (tmp_path / "reports" / "nightly" / "results" / pack.name / "manifest.json").exists()


def test_a_copy_of_the_folder_is_compared_with_it(batch: tuple[Path, Any], copy: Path) -> None:
    """The same results on both sides: nothing is worse, and what broke keeps it undecided."""
    code, said, why = call("compare", copy, batch[0], "--json")
    assert (code, json.loads(said)["verdict"]) == (3, "undecided"), why
