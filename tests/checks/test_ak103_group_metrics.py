"""AK103: every metric by group, held against fairlearn for every task, comparison, stratum and weight."""

from __future__ import annotations

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as sk

from auditkit import Dataset, Subject
from auditkit.checks.bias import group_metrics
from auditkit.data import make_biased
from auditkit.errors import InputError, NotApplicable
from auditkit.finding import Criterion
from auditkit.predictors import from_predictions


def observe(subject, seed=0, **options):
    return group_metrics(subject, rng=np.random.default_rng(seed), **options)


def recorded(said, y, groups, **more):
    data = Dataset(None, y, groups if isinstance(groups, pd.DataFrame) else {"g": groups}, **more)
    return Subject("recorded", from_predictions(labels=np.asarray(said)), data)


def share(top, bottom):
    """Return a metric of fairlearn's kind from the four cells."""

    def metric(y_true, y_pred, sample_weight=None):
        tn, fp, fn, tp = sk.confusion_matrix(
            y_true, y_pred, labels=[0, 1], sample_weight=sample_weight
        ).ravel()
        cells = {"tn": tn, "fp": fp, "fn": fn, "tp": tp}
        below = sum(cells[c] for c in bottom)
        return sum(cells[c] for c in top) / below if below else np.nan

    return metric


BINARY = {
    "selection_rate": fl.selection_rate,
    "true_positive_rate": fl.true_positive_rate,
    "false_positive_rate": fl.false_positive_rate,
    "true_negative_rate": fl.true_negative_rate,
    "false_negative_rate": fl.false_negative_rate,
    "precision_score": sk.precision_score,
    "false_discovery_rate": share(["fp"], ["fp", "tp"]),
    "false_omission_rate": share(["fn"], ["tn", "fn"]),
    "negative_predictive_value": share(["tn"], ["tn", "fn"]),
    "accuracy_score": sk.accuracy_score,
    "balanced_accuracy_score": sk.balanced_accuracy_score,
}
VALUES = {
    "mean_prediction": fl.mean_prediction,
    "mean_absolute_error": sk.mean_absolute_error,
    "mean_squared_error": sk.mean_squared_error,
}


def frame_of(functions, y, said, groups, weights=None, control=None):
    given = {} if weights is None else {name: {"sample_weight": weights} for name in functions}
    return fl.MetricFrame(
        metrics=functions,
        y_true=y,
        y_pred=said,
        sensitive_features=groups,
        control_features=control,
        sample_params=given or None,
    )


def hold(evidence, frame, method, group, words, names):
    """Hold every value, difference and ratio of a grouping against a MetricFrame."""
    for value, row in frame.by_group.iterrows():
        for name in names:
            m = evidence.measurement(name, words(value))
            assert m.value == pytest.approx(row[name], abs=1e-12)
            assert m.interval.low <= m.value <= m.interval.high
    for kind in ("difference", "ratio"):
        expected = getattr(frame, kind)(method=method)
        for name in names:
            m = evidence.measurement(f"{name}_{kind}", group)
            assert m.value == pytest.approx(expected[name], abs=1e-12), (name, kind)
            assert m.interval.low <= m.value <= m.interval.high
            assert m.reason


def drawn(seed, n=900):
    rng = np.random.default_rng(seed)
    groups = pd.DataFrame({"sex": rng.choice(["f", "m"], n), "area": rng.choice(["x", "y", "z"], n)})
    y = (rng.random(n) < 0.4).astype(int)
    said = (rng.random(n) < 0.2 + 0.4 * y + 0.1 * (groups.sex == "m")).astype(int)
    return said, y, groups, rng.uniform(0.2, 3, size=n)


# side by side with fairlearn


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("method", ["between_groups", "to_overall"])
def test_two_classes_are_fairlearns(method, weighted):
    said, y, groups, weights = drawn(1)
    weights = weights if weighted else None
    evidence = observe(recorded(said, y, groups, sample_weight=weights), method=method)
    for names in (["sex"], ["area"], ["sex", "area"]):
        frame = frame_of(BINARY, y, said, groups[names], weights)

        def words(value, names=names):
            values = value if isinstance(value, tuple) else (value,)
            return ", ".join(f"{n}={v}" for n, v in zip(names, values, strict=True))

        hold(evidence, frame, method, " × ".join(names), words, BINARY)
        given = {"sensitive_features": groups[names], "method": method, "sample_weight": weights}
        for metric in ("equalized_odds_ratio", "equal_opportunity_ratio"):
            m = evidence.measurement(metric, " × ".join(names))
            assert m.value == pytest.approx(getattr(fl, metric)(y, said, **given), abs=1e-12)
    assert ("effective sizes" in " ".join(evidence.notes)) == weighted


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("method", ["between_groups", "to_overall"])
def test_a_regression_is_fairlearns(method, weighted):
    rng = np.random.default_rng(2)
    groups = rng.choice(list("abc"), 500)
    y = rng.gamma(3, size=500)
    said = y + rng.normal(size=500) * 0.3 + 1
    weights = rng.uniform(0.2, 3, size=500) if weighted else None
    evidence = observe(recorded(said, y, groups, sample_weight=weights), method=method)
    frame = frame_of(VALUES, y, said, groups, weights)
    hold(evidence, frame, method, "g", lambda v: f"g={v}", VALUES)


def test_many_classes_are_fairlearns_one_against_the_rest():
    rng = np.random.default_rng(3)
    y, groups = rng.choice(["low", "mid", "high"], 900), rng.choice(list("ab"), 900)
    said = np.where(rng.random(900) < 0.6, y, rng.choice(["low", "mid", "high"], 900))
    evidence = observe(recorded(said, y, groups))
    frame = frame_of({"accuracy_score": sk.accuracy_score}, y, said, groups)
    hold(evidence, frame, "between_groups", "g", lambda v: f"g={v}", ["accuracy_score"])
    rates = {name: function for name, function in BINARY.items() if name != "accuracy_score"}
    for one in ("low", "mid", "high"):
        frame = frame_of(rates, (y == one).astype(int), (said == one).astype(int), groups)
        hold(
            evidence,
            frame,
            "between_groups",
            f"g | class={one}",
            lambda v, one=one: f"g={v} | class={one}",
            rates,
        )


@pytest.mark.parametrize("method", ["between_groups", "to_overall"])
def test_strata_are_fairlearns(method):
    said, y, groups, weights = drawn(4, 2000)
    control = np.random.default_rng(4).choice(["day", "night"], 2000)
    subject = recorded(said, y, groups, control_features={"shift": control}, sample_weight=weights)
    evidence = observe(subject, method=method, intersections=False)
    frame = frame_of(BINARY, y, said, groups["area"], weights, control)
    for (stratum, value), row in frame.by_group.iterrows():
        for name in BINARY:
            m = evidence.measurement(name, f"area={value} | shift={stratum}")
            assert m.value == pytest.approx(row[name], abs=1e-12)
    for kind, worst in (("difference", "max"), ("ratio", "min")):
        table = getattr(frame, kind)(method=method)
        for name in BINARY:
            metric = f"{name}_{kind}"
            for stratum in ("day", "night"):
                m = evidence.measurement(metric, f"area | shift={stratum}")
                assert m.value == pytest.approx(table.loc[stratum, name], abs=1e-12)
            for word, how in (("worst", worst), ("mean", "mean")):
                m = evidence.measurement(metric, f"area | {word} of strata")
                assert m.value == pytest.approx(getattr(table[name], how)(), abs=1e-12)
                assert m.interval.low <= m.value <= m.interval.high
    assert any("2 strata" in note for note in evidence.notes)


def test_a_gap_that_the_strata_explain_is_not_found_within_them():
    rng = np.random.default_rng(6)
    n = 8000
    job = rng.integers(2, size=n)
    groups = np.where(rng.random(n) < 0.2 + 0.6 * job, "m", "f")  # men apply where more are taken
    said = rng.random(n) < 0.2 + 0.4 * job
    y = rng.random(n) < 0.5
    metric = "selection_rate_difference"
    assert observe(recorded(said, y, groups)).measurement(metric, "g").interval.low > 0.15
    within = observe(recorded(said, y, groups, control_features={"job": job}))
    worst = within.measurement(metric, "g | worst of strata")
    assert worst.interval.low == 0
    assert worst.interval.high < 0.1


# twins


def test_a_planted_gap_is_found_with_its_sign_and_size():
    planted = make_biased(gap=0.2, n=8000, seed=1)
    m = observe(planted.subject).measurement("selection_rate_difference", "group")
    assert 0 < m.interval.low <= 0.2 <= m.interval.high
    assert m.reason.startswith("group=B against group=A; ")
    m = observe(planted.subject, method="to_overall").measurement("selection_rate_difference", "group")
    assert 0 < m.interval.low <= 0.1 <= m.interval.high
    assert "against all records" in m.reason


def alarms(n, k, draws, method):
    """Return how often each metric's interval leaves out "no gap" where groups are alike."""
    found = {}
    for seed in range(draws):
        rng = np.random.default_rng([seed, n, k])
        y = (rng.random(n) < 0.5).astype(int)
        subject = recorded((rng.random(n) < 0.25 + 0.4 * y).astype(int), y, rng.integers(k, size=n))
        for m in observe(subject, seed, method=method).measurements:
            if m.interval and m.metric.endswith(("_difference", "_ratio")):
                apart = m.interval.low > 0 if m.metric.endswith("_difference") else m.interval.high < 1
                found[m.metric] = found.get(m.metric, 0) + apart
    return found


@pytest.mark.parametrize("method", ["between_groups", "to_overall"])
def test_fair_subjects_raise_no_more_alarms_than_stated(method):
    found = alarms(600, 4, 100, method)
    assert len(found) == 24
    # two dozen counts are held to it
    assert max(found.values()) <= stats.binom.ppf(1 - 1e-4, 100, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["between_groups", "to_overall"])
@pytest.mark.parametrize(("n", "k"), [(100, 2), (1000, 2), (400, 8), (2000, 20)])
def test_fair_subjects_raise_no_more_alarms_than_stated_on_a_grid(n, k, method):
    found = alarms(n, k, 400, method)
    assert max(found.values()) <= stats.binom.ppf(1 - 1e-4, 400, 0.05)


# hard inputs


def test_numbers_come_in_bands_and_missing_is_one_of_them():
    rng = np.random.default_rng(0)
    age = rng.uniform(18, 80, size=400)
    age[:40] = np.nan
    subject = recorded(rng.integers(2, size=400), rng.integers(2, size=400), pd.DataFrame({"age": age}))
    evidence = observe(subject)
    groups = {m.group: m.n for m in evidence.measurements if m.metric == "selection_rate"}
    assert len(groups) == 5
    assert groups.pop("age=missing") == 40
    assert all(abs(n - 90) <= 7.2 for n in groups.values())
    assert any("4 bands" in note for note in evidence.notes)
    few = recorded(rng.integers(2, size=400), rng.integers(2, size=400), pd.DataFrame({"age": age.round(-1)}))
    assert not any("bands" in note for note in observe(few).notes)


def test_the_undefined_says_why_and_leaves_the_gap_open():
    said, y = [1, 0, 1, 0, 0, 0] * 10, [1, 0, 0, 1, 0, 0] * 10
    groups = ["a", "a", "a", "a", "b", "b"] * 10
    evidence = observe(recorded(said, y, groups))
    lost = evidence.measurement("true_positive_rate", "g=b")
    assert np.isnan(lost.value)
    assert "no record that counts" in lost.reason
    for metric in ("true_positive_rate_difference", "precision_score_ratio", "balanced_accuracy_score_ratio"):
        m = evidence.measurement(metric, "g")
        assert np.isnan(m.value)
        assert m.reason
    odds = evidence.measurement("equalized_odds_ratio", "g")
    assert odds.interval.low == 0


def test_one_group_and_many_groups_are_undefined_not_alike():
    said, y = np.resize([0, 1, 1], 300), np.resize([0, 1], 300)
    alone = observe(recorded(said, y, ["only"] * 300))
    m = alone.measurement("accuracy_score_difference", "g")
    assert np.isnan(m.value)
    assert m.reason
    # 11 differences, of which four are 1 less another
    assert alone.says == "No difference between groups could be measured, of 7 asked for."
    assert alone.tables["g"].summary == "11 metrics of 1 group: 11 of 11 figures could be measured."
    many = observe(recorded(said, y, [f"id{i}" for i in range(300)]))
    assert "are more than the 100" in many.measurement("accuracy_score_difference", "g").reason


def test_a_question_is_counted_once_and_what_was_not_measured_is_said():
    rng = np.random.default_rng(1)
    groups = np.repeat(["a", "b"], 400)
    said = (rng.random(800) < np.where(groups == "a", 0.2, 0.7)).astype(int)
    y = np.where(rng.random(800) < 0.5, 1, 0)
    evidence = observe(recorded(said, y, groups))
    # selection, both rates and what they are 1 less than: 3 questions, 5 metrics
    assert evidence.says.startswith("Of 7 differences measured between groups 3 have")
    assert "could not be measured" not in evidence.says
    assert evidence.tables["g"].summary.startswith("11 metrics of 2 groups: 22 of 22")
    none = observe(recorded(said, np.zeros(800, int), groups))
    assert none.says.endswith(" 2 more could not be measured.")  # true positive rate and balanced accuracy


def test_means_that_may_be_negative_have_no_ratio():
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    evidence = observe(recorded(y - 5, y, rng.choice(["a", "b"], 200)))
    m = evidence.measurement("mean_prediction_ratio", "g")
    assert np.isnan(m.value)
    assert "means above 0" in m.reason


def test_what_it_needs_is_asked_for():
    y = [0, 1, 0, 1]
    with pytest.raises(NotApplicable, match="sensitive"):
        observe(Subject("none", from_predictions(labels=np.array(y)), Dataset(None, y)))
    with pytest.raises(InputError, match="Did you mean"):
        observe(recorded(y, y, pd.DataFrame({"sex": list("fmfm")})), features=["sx"])


def test_the_metrics_are_judged_by_name():
    planted = make_biased(gap=0.3, n=4000, seed=2)
    from auditkit import Audit

    rules = [Criterion("selection_rate_ratio", at_least=0.8, check="AK103")]
    report = Audit(["group_metrics"], rules).run(planted.subject)
    assert [f.status for f in report.findings if f.judged] == ["fail"]


def test_a_million_rows_take_seconds(sorts_of_a_million):
    rng = np.random.default_rng(0)
    n = 1_000_000
    groups = pd.DataFrame({"sex": rng.choice(["f", "m"], n), "area": rng.choice(list("vwxyz"), n)})
    subject = recorded(rng.integers(2, size=n), rng.integers(2, size=n), groups)
    observe(recorded(rng.integers(2, size=200), rng.integers(2, size=200), groups[:200]))
    began = sorts_of_a_million()
    observe(subject)
    assert sorts_of_a_million() - began < 150
