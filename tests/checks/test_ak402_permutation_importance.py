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


def test_a_planted_need_is_found_at_its_size_and_an_unused_input_is_exactly_0():
    found = run(half_right(4000, 0), repeats=10)
    m = found.measurement("permutation_importance", "a")
    assert m.interval.low < 0.5 < m.interval.high
    assert m.value == pytest.approx(0.5, abs=0.03)
    other = found.measurement("permutation_importance", "b")
    assert (other.value, other.interval.low, other.interval.high) == (0, 0, 0)


def test_the_interval_covers_the_true_rise():
    covered = 0
    for seed in range(150):
        m = run(half_right(100, seed), repeats=3, seed=seed).measurement("permutation_importance", "a")
        covered += m.interval.low <= 0.5 <= m.interval.high
    assert covered >= stats.binom.ppf(0.001, 150, 0.95)


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
