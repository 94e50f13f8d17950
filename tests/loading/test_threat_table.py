"""The ``[threat]`` table of a subject file."""

from __future__ import annotations

import pandas as pd
import pytest

from auditkit import load_subject
from auditkit.errors import InputError


@pytest.fixture
def folder(tmp_path):
    rows = pd.DataFrame(
        {"age": [20, 30, 40, 50], "job": ["a", "b", "a", "b"], "y": [0, 1, 0, 1], "p": [0.1, 0.9, 0.2, 0.8]}
    )
    rows[["age", "job", "y"]].to_csv(tmp_path / "test.csv", index=False)
    rows[["p"]].to_csv(tmp_path / "p.csv", index=False)
    return tmp_path


def load(folder, table: str):
    text = '[model]\npredictions = { path = "p.csv", score = "p" }\n[data.test]\npath = "test.csv"\ntarget = "y"\npositive = 1\n'
    (folder / "s.toml").write_text(text + table, encoding="utf-8")
    return load_subject(folder / "s.toml")


def test_it_becomes_the_subjects_threat_model(folder):
    table = '[threat]\nradius = 1.5\nnorm = "l1"\nimmutable = ["job"]\nrules = ["age >= was(age)"]\n[threat.features.age]\nhigh = 90\n'
    subject = load(folder, table)
    threat = subject.threat_model()
    assert (threat.radius, threat.norm, threat.rules) == (1.5, "l1", ("age >= was(age)",))
    assert [one.mutable for one in threat.features] == [True, False]
    assert threat.features[0].high == 90
    assert subject.describe()["threat"]["features"][0]["high"] == 90


def test_left_out_it_is_a_draft(folder):
    subject = load(folder, "")
    assert subject.threat is None
    assert subject.threat_model().features[0].high == 50
    assert "threat" not in subject.describe()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[threat]\nradios = 1\n", "no key 'threat.radios'. Did you mean 'radius'?"),
        ('[threat]\nnorm = "l5"\n', "threat.norm"),
        ('[threat]\nimmutable = ["agee"]\n', "no input named 'agee'"),
        ('[threat]\nrules = ["agee > 1"]\n', "no column named 'agee'"),
        ("[threat.features.age]\nhihg = 1\n", "hihg"),
    ],
)
def test_mistakes_are_told_with_the_file(folder, table, said):
    with pytest.raises(InputError) as caught:
        load(folder, table)
    assert "s.toml" in str(caught.value)
    assert said in str(caught.value)
