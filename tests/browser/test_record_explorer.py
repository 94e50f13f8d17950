"""Explainability alone in a real JupyterLab: a record changed by keyboard and by dragging, flipped, and kept for the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

SOURCE = """
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
import auditkit as ak
import auditkit.explore.record as limits
from auditkit.data import load_german_credit

limits.SLOW = limits._LIVE = limits._LIVE_EXACT = 60  # seconds: a busy machine is no slow model
train, test = load_german_credit()
words = [c for c in train.X if not pd.api.types.is_numeric_dtype(train.X[c])]
numbers = [c for c in train.X if c not in words]
encoded = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), words), (StandardScaler(), numbers))
model = make_pipeline(encoded, LogisticRegression(max_iter=500)).fit(train.X, train.y)
subject = ak.Subject("German credit", model, test=test, train=train, positive="good")
ak.widgets.Explainability(subject, ["AK401"])
"""


def test_change_flip_expose_run_and_export(
    harness: Any, hands: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    notebook(lab.root, "record_explorer.ipynb", SOURCE)
    page = browser.page
    page.set_viewport_size({"width": 1280, "height": 2600})
    browser.open(lab, "record_explorer.ipynb")
    browser.run_all()
    studio = page.locator(".ak-studio").first
    hands.explore(studio)
    hands.press(studio, "Prepare")
    hands.drawn(studio)
    said = studio.locator(".ak-live [role=status]")
    hands.says(said, "The model answers")
    browser.shot(tmp_path / "1-prepared.png")

    # held: locked, and the reason stands beneath
    assert studio.get_by_label("foreign_worker").is_disabled()
    assert studio.get_by_text("Held: a sensitive feature.").first.is_visible()

    # by keyboard
    hands.fill(studio, "duration_months", "48")
    hands.says(said, "duration_months")
    studio.get_by_label("checking_status").select_option("no checking account")
    hands.says(said, "no checking account")
    studio.locator("h5", has_text="Contributions before and after the change").wait_for()
    browser.shot(tmp_path / "2-changed.png")

    # dragged: the words follow the handle while it is held
    followed = browser.drag(studio.locator(".noUi-handle").first, -12, 8)
    (tmp_path / "latency.json").write_text(json.dumps(followed))

    hands.press(studio, "Look for ways")
    studio.locator("caption", has_text="Ways to").wait_for()
    hands.press(studio, "Put into the form")
    hands.says(said, "the answer flips")
    hands.press(studio, "Prepare exposure")
    studio.get_by_text("reference models trained on it with").first.wait_for()
    studio.locator("h5", has_text="in and out of training").wait_for()
    hands.noted(studio, "one step short")
    browser.shot(tmp_path / "3-flipped.png")
    hands.accessible(browser, axe, tmp_path)
    hands.fits(browser, tmp_path)

    hands.press(studio, "Measure", exact=True)
    hands.press(studio, "Run explainability")
    hands.says(studio, "Done: 1 check was run.")
    hands.press(studio, "3 Report")
    report = hands.exported(studio, lab.root, "German-credit")
    assert [one["text"] for one in report["notes"]] == ["one step short"]
    assert browser.errors == []
