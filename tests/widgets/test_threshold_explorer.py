"""The threshold explorer without a browser: the dials lead, the pictures and words follow."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, replace
from typing import Any, ClassVar

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
    assert made.work.wait(300)
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
        "Start",
    ]  # fmt: skip
    buttons["Equal opportunity"].click()
    assert explorer.notion.value == "equal_opportunity"
    found = explorer.found.equalised("equal_opportunity")
    assert {group: dial.value for group, dial in explorer.dials.items()} == pytest.approx(found, abs=0.0006)
    buttons["Start"].click()
    assert {group: dial.value for group, dial in explorer.dials.items()} == start


def test_no_point_of_the_curve_beats_the_button(explorer: Any) -> None:
    """Where the dials stand, at their steps: what was sought is what they reach."""
    for notion in explorer.found.notions:
        explorer.equalise(notion)
        assert {group: dial.value for group, dial in explorer.dials.items()} == explorer.found.equalised(
            notion
        )
        points = explorer.answer.tables["trade_off"].frame()
        now, line = points.iloc[-1], points[points["series"] == "best found"]
        assert not ((line["x"] < now["x"] - 1e-12) & (line["value"] > now["value"] - 1e-12)).any(), notion


def test_another_feature_is_prepared_anew(explorer: Any) -> None:
    explorer.feature.value = "old"
    assert explorer.work.wait(300)
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
        assert each.work.wait(300)
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


class Watched(np.ndarray):
    """An array that tells which function went through it."""

    through: ClassVar[list[str]] = []

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **more: Any) -> Any:
        self.through.append(function.__name__)
        plain = [one.view(np.ndarray) if isinstance(one, Watched) else one for one in inputs]
        return getattr(function, method)(*plain, **more)

    def __array_function__(self, function: Any, types: Any, args: Any, more: Any) -> Any:
        self.through.append(function.__name__)
        plain = [one.view(np.ndarray) if isinstance(one, Watched) else one for one in args]
        return function(*plain, **more)


def watch(found: Any) -> Any:
    """Return what was prepared, its arrays of all records watched."""
    by_group = found.by_group
    seen = {
        name: tuple(tuple(part.view(Watched) for part in group) for group in getattr(by_group, name))
        for name in ("scores", "above")
    }
    return replace(found, by_group=replace(by_group, **seen))


def points(explorer: Any) -> int:
    """Return how many points all figures have that are shown."""
    traces = [one for canvas in explorer.canvases.values() if canvas.figure for one in canvas.figure.data]
    return sum(len(one.x) for one in traces if one.x is not None)


@dataclass
class Drag:
    """What moving a dial came to.

    Attributes
    ----------
    points : int
        Drawn after it.
    calls : int
        Of the model.
    through : list of str
        Functions that were given the arrays of all records.
    peak : int
        Bytes that an answer makes at the most at once.
    """

    points: int
    calls: int
    through: list[str]
    peak: int


def dragged(rows: int) -> Drag:
    """Return what dragging a dial is, of a subject of so many records."""
    calls: list[int] = []

    def model(X: Any) -> Any:
        calls.append(len(X))
        return np.c_[1 - np.asarray(X["x"]), np.asarray(X["x"])]

    explorer = ThresholdExplorer(Session(ak.Subject("watched", model, test=subject(rows).test), ["bias"]))
    explorer.start()
    assert explorer.work.wait()
    assert calls
    calls.clear()
    explorer.found = watch(explorer.found)
    Watched.through.clear()
    dial = explorer.dials["<i>sex</i>=f"]
    for at in (0.3, 0.31, 0.32):
        dial.slider.value = at
        assert explorer.answer.at["thresholds"]["<i>sex</i>=f"] == at
    through = [*Watched.through]
    tracemalloc.start()
    try:
        explorer.ask()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return Drag(points(explorer), len(calls), through, peak)


def test_what_is_watched_is_told() -> None:
    Watched.through.clear()
    seen = np.arange(6.0).view(Watched)
    assert seen.sum() == 15
    assert (seen > 3).tolist() == [False] * 4 + [True] * 2
    assert Watched.through == ["add", "greater"]


def test_a_drag_over_a_million_records_is_that_over_ten_thousand() -> None:
    """Counted: figures of few points, no call of the model, and what has all records in it is looked up and never gone through."""
    few, many = dragged(10_000), dragged(1_000_000)
    assert max(few.points, many.points) <= 200
    assert few.calls == many.calls == 0
    assert few.through == many.through
    assert set(many.through) == {"searchsorted"}
    assert many.peak < 200_000, (
        "less than a mask of the records of a group and a label, of which there are four"
    )
