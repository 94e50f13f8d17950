"""AK402: which inputs the model needs to be right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.inspection import permutation_importance as by_sklearn

from auditkit import Audit, Dataset, Subject
from auditkit.checks.explainability import permutation_importance
from auditkit.data import make_credit, make_multiclass, make_regression
from auditkit.errors import InputError
from auditkit.methods import attributions


def run(subject, seed=0, **params):
    return permutation_importance(subject, rng=np.random.default_rng(seed), **params)


@pytest.mark.parametrize("make", [make_credit, make_multiclass])
def test_equals_sklearn_within_noise(make):
    subject = make(n_train=400, n_test=400)
    found = run(subject, repeats=30)
    model = subject.model.inner.estimator
    expected = by_sklearn(
        model, subject.test.X, subject.test.y, n_repeats=30, random_state=1, scoring="accuracy"
    )
    for j, name in enumerate(subject.test.X.columns):
        noise = np.hypot(expected.importances_std[j], expected.importances_std[j]) / np.sqrt(30)
        value = found.measurement("permutation_importance", name).value
        assert value == pytest.approx(expected.importances_mean[j], abs=5 * noise + 1e-12)


def test_a_regression_is_measured_in_spreads_of_the_target():
    subject = make_regression(n_train=400, n_test=400)
    found = run(subject, repeats=30)
    expected = by_sklearn(
        subject.model.inner.estimator, subject.test.X, subject.test.y, n_repeats=30, random_state=1,
        scoring="neg_mean_absolute_error",
    )  # fmt: skip
    for j, name in enumerate(subject.test.X.columns):
        value = found.measurement("permutation_importance", name).value * subject.test.y.std()
        assert value == pytest.approx(
            expected.importances_mean[j], abs=6 * expected.importances_std[j] / np.sqrt(30) + 1e-12
        )


def half_right(n, seed, used=True):
    """Return a subject right by its one input; shuffled, it is right by chance: the rise is 1/2."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.integers(0, 2, n), "b": rng.integers(0, 2, n)})
    column = "a" if used else "b"
    return Subject("h", lambda f: f[column].to_numpy(), Dataset(X, X["a"]))


def test_a_planted_need_is_found_at_its_size_and_an_unused_input_is_0_as_far_as_rows_can_tell():
    found = run(half_right(4000, 0), repeats=10)
    m = found.measurement("permutation_importance", "a")
    assert m.interval.low < 0.5 < m.interval.high
    assert m.value == pytest.approx(0.5, abs=0.03)
    other = found.measurement("permutation_importance", "b")
    assert other.value == 0
    # 2,000 rows make 1,000 pairs without a row in common, and none changed: 1.96 * sqrt(2) / 1002, either way
    assert (-other.interval.low, other.interval.high) == pytest.approx((0.002766, 0.002766), abs=1e-6)


@pytest.mark.parametrize(("rare", "n"), [(0.005, 60), (0.01, 60), (0.05, 60), (0.01, 200)])
def test_the_interval_covers_what_hardly_a_row_shows(rare, n):
    """An input that turns the answer where it is 1: shuffling changes it where the two rows differ, 2 p (1 - p)."""
    truth, covered = 2 * rare * (1 - rare), 0
    for seed in range(150):
        a = (np.random.default_rng((seed, n)).random(n) < rare).astype(int)
        X = pd.DataFrame({"a": a, "b": np.arange(n) % 2})
        subject = Subject("r", lambda f: (f["a"] ^ f["b"]).to_numpy(), Dataset(X, X["a"] ^ X["b"]))
        m = run(subject, seed=seed).measurement("permutation_importance", "a")
        covered += m.interval.low <= truth <= m.interval.high
    assert covered >= stats.binom.ppf(0.001, 150, 0.95)


def test_a_regression_in_which_no_answer_changes_has_no_interval():
    X = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0) % 3})
    found = run(Subject("c", lambda f: f["a"].to_numpy(), Dataset(X, X["a"]), task="regression"))
    m = found.measurement("permutation_importance", "b")
    assert (m.value, m.interval) == (0, None)
    assert "no answer changed" in m.reason


def test_the_interval_covers_the_true_rise():
    covered = 0
    for seed in range(150):
        m = run(half_right(100, seed), repeats=3, seed=seed).measurement("permutation_importance", "a")
        covered += m.interval.low <= 0.5 <= m.interval.high
    assert covered >= stats.binom.ppf(0.001, 150, 0.95)


def squares(n, seed):
    """Return a regression whose error after shuffling hangs as much on the value that comes as on the one that goes."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": np.abs(rng.normal(size=n)) ** 1.5})
    return Subject("s", lambda f: f["a"].to_numpy(), Dataset(X, X["a"]), task="regression")


def test_the_interval_counts_the_rows_that_are_shuffled_in():
    known = np.abs(np.random.default_rng(1).normal(size=200_000)) ** 1.5
    truth = np.abs(known[:100_000] - known[100_000:]).mean()
    covered = narrow = 0
    for seed in range(150):
        subject = squares(200, seed)
        m = run(subject, repeats=10, seed=seed).measurement("permutation_importance", "a")
        value, half = m.value * subject.test.y.std(), (m.interval.high - m.value) * subject.test.y.std()
        covered += abs(value - truth) <= half
        own = attributions.permutation_importance(
            lambda Z, at, y=subject.test.y: np.abs(Z[:, 0] - y[at]),
            subject.test.X.to_numpy(),
            repeats=10,
            rng=np.random.default_rng(seed),
        )[0]
        narrow += abs(own.mean() - truth) <= 1.97 * own.std(ddof=1) / np.sqrt(200)
    assert covered >= stats.binom.ppf(0.001, 150, 0.93)
    assert narrow < covered - 15  # what the spread of the rises over rows alone would give


def test_the_interval_counts_the_luck_of_the_shuffle():
    subject = squares(60, 0)
    found = [run(subject, repeats=1, seed=s).measurement("permutation_importance", "a") for s in range(40)]
    luck = np.std([m.value for m in found], ddof=1)
    assert np.mean([(m.interval.high - m.interval.low) / 4 for m in found]) > luck


def copies(n, seed):
    """Return a subject whose model reads two copies of one input, a word that stands for its sign, and noise."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    X = pd.DataFrame({"a": a, "noise": rng.normal(size=n), "copy": a})
    X["sign"] = np.where(a > 0, "plus", "minus")

    def labels(f):
        votes = (f["a"] > 0).astype(int) + (f["copy"] > 0).astype(int) + (f["sign"] == "plus").astype(int)
        return (votes >= 2).astype(int).to_numpy()

    return Subject("c", labels, Dataset(X, labels(X)))


def test_inputs_that_hide_each_other_are_found_and_shuffled_together():
    found = run(copies(2000, 0))
    assert "a, copy, sign" in found.notes[0]
    for name in ("a", "copy", "sign"):
        assert found.measurement("permutation_importance", name).value == 0  # the other two outvote it
    m = found.measurement("grouped_permutation_importance", "a + copy + sign")
    assert m.interval.low < 0.5 < m.interval.high
    table = found.tables["together"].columns
    assert table["label"] == ("a + copy + sign",)
    assert table["sum of each alone"] == (0,)
    assert table["least association"][0] > 0.8


def test_groups_can_be_given_and_be_none():
    subject = copies(400, 0)
    given = run(subject, together=[["copy", "a"], ["a", "copy"], ["a", "noise"]])
    groups = [m.group for m in given.measurements if m.metric == "grouped_permutation_importance"]
    assert groups == ["a + copy", "a + noise"]
    none = run(subject, together=[])
    assert {m.metric for m in none.measurements} == {"permutation_importance"}
    with pytest.raises(InputError, match="Did you mean 'copy'"):
        run(subject, together=[["a", "copi"]])
    with pytest.raises(InputError, match="two different"):
        run(subject, together=[["a", "a"]])


def test_inputs_that_do_not_go_together_form_no_group():
    assert "No two inputs go together" in run(make_regression(n_train=200, n_test=200)).notes[0]


def test_a_model_that_is_wrong_can_gain_from_shuffling():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.integers(0, 2, 400)})
    wrong = Subject("w", lambda f: 1 - f["a"].to_numpy(), Dataset(X, X["a"]))
    assert run(wrong).measurement("permutation_importance", "a").value == pytest.approx(-0.5, abs=0.06)


def test_one_row_cannot_be_shuffled():
    X = pd.DataFrame({"a": [1.0]})
    subject = Subject("one", lambda f: f["a"].to_numpy(), Dataset(X, [1.5]), task="regression")
    finding, *_ = Audit(["permutation_importance"]).run(subject).findings
    assert finding.status == "not_applicable"
    assert "at least two" in finding.reason


def test_odd_columns_are_shuffled_in_their_own_dtype():
    n = 60
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "same": np.ones(n, dtype="int8"),
            "empty": np.full(n, np.nan),
            "flag": rng.random(n) < 0.5,
            "kind": pd.Categorical(rng.choice(["p", "q"], size=n), categories=["p", "q", "never"]),
            "word": pd.Series(rng.choice(["u", "v"], size=n), dtype="string"),
        }
    )

    def labels(frame):
        assert frame.dtypes.to_dict() == X.dtypes.to_dict()
        return (frame["flag"] & (frame["kind"] == "p")).astype(int).to_numpy()

    found = run(Subject("odd", labels, Dataset(X, labels(X))))
    by_name = {m.group: m.value for m in found.measurements}
    assert by_name["flag"] > 0
    assert by_name["kind"] > 0
    assert [by_name[k] for k in ("same", "empty", "word")] == [0, 0, 0]


def test_where_no_answer_changes_nothing_is_said_to_hurt():
    X = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0) % 3})
    constant = lambda f: np.ones(len(f))  # noqa: E731
    found = run(Subject("c", constant, Dataset(X, X["a"]), task="regression"))
    assert found.says == "Shuffling made no answer better or worse, whichever input it was."


def test_a_need_is_told_only_where_the_interval_lies_above_0():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.integers(0, 2, 60), "b": rng.integers(0, 2, 60)})
    luck = run(Subject("luck", lambda f: f["a"].to_numpy(), Dataset(X, rng.integers(0, 2, 60))))
    assert luck.says == "For none of the 2 inputs was a need detected with these 60 rows."
    assert "the interval of each reaches 0" in luck.tables["importance"].summary
    found = run(half_right(400, 0))
    assert found.says.startswith("Shuffling hurts most for a (0.")
    assert " b (" not in found.says
    assert found.tables["importance"].reference == 0
