"""AK108: the Local Law 144 table, by hand and with pandas, and what its summary lacks."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from auditkit import Audit, Dataset, Subject
from auditkit.checks.bias import nyc_ll144
from auditkit.data import make_biased
from auditkit.errors import InputError, NotApplicable
from auditkit.predictors import from_predictions
from auditkit.statistics import ratio_bounds

RATIO, RATE, SCORING, UNKNOWN = (
    "ll144_impact_ratio", "ll144_selection_rate", "ll144_scoring_rate", "ll144_unknown_share"
)  # fmt: skip


def observe(subject, **options):
    return nyc_ll144(subject, rng=np.random.default_rng(0), **options)


def selecting(said, frame):
    data = Dataset(None, np.resize([0, 1], len(said)), pd.DataFrame(frame))
    return Subject("tool", from_predictions(labels=np.asarray(said).astype(int)), data)


def scoring(scores, frame):
    data = Dataset(None, np.asarray(scores) + 0.5, pd.DataFrame(frame))
    return Subject("tool", from_predictions(labels=np.asarray(scores, dtype=float)), data, task="regression")


def applicants(n, seed, female=0.5):
    """Return applicants of two sexes and three categories of race; `female` is the selection rate of women."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["Female", "Male"], n)
    race = rng.choice(["Asian", "Black", "White"], n, p=[0.2, 0.3, 0.5])
    return rng.random(n) < np.where(sex == "Female", female, 0.5), {"sex": sex, "race_ethnicity": race}


# guilty and innocent twins


def test_a_planted_ratio_is_found_with_its_sign_and_size():
    evidence = observe(selecting(*applicants(6000, 0, female=0.3)))
    m = evidence.measurement(RATIO, "sex=Female")
    assert m.interval.low <= 0.6 <= m.interval.high < 0.8
    assert m.reason == "against Male"
    assert not [one for one in evidence.measurements if one.metric == RATIO and one.group == "sex=Male"]
    for race in ("Asian", "Black", "White"):
        both = evidence.measurement(RATIO, f"sex × race_ethnicity=Female, {race}")
        assert both.value < 0.8
        assert "Male" in both.reason


def test_alike_categories_raise_no_more_alarms_than_stated():
    off = {"sex": 0, "race_ethnicity": 0, "sex × race_ethnicity": 0}
    for seed in range(200):
        found = observe(selecting(*applicants(500, seed))).measurements
        for name in off:
            ratios = [m for m in found if m.metric == RATIO and m.group.split("=")[0] == name]
            off[name] += any(m.interval.high < 1 for m in ratios)
    assert max(off.values()) <= stats.binom.ppf(1 - 1e-3, 200, 0.05)


# side by side


def test_the_table_is_that_of_counting_with_pandas():
    said, frame = applicants(900, 3, female=0.4)
    evidence = observe(selecting(said, frame))
    every = pd.DataFrame(frame).assign(said=said)
    for name in (["sex"], ["race_ethnicity"], ["sex", "race_ethnicity"]):
        rates = every.groupby(name).said.agg(["size", "sum", "mean"])
        rates["ratio"] = rates["mean"] / rates["mean"].max()
        table = evidence.tables[" × ".join(name)].frame().iloc[:-1]
        assert table.n.tolist() == rates["size"].tolist()
        assert table.selected.tolist() == rates["sum"].tolist()
        assert table.rate.tolist() == pytest.approx(rates["mean"].tolist())
        assert table.value.tolist() == pytest.approx(rates["ratio"].tolist())
        assert sum("most selected" in label for label in table.label) == 1
    sex = every.groupby("sex").said.agg(["sum", "size"])
    _, low, high = ratio_bounds(sex["sum"], sex["size"])
    ends = next(m.interval for m in evidence.measurements if m.metric == RATIO and m.group.startswith("sex="))
    assert (ends.low, ends.high) == pytest.approx((float(low), float(high)))


def test_scoring_rates_are_shares_above_the_median_of_all_records():
    rng = np.random.default_rng(4)
    sex = rng.choice(["Female", "Male", None], 601, p=[0.4, 0.4, 0.2])
    scores = rng.normal(np.where(sex == "Male", 1.0, 0.0), 1.0)
    evidence = observe(scoring(scores, {"sex": sex, "race": ["White", "Black"] * 300 + ["White"]}))
    above = scores > np.median(scores)  # of those of unknown sex too
    for one in ("Female", "Male"):
        assert evidence.measurement(SCORING, f"sex={one}").value == pytest.approx(above[sex == one].mean())
    ratio = above[sex == "Female"].mean() / above[sex == "Male"].mean()
    assert evidence.measurement(RATIO, "sex=Female").value == pytest.approx(ratio)
    assert "1 records score exactly that" in " ".join(evidence.notes)
    assert evidence.tables["sex"].columns["label"][1] == "Male (highest scoring)"


def test_a_classifier_can_be_read_as_a_scoring_tool():
    planted = make_biased(gap=0.3, n=2000, seed=1).subject
    selected = observe(planted, sex="group")
    assert any("output='scores'" in note for note in selected.notes)
    scored = observe(planted, sex="group", output="scores")
    assert {m.metric for m in scored.measurements} == {SCORING, RATIO, UNKNOWN}
    assert scored.measurement(RATIO, "group=B").value < 0.8


# unknowns and small categories


def test_unknowns_are_counted_and_in_no_rate():
    frame = {
        "sex": ["Female", "Male", "Unknown", None] * 50,
        "race": ["White", "prefer not to say", "Black", "White"] * 50,
    }
    evidence = observe(selecting([1, 0, 1, 1] * 50, frame))
    assert evidence.measurement(UNKNOWN, "sex").value == 0.5
    assert evidence.measurement(UNKNOWN, "race").value == 0.25
    assert evidence.measurement(UNKNOWN, "sex × race").value == 0.75  # either is unknown
    table = evidence.tables["sex"].frame()
    assert table.label.tolist() == ["Female (most selected)", "Male", "unknown"]
    assert table.n.tolist() == [50, 50, 100]
    kept = observe(selecting([1, 0, 1, 1] * 50, frame), unknown=["?"])
    assert kept.measurement(UNKNOWN, "sex").value == 0.25  # the missing alone


def test_small_categories_are_shown_as_excluded_with_their_counts_and_rates():
    race = np.repeat(["White", "Black", "Tiny"], [600, 390, 10])
    said = np.concatenate([np.resize([1, 0], 600), np.resize([1, 0, 0], 390), np.ones(10)])
    evidence = observe(selecting(said, {"race": race}))
    m = evidence.measurement(RATIO, "race=Tiny")
    assert math.isnan(m.value)
    assert "under 2% of the records" in m.reason
    assert evidence.measurement(RATE, "race=Tiny").value == 1
    assert evidence.measurement(RATIO, "race=Black").value == pytest.approx(2 / 3)
    row = evidence.tables["race"].frame().set_index("label").loc["Tiny"]
    assert (row.n, row.selected, row.rate) == (10, 10, 1)
    assert "left out" in row.remark
    assert "Excluded: race: Tiny." in evidence.tables["published summary"].summary
    whole = observe(selecting(said, {"race": race}), exclude_below=0)
    assert whole.measurement(RATIO, "race=White").value == 0.5


def test_intersections_without_records_are_noted():
    frame = {"sex": ["F", "F", "M"] * 20, "race": ["x", "y", "x"] * 20}
    assert "sex × race: no record has M, y" in observe(selecting([1, 0, 1] * 20, frame)).notes


def test_nobody_selected_has_no_ratio():
    evidence = observe(selecting([0] * 40, {"sex": ["F", "M"] * 20}))
    m = evidence.measurement(RATIO, "sex=M")
    assert math.isnan(m.value)
    assert "0 / 0" in m.reason


def test_one_category_has_no_ratio():
    m = observe(selecting([0, 1] * 20, {"sex": ["F"] * 40})).measurement(RATIO)
    assert math.isnan(m.value)
    assert "two known categories" in m.reason


@pytest.mark.parametrize(
    "word",
    ["Decline to self-identify", "Choose not to disclose", "I do not wish to answer", "nan", "None", "N/A", "", "Prefer Not To Say",
     "Unknown / not reported", "refused", "Undisclosed"],
)  # fmt: skip
def test_the_usual_words_for_unknown_are_no_category(word):
    sex = np.repeat(["Female", "Male", word], [400, 400, 200])
    evidence = observe(selecting(np.resize([0, 1, 1], 1000), {"sex": sex}))
    assert evidence.measurement(UNKNOWN, "sex").value == 0.2
    assert {m.group for m in evidence.measurements if m.metric == RATE} == {"sex=Female", "sex=Male"}
    assert any("counted as unknown: " in note for note in evidence.notes)


def test_a_word_with_such_letters_within_is_a_category_and_a_doubtful_one_is_noted():
    race = np.repeat(["Jewish", "Not Hispanic", "Nonesuch"], [400, 400, 200])
    evidence = observe(selecting(np.resize([0, 1, 1], 1000), {"race": race}))
    assert evidence.measurement(UNKNOWN, "race").value == 0
    noted = [note for note in evidence.notes if "look unknown" in note]
    assert len(noted) == 1
    assert "Not Hispanic. If" in noted[0]
    given = observe(
        selecting(np.resize([0, 1, 1], 1000), {"sex": np.resize(["F", "M", "Declined"], 1000)}), unknown=["?"]
    )
    assert any("look unknown and are counted as known: Declined" in note for note in given.notes)


# the published summary


def test_a_category_is_not_compared_with_itself():
    """With one category large enough there is a ratio of 1 by definition, and no comparison to report."""
    frame = {"sex": np.repeat(["Female", "Male"], [1, 199]), "race": np.repeat(["White", "Black"], [199, 1])}
    evidence = observe(selecting(np.resize([1, 0], 200), frame))
    assert evidence.says.startswith("No impact ratio by sex or race could be computed.")
    assert "no impact ratio is defined; 1 category is too small" in evidence.tables["sex"].summary
    assert items(evidence)["Impact ratios for all categories"] == "missing"


def items(evidence):
    table = evidence.tables["published summary"].frame()
    return dict(zip(table["item"], table["status"], strict=True))


def test_what_is_missing_from_the_summary_is_named():
    subject = selecting(*applicants(600, 0))
    bare = items(observe(subject))
    missing = [item for item, status in bare.items() if status == "missing"]
    assert missing == [
        "Date of the most recent bias audit",
        "Source and explanation of the data",
        "Distribution date of the tool",
    ]
    full = observe(
        subject, audit_date="2026-03-31", distribution_date=" 2025-07-01", data_source="applications of 2025"
    )
    assert set(items(full).values()) == {"present"}
    assert "9 of 9 items" in full.says


def test_a_feature_that_is_not_there_is_missing_from_the_summary():
    said, frame = applicants(600, 0)
    found = items(observe(selecting(said, {"sex": frame["sex"]})))
    assert found["Selection rates by sex"] == "present"
    for item in ("Selection rates by race or ethnicity", "Impact ratios for all categories",
                 "Number of individuals of unknown category"):  # fmt: skip
        assert found[item] == "missing"


def test_excluded_categories_need_a_justification():
    said, frame = applicants(600, 0)
    frame["sex"] = np.where(np.arange(600) < 5, "X", frame["sex"])
    subject = selecting(said, frame)
    assert items(observe(subject))["Justification for excluded categories"] == "missing"
    told = observe(subject, exclusion_reason="five records")
    assert items(told)["Justification for excluded categories"] == "present"


# names and inputs


def test_features_are_found_by_name_and_it_is_said():
    said, frame = applicants(100, 0)
    renamed = {"Gender": frame["sex"], "Ethnic group": frame["race_ethnicity"], "sexton": frame["sex"]}
    evidence = observe(selecting(said, renamed))
    assert "Sex is read from the feature 'Gender', found by its name." in evidence.notes
    assert set(evidence.tables) == {"Gender", "Ethnic group", "Gender × Ethnic group", "published summary"}
    named = observe(selecting(said, renamed), sex="sexton")
    assert "sexton" in named.tables


def test_without_such_features_it_says_what_to_type_and_decides_nothing():
    evidence = observe(make_biased(gap=0.3, n=300, seed=0).subject)
    (m,) = evidence.measurements
    assert math.isnan(m.value)
    assert 'sex="..."' in m.reason
    assert list(evidence.tables) == ["published summary"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sex": "sexx"}, "no sensitive feature"),
        ({"sex": "sex", "race": "sex"}, "two features"),
        ({"audit_date": "31.3.2026"}, "year-month-day"),
        ({"distribution_date": "soon"}, "distribution_date"),
    ],
)
def test_wrong_options_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        observe(selecting(*applicants(100, 0)), **options)


def test_what_cannot_be_done_is_said():
    said, frame = applicants(100, 0)
    with pytest.raises(NotApplicable, match="probabilities"):
        observe(selecting(said, frame), output="scores")
    with pytest.raises(NotApplicable, match="sensitive_features"):
        observe(Subject("s", from_predictions(labels=[0, 1]), Dataset(None, [0, 1])))
    with pytest.raises(InputError, match="categories"):
        observe(selecting([0, 1] * 100, {"sex": np.arange(200)}))


def test_a_million_rows_run_quickly(sorts_of_a_million):
    subject = selecting(*applicants(1_000_000, 0))
    began = sorts_of_a_million()
    observe(subject)
    assert sorts_of_a_million() - began < 120


def test_it_runs_in_an_audit_and_can_be_saved():
    report = Audit({"nyc_ll144": {"audit_date": "2026-03-31"}}).run(selecting(*applicants(300, 0)))
    (evidence,) = report.evidence
    assert type(evidence).from_dict(evidence.to_dict()).to_dict() == evidence.to_dict()
    assert "complian" not in evidence.says + evidence.does_not_say
