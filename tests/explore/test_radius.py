"""Attack radius, explored: planted distances are found, a margin holds, and all that is said is what the check and counting say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import auditkit as ak
import auditkit.explore.radius as explored
from auditkit import shared
from auditkit.checks.robustness import robust_accuracy
from auditkit.data import make_brittle, make_credit, make_multiclass, make_regression
from auditkit.errors import InputError, NotApplicable
from auditkit.explore import Answer, Radius
from auditkit.predictors.predictions import from_predictions

LIGHT: dict[str, Any] = {"rows": 60, "max_calls": 20}


def halves(x: np.ndarray) -> dict[str, np.ndarray]:
    return {"half": np.where(np.abs(x) < 0.4, "near", "far")}


def edge_at_zero(x: np.ndarray, **more: Any) -> ak.Subject:
    """One number between -1 and 1 whose sign is the answer: its distance to another is what it is, in its own unit."""
    model = LogisticRegression().fit([[-1.0], [1.0]], [0, 1])
    model.coef_, model.intercept_ = np.array([[50.0]]), np.array([0.0])
    data = ak.Dataset(pd.DataFrame({"x": x}), (x > 0).astype(int), **more)
    return ak.Subject("edge", model, data, threat={"units": "raw", "radius": 0.5})


@pytest.fixture(scope="module")
def known() -> tuple[np.ndarray, Radius]:
    x = np.random.default_rng(0).uniform(-1, 1, 80)
    return x, Radius.prepare(edge_at_zero(x, sensitive_features=halves(x)), rows=80, max_calls=30)


def test_by_counting(known: tuple[np.ndarray, Radius]) -> None:
    x, made = known
    for radius in (0.0, 0.1, 0.33, 0.7, made.end):
        answer = made.at(radius)
        standing = int((np.abs(x) > radius).sum()) if radius else 80
        assert f"{standing / 80:.1%}" in answer.says
        low, high = (
            beta.ppf(0.025, standing, 81 - standing) if standing else 0,
            beta.ppf(0.975, standing + 1, 80 - standing) if standing < 80 else 1,
        )
        assert f"{low:.1%}" in answer.says
        assert f"{high:.1%}" in answer.says
        groups = answer.tables["by_group"].frame().set_index(["label", "series"])
        for label, of in (("half=near", np.abs(x) < 0.4), ("half=far", np.abs(x) >= 0.4)):
            for series in ("at most, under attack", "at least, certified"):
                row = groups.loc[label, series]
                assert row["n"] == of.sum()
                assert row["value"] == pytest.approx((np.abs(x[of]) > radius).mean(), abs=1e-12)
                assert row["low"] <= row["value"] <= row["high"]
        assert answer.tables["bracket"].reference == radius


def test_who_falls_first_stands_first(known: tuple[np.ndarray, Radius]) -> None:
    x, made = known
    falls = made.falls.frame().set_index("label")
    assert [label for label in falls.index if "half" in label] == ["half=near", "half=far"]
    near = np.sort(np.abs(x[np.abs(x) < 0.4]))
    assert falls.loc["half=near", "value"] == pytest.approx(near[(len(near) - 1) // 2], rel=1e-3)
    assert falls.loc["half=near", "low"] < falls.loc["half=near", "value"] < falls.loc["half=near", "high"]
    said = made.at(0.2).says
    fallen = (np.abs(x[np.abs(x) < 0.4]) <= 0.2).mean()
    assert f"most have fallen for half=near ({fallen:.1%}), and fewest for half=far (0.0%)" in said


def test_a_record_is_turned_where_it_lies(known: tuple[np.ndarray, Radius]) -> None:
    x, made = known
    subject = edge_at_zero(x, sensitive_features=halves(x))
    ids = dict(zip(subject.test.record_ids(np.arange(80)), x, strict=True))
    assert len(made.ways) == 40
    for record, way in list(made.ways.items())[::8]:
        value = ids[record]
        assert way.distance == pytest.approx(abs(value), rel=1e-3)
        before, after = made.at(way.distance * 0.99, record), made.at(way.distance, record)
        truth, other = str(int(value > 0)), str(int(value <= 0))
        assert f"is answered {truth} after" in before.says
        assert f"is answered {other} after" in after.says
        values = after.tables["values"].frame().iloc[0]
        assert values["input"] == "x"
        assert float(values["before"]) == pytest.approx(value, rel=1e-4)
        assert values["here"] == values["end"]
        half = made.at(way.distance / 2, record).tables["values"].frame().iloc[0]
        assert float(half["here"]) == pytest.approx(value / 2, rel=2e-2)
        assert half["size"] == pytest.approx(abs(value) / 2, rel=2e-2)
        curve = before.tables["record"].frame()
        true = curve[curve["series"] == f"class {truth}"]
        assert (np.diff(true["value"]) <= 0).all(), "the probability falls along the way"
        assert true["value"].iloc[0] == pytest.approx(1 / (1 + np.exp(-50 * abs(value))), abs=1e-6)


def test_nobody_falls_below_a_margin_and_everybody_beyond_twice_it() -> None:
    """The guilty twin: balance alone may move, every record falls between the margin and twice the margin."""
    planted = make_brittle(margin=0.01, n=200)
    made = Radius.prepare(planted.subject, immutable=["limit", "noise"], rows=200, max_calls=60)
    unit = planted.subject.threat_model().features[0].unit
    assert made.at(0.0099 / unit).says.startswith("Within")
    assert "at most 100.0% of 200" in made.at(0.0099 / unit).says
    X = planted.subject.test.X
    gap = np.abs(X["balance"] - X["limit"]).to_numpy()
    stuck = ~X["limit"].between(X["balance"].min(), X["balance"].max()).to_numpy()
    half = 0.015 / unit
    standing = made.everybody.standing(half) / 200
    assert standing == pytest.approx(((gap > 0.015) | stuck).mean(), abs=0.03)
    assert made.everybody.standing(made.end) == stuck.sum()
    assert made.end == pytest.approx(1.25 * 0.02 / unit, rel=0.05), (
        "the dial ends a little beyond the last fall"
    )
    assert "Nothing is certified" in made.at(half).does_not_say


def test_a_model_with_a_margin_is_certified_up_to_it_and_nothing_flips_below() -> None:
    """The innocent twin."""
    planted = make_brittle(margin=0.25, n=120)
    linear = LogisticRegression().fit(planted.subject.test.X, planted.subject.test.y)
    linear.coef_, linear.intercept_ = np.array([[1e3, -1e3, 0.0]]), np.array([0.0])
    subject = ak.Subject("robust", linear, planted.subject.test)
    unit = subject.threat_model().features[0].unit
    made = Radius.prepare(subject, immutable=["limit", "noise"], radius=0.24 / unit, rows=120, max_calls=30)
    assert made.certified
    for share in (0.1, 0.5, 0.99):
        answer = made.at(share * 0.25 / unit)
        assert "at least 100.0%, certified, and at most 100.0% of 120" in answer.says
    assert made.least >= 0.25 / unit * (1 - 1e-6)


@pytest.mark.parametrize(
    "options", [{"radius": 0.3}, {"radius": 2.0, "norm": "l0"}, {"radius": 0.2, "norm": "linf"}]
)
def test_the_bracket_is_that_of_the_check(options: dict[str, Any]) -> None:
    """AK304 under the same seed: the searches run once, and where both say something of a radius they say the same."""
    data = make_multiclass(n_train=160, n_test=60)
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(data.train.X, data.train.y)
    subject = ak.Subject("tree", tree, data.test, data.train)
    with shared.within(3):
        made = Radius.prepare(subject, **LIGHT, **options)
        calls = subject.model.cost()["model_calls"]
        rng = shared.generator_of("AK304", np.random.default_rng(0))
        memory = len(subject.memory)
        evidence = robust_accuracy(subject, rng=rng, samples=0, **LIGHT, **options)
    assert len(subject.memory) == memory, "made once"
    assert calls > 0
    assert made.nearer == 0, "trees are settled: nothing is nearer than the nearest"
    for row in evidence.tables["bracket"].frame().itertuples():
        if row.x <= made.end:
            part = made.everybody
            assert part.standing(row.x) / part.n == row.attacked
            assert part.certain(row.x) / part.n == row.certified


def test_what_falls_sooner_on_the_way_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that finds a far change only: the model turns on the way to it, and the record counts from there."""
    x = np.full(40, -0.5)
    x[::2] = 0.5
    subject = edge_at_zero(x)
    real = explored.bounded

    def far(*given: Any, **options: Any) -> Any:
        found = real(*given, **options)
        changed = np.where(found.case.X > 0, -0.5, 0.5)
        nothing = {"lower": np.full(40, np.nan), "why_not": "it is not read here"}
        return replace(found, changed=changed, nearest=np.full(40, 1.0), **nothing)

    monkeypatch.setattr(explored, "bounded", far)
    made = Radius.prepare(subject, rows=40, max_calls=20)
    assert made.nearer == 40
    assert 0.5 <= made.least <= 0.55
    assert "40 of 40 records were turned sooner" in made.at(0.1).does_not_say


def test_pictures_morph() -> None:
    digits = pytest.importorskip("sklearn.datasets").load_digits()
    X, y = digits.data, digits.target
    model = LogisticRegression(max_iter=200).fit(X[:800], y[:800])
    subject = ak.Subject("digits", model, ak.Dataset(X[800:1100], y[800:1100]))
    made = Radius.prepare(subject, norm="linf", radius=1.0, rows=40, max_calls=20, records=5)
    assert len(made.ways) == 5
    record, way = next(iter(made.ways.items()))
    row = subject.test.record_ids(np.arange(300)).index(record)
    table = made.at(way.distance, record).tables["record"]
    assert table.kind == "images"
    pixels = table.frame()
    panels = dict(list(pixels.groupby("panel", sort=False)["value"]))
    before, after, difference = (np.array(one) for one in panels.values())
    np.testing.assert_array_equal(before, X[800 + row])
    np.testing.assert_array_equal(difference, after - before)
    assert table.reference == np.abs(difference).max()
    assert str(model.predict(after[None])[0]) == way.answers[-1] != way.truth
    untouched = made.at(0.0, record).tables["record"].frame()
    assert (untouched[untouched["panel"] == "difference"]["value"] == 0).all()
    scale = subject.threat_model().space.scale
    assert (np.abs(difference) / scale).max() == pytest.approx(way.distance)


def test_words_and_columns_of_a_table() -> None:
    subject = make_credit(n_train=160, n_test=60)
    made = Radius.prepare(subject, norm="l0", radius=2, **LIGHT)
    assert made.unit == "columns (l0)"
    turned = [way for way in made.ways.values() if way.turned]
    assert turned
    for way in turned[:5]:
        one = made.at(min(way.distance, made.end), way.record)
        frame = one.tables["values"].frame()
        assert len(frame) <= way.distance
        assert (frame["before"] != frame["end"]).all()
        assert set(frame["input"]) <= set(map(str, subject.test.X.columns))
        held = {c for f in made.threat.features if not f.mutable for c in f.columns}
        assert not held & set(frame["input"])
    again = Answer.from_dict(one.to_dict())
    assert again.says == one.says
    assert "threat model" in one.tables["allowed"].summary


def test_no_record_is_shown_unless_asked_for(known: tuple[np.ndarray, Radius]) -> None:
    _, made = known
    answer = made.at(0.2)
    assert set(answer.tables) == {"bracket", "by_group", "falls", "allowed"}
    assert not any(record in str(answer.to_dict()) for record in made.ways)


def test_what_cannot_be_asked(known: tuple[np.ndarray, Radius]) -> None:
    x, made = known
    with pytest.raises(InputError, match="radius is from 0 to"):
        made.at(made.end * 2)
    with pytest.raises(InputError, match="no record 'nobody'"):
        made.at(0.1, "nobody")
    with pytest.raises(InputError, match="rows and max_calls of at least 10"):
        Radius.prepare(edge_at_zero(x), rows=1)
    with pytest.raises(NotApplicable, match="regression"):
        Radius.prepare(make_regression(n_train=50, n_test=50))
    predicted = ak.Subject(
        "p", from_predictions(labels=(x > 0).astype(int), classes=[0, 1]), edge_at_zero(x).test
    )
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        Radius.prepare(predicted)
