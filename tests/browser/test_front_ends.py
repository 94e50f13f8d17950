"""The studio in other front ends, and what an automatic auditor of accessibility says of it."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

SOURCE = """
import auditkit as ak, studio_subjects

ak.widgets.Studio(studio_subjects.scored(600), ["AK001", "AK101"])
"""


def needed(name: str) -> Any:
    """Return a package; without it a test is skipped, but never in CI."""
    if os.environ.get("CI", "").lower() == "true":
        return importlib.import_module(name)
    return pytest.importorskip(name)


def walk(hands: Any, studio: Any) -> None:
    """Go to the step of bias, run it, and prepare what can be explored."""
    hands.press(studio, "3 Bias")
    hands.press(studio, "Run bias")
    hands.says(studio, "Done: 1 check was run.")
    hands.explore(studio)
    hands.press(studio, "Prepare")
    studio.locator(".ak-live", has_text="impact ratio").wait_for()
    hands.drawn(studio)


def test_voila(hands: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path) -> None:
    needed("voila")
    notebook(lab.root, "voila.ipynb", SOURCE)
    for theme in ("light", "dark"):
        address = f"{lab.url}/voila/render/voila.ipynb?token={lab.token}&theme={theme}"
        browser.page.goto(address)
        studio = browser.page.locator(".ak-studio").first
        studio.get_by_text("What is under audit?").wait_for()
        walk(hands, studio)
        hands.until(
            lambda: not hands.violations(browser.page, axe),
            3,
            lambda: str(hands.violations(browser.page, axe)),
        )
        browser.shot(tmp_path / f"voila-{theme}.png")
    assert browser.errors == []
    # Voila's own page asks a CDN for icons and formulas; refused here, and all of the above worked without
    assert {address.split("/")[2] for address in browser.refused} <= {
        "cdn.jsdelivr.net",
        "cdnjs.cloudflare.com",
    }
    browser.refused.clear()


def test_axe_has_nothing_to_say(
    hands: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    """axe-core on every step of a studio, by the rules of WCAG 2.2 AA; every component is held to them in its own test."""
    notebook(lab.root, "axe.ipynb", SOURCE)
    browser.open(lab, "axe.ipynb")
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    studio.get_by_text("What is under audit?").wait_for()
    walk(hands, studio)
    for step in range(5):
        hands.press(studio, f"{step + 1} ")
        studio.locator(".ak-here:visible", has_text=f"{step + 1} ").wait_for()
        hands.accessible(browser, axe)
        hands.fits(browser, tmp_path)
    boxes = (
        studio.locator(".widget-hslider")
        .locator("xpath=preceding-sibling::*[1]")
        .locator("input[type=number]")
    )
    assert boxes.count() == studio.locator(".widget-hslider").count() > 0
