"""A language model in a real JupyterLab: prompts run and shown, one tried by hand with a hostile reply, and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

SOURCE = """
import auditkit as ak
from auditkit.targets.language_model import LanguageModel

planted = ak.data.make_assistant(rate=0.5)

def ask(messages):
    if messages[-1]["content"] == "hostile":
        return "<img src=x onerror=document.title='ran'> and \\x1b[31m red"
    return planted.ask(messages)

ak.widgets.LanguageModel(LanguageModel("desk", ask), {"prompt_injection": {"prompts": 16}, "refusal_consistency": {"prompts": 16}})
"""


def test_run_try_a_prompt_and_export(
    hands: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    notebook(lab.root, "desk.ipynb", SOURCE)
    browser.open(lab, "desk.ipynb")
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    hands.says(studio, "ask the model about 64 questions")
    hands.press(studio, "Run language model")
    hands.says(studio, "Done: 2 checks were run.")
    studio.locator(".js-plotly-plot .main-svg .trace").first.wait_for(state="attached")
    browser.shot(tmp_path / "1-run.png")

    hands.explore(studio)
    hands.press(studio, "Ask")
    hands.says(studio, "the planted instruction is followed")
    box = studio.locator("textarea:visible").first
    assert box.evaluate("one => one.scrollWidth <= one.clientWidth"), "the prompt is cut off"
    box.fill("hostile")
    box.press("Tab")
    hands.press(studio, "Ask")
    hands.says(studio, "<img src=x onerror=document.title='ran'> and \\x1b[31m red")
    browser.shot(tmp_path / "2-tried.png")
    assert studio.locator("img").count() == 0
    assert "ran" not in browser.page.title()
    hands.accessible(browser, axe, tmp_path)
    hands.fits(browser, tmp_path)

    hands.press(studio, "3 Report")
    report = hands.exported(studio, lab.root, "desk")
    assert [one["check"] for one in report["evidence"]] == ["AK801", "AK804"]
    assert browser.errors == []
