"""The page of a full file: its commands in order, as a reader would type them, and whether what comes out is of one model."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.runner.demo import write_demo

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "full_file.md").read_text("utf-8")
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
ENDS = {"run": (0, 1, 3), "incident report": (0, 1, 3), "monitor": (1,)}
"""Exit codes: audits may find what they find of few rows, and the planted fault is found."""


def ran(words):
    """Run one command of the page, with a shorter audit than the page's; return its exit code and what it said."""
    if words[0] == "python":
        try:
            runpy.run_path(words[1], run_name="__main__")
        except SystemExit as ended:
            return int(ended.code or 0), words[1]
        return 0, words[1]
    if words[1] == "demo":
        write_demo(words[words.index("--out") + 1], rows=500)
        return 0, ""
    done = CliRunner().invoke(app, ["bias" if word == "full" else word for word in words[1:]])
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The folder after all commands, and what each said."""
    where = tmp_path_factory.mktemp("full") / "adult-file"
    shutil.copytree(ROOT / "docs" / "full_file", where)
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        (where / "exports").mkdir()
        for words in COMMANDS[3:]:
            code, said[" ".join(words)] = ran(words)
            name = " ".join(words[1:3]) if words[1] == "incident" else words[1]
            assert code in ENDS.get(name, (0,)), (words, said[" ".join(words)])
    return where, said


def test_it_begins_with_a_copy_of_what_people_write():
    assert COMMANDS[:3] == [
        ["cp", "-r", "docs/full_file", "adult-file"],
        ["cd", "adult-file"],
        ["mkdir", "exports"],
    ]
    of = {" ".join(words[1:2]) for words in COMMANDS if words[0] == "auditkit"}
    assert of == {"demo", "scan", "run", "policy", "pack", "form", "controls", "export", "verify", "register", "monitor", "incident"}  # fmt: skip


@pytest.mark.kernel
@pytest.mark.needs("cyclonedx", extra="bom")
@pytest.mark.needs("cryptography", extra="evidence")
class TestTheFile:
    def test_the_planted_fault_is_found_where_it_was_put(self, file):
        record = json.loads((file[0] / "trend" / "trend.json").read_text("utf-8"))
        assert {one["chart"] for one in record["alarms"]} >= {"input:education_num", "missing"}
        assert min(one["window"] for one in record["alarms"]) == "2026-02-16"

    def test_a_release_whose_gate_did_not_pass_is_told_though_two_signed(self, file):
        (release,) = json.loads((file[0] / "trend" / "trend.json").read_text("utf-8"))["releases"]
        assert release["problems"] == ["its gate did not pass: fail"]
        assert "Jan Novak" in release["approved"][0]

    def test_the_pack_is_known_by_the_digest_in_the_register(self, file):
        where, said = file
        (entry,) = (json.loads(line)["entry"] for line in (where / "register.jsonl").read_text().splitlines())
        (told,) = (text for words, text in said.items() if words.startswith("auditkit verify"))
        assert f"manifest sha256: {entry['pack']['digest']}" in told

    def test_what_is_opened_is_the_report_byte_for_byte(self, file):
        where, _ = file
        own = where / "reports" / "adult"
        for name in ("report.json", "report.ipynb"):
            assert (where / "opened" / name).read_bytes() == (own / name).read_bytes()

    def test_a_register_of_another_report_is_seen(self, file, tmp_path, monkeypatch, capsys):
        copy = shutil.copytree(file[0], tmp_path / "copy")
        with (copy / "reports" / "adult" / "report.json").open("a", encoding="utf-8") as report:
            report.write("\n")
        monkeypatch.chdir(copy)
        assert ran(["python", "see_ties.py"])[0] == 1
        differ = [
            line.partition(" ")[2]
            for line in capsys.readouterr().out.splitlines()
            if line.startswith("DIFFERS")
        ]
        assert differ == ["the report: the register", "the report: what the pack holds sealed"]
