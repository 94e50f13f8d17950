"""One record in a real JupyterLab: changed by keyboard and by dragging, flipped by a way that was found, and kept for the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300, func_only=True)]

SOURCE = """
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
import auditkit as ak
from auditkit.data import load_german_credit

train, test = load_german_credit()
words = [c for c in train.X if not pd.api.types.is_numeric_dtype(train.X[c])]
numbers = [c for c in train.X if c not in words]
encoded = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), words), (StandardScaler(), numbers))
model = make_pipeline(encoded, LogisticRegression(max_iter=500)).fit(train.X, train.y)
subject = ak.Subject("German credit", model, test=test, train=train, positive="good")
ak.widgets.Explainability(subject, ["AK401"])
"""


def test_change_flip_expose_and_add(
    harness: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    notebook(lab.root, "record_explorer.ipynb", SOURCE)
    page = browser.page
    page.set_viewport_size({"width": 1280, "height": 2600})
    browser.open(lab, "record_explorer.ipynb")
    browser.run_all()
    studio = page.locator(".ak-studio").first
    harness.explore(studio)
    studio.get_by_role("button", name="Prepare").press("Enter")
    studio.locator(".js-plotly-plot .main-svg .trace").first.wait_for(timeout=60_000)
    said = studio.locator(".ak-live [role=status]")
    assert "The model answers" in said.inner_text()
    browser.shot(tmp_path / "1-prepared.png")

    # held: locked, and the reason stands beneath
    assert studio.get_by_label("foreign_worker").is_disabled()
    assert studio.get_by_text("Held: a sensitive feature.").first.is_visible()

    # by keyboard
    box = studio.get_by_label("duration_months")
    box.focus()
    box.press("ControlOrMeta+a")
    box.type("48")
    box.press("Tab")
    harness.poll(lambda: "duration_months" in said.inner_text(), 10, "the form did nothing")
    menu = studio.get_by_label("checking_status")
    menu.select_option("no checking account")
    harness.poll(lambda: "no checking account" in said.inner_text(), 10, "the menu did nothing")
    studio.locator("h5", has_text="Contributions before and after the change").wait_for()
    browser.shot(tmp_path / "2-changed.png")

    # dragged: the words follow the handle while it is held
    handle = studio.locator(".noUi-handle").first
    handle.scroll_into_view_if_needed()
    at = handle.bounding_box()
    assert at is not None
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    followed = browser.follows(
        lambda step: page.mouse.move(x - 12 * (step + 1), y),
        8,
        ".ak-studio .ak-live",
        ".ak-studio .js-plotly-plot",
    )
    page.mouse.up()
    (tmp_path / "latency.json").write_text(json.dumps(followed))

    studio.get_by_role("button", name="Look for ways").press("Enter")
    studio.locator("caption", has_text="Ways to").wait_for(timeout=60_000)
    studio.get_by_role("button", name="Put into the form").press("Enter")
    harness.poll(lambda: "the answer flips" in said.inner_text(), 10, "the way does not hold")
    studio.get_by_role("button", name="Prepare exposure").press("Enter")
    studio.get_by_text("reference models trained on it with").first.wait_for(timeout=90_000)
    studio.locator("h5", has_text="in and out of training").wait_for()
    studio.get_by_label("Your note").fill("one step short")
    studio.get_by_label("Your note").press("Tab")
    studio.get_by_role("button", name="Add to report").press("Enter")
    studio.get_by_text("Added to the report.").wait_for()
    browser.shot(tmp_path / "3-flipped.png")
    page.set_viewport_size({"width": 640, "height": 2600})
    page.wait_for_timeout(500)
    browser.shot(tmp_path / "4-narrow.png")
    page.set_viewport_size({"width": 1280, "height": 2600})
    browser.theme("JupyterLab Dark")
    page.wait_for_timeout(400)
    browser.shot(tmp_path / "5-dark.png")
    browser.theme("JupyterLab Light")
    assert browser.errors == []
