"""AK702: speaks of planted personal data, and keeps quiet on the same notebook with examples."""

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


def observed(target):
    return Audit(["notebook_personal_data"]).run(target)


def test_it_speaks_of_planted_data_by_kind_and_place(tmp_path):
    report = observed(notebooks(tmp_path, "# ada@lovelace.org\ncard = '4111 1111 1111 1111'"))
    found = report.of("AK702")
    assert found.measurement("personal_data_found").value == 2
    assert list(found.tables["kinds"].columns["kind"]) == [
        "an e-mail address",
        "the number of a payment card",
    ]
    assert report.verdict == "fail"
    said = json.dumps(report.to_dict())
    assert "lovelace" not in said
    assert "4111" not in said


def test_it_keeps_quiet_on_examples(tmp_path):
    report = observed(
        notebooks(tmp_path, "# ada@example.com\ncard = '4111 1111 1111 1112'\nhost = '10.0.0.1'")
    )
    assert report.of("AK702").measurement("personal_data_found").value == 0
    assert report.verdict == "pass"
