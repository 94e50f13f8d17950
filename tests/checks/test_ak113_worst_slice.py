"""AK113: a planted slice is found and confirmed at its size; chance alone confirms none."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from auditkit import Dataset, Subject
from auditkit.checks.bias import worst_slice
from auditkit.errors import InputError, NotApplicable
from auditkit.predictors import from_predictions


def planted(seed, lift, n=4000):
    """Return predictions that are wrong in 10%, and `lift` more where a=p and sex=f: one record of eight."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "a": rng.choice(list("pqrs"), n),
            "b": rng.choice(list("xyz"), n),
            "u": rng.random(n),
            "v": rng.normal(size=n),
            "w": rng.integers(0, 50, n),
        }
    )
    sex, y = rng.choice(["f", "m"], n), rng.integers(0, 2, n)
    wrong = rng.random(n) < np.where((X["a"] == "p") & (sex == "f"), 0.1 + lift, 0.1)
    data = Dataset(X, y, {"sex": sex})
    return Subject("planted", from_predictions(labels=np.where(wrong, 1 - y, y)), data, positive=1)


def observe(subject, seed=0, **options):
    return worst_slice(subject, rng=np.random.default_rng(seed), **options)


def confirmed(evidence):
    table = evidence.tables.get("comparison")
    if table is None:
        return []
    return [n for n, c in zip(table.columns["slice"], table.columns["confirmed"], strict=True) if c == "yes"]


def test_a_planted_slice_is_confirmed_in_95_of_100_draws():
    found, inside = 0, 0
    for seed in range(100):
        evidence = observe(planted(seed, 0.2), seed)
        found += any({"a=p", "sex=f"} <= set(name.split(", ")) for name in confirmed(evidence))
        ends = evidence.measurement("worst_slice_difference").interval
        inside += ends.low <= 0.2 <= ends.high
    assert found >= 95
    assert inside >= 93


def false_alarms(draws, n):
    evidence = [observe(planted(seed, 0.0, n), seed) for seed in range(draws)]
    ends = [e.measurement("worst_slice_difference").interval for e in evidence]
    return sum(bool(confirmed(e)) for e in evidence), sum(i is not None and i.low > 0 for i in ends)


def test_errors_at_random_confirm_no_slice_in_95_of_100_draws():
    by_test, by_interval = false_alarms(150, 1500)
    most = stats.binom.ppf(0.999, 150, 0.05)
    assert by_test <= most
    assert by_interval <= most


@pytest.mark.slow
@pytest.mark.parametrize("n", [400, 2000, 10_000])
def test_errors_at_random_confirm_no_slice_on_a_grid(n):
    by_test, by_interval = false_alarms(1000, n)
    assert by_test <= stats.binom.ppf(0.999, 1000, 0.05)
    assert by_interval <= 70


def test_the_rate_where_it_was_found_is_shown_beside_the_held_out_one():
    evidence = observe(planted(1, 0.0))
    table = evidence.tables["slices"].frame()
    then = table[table["series"] == "where it was found"]["value"].to_numpy()
    now = table[table["series"] == "held-out half"]["value"].to_numpy()
    assert then.mean() > 0.1 + 0.02  # the worst of a thousand looks worse than it is
    assert abs(now.mean() - 0.1) < 0.03
    assert set(table["n"]) != {0}


def test_tests_are_fishers_and_corrected_by_holm():
    table = observe(planted(2, 0.1), 2).tables["comparison"].frame()
    subject = planted(2, 0.1)
    here = np.sort(np.random.default_rng(2).permutation(4000)[2000:])
    wrong = (subject.answers().labels != subject.test.y)[here]
    for _, row in table.iterrows():
        hits, rest = round(row["held-out rate"] * row["records"]), 2000 - row["records"]
        others = wrong.sum() - hits
        expected = stats.fisher_exact([[hits, row["records"] - hits], [others, rest - others]], "greater")
        assert row["p (Fisher, one-sided)"] == pytest.approx(expected.pvalue, rel=1e-6)
    expected = multipletests(table["p (Fisher, one-sided)"], method="holm")[1]
    assert table["p (Holm)"].to_numpy() == pytest.approx(expected)


def test_selection_finds_who_is_refused_most():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"job": rng.choice(list("abc"), 3000), "age": rng.integers(18, 80, 3000)})
    sex = rng.choice(["f", "m"], 3000)
    said = (rng.random(3000) > np.where((X["job"] == "b") & (sex == "m"), 0.8, 0.4)).astype(int)
    subject = Subject(
        "s", from_predictions(labels=said), Dataset(X, rng.integers(0, 2, 3000), {"sex": sex}), positive=1
    )
    evidence = observe(subject, target="selection")
    assert [set(name.split(", ")) for name in confirmed(evidence)][:1] == [{"job=b", "sex=m"}]
    assert "not selected" in evidence.says
    (name,) = confirmed(evidence)
    assert evidence.measurement("slice_rate", name).value == pytest.approx(0.8, abs=0.1)


def test_a_regression_has_its_largest_errors():
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"k": rng.choice(list("abcd"), 3000), "z": rng.normal(size=3000)})
    y = rng.normal(size=3000) * np.where(X["k"] == "c", 3.0, 1.0)
    subject = Subject("r", lambda f: np.zeros(len(f)), Dataset(X, y), task="regression")
    assert confirmed(observe(subject))[:1] == ["k=c"]


def test_numbers_missing_values_and_rare_values_are_named_or_left_out():
    rng = np.random.default_rng(5)
    n = 2000
    age = rng.integers(18, 80, n).astype(float)
    age[:300] = np.nan
    X = pd.DataFrame({"age": age, "id": [f"person {i}" for i in range(n)]})
    wrong = np.isnan(age) & (rng.random(n) < 0.6)
    y = rng.integers(0, 2, n)
    subject = Subject("m", from_predictions(labels=np.where(wrong, 1 - y, y)), Dataset(X, y), positive=1)
    evidence = observe(subject)
    assert confirmed(evidence)[:1] == ["age missing"]
    assert "person" not in str(evidence)


def test_only_the_columns_named_form_slices():
    evidence = observe(planted(6, 0.2), features=["a", "sex"], depth=2)
    assert all(set(name.replace("=", " ").split()[::2]) <= {"a", "sex"} for name in confirmed(evidence))
    with pytest.raises(InputError, match="Did you mean 'sex'"):
        observe(planted(6, 0.2), features=["sexx"])


def test_what_cannot_be_searched_says_why():
    y = np.resize([0, 1], 300)
    data = Dataset({"x": np.arange(300) % 3}, y)
    right = Subject("right", from_predictions(labels=y), data, positive=1)
    m = observe(right).measurement("worst_slice_difference")
    assert np.isnan(m.value)
    assert "no slice" in m.reason
    with pytest.raises(NotApplicable, match="too few"):
        observe(Subject("few", from_predictions(labels=y[:50]), data.take(np.arange(50)), positive=1))
    with pytest.raises(NotApplicable, match="no column"):
        observe(Subject("none", from_predictions(labels=y), Dataset(None, y), positive=1))


def test_weights_that_are_all_alike_count_records():
    subject = planted(7, 0.2)
    data = [Dataset(subject.test.X, subject.test.y, sample_weight=w) for w in (None, np.full(4000, 2.0))]
    said = from_predictions(labels=subject.answers().labels)
    plain, weighted = (observe(Subject("w", said, one, positive=1)) for one in data)
    assert plain.measurements == weighted.measurements


def test_one_slice_is_spoken_of_in_the_singular():
    guilty = observe(planted(7, 0.2), slices_confirmed=1)
    assert "the worst one is confirmed" in guilty.says
    assert guilty.tables["comparison"].summary == "1 of 1 slice is confirmed."
    assert " of the one slice: " in guilty.tables["slices"].summary
    assert guilty.tables["slices"].summary.endswith(" of all records of that half.")
    assert guilty.notes[-1].startswith("Error rate of all 4,000 test records, both halves together: ")


def test_a_group_without_weight_divides_by_nothing():
    rng = np.random.default_rng(1)
    X, g = pd.DataFrame({"x": rng.normal(size=400)}), rng.choice(list("abc"), 400)
    y, weights = X.x * 3 + rng.normal(size=400), np.where(g == "c", 0.0, rng.integers(1, 4, 400))
    data = Dataset(X, y, {"g": g}, sample_weight=weights)
    subject = Subject("s", from_predictions(labels=X.x.to_numpy() * 3), data, task="regression")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evidence = worst_slice(subject, rng=np.random.default_rng(0))
    assert any("no weight of" in (m.reason or "") for m in evidence.measurements)
