"""One record, explored: contributions, changes and ways by hand, and what is told without its values."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

import auditkit as ak
from auditkit.errors import InputError, NotApplicable
from auditkit.explore import Answer, Records
from auditkit.predictors import from_predictions
from auditkit.threat import ThreatModel


def rows(n: int = 90, seed: int = 0) -> pd.DataFrame:
    """Return rows with two numbers, a category and a sensitive feature."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "income": rng.normal(size=n).round(3),
            "age": rng.integers(20, 70, n),
            "job": rng.choice(["clerk", "smith", "cook"], n),
            "sex": rng.choice(["f", "m"], n),
        }
    )


def credit(model: Any = None, **more: Any) -> ak.Subject:
    """Return a pipeline with encoded words, trained on rows in which income and job decide."""
    X, held = rows(), rows(60, 1)
    y = [(one["income"] + (one["job"] == "clerk") + 0.01 * one["age"] > 0.7).astype(int) for one in (X, held)]
    encoded = make_column_transformer(
        (OneHotEncoder(), ["job", "sex"]), remainder="passthrough", verbose_feature_names_out=False
    )
    made = make_pipeline(encoded, model or LogisticRegression(max_iter=1000)).fit(X, y[0])
    sensitive = {"sensitive_features": ["sex"]}
    return ak.Subject(
        "credit",
        made,
        test=ak.Dataset(held, y[1], **sensitive),
        train=ak.Dataset(X, y[0], **sensitive),
        **more,
    )


@pytest.fixture(scope="module")
def subject() -> ak.Subject:
    return credit()


@pytest.fixture(scope="module")
def records(subject: ak.Subject) -> Records:
    return Records.prepare(subject)


def parts(answer: Answer) -> dict[str, float]:
    """Return the waterfall by input, without its value."""
    frame = answer.tables["why"].frame()
    short = {"base value (mean)": "base value", "output for this record": "output"}
    names = [short.get(label, label.partition(" = ")[0]) for label in frame["label"]]
    return dict(zip(names, frame["value"], strict=True))


def test_contributions_by_hand(subject: ak.Subject, records: Records) -> None:
    assert records.live
    row = 7
    found = parts(records.at(row))
    # a linear model: weight times distance from the mean of the background, here all 90 training rows
    final, names = subject.model.estimator[-1], subject.model.estimator[0].get_feature_names_out().tolist()
    weight = dict(zip(names, final.coef_[0], strict=True))
    x, X = subject.test.X.iloc[row], subject.train.X
    assert found["income"] == pytest.approx(weight["income"] * (x["income"] - X["income"].mean()))
    assert found["age"] == pytest.approx(weight["age"] * (x["age"] - X["age"].mean()))
    assert found["job"] == pytest.approx(
        sum(
            weight[f"job_{j}"] * ((x["job"] == j) - (X["job"] == j).mean())
            for j in ("clerk", "cook", "smith")
        )
    )
    p = subject.asks(subject.test.X.iloc[[row]])[0]
    assert found["output"] == pytest.approx(np.log(p / (1 - p)))
    assert found["base value"] + sum(found[c] for c in X.columns) == pytest.approx(found["output"])


def test_a_changed_record_is_asked_about(subject: ak.Subject, records: Records) -> None:
    row = int(records.order("most borderline")[0])
    before = subject.test.X.iloc[[row]]
    changed = before.assign(income=before["income"] + 1.5)
    answer = records.at(row, {"income": float(changed["income"].iloc[0])})
    now = subject.model.predict_proba(changed)[0]
    said = answer.tables["answer"].frame().set_index("what")
    assert said.loc["probability of 1", "now"] == f"{now[1]:.3f}"
    assert said.loc["probability of 1", "as it is"] == f"{subject.model.predict_proba(before)[0, 1]:.3f}"
    assert ("flips" in answer.says) == (now.argmax() != subject.answers().labels[row])
    side = answer.tables["parts"].frame().set_index(["label", "series"])["value"]
    moved = side["income", "changed"] - side["income", "as it is"]
    assert moved == pytest.approx(1.5 * subject.model.estimator[-1].coef_[0][-2])
    assert side["age", "changed"] == pytest.approx(side["age", "as it is"])
    assert answer.tables["changed"].frame()["input"].tolist() == ["income"]
    again = json.loads(json.dumps(answer.to_dict()))
    assert Answer.from_dict(again).to_dict() == answer.to_dict()


def test_what_is_not_allowed_is_answered_and_said(records: Records) -> None:
    other = {"f": "m", "m": "f"}[records.inputs(3)[3].own]
    assert "does not allow this (sex)" in records.at(3, {"sex": other}).says
    assert "does not allow this (age)" in records.at(3, {"age": 300}).says
    assert "does not allow" not in records.at(3, {"age": 65}).says


def test_a_form_is_bounded_and_says_why_an_input_is_held() -> None:
    threat = (
        ThreatModel.draft(rows())
        .edit("age", direction="up", high=80)
        .hold("sex")
        .edit("income", low=-5, high=5)
    )
    made = Records.prepare(credit(threat=threat))
    income, age, job, sex = made.inputs(0)
    x = made.subject.test.X.iloc[0]
    assert (income.low, income.high, income.own, income.held, income.menu) == (-5, 5, x["income"], "", False)
    assert (age.low, age.high, age.step) == (x["age"], 80, 1)
    assert [value for _, value in job.options] == ["clerk", "cook", "smith"]
    assert sex.held == "the threat model holds it"
    drafted = Records.prepare(credit()).inputs(0)[3]
    assert drafted.held == "a sensitive feature"


def test_one_hot_inputs_change_together_and_missing_values_stay() -> None:
    rng = np.random.default_rng(5)
    at = rng.integers(0, 3, 80)
    X = pd.DataFrame(
        {"x": rng.normal(size=80), "kind_a": at == 0, "kind_b": at == 1, "kind_c": at == 2}
    ).astype({f"kind_{one}": int for one in "abc"})
    X.loc[4, "x"] = np.nan

    def model(frame: pd.DataFrame) -> np.ndarray:
        p = np.where(frame["kind_b"] == 1, 0.9, 0.2) + 0.05 * (frame["x"].fillna(0) > 0)
        return np.c_[1 - p, p]

    made = Records.prepare(ak.Subject("hot", model, test=ak.Dataset(X, at == 1)))
    x, kind = made.inputs(4)
    assert x.own is None
    assert kind.columns == ("kind_a", "kind_b", "kind_c")
    assert sorted(word for word, _ in kind.options) == ["kind_a", "kind_b", "kind_c"]
    to_b = dict(kind.options)["kind_b"]
    answer = made.at(int(np.flatnonzero(at == 0)[0]), {kind.name: to_b})
    assert answer.tables["changed"].frame()["input"].tolist() == ["kind_a", "kind_b"]
    assert "flips" in answer.says
    assert "x missing → 1" in made.at(4, {"x": 1.0}).says


def test_contributions_stay_about_the_answer_as_it_was() -> None:
    rng = np.random.default_rng(2)
    X = pd.DataFrame(rng.normal(size=(150, 3)), columns=list("abc"))
    y = X.to_numpy().argmax(axis=1)
    model = RandomForestClassifier(20, random_state=0).fit(X, y)
    made = Records.prepare(ak.Subject("three", model, test=ak.Dataset(X, y)))
    row = int(np.flatnonzero(y == 0)[0])
    proba = model.predict_proba(X.iloc[[row]].assign(b=3.0))[0]
    answer = made.at(row, {"b": 3.0})
    assert parts(made.at(row))["output"] == pytest.approx(model.predict_proba(X.iloc[[row]])[0, 0])
    assert parts(answer)["output"] == pytest.approx(proba[0])
    assert "flips" in answer.says
    assert proba.argmax() != 0


def test_ways_are_allowed_different_and_hold(records: Records) -> None:
    row = int(records.order("most borderline")[0])
    ways = records.ways(row)
    assert len(ways.ways) >= 2
    assert len({frozenset(way.changes) for way in ways.ways}) >= 2
    for way in ways.ways:
        answer = records.at(row, way.changes)
        assert "flips" in answer.says
        assert "does not allow" not in answer.says
        assert "sex" not in way.changes
        shown = (
            answer.tables["answer"]
            .frame()
            .set_index("what")
            .loc[f"probability of {ways.wanted[1:-1]}", "now"]
        )
        assert shown == f"{way.output:.3f}"
    told = ways.answer()
    assert told.says.startswith("Under drafted rules that nobody has checked")
    assert told.tables["ways"].frame()["way"].max() == len(ways.ways)
    assert [way.output for way in records.ways(row).ways] == [way.output for way in ways.ways]


def test_the_least_way_by_hand() -> None:
    X = pd.DataFrame({"income": np.linspace(-2, 2, 81).round(2), "debt": np.tile([0.0, 1, 2], 27)})

    def grants(frame: pd.DataFrame) -> np.ndarray:
        return (frame["income"].to_numpy() >= 0.5).astype(int)

    threat = ThreatModel.draft(X, units="raw").edit("income", step=0.05, low=-2)
    made = Records.prepare(ak.Subject("s", grants, test=ak.Dataset(X, grants(X)), threat=threat))
    ways = made.ways(20)  # income -1.0: half a unit and one are missing
    assert ways.ways[0].changes == {"income": pytest.approx(0.5)}
    assert ways.ways[0].cost == pytest.approx(1.5)
    assert ways.drafted == ""
    assert np.isnan(ways.ways[0].output)
    assert made.ways(80, wanted="0").ways[0].changes["income"] == pytest.approx(0.45)
    with pytest.raises(NotApplicable, match="already"):
        made.ways(80, wanted="1")
    held = Records.prepare(
        ak.Subject("s", grants, test=ak.Dataset(X, grants(X)), threat=threat.hold("income"))
    )
    none = held.ways(20)
    assert none.ways == ()
    assert none.answer().says.startswith("No allowed change was found that gets '1'")


def test_a_regression_wants_the_other_side_of_its_middle() -> None:
    X = pd.DataFrame({"x": np.linspace(0, 10, 101), "z": np.tile([0.0, 1.0], 51)[:101]})
    model = ak.Subject(
        "r",
        lambda frame: 2.0 * frame["x"].to_numpy() + 1,
        test=ak.Dataset(X, 2 * X["x"] + 1),
        task="regression",
    )
    made = Records.prepare(model)
    assert made.orders == ("row number",)
    low, high = made.ways(0), made.ways(100)
    assert (low.wanted, high.wanted) == ("at least 11", "at most 11")
    assert low.ways[0].output >= 11 >= high.ways[0].output
    assert made.ways(0, at_least=15).ways[0].changes["x"] >= 7
    assert made.at(0, {"x": 2.0}).tables["answer"].frame()["now"].tolist() == ["5.000"]


def test_without_values_nothing_of_the_record_is_told(records: Records) -> None:
    row = int(records.order("most borderline")[0])
    way = records.ways(row)
    x = records.subject.test.X.iloc[row]
    changes = next(one.changes for one in way.ways)
    answer = records.at(row, {**changes, "age": 71}, values=False).beside(way.answer(values=False))
    text = json.dumps(answer.to_dict())
    for secret in (f"= {x['job']}", f"{x['income']:.3f}", f" {x['age']} ", "→", '"71"', f"row {row}"):
        assert secret not in text
    assert records.name(row) in text
    assert records.subject.test.record_ids(np.array([row]))[0] == records.name(row)
    assert "age" in answer.at["changed"]
    assert f"age = {x['age']}" in json.dumps(records.at(row).to_dict())


def test_a_model_that_is_asked_is_explained_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditkit.explore.record._LIVE", -1.0)
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(60, 4)), columns=list("abcd"))
    weight = np.array([0.05, -0.08, 0.02, 0.0])

    def model(frame: pd.DataFrame) -> np.ndarray:
        p = 0.5 + frame.to_numpy() @ weight
        return np.c_[1 - p, p]

    made = Records.prepare(ak.Subject("asked", model, test=ak.Dataset(X, X["a"] > X["b"])))
    assert not made.live
    assert "why" not in made.at(3).tables
    made.explain(3, {"b": 1.0})
    answer = made.at(3, {"b": 1.0})
    mean = made.background.mean().to_numpy()
    x = X.iloc[3].to_numpy() * [1, 0, 1, 1] + [0, 1, 0, 0]
    # additive: weight times distance from the mean, whatever else is known
    assert [parts(answer)[c] for c in "abcd"] == pytest.approx(weight * (x - mean), abs=1e-9)
    assert "parts" in answer.tables


def test_an_exact_explainer_that_is_slow_is_on_demand_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditkit.explore.record._LIVE_EXACT", -1.0)
    made = Records.prepare(credit())
    assert made.ready is not None
    assert not made.live
    assert "why" not in made.at(0).tables
    assert "why" in made.at(0, explained=True).tables


def test_a_slow_model_is_said_to_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    X = pd.DataFrame({"x": np.arange(20.0)})

    def model(frame: pd.DataFrame) -> np.ndarray:
        time.sleep(0.12)
        return (frame["x"].to_numpy() > 9).astype(int)

    made = Records.prepare(ak.Subject("slow", model, test=ak.Dataset(X, X["x"] > 9)))
    # a busy machine may need longer than the model sleeps
    assert re.match(r"The model takes about \d[\d.]* s for one row", made.slow)
    monkeypatch.setattr("auditkit.explore.record.SLOW", 60)
    assert Records.prepare(credit()).slow == ""


def test_what_does_not_exist_is_said(records: Records) -> None:
    with pytest.raises(InputError, match="Did you mean 'income'"):
        records.at(0, {"incme": 1})
    with pytest.raises(InputError, match="Did you mean 'clerk'"):
        records.at(0, {"job": "clerc"})
    with pytest.raises(InputError, match="takes a number"):
        records.at(0, {"age": "old"})
    with pytest.raises(InputError, match="numbered from 0 to 59"):
        records.at(60)
    with pytest.raises(InputError, match="no order"):
        records.order("by name")  # type: ignore[arg-type]
    recorded = ak.Subject(
        "p",
        from_predictions(labels=[0, 1], classes=[0, 1]),
        test=ak.Dataset(pd.DataFrame({"x": [1, 2]}), [0, 1]),
    )
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        Records.prepare(recorded)


def test_training_rows_have_names_of_their_own(records: Records) -> None:
    assert records.splits == ("test", "train")
    train = records.subject.train
    assert train is not None
    assert records.name(5, "train") == train.record_ids(np.array([5]))[0]
    assert records.at(5, split="train").about.endswith("of the training rows")
    two = np.abs(np.diff(records.subject.proba("train"), axis=1))[:, 0]
    assert two[records.order("most borderline", "train")].tolist() == sorted(two.tolist())


@pytest.mark.parametrize(
    ("model", "word", "unit"),
    [
        (DecisionTreeClassifier(max_depth=3, random_state=0), "probability", "Unit: probability of '0'."),
        (LogisticRegression(max_iter=1000), "log odds", "more doubles the odds of '0'"),
    ],
)
def test_the_class_a_waterfall_is_about_is_named_wherever_its_unit_is(
    model: Any, word: str, unit: str
) -> None:
    answer = Records.prepare(credit(model, positive=0)).at(7, {"income": 1.5}, explained=True)
    why, parts_ = answer.tables["why"], answer.tables["parts"]
    assert why.labels["value"].startswith(f"{word} of '0'")
    assert why.summary.startswith(f"{word.capitalize()} of '0': from ")
    assert parts_.labels["value"] == f"{word} of '0'"
    assert unit in answer.says


def test_of_several_classes_the_one_that_is_shown_is_named() -> None:
    X = rows()[["income", "age"]]
    y = np.digitize(X["income"], [-0.5, 0.5])
    made = RandomForestClassifier(10, max_depth=3, random_state=0).fit(X, y)
    records = Records.prepare(ak.Subject("t", made, test=ak.Dataset(X, y)))
    for row in (int(np.argmin(X["income"])), int(np.argmax(X["income"]))):
        answer, label = records.at(row, explained=True), made.predict(X.iloc[[row]])[0]
        assert answer.tables["why"].labels["value"] == f"probability of '{label}'"
        assert f"Unit: probability of '{label}'." in answer.says
