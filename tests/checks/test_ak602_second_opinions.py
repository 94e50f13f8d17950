"""AK602: other scanners are asked in a process of their own, and decide nothing."""

import os
import pickle

import pytest

from auditkit import Audit, load_policy
from auditkit.checks.artifact import opinions as check_
from auditkit.sandbox.process import Ended
from auditkit.scanning.artifacts.opinions import installed
from auditkit.targets.artifact import ModelFile

HOSTILE = b"cposix\nsystem\n(S'true'\ntR."


def run(data, checks=("second_opinions",)):
    return Audit(list(checks), load_policy(None)).run(ModelFile("file", data, "file.pkl"))


@pytest.fixture
def scanners():
    found = installed()
    if not found:
        if os.environ.get("CI"):
            pytest.fail("no scanner is installed")
        pytest.skip("no scanner is installed")
    return found


def test_what_every_scanner_knows_is_flagged_and_plain_data_are_not(scanners):
    told = {one.group: one.value for one in run(HOSTILE).of("AK602").measurements}
    assert told == {f"scanner={name}": 1.0 for name in scanners}
    told = {one.group: one.value for one in run(pickle.dumps({"a": [1, 2]})).of("AK602").measurements}
    assert set(told.values()) == {0.0}


def test_they_decide_nothing(scanners):
    both = run(pickle.dumps([1]), ("model_file", "second_opinions"))
    assert not [f for f in both.findings if f.check == "AK602" and f.criterion is not None]


def test_without_one_it_says_what_to_type(monkeypatch):
    monkeypatch.setattr(check_, "installed", dict)
    found = run(HOSTILE).of("AK602")
    assert found.outcome == "not_applicable"
    assert "pip install picklescan" in found.reason


def test_one_that_never_answers_cannot_say(monkeypatch, scanners):
    def hangs(*_):
        raise Ended("hang", "it took longer than 120 seconds and was stopped")

    monkeypatch.setattr(check_.Child, "ask", hangs)
    found = run(HOSTILE).of("AK602")
    assert found.measurements == ()
    assert set(found.tables["opinions"].columns["says"]) == {"cannot say"}
