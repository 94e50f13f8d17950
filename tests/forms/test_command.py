"""`auditkit form`: a form begun, checked and listed."""

import json
import tomllib

import pytest
from typer.testing import CliRunner

from auditkit.cli import app


def form(*args):
    return CliRunner().invoke(app, ["form", *map(str, args)])


def test_it_lists_kinds_and_questions():
    done = form("list", "--json")
    assert [one["kind"] for one in json.loads(done.stdout)["kinds"]] == [
        "intended_use", "impact_assessment", "oversight", "data_protection", "incident",
    ]  # fmt: skip
    asked = form("list", "data_protection")
    assert asked.exit_code == 0
    assert "evidence relevant to" in asked.stdout
    assert "gdpr Art. 35(7)" in asked.stdout


def test_it_begins_a_form_and_overwrites_nothing(tmp_path):
    path = tmp_path / "forms" / "use.toml"
    done = form("new", "intended_use", "--out", path, "--subject", "credit")
    assert done.exit_code == 0, done.output
    assert tomllib.loads(path.read_text())["subject"] == "credit"
    before = path.read_bytes()
    again = form("new", "incident", "--out", path)
    assert again.exit_code == 2
    assert "nothing is overwritten" in again.stderr
    assert path.read_bytes() == before


def test_it_takes_the_name_of_a_subject_file(tmp_path):
    (tmp_path / "credit.toml").write_text('name = "credit v3"\n')
    form("new", "oversight", "--out", tmp_path / "o.toml", "--subject", tmp_path / "credit.toml")
    assert tomllib.loads((tmp_path / "o.toml").read_text())["subject"] == "credit v3"


def test_a_draft_is_no_mistake_unless_it_is_to_be_complete(tmp_path):
    path = tmp_path / "o.toml"
    form("new", "oversight", "--out", path, "--subject", "credit")
    done = form("check", path)
    assert done.exit_code == 0
    assert "draft, not signed" in done.stdout
    assert "open: owner  Who answers for oversight?" in done.stdout
    assert form("check", path, "--complete").exit_code == 1


def test_mistakes_of_every_file_are_told(tmp_path):
    for name in ("a", "b"):
        form("new", "oversight", "--out", tmp_path / f"{name}.toml", "--subject", "credit")
        file = tmp_path / f"{name}.toml"
        file.write_text(file.read_text().replace('log_months = ""', "log_months = -1"))
    done = form("check", tmp_path / "a.toml", tmp_path / "b.toml")
    assert done.exit_code == 2
    assert done.stderr.count("watching.log_months is 0 at least, got -1") == 2
    told = json.loads(form("check", tmp_path / "a.toml", "--json").stdout)
    assert told["exit_code"] == 2
    assert "error" in told["forms"][0]


def test_a_kind_of_ones_own_travels_beside_its_form(tmp_path):
    own = tmp_path / "kinds" / "own.toml"
    own.parent.mkdir()
    own.write_text(
        'kind = "own"\ntitle = "Own"\nedition = "1"\n[[section]]\nid = "a"\ntitle = "A"\n'
        '[[section.question]]\nid = "b"\nwords = "B?"\n'
    )
    done = form("new", own, "--out", tmp_path / "forms" / "f.toml", "--subject", "credit")
    assert done.exit_code == 0, done.output
    assert tomllib.loads((tmp_path / "forms" / "f.toml").read_text())["form"] == "../kinds/own.toml"
    assert form("check", tmp_path / "forms" / "f.toml").exit_code == 0


@pytest.mark.parametrize("args", [("list", "nothing"), ("new", "nothing", "--out", "x.toml")])
def test_an_unknown_kind_is_told(args):
    done = form(*args)
    assert done.exit_code == 2
    assert "intended_use" in done.stderr


def test_a_report_that_holds_it_otherwise_is_told(form_file, keys, report, tmp_path):
    from auditkit.packing.forms import read_with_signatures, sign_form

    sign_form(form_file, key=keys / "author.key", role="author", name="Maria")
    report.with_forms(read_with_signatures(form_file)).save(tmp_path / "report.json")
    given = ("form", "verify", form_file, "--author-key", keys / "author.pub", "--one-person", "--report")
    assert CliRunner().invoke(app, [*map(str, given), str(tmp_path)]).exit_code == 0
    report.save(tmp_path / "report.json")
    done = CliRunner().invoke(app, [*map(str, given), str(tmp_path)])
    assert done.exit_code == 1
    assert "holds no form of this digest" in done.stdout
