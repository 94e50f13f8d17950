"""A short kind of form, and keys."""

import pytest

from auditkit import packing

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
