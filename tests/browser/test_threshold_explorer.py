"""Bias alone in a real JupyterLab: run, thresholds dragged and typed, and the report with what was seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

SOURCE = """
import auditkit as ak, studio_subjects

ak.widgets.Bias(studio_subjects.scored(4000), ["AK101"])
"""


def test_run_drag_type_equalise_and_export(
    harness: Any, hands: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    notebook(lab.root, "thresholds.ipynb", SOURCE)
    browser.open(lab, "thresholds.ipynb")
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    hands.explore(studio)
    hands.press(studio, "Prepare")
    hands.drawn(studio)
    browser.shot(tmp_path / "1-prepared.png")

    # dragged: the words follow the handle while it is held
    said = studio.locator("[role=status]", has_text="impact ratio")
    before = said.inner_text()
    followed = browser.drag(studio.locator(".noUi-handle").first, -8, 8)
    assert said.inner_text() != before
    (tmp_path / "latency.json").write_text(json.dumps(followed))
    browser.shot(tmp_path / "2-dragged.png")

    # typed
    before = said.inner_text()
    hands.fill(studio, "sex=f", "0.4")
    hands.until(lambda: said.inner_text() != before, 60, "the box was not taken")
    assert hands.field(studio, "sex=f").input_value() == "0.4"
    hands.press(studio, "Equal opportunity")
    hands.says(said, "gap of equal opportunity")
    hands.noted(studio, "fair enough")
    studio.get_by_role("button", name="Show the data").locator("visible=true").last.press("Enter")
    studio.locator("caption", has_text="All records: at the model's own threshold").wait_for()
    browser.shot(tmp_path / "3-equalised.png")
    hands.accessible(browser, axe, tmp_path)
    hands.fits(browser, tmp_path)

    # measured as set, and written
    hands.press(studio, "Measure", exact=True)
    hands.press(studio, "More settings")
    hands.fill(studio, "Level", "0.9")
    hands.press(studio, "Run bias")
    hands.says(studio, "Done: 1 check was run.")
    hands.press(studio, "3 Report")
    report = hands.exported(studio, lab.root, "small")
    assert [one["text"] for one in report["notes"]] == ["fair enough"]
    assert browser.errors == []
