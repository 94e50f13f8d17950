"""Packs of what is no model: each kind can be packed, signed and verified, and what was looked at is in the restricted layer alone."""

from __future__ import annotations

import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit, packing
from auditkit.check import registry
from auditkit.data import make_assistant, make_hub
from auditkit.errors import InputError
from auditkit.hub import of_text
from auditkit.ranges import range_of
from auditkit.scanning.tables.schema import ColumnRule, Schema
from auditkit.targets import KINDS
from auditkit.targets.access import Access
from auditkit.targets.artifact import ModelFile
from auditkit.targets.language_model import LanguageModel
from auditkit.targets.notebooks import read_notebooks
from auditkit.targets.stack import Stack
from auditkit.targets.table import Table
from auditkit.targets.table_parts import Margin, Parent, Reference

TOKENS = [b"qzebra", b"qquokka", b"qwombat"]  # in names of targets, paths and contents of each kind
CHECKS = {
    "artifact": ["model_file"],
    "notebooks": ["notebook_personal_data", "notebook_packages", "notebook_risky_calls"],
    "language_model": {"system_prompt_leak": {"prompts": 12, "tries": 1}},
    "stack": ["known_advisories", "open_configuration"],
    "table": [one.name for one in registry().about("table")],
    "access": ["access"],
}


def notebook(folder):
    code = "import qzebra\n%pip install qwombat==1.0\nimport pickle\npickle.load(open('qquokka', 'rb'))\nmail = 'ana@qzebra.de'"
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": code,
    }
    path = folder / "qquokka.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))
    return read_notebooks([path], name="qzebra")


def table():
    rng = np.random.default_rng(0)
    n = 240
    columns = {
        "email": [f"a{i}@qzebra.de" for i in range(n)],
        "qquokka": rng.choice(["qwombat", "other", "?"], n),
        "age": rng.integers(18, 90, n),
    }
    frame = pd.DataFrame(columns)
    frame["ywombat"] = np.where(frame["age"] + rng.normal(0, 20, n) > 50, "qzebra", "qwombat")
    return Table(
        "qzebra",
        frame,
        quasi_identifiers=["qquokka", "age"],
        target="ywombat",
        sensitive=["qquokka"],
        schema=Schema({"qquokka": ColumnRule(categories=("qwombat",)), "age": ColumnRule("integer", 20, 50)}),
        reference=Reference((Margin(("qquokka",), (("qwombat",), ("other",)), (1, 3)),), "qzebra census"),
        lineage=[Parent("qwombat", source="qquokka")],
    )


def hub():
    """Return a hub whose people, notes, groups, services and servers are named by the tokens."""
    text = (
        make_hub().text().replace("dora", "qzebra").replace("chiefs", "qquokka").replace("culler", "qwombat")
    )
    text = (
        text.replace("nightly job", "qzebra's job")
        .replace('"lab"', '"qquokka"')
        .replace("hub.example.org", "qwombat.org")
    )
    return Access("qzebra", of_text(text, "a hub"))


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    """Return a target of each kind, with the tokens wherever words of others stand."""
    said = pickle.dumps(Path("/qwombat/qquokka"))
    return {
        "artifact": ModelFile("qzebra", said, "qquokka.pkl"),
        "notebooks": notebook(tmp_path_factory.mktemp("notebooks")),
        "language_model": LanguageModel("qzebra", make_assistant(rate=0.3).ask, system="You are qquokka of qwombat."),
        "stack": Stack("qzebra", {"joblib": "1.1.0", "qwombat": "1"}, {"qquokka/start.sh": b"mlflow server --host 0.0.0.0 --app-name qwombat"}),
        "table": table(),
        "access": hub(),
    }  # fmt: skip


@pytest.fixture(scope="module")
def packed(targets, keys, tmp_path_factory):
    """Return the report and the signed pack of each kind."""
    found = {}
    for kind, target in targets.items():
        place = tmp_path_factory.mktemp(kind)
        report = Audit(CHECKS[kind]).run(target, seed=0)
        report.save(place / "report.json")
        packing.make(place, place / "pack", restricted_key=keys / "restricted.key", roles=("author",))
        packing.sign(place / "pack", key=keys / "author.key", role="author", name="Maria")
        found[kind] = (report, place / "pack")
    return found


def unpacked(data):
    """Return what is in a file, and what is encoded or packed within, as the test of published pages does it."""
    spec = importlib.util.spec_from_file_location(
        "publishing", Path(__file__).with_name("test_publishing.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.unpacked(data)


def test_every_kind_is_here():
    assert set(CHECKS) == set(KINDS) - {"model"}


@pytest.mark.parametrize("kind", CHECKS)
def test_a_pack_says_the_verdict_and_the_kind_and_no_word_of_what_was_looked_at(packed, kind):
    report, pack = packed[kind]
    files = [file for file in pack.rglob("*") if file.is_file() and file.suffix != ".sealed"]
    pieces = [one for file in files for one in unpacked(file.read_bytes())]
    words = [*TOKENS, *(digest.encode() for digest in report.subject["parts"].values())]
    assert [word for word in words if any(word in one for one in pieces)] == []
    assert any(token in json.dumps(report.to_dict()).encode() for token in TOKENS), (
        "the full report has some, so that there is something to withhold"
    )
    said = json.loads((pack / "public" / "report.json").read_text())
    assert said["subject"] == {"name": "audited subject", "kind": kind, "facts": {}, "parts": {}}
    assert (said["verdict"], said["counts"]) == (report.verdict, report.counts)
    assert [(one["check"], one["status"]) for one in said["findings"]] == [
        (one.check, one.status) for one in report.findings
    ]


@pytest.mark.parametrize("kind", CHECKS)
def test_no_small_count_is_public_and_all_of_it_is_restricted(packed, keys, kind):
    report, pack = packed[kind]
    public = json.loads((pack / "public" / "report.json").read_text())
    for one in public["evidence"]:
        for m in one["measurements"]:
            assert m["n"] >= 10
            a_share = range_of(m["metric"]) is not None  # all of 14 is no count of one
            assert a_share or m["value"] is None or not 0 < m["value"] < 10 or m["value"] % 1
        assert not one["tables"]
    files = packing.open_restricted(pack, keys / "restricted.key")
    assert json.loads(files["restricted/report.json"]) == report.to_dict()
    found = packing.verify(pack, keys=[keys / "author.pub"], restricted_key=keys / "restricted.key")
    assert found.problems == ()


def test_a_table_of_few_records_is_not_published(keys, tmp_path):
    few = Table("staff", pd.DataFrame({"age": [31, 45, 52]}), quasi_identifiers=["age"])
    Audit(["personal_columns"]).run(few).save(tmp_path / "report.json")
    with pytest.raises(InputError, match=r"nothing can be published of 3 records of a table with k=10"):
        packing.make(tmp_path, tmp_path / "pack")
