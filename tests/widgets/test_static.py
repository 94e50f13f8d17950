"""Components where a program runs the notebook: results, no widget, and no waiting for a button."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-view+json"
SOURCE = """
import numpy as np, pandas as pd
import auditkit as ak
from auditkit.widgets.explorers import ThresholdExplorer

rng = np.random.default_rng(1)
X = pd.DataFrame({"x": rng.random(200), "sex": rng.choice(["m", "f"], 200)})
data = ak.Dataset(X, (rng.random(200) < X["x"]).astype(int), sensitive_features=["sex"])
subject = ak.Subject("small", lambda X: np.c_[1 - np.asarray(X["x"]), np.asarray(X["x"])], test=data)
"""


@pytest.mark.timeout(120)
def test_a_notebook_of_components_runs_without_a_head(tmp_path: Any) -> None:
    cells = [
        SOURCE,
        "ThresholdExplorer(subject)",
        "print(ak.doctor().frame().set_index('what').loc['display', 'found'])",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=90, kernel_name="python3").execute()
    shown = notebook.cells[1].outputs
    kinds = [set(output["data"]) for output in shown]
    assert not any(WIDGET in kind for kind in kinds)
    assert sum("application/vnd.plotly.v1+json" in kind for kind in kinds) == 2
    assert "impact ratio" in shown[0]["data"]["text/plain"]
    assert notebook.cells[2].outputs[0]["text"].startswith("static in a program")
