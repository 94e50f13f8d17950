"""Robustness alone in a real JupyterLab: a radius dragged and typed, a digit that morphs, and the report with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

SOURCE = """
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
import auditkit as ak

X, y = load_digits(return_X_y=True)
model = LogisticRegression(max_iter=200).fit(X[:800], y[:800])
subject = ak.Subject("digits", model, ak.Dataset(X[800:1100], y[800:1100]), threat={"norm": "linf", "radius": 1.0})
ak.widgets.Robustness(subject, {"robust_accuracy": {"rows": 80, "max_calls": 30}})
"""


def test_drag_a_digit_type_run_and_export(
    harness: Any, hands: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    notebook(lab.root, "radius.ipynb", SOURCE)
    browser.open(lab, "radius.ipynb")
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    hands.explore(studio)
    hands.press(studio, "Prepare")
    for place in (0, 1):  # the bracket, and the groups
        plot = studio.locator(".js-plotly-plot").nth(place)
        plot.locator(".main-svg .trace").first.wait_for(state="attached")
    browser.shot(tmp_path / "1-prepared.png")

    # dragged: words and pictures follow the handle while it is held
    said = studio.locator("[role=status]", has_text="stay right")
    before = said.inner_text()
    followed = browser.drag(studio.locator(".noUi-handle").last, -8, 8)
    assert said.inner_text() != before

    # a record, chosen by keyboard, takes the place of the groups and morphs while the radius is typed
    hands.choose_next(studio, "Look at")
    studio.get_by_text("the nearest change found turns it").wait_for()
    studio.locator(".heatmaplayer image").first.wait_for(state="attached")
    hands.fill(studio, "Radius, at most", "0.05")
    hands.says(said, "0.05")
    box = hands.field(studio, "Radius, at most")
    box.focus()
    morphed = browser.follows(lambda _: box.press("ArrowUp"), 8, harness.SAID, harness.DRAWN)
    (tmp_path / "latency.json").write_text(json.dumps({"dragged": followed, "morphed": morphed}))
    browser.shot(tmp_path / "2-on-its-way.png")
    hands.press(studio, "To where it falls")
    values = studio.locator("caption", has_text="what is changed")
    values.wait_for()
    hands.noted(studio, "a small smudge")
    values.scroll_into_view_if_needed()
    browser.shot(tmp_path / "3-fallen.png")
    hands.accessible(browser, axe, tmp_path)
    hands.fits(browser, tmp_path)

    # the check shares the attack, and the report holds both
    hands.press(studio, "Measure", exact=True)
    hands.press(studio, "Run robustness")
    hands.says(studio, "Done: 1 check was run.")
    hands.press(studio, "3 Report")
    report = hands.exported(studio, lab.root, "digits")
    assert [one["text"] for one in report["notes"]] == ["a small smudge"]
    assert [one["check"] for one in report["evidence"]] == ["AK304"]
    assert browser.errors == []
