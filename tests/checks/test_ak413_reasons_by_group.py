"""A model that rests on other inputs for one group is found with the size of the gap; one that does not is left alone."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from auditkit.checks.explainability import reasons_by_group
from auditkit.data import make_multiclass, make_proxy
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.subject import Dataset, Subject


def run(subject, seed=0, **options):
    return reasons_by_group(subject, rng=np.random.default_rng(seed), **options)


def subject_of(function, n=400, seed=0, *, tilt=0.0, named=True):
    """Two independent inputs and a group; `tilt` moves x1 in group B."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, n)
    X = pd.DataFrame(
        {"x1": rng.normal(size=n) + tilt * group, "x2": rng.normal(size=n), "b": group.astype(float)}
    )
    model = from_callable(function, output="values")
    words = np.where(group == 1, "B", "A")
    who = {"b": group.astype(float)} if named else {"group": words}
    return Subject(
        "s", model, Dataset(X, np.zeros(n) + X.x1.to_numpy(), sensitive_features=who), task="regression"
    )


def split(X):
    """Group A is answered by x1 alone, group B by x2 alone."""
    return np.where(X["b"] == 1, X["x2"], X["x1"]).astype(float)


def alike(X):
    return (X["x1"] + X["x2"]).to_numpy()


def test_the_guilty_twin_has_a_gap_of_the_planted_size():
    found = run(subject_of(split, named=False), rows=400, background=50)
    gap = found.measurement("importance_gap", "group")
    # by symmetry x1 has as much in A as x2 has in B, and both together nearly all: their gap is far from 0
    assert gap.interval.low > 0.2
    assert gap.reason.startswith(("input x1", "input x2"))
    assert gap.p_value < 1e-6


def test_the_innocent_twin_is_quiet_at_the_stated_rate():
    draws = 60
    alarms = sum(
        run(subject_of(alike, n=200, seed=s, named=False), seed=s, rows=200, background=20).measurement("importance_gap", "group").interval.low > 0
        for s in range(draws)
    )  # fmt: skip
    assert alarms <= binom.ppf(0.999, draws, 0.05)


def test_the_shares_of_an_additive_model_are_known():
    """Of f = x1 + x2 + 2b with standard normal x and fair b: E|phi| is sqrt(2/pi), sqrt(2/pi), and 1 as |2(b - 1/2)|."""

    def function(X):
        return (X["x1"] + X["x2"] + 2 * X["b"]).to_numpy()

    found = run(subject_of(function, n=2000), rows=2000, background=200, proxy_auc=0.65)
    own = found.measurement("sensitive_importance_share", "b")
    expected = 1 / (1 + 2 * np.sqrt(2 / np.pi))
    assert own.value == pytest.approx(expected, abs=0.03)
    assert own.reason == "b"
    assert found.measurement("proxy_importance_share", "b").value == 0


def test_the_share_of_a_ratio_covers():
    expected = 1 / (1 + 2 * np.sqrt(2 / np.pi))

    def function(X):
        return (X["x1"] + X["x2"] + 2 * X["b"]).to_numpy()

    draws, covered = 60, 0
    for s in range(draws):
        subject = subject_of(function, n=300, seed=s)
        balanced = pd.DataFrame(
            {"x1": [0.0, 0.0], "x2": [0.0, 0.0], "b": [0.0, 1.0]}
        )  # a background of the true means
        subject = Subject("s", subject.model, subject.test, Dataset(balanced, [0.0, 0.0]), task="regression")
        own = run(subject, seed=s, rows=300, background=2).measurement("sensitive_importance_share", "b")
        covered += own.interval.low <= expected <= own.interval.high
    assert covered >= binom.ppf(0.001, draws, 0.95)


def test_what_the_gap_goes_through_adds_up_to_the_gap():
    subject = subject_of(alike, tilt=1.0, named=False)
    table = run(subject, rows=400, background=50).tables["gap by group"].frame()
    output = subject.answers().labels
    b = subject.test.X["b"].to_numpy() == 1
    mine = table[table.series == "group=B"]
    assert mine.value.sum() == pytest.approx(output[b].mean() - output[~b].mean(), abs=1e-9)
    through = mine.set_index("label").value
    assert through["x1"] == pytest.approx(1.0, abs=0.25)
    assert abs(through["b"]) < 1e-9


def test_a_proxy_is_named_with_its_share():
    found = run(make_proxy(seed=0).subject)
    proxy = found.measurement("proxy_importance_share", "sex")
    assert proxy.reason == "district"
    assert proxy.interval.low > 0.3
    assert found.measurement("sensitive_importance_share", "sex").value < 1e-9
    assert "on inputs that tell its groups apart (AUC 0.65 or more: district)" in found.says


def test_an_input_from_which_the_feature_follows_counts_as_the_feature():
    found = run(subject_of(lambda X: (X["x1"] + X["b"]).to_numpy(), named=False), rows=200)
    own = found.measurement("sensitive_importance_share", "group")
    assert own.reason == "b"
    assert own.value > 0.2


def test_several_classes_have_sizes_and_no_direction():
    found = run(make_multiclass(), rows=60, background=10)
    assert not any(name.startswith("gap by") for name in found.tables)
    assert any(name.startswith("importance by") for name in found.tables)


def test_groups_too_small_are_left_out_and_said():
    subject = subject_of(alike, n=120, named=False)
    words = np.array(["A"] * 60 + ["B"] * 55 + ["C"] * 5)
    small = Subject(
        "s",
        subject.model,
        Dataset(subject.test.X, subject.test.y, sensitive_features={"group": words}),
        task="regression",
    )
    gap = run(small, rows=120, background=10).measurement("importance_gap", "group")
    assert "group=C" in gap.reason
    assert gap.interval.high == 1.0  # what a group that could not be measured might make of it


def test_a_constant_output_has_no_reasons():
    with pytest.raises(NotApplicable, match="nothing to attribute"):
        run(subject_of(lambda X: np.zeros(len(X))))


def test_one_group_alone_is_not_drawn():
    subject = subject_of(alike, n=120, named=False)
    words = np.array(["A"] * 115 + ["B"] * 5)
    lone = Subject(
        "s",
        subject.model,
        Dataset(subject.test.X, subject.test.y, sensitive_features={"group": words}),
        task="regression",
    )
    assert run(lone, rows=120, background=10).tables == {}


def test_each_sensitive_feature_has_its_sentence_and_a_few_rows_have_none():
    subject = subject_of(alike, n=120)
    who = {"b": subject.test.X["b"].to_numpy(), "half": np.where(np.arange(120) < 60, "first", "second")}
    two = Subject(
        "s", subject.model, Dataset(subject.test.X, subject.test.y, sensitive_features=who), task="regression"
    )
    says = run(two, rows=120, background=10).says
    assert "rests on b itself" in says
    assert "rests on half itself" in says
    few = Dataset(subject.test.X.iloc[:3], subject.test.y[:3], sensitive_features={"half": ["x", "y", "x"]})
    with pytest.raises(NotApplicable, match="too few"):
        run(Subject("s", subject.model, few, task="regression"))


def test_the_luck_of_the_background_is_no_gap():
    """In f = x1 + 3b with fair b both groups rest on b alike; only the background's own share of B says otherwise."""
    for seed in range(5):
        subject = subject_of(lambda X: (X["x1"] + 3 * X["b"]).to_numpy(), n=400, seed=seed)
        found = run(subject, seed=seed, rows=400, background=20)
        gap = found.measurement("importance_gap", "b")
        assert gap.reason.startswith("input x")
        assert gap.interval.low == 0
        assert found.measurement("sensitive_importance_share", "b").value > 0.5
        assert any(note.startswith("Background: 20 of 400") for note in found.notes)


def test_with_no_other_input_there_is_no_gap():
    b = np.tile([0.0, 1.0], 60)
    model = from_callable(lambda X: X["b"].to_numpy(), output="values")
    data = Dataset(pd.DataFrame({"b": b}), b, sensitive_features={"b": b})
    gap = run(Subject("s", model, data, task="regression"), rows=120).measurement("importance_gap", "b")
    assert np.isnan(gap.value)
    assert gap.reason == "every input is the feature itself, or settles it"


def test_the_sentence_names_the_column_that_was_read_and_tells_no_gap_that_begins_at_0():
    found = run(subject_of(split, named=False), rows=100, background=20)
    assert "rests on b, which settles group" in found.says
    assert "differ most in the weight of" in found.says
    quiet = run(subject_of(alike, n=200, named=False), rows=200, background=20)
    assert quiet.measurement("importance_gap", "group").interval.low == 0
    assert "differ most" not in quiet.says
    assert "was not shown: the largest gap" in quiet.says
