"""From play to record in a real JupyterLab, by keyboard: what was seen, a note and a waiver, on the exported page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300, func_only=True)]

SOURCE = """
import auditkit as ak

limits = [ak.Criterion("demographic_parity_difference", at_most=0.0001, severity="high", why="a test")]
subject = ak.data.make_credit(n_train=300, n_test=400)
studio = ak.widgets.Studio(subject, ["demographic_parity"], limits, seed=5)
studio
"""


def write(folder: Path, name: str) -> None:
    cell: dict[str, Any] = {
        "cell_type": "code", "id": "studio", "source": SOURCE.strip(), "metadata": {}, "outputs": [], "execution_count": None,
    }  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / name).write_text(json.dumps(notebook), encoding="utf-8")


def press(studio: Any, name: str) -> None:
    """Activate a button as a person without a mouse does."""
    button = studio.get_by_role("button", name=name).locator("visible=true")
    button.focus()
    button.press("Enter")


def fill(studio: Any, label: str, text: str) -> None:
    field = studio.get_by_label(label, exact=True).locator("visible=true").first
    field.focus()
    field.press("ControlOrMeta+a")
    field.type(text)
    field.press("Tab")


def test_from_the_explorer_to_the_exported_page(harness: Any, browser: Any, lab: Any, tmp_path: Path) -> None:
    write(lab.root, "record.ipynb")
    browser.open(lab, "record.ipynb")
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    studio.wait_for(timeout=90_000)

    press(studio, "2 Bias")
    press(studio, "Run bias")
    harness.poll(lambda: "Done: 1 check" in studio.inner_text(), 60, "the run did not end")
    harness.explore(studio)
    press(studio, "Prepare")
    studio.get_by_label("Your note").locator("visible=true").wait_for(timeout=60_000)
    fill(studio, "Your note", "One threshold for all serves <b>us</b>.")
    press(studio, "Add to report")
    studio.get_by_text("Added to the report.").wait_for()

    press(studio, "3 Findings")
    fill(studio, "Your name", "maria")
    fill(studio, "Note", "The board has seen this.")
    press(studio, "Add note")
    studio.get_by_text("The note stands beside the finding.").wait_for()
    press(studio, "Waive")
    studio.get_by_text("a waiver needs the day it ends").wait_for()
    fill(studio, "Reason", "a pilot of 60 days")
    day = studio.get_by_label("Until").locator("visible=true")
    day.focus()
    day.type("12312999")
    day.press("Tab")
    press(studio, "Waive")
    studio.get_by_text("Waived until 2999-12-31.").wait_for()
    browser.shot(tmp_path / "1-findings.png")
    browser.theme("JupyterLab Dark")
    browser.shot(tmp_path / "2-findings-dark.png")
    browser.theme("JupyterLab Light")

    press(studio, "4 Report")
    press(studio, "Export report")
    studio.get_by_text("Written:").wait_for(timeout=60_000)
    press(studio, "Save as template")
    studio.get_by_text("credit.ipynb").wait_for(timeout=30_000)
    press(studio, "Show the code")
    code = studio.get_by_label("Code")
    harness.poll(lambda: "seed=5" in code.input_value(), 10, "the code is not shown")
    browser.shot(tmp_path / "3-report.png")
    assert browser.errors == []

    folder = lab.root / "reports" / "credit"
    report = json.loads((folder / "report.json").read_text())
    assert [bool(note.get("seen")) for note in report["notes"]] == [True, False]
    assert report["waivers"][0]["by"] == "maria"
    assert (folder / "template.ipynb").is_file()
    page = browser.page.context.browser.new_page()
    page.set_viewport_size({"width": 1100, "height": 1600})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((folder / "report.html").as_uri())
    page.locator(".ak-by-hand .js-plotly-plot .main-svg").first.wait_for(timeout=20_000)
    assert "One threshold for all serves <b>us</b>." in page.locator(".ak-by-hand").inner_text()
    assert (
        "Waived by maria until 2999-12-31: a pilot of 60 days" in page.locator(".ak-findings").text_content()
    )
    assert "The board has seen this." in page.locator(".ak-findings").text_content()
    page.locator(".ak-findings details").evaluate_all("all => all.forEach(one => one.open = true)")
    page.screenshot(path=str(tmp_path / "4-page.png"), full_page=True)
    assert errors == []
