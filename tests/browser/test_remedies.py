"""Mitigations on and off, and two subjects compared, in a real JupyterLab, by keyboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

SOURCE = """
import auditkit as ak, studio_subjects
from sklearn.tree import DecisionTreeClassifier
from sklearn.linear_model import LogisticRegression
from auditkit.explore import remedies

for name in ("private training", "exponentiated gradient", "adversarial training", "smoothing"):
    del remedies.KINDS[name]  # the slow ones

tree = studio_subjects.fitted("tree", DecisionTreeClassifier(random_state=0), 800)
linear = studio_subjects.fitted("linear", LogisticRegression(), 800)
"""


def opened(hands: Any, browser: Any, lab: Any, notebook: Any, name: str, last: str) -> Any:
    notebook(lab.root, name, SOURCE + last)
    browser.open(lab, name)
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    if "Compare" not in last:
        hands.explore(studio)
    hands.press(studio, "Prepare")
    hands.drawn(studio, ".xtick")
    return studio


def test_mitigations_on_and_off(
    hands: Any, harness: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    last = 'studio = ak.widgets.Studio(tree, ["AK114"])\nstudio.go(1)\nstudio'
    studio = opened(hands, browser, lab, notebook, "remedies.ipynb", last)
    page, said = browser.page, studio.locator(".ak-live").locator("visible=true").first
    hands.says(said, "Nothing is switched on.")
    browser.shot(tmp_path / "0-prepared.png")
    hands.field(studio, "Regularisation").press("Space")
    hands.says(said, "With regularisation.")
    assert "Better: " in said.inner_text()
    said.scroll_into_view_if_needed()
    browser.shot(tmp_path / "2-regularisation.png")

    hands.field(studio, "Reweighing").press("Space")
    studio.get_by_text("were not trained together yet").wait_for()
    assert studio.get_by_label("Correlation remover", exact=True).is_disabled()
    hands.press(studio, "Train together")
    hands.says(said, "With reweighing and regularisation.", 90)
    # both are trained with and without: switching follows at once, once their picture is there again
    studio.locator("h5").locator("visible=true").last.wait_for()
    picture = studio.locator(".js-plotly-plot").locator("visible=true").first
    picture.locator(".main-svg .xtick").first.wait_for(state="attached")
    hands.field(studio, "Reweighing").focus()
    followed = browser.follows(lambda _: page.keyboard.press("Space"), 6, harness.SAID, harness.DRAWN)
    (tmp_path / "latency.json").write_text(json.dumps(followed))
    hands.says(said, "With reweighing and regularisation.")
    hands.noted(studio, "both at once")
    said.scroll_into_view_if_needed()
    browser.shot(tmp_path / "3-together.png")
    studio.get_by_text("Does not say:").locator("visible=true").last.scroll_into_view_if_needed()
    browser.shot(tmp_path / "4-beneath.png")
    hands.accessible(browser, axe, tmp_path)
    hands.fits(browser, tmp_path)
    assert browser.errors == []


def test_two_subjects_compared(
    hands: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    studio = opened(hands, browser, lab, notebook, "compare.ipynb", "ak.widgets.Compare(tree, linear)")
    said = studio.locator(".ak-live").first
    hands.says(said, "linear against tree.")
    assert "records otherwise" in said.inner_text()
    browser.shot(tmp_path / "1-compared.png")
    hands.choose_next(studio, "Compare")
    hands.says(said, "equalized odds difference of sex")
    hands.press(studio, "Show the data")
    studio.locator("caption", has_text="Who is right").wait_for()
    hands.noted(studio, "the tree is no better")
    said.scroll_into_view_if_needed()
    hands.accessible(browser, axe, tmp_path)
    hands.fits(browser, tmp_path)
    assert browser.errors == []
