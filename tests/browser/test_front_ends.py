"""The studio in other front ends, and what an automatic auditor of accessibility says of it."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300, func_only=True)]

OPTIONS = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
SOURCE = """
import numpy as np, pandas as pd
import auditkit as ak

rng = np.random.default_rng(1)
group, able = rng.integers(0, 2, 600), rng.normal(size=600)
y = (able + rng.normal(scale=0.7, size=600) > 0).astype(int)
score = np.clip(1 / (1 + np.exp(-1.5 * able)) - 0.15 * group, 0, 1)
X = pd.DataFrame({"x": score, "sex": np.where(group == 0, "m", "f")})
data = ak.Dataset(X, y, sensitive_features=["sex"])
subject = ak.Subject("small", lambda X: np.c_[1 - np.asarray(X["x"]), np.asarray(X["x"])], test=data)
ak.widgets.Studio(subject, ["AK001", "AK101"])
"""


def needed(name: str) -> Any:
    """Return a package; without it a test is skipped, but never in CI."""
    if os.environ.get("CI", "").lower() == "true":
        return importlib.import_module(name)
    return pytest.importorskip(name)


def walk(harness: Any, studio: Any) -> None:
    """Go to the step of bias, run it, and prepare what can be explored."""
    studio.get_by_role("button", name="3 Bias").press("Enter")
    studio.get_by_role("button", name="Run bias").press("Enter")
    studio.get_by_text("Done: 1 check was run.").wait_for(timeout=60_000)
    harness.explore(studio)
    studio.get_by_role("button", name="Prepare").locator("visible=true").press("Enter")
    studio.locator(".ak-live", has_text="impact ratio").wait_for(timeout=60_000)


def test_voila(harness: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path) -> None:
    needed("voila")
    notebook(lab.root, "voila.ipynb", SOURCE)
    browser.page.goto(f"{lab.url}/voila/render/voila.ipynb?token={lab.token}")
    studio = browser.page.locator(".ak-studio").first
    studio.get_by_text("What is under audit?").wait_for(timeout=120_000)
    walk(harness, studio)
    studio.locator(".js-plotly-plot .main-svg .trace").first.wait_for(timeout=60_000)
    browser.shot(tmp_path / "voila.png")
    assert browser.errors == []
    # Voila's own page asks a CDN for icons and formulas; refused here, and all of the above worked without
    assert {address.split("/")[2] for address in browser.refused} <= {
        "cdn.jsdelivr.net",
        "cdnjs.cloudflare.com",
    }
    browser.refused.clear()


def test_axe_has_nothing_to_say(harness: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path) -> None:
    """axe-core on every step, by the rules of WCAG 2.2 AA; what cannot be mended here is named."""
    axe = needed("axe_playwright_python.sync_playwright").Axe()
    notebook(lab.root, "axe.ipynb", SOURCE)
    browser.open(lab, "axe.ipynb")
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    studio.get_by_text("What is under audit?").wait_for(timeout=90_000)
    walk(harness, studio)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        browser.theme(theme)
        browser.page.wait_for_timeout(400)
        for step in range(5):
            studio.get_by_role("button", name=f"{step + 1} ").first.press("Enter")
            browser.page.wait_for_timeout(300)
            # a slider of ipywidgets has no name; the box before it does, and does the same
            within = {"include": [[".ak-studio"]], "exclude": [[".noUi-handle"]]}
            found = axe.run(browser.page, within, OPTIONS).response["violations"]
            told = [(v["help"], [n["target"] for n in v["nodes"]]) for v in found]
            assert told == [], (theme, step)
    boxes = (
        studio.locator(".widget-hslider")
        .locator("xpath=preceding-sibling::*[1]")
        .locator("input[type=number]")
    )
    assert boxes.count() == studio.locator(".widget-hslider").count() > 0
