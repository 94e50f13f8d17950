"""The pages: every block of Python on them runs, in order, as a reader would type it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page):
    """Return the blocks of a page, each with the line its first statement stands on."""
    text = page.read_text("utf-8")
    return [(text[: found.start(1)].count("\n"), found.group(1)) for found in BLOCK.finditer(text)]


PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if blocks(page)]


OF_THE_READER = {f"docs/{name}.md" for name in ("command_line", "subjects", "templates", "widgets")}
"""Pages that speak of a model the reader has."""


def what_a_reader_has(folder):
    """Return the names, and write the files, that pages about a reader's own model speak of."""
    import pandas as pd
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    import auditkit as ak

    parts = {}
    for name, data in zip(("train", "test"), ak.data.load_german_credit(seed=0), strict=True):
        X = data.X.select_dtypes("number").assign(sex=(data.sensitive_features["sex"] == "male").astype(int))
        y = pd.Series(data.y).map({"good": "granted", "bad": "refused"})
        X.assign(outcome=y).to_parquet(folder / f"{name}.parquet")
        parts |= {f"X_{name}": X, f"y_{name}": y}
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(parts["X_train"], parts["y_train"])
    skops.io.dump(pipeline, folder / "credit.skops")
    (folder / "credit.toml").write_text(
        """
[model]
path = "credit.skops"
[data.test]
path = "test.parquet"
target = "outcome"
positive = "granted"
sensitive = ["sex"]
[data.train]
path = "train.parquet"
""",
        "utf-8",
    )
    subject = ak.load_subject(folder / "credit.toml")
    own = {"model": pipeline, "pipeline": pipeline, "subject": subject, "studio": ak.widgets.Studio(subject)}
    template = {"subject_file": "credit.toml", "audit": ak.Audit("bias"), "seed": 0, "jobs": 1}
    return parts | own | template | {"out_dir": str(folder)}


def as_case(page):
    name = page.relative_to(ROOT).as_posix()
    # that page runs a whole template in a kernel
    marks = [pytest.mark.kernel, pytest.mark.slow] if name == "docs/command_line.md" else []
    return pytest.param(page, id=name, marks=marks)


@pytest.fixture
def as_in_a_fresh_process(monkeypatch):
    """Take the modules off the package that others have loaded: a name is there only if auditkit itself offers it."""
    import auditkit

    for name, value in list(vars(auditkit).items()):
        if isinstance(value, ModuleType):
            monkeypatch.delattr(auditkit, name)


@pytest.mark.usefixtures("as_in_a_fresh_process")
@pytest.mark.parametrize("page", [as_case(page) for page in PAGES])
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what a page writes is not left in the checkout
    names = {"__name__": "page"}
    if page.relative_to(ROOT).as_posix() in OF_THE_READER:
        names |= what_a_reader_has(tmp_path)
    for line, source in blocks(page):
        # empty lines in front, so that a traceback names the line of the page
        exec(compile("\n" * line + source, str(page), "exec"), names)


@pytest.mark.kernel
def test_the_commands_of_the_packs_page_run_as_written(tmp_path, monkeypatch):
    """Nothing is there but what the page says a reader has: a subject file and a policy."""
    from typer.testing import CliRunner

    from auditkit.cli import app

    what_a_reader_has(tmp_path)
    (tmp_path / "policy.toml").write_text('[[criterion]]\nmetric = "accuracy"\nat_least = 0.5\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "evidence_packs.md").read_text("utf-8")
    block = re.search(r"^```\n(auditkit .*?)^```", page, re.MULTILINE | re.DOTALL)[1]
    commands = [words for line in block.splitlines() if (words := shlex.split(line, comments=True))]
    assert [words[1] for words in commands].count("pack") == len(commands) - 2
    for words in commands:
        done = CliRunner().invoke(app, words[1:])
        judged = words[1] == "run"  # what it finds of the model is no matter here
        assert done.exit_code in ((0, 1, 3) if judged else (0,)), (words, done.output)
    assert (tmp_path / "opened" / "report.json").is_file()


def test_no_page_installs_a_name_that_is_not_released():
    """Whoever registers a name in an index decides what a command that installs it runs."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "auditkit").rglob("*.py")]  # fmt: skip
    asks = re.compile(r"pip install[^`\n]*\bjupyter-auditkit")
    assert asks.search('pip install "jupyter-auditkit[scan]"')
    assert [page.name for page in pages if asks.search(page.read_text("utf-8"))] == []


def test_every_check_has_its_page():
    from auditkit.check import registry

    missing = [check.page for check in registry().checks if not (ROOT / check.page).exists()]
    assert missing == []


def test_a_page_of_a_check_names_its_parameters_and_metrics():
    from auditkit.check import registry

    missing = []
    for check in registry().checks:
        page = ROOT / check.page
        text = page.read_text("utf-8") if page.exists() else ""
        words = [p.name for p in check.parameters] + list(check.metrics)
        missing += [f"{check.page}: {word}" for word in words if f"`{word}`" not in text]
    assert missing == []
