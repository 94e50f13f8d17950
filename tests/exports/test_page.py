"""The page on exports: its commands run as written, and no export of it speaks of what it cannot."""

from __future__ import annotations

import re
import shlex

import pytest
from typer.testing import CliRunner

from auditkit.cli import app

from .conftest import ROOT
from .test_ll144 import applicants, audited

PAGE = (ROOT / "docs" / "exports.md").read_text("utf-8")
COMMANDS = [
    shlex.split(line) for line in re.findall(r"^auditkit (?:export|register) .*$", PAGE, re.MULTILINE)
]


def test_the_commands_of_the_page_run_as_written(report, tmp_path, monkeypatch):
    pytest.importorskip("cyclonedx")
    monkeypatch.chdir(tmp_path)
    for name, one in (("credit", report), ("screening", audited(applicants()))):
        (tmp_path / "reports" / name).mkdir(parents=True)
        one.save(tmp_path / "reports" / name / "report.json")
    for words in COMMANDS:
        done = CliRunner().invoke(app, words[1:])
        assert done.exit_code == 0, (words, done.output)
        outs = [words[i + 1] for i, word in enumerate(words) if word in ("--out", "--to")]
        assert all((tmp_path / one).stat().st_size for one in outs)
    assert {words[2] for words in COMMANDS} == {"model-card", "attestation", "oscal", "annex-iv", "ll144", "bom", "add", "list", "page"}  # fmt: skip


@pytest.mark.parametrize("command", ["model-card", "annex-iv", "ll144", "bom"])
def test_a_report_of_what_it_cannot_speak_of_is_refused_before_anything_is_written(
    of_stack, tmp_path, command
):
    of_stack.save(tmp_path / "report.json")
    done = CliRunner().invoke(
        app, ["export", command, str(tmp_path), "--out", str(tmp_path / "out.md"), "--json"]
    )
    assert done.exit_code == 2
    assert "installed software and its configuration" in done.stdout
    assert not (tmp_path / "out.md").exists()


def test_each_command_says_how_it_is_used():
    for words in COMMANDS:
        done = CliRunner().invoke(app, [*words[1:3], "--help"])
        assert "Examples:" in done.stdout
        assert "--json" in done.stdout


def test_the_public_form_of_a_report_goes_through_all_of_them_and_tells_of_no_small_group(report, tmp_path):
    from auditkit.packing.publishing import public_form

    public_form(report).report.save(tmp_path / "report.json")
    for words in (["attestation", "--framework", "eu_ai_act"], ["oscal", "--framework", "eu_ai_act"], ["annex-iv"], ["model-card"]):  # fmt: skip
        out = tmp_path / (f"{words[0]}.md" if len(words) == 1 else f"{words[0]}.json")
        done = CliRunner().invoke(app, ["export", words[0], str(tmp_path), *words[1:], "--out", str(out)])
        assert done.exit_code == 0, done.output
        text = out.read_text("utf-8")
        assert "rare" not in text
        assert report.subject["model"]["digest"] not in text
