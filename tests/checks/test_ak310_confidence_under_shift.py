"""A model that is sure out of its range is told from one that says so; calibration and abstention are those of the rows."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from auditkit.checks.robustness import confidence_under_shift
from auditkit.data import make_credit, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject

RATE = "confident_out_of_range_rate"


def run(subject, seed=0, **options):
    return confidence_under_shift(subject, rng=np.random.default_rng(seed), **options)


def expit(v):
    return 1 / (1 + np.exp(-v))


def asked(score, n=600, seed=0, flip=0.0):
    """A model with these scores of the positive class, with labels drawn from them (or from coins)."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.uniform(-1, 1, n), "b": rng.uniform(-1, 1, n)})
    p = score(X)
    y = (rng.random(n) < (1 - flip) * p + flip / 2).astype(int)
    train = pd.DataFrame({"a": [-1.0, 0.0, 1.0], "b": [-1.0, 0.5, 1.0]})
    model = from_callable(lambda X: np.column_stack([1 - score(X), score(X)]), classes=[0, 1])
    return Subject("asked", model, Dataset(X, y), Dataset(train, [0, 1, 0]))


def linear(X):
    return expit(3 * X["a"].to_numpy())


def humble(X):
    """As `linear` within the range, and without any opinion beyond it."""
    inside = (X.abs() <= 1.0001).all(axis=1).to_numpy()
    return np.where(inside, linear(X), 0.5)


def test_a_linear_model_is_sure_of_what_it_has_never_seen():
    found = run(asked(linear))
    rate = found.measurement(RATE)
    # beyond the range of a every answer is surer than any within; b, which is not read, changes nothing
    assert rate.value == pytest.approx((1 + 0.5) / 2, abs=0.001)
    assert rate.interval.low > 0.5
    assert "a model that cannot tell gives 50.0%" in rate.reason
    by_column = found.tables["by_column"].columns
    assert by_column["label"] == ("a", "b")
    assert by_column["value"] == pytest.approx((1, 0.5))
    assert found.tables["by_column"].reference == pytest.approx(0.5)
    assert (np.array(found.tables["by_distance"].columns["value"]) > 0.74).all()


def test_a_model_that_says_so_is_never_sure_out_of_range():
    rate = run(asked(humble)).measurement(RATE)
    assert rate.value == 0
    assert 0 < rate.interval.high < 0.01


def test_a_refusal_is_no_confident_answer():
    def strict(X):
        if (X["a"].abs() > 1.0001).any():
            raise ValueError("a out of range")
        return linear(X)

    found = run(asked(strict))
    assert found.measurement(RATE).value == pytest.approx(0.25, abs=0.001)
    assert "rows with a out of range" in " ".join(found.notes)


def test_a_threshold_of_ones_own_and_a_distance_count_as_told():
    subject = asked(linear)
    # 0.1 widths beyond -1 and 1 are -1.2 and 1.2, where the score is expit(3.6) = 0.973
    assert run(subject, distance=0.1, threshold=0.97).measurement(RATE).value == 0.5
    found = run(subject, distance=0.1, threshold=0.98)
    assert found.measurement(RATE).value == 0
    assert 0.1 in found.tables["by_distance"].columns["x"]


def test_noise_makes_a_steep_model_claim_more_than_it_holds():
    steep = asked(lambda X: expit(12 * X["a"].to_numpy()))
    found = run(steep, strength=1.0)
    grown = found.measurement("calibration_error_increase_noise")
    claimed = found.measurement("overconfidence_increase_noise")
    assert grown.interval.low > 0
    assert claimed.interval.low > 0
    before, after = (
        found.measurement("aurc", "rows as they are"),
        found.measurement("aurc", "rows with noise"),
    )
    assert after.value > before.value
    kept = found.measurement("accuracy_at_80pct_coverage", "rows as they are")
    assert kept.n == 480
    assert kept.value > 0.9


def test_a_model_that_noise_does_not_reach_raises_no_alarm():
    trials = 60
    flat = [run(asked(lambda X: expit(1 + 0 * X["a"].to_numpy()), 150, seed), seed) for seed in range(trials)]
    for metric in ("calibration_error_increase_noise", "overconfidence_increase_noise"):
        assert sum(f.measurement(metric).interval.low > 0 for f in flat) <= binom.ppf(0.999, trials, 0.025)
    for f in flat:  # no row changed, which 150 rows do not show of all rows
        claimed = f.measurement("overconfidence_increase_noise")
        assert claimed.value == 0
        # two rows at -1.5 and 1.5 among 150 of 0: a deviation of sqrt(4.5 / 151), over sqrt(152), by Student's 1.976
        assert claimed.interval.high == pytest.approx(1.976 * np.sqrt(4.5 / 151 / 152), rel=1e-3)
        assert claimed.interval.low == pytest.approx(-claimed.interval.high)
    # its confidence is constant: all answers are as sure as the median, in range and out of it
    assert {f.measurement(RATE).value for f in flat} == {1.0}
    assert "gives 100.0%" in flat[0].measurement(RATE).reason
    for f in flat:  # nothing to tell by: the area is the error rate
        area = f.measurement("aurc", "rows as they are")
        kept = f.measurement("accuracy_at_80pct_coverage", "rows as they are")
        assert area.value == pytest.approx(1 - kept.value)


def test_figures_are_those_of_the_confidences():
    subject = asked(linear, 500)
    found = run(subject)
    proba = subject.proba()
    sure, wrong = proba.max(axis=1), proba.argmax(axis=1) != subject.test.y
    order = np.argsort(-sure)
    risks = np.cumsum(wrong[order]) / np.arange(1, 501)
    assert found.measurement("aurc", "rows as they are").value == pytest.approx(risks.mean())
    assert found.measurement("accuracy_at_80pct_coverage", "rows as they are").value == pytest.approx(
        1 - risks[399]
    )
    curve = found.tables["risk_coverage"].frame()
    one = curve[curve["series"] == "rows as they are"]
    assert one["value"].iloc[-1] == pytest.approx(wrong.mean())
    assert (curve[curve["series"] == "rows as they are, if it told nothing"]["value"] == wrong.mean()).all()


def test_the_calibration_error_is_that_of_scikit_learns_curve_where_nothing_is_taken_out():
    from auditkit import statistics

    subject = asked(lambda X: expit(4 * X["a"].to_numpy()), 4000, flip=0.4)
    proba = subject.proba()
    sure, right = proba.max(axis=1), proba.argmax(axis=1) == subject.test.y
    ours = statistics.calibration_error(statistics.reliability(sure, right))
    said, held = calibration_curve(held_y := right, sure, n_bins=10, strategy="quantile")[::-1]
    assert len(held_y) == 4000
    assert ours.plain == pytest.approx(np.abs(said - held).mean(), abs=0.01)


def test_only_numbers_of_more_than_two_values_are_pushed():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"a": rng.normal(size=200), "flag": rng.integers(0, 2, 200), "job": rng.choice(["x", "y"], 200)}
    )
    y = (X["a"] > 0).astype(int)
    model = LogisticRegression().fit(X[["a", "flag"]], y)
    wrapped = from_callable(lambda X: model.predict_proba(X[["a", "flag"]]), classes=[0, 1])
    found = run(Subject("mixed", wrapped, Dataset(X, y)))
    assert found.tables["by_column"].columns["label"] == ("a",)
    assert "flag, job" in " ".join(found.notes)
    with pytest.raises(NotApplicable, match="more than two values"):
        run(
            Subject(
                "flags",
                from_callable(lambda X: np.full((len(X), 2), 0.5), classes=[0, 1]),
                Dataset(X[["flag"]], y),
            )
        )


def test_what_cannot_be_tested_says_so():
    with pytest.raises(NotApplicable, match="compares classes"):
        run(make_regression(n_train=80, n_test=80))
    known = make_credit(n_train=100, n_test=80)
    recorded = from_predictions(scores=known.scores(), classes=known.classes.tolist())
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        run(Subject("p", recorded, known.test, positive="repaid"))
    labels = from_callable(lambda X: (X["a"] > 0).astype(int), classes=[0, 1], output="labels")
    with pytest.raises(NotApplicable, match="gives no probabilities"):
        run(Subject("labels", labels, asked(linear).test))


def test_one_seed_one_result_and_columns_are_drawn():
    subject = make_credit(n_train=200, n_test=300)
    assert run(subject, rows=100).to_dict() == run(subject, rows=100).to_dict()
    assert "columns were not pushed" in " ".join(run(subject, columns=1).notes)
