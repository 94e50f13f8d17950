"""Figures in a real JupyterLab on a narrow page: made one after the other, and as wide as their place though they were drawn out of sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300, func_only=True)]

SOURCE = """
import auditkit as ak, studio_subjects

ak.widgets.Studio(studio_subjects.scored(400), ["AK101"])
"""
WIDTHS = """() => [...document.querySelectorAll(".js-plotly-plot")].filter(one => one.offsetParent).map(
  one => [one.querySelector(".main-svg").getBoundingClientRect().width, one.parentElement.clientWidth])"""
UNSHOWN = "[anywidget] Failed to initialize model."


@pytest.fixture
def narrow(alone: None, harness: Any) -> Iterator[Any]:
    with harness.browsing(width=480, height=1100) as browser:
        yield browser
        assert browser.refused == [], "the page asked other hosts"


def test_figures_drawn_out_of_sight_take_the_width_of_their_place(
    harness: Any, narrow: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    notebook(lab.root, "canvas.ipynb", SOURCE)
    late: list[str] = []
    narrow.page.on("pageerror", lambda error: late.append(str(error)))
    narrow.open(lab, "canvas.ipynb")
    narrow.run_all()
    studio = narrow.page.locator(".ak-studio").first

    def press(name: str) -> None:
        button = studio.get_by_role("button", name=name).locator("visible=true").first
        button.wait_for(timeout=90_000)
        button.press("Enter")

    def fits(figures: int) -> bool:
        widths = narrow.page.evaluate(WIDTHS)
        return len(widths) == figures and all(0.9 * place < drawn <= place + 1 for drawn, place in widths)

    # what was run on the first page is drawn while its step is hidden
    press("Run all")
    harness.until(lambda: "Done" in studio.inner_text(), 60, "the run did not end")
    studio.locator(".js-plotly-plot .main-svg").first.wait_for(state="attached", timeout=60_000)
    press("2 Bias")
    harness.until(lambda: fits(1), 15, lambda: f"drawn and place: {narrow.page.evaluate(WIDTHS)}")
    narrow.shot(tmp_path / "1-measured.png")

    # and what is prepared while the other page of the step is in sight
    press("Explore")
    press("Prepare")
    press("Measure")
    drawn = studio.locator(".js-plotly-plot .main-svg:first-child")
    harness.until(lambda: drawn.count() >= 3, 60, lambda: f"{drawn.count()} figures")
    press("Explore")
    harness.until(lambda: fits(2), 15, lambda: f"drawn and place: {narrow.page.evaluate(WIDTHS)}")
    narrow.shot(tmp_path / "2-explored.png")

    # and what a page that is loaded anew finds in the kernel
    narrow.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    narrow.page.reload()
    harness.until(lambda: fits(2), 60, lambda: f"drawn and place: {narrow.page.evaluate(WIDTHS)}")
    narrow.shot(tmp_path / "3-loaded-anew.png")
    assert narrow.errors == []
    assert late.count(UNSHOWN) <= 1, "one figure at a time reads its script"


QUICK = """
import studio_checks
from auditkit.widgets import Bias

studio = Bias(studio_checks.subject(), [studio_checks.gap])
studio
"""
DRAWN = """() => [...document.querySelectorAll(".js-plotly-plot")].filter(one => one.offsetParent).map(
  one => [one._fullLayout.xaxis.title.text, (one.layout.shapes || []).length, one.data.length])"""


def test_a_picture_that_is_chosen_while_the_script_is_still_read_is_the_one_that_stands_there(
    harness: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    notebook(lab.root, "quick.ipynb", QUICK)
    browser.open(lab, "quick.ipynb")
    failures: list[str] = []
    browser.page.on(
        "console",
        lambda said: (
            failures.append(said.text + " " + " ".join(str(a) for a in said.args))
            if "Error setting state" in said.text
            else None
        ),
    )
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    run = studio.get_by_role("button", name="Run bias")
    run.wait_for(timeout=90_000)
    run.press("Enter")
    menu = studio.get_by_label("Show", exact=True).locator("visible=true")
    menu.wait_for(timeout=60_000)
    labels = menu.locator("option").all_inner_texts()
    for label in [*labels, *reversed(labels), labels[1]]:  # quicker than anything is drawn
        menu.select_option(label=label)

    def drawn() -> list[Any]:
        return list(browser.page.evaluate(DRAWN))

    harness.until(lambda: [one[0] for one in drawn()] == ["threshold"], 60, lambda: f"drawn: {drawn()}")
    menu.select_option(label=labels[0])
    harness.until(lambda: [one[0] for one in drawn()] == ["selection rate"], 30, lambda: f"drawn: {drawn()}")
    menu.select_option(label=labels[1])
    harness.until(lambda: [one[0] for one in drawn()] == ["threshold"], 30, lambda: f"drawn: {drawn()}")
    browser.shot(tmp_path / "quick.png")
    assert failures == []
    assert browser.errors == []
