"""Missing values cost what a calculation by hand says; a model that takes none is not held to it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from auditkit.checks.robustness import missing_sweep
from auditkit.data import make_credit, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def sweep(subject, seed=0, **options):
    return missing_sweep(subject, rng=np.random.default_rng(seed), **options)


def rows(n=4000):
    return Dataset({"x": np.linspace(1, 2, n), "other": np.arange(n) % 7}, np.arange(n) % 10 < 9)


def guess(X):
    """Right on every row of `rows` but where x is missing: then it says False, right for one row in ten."""
    return np.where(X["x"].isna(), False, guess.truth[: len(X)])


def guilty(n=4000):
    data = rows(n)
    guess.truth = data.y
    return Subject("guess", from_callable(guess, classes=[False, True], output="labels"), data)


@pytest.mark.parametrize("strength", [0.1, 0.3])
def test_the_loss_is_the_share_missing_times_the_share_then_wrong(strength):
    found = sweep(guilty(), strength=strength)
    drop = found.measurement("accuracy_drop_missing")
    expected = 0.9 * strength
    assert drop.value == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 4000))
    assert drop.interval.low <= expected <= drop.interval.high
    curve = found.tables["sweep"].columns
    assert (np.diff(curve["value"]) >= 0).all()  # what is missing at one rate is missing at every greater one
    assert strength in curve["x"]
    assert "Changed: x, other." in found.notes


def test_everything_missing_leaves_the_answer_to_a_missing_row():
    drop = sweep(guilty(500), strength=1.0).measurement("accuracy_drop_missing")
    assert drop.value == pytest.approx(0.9)


def test_a_model_that_fills_gaps_as_they_were_loses_nothing():
    data = Dataset({"x": np.ones(200), "y": np.random.default_rng(0).random(200)}, np.ones(200, dtype=int))
    model = from_callable(lambda X: X["x"].fillna(1).astype(int), classes=[0, 1], output="labels")
    found = sweep(Subject("filled", model, data))
    assert set(found.tables["sweep"].columns["value"]) == {0.0}


def test_boosters_and_pipelines_that_take_gaps_are_swept():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = (X[:, 0] > 0).astype(int)
    model = HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(X[:300], y[:300])
    found = sweep(
        Subject("boosted", model, Dataset(X[300:], y[300:]), Dataset(X[:300], y[:300])), strength=0.4
    )
    # with x0 gone the model can only guess: about half of four in ten are lost
    assert found.measurements[0].value == pytest.approx(0.2, abs=0.08)
    assert sweep(make_credit(n_train=200, n_test=200)).measurements[0].interval.low < 0.1


def test_a_regression_that_takes_gaps_is_measured_in_deviations():
    model = from_callable(lambda X: X["x"].fillna(0).to_numpy(), output="values")
    x = np.resize([-1.0, 1.0], 4000)
    found = sweep(Subject("line", model, Dataset({"x": x}, x), task="regression"), strength=0.2)
    # the error is 1 deviation where x is missing, else 0
    grown = found.measurement("error_increase_missing")
    assert grown.value == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / 4000))


@pytest.mark.parametrize("make", [
    lambda d: Subject("logit", LogisticRegression().fit(d.X, d.y), d),
    lambda d: Subject("nan", from_callable(lambda X: X["x"].to_numpy() / 3, classes=[False, True], output="proba"), d),
])  # fmt: skip
def test_a_model_that_takes_no_gaps_is_not_applicable(make):
    with pytest.raises(NotApplicable, match="does not take missing values"):
        sweep(make(rows(100)))


def test_linear_regression_takes_no_gaps():
    with pytest.raises(NotApplicable, match="does not take missing values"):
        sweep(make_regression())


def test_a_gap_comes_in_the_column_s_own_dress():
    asked = []
    frame = pd.DataFrame({
        "none": pd.Series(["a", None, "b", "a"] * 10, dtype=object),
        "nan": pd.Series(["a", np.nan, "b", "a"] * 10, dtype=object),
        "word": pd.Series(["a", "b", "c", "d"] * 10, dtype="category"),
        "whole": np.arange(40),
        "counted": pd.Series(range(40), dtype="Int64"),
        "flag": pd.Series([True, False] * 20, dtype="boolean"),
        "empty": np.nan,
    })  # fmt: skip

    def answer(X):
        asked.append(X.copy())
        return np.zeros(len(X), dtype=int)

    sweep(
        Subject("s", from_callable(answer, classes=[0, 1], output="labels"), Dataset(frame, [0, 1] * 20)),
        strength=1.0,
    )
    bare = asked[-1]
    assert bare.isna().all().all()
    assert set(map(type, bare["none"])) == {type(None)}
    assert set(map(type, bare["nan"])) == {float}
    assert {str(bare[c].dtype) for c in ("whole", "empty")} == {"float64"}
    for name in ("word", "counted", "flag"):
        assert bare[name].dtype == frame[name].dtype


def test_what_cannot_be_swept_says_why():
    model = from_callable(lambda X: np.zeros(len(X), dtype=int), classes=[0, 1], output="labels")
    with pytest.raises(NotApplicable, match="no column holds a value"):
        sweep(Subject("empty", model, Dataset({"e": np.full(20, np.nan)}, [0, 1] * 10)))
    recorded = from_predictions(scores=np.linspace(0, 1, 20), classes=[0, 1])
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        sweep(Subject("recorded", recorded, Dataset(None, [0, 1] * 10)))


def test_the_seed_decides():
    one, two, other = (sweep(make_credit(n_train=200, n_test=200), seed=s).to_dict() for s in (1, 1, 2))
    assert one == two
    assert one["tables"] != other["tables"]


def test_what_was_not_reached_does_not_pass():
    data = Dataset({"x": np.arange(10.0)}, [0, 1] * 5)
    model = from_callable(lambda X: (X["x"] % 2 == 1).astype(int), classes=[0, 1], output="labels")
    with pytest.raises(
        NotApplicable, match=r"no value changed at 0.10% of the values missing in x: nothing was tested"
    ):
        sweep(Subject("few", model, data), strength=0.001)
    empty = Dataset({"x": np.arange(400.0), "gone": np.full(400, np.nan)}, [0, 1] * 200)
    found = sweep(Subject("empty", model, empty)).measurements[0]
    assert found.reason == "at 10.0% of the values missing; not tested: gone"
