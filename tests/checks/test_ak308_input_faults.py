"""A broken feed costs what a count by hand says; a refusal is told apart from a loss; picking the worst raises no false alarm."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from auditkit.checks.robustness import input_faults
from auditkit.data import make_credit
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def run(subject, seed=0, **options):
    return input_faults(subject, rng=np.random.default_rng(seed), **options)


def losses(found):
    table = found.tables["faults"].columns
    return dict(zip(table["label"], table["value"], strict=True))


def reader(rule, X, y=None):
    """A model that follows a rule, with labels that are its answers unless others are given."""
    frame = pd.DataFrame(X)
    model = from_callable(rule, classes=[0, 1], output="labels")
    return Subject("reader", model, Dataset(frame, rule(frame) if y is None else y))


def threshold():
    """Reads x against 10, where it lies below for 3 of 4 rows; never reads z."""
    rng = np.random.default_rng(0)
    x = np.where(np.arange(400) % 4, 5.5, 15.5) + rng.uniform(-2, 2, 400)
    return reader(lambda X: (X["x"] > 10).astype(int), {"x": x, "z": rng.normal(size=400) + 400})


def test_losses_of_a_threshold_are_counted_by_hand():
    found = run(threshold())
    lost = losses(found)
    # all rows on one side: those of the other side are lost
    expected = {"× 1000": 0.75, "× 12": 0.75, "÷ 1000": 0.25, "sign turned": 0.25, "frozen at 0": 0.25,
                "frozen at its median": 0.25, "°C as °F": 0.75, "last digit lost": 0.25, "decimals cut": 0.0}  # fmt: skip
    for kind, value in expected.items():
        assert lost[f"x {kind}"] == pytest.approx(value), kind
    # 3 of 4 neighbours in a circle of four differ on one side: rows 3 to 0 and 0 to 1
    assert lost["x of the row before"] == pytest.approx(0.5)
    assert {value for name, value in lost.items() if name.startswith("z ")} == {0.0}
    worst = found.measurement("worst_fault_accuracy_drop")
    assert worst.value == pytest.approx(0.75)
    assert worst.interval.low < 0.75 < worst.interval.high
    assert worst.reason.startswith("x ")
    assert found.measurement("mean_fault_accuracy_drop").value == pytest.approx(np.mean(list(lost.values())))
    costly = np.mean([value >= 0.05 for value in lost.values()])
    silent = found.measurement("silent_fault_share")
    assert silent.value == pytest.approx(costly)
    assert silent.interval.low <= silent.value <= silent.interval.high
    values = found.tables["faults"].columns["value"]
    assert list(values) == sorted(values, reverse=True)


def test_two_columns_swapped_turn_every_comparison_of_them():
    rng = np.random.default_rng(1)
    X = {"paid": rng.normal(0, 1, 300), "owed": rng.normal(0, 1, 300)}
    assert losses(run(reader(lambda X: (X["paid"] > X["owed"]).astype(int), X)))["paid and owed swapped"] == 1
    # a model that reads one of them loses the rows in which the other has the other sign
    expected = np.mean((X["paid"] > 0) != (X["owed"] > 0))
    found = run(reader(lambda X: (X["paid"] > 0).astype(int), X))
    assert losses(found)["paid and owed swapped"] == pytest.approx(expected)


def worded(handle_unknown):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=300), "job": rng.choice(["cook", "clerk", "smith"], 300)})
    y = (frame["job"] == "cook").astype(int)
    encoded = make_column_transformer(
        (OneHotEncoder(handle_unknown=handle_unknown), ["job"]), remainder="passthrough"
    )
    model = make_pipeline(encoded, LogisticRegression(C=100)).fit(frame, y)
    return Subject("worded", model, Dataset(frame, y)), y


def test_a_refusal_is_a_result_and_no_error():
    (strict, y), (lenient, _) = worded("error"), worded("ignore")
    found = run(strict)
    table = found.tables["faults"].columns
    refused = [name for name, what in zip(table["label"], table["outcome"], strict=True) if what == "refused"]
    assert refused == ["job in another case", "job with a space behind", "job with its last letter changed"]
    assert "and refused 3" in found.says
    assert "unknown categories" in " ".join(found.notes)
    silent = found.measurement("silent_fault_share"), run(lenient).measurement("silent_fault_share")
    assert silent[0].n == silent[1].n  # a refusal is a fault that was tried
    assert silent[1].value - silent[0].value == pytest.approx(3 / silent[0].n)
    # without a job the lenient one says what most are: no cook
    assert losses(run(lenient))["job in another case"] == pytest.approx(np.mean(y))


def test_a_model_that_refuses_everything_has_no_loss_and_says_so():
    x = np.random.default_rng(0).uniform(1, 20, 200)

    def strict(X):
        if not np.allclose(X["total"] - X["part"], 400):
            raise ValueError("total and part do not agree")
        return (X["part"] > 10).astype(int)

    found = run(reader(strict, {"part": x, "total": x + 400}))
    assert "refused all" in found.says
    assert set(found.tables["faults"].columns["outcome"]) == {"refused"}
    for metric in ("worst_fault_accuracy_drop", "mean_fault_accuracy_drop"):
        assert np.isnan(found.measurement(metric).value)
        assert "refused all" in found.measurement(metric).reason
    assert found.measurement("silent_fault_share").value == 0


@pytest.mark.parametrize("dtype", [object, "category", "string"])
def test_words_of_every_dress_are_mistyped(dtype):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"job": pd.Series(rng.choice(["cook", "clerk"], 200), dtype=object).astype(dtype)})
    model = from_callable(
        lambda X: (X["job"].astype(object) == "cook").astype(int), classes=[0, 1], output="labels"
    )
    y = (frame["job"].astype(object) == "cook").astype(int).to_numpy()
    lost = losses(run(Subject("words", model, Dataset(frame, y))))
    assert lost["job in another case"] == pytest.approx(y.mean())


def test_the_growth_of_an_error_is_that_of_the_line():
    x = np.linspace(1, 9, 400)
    model = from_callable(lambda X: 3 * X["x"].to_numpy(), output="values")
    subject = Subject("line", model, Dataset({"x": x}, 3 * x), task="regression")
    found = run(subject)
    # the model is exact, so the error is what the input is off, in units of the target's deviation 3 sd(x)
    assert losses(found)["x frozen at 0"] == pytest.approx(x.mean() / x.std())
    assert losses(found)["x sign turned"] == pytest.approx(2 * x.mean() / x.std())
    worst = found.measurement("worst_fault_error_increase")
    assert worst.value == pytest.approx(999 * x.mean() / x.std())
    assert worst.interval.method == "bonferroni, t"


def coin(seed, n=150):
    """Labels are coins: whatever breaks, the model is right half of the time."""
    rng = np.random.default_rng(seed)
    X = {"x": rng.normal(size=n), "z": rng.normal(size=n)}
    return reader(lambda X: (X["x"] + X["z"] > 0).astype(int), X, rng.integers(0, 2, n))


def test_picking_the_worst_of_many_raises_no_false_alarm():
    trials = 120
    alarms = sum(
        run(coin(seed), seed, columns=2).measurement("worst_fault_accuracy_drop").interval.low > 0
        for seed in range(trials)
    )
    assert alarms <= binom.ppf(0.999, trials, 0.05)
    # though the largest loss is well above 0 in most of them
    picked = [run(coin(seed), seed).measurement("worst_fault_accuracy_drop").value for seed in range(20)]
    assert np.mean(np.array(picked) > 0.02) > 0.8


def test_a_model_that_reads_nothing_loses_nothing_and_is_not_silent():
    rng = np.random.default_rng(0)
    found = run(reader(lambda X: np.ones(len(X), int), {"x": rng.normal(size=300)}, rng.integers(0, 2, 300)))
    assert set(losses(found).values()) == {0.0}
    for m in found.measurements:
        assert m.value == 0
        assert m.interval.low <= 0 <= m.interval.high
    assert found.measurement("mean_fault_accuracy_drop").interval.high > 0  # nothing seen is not nothing


def digits():
    from sklearn.datasets import load_digits

    data = load_digits()
    model = LogisticRegression(max_iter=3000).fit(data.data[:1000], data.target[:1000])
    train = Dataset(data.data[:1000], data.target[:1000])
    return Subject("digits", model, Dataset(data.data[1000:], data.target[1000:]), train)


def test_pictures_are_spoilt_as_pictures_and_their_mean_corruption_error_is_the_mean():
    subject = digits()
    found = run(subject, rows=300)
    lost = losses(found)
    assert len(lost) == 35
    assert "pictures of 8 × 8" in " ".join(found.notes)
    error = found.measurement("mean_corruption_error")
    chosen = np.sort(np.random.default_rng(0).choice(len(subject.test), size=300, replace=False))
    right = (subject.model.predict(subject.test.X.iloc[chosen]) == subject.test.y[chosen]).mean()
    assert error.value == pytest.approx(1 - right + np.mean(list(lost.values())))
    assert error.interval.low < error.value < error.interval.high
    as_table = run(subject, rows=100, inputs="table", columns=3)
    assert "mean_corruption_error" not in {m.metric for m in as_table.measurements}
    assert "61 columns were not broken" in " ".join(as_table.notes)


def test_the_shape_of_a_network_says_that_rows_are_pictures():
    from auditkit.checks.robustness._broken import image_shape
    from auditkit.frames import Codec

    subject = threshold()
    frame = pd.DataFrame(np.random.default_rng(0).random((20, 12)))
    model = from_callable(lambda X: np.zeros(len(X), int), classes=[0, 1], output="labels")
    model.shape = (1, 3, 4)
    subject = Subject("net", model, Dataset(frame, np.zeros(20, int)))
    codec = Codec.of(subject.test.X)
    assert image_shape(subject, codec, "auto") == (1, 3, 4)
    assert image_shape(subject, codec, "table") is None


def test_what_cannot_be_tested_says_so():
    with pytest.raises(NotApplicable, match="pass inputs='table'"):
        run(threshold(), inputs="image")
    known = make_credit(n_train=100, n_test=80)
    recorded = from_predictions(scores=known.scores(), classes=known.classes.tolist())
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        run(Subject("p", recorded, known.test, positive="repaid"))
    constant = reader(lambda X: np.zeros(len(X), int), {"x": np.zeros(30)}, np.zeros(30, int))
    found = run(constant)  # 0 in °F is no 0
    assert "Changed no value, so not tested: x × 1000" in " ".join(found.notes)
    empty = Dataset({"job": ["cook"] * 30}, np.resize([0, 1], 30))
    model = from_callable(lambda X: np.zeros(len(X), int), classes=[0, 1], output="labels")
    assert run(Subject("one word", model, empty)).measurement("worst_fault_accuracy_drop").value == 0
    flags = Dataset({"flag": [True] * 30}, np.resize([0, 1], 30))
    with pytest.raises(NotApplicable, match="every column holds one value"):
        run(Subject("one flag", model, flags))


def test_one_seed_one_result_and_another_seed_another_draw():
    subject = make_credit(n_train=200, n_test=300)
    first, second, third = (run(subject, seed, rows=100) for seed in (0, 0, 1))
    assert first == second
    assert first.measurements != third.measurements


@pytest.mark.parametrize("dtype", ["uint8", "int8", "UInt8"])
def test_whole_numbers_that_leave_their_type_are_not_wrapped(dtype):
    x = np.resize([10, 60], 200)
    seen = []

    def rule(X):
        values = X["x"].to_numpy(dtype=float)
        seen.append((values.min(), values.max()))
        return (values > 30).astype(int)

    frame = pd.DataFrame({"x": pd.Series(x).astype(dtype)})
    model = from_callable(rule, classes=[0, 1], output="labels")
    lost = losses(run(Subject("small", model, Dataset(frame, (x > 30).astype(int)))))
    assert lost["x × 1000"] == lost["x sign turned"] == 0.5
    assert max(high for _, high in seen) == 60_000
    assert min(low for low, _ in seen) == -60
