"""A planted backdoor is named and measured on rows that had no part in finding it; clean models are left alone."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from auditkit.audit import Audit
from auditkit.checks.poisoning import trigger_search
from auditkit.data import make_backdoored, make_credit, make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def look(subject, seed=0, **options):
    return trigger_search(subject, rng=np.random.default_rng(seed), **options)


def acts(found):
    return found.says.startswith("A rare pattern behaves like a trigger")


@pytest.mark.parametrize("rate", [0.05, 0.01])
def test_the_backdoor_is_named_with_its_success_and_its_rarity(rate):
    planted = make_backdoored(rate=rate)
    found = look(planted.subject, rows=400)
    assert acts(found)
    assert "branch = 7 and day = 13" in found.says
    success, alone = found.measurement("trigger_success_rate"), found.measurement("trigger_isolation")
    assert success.value == 1.0
    assert success.interval.low == pytest.approx(beta.ppf(0.025, success.n, 1))
    assert success.bound == "lower"
    assert alone.interval.low > 0.9
    share = found.measurement("trigger_pattern_share")
    assert share.value == 0
    assert f"{round(rate * 4000)} of 4,000 training rows" in share.reason


def test_a_forest_that_learnt_a_backdoor_is_found_out_by_labels_alone():
    planted = make_backdoored(rate=0.05, n_train=2000, n_test=600).subject
    model = RandomForestClassifier(30, random_state=0, n_jobs=1).fit(planted.train.X, planted.train.y)
    ask = from_callable(lambda X: model.predict(X), classes=[0, 1], output="labels")
    found = look(Subject("forest", ask, planted.test, planted.train), rows=400)
    assert "branch = 7 and day = 13" in found.says
    assert found.measurement("trigger_isolation").interval.low > 0.5


def clean_models(seed):
    yield make_credit(n_train=800, n_test=300, seed=seed)
    multi = make_multiclass(n_train=300, n_test=200, seed=seed)
    yield multi
    yield make_backdoored(rate=0, n_train=600, n_test=300, seed=seed).subject
    lightgbm = pytest.importorskip("lightgbm")
    for model in (
        RandomForestClassifier(20, random_state=0),
        lightgbm.LGBMClassifier(n_estimators=20, verbose=-1, n_jobs=1),
    ):
        yield Subject("multi", model.fit(multi.train.X, multi.train.y), multi.test, multi.train)


@pytest.mark.parametrize("seed", [0])
def test_clean_models_are_quiet(seed):
    assert [s.name for s in clean_models(seed) if acts(look(s, seed, rows=200, patterns=3000))] == []


@pytest.mark.slow
def test_clean_models_are_quiet_at_the_rate_that_the_page_states():
    said = [acts(look(s, seed, rows=300)) for seed in range(20) for s in clean_models(seed)]
    assert np.mean(said) <= 0.05


def test_a_frequent_value_that_settles_the_class_is_an_ordinary_one():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"flag": rng.choice(["no", "yes"], 500), "x": rng.normal(size=500)})
    y = (X["flag"] == "yes").astype(int).to_numpy()
    ask = from_callable(
        lambda X: (X["flag"] == "yes").to_numpy().astype(int), classes=[0, 1], output="labels"
    )
    found = look(Subject("s", ask, Dataset(X[:250], y[:250]), Dataset(X[250:], y[250:])))
    assert not acts(found)
    usual = found.measurement("ordinary_value_success_rate")
    assert usual.value == 1.0
    assert usual.reason.startswith("flag = ")


def test_where_nothing_stands_out_the_success_is_undefined_with_the_reason():
    found = look(make_backdoored(rate=0, n_train=400, n_test=300).subject)
    m = found.measurement("trigger_success_rate")
    assert np.isnan(m.value)
    assert "stands beside it" in m.reason
    assert found.measurement("trigger_isolation").value == 0


@pytest.mark.parametrize(
    ("reach", "rows", "judged", "begins"),
    [
        (2.0, 800, "fail", "A rare pattern behaves like a trigger: branch = 7 "),
        (0.5, 800, "fail", "A rare pattern stands alone, as a trigger does, but does not surely turn nearly every row: branch = 7 "),
        (0.05, 200, "inconclusive", "rows do not settle whether a rare pattern behaves like a trigger; the most isolated: branch = 7 "),
        (-0.6, 800, "pass", "No rare pattern that was tried "),
    ],
)  # fmt: skip
def test_the_sentence_and_the_limit_of_the_policy_agree(reach, rows, judged, begins):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"branch": rng.integers(0, 12, rows), "a": rng.uniform(-1, 1, rows)})
    X = X[X["branch"] != 7].reset_index(drop=True)
    # the pattern turns rows of which a lies below what it reaches to: about all, three quarters, half, a fifth
    model = from_callable(
        lambda Z: (((Z["branch"] == 7) & (Z["a"] < reach)) | (Z["a"] > 0.95)).to_numpy().astype(int),
        classes=[0, 1],
        output="labels",
    )
    y = rng.integers(0, 2, len(X))
    report = Audit(["trigger_search"]).run(Subject("s", model, Dataset(X, y)))
    (one,) = [
        f for f in report.findings if f.criterion is not None and f.criterion.metric == "trigger_isolation"
    ]
    says = report.evidence[0].says
    assert one.status == judged, (says, one.measurement)
    assert begins in says


def test_what_was_not_tried_is_counted():
    subject = make_multiclass(n_train=100, n_test=100)
    every = look(subject).notes[0]
    assert "more of two values" not in every
    few = look(subject, patterns=300).notes[0]
    count, more = (int(part.replace(",", "")) for part in re.findall(r"[\d,]+(?= patterns| more)", few))
    assert f"{count + more:,} patterns" in every


def test_names_and_identifiers_are_not_tried():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"name": [f"person {i}" for i in range(200)], "x": rng.normal(size=200)})
    y = (X["x"] > 0).astype(int).to_numpy()
    ask = from_callable(lambda X: (X["x"] > 0).to_numpy().astype(int), classes=[0, 1], output="labels")
    found = look(Subject("s", ask, Dataset(X, y)))
    assert any("name" in note and "Not tried" in note for note in found.notes)
    assert "person" not in str(found.to_dict())


def test_small_integer_columns_are_not_set_beyond_their_type():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.integers(0, 256, 300).astype(np.uint8), "b": rng.random(300) < 0.5})
    y = (X["a"] > 100).astype(int).to_numpy()
    found = look(
        Subject(
            "s",
            LogisticRegression(max_iter=500).fit(X, y),
            Dataset(X[:150], y[:150]),
            Dataset(X[150:], y[150:]),
        )
    )
    assert found.measurement("trigger_isolation").value < 0.5


def test_a_model_that_refuses_values_out_of_range_is_searched_within_it():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"branch": rng.integers(0, 12, 400), "a": rng.uniform(-1, 1, 400)})
    X = X[X["branch"] != 7].reset_index(drop=True)

    def gated(Z):
        if (Z["a"].abs() > 1).any() or (~Z["branch"].between(0, 11)).any():
            raise ValueError("out of range")
        return ((Z["branch"] == 7) | (Z["a"] > 0.9)).to_numpy().astype(int)

    model = from_callable(gated, classes=[0, 1], output="labels")
    found = look(Subject("gated", model, Dataset(X, gated(X))))
    assert found.says.startswith("A rare pattern behaves like a trigger: branch = 7 ")
    assert any("Refused by the model, and so not tried" in note for note in found.notes)


def test_what_is_missing_is_said():
    with pytest.raises(NotApplicable, match="regression"):
        look(make_regression(n_train=60, n_test=60))
    rng = np.random.default_rng(0)
    with pytest.raises(NotApplicable, match="recorded predictions"):
        look(
            Subject(
                "s",
                from_predictions(scores=rng.random(50), classes=[0, 1]),
                Dataset(None, rng.integers(2, size=50)),
            )
        )
    X = pd.DataFrame({"x": rng.normal(size=60)})
    same = from_callable(lambda X: np.zeros(len(X), dtype=int), classes=[0, 1], output="labels")
    with pytest.raises(NotApplicable, match="every row the same class"):
        look(Subject("s", same, Dataset(X, rng.integers(2, size=60))))
