"""Adapting: every kind of model by the right door; what is none is told what would be."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from auditkit.errors import InputError
from auditkit.predictors import Counted, Predictor, as_predictor, from_callable, from_predictions, plug_ins

Y01 = np.array([0, 1])


class Stone:
    """A model of a kind that nobody knows."""


class StonePredictor(Predictor):
    kind = "stone"
    classes = Y01

    def predict(self, X):
        return np.zeros(len(X), dtype=int)


def stone_plug_in(model):
    return StonePredictor() if isinstance(model, Stone) else None


@pytest.mark.parametrize(
    "thing", [3, None, "credit.pkl", Path("credit.pkl"), pd.DataFrame({"a": [1]}), Stone()]
)
def test_what_is_no_model_is_told_what_would_be(thing):
    with pytest.raises(InputError, match="Accepted: a fitted scikit-learn estimator"):
        as_predictor(thing)


def test_a_path_is_pointed_to_the_loader():
    with pytest.raises(InputError, match="load_model"):
        as_predictor("credit.pkl")


def test_predictors_pass_through():
    own = StonePredictor()
    assert as_predictor(own) is own
    counted = Counted(own)
    assert as_predictor(counted, task="binary", labels=Y01) is counted


def test_a_function_wrapped_without_classes_gets_them_from_the_data():
    wrapped = from_callable(lambda X: X["a"], output="proba")
    assert as_predictor(wrapped, task="binary", labels=np.array(["b", "a"])).classes.tolist() == ["a", "b"]
    assert wrapped.classes is None, "what the user holds stays as it was"


def test_recorded_labels_get_classes_from_both_sides():
    recorded = from_predictions(labels=[0, 2, 2])
    assert as_predictor(recorded, task="multiclass", labels=np.array([0, 1])).classes.tolist() == [0, 1, 2]
    assert recorded.classes is None
    with pytest.raises(InputError, match="different types"):
        as_predictor(from_predictions(labels=["0", "1"]), task="binary", labels=Y01)
    with pytest.raises(InputError, match=r"\['No', 'Yes'\] and the true labels \['no', 'yes'\]: give both"):
        as_predictor(
            from_predictions(labels=["No", "Yes"]), task="multiclass", labels=np.array(["no", "yes"])
        )
    with pytest.raises(InputError, match=r"recorded labels are \[0, 2\] and the true labels \[0, 1\]"):
        as_predictor(from_predictions(labels=[0, 2]), task="binary", labels=Y01)
    with pytest.raises(InputError, match="belong to a classifier"):
        as_predictor(from_predictions(scores=[0.1], classes=[0, 1]), task="regression")


@pytest.fixture
def plug_in(monkeypatch):
    """Install predictor plug-ins: name to what its entry point loads, or the error it raises."""

    def install(**loaded):
        class Entry:
            def __init__(self, name, what):
                self.name, self.value, self.what = name, f"{name}.plug", what

            def load(self):
                if isinstance(self.what, Exception):
                    raise self.what
                return self.what

        found = [Entry(name, what) for name, what in loaded.items()]
        monkeypatch.setattr(plug_ins, "entry_points", lambda group: found)
        plug_ins.adapters.cache_clear()

    yield install
    plug_ins.adapters.cache_clear()


class LikeAnEstimator(Stone):
    """Of a library of its own, and it looks like an estimator."""

    def predict(self, X):
        return np.zeros(len(X), int)

    def get_params(self):
        return {}


def test_plug_ins_are_asked(plug_in):
    plug_in(stone=stone_plug_in)
    assert as_predictor(Stone()).kind == "stone"
    plug_in(stone=lambda model: 5)
    with pytest.raises(InputError, match="'stone' must give a Predictor or None; it gave int"):
        as_predictor(Stone())


def test_a_plug_in_goes_before_a_guess_by_behaviour(plug_in):
    plug_in(stone=stone_plug_in)
    assert as_predictor(LikeAnEstimator()).kind == "stone"
    plug_in(none=lambda model: None)
    assert as_predictor(lambda X: X, task="binary", labels=Y01).classes.tolist() == [0, 1]


def test_no_plug_in_changes_how_the_libraries_auditkit_knows_are_asked(plug_in):
    from sklearn.linear_model import LogisticRegression

    asked = []
    plug_in(greedy=lambda model: asked.append(model) or stone_plug_in(Stone()))
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    assert as_predictor(model).kind == "LogisticRegression"
    assert as_predictor(stone_plug_in(Stone())).kind == "stone"  # a Predictor is taken as it is
    assert asked == []


def test_two_plug_ins_that_know_one_type_are_refused(plug_in):
    plug_in(a=stone_plug_in, b=stone_plug_in)
    with pytest.raises(InputError, match="'a' and 'b' both know Stone: remove one"):
        as_predictor(Stone())


def test_a_plug_in_that_fails_on_a_model_is_named(plug_in):
    def fails(model):
        raise KeyError("weights")

    plug_in(stone=fails)
    with pytest.raises(InputError, match=r"'stone' \(stone.plug\) failed on Stone: KeyError: 'weights'"):
        as_predictor(Stone())


def test_a_plug_in_that_does_not_load_is_an_error_of_the_report_and_the_rest_goes_on(plug_in):
    from auditkit import Audit, Dataset, Subject

    plug_in(broken=ImportError("no such module"), number=7)
    with (
        pytest.warns(RuntimeWarning, match="'broken' did not load"),
        pytest.warns(RuntimeWarning, match="'number' did not load"),
    ):
        found = plug_ins.adapters()
    assert found.broken["number (number.plug)"] == "InputError: it must be a function of a model, got int"
    rows = pd.DataFrame({"a": np.arange(60) % 2})
    subject = Subject("s", lambda X: X["a"].to_numpy(), Dataset(rows, np.arange(60) % 2), positive=1)
    report = Audit(["model_performance"], []).run(subject)
    (error,) = [f for f in report.findings if f.check == "broken (broken.plug)"]
    assert error.status == "error"
    assert "could not be loaded: ImportError: no such module" in error.reason
