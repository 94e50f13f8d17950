"""The threshold explorer without a browser: the dials lead, the pictures and words follow."""

from __future__ import annotations

from typing import Any

import ipywidgets as w
import numpy as np
import pandas as pd
import pytest

import auditkit as ak
from auditkit.widgets import Session
from auditkit.widgets.explorers import ThresholdExplorer


def subject(n: int = 600) -> ak.Subject:
    """Return a subject whose score is lower for one group; its names are markup."""
    rng = np.random.default_rng(1)
    group, able = rng.integers(0, 2, n), rng.normal(size=n)
    y = (able + rng.normal(scale=0.7, size=n) > 0).astype(int)
    score = np.clip(1 / (1 + np.exp(-1.5 * able)) - 0.15 * group, 0, 1)
    X = pd.DataFrame({"x": score, "<i>sex</i>": np.where(group == 0, "<b>m</b>", "f"), "old": group > 0})
    data = ak.Dataset(X, y, sensitive_features=["<i>sex</i>", "old"])
    return ak.Subject("small", lambda X: np.c_[1 - np.asarray(X["x"]), np.asarray(X["x"])], test=data)


@pytest.fixture
def explorer() -> Any:
    """A prepared one."""
    made = ThresholdExplorer(Session(subject(), ["bias"]))
    assert made.stage.layout.display == "none"
    made.going.run.click()
    assert made.work.wait(30)
    assert made.work.state == "done", made.work.message
    return made


def heights(explorer: Any, table: str) -> list[float]:
    """Return what the picture of a table shows."""
    return [float(x) for trace in explorer.canvases[table].figure.data for x in trace.x]


def test_a_dial_moves_picture_words_and_data(explorer: Any) -> None:
    assert explorer.stage.layout.display == ""
    before, said = heights(explorer, "rates"), explorer.words.value
    first = explorer.canvases["rates"].figure
    group = "<i>sex</i>=f"
    explorer.dials[group].slider.value = 0.3
    assert explorer.dials[group].box.value == 0.3
    assert explorer.answer.at["thresholds"][group] == 0.3
    assert heights(explorer, "rates") != before
    assert explorer.words.value != said
    assert explorer.canvases["rates"].figure is first
    assert explorer.data.value == ""
    explorer.switch.value = True
    assert "Rates by &lt;i&gt;sex&lt;/i&gt;" in explorer.data.value
    explorer.dials[group].box.value = 0.45
    assert explorer.dials[group].slider.value == 0.45


def test_buttons_equalise_and_go_back(explorer: Any) -> None:
    start = {group: dial.value for group, dial in explorer.dials.items()}
    row = explorer.controls.children[-1]
    buttons = {one.description: one for one in row.children if isinstance(one, w.Button)}
    assert list(buttons) == [
        "Demographic parity", "Equal opportunity", "Predictive equality", "Equalized odds", "Predictive parity",
        "One threshold",
    ]  # fmt: skip
    buttons["Equal opportunity"].click()
    assert explorer.notion.value == "equal_opportunity"
    found = explorer.found.equalised("equal_opportunity")
    assert {group: dial.value for group, dial in explorer.dials.items()} == pytest.approx(found, abs=0.0006)
    buttons["One threshold"].click()
    assert {group: dial.value for group, dial in explorer.dials.items()} == start


def test_another_feature_is_prepared_anew(explorer: Any) -> None:
    explorer.feature.value = "old"
    assert explorer.work.wait(30)
    assert list(explorer.dials) == ["old=False", "old=True"]


def test_what_is_seen_is_kept_with_its_note(explorer: Any) -> None:
    explorer.dials["<i>sex</i>=f"].slider.value = 0.3
    explorer.why.value = "a lower bar would do"
    explorer.keep()
    (note,) = explorer.session.notes
    assert note.text == "a lower bar would do"
    assert note.author
    assert note.seen["at"]["thresholds"]["<i>sex</i>=f"] == 0.3
    assert explorer.why.value == ""


def test_names_are_text(explorer: Any) -> None:
    explorer.switch.value = True
    shown = explorer.words.value + explorer.data.value
    assert "<b>m" not in shown
    assert "<i>" not in shown
    for dial in explorer.dials.values():
        assert dial.box.description_allow_html is False


def test_figures_are_lent_to_what_is_in_sight(small: Any) -> None:
    session = Session(subject(), ["bias"])
    one, other = ThresholdExplorer(session), ThresholdExplorer(session)
    for each in (one, other):
        each.start()
        assert each.work.wait(30)
    figure = other.canvases["rates"].figure
    assert figure is not None
    assert one.canvases["rates"].figure is None
    one.resume()
    assert one.canvases["rates"].figure is figure
    assert other.canvases["rates"].figure is None
    assert heights(one, "rates")


def test_who_lacks_what_it_needs_is_told() -> None:
    X = pd.DataFrame({"x": [0.0, 1.0]})
    bare = ak.Subject("s", lambda X: np.c_[1 - X["x"], X["x"]], test=ak.Dataset(X, [0, 1]))
    assert "sensitive features" in ThresholdExplorer.lacks(bare)
    assert ThresholdExplorer.lacks(subject()) == ""
    step = ak.widgets.Studio(bare, ["bias", "performance"]).steps["bias"]
    assert step.explorers == []
    told = " ".join(x.value for x in step.pages[1].children if isinstance(x, w.HTML))
    assert "Not here: Thresholds by group." in told
