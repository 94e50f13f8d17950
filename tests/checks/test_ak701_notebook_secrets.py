"""AK701: speaks of a planted secret without a piece of it, and keeps quiet on the same notebook with a placeholder."""

from __future__ import annotations

import json

import pytest

from auditkit import Audit
from auditkit.targets.notebooks import read_notebooks


def notebooks(folder, *sources, **options):
    blank = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [blank | {"id": f"c{at}", "source": source} for at, source in enumerate(sources)]
    path = folder / "work.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    return read_notebooks([path], base=folder, **options)


pytestmark = pytest.mark.needs("detect_secrets", extra="scan")
TOKEN = "ghp_" + "Ab1" * 12


def observed(target):
    return Audit(["notebook_secrets"]).run(target)


def test_it_speaks_of_a_planted_secret_and_shows_no_piece_of_it(tmp_path):
    report = observed(notebooks(tmp_path, f"key = '{TOKEN}'", f"x = 1\nlogin('{TOKEN}')"))
    found = report.of("AK701")
    assert (found.measurement("secrets_found").value, found.measurement("distinct_secrets").value) == (2, 1)
    assert list(found.tables["places"].frame().itertuples(index=False, name=None)) == [
        ("work.ipynb", 1, "source", 1, "GitHub Token", 1),
        ("work.ipynb", 2, "source", 2, "GitHub Token", 1),
    ]
    said = json.dumps(report.to_dict())
    assert [TOKEN[at : at + 8] for at in range(len(TOKEN) - 7) if TOKEN[at : at + 8] in said] == []
    assert report.verdict == "fail"


def test_it_keeps_quiet_where_a_word_stands_for_the_secret(tmp_path):
    report = observed(
        notebooks(
            tmp_path, "import os\nkey = os.environ['KEY']\npassword = 'changeme'\ntoken = '<your token>'"
        )
    )
    assert report.of("AK701").measurement("secrets_found").value == 0
    assert report.verdict == "pass"


def test_without_its_package_it_says_what_to_type(tmp_path, monkeypatch):
    from auditkit.scanning.notebooks import plugins

    monkeypatch.setitem(__import__("sys").modules, "detect_secrets.core.plugins.util", None)
    plugins._plugins.cache_clear()
    report = observed(notebooks(tmp_path, "x = 1"))
    assert report.of("AK701").outcome == "not_applicable"
    assert "pip install detect-secrets" in report.of("AK701").reason
    assert report.verdict == "undecided"
