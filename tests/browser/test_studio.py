"""The studio in a real JupyterLab, by keyboard, from the question to the exported report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

SOURCE = """
import studio_checks
from auditkit.finding import Criterion
from auditkit.widgets import Studio

limit = Criterion("gap", at_most=0.1, severity="high", why="a test")
studio = Studio(studio_checks.subject(), [studio_checks.gap, studio_checks.slow, studio_checks.broken], criteria=[limit])
studio
"""


def open_studio(notebook: Any, browser: Any, server: Any, name: str, *, app: str = "lab") -> Any:
    notebook(server.root, name, SOURCE)
    browser.open(server, name, app=app)
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    studio.wait_for()
    return studio


def wide(studio: Any) -> float:
    """Return which part of the studio's width the figure takes."""
    figure, whole = studio.locator(".js-plotly-plot .main-svg").first.bounding_box(), studio.bounding_box()
    return float(figure["width"] / whole["width"]) if figure and whole else 0.0  # none while it is redrawn


def test_an_audit_by_keyboard(
    hands: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    press = hands.press
    studio = open_studio(notebook, browser, lab, "audit.ipynb")
    studio.get_by_text("What is under audit?").wait_for()
    assert studio.get_by_role("button", name="Run all").is_visible()
    browser.shot(tmp_path / "1-subject.png")

    press(studio, "Next", "Space")
    studio.get_by_text("Whom does the model treat differently?").wait_for()
    studio.get_by_text("Estimate of time: not known: how long Gap (XX101) takes was not measured.").locator(
        "visible=true"
    ).wait_for()
    assert hands.field(studio, "Level").input_value() == "0.95"
    hands.fill(studio, "Level", "0.9")
    press(studio, "More settings (3)")
    hands.fill(studio, "Draws", "50")
    hands.field(studio, "Strict").press("Space")
    browser.shot(tmp_path / "2-form.png")

    bars = hands.watch_bars(browser.page)
    press(studio, "Run bias")
    hands.until(
        lambda: len([w for w in bars() if w not in ("", "0%")]) >= 3,
        60,
        lambda: f"the bar stood still: {bars()}",
    )
    browser.shot(tmp_path / "3-running.png")
    studio.locator(".js-plotly-plot .main-svg text").first.wait_for()
    studio.get_by_text("One group is selected more often.").first.wait_for()
    studio.get_by_text("Why that is so.").first.wait_for()
    finding = studio.locator(".ak-finding").first
    assert "XX101 · Gap" in finding.inner_text()
    assert studio.locator(".ak-about > summary", has_text="XX101").first.is_visible()
    hands.until(lambda: wide(studio) > 0.9, 60, lambda: f"the figure takes {wide(studio):.0%} of the width")
    press(studio, "Show the data")
    studio.locator("caption", has_text="Selection rate by <i>sex</i>").wait_for()
    hands.says(studio, "Done")
    browser.theme("JupyterLab Dark")
    hands.until(
        lambda: hands.contrast(browser.page) >= 4.5, 60, lambda: f"contrast {hands.contrast(browser.page)}"
    )
    hands.accessible(browser, axe, tmp_path)
    hands.fits(browser, tmp_path)

    hands.type_at(studio, "Next", "bad")
    hands.choose_next(studio, "Show")
    studio.locator(".js-plotly-plot .xtitle", has_text="threshold").wait_for()
    assert studio.locator(".js-plotly-plot").locator("visible=true").count() == 1
    press(studio, "Next")
    press(studio, "Back")
    studio.locator(".js-plotly-plot .xtitle", has_text="threshold").wait_for()
    hands.until(
        lambda: wide(studio) > 0.9,
        30,
        lambda: f"after a walk the figure takes {wide(studio):.0%} of the width",
    )
    browser.shot(tmp_path / "5-curve.png")
    hands.choose_next(studio, "Show")
    words = studio.locator(".js-plotly-plot .heatmap-label text")
    words.first.wait_for()
    # a figure that is just being redrawn has no fills
    fills = "all => all.map(one => getComputedStyle(one).fill)"
    hands.until(
        lambda: len({one for one in words.evaluate_all(fills) if one}) == 2,
        60,
        lambda: f"words in dark and in light cells must differ: {words.evaluate_all(fills)}",
    )
    browser.shot(tmp_path / "6-matrix.png")
    assert browser.page.evaluate("window.hacked") is None
    assert browser.errors == []


def test_cancel_errors_and_export(hands: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path) -> None:
    press = hands.press
    studio = open_studio(notebook, browser, lab, "cancel.ipynb")
    press(studio, "3 Robustness")
    press(studio, "Run robustness")
    hands.says(studio, "tick")
    assert studio.get_by_role("button", name="Run robustness").is_disabled()
    press(studio, "Cancel")
    hands.says(studio, "Cancelled.", 10)

    hands.fill(studio, "Ticks", "20")
    press(studio, "Run robustness")
    hands.says(studio, "Done")
    hands.choose_next(studio, "Check")
    studio.locator("p", has_text="Error").get_by_text("the <b>model</b> is not there").first.wait_for()
    browser.shot(tmp_path / "6-robustness.png")

    press(studio, "4 Findings")
    studio.get_by_text("What was not examined").wait_for()
    browser.shot(tmp_path / "7-findings.png")
    press(studio, "5 Report")
    press(studio, "Run what is missing")
    hands.says(studio, "Done: 1 check")
    report = hands.exported(studio, lab.root, "small-b-credit-b")
    browser.shot(tmp_path / "8-report.png")
    assert [e["check"] for e in report["evidence"]][:3] == ["XX101", "XX301", "XX302"]
    assert str(lab.root / "reports" / "small-b-credit-b" / "report.html") in studio.inner_text()
    assert browser.errors == []


def test_notebook_7(
    harness: Any, hands: Any, browser: Any, workshop: Path, notebook: Any, tmp_path: Path
) -> None:
    with harness.serving(workshop, tmp_path, app="notebook") as server:
        studio = open_studio(notebook, browser, server, "seven.ipynb", app="notebook")
        hands.press(studio, "2 Bias")
        hands.press(studio, "Run bias")
        studio.locator(".js-plotly-plot .main-svg text").first.wait_for()
        browser.shot(tmp_path / "notebook7.png")
