"""AK102: for whom the model is wrong more often, held against planted gaps, fairlearn and hard inputs."""

from __future__ import annotations

import math

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as skm
from scipy import stats

from auditkit import Audit, Dataset, Subject
from auditkit.checks.bias import error_rates
from auditkit.data import load_german_credit, make_biased
from auditkit.finding import POLICY, Criterion
from auditkit.judging import judge, verdict
from auditkit.loading.policy import default_policy
from auditkit.predictors import from_predictions

OPPORTUNITY, ODDS, ACCURACY = (
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "accuracy_difference",
)


def observe(subject, seed=0, **options):
    return error_rates(subject, rng=np.random.default_rng(seed), **options)


def recorded(y, said, groups, **more):
    data = Dataset(None, np.asarray(y), groups if isinstance(groups, pd.DataFrame) else {"g": groups})
    return Subject("recorded", from_predictions(labels=np.asarray(said)), data, **more)


def counted(**groups):
    """Return a subject with so many (tn, fp, fn, tp) in each group."""
    y, said, names = [], [], []
    for name, cells in groups.items():
        y += np.repeat([0, 0, 1, 1], cells).tolist()
        said += np.repeat([0, 1, 0, 1], cells).tolist()
        names += [name] * sum(cells)
    return recorded(y, said, names)


def statuses(evidence, **at_most):
    return [
        f.status for f in judge([evidence], [Criterion(m, at_most=limit) for m, limit in at_most.items()])
    ]


# guilty and innocent twins


@pytest.mark.parametrize(
    ("kind", "gap", "groups"), [("errors", 0.2, 2), ("errors", 0.3, 3), ("selection", 0.2, 2)]
)
def test_a_planted_gap_is_found_with_its_sign_and_size(kind, gap, groups):
    planted = make_biased(kind=kind, gap=gap, groups=groups, n=8000, seed=1)
    evidence = observe(planted.subject)
    last = "ABC"[groups - 1]
    for metric in (OPPORTUNITY, ODDS):
        m = evidence.measurement(metric, "group")
        assert 0 < m.interval.low <= gap <= m.interval.high
        assert m.p_value < 1e-6
    assert evidence.measurement(OPPORTUNITY).reason.startswith(f"group={last} against group=A")
    fpr = [evidence.measurement("false_positive_rate", f"group={g}").value for g in ("A", last)]
    assert (fpr[1] > fpr[0]) == (kind == "errors")
    if kind == "errors":  # right with 3/4 + gap/2 in A, 3/4 - gap/2 in the last
        m = evidence.measurement(ACCURACY)
        assert m.interval.low <= gap <= m.interval.high
        assert m.reason.startswith(f"group={last} against group=A")


def test_the_default_policy_tells_the_twins_apart():
    guilty = observe(make_biased(kind="errors", gap=0.3, n=4000, seed=2).subject)
    innocent = observe(make_biased(kind="errors", gap=0.0, n=8000, seed=2).subject)
    assert {f.status for f in judge([guilty], default_policy()) if f.judged} == {"fail"}
    assert {f.status for f in judge([innocent], default_policy()) if f.judged} == {"pass"}


def test_the_intervals_cover_the_planted_gap():
    inside = dict.fromkeys((OPPORTUNITY, ODDS, ACCURACY), 0)
    for seed in range(200):
        evidence = observe(make_biased(kind="errors", gap=0.2, n=800, groups=3, seed=seed).subject, seed)
        for metric in inside:
            ends = evidence.measurement(metric).interval
            inside[metric] += ends.low <= 0.2 <= ends.high
    assert min(inside.values()) >= stats.binom.ppf(0.001, 200, 0.95)


def hold_to_five_percent(n, k, draws):
    off = dict.fromkeys((OPPORTUNITY, ODDS, ACCURACY), 0)
    small, broken, judged = dict(off), 0, 0
    for seed in range(draws):
        rng = np.random.default_rng([seed, n, k])
        y = rng.random(n) < 0.4
        said = np.where(rng.random(n) < 0.8, y, ~y)
        evidence = observe(recorded(y, said, rng.integers(k, size=n)), seed)
        for metric in off:
            m = evidence.measurement(metric)
            off[metric] += m.interval is not None and m.interval.low > 0
            small[metric] += m.p_value is not None and m.p_value < 0.05
        findings = [f for f in judge([evidence], default_policy()) if f.judged]
        broken += sum(f.status == "fail" for f in findings)
        judged += len(findings)
    most = stats.binom.ppf(1 - 1e-4, draws, 0.05)  # a dozen such counts are held to it
    assert max(off.values()) <= most
    assert max(small.values()) <= most
    assert judged == 2 * draws
    assert broken <= stats.binom.ppf(1 - 1e-4, judged, 0.05)


@pytest.mark.parametrize(("n", "k"), [(400, 2), (400, 8)])
def test_fair_subjects_raise_no_more_alarms_than_stated(n, k):
    hold_to_five_percent(n, k, 200)


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 3, 8, 20])
@pytest.mark.parametrize("n", [60, 400, 3000])
def test_fair_subjects_raise_no_more_alarms_than_stated_on_a_grid(n, k):
    hold_to_five_percent(n, k, 1500)


# side by side


def german():
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    train, test = load_german_credit(seed=0)
    prepare = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    model = make_pipeline(prepare, LogisticRegression(max_iter=1000)).fit(train.X, train.y)
    return Subject("german", model, test, train, positive="good"), model


def hold_to_fairlearn(evidence, y, said, groups, name):
    given = {"y_true": y, "y_pred": said, "sensitive_features": groups}
    frame = fl.MetricFrame(
        metrics={
            "accuracy": skm.accuracy_score,
            "true_positive_rate": fl.true_positive_rate,
            "false_positive_rate": fl.false_positive_rate,
        },
        **given,
    )
    for value, row in frame.by_group.iterrows():
        for metric, rate in row.items():
            found = evidence.measurement(metric, f"{name}={value}").value
            assert found == pytest.approx(rate, abs=1e-12)
    expected = {
        ODDS: fl.equalized_odds_difference(**given),
        OPPORTUNITY: fl.equal_opportunity_difference(**given),
        ACCURACY: frame.difference()["accuracy"],
    }
    for metric, value in expected.items():
        assert evidence.measurement(metric, name).value == pytest.approx(value, abs=1e-12)


def test_figures_on_german_credit_are_fairlearns():
    subject, model = german()
    said, truth = np.asarray(model.predict(subject.test.X)) == "good", subject.test.y == "good"
    evidence = observe(subject)
    for name in ("sex", "age"):
        hold_to_fairlearn(evidence, truth, said, subject.test.sensitive_features[name], name)


@pytest.mark.parametrize("seed", range(5))
def test_figures_on_drawn_labels_are_fairlearns(seed):
    rng = np.random.default_rng(seed)
    y, said = rng.integers(2, size=(2, 400))
    groups = rng.integers(2 + seed, size=400)
    hold_to_fairlearn(observe(recorded(y, said, groups)), y, said, groups, "g")


def test_rates_by_hand():
    evidence = observe(counted(a=(6, 2, 1, 3), b=(4, 4, 3, 1)))
    assert evidence.measurement("true_positive_rate", "g=a").value == 3 / 4
    assert evidence.measurement("false_positive_rate", "g=b").value == 4 / 8
    assert evidence.measurement(OPPORTUNITY).value == pytest.approx(1 / 2)
    assert evidence.measurement(ODDS).value == pytest.approx(1 / 2)
    assert evidence.measurement(ACCURACY).value == pytest.approx(9 / 12 - 5 / 12)
    assert evidence.measurement(OPPORTUNITY).n == 8
    assert evidence.measurement(ODDS).n == 24
    assert evidence.measurement(ODDS).reason.startswith("true positive rate: g=b against g=a")


def test_equalized_odds_needs_both_rates_to_lie_within():
    """Newcombe at 97.5% on either rate: the interval is that of the wider gap, the test is doubled."""
    evidence = observe(counted(a=(400, 100, 250, 250), b=(250, 250, 250, 250)))
    m = evidence.measurement(ODDS)
    fpr = evidence.measurement("false_positive_rate", "g=b").value
    assert m.value == pytest.approx(fpr - 0.2)
    z = stats.norm.ppf(1 - 0.025 / 2)

    def wilson(x, n):
        return sorted(
            (x + z * z / 2 + sign * z * math.sqrt(x * (n - x) / n + z * z / 4)) / (n + z * z)
            for sign in (-1, 1)
        )

    (l1, u1), (l2, u2) = wilson(250, 500), wilson(100, 500)
    assert m.interval.low == pytest.approx(0.3 - math.hypot(0.5 - l1, u2 - 0.2))
    assert m.interval.high == pytest.approx(0.3 + math.hypot(u1 - 0.5, 0.2 - l2))
    table = [[100, 400], [250, 250]]
    assert m.p_value == pytest.approx(2 * stats.chi2_contingency(table, correction=False).pvalue)


# unknown never reads as met


def test_a_group_without_positives_is_undefined_and_keeps_the_limit_from_being_met():
    evidence = observe(counted(a=(2000, 500, 500, 2000), b=(2000, 500, 500, 2000), c=(800, 200, 0, 0)))
    tpr = evidence.measurement("true_positive_rate", "g=c")
    assert math.isnan(tpr.value)
    assert tpr.n == 0
    assert "no record that counts for the true positive rate" in tpr.reason
    for metric in (OPPORTUNITY, ODDS):
        m = evidence.measurement(metric)
        assert m.value == pytest.approx(0, abs=1e-12)
        assert m.interval.high == 1
        assert "left out" in m.reason
        assert "g=c" in m.reason
        assert statuses(evidence, **{metric: 0.1}) == ["inconclusive"]
    assert statuses(evidence, **{ACCURACY: 0.1}) == ["pass"]
    assert verdict(judge([evidence], default_policy())) == "undecided"


def test_with_a_group_left_out_a_limit_can_still_be_broken():
    evidence = observe(counted(a=(500, 500, 100, 900), b=(500, 500, 600, 400), c=(500, 500, 0, 0)))
    assert statuses(evidence, **{OPPORTUNITY: 0.1, ODDS: 0.1}) == ["fail", "fail"]


def test_a_gap_in_one_rate_is_not_hidden_by_the_other_being_undefined():
    evidence = observe(counted(a=(900, 100, 50, 50), b=(500, 500, 0, 0)))
    assert math.isnan(evidence.measurement(OPPORTUNITY).value)
    m = evidence.measurement(ODDS)
    assert m.value == pytest.approx(0.4)
    assert m.reason.startswith("false positive rate: g=a against g=b")
    assert "true positive rate: left out" in m.reason
    assert statuses(evidence, **{OPPORTUNITY: 0.1, ODDS: 0.1}) == ["inconclusive", "fail"]


def test_one_class_in_the_test_rows_leaves_one_rate_unknown():
    evidence = observe(counted(a=(0, 0, 20, 980), b=(0, 0, 20, 980)))
    assert evidence.measurement(OPPORTUNITY).value == 0
    assert statuses(evidence, **{OPPORTUNITY: 0.1, ODDS: 0.1}) == ["pass", "inconclusive"]
    assert all(math.isnan(evidence.measurement("false_positive_rate", f"g={g}").value) for g in ("a", "b"))
    table = evidence.tables["g"]
    assert table.reference is None
    assert "False positive rate: no group" in table.summary


def test_the_rates_of_a_feature_stand_in_one_table_a_series_each():
    evidence = observe(counted(a=(4, 6, 8, 2), b=(5, 5, 5, 5)))
    columns = evidence.tables["g"].columns
    assert list(evidence.tables) == ["g"]
    assert dict.fromkeys(columns["series"]) == dict.fromkeys(
        ["Accuracy", "True positive rate", "False positive rate"]
    )
    # the rates of a group rest on different records, and a figure names one row for all three
    assert set(columns["label"]) == {"g=a (n = 20, 10, 10)", "g=b (n = 20, 10, 10)"}
    assert "in the order accuracy, true positive rate, false positive rate" in evidence.tables["g"].summary
    labels = [label.partition(" (n")[0] for label in columns["label"]]
    rows = zip(columns["series"], labels, columns["value"], strict=True)
    values = {(series, label): value for series, label, value in rows}
    for series, metric in (("Accuracy", "accuracy"), ("True positive rate", "true_positive_rate")):
        assert values[series, "g=a"] == evidence.measurement(metric, "g=a").value


def test_one_group_only_is_undefined():
    evidence = observe(counted(a=(5, 5, 5, 5)))
    for metric in (OPPORTUNITY, ODDS, ACCURACY):
        assert math.isnan(evidence.measurement(metric).value)
        assert "at least two groups" in evidence.measurement(metric).reason
    assert statuses(evidence, **{ODDS: 0.1, ACCURACY: 0.1}) == ["inconclusive", "inconclusive"]


def test_too_few_records_say_how_many_would_do():
    evidence = observe(counted(a=(10, 10, 10, 10), b=(10, 10, 10, 10)))
    opportunity, odds = evidence.measurement(OPPORTUNITY), evidence.measurement(ODDS)
    assert opportunity.n_needed == pytest.approx(776, abs=2)  # positives: 388 in each of two equal groups
    # either rate at 97.5%, and as many negatives: (2.241 * sqrt(2 * .55 * .45) + .842 * sqrt(.25 + .24))^2 / .01 a group
    one = ((2.2414 * math.sqrt(0.495) + 0.8416 * math.sqrt(0.49)) / 0.1) ** 2
    assert odds.n_needed == pytest.approx(4 * one, rel=1e-3)
    assert statuses(evidence, **{ODDS: 0.1}) == ["inconclusive"]


def test_too_many_groups_are_not_compared_and_that_is_not_silent():
    evidence = observe(recorded([0, 1] * 100, [0, 1] * 100, [f"n{i}" for i in range(200)]))
    assert {m.metric for m in evidence.measurements} == {OPPORTUNITY, ODDS, ACCURACY}
    assert all(math.isnan(m.value) for m in evidence.measurements)
    assert set(statuses(evidence, **{OPPORTUNITY: 1, ODDS: 1, ACCURACY: 1})) == {"inconclusive"}


def test_missing_values_are_a_group_and_a_lone_record_decides_nothing():
    y = np.resize([0, 1], 401)
    groups = np.array(["f", "f", "m", "m"] * 100 + [None], dtype=object)
    evidence = observe(recorded(y, y, groups))
    assert evidence.measurement("accuracy", "g=missing").n == 1
    assert statuses(evidence, **{ACCURACY: 0.1, ODDS: 0.1}) == ["inconclusive", "inconclusive"]


def test_the_headline_is_not_the_noise_of_the_smallest_groups():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"big": rng.integers(2, size=4000), "small": np.repeat(["a", "b", "c"], [3996, 2, 2])}
    )
    y = rng.integers(2, size=4000)
    said = np.where(rng.random(4000) < np.where(frame["big"] == 1, 0.9, 0.6), y, 1 - y)
    said[-4:] = [y[-4], y[-3], 1 - y[-2], 1 - y[-1]]  # b always right, c always wrong
    evidence = observe(recorded(y, said, frame), intersections=False)
    assert evidence.measurement(ACCURACY, "small").value == 1
    assert evidence.says.endswith(", false positive rate: big=1 against big=0.")


# tasks and inputs


def test_many_classes_are_compared_by_accuracy_alone_without_a_positive_one():
    rng = np.random.default_rng(0)
    y, said = rng.integers(3, size=(2, 300))
    groups = rng.integers(2, size=300)
    assert {m.metric for m in observe(recorded(y, said, groups)).measurements} == {"accuracy", ACCURACY}
    evidence = observe(recorded(y, said, groups, positive=2))
    hold = fl.equalized_odds_difference(y == 2, said == 2, sensitive_features=groups)
    assert evidence.measurement(ODDS).value == pytest.approx(hold, abs=1e-12)
    frame = fl.MetricFrame(metrics=skm.accuracy_score, y_true=y, y_pred=said, sensitive_features=groups)
    assert evidence.measurement(ACCURACY).value == pytest.approx(frame.difference(), abs=1e-12)


def regression(times, n=600, seed=0):
    rng = np.random.default_rng(seed)
    group = rng.integers(2, size=n)
    y = rng.normal(50, 4, n)
    said = y + rng.normal(0, 1, n) * np.where(group == 1, times, 1.0)
    data = Dataset(None, y, {"g": group})
    return Subject("r", from_predictions(labels=said), data, task="regression")


def test_the_errors_of_a_regression_are_compared_in_spreads_of_the_target():
    subject = regression(3.0, n=4000)
    m = observe(subject).measurement("standardised_mean_error_difference")
    # a normal error of spread s is s * sqrt(2 / pi) on average
    assert m.interval.low <= (3 - 1) * math.sqrt(2 / math.pi) / 4 <= m.interval.high
    assert m.interval.low > 0.25
    assert m.reason.startswith("g=0 against g=1")
    error = np.abs(subject.answers().labels - subject.test.y)
    frame = fl.MetricFrame(
        metrics=skm.mean_absolute_error,
        y_true=subject.test.y,
        y_pred=subject.answers().labels,
        sensitive_features=subject.test.sensitive_features["g"],
    )
    assert m.value == pytest.approx(frame.difference() / subject.test.y.std(), abs=1e-12)
    assert observe(subject).measurement("mean_error", "g=1").value == pytest.approx(frame.by_group[1])
    assert observe(subject).measurement("mean_error", "g=1").n + (
        subject.test.sensitive_features["g"] == 0
    ).sum() == len(error)


def test_equal_errors_of_regressions_raise_no_more_alarms_than_stated():
    off = sum(
        observe(regression(1.0, 80, s)).measurement("standardised_mean_error_difference").interval.low > 0
        for s in range(200)
    )
    assert off <= stats.binom.ppf(0.999, 200, 0.05)


def test_scores_that_are_nan_are_an_error_of_the_check():
    class Broken:
        classes_ = np.array([0, 1])

        def predict(self, X):
            return np.zeros(len(X), dtype=int)

        def predict_proba(self, X):
            return np.full((len(X), 2), np.nan)

        def get_params(self, deep=True):
            return {}

    data = Dataset(pd.DataFrame({"x": np.arange(4.0)}), [0, 1, 0, 1], {"g": ["a", "b", "a", "b"]})
    report = Audit(["model_performance", "demographic_parity", "error_rates"]).run(
        Subject("nan", Broken(), data)
    )
    findings = [f for f in report.findings if f.check != POLICY]
    assert {f.status for f in findings} == {"error"}
    assert all("nan" in f.reason.lower() for f in findings)
    assert report.verdict == "undecided"


def test_a_million_rows_run_quickly(sorts_of_a_million):
    rng = np.random.default_rng(0)
    n = 1_000_000
    frame = pd.DataFrame({"a": rng.integers(5, size=n), "b": rng.choice(["x", "y"], size=n)})
    y, said = rng.integers(2, size=(2, n))
    began = sorts_of_a_million()
    evidence = observe(recorded(y, said, frame))
    assert sorts_of_a_million() - began < 150
    assert evidence.measurement(ODDS, "a × b").n == n


def test_the_same_seed_gives_the_same_evidence_and_it_can_be_saved():
    subject = counted(a=(3, 2, 1, 3), b=(2, 2, 3, 1), c=(2, 1, 0, 0))
    first, second = observe(subject, 3), observe(subject, 3)
    assert first.to_dict() == second.to_dict()
    assert type(first).from_dict(first.to_dict()).to_dict() == first.to_dict()


def test_equalized_odds_names_the_rate_its_interval_begins_with():
    # the gap in true positive rates is wide and rests on few; that in false positive rates is narrower and sure
    evidence = observe(counted(a=(9000, 1000, 3, 0), b=(7000, 3000, 0, 3)))
    m = evidence.measurement(ODDS)
    assert m.value == 1
    sizes = "3 records against 3 records; smallest group: 3 records, g=a"
    assert m.reason.startswith(f"true positive rate: g=a against g=b; {sizes}")
    surest = "the interval begins at the false positive rate: g=a against g=b"
    assert f"{surest}, 10,000 records against 10,000 records" in m.reason
    assert evidence.says.endswith(f"], true positive rate: g=a against g=b; {surest}.")
    assert m.interval.low == pytest.approx(0.2, abs=0.02)
