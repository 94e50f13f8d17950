"""Membership alone in a real JupyterLab, by keyboard: cancelled, prepared, dragged; then Findings and Report, each alone."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

SOURCE = """
import time
import numpy as np, pandas as pd
import auditkit as ak
from sklearn.linear_model import LogisticRegression

class Slow(LogisticRegression):
    \"\"\"A model that takes its time, and scores no two records alike: reference models can be cancelled between two.\"\"\"

    def fit(self, X, y, **more):
        time.sleep(0.4)
        return super().fit(X, y, **more)

def draw(seed, n=300):
    rng = np.random.default_rng(seed)
    group, able = rng.integers(2, size=n), rng.normal(size=n)
    y = (able + rng.normal(scale=0.7, size=n) > 0).astype(int)
    X = pd.DataFrame({"able": able, "noise": rng.normal(size=n)})
    return ak.Dataset(X, y, {"sex": np.where(group == 1, "m", "f")})

train, test = draw(0), draw(1)
model = Slow(C=100).fit(train.X, train.y)
subject = ak.Subject("leaky", model, test, train)
limits = [ak.Criterion("attack_auc", at_most=0.5, severity="high", why="a test")]
membership = ak.widgets.Membership(subject, {"AK201": {}}, limits)
membership
"""


def part(hands: Any, studio: Any, title: str) -> Any:
    """Return an explorer of the step by its title."""
    return studio.locator(".ak-check", has=studio.page.get_by_role("heading", name=title, exact=True)).last


def test_membership_findings_and_report(
    hands: Any, axe: Any, browser: Any, lab: Any, notebook: Any, tmp_path: Path
) -> None:
    page = browser.page
    page.set_viewport_size({"width": 1280, "height": 2600})
    notebook(
        lab.root,
        "membership.ipynb",
        SOURCE,
        "ak.widgets.Findings(membership)",
        "ak.widgets.Report(membership)",
    )
    browser.open(lab, "membership.ipynb")
    browser.run_all()
    studio, findings, written = (page.locator(".ak-studio").nth(at) for at in range(3))
    hands.explore(studio)

    # a preparation that is cancelled ends within a second, and can begin again
    record = part(hands, studio, "Exposure of one record")
    hands.press(record, "Prepare")
    hands.until(lambda: "%" in record.inner_text(), 60, "no progress was said")
    cancel = hands.button(record, "Cancel")
    cancel.focus()
    clock = time.monotonic()
    cancel.press("Enter")
    hands.says(record, "Cancelled.", 10)
    took = time.monotonic() - clock
    assert not record.locator(".js-plotly-plot").count()
    hands.press(record, "Prepare")

    # the dial of the log-log curve, dragged: who is named, in which group, follows
    found = part(hands, studio, "Who is found out")
    hands.press(found, "Prepare")
    hands.drawn(found)
    said = found.locator(".ak-live [role=status]")
    before = said.inner_text()
    dragged = browser.drag(found.locator(".noUi-handle").first, 22, 8)
    assert said.inner_text() != before
    hands.fill(found, "False positive rate", "0.1")
    hands.says(said, "false alarms for 10.00%")
    hands.press(found, "Show the data")
    hands.says(found, "sex=f")
    hands.noted(found, "a tenth wrongly named")
    hands.drawn(record)
    first = record.locator(".ak-live").inner_text()
    place = hands.field(record, "Place")
    place.focus()
    place.press("ArrowUp")
    hands.until(lambda: record.locator(".ak-live").inner_text() != first, 60, "the next record is not shown")
    (tmp_path / "latency.json").write_text(json.dumps({"cancelled (s)": took, "dragged": dragged}))
    browser.shot(tmp_path / "1-explored.png")
    hands.accessible(browser, axe, tmp_path)
    hands.fits(browser, tmp_path)

    # measured; what was found stands in the other two views
    hands.press(studio, "Measure", exact=True)
    hands.press(studio, "Run membership")
    hands.says(studio, "Done: 1 check was run.")
    hands.drawn(studio)
    findings.locator(".ak-finding").first.wait_for()
    hands.fill(findings, "Note", "as feared")
    hands.press(findings, "Add note")
    hands.says(findings, "The note stands beside the finding.")
    report = hands.exported(written, lab.root, "leaky")
    assert [one["text"] for one in report["notes"]] == ["a tenth wrongly named", "as feared"]
    browser.shot(tmp_path / "2-measured.png")
    hands.accessible(browser, axe)
    findings.scroll_into_view_if_needed()
    written.scroll_into_view_if_needed()
    browser.shot(tmp_path / "3-alone.png")
    hands.fits(browser, tmp_path)
    assert took < 3, "a cancel works within a second, where the machine has one to spare"
    assert browser.errors == []
