"""`auditkit controls`: lists, coverage, a catalogue of one's own, JSON, and refusals."""

import json
import re

import pytest
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.evidence import Evidence, Measurement
from auditkit.report import Report

ROWS = {"rows": 100, "columns": ["a"], "digest": ""}
MODEL = {"kind": "callable", "trust": "live object", "digest": "", "description": ""}
SUBJECT = {
    "name": "credit", "task": "binary", "positive": 1, "classes": [0, 1], "model": MODEL, "test": ROWS, "train": None, "sensitive_features": ["sex"],
}  # fmt: skip
PLAN = [{"code": "AK101", "name": "demographic_parity", "title": "Decisions by group", "question": "?", "dimension": "bias", "page": ""}]  # fmt: skip
POLICY = {"name": "none", "description": "", "digest": "", "criteria": []}
ABOUT = {"auditkit": "0.1.0", "seed": 0, "versions": {}, "policy": POLICY, "plan": PLAN, "not_examined": []}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("credit")
    evidence = Evidence("AK101", (Measurement("selection_rate", 0.2, 100),))
    Report(SUBJECT, (), (evidence,), ABOUT).save(path / "report.json")
    return path


def controls(*args):
    return CliRunner().invoke(app, ["controls", *map(str, args)])


def test_it_lists_frameworks_with_editions_and_days():
    done = controls()
    assert done.exit_code == 0
    lines = [line for line in done.stdout.splitlines() if line.startswith("eu_ai_act")]
    assert re.match(r"eu_ai_act +EU AI Act +27 +Reg\. \(EU\) 2024/1689", lines[0])
    assert "Annex III from 2027-12-02" in " ".join(done.stdout.split())
    assert "does not say that any requirement is met" in done.stdout


def test_it_lists_the_controls_of_a_framework():
    done = controls("--framework", "OWASP LLM")
    assert done.exit_code == 0
    assert "LLM03:2026" in done.stdout
    assert "also LLM06:2025" in done.stdout


def test_it_says_what_a_report_covers(folder):
    done = controls("--report", folder, "--framework", "nist_ai_rmf")
    assert done.exit_code == 0, done.output
    assert re.search(r"MEASURE 2\.11 +covered +Fairness and bias are evaluated +AK101", done.stdout)
    assert re.search(r"MEASURE 2\.7 +not covered", done.stdout)
    over_all = controls("--report", folder / "report.json")
    assert re.search(r"colorado +Colorado +2 not covered", over_all.stdout)
    assert re.search(r"complian|conform|satisf", done.stdout + over_all.stdout, re.IGNORECASE) is None


def test_json_says_the_same(folder):
    said = json.loads(controls("--report", folder, "--json").stdout)
    assert said["subjects"] == ["credit"]
    assert sum(len(one["controls"]) for one in said["frameworks"]) == 192
    rmf = next(one for one in said["frameworks"] if one["id"] == "nist_ai_rmf")
    one = next(one for one in rmf["controls"] if one["id"] == "MEASURE 2.11")
    assert (one["status"], one["checks"], one["missing"]) == ("covered", ["AK101"], [])
    listed = json.loads(controls("--json", "--framework", "ugesp").stdout)
    assert listed["frameworks"][0]["status"] == "contested"
    assert listed["frameworks"][0]["controls"][0]["checked"] == "secondary"


def test_a_catalogue_of_ones_own_adds_to_it(folder, tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(
        '[[framework]]\nid = "bank"\nname = "Bank"\ntitle = "Ours"\nedition = "4.2"\n'
        '[[control]]\nid = "1"\nframework = "bank"\ntitle = "Groups"\ntopics = ["bias"]\nstrength = "direct"\n',
        "utf-8",
    )
    done = controls("--catalogue", file, "--framework", "bank", "--report", folder)
    assert re.search(r"1 +covered +Groups +AK101", done.stdout)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--framework", "gpdr"), "no framework 'gpdr'. Did you mean 'gdpr'?"),
        (("--catalogue", "none.toml"), "no catalogue at none.toml"),
        (("--report", "none.json"), "none.json"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_listed(args, said):
    done = controls(*args)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""
