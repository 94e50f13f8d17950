from __future__ import annotations

import json
import os

import nbformat
import pytest

from auditkit.errors import InputError
from auditkit.runner.export import ReportExporter, export_report

v4 = nbformat.v4


@pytest.fixture
def book():
    outputs = [
        v4.new_output("stream", text="seven <b>"),
        v4.new_output("display_data", data={"text/html": "<table><tr><td>8</td></tr></table>"}),
    ]
    return v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# An audit"),
            v4.new_code_cell("hidden_code = 1", outputs=outputs, execution_count=1),
        ]
    )


def test_a_path_becomes_one_file(book, tmp_path):
    source = tmp_path / "audit.ipynb"
    nbformat.write(book, source)
    out = export_report(source, tmp_path / "report.html")
    html = out.read_text(encoding="utf-8")
    assert out == tmp_path / "report.html"
    assert html.startswith("<!doctype html>")
    assert "<title>An audit</title>" in html
    assert "seven &lt;b&gt;" in html
    assert "<td>8</td>" in html
    assert "hidden_code" not in html
    assert sorted(p.name for p in tmp_path.iterdir()) == ["audit.ipynb", "report.html"]


def test_a_node_does_too_and_code_only_if_asked(book, tmp_path):
    assert "hidden_code = 1" in export_report(book, tmp_path / "r.html", include_code=True).read_text(
        encoding="utf-8"
    )


def test_nbconvert_knows_the_exporter_by_its_interface(book):
    page, resources = ReportExporter().from_notebook_node(book, {"metadata": {"name": "audit"}})
    assert page.startswith("<!doctype html>")
    assert resources["output_extension"] == ".html"
    assert ReportExporter.output_mimetype == "text/html"


def test_the_notebook_is_not_changed(book, tmp_path):
    before = json.dumps(book, sort_keys=True)
    export_report(book, tmp_path / "r.html")
    assert json.dumps(book, sort_keys=True) == before


def test_the_same_notebook_gives_the_same_bytes(book, tmp_path):
    first, second = (export_report(book, tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_what_is_no_notebook_is_refused(tmp_path):
    with pytest.raises(InputError, match="no notebook at"):
        export_report(tmp_path / "absent.ipynb", tmp_path / "r.html")
    for content in ("not json", "[]", "{}", '{"cells": 3}'):
        (tmp_path / "odd.ipynb").write_text(content)
        with pytest.raises(InputError, match=r"not a Jupyter notebook"):
            export_report(tmp_path / "odd.ipynb", tmp_path / "r.html")


def test_a_missing_folder_is_an_error_before_any_work(book, tmp_path):
    with pytest.raises(InputError, match="folder of the report must exist"):
        export_report(book, tmp_path / "absent" / "r.html")


def test_a_failed_write_leaves_the_old_report(book, tmp_path, monkeypatch):
    out = tmp_path / "r.html"
    out.write_text("old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        export_report(book, out)
    assert out.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
