"""Deciding: at the number of records that is named the criterion is decided, and well below it is not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from auditkit import Criterion, Dataset, Subject
from auditkit.checks.bias import demographic_parity, error_rates, group_metrics, ranking_by_group
from auditkit.deciding import records_to_decide
from auditkit.evidence import Evidence, Interval, Measurement
from auditkit.judging import judge
from auditkit.predictors import from_predictions


def counted(hits, sizes, times=1.0):
    """Return a subject whose groups have these selections, each record as often as asked."""
    hits, sizes = (np.round(np.array(part) * times).astype(int) for part in (hits, sizes))
    groups = np.repeat(np.arange(len(sizes)), sizes)
    said = np.concatenate([np.arange(n) < x for x, n in zip(hits, sizes, strict=True)]).astype(int)
    data = Dataset(None, said, {"g": groups.astype(str)})
    return Subject("s", from_predictions(labels=said), data, positive=1)


def found(subject, metric, check=demographic_parity, group="g"):
    return check(subject, rng=np.random.default_rng(0)).measurement(metric, group)


def status(m, criterion):
    (one,) = judge([Evidence("AK101", (m,))], [criterion])
    return one.status


@pytest.mark.parametrize(
    ("hits", "sizes", "metric", "limit", "then"),
    [
        ([8, 8], [40, 40], "demographic_parity_ratio", {"at_least": 0.8}, "pass"),
        ([4, 4], [80, 80], "demographic_parity_ratio", {"at_least": 0.8}, "pass"),
        ([4, 6], [80, 80], "demographic_parity_ratio", {"at_least": 0.8}, "fail"),
        ([8, 8, 9], [40, 40, 40], "demographic_parity_ratio", {"at_least": 0.8}, "pass"),
        ([8, 10], [40, 40], "demographic_parity_difference", {"at_most": 0.1}, "pass"),
        ([8, 16], [40, 40], "demographic_parity_difference", {"at_most": 0.1}, "fail"),
        ([20, 30, 33], [100, 100, 100], "demographic_parity_difference", {"at_most": 0.1}, "fail"),
    ],
)
def test_the_named_number_decides_and_far_fewer_do_not(hits, sizes, metric, limit, then):
    criterion = Criterion(metric, **limit)
    m = found(counted(hits, sizes), metric)
    assert status(m, criterion) == "inconclusive"
    times = records_to_decide(m, criterion) / m.n
    assert status(found(counted(hits, sizes, 1.25 * times), metric), criterion) == then
    assert status(found(counted(hits, sizes, 0.6 * times), metric), criterion) == "inconclusive"


@pytest.mark.parametrize(
    ("hits", "limit", "then"), [(3, 0.05, "pass"), (88, 0.85, "fail"), (0, 0.01, "pass")]
)
def test_a_rate_near_an_end_needs_the_records_that_wilsons_interval_asks(hits, limit, then):
    criterion = Criterion("selection_rate", at_most=limit)
    m = found(counted([hits, 1], [100, 100]), "selection_rate", group="g=0")
    assert status(m, criterion) == "inconclusive"
    times = records_to_decide(m, criterion) / 100
    assert (
        status(found(counted([hits, 1], [100, 100], 1.2 * times), "selection_rate", group="g=0"), criterion)
        == then
    )
    assert status(found(counted([hits, 1], [100, 100], 0.6 * times), "selection_rate", group="g=0"), criterion) == "inconclusive"  # fmt: skip


def test_every_kind_of_measurement_says_what_it_would_take():
    rng = np.random.default_rng(0)
    y, groups = rng.integers(0, 2, 60), rng.choice(list("ab"), 60)
    scores = from_predictions(scores=rng.random(60), classes=[0, 1])
    subject = Subject("s", scores, Dataset(None, y, {"g": groups}), positive=1)
    number = Subject(
        "n", from_predictions(labels=rng.normal(size=60)), Dataset(None, rng.normal(size=60), {"g": groups})
    )
    for one, check, metric in (
        (subject, ranking_by_group, "auc_difference"),
        (subject, group_metrics, "true_positive_rate_difference"),
        (number, group_metrics, "mean_absolute_error_difference"),
    ):
        m = check(one, rng=rng).measurement(metric, "g")
        (finding,) = judge([Evidence("AK103", (m,))], [Criterion(metric, at_most=m.value + 0.05)])
        assert "would decide it if the value stayed" in finding.reason


def test_rows_of_one_class_name_what_is_missing_and_no_number():
    rng = np.random.default_rng(1)
    data = Dataset(None, np.ones(60, dtype=int), {"g": rng.choice(list("ab"), 60)})
    labels = from_predictions(labels=rng.integers(0, 2, 60), classes=[0, 1])
    evidence = error_rates(Subject("s", labels, data, positive=1), rng=rng)
    m = evidence.measurement("equalized_odds_difference", "g")
    (finding,) = judge([Evidence("AK102", (m,))], [Criterion(m.metric, at_most=0.9)])
    assert m.n_needed is None
    assert "no record is truly negative: a false positive rate cannot be measured" in finding.reason
    assert "would decide" not in finding.reason.replace("more of the others would not decide it", "")


def test_at_a_limit_and_on_the_wrong_side_of_a_bound_nothing_decides():
    within = Interval(0.1, 0.3, 0.95, "t")
    assert records_to_decide(Measurement("m", 0.2, 50, within), Criterion("m", at_most=0.2)) == math.inf
    almost = Measurement("m", 0.2, 50, within), Criterion("m", at_most=0.2 + 1e-9)
    assert records_to_decide(*almost) == math.inf
    upper = Measurement("m", 0.2, 50, within, bound="upper")
    assert records_to_decide(upper, Criterion("m", at_most=0.15)) is None
    assert records_to_decide(upper, Criterion("m", at_most=0.25)) == math.ceil(50 * (1.08 * 0.1 / 0.05) ** 2)
    unknown = Interval(-math.inf, math.inf, 0.95, "t")
    assert records_to_decide(Measurement("m", 0.2, 50, unknown), Criterion("m", at_most=0.3)) is None
