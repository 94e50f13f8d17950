"""AK110: a planted difference in labels is found; one that the features account for is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, selection_rate
from scipy import stats

from auditkit import Dataset, Subject
from auditkit.checks.bias import label_bias
from auditkit.data import make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors import from_predictions

CONDITIONAL = "conditional_label_difference"


def observe(subject, seed=0, **options):
    return label_bias(subject, rng=np.random.default_rng(seed), **options)


def confounded(effect, n=1500, seed=0):
    """Return labels that go by x alone, and by `effect` more for group b, which has higher x more often."""
    rng = np.random.default_rng([seed, n])
    x = rng.normal(size=(n, 3))
    z = x[:, 0] + 0.5 * x[:, 1] ** 2 - 0.5
    b = rng.random(n) < 1 / (1 + np.exp(-z))
    share = (1 - abs(effect)) / (1 + np.exp(-1.2 * z)) + max(effect, 0) * b - min(effect, 0) * ~b
    y = (rng.random(n) < share).astype(int)
    data = Dataset(pd.DataFrame(x, columns=list("uvw")), y, {"g": np.where(b, "b", "a")})
    return Subject("labels", from_predictions(labels=np.resize([0, 1], n)), data, positive=1)


@pytest.mark.parametrize("effect", [0.25, -0.25])
def test_a_planted_difference_is_found_at_its_size_and_with_its_sign(effect):
    m = observe(confounded(effect, n=3000)).measurement(CONDITIONAL, "g=a")
    assert m.interval.low <= -effect <= m.interval.high  # a less b
    assert m.interval.high < 0 if effect > 0 else m.interval.low > 0
    assert "against all others" in m.reason


def test_what_the_features_account_for_is_no_conditional_difference():
    evidence = observe(confounded(0.0))
    gap = evidence.measurement("base_rate_difference", "g")
    assert gap.interval.low > 0.1
    m = evidence.measurement(CONDITIONAL)
    assert m.interval.low <= 0 <= m.interval.high


def alarms(n, draws):
    found = [observe(confounded(0.0, n, seed), seed).measurement(CONDITIONAL) for seed in range(draws)]
    return sum(not m.interval.low <= 0 <= m.interval.high for m in found)


def test_alarms_are_no_more_than_stated():
    assert alarms(500, 20) <= stats.binom.ppf(0.999, 20, 0.06)


@pytest.mark.slow
@pytest.mark.parametrize("n", [500, 2000])
def test_alarms_are_no_more_than_stated_on_a_grid(n):
    assert alarms(n, 300) <= stats.binom.ppf(0.999, 300, 0.06)


def at_random(n, groups, share, seed):
    """Return labels that depend on neither the inputs nor the group."""
    rng = np.random.default_rng([n, seed])
    y = (rng.random(n) < share).astype(int)
    data = Dataset({"u": rng.normal(size=n), "v": rng.normal(size=n)}, y, {"g": groups(rng, n)})
    return Subject("r", from_predictions(labels=np.resize([0, 1], n)), data, positive=1)


def test_a_small_group_without_one_rare_label_is_no_difference():
    """It shows no spread of its own: its robust standard error is next to 0."""
    n = 1000
    y = np.zeros(n, int)
    y[80 : 80 + 36] = 1
    data = Dataset(
        {"u": np.random.default_rng(0).normal(size=n)}, y, {"g": np.where(np.arange(n) < 60, "b", "a")}
    )
    subject = Subject("r", from_predictions(labels=np.resize([0, 1], n)), data, positive=1)
    assert stats.fisher_exact([[0, 60], [36, 904]])[1] > 0.1
    m = observe(subject).measurement(CONDITIONAL)
    assert m.interval.low < 0 < m.interval.high
    assert m.p_value > 0.05


def test_a_column_with_one_value_is_no_trouble():
    subject = confounded(0.3, n=1200)
    X = subject.test.X.assign(once=np.where(np.arange(1200) == 7, 3.0, np.nan), empty=np.nan)
    data = Dataset(X, subject.test.y, subject.test.sensitive_features)
    m = observe(Subject("o", from_predictions(labels=subject.test.y), data, positive=1)).measurement(
        CONDITIONAL
    )
    assert m.interval.low <= -0.3 <= m.interval.high


def test_intervals_of_many_groups_hold_together():
    def eight(rng, n):
        return rng.choice(list("abcdefgh"), n)

    raised = 0
    for seed in range(30):
        evidence = observe(at_random(1000, eight, 0.3, seed), seed)
        found = [m for m in evidence.measurements if m.metric == CONDITIONAL]
        assert all(m.interval.method.endswith("Bonferroni over 8 groups") for m in found)
        raised += any(m.interval.low > 0 or m.interval.high < 0 for m in found)
    assert raised <= stats.binom.ppf(0.999, 30, 0.05)


def test_base_rates_are_fairlearns_selection_rates_of_the_labels():
    subject = confounded(0.1)
    frame = MetricFrame(
        metrics=selection_rate, y_true=subject.test.y, y_pred=subject.test.y,
        sensitive_features=subject.test.sensitive_features["g"],
    )  # fmt: skip
    evidence = observe(subject)
    for value, rate in frame.by_group.items():
        assert evidence.measurement("base_rate", f"g={value}").value == pytest.approx(rate, abs=1e-12)
    assert evidence.measurement("base_rate_difference", "g").value == pytest.approx(frame.difference())
    assert evidence.measurement("base_rate_ratio", "g").value == pytest.approx(frame.ratio())
    assert evidence.tables["g"].reference == pytest.approx(subject.test.y.mean())


def test_several_groups_are_each_compared_with_the_others():
    rng = np.random.default_rng(3)
    race, x = rng.choice(list("abc"), 1500), rng.random(1500)
    y = (rng.random(1500) < 0.2 + 0.4 * x + 0.3 * (race == "c")).astype(int)
    subject = Subject("r", from_predictions(labels=y), Dataset({"x": x}, y, {"race": race}), positive=1)
    evidence = observe(subject)
    assert evidence.measurement(CONDITIONAL, "race=c").interval.low > 0.15
    assert evidence.measurement(CONDITIONAL, "race=a").interval.high < 0
    assert "race=c" in evidence.tables["race, alike"].summary


def test_inputs_that_settle_the_group_leave_nothing_to_compare():
    rng = np.random.default_rng(4)
    g = rng.integers(0, 2, 600)
    y = rng.integers(0, 2, 600)
    data = Dataset({"copy": g, "x": rng.random(600)}, y, {"g": g})
    m = observe(Subject("s", from_predictions(labels=y), data, positive=1)).measurement(CONDITIONAL)
    assert np.isnan(m.value)
    assert "settle the group" in m.reason


def test_training_rows_and_predictions_alone():
    y = np.resize([0, 1, 1], 300)
    data = Dataset(None, y, {"g": np.resize(["a", "b"], 300)})
    subject = Subject("p", from_predictions(labels=y), data, positive=1)
    m = observe(subject).measurement(CONDITIONAL)
    assert np.isnan(m.value)
    assert "no inputs" in m.reason
    with pytest.raises(NotApplicable, match="training data"):
        observe(subject, split="train")
    with pytest.raises(NotApplicable, match="regression"):
        observe(make_regression(n_train=60, n_test=60))


def test_weights_count_in_base_rates():
    y = np.repeat([1, 0, 1, 0], 100)
    g = np.repeat(["a", "a", "b", "b"], 100)
    w = np.repeat([3.0, 1.0, 1.0, 1.0], 100)
    data = Dataset({"x": np.arange(400.0)}, y, {"g": g}, sample_weight=w)
    evidence = observe(Subject("w", from_predictions(labels=y), data, positive=1))
    assert evidence.measurement("base_rate", "g=a").value == pytest.approx(0.75)
    assert any("not weighted" in note for note in evidence.notes)


def test_words_name_only_what_the_interval_bears_out():
    quiet = observe(confounded(0.0, n=1200))
    assert "none of 1 difference has an interval that leaves out 0" in quiet.says
    assert quiet.tables["g, alike"].summary.startswith("No difference among records")
    loud = observe(confounded(0.3, n=1200))
    only = loud.measurement("conditional_label_difference")
    side = "more" if only.value > 0 else "less"
    assert f"{only.group} {abs(only.value):.3f} {side} often" in loud.tables["g, alike"].summary
    assert f"clearest is {only.value:.3f}" in loud.says
