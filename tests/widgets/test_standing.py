"""Prepare again: what a person moved is put back where the new controls allow it, and said where not."""

from __future__ import annotations

from typing import Any, ClassVar

import ipywidgets as w
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import auditkit as ak
from auditkit.explore import Answer
from auditkit.threat import ThreatModel
from auditkit.widgets import Session
from auditkit.widgets.explorers import (
    Explorer,
    PairExplorer,
    RecordExplorer,
    RemedyExplorer,
    ThresholdExplorer,
)
from auditkit.widgets.explorers.dial import Dial


def prepared(explorer: Any) -> Any:
    explorer.going.run.click()
    assert explorer.work.wait(300)
    assert explorer.work.state == "done", explorer.work.message
    assert not explorer.going.trouble.value
    return explorer


def subject(n: int = 200, **more: Any) -> ak.Subject:
    rng = np.random.default_rng(4)
    X = pd.DataFrame(
        {
            "income": rng.normal(size=2 * n).round(3),
            "months": rng.integers(6, 60, 2 * n),
            "job": rng.choice([0, 1, 2], 2 * n),
        }
    )
    y = (X["income"] + rng.normal(scale=0.4, size=2 * n) > 0.2).astype(int)
    groups = pd.DataFrame({"sex": rng.choice(["f", "m"], 2 * n), "old": rng.choice(["no", "yes"], 2 * n)})
    model = LogisticRegression(max_iter=1000).fit(X.iloc[n:], y[n:])
    data = [
        ak.Dataset(
            X.iloc[at].reset_index(drop=True), y[at].to_numpy(), sensitive_features=groups.iloc[at].reset_index(drop=True)
        )
        for at in (slice(n), slice(n, 2 * n))
    ]  # fmt: skip
    return ak.Subject("small", model, test=data[0], train=data[1], **more)


class Offering(Explorer):
    """An explorer whose controls are others each time it is prepared."""

    title: ClassVar[str] = "Offering"
    question: ClassVar[str] = "What is it?"
    pictures: ClassVar[tuple[str, ...]] = ()

    def __init__(self, session: Session) -> None:
        self.high, self.step, self.boxes = 1.0, 0.1, ["tick"]
        self.asked = 0
        super().__init__(session)

    def prepare(self) -> object:
        return object()

    def offer(self, found: object) -> list[Any]:
        self.dial = Dial("Dial", 0.0, self.high, 0.5, self.step, self.refresh)
        self.menu = w.Dropdown(options=[(f"word {x}", x) for x in self.offered], description="Menu")
        self.menu.observe(self.refresh, "value")
        self.ticks = [w.Checkbox(description=name) for name in self.boxes]
        return [self.dial, w.HBox([self.menu, *self.ticks])]

    @property
    def offered(self) -> list[str]:
        return ["a", "b", "<c>"] if self.high == 1.0 else ["a", "b"]

    def ask(self) -> Answer:
        self.asked += 1
        return Answer("x", {"dial": self.dial.value, "menu": self.menu.value}, "Says.", "Why.")


@pytest.fixture
def explorer(small: Any) -> Any:
    return prepared(Offering(Session(small.subject(), [small.gap])))


def test_what_was_moved_stands_there_again_and_is_what_is_answered(explorer: Any) -> None:
    explorer.dial.box.value, explorer.menu.value, explorer.ticks[0].value = 0.8, "<c>", True
    before, asked = explorer.dial, explorer.asked
    prepared(explorer)
    assert explorer.dial is not before
    assert (explorer.dial.value, explorer.dial.slider.value) == (0.8, 0.8)
    assert (explorer.menu.value, explorer.ticks[0].value) == ("<c>", True)
    assert explorer.answer.at == {"dial": 0.8, "menu": "<c>"}
    assert explorer.lost.value == ""
    assert explorer.asked == asked + 1, "once, when all stand"
    prepared(explorer)
    assert explorer.answer.at == {"dial": 0.8, "menu": "<c>"}, "and again"


def test_what_does_not_fit_is_said_and_the_rest_stands(explorer: Any) -> None:
    explorer.dial.box.value, explorer.menu.value, explorer.ticks[0].value = 0.8, "<c>", True
    explorer.high, explorer.boxes = 0.6, ["other"]
    prepared(explorer)
    assert explorer.answer.at == {"dial": 0.5, "menu": "a"}
    assert "Dial was at 0.8, and goes from 0 to 0.6 now" in explorer.lost.value
    assert "Menu was at word &lt;c&gt;, which is not offered now" in explorer.lost.value
    assert "tick was at ticked, and is not here now" in explorer.lost.value
    assert 'role="status"' in explorer.lost.value
    prepared(explorer)
    assert explorer.lost.value == "", "said once"


def test_a_dial_of_other_steps_stands_at_the_nearest_and_says_so(explorer: Any) -> None:
    explorer.dial.box.value, explorer.step = 0.8, 0.25
    prepared(explorer)
    assert explorer.dial.value == 0.75
    assert "Dial was at 0.8 and is at 0.75, its nearest place" in explorer.lost.value


def test_what_nobody_moved_stands_where_it_begins_now(explorer: Any) -> None:
    explorer.high = 0.4
    prepared(explorer)
    assert (explorer.dial.value, explorer.lost.value) == (0.4, "")


def test_thresholds_and_the_notion_stay_and_those_of_other_groups_are_told() -> None:
    made: Any = prepared(ThresholdExplorer(Session(subject(), ["bias"])))
    moved = made.dials["sex=f"]
    moved.box.value = there = round(moved.value - 0.1, 2)
    made.notion.value = notion = made.found.notions[-1]
    prepared(made)
    assert (made.dials["sex=f"].value, made.notion.value) == (there, notion)
    assert made.answer.at["thresholds"]["sex=f"] == there
    made.feature.value = "old"
    assert made.work.wait(300)
    assert made.notion.value == notion
    assert f"sex=f was at {there:g}, and is not here now" in made.lost.value
    assert "sex=m" not in made.lost.value, "nobody moved it"


def test_the_comparison_stays() -> None:
    one, other = subject(), subject()
    made: Any = prepared(PairExplorer(Session(one, ["performance"]), other))
    made.feature.value, made.constraint.value = "old", "equalized_odds"
    prepared(made)
    assert (made.feature.value, made.constraint.value) == ("old", "equalized_odds")


def test_a_record_and_its_form_stay() -> None:
    made: Any = prepared(RecordExplorer(Session(subject(), ["explainability"])))
    made.pick.by.value = "row number"
    made.pick.place.value = 7
    made.form.put({"income": 1.25})
    made.finding.wanted.value = "1"
    before, says = made.form, made.answer.says
    prepared(made)
    assert made.form is not before
    assert (made.pick.row, made.pick.by.value, made.pick.place.value) == (7, "row number", 7)
    assert made.form.changes == {"income": 1.25}
    assert (made.answer.says, made.lost.value) == (says, "")
    assert made.finding.wanted.value == "1"
    assert len(made.place.children) == 1


def test_what_a_record_may_not_change_any_more_is_told() -> None:
    given = subject()
    threat = ThreatModel.draft(given.train.X)
    made: Any = prepared(RecordExplorer(Session(subject(threat=threat), ["explainability"])))
    made.form.put({"income": 1.25, "months": 30})
    made.session.set("counterfactuals", immutable=["months"])
    prepared(made)
    assert made.form.changes == {"income": 1.25}
    assert "months was at 30, and is held now" in made.lost.value


def test_the_same_record_is_picked_wherever_it_stands_now() -> None:
    made: Any = prepared(RecordExplorer(Session(subject(), ["explainability"])))
    made.pick.place.value = 3
    row = made.pick.row
    made.pick.put_back(("test", "gone", row))
    assert (made.pick.by.value, made.pick.row) == ("row number", row)
    assert made.pick.put_back(("test", "gone", row)) == ["Order was at gone, which is not offered now"]
    assert made.pick.put_back(("test", "most borderline", 10_000)) == [
        "row 10,000 was looked at, and is not there now"
    ]
    assert made.pick.row == made.found.order("most borderline")[0]


def test_ticked_mitigations_stay() -> None:
    made: Any = prepared(RemedyExplorer(Session(subject(), ["mitigation"])))
    made.boxes["reweighing"].value = True
    prepared(made)
    assert (made.boxes["reweighing"].value, made.lost.value) == (True, "")
