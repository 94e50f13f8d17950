"""Strata and bands in the bias checks: what is undefined stays open, one name has one unit, one name means the same groups."""

from __future__ import annotations

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from auditkit import Audit, Dataset, Subject
from auditkit.checks.bias import (
    demographic_parity,
    error_rates,
    group_metrics,
    label_bias,
    ranking_by_group,
    threshold_sweep,
)
from auditkit.finding import Criterion
from auditkit.predictors import from_predictions

LEVEL = 0.95


def observe(check, subject, seed=0, **options):
    return check(subject, rng=np.random.default_rng(seed), **options)


def recorded(said, y, groups, scores=None, **more):
    data = Dataset(None, y, groups if isinstance(groups, dict) else {"g": groups}, **more)
    given = from_predictions(
        labels=None if said is None else np.asarray(said),
        scores=scores,
        classes=None if scores is None else (0, 1),
    )
    return Subject("recorded", given, data)


def drawn(seed=0, n=1200):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.4).astype(int)
    said = (rng.random(n) < 0.2 + 0.4 * y).astype(int)
    return rng, said, y, rng.choice(["f", "m"], n), rng.choice(["day", "night"], n)


# what is undefined in a stratum


def lone_stratum(size):
    """Errors of `size` in stratum a, which has both groups; b has one group."""
    rng, n = np.random.default_rng(5), 600
    shift = np.repeat(["a", "b"], n // 2)
    groups = np.where(shift == "a", np.tile(["u", "v"], n // 2), "u")
    y = 100 * rng.normal(size=n)
    return recorded(y + size * rng.normal(size=n), y, groups, control_features={"shift": shift})


@pytest.mark.parametrize("size", [0.2, 20.0])
def test_a_stratum_in_which_means_cannot_be_compared_keeps_any_limit_from_being_met(size):
    subject = lone_stratum(size)
    metric = "mean_absolute_error_difference"
    found = observe(group_metrics, subject)
    for word in ("worst", "mean"):
        m = found.measurement(metric, f"g | {word} of strata")
        assert m.interval.high == np.inf
        assert "undefined in 1 of 2 strata" in m.reason
        rules = [Criterion(metric, at_most=100.0, group=f"g | {word} of strata")]
        assert [f.status for f in Audit(["group_metrics"], rules).run(subject).findings if f.judged] == ["inconclusive"]  # fmt: skip
    m = observe(error_rates, subject).measurement("standardised_mean_error_difference", "g | worst of strata")
    assert m.interval.high == np.inf


def test_the_mean_of_strata_allows_for_either_end_where_one_is_open():
    _, said, y, groups, shift = drawn()
    groups = np.where(shift == "night", "f", groups)
    found = observe(group_metrics, recorded(said, y, groups, control_features={"shift": shift}))
    one = found.measurement("selection_rate_difference", "g | shift=day").interval
    mean = found.measurement("selection_rate_difference", "g | mean of strata").interval
    assert (mean.low, mean.high) == pytest.approx(((one.low + 0) / 2, (one.high + 1) / 2))
    one = found.measurement("selection_rate_ratio", "g | shift=day").interval
    mean = found.measurement("selection_rate_ratio", "g | mean of strata").interval
    assert (mean.low, mean.high) == pytest.approx(((one.low + 0) / 2, (one.high + 1) / 2))
    assert found.measurement("selection_rate_ratio", "g | worst of strata").interval.low == 0


# one name, one unit


@pytest.mark.parametrize("strata", [False, True])
@pytest.mark.parametrize("method", ["between_groups", "to_overall"])
def test_a_name_is_in_one_unit(method, strata):
    rng = np.random.default_rng(2)
    groups, shift = rng.choice(["u", "v"], 4000), rng.choice(["x", "z"], 4000)
    y = 1000 * rng.normal(size=4000)
    said = y + np.where(groups == "u", 100.0, 0)
    control = {"control_features": {"shift": shift}} if strata else {}
    subject = recorded(said, y, groups, **control)
    report = Audit({"group_metrics": {"method": method}, "demographic_parity": {}}).run(subject)
    names = [{m.metric for m in e.measurements if "difference" in m.metric} for e in report.evidence]
    assert not names[0] & names[1]
    assert all(f.status == "pass" for f in report.findings if f.judged), "a tenth of a spread"
    frame = fl.MetricFrame(
        metrics=fl.mean_prediction, y_true=y, y_pred=said, sensitive_features=groups,
        control_features=shift if strata else None,
    )  # fmt: skip
    raw = frame.difference(method=method)
    for stratum in ("x", "z") if strata else (None,):
        at = f"g | shift={stratum}" if strata else "g"
        expected = raw[stratum] if strata else raw
        assert report.of("AK103").measurement("mean_prediction_difference", at).value == pytest.approx(expected, rel=1e-9)  # fmt: skip


# strata of any name, and in the checks that are judged


@pytest.mark.parametrize("name", ["class", "shift | class"])
def test_a_control_feature_may_have_any_name(name):
    _, said, y, groups, shift = drawn()
    by_name = [
        observe(group_metrics, recorded(said, y, groups, control_features={word: shift}))
        for word in (name, "shift")
    ]
    figures = [
        [(m.metric, m.value, m.interval) for m in e.measurements if str(m.group).endswith("of strata")]
        for e in by_name
    ]
    assert figures[0] == figures[1]
    assert len(figures[0]) == 2 * 24


def test_many_classes_are_summed_up_class_by_class_whatever_the_strata_are_called():
    rng = np.random.default_rng(3)
    y, said, groups = rng.integers(3, size=900), rng.integers(3, size=900), rng.choice(["u", "v"], 900)
    subject = recorded(said, y, groups, control_features={"job": rng.choice(["x", "class=1"], 900)})
    found = observe(group_metrics, subject)
    worst = [
        m.group for m in found.measurements if m.metric == "selection_rate_difference" and "worst" in m.group
    ]
    assert worst == [f"g | class={c} | worst of strata" for c in range(3)]
    one = found.measurement("selection_rate_difference", "g | class=0 | worst of strata")
    each = [
        found.measurement("selection_rate_difference", f"g | job={j} | class=0").value
        for j in ("class=1", "x")
    ]
    assert one.value == max(each)


def test_what_is_judged_is_given_within_strata_as_well():
    _, said, y, groups, shift = drawn(n=4000)
    plain, within = (recorded(said, y, groups, **c) for c in ({}, {"control_features": {"shift": shift}}))
    for check, pairs in (
        (demographic_parity, {"demographic_parity_difference": "selection_rate_difference"}),
        (error_rates, {"accuracy_difference": "accuracy_score_difference", "equal_opportunity_difference": "true_positive_rate_difference"}),
    ):  # fmt: skip
        evidence, every = observe(check, within), observe(group_metrics, within)
        for m in observe(check, plain).measurements:
            assert evidence.measurement(m.metric, m.group).value == m.value, "over all records as before"
        for own, other in pairs.items():
            for at in ("shift=day", "shift=night", "worst of strata", "mean of strata"):
                a, b = evidence.measurement(own, f"g | {at}"), every.measurement(other, f"g | {at}")
                assert (a.value, a.interval.low, a.interval.high) == (
                    b.value,
                    b.interval.low,
                    b.interval.high,
                )
        assert "Within strata of shift" in evidence.says
        assert "g within shift" in evidence.tables
    odds = observe(error_rates, within).measurement("equalized_odds_difference", "g | worst of strata")
    assert 0 <= odds.interval.low <= odds.value <= odds.interval.high


def test_a_gap_that_the_strata_explain_does_not_count_within_them_and_one_inside_them_does():
    rng, n = np.random.default_rng(6), 8000
    job = rng.integers(2, size=n)
    groups = np.where(rng.random(n) < 0.2 + 0.6 * job, "m", "f")
    y = rng.integers(2, size=n)
    for extra, guilty in ((0.0, False), (0.2, True)):
        said = rng.random(n) < 0.2 + 0.4 * job + extra * (groups == "m") * (1 - job)
        evidence = observe(
            demographic_parity, recorded(said.astype(int), y, groups, control_features={"job": job})
        )
        m = evidence.measurement("demographic_parity_difference", "g | worst of strata")
        assert (m.interval.low > 0) == guilty
        assert evidence.measurement("demographic_parity_difference", "g").interval.low > 0.1


def test_equal_groups_within_strata_raise_no_more_alarms_than_stated():
    alarms, draws = 0, 200
    for seed in range(draws):
        _, said, y, groups, shift = drawn(seed, 600)
        evidence = observe(
            demographic_parity, recorded(said, y, groups, control_features={"shift": shift}), seed
        )
        alarms += (
            evidence.measurement("demographic_parity_difference", "g | worst of strata").interval.low > 0
        )
    assert alarms <= stats.binom.ppf(1 - 1e-3, draws, 1 - LEVEL)


@pytest.mark.parametrize("check", [ranking_by_group, threshold_sweep, label_bias])
def test_a_check_that_does_not_use_control_features_says_so(check):
    rng, _, y, groups, shift = drawn()
    given = {"scores": rng.random(len(y))}
    quiet = observe(check, recorded(None, y, groups, **given))
    told = observe(check, recorded(None, y, groups, control_features={"shift": shift}, **given))
    assert not any("ontrol feature" in note for note in quiet.notes)
    assert any("Control features (shift) are not used here" in note for note in told.notes)


# the same groups in every check


@pytest.mark.parametrize("kind", ["whole", "real"])
def test_a_number_means_the_same_groups_in_every_check(kind):
    rng = np.random.default_rng(1)
    age = rng.integers(18, 75, 1200) if kind == "whole" else rng.normal(40, 10, 1200)
    y, job = rng.integers(2, size=1200), rng.normal(size=1200)
    subject = recorded(None, y, {"age": age}, rng.random(1200), control_features={"pay": job})
    report = Audit(["bias", "model_performance"]).run(subject)
    known = {"selection_rate", "auc", "base_rate", "accuracy", "accuracy_score"}
    groups = {
        (e.check, m.metric): set()
        for e in report.evidence
        for m in e.measurements
        if m.metric in known and m.group and "pay" not in m.group
    }
    for e in report.evidence:
        for m in e.measurements:
            if (e.check, m.metric) in groups and m.group and "pay" not in m.group:
                groups[e.check, m.metric].add(m.group)
    assert len(groups) >= 5
    first = groups["AK101", "selection_rate"]
    assert len(first) == 4
    assert all(one == first for one in groups.values())
    ratios = {m.group for m in report.of("AK106").measurements if m.metric == "impact_ratio"}
    assert len(ratios) == 3
    assert ratios < first
    assert max(len(label) for label in first) <= len("age=33.2 to under 39.4")
    assert any("4 bands" in note for note in report.of("AK101").notes)
    assert "4 strata" in " ".join(report.of("AK101").notes), "a control feature is in bands as well"


def test_bands_begin_at_round_numbers_that_leave_the_records_where_they_are():
    from auditkit.methods.bands import band_edges

    rng = np.random.default_rng(0)
    for values in (rng.normal(40, 10, 5000), rng.gamma(2, 12345.678, 5000), rng.random(5000) / 1000):
        edges = np.array(band_edges("a", pd.Series(values), 4))
        exact = np.quantile(values, [0.25, 0.5, 0.75], method="higher")
        moved = [abs((values < a).sum() - (values < b).sum()) for a, b in zip(edges, exact, strict=True)]
        assert max(moved) <= 50
        assert all(len(f"{edge:g}".replace(".", "").strip("0")) <= 4 for edge in edges)
    assert band_edges("a", pd.Series([1, 1, 1, 2]), 4) == (2.0,)


# three features together


def test_three_features_are_crossed_where_asked_for():
    rng, n = np.random.default_rng(0), 4000
    names = list("abc")
    frame = {c: rng.choice(["x", "y"], n) for c in names}
    all_x = np.all([frame[c] == "x" for c in names], axis=0)
    said = (rng.random(n) < 0.5 - 0.3 * all_x).astype(int)  # only the three together are treated otherwise
    subject = recorded(said, rng.integers(2, size=n), frame)
    pairs = observe(demographic_parity, subject)
    assert "three or more features are not compared" in pairs.does_not_say
    evidence = observe(demographic_parity, subject, depth=3)
    m = evidence.measurement("demographic_parity_difference", "a × b × c")
    theirs = fl.demographic_parity_difference(said, said, sensitive_features=pd.DataFrame(frame))
    assert m.value == pytest.approx(theirs, abs=1e-12)
    assert m.reason.startswith("a=x, b=x, c=x against")
    assert "not compared" not in evidence.does_not_say
    assert len(evidence.measurements) > len(pairs.measurements)
    single = observe(demographic_parity, subject, intersections=False, depth=3)
    assert {m.group for m in single.measurements if m.metric == "demographic_parity_ratio"} == set(names)


def test_small_cells_of_three_features_are_said_and_leave_the_limit_open():
    rng, n = np.random.default_rng(0), 300
    frame = {"a": rng.choice(["x", "y"], n), "b": rng.choice(["x", "y"], n), "c": ["x"] * (n - 1) + ["rare"]}
    subject = recorded(rng.integers(2, size=n), rng.integers(2, size=n), frame)
    evidence = observe(demographic_parity, subject, depth=3)
    assert any(note.startswith("a × b × c: no record has") for note in evidence.notes)
    m = evidence.measurement("demographic_parity_difference", "a × b × c")
    assert "smallest group: 1 record" in m.reason
