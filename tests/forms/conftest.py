"""A short kind of form, and keys."""

import pytest

from auditkit import packing
from auditkit.evidence import Evidence, Measurement
from auditkit.report import Report

KIND = """
kind = "short"
title = "A short form"
edition = "1"
[[section]]
id = "one"
title = "One"
controls = { eu_ai_act = ["Art. 27"], gdpr = ["Art. 35(7)"], nist_ai_rmf = ["MAP 5.1"] }
[[section.question]]
id = "purpose"
words = "What for?"
[[section.question]]
id = "again"
words = "Again?"
answer = "yes_no"
required = false
"""
FORM = 'form = "short.toml"\nedition = "1"\nsubject = "credit"\n[one]\npurpose = "To lend"\n'

ROWS = {"rows": 100, "columns": ["a"], "digest": ""}
MODEL = {"kind": "callable", "trust": "live object", "digest": "", "description": ""}
SUBJECT = {
    "name": "credit", "task": "binary", "positive": 1, "classes": [0, 1], "model": MODEL, "test": ROWS, "train": None, "sensitive_features": ["sex"],
}  # fmt: skip
PLAN = [{"code": "AK101", "name": "demographic_parity", "title": "Decisions by group", "question": "?", "dimension": "bias", "page": ""}]  # fmt: skip
POLICY = {"name": "none", "description": "", "digest": "", "criteria": []}
ABOUT = {"auditkit": "0.1.0", "seed": 0, "versions": {}, "policy": POLICY, "plan": PLAN, "not_examined": []}


@pytest.fixture
def report():
    evidence = Evidence("AK101", (Measurement("selection_rate", 0.2, 100),))
    return Report(SUBJECT, (), (evidence,), ABOUT)


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("author", "reviewer", "stranger"):
        packing.keygen(folder / name)
    return folder


@pytest.fixture
def form_file(tmp_path):
    (tmp_path / "short.toml").write_text(KIND)
    path = tmp_path / "use.toml"
    path.write_text(FORM)
    return path
