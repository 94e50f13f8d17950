"""AK502: answers that have moved since training, and answers that have not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from auditkit import Audit, Dataset, Subject
from auditkit.data import make_multiclass, make_regression
from auditkit.predictors import from_callable


def chance(X):
    p = special.expit(np.asarray(X, float)[:, 0])
    return np.column_stack([1 - p, p])


MODEL = from_callable(chance, classes=[0, 1])


def rows(rng, n, inputs=0.0, labels=0.0, b_only=False):
    """Return rows whose score moves by `inputs`, and whose outcome comes up more often by `labels` than the score says."""
    site = np.where(rng.random(n) < 0.5, "a", "b")
    hit = (site == "b") if b_only else np.ones(n, bool)
    x = rng.normal(size=n) + inputs * hit
    y = (rng.random(n) < special.expit(x + labels * hit)).astype(int)
    return Dataset(pd.DataFrame({"x": x}), y, {"site": site})


def found(seed=0, n=1500, options=None, **moved):
    rng = np.random.default_rng(seed)
    subject = Subject("s", MODEL, rows(rng, n, **moved), rows(rng, n))
    return Audit({"output_drift": options or {}}, []).run(subject, seed=0).of("AK502")


def of(evidence):
    return {(m.metric, m.group): m for m in evidence.measurements}


def test_scores_and_decisions_that_moved_are_seen_and_their_sign_is_test_less_training():
    m = of(found(inputs=0.7))
    assert m["score_drift_psi", None].interval.low > 0.1
    assert m["decision_rate_change", None].interval.low > 0.1
    assert m["base_rate_change", None].interval.low > 0
    assert m["calibration_in_the_large_change", None].p_value > 0.001  # outcomes moved as the scores said


def test_outcomes_that_moved_while_the_scores_stayed_show_in_calibration():
    m = of(found(labels=-0.8))
    assert m["score_drift_psi", None].p_value > 0.001
    assert m["calibration_in_the_large_change", None].interval.high < -0.05


def test_a_change_of_one_group_is_put_down_to_it():
    m = of(found(inputs=1.0, b_only=True, n=2000))
    assert m["decision_rate_change", "site=b"].interval.low > 0.2
    assert m["decision_rate_change", "site=a"].p_value > 0.001


def test_answers_drawn_alike_are_rarely_said_to_have_moved():
    alarms, runs = 0, 60
    for seed in range(runs):
        alarms += not found(seed, n=300).says.startswith("No change beyond chance")
    assert stats.binomtest(alarms, runs, 0.05, alternative="greater").pvalue > 0.001


def test_the_numbers_are_scipys():
    rng = np.random.default_rng(0)
    test, train = rows(rng, 700, inputs=0.2), rows(rng, 900)
    m = of(Audit(["output_drift"], []).run(Subject("s", MODEL, test, train), seed=0).of("AK502"))
    counts = [[int((d.X["x"] > 0).sum()), int((d.X["x"] <= 0).sum())] for d in (train, test)]
    assert m["decision_rate_change", None].p_value == pytest.approx(stats.fisher_exact(counts).pvalue)
    away = [d.y - special.expit(d.X["x"].to_numpy()) for d in (train, test)]
    theirs = stats.ttest_ind(away[1], away[0], equal_var=False)
    mine = m["calibration_in_the_large_change", None]
    assert mine.p_value == pytest.approx(theirs.pvalue)
    assert (mine.interval.low, mine.interval.high) == pytest.approx(tuple(theirs.confidence_interval()))
    assert m["score_drift_ks", None].value == pytest.approx(
        stats.ks_2samp(*(special.expit(d.X["x"]) for d in (train, test))).statistic
    )


def test_a_group_of_few_rows_is_undecided_and_says_what_is_needed():
    m = of(found(n=150))
    assert m["decision_rate_change", None].interval is not None
    group = m["decision_rate_change", "site=a"]
    assert np.isnan(group.value)
    assert group.n_needed == 200


def test_more_than_two_classes_and_a_regression_have_figures_of_their_own():
    m = of(Audit(["output_drift"], []).run(make_multiclass(n_train=300, n_test=300), seed=0).of("AK502"))
    assert {g for metric, g in m if metric == "decision_rate_change"} == {
        f"class={c}" for c in ("high", "low", "medium")
    }
    m = of(Audit(["output_drift"], []).run(make_regression(n_train=300, n_test=300), seed=0).of("AK502"))
    assert {metric for metric, _ in m} == {
        "score_drift_psi",
        "score_drift_ks",
        "mean_prediction_change",
        "mean_error_change",
    }


def test_groups_that_the_training_rows_do_not_say_are_named():
    rng = np.random.default_rng(0)
    train = rows(rng, 300)
    bare = Dataset(train.X, train.y)
    evidence = Audit(["output_drift"], []).run(Subject("s", MODEL, rows(rng, 300), bare), seed=0).of("AK502")
    assert any("do not say site" in note for note in evidence.notes)
    assert {m.group for m in evidence.measurements} == {None}


def test_values_without_any_spread_have_no_interval_and_say_so():
    rng = np.random.default_rng(0)
    flat = from_callable(lambda X: np.full(len(X), 2.0), output="values")
    data = [Dataset(pd.DataFrame({"x": rng.normal(size=200)}), rng.normal(size=200)) for _ in range(2)]
    m = of(Audit(["output_drift"], []).run(Subject("s", flat, *data, task="regression"), seed=0).of("AK502"))
    assert m["mean_prediction_change", None].interval is None
    assert "no spread" in m["mean_prediction_change", None].reason
    assert np.isnan(m["score_drift_psi", None].value)
