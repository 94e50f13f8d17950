"""auditkit scan notebook: one gate, exit codes, SARIF and copies, and no piece of a secret in any byte of it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import nbformat.v4 as v4
import pytest
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.loading import load_target
from auditkit.loading.kinds import read_subject_file
from auditkit.runner.notebook_scan import scan_notebooks
from auditkit.targets.notebooks import notebook_paths, read_notebooks

pytestmark = pytest.mark.needs("detect_secrets", extra="scan")


def pieces(value):
    body = "".join(value.splitlines()[1:-1]) if "PRIVATE KEY" in value else value
    return {body[at : at + 8] for at in range(len(body) - 7)}


@pytest.fixture
def planted(world, tmp_path):
    """Return a folder of notebooks with every type of secret in every place, and all pieces of them."""
    secrets = world.planted(11)
    for place, make in world.PLACES.items():
        if place != "long":
            cells = [make(line) for line, _ in secrets.values()]
            path = tmp_path / "work" / f"{place}.ipynb"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(world.notebook(*cells)))
    return tmp_path / "work", set().union(*(pieces(value) for _, value in secrets.values()))


def write(folder, world, *sources, name="one.ipynb"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(world.notebook(*map(v4.new_code_cell, sources))))
    return path


def run(*args):
    return CliRunner().invoke(app, ["scan", "notebook", *map(str, args)])


def test_no_piece_of_any_secret_is_in_any_byte_that_is_written(planted, tmp_path, monkeypatch):
    folder, grams = planted
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    told = run("work", "--redact", "out", "--sarif", "scan.sarif", "--json")
    said = run("work")
    report = scan_notebooks(["work"]).report
    written = report.save(tmp_path / "report.json").read_text()
    copies = "".join(path.read_text() for path in sorted(out.glob("*.ipynb")))
    outputs = {
        "json": told.output,
        "terminal": said.output,
        "sarif": Path("scan.sarif").read_text(),
        "report": written,
        "copies": copies,
    }
    for name, text in outputs.items():
        assert sorted(gram for gram in grams if gram in text) == [], name
    assert told.exit_code == said.exit_code == 1
    assert len(json.loads(told.output)["found"]) >= 26 * 9
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in folder.iterdir())
    assert list((tmp_path / "temporary").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {
        "work",
        "out",
        "scan.sarif",
        "report.json",
        "temporary",
    }
    again = run("out", "--only", "secrets", "--only", "personal")
    assert (again.exit_code, "0 places with a secret" in again.output) == (0, True)


LINE = {"type": "integer", "minimum": 1}
REGION = {
    "type": "object",
    "properties": dict.fromkeys(["startLine", "startColumn", "endLine", "endColumn"], LINE),
    "required": ["startLine"],
    "additionalProperties": False,
}
LOCATION = {
    "type": "object",
    "properties": {
        "physicalLocation": {
            "type": "object",
            "properties": {"artifactLocation": {"type": "object", "properties": {"uri": {"type": "string", "pattern": r"^[\w./%~-]+$"}}}, "region": REGION},
            "required": ["artifactLocation", "region"],
            "additionalProperties": False,
        },
        "logicalLocations": {"type": "array", "uniqueItems": True, "items": {"type": "object", "properties": {"fullyQualifiedName": {"type": "string"}}, "additionalProperties": False}},
    },
    "additionalProperties": False,
}  # fmt: skip
RESULT = {
    "type": "object",
    "properties": {
        "ruleId": {"type": "string"},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": {"type": "object", "properties": {"text": {"type": "string", "minLength": 1}}, "required": ["text"], "additionalProperties": False},
        "locations": {"type": "array", "items": LOCATION, "minItems": 1},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "properties": {"type": "object"},
    },
    "required": ["message"],
    "additionalProperties": False,
}  # fmt: skip
"""What the schema of SARIF 2.1.0 says of what is written here, and what code scanning asks beyond it: a first line."""


def test_sarif_is_valid_in_its_form_and_its_marks_stay_the_same(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(
        tmp_path,
        world,
        "import pickle\npickle.load(f)",
        f"x = '{world.planted(1)['GitHub Token'][1]}'",
        name="a b.ipynb",
    )
    first, second = (
        scan_notebooks(["a b.ipynb"], sarif=f"{n}.sarif") and json.loads(Path(f"{n}.sarif").read_text())
        for n in "ab"
    )
    assert first == second
    run_ = first["runs"][0]
    assert {one["ruleId"] for one in run_["results"]} == {"AK701", "AK704"}
    assert {one["id"] for one in run_["tool"]["driver"]["rules"]} >= {"AK701", "AK704"}
    assert [one["level"] for one in run_["results"]] == ["error", "error"]
    assert run_["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b.ipynb"
    for one in run_["results"]:
        jsonschema.validate(one, RESULT)


@pytest.mark.parametrize("indent", [1, None])
def test_the_region_of_a_result_is_where_the_json_of_the_file_holds_it(world, tmp_path, monkeypatch, indent):
    """Held against the file as a reader would: what stands in the lines and columns that are told."""
    monkeypatch.chdir(tmp_path)
    token = world.planted(2)["GitHub Token"][1]
    stream = v4.new_output("stream", text=["starting\n", f"user {token}\n"])
    made = world.notebook(
        v4.new_markdown_cell("é\n\nnothing"),
        v4.new_code_cell(["import pickle\n", "\n", "pickle.load(f)"], outputs=[stream]),
        v4.new_raw_cell(f"a\nb {token} c\nd", metadata={"note": {"body": token}}),
    )
    made["cells"][1]["source"] = ["import pickle\n", "\n", "pickle.load(f)"]
    made["cells"][1]["outputs"][0]["text"] = ["starting\n", f"user {token}\n"]
    Path("one.ipynb").write_text(json.dumps(made, indent=indent))
    Path("requirements.txt").write_text("# frozen\nleft-pad==1.0\n")
    (tmp_path / "osv").mkdir()
    affected = [{"package": {"ecosystem": "PyPI", "name": "left-pad"}, "versions": ["1.0"]}]
    Path("osv/a.json").write_text(json.dumps({"id": "X-1", "affected": affected}))
    rows = scan_notebooks(["one.ipynb"], sarif="a.sarif", advisories="osv").rows
    results = json.loads(Path("a.sarif").read_text())["runs"][0]["results"]
    told = {}
    for row, one in zip(rows, results, strict=True):
        jsonschema.validate(one, RESULT)
        where = one["locations"][0]["physicalLocation"]
        text = Path(where["artifactLocation"]["uri"]).read_text().splitlines()
        region = where["region"]
        held = text[region["startLine"] - 1]
        told[row.cell, row.part] = held[
            region.get("startColumn", 1) - 1 : region.get("endColumn", len(held) + 1) - 1
        ]
        assert one["properties"] == {"cell": row.cell, "part": row.part, "line": row.line}
    assert told == {
        (2, "output 1, stdout"): f"user {token}",
        (3, "source"): f"b {token} c",
        (3, "metadata"): f'"{token}"',
        (None, "list of requirements"): "left-pad==1.0",
        (2, "source"): "pickle.load(f)",
    }


def test_a_notebook_that_changed_or_was_of_an_older_format_is_pointed_at_as_a_whole(
    world, tmp_path, monkeypatch
):
    from auditkit.audit import Audit
    from auditkit.runner.notebook_rows import rows_of
    from auditkit.runner.notebook_sarif import sarif_of

    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, world, "import pickle\npickle.load(f)")
    target = read_notebooks([path])
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"metadata": {}, "cells": [
        {"cell_type": "code", "input": "import pickle\npickle.load(f)", "outputs": [], "language": "python", "metadata": {}, "collapsed": False}]}]}  # fmt: skip
    Path("old.ipynb").write_text(json.dumps(old))
    path.write_text(path.read_text() + "\n")
    long = write(tmp_path, world, "import pickle\npickle.load(f)", name="long.ipynb")
    grown, old_one = read_notebooks([long]), read_notebooks(["old.ipynb"])
    monkeypatch.setattr("auditkit.targets.notebooks._MOST", long.stat().st_size - 1)
    for asked in (target, grown, old_one):
        report = Audit(["notebook_risky_calls"]).run(asked)
        (one,) = sarif_of(rows_of(asked, report)["AK704"], asked)["runs"][0]["results"]
        assert one["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


@pytest.mark.parametrize(
    ("source", "more", "code"),
    [
        ("x = 1", (), 0),
        ("import pickle\npickle.load(f)", (), 1),
        ("import pickle\npickle.load(f)", ("--only", "secrets"), 0),
        ("x = 1", ("--policy", "none.toml"), 2),
        ("x = 1", ("--advisories", "none"), 2),
        ("x = 1", ("--redact", "one.ipynb"), 2),
        ("x = 1", ("--requirements", "none.txt"), 2),
        ("x = 1", ("--sarif", "no/where.sarif"), 2),
    ],
)
def test_exit_codes_are_those_of_the_gate(world, tmp_path, monkeypatch, source, more, code):
    monkeypatch.chdir(tmp_path)
    before = write(tmp_path, world, source).read_bytes()
    done = run("one.ipynb", *more)
    assert done.exit_code == code, done.output
    assert (tmp_path / "one.ipynb").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["one.ipynb"]


def test_a_check_that_cannot_run_leaves_it_undecided(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, world, "x = 1")
    monkeypatch.setattr("auditkit.checks.notebooks.calls.calls_in", lambda *_: 1 / 0)
    assert run("one.ipynb", "--only", "calls").exit_code == 3


def broken_folder(folder, world, good="x = 1"):
    write(folder, world, good, name="in/deep/good.ipynb")
    (folder / "in" / "bad one.ipynb").write_text("{")
    (folder / "in" / "worse.ipynb").write_text("[]")


@pytest.mark.parametrize(("source", "code"), [("import pickle\npickle.load(f)", 1), ("x = 1", 3)])
def test_what_is_no_notebook_keeps_no_other_from_being_scanned(world, tmp_path, monkeypatch, source, code):
    """One row more where a notebook gives something away; what is broken is told by name in every output, and is never a pass."""
    monkeypatch.chdir(tmp_path)
    broken_folder(tmp_path, world, source)
    said = run("in")
    told = run("in", "--redact", "out", "--sarif", "a.sarif", "--json")
    seen = json.loads(told.stdout)
    assert said.exit_code == told.exit_code == seen["exit_code"] == code
    assert seen["verdict"] == ("fail" if code == 1 else "undecided")
    errors = [line for line in said.stderr.splitlines() if line.startswith("Error: in/")]
    assert [line.split(": ")[1] for line in errors] == ["in/bad one.ipynb", "in/worse.ipynb"]
    assert ("in/deep/good.ipynb: cell 1, source, line 2" in said.stdout) is (code == 1)
    assert list(seen["broken"]) == ["in/bad one.ipynb", "in/worse.ipynb"]
    assert seen["error"].splitlines() == list(seen["broken"].values())
    assert [one["notebook"] for one in seen["found"]] == ["in/deep/good.ipynb"] * (code == 1)
    assert copies(Path("out")) == ["deep/good.ipynb"]  # where it lies among all that were named
    [sarif] = json.loads(Path("a.sarif").read_text())["runs"]
    [invocation] = sarif["invocations"]
    notes = invocation["toolExecutionNotifications"]
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in notes]
    assert (invocation["executionSuccessful"], {one["level"] for one in notes}) == (False, {"error"})
    assert places == ["in/bad%20one.ipynb", "in/worse.ipynb"]
    assert all("expected a Jupyter notebook" in one["message"]["text"] for one in notes)
    assert len(sarif["results"]) == (code == 1)


def test_where_all_is_read_sarif_tells_of_no_failure(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, world, "x = 1")
    assert json.loads(run("one.ipynb", "--sarif", "a.sarif", "--json").stdout)["broken"] == {}
    assert "invocations" not in json.loads(Path("a.sarif").read_text())["runs"][0]


def test_without_any_notebook_all_that_are_none_are_told_at_once_and_nothing_is_written(
    world, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    broken_folder(tmp_path, world)
    (tmp_path / "in" / "deep" / "good.ipynb").unlink()
    done = run("in", "--redact", "out", "--sarif", "a.sarif", "--json")
    assert done.exit_code == 2
    assert "bad one.ipynb" in done.output
    assert "worse.ipynb" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert run("in/bad.txt").exit_code == run("nowhere").exit_code == 2


def test_a_subject_file_is_refused_where_a_notebook_of_it_is_broken(world, tmp_path):
    """An audit is of all that its subject names."""
    broken_folder(tmp_path, world)
    (tmp_path / "work.toml").write_text('kind = "notebooks"\npaths = ["in"]\n')
    with pytest.raises(InputError, match=r"bad one\.ipynb.*\n.*worse\.ipynb"):
        load_target(tmp_path / "work.toml")


@pytest.mark.parametrize("place", ["none/a.sarif", "taken"])
@pytest.mark.parametrize("kind", ["notebook", "model", "stack"])
def test_a_place_for_sarif_is_refused_before_anything_is_looked_at(tmp_path, monkeypatch, kind, place):
    """What is to be looked at is not there either: of two mistakes, the place is told."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    done = CliRunner().invoke(app, ["scan", kind, "absent.ipynb", "--sarif", place])
    assert done.exit_code == 2
    assert ("no folder none for none/a.sarif" if "none" in place else "taken is a folder") in done.output


def test_folders_are_read_below_and_checkpoints_left_out_and_said(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, world, "x", name="a/b/c.ipynb")
    write(tmp_path, world, "eval(x)", name="a/.ipynb_checkpoints/c-checkpoint.ipynb")
    assert notebook_paths(["a"]) == ([Path("a/b/c.ipynb")], 1)
    done = run("a", "--only", "calls")
    assert (done.exit_code, "left out: 1 in .ipynb_checkpoints" in done.output) == (0, True)
    assert run("a", "--only", "calls", "--checkpoints").exit_code == 1
    with pytest.raises(InputError, match=r"no notebook in .*; 1 in \.ipynb_checkpoints were left out"):
        notebook_paths(["a/.ipynb_checkpoints"])


def test_a_single_copy_has_the_name_that_was_asked_for_and_stays_where_it_is(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    token = world.planted(1)["GitHub Token"][1]
    write(tmp_path, world, f"x = '{token}'")
    assert run("one.ipynb", "--redact", "public/two.ipynb").exit_code == 1
    assert json.loads(Path("public/two.ipynb").read_text())["cells"][0]["source"] == "x = '[redacted]'"
    assert run("one.ipynb", "--redact", "public/two.ipynb").exit_code == 2


def copies(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.ipynb"))


def test_copies_lie_below_the_folder_that_was_named_however_the_notebooks_were(world, tmp_path, monkeypatch):
    write(tmp_path, world, "x = 1", name="work/a/n.ipynb")
    write(tmp_path, world, "x = 2", name="n.ipynb")
    write(tmp_path, world, "x = 3", name="work/b/n.ipynb")
    monkeypatch.chdir(tmp_path / "work")
    assert run("a/n.ipynb", "../n.ipynb", tmp_path / "work" / "b", "--redact", "out").exit_code == 0
    assert copies(tmp_path / "work" / "out") == ["n.ipynb", "work/a/n.ipynb", "work/b/n.ipynb"]
    assert copies(tmp_path) == ["n.ipynb", "work/a/n.ipynb", "work/b/n.ipynb"] + [
        f"work/out/{one}" for one in copies(tmp_path / "work" / "out")
    ]
    sources = [
        json.loads((Path("out") / one).read_text())["cells"][0]["source"] for one in copies(Path("out"))
    ]
    assert sources == ["x = 2", "x = 1", "x = 3"]
    assert run("a", "../work/b/n.ipynb", "--redact", "less").exit_code == 0
    assert copies(Path("less")) == ["a/n.ipynb", "b/n.ipynb"]


def test_one_notebook_given_twice_has_no_two_copies_and_nothing_is_written(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, world, "x = 1", name="a/n.ipynb")
    done = run("a/n.ipynb", "a/../a/n.ipynb", "--redact", "out")
    assert (done.exit_code, "given twice" in done.output) == (2, True)
    assert not Path("out").exists()


@pytest.mark.parametrize("kind", ["link", "file", "link-to-nowhere"])
def test_a_copy_is_not_written_where_a_link_or_a_file_leads_elsewhere(world, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, world, "x = 1", name="work/a/n.ipynb")
    write(tmp_path, world, "x = 1", name="work/b/n.ipynb")
    Path("out").mkdir()
    Path("else").mkdir()
    if kind == "link":
        Path("out/b").symlink_to(tmp_path / "else")
    elif kind == "file":
        Path("out/b").write_text("mine")
    else:
        Path("out/b").mkdir()
        Path("out/b/n.ipynb").symlink_to(tmp_path / "else" / "n.ipynb")
    before = copies(tmp_path)
    assert run("work", "--redact", "out").exit_code == 2
    assert copies(tmp_path) == before
    assert list(Path("else").iterdir()) == []
    assert run("work", "--redact", "free").exit_code == 0


def test_a_subject_file_names_notebooks_and_what_is_known_of_packages(world, tmp_path):
    write(tmp_path, world, "import numpy", name="work/one.ipynb")
    (tmp_path / "work" / "requirements.txt").write_text("left-pad==1.0")
    (tmp_path / "work.toml").write_text('kind = "notebooks"\npaths = ["work"]\n')
    target = load_target(tmp_path / "work.toml")
    assert (target.name, [one.name for one in target.files]) == ("work", ["work/one.ipynb"])
    assert [(name, package.name) for name, package in target.packages()] == [
        ("work/one.ipynb", "numpy"),
        ("work/requirements.txt", "left-pad"),
    ]
    (tmp_path / "osv").mkdir()
    (tmp_path / "osv" / "a.json").write_text("{}")
    (tmp_path / "work.toml").write_text('kind = "notebooks"\npaths = ["work"]\nadvisories = "osv"\n')
    written = read_subject_file(tmp_path / "work.toml")
    assert set(written.files()) == {
        "paths: work/one.ipynb",
        "requirements: work/requirements.txt",
        "advisories: osv/a.json",
    }
    assert (written.runs_code, written.modules) == (False, ())
    about = target.describe()
    assert about["facts"]["Notebooks"] == 1
    assert set(about["parts"]) == {"work/one.ipynb"}
    (tmp_path / "work.toml").write_text('kind = "notebooks"\npath = ["work"]\n')
    with pytest.raises(InputError, match="Did you mean 'paths'"):
        load_target(tmp_path / "work.toml")


def test_no_digest_lets_what_was_taken_out_of_a_copy_be_guessed(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    secret = "hunter4821"
    dirty = write(tmp_path, world, f'password = "{secret}"', name="work/dirty.ipynb")
    write(tmp_path, world, "x = 1", name="work/clean.ipynb")
    done = scan_notebooks(["work"], redact="out", sarif="scan.sarif")
    told = done.report.to_dict()
    copy = Path("out/dirty.ipynb").read_bytes()
    assert told["subject"]["parts"] == {
        "work/clean.ipynb": hashlib.sha256(Path("work/clean.ipynb").read_bytes()).hexdigest(),
        "work/dirty.ipynb, redacted": hashlib.sha256(copy).hexdigest(),
    }
    target = read_notebooks(["work"])
    shown = json.dumps(told) + Path("scan.sarif").read_text() + json.dumps(done.to_dict()) + repr(target)
    content = json.loads(copy)
    content["cells"][0]["source"] = f'password = "{secret}"'
    guesses = [dirty.read_bytes(), copy.replace(b"[redacted]", secret.encode())]
    guesses += [json.dumps(content, indent=indent, ensure_ascii=False).encode() for indent in (None, 1)]
    assert guesses[0] == guesses[2]  # the notebook, made again from its copy
    assert [one for one in guesses if hashlib.sha256(one).hexdigest()[:12] in shown] == []


def test_notebooks_that_cannot_be_looked_through_have_no_digests(world, tmp_path, monkeypatch):
    target = read_notebooks([write(tmp_path, world, "x = 1")])
    monkeypatch.setattr("auditkit.scanning.notebooks.scan.secrets_in", missing)
    assert target.describe()["parts"] == {}


def missing(_):
    raise InputError("detect-secrets is not installed")


def test_two_audits_of_the_same_notebooks_are_told_from_those_of_others(world, tmp_path, monkeypatch):
    from auditkit.comparing import compare

    monkeypatch.chdir(tmp_path)
    said = []
    path = write(tmp_path, world, 'password = "hunter4821"')
    for number, word in enumerate(["hunter4821", "hunter9317", "changeme", "changeme"]):
        path.write_text(path.read_text().replace("hunter4821", word).replace("hunter9317", word))
        if number == 3:
            monkeypatch.setattr("auditkit.scanning.notebooks.scan.secrets_in", missing)
        scan_notebooks(["one.ipynb"], only=["calls"]).report.save(f"{number}.json")
    for now in range(1, 4):
        remarks = compare("0.json", f"{now}.json").pairs[0].remarks
        said += [one for one in remarks if "looked at" in one]
    assert said == [
        "What was looked at is the same (one digest each).",
        "Of what was looked at, 0 of 0 changed, 1 came and 1 went.",
        "Whether what was looked at is the same is not known: a record has no digest of it.",
    ]


@pytest.mark.kernel
def test_the_template_makes_a_page_without_a_piece_of_a_secret(planted, tmp_path):
    from auditkit.runner.run import run_template

    folder, grams = planted
    for extra in sorted(folder.iterdir())[3:]:
        extra.unlink()
    (tmp_path / "work.toml").write_text('kind = "notebooks"\npaths = ["work"]\n')
    done = run_template("notebooks", tmp_path / "work.toml", tmp_path / "out")
    assert done.report.verdict == "fail"
    assert [one.outcome for one in done.report.evidence] == ["observed"] * 4
    for path in (done.html_path, done.notebook_path, done.report_path):
        text = path.read_text("utf-8")
        assert sorted(gram for gram in grams if gram in text) == [], path.name


def test_the_hook_names_a_command_that_there_is():
    import yaml

    [hook] = yaml.safe_load((Path(__file__).resolve().parents[3] / ".pre-commit-hooks.yaml").read_text())
    words = hook["entry"].split()
    assert words[:3] == ["auditkit", "scan", "notebook"]
    assert hook["types"] == ["jupyter"]
    done = subprocess.run(
        [sys.executable, "-m", *words[:3], "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert all(word in done.stdout for word in words[3:] if word.startswith("--"))
