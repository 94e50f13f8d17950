"""Drafting a schema: it is written, it is held by its table, nothing is replaced, and what is no table is told."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.loading.table_parts import read_schema
from auditkit.scanning.tables.schema import rules_broken

RUNNER = CliRunner()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"age": [31, 45, None], 'a "quoted" name': ["x", "y", "x"]})
    frame.to_csv(tmp_path / "people.csv", index=False)
    return tmp_path


def test_a_schema_is_drafted_and_not_replaced(folder):
    done = RUNNER.invoke(app, ["scan", "data", "people.csv", "--draft-schema", "s.toml"])
    assert done.exit_code == 0
    assert 'schema = "s.toml"' in done.stdout
    schema = read_schema(folder / "s.toml")
    assert list(schema.columns) == ["age", 'a "quoted" name']
    assert rules_broken(pd.read_csv(folder / "people.csv"), schema) == ()
    was = (folder / "s.toml").read_bytes()
    again = RUNNER.invoke(app, ["scan", "data", "people.csv", "--draft-schema", "s.toml"])
    assert again.exit_code == 2
    assert (folder / "s.toml").read_bytes() == was


def test_a_machine_is_told_and_what_is_no_table_is_refused(folder):
    done = RUNNER.invoke(app, ["scan", "data", "people.csv", "--draft-schema", "s.toml", "--json"])
    assert json.loads(done.stdout) == {"schema": "s.toml", "columns": 2}
    assert RUNNER.invoke(app, ["scan", "data", "none.csv", "--draft-schema", "t.toml"]).exit_code == 2
    assert not (folder / "t.toml").exists()


def test_a_file_of_a_hostile_name_drafts_a_schema_that_reads(folder):
    name = "a\n[columns.b]\n.csv"
    (folder / "people.csv").rename(folder / name)
    assert RUNNER.invoke(app, ["scan", "data", name, "--draft-schema", "s.toml"]).exit_code == 0
    assert list(read_schema(folder / "s.toml").columns) == ["age", 'a "quoted" name']
