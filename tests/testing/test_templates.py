"""The suite for templates, and the scaffold: what `auditkit template new` writes keeps it, and so do ours."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.runner.scaffold import new_template
from auditkit.runner.templates import find_template, list_templates
from auditkit.testing import Broken, check_template
from auditkit.testing.templates import _Ran, shows_no_widgets

OURS = [t.name for t in list_templates() if t.origin == "auditkit"]


@pytest.mark.parametrize("name", OURS)
def test_ours_are_written_as_the_contract_says(name):
    assert check_template(name, run=False).kept  # tests/test_notebooks.py runs them


@pytest.mark.kernel
def test_a_new_template_keeps_every_rule_as_it_runs(tmp_path):
    path = new_template("lending", checks=["AK001", "demographic_parity"], folder=tmp_path)
    found = check_template(path)
    assert found.kept
    assert {o.rule for o in found.outcomes} >= {"runs_without_hands", "shows_no_widgets", "renders_its_page"}
    assert {o.status for o in found.outcomes} == {"kept"}


@pytest.mark.parametrize("word", ["lending", "bias-2", "a"])
def test_a_new_template_is_written_as_the_contract_says(word, tmp_path):
    path = new_template(word, checks=["robustness"], title="Ours: `x`", folder=tmp_path / "new")
    assert path == tmp_path.resolve() / "new" / f"{word}.ipynb"
    assert check_template(path, run=False).kept


def test_what_cannot_be_begun_is_told_and_nothing_is_replaced(tmp_path):
    path = new_template("lending", folder=tmp_path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="is there already, and is not replaced"):
        new_template("lending.ipynb", folder=tmp_path)
    assert path.read_bytes() == before
    for word in ("../lending", "", "a b", "9", "x" * 80):
        with pytest.raises(InputError, match="letters, digits, - and _"):
            new_template(word, folder=tmp_path)
    with pytest.raises(InputError, match=r"'bias' is taken by .*: choose another, as in 'our_bias'"):
        new_template("bias", folder=tmp_path)
    with pytest.raises(InputError, match="Did you mean 'demographic_parity'"):
        new_template("other", checks=["demografic_parity"], folder=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["lending.ipynb"]


def changed(path, change):
    notebook = json.loads(path.read_text("utf-8"))
    change(notebook)
    path.write_text(json.dumps(notebook), "utf-8")
    return path


def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["id"] == name)


def append(name, line):
    return lambda notebook: cell(notebook, name).update(source="".join(cell(notebook, name)["source"]) + line)


FAULTS = {
    "is_a_valid_notebook": lambda n: n["cells"][1].update(id="title"),
    "says_what_it_asks": lambda n: n["cells"].pop(0),
    "tags_its_parameters_once": lambda n: cell(n, "run").update(metadata={"tags": ["parameters"]}),
    "is_set_by_the_runner": lambda n: cell(n, "parameters").update(source="subject_file = 's.toml'"),
    "names_its_parameters_plainly": append("parameters", "\nlist = [1]"),
    "types_its_parameters": append("parameters", "\nrows = None"),
    "is_as_generated": append("plan", "\n# by hand"),
    "holds_nothing_of_an_earlier_run": lambda n: cell(n, "run").update(execution_count=3),
}


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_of_writing_is_found_by_its_rule(rule, tmp_path):
    path = changed(new_template("lending", folder=tmp_path), FAULTS[rule])
    with pytest.raises(Broken, match=f"- {rule}: "):
        check_template(path, run=False)


@pytest.mark.kernel
def test_a_fault_of_a_run_is_found(tmp_path):
    path = new_template("lending", folder=tmp_path)
    found = check_template(changed(path, append("run", "\n1 / 0")), raises=False)
    (one,) = [o for o in found.broken if o.rule == "runs_without_hands"]
    assert "ZeroDivisionError" in one.why


@pytest.mark.parametrize("shown", ["a widget", "a figure"])
def test_a_widget_among_what_was_shown_is_found(shown, tmp_path):
    from ipywidgets import IntSlider

    path = new_template("lending", folder=tmp_path)
    data = IntSlider()._repr_mimebundle_() if shown == "a widget" else {"text/html": "<svg></svg>"}
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    changed(path, lambda notebook: cell(notebook, "verdict").update(outputs=[output]))
    ran = _Ran(find_template(path), None, json.loads(path.read_text("utf-8")))
    assert ("it shows a widget" in shows_no_widgets(ran)) is (shown == "a widget")


def test_the_command_line_begins_and_checks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = CliRunner()
    made = line.invoke(app, ["template", "new", "lending", "--check", "AK101", "--json"])
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["template"] == str(tmp_path.resolve() / "lending.ipynb")
    again = line.invoke(app, ["template", "new", "lending"])
    assert again.exit_code == 2
    assert "is not replaced" in again.stderr
    good = line.invoke(app, ["template", "check", "lending.ipynb", "--no-run"])
    assert good.exit_code == 0, good.output
    assert "kept      is_as_generated" in good.stdout
    changed(tmp_path / "lending.ipynb", FAULTS["is_as_generated"])
    bad = line.invoke(app, ["template", "check", "lending.ipynb", "--no-run", "--json"])
    assert bad.exit_code == 1
    said = json.loads(bad.stdout)
    assert [r["rule"] for r in said["rules"] if r["status"] == "broken"] == ["is_as_generated"]
    assert not said["kept"]
    assert line.invoke(app, ["template", "check", "nowhere.ipynb"]).exit_code == 2
    listed = line.invoke(app, ["list", "predictors", "--json"])
    assert json.loads(listed.stdout) == {"predictors": [], "broken": {}}
