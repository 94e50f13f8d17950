"""Canaries: words planted in tables and configuration are in no byte that a run leaves, also not packed or encoded."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from auditkit.runner.run import run_template

WORDS = [b"qzebra", b"qquokka", b"qwombat", b"5012345", b"89370400440532013000"]
NUMBER = 918273.640625


def unpacked(data):
    """Return what is in a file, and what is encoded or packed within, as the test of published pages does it."""
    place = Path(__file__).parents[1] / "packing" / "test_publishing.py"
    spec = importlib.util.spec_from_file_location("publishing", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.unpacked(data)


def left_by(folder):
    return [one for file in folder.rglob("*") if file.is_file() for one in unpacked(file.read_bytes())]


@pytest.mark.kernel
def test_a_run_on_a_table_leaves_no_value_of_it(tmp_path):
    n, rng = 80, np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "surname": [f"qzebra{i}" for i in range(n)],
            "email": [f"a{i}@qquokka.de" for i in range(n)],
            "remarks": ["qwombat, call +49 731 5012345"] * n,
            "account": ["DE89370400440532013000"] * n,
            "age": rng.integers(18, 90, n),
            "town": rng.choice(["qzebraville", "qquokkatown"], n),
            "amount": [NUMBER] * n,
        }
    )
    frame.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "people.toml").write_text(
        'kind = "table"\npath = "people.csv"\nquasi_identifiers = ["age", "town"]\n'
    )
    result = run_template("table", tmp_path / "people.toml", tmp_path / "out")
    assert result.report.of("AK911").measurement("identifying_columns").value == 4
    pieces = left_by(tmp_path / "out")
    assert any(b"identifying" in one for one in pieces)  # there was something to look through
    assert not [
        word
        for word in (*WORDS, b"918273.64", struct.pack("<d", NUMBER))
        if any(word in one for one in pieces)
    ]


@pytest.mark.kernel
def test_a_run_on_a_stack_leaves_no_value_of_a_setting(tmp_path):
    (tmp_path / "start.sh").write_text(
        "API_KEY=qzebra mlflow server --host 0.0.0.0 --backend-store-uri postgres://u:qquokka@h\n"
    )
    (tmp_path / "jupyter_server_config.py").write_text(
        "c.ServerApp.ip = '0.0.0.0'\nc.ServerApp.password = 'qwombat'\nc.ServerApp.token = ''\n"
    )
    (tmp_path / "lab.toml").write_text('kind = "stack"\nfiles = ["start.sh", "jupyter_server_config.py"]\n')
    result = run_template("stack", tmp_path / "lab.toml", tmp_path / "out")
    assert result.report.verdict == "fail"
    pieces = left_by(tmp_path / "out")
    assert any(b"start.sh" in one for one in pieces)
    assert not [word for word in WORDS if any(word in one for one in pieces)]
