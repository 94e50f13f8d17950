"""Anonymity of the data: figures by pandas groups a second way, and no count of a few people anywhere."""

import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier

from auditkit.checks.privacy import _withheld as withheld
from auditkit.checks.privacy import data_anonymity
from auditkit.data import make_regression
from auditkit.errors import InputError, NotApplicable
from auditkit.methods.equivalence import quantile_edges
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def subject_of(frame, y=None, sensitive=(), *, split="train"):
    labels = np.arange(len(frame)) % 2 if y is None else np.asarray(y)
    data = Dataset(frame, labels, sensitive_features=list(sensitive) or None)
    model = DummyClassifier().fit(frame, labels)
    few = data.take(np.arange(2))
    return (
        Subject("s", model, few, data, positive=1)
        if split == "train"
        else Subject("s", model, data, positive=1)
    )


def look(subject, **options):
    return data_anonymity(subject, rng=np.random.default_rng(0), **options)


def people(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], n),
            "place": rng.choice([f"p{i}" for i in range(20)], n, p=np.arange(20, 0, -1) / 210),
            "age": rng.integers(18, 90, n),
            "job": rng.choice([f"j{i}" for i in range(30)], n),
            "ill": rng.choice(["flu", "ulcer", "none"], n, p=[0.2, 0.05, 0.75]),
        }
    )


# the numbers, a second way -----------------------------------------------------------------------------


def by_pandas(frame, names, secret, k):
    sizes = frame.groupby(names, dropna=False)[secret].transform("size")
    distinct = frame.groupby(names, dropna=False)[secret].nunique(dropna=False)
    alike = frame.groupby(names, dropna=False)[secret].transform(lambda v: v.nunique(dropna=False))
    overall = frame[secret].value_counts(normalize=True)
    far = max(
        (part[secret].value_counts(normalize=True).reindex(overall.index, fill_value=0) - overall).abs().sum()
        / 2
        for _, part in frame.groupby(names, dropna=False)
    )
    return {
        "k_anonymity": sizes.min(),
        "unique": (sizes == 1).sum(),
        "small": (sizes < k).sum(),
        "l_diversity": distinct.min(),
        "homogeneous": (alike == 1).sum(),
        "t_closeness": far,
    }


@pytest.mark.parametrize("names", [["sex"], ["sex", "place"], ["place", "job"], ["sex", "place", "job"]])
def test_figures_are_those_of_pandas_groups(names):
    frame = people()
    found = look(subject_of(frame), quasi_identifiers=names, confidential="ill", k=4)
    wanted = by_pandas(frame, names, "ill", 4)
    value = {m.metric: m.value for m in found.measurements if m.group == " × ".join(names)}
    for metric in ("k_anonymity", "l_diversity"):
        assert value[metric] == wanted[metric]
    assert value["t_closeness"] == pytest.approx(wanted["t_closeness"], abs=0.0051)
    for metric, key in (
        ("unique_share", "unique"),
        ("small_class_share", "small"),
        ("homogeneous_share", "homogeneous"),
    ):
        assert value[metric] == pytest.approx(wanted[key] / 2000, abs=10 / 2000)  # rounded to tens


def test_the_search_finds_the_set_that_singles_out_most():
    frame = people(600)
    codes = frame.assign(age=np.searchsorted(quantile_edges(frame["age"], 10), frame["age"], side="right"))
    alone = {
        names: int((codes.groupby(list(names))["ill"].transform("size") == 1).sum())
        for size in (1, 2, 3)
        for names in itertools.combinations(frame.columns, size)
    }
    found = look(subject_of(frame), quasi_identifiers=["sex"])
    for size in (2, 3):
        best = max((names for names in alone if len(names) == size), key=alone.get)
        one = found.measurement("searched_unique_share", " × ".join(best))
        assert one.value == pytest.approx(alone[best] / 600, abs=5 / 600)


def test_a_sampling_fraction_speaks_of_the_population():
    frame = people(2000)
    sizes = frame.groupby(["place", "job"])["ill"].transform("size")
    alone, pairs = (sizes == 1).sum(), (sizes == 2).sum() / 2
    found = look(subject_of(frame), quasi_identifiers=["place", "job"], sampling_fraction=0.1)
    rate = found.measurement("correct_match_rate")
    # Skinner and Elliot: f n1 / (f n1 + 2 (1 - f) n2)
    assert rate.value == pytest.approx(0.1 * alone / (0.1 * alone + 2 * 0.9 * pairs), abs=0.0051)
    assert rate.interval.low < rate.value < rate.interval.high


# guilty and innocent -----------------------------------------------------------------------------------


def test_planted_uniques_are_counted():
    frame = pd.DataFrame({"place": ["x"] * 900 + [f"own {i}" for i in range(100)]})
    found = look(subject_of(frame), quasi_identifiers=["place"])
    assert found.measurement("k_anonymity").value == 1
    assert found.measurement("unique_share").value == 0.1
    assert "classes of fewer than 5 hold 10.0% of the records; the smallest class has 1 record" in found.says


def test_a_class_that_shares_its_secret_is_counted_however_large():
    frame = pd.DataFrame({"place": np.repeat(["x", "y"], 500), "ill": ["flu"] * 500 + ["flu", "none"] * 250})
    found = look(subject_of(frame), quasi_identifiers=["place"], confidential="ill")
    value = {m.metric: m.value for m in found.measurements if m.group == "place"}
    assert (value["k_anonymity"], value["l_diversity"], value["homogeneous_share"]) == (500, 1, 0.5)
    # flu has 3 in 4 of all records: all of it is a quarter away
    assert value["t_closeness"] == 0.25


def test_data_where_everybody_has_company_are_quiet():
    frame = pd.DataFrame(
        list(itertools.product("abcd", "xyz", range(2))) * 50, columns=["one", "two", "three"]
    )
    found = look(subject_of(frame, sensitive=["one", "two"]))
    value = {m.metric: m.value for m in found.measurements if m.group == "one × two"}
    assert (value["unique_share"], value["small_class_share"], value["k_anonymity"]) == (0, 0, 100)
    assert "classes of fewer than 5 hold no record;" in found.says
    assert "No set of columns that was searched singles out a record." in found.says


# small cells -------------------------------------------------------------------------------------------


@given(st.integers(0, 3000), st.integers(20, 3000))
@settings(deadline=None)
def test_a_count_of_a_few_is_never_shown_nor_its_complement(count, n):
    count = min(count, n)
    one = withheld.share("unique_share", count, n, "g")
    shown = round(one.value * n)
    if one.bound is None:
        assert shown in (0, n) or (shown % 10 == 0 and abs(shown - count) <= 5)
        assert count in (0, n) or min(count, n - count) >= 10
    else:
        assert 0 < min(count, n - count) < 10
        assert shown >= count if one.bound == "upper" else shown <= count
        assert shown == (min(10, n) if one.bound == "upper" else max(n - 10, 0))


@given(st.lists(st.integers(0, 40), min_size=2, max_size=8))
@settings(deadline=None)
def test_counts_of_a_row_cannot_be_had_by_subtraction(counts):
    shown = withheld.shown_counts(np.array(counts))
    hidden = np.isnan(shown)
    for count, one in zip(counts, shown, strict=True):
        assert np.isnan(one) or count == 0 or (count >= 10 and one % 10 == 0)
    if hidden.any() and not hidden.all():
        assert hidden.sum() >= 2
        assert np.array(counts)[hidden].sum() >= 10


def test_the_bound_of_a_withheld_count_is_judged_as_a_bound():
    frame = pd.DataFrame({"place": ["x"] * 1000 + ["own 1", "own 2", "own 3"]})
    one = look(subject_of(frame), quasi_identifiers=["place"]).measurement("unique_share")
    assert (one.value, one.bound) == (10 / 1003, "upper")
    assert "fewer than 10 records: the count is withheld" in one.reason


def test_no_value_of_a_record_is_in_the_evidence():
    rng = np.random.default_rng(0)
    n = 400
    tokens = {
        "word": [f"Zyxx{i}q" for i in range(n)],
        "number": 777_000_000 + rng.permutation(n) * 1013,
        "part": rng.normal(size=n) + 31337,
    }
    frame = pd.DataFrame(tokens | {"group": rng.choice(["Qwfp", "Arst"], n)})
    y = rng.choice([0, 1], n)
    text = json.dumps(look(subject_of(frame, y, ["group"]), sampling_fraction=0.2).to_dict())
    for token in ("Zyxx", "777", "3133", "Qwfp", "Arst"):
        assert token not in text
    assert "word, number" in text  # names of columns that alone name a record


def test_no_count_below_ten_is_written_anywhere_but_the_size_of_the_smallest_class():
    frame = people(300, seed=3)
    found = look(subject_of(frame), quasi_identifiers=["place", "job"])
    for words in found.tables["search"].frame()["alone"]:
        assert re.fullmatch(r"none|all|(all but )?fewer than 10|about [\d,]+0", words)
    shares = found.tables["classes"].frame()["value"].dropna() * 300
    assert all(abs(s / 10 - round(s / 10)) < 1e-9 for s in shares)


# what is looked at -------------------------------------------------------------------------------------


def test_sensitive_features_are_what_others_know_unless_columns_are_named():
    frame = people(500)
    assert (
        look(subject_of(frame, sensitive=["sex", "place"])).measurement("k_anonymity").group == "sex × place"
    )
    found = look(subject_of(frame))
    group = found.measurement("k_anonymity").group
    assert found.measurement("searched_unique_share", group).n == 500
    assert any("stands in for it" in note for note in found.notes)


def test_numbers_are_known_to_a_bin_unless_asked_otherwise():
    frame = pd.DataFrame({"income": np.random.default_rng(0).normal(size=1000)})
    assert look(subject_of(frame), quasi_identifiers=["income"]).measurement("k_anonymity").value == 100
    exact = look(subject_of(frame), quasi_identifiers=["income"], bins=0)
    assert exact.measurement("unique_share").value == 1
    assert any("known exactly" in note for note in exact.notes)


def test_dates_are_binned_and_names_of_records_are_not():
    frame = pd.DataFrame(
        {"born": pd.date_range("1950-01-01", periods=1000), "id": np.arange(1000), "sex": ["f", "m"] * 500}
    )
    found = look(subject_of(frame, sensitive=["sex"]))
    assert any("not put in larger sets: id." in note for note in found.notes)
    assert found.measurement("searched_unique_share", "born × sex").value == 0


def test_a_regression_keeps_its_target_confidential_in_bins():
    found = look(make_regression(n_train=400, n_test=60))
    assert found.measurement("l_diversity").value == 10
    assert found.rows["split"] == "train"


def test_without_training_rows_the_test_rows_are_looked_at():
    found = look(subject_of(people(200), sensitive=["sex"], split="test"))
    assert (found.rows["split"], found.rows["used"]) == ("test", 200)


def test_what_does_not_fit_is_refused():
    subject = subject_of(people(100))
    with pytest.raises(InputError, match="Did you mean 'place'"):
        look(subject, quasi_identifiers=["plac"])
    with pytest.raises(InputError, match="names no column"):
        look(subject, quasi_identifiers=[])
    with pytest.raises(InputError, match="no column"):
        look(subject, confidential="illness")
    with pytest.raises(InputError, match="both known and confidential"):
        look(subject, confidential="ill", quasi_identifiers=["ill"])
    recorded = from_predictions(scores=np.linspace(0.1, 0.9, 50), classes=[0, 1])
    with pytest.raises(NotApplicable, match="no column to look at"):
        look(Subject("s", recorded, Dataset(None, np.arange(50) % 2)))
