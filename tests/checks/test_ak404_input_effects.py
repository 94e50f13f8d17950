"""AK404: how the output changes with each input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import partial_dependence as by_sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from auditkit import Audit, Dataset, Subject
from auditkit.checks.explainability import input_effects
from auditkit.data import make_credit, make_multiclass, make_regression
from auditkit.errors import InputError


def run(subject, seed=0, **params):
    return input_effects(subject, rng=np.random.default_rng(seed), **params)


def made(formula, n=500, seed=0, r=0.0):
    """Return a regression by formula of standard normal inputs; x1 goes with x0 at r."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["x0", "x1", "x2"])
    X["x1"] = r * X["x0"] + np.sqrt(1 - r**2) * X["x1"]
    model = lambda f: formula(f["x0"].to_numpy(), f["x1"].to_numpy(), f["x2"].to_numpy())  # noqa: E731
    return Subject("f", model, Dataset(X, model(X) + rng.normal(size=n) / 10), task="regression")


def series(table, name):
    at = [i for i, s in enumerate(table.columns["series"]) if s == name]
    return {key: np.array([values[i] for i in at]) for key, values in table.columns.items()}


def test_a_linear_model_gives_its_slopes_exactly():
    subject = make_regression(n_train=300, n_test=300)
    found = run(subject, scale="probability")
    coefficients = subject.model.inner.estimator.coef_
    spread = subject.asks(subject.test.X).std()
    for j, name in enumerate(["x0", "x1"]):
        edges = series(found.tables[f"curve_{j + 1}"], "ALE")["x"]
        m = found.measurement("effect_range", name)
        assert m.value == pytest.approx(abs(coefficients[j]) * np.ptp(edges) / spread)
        assert m.interval.high - m.interval.low < 1e-9
        assert found.measurement("effect_heterogeneity", name).value == 0
        assert found.measurement("opposite_effect_share", name).value == 0


def test_an_effect_that_the_average_hides_is_said():
    found = run(made(lambda a, b, c: 2 * a * b + c))
    m = found.measurement("effect_heterogeneity", "x0")
    assert m.interval.low > 0.8
    assert found.measurement("opposite_effect_share", "x0").value == pytest.approx(0.5, abs=0.2)
    assert found.measurement("effect_range", "x0").interval.low < 0.3
    assert "against the average curve of x" in found.says
    assert found.tables["opposite"].columns["label"][0] in ("x0", "x1")


def test_a_model_that_adds_up_hides_nothing_in_any_draw():
    for seed in range(20):
        found = run(made(lambda a, b, c: np.sin(a) + b**2 - c, seed=seed, n=120, r=0.8), rows=100)
        assert "against" not in found.says
        assert {m.value for m in found.measurements if m.metric != "effect_range"} == {0}


def test_an_input_the_model_does_not_read_has_no_effect():
    found = run(made(lambda a, b, c: a))
    m = found.measurement("effect_range", "x2")
    assert (m.value, m.interval.low, m.interval.high) == (0, 0, 0)
    assert "curve_2" not in found.tables


def test_where_inputs_go_together_ale_and_pdp_part():
    found = run(made(lambda a, b, c: a * b + c, r=0.9))
    table = found.tables["averages"].columns
    gap = dict(zip(table["input"], table["largest gap"], strict=True))
    assert gap["x0"] > 0.3
    assert gap["x2"] < 0.05
    assert "x0" in found.tables["averages"].summary
    ale = series(found.tables["curve_2"], "ALE")  # 0.45 x0**2: lowest in the middle
    assert ale["value"][len(ale["value"]) // 2] < ale["value"][0]


def test_the_range_covers_what_many_rows_give():
    formula = lambda a, b, c: a * (1 + b)  # noqa: E731
    hits = 0
    for seed in range(60):
        found = run(made(formula, seed=seed, n=300), bins=4, rows=300)
        x = series(found.tables["curve_1"], "ALE")["x"]
        if "x0" not in found.tables["curve_1"].title:
            x = series(found.tables["curve_2"], "ALE")["x"]
        spread = made(formula, seed=seed, n=300).asks(made(formula, seed=seed, n=300).test.X).std()
        m = found.measurement("effect_range", "x0")
        hits += m.interval.low <= np.ptp(x) / spread <= m.interval.high  # the slope in x0 is 1 on average
    assert hits >= stats.binom.ppf(0.001, 60, 0.95)


def mixed(n=300):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "kind": pd.Categorical(rng.choice(["p", "q", "r"], n), categories=["p", "q", "r", "never"]),
            "age": rng.integers(18, 80, n),
            "flag": rng.random(n) < 0.5,
            "income": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "same": 1.0,
        }
    )
    y = np.where((X["kind"] == "p") & (X["age"] > 40), "yes", "no")
    coder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["kind"]), remainder="passthrough"
    )
    model = make_pipeline(coder, RandomForestClassifier(20, random_state=0)).fit(X, y)
    return Subject("m", model, Dataset(X, y), positive="yes")


def test_categories_are_followed_by_partial_dependence_as_sklearn_has_it():
    subject = mixed()
    found = run(subject, inputs=["kind", "income"])
    model, X = subject.model.inner.estimator, subject.test.X
    expected = by_sklearn(model, X, ["kind"], categorical_features=["kind"], method="brute")
    values = dict(zip(expected["grid_values"][0], expected["average"][0], strict=True))
    curve = series(found.tables["curve_1"], "PDP")
    assert found.tables["curve_1"].kind == "estimates"
    assert set(curve["label"]) == {"p", "q", "r"}
    shift = [values[x] - v for x, v in zip(curve["label"], curve["value"], strict=True)]
    assert np.ptp(shift) < 1e-12
    assert "kind" in next(n for n in found.notes if n.startswith("Categories"))
    assert any("without a value" in n and "income" in n for n in found.notes)
    assert found.measurement("effect_range", "same").reason == "it has one value only"


def test_the_curves_hold_no_row_and_the_band_is_of_quantiles():
    found = run(mixed(), inputs=["age"], bins=5)
    table = found.tables["curve_1"]
    assert set(table.columns["series"]) == {"ALE", "PDP", "middle 80% of rows"}
    assert len(table.columns["x"]) <= 3 * 6
    ages = mixed().test.X["age"]
    assert max(table.columns["x"]) <= ages.quantile(0.99, interpolation="lower")


def test_log_odds_make_a_logistic_regression_add_up():
    subject = make_credit(n_train=300, n_test=200)
    assert run(subject).measurement("effect_heterogeneity", "income").value > 0.01
    found = run(subject, scale="log odds")
    assert found.measurement("effect_heterogeneity", "income").value == pytest.approx(0, abs=1e-6)
    assert "log odds of 'repaid'" in found.notes[0]
    forest = run(mixed(), scale="log odds")  # its trees vote 0 and 1
    assert any("no log odds" in note for note in forest.notes)


def test_several_classes_have_a_curve_each():
    found = run(make_multiclass(n_train=200, n_test=200), leading=1)
    assert set(found.tables["curve_1"].columns["series"]) == {"ALE: high", "ALE: low", "ALE: medium"}


def test_a_model_that_says_one_thing_and_an_input_that_is_not_there():
    X = pd.DataFrame({"a": [1.0, 2.0] * 20})
    subject = Subject("one", lambda f: np.ones(len(f)), Dataset(X, np.arange(40.0)), task="regression")
    finding, *_ = Audit(["input_effects"]).run(subject).findings
    assert finding.status == "not_applicable"
    with pytest.raises(InputError, match="no input"):
        run(made(lambda a, b, c: a), inputs=["x9"])


def test_no_category_of_fewer_than_5_records_is_named():
    rng = np.random.default_rng(0)
    n = 100
    names = [f"person {i}" for i in range(n)]
    X = pd.DataFrame({"name": names, "town": ["p"] * 60 + ["q"] * 37 + ["rare"] * 3, "x": rng.normal(size=n)})
    first = {name: i for i, name in enumerate(names)}
    model = lambda f: f["name"].map(first) + 90 * (f["town"] == "rare") + 40 * (f["town"] == "q") + f["x"]  # noqa: E731
    subject = Subject("s", model, Dataset(X, model(X)), task="regression")
    found = run(subject)
    cells = [str(c) for t in found.tables.values() for column in t.columns.values() for c in column]
    text = " ".join([found.says, *found.notes, *(t.summary for t in found.tables.values())])
    assert not any("person" in cell or cell == "rare" for cell in cells)
    assert "person" not in text
    assert "rare" not in text
    town = next(t for t in found.tables.values() if t.title.endswith("town"))
    assert set(town.columns["label"]) == {"p", "q"}
    assert "highest at q" in town.summary
    assert found.measurement("effect_range", "name").value > 0.5  # it is measured all the same
    assert any("fewer than 5 records" in note and "name" in note and "town" in note for note in found.notes)


def test_no_number_that_few_records_have_is_shown_nor_the_extreme_of_one():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"few": rng.integers(0, 3, 60).astype(float), "many": rng.permutation(60) / 7})
    X.loc[7, "few"] = 99.0  # one person's
    subject = Subject(
        "s", lambda f: (f["few"] + f["many"]).to_numpy(), Dataset(X, X["many"]), task="regression"
    )
    found = run(subject)
    at = {t.labels["x"]: set(t.columns["x"]) for name, t in found.tables.items() if name.startswith("curve")}
    assert at["few"] == {0.0, 1.0, 2.0}
    assert X["many"].min() < min(at["many"]) < max(at["many"]) < X["many"].max()
    assert (X["many"] <= min(at["many"])).sum() >= 5
