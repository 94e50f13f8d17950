"""Every worked example runs from top to bottom."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("**/*.ipynb"))


@pytest.mark.kernel
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_runs(path, tmp_path):
    import papermill

    done = tmp_path / path.name
    notebook = papermill.execute_notebook(
        str(path), str(done), kernel_name="python3", progress_bar=False, cwd=str(tmp_path)
    )
    assert done.exists()
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert all(c.execution_count for c in code)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_is_kept_without_outputs(path):
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    assert all(not c.outputs and c.execution_count is None for c in notebook.cells if c.cell_type == "code")
    assert os.fspath(Path.home()) not in path.read_text("utf-8")


@pytest.mark.parametrize(
    "path",
    [p for p in NOTEBOOKS if p.stem.startswith(("bias_", "membership_", "robustness_"))],
    ids=lambda p: p.stem,
)
def test_what_a_worked_audit_says_is_asserted_in_it(path):
    import nbformat

    cells = nbformat.read(path, as_version=4).cells
    claims = [c for c in cells if "claims" in c.metadata.get("tags", ())]
    assert all("assert " in c.source and c.metadata.jupyter.source_hidden for c in claims)
    figures = [c for c in cells if c.cell_type == "code" and ".plot(" in c.source]
    assert len(claims) >= len(figures) >= 4
