"""The exposure explorer without a browser."""

from __future__ import annotations

import pytest

from auditkit.data.leaky import make_leaky
from auditkit.widgets import Membership, Session
from auditkit.widgets.explorers import ExposureExplorer


def test_the_dial_moves_along_the_curve() -> None:
    made = ExposureExplorer(Session(make_leaky(memorise=0.3, seed=1).subject, ["membership"]))
    made.going.run.click()
    assert made.work.wait(300)
    assert made.work.state == "done", made.work.message
    assert made.dial.value == pytest.approx(0.01)
    traces = {trace.name: trace for trace in made.canvases["roc"].figure.data}
    assert "here" in traces
    before = made.words.value
    made.dial.slider.value = 0.2
    assert made.dial.value == pytest.approx(0.2)
    assert made.answer is not None
    assert made.answer.at["fpr"] == pytest.approx(0.2)
    assert made.words.value != before
    made.dial.box.value = 0.05
    assert made.dial.slider.value == pytest.approx(0.05)


def test_it_stands_in_the_step_of_membership() -> None:
    subject = make_leaky(memorise=0.3, n_train=100, n_test=100, seed=1).subject
    step = Membership(subject, ["AK201"]).steps["membership"]
    assert any(isinstance(one, ExposureExplorer) for one in step.explorers)
    assert ExposureExplorer.lacks(subject) == ""
    options = [value for _, value in ExposureExplorer(Session(subject, ["membership"])).how.options]
    assert options == ["population", "references"]
