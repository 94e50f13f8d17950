"""Holding: what holds a process is said, in the report too, and what must hold and does not is a refusal."""

import itertools
import pickle

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from auditkit import Audit, Dataset, Subject
from auditkit.errors import InputError
from auditkit.loading import load_model
from auditkit.predictors.boxed import BoxedPredictor
from auditkit.render.page import verdict
from auditkit.sandbox.holding import holds, in_words
from auditkit.sandbox.limits import Limits
from auditkit.sandbox.process import Child

ALL = {"limits": True, "privileges": True, "network": True, "landlock": 7, "opens": True}
NONE = {"limits": False, "privileges": False, "network": False, "landlock": 0, "opens": True}
X, Y = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0]}), [0, 1, 0, 1]


@pytest.fixture
def file(tmp_path):
    place = tmp_path / "m.pkl"
    place.write_bytes(pickle.dumps(LogisticRegression().fit(X, Y)))
    return place


def without(monkeypatch, held):
    """Have every child say that it is held to so much, as on a system that offers no more."""
    exchange = Child._exchange

    def told(self, question, seconds):
        answer = exchange(self, question, seconds)
        if question is None:
            answer.facts["held"] = held
        return answer

    monkeypatch.setattr(Child, "_exchange", told)


def test_each_hold_is_told_by_itself():
    for memory, files, network in itertools.product((True, False), repeat=3):
        held = {"limits": memory, "landlock": 3 if files else 0, "network": network, "opens": True}
        assert holds(held) == {"memory": memory, "files": files, "network": network}
        assert in_words(held).count("NOT") == 3 - memory - files - network
    assert holds({}) == {"memory": False, "files": False, "network": False}
    assert "NOTHING" in in_words({})
    assert holds({"limits": "yes", "landlock": "7", "network": 1}) == {
        "memory": False,
        "files": False,
        "network": False,
    }


@pytest.mark.linux
def test_the_report_says_what_held(file, monkeypatch):
    for held, word in ((NONE, "files closed by the interpreter and NOT by the system"), (ALL, "Landlock 7")):
        without(monkeypatch, held)
        model = load_model(file, limits=Limits(seconds=600.0 + len(word))).model
        subject = Subject("credit", model, test=Dataset(X, Y), positive=1)
        report = Audit(["AK201"]).run(subject)
        assert word in report.subject["model"]["apart"] == in_words(held)
        assert word in verdict(report.to_dict())
        monkeypatch.undo()
    live = Subject("credit", LogisticRegression().fit(X, Y), test=Dataset(X, Y), positive=1)
    assert "apart" not in live.describe()["model"]


@pytest.mark.linux
@pytest.mark.parametrize("lacking", ["memory", "files", "network"])
def test_what_is_required_and_does_not_hold_is_a_refusal(file, monkeypatch, lacking):
    key = {"memory": "limits", "files": "landlock", "network": "network"}[lacking]
    without(monkeypatch, {**ALL, key: NONE[key]})
    with pytest.raises(
        InputError, match=rf"refused: .*does not hold a process to what is required \({lacking}\)"
    ):
        load_model(file, limits=Limits(require=("memory", "files", "network")))
    others = tuple(one for one in ("memory", "files", "network") if one != lacking)
    assert isinstance(load_model(file, limits=Limits(require=others)).model, BoxedPredictor)
    assert isinstance(load_model(file).model, BoxedPredictor)
