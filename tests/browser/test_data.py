"""A table in a real JupyterLab: what is given is told, checks run and are shown, and the report is exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

SOURCE = """
import numpy as np
import pandas as pd
import auditkit as ak
from auditkit.targets.table import Table
from auditkit.targets.table_parts import Margin, Reference

rng = np.random.default_rng(0)
frame = pd.DataFrame({"age": rng.integers(20, 60, 800), "sex": rng.choice(["f", "m"], 800, p=[0.2, 0.8])})
frame["pay"] = np.where(rng.random(800) < np.where(frame["sex"] == "f", 0.3, 0.1), np.nan, rng.normal(30, 5, 800).round(1))
frame.loc[:40, "age"] = 999
reference = Reference((Margin(("sex",), (("f",), ("m",)), (0.5, 0.5)),), "<img src=x onerror=document.title='ran'>")
table = Table("staff", frame, sensitive=["sex"], reference=reference)
ak.widgets.Data(table, ["table_quality", "table_representation"])
"""


def test_run_look_and_export(
    hands: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    notebook(lab.root, "staff.ipynb", SOURCE)
    browser.open(lab, "staff.ipynb")
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    hands.says(
        studio, "Not given, and so not examined: labels, parts, a schema, a lineage, quasi-identifiers"
    )
    hands.press(studio, "Run data")
    hands.says(studio, "Done: 2 checks were run.")
    hands.says(studio, "values that are hardly meant stand in age (999)")
    studio.locator(".js-plotly-plot .main-svg .trace").first.wait_for(state="attached")
    browser.shot(tmp_path / "1-run.png")
    assert "ran" not in browser.page.title()
    hands.accessible(browser, axe, tmp_path)
    hands.fits(browser, tmp_path)

    hands.press(studio, "3 Report")
    report = hands.exported(studio, lab.root, "staff")
    assert [one["check"] for one in report["evidence"]] == ["AK914", "AK915"]
    assert browser.errors == []
