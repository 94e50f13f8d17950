"""The attack radius in a real JupyterLab: dragged, a digit that morphs, typed, added to the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300, func_only=True)]

SOURCE = """
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
import auditkit as ak

X, y = load_digits(return_X_y=True)
model = LogisticRegression(max_iter=200).fit(X[:800], y[:800])
subject = ak.Subject("digits", model, ak.Dataset(X[800:1100], y[800:1100]), threat={"norm": "linf", "radius": 1.0})
ak.widgets.Robustness(subject, {"robust_accuracy": {"rows": 80, "max_calls": 30}})
"""


def test_drag_a_digit_type_and_add(
    harness: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    notebook(lab.root, "radius.ipynb", SOURCE)
    browser.open(lab, "radius.ipynb")
    browser.run_all()
    page = browser.page
    studio = page.locator(".ak-studio").first
    harness.explore(studio)
    studio.get_by_role("button", name="Prepare").press("Enter")
    for place in (0, 1):  # the bracket, and the groups
        plot = studio.locator(".js-plotly-plot").nth(place)
        plot.locator(".main-svg .trace").first.wait_for(state="attached", timeout=60_000)
    browser.shot(tmp_path / "1-prepared.png")

    # dragged: words and pictures follow the handle while it is held
    handle = studio.locator(".noUi-handle").last
    handle.scroll_into_view_if_needed()
    at = handle.bounding_box()
    assert at is not None
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    said = studio.locator("[role=status]", has_text="stay right")
    before = said.inner_text()
    words, drawn = ".ak-studio .ak-live", ".ak-studio .js-plotly-plot"
    followed = browser.follows(lambda step: page.mouse.move(x - 8 * (step + 1), y), 8, words, drawn)
    assert said.inner_text() != before
    page.mouse.up()

    # a record, chosen by keyboard, takes the place of the groups and morphs while the radius is typed
    look = studio.get_by_label("Look at")
    look.focus()
    look.press("Space")
    look.press("ArrowDown")
    look.press("Enter")
    studio.get_by_text("the nearest change found turns it").wait_for()
    studio.locator(".heatmaplayer image").first.wait_for(state="attached", timeout=30_000)
    box = studio.get_by_label("Radius, at most")
    box.focus()
    box.press("ControlOrMeta+a")
    box.type("0.05")
    box.press("Tab")
    harness.poll(lambda: "0.05" in said.inner_text(), 10, "the box was not taken")
    box.focus()
    morphed = browser.follows(lambda _: box.press("ArrowUp"), 8, words, drawn)
    (tmp_path / "latency.json").write_text(json.dumps({"dragged": followed, "morphed": morphed}))
    browser.shot(tmp_path / "2-on-its-way.png")
    studio.get_by_role("button", name="To where it falls").press("Enter")
    values = studio.locator("caption", has_text="what is changed")
    values.wait_for()
    studio.get_by_label("Your note").fill("a small smudge")
    studio.get_by_label("Your note").press("Tab")
    studio.get_by_role("button", name="Add to report").press("Enter")
    studio.get_by_text("Added to the report.").wait_for()
    values.scroll_into_view_if_needed()
    browser.shot(tmp_path / "3-fallen.png")
    browser.theme("JupyterLab Dark")
    page.wait_for_timeout(400)
    browser.shot(tmp_path / "4-dark.png")
    browser.theme("JupyterLab Light")
    assert browser.errors == []
