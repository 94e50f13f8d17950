"""The worked plug-in of docs/plugin, installed with pip where nothing stays: it is listed, it runs, and its own tests pass."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from auditkit.testing import write_subject

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "docs" / "plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return an environment in which the plug-in is installed, in a folder of its own."""
    for name in ("pip", "hatchling"):
        if importlib.util.find_spec(name) is None:
            assert not os.environ.get("CI"), f"{name} is needed to install the plug-in"
            pytest.skip(f"{name} is not installed")
    folder = tmp_path_factory.mktemp("plugin")
    source, target = folder / "source", folder / "target"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    # the copy of auditkit under test, also where another is installed
    path = os.pathsep.join([str(target), str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    env = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)], env, folder
    )
    return env, source


def done(command, env, folder):
    result = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


# commands one after the other, in one process: what each says as JSON
COMMANDS = """\
import json, sys
from typer.testing import CliRunner
from auditkit.cli import app
for words in json.loads(sys.argv[1]):
    said = CliRunner().invoke(app, [*words, "--json"])
    assert said.exit_code == 0, said.output
    print(json.dumps(json.loads(said.stdout)))
"""


def auditkit(env, folder, *commands):
    said = done([sys.executable, "-c", COMMANDS, json.dumps(commands)], env, folder)
    return [json.loads(line) for line in said.splitlines()]


@pytest.mark.kernel
def test_an_installed_plug_in_is_listed_and_runs(installed, tmp_path):
    env, _ = installed
    words = ["--subject", str(write_subject(tmp_path)), "--out", "out", "-p", "borderline__width=0.1"]
    listed, shown, ran = auditkit(
        env, tmp_path, ["list"], ["list", "templates"], ["run", "borderline", *words]
    )
    assert listed["broken"] == {}
    assert "borderline" in {c["name"] for c in listed["checks"] if c["code"] == "BX001"}
    assert {
        "name": "borderline",
        "title": "Borderline audit",
        "checks": ["borderline"],
        "origin": "plug-in",
    } in shown["templates"]
    assert ran["verdict"] == "not_judged"
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    (evidence,) = report["evidence"]
    assert (evidence["check"], evidence["outcome"]) == ("BX001", "observed")
    assert evidence["params"]["width"] == 0.1


@pytest.mark.kernel
def test_its_own_tests_pass(installed):
    env, source = installed
    said = done(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        env,
        source,
    )
    assert "4 passed" in said


def test_its_template_is_as_its_check_generates_it(installed, tmp_path):
    env, source = installed
    own = source / "auditkit_borderline" / "templates" / "borderline.ipynb"
    before = own.read_bytes()
    done([sys.executable, "-m", "auditkit.runner.templates", str(own)], env, tmp_path)
    assert own.read_bytes() == before


def test_its_page_names_its_parameters_and_metrics():
    text = (SOURCE / "docs" / "checks" / "bx001.md").read_text("utf-8")
    assert all(f"`{word}`" in text for word in ("threshold", "width", "level", "borderline_share"))
