"""The draft of a subject, pasted into its file, allows what an audit without it allows, and says what its reader must know."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import auditkit as ak
from auditkit import ThreatModel
from auditkit.predictors import from_callable

SENSITIVE = ["sex", "group", "age"]
HELD = {
    "age": "a sensitive feature",
    "sex": "a sensitive feature",
    "title": "gives sex away",
    "of_x": "gives group away",
    "of_y": "gives group away",
    "decade": "gives age away",
}


def people(n: int = 120) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return inputs, with some from which a sensitive feature follows, and all sensitive features, one of which is no input."""
    rng = np.random.default_rng(0)
    sex, group, age = rng.choice(["f", "m"], n), rng.choice(["x", "y"], n), rng.integers(20, 60, n)
    size = pd.Categorical(rng.choice(["S", "M", "L"], n), categories=["S", "M", "L"], ordered=True)
    X = pd.DataFrame(
        {
            "age": age, "sex": sex, "title": np.where(sex == "f", "Ms", "Mr"), "of_x": (group == "x") * 1,
            "of_y": (group == "y") * 1, "income": rng.normal(3, 1 / 3, n), "decade": age // 10, "land": "here",
            "job": rng.choice(list("abc"), n), "size": size,
        }
    )  # fmt: skip
    return X, pd.DataFrame({"sex": sex, "group": group, "age": np.where(age < 40, "young", "old")})


def subject(threat=None, *, weights=(1.0, 1.5), train: bool = True) -> ak.Subject:
    X, who = people()
    y = (X.income > 3).to_numpy() * 1

    def chance(rows: pd.DataFrame) -> np.ndarray:
        pull = weights[0] * (rows.income.to_numpy() - 3) + weights[1] * (rows.sex == "f").to_numpy() - 0.7
        p = 1 / (1 + np.exp(-3 * pull))
        return np.column_stack([1 - p, p])

    test = ak.Dataset(X.iloc[:80], y[:80], sensitive_features=who.iloc[:80].reset_index(drop=True))
    rows = ak.Dataset(X.iloc[80:].reset_index(drop=True), y[80:]) if train else None
    return ak.Subject("s", from_callable(chance, classes=[0, 1]), test, rows, positive=1, threat=threat)


def pasted(text: str) -> dict:
    return tomllib.loads(text)["threat"]


@pytest.mark.parametrize("train", [True, False])
def test_a_pasted_draft_allows_what_an_audit_without_it_allows(train):
    plain = subject(train=train)
    again = subject(pasted(plain.threat_model().to_toml()), train=train)
    for one, other in zip(plain.threat_model().features, again.threat_model().features, strict=True):
        assert replace(one, because="") == replace(other, because="")
    for word in ("low", "high", "step", "mutable", "direction", "scale", "category_cost", "n_categories"):
        np.testing.assert_array_equal(
            getattr(plain.threat_model().space, word), getattr(again.threat_model().space, word)
        )


def test_an_audit_with_the_pasted_draft_holds_the_same_inputs_and_finds_the_same():
    plain = subject()
    again = subject(pasted(plain.threat_model().to_toml()))
    plan = {
        "decision_attack": {"rows": 40, "max_calls": 40, "radius": 1.0},
        "score_attack": {"rows": 40, "max_calls": 20},
    }
    before, after = (ak.Audit(plan).run(one, seed=0) for one in (plain, again))
    for name, rate in (
        ("decision_attack", "attack_success_rate"),
        ("score_attack", "score_attack_success_rate"),
    ):
        one, other = before.of(name), after.of(name)
        changes = [dict(zip(e.tables["allowed"].columns["column"], e.tables["allowed"].columns["changes"], strict=True))
                   for e in (one, other)]  # fmt: skip
        assert changes[0] == changes[1]
        assert all(changes[0][name] == "no" for name in HELD if name in changes[0])
        assert one.measurement(rate).value == other.measurement(rate).value
        assert one.notes[0] == other.notes[0]


def test_the_draft_says_of_each_input_it_holds_why():
    text = subject().threat_model().to_toml()
    for name, why in HELD.items():
        assert f'    "{name}",  # {why}\n' in text
    assert '    "land",  # has one value only\n' in text
    assert pasted(text)["immutable"] == [name for name in people()[0] if name in HELD or name == "land"]


def test_what_an_option_holds_takes_the_place_of_what_a_draft_holds_and_adds_to_what_was_given():
    assert [one.name for one in subject().threat_model(immutable=["job"]).features if not one.mutable] == [
        "land",
        "job",
    ]
    given = subject(pasted(subject().threat_model().to_toml())).threat_model(immutable=["job"])
    assert {column for one in given.features if not one.mutable for column in one.columns} == {
        *HELD,
        "land",
        "job",
    }


@pytest.mark.parametrize(
    ("norm", "radius", "cost", "none"),
    [
        ("l2", 0.5, 1.0, True),
        ("l2", 1.0, 1.0, False),
        ("linf", 0.5, 0.5, False),
        ("l1", 2.0, 3.0, True),
        ("l0", 1.0, 3.0, False),  # l0 counts columns, whatever they cost
        ("l0", 0.5, 0.1, True),
    ],
)
def test_it_says_where_no_category_can_change(norm, radius, cost, none):
    rows = pd.DataFrame({"income": [1.5, 2.5, 10.0], "job": ["a", "b", "a"], "land": ["x", "y", "y"]})
    threat = ThreatModel.draft(
        rows, norm=norm, radius=radius, features={"job": {"cost": cost}, "land": {"cost": cost + 1}}
    )
    text = threat.to_toml()
    assert ("# no category can change within this radius" in text) == none
    job = text.partition('[threat.features."job"]\n')[2].splitlines()[0]
    assert ("more than the radius" in job) == none
    assert ThreatModel.draft(rows, **pasted(text)).radius == radius


def test_a_radius_is_written_in_full():
    threat = ThreatModel.draft(people()[0], radius=0.123456789)
    assert pasted(threat.to_toml())["radius"] == 0.123456789


def test_a_radius_that_numpy_made_is_written_as_a_number():
    threat = ThreatModel.draft(people()[0]).within(np.linspace(0.25, 1, 4)[1])
    assert pasted(threat.to_toml())["radius"] == 0.5


def test_a_comment_is_one_line_whatever_a_column_is_called():
    threat = ThreatModel.draft(people()[0]).hold("title", because="gives sex\nof applicant away")
    text = threat.to_toml()
    assert '"title",  # gives sex of applicant away' in text
    assert pasted(text)["immutable"] == ["title", "land"]


@pytest.mark.filterwarnings("error")
def test_ends_between_which_a_column_of_short_floats_holds_no_value_are_taken_as_said():
    rows = pd.DataFrame({"a": np.array([0.05, 0.2, 0.33], dtype=np.float32)})
    space = ThreatModel.draft(rows).edit("a", low=0.1, high=0.1).space
    assert (space.low[0], space.high[0]) == (0.1, 0.1)
    far = ThreatModel.draft(rows).edit("a", high=1e300).space  # beyond the largest
    assert far.high[0] == np.finfo(np.float32).max
