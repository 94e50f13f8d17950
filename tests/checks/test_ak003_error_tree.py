"""Errors that were planted under a rule are found there with their rate; errors that fall anywhere are told from chance at the stated rate."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.metrics import roc_auc_score

from auditkit.checks.performance import error_tree
from auditkit.data import make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def run(subject, seed=0, **options):
    return error_tree(subject, rng=np.random.default_rng(seed), **options)


def erring(inside, outside=0.1, n=1000, seed=0, cut=0.7):
    """A model that always says 0, and errs at one rate where u lies above `cut` and kind is "a", and at another elsewhere."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"u": rng.random(n), "v": rng.normal(size=n), "kind": rng.choice(["a", "b"], n)})
    weak = (X["u"] > cut) & (X["kind"] == "a")
    y = (rng.random(n) < np.where(weak, inside, outside)).astype(int)
    model = from_callable(lambda X: np.zeros(len(X), dtype=int), classes=[0, 1], output="labels")
    return Subject("erring", model, Dataset(X, y), positive=1)


def test_the_guilty_twin_is_found_under_its_rule():
    draws, named, covered = 20, 0, 0
    for seed in range(draws):
        found = run(erring(0.6, n=3000, seed=seed), seed=seed)
        worst = found.tables["rules"].frame().iloc[0]
        named += "kind is a" in worst.label and (
            "u above 0.7" in worst.label or "u above 0.69" in worst.label
        )
        covered += worst.low < 0.6 < worst.high
        assert worst.low > found.measurement("error_rate").value
        assert found.measurement("error_predictability_auc").interval.low > 0.55
        assert found.says.startswith("Under the rule")
    assert named >= 16
    assert covered >= binom.ppf(0.001, draws, 0.9)  # now and then the tree cuts once more


def test_the_innocent_twin_is_quiet_at_the_stated_rate():
    draws, told, rules = 100, 0, 0
    for seed in range(draws):
        found = run(erring(0.2, outside=0.2, n=400, seed=seed), seed=seed)
        told += found.measurement("error_predictability_auc").interval.low > 0.5
        known = [m for m in found.measurements if m.metric == "leaf_error_rate" and m.interval]
        rules += any(not m.interval.low <= 0.2 <= m.interval.high for m in known)
    assert told <= binom.ppf(0.999, draws, 0.03)
    assert rules <= binom.ppf(0.999, draws, 0.06)


def test_every_row_falls_under_one_rule_and_rates_are_those_of_the_other_half():
    subject = erring(0.5, n=800)
    found = run(subject)
    rates = [m for m in found.measurements if m.metric == "leaf_error_rate"]
    assert sum(m.n for m in rates) == 400
    total = sum(m.value * m.n for m in rates if m.n)
    assert total / 400 == pytest.approx(found.measurement("error_rate").value, abs=1e-12)


def test_the_rate_of_a_rule_is_that_of_the_rows_it_names():
    subject = erring(0.6, n=2000)
    found = run(subject, leaves=2, smallest=200)
    order = np.random.default_rng(0).permutation(2000)
    here = np.sort(order[1000:])
    X, wrong = subject.test.X.iloc[here], subject.test.y[here] == 1
    for m in (m for m in found.measurements if m.metric == "leaf_error_rate"):
        column, _, rest = m.group.partition(" ")
        if column == "kind":
            under = X["kind"].to_numpy() == rest.removeprefix("is ")
        else:
            word, value = rest.split(" ")[0], float(rest.split(" ")[-1])
            under = (X[column] > value) if word == "above" else (X[column] <= value)
        assert m.n == pytest.approx(under.sum(), abs=3)  # the cut is rounded in words
        assert m.value == pytest.approx(wrong[np.asarray(under)].mean(), abs=0.01)


def test_the_auc_is_scikit_learns_of_the_rates_the_tree_learned():
    found = run(erring(0.6, n=1000), leaves=2, smallest=100)
    rates = [m for m in found.measurements if m.metric == "leaf_error_rate"]
    assert len(rates) == 2
    # with two rules the AUC follows from the counts alone
    (a, b) = rates  # the worse first
    wrong = np.r_[np.ones(round(a.value * a.n)), np.zeros(a.n - round(a.value * a.n)), np.ones(round(b.value * b.n)), np.zeros(b.n - round(b.value * b.n))]  # fmt: skip
    score = np.r_[np.ones(a.n), np.zeros(b.n)]
    assert found.measurement("error_predictability_auc").value == pytest.approx(
        roc_auc_score(wrong, score), abs=1e-12
    )


def test_any_task_and_recorded_predictions():
    assert run(make_multiclass()).measurement("error_rate").n > 0
    subject = erring(0.6, n=400, seed=0)
    found, wrong = run(subject), subject.answers().labels != subject.test.y
    assert (
        f" over all 200 rows of the measured half (over all 400 test rows {wrong.mean():.1%})" in found.says
    )
    assert "largest tenth" in run(make_regression()).says
    subject = erring(0.6, n=600)
    recorded = Subject(
        "r", from_predictions(labels=np.zeros(600, dtype=int), classes=[0, 1]), subject.test, positive=1
    )
    assert run(recorded).measurements == run(subject).measurements


def test_what_cannot_be_halved_or_has_no_error_is_told():
    with pytest.raises(NotApplicable, match="too few to halve"):
        run(erring(0.5, n=60))
    with pytest.raises(NotApplicable, match="is right"):
        run(erring(0.0, outside=0.0, n=200))


def test_a_regression_whose_errors_are_all_as_large_is_not_called_right():
    X = pd.DataFrame({"a": np.random.default_rng(0).normal(size=400)})
    model = from_callable(lambda X: np.zeros(len(X)), output="values")
    y = np.where(X["a"] > 0.5, 5.0, 0.0)  # three in ten are off by 5, none by more
    with pytest.raises(NotApplicable, match="as large as the largest"):
        run(Subject("steps", model, Dataset(X, y), task="regression"))
