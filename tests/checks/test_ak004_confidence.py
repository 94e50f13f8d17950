"""A confidence that tells right from wrong is measured as it was drawn; one that tells nothing is said to be no better than chance."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.metrics import roc_auc_score

from auditkit.checks.performance import confidence
from auditkit.data import make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.subject import Dataset, Subject


def run(subject, **options):
    return confidence(subject, rng=np.random.default_rng(0), **options)


def sure(n=500, seed=0, *, honest=True):
    """Label 1 is always given, with a confidence that is the chance of being right, or has nothing to do with it."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.5, 1, n)
    truth = (rng.random(n) < (p if honest else 0.75)).astype(int)
    model = from_callable(lambda X: np.column_stack([1 - X["p"], X["p"]]), classes=[0, 1])
    return Subject("sure", model, Dataset(pd.DataFrame({"p": p}), truth), positive=1)


def test_the_honest_twin_is_measured_as_drawn():
    # a right row has density p / 0.375 on [0.5, 1] and a wrong one (1 - p) / 0.125; the chance that the first is greater:
    grid = (np.arange(200_000) + 0.5) / 400_000 + 0.5
    right, wrong = grid / 0.375, (1 - grid) / 0.125
    below = np.cumsum(wrong) / 400_000
    expected = float((right * below).sum() / 400_000)
    draws, covered = 200, 0
    for seed in range(draws):
        m = run(sure(seed=seed)).measurement("error_detection_auc")
        covered += m.interval.low <= expected <= m.interval.high
    assert expected == pytest.approx(0.7222, abs=1e-3)
    assert binom.ppf(0.001, draws, 0.95) <= covered


def test_the_twin_whose_confidence_tells_nothing_is_said_to_be_no_better_than_chance():
    draws = 200
    quiet = sum("do not tell from chance" in run(sure(seed=s, honest=False)).says for s in range(draws))
    assert quiet >= binom.ppf(0.001, draws, 0.95)


def test_the_figures_are_those_of_the_field():
    subject = sure()
    found = run(subject)
    p, right = subject.test.X["p"].to_numpy(), subject.test.y == 1
    assert found.measurement("error_detection_auc").value == pytest.approx(roc_auc_score(right, p), abs=1e-12)
    kept = np.argsort(-p)[:400]
    assert found.measurement("accuracy_at_80pct_coverage").value == pytest.approx(
        right[kept].mean(), abs=1e-12
    )
    order = np.argsort(-p)
    risks = np.cumsum(~right[order]) / np.arange(1, 501)
    assert found.measurement("aurc").value == pytest.approx(risks.mean(), abs=1e-12)


def test_the_curve_ends_at_the_error_rate():
    subject = sure()
    table = run(subject).tables["risk_coverage"].frame()
    curve = table[table.series == "the model's confidence"]
    assert curve.value.iloc[-1] == pytest.approx((subject.test.y == 0).mean())
    flat = table[table.series.str.endswith("if it told nothing")]
    assert flat.value.nunique() == 1


def test_several_classes():
    assert run(make_multiclass()).measurement("error_detection_auc").value > 0.5


def test_a_model_that_is_always_right_has_nothing_to_tell():
    X = pd.DataFrame({"p": np.linspace(0.6, 0.9, 40)})
    model = from_callable(lambda X: np.column_stack([1 - X["p"], X["p"]]), classes=[0, 1])
    found = run(Subject("right", model, Dataset(X, np.ones(40, dtype=int)), positive=1))
    assert math.isnan(found.measurement("error_detection_auc").value)
    assert found.says.startswith("Every answer is right; ")


def test_what_has_no_confidence_is_told_apart():
    with pytest.raises(NotApplicable, match="regression"):
        run(make_regression())
    labels = from_callable(lambda X: (X["p"] > 0.7).astype(int).to_numpy(), classes=[0, 1], output="labels")
    with pytest.raises(NotApplicable, match="no probabilities"):
        run(Subject("labels", labels, sure().test, positive=1))
