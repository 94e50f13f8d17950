"""The studio in a real JupyterLab, by keyboard, from the question to the exported report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300, func_only=True)]

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
    studio.wait_for(timeout=90_000)
    return studio


def press(studio: Any, name: str, key: str = "Enter") -> None:
    """Activate a button as a person without a mouse does."""
    button = studio.get_by_role("button", name=name).locator("visible=true").first
    button.focus()
    button.press(key)


def choose_next(browser: Any, menu: Any) -> None:
    """Open the menu first: JupyterLab takes arrow keys on a closed one for its own."""
    menu.focus()
    for key in ("Space", "ArrowDown", "Enter"):
        browser.page.keyboard.press(key)


def wide(studio: Any) -> float:
    """Return which part of the studio's width the figure takes."""
    figure, whole = studio.locator(".js-plotly-plot .main-svg").first.bounding_box(), studio.bounding_box()
    return float(figure["width"] / whole["width"]) if figure and whole else 0.0  # none while it is redrawn


def test_an_audit_by_keyboard(harness: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path) -> None:
    studio = open_studio(notebook, browser, lab, "audit.ipynb")
    studio.get_by_text("What is under audit?").wait_for()
    assert studio.get_by_role("button", name="Run all").is_visible()
    browser.shot(tmp_path / "1-subject.png")

    press(studio, "Next", "Space")
    studio.get_by_text("Whom does the model treat differently?").wait_for()
    level = studio.get_by_label("Level")
    assert level.input_value() == "0.95"
    level.focus()
    level.press("ControlOrMeta+a")
    level.type("0.9")
    level.press("Tab")
    press(studio, "More settings (3)")
    studio.get_by_label("Strict").press("Space")
    browser.shot(tmp_path / "2-form.png")

    press(studio, "Run bias")
    seen: set[str] = set()

    def moved() -> bool:
        style = studio.locator(".progress-bar").locator("visible=true").first.get_attribute("style") or ""
        seen.add(style)
        return len([s for s in seen if "width: 0%" not in s and "width" in s]) >= 3

    harness.poll(moved, 20, lambda: f"the bar stood still: {seen}")
    browser.shot(tmp_path / "3-running.png")
    studio.locator(".js-plotly-plot .main-svg text").first.wait_for(timeout=60_000)
    studio.get_by_text("One group is selected more often.").first.wait_for()
    studio.get_by_text("Why that is so.").first.wait_for()
    finding = studio.locator(".ak-finding").first
    assert "XX101 · Gap" in finding.inner_text()
    assert studio.locator(".ak-about > summary", has_text="XX101").first.is_visible()
    harness.poll(lambda: wide(studio) > 0.9, 10, lambda: f"the figure takes {wide(studio):.0%} of the width")
    press(studio, "Show the data")
    studio.locator("caption", has_text="Selection rate by <i>sex</i>").wait_for()
    harness.poll(lambda: "Done" in studio.inner_text(), 20, "the run did not end")
    browser.shot(tmp_path / "4-result-light.png")
    browser.theme("JupyterLab Dark")
    browser.page.wait_for_timeout(400)
    browser.shot(tmp_path / "4-result-dark.png")
    assert contrast(browser.page) >= 4.5
    browser.theme("JupyterLab Light")

    menu = studio.get_by_label("Show", exact=True).locator("visible=true")
    choose_next(browser, menu)
    studio.locator(".js-plotly-plot .xtitle", has_text="threshold").wait_for(timeout=15_000)
    assert studio.locator(".js-plotly-plot").locator("visible=true").count() == 1
    press(studio, "Next")
    press(studio, "Back")
    studio.locator(".js-plotly-plot .xtitle", has_text="threshold").wait_for(timeout=15_000)
    harness.poll(
        lambda: wide(studio) > 0.9,
        10,
        lambda: f"after a walk the figure takes {wide(studio):.0%} of the width",
    )
    browser.shot(tmp_path / "5-curve.png")
    choose_next(browser, menu)
    words = studio.locator(".js-plotly-plot .heatmap-label text")
    words.first.wait_for(timeout=15_000)
    fills = words.evaluate_all("all => all.map(one => getComputedStyle(one).fill)")
    assert len(set(fills)) == 2, "words in dark and in light cells must differ"
    browser.shot(tmp_path / "6-matrix.png")
    assert browser.page.evaluate("window.hacked") is None
    assert browser.errors == []


def test_cancel_errors_and_export(
    harness: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    studio = open_studio(notebook, browser, lab, "cancel.ipynb")
    press(studio, "3 Robustness")
    press(studio, "Run robustness")
    harness.poll(lambda: "tick" in studio.inner_text(), 20, "no progress was said")
    assert studio.get_by_role("button", name="Run robustness").is_disabled()
    press(studio, "Cancel")
    harness.poll(lambda: "Cancelled." in studio.inner_text(), 5, "the check did not stop")

    ticks = studio.get_by_label("Ticks")
    ticks.focus()
    ticks.press("ControlOrMeta+a")
    ticks.type("20")
    ticks.press("Tab")
    press(studio, "Run robustness")
    harness.poll(lambda: "Done" in studio.inner_text(), 20, "the run did not end")
    menu = studio.get_by_label("Show", exact=True).locator("visible=true")
    choose_next(browser, menu)
    studio.locator("p", has_text="Could not run").get_by_text(
        "the <b>model</b> is not there"
    ).first.wait_for()
    browser.shot(tmp_path / "6-robustness.png")

    press(studio, "4 Findings")
    studio.get_by_text("What was not examined").wait_for()
    browser.shot(tmp_path / "7-findings.png")
    press(studio, "5 Report")
    press(studio, "Run what is missing")
    harness.poll(lambda: "Done: 1 check" in studio.inner_text(), 20, "the run did not end")
    press(studio, "Export report")
    studio.get_by_text("Written:").wait_for(timeout=60_000)
    browser.shot(tmp_path / "8-report.png")
    folder = lab.root / "reports" / "small-b-credit-b"
    report = json.loads((folder / "report.json").read_text())
    assert [e["check"] for e in report["evidence"]][:3] == ["XX101", "XX301", "XX302"]
    assert str(folder / "report.html") in studio.inner_text()
    assert "Content-Security-Policy" in (folder / "report.html").read_text()
    assert browser.errors == []


def test_notebook_7(harness: Any, browser: Any, workshop: Path, notebook: Any, tmp_path: Path) -> None:
    with harness.serving(workshop, tmp_path, app="notebook") as server:
        studio = open_studio(notebook, browser, server, "seven.ipynb", app="notebook")
        press(studio, "2 Bias")
        press(studio, "Run bias")
        studio.locator(".js-plotly-plot .main-svg text").first.wait_for(timeout=60_000)
        browser.shot(tmp_path / "notebook7.png")


def contrast(page: Any) -> float:
    """Return the contrast of the figure's words against the page, after WCAG 2.2."""
    fill, ground = page.evaluate(
        """() => [getComputedStyle(document.querySelector('.js-plotly-plot .xtitle, .js-plotly-plot .ytick text')).fill,
                  getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor]"""
    )

    def luminance(colour: str) -> float:
        parts = [float(v) / 255 for v in colour[colour.index("(") + 1 :].rstrip(")").split(",")[:3]]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(fill), luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)
