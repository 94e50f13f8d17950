"""Noise costs what a calculation by hand says, and nothing where the model does not look."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from auditkit import Audit, Criterion
from auditkit.checks.robustness import noise_sweep
from auditkit.data import make_brittle, make_credit, make_multiclass, make_regression
from auditkit.errors import InputError, NotApplicable
from auditkit.predictors import ModelError
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject

WIDE = np.linspace(-10, 10, 401)  # a training column: range -10..10, interquartile range 10
SPREAD = 10 / 1.349


def sweep(subject, seed=0, **options):
    return noise_sweep(subject, rng=np.random.default_rng(seed), **options)


def threshold(margin, n=4000, **more):
    """Every row stands `margin` off the threshold 0 of the model, on either side; labels are the answers."""
    x = np.where(np.arange(n) % 2, margin, -margin).astype(float)
    model = from_callable(lambda X: (X["x"] > 0).astype(int), classes=[0, 1], output="labels")
    train = Dataset(
        {"x": WIDE, **{k: np.resize(v, len(WIDE)) for k, v in more.items()}}, (WIDE > 0).astype(int)
    )
    test = Dataset({"x": x, **{k: np.resize(v, n) for k, v in more.items()}}, (x > 0).astype(int))
    return Subject("threshold", model, test, train)


@pytest.mark.parametrize("strength", [0.1, 0.3])
@pytest.mark.parametrize("margin", [0.5, 1.0])
def test_the_loss_on_a_threshold_is_the_normal_tail(margin, strength):
    found = sweep(threshold(margin), strength=strength)
    drop = found.measurement("accuracy_drop_noise")
    # a right answer is lost where noise of deviation strength * spread outweighs the margin
    expected = norm.cdf(-margin / (strength * SPREAD))
    assert drop.value == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 4000))
    assert drop.interval.method == "bonett-price"
    curve = found.tables["sweep"].columns
    for s, value in zip(curve["x"], curve["value"], strict=True):
        tail = norm.cdf(-margin / (s * SPREAD))
        assert value == pytest.approx(tail, abs=4 * np.sqrt(tail * (1 - tail) / 4000) + 1e-9)
    # all strengths share one draw: what is lost at one is lost at every greater one
    assert (np.diff(curve["value"]) >= 0).all()


def test_intervals_hold_the_true_loss_as_often_as_stated():
    expected = norm.cdf(-1 / (0.3 * SPREAD))
    ends = [
        sweep(threshold(1.0, 200), s, strength=0.3).measurement("accuracy_drop_noise").interval
        for s in range(100)
    ]
    held = sum(e.low <= expected <= e.high for e in ends)
    assert held >= 88  # the 0.001 quantile of a binomial with 0.95


def test_the_growth_of_a_linear_error_is_the_mean_of_a_half_normal():
    x = np.resize([-1.0, 1.0], 4000)
    model = from_callable(lambda X: 3 * X["x"].to_numpy(), output="values")
    subject = Subject(
        "line", model, Dataset({"x": x}, 3 * x), Dataset({"x": WIDE}, 3 * WIDE), task="regression"
    )
    grown = sweep(subject, strength=0.2).measurement("error_increase_noise")
    # the model is exact, so the error is 3 * |noise|, in units of the target's deviation 3
    assert grown.value == pytest.approx(0.2 * SPREAD * np.sqrt(2 / np.pi), rel=0.05)
    assert grown.interval.low <= grown.value <= grown.interval.high
    assert grown.interval.method == "t"


def test_brittle_and_robust_twins_are_told_apart():
    brittle, robust = (
        sweep(make_brittle(margin=m).subject).measurement("accuracy_drop_noise") for m in (0.01, 0.5)
    )
    assert brittle.interval.low > 0.2
    assert robust.interval.high < 0.02


@pytest.mark.parametrize("subject", [
    Subject("constant", from_callable(lambda X: np.ones(len(X), dtype=int), classes=[0, 1], output="labels"),
            make_brittle().subject.test),
    Subject("constant", from_callable(lambda X: np.full(len(X), 2.5), output="values"), make_regression().test,
            task="regression"),
])  # fmt: skip
def test_a_constant_model_loses_nothing(subject):
    found = sweep(subject, strength=1.0)
    assert set(found.tables["sweep"].columns["value"]) == {0.0}
    ends = found.measurements[0].interval
    assert ends.low <= 0 <= ends.high


def test_what_the_model_is_given_keeps_types_ranges_and_whole_numbers():
    asked = []
    frame = pd.DataFrame({
        "whole": pd.Series(np.arange(60), dtype="int16"),
        "counted": pd.Series([*range(59), None], dtype="Int64"),
        "real": pd.Series(np.linspace(0, 1, 60), dtype="float32"),
        "word": pd.Series(["a", "b", "c"] * 20, dtype="category"),
        "text": pd.Series(["u", None] * 30, dtype=object),
        "flag": np.arange(60) % 2 == 0,
        "fixed": 7.0,
        "empty": np.nan,
        "arrow": pd.Series(np.arange(60), dtype="int64[pyarrow]"),
    })  # fmt: skip

    def answer(X):
        asked.append(X.copy())
        return (X["real"] > 0.5).astype(int)

    y = (frame["real"] > 0.5).astype(int)
    subject = Subject("typed", from_callable(answer, classes=[0, 1], output="labels"), Dataset(frame, y))
    found = sweep(subject, strength=0.5)
    noisy = [X for X in asked if len(X) == 60 and not X["real"].equals(frame["real"])]
    assert len(noisy) == 5
    for X in noisy:
        assert X.dtypes.equals(frame.dtypes)
        assert X["whole"].between(0, 59).all()
        assert X["real"].between(0, 1).all()
        for name in ("word", "text", "flag", "fixed", "empty"):
            pd.testing.assert_series_equal(X[name], frame[name])
        assert X["counted"].isna().equals(frame["counted"].isna())
    assert "Changed: whole, counted, real, arrow." in found.notes


def test_a_column_too_coarse_to_move_is_said_to_be_untested():
    found = sweep(threshold(1.0, bit=[0, 1]))
    assert "Changed: x." in found.notes[0]
    assert "No value changed at noise of 0.1 spreads in bit: it was not tested there." in found.notes


def test_three_classes_words_and_gaps_are_swept():
    for subject in (make_multiclass(n_train=200, n_test=200), make_credit(n_train=200, n_test=200)):
        found = sweep(subject)
        assert abs(found.measurements[0].value) < 0.2
        assert len(found.notes) == 1  # asked the same way, the model answers unchanged rows the same way


def test_frames_of_polars_are_swept():
    pl = pytest.importorskip("polars")
    plain = make_multiclass(n_train=200, n_test=200)
    X, y = plain.train.X, plain.train.y
    model = LogisticRegression().fit(pl.from_pandas(X), y)
    subject = Subject(
        "polars", model, Dataset(pl.from_pandas(plain.test.X), plain.test.y), Dataset(pl.from_pandas(X), y)
    )
    assert sweep(subject).measurements == sweep(plain).measurements


def test_a_model_that_changes_its_mind_is_compared_with_itself():
    calls = [0]

    def answer(X):
        calls[0] += 1
        return np.full(len(X), calls[0] % 2)

    subject = Subject(
        "moody", from_callable(answer, classes=[0, 1], output="labels"), threshold(1.0, 50).test
    )
    assert any("answered 50 of 50 differently" in note for note in sweep(subject, strength=1.0).notes)


def test_a_model_that_breaks_is_an_error_and_not_an_excuse():
    def answer(X):
        raise RuntimeError("broken")

    subject = Subject(
        "broken", from_callable(answer, classes=[0, 1], output="labels"), threshold(1.0, 50).test
    )
    with pytest.raises(ModelError, match="broken"):
        sweep(subject)


def test_what_cannot_be_swept_says_why():
    words = Dataset({"w": ["a", "b"] * 10}, [0, 1] * 10)
    model = from_callable(lambda X: (X["w"] == "b").astype(int), classes=[0, 1], output="labels")
    with pytest.raises(NotApplicable, match="no column holds numbers"):
        sweep(Subject("words", model, words))
    recorded = from_predictions(scores=np.linspace(0, 1, 20), classes=[0, 1])
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        sweep(Subject("recorded", recorded, Dataset(None, [0, 1] * 10)))


def test_the_seed_decides_and_rows_are_drawn():
    subject = threshold(1.0, 400)
    one, two, other = (sweep(subject, seed=s, rows=100).to_dict() for s in (1, 1, 2))
    assert one == two
    assert one["tables"] != other["tables"]
    assert one["rows"]["used"] == one["measurements"][0]["n"] == 100


def test_a_million_rows_are_sampled_quickly(sorts_of_a_million):
    n = 1_000_000
    x = np.random.default_rng(0).normal(size=n)
    data = Dataset({"x": x, "w": np.resize(["a", "b"], n)}, (x > 0).astype(int))
    model = from_callable(lambda X: (X["x"] > 0).astype(int), classes=[0, 1], output="labels")
    subject = Subject("large", model, data)
    began = sorts_of_a_million()
    assert sweep(subject).rows["used"] == 5000
    assert sorts_of_a_million() - began < 120
    assert subject.model.rows < 50_000  # drawn first, asked then


def test_an_unknown_kind_of_subject_is_refused():
    with pytest.raises(InputError):
        Subject("s", object(), threshold(1.0, 20).test)


def bits(n=200, **more):
    """A model that reads two columns of 0 and 1, whose step no noise of a tenth of a spread can bridge."""
    rng = np.random.default_rng(0)
    X = {"a": rng.integers(0, 2, n), "b": rng.integers(0, 2, n)} | {k: rng.normal(size=n) for k in more}
    model = from_callable(lambda frame: frame["a"].to_numpy(), classes=[0, 1], output="labels")
    return Subject("bits", model, Dataset(X, X["a"]))


def test_columns_that_no_noise_reached_do_not_pass():
    with pytest.raises(
        NotApplicable, match=r"no value changed at noise of 0.1 spreads in a, b: nothing was tested"
    ):
        sweep(bits())
    (finding,) = (
        Audit(["noise_sweep"], [Criterion("accuracy_drop_noise", at_most=0.05)]).run(bits()).findings[:1]
    )
    assert finding.status == "not_applicable"
    assert sweep(bits(), strength=1.0).measurements[0].value > 0.05


def test_the_number_names_the_columns_it_says_nothing_about():
    found = sweep(bits(real=None)).measurements[0]
    assert found.reason == "at noise of 0.1 spreads; not tested: a, b"
    assert sweep(threshold(1.0)).measurements[0].reason == "at noise of 0.1 spreads"
    many = pd.DataFrame({f"b{i}": np.arange(60) % 2 for i in range(12)} | {"x": np.linspace(0, 1, 60)})
    subject = Subject(
        "m", from_callable(lambda f: (f["x"] > 0.5).astype(int), classes=[0, 1], output="labels"),
        Dataset(many, many["x"] > 0.5),
    )  # fmt: skip
    assert sweep(subject).measurements[0].reason.endswith("b6, b7 and 4 more")
