"""AK104: whether a score means the same for every group, held against scikit-learn and planted errors."""

from __future__ import annotations

import math

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import brier_score_loss

from auditkit import Dataset, Subject
from auditkit.checks.bias import calibration_by_group
from auditkit.data import make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors import from_predictions
from auditkit.render.figures import figure

LARGE = "calibration_in_the_large"
ECE = "expected_calibration_error"


def observe(subject, **options):
    return calibration_by_group(subject, rng=np.random.default_rng(0), **options)


def recorded(scores, y, groups, **more):
    data = Dataset(
        None, np.asarray(y).astype(int), groups if isinstance(groups, pd.DataFrame) else {"g": groups}, **more
    )
    return Subject("recorded", from_predictions(scores=scores, classes=[0, 1]), data)


def drawn(rng, n, k=2, shift=0.0):
    """Return scores that are exact but for the last group, whose true chance is higher."""
    scores, groups = rng.uniform(0.1, 0.7, size=n), rng.integers(k, size=n)
    return recorded(scores, rng.random(n) < scores + shift * (groups == k - 1), groups)


@pytest.mark.parametrize("weighted", [False, True])
def test_means_are_fairlearns(weighted):
    rng = np.random.default_rng(0)
    n = 900
    scores, groups = rng.random(n), rng.choice(list("abc"), n)
    y = (rng.random(n) < scores).astype(int)
    weights = rng.uniform(0.2, 3, n) if weighted else None
    evidence = observe(recorded(scores, y, groups, sample_weight=weights))
    params = {"sample_weight": weights} if weighted else None
    frame = fl.MetricFrame(
        metrics=brier_score_loss, y_true=y, y_pred=scores, sensitive_features=groups, sample_params=params
    )
    for value, brier in frame.by_group.items():
        part = groups == value
        assert evidence.measurement("brier_score", f"g={value}").value == pytest.approx(brier, abs=1e-12)
        w = None if weights is None else weights[part]
        mean = np.average((y - scores)[part], weights=w)
        assert evidence.measurement(LARGE, f"g={value}").value == pytest.approx(mean, abs=1e-12)
    gap = evidence.measurement("brier_score_difference", "g").value
    assert gap == pytest.approx(frame.difference(), abs=1e-12)


def test_a_planted_error_is_found_for_the_group_that_has_it():
    evidence = observe(drawn(np.random.default_rng(1), 6000, shift=0.15))
    gap = evidence.measurement(f"{LARGE}_difference", "g")
    assert 0 < gap.interval.low <= 0.15 <= gap.interval.high
    assert "g=0" in gap.reason.split(" against ")[0]  # the other comes true more often than its scores say
    error = evidence.measurement(ECE, "g=1")
    assert 0 < error.interval.low <= 0.15 <= error.interval.high
    assert error.p_value < 1e-6
    fine = evidence.measurement(ECE, "g=0")
    assert fine.interval.low == 0
    apart = evidence.measurement(f"{ECE}_difference", "g")
    assert 0 < apart.interval.low <= 0.15 <= apart.interval.high
    assert "g=1" in evidence.tables["g"].summary


def test_exact_scores_raise_no_more_alarms_than_stated():
    found = {}
    for seed in range(150):
        evidence = observe(drawn(np.random.default_rng(seed), 500, k=3))
        for m in evidence.measurements:
            if m.metric.endswith("_difference"):
                found[m.metric] = found.get(m.metric, 0) + (m.interval.low > 0)
            elif m.metric == ECE and m.group == "g=0":
                found[ECE] = found.get(ECE, 0) + (m.interval.low > 0)
    most = stats.binom.ppf(1 - 1e-4, 150, 0.05)
    # the Brier scores of groups with the same scores are alike too
    assert len(found) == 4
    assert max(found.values()) <= most


def test_groups_too_small_are_undefined_and_leave_the_gap_open():
    rng = np.random.default_rng(0)
    scores, y = rng.random(300), rng.integers(2, size=300)
    groups = np.where(np.arange(300) < 8, "few", np.where(rng.random(300) < 0.5, "a", "b"))
    evidence = observe(recorded(scores, y, groups))
    assert math.isnan(evidence.measurement(ECE, "g=few").value)
    gap = evidence.measurement(f"{ECE}_difference", "g")
    assert gap.interval.high == 1.0
    assert "fewer than 20 records: g=few" in gap.reason


def test_it_says_what_it_needs():
    with pytest.raises(NotApplicable, match="the subject is a regression"):
        observe(make_regression(n_train=60, n_test=60))
    labels = Subject(
        "labels", from_predictions(labels=np.array([0, 1])), Dataset(None, [0, 1], {"g": ["a", "b"]})
    )
    with pytest.raises(NotApplicable, match="no probabilities"):
        observe(labels)


def test_a_million_rows_cost_some_sorts_of_them(sorts_of_a_million):
    subject = drawn(np.random.default_rng(0), 1_000_000, k=6)
    began = sorts_of_a_million()
    observe(subject)
    assert sorts_of_a_million() - began < 120


def several(seed=0, n=1500, shift=0.0):
    """A model of three classes whose probabilities are exact but for group b, where class 2 is rarer than said."""
    rng = np.random.default_rng(seed)
    proba, groups = rng.dirichlet([2, 2, 2], size=n), rng.choice(["a", "b"], n)
    true = proba.copy()
    moved = np.where(groups == "b", shift * true[:, 2], 0.0)
    true[:, 2] -= moved
    true[:, 0] += moved
    y = (rng.random(n)[:, None] > true.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    data = Dataset(None, y, {"g": groups})
    return Subject("s", from_predictions(scores=proba, classes=[0, 1, 2]), data), proba, y, groups


def test_each_of_several_classes_is_the_check_of_that_class_against_the_rest():
    subject, proba, y, groups = several()
    evidence = observe(subject)
    for j in range(3):
        alone = observe(recorded(proba[:, j], y == j, groups))
        for metric in (LARGE, "brier_score", ECE):
            one = evidence.measurement(f"{metric}_difference", f"g | class={j}")
            other = alone.measurement(f"{metric}_difference", "g")
            assert one.value == other.value
            if metric == ECE:  # by bootstrap: other draws
                assert one.interval.high == pytest.approx(other.interval.high, abs=0.01)
                assert one.p_value == pytest.approx(other.p_value, abs=0.08)
            else:
                assert (one.interval, one.p_value) == (other.interval, other.p_value)
    best = proba.argmax(axis=1)
    alone = observe(recorded(proba.max(axis=1), best == y, groups))
    top = evidence.measurement(ECE, "g=a | top label")
    assert top.value == alone.measurement(ECE, "g=a").value


def test_the_class_that_is_rarer_than_said_in_one_group_is_found():
    evidence = observe(several(shift=0.4, n=4000)[0])
    gap = evidence.measurement(f"{LARGE}_difference", "g | class=2")
    assert gap.interval.low <= 0.4 / 3 <= gap.interval.high
    assert gap.interval.low > 0
    assert gap.reason.startswith("g=b")
    assert evidence.measurement(f"{LARGE}_difference", "g | class=1").interval.low == 0


def test_exact_scores_lie_on_a_line_that_is_no_group():
    table = observe(drawn(np.random.default_rng(0), 500, k=8)).tables["g"]
    assert set(table.columns["series"]) == {f"g={g}" for g in range(8)}
    assert min(table.columns["n"]) > 0
    drawing = figure(table.to_dict())
    assert drawing["data"][0]["name"].startswith("perfect calibration")
    assert drawing["data"][0]["x"] == drawing["data"][0]["y"] == [0.0, 1]
    assert "series drawn" not in str(drawing["layout"])


def test_means_of_fewer_than_ten_records_are_undefined_and_break_no_limit():
    rng = np.random.default_rng(0)
    groups = np.repeat(["few", "a", "b"], [9, 300, 300])
    scores = rng.uniform(0.1, 0.3, 609)
    y = np.where(groups == "few", 1, rng.random(609) < scores)
    evidence = observe(recorded(scores, y, groups))
    for metric, most in ((LARGE, 2.0), ("brier_score", 1.0)):
        few = evidence.measurement(metric, "g=few")
        assert math.isnan(few.value)
        assert few.reason == "g=few has fewer than 10 records"
        gap = evidence.measurement(f"{metric}_difference", "g")
        assert (gap.interval.low, gap.interval.high) == (0.0, most)
        assert "fewer than 10 records: g=few" in gap.reason
    three = observe(recorded([0.1, 0.2, 0.3] * 2, [1, 1, 1, 0, 0, 0], list("aaabbb")))
    gap = three.measurement(f"{LARGE}_difference", "g")
    assert math.isnan(gap.value)
    assert gap.reason.startswith("a gap needs at least two groups of 10 records")


def test_no_interval_leaves_the_possible_range():
    groups, y = np.repeat(["a", "b"], [10, 10]), np.resize([0, 1], 20)
    evidence = observe(recorded(np.where(y == 1, 0.0, 1.0), y, groups))
    for m in evidence.measurements:
        if m.interval is not None:
            most = 2.0 if m.metric == f"{LARGE}_difference" else 1.0
            assert -1.0 <= m.interval.low <= m.interval.high <= most, m


def test_a_group_that_is_off_by_a_seventh_is_found():
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        groups, p = np.repeat(["a", "b"], 500), rng.uniform(0.2, 0.7, 1000)
        y = rng.random(1000) < p + 0.15 * (groups == "a")
        gap = observe(recorded(p, y, groups)).measurement(f"{ECE}_difference", "g")
        found += gap.interval.low > 0 and gap.p_value <= 0.05 and gap.reason.startswith("g=b")
    assert found >= 17
