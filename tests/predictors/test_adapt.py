"""Adapting: every kind of model by the right door; what is none is told what would be."""

from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import auditkit.predictors.adapt as adapt
from auditkit.errors import InputError
from auditkit.predictors import Counted, Predictor, as_predictor, from_callable, from_predictions

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


def test_plug_ins_are_asked(monkeypatch):
    entry = EntryPoint("stone", f"{__name__}:stone_plug_in", adapt.__name__)
    monkeypatch.setattr(EntryPoint, "load", lambda self: stone_plug_in)
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda group: [entry] if group == "auditkit.predictors" else []
    )
    assert as_predictor(Stone()).kind == "stone"
    monkeypatch.setattr(EntryPoint, "load", lambda self: lambda model: 5)
    with pytest.raises(InputError, match="'stone' must give a Predictor or None; it gave int"):
        as_predictor(Stone())


def test_a_plug_in_that_does_not_load_is_named_and_the_rest_goes_on(monkeypatch):
    entry = EntryPoint("broken", "no_such_module_here:f", "auditkit.predictors")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [entry])
    with pytest.warns(RuntimeWarning, match="'broken' did not load"):
        assert as_predictor(lambda X: X, task="binary", labels=Y01).classes.tolist() == [0, 1]
