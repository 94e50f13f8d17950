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
from auditkit.threat.draft import of_a_life
from auditkit.threat.feature import Feature

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


# --- what its name says of a life


def aged(**said) -> ak.Subject:
    """Return a model that grants to the young, of people whose age is no sensitive feature; below 40 is granted."""
    rng = np.random.default_rng(1)
    age = rng.integers(20, 60, 120)
    X = pd.DataFrame({"age": age, "debt": rng.normal(size=120), "year_of_birth": 2020 - age})
    grants = from_callable(lambda rows: np.where(rows["age"] < 40, "granted", "refused"), output="labels")
    return ak.Subject(
        "aged", grants, ak.Dataset(X, np.where(age < 40, "granted", "refused")), positive="granted", **said
    )


def test_an_age_only_rises_and_a_birth_stays_with_the_reason_beside_it():
    threat = aged().threat_model()
    assert [(one.mutable, one.direction) for one in threat.features] == [
        (True, "up"),
        (True, "both"),
        (False, "both"),
    ]
    text = threat.to_toml()
    assert 'direction = "up"  # by its name an age, which only rises\n' in text
    assert '"year_of_birth",  # by its name of a birth, which does not change\n' in text
    again = aged(threat=pasted(text)).threat_model()
    assert [(one.mutable, one.direction) for one in again.features] == [
        (one.mutable, one.direction) for one in threat.features
    ]
    before = aged().test.X.iloc[:2]
    older, younger = (before.assign(age=before["age"].to_numpy() + by) for by in (1, -1))
    assert not threat.violations(before, older).to_numpy().any()
    assert threat.violations(before, younger)["age"].all()


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("age", "up"), ("Age", "up"), ("applicant_age", "up"), ("ageYears", "up"), ("AGE", "up"), ("years of age", "up"),
        ("average_age", "both"), ("age_of_youngest_child", "both"), ("page", "both"), ("wage", "both"), ("age_gap", "both"),
        ("dob", "held"), ("DateOfBirth", "held"), ("birth_weight", "both"), ("months", "both"),
        ("credit_history", "held"), ("foreign_worker", "held"), ("Nationality", "held"), ("native_country", "held"), ("native_app", "both"), ("IsForeign", "held"),
        ("credit_history_length", "both"), ("foreign_exchange", "both"), ("national_bank", "both"), ("history_score", "both"),
    ],
)  # fmt: skip
def test_names_that_are_an_age_or_a_birth(name, way):
    one = of_a_life(Feature(name=name, columns=(name,), kind="integer"))
    assert (one.direction if one.mutable else "held") == way


@pytest.mark.parametrize(
    "name",
    [
        "sex", "Sex", "personal_status_sex", "personal_status_and_sex", "gender", "applicant_gender", "genderIdentity", "sex_at_birth", "is_female", "male",
        "race", "race_ethnicity", "Ethnicity", "ethnic_group", "ethnic-origin", "skin_color",
        "religion", "religious_affiliation", "has_disability", "disabled", "sexual_orientation", "is_pregnant",
        "marital-status", "MaritalStatus", "MARRIAGE", "maritalstatus", "is_married", "personal_status", "civil status",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["integer", "categorical"])
def test_who_somebody_is_stays(name, kind):
    values = ("a", "b") if kind == "categorical" else ()
    one = of_a_life(Feature(name=name, columns=(name,), kind=kind, values=values))
    assert not one.mutable
    assert "who somebody is" in one.because


@pytest.mark.parametrize(
    "name",
    [
        "essex", "sussex_branch", "trace", "trace_id", "traceId", "embrace", "grace_period", "terrace", "racetime", "race_time", "arms_race",
        "engender", "unisex", "sexton", "sex_ratio_of_district", "gender_pay_gap", "female_headed_household", "tamale", "females",
        "region", "religion_class_hours", "disability_insurance", "disabled_features", "marital_counselling", "unmarried_partners", "martial",
        "status", "personal", "personal_loan", "civil", "civil_case", "status_of_account", "person_status", "orientation", "skin", "birth_group", "ethics",
    ],
)  # fmt: skip
def test_a_name_of_which_a_word_is_only_a_part_says_nothing(name):
    one = Feature(name=name, columns=(name,), kind="integer")
    assert of_a_life(one) == one


def test_a_block_of_columns_is_read_by_what_they_share():
    def block(*columns):
        rows = [tuple(float(i == j) for j in range(len(columns))) for i in range(len(columns))]
        return of_a_life(
            Feature(name=" × ".join(columns), columns=columns, kind="categorical", values=tuple(rows))
        ).mutable

    assert not block("sex_male", "sex_female")
    assert not block("race=White", "race=Asian-Pac-Islander", "race=Other")
    assert block("trace_a", "trace_b")
    assert block("sex_male", "job_cook"), "they share nothing"
    assert block("foreign_bond", "foreign_loan"), "what is past is read of single inputs only"
    assert block("age", "sex"), "together by hand, without a beginning"


def test_who_somebody_is_stays_in_the_form_and_in_every_attack_unless_said_otherwise():
    X = pd.DataFrame({"personal_status_sex": ["male single", "female"] * 40, "debt": np.arange(80.0)})
    grants = from_callable(lambda rows: np.where(rows["debt"] < 40, "granted", "refused"), output="labels")
    subject = ak.Subject(
        "german", grants, ak.Dataset(X, np.where(X["debt"] < 40, "granted", "refused")), positive="granted"
    )
    held, free = subject.threat_model().features
    assert (held.mutable, free.mutable) == (False, True)
    assert all(one.mutable for one in subject.threat_model(immutable=[]).features)
    assert (
        '"personal_status_sex",  # by its name who somebody is, which nobody is asked to change\n'
        in subject.threat_model().to_toml()
    )


def test_ages_in_words_have_no_direction_and_what_somebody_said_stays():
    bands = Feature(name="age", columns=("age",), kind="categorical", values=("young", "old"))
    assert of_a_life(bands) == bands
    assert (
        aged(threat={}).threat_model().features[0].direction == "both"
    )  # a table says what holds, and no more
    assert aged().threat_model(immutable=[]).features[2].mutable  # in place of what a draft holds


def test_no_way_and_no_attack_makes_anybody_younger():
    plan = {
        "counterfactuals": {"rows": 20, "max_calls": 30},
        "decision_attack": {"rows": 60, "max_calls": 40, "radius": 9.0},
    }
    report = ak.Audit(plan).run(aged(), seed=0)
    ways, attack = report.of("counterfactuals"), report.of("decision_attack")
    rate = next(m for m in ways.measurements if m.metric == "recourse_rate" and m.group is None)
    assert rate.value == 0  # who is 40 or more would have to be younger
    assert ways.says.startswith(
        "Under drafted rules that nobody has checked (age upwards, debt may change): "
    )
    assert any("age up only (by its name an age, which only rises)" in note for note in ways.notes)
    free = ak.Audit(plan).run(aged(threat={"immutable": ["year_of_birth"], "norm": "l1"}), seed=0)
    rate = next(
        m for m in free.of("counterfactuals").measurements if m.metric == "recourse_rate" and m.group is None
    )
    assert rate.value == 1  # both ways, every record has one
    assert (
        attack.measurement("attack_success_rate").value
        < free.of("decision_attack").measurement("attack_success_rate").value
    )
