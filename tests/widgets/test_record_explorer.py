"""The record explorer without a browser: the form leads, the model is asked, and what is kept tells no values unasked."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import ipywidgets as w
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import auditkit as ak
from auditkit.errors import InputError
from auditkit.predictors import from_predictions
from auditkit.widgets import Session, canvas
from auditkit.widgets.explorers import RecordExplorer, RecordExposureExplorer
from auditkit.widgets.explorers.live import Dial
from auditkit.widgets.explorers.record_form import MOST, RecordForm


def subject(n: int = 120) -> ak.Subject:
    """Return a pipeline over two numbers and two words; names and values are markup."""
    rng = np.random.default_rng(4)
    X = pd.DataFrame(
        {
            "income": rng.normal(size=2 * n).round(3),
            "age": rng.integers(20, 70, 2 * n),
            "<i>job</i>": rng.choice(["<b>clerk</b>", "smith"], 2 * n),
            "sex": rng.choice(["f", "m"], 2 * n),
        }
    )
    X.loc[3, "income"] = np.nan
    y = (
        X["income"].fillna(0) + (X["<i>job</i>"] == "smith") + rng.normal(scale=0.4, size=2 * n) > 0.4
    ).astype(int)
    words = make_column_transformer((OneHotEncoder(), ["<i>job</i>", "sex"]), remainder="passthrough")
    from sklearn.impute import SimpleImputer

    model = make_pipeline(words, SimpleImputer(), LogisticRegression(max_iter=1000)).fit(X.iloc[n:], y[n:])
    data = [
        ak.Dataset(X.iloc[part], y[part], sensitive_features=["sex"]) for part in (slice(n), slice(n, 2 * n))
    ]
    return ak.Subject("small", model, test=data[0], train=data[1])


def prepared(explorer: Any) -> Any:
    explorer.going.run.click()
    assert explorer.work.wait(300)
    assert explorer.work.state == "done", explorer.work.message
    return explorer


@pytest.fixture
def explorer() -> Any:
    made = RecordExplorer(Session(subject(), ["explainability", "membership"], seed=1))
    assert made.stage.layout.display == "none"
    return prepared(made)


def inside(widget: Any) -> list[Any]:
    return [widget, *(one for child in getattr(widget, "children", ()) for one in inside(child))]


def test_a_change_moves_words_picture_and_data(explorer: Any) -> None:
    assert explorer.pick.by.value == "most borderline"
    assert explorer.pick.row == explorer.found.order("most borderline")[0]
    figure, said = explorer.canvases["why"].figure, explorer.words.value
    assert explorer.canvases["parts"].figure is None
    dial = explorer.form.controls["income"]
    assert isinstance(dial, Dial)
    dial.slider.value = dial.slider.max
    assert explorer.form.changes == {"income": dial.value}
    assert explorer.words.value != said
    assert "before" in explorer.words.value
    assert explorer.canvases["why"].figure is figure
    assert len(explorer.canvases["parts"].figure.data) == 2
    explorer.switch.value = True
    assert "What was changed" in explorer.data.value
    menu = explorer.form.controls["<i>job</i>"]
    other = next(value for _, value in menu.options if value != menu.value)
    menu.value = other
    assert explorer.form.changes["<i>job</i>"] == other
    explorer.form.reset()
    assert explorer.form.changes == {}
    assert "before" not in explorer.words.value


def test_a_slider_that_is_off_by_rounding_moves_nothing(explorer: Any) -> None:
    dial, said = explorer.form.controls["income"], explorer.answer
    dial.slider.value = dial.value * (1 + 2e-16) + 1e-14
    assert explorer.answer is said
    assert explorer.form.changes == {}


def test_pictures_are_drawn_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made, drawing = [], canvas._made

    def slow(*given: Any) -> Any:
        made.append(1)
        time.sleep(0.3)
        return drawing(*given)

    monkeypatch.setattr(canvas, "_made", slow)
    explorer = RecordExplorer(Session(subject(), ["explainability"]))
    explorer.going.run.click()
    while not made:  # the first picture is being made in a thread
        time.sleep(0.01)
    explorer.refresh()
    assert explorer.work.wait(300)
    assert len(made) == 1


def test_held_inputs_are_locked_and_say_why(explorer: Any) -> None:
    sex = explorer.form.controls["sex"]
    assert sex.disabled
    notes = [one.value for one in inside(explorer.form) if isinstance(one, w.HTML)]
    assert any("Held: a sensitive feature." in one for one in notes)
    assert "held: a sensitive feature" in sex.tooltip
    assert any(
        "nobody has checked" in one.value for one in inside(explorer.controls) if isinstance(one, w.HTML)
    )


def test_another_record_has_its_own_form(explorer: Any) -> None:
    first, form = explorer.pick.row, explorer.form
    form.controls["age"].slider.value = 69
    explorer.pick.place.value = 2
    assert explorer.pick.row != first
    assert explorer.form is not form
    assert explorer.form.changes == {}
    assert explorer.found.name(explorer.pick.row) in explorer.pick.who.value
    explorer.pick.by.value = "row number"
    assert (explorer.pick.place.description, explorer.pick.ends, explorer.pick.row) == (
        "Row number",
        (0, 119),
        0,
    )
    explorer.pick.place.value = 119
    assert explorer.pick.row == 119
    explorer.pick.data.value = "train"
    assert (explorer.pick.split, explorer.pick.row) == ("train", 0)
    assert "training rows" in explorer.pick.who.value


def test_a_place_beyond_the_ends_stays_and_is_refused_in_words(explorer: Any) -> None:
    pick = explorer.pick
    pick.place.value = 2
    row, form, last = pick.row, explorer.form, pick.ends[1]
    for wrong in (0, last + 1, -5):
        pick.place.value = wrong
        assert pick.place.value == wrong
        assert (
            f"expected a whole number from 1 to {last}; got {wrong}. What is shown is at 2."
            in pick.trouble.value
        )
        assert (pick.row, explorer.form) == (row, form)
    pick.place.value = 2
    assert (pick.trouble.value, explorer.form) == ("", form), "back where it stands: nothing is asked anew"
    pick.place.value = last
    assert explorer.found.name(pick.row) in pick.who.value
    pick.place.value = last + 1
    pick.by.value = "row number"
    assert (pick.trouble.value, pick.place.value, pick.row) == ("", 0, 0)


def test_a_missing_number_is_filled_in_by_a_tick(explorer: Any) -> None:
    explorer.pick.by.value = "row number"
    explorer.pick.place.value = 3
    dial = explorer.form.controls["income"]
    assert dial.box.disabled
    (box,) = [one for one in inside(explorer.form) if isinstance(one, w.Checkbox)]
    assert explorer.form.changes == {}
    box.value = True
    assert not dial.box.disabled
    assert explorer.form.changes == {"income": dial.value}
    assert "income missing" in explorer.words.value


def test_ways_are_looked_for_and_put_into_the_form(explorer: Any) -> None:
    explorer.finding.going.run.click()
    assert explorer.finding.work.wait(300)
    assert explorer.finding.work.state == "done", explorer.finding.work.message
    assert "Ways to" in explorer.finding.table.value
    for at, way in enumerate(explorer.finding.ways.ways):
        explorer.finding.which.value = at
        explorer.finding.choose()
        assert explorer.form.changes == way.changes
        assert "the answer flips" in explorer.answer.says
    explorer.pick.place.value = 2
    assert explorer.finding.words.value == ""
    assert explorer.finding.row.layout.display == "none"


def test_ways_of_a_record_that_is_no_longer_looked_at_are_dropped(
    explorer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go, search = threading.Event(), threading.Event(), type(explorer.found).ways

    def slow(*given: Any, **options: Any) -> Any:
        asked.set()
        assert go.wait(300)
        return search(*given, **options)

    monkeypatch.setattr(type(explorer.found), "ways", slow)
    explorer.finding.start()
    assert asked.wait(300)
    explorer.pick.place.value = 2
    with pytest.raises(InputError, match="already"):
        explorer.finding.start()  # one search at a time: this does not make the first one about the second record
    go.set()
    assert explorer.finding.work.wait(300)
    assert explorer.finding.ways is None
    assert explorer.finding.table.value == ""
    assert "ways" not in explorer.kept(explorer.answer).tables


def test_ways_that_arrive_while_another_record_is_picked_are_not_kept(explorer: Any) -> None:
    found = explorer.found.ways(explorer.pick.row)
    finding, about = explorer.finding, explorer.finding.about()
    explorer.pick.place.value = 2
    finding.take(about, found)  # checked before the other record was picked, and shown after it
    assert finding.ways is None
    assert finding.table.value == ""
    finding.choose()
    assert explorer.form.changes == {}
    explorer.pick.place.value = 1
    assert "ways" not in explorer.kept(explorer.answer).tables


def test_exposure_is_prepared_by_its_button_and_orders_the_records(explorer: Any) -> None:
    assert "most exposed" not in explorer.pick.by.options
    explorer.exposing.going.run.click()
    assert explorer.exposing.work.wait(120)
    assert explorer.exposing.work.state == "done", explorer.exposing.work.message
    assert "most exposed" in explorer.pick.by.options
    explorer.pick.data.value = "train"
    explorer.pick.by.value = "most exposed"
    assert explorer.pick.row == explorer.exposing.exposure.order()[0]
    assert "in_out" in explorer.answer.tables
    assert explorer.canvases["in_out"].figure is not None
    assert "reference models trained on it" in explorer.exposing.words.value
    explorer.pick.data.value = "test"
    gone = min(set(range(120)) - set(explorer.exposing.exposure.rows("test").tolist()))
    explorer.pick.by.value = "row number"
    explorer.pick.place.value = gone
    assert "in_out" not in explorer.answer.tables
    assert "served as population" in explorer.exposing.words.value
    other = prepared(RecordExposureExplorer(explorer.session))
    assert other.found.view.logits is not None
    assert np.array_equal(other.found.scores, explorer.exposing.exposure.scores)


def test_what_is_kept_tells_values_only_where_ticked(explorer: Any) -> None:
    explorer.finding.going.run.click()
    assert explorer.finding.work.wait(300)
    explorer.finding.choose()
    explorer.why.value = "one step short"
    explorer.keep()
    explorer.tell.value = True
    explorer.keep()
    silent, told = (json.dumps(note.seen) for note in explorer.session.notes)
    assert explorer.found.name(explorer.pick.row) in silent
    assert "\\u2192" in told
    assert "\\u2192" not in silent
    assert "age = " not in silent
    assert "age = " in told
    assert {"why", "ways", "answer", "changed"} <= set(json.loads(silent)["tables"])
    assert explorer.session.notes[0].text == "one step short"
    explorer.pick.place.value = 2
    assert not explorer.tell.value  # the tick was for the other one


def numbers(note: Any) -> list[float]:
    """Return all fractions in the tables of a note."""
    tables = note.seen["tables"].values()
    cells = [one for table in tables for column in table["columns"].values() for one in column]
    return [one for one in cells if isinstance(one, float)]


def test_a_record_whose_values_are_not_told_is_kept_with_the_digits_that_are_shown(explorer: Any) -> None:
    explorer.exposing.going.run.click()
    assert explorer.exposing.work.wait(120)
    explorer.finding.going.run.click()
    assert explorer.finding.work.wait(300)
    for told in (False, True):
        explorer.tell.value = told
        explorer.keep()
    other = prepared(RecordExposureExplorer(explorer.session))
    other.keep()
    silent, told_all, exposed = explorer.session.notes
    for note in (silent, exposed):
        assert numbers(note)
        assert all(one == float(f"{one:.3f}") or one == float(f"{one:.2g}") for one in numbers(note))
    assert {"why", "ways", "in_out"} <= set(silent.seen["tables"])
    assert any(one != round(one, 6) for one in numbers(told_all))
    whole, short = (note.seen["tables"]["why"]["columns"]["value"] for note in (told_all, silent))
    assert len(whole) == len(short)
    assert np.allclose(sorted(whole), sorted(short), atol=0.0005)


def test_names_and_values_are_text(explorer: Any) -> None:
    explorer.switch.value = True
    explorer.finding.going.run.click()
    assert explorer.finding.work.wait(300)
    for one in inside(explorer):
        if isinstance(one, w.HTML):
            assert "<b>clerk" not in one.value
            assert "<i>job" not in one.value
        elif hasattr(one, "description_allow_html"):
            assert one.description_allow_html is False or not one.description
        if isinstance(one, (w.Dropdown, w.BoundedFloatText, w.BoundedIntText, w.Checkbox, w.Text)):
            assert one.description, one
            assert one.tooltip, one.description


def test_many_inputs_are_added_one_by_one() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, MOST + 5)), columns=[f"x{i}" for i in range(MOST + 5)])
    model = LogisticRegression().fit(X, X["x33"] > 0)
    made = prepared(
        RecordExplorer(
            Session(ak.Subject("wide", model, test=ak.Dataset(X, X["x33"] > 0)), ["explainability"])
        )
    )
    form: RecordForm = made.form
    assert len(form.controls) == MOST
    assert (
        next(iter(form.controls)) == made.found.leading(made.pick.row)[0]
    )  # what contributes most comes first
    name = form.another.value
    form.put({name: 1.0})
    assert form.changes == {name: 1.0}
    assert len(form.another.options) == 4
    form._take()
    assert len(form.controls) == MOST + 2
    assert made.exposing is None
    assert any("It lacks training rows" in one.value for one in inside(made) if isinstance(one, w.HTML))


def test_a_model_that_is_asked_is_explained_by_a_button(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditkit.explore.record._LIVE", -1.0)
    monkeypatch.setattr("auditkit.explore.record.SLOW", -1.0)
    X = pd.DataFrame(np.random.default_rng(0).uniform(size=(60, 2)), columns=["a", "b"])

    def model(frame: pd.DataFrame) -> np.ndarray:
        p = frame["a"].to_numpy() * frame["b"].to_numpy()
        return np.c_[1 - p, p]

    made = prepared(
        RecordExplorer(
            Session(ak.Subject("asked", model, test=ak.Dataset(X, X["a"] > 0.5)), ["explainability"])
        )
    )
    assert made.canvases["why"].figure is None
    assert any(
        "follows a drag when it is let go" in one.value
        for one in inside(made.controls)
        if isinstance(one, w.HTML)
    )
    assert made.form.controls["a"].slider.continuous_update is False
    made.asking.going.run.click()
    assert made.asking.work.wait(300)
    assert made.canvases["why"].figure is not None


def test_it_stands_in_its_steps_and_says_what_is_missing() -> None:
    assert RecordExplorer.lacks(subject()) == ""
    recorded = from_predictions(labels=[0, 1] * 20, classes=[0, 1])
    bare = ak.Subject("p", recorded, test=ak.Dataset(pd.DataFrame({"x": range(40)}), [0, 1] * 20))
    assert "only recorded predictions" in RecordExplorer.lacks(bare)
    assert "training rows" in RecordExposureExplorer.lacks(bare)
    studio = ak.widgets.Studio(subject(), ["explainability", "membership"])
    assert [type(one) for one in studio.steps["explainability"].explorers] == [RecordExplorer]
    slots = [one.slot for one in studio.steps["membership"].explorers]
    assert len(set(slots)) == len(slots)
