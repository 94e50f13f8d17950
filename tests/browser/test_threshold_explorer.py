"""Thresholds by group in a real JupyterLab, dragged and typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300, func_only=True)]

SOURCE = """
import numpy as np, pandas as pd
import auditkit as ak

rng = np.random.default_rng(1)
group, able = rng.integers(0, 2, 4000), rng.normal(size=4000)
y = (able + rng.normal(scale=0.7, size=4000) > 0).astype(int)
score = np.clip(1 / (1 + np.exp(-1.5 * able)) - 0.15 * group, 0, 1)
X = pd.DataFrame({"x": score, "sex": np.where(group == 0, "m", "f")})
data = ak.Dataset(X, y, sensitive_features=["sex"])
subject = ak.Subject("small", lambda X: np.c_[1 - np.asarray(X["x"]), np.asarray(X["x"])], test=data)
ak.widgets.Bias(subject, ["AK101"])
"""


def test_drag_type_equalise_and_add(
    harness: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    notebook(lab.root, "thresholds.ipynb", SOURCE)
    browser.open(lab, "thresholds.ipynb")
    browser.run_all()
    page = browser.page
    studio = page.locator(".ak-studio").first
    harness.explore(studio)
    studio.get_by_role("button", name="Prepare").press("Enter")
    bars = studio.locator(".js-plotly-plot .main-svg .trace")
    bars.first.wait_for(timeout=60_000)
    browser.shot(tmp_path / "1-prepared.png")

    # dragged: the words follow the handle while it is held
    handle = studio.locator(".noUi-handle").first
    handle.scroll_into_view_if_needed()
    at = handle.bounding_box()
    assert at is not None
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    said = studio.locator("[role=status]", has_text="impact ratio")
    before = said.inner_text()
    followed = browser.follows(
        lambda step: page.mouse.move(x - 8 * (step + 1), y),
        8,
        ".ak-studio .ak-live",
        ".ak-studio .js-plotly-plot",
    )
    assert said.inner_text() != before
    page.mouse.up()
    (tmp_path / "latency.json").write_text(json.dumps(followed))
    browser.shot(tmp_path / "2-dragged.png")

    # typed
    box = studio.get_by_label("sex=f")
    box.focus()
    box.press("ControlOrMeta+a")
    box.type("0.4")
    box.press("Tab")
    harness.poll(lambda: "0.4" in box.input_value(), 10, "the box did not take it")
    studio.get_by_role("button", name="Equal opportunity").press("Enter")
    harness.poll(lambda: "gap of equal opportunity" in said.inner_text(), 10, "the button did nothing")
    studio.get_by_label("Your note").fill("fair enough")
    studio.get_by_label("Your note").press("Tab")
    studio.get_by_role("button", name="Add to report").press("Enter")
    studio.get_by_text("Added to the report.").wait_for()
    studio.get_by_role("button", name="Show the data").locator("visible=true").last.press("Enter")
    studio.locator("caption", has_text="All records: at the model's own threshold").wait_for()
    browser.shot(tmp_path / "3-equalised.png")
    browser.theme("JupyterLab Dark")
    page.wait_for_timeout(400)
    browser.shot(tmp_path / "4-dark.png")
    browser.theme("JupyterLab Light")
    assert browser.errors == []
