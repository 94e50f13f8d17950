"""Mitigations on and off, and two subjects compared, in a real JupyterLab, by keyboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300, func_only=True)]

SOURCE = """
import numpy as np, pandas as pd
import auditkit as ak
from sklearn.tree import DecisionTreeClassifier
from sklearn.linear_model import LogisticRegression
from auditkit.explore import remedies

for name in ("private training", "exponentiated gradient", "adversarial training", "smoothing"):
    del remedies.KINDS[name]  # the slow ones

def draw(seed, n=800):
    rng = np.random.default_rng(seed)
    group, able = rng.integers(2, size=n), rng.normal(size=n)
    y = (able + 1.2 * group + rng.normal(scale=0.7, size=n) > 0.6).astype(int)
    X = pd.DataFrame({"able": able, "noise": rng.normal(size=n), "group": group.astype(float)})
    return ak.Dataset(X, y, {"sex": np.where(group == 1, "m", "f")})

train, test = draw(0), draw(1)
tree = ak.Subject("tree", DecisionTreeClassifier(random_state=0).fit(train.X, train.y), test, train)
linear = ak.Subject("linear", LogisticRegression().fit(train.X, train.y), test, train)
"""


MARK = "() => { [...document.querySelectorAll('.ak-studio .js-plotly-plot')].filter(one => one.offsetParent)[0].id = 'ak-change'; }"


def opened(harness: Any, browser: Any, lab: Any, notebook: Any, name: str, last: str) -> Any:
    notebook(lab.root, name, SOURCE + last)
    browser.open(lab, name)
    browser.run_all()
    studio = browser.page.locator(".ak-studio").first
    if "Compare" not in last:
        harness.explore(studio)
    studio.get_by_role("button", name="Prepare").press("Enter")
    studio.locator(".js-plotly-plot .main-svg .xtick").first.wait_for(timeout=120_000)
    return studio


def test_mitigations_on_and_off(harness: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path) -> None:
    last = 'studio = ak.widgets.Studio(tree, ["AK114"])\nstudio.go(1)\nstudio'
    studio = opened(harness, browser, lab, notebook, "remedies.ipynb", last)
    page, said = browser.page, studio.locator(".ak-live").locator("visible=true").first
    assert "Nothing is switched on." in said.inner_text()
    browser.shot(tmp_path / "1-prepared.png")
    said.evaluate("one => one.scrollIntoView({ block: 'start' })")
    page.wait_for_timeout(300)
    browser.shot(tmp_path / "1-overview.png")
    box = studio.get_by_label("Regularisation", exact=True)
    box.focus()
    box.press("Space")
    harness.poll(lambda: "With regularisation." in said.inner_text(), 10, "the box did nothing")
    assert "Better: " in said.inner_text()
    said.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    browser.shot(tmp_path / "2-regularisation.png")

    studio.get_by_label("Reweighing", exact=True).press("Space")
    studio.get_by_text("were not trained together yet").wait_for()
    assert studio.get_by_label("Correlation remover", exact=True).is_disabled()
    studio.get_by_role("button", name="Train together").press("Enter")
    harness.poll(
        lambda: "With reweighing and regularisation." in said.inner_text(),
        60,
        "they were not trained together",
    )
    # both are trained with and without: switching follows at once
    page.evaluate(MARK)
    studio.get_by_label("Reweighing", exact=True).focus()
    followed = browser.follows(lambda _: page.keyboard.press("Space"), 6, ".ak-studio .ak-live", "#ak-change")
    (tmp_path / "latency.json").write_text(json.dumps(followed))
    harness.poll(
        lambda: "With reweighing and regularisation." in said.inner_text(), 10, "it was not switched on again"
    )
    studio.get_by_label("Your note").fill("both at once")
    studio.get_by_label("Your note").press("Tab")
    studio.get_by_role("button", name="Add to report").press("Enter")
    studio.get_by_text("Added to the report.").wait_for()
    said.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    browser.shot(tmp_path / "3-together.png")
    studio.get_by_text("Does not say:").locator("visible=true").last.scroll_into_view_if_needed()
    browser.shot(tmp_path / "4-beneath.png")
    assert browser.errors == []


def test_two_subjects_compared(harness: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path) -> None:
    studio = opened(harness, browser, lab, notebook, "compare.ipynb", "ak.widgets.Compare(tree, linear)")
    page, said = browser.page, studio.locator(".ak-live").first
    assert "linear against tree." in said.inner_text()
    assert "records otherwise" in said.inner_text()
    browser.shot(tmp_path / "1-compared.png")
    menu = studio.get_by_label("Compare", exact=True)
    menu.focus()
    for key in ("Space", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    harness.poll(lambda: "equalized odds difference of sex" in said.inner_text(), 10, "the menu did nothing")
    studio.get_by_role("button", name="Show the data").press("Enter")
    studio.locator("caption", has_text="Who is right").wait_for()
    browser.theme("JupyterLab Dark")
    page.wait_for_timeout(400)
    said.scroll_into_view_if_needed()
    browser.shot(tmp_path / "2-dark.png")
    browser.theme("JupyterLab Light")
    assert browser.errors == []
