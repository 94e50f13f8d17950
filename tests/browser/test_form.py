"""A form in a real JupyterLab: filled in by keyboard, questions that come and go, saved as TOML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from auditkit.forms import load_form

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

SOURCE = """
import auditkit as ak

ak.widgets.Form("oversight", "credit <b>v3</b>")
"""


def test_fill_in_and_save(
    hands: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    press, fill = hands.press, hands.fill
    notebook(lab.root, "form.ipynb", SOURCE)
    browser.open(lab, "form.ipynb")
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    hands.says(studio, "When does a person look?")
    studio.get_by_label("afterwards, at samples").focus()
    browser.page.keyboard.press("Space")
    fill(
        studio,
        "Why is that enough, given what a wrong decision does?",
        "It <i>warns</i>; nobody is refused by it.",
    )
    fill(
        studio,
        "Which cases go to a person, by which rule, and about which share of all is that?",
        "Every tenth",
    )
    studio.get_by_role("button", name="1 Where people stand ✓").wait_for()
    browser.shot(tmp_path / "1-first.png")

    press(studio, "Next")
    hands.choose_next(
        studio, "Does any decision take effect without a person having looked at it?"
    )  # from "not answered" to "Yes"
    hands.says(studio, "Does such a decision have legal effect")
    browser.shot(tmp_path / "2-asked.png")
    hands.accessible(browser, axe, tmp_path)
    hands.fits(browser, tmp_path)

    press(studio, "Next")
    press(studio, "Add a row")
    hands.says(studio, "Row 1")
    focus = browser.page.evaluate("document.activeElement.innerText")
    assert focus.strip() == "Add a row"  # who works with the keyboard goes on from there
    fill(studio, "Role", "Case worker")
    fill(studio, "How many people", "many")
    hands.says(studio, "row 1, How many people: needs a number, got 'many'")
    fill(studio, "How many people", "12")
    hands.until(lambda: "needs a number" not in studio.inner_text(), 60, "it still does not fit")
    tall = studio.locator("select:visible, input[type=text]:visible").evaluate_all(
        "all => Math.max(...all.map(one => one.getBoundingClientRect().height))"
    )
    assert tall < 40
    browser.shot(tmp_path / "3-rows.png")
    press(studio, "Save")
    hands.says(studio, "Saved: oversight.toml. Draft, not signed")
    form = load_form(lab.root / "oversight.toml")
    assert form.subject == "credit <b>v3</b>"
    assert form.answers["when"] == ["afterwards, at samples"]
    assert form.answers["without_person"] is True
    assert form.answers["roles"] == [{"role": "Case worker", "number": 12}]
    assert browser.errors == []
