"""Notebooks that are none by the letter: whatever stands in them is read or said, and nothing raises."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.scanning.notebooks import read_notebook, redacted, scan_notebook, written
from auditkit.scanning.notebooks.packages import packages_in

pytestmark = pytest.mark.needs("detect_secrets", extra="scan")

WORDS = st.one_of(
    st.sampled_from(["source", "cell_type", "code", "outputs", "text", "data", "text/html", "application/json", "metadata", "id", "output_type", "stream", "error",
                     "traceback", "attachments", "name", "stdout", "image/png", "language_info", "ghp_" + "Ab1" * 12, "ada@lovelace.org", "\ud800 x", "YWJjZGVmZ2g=", "%%bash", "a\x00b"]),
    st.text(max_size=8),
)  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**18), 10**18), st.floats(allow_nan=True), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)
CELL = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.one_of(st.sampled_from(["code", "markdown", "raw"]), JSON),
        "source": JSON,
        "outputs": st.one_of(JSON, st.lists(st.fixed_dictionaries({"output_type": WORDS, "data": JSON, "text": JSON}), max_size=2)),
        "attachments": JSON,
        "metadata": JSON,
        "id": JSON,
    },
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(CELL, JSON), max_size=3), JSON)
def test_any_json_with_cells_is_scanned_and_redacted(cells, metadata):
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    before = copy.deepcopy(notebook)
    json.dumps(scan_notebook(notebook).to_dict())
    packages_in(notebook)
    made = redacted(notebook).notebook
    assert repr(notebook) == repr(before)
    again = scan_notebook(made)
    assert again.secrets == again.personal == ()
    assert repr(json.loads(written(made))) == repr(made)
    assert repr(read_notebook(written(made))) == repr(made)
