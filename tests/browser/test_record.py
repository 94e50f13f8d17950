"""From play to record in a real JupyterLab, by keyboard: what was seen, a note and a waiver, on the exported page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

SOURCE = """
import auditkit as ak

limits = [ak.Criterion("demographic_parity_difference", at_most=0.0001, severity="high", why="a test")]
subject = ak.data.make_credit(n_train=300, n_test=400)
studio = ak.widgets.Studio(subject, ["demographic_parity"], limits, seed=5)
studio
"""


def test_from_the_explorer_to_the_exported_page(
    hands: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    press, fill = hands.press, hands.fill
    notebook(lab.root, "record.ipynb", SOURCE)
    browser.open(lab, "record.ipynb")
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    studio.wait_for()

    press(studio, "2 Bias")
    press(studio, "Run bias")
    hands.says(studio, "Done: 1 check")
    hands.explore(studio)
    press(studio, "Prepare")
    hands.noted(studio, "One threshold for all serves <b>us</b>.")

    press(studio, "3 Findings")
    fill(studio, "Your name", "maria")
    fill(studio, "Note", "The board has seen this.")
    press(studio, "Add note")
    studio.get_by_text("The note stands beside the finding.").wait_for()
    press(studio, "Waive")
    studio.get_by_text("a waiver needs the day it ends").wait_for()
    fill(studio, "Reason", "a pilot of 60 days")
    day = hands.field(studio, "Until")
    day.fill("2999-12-31")  # typed, its order would be that of the machine's language
    day.press("Tab")
    press(studio, "Waive")
    studio.get_by_text("Waived until 2999-12-31.").wait_for()
    browser.shot(tmp_path / "1-findings.png")
    hands.accessible(browser, axe, tmp_path)
    hands.fits(browser, tmp_path)

    press(studio, "4 Report")
    report = hands.exported(studio, lab.root, "credit")
    press(studio, "Save as template")
    studio.get_by_text("credit.ipynb").wait_for()
    press(studio, "Show the code")
    code = studio.get_by_label("Code")
    hands.until(lambda: "seed=5" in code.input_value(), 60, "the code is not shown")
    browser.shot(tmp_path / "3-report.png")
    assert browser.errors == []

    folder = lab.root / "reports" / "credit"
    assert [bool(note.get("seen")) for note in report["notes"]] == [True, False]
    assert report["waivers"][0]["by"] == "maria"
    page = browser.page.context.browser.new_page()
    page.set_viewport_size({"width": 1100, "height": 1600})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((folder / "report.html").as_uri())
    page.locator(".ak-by-hand .js-plotly-plot .main-svg").first.wait_for()
    assert "One threshold for all serves <b>us</b>." in page.locator(".ak-by-hand").inner_text()
    assert (
        "Waived by maria until 2999-12-31: a pilot of 60 days" in page.locator(".ak-findings").text_content()
    )
    assert "The board has seen this." in page.locator(".ak-findings").text_content()
    page.locator(".ak-findings details").evaluate_all("all => all.forEach(one => one.open = true)")
    page.screenshot(path=str(tmp_path / "4-page.png"), full_page=True)
    assert errors == []
