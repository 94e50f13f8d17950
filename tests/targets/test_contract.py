"""What every check of another target than a model owes: the same twice, on every engine, read back, judged again."""

import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import jsonschema
import numpy as np
import pandas as pd
import pytest

from auditkit import Audit, Report
from auditkit.check import registry
from auditkit.judging import judge
from auditkit.loading import load_policy
from auditkit.report import schema
from auditkit.runner.drafts import as_code
from auditkit.scanning.tables.schema import ColumnRule, Schema
from auditkit.targets import KINDS
from auditkit.targets.stack import Stack
from auditkit.targets.table import Table
from auditkit.targets.table_parts import Margin, Parent, Reference
from auditkit.widgets import Studio


def artifact(folder):
    """Return a file that asks for a name of the operating system."""
    from auditkit.targets.artifact import ModelFile

    (folder / "m.pkl").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    return ModelFile.from_path(folder / "m.pkl")


def notebooks(folder):
    """Return a notebook with one of each: a secret, an address, a package, a risky call."""
    from auditkit.targets.notebooks import read_notebooks

    source = f"import numpy\nkey = '{'ghp_' + 'Ab1' * 12}'\n# by ada@lovelace.org\neval(key)"
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
    made = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell | {"source": source}]}
    (folder / "one.ipynb").write_text(json.dumps(made))
    return read_notebooks([folder / "one.ipynb"], name="work", base=folder)


def table(folder):
    """Return a table of which every check has something to say."""
    rng = np.random.default_rng(0)
    n = 120
    frame = pd.DataFrame(
        {
            "email": ["a@uni-ulm.de"] * n,
            "age": rng.integers(20, 60, n),
            "sex": rng.choice(["f", "m", None], n),
        }
    )
    frame["y"] = np.where(frame["age"] + rng.normal(0, 9, n) > 40, "yes", "no")
    return Table(
        "people",
        frame.iloc[:80],
        ("age",),
        target="y",
        sensitive=["sex"],
        splits={"test": frame.iloc[80:]},
        schema=Schema({"age": ColumnRule("integer", 0, 50)}),
        reference=Reference((Margin(("sex",), (("f",), ("m",)), (1, 1)),)),
        lineage=[Parent("survey")],
    )


def stack(folder):
    files = {"start.sh": b"mlflow server --host 0.0.0.0", "a.py": b"demo.launch(share=True)"}
    return Stack("lab", {"joblib": "1.1.0", "torch": "2.13.0"}, files)


def language_model(_folder):
    from auditkit.data import make_assistant
    from auditkit.targets.language_model import LanguageModel

    return LanguageModel("desk", make_assistant(rate=0.3, kind="ngram", seed=2).ask)


def access(_folder):
    from auditkit.data import make_hub
    from auditkit.targets.access import Access

    return Access("lab", make_hub())


TARGETS: dict = {
    "access": access,
    "artifact": artifact,
    "language_model": language_model,
    "notebooks": notebooks,
    "stack": stack,
    "table": table,
}
"""Of each kind a function that makes a small target in a folder."""

BY_KIND = {kind: registry().about(kind) for kind in KINDS if kind != "model" and registry().about(kind)}


@pytest.fixture(params=sorted(BY_KIND))
def kind(request):
    return request.param


@pytest.fixture
def target(kind, tmp_path):
    return TARGETS[kind](tmp_path)


def audit(kind):
    return Audit([one.function for one in BY_KIND[kind]], load_policy(None))


def test_every_kind_that_has_checks_is_tested():
    assert set(BY_KIND) == set(TARGETS)


def test_the_same_twice_and_on_every_engine(kind, target):
    here = audit(kind).run(target, seed=3).stable_dict()
    assert audit(kind).run(target, seed=3).stable_dict() == here
    for pool in (ThreadPoolExecutor(2), ProcessPoolExecutor(1)):
        with pool:
            assert audit(kind).run(target, seed=3, executor=pool).stable_dict() == here


def test_nothing_breaks_and_the_report_reads_back(kind, target):
    report = audit(kind).run(target)
    assert not [one.reason for one in report.evidence if one.outcome == "error"]
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker()).validate(data)
    assert Report.from_dict(data).to_dict() == data


def test_judging_again_says_the_same(kind, target):
    report = audit(kind).run(target)
    assert judge(report.evidence, load_policy(None), subject=target.name) == report.findings


def test_it_walks_through_the_studio(kind, target):
    session = Studio(target).session
    session.start()
    session.wait()
    assert session.state == "done", session.message
    assert {check.about for check in session.checks} == {kind}
    assert session.report.subject["kind"] == kind
    assert "load_target" in as_code(session.audit, seed=0)
