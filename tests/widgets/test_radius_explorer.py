"""The explorer of the attack radius without a browser."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import auditkit as ak
from auditkit.data import make_brittle, make_multiclass, make_regression
from auditkit.widgets import Robustness, Session
from auditkit.widgets.explorers import RadiusExplorer


def prepared(subject: ak.Subject, norm: str = "", **options: Any) -> RadiusExplorer:
    session = Session(subject, {"robust_accuracy": {"rows": 40, "max_calls": 20, "samples": 0, **options}})
    made = RadiusExplorer(session)
    made.norm.value = norm
    made.going.run.click()
    assert made.work.wait(120)
    assert made.work.state == "done", made.work.message
    return made


@pytest.fixture(scope="module")
def small() -> RadiusExplorer:
    return prepared(make_multiclass(n_train=160, n_test=60), radius=0.3)


def test_the_dial_moves_the_line_and_the_groups(small: RadiusExplorer) -> None:
    small.record.value = ""
    small.dial.box.value = 0.1
    (line,) = small.canvases["bracket"].figure.layout.shapes
    assert line.x0 == pytest.approx(0.1)
    before, bars = (
        small.words.value,
        [tuple(t.x) for t in small.canvases["by_group"].figure.data if t.x is not None],
    )
    small.dial.slider.value = 0.5
    assert small.dial.value == pytest.approx(0.5)
    (line,) = small.canvases["bracket"].figure.layout.shapes
    assert line.x0 == pytest.approx(0.5)
    assert small.words.value != before
    assert bars != [tuple(t.x) for t in small.canvases["by_group"].figure.data if t.x is not None]
    assert small.fall.disabled
    assert small.values.layout.display == "none"


def test_a_record_takes_the_place_of_the_groups_and_shows_its_values(small: RadiusExplorer) -> None:
    words, record = small.record.options[1]
    assert record in words
    small.record.value = record
    assert "the answer along the way" in small.captions["by_group"][0].value
    assert small.values.layout.display == ""
    assert "what is changed" in small.values.value
    small.fall.click()
    way = small.found.ways[record]
    assert small.dial.value >= way.distance
    assert small.dial.value <= way.distance + small.dial.box.step * 1.001
    assert f"is answered {way.answers[-1]} after" in small.words.value
    small.why.value = "so near"
    small.keep()
    kept = small.session.notes[-1].seen
    assert kept is not None
    assert kept["at"]["record"] == record
    assert "what is changed" not in json.dumps(kept)
    small.record.value = ""
    assert "Who stands" in small.captions["by_group"][0].value
    assert small.values.value == ""


def test_what_is_kept_tells_values_only_where_ticked(small: RadiusExplorer) -> None:
    record = small.record.options[1][1]
    small.record.value = record
    way = small.found.ways[record]
    small.keep()
    small.tell.value = True
    small.keep()
    silent, told = (note.seen for note in small.session.notes[-2:])
    assert silent is not None
    assert told is not None
    assert set(silent["tables"]["values"]["columns"]) == {"input"}
    assert tuple(silent["tables"]["values"]["columns"]["input"]) == way.inputs
    assert not any(word in json.dumps(silent) for word in way.words[0])
    assert "whose class" not in silent["says"]
    assert tuple(told["tables"]["values"]["columns"]["before"]) == way.words[0]
    assert f"whose class is {way.truth}" in told["says"]
    small.record.value = small.record.options[2][1]
    assert not small.tell.value  # the tick was for the other one
    small.record.value = ""
    assert small.tell.disabled
    assert small.kept(small.answer).to_dict() == small.answer.to_dict()


def test_it_shares_its_work_with_the_check() -> None:
    """Explored first or not, the report is the same, its cost included."""
    plan = {"robust_accuracy": {"rows": 40, "max_calls": 20, "samples": 0}}
    explored = prepared(make_multiclass(n_train=160, n_test=60)).session
    known = len(explored.subject.memory)
    explored.start()
    assert explored.wait(300)
    assert len(explored.subject.memory) == known
    alone = ak.Audit(plan).run(make_multiclass(n_train=160, n_test=60), seed=0)
    assert [e.to_dict() for e in explored.report.evidence] == [e.to_dict() for e in alone.evidence]


def test_radii_of_several_decades_move_by_factors() -> None:
    x = np.geomspace(1e-3, 1, 40) * np.tile([-1, 1], 20)
    model = LogisticRegression().fit([[-1.0], [1.0]], [0, 1])
    model.coef_, model.intercept_ = np.array([[50.0]]), np.array([0.0])
    threat = {"units": "raw", "radius": 0.5}
    made = prepared(ak.Subject("edge", model, ak.Dataset(x[:, None], (x > 0).astype(int)), threat=threat))
    assert type(made.dial.slider).__name__ == "FloatLogSlider"
    made.dial.box.value = 0.011
    assert made.answer is not None
    standing = (np.abs(x) > 0.011).mean()
    assert f"at most {standing:.1%}" in made.words.value


def test_columns_are_counted_whole_and_pictures_morph() -> None:
    X, y = load_digits(return_X_y=True)
    model = LogisticRegression(max_iter=200).fit(X[:600], y[:600])
    made = prepared(
        ak.Subject("digits", model, ak.Dataset(X[600:700], y[600:700])), "l0", radius=3.0, boxes=0
    )
    assert made.dial.box.description.startswith("Columns")
    assert made.dial.box.step == 1
    made.record.value = made.record.options[1][1]
    assert "record" not in made.kept(made.answer).tables  # pixels are values
    made.tell.value = True
    assert made.kept(made.answer).tables["record"].kind == "images"
    made.fall.click()
    assert [trace.type for trace in made.canvases["by_group"].figure.data] == ["heatmap"] * 3
    assert made.dial.value == made.found.ways[made.record.value].distance


def test_it_stands_in_the_step_of_robustness_and_says_what_it_lacks() -> None:
    subject = make_brittle(n=60).subject
    step = Robustness(subject, ["AK303"]).steps["robustness"]
    (made,) = (one for one in step.explorers if isinstance(one, RadiusExplorer))
    assert made.session.settings.get("AK304") is None
    made.going.run.click()
    assert made.work.wait(300)
    assert made.work.state == "done", made.work.message
    assert "classes" in RadiusExplorer.lacks(make_regression(n_train=50, n_test=50))


def test_axes_stay_and_numbers_are_tidy(small: RadiusExplorer) -> None:
    small.record.value = ""
    small.dial.box.value = 0.12999999999999998
    assert small.dial.value == 0.13
    assert small.answer is not None
    assert small.answer.at["radius"] == 0.13
    assert tuple(small.canvases["by_group"].figure.layout.xaxis.range) == (-0.02, 1.02)
    small.record.value = small.record.options[1][1]
    assert tuple(small.canvases["by_group"].figure.layout.yaxis.range) == (-0.02, 1.02)
    assert small.canvases["by_group"].figure.layout.xaxis.range is None
    small.record.value = ""
