"""The README's way from a model to a page: what it saves, says and types, as a reader would."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import auditkit as ak
from auditkit.errors import InputError
from auditkit.loading import load_subject
from auditkit.report import load_report

README = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")


def block(start, language=""):
    """Return the one block of a language that begins so."""
    every = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    found = [text for of, text in every if of == language and text.startswith(start)]
    assert len(found) == 1
    return found[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("readme")
    source = block("import auditkit as ak", "python").partition("report = ")[0] + block(
        "import skops.io", "python"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        exec(compile(source, "README.md", "exec"), {"__name__": "page"})
    (where / "income.toml").write_text(block("model.path", "toml"), "utf-8")
    return where


def test_the_subject_file_is_of_the_model_that_was_saved(folder):
    subject = load_subject(folder / "income.toml")
    assert list(subject.test.X.columns) == ["education_num", "hours_per_week", "capital_gain", "age"]
    assert (len(subject.test), subject.positive, subject.test.sensitive_names) == (16281, ">50K", ["sex"])


def test_the_line_on_training_rows_is_one_that_works(folder):
    said = block("model.path", "toml").replace("# data.train.path", "data.train.path")
    pd.read_parquet(folder / "people.parquet").head(1000).to_parquet(folder / "train.parquet")
    (folder / "trained.toml").write_text(said, "utf-8")
    assert len(load_subject(folder / "trained.toml").train) == 1000


def test_the_options_of_the_page_are_those_of_the_checks():
    (plan,) = re.findall(r"`ak\.Audit\((\{.*\})\)`", README)
    assert [options["records"] for _, options in ak.Audit(ast.literal_eval(plan)).plan] == [[2, 8], [2, 8]]


def test_a_joblib_file_is_opened_as_far_as_it_is_listed_and_with_its_digest(folder):
    import joblib
    import skops.io

    model = skops.io.load(folder / "income.skops", trusted=["sklearn.tree._tree.Tree"])
    joblib.dump(model, folder / "income.joblib")
    text = block("model.path", "toml").replace("income.skops", "income.joblib")
    (folder / "other.toml").write_text(text, "utf-8")
    assert load_subject(folder / "other.toml").model.trust == "listed"
    model.own = hashlib.sha256  # what no list holds
    joblib.dump(model, folder / "income.joblib")
    with pytest.raises(InputError, match="pin it: sha256"):
        load_subject(folder / "other.toml")
    digest = hashlib.sha256((folder / "income.joblib").read_bytes()).hexdigest()
    (folder / "other.toml").write_text(f'model.sha256 = "{digest}"\n{text}', "utf-8")
    assert load_subject(folder / "other.toml").model.trust == "pinned"


@pytest.mark.kernel
def test_the_commands_run(folder):
    (folder / "policy.toml").write_text(block("[[criterion]]", "toml"), "utf-8")
    for line in block("auditkit run").splitlines():
        command = [str(Path(sys.executable).with_name("auditkit")), *line.split()[1:]]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=500)
        assert done.returncode in (0, 1, 3), done.stdout + done.stderr
    assert load_report(folder / "reports" / "report.json").of("demographic_parity").outcome == "observed"
    assert (folder / "reports" / "report.html").exists()
