"""AK501: rows that have moved away from those the model was trained on, and rows that have not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from auditkit import Audit, Criterion, Dataset, Subject
from auditkit.checks.drift._columns import drifted, in_cells
from auditkit.predictors import from_callable

MODEL = from_callable(lambda X: np.ones(len(X), int), classes=[0, 1], output="labels")


def rows(rng, n, shift=0.0, rent=0.3, missing=0.1, women=0.5):
    a = rng.normal(shift, 1, n)
    a[rng.random(n) < missing] = np.nan
    home = np.where(rng.random(n) < rent, "rent", "own").astype(object)
    home[rng.random(n) < 0.002] = "boat"
    X = pd.DataFrame({"a": a, "b": rng.integers(1000, size=n), "home": home, "flag": rng.random(n) < 0.5})
    return Dataset(X, rng.integers(2, size=n), {"sex": np.where(rng.random(n) < women, "f", "m")})


def evidence(seed=0, n=600, m=500, options=None, **moved):
    rng = np.random.default_rng(seed)
    train, test = rows(rng, n), rows(rng, m, **moved)
    subject = Subject("s", MODEL, test, train)
    report = Audit(
        {"data_drift": {"rows": 100, **(options or {})}}, [Criterion("largest_drift_psi", at_most=0.1)]
    ).run(subject, seed=0)
    return report, report.of("AK501")


@pytest.mark.parametrize(
    ("moved", "column"),
    [({"shift": 1.0}, "a"), ({"rent": 0.8}, "home"), ({"missing": 0.6}, "a"), ({"women": 0.95}, "sex")],
)
def test_the_column_that_moved_is_named_and_the_others_are_not(moved, column):
    report, found = evidence(n=1500, m=1500, **moved)
    headline = found.measurement("largest_drift_psi")
    assert headline.reason.startswith(f"{column}, of 5")
    assert headline.interval.low > 0.1
    assert headline.p_adjusted < 1e-6
    assert [f.status for f in report.findings if f.judged] == ["fail"]
    assert found.measurement("drifted_column_share").value >= 0.2
    quiet = [m for m in found.measurements if m.metric == "drift_psi" and m.group not in (column, None)]
    assert all(m.p_value > 0.001 for m in quiet)


def test_rows_drawn_alike_are_not_said_to_have_moved():
    alarms, runs = 0, 120
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        train, test = rows(rng, 300), rows(rng, 250)
        columns = [in_cells("a", train.X["a"].to_numpy(), test.X["a"].to_numpy(), coded=False)]
        columns += [in_cells("b", train.X["b"].to_numpy(float), test.X["b"].to_numpy(float), coded=False)]
        columns += [
            in_cells(
                "home",
                *(
                    pd.factorize(pd.Categorical(d.X["home"], ["own", "rent", "boat"]), sort=True)[0].astype(
                        float
                    )
                    for d in (train, test)
                ),
                coded=True,
            )
        ]
        alarms += 3 * min(drifted(one, 0.95).p_value for one in columns) <= 0.05
    assert stats.binomtest(alarms, runs, 0.05, alternative="greater").pvalue > 0.001


def test_the_innocent_twin_is_met_where_there_are_rows_enough():
    report, found = evidence(n=4000, m=4000)
    assert [f.status for f in report.findings if f.judged] == ["pass"]
    assert found.measurement("domain_auc").interval.low < 0.5
    assert found.measurement("domain_auc").p_value > 0.001


def test_the_classifier_tells_rows_apart_whose_columns_go_together_in_another_way():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 2000))
    with_it = Dataset(pd.DataFrame({"x": x[:1000], "y": y[:1000]}), rng.integers(2, size=1000))
    apart = Dataset(
        pd.DataFrame({"x": x[1000:], "y": 0.95 * x[1000:] + 0.3 * y[1000:]}), rng.integers(2, size=1000)
    )
    found = Audit({"data_drift": {}}).run(Subject("s", MODEL, apart, with_it), seed=0).of("AK501")
    assert found.measurement("domain_auc").interval.low > 0.7
    assert found.measurement("drifted_column_share").value == 0


def test_below_the_minimum_nothing_is_said_and_the_rows_needed_are():
    report, found = evidence(n=600, m=60, shift=3.0)
    (finding,) = [f for f in report.findings if f.judged]
    assert finding.status == "inconclusive"
    assert found.measurement("largest_drift_psi").n_needed == 200
    assert "at least 100 of each are needed" in found.says


def test_an_index_that_the_noise_hides_says_how_many_rows_would_show_it():
    _, found = evidence(n=150, m=150)
    assert found.measurement("drift_psi", "b").n_needed > 300


def test_the_p_value_of_a_number_is_made_of_the_two_tests_that_scipy_makes():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=400), rng.normal(0.1, 1.3, size=300)
    found = drifted(in_cells("x", x, y, coded=False), 0.95)
    edges = np.quantile(x, np.arange(1, 10) / 10, method="lower")
    counts = [np.bincount(np.searchsorted(edges, part), minlength=10) for part in (x, y)]
    cells = stats.chi2_contingency(counts, correction=False).pvalue
    assert found.p_value == pytest.approx(2 * min(cells, stats.ks_2samp(x, y).pvalue))


def test_without_training_rows_it_does_not_apply():
    rng = np.random.default_rng(0)
    found = Audit(["data_drift"]).run(Subject("s", MODEL, rows(rng, 200)), seed=0).of("AK501")
    assert found.outcome == "not_applicable"
    assert "training" in found.reason


def test_columns_that_were_not_looked_at_are_counted():
    _, found = evidence(options={"columns": 2})
    assert any("2 inputs were not looked at" in note for note in found.notes)


def test_one_value_has_no_index_and_says_why():
    flat = in_cells("x", np.ones(200), np.ones(200), coded=False)
    assert np.isnan(drifted(flat, 0.95).stability.value)


def test_infinite_numbers_and_names_of_rows_are_columns_like_any_other():
    rng = np.random.default_rng(0)
    x = np.where(rng.random(400) < 0.3, np.inf, rng.normal(size=400))
    assert drifted(in_cells("x", x[:200], x[200:], coded=False), 0.95).p_value > 0.001
    names = in_cells("id", np.arange(200.0), np.arange(200.0, 400.0), coded=True)
    assert drifted(names, 0.95).p_value == 1  # no value comes twice: there is nothing to compare
