"""A model that says too much, or too little, is found with its slope; one that says what is so is left alone."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import binom
from sklearn.calibration import calibration_curve

from auditkit import Audit
from auditkit.checks.performance import calibration
from auditkit.data import make_multiclass
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def run(subject, **options):
    return calibration(subject, rng=np.random.default_rng(0), **options)


def said(stretch, n=1000, seed=0, shift=0.0, weight=None):
    """Probabilities whose logits are `stretch` times what is so, and `shift` too high."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(size=n)
    truth = (rng.random(n) < expit(logit)).astype(int)
    p = expit(stretch * logit + shift)
    model = from_callable(lambda X: np.column_stack([1 - X["p"], X["p"]]), classes=[0, 1])
    return Subject("said", model, Dataset(pd.DataFrame({"p": p}), truth, sample_weight=weight), positive=1)


def number(slope=1.0, shift=0.0, n=500, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = slope * x + shift + rng.normal(size=n) * (0.5 + np.abs(x))
    model = from_callable(lambda X: X["x"].to_numpy(), output="values")
    return Subject("number", model, Dataset(pd.DataFrame({"x": x}), y), task="regression")


@pytest.mark.parametrize(("stretch", "words"), [(2.0, "too extreme"), (0.5, "too near their middle")])
def test_the_guilty_twin_is_found_with_its_slope(stretch, words):
    found = run(said(stretch, n=3000))
    slope = found.measurement("calibration_slope")
    assert slope.interval.low <= 1 / stretch <= slope.interval.high
    assert words in found.says
    assert found.measurement("expected_calibration_error").interval.low > 0.01


def test_a_shift_shows_in_the_large_and_not_in_the_slope():
    found = run(said(1.0, n=3000, shift=0.7))
    assert found.measurement("calibration_in_the_large").interval.high < -0.05  # too much was predicted
    slope = found.measurement("calibration_slope")
    assert slope.interval.low <= 1 <= slope.interval.high


def test_the_innocent_twin_is_quiet_at_the_stated_rate():
    draws = 300
    wrong = {"calibration_slope": 0, "calibration_in_the_large": 0, "expected_calibration_error": 0}
    for seed in range(draws):
        found = run(said(1.0, n=300, seed=seed))
        for metric, right in zip(wrong, (1, 0, 0), strict=True):
            m = found.measurement(metric)
            wrong[metric] += not m.interval.low <= right <= m.interval.high
    most = binom.ppf(0.999, draws, 0.06)
    assert all(count <= most for count in wrong.values()), wrong


def test_the_curve_is_scikit_learns():
    subject = said(1.5, n=1000)
    table = run(subject, bins=5).tables["reliability"]
    p = subject.test.X["p"].to_numpy()
    true, mean = calibration_curve(subject.test.y, p, n_bins=5, strategy="quantile")
    np.testing.assert_allclose(table.columns["value"], true, atol=0.006)  # bin edges fall a row apart
    np.testing.assert_allclose(table.columns["x"], mean, atol=0.006)


def test_the_mean_is_the_mean():
    subject = said(1.5, n=400)
    large = run(subject).measurement("calibration_in_the_large")
    assert large.value == pytest.approx(subject.test.y.mean() - subject.test.X["p"].mean(), abs=1e-12)


def test_rows_that_weigh_double_count_double():
    n = 300
    weight = np.where(np.arange(n) < 150, 2.0, 1.0)
    weighted = run(said(1.5, n=n, weight=weight))
    plain = said(1.5, n=n)
    twice = np.r_[np.arange(n), np.arange(150)]
    X, y = plain.test.X.iloc[twice].reset_index(drop=True), plain.test.y[twice]
    doubled = run(Subject("twice", plain.model, Dataset(X, y), positive=1))
    for metric in ("calibration_slope", "calibration_in_the_large"):
        assert weighted.measurement(metric).value == pytest.approx(
            doubled.measurement(metric).value, abs=1e-9
        )
    width = [m.interval.high - m.interval.low for m in (weighted.measurement("calibration_slope"), doubled.measurement("calibration_slope"))]  # fmt: skip
    assert width[0] > 1.02 * width[1]  # the same rows twice are no new rows


def test_a_regression_is_held_against_its_predictions():
    found = run(number(slope=0.6, shift=1.0, n=2000))
    slope = found.measurement("calibration_slope")
    assert slope.interval.low <= 0.6 <= slope.interval.high < 1
    assert found.measurement("calibration_in_the_large").interval.low > 0
    assert "expected_calibration_error" not in {m.metric for m in found.measurements}


def test_the_interval_of_a_regressions_slope_covers_where_errors_grow():
    draws = 300
    covered = 0
    for seed in range(draws):
        slope = run(number(n=100, seed=seed)).measurement("calibration_slope")
        covered += slope.interval.low <= 1 <= slope.interval.high
    assert binom.ppf(0.001, draws, 0.93) <= covered


def test_several_classes_are_about_the_label_given():
    subject = make_multiclass()
    found = run(subject)
    proba = subject.model.predict_proba(subject.test.X)
    right = subject.answers().labels == subject.test.y
    expected = right.mean() - proba.max(axis=1).mean()
    assert found.measurement("calibration_in_the_large").value == pytest.approx(expected, abs=1e-12)
    assert any("label that was given" in note for note in found.notes)


def test_recorded_predictions_suffice():
    subject = said(2.0, n=500)
    p = subject.test.X["p"].to_numpy()
    recorded = from_predictions(scores=p, classes=[0, 1])
    again = Subject("recorded", recorded, Dataset(subject.test.X, subject.test.y), positive=1)
    assert run(again).measurements == run(subject).measurements


def test_a_model_that_is_never_wrong_has_no_slope_and_says_so():
    X = pd.DataFrame({"p": np.r_[np.full(50, 0.2), np.full(50, 0.7)]})
    model = from_callable(lambda X: np.column_stack([1 - X["p"], X["p"]]), classes=[0, 1])
    found = run(Subject("apart", model, Dataset(X, np.repeat([0, 1], 50)), positive=1))
    slope = found.measurement("calibration_slope")
    assert math.isnan(slope.value)
    assert "without an error" in slope.reason
    assert "not determined" in found.says


def test_labels_alone_cannot_be_calibrated():
    model = from_callable(lambda X: (X["p"] > 0.5).astype(int).to_numpy(), classes=[0, 1], output="labels")
    subject = said(1.0, n=100)
    with pytest.raises(NotApplicable, match="no probabilities"):
        run(Subject("labels", model, subject.test, positive=1))
    with pytest.raises(NotApplicable, match="too few"):
        run(said(1.0, n=10))


def test_it_is_part_of_an_audit():
    report = Audit(["calibration"]).run(said(2.0))
    assert report.of("AK002").outcome == "observed"


@pytest.mark.parametrize("far", [0.0, 0.001])
def test_a_model_sure_of_everything_and_wrong_in_a_tenth_is_not_called_calibrated(far):
    truth = np.tile(np.repeat([0, 1], [9, 1]), 40)  # of 400 rows called impossible a tenth came true
    truth = np.concatenate([truth, 1 - truth])  # and of 400 called certain a tenth did not
    scores = np.repeat([far, 1 - far], 400)
    subject = Subject(
        "sure", from_predictions(scores=scores, classes=[0, 1]), Dataset(None, truth), positive=1
    )
    error = run(subject).measurement("expected_calibration_error")
    assert error.interval.low <= 0.1 - far <= error.interval.high
    assert error.interval.low > 0.05
    assert error.value == pytest.approx(0.1 - far, abs=0.01)


def test_scores_without_a_logit_are_told():
    truth = np.tile([0, 1, 1, 0, 1], 40)
    scores = np.where(np.arange(200) < 3, truth, np.linspace(0.2, 0.8, 200))
    subject = Subject(
        "some", from_predictions(scores=scores, classes=[0, 1]), Dataset(None, truth), positive=1
    )
    assert any(note.startswith("3 scores are exactly 0 or 1") for note in run(subject).notes)
    assert not any("exactly" in note for note in run(said(1.0)).notes)
